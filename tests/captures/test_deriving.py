"""Scenarios of captures: what a scenario sends becomes a scenario that sends the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from _pytest.mark import ParameterSet
from command_line import Vendorsim
from msgspec.structs import replace
from round_trip import exchange, generated, round_trip
from vendorsim.captures.exchange import CapturedExchange, Direction
from vendorsim.captures.sequence import sequence
from vendorsim.runs import library
from vendorsim.runs.derived import DerivedScenario, derived_scenarios
from vendorsim.runs.lint import lint
from vendorsim.scenario.model import Scenario, Step
from vendorsim.scenario.verbs import Emit, Note, Say, Wait
from vendorsim.vendorkit import registry

# Round trips that are short, and of which each shows another thing. `make thorough` runs all others.
QUICK = {
    ("userlike", "documented", "everyday-chat"),
    ("smartsupp", "webhooks", "left-hanging"),
    ("messagehub", "documented", "everyday-chat"),
    ("chatvisor", "engage", "returning-customer"),
    ("ccai", "webhooks", "everyday-chat"),
}
# One webhook of these profiles tells the whole chat. When something happened that it only counts (somebody joined, a
# message was deleted), and who did it, is supposed: the same webhooks are sent, and some of their fields differ.
SUMMARIES = {("userlike", "legacy"), ("smartsupp", "documented")}
_TEAM = "only the id of a team shows, which is derived from its name"
_HELD = "a webhook that is sent late, as a quirk, is not recognised"
_MOMENT = "the time of something that shows nowhere else differs by a moment"
_FILE = "a message with a file alone is taken for a start and a message, and one with files of two kinds for one kind"
_UNSEEN = "what no webhook shows is supposed: a name, an address, when something was that sends nothing"
# Where the scenario that was made does not send the same. The test tells when one of them does after all.
NOT_THE_SAME: dict[tuple[str, str, str], str] = {
    ("messagehub", "documented", "forwarded-chat"): _TEAM,
    ("messagehub", "observed-2.5", "forwarded-chat"): _TEAM,
    ("messagehub", "observed-2.5", "late-built-bodies"): _HELD,
    ("messagehub", "observed-4.18", "late-built-bodies"): _HELD,
    ("messagehub", "observed-2.5", "twin-deliveries"): _MOMENT,
    ("messagehub", "observed-4.18", "echo-loop"): _MOMENT,
    ("smartsupp", "webhooks", "smartsupp-example"): _MOMENT,
    ("messagehub", "observed-2.5", "voice-note-first"): _FILE,
    ("messagehub", "observed-4.18", "voice-note-first"): _FILE,
    ("chatvisor", "documented", "reopened-chat"): _UNSEEN,
    ("ccai", "webhooks", "attachment-only"): _FILE,
    ("ccai", "webhooks", "authentication-after-form"): _UNSEEN,
    ("ccai", "webhooks", "authentication-by-chat"): _UNSEEN,
    ("smartsupp", "webhooks", "edited-and-deleted-messages"): _UNSEEN,
    ("smartsupp", "webhooks", "visitor-without-name"): _UNSEEN,
    ("smartsupp", "webhooks", "widget-and-contacts"): _UNSEEN,
}


def stories() -> Iterator[ParameterSet]:
    """All stories with all profiles that send webhooks, by their names: nothing is played before its test runs."""
    for vendor in registry.names():
        for name in library.built_in():
            for profile in registry.get(vendor).profiles.values():
                if not profile.events:
                    continue
                key = vendor, profile.name, name
                marks = [] if key in QUICK else [pytest.mark.thorough]
                if key in NOT_THE_SAME:
                    marks.append(pytest.mark.xfail(reason=NOT_THE_SAME[key], strict=True))
                yield pytest.param(name, vendor, profile.name, marks=marks, id="-".join(key))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "vendor", "profile"), list(stories()))
def test_a_scenario_of_what_a_scenario_sends_sends_the_same(name: str, vendor: str, profile: str) -> None:
    known = registry.get(vendor)
    scenario = library.load(name, vendor)
    trip = round_trip(scenario, known, known.profile(profile)) if vendor in scenario.vendors else None
    if trip is None:
        pytest.skip("the profile sends nothing in this story")
    if (vendor, profile) in SUMMARIES:
        assert not [each for each in trip.differences if each.startswith("events:") or "it is sent" in each]
        return
    assert trip.differences == [], trip.scenario.text
    assert trip.scenario.raw == 0, trip.scenario.text


def derived(scenario: Scenario, vendor: str, profile: str, *more: CapturedExchange) -> DerivedScenario:
    """The scenario of the first conversation of what this scenario sends, and of further webhooks."""
    known = registry.get(vendor)
    chosen = known.profile(profile)
    exchanges = [*map(exchange, generated(scenario, known, chosen)), *more]
    _, found = derived_scenarios(exchanges, "hooks.jsonl", known, chosen)
    return next(found)


def story(text: str) -> Scenario:
    return library.load_text(text, "story.yaml")


STORY = """\
scenario: A chat
vendors: [messagehub, userlike]
cast:
  visitor: {name: Dana Kessler, email: dana@example.com}
  agents: {ana: {name: Ana Novak, email: ana@example.com}}
