"""Random streams of events: the product against the second opinion, which shares nothing with it."""

import pytest

from support.random_streams import assert_second_opinion

STREAMS = 400


@pytest.mark.parametrize("seed", range(STREAMS))
def test_stream(seed):
    assert_second_opinion(seed)
