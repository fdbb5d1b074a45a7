"""MessageHub, profile `documented`: which steps send what, in which order, and the bodies to the letter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from vendorsim.core.event import Event
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.verb_events import verb_events

HEAD = """
scenario: A story
vendors: [messagehub]
starts: 2026-01-05T09:00:00.250Z
account: {id: 208, name: Acme}
cast:
  visitor: {name: Dana Kessler}
  agents:
    ana: {id: 17, name: Ana Novak, email: ana@example.com}
    ben: {id: 18}
steps:
"""
STARTS = 1_767_603_600

WIDGET, CREATED, UPDATED = "webwidget_triggered", "conversation_created", "conversation_updated"
STATUS, MESSAGE, EDITED = "conversation_status_changed", "message_created", "message_updated"
BEGIN = [CREATED, MESSAGE]


def play(*steps: str, count: int = 1) -> list[Event]:
    """The events of a scenario with these steps, each one a line of YAML."""
    scenario = library.load_text(HEAD + "".join(f"  - {step}\n" for step in steps), "story.yaml")
    vendor = registry.get("messagehub")
    run = timeline.Run(scenario, vendor, vendor.default_profile, scenario.seed, scenario.starts or 0)
    return list(timeline.events(run, count))


def bodies(*steps: str, count: int = 1) -> list[Any]:
    return [json.loads(event.body) for event in play(*steps, count=count)]


@pytest.mark.parametrize(
    ("steps", "names"),
    [
        pytest.param(["open_widget"], [WIDGET], id="widget"),
        pytest.param(["open_widget", "open_widget"], [WIDGET, WIDGET], id="each-opening"),
        pytest.param(["start"], [CREATED], id="start"),
        pytest.param(["say: Hi"], BEGIN, id="first-message"),
        pytest.param(["say: {by: ana, text: Hi}"], BEGIN, id="an-agent-writes-first"),
        pytest.param(["offline_message: Hi"], BEGIN, id="offline-message"),
        pytest.param(["note: {by: ana, text: Hi}"], BEGIN, id="note-first"),
        pytest.param(["say: Hi", "say: {by: ana, text: Hello}", "say: Bye"], [*BEGIN, MESSAGE, MESSAGE], id="talk"),
        pytest.param(["say: Hi", "trigger: Still here?"], [*BEGIN, MESSAGE], id="trigger"),
        pytest.param(["trigger: Hello!", "say: Hi"], [CREATED, MESSAGE, MESSAGE], id="trigger-before-the-start"),
        pytest.param(["open_widget", "trigger: Hello!"], [WIDGET], id="trigger-that-nobody-answers"),
        pytest.param(["say: Hi", "note: Well"], [*BEGIN, MESSAGE], id="note"),
        pytest.param(["say: Hi", "edit: {message: 1, text: Ho}"], [*BEGIN, EDITED], id="edit"),
        pytest.param(["say: Hi", "delete: 1"], [*BEGIN, EDITED], id="delete"),
        pytest.param(["trigger: Hello!", "edit: {message: 1, text: Ho}", "start"], BEGIN, id="edited-before-the-start"),
        pytest.param(["say: Hi", "assign: ana"], [*BEGIN, UPDATED], id="assign"),
        pytest.param(["say: Hi", "assign: {team: Sales, agent: ana}"], [*BEGIN, UPDATED], id="assign-agent-and-team"),
        pytest.param(["say: Hi", "assign: ana", "assign: ana"], [*BEGIN, UPDATED], id="assign-the-same"),
        pytest.param(["assign: ana", "label: [vip]", "attributes: {a: 1}", "say: Hi"], BEGIN, id="before-the-start"),
        pytest.param(["say: Hi", "label: [vip]"], [*BEGIN, UPDATED], id="label"),
        pytest.param(["say: Hi", "attributes: {plan: pro}"], [*BEGIN, UPDATED], id="attributes"),
        pytest.param(["say: Hi", "close: {by: ana}"], [*BEGIN, STATUS, UPDATED], id="close"),
        pytest.param(["say: Hi", "close", "close"], [*BEGIN, STATUS, UPDATED], id="close-once"),
        pytest.param(["say: Hi", "snooze"], [*BEGIN, STATUS, UPDATED], id="snooze"),
        pytest.param(["say: Hi", "pend"], [*BEGIN, STATUS, UPDATED], id="pend"),
        pytest.param(["say: Hi", "pend", "reopen"], [*BEGIN, STATUS, UPDATED, STATUS, UPDATED], id="reopen"),
        pytest.param(["pend", "say: Hi"], BEGIN, id="pending-from-the-start"),
        pytest.param(
            ["say: Hi", "close", "say: Wait"],
            [*BEGIN, STATUS, UPDATED, STATUS, UPDATED, MESSAGE],
            id="a-message-opens-a-resolved-conversation",
        ),
        pytest.param(
            ["say: Hi", "snooze", "say: Wait"],
            [*BEGIN, STATUS, UPDATED, STATUS, UPDATED, MESSAGE],
            id="a-message-wakes-a-snoozed-conversation",
        ),
        pytest.param(["say: Hi", "pend", "say: Wait"], [*BEGIN, STATUS, UPDATED, MESSAGE], id="pending-stays-pending"),
        pytest.param(["say: Hi", "miss"], BEGIN, id="a-missed-chat-just-waits"),
        pytest.param(["say: Hi", "miss", "say: Hello?"], [*BEGIN, MESSAGE], id="back-after-a-missed-chat"),
        pytest.param(
            [
                "say: Hi",
                "rate: 5",
                "survey: good",
                "feedback: Nice",
                "goal: bought",
                "operator: {who: ana, goes: online}",
                "contact: {updated: {name: Dan}}",
                "navigate: {url: 'https://www.example.com/a'}",
                "typing",
                "join: ana",
                "leave: ana",
            ],
            BEGIN,
            id="no-event",
        ),
    ],
)
def test_the_order_of_events(steps: list[str], names: list[str]) -> None:
    assert [event.name for event in play(*steps)] == names


def status(current: str, previous: str) -> list[Any]:
    return [{"status": {"current_value": current, "previous_value": previous}}]


@pytest.mark.parametrize(
    ("steps", "changes"),
    [
        (["close: {by: ana}"], status("resolved", "open")),
        (["snooze"], status("snoozed", "open")),
        (["pend"], status("pending", "open")),
        (["close", "reopen"], status("open", "resolved")),
        (["miss", "snooze"], status("snoozed", "open")),
        (["assign: ana"], [{"assignee_id": {"current_value": 17, "previous_value": ""}}]),
        (["assign: ana", "assign: ben"], [{"assignee_id": {"current_value": 18, "previous_value": 17}}]),
        (["assign: ana", "assign: null"], [{"assignee_id": {"current_value": "", "previous_value": 17}}]),
        (["label: [a]", "label: [a, b]"], [{"label_list": {"current_value": ["a", "b"], "previous_value": ["a"]}}]),
        (
            ["attributes: {a: 1}", "attributes: {b: {c: 2}}"],
            [{"custom_attributes": {"current_value": {"a": 1, "b": {"c": 2}}, "previous_value": {"a": 1}}}],
        ),
    ],
)
def test_changed_attributes_name_the_attribute_and_both_values(steps: list[str], changes: list[Any]) -> None:
    *_, last = bodies("say: Hi", *steps)
    assert last["event"] == UPDATED
    assert last["changed_attributes"] == changes


def test_a_team_is_told_by_its_number_beside_the_agent() -> None:
    *_, first, second = bodies("say: Hi", "assign: {team: Sales, agent: ana}", "assign: ana")
    agent, team = first["changed_attributes"]
    assert agent == {"assignee_id": {"current_value": 17, "previous_value": ""}}
    number = team["team_id"]["current_value"]
    assert team == {"team_id": {"current_value": number, "previous_value": ""}}
    assert isinstance(number, int)
    assert second["changed_attributes"] == [{"team_id": {"current_value": "", "previous_value": number}}]


def test_only_conversation_updated_carries_changed_attributes() -> None:
    for body in bodies(*EVERYTHING):
        assert ("changed_attributes" in body) == (body["event"] == UPDATED)


# The page's object lists, as written: name → type, in its order.
ISO, UNIX = "iso", "unix"
ACCOUNT: dict[str, Any] = {"id": int, "name": str}
CONTACT: dict[str, Any] = {"id": int, "name": str, "avatar": str, "type": "contact", "account": ACCOUNT}
USER: dict[str, Any] = {"id": int, "name": str, "email": str, "type": "user"}
CONVERSATION: dict[str, Any] = {
    "additional_attributes": {
        "browser": {
            "device_name": str,
            "browser_name": str,
            "platform_name": str,
            "browser_version": str,
            "platform_version": str,
        },
        "referer": str,
        "initiated_at": {"timestamp": ISO},
    },
    "can_reply": True,
    "channel": "Channel::WebWidget",
    "id": int,
    "inbox_id": int,
    "contact_inbox": {
        "id": int,
        "contact_id": int,
        "inbox_id": int,
        "source_id": str,
        "created_at": ISO,
        "updated_at": ISO,
        "hmac_verified": bool,
    },
    "messages": list,
    "meta": {"sender": CONTACT, "assignee": USER},
    "status": "open",
    "unread_count": int,
    "agent_last_seen_at": UNIX,
    "contact_last_seen_at": UNIX,
    "timestamp": UNIX,
    "account_id": int,
}
MESSAGE_BY_AGENT: dict[str, Any] = {
    "id": int,
    "content": str,
    "message_type": int,
    "created_at": UNIX,
    "private": bool,
    "source_id": None,
    "content_type": "text",
    "content_attributes": {},
    "sender": {"type": "user", "id": int, "name": str, "email": str},
    "account": ACCOUNT,
    "conversation": CONVERSATION,
    "inbox": ACCOUNT,
}
WEBWIDGET: dict[str, Any] = {
    "id": int,
    "contact": CONTACT,
    "inbox": ACCOUNT,
    "account": ACCOUNT,
    "current_conversation": CONVERSATION,
    "source_id": str,
    "event": WIDGET,
    "event_info": {
        "initiated_at": {"timestamp": ISO},
        "referer": str,
        "widget_language": str,
        "browser_language": str,
        "browser": {
            "browser_name": str,
            "browser_version": str,
            "device_name": str,
            "platform_name": str,
            "platform_version": str,
        },
    },
}
ASSIGNED = ["say: Hi", "assign: ana"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["assign: ana", "say: Hi"], {"event": CREATED, **CONVERSATION}),
        ([*ASSIGNED, "label: [a]"], {"event": UPDATED, "changed_attributes": list, **CONVERSATION}),
        ([*ASSIGNED, "pend", "reopen"], {"event": STATUS, **CONVERSATION}),
        ([*ASSIGNED, "say: {by: ana}"], {"event": MESSAGE, **MESSAGE_BY_AGENT}),
        ([*ASSIGNED, "say: {by: ana}", "edit: {message: 2, text: A}"], {"event": EDITED, **MESSAGE_BY_AGENT}),
        ([*ASSIGNED, "open_widget"], WEBWIDGET),
    ],
    ids=["conversation_created", "conversation_updated", "conversation_status_changed", *(MESSAGE, EDITED, WIDGET)],
)
def test_keys_order_and_types_are_those_of_the_page(steps: list[str], expected: dict[str, Any]) -> None:
    body = [body for body in bodies(*steps) if body["event"] == expected["event"]][-1]
    assert list(mismatches(body, expected, "")) == []


def mismatches(value: Any, expected: Any, path: str) -> Iterator[str]:
    """Where a value is not what the page says: a type, a kind of time, a literal, or an object with its order."""
    if isinstance(expected, dict):
        if list(value) != list(expected):
            yield f"{path}: {list(value)}"
        for key in expected.keys() & value.keys():
            yield from mismatches(value[key], expected[key], f"{path}/{key}")
    elif isinstance(expected, type):
        if type(value) is not expected:
            yield f"{path}: {value!r} is no {expected.__name__}"
    elif expected == UNIX:
        if type(value) is not int or not (value == 0 or STARTS <= value < STARTS + 60):
            yield f"{path}: {value!r} is no Unix time in seconds"
    elif expected == ISO:
        if not (isinstance(value, str) and value.startswith("2026-01-05T09:00:") and value.endswith("Z")):
            yield f"{path}: {value!r} is no ISO time"
    elif value != expected:
        yield f"{path}: {value!r} is not {expected!r}"


EVERYTHING = [
    "open_widget",
    "trigger: {text: Welcome, name: Greeting}",
    "say: Hi",
    "open_widget",
    "assign: ana",
    "say: {by: ana, text: Hello}",
    "note: Hm",
    "say: {attachments: [photo.png]}",
    "edit: {message: 3, text: Ho}",
    "delete: 2",
    "label: [vip]",
    "attributes: {plan: pro}",
    "assign: null",
    "snooze",
    "say: Again",
    "close",
    "reopen",
]


def test_nothing_but_source_id_is_ever_null() -> None:
    for body in bodies(*EVERYTHING):
        assert {path.rpartition("/")[2] for path in nulls(body, "")} <= {"source_id"}


def nulls(value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        yield from nulls(item, f"{path}/{key}")


def test_every_body_is_identified_by_its_event() -> None:
    identify = registry.get("messagehub").default_profile.identify
    seen = set()
    for event in play(*EVERYTHING):
        body = json.loads(event.body)
        assert identify(body) == event.name
        seen.add(event.name)
    assert seen == {WIDGET, CREATED, UPDATED, STATUS, MESSAGE, EDITED}


@pytest.mark.parametrize(
    "body", [None, [], {}, {"event": "contact_created"}, {"event": 1}, {"event": ["message_created"]}]
)
def test_other_bodies_are_not_ours(body: Any) -> None:
    assert registry.get("messagehub").default_profile.identify(body) is None


@pytest.mark.parametrize(
    ("step", "message_type", "private", "sender"),
    [
        ("say: Hello", 0, False, "contact"),
        ("offline_message: Hello", 0, False, "contact"),
        ("say: {by: ana, text: Hello}", 1, False, "user"),
        ("note: {by: ana, text: Hello}", 1, True, "user"),
        ("trigger: Hello", 3, False, None),
    ],
)
def test_message_type_is_a_number(step: str, message_type: int, private: bool, sender: str | None) -> None:
    *_, body = bodies("start", step)
    assert body["content"] == "Hello"
    assert body["message_type"] == message_type
    assert body["private"] is private
    assert body.get("sender", {}).get("type") == sender


def test_a_trigger_before_the_start_follows_conversation_created() -> None:
    created, automatic, said = bodies("trigger: Welcome", "{say: Hi, after: 5s}")
    assert created["event"] == CREATED
    assert (automatic["content"], automatic["message_type"], automatic["created_at"]) == ("Welcome", 3, STARTS)
    assert (said["content"], said["created_at"]) == ("Hi", STARTS + 5)
    assert automatic["conversation"]["id"] == said["conversation"]["id"] == created["id"]


def test_a_deleted_message_says_so_in_its_attributes() -> None:
    *_, body = bodies("say: Secret", "delete: 1")
    assert body["content_attributes"] == {"deleted": True}
    assert "Secret" not in json.dumps(body)


def test_a_message_of_attachments_only_has_empty_content() -> None:
    assert bodies("say: {attachments: [photo.png]}")[-1]["content"] == ""


def test_messages_hold_the_newest_public_message_without_its_conversation() -> None:
    created, said, note = bodies("say: Hi", "note: {by: ana, text: Hm}")
    assert created["messages"] == []
    for body in (said, note):
        (nested,) = body["conversation"]["messages"]
        assert nested["content"] == "Hi"
        assert list(nested) == [key for key in said if key not in ("event", "conversation")]


def test_nobody_assigned_means_no_assignee() -> None:
    assigned, unassigned = bodies("say: Hi", "assign: ana", "assign: null")[-2:]
    assert assigned["meta"]["assignee"] == {"id": 17, "name": "Ana Novak", "email": "ana@example.com", "type": "user"}
    assert list(unassigned["meta"]) == ["sender"]


def test_no_conversation_yet_means_no_current_conversation() -> None:
    first, *_, second = bodies("open_widget", "say: Hi", "open_widget")
    assert "current_conversation" not in first
    assert first["id"] == second["id"] == second["current_conversation"]["contact_inbox"]["id"]


def test_unread_counts_the_visitors_messages_since_the_agents_last_looked() -> None:
    story = [
        "say: A",
        "say: B",
        "say: {by: ana, text: C}",
        "say: D",
        "read: ana",
        "say: E",
        "say: F",
        "join: ana",
        "label: [x]",
    ]
    found = [body.get("conversation", body)["unread_count"] for body in bodies(*story)]
    assert found == [0, 1, 2, 0, 1, 0, 1, 2, 0]


def test_never_seen_is_zero() -> None:
    created, *_, seen = bodies("say: Hi", "{read: ana, after: 3s}", "{read: visitor, after: 1s}", "label: [x]")
    assert (created["agent_last_seen_at"], created["contact_last_seen_at"]) == (0, 0)
    assert (seen["agent_last_seen_at"], seen["contact_last_seen_at"]) == (STARTS + 3, STARTS + 4)


def test_reading_changes_attributes() -> None:
    """The page sends `conversation_updated` when any attribute changes."""
    found = bodies("read", "say: Hi", "{read: ana, after: 3s}", "read: ana", "{read: visitor, after: 1s}", "label: [x]")
    changes = [body["changed_attributes"] for body in found if body["event"] == UPDATED]
    assert changes[:-1] == [
        [
            {"agent_last_seen_at": {"current_value": STARTS + 3, "previous_value": 0}},
            {"unread_count": {"current_value": 0, "previous_value": 1}},
        ],
        [{"contact_last_seen_at": {"current_value": STARTS + 4, "previous_value": STARTS}}],
    ]


def test_a_missed_chat_still_waits_for_the_team() -> None:
    *_, body = bodies("say: Hi", "miss", "label: [missed]")
    assert (body["status"], body["unread_count"]) == ("open", 1)


def test_many_conversations_share_the_inbox_and_nothing_else() -> None:
    created = [body for body in bodies("say: Hi", count=50) if body["event"] == CREATED]
    assert len({body["id"] for body in created}) == 50
    assert len({body["contact_inbox"]["id"] for body in created}) == 50
    assert len({body["contact_inbox"]["contact_id"] for body in created}) == 50
    assert len({body["inbox_id"] for body in created}) == 1


def test_an_agent_bot_is_not_told_of_status_changes() -> None:
    kinds = {kind.name: kind.without for kind in registry.get("messagehub").default_profile.target_kinds}
    assert kinds == {"webhook": frozenset(), "agent_bot": frozenset({STATUS})}


def test_the_requests_headers_and_policy() -> None:
    (event,) = play("start")
    assert event.method == "POST"
    assert dict(event.headers) == {"Content-Type": "application/json", "Accept": "application/json"}
    policy = registry.get("messagehub").default_profile.policy
    assert policy.accepted.value == frozenset(range(200, 300))
    assert (policy.connect_timeout.value, policy.read_timeout.value) == (5_000, 5_000)
    assert policy.read_timeout.provenance == "reconstructed"


STEPS = {
    "open_widget": ("open_widget", "say: Hi"),
    "start": ("start", "open_widget"),
    "say": ("say: Hi", "close"),
    "trigger": ("trigger: Hi", "start"),
    "note": ("note: {by: ana}", "open_widget"),
    "edit": ("edit: {message: 1, text: Ho}", "say: Hi"),
    "delete": ("delete: 1", "say: Hi"),
    "read": ("read", "say: Hi"),
    "join": ("join: ana", "open_widget"),
    "assign": ("assign: ana", "say: Hi"),
    "label": ("label: [vip]", "say: Hi"),
    "attributes": ("attributes: {plan: pro}", "say: Hi"),
    "close": ("close", "say: Hi"),
    "snooze": ("snooze", "say: Hi"),
    "pend": ("pend", "say: Hi"),
    "reopen": ("reopen", "close"),
    "miss": ("miss", "open_widget"),
    "offline_message": ("offline_message: Hi", "open_widget"),
}


@pytest.mark.parametrize("verb", verb_events(registry.get("messagehub").default_profile))
def test_the_table_of_verbs_says_what_each_one_sends(verb: str) -> None:
    step, before = STEPS[verb]
    # A trigger that waits for the conversation comes out with whatever begins it.
    stories = [("open_widget", "trigger: Hello", step), ("open_widget", before, step)]
    found = {event.name for story in stories for event in play(*story) if event.step == 2}
    assert found == set(verb_events(registry.get("messagehub").default_profile)[verb])
