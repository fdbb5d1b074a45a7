"""MessageHub, profiles `observed-…`: what real servers send, version by version, and how that differs from the page."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from vendorsim.core.event import Event
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.verb_events import verb_events
from vendorsim.vendors.messagehub.observed.contract import amended
from vendorsim.vendors.messagehub.observed.versions import parse

HEAD = """
scenario: A story
vendors: [messagehub]
starts: 2026-01-05T09:00:00.250Z
account: {id: 208, name: Acme}
cast:
  visitor: {name: Dana Kessler, email: dana@example.com}
  agents:
    ana: {id: 17, name: Ana Novak, email: ana@example.com}
    ben: {id: 18}
steps:
"""
STARTS = 1_767_603_600
CAPTURES = Path(__file__).parent / "captured"
OLD, NEW = "observed-2.5", "observed-4.18"

WIDGET, CREATED, UPDATED = "webwidget_triggered", "conversation_created", "conversation_updated"
STATUS, MESSAGE, EDITED = "conversation_status_changed", "message_created", "message_updated"
CONTACT, PERSON = "contact_created", "contact_updated"
OPENED, RESOLVED = "conversation_opened", "conversation_resolved"
AUTOMATION = "automation_event"
TYPING, TYPED = "conversation_typing_on", "conversation_typing_off"
INBOX, SETTINGS = "inbox_created", "inbox_updated"

# The versions with which something changes, and those just around.
VERSIONS = (
    *("2.5", "2.6", "2.7", "2.8", "2.10", "2.11", "2.12", "2.12.1", "2.14", "2.17", "2.18", "3.0", "3.2", "3.3"),
    *("3.7", "3.11.1", "4.0.2", "4.2", "4.3", "4.7", "4.8", "4.12", "4.13", "4.14.2", "4.15", "4.17", "4.18"),
)


def play(profile: str, *steps: str) -> list[Event]:
    """The events of a scenario with these steps, each one a line of YAML."""
    scenario = library.load_text(HEAD + "".join(f"  - {step}\n" for step in steps), "story.yaml")
    vendor = registry.get("messagehub")
    run = timeline.Run(scenario, vendor, vendor.profile(profile), scenario.seed, scenario.starts or 0)
    return list(timeline.events(run, 1))


def bodies(profile: str, *steps: str) -> list[Any]:
    return [json.loads(event.body) for event in play(profile, *steps)]


def last(profile: str, event: str, *steps: str) -> Any:
    """The last body of an event."""
    return [body for body in bodies(profile, *steps) if body["event"] == event][-1]


def at(body: Any, pointer: str) -> Any:
    """The value at a JSON pointer, or "absent"."""
    for part in pointer.split("/")[1:]:
        try:
            body = body[int(part) if isinstance(body, list) else part]
        except (KeyError, IndexError):
            return "absent"
    return body


BEGUN = ("open_widget", "say: Hi")
ANSWERED = (*BEGUN, "say: {by: ana, text: Hello}")


@pytest.mark.parametrize(
    ("before", "step", "old", "new"),
    [
        pytest.param((), "open_widget", [WIDGET], [CONTACT, WIDGET], id="a-new-visitor-opens-the-widget"),
        pytest.param(("open_widget",), "open_widget", [WIDGET], [WIDGET], id="each-opening-counts"),
        pytest.param(("open_widget",), "say: Hi", [CREATED, MESSAGE], [CREATED, MESSAGE, PERSON], id="first-message"),
        pytest.param(("open_widget",), "start", [CREATED], [CREATED], id="begun-without-a-message"),
        pytest.param(("open_widget",), "contact: {updated: {name: Dan}}", [], [PERSON], id="pre-chat-form"),
        pytest.param((), "contact: {created: {name: Dan}}", [], [CONTACT], id="a-new-contact"),
        pytest.param(BEGUN, "contact: {updated: {name: Dana Kessler}}", [], [], id="nothing-new-of-the-contact"),
        pytest.param(BEGUN, "say: {by: ana}", [MESSAGE], [MESSAGE, UPDATED], id="first-reply"),
        pytest.param(BEGUN, "say: Hello?", [MESSAGE], [MESSAGE, PERSON], id="visitor-goes-on-waiting"),
        pytest.param(ANSWERED, "say: Hm", [MESSAGE], [MESSAGE, UPDATED, PERSON], id="visitor-begins-to-wait"),
        pytest.param(ANSWERED, "say: {by: ana}", [MESSAGE], [MESSAGE], id="another-reply"),
        pytest.param((*ANSWERED, "say: Hm"), "say: {by: ana}", [MESSAGE], [MESSAGE, UPDATED], id="a-later-reply"),
        pytest.param(BEGUN, "trigger: Welcome", [], [MESSAGE], id="automatic-message"),
        pytest.param(("trigger: Hi",), "start", [CREATED], [CREATED, MESSAGE], id="automatic-message-comes-first"),
        pytest.param((*ANSWERED, "trigger: Hi"), "read", [], [EDITED, EDITED], id="visitor-reads"),
        pytest.param((*ANSWERED, "read"), "read", [], [], id="visitor-reads-nothing-new"),
        pytest.param(BEGUN, "read: ana", [], [], id="nothing-tells-that-an-agent-reads"),
        pytest.param(BEGUN, "close: ana", [RESOLVED, STATUS, UPDATED], [RESOLVED, STATUS, UPDATED], id="resolved"),
        pytest.param(
            (*ANSWERED, "close: ana"),
            "say: Wait",
            [OPENED, STATUS, UPDATED, MESSAGE],
            [OPENED, STATUS, UPDATED, MESSAGE, UPDATED, PERSON],
            id="a-message-opens-a-resolved-conversation",
        ),
        pytest.param(
            (*ANSWERED, "snooze"),
            "say: Wait",
            [OPENED, STATUS, UPDATED, MESSAGE],
            [OPENED, STATUS, UPDATED, MESSAGE, UPDATED, PERSON],
            id="a-message-wakes-a-snoozed-conversation",
        ),
        pytest.param(
            (*BEGUN, "snooze"),
            "say: Wait",
            [OPENED, STATUS, UPDATED, MESSAGE],
            [OPENED, STATUS, UPDATED, MESSAGE, PERSON],
            id="a-visitor-who-waited-before-it-was-snoozed",
        ),
        pytest.param((*BEGUN, "pend"), "say: Wait", [MESSAGE], [MESSAGE, PERSON], id="pending-stays-pending"),
        pytest.param(
            (*BEGUN, "close: ana"),
            "reopen",
            [OPENED, STATUS, UPDATED, UPDATED],
            [OPENED, STATUS, UPDATED, UPDATED],
            id="reopened",
        ),
        pytest.param(
            (*BEGUN, "assign: ana", "close: ana"),
            "reopen",
            [OPENED, STATUS, UPDATED],
            [OPENED, STATUS, UPDATED],
            id="reopened-by-the-assignee",
        ),
        pytest.param(BEGUN, "snooze", [STATUS, UPDATED], [STATUS, UPDATED], id="snoozed"),
        pytest.param(BEGUN, "pend", [STATUS, UPDATED], [STATUS, UPDATED], id="pending"),
        pytest.param(BEGUN, "miss", [], [], id="a-missed-chat-just-waits"),
        pytest.param(BEGUN, "assign: ana", [UPDATED], [UPDATED], id="assigned"),
        pytest.param(BEGUN, "assign: {team: Sales, agent: ana}", [UPDATED], [UPDATED], id="assigned-with-team"),
        pytest.param((*BEGUN, "assign: ana"), "assign: null", [UPDATED], [UPDATED], id="unassigned"),
        pytest.param(BEGUN, "note: Hm", [MESSAGE], [MESSAGE], id="private-note"),
        pytest.param(BEGUN, "label: [vip]", [], [UPDATED], id="label"),
        pytest.param(BEGUN, "attributes: {plan: pro}", [UPDATED], [UPDATED], id="custom-attribute"),
        pytest.param(BEGUN, "delete: 1", [EDITED], [EDITED], id="deleted"),
        pytest.param(BEGUN, "edit: {message: 1, text: Ho}", [EDITED], [EDITED], id="edited"),
        pytest.param(BEGUN, "typing: ana", [], [TYPING], id="typing"),
        pytest.param(BEGUN, "typing: {by: visitor, active: false}", [], [TYPED], id="no-longer-typing"),
        pytest.param(("open_widget",), "typing", [], [], id="typing-before-there-is-a-conversation"),
        pytest.param((), "configure_widget: {greeting_enabled: true}", [], [INBOX], id="inbox-set-up"),
        pytest.param(
            ("configure_widget: {greeting_enabled: true}",),
            "configure_widget: {greeting_enabled: false}",
            [],
            [SETTINGS],
            id="inbox-changed",
        ),
        pytest.param(BEGUN, "rate: 5", [], [], id="a-rating"),
        pytest.param(BEGUN, "join: ana", [], [], id="an-agent-joins"),
    ],
)
def test_what_each_step_sends_and_in_which_order(
    before: tuple[str, ...], step: str, old: list[str], new: list[str]
) -> None:
    for profile, expected in ((OLD, old), (NEW, new)):
        # A last step that sends something lets a story pass that would send nothing at all.
        events = play(profile, *before, step, "open_widget")
        assert [event.name for event in events if event.step == len(before)] == expected, profile


def change(name: str, previous: Any, current: Any) -> dict[str, Any]:
    return {name: {"previous_value": previous, "current_value": current}}


NINE, TOMORROW = "2026-01-05T09:00:00.250Z", "2026-01-06T09:00:00.000Z"


@pytest.mark.parametrize(
    ("profile", "steps", "expected"),
    [
        (OLD, ("assign: ana",), [change("assignee_id", None, 17)]),
        (OLD, ("assign: ana", "assign: null"), [change("assignee_id", 17, None)]),
        (OLD, ("attributes: {a: 1}",), [change("custom_attributes", {}, {"a": 1})]),
        (OLD, ("snooze",), [change("status", "open", "snoozed"), change("snoozed_until", None, TOMORROW)]),
        (OLD, ("close: ana",), [change("status", "open", "resolved")]),
        ("observed-4.16", ("close: ana",), [change("status", "open", "resolved"), change("waiting_since", NINE, None)]),
        (
            NEW,
            ("close: ana",),
            [
                change("status", "open", "resolved"),
                change("status_changed_at", NINE, NINE),
                change("waiting_since", NINE, None),
            ],
        ),
        (NEW, ("say: {by: ana}",), [change("first_reply_created_at", None, NINE), change("waiting_since", NINE, None)]),
        (NEW, ("say: {by: ana}", "say: Hm"), [change("waiting_since", None, NINE)]),
        (NEW, ("label: [a]", "label: [a, b]"), [change("label_list", ["a"], ["a", "b"])]),
        (NEW, ("close: ben", "reopen"), [change("assignee_id", None, 17)]),
        ("observed-2.12", ("say: {by: ana}",), [change("first_reply_created_at", None, NINE)]),
    ],
)
def test_changed_attributes_are_all_that_the_save_changed(
    profile: str, steps: tuple[str, ...], expected: list[Any]
) -> None:
    *changed, time = last(profile, UPDATED, "say: Hi", *steps)["changed_attributes"]
    assert changed == expected
    assert list(time) == ["updated_at"]
    assert time["updated_at"]["previous_value"] < time["updated_at"]["current_value"]


def test_a_team_is_told_by_its_number_in_the_change_and_by_its_name_in_the_body() -> None:
    body = last(NEW, UPDATED, "say: Hi", "assign: {team: Sales, agent: ana}")
    agent, team, _ = body["changed_attributes"]
    assert agent == change("assignee_id", None, 17)
    assert team == change("team_id", None, body["meta"]["team"]["id"])
    assert body["meta"]["team"]["name"] == "Sales"


def test_who_has_written_is_active_and_a_contact_tells_what_is_new_of_it() -> None:
    first, second, form = [
        body["changed_attributes"]
        for body in bodies(NEW, "say: Hi", "{say: Ho, after: 2s}", "contact: {updated: {phone: null}}")
        if body["event"] == PERSON
    ]
    assert first[0] == change("last_activity_at", None, NINE)
    assert second[0] == change("last_activity_at", NINE, "2026-01-05T09:00:02.250Z")
    assert [*form[0]] == ["phone_number"]
    assert all([*made[-1]] == ["updated_at"] for made in (first, second, form))


# The difference table: a field of an event's body; how the page has it, and versions 2.5 and 4.18. A type, or a value.
ANY, ABSENT = object(), "absent"
EMPTY: list[Any] = []
TABLE = [
    pytest.param(MESSAGE, "/message_type", 0, "incoming", "incoming", id="1-message-type"),
    pytest.param(MESSAGE, "/created_at", int, str, str, id="2-created-at"),
    pytest.param(MESSAGE, "/sender/type", "contact", "contact", ABSENT, id="3-contact-type"),
    pytest.param(MESSAGE, "/sender/email", ABSENT, ABSENT, str, id="4-contact-email"),
    pytest.param(MESSAGE, "/sender/blocked", ABSENT, ABSENT, bool, id="4-contact-blocked"),
    pytest.param(MESSAGE, "/sender/custom_attributes", ABSENT, ABSENT, dict, id="4-contact-attributes"),
    pytest.param(CREATED, "/meta/sender/avatar", str, ABSENT, ABSENT, id="5-pushed-contact-has-no-avatar"),
    pytest.param(CREATED, "/meta/sender/account", dict, ABSENT, ABSENT, id="5-pushed-contact-has-no-account"),
    pytest.param(CREATED, "/meta/sender/email", ABSENT, str, str, id="5-pushed-contact-email"),
    pytest.param(CREATED, "/meta/assignee", ABSENT, None, None, id="6-assignee-can-be-null"),
    pytest.param(UPDATED, "/meta/assignee/email", str, ABSENT, ABSENT, id="6-assignee-has-no-email"),
    pytest.param(UPDATED, "/meta/assignee/available_name", ABSENT, str, str, id="6-assignee-name"),
    pytest.param(CREATED, "/account_id", int, ABSENT, ABSENT, id="7-account-id"),
    pytest.param(CREATED, "/account", ABSENT, ABSENT, dict, id="7-account"),
    pytest.param(MESSAGE, "/conversation/messages/0/message_type", 0, 0, 0, id="8-nested-message-type"),
    pytest.param(MESSAGE, "/conversation/messages/0/conversation_id", ABSENT, int, int, id="8-nested-row"),
    pytest.param(CREATED, "/contact_inbox/pubsub_token", ABSENT, str, str, id="10-pubsub-token"),
    pytest.param(CREATED, "/custom_attributes", ABSENT, dict, dict, id="11-custom-attributes"),
    pytest.param(CREATED, "/snoozed_until", ABSENT, None, None, id="11-snoozed-until"),
    pytest.param(CREATED, "/meta/hmac_verified", ABSENT, bool, bool, id="11-hmac-verified"),
    pytest.param(CREATED, "/labels", ABSENT, ABSENT, list, id="11-labels"),
    pytest.param(CREATED, "/priority", ABSENT, ABSENT, None, id="11-priority"),
    pytest.param(CREATED, "/waiting_since", ABSENT, ABSENT, int, id="11-waiting-since"),
    pytest.param(CREATED, "/first_reply_created_at", ABSENT, ABSENT, None, id="11-first-reply"),
    pytest.param(CREATED, "/last_activity_at", ABSENT, ABSENT, int, id="11-last-activity"),
    pytest.param(CREATED, "/created_at", ABSENT, ABSENT, int, id="11-created-at"),
    pytest.param(CREATED, "/updated_at", ABSENT, ABSENT, float, id="11-updated-at"),
    pytest.param(CREATED, "/meta/team", ABSENT, ABSENT, None, id="11-team"),
    pytest.param(CREATED, "/meta/assignee_type", ABSENT, ABSENT, None, id="11-assignee-type"),
    pytest.param(CREATED, "/contact_last_seen_at", 0, 0, 0, id="12-never-seen-is-0"),
    pytest.param(STATUS, "/changed_attributes", ABSENT, None, None, id="13-no-transition"),
    pytest.param(CREATED, "/id", int, int, int, id="15-display-id"),
    pytest.param(MESSAGE, "/additional_attributes", ABSENT, ABSENT, dict, id="16-additional-attributes"),
    pytest.param(MESSAGE, "/attachments", ABSENT, ABSENT, list, id="16-attachments"),
    pytest.param(MESSAGE, "/content", "", None, None, id="17-content-can-be-null"),
    pytest.param(WIDGET, "/current_conversation", ABSENT, None, None, id="18-first-visit"),
]
# A story whose first event of each kind shows it all; the visitor writes by sending a picture only.
STORY = ("open_widget", "say: {attachments: [photo.png]}", "assign: ana", "close: ana")


@cache
def story(profile: str) -> dict[str, Any]:
    """The first body of each event."""
    return {body["event"]: body for body in reversed(bodies(profile, *STORY))}


def is_like(value: Any, expected: Any) -> bool:
    return type(value) is expected if isinstance(expected, type) else bool(value == expected)


@pytest.mark.parametrize(("event", "pointer", "page", "old", "new"), TABLE)
def test_the_table_of_differences(event: str, pointer: str, page: Any, old: Any, new: Any) -> None:
    for profile, expected in (("documented", page), (OLD, old), (NEW, new)):
        value = at(story(profile)[event], pointer)
        assert is_like(value, expected), f"{profile}: {value!r}"


# Mostly text, and a field that is left out where there is nothing to tell: there the table forbids neither.
TAKES_BOTH = {(OLD, "/content"), (NEW, "/content"), (NEW, "/attachments")}


def with_value(body: Any, pointer: str, value: Any) -> Any:
    """A copy of the body with another value at the pointer, or without it."""
    copied = json.loads(json.dumps(body))
    *path, name = pointer.split("/")[1:]
    holder = at(copied, "".join(f"/{part}" for part in path)) if path else copied
    if value == ABSENT:
        holder.pop(name, None)
    else:
        holder[name] = value
    return copied


@pytest.mark.parametrize(("event", "pointer", "page", "old", "new"), TABLE)
def test_a_contract_refuses_the_field_as_another_profile_has_it(
    event: str, pointer: str, page: Any, old: Any, new: Any
) -> None:
    kinds = {"documented": page, OLD: old, NEW: new}
    for profile, kind in kinds.items():
        contract = contracts.contract("messagehub", profile)
        own = story(profile)[event]
        assert contract.violations(event, own) == []
        for other in kinds:
            value = at(story(other)[event], pointer)
            if is_like(value, kind) or (profile, pointer) in TAKES_BOTH:
                continue
            assert not contract.is_valid(event, with_value(own, pointer, value)), f"{profile} takes that of {other}"


# What no step of a scenario sends, but a captured body can have: whether the page, 2.5 and 4.18 allow it.
BOT = {"id": 3, "name": "Butler", "type": "agent_bot"}
CAPTAIN = {"id": 4, "name": "Cap", "avatar_url": "", "description": "Answers", "created_at": "2026-01-05T09:00:00.000Z"}
BROWSER_TIME = "Sat Jan 22 2022 13:27:05 GMT+0530 (India Standard Time)"
CAPTURED = [
    pytest.param(MESSAGE, "/sender", None, (False, True, True), id="3-nobody"),
    pytest.param(MESSAGE, "/sender", BOT, (False, True, True), id="3-bot"),
    pytest.param(MESSAGE, "/sender", CAPTAIN | {"type": "captain_assistant"}, (False, False, True), id="3-captain"),
    pytest.param(UPDATED, "/meta/assignee", BOT | {"avatar_url": ""}, (False, False, True), id="6-bot"),
    pytest.param(
        CREATED, "/additional_attributes/initiated_at/timestamp", BROWSER_TIME, (False, True, True), id="9-browser-time"
    ),
    pytest.param(UPDATED, "/changed_attributes", None, (False, False, True), id="14-sla-without-changes"),
    pytest.param(CREATED, "/applied_sla", None, (False, False, True), id="11-sla"),
    pytest.param(MESSAGE, "/status", "sent", (False, False, False), id="status-at-the-top"),
]


@pytest.mark.parametrize(("event", "pointer", "value", "taken"), CAPTURED)
def test_what_a_captured_body_may_have(event: str, pointer: str, value: Any, taken: tuple[bool, bool, bool]) -> None:
    for profile, expected in zip(("documented", OLD, NEW), taken, strict=True):
        captured = with_value(story(profile)[event], pointer, value)
        assert contracts.contract("messagehub", profile).is_valid(event, captured) == expected, profile


def test_a_bot_of_3_2_was_told_that_a_conversation_is_open(vendorsim: Vendorsim) -> None:
    """The shape is that of a public type definition of 2023 (arielcorte/chatsappai-mgr); its values are made up."""
    judged = vendorsim(
        "validate", "--vendor", "messagehub", "--profile", "observed-3.2", CAPTURES / f"{OPENED}-3.2.json"
    )
    assert judged.out == "passed: 1 payload\n"


@pytest.mark.parametrize("profile", [OLD, NEW])
def test_whole_bodies_of_the_page_and_of_a_server_are_told_apart(profile: str) -> None:
    """No body of the page keeps the contract of a server, and none of a server that of the page."""
    for body, contract in ((story("documented"), profile), (story(profile), "documented")):
        for event in body.keys() & {CREATED, UPDATED, STATUS, MESSAGE, WIDGET}:
            assert not contracts.contract("messagehub", contract).is_valid(event, body[event]), (contract, event)


@pytest.mark.parametrize("profile", ["documented", OLD, NEW])
def test_a_bot_has_the_conversation_first_and_again_after_the_end(profile: str) -> None:
    """chatwoot/chatwoot, determine_conversation_status and reopen_resolved_conversation."""
    steps = ("start: {pending: true}", "say: Hi", "reopen", "close: ana", "say: Ho", "reopen", "snooze", "say: Hm")
    found = bodies(profile, *steps)
    assert found[0]["status"] == "pending"
    statuses = [body["status"] for body in found if body["event"] == STATUS]
    assert statuses == ["open", "resolved", "pending", "open", "snoozed", "open"]
    assert bodies(profile, "start", "say: Hi")[0]["status"] == "open"
    opened = [body["status"] for body in found if body["event"] == OPENED]
    assert opened == ([] if profile == "documented" else ["open"] * 3)


def owners(profile: str, *steps: str) -> list[Any]:
    """Of each event about a conversation: its name, the status, the type of the assignee, and what has changed."""
    return [
        (body["event"], body["status"], body["meta"].get("assignee_type"), [*map("".join, body["changed_attributes"])])
        for body in bodies(profile, *steps)
        if body["event"] == UPDATED
    ]


GIVEN = ("open", "User", ["assignee_id", "updated_at"])
LEAVES = ["assignee_agent_bot_id", "ai_assignee_type", "updated_at"]


@pytest.mark.parametrize(
    ("profile", "step", "expected"),
    [
        ("observed-4.16", "reopen", [("open", "User", ["status", "updated_at"]), GIVEN]),
        (NEW, "reopen", [("open", "User", ["status", "status_changed_at", *LEAVES]), GIVEN]),
        ("observed-4.16", "assign: ana", [("pending", "User", ["assignee_id", "updated_at"])]),
        (
            NEW,
            "assign: ana",
            [("open", "User", ["assignee_id", *LEAVES[:2], "status", "status_changed_at", LEAVES[2]])],
        ),
        (NEW, "assign: {team: Sales}", [("pending", "AgentBot", ["team_id", "updated_at"])]),
    ],
)
def test_a_bot_owns_the_conversation_until_somebody_takes_it(profile: str, step: str, expected: list[Any]) -> None:
    """chatwoot/chatwoot#14870, #14875, #15419: from 4.17 on a bot that is asked first is the assignee."""
    begun = ("start: {pending: true}", "say: Hi")
    (created,) = [body for body in bodies(profile, *begun) if body["event"] == CREATED]
    if profile == NEW:
        assert created["meta"]["assignee_type"] == "AgentBot"
        assert created["meta"]["assignee"]["type"] == "agent_bot"
    else:
        assert created["meta"]["assignee"] is None
    assert [found[1:] for found in owners(profile, *begun, step)] == expected
    contract = contracts.contract("messagehub", profile)
    assert all(contract.is_valid(body["event"], body) for body in bodies(profile, *begun, step))


