"""`make screenshots`: every view of the workbench on a desk and on a phone, in light and dark, from runs of its own.

A view is a row in `views`.

Needs the packages of `.[dev]` and a Chromium. The pictures go to `docs/images/workbench/`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "tests")]

from doubling_desk import doubling_desk  # noqa: E402
from helpdesk import Store  # noqa: E402
from helpdesk import create_app as helpdesk_app  # noqa: E402
from vendorsim.cli.served_captures import ServedCaptures  # noqa: E402
from vendorsim.cli.served_checks import ServedChecks  # noqa: E402
from vendorsim.http.server import running_server  # noqa: E402
from vendorsim.server.control.settings import Settings  # noqa: E402
from vendorsim.server.hub import Hub  # noqa: E402

PICTURES = ROOT / "docs" / "images" / "workbench"
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 360, "height": 740}
FLAGS = [
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START = "2026-01-05T09:00:00Z"
DRAFT = "scenario: A first try\nsteps:\n  - say: Hello\n  - joyn: ana\n    after: 5s\n  - rate: 6\n"
PATIENCE = 20.0
# Not views, but what can be seen in them: two pictures are enough.
STATES = {"welcome", "run-refused", "palette", "keys", "menu", "gone"}
OF_STATES = {("desk", "light"), ("phone", "dark")}


def main() -> int:
    chromium = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if chromium is None:
        print("There is no Chromium; install one (Debian: apt-get install chromium)", file=sys.stderr)
        return 3
    PICTURES.mkdir(parents=True, exist_ok=True)
    with stage() as (url, views), sync_playwright() as playwright:
        flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        for scheme in ("light", "dark"):
            for size, viewport in (("desk", DESK), ("phone", PHONE)):
                context = browser.new_context(viewport=viewport, color_scheme=scheme, timezone_id="UTC", locale="en-GB")
                page = context.new_page()
                for name, (address, prepare) in views.items():
                    if name in STATES and (size, scheme) not in OF_STATES:
                        continue
                    take(page, f"{url}{address}", prepare, PICTURES / f"{name}-{size}-{scheme}.png")
                context.close()
        browser.close()
    print(f"{len(list(PICTURES.glob('*.png')))} pictures in {PICTURES.relative_to(ROOT)}")
    return 0


def take(page: Page, address: str, prepare: Callable[[Page], Any], file: Path) -> None:
    page.goto("about:blank")
    page.goto(address)
    page.locator("#view h1").wait_for()
    prepare(page)
    page.wait_for_timeout(400)
    page.screenshot(path=file)


@contextmanager
def stage() -> Iterator[tuple[str, dict[str, tuple[str, Callable[[Page], Any]]]]]:
    """A server on which stories were played against the example helpdesk, and the addresses of the views."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vendorsim-"))
        store = Store(Path(folder, "tickets.sqlite"))
        stack.callback(store.close)
        desk = stack.enter_context(running_server(helpdesk_app(store)))
        hub = stack.enter_context(Hub(Settings(checker=ServedChecks, capturer=ServedCaptures), None))
        server = stack.enter_context(running_server(hub.app))
        api = f"{server.url}/_vendorsim/api"
        played = play(api, desk.url)
        check(api, Path(folder, "checked"))
        yield server.url, views(api, played)


def play(api: str, desk: str) -> dict[str, Any]:
    """Stories of several vendors, one that misbehaves, calls of `end_user`; returns what the last run is about."""
    stories = [
        ("forwarded-chat", "messagehub", []),
        ("missed-chat", "smartsupp", []),
        ("reopened-chat", "chatvisor", []),
        ("returning-customer", "userlike", ["duplicate@0.3", "corrupt=type@0.2"]),
    ]
    example = requests.post(f"{api}/example-run", json={"failing": True}, timeout=10).json()["id"]
    ended(f"{api}/runs/{example}")
    for scenario, vendor, faults in stories:
        begin(api, scenario=scenario, vendor=vendor, to=f"{desk}/hooks/{vendor}", faults=faults, start=START, count=2)
    for session, identifier in (("4711", "crm-4711"), ("4711", "crm-4711"), ("ended-1", "crm-1")):
        requests.post(
            f"{api.partition('/_vendorsim')[0]}/apps/api/v1/chats/{session}/end_user",
            json={"identifier": identifier, "name": "Dana Kessler"},
            headers={"Authorization": "Bearer any-token"},
            timeout=10,
        )
    requests.post(f"{api}/sessions", json={"id": "4711", "answers": ["duplicate"]}, timeout=10)
    requests.post(f"{api}/targets", json={"vendor": "messagehub", "url": f"{desk}/hooks/messagehub"}, timeout=10)
    newest = requests.get(f"{api}/conversations?vendor=userlike&limit=1", timeout=10).json()["items"][0]
    return {
        "failed": example,
        "capture": capture(api, f"{desk}/hooks/messagehub"),
        "conversation": newest,
        "deliveries": requests.get(f"{api}/deliveries?limit=100", timeout=10).json()["items"],
    }


