"""Parses a scenario, and reports every problem with its position."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec import Struct

from vendorsim.core.errors import unknown
from vendorsim.core.shapes import (
    INVALID,
    Choice,
    Duration,
    Flag,
    Integer,
    Json,
    Key,
    ListOf,
    MapOf,
    Point,
    Record,
    Shape,
    mapping_or,
    published,
)
from vendorsim.core.times import LONGEST
from vendorsim.core.yaml_nodes import Mapping, Node, Problems, Scalar, kind, read
from vendorsim.scenario.faults import KINDS, fault
from vendorsim.scenario.locales import locale_problem
from vendorsim.scenario.model import LARGEST_ID, AccountCast, AgentCast, Cast, Expectation, Scenario, Step
from vendorsim.scenario.verbs import ANY_TEXT, PERSON, TEXT, TIMEOUT, VERBS, VISITOR, Say, Verb, Wait
from vendorsim.scenario.vocabulary import Reading, VendorWord, Vocabulary, with_names

MOST_STEPS = 100_000
ID = Integer(1, LARGEST_ID)


class _Locale(Shape):
    """A locale that Faker knows."""

    expected = "a locale such as de_DE"

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return self.mismatch(node, problems)
        problem = locale_problem(node.value)
        if problem is not None:
            problems.add(node, problem)
            return INVALID
        return node.value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[a-z]{2,3}(_[A-Za-z]{2,4})?$", "examples": ["de_DE", "en_US", "ja_JP"]}


class _Status(Shape):
    """One accepted HTTP status, or a list of them."""

    expected = "an HTTP status such as 200, or a list of them"
    inner = Integer(100, 599)

    def read(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, Scalar):
            value = self.inner.read(node, problems)
            return INVALID if value is INVALID else (value,)
        return ListOf(self.inner).read(node, problems)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.inner.schema(), ListOf(self.inner).schema()]}


class _Agents(Shape):
    """The agents of the cast by key; an agent without data is made up entirely."""

    expected = "a mapping of agents"
    reserved = (VISITOR, TIMEOUT)
    record = Record(
        {"id": Key(ID), **{name: Key(TEXT) for name in ("name", "email", "group", "avatar")}}, "an agent", AgentCast
    )

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Mapping):
            return self.mismatch(node, problems)
        agents: dict[str, Any] = {}
        for name, item in node.entries:
            if name.text in self.reserved:
                problems.add(name, f"an agent can't be called '{name.text}': the name is reserved")
            empty = isinstance(item, Scalar) and item.value is None
            agents[name.text] = AgentCast() if empty else self.record.read(item, problems)
        return INVALID if INVALID in agents.values() else agents

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "propertyNames": {"not": {"enum": list(self.reserved)}},
            "additionalProperties": {"anyOf": [self.record.schema(), {"type": "null"}]},
        }


_VISITOR = Record({"id": Key(ID)} | PERSON, "the visitor")


class _Faults(MapOf):
    """The faults of a step, each with its argument."""

    def read(self, node: Node, problems: Problems) -> Any:
        found = super().read(node, problems)
        if found is INVALID or not isinstance(node, Mapping):
            return INVALID
        faults = []
        for name, item in node.entries:
            try:
                faults.append(fault(name.text, found[name.text]))
            except ValueError as error:
                problems.add(item, f"{error}; write it like {KINDS[name.text].example_in_yaml}")
        return tuple(faults) if len(faults) == len(node.entries) else INVALID


_FAULTS = _Faults(
    Json(),
    key=Choice("fault", lambda: tuple(KINDS)),
    expected="a mapping of fault names to arguments, such as {duplicate: 1}",
)
_VENDORS = ListOf(VendorWord("vendor"), distinct=True)

_EXPECTATION = Record({"status": Key(_Status()), "within": Key(Duration())}, "'expect'", Expectation)
MODIFIERS: dict[str, Key] = {
    "after": Key(Duration(), help="pause before this step; default 0s"),
    "expect": Key(_EXPECTATION, help="what the integration must answer, narrower than the vendor's policy"),
    "fault": Key(_FAULTS, help="how the delivery of this step's events misbehaves"),
    "only": Key(replace(_VENDORS, single=True), help="the vendors for which it counts"),
    "as": Key(TEXT, help="a name for the message that this step makes"),
    "comment": Key(ANY_TEXT, help="for readers; does nothing"),
}


class _Step(Shape):
    """One verb and its modifiers."""

    expected = "a verb, or a mapping with a verb"

    def read(self, node: Node, problems: Problems) -> Any:
        assert isinstance(problems, Reading)
        if isinstance(node, Scalar) and isinstance(node.value, str):
            entries: tuple[tuple[Scalar, Node], ...] = ((node, Scalar(node.line, node.column, None, "")),)
        elif isinstance(node, Mapping):
            entries = node.entries
        else:
            return self.mismatch(node, problems)
        return self._read_entries(node, entries, problems)

    def _read_entries(self, node: Node, entries: tuple[tuple[Scalar, Node], ...], problems: Reading) -> Any:
        verb: Any = None
        verb_name: Scalar | None = None
        modifiers: dict[str, Any] = {}
        name_node: Node = node
        has_verb = any(key.text in VERBS for key, _ in entries)
        valid = True
        for key, value in entries:
            if key.text in MODIFIERS:
                modifiers[key.text] = MODIFIERS[key.text].shape.read(value, problems)
                name_node = value if key.text == "as" else name_node
            elif key.text not in VERBS:
                if has_verb:
                    problems.add(key, unknown("key of a step", key.text, MODIFIERS))
                else:
                    problems.add(key, unknown("verb", key.text, VERBS if len(entries) == 1 else (*VERBS, *MODIFIERS)))
                valid = False
            elif verb_name is not None:
                problems.add(key, f"a step has one verb, and this one has '{verb_name.text}' already; start a new step")
                valid = False
            else:
                verb_name = key
                verb = VERBS[key.text].shape.read(value, problems)
        name = modifiers.get("as")
        if verb_name is None:
            if valid:
                problems.add(node, f"a step needs a verb: {', '.join(VERBS)}")
            elif isinstance(name, str):
                # The step is probably a message with a misspelt verb. Don't report references to it, too.
                problems.message_names[name] = None
            return INVALID
        if isinstance(verb, Say) and verb.text is not None and not verb.text.strip() and not verb.attachments:
            problems.add(verb_name, "'say' has empty text and no attachments; leave 'text' out to have it made up")
            valid = False
        self._name_message(VERBS[verb_name.text], name, name_node, problems)
        if not valid or verb is INVALID or INVALID in modifiers.values():
            return INVALID
        return _step(verb, modifiers, node)

    def _name_message(self, verb: type[Verb], name: Any, place: Node, problems: Reading) -> None:
        if verb.makes_message:
            problems.message_count += 1
        if not isinstance(name, str):
            return
        if not verb.makes_message:
            problems.add(place, f"'as' names a message, and '{verb.name}' makes none")
        elif name in problems.message_names:
            problems.add(place, f"another message is called '{name}' already")
        problems.message_names[name] = None

    def schema(self) -> dict[str, Any]:
        modifiers = {name: key.shape.schema() | {"description": key.help} for name, key in MODIFIERS.items()}
        verbs = {
            name: verb.shape.schema() | {"description": (verb.__doc__ or "").strip().splitlines()[0]}
            for name, verb in VERBS.items()
        }
        bare = [name for name, verb in VERBS.items() if _needs_no_arguments(verb)]
        full = {
            "type": "object",
            "additionalProperties": False,
            "properties": verbs | modifiers,
            "oneOf": [{"required": [name]} for name in VERBS],
            "if": {"required": ["as"]},
            "then": {"anyOf": [{"required": [name]} for name, verb in VERBS.items() if verb.makes_message]},
        }
        return mapping_or(full, {"enum": bare})


def _step(verb: Verb, modifiers: dict[str, Any], node: Node) -> Step:
    return Step(
        verb=verb,
        after=modifiers.get("after", 0),
        expect=modifiers.get("expect"),
        faults=modifiers.get("fault", ()),
        only=modifiers.get("only"),
        name=modifiers.get("as"),
        line=node.line,
        column=node.column,
    )


def _needs_no_arguments(verb: type[Verb]) -> bool:
    return verb.shape.read(Scalar(1, 1, None, ""), Reading("")) is not INVALID


class _Steps(Shape):
    """What happens, in order."""

    inner = ListOf(_Step())
    expected = inner.expected

    def read(self, node: Node, problems: Problems) -> Any:
        steps = self.inner.read(node, problems)
        if steps is INVALID:
            return INVALID
        pauses = sum(step.after + (step.verb.time if isinstance(step.verb, Wait) else 0) for step in steps)
        if not steps:
            problems.add(node, "a scenario needs at least one step")
        elif len(steps) > MOST_STEPS:
            problems.add(node, f"a scenario has at most {MOST_STEPS} steps")
        elif pauses > LONGEST:
            problems.add(node, "the pauses of the steps add up to more than ten years")
        else:
            return steps
        return INVALID

    def schema(self) -> dict[str, Any]:
        return self.inner.schema() | {"minItems": 1, "maxItems": MOST_STEPS}


ROOT = Record(
    {
        "scenario": Key(TEXT, required=True, help="the title"),
        "description": Key(ANY_TEXT, help="anything that helps a reader"),
        "vendors": Key(
            _VENDORS,
            help="the vendors it can be played as; default: every vendor that sends something",
        ),
        "locale": Key(_Locale(), help="the Faker locale of everything that is made up; default en_US"),
        "seed": Key(Integer(0, 2**63 - 1), help="what made-up data come from; default 0, the command line wins"),
        "starts": Key(Point(), help="when the first step happens; default now"),
        "vary": Key(
            Flag(),
            help="whether conversations after the first vary pauses, visits and length; default true",
        ),
        "account": Key(
            Record({"id": Key(ID), "name": Key(TEXT)}, "the account", AccountCast),
            help="the vendor account it happens in",
        ),
        "conversation": Key(Record({"id": Key(ID)}, "the conversation"), help="fixes the conversation's id"),
        "cast": Key(
            Record({"visitor": Key(_VISITOR), "agents": Key(_Agents())}, "the cast", Cast), help="who takes part"
        ),
        "steps": Key(_Steps(), required=True, help="what happens, in order"),
    },
    "a scenario",
)


class Reader(Struct, frozen=True):
    """The result of parsing: the scenario, the root node and the problems.

    If the steps and vendors are valid, there is a scenario even when other parts have problems. So the problems that
    only show when the scenario is played are reported together with the others.
    """

    scenario: Scenario | None
    root: Node | None
    problems: Reading


def parse(text: str, file: str, vocabulary: Vocabulary) -> Reader:
    """Parses a scenario; `vocabulary` has the names that vendors define. Problems are collected, not raised."""
    problems = Reading(file, vocabulary)
    root = read(text, problems)
    if root is None:
        if not problems.found:
            problems.add(Node(1, 1), "the file is empty; a scenario needs 'scenario' and 'steps'")
        return Reader(None, None, problems)
    if not isinstance(root, Mapping):
        problems.add(root, f"a scenario is a mapping with 'scenario' and 'steps', not {kind(root)}")
        return Reader(None, root, problems)
    problems.agents = _agent_names(root)
    values = ROOT.read_values(root, problems)
    if "steps" not in values or ("vendors" not in values and root.get("vendors") is not None):
        return Reader(None, root, problems)
    title = values.pop("scenario", "")
    conversation = values.pop("conversation", {})
    cast = values.pop("cast", None) or Cast(agents={name: AgentCast() for name in problems.agents})
    scenario = Scenario(title=title, conversation_id=conversation.get("id"), cast=cast, file=file, **values)
    return Reader(scenario, root, problems)


def _agent_names(root: Mapping) -> tuple[str, ...]:
    cast = root.get("cast")
    agents = cast.get("agents") if isinstance(cast, Mapping) else None
    return tuple(key.text for key, _ in agents.entries) if isinstance(agents, Mapping) else ()


def json_schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """The format as JSON Schema, for editors."""
    return published(
        "scenario-1",
        "vendorsim scenario",
        "A scripted conversation that vendorsim plays as a chat vendor",
        with_names(ROOT.schema(), vocabulary),
    )