def test_a_visitor_s_own_conversation_has_no_bot() -> None:
    assert last(NEW, CREATED, "say: Hi")["meta"]["assignee_type"] is None


@pytest.mark.parametrize(
    ("version", "content"),
    [
        ("4.12.1", "a\\\nb\n\n"),  # As it was written: a backslash, a line break, and two at the end.
        ("4.13", "a\nb\n\n"),
        ("4.14.1", "a\nb\n\n"),
        ("4.14.2", "a\nb"),
    ],
)
def test_line_breaks_of_content_are_cleaned_up_in_both_forms(version: str, content: str) -> None:
    """chatwoot/chatwoot#13950, #14272: app/services/messages/webhook_content_normalizer.rb."""
    body = last(f"observed-{version}", MESSAGE, r'say: "a\\\nb\n\n"')
    (nested,) = body["conversation"]["messages"]
    assert [body["content"], nested["content"], nested["processed_message_content"]] == [content] * 3


def test_a_file_tells_its_extension_and_an_audio_file_its_text() -> None:
    """chatwoot/chatwoot#13945, and app/models/attachment.rb: audio_metadata."""
    step = "say: {attachments: [a.PNG, voice.ogg, plain]}"
    found = last(NEW, MESSAGE, step)["attachments"]
    assert [file["extension"] for file in found] == ["PNG", "ogg", None]
    assert [file.get("transcribed_text", ABSENT) for file in found] == [ABSENT, "", ABSENT]
    older = last("observed-4.2", MESSAGE, step)["attachments"]
    assert [(file["extension"], "transcribed_text" in file) for file in older] == [(None, False)] * 3


