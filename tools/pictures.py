"""Draws the charts of the documentation, from sample events: `python tools/pictures.py`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import watchspan as ws
from watchspan import plots, sample

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
EVENTS, VIDEO = 300_000, "economics-03"
_NUMBER = re.compile(r"-?\d+\.\d{2,}")


def charts() -> dict[str, Any]:
    """Name of a picture -> what it shows."""
    sessions = ws.sessions(sample.events(EVENTS))
    rows = ws.engagement(sessions, videos=sample.videos())
    curve = ws.retention(rows)
    left = ws.completion_curve(rows, mature_days=0)
    return {
        "retention": plots.retention(curve, ws.moments(rows), ws.typical(curve), video=VIDEO),
        "rewatched": plots.rewatched(curve, video=VIDEO),
        "drop_off": plots.drop_off(left, video=VIDEO),
        "completion": plots.completion(ws.completion_curve(rows), video=VIDEO),
        "scores": plots.scores(rows),
        "tiers": plots.tiers(rows),
        "cohorts": plots.cohorts(ws.cohorts(sessions)),
    }


def main() -> None:
    """Runs from the command line."""
    FOLDER.mkdir(exist_ok=True)
    for name, chart in charts().items():
        for suffix, drawn in (("", chart), ("_dark", plots.dark(chart))):
            path = FOLDER / f"{name}{suffix}.svg"
            plots.save(drawn, path)
            # Nobody sees a thousandth of a point.
            path.write_text(_NUMBER.sub(lambda found: f"{float(found[0]):.1f}", path.read_text()) + "\n")


if __name__ == "__main__":
    main()
