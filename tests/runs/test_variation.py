"""The conversations of a run vary the story, within what it fixes; the first one is the story as it stands."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from command_line import Vendorsim
from vendorsim.runs import library, timeline
from vendorsim.runs.variation import LONGEST
from vendorsim.vendorkit import registry

START = 1_767_603_600_000
FIXED = """\
scenario: Fixed
vendors: [smartsupp]
cast: {visitor: {VISITOR}, agents: {ana: {}}}
steps:
  - say: Hello
  - {join: ana, after: 6s}
  - {say: {by: ana, text: How can I help?}, after: 10s}
  - {snooze: , after: 17h}
  - {wait: 30m}
  - {say: Bye, after: 5s}
  - {close: timeout, after: 10m}
"""
TALK = """\
scenario: Made up
vendors: [smartsupp]
locale: de_DE
cast: {agents: {ana: {}}}
steps:
  - say
  - say: {by: ana}
  - say
  - say: {by: ana}
  - say
  - say: {by: ana}
  - close: visitor
"""
MANY = 300


@cache
def run(text: str, *, vary: bool = True) -> timeline.Run:
    vendor = registry.get("smartsupp")
    return timeline.Run(library.load_text(text, "s.yaml"), vendor, vendor.default_profile, 3, START, vary=vary)


def bodies(of: timeline.Run, count: int = MANY) -> list[dict[str, Any]]:
    return [json.loads(event.body) for event in timeline.events(of, count)]


def pauses(of: timeline.Run, index: int) -> list[int]:
    times = [of.starts + index * of.spacing] + [scheduled.at for scheduled in of.schedule(index)]
    return [after - before for before, after in pairwise(times)]


def fixed(visitor: str = "{}") -> timeline.Run:
    return run(FIXED.replace("{VISITOR}", visitor))


def test_the_first_conversation_is_the_story_as_it_stands() -> None:
    for text in (FIXED.replace("{VISITOR}", "{}"), TALK):
        assert bodies(run(text), 1) == bodies(run(text, vary=False), 1)
    assert pauses(fixed(), 0) == [0, 6_000, 10_000, 17 * 3_600_000, 0, 30 * 60_000 + 5_000, 600_000]


def test_a_conversation_is_the_same_in_runs_of_any_size() -> None:
    for of in (fixed(), run(TALK)):
        many = [event.line() for event in timeline.events(of, 40)]
        alone = [event.line() for event in timeline.iter_events(of.conversation(39))]
        assert many[-len(alone) :] == alone


def test_what_the_story_fixes_stays() -> None:
    of = fixed()
    for index in range(1, 50):
        found = pauses(of, index)
        assert (found[0], found[3], found[4], found[6]) == (0, 17 * 3_600_000, 0, 600_000)
        assert [scheduled.number for scheduled in of.schedule(index)] == list(range(7))
    texts = {tuple(m["content"] for m in body["messages"] if m["type"] != "system") for body in bodies(of, 50)}
    assert texts == {("Hello", "How can I help?", "Bye")}


def test_pauses_are_around_those_of_the_story_and_a_few_are_long() -> None:
    found = [pauses(fixed(), index)[2] for index in range(1, 2_000)]
    assert 9_000 < statistics.median(found) < 11_000
    assert statistics.mean(found) > statistics.median(found) * 1.1
    assert max(found) > 35_000
    assert min(found) > 1_000


def test_figures_differ_between_conversations() -> None:
    channels = [body["channel"] for body in bodies(run(TALK))]
    assert len({channel["duration"] for channel in channels}) > 100
    assert len({channel["firstResponse"] for channel in channels}) > 25
    assert len({channel["messagesCount"] for channel in channels}) > 3


def test_made_up_talk_has_more_or_fewer_questions_and_ends_with_thanks() -> None:
    lengths = []
    for body in bodies(run(TALK)):
        said = [message for message in body["messages"] if message["type"] != "system"]
        assert [message["type"] for message in said] == ["visitor", "agent"] * (len(said) // 2)
        lengths.append(len(said) // 2)
    assert min(lengths) == 1
    assert max(lengths) > 5
    assert statistics.median(lengths) == 3


def test_longer_texts_take_longer() -> None:
    waits: list[tuple[int, int]] = []
    for body in bodies(run(TALK)):
        said = [message for message in body["messages"] if message["type"] != "system"]
        waits += [(len(after["content"]), after["sentAt"] - before["sentAt"]) for before, after in pairwise(said)]
    short = statistics.median(wait for length, wait in waits if length < 30)
    long = statistics.median(wait for length, wait in waits if length > 90)
    assert long > 1.4 * short


def test_visits_have_several_pages_in_the_language_of_the_locale() -> None:
    found = bodies(run(TALK))
    counts = [len(body["paths"]) for body in found]
    assert 1 in counts
    assert max(counts) > 5
    assert {path["title"] for body in found[1:] for path in body["paths"]} >= {"Startseite", "Hilfe"}


def test_visitors_come_from_nowhere_or_from_another_site() -> None:
    referers = [body["visitor"]["referer"] for body in bodies(fixed())]
    assert 0.25 < referers.count("") / MANY < 0.6
    assert len(set(referers)) == 5
    assert {body["visitor"]["referer"] for body in bodies(fixed("{referer: 'https://a.example/'}"))} == {
        "https://a.example/"
    }


@pytest.mark.parametrize(
    ("visitor", "share"), [("{}", 0.25), ("{city: Brno}", 0.25), ("{name: Dana}", 0), ("{identifier: crm-1}", 0)]
)
def test_a_quarter_of_the_visitors_are_anonymous_unless_the_cast_says_who_they_are(visitor: str, share: float) -> None:
    nameless = sum(not body["visitor"]["name"] and not body["visitor"]["email"] for body in bodies(fixed(visitor)))
    assert abs(nameless / MANY - share) < 0.08


def test_who_authenticates_is_not_anonymous() -> None:
    text = FIXED.replace("{VISITOR}", "{}").replace("vendors: [smartsupp]", "vendors: [smartsupp, ccai]")
    of = run(text.replace("  - {wait: 30m}\n", "  - {authenticate: , only: ccai}\n"))
    assert all(of.conversation(index).state.visitor.name for index in range(50))


def test_a_scenario_or_an_option_keeps_all_conversations_alike(vendorsim: Vendorsim, tmp_path: Any) -> None:
    story = tmp_path / "s.yaml"
    story.write_text(TALK, encoding="utf-8")
    alike = tmp_path / "alike.yaml"
    alike.write_text(TALK + "vary: false\n", encoding="utf-8")
    options = ("--vendor", "smartsupp", "--count", 5, "--start", "2026-01-05T09:00:00Z")
    varied = vendorsim("generate", story, *options)
    told = vendorsim("generate", story, *options, "--no-vary")
    assert varied.out != told.out
    assert told.out == vendorsim("generate", alike, *options).out
    assert {line["body"]["channel"]["duration"] for line in told.lines} == {0}


def test_pauses_longer_than_a_quarter_of_an_hour_are_appointments() -> None:
    text = FIXED.replace("{VISITOR}", "{}")
    for after, varies in ((LONGEST, True), (LONGEST + 1, False)):
        of = run(text.replace("after: 6s", f"after: {after}ms"))
        assert (len({pauses(of, index)[1] for index in range(1, 20)}) > 1) is varies


def test_runs_that_are_made_without_asking_for_it_do_not_vary() -> None:
    assert not timeline.Run.vary
    assert bodies(replace(run(TALK), vary=False), 3)[2]["channel"]["duration"] == 0


@pytest.mark.parametrize("text", [FIXED.replace("{VISITOR}", "{}"), TALK])
def test_no_conversation_takes_longer_than_the_longest(text: str) -> None:
    of = run(text)
    longest = max(sum(pauses(of, index)) for index in range(MANY))
    assert longest <= of.longest()
    assert sum(pauses(of, 0)) == run(text, vary=False).longest()