def test_every_version_with_a_change_is_compared_with_a_capture() -> None:
    folder = contracts.contract("messagehub", NEW).folder
    stated = {
        found for path in folder.glob("*.json") for found in re.findall(r'"x-since": "([^"]+)"', path.read_text())
    }
    names = registry.get("messagehub").versions
    assert {parse(f"observed-{since}") for since in stated} <= {parse(name) for name in names}
    assert (names[0], names[-1]) == (OLD, NEW)


def test_the_events_of_both_versions() -> None:
    six, bots = [CREATED, UPDATED, STATUS, MESSAGE, EDITED, WIDGET], [OPENED, RESOLVED]
    assert list(registry.get("messagehub").profile(OLD).event_names()) == [*six, *bots]
    twelve = [*six, CONTACT, PERSON, INBOX, SETTINGS, TYPING, TYPED]
    assert list(registry.get("messagehub").profile(NEW).event_names()) == [*twelve, AUTOMATION, *bots]


def test_one_body_holds_two_forms_of_one_message() -> None:
    body = last(NEW, MESSAGE, "say: Hi")
    (nested,) = body["conversation"]["messages"]
    assert nested["id"] == body["id"]
    assert (body["message_type"], nested["message_type"]) == ("incoming", 0)
    assert (body["created_at"], nested["created_at"]) == (NINE, STARTS)
    assert (body["sender"].get("type"), nested["sender"]["type"]) == (None, "contact")
    assert {"status", "updated_at", "conversation_id"} <= nested.keys() - body.keys()
    assert nested["updated_at"] == NINE


