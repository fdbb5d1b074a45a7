"""Carries out manual steps, written like steps of a scenario, on active conversations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vendorsim.conversation.state import Conversation, StepError
from vendorsim.core import times
from vendorsim.delivery.planning import open_probe
from vendorsim.delivery.records import AS_EXPECTED, NOT_JUDGED
from vendorsim.delivery.state_judge import NO_PROBE, judge_values
from vendorsim.scenario.parse import parse
from vendorsim.scenario.verbs import Probe, SetSink, Verb
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.scenario_texts import as_yaml
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.conversation_handle import ConversationHandle

# Verbs that wait, and so can't be carried out at once.
_WAITING = {"wait", "authenticate", "expect_call"}
# Milliseconds for which a manual `probe` may wait: the request waits, too.
_LONGEST_PROBE = 10_000
# A step can refer to this many of a conversation's messages, counted from the first or from the last.
_MOST_MESSAGES = 200


def read_step(workbench: Workbench, vendor: str, conversations: Sequence[str], step: Any) -> Verb:
    """Parses a step of a scenario, such as `{"say": "Hello"}`. Raises ProblemError (422).

    The step may name agents and messages of any of the conversations. `carry_out` reports a conversation that lacks
    them.
    """
    agents, messages = _known(workbench, vendor, conversations)
    document = {
        "scenario": "by hand",
        "cast": {"agents": {name: {} for name in agents}},
        "steps": [*[{"say": "earlier"}] * min(messages, _MOST_MESSAGES), step],
    }
    reader = parse(as_yaml(document), "<step>", registry.vocabulary())
    if reader.scenario is None or reader.problems.found:
        raise ProblemError(422, "; ".join(problem.message for problem in reader.problems.found) or "this is no step")
    verb = reader.scenario.steps[-1].verb
    if verb.name in _WAITING:
        raise ProblemError(422, f"'{verb.name}' waits for something, and can't be carried out by hand")
    if isinstance(verb, Probe) and verb.within > _LONGEST_PROBE:
        raise ProblemError(422, f"'probe' by hand waits for {times.duration_text(_LONGEST_PROBE)} at most")
    if isinstance(verb, SetSink):
        raise ProblemError(422, f"'sink' is not a step by hand; set the answers with PATCH /sinks/{verb.sink}")
    return verb


def _known(workbench: Workbench, vendor: str, conversations: Sequence[str]) -> tuple[list[str], int]:
    """Returns the agents of all these conversations, and the highest number of messages in one of them."""
    agents: dict[str, None] = {}
    messages = 0
    for name in conversations:
        handle = workbench.backend.conversations.get(vendor, name)
        if handle is not None:
            keys, count = handle.look(_cast_and_length)
            agents.update(dict.fromkeys(keys))
            messages = max(messages, count)
    return list(agents), messages


def _cast_and_length(conversation: Conversation) -> tuple[tuple[str, ...], int]:
    # A manual step needs an agent even if the scenario has none; the default one is called `agent`.
    conversation.default_agent()
    return tuple(conversation.agents), len(conversation.messages)


def carry_out(workbench: Workbench, vendor: str, conversation: str, verb: Verb) -> dict[str, Any]:
    """Carries out a step in one conversation. Returns the result as JSON: `done`, and else the `reason`.

    A `probe` is done if the state is as expected. Raises InputError for a probe that can't be opened.
    """
    result = {"conversation": conversation, "done": False, "reason": None}
    handle = workbench.backend.conversations.get(vendor, conversation)
    if handle is None:
        return result | {"reason": "it is not under way: only conversations of this server's runs can be acted on"}
    if isinstance(verb, Probe):
        verdict, reason = _probed(workbench, vendor, handle, verb)
        return result | {"done": verdict == AS_EXPECTED, "reason": reason and f"{verdict}: {reason}"}
    try:
        handle.act(verb, lambda conversation: None)
    except StepError as error:
        return result | {"reason": str(error)}
    return result | {"done": True}


def _probed(workbench: Workbench, vendor: str, handle: ConversationHandle, verb: Probe) -> tuple[str, str | None]:
    """Returns the verdict on a conversation's state, read by the vendor's configured probe, and its reason."""
    loop = workbench.shared.background_loop
    identifier = handle.look(lambda conversation: conversation.visitor.identifier)
    destinations = workbench.backend.stage(vendor).destinations

    async def judged() -> tuple[str, str | None]:
        probe = open_probe(destinations, loop.transport, workbench.backend.ledger.state)
        if probe is None:
            return NOT_JUDGED, NO_PROBE
        try:
            judged = await judge_values(probe, handle.id, identifier, verb)
            return judged.verdict, judged.reason
        finally:
            await probe.close()

    return loop.run(judged())
