"""Steps that are carried out by hand on conversations that are under way, as a scenario would tell them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vendorsim.conversation.state import Conversation, StepError
from vendorsim.scenario.parse import parse
from vendorsim.scenario.verbs import Verb
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.scenario_texts import as_yaml
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit import registry

# Verbs that are nothing to carry out now: they wait.
_WAITING = {"wait", "authenticate", "probe"}
# A step can name so many of a conversation's messages by their number from the first, or from the last.
_MOST_MESSAGES = 200


def read_step(bench: Workbench, vendor: str, conversations: Sequence[str], step: Any) -> Verb:
    """A step of a scenario, such as `{"say": "Hello"}`. Raises ProblemError.

    It may name the agents and messages of any of the conversations; each one says for itself that it lacks them.
    """
    agents, messages = _known(bench, vendor, conversations)
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
    return verb


def _known(bench: Workbench, vendor: str, conversations: Sequence[str]) -> tuple[list[str], int]:
    """The agents of all these conversations, and how many messages the longest has."""
    agents: dict[str, None] = {}
    messages = 0
    for name in conversations:
        handle = bench.state.conversations.get(vendor, name)
        if handle is not None:
            keys, count = handle.look(_cast_and_length)
            agents.update(dict.fromkeys(keys))
            messages = max(messages, count)
    return list(agents), messages


def _cast_and_length(conversation: Conversation) -> tuple[tuple[str, ...], int]:
    # Who acts by hand needs an agent, also where the scenario has none; it is then called `agent`.
    conversation.default_agent()
    return tuple(conversation.agents), len(conversation.messages)


def carry_out(bench: Workbench, vendor: str, conversation: str, verb: Verb) -> dict[str, Any]:
    """Carries a step out, and tells what became of it; a conversation that can't take it is told of, too."""
    found = {"conversation": conversation, "done": False, "reason": None}
    handle = bench.state.conversations.get(vendor, conversation)
    if handle is None:
        return found | {"reason": "it is not under way: only conversations of this server's runs can be acted on"}
    try:
        handle.act(verb, _nothing)
    except StepError as error:
        return found | {"reason": str(error)}
    return found | {"done": True}


def _nothing(conversation: Conversation) -> None:
    return None
