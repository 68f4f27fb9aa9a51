"""The scheduled script of docs/azure.md runs as it stands."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

from support.app_events import SCHEMA, row
from watchspan.azure import sdk

PAGE = Path(__file__).resolve().parents[2] / "docs" / "azure.md"


def test_the_scheduled_script(log_analytics, ingestion, credential, trust, monkeypatch, capsys):
    (script,) = re.findall(r"```python\n(# daily\.py\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    yesterday = (datetime.now(timezone.utc) - timedelta(minutes=15)).date() - timedelta(days=1)
    before = yesterday - timedelta(days=1)
    # The session of the day before arrived late; what follows it has not arrived in the window.
    seen = [
        [*row(f"{before}T10:00:{second:02}Z", name, {"videoId": "v", "currentTime": str(second)}), arrived]
        for second, name, arrived in (
            (0, "play", f"{yesterday}T00:00:00Z"),
            (30, "pause", f"{yesterday}T23:59:59.999999Z"),
            (50, "pause", f"{before}T23:59:59.999999Z"),
        )
    ]
    log_analytics.tables["AppEvents"] = (SCHEMA.rstrip(")") + ", $ingestion_time: datetime)", seen)
    monkeypatch.setattr(sdk, "default_credential", lambda: credential)
    monkeypatch.setenv("WORKSPACE", "id")
    monkeypatch.setenv("QUERY_ENDPOINT", log_analytics.url)
    monkeypatch.setenv("OUT", f"{ingestion.url}/dataCollectionRules/dcr-1/streams/Custom-Engagement")
    exec(compile(script, "daily.py", "exec"), {})
    (found,) = ingestion.rows
    assert (found["totalWatchTime"], found["windowStart"][:10]) == (30.0, str(yesterday))
    assert capsys.readouterr().out.startswith("1 rows in the stream Custom-Engagement")
