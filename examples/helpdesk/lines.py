"""Messages in a list without ids: their content identifies them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from .body import Body, moment, text


@dataclass(frozen=True, slots=True)
class Line:
    """One message of such a list. `at` is milliseconds since 1970."""

    at: int
    author: str
    text: str


def lines(items: list[Body], at: str, author: str, content: str) -> Iterator[tuple[str, Line]]:
    """Yields each message with a key of its time, author and text. Equal messages get different keys."""
    seen: Counter[Line] = Counter()
    for item in items:
        line = Line(item.need(at, moment), item.get(author, text) or "", item.get(content, text) or "")
        seen[line] += 1
        yield f"{line.at} {seen[line]} {line.author}: {line.text}", line
