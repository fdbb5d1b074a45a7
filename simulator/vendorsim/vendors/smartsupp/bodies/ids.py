"""Ids as Smartsupp writes them: two letters for the kind of object, then letters and digits.

They are made from numbers: the same number always has the same id, and different numbers have different ids.
"""

from __future__ import annotations

from string import ascii_letters, digits

_ALPHABET = digits + ascii_letters
_BASE = len(_ALPHABET)
# Makes ids of neighbouring numbers differ a lot. Coprime to the base, so that different numbers keep different ids.
_SPREAD = 0x9E3779B97F4A7C15
_LENGTH, _APP_LENGTH = 11, 7


def conversation_id(number: int) -> str:
    """`co` and eleven letters and digits."""
    return "co" + _code(number, _LENGTH)


def message_id(number: int) -> str:
    """`ms` and eleven letters and digits."""
    return "ms" + _code(number, _LENGTH)


def contact_id(number: int) -> str:
    """`ct` and eleven letters and digits."""
    return "ct" + _code(number, _LENGTH)


def visitor_id(number: int) -> str:
    """`vi` and eleven letters and digits."""
    return "vi" + _code(number, _LENGTH)


def trigger_id(number: int) -> str:
    """`tr` and eleven letters and digits."""
    return "tr" + _code(number, _LENGTH)


def app_id(number: int) -> str:
    """`ap` and seven letters and digits."""
    return "ap" + _code(number, _APP_LENGTH)


def _code(number: int, length: int) -> str:
    """`length` letters and digits, different for different numbers below 62 to the power of `length`."""
    rest = number * _SPREAD % _BASE**length
    letters = []
    for _ in range(length):
        rest, letter = divmod(rest, _BASE)
        letters.append(_ALPHABET[letter])
    return "".join(letters)
