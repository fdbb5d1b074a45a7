"""Stories that many tests of delivery play, and what vendors make of them."""

from __future__ import annotations

from pathlib import Path

from vendorsim.runs import library
from vendorsim.scenario.parse import parse
from vendorsim.vendorkit import registry

CHAT = """\
scenario: Small chat
vendors: [smartsupp, userlike, messagehub]
seed: 7
starts: 2026-01-05T09:00:00.250Z
cast:
  visitor: {name: Dana Kessler, identifier: crm-4711}
  agents:
    ana: {name: Ana Novak, email: ana@example.com}
steps:
  - say: Grüße 👋
  - join: ana
    after: 6s
  - say: {by: ana, text: Hi}
    after: 5s
  - close: {by: ana}
    after: 19s
"""

OFFLINE = """\
scenario: Offline
vendors: [smartsupp]
steps:
  - offline_message: Hello
"""

EVENTS = {
    "smartsupp": ["post_hook"],
    "userlike": [
        "chat_session.start",
        "chat_session.message_received",
        "chat_session.message_sent",
        "chat_session.end",
        "conversation.ended",
    ],
    "messagehub": [
        "conversation_created",
        "message_created",
        "message_created",
        "conversation_status_changed",
        "conversation_updated",
    ],
}
"""The events of CHAT, by vendor."""


def written(folder: Path, text: str) -> Path:
    """A scenario file in that folder."""
    path = folder / "story.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def vendors_of(name: str) -> tuple[str, ...]:
    """The vendors that a built-in scenario names. Unlike `library.load` it plays nothing, which takes ten times as long
    and is done by each process that collects tests."""
    path = library.built_in_path(name)
    scenario = parse(path.read_text(encoding="utf-8"), str(path), registry.vocabulary()).scenario
    assert scenario is not None
    return scenario.vendors
