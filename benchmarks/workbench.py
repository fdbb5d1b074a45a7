"""The page of `vendorsim serve` in Chromium: how soon it shows a view of 100,000 attempts, and how soon an event is on
screen that was delivered just now.

The server, the receiver (C) and the browser are processes of their own, on the same cores. An event's time begins
when its request is sent, and ends with the first frame whose list has reached it: it shows the event's row, or newer
ones. So all events count, also those that were too many for the rows of the page.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import processes
import sink
from goals import ROWS
from playwright.sync_api import Browser, Page, sync_playwright
from results import Effort, Goal, Part, Series, Table

PORT, SINK_PORT = 18_481, 18_482
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ATTEMPTS, EVENTS = 100_000, 6
RATES, SECONDS = (100, 1_000), 4
OPENS, ON_SCREEN = 300.0, 100.0
START_SECONDS = 20
STORY = """\
scenario: Six events at once
vendors: [userlike]
cast: {visitor: {name: Dana Kessler}, agents: {ana: {name: Ana Novak}}}
steps:
  - say: Where is my order?
  - join: ana
  - say: {by: ana, text: On its way.}
  - close: {by: ana}
"""
# Each view: its address, and what stands there once it is drawn. All but the last are lists.
VIEWS = {
    "deliveries": ("#/deliveries", "[data-test=delivery]"),
    "deliveries, a filter": ("#/deliveries?verdict=rejected", "[data-test=empty], [data-test=delivery]"),
    "conversations": ("#/conversations", "tbody tr"),
    "conversations of a run": ("#/conversations?run={run}", "tbody tr"),
    "runs": ("#/runs", "tbody tr"),
    "one conversation": ("#/conversations/userlike/{conversation}?run={run}", ".arrow"),
}
OPEN = """async ([route, rows]) => {
    location.hash = "#/targets";
    await new Promise((done) => setTimeout(done, 300));
    document.querySelectorAll(rows).forEach((row) => row.remove());
    const asked = performance.now();
    location.hash = route;
    while (!document.querySelector(rows)) await new Promise((done) => requestAnimationFrame(done));
    return performance.now() - asked;
}"""
# Notes the newest row of each frame that shows another one, when it was drawn, and the pauses of the page's thread.
WATCH = """() => {
    const watch = (window.watch = {frames: [], most: 0, pauses: []});
    const body = document.querySelector("tbody");
    new MutationObserver(() => {
        const newest = Number(body.rows[0]?.dataset.id ?? 0);
        watch.most = Math.max(watch.most, body.rows.length);
        const drawn = new MessageChannel();
        drawn.port1.onmessage = () => watch.frames.push([Date.now(), newest]);
        requestAnimationFrame(() => drawn.port2.postMessage(0));
    }).observe(body, {childList: true});
    const note = (list) => watch.pauses.push(...list.getEntries().map((one) => one.duration));
    new PerformanceObserver(note).observe({entryTypes: ["longtask"]});
}"""
FOUND = "({...window.watch, memory: performance.memory.usedJSHeapSize / 1e6})"
WALL = "the journal's batch, the query, and two frames; browser, server, player and receiver share two cores"


def measure(effort: Effort) -> Part:
    title = "Workbench"
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        missing = "no Chromium"
        return Part("workbench", title, goals=goals([], {}, missing), notes=[f"Not measured: {missing}."])
    views = [Series(name) for name in VIEWS]
    rates = RATES[-1:] if effort.quick else RATES
    ages = {rate: Followed(rate) for rate in rates}
    rows = 5_000 if effort.quick else ATTEMPTS
    flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as process, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        run, conversation = filled(rows)
        for _ in range(effort.rounds):
            for series, (route, drawn) in zip(views, VIEWS.values(), strict=True):
                with page(browser) as shown:
                    route = route.format(run=run, conversation=conversation)
                    series.values.append(shown.evaluate(OPEN, [route, drawn]))
            for followed in ages.values():
                with page(browser) as shown:
                    followed.follow(shown, process, 4 if effort.quick else SECONDS)
        browser.close()
    told = list(ages.values())
    fastest = told[-1]
    tables = [
        Table(f"a view opens, {rows:,} attempts in the journal", "ms", views),
        Table("an event on screen after it was sent, median", "ms", [one.middle for one in told]),
        Table("an event on screen after it was sent, 95th percentile", "ms", [one.late for one in told]),
    ]
    notes = [
        f"At {fastest.rate:,} events a second {fastest.sent / fastest.seconds:,.0f} were sent, at most {fastest.most} "
        f"rows were on the page, its memory was {fastest.memory:.0f} MB at most, and its longest pause "
        f"{fastest.pause:.0f} ms; the server took {fastest.share:.0%} of a core.",
    ]
    return Part("workbench", title, tables, goals(views, ages), notes=notes)


def goals(views: list[Series], ages: dict[int, Followed], missing: str = "") -> list[Goal]:
    fastest = ages.get(RATES[-1])
    measured = {
        "page-opens": (OPENS, max((view.median for view in views[:-1]), default=None)),
        "page-follows": (ON_SCREEN, None if fastest is None else fastest.middle.median),
        "page-follows-p95": (ON_SCREEN, None if fastest is None else fastest.late.median),
    }
    return [
        Goal(ROWS[row].text, wanted, "ms", found, False, missing, WALL, row)
        for row, (wanted, found) in measured.items()
    ]


class Followed:
    """What was seen of the list of deliveries while events were sent at a rate, in all rounds."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        name = f"{rate:,} events/s"
        self.middle, self.late = Series(name), Series(name)
        self.sent = 0
        self.seconds = self.pause = self.memory = self.share = 0.0
        self.most = 0

    def follow(self, shown: Page, server: int, seconds: float) -> None:
        """Sends for some seconds while the list is open."""
        shown.evaluate("location.hash = '#/deliveries'")
        shown.locator("[data-test=delivery]").first.wait_for()
        shown.evaluate(WATCH)
        head = get("deliveries?limit=1")["items"][0]["id"]
        used, began = processes.processor_seconds(server), time.monotonic()
        run = begin(round(self.rate * seconds / EVENTS), "1x", f"{1_000 * EVENTS // self.rate}ms")
        shown.wait_for_timeout(1_000 * seconds)
        self.seconds += time.monotonic() - began
        self.share = (processes.processor_seconds(server) - used) / (time.monotonic() - began)
        self.sent += sum(event["attempts"] for event in get(f"runs/{run}")["summary"]["events"])
        found = shown.evaluate(FOUND)
        wait(run)
        ages = reached(found["frames"], head)
        self.middle.values.append(median(ages))
        self.late.values.append(quantiles(ages, n=20)[-1])
        self.pause = max([self.pause, *found["pauses"]])
        self.most = max(self.most, found["most"])
        self.memory = max(self.memory, found["memory"])


