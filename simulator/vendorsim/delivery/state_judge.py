"""Judges the `probe` steps of a scenario: reads the integration's state until it holds what the step expects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from vendorsim.core import pointer as json_pointer
from vendorsim.core.clock import monotonic
from vendorsim.delivery.records import AS_EXPECTED, MISSED, NOT_JUDGED, Probed
from vendorsim.probes.model import ProbeError, StateProbe
from vendorsim.runs.timeline import LiveConversation
from vendorsim.scenario.verbs import Probe

# Seconds between two reads: the first pause, and the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25
# Seconds that the first read may take at least.
LEAST = 1.0
# Characters of a value that are shown.
_SHOWN = 200
NO_PROBE = "there is no probe: name one with --probe, or in vendorsim.yaml"


class JudgedState(NamedTuple):
    """A verdict on a state, its reason where it is not as expected, and the state that was read last (None: none)."""

    verdict: str
    reason: str | None
    state: Any = None


async def judge_state(probe: StateProbe | None, live: LiveConversation, verb: Probe) -> Probed:
    """Reads the state until it is as expected, for at most `within` milliseconds of wall-clock time.

    The verdict is NOT_JUDGED where the last read failed, or if there is no probe.
    """
    with live.lock:
        identifier = live.state.visitor.identifier
    if probe is None:
        return Probed(live.state.index, live.id, verb.values, NOT_JUDGED, NO_PROBE, asked=False)
    judged = await judge_values(probe, str(live.id), identifier, verb)
    return Probed(live.state.index, live.id, verb.values, judged.verdict, judged.reason, state=judged.state)


async def judge_values(probe: StateProbe, conversation: str, identifier: str | None, verb: Probe) -> JudgedState:
    """Like `judge_state`, for the id of a conversation."""
    within = verb.within / 1000
    ends = monotonic() + within
    # With `within: 0s` the state is read once.
    first = max(within, LEAST)
    try:
        async with asyncio.timeout(first):
            outcome = await _look(probe, conversation, identifier, verb.values)
    except TimeoutError:
        return JudgedState(NOT_JUDGED, f"the probe did not answer within {first:g} s")
    pause = _FIRST_PAUSE
    try:
        async with asyncio.timeout(max(0.0, ends - monotonic())):
            while outcome.verdict != AS_EXPECTED:
                await asyncio.sleep(pause)
                outcome = await _look(probe, conversation, identifier, verb.values)
                pause = min(pause * 2, _LONGEST_PAUSE)
    except TimeoutError:
        pass
    return outcome


async def _look(
    probe: StateProbe, conversation: str, identifier: str | None, expected: Mapping[str, Any]
) -> JudgedState:
    """Reads the state once, and judges it."""
    try:
        state = await probe.read(conversation, identifier)
    except ProbeError as error:
        return JudgedState(NOT_JUDGED, str(error))
    if state is None and any(expected):
        return JudgedState(MISSED, "nothing is known of the conversation")
    problems = [text for pointer, value in expected.items() if (text := mismatch(state, pointer, value)) is not None]
    return JudgedState(MISSED, "; ".join(problems), state) if problems else JudgedState(AS_EXPECTED, None, state)


def mismatch(state: Any, pointer: str, expected: Any) -> str | None:
    """Returns how the state differs from the expected value at a JSON pointer, or None. Pure."""
    try:
        found = json_pointer.resolve(state, pointer)
    except LookupError:
        return f"{pointer}: expected {_shown(expected)}, but the state has no such place"
    if _same(expected, found):
        return None
    return f"{pointer or 'the whole state'}: expected {_shown(expected)}, found {_shown(found)}"


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON documents are equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _shown(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
