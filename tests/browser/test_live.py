"""The live page in a browser: it follows each update, tells exactly what is kept, and obeys nobody.

Screenshots of each run are kept in target/live.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import socket
import threading
from pathlib import Path
from urllib.parse import urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError as NotYet
from playwright.sync_api import expect

import watchspan as ws
from support.live_tables import HOSTILE, Tables, events, served
from watchspan.text import visible

KEPT = Path(__file__).resolve().parents[2] / "target" / "live"
TITLES = [visible(title) for title in HOSTILE.values()] + ["v5"]
LAST = "Made by watchspan"
CHARTS = "[data-testid=stVegaLiteChart] svg"


class Opened:
    """A page, and all that it asked for and complained of."""

    def __init__(self, browser, address, *, ground="light", width=1280, query=""):
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=ground, accept_downloads=True
        )
        self.page, self.address = self.context.new_page(), address
        self.page.set_default_timeout(60_000)
        self.asked, self.wrong = [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.goto(address + query)
        self.wait_for(LAST)

    def wait_for(self, text):
        self.page.get_by_text(text).first.wait_for()

    def settled(self):
        """Waits until everything of this run of the page is drawn."""
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        self.page.wait_for_function("document.querySelectorAll('[data-stale=true]').length === 0")

    def cells(self, count):
        """The table of so many videos as those get it who do not see it: title -> the other cells."""
        rows = self.page.locator("[data-testid=stDataFrame] table tbody tr")
        expect(rows).to_have_count(count, timeout=60_000)  # it is drawn after all else
        told = [row.locator("[role=gridcell]").all_inner_texts() for row in rows.all()]
        return {cells[0]: cells[1:] for cells in told}

    def open_choices(self):
        """Opens the list of videos, which a run of the page closes again."""
        choices = self.page.locator("[role=option]").first
        for _ in range(10):
            self.page.locator("[data-testid=stSelectbox] input").press("ArrowDown")
            try:
                choices.wait_for(timeout=3_000)
            except NotYet:
                continue
            return
        choices.wait_for()

    def metrics(self):
        found = self.page.locator("[data-testid=stMetric]").all()[:7]
        return dict(filter(None, metric.inner_text().split("\n")) for metric in found)

    def picture(self, name):
        self.settled()
        height = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        width = self.page.viewport_size["width"]
        self.page.set_viewport_size({"width": width, "height": height + 40})
        self.page.locator(CHARTS).last.wait_for()
        self.page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
        KEPT.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=KEPT / f"{name}.png", full_page=True)

    def end(self):
        host = urlparse(self.address).netloc
        others = [url for url in self.asked if not url.startswith(("data:", "blob:"))]
        assert others and {urlparse(url).netloc for url in others} == {host}
        assert self.wrong == []
        self.context.close()


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    found = Tables(tmp_path_factory.mktemp("live"))
    found.arrive(events(9, 40))
    found.update()
    return found


@pytest.fixture(scope="module")
def address(tables):
    with served(tables.table) as found:
        yield found


def assert_exact(opened, rows):
    """The figures of the page are those of the totals, to the last digit."""
    totals = ws.video_totals(rows).to_pylist()
    shown = opened.cells(len(totals))
    names = (
        "viewers", "watchHours", "completionRate", "coverage", "averageScore", "rewatchedShare",
        "flaggedShare",
    )  # fmt: skip
    assert len(shown) == len(totals) > 0
    for row in totals:
        told = shown[visible(row["videoTitle"] or row["videoId"])]
        assert [float(cell) for cell in told] == [row[name] for name in names]
    metrics = opened.metrics()
    assert metrics["Sessions"] == f"{sum(row['sessions'] for row in totals):,}"
    assert metrics["Hours watched"] == f"{sum(row['watchHours'] for row in totals):,.1f}"
    assert metrics["Viewers"] == f"{ws.summarize(rows)['users']:,}"


def test_it_follows_updates_while_they_run(browser, tmp_path):
    tables = Tables(tmp_path)
    tables.arrive(events(3, 20))
    tables.update()
    with served(tables.table) as address:
        opened = Opened(browser, address)
        opened.wait_for(f"Version {tables.version()} of the table")
        opened.settled()
        assert_exact(opened, tables.rows())
        before, versions = tables.rows(), []

        def updating():
            for day in range(3, 9):
                tables.arrive(events(1, 20 + day, first=day))
                tables.update()
                versions.append(tables.version())

        writer = threading.Thread(target=updating)
        writer.start()
        # Each of them is a state that the tables had: none is a mixture.
        while writer.is_alive():
            opened.page.wait_for_timeout(50)
        writer.join()
        assert len(versions) == 6
        opened.wait_for(f"Version {tables.version()} of the table")
        opened.settled()
        opened.page.wait_for_function(
            "text => document.querySelector('[data-testid=stMetric]').innerText.includes(text)",
            arg=f"{ws.summarize(tables.rows())['users']:,}",
        )
        assert not before.equals(tables.rows())
        assert_exact(opened, tables.rows())
        full = ws.aggregate(events(3, 20), videos=None)
        assert full.num_rows < tables.rows().num_rows
        opened.end()


def test_a_table_that_goes_is_told_and_one_that_comes_back_is_shown(browser, tmp_path):
    tables = Tables(tmp_path)
    tables.arrive(events(2, 9))
    tables.update()
    with served(tables.table) as address:
        opened = Opened(browser, address)
        shutil.move(tables.table, tmp_path / "away")
        opened.wait_for("The table cannot be shown.")
        opened.wait_for("There is no Delta table at")
        assert opened.page.get_by_text("Data quality").count() == 0
        shutil.move(tmp_path / "away", tables.table)
        opened.wait_for(LAST)
        opened.settled()
        assert_exact(opened, tables.rows())
        opened.end()


def test_titles_of_others_are_text(browser, address):
    opened = Opened(browser, address)
    opened.settled()
    assert sorted(opened.cells(len(TITLES))) == sorted(TITLES)
    for video, title in zip([*HOSTILE, "v5"], TITLES):
        opened.page.goto(f"{opened.address}?video={video}")
        opened.wait_for(LAST)
        opened.settled()
        assert opened.page.locator("[data-testid=stText]").get_by_text(title, exact=True).count() == 1
        choice = opened.page.locator("[data-testid=stSelectbox] input")
        assert (
            choice.input_value() == title
            or title in opened.page.locator("[data-testid=stSelectbox]").inner_text()
        )
    opened.open_choices()
    assert opened.page.locator("[role=option]").all_inner_texts() != []
    assert set(opened.page.locator("[role=option]").all_inner_texts()) <= set(TITLES)
    assert opened.page.evaluate("window.broken") is None
    assert opened.page.locator(".katex, a[href*=evil], img[src*=evil]").count() == 0
    assert "secret-user" not in opened.page.content()
    assert opened.page.get_by_text("Deploy").count() == 0
    opened.end()


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_everybody_can_read_it(browser, address, ground):
    opened = Opened(browser, address, ground=ground)
    opened.picture(ground)
    opened.page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    found = Axe().run(opened.page).response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["nodes"][0]["html"]) for each in serious] == []
    charts = opened.page.locator("[data-testid=stVegaLiteChart]")
    assert charts.count() == 7
    assert all(charts.nth(number).get_attribute("aria-label") for number in range(7))
    inks = opened.page.locator(f"{CHARTS} .role-axis-title text").evaluate_all(
        "found => [...new Set(found.map((text) => getComputedStyle(text).fill))]"
    )
    assert inks == (["rgb(43, 43, 43)"] if ground == "light" else ["rgb(228, 228, 228)"])
    opened.end()


def test_a_narrow_window_scrolls_one_way(browser, address):
    opened = Opened(browser, address, width=400)
    opened.picture("narrow")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 400
    opened.end()


def test_a_video_is_chosen_by_keyboard_and_stays_in_the_address(browser, address, tables):
    opened = Opened(browser, address)
    opened.settled()
    opened.page.locator("[data-testid=stSelectbox] input").focus()
    opened.page.keyboard.type("v5")
    opened.page.locator("[role=option]").get_by_text("v5", exact=True).wait_for()
    opened.page.keyboard.press("Enter")
    opened.page.locator("[data-testid=stText]").get_by_text("v5", exact=True).wait_for()
    opened.page.wait_for_function("location.search === '?video=v5'")
    opened.settled()
    chart = opened.page.locator("[data-testid=stVegaLiteChart][aria-label*='viewers of v5']").first
    chart.wait_for()
    retention = [row for row in ws.retention(tables.rows()).to_pylist() if row["videoId"] == "v5"]
    assert f"{retention[0]['retention']:.0%} at first" in chart.get_attribute("aria-label")
    opened.end()


def test_what_is_downloaded_is_no_formula(browser, address, tables):
    opened = Opened(browser, address)
    opened.settled()
    with opened.page.expect_download() as waited:
        opened.page.get_by_text("Download as CSV").click()
    text = Path(waited.value.path()).read_text(encoding="utf-8-sig")
    found = {row["videoId"]: row for row in csv.DictReader(io.StringIO(text))}
    assert found["v3"]["videoTitle"] == "'" + HOSTILE["v3"]
    for row in tables.totals():
        assert float(found[row["videoId"]]["watchHours"]) == row["watchHours"]
    # Streamlit's own would not quote them, and is off.
    opened.page.locator("[data-testid=stDataFrame]").hover()
    tools = (
        "[data-testid=stElementContainer]:has([data-testid=stDataFrame]) [data-testid=stElementToolbarButton]"
    )
    opened.page.locator(tools).first.wait_for()
    assert not re.search(
        "download|csv",
        " ".join(opened.page.locator(tools).evaluate_all("found => found.map((each) => each.outerHTML)")),
        re.IGNORECASE,
    )
    opened.end()


@pytest.mark.parametrize(
    ("host", "origin", "is_let_in"),
    [("", "", True), ("", "http://evil.invalid", False), ("evil.invalid", "http://evil.invalid", False)],
)
def test_pages_of_others_are_not_let_in(address, host, origin, is_let_in):
    place = urlparse(address)
    with socket.create_connection((place.hostname, place.port), timeout=30) as opened:
        opened.sendall(
            f"GET /_stcore/stream HTTP/1.1\r\nHost: {host or place.netloc}\r\nOrigin: {origin or address}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        answer = opened.recv(200).decode(errors="replace")
    assert bool(re.match(r"HTTP/1\.1 101", answer)) == is_let_in, answer
