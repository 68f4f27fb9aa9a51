"""What holds for all tests: pytest shows the values in failed asserts, also of modules that tests share."""

import pytest

pytest.register_assert_rewrite("support")