@pytest.mark.parametrize(
    ("profile", "step", "kind", "number", "sender"),
    [
        (NEW, "say: Hello", "incoming", 0, "Contact"),
        (NEW, "say: {by: ana, text: Hello}", "outgoing", 1, "User"),
        (NEW, "trigger: Hello", "template", 3, None),
        (OLD, "say: {by: ana, text: Hello}", "outgoing", 1, "User"),
    ],
)
def test_kinds_of_messages(profile: str, step: str, kind: str, number: int, sender: str | None) -> None:
    body = last(profile, MESSAGE, "start", step)
    (nested,) = body["conversation"]["messages"]
    assert (body["message_type"], nested["message_type"], nested["sender_type"]) == (kind, number, sender)
    if sender is None:
        assert body["sender"] is None
        assert "sender" not in nested


def test_old_servers_send_no_automatic_message_but_show_it_in_the_conversation() -> None:
    created = last(OLD, CREATED, "trigger: Welcome", "start")
    assert [message["content"] for message in created["messages"]] == ["Welcome"]
    assert created["messages"][0]["message_type"] == 3


def test_bodies_show_the_state_after_the_whole_step() -> None:
    for profile in (OLD, NEW):
        created = last(profile, CREATED, "say: Hi")
        assert [message["content"] for message in created["messages"]] == ["Hi"]
        assert created["unread_count"] == 1
        opened = last(profile, STATUS, "say: Hi", "close: ana", "say: Wait")
        assert opened["messages"][0]["content"] == "Wait"


