"""`advance.apply`: one step in, what changed out, and the conversation after it."""

from __future__ import annotations

from typing import Any

import pytest
from vendorsim.conversation.casting import Casting
from vendorsim.conversation.changes import MessagesDelivered
from vendorsim.conversation.reducer import apply, identify
from vendorsim.conversation.state import IDENTITY, Agent, Conversation, Ended, Entered, Message, StepError
from vendorsim.runs.library import load_text
from vendorsim.scenario.verbs import Read

CAST = """\
scenario: T
vendors: [userlike]
cast:
  visitor: {name: Dana, email: dana@example.com, custom: {plan: pro}}
  agents: {ana: {name: Ana Novak}, bob: {name: Bob}}
steps:
"""
START = 1_767_603_600_000


def told(*lines: str) -> tuple[Conversation, list[list[str]]]:
    """The conversation after these steps, one second apart, and the names of the changes of each step."""
    scenario = load_text(CAST + "".join(f"  - {line}\n" for line in (*lines, "say: end")), "t.yaml")
    conversation = Casting(scenario, 0).conversation(0, START)
    changes = []
    for number, step in enumerate(scenario.steps[:-1]):
        found = apply(conversation, step.verb, START + number * 1_000, step.name)
        changes.append([type(change).__name__ for change in found])
    return conversation, changes


@pytest.mark.parametrize(
    ("lines", "changes"),
    [
        (["open_widget"], ["WidgetOpened"]),
        (["start"], ["Started"]),
        (["start: {form: {name: E}}"], ["FormFilled", "Started"]),
        (["say: a"], ["Started", "MessageAdded"]),
        (["start", "say: a"], ["MessageAdded"]),
        (["say: a", "start"], []),
        (["trigger: a"], ["MessageAdded"]),
        (["note: a"], ["Started", "MessageAdded"]),
        (["say: a", "edit: {message: 1, text: b}"], ["MessageChanged"]),
        (["say: a", "delete: -1"], ["MessageChanged"]),
        (["say: a", "read: ana"], ["MessagesRead"]),
        (["say: {by: ana, text: a}", "read: {status: delivered}"], ["MessagesDelivered"]),
        (["say: a", "delete: conversation"], []),
        (["say: a", "delete: contact"], []),
        (["say: a", "delete: conversation", "say: b"], []),
        (["typing"], ["Typed"]),
        (["join: ana"], ["Started", "Joined"]),
        (["join: ana", "leave: ana"], ["Left"]),
        (["assign: ana"], ["Assigned"]),
        (["assign: ana", "assign: ana"], []),
        (["assign: ana", "assign: null"], ["Assigned"]),
        (["label: [a]"], ["LabelsSet"]),
        (["label: [a]", "label: [a]"], []),
        (["attributes: {a: 1}"], ["AttributesSet"]),
        (["attributes: {a: 1}", "attributes: {a: 1}"], []),
        (["rate: 5"], ["Rated"]),
        (["feedback: a"], ["FeedbackLeft"]),
        (["survey: a"], ["SurveyAnswered"]),
        (["goal: a"], ["GoalReached"]),
        (["say: a", "close"], ["StatusChanged"]),
        (["close"], ["Started", "StatusChanged"]),
        (["close", "close"], []),
        (["say: a", "snooze"], ["StatusChanged"]),
        (["say: a", "pend"], ["StatusChanged"]),
        (["say: a", "reopen"], []),
        (["close", "reopen"], ["StatusChanged"]),
        (["say: a", "miss"], ["StatusChanged"]),
        (["close", "say: a"], ["StatusChanged", "MessageAdded"]),
        (["say: a", "snooze", "say: b"], ["StatusChanged", "MessageAdded"]),
        (["close", "say: {by: ana, text: a}"], ["MessageAdded"]),
        (["offline_message: a"], ["Started", "MessageAdded", "OfflineMessageLeft"]),
        (["operator: {who: ana, goes: away}"], ["PresenceChanged"]),
        (["contact: {created: {}}"], ["ContactCreated"]),
        (["contact: {updated: {name: E}}"], ["ContactUpdated"]),
        (["configure_widget: {name: a}"], ["WidgetConfigured"]),
        (["send_to_api"], ["SendQueued"]),
        (["navigate: {url: 'https://x.example/'}"], ["Navigated"]),
        (["authenticate"], []),
        (["wait: 5s"], []),
        (["probe: {/a: 1}"], []),
    ],
    ids=lambda value: " + ".join(value) or "nothing",
)
def test_what_the_last_step_changes(lines: list[str], changes: list[str]) -> None:
    assert told(*lines)[1][-1] == changes


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (["say: a", "close: visitor"], {"status": "closed", "ended": True, "ended_at": START + 1_000, "missed": False}),
        (["say: a", "miss"], {"status": "closed", "missed": True}),
        (["say: a", "miss", "say: b"], {"status": "open", "missed": False, "ended_at": None}),
        (["start: call"], {"channel": "call", "started_at": START}),
        (["open_widget", "say: a"], {"started_at": START + 1_000}),
        (["offline_message: a"], {"offline": True, "status": "open"}),
        (["attributes: {a: 1}", "attributes: {b: 2}"], {"attributes": {"a": 1, "b": 2}}),
        (["label: [a, b]", "label: [b]"], {"labels": ("b",)}),
        (["rate: {score: 2, comment: Bad}"], {"rating": 2, "rating_comment": "Bad"}),
        (["assign: ana", "assign: {team: Sales}"], {"assignee": None, "team": "Sales"}),
    ],
    ids=lambda value: " + ".join(value) if isinstance(value, list) else "",
)
def test_the_state_after_a_story(lines: list[str], state: dict[str, Any]) -> None:
    conversation, _ = told(*lines)
    assert {name: getattr(conversation, name) for name in state} == state


