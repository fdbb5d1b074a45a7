"""`vendorsim generate`: JSON Lines that depend on nothing but their arguments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Vendorsim

STORY = """\
scenario: Small chat
vendors: [smartsupp, userlike, messagehub]
steps:
  - say: Hello
  - say: {by: ana, text: Grüße 👋}
    after: 6516ms
  - close: {by: ana}
    after: 1m
cast: {agents: {ana: {name: Ana Novak}}}
"""
VENDORS = ("smartsupp", "userlike", "messagehub")
KEYS = ["id", "conversation", "vendor", "profile", "event", "at", "method", "headers", "body"]
START = ("--start", "2026-01-05T09:00:00Z")


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "story.yaml"
    path.write_text(STORY, encoding="utf-8")
    return path


class TestLines:
    @pytest.mark.parametrize("vendor", VENDORS)
    def test_have_the_promised_keys(self, vendorsim: Vendorsim, story: Path, vendor: str) -> None:
        generated = vendorsim("generate", story, "--vendor", vendor, *START)
        assert (generated.code, generated.err) == (0, "")
        for line in generated.lines:
            assert list(line) == KEYS
            assert (line["vendor"], line["profile"], line["method"]) == (vendor, "documented", "POST")
            assert line["headers"]["Content-Type"].lower() == "application/json"
            assert isinstance(line["body"], dict)
        assert len({line["id"] for line in generated.lines}) == len(generated.lines)

    @pytest.mark.parametrize("vendor", VENDORS)
    def test_keep_the_contract(self, vendorsim: Vendorsim, story: Path, vendor: str) -> None:
        generated = vendorsim("generate", story, "--vendor", vendor, "--count", 3)
        judged = vendorsim("validate", "--vendor", vendor, "-", "--json", input=generated.out.encode())
        assert (judged.code, judged.json["payloads"]) == (0, len(generated.lines))

    def test_tell_the_time_of_each_event(self, vendorsim: Vendorsim, story: Path) -> None:
        lines = vendorsim("generate", story, "--vendor", "userlike", "--start", "2026-01-05T10:00:00.5+01:00").lines
        assert lines[0]["at"] == "2026-01-05T09:00:00.500Z"
        assert lines[3]["at"] == "2026-01-05T09:00:07.016Z"
        assert lines[-1]["at"] == "2026-01-05T09:01:07.016Z"

    def test_are_utf_8_without_escapes(self, vendorsim: Vendorsim, story: Path) -> None:
        assert "Grüße 👋" in vendorsim("generate", story, "--vendor", "smartsupp").out


class TestRepetition:
    @pytest.mark.parametrize("vendor", VENDORS)
    def test_same_arguments_same_bytes(self, vendorsim: Vendorsim, story: Path, vendor: str) -> None:
        arguments = ("generate", story, "--vendor", vendor, *START, "--seed", 5, "--count", 3)
        assert vendorsim(*arguments).out == vendorsim(*arguments).out

    @pytest.mark.parametrize("vendor", VENDORS)
    def test_another_seed_makes_up_other_people(self, vendorsim: Vendorsim, story: Path, vendor: str) -> None:
        one, other = (vendorsim("generate", story, "--vendor", vendor, *START, "--seed", seed).lines for seed in (1, 2))
        assert [line["event"] for line in one] == [line["event"] for line in other]
        assert [line["at"] for line in one] == [line["at"] for line in other]
        assert all(mine["body"] != theirs["body"] for mine, theirs in zip(one, other, strict=True))

    def test_seed_and_start_of_the_scenario_are_the_defaults(
        self, vendorsim: Vendorsim, story: Path, tmp_path: Path
    ) -> None:
        pinned = tmp_path / "pinned.yaml"
        pinned.write_text(STORY + "seed: 9\nstarts: 2026-01-05T09:00:00Z\n", encoding="utf-8")
        given = vendorsim("generate", story, "--vendor", "userlike", *START, "--seed", 9)
        assert vendorsim("generate", pinned, "--vendor", "userlike").out == given.out
        changed = vendorsim("generate", pinned, "--vendor", "userlike", "--seed", 10)
        assert changed.out == vendorsim("generate", story, "--vendor", "userlike", *START, "--seed", 10).out

    def test_a_built_in_scenario_by_name(self, vendorsim: Vendorsim) -> None:
        (found,) = (each for each in vendorsim("scenarios", "--json").json if each["name"] == "returning-customer")
        arguments = ("--vendor", "smartsupp", "--seed", 1, *START)
        by_name = vendorsim("generate", "returning-customer", *arguments)
        assert by_name.code == 0
        assert by_name.out == vendorsim("generate", found["path"], *arguments).out


class TestManyConversations:
    @pytest.mark.parametrize("vendor", VENDORS)
    def test_each_is_the_same_however_many_follow(self, vendorsim: Vendorsim, story: Path, vendor: str) -> None:
        arguments = ("generate", story, "--vendor", vendor, *START, "--count")
        twenty = vendorsim(*arguments, 20).out
        for count in (1, 2, 7, 19):
            assert twenty.startswith(vendorsim(*arguments, count).out)

    def test_none_shares_an_id(self, vendorsim: Vendorsim, story: Path) -> None:
        lines = vendorsim("generate", story, "--vendor", "userlike", *START, "--count", 20).lines
        per_conversation = len(lines) // 20
        assert len({line["conversation"] for line in lines}) == 20
        assert len({line["id"] for line in lines}) == 20 * per_conversation

    @pytest.mark.parametrize(
        ("spacing", "starts"),
        [
            ((), ["09:00:00.000", "09:00:01.000", "09:00:02.000"]),
            (("--spacing", "0s"), ["09:00:00.000"] * 3),
            (("--spacing", "250ms"), ["09:00:00.000", "09:00:00.250", "09:00:00.500"]),
            (("--spacing", "1.5h"), ["09:00:00.000", "10:30:00.000", "12:00:00.000"]),
        ],
    )
    def test_start_one_spacing_apart(
        self, vendorsim: Vendorsim, story: Path, spacing: tuple[str, ...], starts: list[str]
    ) -> None:
        lines = vendorsim("generate", story, "--vendor", "userlike", *START, "--count", 3, *spacing).lines
        first = [line["at"] for line in lines if line["event"] == "chat_session.start"]
        assert first == [f"2026-01-05T{start}Z" for start in starts]

    def test_any_number_starts_at_once(self, vendorsim: Vendorsim, story: Path) -> None:
        """The millionth conversation needs none of those before it, and gives ids that no other has."""
        from vendorsim.runs.planning import RunRequest, plan

        run = plan(RunRequest(str(story), "userlike", start=1_767_607_200_000)).run
        live = run.conversation(999_999)
        events = [event for scheduled in run.schedule(999_999) for event in live.advance(scheduled)]
        assert json.loads(events[0].line())["at"] == "2026-01-16T23:46:39.000Z"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--vendor", "smartsup"), "unknown vendor 'smartsup'; did you mean 'smartsupp'?"),
        (("--vendor", "Userlike"), "did you mean 'userlike'?"),
        (("--vendor", "acme"), "unknown vendor 'acme'; known: userlike, smartsupp, messagehub, chatvisor, ccai"),
        (("--vendor", "smartsupp", "--profile", "documentd"), "unknown profile of smartsupp 'documentd'; did you mean"),
        (("--vendor", "chatvisor"), "'chatvisor' is not among the scenario's vendors"),
        (("--vendor", "smartsupp", "--count", "0"), "0 is not in the range x>=1"),
        (("--vendor", "smartsupp", "--count", "many"), "'many' is not a valid integer"),
        (("--vendor", "smartsupp", "--seed", "-1"), "-1 is not in the range"),
        (("--vendor", "smartsupp", "--seed", str(2**63)), "is not in the range"),
        (("--vendor", "smartsupp", "--start", "yesterday"), "'yesterday' is not a date and time; write it like 2026"),
        (("--vendor", "smartsupp", "--start", "2026-01-05T09:00:00"), "has no time zone"),
        (("--vendor", "smartsupp", "--start", "2026-02-30T09:00:00Z"), "is not a date and time"),
        (("--vendor", "smartsupp", "--start", "1969-12-31T23:59:59Z"), "is outside 1970 to 2100"),
        (("--vendor", "smartsupp", "--spacing", "5"), "'5' is not a duration; write a number and ms, s, m, h or d"),
        (("--vendor", "smartsupp", "--spacing", "-1s"), "is not a duration"),
        (("--vendor", "smartsupp", "--spacing", "11000d"), "is longer than ten years"),
    ],
)
def test_bad_arguments(vendorsim: Vendorsim, story: Path, arguments: tuple[str, ...], message: str) -> None:
    refused = vendorsim("generate", story, *arguments)
    assert refused.code == 2
    assert message in refused.err
    assert refused.out == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("returning-custmer", "unknown scenario 'returning-custmer'; did you mean 'returning-customer'?"),
        ("Returning-Customer", "did you mean 'returning-customer'?"),
        ("qqqqqq", "unknown scenario 'qqqqqq'; known: "),
        ("gone.yaml", "gone.yaml:1:1: can't be read"),
        ("./returning-customer", "returning-customer:1:1: can't be read"),
    ],
)
def test_a_scenario_that_is_not_there(vendorsim: Vendorsim, name: str, message: str) -> None:
    refused = vendorsim("generate", name, "--vendor", "smartsupp")
    assert refused.code == 2
    assert message in refused.err