steps:
  - say: "Hello: is anybody # there?"
  - say: {by: ana, text: "Yes."}
    after: 20s
  - note: {by: ana, text: A good customer}
    after: 5s
  - say: Thank you!
    after: 1h
  - close: ana
    after: 10s
"""


def test_the_scenario_reads_as_a_person_would_write_it() -> None:
    assert (
        derived(story(STORY), "messagehub", "documented").text.partition("cast:")[2]
        == """
  visitor: {name: Dana Kessler}
  agents:
    ana: {name: Ana Novak, email: ana@example.com}
steps:
  - say: "Hello: is anybody # there?"
  - say: {by: ana, text: Yes.}
    after: 20s
  - note: {by: ana, text: A good customer}
    after: 5s
  - wait: 1h
  - say: Thank you!
  - close: visitor
    after: 10s
"""
    )


def test_a_step_that_sends_nothing_is_found_in_a_later_body_with_its_time() -> None:
    """Userlike sends no callback for a note; the next one has it."""
    made = derived(story(STORY), "userlike", "documented")
    told = library.load_text(made.text, "made.yaml").steps
    kinds = [type(step.verb) for step in told if not isinstance(step.verb, Wait)]
    assert kinds[:4] == [Say, Say, Note, Say]
    note = next(step for step in told if isinstance(step.verb, Note))
    assert (note.verb, note.after) == (Note("A good customer", "ana"), 5_000)


def odd(body: Any, seconds: int) -> CapturedExchange:
    at = datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(seconds=seconds)
    return CapturedExchange("hooks.jsonl:9", Direction.WEBHOOK, orjson.dumps(body), at)


def test_what_no_verb_explains_is_kept_with_its_place() -> None:
    conversation = generated(story(STORY), registry.get("messagehub"), registry.get("messagehub").profile(None))[0]
    mangled = {"event": "conversation_mangled", "id": conversation.conversation, "deep": {"to": ["this", None, 1.5]}}
    made = derived(story(STORY), "messagehub", "documented", odd(mangled, 10))
    assert made.raw == 1
    assert "# No verb explains this webhook (hooks.jsonl:9); it is sent as it was." in made.text
    known = registry.get("messagehub")
    sent = generated(library.load_text(made.text, "made.yaml"), known, known.profile(None))
    told = next(event for event in sent if event.name == "unidentified")
    assert orjson.loads(told.body) == {**mangled, "id": told.conversation}


def test_an_event_that_the_target_never_gets_is_not_missed() -> None:
    known = registry.get("messagehub")
    profile = known.profile("observed-4.18")
    events = [event for event in generated(story(STORY), known, profile) if event.name == "message_created"]
    _, found = derived_scenarios(map(exchange, events), "hooks.jsonl", known, profile)
    made = next(found)
    assert (made.raw, made.differing) == (0, 0)
    told = library.load_text(made.text, "made.yaml").steps
    assert [type(step.verb) for step in told if not isinstance(step.verb, Wait)][:4] == [Say, Say, Note, Say]


PACED = """\
scenario: An order
vendors: [messagehub]
steps:
  - say: Hello
  - say: {by: ana, text: "Yes?"}
    after: 20s
  - say: Where is my order?
    after: 10m
  - close: visitor
    after: 1h
