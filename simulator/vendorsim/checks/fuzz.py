"""`fuzz`: Schemathesis makes up bodies that keep the contract or break it, and those that fail are shrunk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vendorsim.checks import receiver_openapi
from vendorsim.checks.context import Context, Exchange, TargetGone
from vendorsim.checks.forms import REMOVED, BodyEdit, applied
from vendorsim.checks.generating import Enough, failed, generate
from vendorsim.checks.model import ERROR, WARNING, Skipped
from vendorsim.checks.registry import check
from vendorsim.core.pointer import Path
from vendorsim.core.provenance import ASSUMED, Stated

_VALID = Stated("Whatever the contract allows may come, and is accepted.", ASSUMED, "the contract of the profile")
_ROBUST = Stated(
    "No request, however wrong, makes an integration answer 5xx, hang or drop the connection.",
    ASSUMED,
    "usual practice: vendors retry or switch off webhooks that fail",
)


@check("fuzz.positive", _VALID, "Take every value that the contract allows; the shrunk body shows which one is missed.")
async def positive(context: Context) -> None:
    """Bodies that keep the contract: accepted. A refusal is a warning, since schemas can't say all that makes sense."""
    await _each_event(context, valid=True)


@check("fuzz.negative", _ROBUST, "Check what you read from a body; answer 400 to what you can't use.")
async def negative(context: Context) -> None:
    """Bodies that break the contract: refused or ignored, but no failure."""
    await _each_event(context, valid=False)


async def _each_event(context: Context, *, valid: bool) -> None:
    settings = context.settings
    if not settings.fuzz:
        raise Skipped("give --fuzz")
    path = settings.destination.endpoint.resource.partition("?")[0]
    # One half of the examples for each of the two checks.
    count = max(1, (settings.max_examples + valid) // 2)
    for event in context.events():
        document = receiver_openapi.document(settings.contract, event, path, settings.policy.accepted.value)
        trial = _Trial(context, event, valid, most=2 * count + 100)
        try:
            await asyncio.to_thread(generate, document, valid, trial.try_out, count, settings.seed)
            await trial.locate()
        finally:
            trial.stopped = True
            trial.report()
        if trial.gone is not None:
            raise trial.gone


@dataclass(slots=True)
class _Failure:
    """A body that fails, as far as it is shrunk, and the field that it is about, where that is known."""

    body: Any
    exchange: Exchange
    pointer: str | None = None


class _Trial:
    """Sends the made-up bodies of one event, from the thread in which they are made up, and keeps those that fail.

    `most` is how many requests may follow the first failure: shrinking must end some day.
    """

    def __init__(self, context: Context, event: str, valid: bool, most: int) -> None:
        self.context = context
        self.event = event
        self.valid = valid
        self.stopped = False
        self.gone: TargetGone | None = None
        self._most = most
        self._sample = context.sample(event)
        self._loop = asyncio.get_running_loop()
        self._failures: dict[str, _Failure] = {}

    def try_out(self, body: Any) -> None:
        """Raises BodyFailed when the integration falls over a body, Enough when there is no use in going on."""
        keeps = not isinstance(body, bytes) and self.context.is_valid(self.event, body)
        # What is hard to make up (a combination of fields, say) may turn out wrong: the contract decides.
        if keeps != self.valid:
            return
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        exchange = asyncio.run_coroutine_threadsafe(self._case(raw), self._loop).result()
        if exchange is None:
            raise Enough
        outcome = exchange.outcome()
        if _broke(exchange):
            # The last one counts: Hypothesis shrinks what fails, and tries out the smallest at the end.
            self._failures[outcome] = _Failure(body, exchange)
            self._most -= 1
            if self._most < 0:
                raise Enough
            raise failed(outcome)
        # A refusal ends nothing, or it would hide what is worse; the smallest body that is refused is kept.
        known = self._failures.get(outcome)
        if (
            self.valid
            and not self.context.accepted(exchange)
            and (known is None or len(raw) < len(known.exchange.body))
        ):
            self._failures[outcome] = _Failure(body, exchange)

    async def _case(self, raw: bytes) -> Exchange | None:
        self.context.case(self.event)
        return await self._send(raw)

    async def _send(self, raw: bytes) -> Exchange | None:
        """None when nothing can be sent any more."""
        if self.stopped or self.gone is not None:
            return None
        try:
            return await self.context.send(self._sample.event, raw)
        except TargetGone as error:
            self.gone = error
            return None

    async def locate(self) -> None:
        """Looks for the field that each failure is about: one odd value after the other, in an ordinary body."""
        for outcome, failure in self._failures.items():
            for edit in edits_between(self._sample.document, failure.body):
                exchange = await self._send(json.dumps(applied(self._sample.document, [edit])).encode())
                if exchange is None:
                    return
                if exchange.outcome() == outcome:
                    failure.pointer = edit.pointer
                    break

    def report(self) -> None:
        """The findings."""
        for outcome, failure in self._failures.items():
            kept = "keeps" if self.valid else "breaks"
            self.context.fail(
                self.event,
                f"a made-up {self.event} that {kept} its contract: {_did(failure.exchange)}",
                expected=self.context.expected_statuses() if self.valid else "a 4xx answer",
                found=outcome,
                pointer=failure.pointer or "",
                exchange=failure.exchange,
                severity=ERROR if _broke(failure.exchange) else WARNING,
                cause=() if failure.pointer is not None else (outcome, self.event),
            )


def _broke(exchange: Exchange) -> bool:
    return exchange.status is None or exchange.status >= 500


def edits_between(usual: Any, odd: Any, path: Path = ()) -> Iterator[BodyEdit]:
    """What turns a usual body into an odd one, value by value; lists are taken whole."""
    if not (isinstance(usual, dict) and isinstance(odd, dict)):
        if usual != odd and path:
            yield BodyEdit(path, odd)
        return
    for key in [*usual, *(key for key in odd if key not in usual)]:
        if key not in odd:
            yield BodyEdit((*path, key), REMOVED)
        elif key not in usual:
            yield BodyEdit((*path, key), odd[key])
        else:
            yield from edits_between(usual[key], odd[key], (*path, key))


def _did(exchange: Exchange) -> str:
    return exchange.outcome() if exchange.status is None else f"it was answered {exchange.status}"
