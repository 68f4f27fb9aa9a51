"""The scheduled script of docs/azure.md runs as it stands."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

from app_events import SCHEMA, row
from watchspan.azure import sdk

PAGE = Path(__file__).resolve().parents[2] / "docs" / "azure.md"


def test_the_scheduled_script(log_analytics, ingestion, credential, trust, monkeypatch, capsys):
    (script,) = re.findall(r"```python\n(# daily\.py\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    yesterday = datetime.now(timezone.utc).date() - timedelta(days=1)
    seen = [
        row(f"{yesterday}T10:00:{second:02}Z", name, {"videoId": "v", "currentTime": str(second)})
        for second, name in ((0, "play"), (30, "pause"))
    ]
    log_analytics.tables["AppEvents"] = (SCHEMA, seen)
    monkeypatch.setattr(sdk, "default_credential", lambda: credential)
    monkeypatch.setenv("WORKSPACE", "id")
    monkeypatch.setenv("QUERY_ENDPOINT", log_analytics.url)
    monkeypatch.setenv("OUT", f"{ingestion.url}/dataCollectionRules/dcr-1/streams/Custom-Engagement")
    exec(compile(script, "daily.py", "exec"), {})
    (found,) = ingestion.rows
    assert (found["totalWatchTime"], found["windowStart"][:10]) == (30.0, str(yesterday))
    assert capsys.readouterr().out.startswith("1 rows in the stream Custom-Engagement")
