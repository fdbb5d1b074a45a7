"""What visitors and agents say where a scenario gives no text: support talk in which questions and answers fit.

The phrases of a language are in `phrases/`: a few kinds of requests (an order, an invoice …), each with three questions
of the visitor and their answers. They were written for this project. Pure functions of the seed of a conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import orjson

from vendorsim.core.seeding import derive

KINDS = ("order", "invoice", "login", "refund", "complaint")
# A request has this many questions; after them the visitor says thanks.
QUESTIONS = 3
_FOLDER = Path(__file__).parent / "phrases"

_Item = TypeVar("_Item")
Exchange = tuple[str, str]
"""A line of the visitor, and the answer to it."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of one language. `requests` are the exchanges of each of KINDS, `thanks` those of their ends. `more`
    is what an agent adds to an answer, `automatic` comes from a widget, `note` is what agents write for each other."""

    requests: Mapping[str, Sequence[Exchange]]
    thanks: Sequence[Exchange]
    greeting: Sequence[str]
    more: Sequence[str]
    automatic: Sequence[str]
    note: Sequence[str]

    def visitor(self, seed: int, number: int) -> str:
        """Returns message `number` (from 0) of the visitor."""
        return self._exchange(seed, number)[0]

    def agent(self, seed: int, asked: int, answered: int) -> str:
        """Returns what an agent says after the visitor's `asked` messages, of which the last one has `answered`
        answers already."""
        if asked and not answered:
            return self._exchange(seed, asked - 1)[1]
        return _chosen(self.more if asked else self.greeting, seed, asked, answered)

    def automatic_message(self, seed: int) -> str:
        return _chosen(self.automatic, seed, "automatic")

    def private_note(self, seed: int, number: int) -> str:
        return _chosen(self.note, seed, "note", number)

    def _exchange(self, seed: int, number: int) -> Exchange:
        request, question = divmod(number, QUESTIONS + 1)
        if question == QUESTIONS:
            return _chosen(self.thanks, seed, "thanks", request)
        # Steps of two lead through all five kinds.
        kind = KINDS[(derive(seed, "talk") + 2 * request) % len(KINDS)]
        order = str(10_000 + derive(seed, "order", request) % 90_000)
        visitor, agent = self.requests[kind][question]
        return visitor.replace("{number}", order), agent


@cache
def phrases(language: str) -> Phrases | None:
    """Returns the phrases of a language (ISO 639-1), or None if there are none."""
    path = _FOLDER / f"{language}.json"
    if not path.is_file():
        return None
    found = orjson.loads(path.read_bytes())
    requests = {kind: tuple((asks, answers) for asks, answers in found.pop(kind)) for kind in KINDS}
    return Phrases(requests=requests, thanks=tuple((asks, answers) for asks, answers in found.pop("thanks")), **found)


def languages() -> tuple[str, ...]:
    """Returns the languages that there are phrases for."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def _chosen(items: Sequence[_Item], seed: int, *parts: str | int) -> _Item:
    return items[derive(seed, *parts) % len(items)]
