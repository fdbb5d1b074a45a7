"""The scenarios that vendorsim brings: sound, told apart, and together complete."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from command_line import Vendorsim
from golden import hold
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stories import vendors_of
from vendorsim.core import resources
from vendorsim.core.errors import DocumentError
from vendorsim.core.event import Event
from vendorsim.core.yaml_nodes import Problems, plain, read
from vendorsim.runs import library, timeline
from vendorsim.scenario import Scenario, json_schema
from vendorsim.vendorkit import registry

FILES = library.built_in()
SCHEMA = jsonschema.Draft202012Validator(json_schema(registry.vocabulary()))
START = 1_767_603_600_000
OURS = ("userlike", "smartsupp", "messagehub", "chatvisor", "ccai")


@cache
def scenario(name: str) -> Scenario:
    return library.load(name)


@cache
def events(name: str, vendor: str, profile: str) -> tuple[Event, ...]:
    """The events of a built-in scenario; every body has passed its contract."""
    known = registry.get(vendor)
    story = scenario(name)
    run = timeline.Run(story, known, known.profile(profile), story.seed, story.starts or START)
    return tuple(timeline.events(run, 1))


PLAYED = [
    (name, vendor, profile)
    for name in FILES
    for vendor in vendors_of(name)
    for profile in registry.get(vendor).profiles
]


def test_there_are_stories_for_every_taste() -> None:
    assert len(FILES) >= 18
    assert len({scenario(name).locale for name in FILES}) >= 8


@pytest.mark.parametrize("name", FILES)
def test_each_is_sound_and_says_what_it_is(vendorsim: Vendorsim, name: str) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
    text = FILES[name].read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=scenario.schema.json\n")
    document = yaml.safe_load(text)
    assert document["description"]
    assert document["vendors"], "a built-in scenario names its vendors, so that listing them needs no rehearsal"
    done = vendorsim("lint", name)
    assert (done.code, done.out) == (0, "")
    assert scenario(name).title in done.err


@pytest.mark.parametrize("name", FILES)
def test_each_validates_against_the_json_schema(name: str) -> None:
    problems = Problems(name)
    root = read(FILES[name].read_text(encoding="utf-8"), problems)
    assert root is not None
    SCHEMA.validate(plain(root))


def test_the_shipped_json_schema_is_the_generated_one(vendorsim: Vendorsim) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(registry.vocabulary()))
    done = vendorsim("scenarios", "schema")
    assert done.json == json_schema(registry.vocabulary())
    hold(resources.scenarios() / "scenario.schema.json", done.out.encode(), "test_scenarios_built_in.py")


def test_titles_are_told_apart() -> None:
    titles = [scenario(name).title for name in FILES]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(
    ("vendor", "profile"), [(vendor, profile) for vendor in OURS for profile in registry.get(vendor).profiles]
)
def test_together_they_reach_every_event(vendor: str, profile: str) -> None:
    played = [name for name in FILES if vendor in scenario(name).vendors]
    reached = {event.name for name in played for event in events(name, vendor, profile)}
    expected = set(registry.get(vendor).profile(profile).event_names())
    assert sorted(expected - reached) == [], "no built-in scenario reaches these events"


@pytest.mark.parametrize(
    ("name", "size"),
    [("long-chat", 200)],
)
def test_the_long_chat_is_long(name: str, size: int) -> None:
    (event,) = events(name, "smartsupp", "documented")
    messages = json.loads(event.body)["messages"]
    assert sum(message["type"] != "system" for message in messages) == size


def test_no_built_in_scenario_misbehaves() -> None:
    for name in FILES:
        # A quirk is what the real vendor sends.
        assert not any(
            {fault.name for fault in step.faults} - {"quirk"} or type(step.verb).name == "probe"
            for step in scenario(name).steps
        )


# Smartsupp, "Export to 3rd-party system" (help.smartsupp.com), its JSON example: the people and their
# addresses are exchanged for made-up ones, the visitor's browser id is made up.
EXAMPLE: dict[str, Any] = {
    "accountId": 208,
    "beginAt": 1427470439703,
    "endAt": 1427470476687,
    "channel": {
        "id": 55039,
        "isChat": True,
        "isMissed": False,
        "isTriggered": True,
        "isOffline": False,
        "isCompleted": True,
        "isDropped": False,
        "duration": 36,
        "avgResponse": 14,
        "firstResponse": 14,
        "messagesCount": 5,
        "wordsCount": 11,
        "rating": 5,
        "ratingDesc": "",
    },
    "visitor": {
        "id": 27671,
        "name": "Dana Kessler",
        "email": "dana@example.com",
        "note": "VIP customer",
        "group": None,
        "ipAddress": "192.0.2.55",
        "city": "Czech Republic",
        "countryCode": "CZ",
        "country": "Brno",
        "userAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_8_5) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/41.0.2272.89 Safari/537.36",
        "platform": "MacIntel",
        "referer": "",
        "variables": {
            "chatId": {"label": "Chat ID", "value": 208},
            "chatPackage": {"label": "Chat Package", "value": "pro"},
            "userId": {"label": "User ID", "value": "1234"},
        },
    },
    "paths": [
        {"url": "http://developers.smartsupp.com/smartsupp/hook-post", "title": "POST Hook · Smartsupp"},
        {"url": "http://developers.smartsupp.com", "title": "API · Smartsupp"},
    ],
    "messages": [
        {
            "type": "visitor",
            "from": "visitor:TOKEN",
            "content": "Hello",
            "sentAt": 1427470439703,
            "triggeredBy": None,
        },
        {
            "type": "system",
            "name": "Ana Novak",
            "from": "agent:3",
            "content": "agent.join",
            "sentAt": 1427470446219,
            "triggeredBy": None,
        },
        {
            "type": "agent",
            "name": "",
            "from": "system",
            "content": "This is triggered message",
            "sentAt": 1427470449706,
            "triggeredBy": "Test Trigger",
        },
        {
            "type": "agent",
            "name": "Ana Novak",
            "from": "agent:3",
            "content": "Hi, how can i help you ?",
            "sentAt": 1427470453772,
            "triggeredBy": None,
        },
        {
            "type": "visitor",
            "name": "Dana Kessler",
            "from": "visitor:TOKEN",
            "content": "tanks.",
            "sentAt": 1427470473124,
            "triggeredBy": None,
        },
        {
            "type": "system",
            "name": "Dana Kessler",
            "from": "system",
            "content": "close.visitorClose",
            "sentAt": 1427470476687,
            "triggeredBy": None,
        },
    ],
}


def test_the_example_of_smartsupps_documentation_comes_out_field_by_field(vendorsim: Vendorsim) -> None:
    (line,) = vendorsim("generate", "smartsupp-example", "--vendor", "smartsupp").lines
    body = line["body"]
    token = body["messages"][0]["from"].removeprefix("visitor:")
    assert re.fullmatch(r"[A-Za-z0-9]{34}\d{13}", token), "34 letters and digits and a time, like the page's"
    text = json.dumps(body, ensure_ascii=False).replace(token, "TOKEN")
    assert text == json.dumps(EXAMPLE, ensure_ascii=False), "the order of the keys is the page's too"


# The size of a mutation, and where it strikes: somewhere in the tree of a built-in scenario.
SURPRISES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10) | st.just(2**62),
    st.floats(-2, 6),
    st.text(max_size=5),
    st.sampled_from(["ana", "visitor", "timeout", "1s", "smartsupp", "ccai", "2026-01-05T09:00:00Z", "close"]),
    st.lists(st.sampled_from(["ana", "close", 1]), max_size=2),
    st.dictionaries(
        st.sampled_from(["by", "text", "after", "team", "created", "close"]), st.sampled_from(["ana", 1]), max_size=2
    ),
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for key, child in children for place in places(child, (*path, key)))]


def mutated(document: Any, path: tuple[Any, ...], how: str, value: Any) -> Any:
    """The document with the thing at `path` replaced, removed, doubled, or its key misspelt."""
    changed = copy.deepcopy(document)
    if not path:
        return value
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    last = path[-1]
    if how == "replace":
        parent[last] = value
    elif how == "remove":
        del parent[last]
    elif isinstance(parent, list):
        parent.insert(0, copy.deepcopy(parent[last]))
    else:
        parent[str(last)[::-1] if how == "misspell" else str(value)] = parent.pop(last)
    return changed


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_a_mutated_scenario_is_sound_or_refused_with_reasons(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in FILES if name != "long-chat"]))
    document = yaml.safe_load(FILES[name].read_text(encoding="utf-8"))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(document)))
        how = data.draw(st.sampled_from(["replace", "remove", "double", "misspell"]))
        document = mutated(document, path, how, data.draw(SURPRISES))
        if not isinstance(document, dict | list):
            break
    text = yaml.safe_dump(document, allow_unicode=True)
    try:
        found = library.load_text(text, "mutated.yaml")
    except DocumentError:
        return
    for vendor in found.vendors:
        known = registry.get(vendor)
        list(timeline.events(timeline.Run(found, known, known.default_profile, 0, found.starts or START), 1))


def test_the_folder_holds_scenarios_and_their_schema_only() -> None:
    assert {path.suffix for path in Path(resources.scenarios()).iterdir()} == {".yaml", ".json"}
