"""The package as a guest in other programs: what it imports, warns of, documents, and how it lets go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pyarrow as pa
import pytest

import watchspan as ws
from watchspan import _core


def run(code: str, *, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **(environment or {})},
    )  # fmt: skip


def test_the_import_is_light() -> None:
    heavy = [
        "pandas",
        "polars",
        "pyspark",
        "deltalake",
        "click",
        "rich",
        "azure",
        "altair",
        "vl_convert",
        "sklearn",
        "scipy",
        "pyarrow.dataset",
    ]
    done = run(f"""
        import sys
        import watchspan
        print([name for name in {heavy} if name in sys.modules])
    """)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_debug_build_says_so() -> None:
    done = run("""
        import warnings
        from unittest import mock
        import watchspan
        watchspan._core.debug_build = True
        import importlib
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            importlib.reload(watchspan)
        print([(w.category.__name__, "--release" in str(w.message)) for w in caught])
    """)
    assert done.stdout.strip() == "[('RuntimeWarning', True)]", done.stderr


def test_public_names_are_documented() -> None:
    names = set(ws.__all__) - {"__version__", "errors"}
    assert len(names) >= 11
    for name in names:
        doc = getattr(ws, name).__doc__
        assert ">>>" in doc, f"{name} has no example"


SETUP = """
    import sys
    import pyarrow as pa
    import watchspan as ws

    def batch(rows, users=1000):
        numbers = pa.array(range(rows))
        table = pa.table({
            "timestamp": pa.array(range(0, rows * 1_000_000, 1_000_000), pa.timestamp("us", "UTC")),
            "userId": pa.array([i * 7919 % users for i in range(rows)]),
            "videoId": pa.array(["v"] * rows).dictionary_encode(),
            "sessionId": pa.array([i // 5000 for i in range(rows)]),
            "eventName": pa.array(["play", "pause"] * (rows // 2)).dictionary_encode(),
            "currentTime": pa.array([float(i % 100) for i in range(rows)]),
        })
        return table.to_batches()[0]
"""
ENDLESS = """
    def endless(one):
        print("ready", flush=True)
        while True:
            yield one

    {call}(endless(batch(1000)){keys})
"""
IN_CORE = """
    table = pa.Table.from_batches([batch(500_000)] * 12)
    print("ready", flush=True)
    while True:
        {call}(table{keys}, threads=1)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a whole group of processes")
@pytest.mark.parametrize("work", [ENDLESS, IN_CORE], ids=["reading", "computing"])
@pytest.mark.parametrize(("call", "keys"), [("ws.aggregate", ""), ("ws.explain", ", 7, 'v'")])
def test_ctrl_c_stops_a_long_run(work: str, call: str, keys: str) -> None:
    code = textwrap.dedent(SETUP) + textwrap.dedent(work.format(call=call, keys=keys))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.7)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
        seconds = time.monotonic() - sent
    assert b"KeyboardInterrupt" in errors
    assert b"panic" not in errors
    assert seconds < 5, f"stopped after {seconds:.1f} s"


def test_other_threads_run_while_events_are_explained() -> None:
    rows = 300_000
    batch = pa.RecordBatch.from_pydict(
        {
            "timestamp": pa.array(range(0, rows * 1_000_000, 1_000_000), pa.timestamp("us", "UTC")),
            "userId": pa.array(["ann"] * rows),
            "videoId": pa.array(["v"] * rows),
            "sessionId": pa.array([number // 5000 for number in range(rows)]),
            "eventName": pa.array(["play", "pause"] * (rows // 2)),
            "currentTime": pa.array([float(number % 100) for number in range(rows)]),
        }
    )
    seen, is_over = [], threading.Event()

    def look() -> None:
        while not is_over.wait(0.001):
            seen.append(time.monotonic())

    thread = threading.Thread(target=look)
    thread.start()
    started = time.monotonic()
    try:
        _core.explain([batch], None, None, ws.Rules(), "ann", "v", None)
    finally:
        ended = time.monotonic()
        is_over.set()
        thread.join()
    # Next to none if one call into the core holds the GIL from beginning to end.
    looks = sum(started < moment < ended for moment in seen)
    assert looks > 20, f"{looks} looks in {ended - started:.2f} s"
