"""A real JupyterLab, driven by a browser: open a notebook, change a parameter, run all, see the
table."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from render.conftest import write_notebooks, write_study

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab over a tiny study's notebooks."""
    write_study(tmp_path)
    folder, port = write_notebooks(tmp_path / "notebooks"), free_port()
    own = {
        f"JUPYTER_{name}_DIR": str(tmp_path / name)
        for name in ("CONFIG", "DATA", "RUNTIME")
    }
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            f"--ServerApp.port={port}",
            "--IdentityProvider.token=",
            f"--ServerApp.root_dir={folder}",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.news_url=None",
        ],
        env={**os.environ, **own, "SEGMENT_LAB_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 90
    while time.monotonic() < deadline:
        assert server.poll() is None, "JupyterLab ended"
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2)
            break
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.3)
    yield address
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()


def run_all(tab):
    """Run all cells; again where nothing began: what is asked while a kernel connects, JupyterLab
    forgets."""
    from playwright.sync_api import TimeoutError as Silent

    begun = tab.locator(".jp-InputPrompt", has_text=re.compile(r"\[(\*|\d+)\]")).first
    for _ in range(6):
        tab.get_by_role("menuitem", name="Run", exact=True).click()
        tab.get_by_text("Run All Cells", exact=True).click()
        with contextlib.suppress(Silent):
            begun.wait_for(timeout=15_000)
            return
    raise AssertionError("JupyterLab ran nothing")


def test_open_change_run_see(browser, lab):
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    tab = context.new_page()
    tab.set_default_timeout(240_000)
    tab.goto(f"{lab}/lab/tree/10_rfm.ipynb")
    tab.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    parameters = tab.locator(".cm-line", has_text=re.compile("^n_bins = 3$"))
    parameters.click()
    tab.keyboard.press("End")
    tab.keyboard.press("Backspace")
    tab.keyboard.type("2")
    tab.locator(".cm-line", has_text=re.compile("^n_bins = 2$")).wait_for()
    run_all(tab)
    table = tab.locator(".jp-OutputArea-output table")
    table.wait_for()
    assert "Customers per segment" in table.locator("caption").inner_text()
    assert table.locator("tbody tr").count() >= 2
    figures = tab.locator(".jp-OutputArea-output .sl-headline dl").inner_text().split()
    assert figures == ["Bins", "2"]
    assert tab.locator(".jp-OutputArea-output .sl-headline").inner_text().strip()
    # Text is read from the left; JupyterLab itself would push it to the right.
    header = table.locator("thead th").first
    assert header.evaluate("cell => getComputedStyle(cell).textAlign") == "left"
    context.close()
