"""Hides what must differ between the states of two conversations that went on at different times: times, and numbers
that depend on them. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from vendorsim.checks.symbols import has_symbol, without_symbols

MASK = "#"
_DIGIT = re.compile(r"\d")


def steady_texts(bodies: Sequence[Any], others: Sequence[Any]) -> frozenset[str]:
    """Returns the texts that are the same at the same places of the bodies of both conversations, such as messages."""
    return frozenset(text for body, other in zip(bodies, others, strict=False) for text in _same(body, other))


def _same(mine: Any, other: Any) -> Iterator[str]:
    if isinstance(mine, dict) and isinstance(other, dict):
        for key in mine.keys() & other.keys():
            yield from _same(mine[key], other[key])
    elif isinstance(mine, list) and isinstance(other, list):
        for item, other_item in zip(mine, other, strict=False):
            yield from _same(item, other_item)
    elif isinstance(mine, str) and mine == other:
        yield mine


def masked(state: Any, steady: frozenset[str]) -> Any:
    """Returns a symbolic state with `#` in place of all numbers, and of texts with digits that are no `steady` ones."""
    if isinstance(state, dict):
        return {_text(key, steady): masked(value, steady) for key, value in state.items()}
    if isinstance(state, list):
        return [masked(item, steady) for item in state]
    if isinstance(state, str):
        return _text(state, steady)
    return MASK if isinstance(state, int | float) and not isinstance(state, bool) else state


def bare(state: Any, steady: frozenset[str]) -> Any:
    """Returns a symbolic state with nothing but texts: without numbers, generated ids, times, truth values and null.

    Two ways to learn of the same message need not tell more than its text.
    """
    if isinstance(state, dict):
        kept = {key: bare(value, steady) for key, value in state.items() if not has_symbol(key)}
        return {key: value for key, value in kept.items() if value is not None}
    if isinstance(state, list):
        return [bare(item, steady) for item in state]
    if isinstance(state, str) and not has_symbol(state) and _text(state, steady) == state:
        return state
    return None


def _text(text: str, steady: frozenset[str]) -> str:
    return text if text in steady or not _DIGIT.search(without_symbols(text)) else MASK