def test_a_bots_bodies_are_built_at_once() -> None:
    assert last(NEW, OPENED, "say: Hi", "close: ana", "say: Wait")["messages"][0]["content"] == "Hi"


def test_a_private_note_shows_the_public_message_before_it() -> None:
    note = last(NEW, MESSAGE, "say: Hi", "note: {by: ana, text: Hm}")
    assert (note["content"], note["private"], note["message_type"]) == ("Hm", True, "outgoing")
    assert note["conversation"]["messages"][0]["content"] == "Hi"
    assert last(NEW, MESSAGE, "note: {by: ana, text: Hm}")["conversation"]["messages"] == []


def test_a_deleted_message_is_text_that_says_so() -> None:
    body = last(NEW, EDITED, "say: {text: Secret, attachments: [photo.png]}", "delete: 1")
    (nested,) = body["conversation"]["messages"]
    for form in (body, nested):
        assert form["content_attributes"] == {"deleted": True}
        assert form["content_type"] == "text"
        assert "attachments" not in form
    assert "Secret" not in json.dumps(body)


def test_reading_is_told_by_the_nested_status_only() -> None:
    told = [body for body in bodies(NEW, *ANSWERED, "read") if body["event"] == EDITED]
    assert [body["conversation"]["messages"][0]["status"] for body in told] == ["read"]
    assert "changed_attributes" not in told[0]


