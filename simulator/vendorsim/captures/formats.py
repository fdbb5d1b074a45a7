"""Recognises the formats of texts, and describes texts without showing them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EMAIL = re.compile(r"[^@\s/]{1,64}@[^@\s/]{1,255}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_DIGITS = re.compile(r"\d+")

# Most specific first. `date-time`, `date`, `email`, `uri`, `uuid` and `ipv4` are formats of JSON Schema.
FORMATS: Mapping[str, re.Pattern[str]] = {
    "uuid": _UUID,
    "date-time": _DATE_TIME,
    "date": _DATE,
    "email": _EMAIL,
    "ipv4": _IPV4,
    "uri": _URI,
    "digits": _DIGITS,
}
# A name of a field, as opposed to a key that is data, such as an id or a mail address.
_NAME = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$:.-]{0,59}")
_DATA = re.compile(r"\d{5}|[0-9a-f]{12}|@.*\.")
# A value of a list of values, as opposed to a text.
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,39}")


def has_format(text: str, name: str) -> bool | None:
    """Whether a text has a format; None for a format that is not known here."""
    pattern = FORMATS.get(name)
    if pattern is None:
        return None
    if pattern.fullmatch(text) is None:
        return False
    if name in ("date-time", "date"):
        try:
            datetime.fromisoformat(text.upper().replace(" ", "T"))
        except ValueError:
            return False
    return True


def formats_of(text: str) -> tuple[str, ...]:
    """The formats that a text has, the most specific first."""
    return tuple(name for name in FORMATS if has_format(text, name))


def is_name(key: str) -> bool:
    """Whether the key of an object is the name of a field, and no data."""
    return _NAME.fullmatch(key) is not None and _DATA.search(key) is None


def is_token(value: object) -> bool:
    """Whether a value can be one of a short list, such as `resolved`, so that it may be shown where a contract lists
    values: booleans, numbers below 1,000, and short words."""
    if isinstance(value, str):
        return _TOKEN.fullmatch(value) is not None and _DATA.search(value) is None
    return isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < 1_000)


def shaped_like(text: str) -> str:
    """The shape of a text: each digit as 0, each small letter as a, each capital as A; other characters are spaces or
    stay, if they are ASCII. At most 60 characters."""
    return "".join(map(_shape, text[:60]))


def _shape(character: str) -> str:
    if character.isdigit():
        return "0"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character if " " < character < "\x7f" else " "
