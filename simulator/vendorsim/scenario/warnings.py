"""Warnings about a scenario that is valid, but tells what hardly happens."""

from __future__ import annotations

from collections.abc import Iterator

from vendorsim.core.errors import Problem
from vendorsim.scenario import verbs
from vendorsim.scenario.model import Scenario, Step

_TELLS_NOTHING = (verbs.Wait, verbs.Probe, verbs.Authenticate, verbs.ExpectCall, verbs.SetSink)
_ENDS = (verbs.Close, verbs.Miss, verbs.OfflineMessage)
_BEGINS = (verbs.Start, verbs.Reopen, verbs.Snooze, verbs.Pend)


def warnings(scenario: Scenario) -> list[Problem]:
    """The warnings about a scenario, in the order of its steps; each is about some vendor that it is played as."""
    found: dict[tuple[int, int], str] = {}
    for vendor in scenario.vendors:
        steps = [step for step in scenario.steps if step.only is None or vendor in step.only]
        found |= {(step.line, step.column): message for step, message in _found(steps)}
    return [Problem(scenario.file, *place, message) for place, message in sorted(found.items())]


def _found(steps: list[Step]) -> Iterator[tuple[Step, str]]:
    ended, away, deleted = False, set(), False
    for step in steps:
        verb = step.verb
        if deleted and not isinstance(verb, _TELLS_NOTHING):
            yield step, "nothing is sent after the conversation was deleted; who writes again begins another one"
        deleted = deleted or (isinstance(verb, verbs.Delete) and verb.message in (verbs.CONVERSATION, verbs.CONTACT))
        if isinstance(verb, _ENDS):
            ended = True
        elif isinstance(verb, _BEGINS) or (isinstance(verb, verbs.Say) and verb.by == verbs.VISITOR):
            ended = False
        elif isinstance(verb, verbs.Survey) and not ended:
            yield step, "'survey' before the end; visitors answer it after the conversation has been closed"
        elif isinstance(verb, verbs.Operator):
            if verb.goes == "back" and verb.who not in away:
                yield step, f"'{verb.who}' comes back without having been away; write 'goes: away' before"
            away.discard(verb.who)
            if verb.goes == "away":
                away.add(verb.who)
