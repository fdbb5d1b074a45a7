"""The scenario format: every key, verb, shorthand and modifier, and what each is read as."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
from vendorsim.core.errors import DocumentError
from vendorsim.core.yaml_nodes import Problems, plain, read
from vendorsim.runs.library import load_text
from vendorsim.scenario import Scenario, json_schema, verbs
from vendorsim.scenario.calls import NEVER, ONCE, CallName, FromStory, SinkAnswer, Statuses, Times
from vendorsim.scenario.faults import fault
from vendorsim.scenario.model import AccountCast, AgentCast, Expectation
from vendorsim.scenario.verbs import VERBS, Attachment, Page
from vendorsim.vendorkit import registry

HEAD = "scenario: T\nvendors: [userlike]\ncast: {agents: {ana: {}, bob: {}}}\nsteps:\n  - {say: hi, as: first}\n"
SCHEMA = jsonschema.Draft202012Validator(json_schema(registry.vocabulary()))
MESSAGE = CallName("messagehub.create_message", "messagehub", "create_message")
SHOP = Page("https://shop.example/", "Shop")


def story(steps: str = "  - say: hi\n", head: str = "") -> Scenario:
    return load_text(f"scenario: T\n{head}steps:\n{steps}", "t.yaml")


def last_step(line: str) -> Any:
    """The last step of a story, which the JSON Schema accepts too."""
    text = f"{HEAD}  - {line}\n"
    root = read(text, Problems("t.yaml"))
    assert root is not None
    SCHEMA.validate(plain(root))
    return load_text(text, "t.yaml").steps[-1]


WRITTEN = [
    ("open_widget", verbs.OpenWidget()),
    ("open_widget:", verbs.OpenWidget()),
    ("start", verbs.Start()),
    ("start: call", verbs.Start("call")),
    ("start: {channel: call}", verbs.Start("call")),
    ("start: {page: {url: 'https://shop.example/', title: Shop}}", verbs.Start("chat", SHOP)),
    ("say", verbs.Say()),
    ("say: Hello", verbs.Say("Hello")),
    ("say: no", verbs.Say("no")),
    ("say: 1:30", verbs.Say("1:30")),
    ("say: {by: ana, text: Hi}", verbs.Say("Hi", "ana")),
    ("say: {by: visitor, text: Hi}", verbs.Say("Hi")),
    ("say: {attachments: a.png}", verbs.Say(None, attachments=("a.png",))),
    ("say: {text: '', attachments: [{name: a, size: 5}]}", verbs.Say("", attachments=(Attachment("a", size=5),))),
    ("say: {text: '*b*', content_type: markdown}", verbs.Say("*b*", content_type="markdown")),
    ("trigger: Need help?", verbs.Trigger("Need help?")),
    ("trigger: {name: Prices, text: Need help?}", verbs.Trigger("Need help?", "Prices")),
    ("note: VIP", verbs.Note("VIP")),
    ("note: {by: bob, text: VIP}", verbs.Note("VIP", "bob")),
    ("edit: {message: first, text: Ho}", verbs.Edit("first", "Ho")),
    ("edit: {message: 1, text: Ho}", verbs.Edit(1, "Ho")),
    ("delete: first", verbs.Delete("first")),
    ("delete: -1", verbs.Delete(-1)),
    ("delete: {message: 1}", verbs.Delete(1)),
    ("read", verbs.Read()),
    ("read: {by: ana}", verbs.Read("ana")),
    ("typing", verbs.Typing()),
    ("typing: ana", verbs.Typing("ana")),
    ("typing: {by: ana, active: false}", verbs.Typing("ana", False)),
    ("join: ana", verbs.Join("ana")),
    ("join: {agent: ana}", verbs.Join("ana")),
    ("leave: ana", verbs.Leave("ana")),
    ("assign: ana", verbs.Assign(("ana", None))),
    ("assign: {team: Sales}", verbs.Assign((None, "Sales"))),
    ("assign: null", verbs.Assign((None, None))),
    ("label: [a, b]", verbs.Label(("a", "b"))),
    ("label: a", verbs.Label(("a",))),
    ("label: []", verbs.Label(())),
    ("attributes: {a: 1, b: {c: [null, 0.5]}}", verbs.Attributes({"a": 1, "b": {"c": [None, 0.5]}})),
    ("rate: 5", verbs.Rate(5)),
    ("rate: {score: 1, comment: Bad}", verbs.Rate(1, "Bad")),
    ("feedback: Fine", verbs.Feedback("Fine")),
    ("survey: Very good", verbs.Survey("Very good")),
    ("survey: {speed: 5, again: true}", verbs.Survey({"speed": 5, "again": True})),
    ("goal: Order", verbs.Goal("Order")),
    ("goal: {name: Order}", verbs.Goal("Order")),
    ("close", verbs.Close()),
    ("close: visitor", verbs.Close("visitor")),
    ("close: {by: timeout}", verbs.Close("timeout")),
    ("close: {by: ana}", verbs.Close("ana")),
    ("snooze", verbs.Snooze()),
    ("pend", verbs.Pend()),
    ("reopen", verbs.Reopen()),
    ("miss", verbs.Miss()),
    ("offline_message: Call me", verbs.OfflineMessage("Call me")),
    ("operator: {who: ana, goes: online}", verbs.Operator("ana", "online")),
    ("contact: {created: {name: D}}", verbs.Contact(created={"name": "D"})),
    ("contact: {updated: {email: null, custom: {a: 1}}}", verbs.Contact(updated={"email": None, "custom": {"a": 1}})),
    ("configure_widget: {name: Shop}", verbs.ConfigureWidget({"name": "Shop"})),
    ("send_to_api", verbs.SendToApi()),
    ("authenticate", verbs.Authenticate()),
    ("authenticate: crm-4711", verbs.Authenticate("crm-4711")),
    ("authenticate: {identifier: x, within: 2s, answer: duplicate}", verbs.Authenticate("x", 2_000, "duplicate")),
    ("authenticate: {answer: Chat is already ended}", verbs.Authenticate(answer="Chat is already ended")),
    ("expect_call: messagehub.create_message", verbs.ExpectCall(MESSAGE)),
    ("expect_call: {call: messagehub.create_message, times: once, within: 2s, quiet: 500ms, status: 2xx}",
     verbs.ExpectCall(MESSAGE, times=ONCE, within=2_000, quiet=500, status=Statuses(("2xx",)))),
    ("expect_call: {call: sink.crm, times: {at_least: 1, at_most: 3}, status: [201, 5xx], "
     "with: {/id: this, /email: this.visitor.email, /text: {matches: '(?i)hi'}, /on: 1, /no: null, /w: {is: this}}}",
     verbs.ExpectCall(CallName("sink.crm", "sink", "crm"), {"/id": FromStory("this"),
         "/email": FromStory("this.visitor.email"), "/text": re.compile("(?i)hi"), "/on": 1, "/no": None, "/w": "this"},
         Times(1, 3), Statuses((201, "5xx")))),
    ("expect_call: 'POST /crm/{this}/notes'",
     verbs.ExpectCall(CallName("POST /crm/{this}/notes", method="POST", path="/crm/{this}/notes"))),
    ("expect_call: {call: sink.crm, times: never}", verbs.ExpectCall(CallName("sink.crm", "sink", "crm"), times=NEVER)),
    ("sink: crm", verbs.SetSink("crm")),
    ("emit: {event: ping, body: {a: [this, 1], who: this.visitor.name}}",
     verbs.Emit("ping", {"a": [FromStory("this"), 1], "who": FromStory("this.visitor.name")})),
    ("emit: {event: ping, body: {text: {is: this}, is: {is: 1}}}",
     verbs.Emit("ping", {"text": "this", "is": {"is": 1}})),
    ("sink: {name: crm, answers: {status: 503, headers: {Retry-After: '2'}}}",
     verbs.SetSink("crm", (SinkAnswer(503, headers={"Retry-After": "2"}),))),
    ("sink: {name: crm, answers: [{status: 500}, {body: [1], latency: 200ms}]}",
     verbs.SetSink("crm", (SinkAnswer(500), SinkAnswer(200, [1], 200)))),
    ("navigate: {url: 'https://shop.example/', title: Shop}", verbs.Navigate(SHOP)),
    ("wait: 1.5m", verbs.Wait(90_000)),
    ("wait: {time: 5s}", verbs.Wait(5_000)),
    ("probe: {/status: open, '': {}, within: 5s}", verbs.Probe({"/status": "open", "": {}, "within": 5_000})),
]  # fmt: skip


@pytest.mark.parametrize(("line", "verb"), WRITTEN, ids=lambda value: str(value)[:60])
def test_a_verb_is_read_in_each_way_it_can_be_written(line: str, verb: verbs.Verb) -> None:
    assert last_step(line).verb == verb


def test_every_verb_is_in_the_table() -> None:
    assert {type(verb) for _, verb in WRITTEN} == set(VERBS.values())


def test_a_step_without_modifiers() -> None:
    step = last_step("say: hi")
    assert (step.after, step.expect, step.faults, step.only, step.name) == (0, None, (), None, None)


@pytest.mark.parametrize(
    ("modifier", "field", "value"),
    [
        ("after: 6516ms", "after", 6_516),
        ("expect: {status: 200, within: 2s}", "expect", Expectation((200,), 2_000)),
        ("expect: {status: [200, 202]}", "expect", Expectation((200, 202), None)),
        ("fault: {duplicate: 1}", "faults", (fault("duplicate", 1),)),
        ("only: userlike", "only", ("userlike",)),
        ("only: [userlike, ccai]", "only", ("userlike", "ccai")),
        ("as: greeting", "name", "greeting"),
        ("comment: for readers", "after", 0),
    ],
)
def test_modifiers(modifier: str, field: str, value: Any) -> None:
    assert getattr(last_step(f"{{say: hi, {modifier}}}"), field) == value
    assert getattr(last_step(f"{{{modifier}, say: hi}}"), field) == value, "in any order"


def test_everything_beside_the_steps() -> None:
    found = story(
        head="""\
