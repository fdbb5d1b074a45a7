"""What visitors and agents say where a scenario gives no text: support talk in which questions and answers fit.

The phrases of a language are in `phrases/`: a few kinds of requests (an order, an invoice …), each with a few courses
of questions and their answers, so that the talk may end after any answer. They were written for this project. Pure
functions of the seed of a conversation.

A phrase may have places: `{number}` (of an order), `{day}`, `{name}`, `{first}`, `{last}` (of the person who is spoken
to), `{agent}`, `{agent_first}`, `{agent_last}`, and forms by gender: `{m|f}` by that of the speaker, `{@m|f}` by that
of the person who is spoken to. Where a name or gender is not known, a phrase without such a place is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from msgspec import Struct

from vendorsim.core.seeding import derive

KINDS = ("order", "invoice", "login", "refund", "complaint")
# A request has this many questions at most.
QUESTIONS = 3
_FOLDER = Path(__file__).parent / "phrases"
_PLACE = re.compile(r"\{(\w+)\}")
_FORMS = re.compile(r"\{(@?)((?:[^{}|]|\{\w+\})*)\|((?:[^{}|]|\{\w+\})*)\}")
_NAMES = {"name", "first", "last"}


class Party(NamedTuple):
    """Who speaks, or is spoken to. None is not known. Whoever is spoken to without a name is not known to be a man or a
    woman either."""

    name: str | None = None
    first: str | None = None
    last: str | None = None
    female: bool | None = None


UNKNOWN = Party()
"""Nothing is known of the person."""


class Phrase:
    """One phrase with its places. `by_speaker` and `by_other` are whether it needs the gender of the speaker, and of
    the person who is spoken to; `by_name` is whether it needs the name of the latter."""

    __slots__ = ("_texts", "by_name", "by_other", "by_speaker", "places", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        forms = _FORMS.findall(source)
        self.by_speaker = any(not mark for mark, _, _ in forms)
        self.by_other = any(bool(mark) for mark, _, _ in forms)
        self._texts = {(speaker, other): _in_form(source, speaker, other) for speaker in (0, 1) for other in (0, 1)}
        self.places = tuple(dict.fromkeys(_PLACE.findall(source)))
        self.by_name = not _NAMES.isdisjoint(self.places)

    def fits(self, speaker: Party, other: Party) -> bool:
        """Whether all is known that it needs."""
        if self.by_speaker and speaker.female is None:
            return False
        if self.by_other and (other.female is None or other.name is None):
            return False
        return not self.by_name or other.last is not None

    def told(self, speaker: Party, other: Party, values: Mapping[str, str]) -> str:
        """Returns the text; `values` are those of the places."""
        text = self._texts[int(bool(speaker.female)), int(bool(other.female))]
        for place in self.places:
            text = text.replace("{" + place + "}", values[place])
        return text


def _in_form(source: str, speaker: int, other: int) -> str:
    return _FORMS.sub(lambda found: str(found[2 + (other if found[1] else speaker)]), source)


class Turn(NamedTuple):
    """A line of the visitor, and the answer to it."""

    visitor: Phrase
    agent: Phrase


class Talk(Struct):
    """How far the made-up talk of a conversation has come.

    `planned` is how many exchanges there will be (0: not known), `asked` how many the visitor has begun. `waiting` is
    whether the visitor has begun one and has no answer yet.
    """

    planned: int = 0
    asked: int = 0
    waiting: bool = False


class Phrases(Struct, frozen=True):
    """The phrases of one language.

    `requests` are the courses of each of KINDS, `thanks` the exchanges at the end. The visitor begins with an
    `opening`, and a further request with `further`; a `nudge` is for an agent who does not answer. An agent begins the
    first answer with `hello`, says `greeting` where nobody has asked yet, `wait` to a question of the scenario, and
    `more` after an answer. `automatic` comes from a widget, a `note` is what agents write for each other. `days` are
    days of delivery, `pages` the path and title of pages of a shop, `joint` is what stands between two sentences.
    """

    requests: Mapping[str, Sequence[Sequence[Turn]]]
    thanks: Sequence[Turn]
    opening: Sequence[Phrase]
    further: Sequence[Phrase]
    nudge: Sequence[Phrase]
    hello: Sequence[Phrase]
    greeting: Sequence[Phrase]
    wait: Sequence[Phrase]
    more: Sequence[Phrase]
    automatic: Sequence[Phrase]
    note: Sequence[Phrase]
    days: Sequence[str]
    pages: Sequence[tuple[str, str]]
    joint: str

    def visitor(self, seed: int, talk: Talk, visitor: Party = UNKNOWN) -> str:
        """Returns the next message of the visitor, and counts it in `talk`."""
        if talk.waiting:
            return _chosen(self.nudge, derive(seed, "nudge", talk.asked), visitor, UNKNOWN).source
        number = talk.asked
        talk.asked, talk.waiting = number + 1, True
        request, question = self._position(number, talk.planned)
        text = self._told(seed, number, talk.planned, visitor, UNKNOWN, by_visitor=True)
        if question:
            return text
        # A third of the visitors come to the point without a word before.
        choice = derive(seed, "opening", request)
        if number == 0:
            return text if choice % 3 == 0 else self._joined(self.opening[choice // 3 % len(self.opening)].source, text)
        return self._joined(self.further[choice % len(self.further)].source, text)

    def agent(self, seed: int, talk: Talk, agent: Party, visitor: Party, *, first: bool) -> str:
        """Returns the answer to the visitor's last message, and counts it in `talk`. `first` is whether it is the first
        message of this agent."""
        number = talk.asked - 1
        talk.waiting = False
        text = self._told(seed, number, talk.planned, agent, visitor, by_visitor=False)
        if not first:
            return text
        hello = _chosen(self.hello, derive(seed, "hello"), agent, visitor)
        return self._joined(hello.told(agent, visitor, _names(agent, visitor)), text)

    def other(self, kind: str, seed: int, number: int, agent: Party = UNKNOWN, visitor: Party = UNKNOWN) -> str:
        """Returns a phrase of an agent that is no answer: `greeting`, `wait`, `more`, `automatic` or `note`."""
        choices: Sequence[Phrase] = getattr(self, kind)
        return _chosen(choices, derive(seed, kind, number), agent, visitor).told(agent, visitor, _names(agent, visitor))

    def length(self, seed: int, number: int, planned: int, *, by_visitor: bool) -> int:
        """Returns about how many characters a line of exchange `number` has."""
        exchange = self._exchange(seed, number, planned)
        return len((exchange.visitor if by_visitor else exchange.agent).source)

    def _told(self, seed: int, number: int, planned: int, speaker: Party, other: Party, *, by_visitor: bool) -> str:
        exchange = self._exchange(seed, number, planned, speaker if by_visitor else other)
        phrase = exchange.visitor if by_visitor else exchange.agent
        if not phrase.places:
            return phrase.told(speaker, other, {})
        choice = derive(seed, "order", self._position(number, planned)[0])
        values = {"number": str(10_000 + choice % 90_000), "day": self.days[choice // 90_000 % len(self.days)]}
        return phrase.told(speaker, other, values)

    def _exchange(self, seed: int, number: int, planned: int, visitor: Party = UNKNOWN) -> Turn:
        request, question = self._position(number, planned)
        if question == QUESTIONS:
            # Both lines are chosen by the visitor, so that they belong together.
            fitting = [exchange for exchange in self.thanks if exchange.visitor.fits(visitor, UNKNOWN)]
            return fitting[derive(seed, "thanks", request) % len(fitting)]
        choice = derive(seed, "talk")
        # Steps of two lead through all five kinds.
        courses = self.requests[KINDS[(choice + 2 * request) % len(KINDS)]]
        return courses[(choice >> 32) % len(courses)][question]

    def _position(self, number: int, planned: int) -> tuple[int, int]:
        """The request that exchange `number` belongs to, and its question; QUESTIONS stands for the thanks."""
        if planned == 0:
            return divmod(number, QUESTIONS + 1)
        if number == planned - 1 and number > 0:
            return (number - 1) // QUESTIONS, QUESTIONS
        return divmod(number, QUESTIONS)

    def _joined(self, first: str, second: str) -> str:
        return f"{first}{self.joint}{second}"


@cache
def phrases(locale: str) -> Phrases | None:
    """Returns the phrases of a locale (`pt_BR`), else those of its language (ISO 639-1), or None if there are none."""
    language = locale.partition("_")[0]
    for name in (locale, language):
        path = _FOLDER / f"{name}.json"
        if path.is_file():
            return _read(orjson.loads(path.read_bytes()), language)
    return None


def languages() -> tuple[str, ...]:
    """Returns the languages, and locales of their own, that there are phrases for."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def _read(found: dict[str, Any], language: str) -> Phrases:
    requests = {kind: tuple(tuple(map(_exchange, course)) for course in found.pop(kind)) for kind in KINDS}
    thanks = tuple(map(_exchange, found.pop("thanks")))
    days = tuple(found.pop("days"))
    pages = tuple((path, title) for path, title in found.pop("pages"))
    others = {name: tuple(map(Phrase, texts)) for name, texts in found.items()}
    # Japanese has no space between sentences.
    return Phrases(
        requests=requests, thanks=thanks, days=days, pages=pages, joint="" if language == "ja" else " ", **others
    )


def _exchange(texts: Sequence[str]) -> Turn:
    asks, answers = texts
    return Turn(Phrase(asks), Phrase(answers))


def _names(agent: Party, visitor: Party) -> dict[str, str]:
    return {
        "name": visitor.name or "",
        "first": visitor.first or "",
        "last": visitor.last or "",
        "agent": agent.name or "",
        "agent_first": agent.first or agent.name or "",
        "agent_last": agent.last or agent.name or "",
    }


def _chosen(phrases: Sequence[Phrase], choice: int, speaker: Party, other: Party) -> Phrase:
    """One of the phrases for which all is known that they need."""
    fitting = [phrase for phrase in phrases if phrase.fits(speaker, other)]
    return fitting[choice % len(fitting)]
