"""`make demo`: plays chats of all five vendors against the example integration, and checks the tickets that it stored.

Everything runs on this machine. The helpdesk is a process of its own, as yours would be; `vendorsim play` sends it the
webhooks and answers its calls of `end_user`. Exit code 0: every ticket is as its story says.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

EXAMPLES = Path(__file__).resolve().parent
PATIENCE = 10.0  # Maximum seconds to wait for work in the background.
# Ignores proxy settings: all requests stay on this machine.
http = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Story:
    """A built-in scenario, the vendor that plays it, and the expected values of the ticket."""

    scenario: str
    vendor: str
    ticket: dict[str, Any]
    serve: bool = False
    options: tuple[str, ...] = ()


STORIES = (
    Story(
        "authentication-by-chat",
        "userlike",
        {"status": "closed", "visitor.name": "Dana Kessler", "authenticated_as": "crm-4711", "messages": 4},
        serve=True,
    ),
    Story(
        "returning-customer",
        "smartsupp",
        {"status": "closed", "visitor.name": "Dana Kessler", "assignee.name": "Ana Novak", "rating": 5, "messages": 7},
    ),
    Story("missed-chat", "smartsupp", {"status": "missed", "assignee": None, "rating": None, "messages": 2}),
    Story("forwarded-chat", "messagehub", {"status": "closed", "assignee": None, "messages": 5}),
    Story("reopened-chat", "chatvisor", {"status": "open", "messages": 3}),
    Story(
        "attachment-only",
        "ccai",
        {"status": "closed", "messages": 6},
        options=("--profile", "webhooks", "--secret-env", "HELPDESK_CCAI_SECRET"),
    ),
)
# Generated for this run: CCAI Platform signs its webhooks, and the helpdesk verifies the signatures.
SECRET = {"HELPDESK_CCAI_SECRET": secrets.token_urlsafe(24)}
COLUMNS = {
    "vendor": "vendor",
    "conversation": "conversation_id",
    "visitor": "visitor.name",
    "status": "status",
    "agent": "assignee.name",
    "messages": "messages",
    "rating": "rating",
    "identified as": "authenticated_as",
}


def main() -> int:
    vendors = {story.vendor for story in STORIES}
    print(f"{len(STORIES)} chats of {len(vendors)} vendors, played against examples/helpdesk")
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="vendorsim-demo-") as folder:
        port = free_port()
        with helpdesk(folder, port) as url:
            tickets = []
            for story in STORIES:
                problems += play(story, url, port, folder)
                tickets.append(newest_ticket(url, story, problems))
    print("\nWhat the helpdesk kept:\n")
    for line in table([ticket for ticket in tickets if ticket]):
        print(f"  {line}")
    print(f"\nThe {STORIES[0].vendor} chat, in which the visitor is identified:\n")
    for message in (tickets[0] or {}).get("messages", []):
        print(f"  {message['at'][11:19]}  {message['author']:8} {message['text']}")
    print()
    for problem in problems:
        print(f"  {problem}")
    print("FAILED: that is not what the stories say" if problems else "PASSED: every ticket says what its story says")
    return 1 if problems else 0


def play(story: Story, url: str, port: int, folder: str) -> list[str]:
    """Plays a story; returns the problems."""
    arguments = ["play", story.scenario, "--vendor", story.vendor, *story.options]
    arguments += ["--to", f"{url}/hooks/{story.vendor}"]
    if story.serve:
        arguments += ["--serve", "--port", str(port)]
    print(f"\n$ vendorsim {' '.join(arguments)}", flush=True)
    command = [sys.executable, "-m", "vendorsim", *arguments, "--json"]
    done = subprocess.run(
        command, cwd=folder, env=environment() | SECRET, capture_output=True, encoding="utf-8", timeout=120
    )
    if done.returncode not in (0, 1) or not done.stdout:
        print(f"  {done.stderr.strip()}")
        return [f"{story.scenario} could not be played: exit code {done.returncode}"]
    summary = json.loads(done.stdout.splitlines()[-1])
    calls = sum(summary["authentications"].values())
    print(f"  {summary['verdict']}: {plural(summary['delivered'], 'webhook')} delivered", end="")
    print(f", {plural(calls, 'call')} of end_user answered" if calls else "")
    return [f"{story.scenario} as {story.vendor} fell short"] if done.returncode else []


def newest_ticket(url: str, story: Story, problems: list[str]) -> dict[str, Any] | None:
    """Returns the ticket of the story just played, and adds wrong values in it to the problems."""
    deadline = time.monotonic() + PATIENCE
    while True:
        newest = get(f"{url}/tickets?limit=1")
        ticket = newest[0] if newest and newest[0]["vendor"] == story.vendor else None
        wrong = [
            f"{story.scenario} as {story.vendor}: {path} is {found!r}, the story says {expected!r}"
            for path, expected in story.ticket.items()
            if (found := look_up(ticket, path)) != expected
        ]
        # The helpdesk stores the answer of end_user in the background, perhaps after the play has ended.
        if not wrong or time.monotonic() > deadline:
            problems += wrong
            return ticket
        time.sleep(0.05)


@contextmanager
def helpdesk(folder: str, port: int) -> Iterator[str]:
    """Runs the integration as a process; yields its URL. It finds the vendor's API at `port`."""
    settings = {
        "HELPDESK_DB": str(Path(folder, "tickets.sqlite")),
        "HELPDESK_CCAI_URL": f"http://127.0.0.1:{port}",
        "HELPDESK_CCAI_TOKEN": "made-up-token",
    }
    command = [sys.executable, str(EXAMPLES / "helpdesk"), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment() | SECRET | settings)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        if not url:
            sys.exit("The helpdesk did not start.")
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stdout.close()


def environment() -> dict[str, str]:
    """Returns the environment without settings of vendorsim and the helpdesk."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VENDORSIM_", "HELPDESK_"))}
    return kept | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def free_port() -> int:
    """Returns a free port, below those for outgoing connections, one of which could take it first."""
    while True:
        port = random.randint(15_000, 31_999)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def get(url: str) -> Any:
    with http.open(url, timeout=PATIENCE) as response:
        return json.load(response)


def look_up(ticket: dict[str, Any] | None, path: str) -> Any:
    """Returns the value at a path such as `visitor.name`; for a list, its length."""
    value: Any = ticket
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return len(value) if isinstance(value, list) else value


def table(tickets: list[dict[str, Any]]) -> Iterator[str]:
    rows = [list(COLUMNS)]
    for ticket in tickets:
        rows.append(["-" if (value := look_up(ticket, path)) is None else str(value) for path in COLUMNS.values()])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # Exits through `finally`, which stops the helpdesk.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # Not every terminal can show all characters.
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
