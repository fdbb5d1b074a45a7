"""Writes a derived story as a scenario file, as a person would. Pure."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from vendorsim.captures.deriving.comparing import BodyDifference
from vendorsim.captures.deriving.model import Derived, DerivedStep
from vendorsim.captures.sequence import CapturedEvent
from vendorsim.core.times import duration_text, iso
from vendorsim.scenario.calls import written_in_story
from vendorsim.scenario.locales import DEFAULT
from vendorsim.scenario.model import AgentCast
from vendorsim.scenario.verbs import Assign, Attachment, Emit, Page, Verb, given_arguments

_WIDTH = 110
# A pause from here on is a step of its own.
_LONG_PAUSE = 15 * 60 * 1000
_MOST_NAMED = 5
# A capture in which nothing has a time begins in 1970.
_EARLIEST = 946_684_800_000
# Text that needs no quotes: it begins with a letter, and nothing in it has a meaning in YAML.
_PLAIN = re.compile(r"[^\W\d](?:[^\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff:#]|:(?=\S)|(?<=\S)#)*")
_OF_FLOW = re.compile(r"[,\[\]{}]|:$")
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan"})
_NOTHING = object()


class StorySource(Struct, frozen=True):
    """Where a story comes from: its capture, vendor and profile, and the id of the conversation in the capture."""

    capture: str
    vendor: str
    profile: str
    conversation: str
    is_default_profile: bool = False


def scenario_text(source: StorySource, derived: Derived, events: Sequence[CapturedEvent]) -> str:
    """The scenario file of a conversation."""
    return "\n".join(_lines(source, derived, events)) + "\n"


def file_name(conversation: str) -> str:
    """The name of the file of a conversation, without folder."""
    safe = re.sub(r"[^0-9A-Za-z_-]+", "-", conversation).strip("-")[:80] or "unnamed"
    return f"conversation-{safe}.yaml"


def _lines(source: StorySource, derived: Derived, events: Sequence[CapturedEvent]) -> Iterator[str]:
    profile = "" if source.is_default_profile else f" --profile {source.profile}"
    count = f"{len(events)} webhook{'s' if len(events) > 1 else ''}"
    yield f"# {_one_line(source.capture)}: {count} of {source.vendor} ({source.profile})."
    yield f"# Play it with: --vendor {source.vendor}{profile}"
    yield f"scenario: {scalar(f'Conversation {source.conversation}')}"
    yield f"vendors: [{source.vendor}]"
    if derived.locale != DEFAULT:
        yield f"locale: {derived.locale}"
    starts = derived.steps[0].at if derived.steps else events[0].at
    if starts >= _EARLIEST:
        yield f"starts: {iso(starts).replace('.000Z', 'Z')}"
    account = {key: value for key, value in (("id", derived.account.id), ("name", derived.account.name)) if value}
    if account:
        yield f"account: {_flow(account)}"
    yield from _cast(derived)
    yield "steps:"
    if derived.midway:
        yield "  # The capture begins after the conversation. What was before its first webhook is in the bodies."
    visitor = derived.cast.visitor
    known: dict[Any, str] = {
        visitor[name]: f"this.visitor.{name}"
        for name in ("name", "email", "phone", "identifier")
        if isinstance(visitor.get(name), str)
    }
    known |= {source.conversation: "this"}
    if source.conversation.isdecimal():
        known[int(source.conversation)] = "this"
    before = starts
    pauses = [step.at - last.at for last, step in itertools.pairwise(derived.steps)]
    exact = sum(pause % 100 == 0 for pause in pauses) * 2 >= len(pauses)
    for step in derived.steps:
        at = step.at if exact else starts + round((step.at - starts) / 100) * 100
        yield from _step(step, max(at - before, 0), known, events)
        before = max(at, before)


def _cast(derived: Derived) -> Iterator[str]:
    visitor, agents = derived.cast.visitor, derived.cast.agents
    if not visitor and not agents:
        return
    yield "cast:"
    if visitor:
        yield from _entry("  ", "visitor", visitor)
    if agents:
        yield "  agents:"
        for key, agent in agents.items():
            given = _agent(agent)
            yield from _entry("    ", key, given) if given else (f"    {scalar(key)}: {{}}",)


def _agent(agent: AgentCast) -> dict[str, Any]:
    group = None if agent.group == "Support" else agent.group
    found = {"name": agent.name, "email": agent.email, "group": group}
    return {name: value for name, value in found.items() if value}


def _step(step: DerivedStep, pause: int, known: Mapping[Any, str], events: Sequence[CapturedEvent]) -> Iterator[str]:
    if pause >= _LONG_PAUSE:
        yield f"  - wait: {duration_text(pause)}"
        pause = 0
    if isinstance(step.verb, Emit):
        event = events[step.first]
        if not isinstance(event.document, dict | list):
            yield f"  # This webhook is no JSON object ({_one_line(event.place)}); a scenario can't send it."
            return
        yield f"  # No verb explains this webhook ({_one_line(event.place)}); it is sent as it was."
        yield "  - emit:"
        yield f"      event: {scalar(event.event)}"
        yield from _entry("      ", "body", written_in_story(event.document, known))
    else:
        for note in _notes(step.differs):
            yield f"  # {note}"
        bare = not pause and step.quirk is None
        yield from _verb(step.verb, bare=bare)
    if step.quirk is not None:
        yield f"    fault: {{quirk: {step.quirk}}}"
    if pause:
        yield f"    after: {duration_text(pause)}"


def _notes(differs: Sequence[BodyDifference]) -> Iterator[str]:
    """What the capture has otherwise."""
    places = dict.fromkeys("/".join(("", *each.place)) for each in differs)
    for each in list(differs)[:_MOST_NAMED] if len(places) <= _MOST_NAMED else []:
        yield _one_line(f"Not explained: {'/'.join(('', *each.place))} is {each.captured}, not {each.mine}.")
    if len(places) > _MOST_NAMED:
        named = ", ".join(list(places)[:_MOST_NAMED])
        yield _one_line(f"Not explained: {named} and {len(places) - _MOST_NAMED} other fields of the webhook.")


def _verb(verb: Verb, *, bare: bool) -> Iterator[str]:
    """A step without its modifiers; `bare` says that it has none."""
    value = verb_value(verb)
    if value is _NOTHING:
        yield f"  - {verb.name}" if bare else f"  - {verb.name}:"
        return
    if not isinstance(value, dict | list):
        yield f"  - {verb.name}: {scalar(value)}"
        return
    line = f"  - {verb.name}: {_flow(value)}"
    if len(line) <= _WIDTH:
        yield line
    else:
        yield f"  - {verb.name}:"
        yield from _block("      ", value)


def verb_value(verb: Verb) -> Any:
    """The arguments of a verb as they are written after it: the shorthand, a mapping, or nothing."""
    given = {key: _argument(value) for key, value in given_arguments(verb).items()}
    if isinstance(verb, Assign):
        return _assignee(*verb.to)
    short = verb.shorthand
    if not given:
        return _NOTHING
    if short is not None and list(given) == [short]:
        return given[short]
    return {key: given[key] for key in sorted(given, key=lambda key: key not in ("by", "id"))}


def _argument(value: Any) -> Any:
    if isinstance(value, Attachment):
        found = {"name": value.name, "url": value.url}
        if value.content_type != "application/octet-stream":
            found["content_type"] = value.content_type
        if value.size:
            found["size"] = value.size  # type: ignore[assignment]
        given = {key: item for key, item in found.items() if item is not None}
        return value.name if list(given) == ["name"] else given
    if isinstance(value, Page):
        return {"url": value.url, **({"title": value.title} if value.title else {})}
    if isinstance(value, tuple):
        return [_argument(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value


def _assignee(agent: str | None, team: str | None) -> Any:
    if team is not None:
        return {"team": team, **({"agent": agent} if agent else {})}
    return agent


def _entry(indent: str, key: str, value: Any) -> Iterator[str]:
    line = f"{indent}{scalar(key)}: {_flow(value) if isinstance(value, dict | list) else scalar(value)}"
    if len(line) <= _WIDTH or not isinstance(value, dict | list) or not value:
        yield line
    else:
        yield f"{indent}{scalar(key)}:"
        yield from _block(f"{indent}  ", value)


def _block(indent: str, value: Any) -> Iterator[str]:
    """A mapping or list with one entry a line; what is short stands in one line."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _entry(indent, key, item)
        return
    for item in value:
        line = f"{indent}- {_flow(item) if isinstance(item, dict | list) else scalar(item)}"
        if len(line) <= _WIDTH or not isinstance(item, dict | list) or not item:
            yield line
        else:
            first, *rest = _block(f"{indent}  ", item)
            yield f"{indent}- {first.lstrip()}"
            yield from rest


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key, flow=True)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return scalar(value, flow=True)


def scalar(value: Any, *, flow: bool = False) -> str:
    """A value in YAML: text without quotes where that is certain to be text."""
    if not isinstance(value, str):
        return json.dumps(value)
    is_plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _RESERVED and value == value.strip()
    if is_plain and not (flow and _OF_FLOW.search(value)):
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    # YAML refuses characters that can't be seen.
    return re.sub(
        r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", quoted
    )


def _one_line(text: str) -> str:
    """A text for a comment."""
    return "".join(char if char.isprintable() else " " for char in text)
