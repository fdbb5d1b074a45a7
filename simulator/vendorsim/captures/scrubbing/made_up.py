"""What stands for personal values: made-up ones of the same form, each a function of the seed and the original.

Different originals have different ones, and none is one of the originals. Names are those of made-up people
(`conversation.people`) in the same script and of about the same length; when there are no more, and for all else, each
letter and digit is replaced by another one of its kind.
"""

from __future__ import annotations

import unicodedata
from functools import cached_property
from random import Random

from vendorsim.captures.scrubbing.originals import Name, Originals, is_joined
from vendorsim.captures.scrubbing.recognising import (
    country_code,
    digits_of,
    folded,
    iban_sum,
    latin,
    luhn,
    messenger_number,
    national_number,
    phone_key,
    words,
)
from vendorsim.conversation.people import PEOPLE, pool
from vendorsim.core.seeding import generator

_MOST_TRIES = 200
# So many people of a locale are asked for a name; after them names are made of letters.
_ASKED = 256
_VOWELS, _CONSONANTS = "aeiou", "bcdfghjklmnprstvz"
# Letters by the languages that have them. The first that fits gives the names.
_LOCALES = (
    ("őű", "hu_HU"),
    ("ąęłńśźż", "pl_PL"),
    ("ěřůďťňčž", "cs_CZ"),
    ("ãõ", "pt_PT"),
    ("ñ", "es_ES"),
    ("ßä", "de_DE"),
    ("åøæ", "sv_SE"),
    ("çèêëîœ", "fr_FR"),
    ("áéíóú", "hu_HU"),
    ("öü", "de_DE"),
)
_SCRIPTS = (
    ("\u3040", "\u30ff", "ja_JP"),
    ("\uac00", "\ud7af", "ko_KR"),
    ("\u3400", "\u9fff", "ja_JP"),
    ("\u0400", "\u04ff", "ru_RU"),
    ("\u0370", "\u03ff", "el_GR"),
    ("\u0590", "\u05ff", "he_IL"),
    ("\u0600", "\u06ff", "ar_AA"),
    ("\u0e00", "\u0e7f", "th_TH"),
    ("\u0530", "\u058f", "hy_AM"),
    ("\u10a0", "\u10ff", "ka_GE"),
)
_DEFAULT = "en_US"
_FAMILY_FIRST = ("hu_HU", "ja_JP", "ko_KR")


def locale_of(text: str) -> str:
    """The locale whose names look like a text: by its script, and by letters that few languages have."""
    lower = unicodedata.normalize("NFC", text).lower()
    for first, last, locale in _SCRIPTS:
        if any(first <= each <= last for each in lower):
            return locale
    for letters, locale in _LOCALES:
        if any(each in letters for each in lower):
            return locale
    return _DEFAULT


