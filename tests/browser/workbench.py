"""The page as its users see it, and the control API behind it, for tests in a browser."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from short_story import STORY

# Far beyond what any run here needs, in seconds.
PATIENCE = 30.0


@dataclass(frozen=True)
class Workbench:
    """One server and the page that shows it."""

    page: Page
    port: int

    def open(self, route: str = "", *, namespace: str = "") -> Page:
        """Opens a view and waits until it stands there."""
        prefix = f"/_ns/{namespace}" if namespace else ""
        self.page.goto(f"http://127.0.0.1:{self.port}{prefix}/_vendorsim/{route}")
        expect(self.page.locator("main h1")).to_be_visible()
        return self.page

    def call(self, method: str, path: str, document: Any = None, *, namespace: str = "") -> Any:
        """What the control API answers; an error fails the test."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Content-Type": "application/json"}
        if namespace:
            headers["X-Vendorsim-Namespace"] = namespace
        connection.request(method, f"/_vendorsim/api{path}", json.dumps(document or {}), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status < 300, body
        return json.loads(body) if body else None

    def play(self, to: str, *, namespace: str = "", **wanted: Any) -> dict[str, Any]:
        """Starts a run, of the short story as Userlike unless it says otherwise."""
        document = {"yaml": STORY, "vendor": "userlike", "to": to} | wanted
        run: dict[str, Any] = self.call("POST", "/runs", document, namespace=namespace)
        return run

    def ended(self, run: dict[str, Any], *, namespace: str = "") -> dict[str, Any]:
        """The run at its end, which this waits for."""
        until = time.monotonic() + PATIENCE
        while run["status"] == "running":
            assert time.monotonic() < until, f"run {run['id']} does not end"
            run = self.call("GET", f"/runs/{run['id']}", namespace=namespace)
        return run

    @property
    def deliveries(self) -> Locator:
        """The rows of the list of deliveries."""
        return self.page.locator("[data-test=delivery]")


def write(page: Page, field: str, text: str) -> None:
    """Replaces the text of an editor, as a user does who pastes it."""
    page.locator(f"#{field}").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text(text)


def written(page: Page, field: str) -> list[str]:
    """The lines of an editor that are shown, without the messages behind them."""
    lines = page.locator(f"#{field} .cm-line")
    found: list[str] = lines.evaluate_all(
        """lines => lines.map(line => {
            const copy = line.cloneNode(true);
            copy.querySelectorAll(".cm-message").forEach(one => one.remove());
            return copy.textContent;
        })"""
    )
    return found


def axe_violations(page: Page, *rules: str) -> list[str]:
    """What axe-core finds that is serious or critical: the rule, and where. `rules`: only these."""
    options = {"runOnly": list(rules)} if rules else None
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{violation['id']} ({violation['help']}): {[node['target'] for node in violation['nodes']]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]
