"""Where a scenario gives no text, visitors and agents talk as people do in support, in the language of the locale."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from hypothesis import given, settings
from hypothesis import strategies as st
from vendorsim.conversation.talk import KINDS, QUESTIONS, UNKNOWN, Party, Phrase, Phrases, Talk, languages, phrases

STORY = """
scenario: Talk
vendors: [messagehub]
locale: {locale}
cast: {{visitor: {visitor}, agents: {{ana: {{}}}}}}
steps: [{steps}]
"""
ASK, ANSWER = "say", "say: {by: ana}"
LANGUAGES = ("cs", "de", "en", "es", "fr", "hu", "it", "ja", "pl", "pt", "pt_BR")
PLACES = {"number", "day", "name", "first", "last", "agent", "agent_first", "agent_last"}
OTHERS = ("opening", "further", "nudge", "hello", "greeting", "wait", "more", "automatic", "note")
ANA = Party("Ana Novak", "Ana", "Novak", True)
DAN = Party("Dan Kessler", "Dan", "Kessler", False)


def known(language: str) -> Phrases:
    found = phrases(language)
    assert found is not None
    return found


def all_phrases(found: Phrases) -> list[Phrase]:
    exchanges = [*found.thanks, *(pair for courses in found.requests.values() for course in courses for pair in course)]
    return [phrase for pair in exchanges for phrase in pair] + [
        phrase for name in OTHERS for phrase in getattr(found, name)
    ]


@pytest.fixture
def talk(vendorsim: Vendorsim, tmp_path: Path) -> Any:
    """Generates a conversation of these steps. Returns the texts of its messages, by conversation."""

    def generate(
        locale: str, *steps: str, options: tuple[object, ...] = (), visitor: str = "{}", seed: int = 7
    ) -> list[list[str]]:
        story = tmp_path / "talk.yaml"
        story.write_text(STORY.format(locale=locale, visitor=visitor, steps=", ".join(steps)), encoding="utf-8")
        done = vendorsim("generate", story, "--vendor", "messagehub", "--seed", seed, *options)
        assert done.code == 0, done.err
        texts: dict[int, list[str]] = {}
        for event in map(json.loads, done.out.splitlines()):
            if event["event"] == "message_created":
                texts.setdefault(event["conversation"], []).append(event["body"]["content"])
        return list(texts.values())

    return generate


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_phrases(language: str) -> None:
    found, model = known(language), known("en")
    assert {kind: [len(course) for course in courses] for kind, courses in found.requests.items()} == {
        kind: [QUESTIONS, QUESTIONS] for kind in KINDS
    }
    assert len(found.pages) == len(model.pages)
    assert len(found.thanks) == len(model.thanks)
    texts = [phrase.source for phrase in all_phrases(found)]
    assert len(texts) == len(set(texts))
    assert all(text.strip() == text != "" for text in texts)


def test_there_are_phrases_for_ten_languages_and_for_brazil() -> None:
    assert languages() == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phrase_has_known_places_only(language: str) -> None:
    for phrase in all_phrases(known(language)):
        assert set(phrase.places) <= PLACES
        told = phrase.told(ANA, DAN, dict.fromkeys(PLACES, "x"))
        assert not re.search(r"[{}|@]", told), phrase.source


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_something_to_say_where_nothing_is_known_of_the_people(language: str) -> None:
    found = known(language)
    for name in OTHERS:
        assert any(phrase.fits(UNKNOWN, UNKNOWN) for phrase in getattr(found, name)), name
    assert any(exchange.visitor.fits(UNKNOWN, UNKNOWN) for exchange in found.thanks)
    asked = [pair for courses in found.requests.values() for course in courses for pair in course]
    assert all(line.fits(UNKNOWN, UNKNOWN) for pair in asked for line in pair)


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**64 - 1), planned=st.integers(0, 9))
def test_an_agent_answers_what_was_asked(language: str, seed: int, planned: int) -> None:
    found, talk = known(language), Talk(planned)
    pairs = [*found.thanks, *(pair for courses in found.requests.values() for course in courses for pair in course)]
    values = [re.compile("(.|\n)*" + re.sub(r"\\\{\w+\\\}", ".+", re.escape(pair.visitor.source))) for pair in pairs]
    for _ in range(planned or 5):
        asked = found.visitor(seed, talk)
        answer = found.agent(seed, talk, ANA, UNKNOWN, first=False)
        fitting = [pair.agent for pair, value in zip(pairs, values, strict=True) if value.fullmatch(asked)]
        assert any(re.fullmatch(re.sub(r"\\\{\w+\\\}", ".+", re.escape(one.source)), answer) for one in fitting)
    assert talk == Talk(planned, planned or 5)


@pytest.mark.parametrize("count", range(2, 8))
def test_talk_ends_with_thanks_however_long_it_is(talk: Any, count: int) -> None:
    (texts,) = talk("en_US", *[ASK, ANSWER] * count)
    assert len(texts) == 2 * count
    thanks = {pair.visitor.source: pair.agent.source for pair in known("en").thanks}
    assert thanks[texts[-2]] == texts[-1]
    assert not thanks.keys() & set(texts[:-2])


def test_an_agent_greets_who_has_not_asked_yet_and_asks_back_who_has_an_answer(talk: Any) -> None:
    (texts,) = talk("en_US", ANSWER, ASK, ANSWER, ANSWER)
    assert texts[0] in {phrase.source for phrase in known("en").greeting}
    assert texts[3] in {phrase.source for phrase in known("en").more}


def test_who_gets_no_answer_asks_whether_somebody_is_there(talk: Any) -> None:
    (texts,) = talk("de_DE", ASK, ASK, ANSWER)
    assert texts[1] in {phrase.source for phrase in known("de").nudge}
    assert len(texts) == 3


def test_a_question_of_the_scenario_gets_no_answer_to_another_one(talk: Any) -> None:
    (texts,) = talk("en_US", "say: Do you sell hats?", ANSWER)
    assert texts[1] in {phrase.source for phrase in known("en").wait}


@pytest.mark.parametrize(
    ("source", "speaker", "other", "told"),
    [
        ("obrigad{o|a}", ANA, DAN, "obrigada"),
        ("obrigad{o|a}", DAN, ANA, "obrigado"),
        ("{@Herr|Frau} {last}", ANA, DAN, "Herr Kessler"),
        ("{@Herr|Frau} {last}", DAN, ANA, "Frau Novak"),
        ("Dobrý den{@|, paní {last}}", DAN, ANA, "Dobrý den, paní Novak"),
        ("Dobrý den{@|, paní {last}}", ANA, DAN, "Dobrý den"),
        ("obrigad{o|a}", UNKNOWN, DAN, None),
        ("{@Herr|Frau} {last}", ANA, UNKNOWN, None),
        ("{@Herr|Frau} {last}", ANA, Party(female=True), None),
        ("Hello {first}", ANA, Party(female=True), None),
    ],
)
def test_phrases_agree_with_gender_where_it_is_known(
    source: str, speaker: Party, other: Party, told: str | None
) -> None:
    phrase = Phrase(source)
    assert phrase.fits(speaker, other) is (told is not None)
    if told is not None:
        assert phrase.told(speaker, other, {"first": other.first or "", "last": other.last or ""}) == told


def test_nobody_is_called_by_a_name_that_the_scenario_gives(talk: Any) -> None:
    """It says neither which part is the family name, nor whether a man or a woman writes."""
    for seed in range(12):
        (texts,) = talk("de_DE", ASK, ANSWER, visitor="{name: Dana Kessler}", seed=seed)
        assert "Kessler" not in texts[1]
        assert texts[1].startswith("Guten Tag, ")


def test_a_made_up_visitor_is_called_as_the_language_does(talk: Any) -> None:
    answers = [talk("de_DE", ASK, ANSWER, seed=seed)[0][1] for seed in range(12)]
    assert any(re.match(r"Guten Tag, (Herr|Frau) \S+, mein Name ist ", answer) for answer in answers)


def test_conversations_differ_and_a_seed_gives_the_same_ones(talk: Any) -> None:
    several = talk("de_DE", ASK, ANSWER, options=("--count", 12))
    assert len({texts[0] for texts in several}) > 8
    assert several == talk("de_DE", ASK, ANSWER, options=("--count", 12))


@pytest.mark.parametrize(("locale", "language"), [("de_AT", "de"), ("pt_BR", "pt_BR"), ("ja_JP", "ja")])
def test_the_locale_of_the_command_line_wins(talk: Any, locale: str, language: str) -> None:
    (texts,) = talk("en_US", ANSWER, ASK, ANSWER, options=("--locale", locale))
    assert texts[0] in {phrase.source for phrase in known(language).greeting}


def test_a_language_without_phrases_gets_words_of_its_own(talk: Any) -> None:
    ((text,),) = talk("ru_RU", ASK)
    assert any("а" <= letter <= "я" for letter in text.lower())


def test_an_unknown_locale_is_an_error_with_the_closest(vendorsim: Vendorsim) -> None:
    done = vendorsim("generate", "returning-customer", "--vendor", "messagehub", "--locale", "de_DD")
    assert (done.code, done.out) == (2, "")
    assert "unknown locale 'de_DD'; did you mean 'de_DE'?" in done.err