class MadeUp:
    """The made-up values of one seed for the originals of a capture."""

    def __init__(self, seed: int, originals: Originals) -> None:
        self._seed = seed
        self._originals = originals
        self._names: dict[str, str] = {}
        self._used: dict[str, set[str]] = {}
        self._given: dict[tuple[str, str], str] = {}
        # By the last digits of a made-up telephone number, those of the original.
        self._phones: dict[str, str] = {}
        self._people: dict[tuple[str, bool], list[str]] = {}

    @cached_property
    def _taken(self) -> frozenset[str]:
        """The folded spelling of every original name, and of every value."""
        values = (folded(value) for value in self._originals.values)
        return frozenset((*self._originals.names, *self._originals.joined, *values))

    def name(self, name: Name) -> str:
        """The name that stands for a word of a name."""
        known = self._names.get(name.word)
        if known is None:
            known = self._names[name.word] = self._new_name(name)
        return known

    def _new_name(self, name: Name) -> str:
        word, used = name.word, self._used.setdefault("name", set())
        locale = locale_of(name.beside)
        draw = generator(self._seed, "name", word)
        found = self._of_people(word, locale, name.first is not (locale in _FAMILY_FIRST), draw)
        found = [each for each in found if folded(each) not in used and self._is_free(each)]
        chosen = draw.choice(found) if found else None
        for attempt in range(_MOST_TRIES):
            if chosen is not None:
                break
            made = _other_letters(word, generator(self._seed, "letters", word, attempt))
            chosen = made if folded(made) not in used and self._is_free(made) else None
        chosen = chosen or _other_letters(word, draw)
        used.add(folded(chosen))
        return _in_case_of(chosen, word)

    def _is_free(self, candidate: str) -> bool:
        """Whether a made-up name is none of the originals, and looks like none with an ending."""
        if folded(candidate) in self._taken or self._originals.name_in(candidate, in_name=True) is not None:
            return False
        return not is_joined(candidate) or not any(True for _ in self._originals.joined_in(candidate))

    def _of_people(self, word: str, locale: str, given: bool, draw: Random) -> list[str]:
        """Names of made-up people that are about as long as the word."""
        names = self._people.get((locale, given))
        if names is None:
            people = self._persons(locale)
            names = sorted({each for first, last in people for each in words(first if given else last)})
            self._people[locale, given] = names
        slack = 0 if len(word) <= 3 else 1 if len(word) <= 6 else 2
        same = [each for each in names if len(each) == len(word)]
        return (
            same
            if len(same) > 8
            else [each for each in names if len(each) >= 2 and abs(len(each) - len(word)) <= slack]
        )

    def _persons(self, locale: str) -> list[tuple[str, str]]:
        try:
            people = pool(self._seed, locale)
            found = [people.person(number) for number in range(min(_ASKED, PEOPLE))]
        except (AttributeError, ValueError):  # A locale that this Faker does not have.
            return []
        return [(person.first_name, person.last_name) for person in found]

    def mail(self, address: str) -> str:
        """A mail address at a reserved domain. Words of known names are replaced as elsewhere; addresses of one domain
        are at one domain again."""
        return self._assigned("email", address.casefold(), self._new_mail)

    def _new_mail(self, address: str, attempt: int) -> str:
        local, _, domain = address.rpartition("@")
        if (number := messenger_number(address)) is not None:
            return f"{digits_of(self.phone(number))}@{domain}"
        draw = generator(self._seed, "mail", address, attempt)
        parts, position = [], 0
        for word in words(local):
            start = local.index(word, position)
            parts.append(_other_digits(local[position:start], draw))
            found = self._originals.name_in(word, in_name=True)
            known = None if found is None or attempt else latin(self.name(found.name)) + word[found.length :]
            parts.append(known if known and known.isascii() else folded(_other_letters(word, draw)))
            position = start + len(word)
        parts.append(_other_digits(local[position:], draw))
        return f"{''.join(parts) or 'mail'}@{self.domain(domain)}"

    def domain(self, domain: str) -> str:
        """A domain that nobody can have (RFC 2606)."""
        return self._assigned("domain", domain.casefold(), self._new_domain)

    def _new_domain(self, domain: str, attempt: int) -> str:
        word = digits_free = domain.split(".")[-2] if "." in domain else domain
        letters = "".join(each if each.isascii() and each.isalpha() else "a" for each in digits_free) or word
        made = _other_letters(letters[:40], generator(self._seed, "domain", domain, attempt))
        return f"{made}.example"

    def phone(self, text: str) -> str:
        """A number that nobody has, in the same spelling. The same number in another spelling has the same digits."""
        number = national_number(text)
        new = text
        for attempt in range(_MOST_TRIES):
            new = self._new_phone(text, phone_key(number), attempt)
            made = phone_key(national_number(new))
            if not self._originals.has_phone(new) and self._phones.setdefault(made, phone_key(number)) == phone_key(
                number
            ):
                break
        return new

    def _new_phone(self, text: str, key: str, attempt: int) -> str:
        draw = generator(self._seed, "phone", key, attempt)
        made = "".join(draw.choices("0123456789", k=len(key)))
        digits = digits_of(text)
        international = text.lstrip("( ").startswith("+") or digits.startswith("00")
        code = country_code(digits.removeprefix("00")) if international else ""
        national = digits.removeprefix("00")[len(code) :] if international else digits.removeprefix("1")[-10:]
        before = digits[: len(digits) - len(national)]
        if len(national) == 10 and national[0] in "23456789" and code in ("", "1") and before in ("", "1", "001"):
            # 555-01xx is for fiction (NANPA).
            return _with_digits(text, f"{before}{2 + int(made[0]) % 8}{made[1:3]}55501{made[-2:]}")
        if international:
            # No national number begins with 0 after the country code (see conversation.people).
            return _with_digits(text, before + "0" + (national[1 : -len(key)] + made)[-len(national) + 1 :])
        rest = digits[: -len(key)]
        return _with_digits(text, rest[:-1] + "0" + made if rest else "0" + made[1:])

    def ip(self, text: str) -> str:
        """An address of a range for documentation and benchmarks (RFC 5737, 2544, 3849)."""
        return self._assigned("ip", text, self._new_ip)

    def _new_ip(self, text: str, attempt: int) -> str:
        draw = generator(self._seed, "ip", text, attempt)
        if ":" in text:
            return "2001:db8::" + ":".join(f"{draw.randint(1, 0xFFFF):x}" for _ in range(3))
        if attempt < 20:
            network = draw.choice(("192.0.2", "198.51.100", "203.0.113"))
        else:
            network = f"198.{draw.randint(18, 19)}.{draw.randint(0, 255)}"
        return f"{network}.{draw.randint(1, 254)}"

    def id(self, text: str) -> str:
        """An id with other digits and letters."""
        return self._assigned("id", text, lambda value, attempt: self._other("id", value, attempt))

    def card(self, text: str) -> str:
        """A card number that is not issued: it begins with 0. The check digit is right."""
        digits = digits_of(text)
        made = "0" + self._other("card", digits, 0)[1:-1]
        return _with_digits(text, made + str(-luhn(made + "0") % 10))

    def iban(self, text: str) -> str:
        """An IBAN of the country that exists in no bank, with the right check digits."""
        body = _other_digits(text[4:], generator(self._seed, "iban", text))
        return f"{text[:2]}{98 - iban_sum(text[:2] + '00' + body):02}{body}"

    def shape(self, kind: str, value: str) -> str:
        """Another value of the same form: digits for digits, letters for letters; hexadecimal stays hexadecimal."""
        return self._assigned(kind, value, lambda text, attempt: self._other(kind, text, attempt))

    def _other(self, kind: str, value: str, attempt: int) -> str:
        draw = generator(self._seed, kind, value, attempt)
        bare = [each for each in value if each.isalnum()]
        if bare and all(each in "0123456789abcdef" for each in bare) and any(each.isdigit() for each in bare):
            return "".join(
                draw.choice("0123456789abcdef") if each.isalpha() else _digit(each, draw, n)
                for n, each in enumerate(value)
            )
        return "".join(
            _digit(each, draw, n) if "0" <= each <= "9" else _letter(each, draw) for n, each in enumerate(value)
        )

    def city(self, value: str) -> str:
        """Another city, or coordinates with other decimals."""
        if digits_of(value):
            whole, point, decimals = value.partition(".")
            return f"{whole}{point}{_other_digits(decimals, generator(self._seed, 'place', value))}"
        return self._assigned("place", value, self._new_city)

    def _new_city(self, value: str, attempt: int) -> str:
        draw = generator(self._seed, "place", value, attempt)
        return pool(self._seed, locale_of(value)).person(draw.randrange(PEOPLE)).city

    def text(self, value: str) -> str:
        """A made-up text in the same script, about as long, with the same lines."""
        return "\n".join(
            self._line(line) if any(each.isalpha() for each in line) else line for line in value.split("\n")
        )

    def _line(self, line: str) -> str:
        people = pool(self._seed, locale_of(line))
        draw = generator(self._seed, "text", line)
        made = ""
        while len(made) < len(line):
            made = f"{made} {people.sentence(draw.randrange(256))}".strip()
        cut = made[: len(line)]
        if len(made) > len(line) and " " in cut and not is_joined(cut):
            cut = cut.rpartition(" ")[0]
        return cut if cut[-1:] == line[-1:] or line[-1:].isalnum() or len(cut) < 2 else cut.rstrip(".") + line[-1:]

    def _assigned(self, kind: str, value: str, make: object) -> str:
        """The value that stands for another, the same each time. `make` (value, number of the attempt) makes it."""
        known = self._given.get((kind, value))
        if known is not None:
            return known
        used = self._used.setdefault(kind, set())
        found = value
        for attempt in range(_MOST_TRIES):
            found = make(value, attempt)  # type: ignore[operator]
            if found and found not in used and found != value and not self._is_original(kind, found):
                break
        used.add(found)
        self._given[kind, value] = found
        return found

    def _is_original(self, kind: str, candidate: str) -> bool:
        """Whether a made-up value is one of the originals, or has one in it."""
        if candidate in self._originals.ids or any(True for _ in self._originals.values_in(candidate)):
            return True
        return any(True for _ in self._originals.names_in(candidate, in_name=True))


