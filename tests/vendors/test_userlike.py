"""Userlike, profile `documented`: which steps send what, in which order, and the bodies to the letter."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from vendorsim.core.errors import DocumentError
from vendorsim.core.event import Event
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.verb_events import verb_events

VENDOR = registry.get("userlike")
PROFILE = VENDOR.default_profile
CONTRACT = contracts.contract("userlike", "documented")
EXAMPLES = sorted((CONTRACT.folder / "examples").glob("*.json"))

HEAD = """
scenario: A story
vendors: [userlike]
locale: de_DE
starts: 2026-01-05T09:00:00.250Z
account: {id: 208, name: Acme}
conversation: {id: 71}
cast:
  visitor: {id: 902, name: Dana Kessler, email: dana@example.com, identifier: crm-4711, phone: null, referer: null}
  agents:
    ana: {id: 5, name: Ana Novak, email: ana@example.com, group: Sales}
    ben: {id: 13, name: Ben, email: ben@example.com, group: Support}
steps:
"""
# A visitor whom the vendor does not know yet.
NEW = HEAD.replace("id: 902, ", "").replace("identifier: crm-4711, ", "")

START, RECEIVED, SENT = "chat_session.start", "chat_session.message_received", "chat_session.message_sent"
UNREAD, END, ENDED = "chat_session.unread", "chat_session.end", "conversation.ended"
FORWARD, RATING, FEEDBACK = "chat_session.forward", "chat_session.rating", "chat_session.feedback"
SURVEY, GOAL, CONFIG = "chat_session.survey", "chat_session.goal", "um_widget.config"


def play(*steps: str, head: str = HEAD) -> list[Event]:
    """The events of a scenario with these steps, each one a line of YAML."""
    scenario = library.load_text(head + "".join(f"  - {step}\n" for step in steps), "story.yaml")
    run = timeline.Run(scenario, VENDOR, PROFILE, scenario.seed, scenario.starts or 0)
    return list(timeline.events(run, 1))


def names(*steps: str) -> list[str]:
    return [event.name for event in play(*steps)]


def last(*steps: str, head: str = HEAD) -> Any:
    """The body of the last event."""
    return json.loads(play(*steps, head=head)[-1].body)


JOIN_ANA, ANA_SAYS = "join: ana", "say: {by: ana, text: Hello}"
TALK = ["say: Hi", ANA_SAYS]
TALKED = [START, RECEIVED, SENT]
CLOSED = [END, ENDED]

STORIES = [
    pytest.param(["start"], [START], id="start"),
    pytest.param(["say: Hi"], [START, RECEIVED], id="first-message"),
    pytest.param(["start", "say: Hi", "say: There"], [START, RECEIVED, RECEIVED], id="started-once"),
    pytest.param(TALK, TALKED, id="talk"),
    pytest.param(["start", "trigger: Welcome"], [START], id="trigger-is-silent"),
    pytest.param(["note: {by: ana, text: VIP}", "note: {by: ana, text: Gone}"], [START], id="note-starts-only"),
    pytest.param([JOIN_ANA, "join: ben"], [START], id="join-starts-only"),
    pytest.param(["miss"], [START, *CLOSED], id="missed-at-once"),
    pytest.param(["start", JOIN_ANA, "leave: ana", "typing: ana", "label: vip"], [START], id="silent-verbs"),
    pytest.param([*TALK, "edit: {message: 1, text: Oh}", "delete: 1"], TALKED, id="edits-are-silent"),
    # Forward: from somebody, or some group, to another.
    pytest.param(["say: Hi", "assign: ana"], [START, RECEIVED], id="first-assignment"),
    pytest.param(["say: Hi", "assign: {team: Sales}"], [START, RECEIVED], id="first-assignment-to-a-group"),
    pytest.param(["say: Hi", "assign: ana", "assign: ben"], [START, RECEIVED, FORWARD], id="to-another"),
    pytest.param(["say: Hi", "assign: ana", "assign: {team: Support}"], [START, RECEIVED, FORWARD], id="to-a-group"),
    pytest.param(["say: Hi", "assign: {team: Sales}", "assign: ana"], [START, RECEIVED, FORWARD], id="from-a-group"),
    pytest.param(["say: Hi", JOIN_ANA, "assign: ben"], [START, RECEIVED, FORWARD], id="from-who-had-joined"),
    pytest.param(["say: Hi", JOIN_ANA, "assign: ana"], [START, RECEIVED], id="to-who-had-joined"),
    pytest.param(["say: Hi", JOIN_ANA, "leave: ana", "assign: ben"], [START, RECEIVED], id="from-who-had-left"),
    pytest.param(["say: Hi", "assign: ana", "assign: null"], [START, RECEIVED], id="to-nobody"),
    pytest.param(["say: Hi", "assign: ana", "assign: null", "assign: ben"], [START, RECEIVED], id="from-nobody"),
    # What the contact thinks of it.
    pytest.param([*TALK, "rate: 5"], [*TALKED, RATING], id="rating"),
    pytest.param([*TALK, "rate: {score: 5, comment: ''}"], [*TALKED, RATING], id="rating-with-empty-comment"),
    pytest.param([*TALK, "rate: {score: 5, comment: Good}"], [*TALKED, RATING, FEEDBACK], id="rating-with-comment"),
    pytest.param([*TALK, "feedback: Good"], [*TALKED, FEEDBACK], id="feedback"),
    pytest.param([*TALK, "close: ana", "survey: Satisfied"], [*TALKED, *CLOSED, SURVEY], id="survey"),
    pytest.param([*TALK, "goal: Checkout"], [*TALKED, GOAL], id="goal"),
    # The end, read or unread.
    pytest.param([*TALK, "close: ana"], [*TALKED, *CLOSED], id="answered"),
    pytest.param(["close: visitor"], [START, *CLOSED], id="nothing-to-read"),
    pytest.param(["say: Hi", "close: visitor"], [START, RECEIVED, UNREAD, *CLOSED], id="unread"),
    pytest.param(
        [*TALK, "say: And?", "close: visitor"], [*TALKED, RECEIVED, *CLOSED], id="an-operator-in-the-chat-reads"
    ),
    pytest.param(
        [*TALK, "leave: ana", "say: And?", "close: visitor"],
        [*TALKED, RECEIVED, UNREAD, *CLOSED],
        id="written-after-the-operator-left",
    ),
    pytest.param(
        ["assign: ana", "say: Hi", "close: visitor"], [START, RECEIVED, UNREAD, *CLOSED], id="assigned-is-not-present"
    ),
    pytest.param(["say: Hi", "close: ana"], [START, RECEIVED, *CLOSED], id="who-closes-has-read"),
    pytest.param(["say: Hi", "close: timeout"], [START, RECEIVED, UNREAD, *CLOSED], id="nobody-came-in-time"),
    pytest.param([*TALK, "miss"], [*TALKED, *CLOSED], id="answered-and-left"),
    pytest.param([*TALK, "say: And?", "miss"], [*TALKED, RECEIVED, UNREAD, *CLOSED], id="left-hanging"),
    pytest.param(["say: Hi", "read: ana", "miss"], [START, RECEIVED, *CLOSED], id="read-and-missed"),
    pytest.param(["say: Hi", "read: ana", "close: visitor"], [START, RECEIVED, *CLOSED], id="read"),
    pytest.param(["say: Hi", "read: visitor", "close: visitor"], [START, RECEIVED, UNREAD, *CLOSED], id="own-reading"),
    pytest.param(["say: Hi", JOIN_ANA, "close: visitor"], [START, RECEIVED, *CLOSED], id="joining-is-reading"),
    pytest.param(
        ["say: Hi", "trigger: Wait", "close: timeout"], [START, RECEIVED, UNREAD, *CLOSED], id="trigger-reads-not"
    ),
    pytest.param(["say: Hi", "miss"], [START, RECEIVED, UNREAD, *CLOSED], id="missed"),
    pytest.param(["say: Hi", JOIN_ANA, "miss"], [START, RECEIVED, UNREAD, *CLOSED], id="missed-though-joined"),
    pytest.param(["start", "miss"], [START, *CLOSED], id="missed-without-a-message"),
    pytest.param(["start", "close: visitor", "close: visitor"], [START, *CLOSED], id="closed-once"),
    pytest.param(["start", "snooze", "pend"], [START], id="other-statuses-are-silent"),
    # Again.
    pytest.param([*TALK, "close: ana", "say: Again"], [*TALKED, *CLOSED, START, RECEIVED], id="writes-again"),
    pytest.param([*TALK, "close: ana", "reopen"], [*TALKED, *CLOSED, START], id="reopened"),
    pytest.param(
        ["say: Hi", "close: visitor", "reopen", "close: ana"],
        [START, RECEIVED, UNREAD, *CLOSED, START, *CLOSED],
        id="nothing-to-read-in-the-second-session",
    ),
    pytest.param([*TALK, "close: ana", "reopen", "close: ana"], [*TALKED, *CLOSED, START, *CLOSED], id="closed-again"),
    pytest.param([*TALK, "snooze", "say: Again"], [*TALKED, RECEIVED], id="a-snoozed-session-goes-on"),
    pytest.param([*TALK, "snooze", "reopen"], TALKED, id="reopened-while-its-session-goes-on"),
    # Offline: the session ends, the conversation waits.
    pytest.param(["offline_message: Hi"], [START, RECEIVED, UNREAD, END], id="offline"),
    pytest.param(
        ["offline_message: Hi", "close: ana"], [START, RECEIVED, UNREAD, END, ENDED], id="offline-then-closed"
    ),
    pytest.param(["offline_message: Hi", "say: Yo"], [START, RECEIVED, UNREAD, END, START, RECEIVED], id="back-again"),
    pytest.param(["offline_message: A", "offline_message: B"], [START, RECEIVED, UNREAD, END] * 2, id="offline-twice"),
    # Beside the conversation.
    pytest.param(["operator: {who: ana, goes: online}"], ["operator.online"], id="online"),
    pytest.param(["operator: {who: ana, goes: offline}"], ["operator.offline"], id="offline-operator"),
    pytest.param(["operator: {who: ana, goes: away}"], ["operator.away"], id="away"),
    pytest.param(["operator: {who: ana, goes: back}"], ["operator.back"], id="back"),
    pytest.param(["contact: {created: {name: Dana}}"], ["contact.created"], id="contact-created"),
    pytest.param(["contact: {updated: {email: d@example.com}}"], ["contact.updated"], id="contact-updated"),
    pytest.param(["configure_widget: {rating_enabled: false}"], [CONFIG], id="widget"),
    # The manual send: queued, carried out after the events of the next change of status.
    pytest.param(["say: Hi", "send_to_api", "say: There"], [START, RECEIVED, RECEIVED], id="only-queued"),
    pytest.param([*TALK, "send_to_api", "close: ana"], [*TALKED, *CLOSED, ENDED], id="sent-when-closed"),
    pytest.param([*TALK, "send_to_api", "snooze"], [*TALKED, START], id="sent-when-snoozed"),
    pytest.param([*TALK, "send_to_api", "send_to_api", "pend", "snooze"], [*TALKED, START], id="sent-once"),
    pytest.param(["send_to_api", "snooze", "start"], [START], id="not-before-there-is-a-session"),
    pytest.param(["start", "send_to_api", "miss"], [START, *CLOSED, ENDED], id="sent-when-missed"),
    pytest.param(["start", "snooze", "send_to_api", "reopen"], [START, START], id="sent-when-taken-up-again"),
    pytest.param(
        ["start", "close: ana", "send_to_api", "say: Again"],
        [START, *CLOSED, START, START, RECEIVED],
        id="sent-when-reopened",
    ),
    pytest.param(
        ["offline_message: Hi", "send_to_api", "snooze"],
        [START, RECEIVED, UNREAD, END, END],
        id="sent-when-only-its-session-has-ended",
    ),
    pytest.param(
        ["offline_message: Hi", "send_to_api", "pend", "send_to_api", "snooze"],
        [START, RECEIVED, UNREAD, END, END, END],
        id="sent-twice",
    ),
]


@pytest.mark.parametrize(("steps", "expected"), STORIES)
def test_the_events_of_a_story_in_order(steps: list[str], expected: list[str]) -> None:
    # A scenario must send something; a last configuration of the widget makes the silent ones sound.
    assert names(*steps, "configure_widget: {}") == [*expected, CONFIG]


@pytest.mark.parametrize(("steps", "expected"), STORIES)
def test_every_body_is_identified_by_its_shape(steps: list[str], expected: list[str]) -> None:
    for event in play(*steps, "configure_widget: {}"):
        body = json.loads(event.body)
        assert PROFILE.identify(body) == event.name


def test_every_documented_event_is_reached() -> None:
    reached = {name for story in STORIES for name in story.values[1]}
    assert reached == set(PROFILE.event_names()) == set(CONTRACT.events)
    assert len(reached) == 18


def test_the_table_of_verbs_is_what_the_verbs_cause() -> None:
    caused: dict[str, set[str]] = {}
    for head, story in product((HEAD, NEW), STORIES):
        scenario = library.load_text(
            head + "".join(f"  - {step}\n" for step in [*story.values[0], "configure_widget: {}"]), "story.yaml"
        )
        run = timeline.Run(scenario, VENDOR, PROFILE, 0, 0)
        for event in timeline.events(run, 1):
            caused.setdefault(scenario.steps[event.step].verb.name, set()).add(event.name)
    assert set(caused) == set(verb_events(PROFILE))
    for verb, events in caused.items():
        assert events == set(verb_events(PROFILE)[verb]), verb


def test_how_it_is_delivered() -> None:
    [event] = play("start")
    assert (event.method, event.headers) == ("POST", {"Content-Type": "application/JSON"})
    assert PROFILE.policy.accepted.value == {200}
    assert PROFILE.policy.accepted.provenance == "documented"
    assert PROFILE.policy.read_timeout.provenance == "assumed"


def test_a_session_to_the_letter() -> None:
    body = last(
        "start: {page: {url: 'https://a.example/', title: A}}", "navigate: {url: 'https://b.example/'}", "say: Hi"
    )
    made_up = ("client_uuid", "browser_name", "browser_os", "browser_version", "loc_city")
    assert all(isinstance(body.pop(key), str) for key in made_up)
    assert body == {
        "_type": "chat_session",
        "_event": "message_received",
        "id": 71,
        "status": "new",
        "created_at": "2026-01-05 09:00:00",
        "ended_at": None,
        "duration": "00:00:00",
        "chat_widget": {"id": 208, "name": "Acme"},
        "chat_widget_goal": {"id": None, "name": None},
        "client_name": "Dana Kessler",
        "client_email": "dana@example.com",
        "client_additional01_name": None,
        "client_additional01_value": None,
        "client_additional02_name": None,
        "client_additional02_value": None,
        "client_additional03_name": "Customer ID",
        "client_additional03_value": "crm-4711",
        "data_privacy": False,
        "rate": None,
        "feedback_message": None,
        "post_survey_option": None,
        "inital_url": "https://a.example/",
        "url": "https://b.example/",
        "referrer": None,
        "topic": None,
        "loc_country": "Germany",
        "loc_lat": None,
        "loc_lon": None,
        "marked_read": False,
        "was_proactive": False,
        "page_impressions": 2,
        "visits": 1,
        "messages": [{"message": "Hi", "person": "Dana Kessler", "sent_at": "2026-01-05 09:00:00", "type": "co"}],
        "notes": [],
        "operator_created": None,
        "operator_created_id": None,
        "operator_current": None,
        "operator_current_id": None,
    }


def test_an_operator_to_the_letter() -> None:
    assert last("operator: {who: ben, goes: away}") == {
        "_type": "operator",
        "_event": "away",
        "id": 13,
        "operator_group_id": 7452,
        "operator_group": {"id": 7452, "name": "Support"},
        "name": "Ben",
        "first_name": "Ben",
        "last_name": "",
        "email": "ben@example.com",
        "username": "ben",
        "jid": "ben@example.com",
        "is_active": True,
        "role": "a",
        "role_name": "Admin",
        "lang": "de",
        "locale": "de_DE",
        "timezone": "UTC",
        "dashboard_url": "https://userlike.example.com/dashboard/config/operator/edit/13",
        "url_image": "userlike.example.com/operators/13_80x80.jpg",
    }


@pytest.mark.parametrize(
    ("steps", "fields"),
    [
        pytest.param(
            [*TALK, "wait: 173.9s", "close: ana"],
            {"created_at": "2026-01-05 09:00:00", "ended_at": "2026-01-05 09:02:54", "duration": "00:02:53"},
            id="dates-have-no-zone-and-are-truncated",
        ),
        pytest.param([*TALK, "wait: 101h", "close: ana"], {"duration": "101:00:00"}, id="long-duration"),
        pytest.param([*TALK, "close: ana"], {"_type": "conversation", "status": "ended"}, id="ended-conversation"),
        pytest.param([*TALK, "close: ana", "rate: 4"], {"status": "new", "rate": 4}, id="status-of-a-session"),
        pytest.param(["trigger: Welcome", "start"], {"was_proactive": True}, id="proactive"),
        pytest.param(["say: Hi", JOIN_ANA, "goal: Buy"], {"marked_read": True}, id="marked-read"),
        pytest.param([*TALK, "rate: {score: 2, comment: Bad}"], {"rate": 2, "feedback_message": "Bad"}, id="comment"),
        pytest.param(
            [*TALK, "rate: {score: 2, comment: Bad}", "feedback: Well"],
            {"feedback_message": "Well"},
            id="last-feedback",
        ),
        pytest.param(["start", "survey: Satisfied"], {"post_survey_option": "Satisfied"}, id="survey"),
        pytest.param(
            ["start", "survey: {speed: 5, tone: good}"], {"post_survey_option": "5, good"}, id="survey-answers"
        ),
        pytest.param(["say: {attachments: ['https://f.example/a.pdf']}"], {"id": 71}, id="file"),
        pytest.param(
            ["say: Hi", "assign: ana", "assign: ben"],
            {"operator_created_id": 5, "operator_current_id": 13},
            id="forward",
        ),
        pytest.param(
            ["say: Hi", "join: ben", "goal: Buy"], {"operator_created_id": 13, "operator_current_id": 13}, id="joined"
        ),
        pytest.param(
            ["say: Hi", JOIN_ANA, "leave: ana", "goal: Buy"],
            {"operator_created_id": 5, "operator_current_id": None, "operator_current": None},
            id="left-alone",
        ),
        pytest.param(
            ["configure_widget: {name: Shop}", "say: Hi"],
            {"chat_widget": {"id": 208, "name": "Shop"}},
            id="widget-name",
        ),
        pytest.param(
            [*TALK, "send_to_api", "snooze"], {"_event": "start", "status": "new", "ended_at": None}, id="manual-send"
        ),
        pytest.param([*TALK, "send_to_api", "close: ana"], {"status": "ended"}, id="manual-send-of-an-ended-one"),
        pytest.param(["offline_message: Hi"], {"_event": "end", "ended_at": "2026-01-05 09:00:00"}, id="offline"),
    ],
)
def test_fields_that_a_story_sets(steps: list[str], fields: dict[str, Any]) -> None:
    body = last(*steps)
    assert {key: body[key] for key in fields} == fields


def test_a_goal_has_an_id_of_its_own() -> None:
    first, second = last("start", "goal: Buy")["chat_widget_goal"], last("start", "goal: Sell")["chat_widget_goal"]
    assert (first["name"], second["name"]) == ("Buy", "Sell")
    assert first["id"] != second["id"]


def test_a_group_that_a_chat_waits_in_has_the_id_it_has_as_an_agents_group() -> None:
    body = last("say: Hi", "assign: ana", "assign: {team: Support}")
    assert body["operator_group"] == {"id": 7452, "name": "Support"}
    assert body["operator_current"] is None
    assert body["operator_created"] == {
        "id": 5,
        "name": "Ana Novak",
        "first_name": "Ana",
        "last_name": "Novak",
        "email": "ana@example.com",
        "operator_group": {"id": 2049, "name": "Sales"},
    }
    assert "operator_group" not in last("say: Hi", "assign: {team: Sales}", "join: ben", "goal: Buy")


def test_messages_and_notes_are_told_as_they_are_now() -> None:
    body = last(
        "say: One",
        "trigger: Two",
        "note: {by: ana, text: Secret}",
        "say: {by: ana, text: Three}",
        "say: {attachments: [{name: a.pdf, url: 'https://f.example/a.pdf'}]}",
        "edit: {message: 1, text: Uno}",
        "delete: 4",
        "close: ana",
    )
    assert [(message["message"], message["person"]) for message in body["messages"]] == [
        ("Uno", "Dana Kessler"),
        ("Two", ""),
        ("https://f.example/a.pdf", "Dana Kessler"),
    ]
    note = {"body": "Secret", "operator_id": 5, "name": "Ana Novak", "sent_at": "2026-01-05 09:00:00"}
    assert body["notes"] == [note]


def test_a_body_tells_the_moment_it_was_made_at() -> None:
    counts = [len(json.loads(event.body)["messages"]) for event in play("say: A", "say: B", "say: C")]
    assert counts == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("custom", "steps", "expected"),
    [
        pytest.param("", [], None, id="none-is-left-out"),
        pytest.param("custom: {plan: pro, seats: 5}", [], {"plan": "pro", "seats": 5}, id="scalars"),
        pytest.param("custom: {plan: {label: Plan, value: pro}}", [], {"plan": "pro"}, id="value-of-a-labelled-one"),
        pytest.param("custom: {a: 1}", ["attributes: {a: 2, b: [x]}"], {"a": 2, "b": ["x"]}, id="attributes"),
    ],
)
@pytest.mark.parametrize("verb", ["say: Hi", "close: visitor"])
def test_custom_data(custom: str, steps: list[str], expected: dict[str, Any] | None, verb: str) -> None:
    head = HEAD.replace("referer: null}", f"referer: null, {custom}}}" if custom else "referer: null}")
    assert last(*steps, verb, head=head).get("custom") == expected


def test_what_the_visitor_has_not_is_empty_or_null() -> None:
    head = HEAD.replace(
        "name: Dana Kessler, email: dana@example.com, identifier: crm-4711",
        "name: null, email: null, identifier: null, city: null, browser: null",
    )
    body = last("say: Hi", head=head)
    assert (body["client_name"], body["client_email"], body["browser_name"]) == ("", "", "")
    assert (body["client_additional03_name"], body["client_additional03_value"], body["loc_city"]) == (None, None, None)


def test_a_contact_tells_its_new_data() -> None:
    body = last("contact: {updated: {phone: '+1 202 555 0134', custom: {plan: pro}}}")
    assert body["id"] == 902
    assert (body["client_additional01_name"], body["client_additional01_value"]) == ("Phone number", "+1 202 555 0134")
    assert body["custom"] == {"plan": "pro"}


CREATED, UPDATED = "contact.created", "contact.updated"


@pytest.mark.parametrize(
    ("head", "steps", "expected"),
    [
        pytest.param(NEW, ["say: Hi", "say: Yes"], [START, RECEIVED, CREATED, RECEIVED], id="a-new-visitor-writes"),
        pytest.param(NEW, ["offline_message: Hi"], [START, RECEIVED, CREATED, UNREAD, END], id="writes-offline"),
        pytest.param(NEW, ["start", JOIN_ANA, ANA_SAYS], [START, SENT], id="a-new-visitor-is-silent"),
        pytest.param(
            NEW, [*TALK, "close: ana", "say: Hi"], [START, RECEIVED, CREATED, SENT, *CLOSED, START, RECEIVED], id="once"
        ),
        pytest.param(NEW, ["contact: {created: {}}", "say: Hi"], [CREATED, START, RECEIVED], id="created-before"),
        pytest.param(NEW, ["say: Hi", "contact: {created: {}}"], [START, RECEIVED, CREATED, UPDATED], id="and-again"),
        pytest.param(HEAD, ["say: Hi"], [START, RECEIVED], id="known"),
        pytest.param(HEAD.replace("id: 902, ", ""), ["say: Hi"], [START, RECEIVED], id="known-by-the-identifier"),
    ],
)
def test_a_new_visitor_who_writes_becomes_a_contact(head: str, steps: list[str], expected: list[str]) -> None:
    assert [event.name for event in play(*steps, head=head)] == expected


def test_widget_settings_add_up() -> None:
    body = last("configure_widget: {rating_enabled: false}", "configure_widget: {colour: blue, goals: [{id: 1}]}")
    assert (body["rating_enabled"], body["colour"], body["goals"]) == (False, "blue", [{"id": 1}])
    assert (body["id"], body["customer_id"], len(body["widget_key"])) == (208, 208, 64)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("rating_enabled: 1", "as userlike: the setting 'rating_enabled' is of another type; write it like true"),
        ("cookie_expire: true", "as userlike: the setting 'cookie_expire' is of another type; write it like 365"),
        ("_event: ended", "as userlike: '_event' is no setting of a widget; the callback fills it in"),
    ],
)
def test_a_setting_that_breaks_the_contract_is_the_scenarios_mistake(setting: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        play("start", f"configure_widget: {{{setting}}}")
    assert [problem.message for problem in caught.value.problems] == [message]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"_type": "chat_session", "_event": "start"}, "chat_session.start"),
        ({"_type": "um_widget", "_event": "config"}, "um_widget.config"),
        ({"_type": "chat_meta", "_event": "start"}, None),
        ({"_type": "chat_session"}, None),
        ([], None),
    ],
)
def test_a_captured_body_is_told_by_type_and_event(body: Any, expected: str | None) -> None:
    assert PROFILE.identify(body) == expected


@pytest.mark.parametrize(
    ("steps", "change", "pointer"),
    [
        (["say: Hi"], {"inital_url": None}, "/inital_url"),
        (["say: Hi"], {"created_at": "2026-01-05T09:00:00Z"}, "/created_at"),
        (["say: Hi"], {"duration": 12}, "/duration"),
        (["say: Hi"], {"_event": "end"}, "/_event"),
        (["say: Hi"], {"messages": [{"message": "Hi"}]}, "/messages/0"),
        (["start", "rate: 5"], {"rate": None}, "/rate"),
        (["start", "close: ana"], {"status": "new"}, "/status"),
        (["start", "close: ana"], {"ended_at": None}, "/ended_at"),
        (["operator: {who: ana, goes: back}"], {"is_active": "yes"}, "/is_active"),
    ],
)
def test_what_breaks_the_contract(steps: list[str], change: dict[str, Any], pointer: str) -> None:
    event = play(*steps)[-1]
    found = CONTRACT.violations(event.name, json.loads(event.body) | change)
    assert pointer in {violation.pointer for violation in found}


def test_the_contract_is_open_since_todays_bodies_are_published_nowhere() -> None:
    event = play("say: Hi")[-1]
    assert CONTRACT.is_valid(event.name, json.loads(event.body) | {"something_new": 1})
