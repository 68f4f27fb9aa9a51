"""The browser that these tests share."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import sync_playwright


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=os.environ.get("WATCHSPAN_CHROMIUM") or None,
            args=["--autoplay-policy=no-user-gesture-required", "--no-sandbox"],
        )
        yield started
        started.close()
