"""Short stories for tests of misbehaving delivery, and what `play --json` says of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from command_line import Completed, Vendorsim
from receiver import Receiver
from stories import written

START = datetime.fromisoformat("2026-01-05T09:00:00Z")


def talk(messages: int, *, fault: str = "", vendors: str = "messagehub", pause: str = "1s") -> str:
    """A conversation in which the visitor says `1`, `2`, …; `fault` stands on the first of these steps."""
    lines = ["scenario: Talk", f"vendors: [{vendors}]", "seed: 7", "starts: 2026-01-05T09:00:00Z", "steps:"]
    for number in range(messages):
        lines += [f'  - say: "{number + 1}"', f"    after: {pause}" if number else "    after: 0s"]
        lines += [f"    fault: {fault}"] if fault and number == 0 else []
    return "\n".join(lines) + "\n"


OFFLINE = """\
scenario: Offline
vendors: [smartsupp, userlike, chatvisor, messagehub]
seed: 7
starts: 2026-01-05T09:00:00Z
cast: {visitor: {name: Dana Kessler, email: dana@example.com}}
steps:
  - offline_message: Grüße 👋
"""
"""One event of Smartsupp."""


def attempts(played: Completed) -> list[dict[str, Any]]:
    assert played.lines, played.err
    return [line for line in played.lines if line["type"] == "attempt"]


def summary(played: Completed) -> dict[str, Any]:
    last: dict[str, Any] = played.lines[-1]
    assert last["type"] == "summary"
    assert last["exit_code"] == played.code
    return last


def verdicts(played: Completed) -> list[str]:
    return [line["verdict"] for line in attempts(played)]


def since_start(line: dict[str, Any]) -> timedelta:
    """When an attempt was made, by the scenario's clock."""
    return datetime.fromisoformat(line["at"]) - START


class Stage:
    """Plays stories; `vendor` is the one that is asked for unless a test names another.

    Requests of one conversation are sent one after the other, so that the order of their arrival can be told. A test
    that gives `in_flight` has it otherwise.
    """

    def __init__(self, vendorsim: Vendorsim, folder: Path) -> None:
        self._vendorsim = vendorsim
        self._folder = folder

    def __call__(
        self, target: Receiver | str, *arguments: object, story: str = OFFLINE, vendor: str = "smartsupp"
    ) -> Completed:
        url = target if isinstance(target, str) else target.url()
        return self.run(written(self._folder, story), "--vendor", vendor, "--to", url, *arguments)

    def run(self, *arguments: object) -> Completed:
        """`vendorsim play --json` with these arguments alone."""
        in_turn = () if any("in_flight" in str(given) for given in arguments) else ("--policy", "in_flight=1")
        return self._vendorsim("play", *arguments, *in_turn, "--json")

    def generate(self, *arguments: object, story: str = OFFLINE, vendor: str = "smartsupp") -> list[bytes]:
        """The bodies that are to be sent, as bytes."""
        printed = self._vendorsim("generate", written(self._folder, story), "--vendor", vendor, *arguments)
        assert printed.code == 0, printed.err
        return [line.partition(',"body":')[2][:-1].encode() for line in printed.out.splitlines()]