description: Long
vendors: [userlike, smartsupp]
locale: de_DE
seed: 7
starts: 2026-01-05T09:00:00.250Z
account: {id: 208, name: Acme}
conversation: {id: 5}
cast:
  visitor: {id: 9, name: Dana, email: null, custom: {plan: pro, chat: {label: Chat, value: 1}}}
  agents:
    ana: {id: 3, name: Ana, email: ana@example.com, group: Sales}
    bob:
""",
        steps="  - say: hi\n  - close\n",
    )
    assert found.title == "T"
    assert found.description == "Long"
    assert found.vendors == ("userlike", "smartsupp")
    assert (found.locale, found.seed, found.starts) == ("de_DE", 7, 1_767_603_600_250)
    assert found.account == AccountCast(208, "Acme")
    assert found.conversation_id == 5
    assert found.cast.visitor == {
        "id": 9,
        "name": "Dana",
        "email": None,
        "custom": {"plan": "pro", "chat": {"label": "Chat", "value": 1}},
    }
    assert found.cast.agents == {"ana": AgentCast(3, "Ana", "ana@example.com", "Sales"), "bob": AgentCast()}
    assert found.pinned_ids() == ["conversation.id", "cast.visitor.id"]


def test_what_is_left_out() -> None:
    found = story()
    assert (found.locale, found.seed, found.starts, found.conversation_id) == ("en_US", 0, None, None)
    assert found.pinned_ids() == []


@pytest.mark.parametrize(
    ("steps", "vendors"),
    [
        ("  - say: hi\n", ("userlike", "messagehub", "chatvisor")),
        ("  - say: hi\n  - miss\n", ("userlike", "smartsupp", "messagehub", "chatvisor")),
        ("  - open_widget\n", ("messagehub",)),
        ("  - goal: Order\n", ("userlike",)),
        ("  - {say: hi, only: chatvisor}\n", ("chatvisor",)),
    ],
)
def test_without_vendors_it_is_for_those_that_send_something(steps: str, vendors: tuple[str, ...]) -> None:
    assert story(steps).vendors == vendors


def test_a_vendor_whose_api_is_called_has_something_to_do() -> None:
    assert story("  - authenticate\n", "vendors: [ccai]\n").vendors == ("ccai",)
    with pytest.raises(DocumentError, match="vendor 'ccai' has nothing to do"):
        story("  - {authenticate: x, only: userlike}\n  - {say: hi, only: userlike}\n", "vendors: [userlike, ccai]\n")


def test_anchors_and_aliases() -> None:
    found = load_text(
        """\
scenario: T
steps:
  - &ask {say: Are you there?, after: &pause 5s}
  - *ask
  - {<<: *ask, say: Hello?}
  - {close: visitor, after: *pause}
""",
        "t.yaml",
    )
    assert [getattr(step.verb, "text", None) for step in found.steps] == [
        "Are you there?",
        "Are you there?",
        "Hello?",
        None,
    ]
    assert {step.after for step in found.steps} == {5_000}


def test_a_deleted_message_keeps_its_number() -> None:
    found = story("  - say: a\n  - say: b\n  - delete: 1\n  - edit: {message: 2, text: c}\n  - delete: -2\n")
    assert len(found.steps) == 5


def test_a_scenario_may_be_json() -> None:
    found = load_text('{"scenario": "T", "steps": ["open_widget", {"say": "hi", "after": "1s"}]}', "t.json")
    assert found.steps[1].after == 1_000
