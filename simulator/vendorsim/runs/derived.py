"""Scenarios made of captures: one for each conversation, checked by playing it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from msgspec import Struct

from vendorsim.captures.deriving.model import DOUBTFUL
from vendorsim.captures.deriving.pace import paced
from vendorsim.captures.deriving.stories import derive, unexplained
from vendorsim.captures.exchange import CapturedExchange
from vendorsim.captures.sequence import CapturedEvent, CapturedSequence, sequence
from vendorsim.captures.writing import StorySource, file_name, scenario_text
from vendorsim.core.errors import DocumentError
from vendorsim.runs import library
from vendorsim.runs.sending_order import as_sent
from vendorsim.runs.timeline import Run, iter_events
from vendorsim.scenario.verbs import Emit
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor


class DerivedScenario(Struct, frozen=True):
    """The scenario of one conversation. `webhooks` is the number of its webhooks, `raw` how many of them no verb
    explains, `differing` how many are explained except for some fields. `steps` counts its steps. Where no webhook is
    a JSON object there are none, and `text` is empty."""

    conversation: str
    file: str
    text: str
    webhooks: int
    steps: int
    raw: int
    differing: int


def derived_scenarios(
    exchanges: Iterable[CapturedExchange],
    capture: str,
    vendor: Vendor,
    profile: Profile,
    only: str | None = None,
) -> tuple[CapturedSequence, Iterator[DerivedScenario]]:
    """The sequence of a capture, and the scenarios of its conversations, or of the one named `only`. Raises
    InputError."""
    found = sequence(exchanges, vendor, profile)
    return found, _derived(found, capture, vendor, profile, only)


def _derived(
    found: CapturedSequence, capture: str, vendor: Vendor, profile: Profile, only: str | None
) -> Iterator[DerivedScenario]:
    subscribed = frozenset(event.event for event in found.events)
    taken: dict[str, int] = {}
    for conversation, positions in found.conversations().items():
        events = [found.events[position] for position in positions]
        events = [event for event in events if event.retries is None]
        name = file_name(conversation)
        taken[name] = taken.get(name, 0) + 1
        if taken[name] > 1:
            name = f"{name.removesuffix('.yaml')}-{taken[name]}.yaml"
        if only is not None and conversation != only:
            continue
        yield derived_scenario(events, conversation, name, capture, vendor, profile, subscribed)


def derived_scenario(
    events: list[CapturedEvent],
    conversation: str,
    file: str,
    capture: str,
    vendor: Vendor,
    profile: Profile,
    subscribed: frozenset[str],
) -> DerivedScenario:
    """The scenario of one conversation. What it sends is what was captured, up to what is made up and what it says."""
    source = StorySource(capture, vendor.name, profile.name, conversation, profile is vendor.default_profile)
    if not any(isinstance(event.document, dict | list) for event in events):
        return DerivedScenario(conversation, file, "", len(events), 0, len(events), 0)
    # Bodies may not tell the order of sending; then it is that of arrival.
    arrived_so = paced(events)
    derived = derive(sent := paced(as_sent(events, vendor.name, profile)), profile, subscribed)
    if derived.cost >= DOUBTFUL and sent != arrived_so:
        arrived = derive(arrived_so, profile, subscribed, derived.cost)
        derived, sent = (arrived, arrived_so) if arrived.cost < derived.cost else (derived, sent)
    events = sent
    text = scenario_text(source, derived, events)
    try:
        library.load_text(text, file)
    except DocumentError:
        # A captured value that the language does not take. Any body can be spelled out.
        derived = unexplained(events)
        text = scenario_text(source, derived, events)
        library.load_text(text, file)
    return DerivedScenario(
        conversation,
        file,
        text,
        len(events),
        len(derived.steps),
        sum(isinstance(step.verb, Emit) for step in derived.steps),
        sum(bool(step.differs) for step in derived.steps),
    )


def sent_again(text: str, vendor: Vendor, profile: Profile, seed: int = 0) -> list[tuple[str, int, Any]]:
    """The events that a scenario sends: name, time and body of each."""
    scenario = library.load_text(text, "scenario.yaml", vendor.name)
    run = Run(scenario, vendor, profile, seed, scenario.starts or 0)
    return [(event.name, event.at, orjson.loads(event.body)) for event in iter_events(run.conversation(0))]
