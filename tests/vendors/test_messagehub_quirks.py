"""MessageHub, profiles `observed-…`: each quirk, by what it changes in what is sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from command_line import Vendorsim
from hypothesis import given
from hypothesis import strategies as st
from vendorsim.conversation.files import read_key
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import registry

MESSAGEHUB = registry.get("messagehub")
HEAD = """
scenario: A story
vendors: [messagehub]
starts: 2026-01-05T09:00:00.250Z
account: {id: 208, name: Acme}
cast:
  visitor: {name: Dana Kessler}
  agents:
    ana: {id: 17, name: Ana Novak, email: ana@example.com}
    ben: {id: 18, name: Ben Okafor}
steps:
"""
CREATED, UPDATED, STATUS = "conversation_created", "conversation_updated", "conversation_status_changed"
MESSAGE, EDITED, CONTACT = "message_created", "message_updated", "contact_updated"


def play(
    *steps: str, profile: str = "observed-4.15", everywhere: tuple[str, ...] = (), files: str | None = None
) -> list[Any]:
    """The bodies of a scenario with these steps; the quirks `everywhere` show in each of them. `files` are served."""
    scenario = library.load_text(HEAD + "".join(f"  - {step}\n" for step in steps), "story.yaml")
    chosen = MESSAGEHUB.profile(profile)
    run = timeline.Run(scenario, MESSAGEHUB, chosen, 0, scenario.starts or 0, files=files)
    quirks = [chosen.quirk(name) for name in everywhere]
    run = replace(run, quirks=tuple((quirk, 1.0) for quirk in quirks if quirk is not None))
    return [json.loads(event.body) for event in timeline.events(run, 1)]


def names(bodies: list[Any]) -> list[str]:
    """The events, but for those about contacts and for bots only, which no quirk touches."""
    kept = (CREATED, UPDATED, STATUS, MESSAGE, EDITED)
    return [body["event"] for body in bodies if body["event"] in kept]


def only(bodies: list[Any], event: str) -> list[Any]:
    return [body for body in bodies if body["event"] == event]


def changed(body: Any) -> set[str]:
    return {name for entry in body["changed_attributes"] for name in entry}


BEGIN = [CREATED, MESSAGE]
LABEL, RESOLVE = "label: [vip]", "close: timeout"


@pytest.mark.parametrize(
    ("quirk", "steps", "before", "after"),
    [
        ("twin", ["say: Hi"], BEGIN, [*BEGIN, MESSAGE]),
        ("twin", [LABEL], [UPDATED], [UPDATED]),
        ("twin-update", [LABEL], [UPDATED], [UPDATED, UPDATED]),
        ("twin-update", ["assign: ana"], [UPDATED], [UPDATED]),
        ("opaque-update", ["say: Hi"], BEGIN, [*BEGIN, EDITED]),
        ("echo", [LABEL], [UPDATED], [UPDATED] * 5),
        ("echo", [RESOLVE], [STATUS, UPDATED], [STATUS, UPDATED] * 5),
        ("echo", ["assign: ana"], [UPDATED], [UPDATED]),
        ("lost-status-change", [RESOLVE], [STATUS, UPDATED], [STATUS, UPDATED]),
        ("lost-status-change", ["assign: ana"], [UPDATED], [UPDATED]),
        ("empty-messages", ["say: Hi"], BEGIN, BEGIN),
        ("null-sender", ["say: Hi"], BEGIN, BEGIN),
        ("late-body", ["say: Hi"], BEGIN, BEGIN),
    ],
)
def test_which_events_follow(quirk: str, steps: list[str], before: list[str], after: list[str]) -> None:
    """`before` without the quirk, `after` with it, of the last step."""
    lead = ["open_widget"] if before[0] == CREATED else ["say: Hi"]
    count = len(names(play(*lead)))
    assert names(play(*lead, *steps))[count:] == before
    bent = play(*lead, f"{{{steps[0]}, fault: {{quirk: {quirk}}}}}")
    assert names(bent)[count:] == after


class TestTwins:
    def test_have_the_same_body(self) -> None:
        first, second = only(play("{say: Hi, fault: {quirk: twin}}"), MESSAGE)
        assert first == second

    def test_of_updates_too(self) -> None:
        first, second = only(play("say: Hi", "{label: [vip], fault: {quirk: twin-update}}"), UPDATED)
        assert first == second
        assert first["labels"] == ["vip"]


class TestLateBody:
    def test_the_first_event_carries_the_second_message(self) -> None:
        bodies = play("{say: One, fault: {quirk: late-body}}", "say: Two")
        (created,) = only(bodies, CREATED)
        one, two = only(bodies, MESSAGE)
        assert [message["content"] for message in created["messages"]] == ["Two"]
        assert (one["content"], two["content"]) == ("One", "Two"), "at the top stands what the event is about"
        assert one["conversation"]["messages"][0]["content"] == "Two"

    def test_the_order_stays(self) -> None:
        bodies = play("say: One", "say: Two", "close: ana", everywhere=("late-body",))
        assert names(bodies) == names(play("say: One", "say: Two", "close: ana"))

    def test_the_last_step_s_are_sent_at_the_end(self) -> None:
        assert names(play("say: One", "{close: ana, fault: {quirk: late-body}}"))[-2:] == [STATUS, UPDATED]


class TestEmptyMessages:
    @pytest.mark.parametrize(("profile", "says_whose"), [("observed-4.14.1", False), ("observed-4.14.2", True)])
    def test_before_4_14_2_nothing_says_whose_account_it_is(self, profile: str, says_whose: bool) -> None:
        (created,) = only(play("{say: Hi, fault: {quirk: empty-messages}}", profile=profile), CREATED)
        assert created["messages"] == []
        assert ("account" in created) == says_whose
        assert "account_id" not in created


class TestLostStatusChange:
    def test_only_the_assignee_looks_changed(self) -> None:
        bodies = play("say: Hi", RESOLVE, "{say: Hello?, fault: {quirk: lost-status-change}}")
        assert names(bodies)[-3:] == [UPDATED, MESSAGE, UPDATED]
        assigned, message, _ = [body for body in bodies if body["event"] in (UPDATED, MESSAGE)][-3:]
        assert changed(assigned) == {"assignee_id", "updated_at"}
        assert assigned["status"] == "open"
        assert message["conversation"]["meta"]["assignee"]["id"] == 17

    def test_as_reported_when_a_pending_one_is_opened(self) -> None:
        (*_, last) = bodies = play("say: Hi", "pend", "{reopen: null, fault: {quirk: lost-status-change}}")
        assert names(bodies)[-2:] == [UPDATED, UPDATED]
        assert changed(last) == {"assignee_id", "updated_at"}

    def test_the_assignment_lasts(self) -> None:
        bodies = play("say: Hi", "pend", "{reopen: null, fault: {quirk: lost-status-change}}", "say: Hello?")
        assert bodies[-1]["event"] == CONTACT
        assert only(bodies, MESSAGE)[-1]["conversation"]["meta"]["assignee"]["id"] == 17

    def test_not_where_somebody_is_assigned(self) -> None:
        bodies = play("say: Hi", "assign: ben", RESOLVE, "{say: Hello?, fault: {quirk: lost-status-change}}")
        assert len(only(bodies, STATUS)) == 2


class TestEcho:
    def test_a_label_flips_back_and_forth(self) -> None:
        updates = only(play("say: Hi", "label: [a]", "{label: [b], fault: {quirk: echo}}"), UPDATED)
        assert [body["labels"] for body in updates] == [["a"], ["b"], ["a"], ["b"], ["a"], ["b"]]
        told = [body["changed_attributes"][0]["label_list"] for body in updates[2:4]]
        assert told == [
            {"previous_value": ["b"], "current_value": ["a"]},
            {"previous_value": ["a"], "current_value": ["b"]},
        ]

    def test_each_flip_is_a_save_of_its_own(self) -> None:
        """Whoever goes by the time of the save, ends with what is true in the end."""
        _, *flips = only(play("say: Hi", "{label: [b], fault: {quirk: echo}}"), UPDATED)
        times = [body["updated_at"] for body in flips]
        assert times == sorted(set(times))
        assert flips[-1]["labels"] == ["b"]

    def test_the_status_flips_in_both_events(self) -> None:
        bodies = play("say: Hi", "{close: ana, fault: {quirk: echo}}")
        said = [(body["event"], body["status"]) for body in bodies if body["event"] in (STATUS, UPDATED)]
        resolved, opened = (
            [(name, "resolved") for name in (STATUS, UPDATED)],
            [(name, "open") for name in (STATUS, UPDATED)],
        )
        assert said == [*resolved, *opened, *resolved, *opened, *resolved]


class TestBodies:
    def test_an_opaque_update_shows_no_change(self) -> None:
        bodies = play("{say: Hi, fault: {quirk: opaque-update}}")
        (created,), (updated,) = only(bodies, MESSAGE), only(bodies, EDITED)
        assert updated == created | {"event": EDITED}

    def test_a_sender_is_null_above_and_missing_below(self) -> None:
        message = only(play("say: Hi", "{say: {by: ana, text: Ho}, fault: {quirk: null-sender}}"), MESSAGE)[-1]
        assert message["sender"] is None
        (nested,) = message["conversation"]["messages"]
        assert "sender" not in nested
        assert nested["sender_type"] == "User"

    def test_the_message_nested_in_a_private_note_is_another_one(self) -> None:
        note = only(play("say: Hi", "{note: {by: ana, text: Ho}, fault: {quirk: null-sender}}"), MESSAGE)[-1]
        (nested,) = note["conversation"]["messages"]
        assert (note["sender"], nested["sender"]["name"]) == (None, "Dana Kessler")

    @pytest.mark.parametrize(
        ("step", "content"),
        [
            ('say: {by: ana, text: "a\\nb\\n\\nc"}', "a\\\nb\\\n\\\nc"),
            ('say: "a\\nb"', "a\nb"),
            ("say: {by: ana, attachments: [a.png]}", None),
        ],
    )
    def test_backslashes_stand_in_what_agents_write(self, step: str, content: str | None) -> None:
        message = only(play(step, profile="observed-4.12", everywhere=("dirty-content",)), MESSAGE)[-1]
        assert message["content"] == content
        assert message["conversation"]["messages"][0]["content"] == content

    @pytest.mark.parametrize(
        ("text", "content"),
        [
            ("Hi", "<p>Hi</p>\n"),
            ("a **b** c", "<p>a <strong>b</strong> c</p>\n"),
            ("1 < 2 & 3", "<p>1 &lt; 2 &amp; 3</p>\n"),
            ("a\\n\\nb", "<p>a</p>\n<p>b</p>\n"),
        ],
    )
    def test_html_stands_in_what_anybody_writes(self, text: str, content: str) -> None:
        message = only(play(f'say: "{text}"', profile="observed-4.12", everywhere=("html-content",)), MESSAGE)[-1]
        assert message["content"] == content
        assert message["conversation"]["messages"][0]["content"] == text.replace("\\n", "\n")


class TestStatusFallsBack:
    def statuses(self, *steps: str, quirk: str = "status-falls-back") -> list[str]:
        bodies = only(play("say: Hi", "say: {by: ana, text: Hello}", *steps, everywhere=(quirk,)), EDITED)
        return [body["conversation"]["messages"][0]["status"] for body in bodies]

    @pytest.mark.parametrize(
        ("steps", "told"),
        [
            (("read: {status: delivered}",), ["delivered", "sent"]),
            (("read: visitor",), ["read", "sent"]),
            (("edit: {message: 2, text: Ho}",), ["sent"]),
        ],
    )
    def test_is_said_to_be_sent_once_more(self, steps: tuple[str, ...], told: list[str]) -> None:
        assert self.statuses(*steps) == told

    def test_it_stays_so(self) -> None:
        bodies = play("say: Hi", "say: {by: ana}", "{read: , fault: {quirk: status-falls-back}}", "close: ana")
        assert bodies[-1]["messages"][0]["status"] == "sent"

    def test_without_it_the_status_goes_forward(self) -> None:
        told = self.statuses("read: {status: delivered}", "read: {status: delivered}", "read: visitor", quirk="none")
        assert told == ["delivered", "read"]


class TestAutomationRule:
    @pytest.mark.parametrize(
        ("steps", "started"),
        [
            (("say: Hi",), [CREATED, MESSAGE]),
            (("say: Hi", "assign: ana"), [UPDATED]),
            (("say: Hi", "close: ana", "reopen"), ["conversation_opened", UPDATED, UPDATED]),
            (("say: Hi", "read: visitor"), []),
        ],
    )
    def test_follows_what_starts_a_rule(self, steps: tuple[str, ...], started: list[str]) -> None:
        *lead, last = steps
        bodies = play(*lead, f"{{{last}, fault: {{quirk: automation-rule}}}}")
        told = [body for body in bodies if body["event"].startswith("automation_event.")]
        assert [body["event"].removeprefix("automation_event.") for body in told] == started
        assert {body["id"] for body in told} <= {bodies[0]["id"]}, "the conversation's, also for a message"

    def test_it_may_show_a_later_message(self) -> None:
        steps = ("{say: One, fault: {quirk: late-body}}", "say: Two")
        told = only(play(*steps, everywhere=("automation-rule",)), "automation_event.message_created")
        assert [body["messages"][0]["content"] for body in told] == ["Two", "Two"]


class TestLateFile:
    STEP = "say: {attachments: [a.png, voice.ogg]}"

    def test_the_urls_of_files_say_so_in_both_forms_of_the_message(self) -> None:
        served = f"http://localhost:4010{MESSAGEHUB.files}"
        (message,) = only(play(self.STEP, everywhere=("late-file",), files=served), MESSAGE)
        for form in (message, message["conversation"]["messages"][0]):
            picture, voice = form["attachments"]
            assert picture["data_url"] == picture["thumb_url"]
            for file in (picture, voice):
                key = file["data_url"].removeprefix(served).split("/")[1]
                assert read_key(key) is not None
                assert key.endswith("-late")
            assert voice["thumb_url"] == ""

    def test_files_that_nobody_serves_are_as_always(self) -> None:
        assert play(self.STEP, everywhere=("late-file",)) == play(self.STEP)


class TestAssistantOwns:
    def test_the_assistant_is_the_assignee_until_it_hands_over(self) -> None:
        steps = ("start: {pending: true}", "say: Hi", "reopen:")
        bodies = play(*steps, profile="observed-4.18", everywhere=("assistant-owns",))
        (message,) = only(bodies, MESSAGE)
        owner = message["conversation"]["meta"]
        assert (owner["assignee_type"], owner["assignee"]["type"]) == ("Captain::Assistant", "captain_assistant")
        opened, _ = only(bodies, UPDATED)
        kinds = [made["ai_assignee_type"] for made in opened["changed_attributes"] if "ai_assignee_type" in made]
        assert kinds == [{"previous_value": "Captain::Assistant", "current_value": None}]
        assert opened["meta"]["assignee_type"] == "User"


LATER = {"automation-rule", "status-falls-back"}
ALWAYS = {"twin", "late-body", "late-file", "empty-messages", "lost-status-change", "opaque-update", "echo"}


@pytest.mark.parametrize(
    ("profile", "more"),
    [
        ("observed-2.5", set()),
        ("observed-2.12", {"twin-update"}),
        ("observed-2.18", {"twin-update", "null-sender"}),
        ("observed-4.8", LATER | {"twin-update", "null-sender"}),
        ("observed-4.9", LATER | {"twin-update", "null-sender", "dirty-content"}),
        ("observed-4.12", LATER | {"twin-update", "null-sender", "dirty-content", "html-content"}),
        ("observed-4.12.1", LATER | {"twin-update", "null-sender", "dirty-content"}),
        ("observed-4.13", LATER | {"twin-update", "null-sender"}),
        ("observed-4.17", LATER | {"twin-update", "null-sender"}),
        ("observed-4.18", LATER | {"twin-update", "null-sender", "assistant-owns"}),
    ],
)
def test_which_version_has_which(profile: str, more: set[str]) -> None:
    found = [quirk.name for quirk in MESSAGEHUB.profile(profile).quirks]
    assert set(found) == ALWAYS | more
    assert len(found) == len(set(found))


class TestUpdatedByMessages:
    """The only quirk of the profile `documented`."""

    STEPS = ("say: Hi", "{join: ana, after: 5s}", "{say: {by: ana, text: Ho}, after: 5s}", "{read: visitor, after: 5s}")

    @pytest.fixture
    def bodies(self) -> list[Any]:
        return play(*self.STEPS, profile="documented", everywhere=("updated-by-messages",))

    def test_follows_messages_and_who_joins(self, bodies: list[Any]) -> None:
        assert names(play(*self.STEPS, profile="documented")) == [CREATED, MESSAGE, MESSAGE, UPDATED]
        assert names(bodies) == [CREATED, MESSAGE, UPDATED, UPDATED, MESSAGE, UPDATED, UPDATED]

    def test_names_what_has_changed(self, bodies: list[Any]) -> None:
        assert [changed(body) for body in only(bodies, UPDATED)] == [
            {"unread_count"},
            {"unread_count", "agent_last_seen_at"},
            {"agent_last_seen_at"},
            {"contact_last_seen_at"},
        ]
        unread = only(bodies, UPDATED)[1]["changed_attributes"][-1]["unread_count"]
        assert unread == {"current_value": 0, "previous_value": 1}

    def test_is_the_only_one(self) -> None:
        (quirk,) = MESSAGEHUB.profile("documented").quirks
        assert (quirk.name, quirk.provenance) == ("updated-by-messages", "assumed")


STEPS = (
    "open_widget:",
    "say: Hi",
    'say: {by: ana, text: "**a**\\nb"}',
    "say: {by: ana, attachments: [a.png]}",
    "note: {by: ana, text: Ho}",
    "trigger: Still there?",
    "label: [vip]",
    "label: []",
    "assign: ben",
    "assign: null",
    "pend:",
    "snooze:",
    "reopen:",
    "close: ana",
    "delete: -1",
    "read:",
)


@given(
    steps=st.lists(st.sampled_from(STEPS), max_size=8),
    profile=st.sampled_from(["observed-2.5", "observed-2.12", "observed-2.18", "observed-4.12", "observed-4.18"]),
    everywhere=st.lists(st.sampled_from([*sorted(ALWAYS), "null-sender", "html-content"]), unique=True, max_size=4),
)
def test_together_and_anywhere_the_bodies_keep_the_contract(
    steps: list[str], profile: str, everywhere: list[str]
) -> None:
    """Every body that is made is held to it."""
    bodies = play("say: Hi", *steps, profile=profile, everywhere=tuple(everywhere))
    assert len(only(bodies, MESSAGE)) >= (2 if "twin" in everywhere else 1)


def test_each_says_where_it_is_known_from() -> None:
    for quirk in MESSAGEHUB.profile("observed-4.12").quirks:
        assert "chatwoot/chatwoot" in quirk.source, quirk.name


def test_a_profile_without_a_quirk_ignores_it() -> None:
    step = "{say: Hi, fault: {quirk: null-sender}}"
    assert play("say: Hi", step, profile="observed-2.5") == play("say: Hi", "say: Hi", profile="observed-2.5")


def test_generate_and_vendors_know_them(vendorsim: Vendorsim) -> None:
    printed = vendorsim("generate", "twin-deliveries", "--vendor", "messagehub", "--profile", "observed-4.15")
    ids = [line["body"]["id"] for line in printed.lines if line["event"] == MESSAGE]
    assert [ids.count(number) for number in dict.fromkeys(ids)] == [1, 2, 2, 2]
    assert "lost-status-change" in vendorsim("vendors", "messagehub").out
