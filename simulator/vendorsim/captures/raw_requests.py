"""Reads raw HTTP requests in a text file: request line, headers, blank line, body; as `curl -v` prints them, too.

Several requests may follow each other, each with its answer. Lines end with LF or CRLF.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from vendorsim.captures.json_scan import Window, in_mebibytes

# `> ` and `< ` are the prefixes of curl -v.
_REQUEST = re.compile(rb"(> ?)?([A-Z]{3,10}) (\S{1,65536}) HTTP/[0-9](?:\.[0-9])?\r?\n?")
_ANSWER = re.compile(rb"(< ?)?HTTP/[0-9](?:\.[0-9])? ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n?")
HEADER = re.compile(rb"(?:[<>] ?)?([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*\r?\n?")
_BLANK = re.compile(rb"(?:[<>] ?)?\r?\n?")
# Comments of curl -v, and the separators of .http files.
_COMMENT = re.compile(rb"(?:\* |[{}] \[\d+ bytes data\]|###)")


class RawMessage(Struct):
    """The lines of a head, with their endings and prefixes, and the body. `ending` follows the body in the file."""

    head: list[bytes] = []
    body: bytes = b""
    ending: bytes = b""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers."""
        found = (HEADER.fullmatch(line) for line in self.head[1:])
        return tuple((each[1].decode("latin-1"), each[2].decode("utf-8", "replace")) for each in found if each)


class RawRequest(Struct):
    """A request, and its answer if that follows. `line` is the line of the request line, from 1."""

    line: int
    request: RawMessage
    answer: RawMessage | None = None

    @property
    def method_and_target(self) -> tuple[str, str]:
        """The method and target of the request line."""
        found = _REQUEST.fullmatch(self.request.head[0])
        assert found is not None
        return found[2].decode(), found[3].decode("utf-8", "replace")

    @property
    def status(self) -> int | None:
        """The status of the answer."""
        found = None if self.answer is None else _ANSWER.fullmatch(self.answer.head[0])
        return None if found is None else int(found[2])


def is_raw(data: bytes) -> bool:
    """Whether a file begins like raw requests: with a request line, or with comments of curl -v before it."""
    for line in data.splitlines(keepends=True):
        if not line.strip() or _COMMENT.match(line):
            continue
        return _REQUEST.fullmatch(line) is not None
    return False


def raw_requests(window: Window, skip: Callable[[int, str], None]) -> Iterator[RawRequest]:
    """The requests of a file. `skip` gets the line and the reason of what can't be read."""
    lines = _Lines(window)
    current: RawRequest | None = None
    told = 0  # The last line that is nothing: of several after each other only the first is named.
    while (line := lines.next()) is not None:
        number = lines.number
        if _REQUEST.fullmatch(line):
            if current is not None:
                yield current
            current = RawRequest(number, _message(line, lines, skip))
        elif _ANSWER.fullmatch(line):
            answer = _message(line, lines, skip)
            if current is None:
                skip(number, "an answer without a request before it")
            elif (current.status or 0) < 200:  # An interim answer, such as 100 Continue, is not the answer.
                current.answer = answer
        elif line.strip() and not _COMMENT.match(line):
            if told != number - 1:
                skip(number, "neither a request line (POST /path HTTP/1.1), an answer nor a comment")
            told = number
    if current is not None:
        yield current


class _Lines:
    """The lines of a window, of which the last can be given back. A line that is too long is cut there."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._back: bytes | None = None
        self.largest = window.largest
        self.number = window.start.line - 1

    def next(self) -> bytes | None:
        if self._back is not None:
            line, self._back = self._back, None
            self.number += 1
            return line
        end = self._window.line_end()
        self.number += 1
        return self._window.drop(self._window.available if end is None else end) or None

    def back(self, line: bytes) -> None:
        self._back = line
        self.number -= 1


def _message(first: bytes, lines: _Lines, skip: Callable[[int, str], None]) -> RawMessage:
    message = RawMessage([first])
    while (line := lines.next()) is not None:
        if _BLANK.fullmatch(line):
            message.head.append(line)
            break
        if not HEADER.fullmatch(line):
            if _begins(line):
                lines.back(line)
                return message
            skip(lines.number, "a line of a head that is no header")
            continue
        message.head.append(line)
    printed = first.startswith((b"> ", b"< "))  # By curl -v, which has comments anywhere.
    body: list[bytes] = []
    size = 0
    length = next((int(v) for k, v in message.headers if k.lower() == "content-length" and v.isdecimal()), 0)
    while (line := lines.next()) is not None:
        if printed and _COMMENT.match(line):
            continue
        # A line within the announced length belongs to the body, whatever it looks like; but curl prints no bodies of
        # requests.
        if (printed or size >= length) and _begins(line):
            lines.back(line)
            break
        size += len(line)
        if size > lines.largest:
            skip(lines.number, f"the body is larger than {in_mebibytes(lines.largest)}; the rest is left out")
            break
        body.append(line)
    whole = b"".join(body)
    message.body = whole.rstrip(b"\r\n") if len(whole) > length else whole
    message.ending = whole[len(message.body) :]
    return message


def _begins(line: bytes) -> bool:
    """Whether a line ends the body before it."""
    return bool(
        _REQUEST.fullmatch(line)
        or _ANSWER.fullmatch(line)
        or _COMMENT.match(line)
        or (line[:2] in (b"> ", b"< ") and HEADER.fullmatch(line))
    )