def _digit(each: str, draw: Random, position: int) -> str:
    if not "0" <= each <= "9":
        return each
    # An id of digits keeps its length as a number.
    return draw.choice("123456789") if position == 0 and each != "0" else draw.choice("0123456789")


def _other_digits(text: str, draw: Random) -> str:
    return "".join(draw.choice("0123456789") if "0" <= each <= "9" else each for each in text)


def _with_digits(text: str, digits: str) -> str:
    """A text with other digits in the places of its digits."""
    new = iter(digits)
    return "".join(next(new, each) if "0" <= each <= "9" else each for each in text)


def _other_letters(text: str, draw: Random) -> str:
    return "".join(_letter(each, draw) for each in text)


def _letter(each: str, draw: Random) -> str:
    """Another letter of the same script and case: a vowel for a vowel, with the same accent."""
    if each.isascii():
        if not each.isalpha():
            return each
        lower = each.lower()
        made = draw.choice(_VOWELS if lower in _VOWELS else _CONSONANTS)
        return made.upper() if each.isupper() else made
    if not each.isalpha():
        return each
    parts = unicodedata.normalize("NFD", each)
    if len(parts) > 1 and parts[0].isascii():
        for _ in range(8):
            made = unicodedata.normalize("NFC", _letter(parts[0], draw) + parts[1:])
            if len(made) == 1:
                return made
        return each
    if "\uac00" <= each <= "\ud7a3":
        return chr(draw.randint(0xAC00, 0xD7A3))
    # A letter near it in the table of characters is of the same script.
    for _ in range(20):
        made = chr(ord(each) + draw.choice((-3, -2, -1, 1, 2, 3)))
        if unicodedata.category(made) == unicodedata.category(each):
            return made
    return each


def _in_case_of(name: str, word: str) -> str:
    if word.islower():
        return name.lower()
    return name.upper() if word.isupper() and len(word) > 1 else name


def rendered(name: str, word: str, original: str) -> str:
    """A made-up name as the original is spelt in a text: in its case, and without accents if it has none there."""
    accented = folded(original) != original.casefold()
    if word.isascii() and accented and not original.isascii():
        name = latin(name).title() if word[0].isupper() else latin(name)
    return _in_case_of(name, word)
