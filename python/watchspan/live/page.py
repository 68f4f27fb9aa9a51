"""The page: what it shows, in the order of the report.

What others wrote, such as titles and ids, is only ever given to what shows plain text: `st.text`, cells of
`st.dataframe`, options of `st.selectbox`, and charts. All else of Streamlit reads Markdown.
"""

from __future__ import annotations

import time

import streamlit as st

from watchspan._core import version
from watchspan.errors import WatchspanError
from watchspan.live import sections, sums
from watchspan.live.kept import Kept, Standing
from watchspan.live.serving import Asked

_TITLE = "Video engagement"


def show(asked: Asked) -> None:
    """Draws the page.

    Args:
        asked: What to show.
    """
    st.set_page_config(page_title=_TITLE, layout="wide")
    st.title(_TITLE, anchor=False)
    kept, seen, found, wrong = asked.kept, None, None, None
    try:
        seen = kept.standing()
        found = _figures(kept, seen)
    except WatchspanError as error:
        wrong = error
    newest = None if found is None else found.newest
    st.fragment(_watch, run_every=asked.every)(asked, seen, newest, wrong, time.monotonic())
    if seen is None or found is None:
        return
    place = sections.of_videos(kept, seen, found)
    try:
        audience = _audience(kept, seen)
    except WatchspanError as error:
        sections.wrong(error, "Who comes back")
    else:
        sections.of_users(audience, place)
    st.text(f"Made by watchspan {version}. The page asks nobody but this server for anything.")


def _watch(
    asked: Asked, seen: Standing | None, newest: int | None, wrong: WatchspanError | None, drawn: float
) -> None:
    """Says which state of the tables is shown, and draws the page anew when there is another."""
    try:
        now = asked.kept.standing()
    except WatchspanError:
        now = None
    # What went wrong may go right the next time, of the same state too.
    is_due = wrong is not None and time.monotonic() - drawn > asked.every / 2
    if now != seen or is_due:
        st.rerun()
    if wrong is not None:
        sections.wrong(wrong, "The table")
    elif seen is not None:
        st.text(sections.standing(seen, newest))


def _read(kept: Kept, seen: Standing) -> sums.Figures:
    return sums.figures(kept, seen.engagement)


def _read_audience(kept: Kept, seen: Standing) -> sums.Audience:
    return sums.audience(kept, seen.engagement, seen.sessions)


# What was read of a state stays true, so it is read once, whoever looks at it.
_keep = {"max_entries": 2, "hash_funcs": {Kept: lambda kept: kept.table}}
_figures = st.cache_data(_read, show_spinner="Reading the table\u2026", **_keep)
_audience = st.cache_data(_read_audience, show_spinner="Reading who comes back\u2026", **_keep)
