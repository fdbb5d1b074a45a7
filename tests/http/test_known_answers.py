"""Answers that came before are not parsed again; that must make no difference to anybody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from receiver import Connection, Receiver, Request, status
from vendorsim.http.endpoint import endpoint
from vendorsim.http.outgoing import Wire
from vendorsim.http.transport import Answer, Failure, HttpTransport

HEAD = b"POST /hook HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
AT_ONCE = Wire((HEAD, b"body"))
DRIPPED = Wire((HEAD, b"body"), pause=0.2)
KNOWN = status(200, b"ok")


def sent(target: Receiver, wires: Sequence[Wire], **options: Any) -> list[Answer | Failure]:
    """What the target answers to these requests, one after the other; a test that waits half a minute has failed."""

    async def send() -> list[Answer | Failure]:
        client = HttpTransport(**options)
        try:
            async with asyncio.timeout(30):
                return [await client.exchange(endpoint(target.url()), wire, 5.0, 5.0) for wire in wires]
        finally:
            client.abort()

    return asyncio.run(send())


def told(answers: Sequence[Answer | Failure]) -> list[tuple[int, bytes]]:
    return [(answer.status, answer.body) for answer in answers if isinstance(answer, Answer)]


def in_pieces(connection: Connection, request: Request) -> None:
    for part in (KNOWN[:10], KNOWN[10:-1], KNOWN[-1:]):
        connection.send(part)
        time.sleep(0.02)  # what is being tested, not a way to wait for something


def test_each_request_gets_the_answer_that_was_given() -> None:
    other = status(500, b"no", X_Reason="tired")
    with Receiver(KNOWN, KNOWN, other, in_pieces, KNOWN, other) as target:
        answers = sent(target, [AT_ONCE] * 6)
    assert told(answers) == [(200, b"ok")] * 2 + [(500, b"no")] + [(200, b"ok")] * 2 + [(500, b"no")]
    assert isinstance(answers[5], Answer)
    assert answers[5].header("x-reason") == "tired"
    assert len(target.connections) == 1


def test_an_answer_that_is_parsed_is_the_same_as_one_that_is_known() -> None:
    with Receiver(KNOWN) as target:
        first, second = sent(target, [AT_ONCE] * 2)
    assert first == second


@pytest.mark.parametrize("behind", [status(500), b"stray bytes"])
def test_a_known_answer_with_something_behind_it_ends_its_connection(behind: bytes) -> None:
    with Receiver(KNOWN, KNOWN + behind, KNOWN) as target:
        assert told(sent(target, [AT_ONCE] * 3)) == [(200, b"ok")] * 3
    assert [connection.number for connection in target.connections] == [0, 1]


def test_a_known_answer_before_the_request_is_whole_ends_its_connection() -> None:
    with Receiver(KNOWN, interim=KNOWN) as target:
        assert told(sent(target, [AT_ONCE, DRIPPED, AT_ONCE])) == [(200, b"ok")] * 3
    assert len(target.connections) == 2


def test_answers_that_are_never_the_same() -> None:
    bodies = [b"%d" % number for number in range(10)]
    with Receiver(*(status(200, body) for body in bodies * 2)) as target:
        assert told(sent(target, [AT_ONCE] * 20, cache=3)) == [(200, body) for body in bodies * 2]
    assert len(target.connections) == 1


EXPECTING = Wire((HEAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"), b"body"), continue_after=1)


def test_the_body_leaves_as_soon_as_the_target_asks_for_it() -> None:
    with Receiver(interim=b"HTTP/1.1 100 Continue\r\n\r\n") as target:
        (answer,) = sent(target, [EXPECTING], continue_seconds=3_600.0)
    assert isinstance(answer, Answer)
    assert target.requests[0].body == b"body"


def test_a_target_that_never_asks_for_the_body_gets_it_after_a_while() -> None:
    with Receiver() as target:
        (answer,) = sent(target, [EXPECTING], continue_seconds=0.05)
        head, body = target.connections[0].pieces
    assert isinstance(answer, Answer)
    assert (head.data, body.data) == EXPECTING.parts
