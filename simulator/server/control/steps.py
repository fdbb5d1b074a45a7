"""Steps that are carried out by hand on conversations that are under way, as a scenario would tell them."""

from __future__ import annotations

from typing import Any

from simulator.scenario.parse import parse
from simulator.scenario.verbs import Verb
from simulator.server.control.problems import ProblemError
from simulator.server.control.workbench import Workbench
from simulator.world import Conversation, StepError

# Verbs that are nothing to carry out now: they wait.
_WAITING = {"wait", "authenticate", "probe"}


def read_step(text: str) -> Verb:
    """A step of a scenario, as JSON or YAML text, such as `{"say": "Hello"}`. Raises ProblemError."""
    reader = parse(f'{{"scenario": "by hand", "cast": {{"agents": {{"agent": {{}}}}}}, "steps": [{text}]}}', "<step>")
    if reader.scenario is None or reader.problems.found:
        raise ProblemError(422, "; ".join(problem.message for problem in reader.problems.found) or "this is no step")
    verb = reader.scenario.steps[0].verb
    if verb.name in _WAITING:
        raise ProblemError(422, f"'{verb.name}' waits for something, and can't be carried out by hand")
    return verb


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