@pytest.mark.parametrize(("profile", "count"), [(OLD, 12), ("observed-2.18", 12), ("observed-3.0", 10), (NEW, 10)])
def test_unread_messages_are_counted_to_ten_from_3_0_on(profile: str, count: int) -> None:
    assert last(profile, MESSAGE, *["say: Hi"] * 12)["conversation"]["unread_count"] == count


def test_times_that_never_were_are_0_or_null() -> None:
    created, *_ = bodies(NEW, "start")
    assert (created["agent_last_seen_at"], created["contact_last_seen_at"]) == (0, 0)
    assert (created["first_reply_created_at"], created["snoozed_until"]) == (None, None)
    assert created["waiting_since"] == STARTS
    answered = last(NEW, UPDATED, "say: Hi", "say: {by: ana}")
    assert (answered["waiting_since"], answered["first_reply_created_at"]) == (0, NINE)


def test_a_date_is_told_as_browsers_do() -> None:
    text = "Mon Jan 05 2026 09:00:00 GMT+0000 (Coordinated Universal Time)"
    widget, created, *_ = bodies(OLD, *BEGUN)
    assert widget["event_info"]["initiated_at"] == {"timestamp": text}
    assert created["additional_attributes"]["initiated_at"] == {"timestamp": text}


def test_credentials_are_obviously_false() -> None:
    created = last(NEW, CREATED, "say: Hi")
    assert created["contact_inbox"]["pubsub_token"].startswith("fake-pubsub-token-")
    channel = last(NEW, INBOX, "configure_widget: {greeting_enabled: true}")["channel"]
    assert channel["hmac_token"].startswith("fake-hmac-token-")