cast: {agents: {ana: {name: Ana Novak, email: ana@example.com}}}
"""


def test_what_was_played_at_full_speed_has_the_pace_of_its_bodies() -> None:
    known = registry.get("messagehub")
    profile = known.profile("observed-4.18")
    events = generated(story(PACED), known, profile)
    came = [replace(event, at=events[0].at + number) for number, event in enumerate(events)]
    _, found = derived_scenarios(map(exchange, came), "hooks.jsonl", known, profile)
    told = [step for step in library.load_text(next(found).text, "made.yaml").steps if isinstance(step.verb, Say)]
    assert [step.after for step in told] == [0, 20_000, 600_000]


def test_what_lacks_a_webhook_is_kept_and_not_taken_for_a_quirk() -> None:
    known = registry.get("messagehub")
    profile = known.profile("observed-4.18")
    told = "steps:" + PACED.partition("steps:")[2].replace("  - say: Where is my order?\n    after: 10m\n", "")
    told = told.replace("  - close: visitor\n    after: 1h\n", "")
    events = generated(story(f"scenario: A chat\nvendors: [messagehub]\n{told}"), known, profile)
    assert [event.name for event in events[3:]] == ["message_created", "conversation_updated"]
    _, found = derived_scenarios(map(exchange, (*events[:3], events[4])), "hooks.jsonl", known, profile)
    made = next(found)
    assert (made.raw, made.differing) == (1, 0), made.text
    assert "quirk" not in made.text


@pytest.mark.slow
def test_a_capture_may_begin_after_the_conversation() -> None:
    known = registry.get("messagehub")
    profile = known.profile("observed-4.18")
    events = generated(library.load("everyday-chat"), known, profile)
    second = [number for number, event in enumerate(events) if event.name == "message_created"][2]
    _, found = derived_scenarios(map(exchange, events[second:]), "hooks.jsonl", known, profile)
    made = next(found)
    assert (made.raw, made.differing) == (0, 0), made.text
    assert "# The capture begins after the conversation." in made.text


@pytest.mark.parametrize(
    "text",
    ["no", "1:30", "- a list", "a: b", "{a: b}", "  spaces ", "tab\there", "two\nlines", "a\u2028b", "'", '"', "#",
     "@x", "null", "0o14", "1e3", "ends with:", "ünï – “quoted”", "🙂", "\x7f", "%", "`", "this", "=", "!tag",
     "&a", "*a"],
)  # fmt: skip
def test_any_text_is_written_so_that_it_is_read_as_it_was(text: str) -> None:
    told = Scenario("A chat", (Step(Say(text)), Step(Say(text), after=1_000)), ("messagehub",))
    made = derived(told, "messagehub", "documented")
    steps = library.load_text(made.text, "made.yaml").steps
    assert [step.verb.text for step in steps if isinstance(step.verb, Say)] == [text, text]
    assert not lint(made.text, "made.yaml").problems


def test_a_message_that_no_scenario_has_is_spelled_out() -> None:
    blank = Scenario("A chat", (Step(Say("Hello")), Step(Say(" "), after=1_000)), ("messagehub",))
    made = derived(blank, "messagehub", "documented")
    assert (made.raw, made.webhooks) == (1, 3), made.text


def test_what_is_no_json_is_left_out_with_its_place() -> None:
    known = registry.get("messagehub")
    at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    broken = CapturedExchange("hooks.har#3", Direction.WEBHOOK, b"{broken", at, conversation="12")
    body = {"event": "message_created", "id": 1, "conversation": {"id": 12}}
    _, found = derived_scenarios([odd(body, 0), broken], "hooks.har", known, known.profile(None))
    assert "# This webhook is no JSON object (hooks.har#3); a scenario can't send it." in next(found).text
    _, found = derived_scenarios([broken], "hooks.har", known, known.profile(None))
    assert next(found).text == ""


def test_emit_is_written_in_a_way_that_is_read_again() -> None:
    body = {"event": "odd", "is": {"is": "this"}, "text": "this", "x": [{"a: b": "- c"}, [], {}, ""], "long": "x" * 200}
    known = registry.get("messagehub")
    _, found = derived_scenarios([odd(body, 0)], "hooks.jsonl", known, known.profile(None))
    made = next(found)
    (step,) = library.load_text(made.text, "made.yaml").steps
    assert isinstance(step.verb, Emit)
    (event,) = generated(library.load_text(made.text, "made.yaml"), known, known.profile(None))
    assert orjson.loads(event.body) == body


@pytest.mark.slow
def test_each_conversation_has_its_own_file() -> None:
    known = registry.get("messagehub")
    profile = known.profile("observed-4.18")
    bodies = [{"event": "message_created", "id": 1, "conversation": {"id": name}} for name in ("a/b", "a b", "a?b")]
    found, made = derived_scenarios(
        [odd(body, number) for number, body in enumerate(bodies)], "hooks.jsonl", known, profile
    )
    assert len(found.events) == 3
    assert [scenario.file for scenario in made] == [
        "conversation-a-b.yaml",
        "conversation-a-b-2.yaml",
        "conversation-a-b-3.yaml",
    ]


def test_sequences_of_nothing_are_refused() -> None:
    known = registry.get("messagehub")
    with pytest.raises(Exception, match="holds no webhook"):
        sequence([], known, known.profile(None))


def test_what_has_changed_is_no_custom_data(vendorsim: Vendorsim, tmp_path: Path) -> None:
    """A change has an object of two texts where others have custom data."""
    changed = {"name": {"previous_value": "Dana Kesler", "current_value": "Dana Kessler"}}
    contact = {"event": "contact_updated", "id": 2, "name": "Dana Kessler", "email": None, "phone_number": None}
    contact |= {"account": {"id": 1, "name": "Acme"}, "custom_attributes": {}, "changed_attributes": [changed]}
    contact |= {
        "additional_attributes": {"city": ""},
        "blocked": False,
        "thumbnail": "",
        "avatar": "",
        "identifier": None,
    }
    (tmp_path / "hooks.jsonl").write_bytes(orjson.dumps(contact))
    options = ("--vendor", "messagehub", "--profile", "observed-4.18", "-o", tmp_path / "made")
    done = vendorsim("scenarios", "from", tmp_path / "hooks.jsonl", *options)
    assert done.code == 0, done.err
    (made,) = (tmp_path / "made").glob("*.yaml")
    assert "Dana Kessler" in made.read_text()
    assert "custom" not in made.read_text()
