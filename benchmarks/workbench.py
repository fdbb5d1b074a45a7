"""How the page of `vendorsim serve` copes with much: how soon it shows 100,000 attempts, and how the browser does
while 1,000 events a second are sent. Prints a table; asserts nothing. Needs Chromium and the packages of `.[dev]`.

    python benchmarks/workbench.py
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from vendorsim.http.server import running_server
from vendorsim.server.control.settings import Settings
from vendorsim.server.hub import Hub

ROWS, RATE, SECONDS = 100_000, 1_000, 20
EVENTS = 5
STORY = """\
scenario: Five events at once
vendors: [userlike]
cast: {visitor: {name: Dana Kessler}, agents: {ana: {name: Ana Novak}}}
steps:
  - say: Where is my order?
  - join: ana
  - say: {by: ana, text: On its way.}
  - close: {by: ana}
"""
VIEWS = {
    "deliveries": ("#/deliveries", "[data-test=delivery]"),
    "deliveries, a filter": ("#/deliveries?verdict=rejected", "[data-test=empty], [data-test=delivery]"),
    "conversations": ("#/conversations", "tbody tr"),
    "conversations of a run": ("#/conversations?run={run}", "tbody tr"),
    "runs": ("#/runs", "tbody tr"),
    "one conversation": ("#/conversations/userlike/{conversation}?run={run}", ".arrow"),
}
# Counts pauses of the page's thread, and when rows come.
WATCH = """() => {
  window.pauses = [];
  const note = (list) => window.pauses.push(...list.getEntries().map((one) => one.duration));
  new PerformanceObserver(note).observe({entryTypes: ["longtask"]});
}"""


def main() -> int:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        print("There is no Chromium; install one (Debian: apt-get install chromium)", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="vendorsim-") as folder, sync_playwright() as playwright:
        flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=found, args=flags)
        with serving(Path(folder)) as (url, to):
            page = browser.new_page(viewport={"width": 1280, "height": 860})
            opening(page, url, to)
            following(page, url, to)
        browser.close()
    return 0


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, str]]:
    """A server with a journal, and a receiver that takes everything."""

    def taking(environ: dict[str, Any], start: Any) -> list[bytes]:
        environ["wsgi.input"].read()
        start("200 OK", [("Content-Length", "0")])
        return [b""]

    with ExitStack() as stack:
        target = stack.enter_context(running_server(taking))
        hub = stack.enter_context(Hub(Settings(), folder / "journal.sqlite"))
        server = stack.enter_context(running_server(hub.app))
        yield f"{server.url}/_vendorsim/", f"{target.url}/hook"


def opening(page: Page, url: str, to: str) -> None:
    """Fills the journal, and opens each view."""
    run = begin(url, to, ROWS // EVENTS // 2, "instant", "1ms")
    wait(url, run)
    run = begin(url, to, ROWS // EVENTS // 2, "instant", "1ms")
    wait(url, run)
    conversation = get(url, "conversations?limit=1")["items"][0]["conversation"]
    page.goto(url)
    page.locator("main h1").wait_for()
    print(f"with {ROWS:,} attempts in the journal, until the rows are drawn:")
    for name, (route, rows) in VIEWS.items():
        took = []
        for _ in range(3):
            page.goto("about:blank")
            page.goto(url)
            page.locator("main h1").wait_for()
            page.evaluate(
                """async ([route, rows]) => {
                    location.hash = "#/targets";
                    await new Promise((done) => setTimeout(done, 300));
                    document.querySelectorAll(rows).forEach((row) => row.remove());
                    window.asked = performance.now();
                    location.hash = route;
                    while (!document.querySelector(rows)) await new Promise((done) => requestAnimationFrame(done));
                    window.drawn = performance.now() - window.asked;
                }""",
                [route.format(run=run, conversation=conversation), rows],
            )
            took.append(page.evaluate("window.drawn"))
        print(f"  {name:25} {sorted(took)[1]:6.0f} ms")


def following(page: Page, url: str, to: str) -> None:
    """Sends at a rate while the list of deliveries is open."""
    page.goto("about:blank")
    page.goto(f"{url}#/deliveries")
    page.locator("[data-test=delivery]").first.wait_for()
    page.evaluate(WATCH)
    spacing = 1_000 * EVENTS // RATE
    run = begin(url, to, RATE * SECONDS // EVENTS, "1x", f"{spacing}ms")
    lags: list[float] = []
    most = 0
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        newest = page.locator("[data-test=delivery] time").first.get_attribute("datetime")
        most = max(most, page.locator("[data-test=delivery]").count())
        if newest is not None:
            at = time.time() - time.mktime(time.strptime(newest[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone
            lags.append(at)
        page.wait_for_timeout(250)
    summary = get(url, f"runs/{run}")["summary"]
    sent = sum(event["attempts"] for event in summary["events"])
    pauses = sorted(page.evaluate("window.pauses"))
    heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    print(f"while {RATE:,} events a second are sent for {SECONDS} s, with the list of deliveries open:")
    print(f"  sent                      {sent:,} ({sent / SECONDS:,.0f} a second)")
    print(
        f"  the newest row is         {sorted(lags)[len(lags) // 2]:.1f} s old (median), "
        f"{max(lags[8:] or lags):.1f} s at most"
    )
    print(f"  rows on the page          {most} at most")
    print(f"  pauses of over 50 ms      {len(pauses)}, the longest {pauses[-1] if pauses else 0:.0f} ms")
    print(f"  memory of the page        {heap:.0f} MB")


def begin(url: str, to: str, count: int, speed: str, spacing: str) -> int:
    wanted = {"yaml": STORY, "vendor": "userlike", "to": to, "count": count, "speed": speed, "spacing": spacing}
    request = urllib.request.Request(
        f"{url}api/runs", json.dumps(wanted).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return int(json.load(answer)["id"])


def get(url: str, path: str) -> Any:
    with urllib.request.urlopen(f"{url}api/{path}") as answer:
        return json.load(answer)


def wait(url: str, run: int) -> None:
    while get(url, f"runs/{run}")["status"] == "running":
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
