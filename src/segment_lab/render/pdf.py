"""Pages as PDF, printed by a browser (extra: browser)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from segment_lab.errors import ConfigError
from segment_lab.texts import say

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Path of a browser: ``SEGMENT_LAB_CHROMIUM``, or a Chromium or Chrome of the system; None
    lets Playwright look."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("SEGMENT_LAB_CHROMIUM") or next(
        (p for n in names if (p := shutil.which(n))), None
    )


def launch(playwright: Any) -> Any:
    """A headless browser."""
    return playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))


def print_pages(pages: Iterable[Path]) -> list[Path]:
    """Print each page beside itself; the files written."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise ConfigError(say("render.error.no_browser_extra")) from None
    written = []
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            for page in pages:
                tab = browser.new_page()
                tab.goto(page.resolve().as_uri())
                tab.emulate_media(media="print")
                written.append(page.with_suffix(".pdf"))
                tab.pdf(
                    path=written[-1], format="A4", print_background=True, prefer_css_page_size=True
                )
                tab.close()
            browser.close()
    except Error as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(say("render.error.no_browser", reason=reason)) from None
    return written