def test_an_inbox_tells_its_settings_and_neither_id_nor_name() -> None:
    steps = ("configure_widget: {greeting_enabled: true, timezone: 7}", "configure_widget: {color: red}", "open_widget")
    created, updated, *_ = bodies(NEW, *steps)
    assert (created["greeting_enabled"], created["timezone"]) == (True, "UTC")
    assert not created.keys() & {"id", "name"}
    assert updated["changed_attributes"][0] == change("color", None, "red")


def test_who_types_is_told_in_the_form_for_webhooks() -> None:
    agent = last(NEW, TYPING, "say: Hi", "typing: ana")
    assert agent["user"] == {"id": 17, "name": "Ana Novak", "email": "ana@example.com", "type": "user"}
    visitor = last(NEW, TYPING, "say: Hi", "typing")
    assert visitor["user"]["name"] == "Dana Kessler"
    assert "type" not in visitor["user"]
    assert visitor["is_private"] is False


def test_html_is_escaped_as_rails_does_and_all_else_stands_as_it_is() -> None:
    (event,) = [event for event in play(NEW, "say: a <b> & ü 日本 🎉") if event.name == MESSAGE]
    assert json.loads(event.body)["content"] == "a <b> & ü 日本 🎉"
    assert "a \\u003cb\\u003e \\u0026 ü 日本 🎉".encode() in event.body
    assert not any(character in event.body for character in b"<>&")


def test_line_separators_are_escaped() -> None:
    (event,) = [event for event in play(OLD, 'say: "a\\u2028b\\u2029c"') if event.name == MESSAGE]
    assert b"a\\u2028b\\u2029c" in event.body


# The first version with a thing, one before it, a story, the event that shows it, and the place.
SINCE = [
    ("2.6", "2.5", MESSAGE, "/additional_attributes"),
    ("2.7", "2.6", MESSAGE, "/conversation/messages/0/attachments/0/file_size"),
    ("2.8", "2.7", CREATED, "/meta/team"),
    ("2.10", "2.9", MESSAGE, "/attachments"),
    ("2.11", "2.10", CREATED, "/labels"),
    ("2.12", "2.11", CREATED, "/first_reply_created_at"),
    ("2.12.1", "2.12", CREATED, "/messages/0/conversation/unread_count"),
    ("2.14", "2.13", CREATED, "/created_at"),
    ("2.14", "2.13", MESSAGE, "/sender/phone_number"),
    ("2.17", "2.16", CREATED, "/priority"),
    ("2.17", "2.16", CREATED, "/messages/0/conversation/last_activity_at"),
    ("2.18", "2.17", CREATED, "/messages/0/processed_message_content"),
    ("3.0", "2.18", CREATED, "/waiting_since"),
    ("3.0", "2.18", CREATED, "/messages/0/sentiment"),
    ("3.0", "2.18", CREATED, "/messages/0/conversation/contact_inbox"),
    ("3.7", "3.6", MESSAGE, "/attachments/0/width"),
    ("3.11.1", "3.11", CREATED, "/last_activity_at"),
    ("4.0.2", "4.0.1", CREATED, "/updated_at"),
    ("4.0.2", "4.0.1", MESSAGE, "/sender/blocked"),
    ("4.8", "4.7", CREATED, "/meta/assignee_type"),
    ("4.13", "4.12.1", MESSAGE, "/attachments/0/content_type"),
    ("4.14.2", "4.14.1", CREATED, "/account"),
]


@pytest.mark.parametrize(("since", "before", "event", "pointer"), SINCE)
def test_a_field_comes_with_its_version(since: str, before: str, event: str, pointer: str) -> None:
    newer, older = (story(f"observed-{version}")[event] for version in (since, before))
    assert at(newer, pointer) != ABSENT
    assert at(older, pointer) == ABSENT
    # And the contract of the older version refuses it.
    contract = contracts.contract("messagehub", f"observed-{before}")
    assert contract.is_valid(event, older)
    assert not contract.is_valid(event, with_value(older, pointer, at(newer, pointer)))


@pytest.mark.parametrize(
    ("since", "before", "steps", "event"),
    [
        ("2.12", "2.11", ("say: Hi", "label: [a]"), UPDATED),
        ("2.12", "2.11", ("say: Hi", "say: {by: ana}"), UPDATED),
        ("2.14", "2.13", ("open_widget",), CONTACT),
        ("2.14", "2.13", ("say: Hi",), PERSON),
        ("2.18", "2.17", ("say: {by: ana}", "trigger: Hi"), MESSAGE),
        ("3.0", "2.18", ("say: Hi", "say: {by: ana}", "say: Hm"), UPDATED),
        ("3.0", "2.18", ("{say: Hi, fault: {quirk: automation-rule}}",), AUTOMATION),
        ("3.2", "3.1", ("open_widget", "configure_widget: {timezone: UTC}"), INBOX),
        ("4.2", "4.1", ("say: Hi", "typing"), TYPING),
    ],
)
def test_an_event_comes_with_its_version(since: str, before: str, steps: tuple[str, ...], event: str) -> None:
    def sent(version: str) -> list[str]:
        return [found.name for found in play(f"observed-{version}", *steps) if found.step == len(steps) - 1]

    assert event in sent(since)
    assert event not in sent(before)


def test_a_contact_loses_its_type_with_2_14() -> None:
    older, newer = story("observed-2.13")[MESSAGE], story("observed-2.14")[MESSAGE]
    assert list(older["sender"]) == ["id", "name", "avatar", "type", "account"]
    assert "type" not in newer["sender"]
    assert not contracts.contract("messagehub", "observed-2.13").is_valid(MESSAGE, newer)
    assert not contracts.contract("messagehub", "observed-2.14").is_valid(MESSAGE, older)


