"""`fuzz`: Schemathesis generates valid and invalid bodies, and shrinks those that fail."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

from msgspec import Struct

from vendorsim.checks import receiver_openapi
from vendorsim.checks.context import Context, Exchange, gather_bounded
from vendorsim.checks.forms import REMOVED, BodyEdit, applied
from vendorsim.checks.model import ERROR, WARNING, NotJudged, NotSelected
from vendorsim.checks.registry import check
from vendorsim.core.pointer import Path
from vendorsim.core.provenance import ASSUMED, Stated

# Characters of a case's name: the body of a longer one is not named. Bytes of a body that a name stands for.
LONGEST_NAME, LARGEST_BODY = 4_000, 1024 * 1024
# Bodies of one event that are sent since one failed, to find a small one and other failures.
MOST_TRIED_SINCE = 100
_VALID = Stated("Whatever the contract allows may come, and is accepted.", ASSUMED, "the contract of the profile")
_ROBUST = Stated(
    "No request, however wrong, makes an integration answer 5xx, hang or drop the connection.",
    ASSUMED,
    "usual practice: vendors retry or switch off webhooks that fail",
)


@check("fuzz.positive", _VALID, "Take every value that the contract allows; the shrunk body shows which one is missed.")
async def positive(context: Context) -> None:
    """The integration accepts valid bodies. A refusal is a warning, since schemas also allow nonsense."""
    await _each_event(context, valid=True)


@check("fuzz.negative", _ROBUST, "Check what you read from a body; answer 400 to what you can't use.")
async def negative(context: Context) -> None:
    """The integration refuses or ignores invalid bodies, but does not fail."""
    await _each_event(context, valid=False)


async def _each_event(context: Context, *, valid: bool) -> None:
    settings = context.settings
    if not settings.fuzz:
        raise NotSelected("give --fuzz")
    # Half of the examples for each of the two checks; `positive` gets the odd one.
    count = max(1, (settings.max_examples + valid) // 2)
    trials = [_Trial(context, event, valid) for event in await context.taken()]
    try:
        await gather_bounded([trial.run(count) for trial in trials], settings.makers.count)
    finally:
        for trial in trials:
            trial.report()


class _Failure(Struct):
    """A failing body, shrunk so far. `pointer` is the field that causes the failure, if known."""

    body: Any
    exchange: Exchange
    pointer: str | None = None


class _Trial:
    """Sends the generated bodies of one event, and keeps those that fail.

    Bodies of several events are made at the same time, but sent one after the other. Once a body has failed, nothing
    else is sent until the trial ends: what others do is not blamed on it.
    """

    def __init__(self, context: Context, event: str, valid: bool) -> None:
        self.context = context
        self.event = event
        self.valid = valid
        self._tried_since = 0
        self._sample = context.sample(event)
        self._failures: dict[str, _Failure] = {}
        # Open, and holds the floor, since a body failed.
        self._alone: AsyncExitStack | None = None

    async def run(self, count: int) -> None:
        """Tries `count` bodies, or the single cases that are selected."""
        context, settings = self.context, self.context.settings
        try:
            if context.names_cases:
                for case in context.named_cases(self.event):
                    await self._try_again(*case_of(case))
            else:
                path = settings.destination.endpoint.resource.partition("?")[0]
                accepted = settings.policy.accepted.value
                document = receiver_openapi.document(settings.contract, self.event, path, accepted)
                await settings.makers.generate(document, self.valid, count, settings.seed, self._try_out)
                await self._locate()
        finally:
            if self._alone is not None:
                await self._alone.aclose()

    async def _try_out(self, body: Any) -> bool | str:
        """Sends a body. Returns the outcome if the integration fails, or else whether to go on."""
        is_valid = not isinstance(body, bytes) and self.context.is_valid(self.event, body)
        # Skip bodies that Schemathesis generated for the wrong side, such as of combined schemas: the contract decides.
        if is_valid != self.valid:
            return True
        if self.valid:
            body = self.context.pinned.keep(self._sample.document, body)
            if not self.context.is_valid(self.event, body):
                return True
        self._tried_since += self._alone is not None
        if self._tried_since > MOST_TRIED_SINCE:
            return False
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.context.case(self.event)
        exchange = await self._send(raw)
        outcome = exchange.outcome()
        if _is_failure(exchange):
            # Keep the last one: Hypothesis shrinks a failing body, and tries the smallest one last.
            self._failures[outcome] = _Failure(body, exchange)
            return outcome
        # Go on after a refusal, which could hide worse failures. Keep the smallest refused body.
        known = self._failures.get(outcome)
        if (
            self.valid
            and not self.context.accepted(exchange)
            and (known is None or len(raw) < len(known.exchange.body))
        ):
            self._failures[outcome] = _Failure(body, exchange)
        return True

    async def _try_again(self, pointer: str, raw: bytes) -> None:
        """Sends the body of a case that is named."""
        self.context.case(self.event)
        exchange = await self._send(raw)
        if _is_failure(exchange) or (self.valid and not self.context.accepted(exchange)):
            self._failures[exchange.outcome()] = _Failure(raw, exchange, pointer or None)

    async def _send(self, raw: bytes) -> Exchange:
        """Sends a body while nothing else is sent."""
        if self._alone is not None:
            return await self.context.send(self._sample.event, raw)
        async with AsyncExitStack() as alone:
            await alone.enter_async_context(self.context.alone())
            exchange = await self.context.send(self._sample.event, raw)
            if _is_failure(exchange):
                self._alone = alone.pop_all()
        return exchange

    async def _locate(self) -> None:
        """Finds the field that causes each failure: sends a usual body with one value of the failing body at a time.
        That body is then the failing one, unless the contract says otherwise of it."""
        for outcome, failure in self._failures.items():
            for edit in edits_between(self._sample.document, failure.body):
                body = applied(self._sample.document, [edit])
                exchange = await self._send(json.dumps(body).encode())
                if exchange.outcome() == outcome:
                    failure.pointer = edit.pointer
                    if self.context.is_valid(self.event, body) == self.valid:
                        failure.body, failure.exchange = body, exchange
                    break

    def report(self) -> None:
        """Reports each failure as a finding."""
        for outcome, failure in self._failures.items():
            verb = "keeps" if self.valid else "breaks"
            self.context.fail(
                self.event,
                f"a made-up {self.event} that {verb} its contract: {_outcome(failure.exchange)}",
                expected=self.context.expected_statuses() if self.valid else "a 4xx answer",
                found=outcome,
                pointer=failure.pointer or "",
                exchange=failure.exchange,
                severity=ERROR if _is_failure(failure.exchange) else WARNING,
                case=name_of(failure.pointer or "", failure.exchange.body),
                cause=() if failure.pointer is not None else (outcome, self.event),
            )


def name_of(pointer: str, body: bytes) -> str:
    """Returns the name of the case in which a field of this body causes the failure: the pointer, `=` and the body,
    compressed and in Base64; empty if it is too long."""
    name = f"{pointer}={base64.urlsafe_b64encode(zlib.compress(body, 9)).decode().rstrip('=')}"
    return name if len(name) <= LONGEST_NAME else ""


def case_of(name: str) -> tuple[str, bytes]:
    """Returns the pointer and the body that the name of a case stands for. Raises NotJudged if it stands for none."""
    pointer, _, packed = name.rpartition("=")
    try:
        reader = zlib.decompressobj()
        body = reader.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), LARGEST_BODY)
        if not reader.eof:
            raise ValueError(name)
    except (ValueError, zlib.error):
        raise NotJudged(f"there is no case '{name[:40]}': copy the name from the command of a finding") from None
    return pointer, body


def _is_failure(exchange: Exchange) -> bool:
    return exchange.status is None or exchange.status >= 500


def edits_between(usual: Any, failing: Any, path: Path = ()) -> Iterator[BodyEdit]:
    """Yields the edits that turn a usual body into a failing one, value by value. A list is one value."""
    if not (isinstance(usual, dict) and isinstance(failing, dict)):
        if usual != failing and path:
            yield BodyEdit(path, failing)
        return
    for key in [*usual, *(key for key in failing if key not in usual)]:
        if key not in failing:
            yield BodyEdit((*path, key), REMOVED)
        elif key not in usual:
            yield BodyEdit((*path, key), failing[key])
        else:
            yield from edits_between(usual[key], failing[key], (*path, key))


def _outcome(exchange: Exchange) -> str:
    return exchange.outcome() if exchange.status is None else f"it was answered {exchange.status}"
