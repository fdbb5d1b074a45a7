"""All that is personal in a capture, by kind: found in a first pass, so that made-up values differ from all of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from vendorsim.captures.scrubbing.recognising import (
    TRUNKS,
    WORD,
    country_code,
    digits_of,
    folded,
    national_number,
    phone_key,
    spellings,
    words,
)
from vendorsim.captures.scrubbing.word_lists import COMMON, ENDINGS, LONG_ENDINGS, PARTICLES
from vendorsim.core.errors import InputError

# A limit of the memory: each value takes about half a kilobyte.
MOST_VALUES = 1_000_000
# So much of a value is looked up at each place of the output. Shorter ones can be parts of anything.
GRAM = 6
_DOUBLED = re.compile(r"([bcdfghjklmnprstvz])?[ae]l")
_SHORT = 3
_RUNS = re.compile(r"[\w\u0300-\u036f]+")
_OPAQUE, _LONG_OPAQUE = 16, 24
_BETWEEN_DIGITS = 5


def _is_between_digits(run: str, word: re.Match[str]) -> bool:
    """Whether a word stands between two digits of a key that nobody has chosen."""
    around = run[word.start() - 1 : word.start()], run[word.end() : word.end() + 1]
    return len(run) >= _LONG_OPAQUE and all(each.isdigit() for each in around)


def _is_code(prefix: str) -> bool:
    """Whether digits before a national number are a country code."""
    code = prefix.removeprefix("00")
    return bool(code) and country_code(code + "0" * 9) == code


class Name(NamedTuple):
    """A word of a name. `first` says whether it stands before others in its name; `beside` are the letters of the
    whole name, which tell its language."""

    word: str
    first: bool
    beside: str


class Match(NamedTuple):
    """A name that was found in a word: `length` letters from its beginning, in the spelling `spelling`."""

    name: Name
    length: int


def is_joined(text: str) -> bool:
    """Whether a script writes its words without spaces: Han, Hiragana, Katakana, Thai, Lao, Khmer."""
    return any(
        "\u3040" <= each <= "\u30ff"
        or "\u3400" <= each <= "\u9fff"
        or "\u0e00" <= each <= "\u0eff"
        or "\u1780" <= each <= "\u17ff"
        for each in text
    )


class Originals:
    """The personal values of a capture."""

    def __init__(self) -> None:
        # By their folded spelling.
        self.names: dict[str, Name] = {}
        self.joined: dict[str, Name] = {}
        self.longest_joined = 0
        # National telephone numbers by their last digits; ids by themselves.
        self.phones: dict[str, set[str]] = {}
        self.ids: dict[str, None] = {}
        # All else that is replaced as a whole, wherever it stands, with its kind.
        self.values: dict[str, str] = {}
        self._grams: dict[str, list[tuple[str, str]]] | None = None

    def __len__(self) -> int:
        return len(self.names) + len(self.joined) + len(self.phones) + len(self.ids) + len(self.values)

    def _bounded(self) -> None:
        if len(self) > MOST_VALUES:
            raise InputError(
                f"the capture has over {MOST_VALUES:,} different personal values; split it and scrub the parts "
                "with the same --seed"
            )

    def add_name(self, value: str, family_first: bool = False) -> None:
        """A person's name, or a part of it."""
        found = [each for each in words(unicodedata.normalize("NFC", value)) if folded(each) not in PARTICLES]
        usable = [each for each in found if len(each) > 1 or is_joined(each)]
        for position, word in enumerate(usable):
            self._add_word(word, Name(word, position == 0, value))
        if len(usable) == 2 and not is_joined(value):
            # As they stand in addresses and user names.
            for one, other in (usable, usable[::-1]):
                together = Name(one + other, True, value)
                self.names.setdefault(folded(one + other), together)
        self._bounded()

    def _add_word(self, word: str, name: Name) -> None:
        if is_joined(word):
            self._add_joined(word, name)
            return
        # A short word has its accents for a difference: Jo is a name, jó is Hungarian for good.
        key = folded(word) if len(word) > _SHORT else word.casefold()
        self.names.setdefault(key, name)
        for spelling in spellings(word):
            if len(spelling) > _SHORT:
                self.names.setdefault(spelling, name)

    def _add_joined(self, word: str, name: Name) -> None:
        parts = [word]
        if 3 <= len(word) <= 5 and all("\u3400" <= each <= "\u9fff" for each in word):
            parts += [word[:2], word[2:]]  # A family name and a given one.
        for part in parts:
            if len(part) > 1:
                self.joined.setdefault(part, Name(part, name.first, name.beside))
                self.longest_joined = max(self.longest_joined, len(part))

    def add_phone(self, text: str) -> None:
        """A telephone number, in any spelling."""
        number = national_number(text)
        if len(number) >= 6:
            self.phones.setdefault(phone_key(number), set()).add(number)
            self._bounded()

    def has_phone(self, text: str) -> bool:
        """Whether digits are one of the numbers, in this spelling or another: with the country code or without."""
        digits = digits_of(text)
        numbers = self.phones.get(phone_key(digits), ()) if 8 <= len(digits) <= 16 else ()
        number = national_number(text)
        return any(
            digits.endswith(each)
            and (number == each or digits[: -len(each)] in TRUNKS or _is_code(digits[: -len(each)]))
            for each in numbers
        )

    def add_id(self, text: str) -> None:
        """An id."""
        if text:
            self.ids.setdefault(text)
            self._bounded()

    def add(self, kind: str, value: str) -> None:
        """Any other value. A short one, or a word, is replaced where it stands, and not looked for elsewhere."""
        if len(value) >= 12 or (len(value) >= GRAM and any(not each.isalpha() for each in value)):
            self.values.setdefault(value, kind)
            self._grams = None
            self._bounded()

    def name_in(self, word: str, *, in_name: bool = False) -> Match | None:
        """The name that a word is, or that it is with an ending. `in_name`: the word stands in a name, where small
        letters are no other word."""
        lower = word.casefold()
        exact = self.names.get(lower)
        if exact is not None and len(exact.word) <= _SHORT:
            return Match(exact, len(word)) if in_name or word[0].isupper() else None
        key = folded(word)
        found = self.names.get(key)
        is_word = word == lower and not in_name
        if found is not None and len(key) > _SHORT:
            return None if is_word and key in COMMON else Match(found, len(word))
        # With an ending, which has no more than four letters.
        for length in range(len(key) - 1, max(_SHORT, len(key) - 6), -1):
            found = self.names.get(key[:length])
            if found is None or (is_word and key[:length] in COMMON):
                continue
            ending = key[length:]
            is_long = length > _SHORT + 1
            if ending in ENDINGS or _DOUBLED.fullmatch(ending) or (is_long and ending in LONG_ENDINGS):
                return Match(found, length) if len(key) == len(word) else Match(found, min(length, len(word)))
        return None

    def names_in(self, text: str, *, in_name: bool = False) -> Iterator[tuple[int, int, Name]]:
        """Every name in a text: where it starts and ends, in order. In a long run of letters and digits, such as a key,
        only names of four letters and more count; between two digits of a longer one, those of six. Shorter ones come
        about by chance."""
        if not self.names and not self.joined:
            return
        for run in _RUNS.finditer(text):
            opaque = len(run[0]) >= _OPAQUE and any(each.isdigit() for each in run[0])
            for found in WORD.finditer(run[0]):
                word, start = found[0], run.start() + found.start()
                if is_joined(word):
                    for position, name in self.joined_in(word):
                        yield start + position, start + position + len(name.word), name
                elif not opaque or len(word) > (_BETWEEN_DIGITS if _is_between_digits(run[0], found) else _SHORT):
                    match = self.name_in(word, in_name=in_name)
                    if match is not None:
                        yield start, start + match.length, match.name

    def joined_in(self, word: str) -> Iterator[tuple[int, Name]]:
        """The names in a word of a script without spaces, the longest first at each position."""
        position = 0
        while position < len(word):
            for length in range(min(self.longest_joined, len(word) - position), 1, -1):
                found = self.joined.get(word[position : position + length])
                if found is not None:
                    yield position, found
                    position += length - 1
                    break
            position += 1

    def values_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Every value that stands in a text, in any case: where it starts and ends, and the value. The longest of those
        that begin at one place."""
        if self._grams is None:
            self._grams = {}
            for value in self.values:
                low = value.casefold()
                self._grams.setdefault(low[:GRAM], []).append((low, value))
            for group in self._grams.values():
                group.sort(key=lambda pair: -len(pair[0]))
        grams, low = self._grams, text.casefold()
        # A letter that is two in small letters (İ) would shift the places.
        low = low if len(low) == len(text) else text.lower() if len(text.lower()) == len(text) else text
        position, last = 0, len(low) - GRAM if grams else -1
        while position <= last:
            candidates = grams.get(low[position : position + GRAM])
            found = next((pair for pair in candidates or () if low.startswith(pair[0], position)), None)
            if found is None:
                position += 1
                continue
            yield position, position + len(found[0]), found[1]
            position += len(found[0])