def test_messages_have_numbers_ids_authors_and_times() -> None:
    conversation, _ = told("say: a", "say: {by: ana, text: b}", "trigger: c", "note: d")
    assert [(m.number, m.text, m.at - START, m.private) for m in conversation.messages] == [
        (1, "a", 0, False),
        (2, "b", 1_000, False),
        (3, "c", 2_000, False),
        (4, "d", 3_000, True),
    ]
    assert len({m.id for m in conversation.messages}) == 4
    assert [isinstance(m.author, Agent) and m.author.key for m in conversation.messages] == [False, "ana", False, "ana"]
    assert [m.by_visitor for m in conversation.messages] == [True, False, False, False]


def test_names_and_numbers_find_messages_even_deleted_ones() -> None:
    conversation, _ = told(
        "{say: a, as: x}", "say: b", "delete: 1", "edit: {message: x, text: c}", "edit: {message: -1, text: d}"
    )
    assert [(m.text, m.deleted) for m in conversation.messages] == [("c", True), ("d", False)]


def test_the_log_tells_who_came_wrote_and_ended_it() -> None:
    conversation, _ = told("say: a", "join: ana", "say: {by: bob, text: b}", "close: ana")
    assert [type(entry) for entry in conversation.log] == [Message, Entered, Message, Ended]
    assert conversation.log[-1].by.name == "Ana Novak"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("lines", "by"),
    [
        (["close"], "visitor"),
        (["join: ana", "close"], "ana"),
        (["join: ana", "leave: ana", "close"], "visitor"),
        (["join: ana", "say: {by: bob, text: x}", "close"], "bob"),
        (["join: ana", "close: timeout"], "timeout"),
        (["join: ana", "miss"], "visitor"),
    ],
)  # fmt: skip
def test_who_closed_it(lines: list[str], by: str) -> None:
    conversation, _ = told(*lines)
    ended = conversation.log[-1]
    assert isinstance(ended, Ended)
    assert (ended.by.key if isinstance(ended.by, Agent) else ended.by) == by


def test_attachments_are_completed() -> None:
    conversation, _ = told("say: {attachments: [a.png, 'https://x.example/dir/b.pdf', {name: c, size: 3}]}")
    (message,) = conversation.messages
    assert message.text is None
    assert [(file.name, file.size) for file in message.attachments] == [("a.png", 69), ("b.pdf", 0), ("c", 3)]
    assert all(file.url and file.url.startswith("https://") for file in message.attachments)


def test_a_contact_keeps_what_is_not_told() -> None:
    conversation, _ = told("contact: {updated: {email: null, city: Bonn, custom: {tier: gold}}}")
    visitor = conversation.visitor
    assert (visitor.name, visitor.email, visitor.city) == ("Dana", None, "Bonn")
    assert visitor.custom == {"plan": "pro", "tier": "gold"}


def test_reading_marks_what_the_others_wrote() -> None:
    conversation, _ = told("say: a", "say: {by: ana, text: b}", "note: c", "read: ana")
    assert [m.read for m in conversation.messages] == [True, False, False]


