"""Reads the file of a query: one statement with the parameters :conversation_id and :identifier."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from vendorsim.core.errors import InputError, unknown
from vendorsim.probes.model import PLACEHOLDERS

LARGEST_QUERY = 1024 * 1024
# What holds no parameters: comments, texts, quoted names, PostgreSQL's dollar quotes, and casts (`::text`).
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)
    |(?P<quoted>\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<cast>::)
    |(?<![\w:]):(?P<parameter>[A-Za-z_]\w*)
    |(?P<brace>\{(?:conversation_id|identifier)\})
    |(?P<end>;)
    |(?P<space>\s+)
    |(?P<other>\w+|.)""",
    re.DOTALL | re.VERBOSE,
)


class Parameter(Struct, frozen=True):
    """A parameter of a query: its name, and where it stands in the text."""

    name: str
    start: int
    end: int


class ProbeQuery(Struct, frozen=True):
    """A query. `file` is its name in messages, `start` is where the statement begins in the text."""

    file: str
    text: str
    start: int
    parameters: tuple[Parameter, ...]

    def place(self, offset: int) -> str:
        """Returns `file:line:column` of a position in the text."""
        return _place(self.file, self.text, offset)

    def near(self, token: str) -> str:
        """Returns the place of a word that occurs only once, else that of the statement."""
        found = [match.start() for match in re.finditer(re.escape(token), self.text)] if token else []
        return self.place(found[0] if len(found) == 1 else self.start)

    def numbered(self) -> tuple[str, tuple[str, ...]]:
        """Returns the text with $1, $2 … in place of the parameters, and their names in this order.

        Each occurrence has a number of its own, since each may have a type of its own.
        """
        parts: list[str] = []
        done = 0
        for number, parameter in enumerate(self.parameters, 1):
            parts += [self.text[done : parameter.start], f"${number}"]
            done = parameter.end
        return "".join([*parts, self.text[done:]]), tuple(parameter.name for parameter in self.parameters)

    def original(self, offset: int) -> int:
        """Returns the position in the text of a position in the numbered text."""
        shift = 0
        for number, parameter in enumerate(self.parameters, 1):
            if parameter.start + shift >= offset:
                break
            shift += len(f"${number}") - (parameter.end - parameter.start)
        return max(0, offset - shift)


def read_query(path: Path, name: str) -> ProbeQuery:
    """Reads a query file; `name` is its name in messages. Raises InputError that names the place."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_QUERY + 1)
        text = data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"{name}: the query can't be read: {reason}") from None
    if len(data) > LARGEST_QUERY:
        raise InputError(f"{name}: the query is larger than {LARGEST_QUERY >> 20} MiB")
    tokens = list(_TOKEN.finditer(text))
    start, ended = None, False
    for token in tokens:
        place = _place(name, text, token.start())
        if token.lastgroup == "brace" or (token.lastgroup == "quoted" and _braces(token[0])):
            raise InputError(f"{place}: write :conversation_id, without braces and quotes; the value is bound")
        if token.lastgroup in ("comment", "space"):
            continue
        if token.lastgroup == "end":
            ended = start is not None
            continue
        if ended:
            raise InputError(f"{place}: a second statement begins here; a query file has one statement")
        if token["parameter"] is not None and token["parameter"] not in PLACEHOLDERS:
            raise InputError(f"{place}: {unknown('parameter', token['parameter'], PLACEHOLDERS)}")
        start = token.start() if start is None else start
    if start is None:
        raise InputError(f"{name}: there is no query in this file")
    parameters = _parameters(tokens)
    if not parameters:
        raise InputError(
            f"{_place(name, text, start)}: the query has no :conversation_id outside quotes, "
            "so all conversations would have the same state"
        )
    return ProbeQuery(name, text, start, parameters)


def _parameters(tokens: Sequence[re.Match[str]]) -> tuple[Parameter, ...]:
    return tuple(Parameter(token["parameter"], *token.span()) for token in tokens if token["parameter"] is not None)


def _braces(text: str) -> bool:
    return any(f"{{{name}}}" in text for name in PLACEHOLDERS)


def _place(name: str, text: str, offset: int) -> str:
    before = text[:offset]
    return f"{name}:{before.count(chr(10)) + 1}:{offset - before.rfind(chr(10))}"
