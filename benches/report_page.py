"""Measures the report of many videos: `python benches/report_page.py [--videos 10000] [--viewers 20]`.

Prints its size, how long it takes to write, and, in Chromium, to open, to draw another video, to search and
to order, and how much memory it takes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

import watchspan as ws

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.report_rows import pages_rows

READY = "html[data-ready=yes]"
REDRAW = """async () => {
  const times = [];
  for (let i = 0; i < 20; i++) {
    const begun = performance.now();
    await showVideo(i + 7);
    times.push(performance.now() - begun);
  }
  return times.sort((a, b) => a - b)[10];
}"""
SEARCH = """() => {
  const begun = performance.now();
  DATA.table.search("Lesson 0012").draw();
  return performance.now() - begun;
}"""
ORDER = """() => {
  DATA.table.search("").draw();
  const begun = performance.now();
  DATA.table.order([3, "desc"]).draw();
  return performance.now() - begun;
}"""


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=10_000)
    parser.add_argument("--viewers", type=int, default=20)
    options = parser.parse_args()
    sessions, rows, videos = pages_rows(options.videos, options.viewers)
    path = Path(tempfile.mkdtemp()) / "report.html"
    begun = time.perf_counter()
    ws.write_report(rows, path, sessions=sessions, videos=videos)
    print(f"{rows.num_rows:,} rows of {options.videos:,} videos")
    print(f"write    {time.perf_counter() - begun:8.1f} s")
    print(f"size     {path.stat().st_size / 1e6:8.2f} MB")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("WATCHSPAN_CHROMIUM") or None, args=["--no-sandbox"]
        )
        page = browser.new_page()
        begun = time.perf_counter()
        page.goto(path.as_uri())
        page.wait_for_selector(READY, state="attached")
        print(f"open     {time.perf_counter() - begun:8.2f} s")
        for name, code in (("redraw", REDRAW), ("search", SEARCH), ("order", ORDER)):
            print(f"{name:8} {page.evaluate(code):8.0f} ms")
        session = page.context.new_cdp_session(page)
        session.send("HeapProfiler.collectGarbage")
        print(f"heap     {session.send('Runtime.getHeapUsage')['usedSize'] / 1e6:8.0f} MB")
        browser.close()


if __name__ == "__main__":
    main()
