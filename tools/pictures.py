"""Draws the charts of the documentation, from sample events: `python tools/pictures.py`."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import watchspan as ws
from watchspan import plots, sample

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
EVENTS = 1_000_000
_NUMBER = re.compile(r"-?\d+\.\d{2,}")


def charts() -> dict[str, Any]:
    """Name of a picture -> what it shows."""
    sessions = ws.sessions(sample.events(EVENTS))
    rows = ws.engagement(sessions, videos=sample.videos())
    curve = ws.retention(rows)
    moments = ws.moments(rows)
    video = _telling(rows, moments)
    left = ws.completion_curve(rows, mature_days=0)
    return {
        "retention": plots.retention(curve, moments, ws.typical(curve), video=video),
        "rewatched": plots.rewatched(curve, video=video),
        "drop_off": plots.drop_off(left, video=video),
        "completion": plots.completion(ws.completion_curve(rows), video=video),
        "scores": plots.scores(rows),
        "tiers": plots.tiers(rows),
        "cohorts": plots.cohorts(ws.cohorts(sessions)),
        "comparison": plots.comparison(ws.compare(rows, sample.groups(rows=EVENTS))),
    }


def _telling(rows: Any, moments: Any) -> Any:
    """The video of which there is most to tell: kinds first. Not one whose duration is wrong."""
    flags = zip(rows["videoId"].to_pylist(), rows["dataQualityFlag"].to_pylist())
    wrong = {video for video, flag in flags if "ended_before_duration" in flag}
    told: dict[Any, list[str]] = defaultdict(list)
    for row in moments.to_pylist():
        if row["kind"] in ("spike", "dip", "drop") and row["videoId"] not in wrong:
            told[row["videoId"]].append(row["kind"])
    return max(told, key=lambda video: (len(set(told[video])), len(told[video])))


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