EVERYTHING = (
    "configure_widget: {greeting_enabled: true}",
    "configure_widget: {greeting_enabled: false}",
    "open_widget",
    "trigger: Welcome",
    "say: Hi",
    "open_widget",
    "typing: ana",
    "typing: {by: visitor, active: false}",
    "assign: {team: Sales, agent: ana}",
    "say: {by: ana, text: Hello}",
    "read",
    "note: Hm",
    "say: {attachments: [photo.png, {name: a.jpg, content_type: image/jpeg, size: 7}]}",
    "edit: {message: 2, text: Ho}",
    "delete: 3",
    "label: [vip]",
    "attributes: {plan: {name: pro}}",
    "contact: {updated: {email: null, custom: {tier: gold}}}",
    "snooze",
    "say: Again",
    "pend",
    "reopen",
    "close: visitor",
    "offline_message: Anybody there?",
    "reopen",
    "miss",
)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_keeps_its_contract(version: str) -> None:
    name = f"observed-{version}"
    profile = registry.get("messagehub").profile(name)
    contract = contracts.contract("messagehub", name)
    seen = set()
    for event in play(name, *EVERYTHING, "{say: Once more, fault: {quirk: automation-rule}}"):
        body = json.loads(event.body)
        assert contract.violations(event.name, body) == []
        assert profile.identify(body) == event.name
        assert event.profile == name
        seen.add(event.name)
    assert seen == set(profile.event_names())
    assert set(contract.openapi["webhooks"]) == seen


# What waits for a conversation comes out with whatever begins it.
EACH_ON_ITS_OWN: list[tuple[str, ...]] = [
    *(("trigger: Hi", step) for step in ("start", "join: ana", "miss", "close: ana", "note: {by: ana}")),
    ("contact: {created: {name: Dan}}",),
    ("offline_message: Hi", "trigger: Hi"),
    ("say: {by: ana}", "offline_message: Hi"),
    ("open_widget", "start: {form: {name: Dan}}"),
    ("close: ana", "say: Hi"),
    ("start: {pending: true}", "assign: ana"),
]


@pytest.mark.parametrize("version", ["2.5", "2.12", "2.18", "4.2", "4.18"])
def test_the_table_of_verbs_says_what_each_one_sends(version: str) -> None:
    profile = registry.get("messagehub").profile(f"observed-{version}")
    stories = [EVERYTHING, *EACH_ON_ITS_OWN]
    found: dict[str, set[str]] = {}
    for steps in stories:
        for event in play(profile.name, *steps):
            found.setdefault(steps[event.step].partition(":")[0], set()).add(event.name)
    assert found == {verb: set(events) for verb, events in verb_events(profile).items()}


def test_the_older_documents_are_the_newer_ones_without_what_came_later() -> None:
    older, newer = contracts.contract("messagehub", OLD), contracts.contract("messagehub", NEW)
    version = parse(OLD)
    assert version is not None
    for path in older.folder.glob("*.schema.json"):
        made = amended(version, path.name, json.loads((newer.folder / path.name).read_bytes()))
        assert bare(json.loads(path.read_bytes())) == bare(made), path.name


def bare(schema: Any) -> Any:
    """A document without what only says something to people."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            schema = {**schema, "properties": {key: bare(value) for key, value in schema["properties"].items()}}
        return {
            key: value if key == "properties" else bare(value)
            for key, value in schema.items()
            if not key.startswith("x-") and key not in ("title", "description")
        }
    return [bare(item) for item in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("name", ["observed-9.9", "observed-x", "observed-2.4.9", "observed-4.18.1", "observed-4.19"])
def test_a_version_that_cannot_be_played_is_an_unknown_profile(vendorsim: Vendorsim, name: str) -> None:
    done = vendorsim("generate", "proactive-trigger", "--vendor", "messagehub", "--profile", name)
    assert done.code == 2
    assert f"unknown profile of messagehub '{name}'" in done.err


@pytest.mark.parametrize(
    "name", ["observed-4.9", "observed-4.9.2", "observed-4.15.1", "observed-4.17.1", "observed-2.5.0"]
)
def test_any_version_between_can_be_played(vendorsim: Vendorsim, name: str) -> None:
    done = vendorsim("generate", "proactive-trigger", "--vendor", "messagehub", "--profile", name)
    assert (done.code, done.err) == (0, "")
    assert {line["profile"] for line in done.lines} == {name}


@pytest.mark.parametrize(
    "name", ["", "observed", "observed-", "observed-4", "observed-04.9", "observed-4.9.", "observed-4.9.2.1", "4.9"]
)
def test_what_is_no_version(name: str) -> None:
    assert parse(name) is None


def test_how_new_a_body_is_stands_in_its_conversation() -> None:
    key = registry.get("messagehub").profile(NEW).order_key
    assert key is not None
    found = [key(event.name, json.loads(event.body)) for event in play(NEW, *EVERYTHING)]
    told = [value for value in found if value is not None]
    assert told == sorted(told)
    assert len(set(told)) > 10
    silent = {event.name for event, value in zip(play(NEW, *EVERYTHING), found, strict=True) if value is None}
    assert silent == {CONTACT, PERSON, INBOX, SETTINGS, WIDGET}