def reached(frames: list[tuple[int, int]], head: int) -> list[float]:
    """Returns the milliseconds from each event after id `head` until a frame had reached it. Events after the last
    frame are left out."""
    ages, waiting = [], iter(frames)
    drawn, newest = next(waiting)
    while True:
        items = get(f"deliveries?after={head}&limit=500")["items"]
        for event in items:
            while newest < event["id"]:
                following = next(waiting, None)
                if following is None:
                    return ages
                drawn, newest = following
            ages.append(drawn - datetime.fromisoformat(event["sent_at"]).timestamp() * 1_000)
        if not items:
            return ages
        head = items[-1]["id"]


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """Runs the server, and a receiver that takes everything. Yields the id of the server's process."""
    command = [sys.executable, "-m", "vendorsim", "serve", "--port", str(PORT), "--journal", str(folder / "j.sqlite")]
    with sink.running(SINK_PORT, folder):
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + START_SECONDS
            while True:
                try:
                    get("health")
                    break
                except OSError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.05)
            yield process.pid
        finally:
            process.kill()
            process.wait()


@contextmanager
def page(browser: Browser) -> Iterator[Page]:
    """A new page, which shows the first view."""
    shown = browser.new_page(viewport={"width": 1280, "height": 860})
    shown.goto(f"http://127.0.0.1:{PORT}/_vendorsim/")
    shown.locator("main h1").wait_for()
    yield shown
    shown.close()


def filled(rows: int) -> tuple[int, str]:
    """Sends so many events, in two runs. Returns the last run, and one of its conversations."""
    for _ in range(2):
        run = begin(rows // EVENTS // 2, "instant", "1ms")
        wait(run)
    return run, get("conversations?limit=1")["items"][0]["conversation"]


def begin(count: int, speed: str, spacing: str) -> int:
    to = f"http://127.0.0.1:{SINK_PORT}/hook"
    wanted = {"yaml": STORY, "vendor": "userlike", "to": to, "count": count, "speed": speed, "spacing": spacing}
    return int(asked("runs", json.dumps(wanted).encode())["id"])


def get(path: str) -> Any:
    return asked(path, None)


def asked(path: str, body: bytes | None) -> Any:
    url = f"http://127.0.0.1:{PORT}/_vendorsim/api/{path}"
    with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"})) as answer:
        return json.load(answer)


def wait(run: int) -> None:
    while get(f"runs/{run}")["status"] == "running":
        time.sleep(0.2)


if __name__ == "__main__":
    from run import alone

    alone("workbench")