def capture(api: str, to: str) -> int:
    """Records a story as a profile that says less, so that there is drift; returns the number of the recording."""
    wanted = {"vendor": "messagehub", "profile": "observed-4.18", "forward": to}
    answer = requests.post(f"{api}/captures", json=wanted, timeout=10)
    answer.raise_for_status()
    begun: dict[str, Any] = answer.json()
    begin(api, scenario="everyday-chat", vendor="messagehub", to=begun["urls"][0], start=START, count=2)
    requests.post(f"{api}/captures/{begun['id']}/stop", timeout=20).raise_for_status()
    return int(begun["id"])


def check(api: str, folder: Path) -> None:
    """Checks a helpdesk with a bug, and again when it is mended."""
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch, doubling_desk(folder, patch) as desk:
        for number, path, wanted in ((1, "/checks", desk.request), (2, "/checks/1/again", {"against": 1})):
            requests.post(f"{api}{path}", json=wanted, timeout=10).raise_for_status()
            ended(f"{api}/checks/{number}")
            desk.mended = True


def begin(api: str, **wanted: Any) -> None:
    """Starts a run and waits for its end."""
    answer = requests.post(f"{api}/runs", json=wanted, timeout=10)
    answer.raise_for_status()
    ended(f"{api}/runs/{answer.json()['id']}")


def ended(url: str) -> None:
    """Waits until the run or check at the URL is over."""
    deadline = time.monotonic() + PATIENCE
    while requests.get(url, timeout=10).json()["status"] == "running":
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} does not end")
        time.sleep(0.1)


def views(api: str, played: dict[str, Any]) -> dict[str, tuple[str, Callable[[Page], Any]]]:
    """name → (address, what is done before the picture is taken).

    An address that begins with `#` is one of the page.
    """

    def nothing(page: Page) -> None:
        return None

    def draft(page: Page) -> None:
        page.locator("#yaml").click()
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.insert_text(DRAFT)
        page.wait_for_timeout(1_000)

    def palette(page: Page) -> None:
        page.keyboard.press("/")
        page.keyboard.type("chat")
        page.get_by_role("option").filter(has_text="Delivery").first.wait_for()

    def keys(page: Page) -> None:
        page.keyboard.press("?")

    def menu(page: Page) -> None:
        if page.locator("#menu").is_visible():
            page.locator("#menu").click()

    def refused(page: Page) -> None:
        page.locator("#run-to").fill("localhost:8000/hooks")
        page.locator("[data-test=start]").click()

    def gone(page: Page) -> None:
        page.route("**/api/**", lambda route: route.abort())
        page.evaluate("location.hash = '#/runs'")
        page.get_by_role("button", name="Try again").wait_for()
        page.unroute("**/api/**")

    deliveries = played["deliveries"]
    spoiled = next(item for item in deliveries if any(fault.startswith("corrupt") for fault in item["faults"]))
    talk = played["conversation"]
    first, second = deliveries[-1]["id"], deliveries[-2]["id"]
    rows: dict[str, tuple[str, Callable[[Page], Any]]] = {
        "welcome": ("/_ns/first-visit/_vendorsim/", nothing),
        "deliveries": ("#/deliveries", nothing),
        "delivery": (f"#/deliveries/{spoiled['id']}", nothing),
        "difference": (f"#/difference/{first}/{second}", nothing),
        "calls": ("#/calls", nothing),
        "conversations": ("#/conversations", nothing),
        "conversation": (f"#/conversations/{talk['vendor']}/{talk['conversation']}?run={talk['run']}", nothing),
        "runs": ("#/runs", nothing),
        "run": (f"#/runs/{played['failed']}", nothing),
        "run-new": ("#/runs/new?scenario=returning-customer", nothing),
        "run-refused": ("#/runs/new?scenario=returning-customer", refused),
        "checks": ("#/checks", nothing),
        "check": ("#/checks/1", nothing),
        "check-new": ("#/checks/new?vendor=chatvisor", nothing),
        "captures": ("#/captures", nothing),
        "capture": (f"#/captures/{played['capture']}", nothing),
        "capture-new": ("#/captures/new?vendor=messagehub", nothing),
        "scenarios": ("#/scenarios", nothing),
        "editor": ("#/scenarios/missed-chat", draft),
        "sessions": ("#/sessions", nothing),
        "targets": ("#/targets", nothing),
        "palette": ("#/deliveries", palette),
        "keys": ("#/deliveries", keys),
        "menu": ("#/deliveries", menu),
        "gone": ("#/targets", gone),
    }
    return {
        name: (address if address.startswith("/") else f"/_vendorsim/{address}", does)
        for name, (address, does) in rows.items()
    }


if __name__ == "__main__":
    sys.exit(main())
