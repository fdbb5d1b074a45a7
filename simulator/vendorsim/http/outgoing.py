"""One request on its way out: what is sent, how it is framed, and how it leaves. Faults change this value;
the transport carries out the `Wire` that it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from vendorsim.http.endpoint import Endpoint

Framing = Literal["length", "chunked", "none"]
# What follows the last part: "end" and "close" tell the receiver that nothing more comes; where only a whole
# connection can be closed (TLS), "end" leaves that out.
Ending = Literal["answer", "end", "close", "reset"]
Connection = Literal["pooled", "new", "single"]


class Wire(NamedTuple):
    """Bytes and their timing. `pause` (seconds) lies between the parts; `continue_after` is the number of parts
    after which a `100 Continue` is awaited; without either they leave together. `ending` says what follows the last
    part."""

    parts: tuple[bytes, ...]
    pause: float = 0.0
    continue_after: int = 0
    ending: Ending = "answer"
    connection: Connection = "pooled"

    @property
    def at_once(self) -> bool:
        """Whether it leaves whole, and then only the answer is waited for."""
        return not self.pause and not self.continue_after and self.ending == "answer"


@dataclass(slots=True)
class Outgoing:
    """A request in the making. `sent` is the share of the body that really leaves, `drip` the seconds that its
    body takes; `delivery`, `number` and `copy` name the attempt."""

    endpoint: Endpoint
    method: str
    headers: dict[str, str]
    body: bytes
    delivery: str
    number: int
    copy: int = 0
    framing: Framing = "length"
    sent: float = 1.0
    drip: float = 0.0
    expect_continue: bool = False
    ending: Ending = "answer"
    connection: Connection = "pooled"
    odd_case: bool = False
    faults: list[str] = field(default_factory=list)

    def head(self) -> bytes:
        """The request line and all headers, with the empty line that ends them."""
        headers = dict(self.headers)
        if self.framing == "length":
            headers["Content-Length"] = str(len(self.body))
        elif self.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        if self.framing == "none" or self.connection == "new":
            headers["Connection"] = "close"
        if self.expect_continue:
            headers["Expect"] = "100-continue"
        lines = [f"{self.method} {self.endpoint.resource} HTTP/1.1"]
        lines += [f"{_odd(name) if self.odd_case else name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def wire(self) -> Wire:
        """The bytes that leave, in parts."""
        head = self.head()
        body = self._framed()[: self._length_sent()]
        ending: Ending = "end" if self.framing == "none" and self.ending == "answer" else self.ending
        if self.drip > 0:
            parts = (head, *_pieces(body))
            return Wire(parts, self.drip / max(1, len(parts) - 1), int(self.expect_continue), ending, self.connection)
        if self.expect_continue:
            return Wire((head, body), 0.0, 1, ending, self.connection)
        return Wire((head + body,), 0.0, 0, ending, self.connection)

    def _framed(self) -> bytes:
        if self.framing != "chunked":
            return self.body
        # Two chunks at least, so that a receiver that reads one only is found out.
        middle = max(1, len(self.body) // 2)
        chunks = [chunk for chunk in (self.body[:middle], self.body[middle:]) if chunk]
        return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"

    def _length_sent(self) -> int:
        framed = len(self._framed())
        return framed if self.sent >= 1 else int(framed * self.sent)


def _pieces(body: bytes, count: int = 10) -> tuple[bytes, ...]:
    size = max(1, -(-len(body) // count))
    return tuple(body[start : start + size] for start in range(0, len(body), size))


def _odd(name: str) -> str:
    """`Content-Type` as `cONTENT-tYPE`: the same header, since names are case-insensitive."""
    return name.swapcase()
