"""An outgoing request: content, framing, timing and connection.

Faults change an `Outgoing`; the transport sends the `Wire` that is built from it.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from msgspec import Struct, field

from vendorsim.http.endpoint import Endpoint

Framing = Literal["length", "chunked", "none"]
# After the last part the client waits for the answer ("answer"), closes its sending side ("end" and "close"), or resets
# the connection ("reset"). TLS can't close one side alone: there "end" does nothing, and "close" closes the connection.
Ending = Literal["answer", "end", "close", "reset"]
# "kept" connections are pooled and reused; "new" ones serve a single request, and with "close" the request says so
# (`Connection: close`); "single" is one connection for all requests to an endpoint.
Connection = Literal["kept", "new", "close", "single"]


class Wire(Struct, frozen=True):
    """Bytes to send, and their timing.

    The client waits `pause` seconds between two parts, and for a `100 Continue` after the first `continue_after` parts
    (0: it doesn't wait). Without either it sends all parts together. `ending` says what it does after the last part,
    `connection` which connection it uses. With a `barrier`, the last byte is held back until all requests at the
    barrier have come so far, and then for `late` seconds more: so they reach the receiver together.
    """

    parts: tuple[bytes, ...]
    pause: float = 0.0
    continue_after: int = 0
    ending: Ending = "answer"
    connection: Connection = "kept"
    barrier: asyncio.Barrier | None = None
    late: float = 0.0

    @property
    def at_once(self) -> bool:
        """Whether the client sends all parts together and then only waits for the answer."""
        return not self.pause and not self.continue_after and self.ending == "answer" and self.barrier is None

    @property
    def reuses(self) -> bool:
        """Whether the request may use a connection that served another one, and leave it to the next one."""
        return self.connection in ("kept", "single")

    @property
    def repeatable(self) -> bool:
        """Whether the request is sent again if it meets a kept connection that the other side is closing."""
        return self.connection == "kept" and self.ending == "answer" and self.barrier is None


class Outgoing(Struct):
    """A request that is being built.

    `sent` is the share of the body that is sent (0 to 1), `drip` the time in seconds over which it is sent. `delivery`,
    `number` and `copy` identify the attempt.
    """

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
    connection: Connection = "kept"
    odd_case: bool = False
    faults: list[str] = field(default_factory=list)

    def head(self) -> bytes:
        """The request line and all headers, with the empty line that ends them."""
        headers = dict(self.headers)
        if self.framing == "length":
            headers["Content-Length"] = str(len(self.body))
        elif self.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        if self.framing == "none" or self.connection == "close":
            headers["Connection"] = "close"
        if self.expect_continue:
            headers["Expect"] = "100-continue"
        lines = [f"{self.method} {self.endpoint.resource} HTTP/1.1"]
        # `cONTENT-tYPE` is `Content-Type`: header names are case-insensitive.
        lines += [f"{name.swapcase() if self.odd_case else name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def wire(self) -> Wire:
        """The bytes to send, in parts."""
        head = self.head()
        framed = self._framed()
        body = framed if self.sent >= 1 else framed[: int(len(framed) * self.sent)]
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
        # Two chunks, to detect a receiver that reads only the first.
        middle = max(1, len(self.body) // 2)
        chunks = [chunk for chunk in (self.body[:middle], self.body[middle:]) if chunk]
        return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def _pieces(body: bytes, count: int = 10) -> tuple[bytes, ...]:
    size = max(1, -(-len(body) // count))
    return tuple(body[start : start + size] for start in range(0, len(body), size))