def test_a_step_that_makes_no_sense_changes_nothing() -> None:
    from vendorsim.scenario.verbs import Delete

    conversation, _ = told("say: a")
    with pytest.raises(StepError, match="there is no message 2 here; the conversation has 1"):
        list(apply(conversation, Delete(2), START + 9_000))
    assert [m.deleted for m in conversation.messages] == [False]


def test_messages_are_delivered_once_and_to_the_visitor_only() -> None:
    conversation, _ = told("say: a", "say: {by: ana, text: b}", "read: {status: delivered}", "read: visitor")
    assert [(m.delivered, m.read) for m in conversation.messages] == [(False, False), (True, True)]
    (change,) = apply(conversation, Read(status="delivered"), START)
    assert change == MessagesDelivered(())
    with pytest.raises(StepError, match="'status: delivered' is for the visitor"):
        list(apply(conversation, Read("ana", "delivered"), START))


def test_an_earlier_message_may_be_called_contact() -> None:
    scenario = load_text(CAST + "  - {say: a, as: contact}\n  - delete: contact\n", "t.yaml")
    conversation = Casting(scenario, 0).conversation(0, START)
    for step in scenario.steps:
        list(apply(conversation, step.verb, START, step.name))
    assert (conversation.messages[0].deleted, conversation.deleted) == (True, False)


def test_nobody_is_shared_between_conversations() -> None:
    scenario = load_text(CAST + "  - say\n", "t.yaml")
    casting = Casting(scenario, 0)
    first, second = casting.conversation(0, START), casting.conversation(1, START)
    first.visitor.custom["plan"] = "free"
    assert second.visitor.custom == {"plan": "pro"}
    assert first.agents["ana"] == second.agents["ana"]
    assert first.agents is not second.agents


def test_the_cast_is_used_as_it_stands_and_the_rest_is_made_up() -> None:
    scenario = load_text(
        "scenario: T\nvendors: [userlike]\nlocale: de_DE\n"
        "cast: {visitor: {name: null, city: Bonn}, agents: {ana: }}\nsteps: [say]\n",
        "t.yaml",
    )
    conversation = Casting(scenario, 0).conversation(0, START)
    visitor, agent = conversation.visitor, conversation.agents["ana"]
    assert (visitor.name, visitor.city, visitor.country_code) == (None, "Bonn", "DE")
    assert visitor.email
    assert visitor.identifier is None, "only the customer's own system can tell it"
    assert visitor.email.rpartition("@")[2].startswith("example.")
    assert agent.name
    assert agent.group == "Support"


def known(conversation: Conversation) -> tuple[str | None, ...]:
    """What the vendor knows of who the visitor is: name, email, phone, identifier."""
    return tuple(getattr(conversation.visitor, name) for name in IDENTITY)


DANA = ("Dana", "dana@example.com", "+15550142", "crm-1")


@pytest.mark.parametrize(
    ("steps", "identity", "shown"),
    [
        ([], None, (None, None, None, None)),
        (["start: {form: {name: D}}"], None, ("D", None, None, None)),
        (["start: {form: {name: D}}"], {"identifier": "crm-1"}, ("D", *DANA[1:])),
        (["contact: {updated: {email: d@example.com}}"], None, (None, "d@example.com", None, None)),
        ([], {"identifier": "crm-1"}, DANA),
        ([], {"identifier": "crm-1", "phone": "1"}, ("Dana", "dana@example.com", "1", "crm-1")),
        ([], {"identifier": "crm-2", "name": "Li"}, ("Li", None, None, "crm-2")),
    ],
)
def test_who_an_anonymous_visitor_is_comes_out(
    steps: list[str], identity: dict[str, str] | None, shown: tuple[str | None, ...]
) -> None:
    cast = CAST.replace("name: Dana", "name: Dana, identifier: crm-1, phone: '+15550142'")
    scenario = load_text(cast + "".join(f"  - {line}\n" for line in (*steps, "say: end")), "t.yaml")
    conversation = Casting(scenario, 0, anonymous=True).conversation(0, START)
    assert known(conversation) == (None,) * len(IDENTITY)
    for step in scenario.steps:
        list(apply(conversation, step.verb, START))
    if identity is not None:
        identify(conversation, identity)
    assert known(conversation) == shown
    assert conversation.identifier == "crm-1"
