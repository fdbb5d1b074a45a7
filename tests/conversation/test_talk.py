"""Where a scenario gives no text, visitors and agents talk as people do in support, in the language of the locale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from hypothesis import given
from hypothesis import strategies as st
from vendorsim.conversation.talk import KINDS, QUESTIONS, Phrases, languages, phrases

STORY = """
scenario: Talk
vendors: [messagehub]
locale: {locale}
cast: {{agents: {{ana: {{}}}}}}
steps: [{steps}]
"""
ASK, ANSWER = "say", "say: {by: ana}"
LANGUAGES = ("cs", "de", "en", "es", "fr", "hu", "it", "ja", "pl", "pt")


def known(language: str) -> Phrases:
    found = phrases(language)
    assert found is not None
    return found


@pytest.fixture
def talk(vendorsim: Vendorsim, tmp_path: Path) -> Any:
    """Generates a conversation of these steps. Returns the texts of its messages, by conversation."""

    def generate(locale: str, *steps: str, options: tuple[object, ...] = ()) -> list[list[str]]:
        story = tmp_path / "talk.yaml"
        story.write_text(STORY.format(locale=locale, steps=", ".join(steps)), encoding="utf-8")
        done = vendorsim("generate", story, "--vendor", "messagehub", "--seed", 7, *options)
        assert done.code == 0, done.err
        texts: dict[int, list[str]] = {}
        for event in map(json.loads, done.out.splitlines()):
            if event["event"] == "message_created":
                texts.setdefault(event["conversation"], []).append(event["body"]["content"])
        return list(texts.values())

    return generate


def test_every_language_has_the_same_phrases() -> None:
    assert languages() == LANGUAGES
    for language in LANGUAGES:
        found = known(language)
        assert set(found.requests) == set(KINDS)
        assert {len(exchanges) for exchanges in found.requests.values()} == {QUESTIONS}
        texts = [text for exchanges in (*found.requests.values(), found.thanks) for pair in exchanges for text in pair]
        texts += [*found.greeting, *found.more, *found.automatic, *found.note]
        assert len(texts) == len(set(texts))
        assert all(text.strip() == text != "" for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
@given(seed=st.integers(0, 2**64 - 1), number=st.integers(0, 40))
def test_an_agent_answers_what_was_asked(language: str, seed: int, number: int) -> None:
    found = known(language)
    asked, answer = found.visitor(seed, number), found.agent(seed, number + 1, 0)
    assert "{" not in asked
    pairs = [pair for exchanges in (*found.requests.values(), found.thanks) for pair in exchanges]
    assert answer in {
        reply for question, reply in pairs if question.partition("{")[0] == asked[: question.find("{")]
    } | {reply for question, reply in pairs if question == asked}


def test_a_conversation_reads_like_one(talk: Any) -> None:
    (texts,) = talk("en_US", ANSWER, ASK, ANSWER, ANSWER, ASK, ANSWER, ASK, ANSWER, ASK, ANSWER)
    assert texts[0] in known("en").greeting
    assert texts[3] in known("en").more
    assert texts[-2] in {asks for asks, _ in known("en").thanks}


def test_conversations_differ_and_a_seed_gives_the_same_ones(talk: Any) -> None:
    several = talk("de_DE", ASK, ANSWER, options=("--count", 12))
    assert len({texts[0] for texts in several}) > 6
    assert several == talk("de_DE", ASK, ANSWER, options=("--count", 12))


@pytest.mark.parametrize(("locale", "language"), [("de_AT", "de"), ("pt_BR", "pt"), ("ja_JP", "ja")])
def test_the_locale_of_the_command_line_wins(talk: Any, locale: str, language: str) -> None:
    (texts,) = talk("en_US", ANSWER, ASK, ANSWER, options=("--locale", locale))
    assert texts[0] in known(language).greeting


def test_a_language_without_phrases_gets_words_of_its_own(talk: Any) -> None:
    ((text,),) = talk("ru_RU", ASK)
    assert any("а" <= letter <= "я" for letter in text.lower())


def test_an_unknown_locale_is_an_error_with_the_closest(vendorsim: Vendorsim) -> None:
    done = vendorsim("generate", "returning-customer", "--vendor", "messagehub", "--locale", "de_DD")
    assert (done.code, done.out) == (2, "")
    assert "unknown locale 'de_DD'; did you mean 'de_DE'?" in done.err
