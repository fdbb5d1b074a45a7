"""The fast validator judges as the reference does: the same verdict, at the same places of the body.

It is asked here alone, for every contract: real bodies of every vendor's every event, sound and damaged at random (by a
fixed seed), some thousand times in all. Other tests ask the fast validator, as the timeline does for each body.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

import pytest
from vendorsim.core import pointer
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry

# Every verb that any vendor has an event for.
STORY = """
scenario: All that can happen
vendors: [{vendor}]
starts: 2026-01-05T09:00:00.250Z
cast:
  visitor: {{custom: {{plan: pro, seats: 4, rank: {{label: Rank, value: 1.5}}}}}}
  agents: {{ana: {{}}, ben: {{}}}}
steps:
  - configure_widget: {{color: red, size: 3, open: true}}
  - operator: {{who: ana, goes: online}}
  - open_widget
  - trigger: Welcome
  - say: Hello
  - navigate: {{url: "https://www.example.com/a", title: A}}
  - join: ana
  - say: {{by: ana, text: Hi, attachments: [photo.png]}}
    after: 5s
  - note: Well
  - say: {{attachments: [photo.png]}}
  - edit: {{message: 2, text: Hullo}}
  - delete: 2
  - read
  - assign: {{agent: ben, team: Sales}}
  - label: [vip]
  - attributes: {{a: {{b: [1, 2.5, null]}}}}
  - contact: {{created: {{name: Ada, email: ada@example.com}}}}
  - contact: {{updated: {{phone: null}}}}
  - goal: bought
  - snooze
  - say: Still there
  - leave: ana
  - send_to_api
  - close: {{by: visitor}}
    after: 1m
  - rate: {{score: 4, comment: Fine}}
  - feedback: Nice
  - survey: {{q: good}}
  - operator: {{who: ana, goes: away}}
  - operator: {{who: ana, goes: back}}
  - operator: {{who: ana, goes: offline}}
  - say: Once more
  - miss
"""

SOUND, DAMAGED = 12, 30
EVENTS = [
    pytest.param(vendor, profile, event, id=f"{vendor}-{profile}-{event}")
    for vendor in registry.names()
    for profile in registry.get(vendor).profiles
    for event in contracts.contract(vendor, profile).events
]


@pytest.mark.slow
@pytest.mark.parametrize(("vendor", "profile", "event"), EVENTS)
def test_both_validators_agree(vendor: str, profile: str, event: str) -> None:
    contract = contracts.contract(vendor, profile)
    reference = contract.reference(event)
    sound = bodies(vendor, profile).get(event, [])
    assert sound, "neither the story nor an example has this event"
    random = Random(f"{vendor} {profile} {event}")
    damaged = [damage(random.choice(sound), random) for _ in range(DAMAGED)]
    refused = 0
    for body in (*random.sample(sound, min(SOUND, len(sound))), *damaged):
        expected = {pointer.join(error.absolute_path) for error in reference.iter_errors(body)}
        assert contract.is_valid(event, body) == (not expected), json.dumps(body)
        assert {violation.pointer for violation in contract.violations(event, body)} == expected, json.dumps(body)
        refused += bool(expected)
    # The damage is real: otherwise two validators that say yes to everything would agree too.
    assert refused > DAMAGED // 10


@cache
def bodies(vendor: str, profile: str) -> dict[str, list[Any]]:
    """The bodies of the story, of the built-in scenarios and of the examples, by event."""
    found: dict[str, list[Any]] = {}
    known = registry.get(vendor)
    chosen = known.profile(profile)
    scenarios = [library.load_text(STORY.format(vendor=vendor), "story.yaml"), *map(library.load, library.built_in())]
    for scenario in scenarios if chosen.events else ():
        if vendor in scenario.vendors:
            run = timeline.Run(scenario, known, chosen, scenario.seed, scenario.starts or 0)
            for event in timeline.events(run, 1):
                found.setdefault(event.name, []).append(json.loads(event.body))
    for path in sorted((contracts.contract(vendor, profile).folder / "examples").glob("*.json")):
        example = json.loads(path.read_bytes())
        found.setdefault(example["event"], []).append(example["body"])
    return found


VALUES: tuple[Any, ...] = (None, True, 0, -1, 7, 1.0, 1.5, 2**40, "", "no such value", [], {}, [None], {"extra": 1})


def damage(body: Any, random: Random) -> Any:
    """A copy of a body with one to three random changes."""
    holder = {"body": copy.deepcopy(body)}
    for _ in range(random.randint(1, 3)):
        container, key = random.choice([(holder, "body"), *places(holder["body"])])
        value = container[key]
        change = random.choice(("replace", "replace", "drop", "null", "extra"))
        if change == "drop" and container is not holder:
            del container[key]
        elif change == "null":
            container[key] = None
        elif change == "extra" and isinstance(value, dict):
            value["no_such_key"] = copy.deepcopy(random.choice(VALUES))
        elif change == "extra" and isinstance(value, list):
            value.append(copy.deepcopy(random.choice(VALUES)))
        else:
            container[key] = copy.deepcopy(random.choice(VALUES))
    return holder["body"]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place within a value: the container and the key or position in it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from places(item)
