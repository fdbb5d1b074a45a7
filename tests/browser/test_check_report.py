"""The HTML report of `vendorsim check` in a browser: only the page scrolls up and down."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from receiver import Receiver, status

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a vendor with many events. It comes from a process of its own: the browser's loop is running."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    with Receiver(status(200)) as target:
        command = ["check", "--vendor", "userlike", "--to", target.url(), "--html", str(file), "--budget", "1s"]
        subprocess.run([sys.executable, "-m", "vendorsim", *command], capture_output=True, timeout=120)
    return file


@pytest.mark.parametrize("width", [360, 1280])
def test_the_matrix_is_as_tall_as_it_is(report: Path, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 500})
    page.goto(report.as_uri())
    box = page.locator(".scroll")
    table, outer = box.locator("table").bounding_box(), box.bounding_box()
    assert table is not None
    assert outer is not None
    assert outer["height"] >= table["height"] > 500
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
