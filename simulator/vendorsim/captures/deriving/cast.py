"""The cast of a story that was found: what the capture shows in the place of the stand-ins. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from vendorsim.captures.deriving.comparing import LATER, Bindings
from vendorsim.captures.deriving.model import Derived, DerivedStep
from vendorsim.captures.deriving.stand_ins import PEOPLE, StandIns, renamed
from vendorsim.scenario.model import AccountCast, AgentCast, Cast
from vendorsim.scenario.verbs import Verb

# Of these data the scenario shows what the capture shows; the others are made up, unless the visitor has none.
_ABSENT = frozenset(
    {"referer", "note", "group", "avatar", "identifier", "browser_version", "system", "system_version", "device"}
)
_SHOWN = frozenset({*PEOPLE, "note", "group", "referer", "city", "country", "country_code", "language"})


def with_cast(
    steps: Sequence[DerivedStep], stand_ins: StandIns, bindings: Bindings, agents_named: int, cost: float
) -> Derived:
    """The story of these steps with the people of the capture. `agents_named` is how many agents the steps name."""
    guess, values, state = stand_ins.guess, bindings.values, stand_ins.first.state
    visitor: dict[str, Any] = {}
    for name, value in stand_ins.people[0].items():
        if name in guess.without:
            if name not in _ABSENT:
                visitor[name] = None
        elif name in _SHOWN and value in values and values[value] not in (None, ""):
            visitor[name] = values[value]
    if guess.known and not visitor.get("identifier"):
        number = _positive(values.get(state.visitor.id))
        if number is not None:
            visitor["id"] = number
    if guess.custom:
        visitor["custom"] = dict(guess.custom)
    agents: dict[str, AgentCast] = {}
    keys: dict[str, str] = {}
    for agent in list(state.agents.values())[:agents_named]:
        told = [values.get(each) or None for each in (agent.name, agent.email, agent.group)]
        key = _key_for(values.get(agent.key), told[0], agents)
        keys[agent.key] = key
        agents[key] = AgentCast(None, *told)
    told_steps = tuple(replace(step, verb=renamed(_text_of(step.verb, bindings), keys)) for step in steps)
    account_id = values.get(state.account.id, values.get(str(state.account.id)))
    account = AccountCast(_positive(account_id), values.get(state.account.name) or None)
    return Derived(told_steps, Cast(visitor, agents), account, guess.locale, cost, guess.midway is not None)


def _text_of(verb: Verb, bindings: Bindings) -> Verb:
    """The step with the text that a later body has shown; without one, the text is made up."""
    text = getattr(verb, "text", None)
    if not (isinstance(text, str) and text.startswith(LATER)):
        return verb
    return replace(verb, text=bindings.values.get(text) or None)


def _key_for(key: Any, name: Any, taken: Mapping[str, object]) -> str:
    """The key of an agent in the cast: the one that the bodies show, or the first name."""
    first = name.split()[0].lower() if isinstance(name, str) and name.split() else ""
    text = "".join(char for char in str(key or first) if char.isalnum() or char in "-_.")
    if not text or text in ("visitor", "timeout") or text[0].isdigit():
        text = "agent"
    number, made = 2, text
    while made in taken:
        made, number = f"{text}{number}", number + 1
    return made


def _positive(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
