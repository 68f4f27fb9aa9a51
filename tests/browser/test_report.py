"""The report in a browser: it says what the rows say, to everybody, and obeys nobody.

Screenshots and a PDF of each run are kept in target/report.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import watchspan as ws
from support.report_rows import HOSTILE, pages_rows
from watchspan.insight.completion import wilson

KEPT = Path(__file__).resolve().parents[2] / "target" / "report"
GROUNDS = ["light", "dark"]
# A group that nobody should obey either.
NEW = "<b>new</b>"
# Conditions that Playwright evaluates again and again are text, which the page's policy does not let it run.
READY = "html[data-ready=yes]"
# What is behind an element, and the colours of all text in charts.
COLOURS = """() => [...document.querySelectorAll('.chart text')].filter((t) => t.textContent).map((text) => {
  const cell = text.closest('#chart-cohorts') && /%$/.test(text.textContent) && getComputedStyle(text).fill;
  return [getComputedStyle(text).fill, getComputedStyle(document.body).backgroundColor, Boolean(cell)];
})"""


class Opened:
    """A page, and all that it asked for and complained of."""

    def __init__(self, browser, path, *, ground="light", width=1280, hash_="", offline=True):
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=ground,
            offline=offline,
            accept_downloads=True,
        )
        self.page = self.context.new_page()
        self.requests, self.messages = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.goto(path.as_uri() + hash_)
        self.page.wait_for_selector(READY, state="attached")

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def cells(self):
        """The table of videos as it is shown: title -> the other cells."""
        rows = self.page.locator("#videos-table tbody tr").all()
        return {
            row.locator("td").nth(0).inner_text(): row.locator("td").all_inner_texts()[1:] for row in rows
        }

    def end(self):
        assert [url for url in self.requests if not url.startswith(("file:", "blob:"))] == []
        assert self.messages == []
        self.context.close()


@pytest.fixture(scope="module")
def tables():
    return pages_rows()


@pytest.fixture(scope="module")
def report(tables, tmp_path_factory):
    sessions, rows, videos = tables
    path = tmp_path_factory.mktemp("report") / "report.html"
    users = sorted(set(rows["userId"].to_pylist()))
    groups = {"userId": users, "group": ["control", NEW] * (len(users) // 2)}
    ws.write_report(rows, path, sessions=sessions, videos=videos, groups=groups, users=True, title="A month")
    KEPT.mkdir(parents=True, exist_ok=True)
    return path


def test_it_works_offline_and_asks_once(browser, report):
    opened = Opened(browser, report)
    assert len(opened.requests) == 1
    assert opened.page.title() == "A month"
    assert opened.page.locator("html").get_attribute("lang") == "en"
    for landmark in ("header", "main", "footer", "nav"):
        assert opened.page.locator(landmark).count() >= 1
    assert opened.page.locator("table:not(:has(caption))").count() == 0
    assert opened.page.locator("h1").count() == 1
    opened.end()


def test_the_first_sentence_says_which_video_where_and_how_sure(browser, report):
    opened = Opened(browser, report)
    first = opened.text("#first")
    assert HOSTILE["v1"] in first
    assert "between 1:30 and 1:45" in first
    assert re.search(r"\d+ of its 60 leave for good. That is \d+\.\d% \(\d+\.\d% to \d+\.\d%\)", first)
    assert "100.0% of 4,800 events count" in opened.text("#trust")
    assert "rows carry no flag" in opened.text("#trust")
    assert opened.text("#video-title") == HOSTILE["v1"]
    opened.end()


def test_titles_of_others_are_text(browser, report):
    opened = Opened(browser, report)
    opened.page.locator(".dt-length select").select_option("100")
    shown = opened.cells()
    for video, title in HOSTILE.items():
        assert title.replace("\u202e", "\ufffd") in shown, video
    assert opened.page.evaluate("window.broken") is None
    assert opened.page.locator("#videos-table img, #videos-table script, #videos-table b").count() == 0
    opened.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.broken = 1\">')"
    )
    opened.page.wait_for_timeout(300)
    assert opened.page.evaluate("window.broken") is None
    assert any("Content Security Policy" in message for message in opened.messages)
    opened.messages.clear()
    opened.requests = opened.requests[:1]
    opened.end()


def test_the_figures_are_those_of_the_totals(browser, report, tables):
    _, rows, _ = tables
    opened = Opened(browser, report)
    opened.page.locator(".dt-length select").select_option("100")
    shown = opened.cells()
    totals = ws.video_totals(rows).to_pylist()
    assert len(shown) == len(totals) == 40
    for row in totals:
        cells = shown[row["videoTitle"].replace("\u202e", "\ufffd")]
        names = ("viewers", None, None, "watchHours", "completionRate", "coverage", "averageScore")
        for name, told in zip(names, cells):
            if name is None:
                continue
            assert (number(told) is None) == (row[name] is None), name
            if row[name] is not None:
                scale = 100 if told.endswith("%") else 1
                assert number(told) == pytest.approx(scale * row[name], abs=0.0501), name
    assert None in map(number, shown["Lesson 00006: what it is about"])
    opened.end()


def test_the_intervals_are_those_of_the_package(browser, report):
    opened = Opened(browser, report)
    for found, of in ((0, 7), (3, 10), (60, 60), (1, 1_000_000), (0, 0)):
        ends = opened.page.evaluate(f"wilson({found / max(1, of)}, {of})")
        expected = wilson(found, of)[1:]
        assert ends == ([None, None] if of == 0 else pytest.approx(expected, abs=1e-12))
    opened.end()


def number(told):
    """What a cell says; None if it says that nobody knows."""
    return float(told.rstrip("%").replace(",", "")) if re.fullmatch(r"[\d.,]+%?", told) else None


def test_what_an_experiment_changed_is_told(browser, report):
    opened = Opened(browser, report)
    rows = opened.page.locator("#experiment-table tbody tr")
    assert rows.count() == 7
    assert {row.locator("td").first.inner_text() for row in rows.all()} == {NEW}
    assert f"{NEW} 30" in opened.text("#experiment-notes")
    assert opened.page.locator("#chart-comparison svg").count() == 1
    assert opened.page.locator("#experiment-link").is_visible()
    opened.page.locator("#experiment").screenshot(path=KEPT / "experiment.png")
    opened.end()


def test_search_order_and_pages_by_keyboard(browser, report):
    opened = Opened(browser, report)
    page = opened.page
    page.locator(".dt-search input").focus()
    page.keyboard.type("Lesson 0002")
    rows = page.locator("#videos-table tbody tr")
    expect(rows).to_have_count(10)
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    expect(rows).to_have_count(25)
    page.locator("#videos-table th", has_text="Viewers").locator("[role=button]").focus()
    before = list(opened.cells())
    page.keyboard.press("Enter")
    page.locator("#videos-table th", has_text="Completion rate").locator("[role=button]").focus()
    page.keyboard.press("Enter")
    page.locator("#videos-table th[aria-sort=descending]", has_text="Completion rate").wait_for()
    rates = [float(cells[4].rstrip("%")) for cells in opened.cells().values()]
    assert rates == sorted(rates, reverse=True)
    assert page.locator("#videos-table th[aria-sort]").inner_text().startswith("Completion rate")
    page.locator(".dt-paging button", has_text="2").first.focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(15)
    assert set(opened.cells()) != set(before)
    opened.end()


def test_a_link_leads_to_a_video(browser, report):
    opened = Opened(browser, report, hash_="#video=%3Dv5")
    assert opened.text("#video-title") == HOSTILE["=v5"]
    assert opened.page.evaluate("document.activeElement.id") == "video-title"
    opened.page.locator("#videos-table a", has_text="Lesson").first.click()
    opened.page.locator("#chart-retention svg[aria-label*=Lesson]").wait_for()
    label = opened.page.locator("#chart-retention svg").get_attribute("aria-label")
    assert opened.text("#video-title") in label
    opened.page.evaluate("location.hash = '#video=video-00006'")
    opened.page.locator("#video-charts").wait_for(state="hidden")
    assert "without a duration there are no curves" in opened.text("#video-about")
    for other in ("#video=nowhere", "#video=%E0%A4%A"):
        opened.page.evaluate(f"location.hash = '{other}'")
        opened.page.wait_for_timeout(100)
    opened.end()


def test_what_is_downloaded_is_no_formula(browser, report, tables):
    _, rows, _ = tables
    opened = Opened(browser, report)
    with opened.page.expect_download() as waited:
        opened.page.locator("#download").click()
    text = Path(waited.value.path()).read_text(encoding="utf-8-sig")
    found = {row["videoId"]: row for row in csv.DictReader(io.StringIO(text))}
    assert found["v3"]["videoTitle"] == "'" + HOSTILE["v3"]
    assert found["'=v5"]["videoTitle"] == HOSTILE["=v5"]
    totals = {row["videoId"]: row for row in ws.video_totals(rows).to_pylist()}
    assert len(found) == len(totals)
    for video, row in totals.items():
        told = found["'" + video if video.startswith("=") else video]
        assert int(told["viewers"]) == row["viewers"]
        assert float(told["watchHours"]) == pytest.approx(row["watchHours"], abs=0.0001)
    opened.end()


@pytest.mark.parametrize("ground", GROUNDS)
def test_everybody_can_read_it(browser, report, ground):
    opened = Opened(browser, report, ground=ground)
    opened.page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    found = Axe().run(opened.page).response["violations"]
    assert [
        (each["id"], each["nodes"][0]["target"])
        for each in found
        if each["impact"] in ("serious", "critical")
    ] == []
    colours = opened.page.evaluate(COLOURS)
    assert len(colours) > 60
    worst = min(contrast(text, behind) for text, behind, is_in_cell in colours if not is_in_cell)
    assert worst >= 4.5
    opened.page.screenshot(path=KEPT / f"{ground}.png", full_page=True)
    opened.end()


def contrast(one, other):
    """The ratio of WCAG 2, of two colours as browsers tell them."""
    lights = []
    for colour in (one, other):
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        lights.append(sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear)))
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def test_a_narrow_window_scrolls_one_way(browser, report):
    opened = Opened(browser, report, width=360)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360
    opened.page.screenshot(path=KEPT / "narrow.png", full_page=True)
    opened.end()


def test_it_is_printed(browser, report):
    opened = Opened(browser, report, ground="dark")
    opened.page.pdf(path=KEPT / "report.pdf", format="A4", print_background=True)
    assert (KEPT / "report.pdf").read_bytes().startswith(b"%PDF")
    opened.page.emulate_media(media="print")
    assert opened.page.evaluate("getComputedStyle(document.body).color") == "rgb(43, 43, 43)"
    assert not opened.page.locator(".dt-search").is_visible()
    opened.page.emulate_media(media="print", color_scheme="dark")
    opened.page.screenshot(path=KEPT / "print.png", full_page=True)
    opened.end()


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_anything_is_told_as_that(browser, tmp_path, count):
    rows = ws.aggregate(
        {
            "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"][: 2 * count],
            "userId": ["ann"] * 2 * count,
            "videoId": ["v1"] * 2 * count,
            "eventName": ["play", "pause"][: 2 * count],
            "currentTime": [0, 30][: 2 * count],
        }
    )
    ws.write_report(rows, tmp_path / "report.html", sessions=ws.sessions([]))
    opened = Opened(browser, tmp_path / "report.html")
    assert "No video has viewers enough" in opened.text("#first")
    assert ("there were no events; there are no rows" in opened.text("#trust")) == (count == 0)
    assert ("nobody came long enough ago" in opened.text("#mature-key")) == (count == 1)
    assert ("No video was watched" in opened.text("#video-about")) == (count == 0)
    opened.page.screenshot(path=(KEPT / f"rows{count}.png"), full_page=True)
    opened.end()


def test_without_durations_there_are_figures_and_no_curves(browser, tmp_path):
    sessions, _, _ = pages_rows(5)
    rows = ws.engagement(sessions, rules=ws.Rules(estimate_duration=False))
    ws.write_report(rows, tmp_path / "report.html")
    opened = Opened(browser, tmp_path / "report.html")
    assert len(opened.cells()) == 5
    assert opened.page.locator("#video-charts").is_hidden()
    assert "made without" in opened.text("#cohorts-about")
    assert opened.page.locator("#cohorts-figure").is_hidden()
    opened.end()
