"""Texts are shown without what opens doors, and with everything else."""

from __future__ import annotations

import json
import time

import pytest

from support.commands import RUNNER
from watchspan.cli.app import app
from watchspan.errors import WatchspanError
from watchspan.masking import masked

SECRET = "s3cr3t/Pa55+word=="


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ann:pass@host/a", "https://***@host/a"),
        ("https://key@host/a", "https://***@host/a"),
        ("s3://id:p/a@s:s@box/rows.parquet", "s3://***@box/rows.parquet"),
        ("at 'https://host/a?sv=1&sig=x', again", "at 'https://host/a?***', again"),
        ("https://host/a#token", "https://host/a#***"),
        ("https://films/box;key==", "https://films/box;***"),
        ("ann:pass@host is no address", "***@host is no address"),
        ("AccountName=films;AccountKey=abc==;x=1", "AccountName=films;AccountKey=***;x=1"),
        ("AWS_SECRET_ACCESS_KEY=abc", "AWS_SECRET_ACCESS_KEY=***"),
        ('{"client_secret": "abc", "id": "1"}', '{"client_secret": "***", "id": "1"}'),
        ("sig=abc%3D&se=2026", "sig=***&se=2026"),
        ("Authorization: Bearer abc.def-_~+/==", "Authorization: Bearer ***"),
        ("eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl was refused", "*** was refused"),
    ],
)
def test_what_opens_doors(text, shown):
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://host:8080/a/b.parquet",
        "abfss://box@films.dfs.core.windows.net/rows",
        "column userId=uid is 12:30, or 3@4",
        "events/*.parquet?",
        "resume='run,2026-01-15T10:00:00.000000Z,5,abc'",
        "Unexpected token: ')'",
    ],
)
def test_what_stays(text):
    assert masked(text) == text


@pytest.mark.parametrize("piece", ["a", "a:", "a@", "://", "eyJ", "sig=", "a.", "https://a", "'", "x:y@"])
def test_long_texts_take_little_time(piece):
    started = time.perf_counter()
    masked(piece * (400_000 // len(piece)))
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"timeout": SECRET}, "s3://box/rows"),
        ({"max_retries": SECRET}, "s3://box/rows"),
        ({"allow_http": SECRET}, "s3://box/rows"),
        ({"conditional_put": SECRET}, "s3://box/rows"),
        ({"google_service_account": SECRET}, "gs://box/rows"),
        ({"azure_storage_account_name": "a", "azure_storage_account_key": SECRET}, "az://box/rows"),
        (
            {"AWS_ENDPOINT_URL": f"http://ann:{SECRET}@127.0.0.1:1", "AWS_ACCESS_KEY_ID": "id",
             "AWS_SECRET_ACCESS_KEY": "key", "AWS_REGION": "r", "allow_http": "true", "retry_timeout": "1s"},
            "s3://box/rows",
        ),
        ({"azure_storage_account_name": "a"}, f"az://ann:{SECRET}@box/rows?sig={SECRET}"),
    ],
)  # fmt: skip
def test_options_of_a_storage(options, where, tmp_path):
    """Real errors of the library that reaches the storage, of which some hold the value as it is."""
    delta = pytest.importorskip("watchspan.delta", reason="deltalake needs Python 3.10")
    for call in (
        lambda: delta.update(where, where, storage_options=options),
        lambda: delta.rescore(where, storage_options=options),
        lambda: delta.delete_user(where, "ann", storage_options=options),
    ):
        with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is another test's business
            call()
        assert "s3cr3t" not in str(raised.value)
    given = [word for name, value in options.items() for word in ("--storage", f"{name}={value}")]
    done = RUNNER.invoke(app, ["rescore", where, *given])
    assert done.exit_code != 0
    assert "s3cr3t" not in done.output + done.stderr + str(done.exception)


def test_what_a_message_says_without_the_option():
    delta = pytest.importorskip("watchspan.delta", reason="deltalake needs Python 3.10")
    with pytest.raises(WatchspanError, match=r'failed to parse "\*\*\*" as Duration') as raised:
        delta.rescore("s3://box/rows", storage_options={"timeout": SECRET})
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    "given", [SECRET, "s3cr3t", "=s3cr3t", "s3cr3t=", "s3cr3t==", "two words=s3cr3t", "a+s3cr3t/=="]
)
def test_a_key_without_a_name(given):
    done = RUNNER.invoke(app, ["rescore", "rows", "--storage", "region=r", "--storage", given])
    assert done.exit_code == 2
    assert "--storage number 2 may be secret and is not shown, but NAME=VALUE is needed" in done.stderr
    assert "s3cr3t" not in done.output + done.stderr


def test_values_with_quotes_are_found_as_others_write_them():
    from watchspan.masking import keeps_options_secret

    key = 'a "quoted"\nkey/with+signs'

    @keeps_options_secret
    def refuse(*, storage_options):
        raise OSError(f"cannot parse {json.dumps(key)}, https://x/y and a%20%22quoted%22%0Akey/with%2Bsigns")

    with pytest.raises(WatchspanError, match=r'^cannot parse "\*\*\*", https://x/y and \*\*\*$'):
        refuse(storage_options={"key": key})
