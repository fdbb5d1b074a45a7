"""A capture with fresh ids: each id is replaced everywhere it stands, and times are moved. Pure.

What is an id is known from the vendor's profile (`places`) and, in bodies that the profile does not know, from the
names of fields. A fresh id is of the same kind: a number stays a number, a UUID a UUID, and letters and digits stay
where they were, also the letters with which ids of one kind begin. Ids of accounts, inboxes and agents stay, since the
integration is set up for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from vendorsim.captures import times
from vendorsim.captures.places import IdPlaces, Place, place_of, values
from vendorsim.captures.sequence import CapturedEvent
from vendorsim.captures.times import TimeSpan
from vendorsim.core.pointer import Path
from vendorsim.core.seeding import generator

# A shorter id would be found in any text, and there are too few others of its length.
SHORTEST = 5
_NUMBER_LENGTH = 9
_WORD = re.compile(r"[0-9A-Za-z]+", re.ASCII)
_TOKEN = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]*", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
# A short number is an id in a path such as /conversations/12.
_SEGMENT = re.compile(r"(?<=/)(?P<of>[A-Za-z_-]+)/(?P<id>\d{1,4})(?!\w)", re.ASCII)
_ID_KEY = re.compile(r"(.*[_-])?(id|uuid|guid|token|source_id|identifier)|.*[a-z](Id|ID|Uuid|UUID|Token)")
# Whatever belongs to these is set up in the integration.
_SET_UP = re.compile(
    r"account|inbox|agent|assignee|user|operator|team|group|website|app|bot|hook|channel|org|organi[sz]ation|tenant",
    re.IGNORECASE,
)
_JSON = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}\[\],:]|true|false|null', re.DOTALL)


@dataclass(frozen=True)
class Fresh:
    """The fresh values of a capture, by the old ones. `short` are those that are replaced only where an id stands."""

    long: Mapping[str, str]
    short: Mapping[str, str]
    places: Mapping[str, IdPlaces] = field(repr=False)
    window: TimeSpan
    move: int = 0

    def event(self, event: CapturedEvent) -> CapturedEvent:
        """The event with fresh ids and moved times."""
        known = self.places.get(event.event)
        if event.document is None:
            body = self._in_text(event.body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        else:
            body = _rewritten(event.body, lambda path, value: self._value(path, value, known))
        return replace(
            event,
            at=event.at + self.move,
            conversation=self.id(event.conversation),
            headers=tuple((name, self._in_text(value)) for name, value in event.headers),
            body=body,
            document=None if event.document is None else json.loads(body),
            delivery=None if event.delivery is None else self.id(event.delivery),
        )

    def id(self, text: str) -> str:
        """The fresh form of a text that is an id."""
        return self.long.get(text) or self.short.get(text) or self._in_text(text)

    def _value(self, path: Path, value: Any, known: IdPlaces | None) -> Any:
        is_id = _is_id(path, known)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            text = str(value)
            found = self.long.get(text) or (self.short.get(text) if is_id else None)
            return times.moved(value, self.move, self.window) if found is None else int(found)
        if isinstance(value, float):
            return times.moved(value, self.move, self.window)
        if is_id and value in self.short:
            return self.short[value]
        moved = times.moved(value, self.move, self.window)
        return self._in_text(value) if moved == value else moved

    def _in_text(self, text: str) -> str:
        if text in self.long:
            return self.long[text]
        text = _TOKEN.sub(self._token, text)
        return _SEGMENT.sub(self._segment, text) if "/" in text else text

    def _token(self, match: re.Match[str]) -> str:
        token = match[0]
        if token in self.long:
            return self.long[token]
        return _WORD.sub(self._word, token) if any(char.isdigit() for char in token) else token

    def _word(self, match: re.Match[str]) -> str:
        word = match[0]
        if word in self.long:
            return self.long[word]
        return word if word.isdigit() else _DIGITS.sub(lambda digits: self.long.get(digits[0], digits[0]), word)

    def _segment(self, match: re.Match[str]) -> str:
        if _SET_UP.search(match["of"]) or match["id"] not in self.short:
            return match[0]
        return f"{match['of']}/{self.short[match['id']]}"


def fresh(
    events: Sequence[CapturedEvent],
    places: Mapping[str, IdPlaces],
    seed: int,
    move: int = 0,
    *,
    people: bool = False,
) -> Fresh:
    """Fresh values for all ids of a capture, made from the seed, and times later by `move` milliseconds.

    With `people`, the mail addresses, phone numbers and identifiers of visitors are fresh, too.
    """
    maker = _FreshValues(
        generator(seed, "fresh ids"), {str(value) for event in events for value in _numbers(event.document)}
    )
    for event in events:
        known = places.get(event.event)
        if event.delivery is not None:
            maker.take(event.delivery, ("delivery",))
        if event.document is None:
            continue
        for path, value in values(event.document):
            if isinstance(value, bool) or not isinstance(value, int | str) or value in ("", 0):
                continue
            place = place_of(path)
            if _is_id(path, known):
                maker.take(value, place)
            elif people and known is not None and place in known.people:
                maker.person(str(value))
    long, short = maker.made()
    window = TimeSpan(events[0].at, events[-1].at) if events else TimeSpan(0, 0)
    return Fresh(long, short, places, window, move)


def _is_id(path: Path, known: IdPlaces | None) -> bool:
    """Whether an id that belongs to a conversation stands there. The profile says so of the places that it knows."""
    if known is not None:
        place = place_of(path)
        if place in known.ids:
            return True
        if place in known.known:
            return False
    names = [part for part in path if isinstance(part, str)]
    if not names or not _ID_KEY.fullmatch(names[-1]):
        return False
    owner = names[-1] if names[-1] not in ("id", "uuid", "guid", "token") else (names[-2] if len(names) > 1 else "")
    return _SET_UP.search(owner) is None


def _numbers(document: Any) -> Iterator[int]:
    return (value for _, value in values(document) if isinstance(value, int) and not isinstance(value, bool))


class _FreshValues:
    """Makes the fresh values. `taken` are numbers that no fresh id may equal."""

    def __init__(self, random: Random, taken: set[str]) -> None:
        self._random = random
        self._taken = taken
        self._ids: dict[str, Place] = {}
        self._people: dict[str, None] = {}

    def take(self, value: int | str, place: Place) -> None:
        self._ids.setdefault(str(value), place)

    def person(self, value: str) -> None:
        self._people[value] = None

    def made(self) -> tuple[dict[str, str], dict[str, str]]:
        """The fresh values by the old ones: those that are replaced in texts, too, and the others."""
        prefixes = self._prefixes()
        long: dict[str, str] = {}
        short: dict[str, str] = {}
        for old, place in self._ids.items():
            if times.read(old) is not None:
                continue
            new = (
                self._number(old) if old.isascii() and old.isdigit() else self._text(old, prefixes.get(place, ""), long)
            )
            (short if len(old) < SHORTEST else long)[old] = new
        for old in self._people:
            long.setdefault(old, self._contact(old))
        return long, short

    def _prefixes(self) -> dict[Place, str]:
        """The letters with which all ids of a place begin, such as `co`; of a single id, its first two letters."""
        by_place: dict[Place, list[str]] = {}
        for old, place in self._ids.items():
            by_place.setdefault(place, []).append(old)
        return {place: _common_letters(ids) for place, ids in by_place.items()}

    def _number(self, old: str) -> str:
        length = len(old) if len(old) >= SHORTEST else _NUMBER_LENGTH
        # Numbers that fit into 31 bits stay so.
        highest = min(10**length, 2**31) if int(old) < 2**31 else 10**length
        while True:
            new = str(self._random.randrange(10 ** (length - 1), highest))
            if new not in self._taken:
                self._taken.add(new)
                return new

    def _text(self, old: str, prefix: str, long: dict[str, str]) -> str:
        if _UUID.fullmatch(old):
            made = str(UUID(int=self._random.getrandbits(128), version=4))
            return made.upper() if old.isupper() else made
        kept = len(prefix) if old.startswith(prefix) else 0

        def word(match: re.Match[str]) -> str:
            text = match[0]
            if text in long:
                return long[text]
            begins = max(0, kept - match.start())
            # A word of letters alone says what kind of id it is: visitor:…, evt-…
            if text[begins:].isalpha() and len(text) < len(old):
                return text
            new = text[:begins] + self._alike(text[begins:])
            if len(text) >= SHORTEST + 1 and len(text) < len(old):
                long[text] = new
            return new

        return _WORD.sub(word, old)

    def _alike(self, text: str) -> str:
        """Random letters and digits in the place of these; hexadecimal text stays so."""
        letters = "abcdef" if re.fullmatch("[0-9a-f]{6,}|[0-9A-F]{6,}", text) else "abcdefghijkmnpqrstuvwxyz"
        choose: Callable[[str], str] = self._random.choice
        made = []
        for position, char in enumerate(text):
            if char.isdigit():
                made.append(choose("123456789" if position == 0 else "0123456789"))
            else:
                made.append(choose(letters.upper() if char.isupper() else letters))
        return "".join(made)

    def _contact(self, old: str) -> str:
        """Another mail address with the same domain, or another phone number or identifier of the same form."""
        local, at, domain = old.partition("@")
        if at:
            return self._alike(re.sub(r"[^0-9A-Za-z]", "x", local) or "x") + at + domain
        if re.fullmatch(r"\+?[\d ()/-]+", old):
            digits = [match.start() for match in re.finditer(r"\d", old)][-4:]
            made = list(old)
            for position in digits:
                made[position] = self._random.choice("0123456789")
            return "".join(made)
        return self._text(old, "", {}) if any(char.isdigit() for char in old) else self._alike(old)


def _common_letters(ids: list[str]) -> str:
    first, last = min(ids), max(ids)
    if first == last:
        match = re.match("[a-z]{2}(?=[0-9A-Za-z]*[0-9])", first)
        return match[0] if match and not re.fullmatch("[0-9a-f]+", first) else ""
    count = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    match = re.match("[A-Za-z_]*", first[:count])
    return match[0] if match else ""


def _rewritten(body: bytes, value: Callable[[Path, Any], Any]) -> bytes:
    """A JSON text with other values, and all bytes between them as they were. Keys stay."""
    pieces: list[bytes] = []
    path: list[str | int] = []
    containers: list[bool] = []
    expects_key = False
    done = 0
    for match in _JSON.finditer(body):
        token = match[0]
        kind = token[:1]
        if kind in b"{[":
            containers.append(kind == b"{")
            path.append(0 if kind == b"[" else "")
            expects_key = kind == b"{"
        elif kind in b"}]":
            containers.pop()
            path.pop()
            expects_key = False
        elif kind == b",":
            if containers[-1]:
                expects_key = True
            else:
                position = path[-1]
                assert isinstance(position, int)
                path[-1] = position + 1
        elif kind == b":":
            expects_key = False
        elif expects_key:
            path[-1] = json.loads(token)
        elif kind not in b"tfn":
            old = json.loads(token)
            new = value(tuple(path), old)
            if new != old:
                pieces += [body[done : match.start()], _dumped(new, token)]
                done = match.end()
    pieces.append(body[done:])
    return b"".join(pieces)


def _dumped(value: Any, instead_of: bytes) -> bytes:
    """A value as JSON, with escapes if the old text was plain ASCII."""
    return json.dumps(value, ensure_ascii=instead_of.isascii()).encode()
