"""Userlike, profile `legacy`: which steps send what, in which order, and bodies with exactly the samples' keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpdesk import Store, create_app
from vendorsim.core.errors import DocumentError
from vendorsim.core.event import Event
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.verb_events import verb_events

VENDOR = registry.get("userlike")
PROFILE = VENDOR.profile("legacy")
CONTRACT = contracts.contract("userlike", "legacy")

# The structure of the vendor's samples (github.com/grokify/chathooks, docs/handlers/userlike): keys in their order,
# with the types that were seen. `?` stands for a key that is null in some or all of them.
CHAT_META = """
    _event:str _type:str browser_name:str browser_os:str browser_version:str chat_widget:dict chat_widget_goal:dict
    client_additional01_name:str? client_additional01_value:str? client_additional02_name:str?
    client_additional02_value:str? client_additional03_name:str? client_additional03_value:str? client_email:str
    client_name:str client_uuid:str created_at:str custom:dict data_privacy:bool duration:str ended_at:str?
    feedback_message:str? id:int inital_url:str loc_city:str? loc_country:str? loc_lat:float? loc_lon:float?
    marked_read:bool messages:list notes:list operator_created:dict operator_created_id:int operator_current:dict
    operator_current_id:int page_impressions:int post_survey_option:str? rate:int? referrer:str? status:str topic:str?
    url:str visits:int was_proactive:bool
"""
OPERATOR = """
    _event:str _type:str dashboard_url:str email:str first_name:str id:int is_active:bool jid:str lang:str last_name:str
    locale:str name:str operator_group:dict operator_group_id:int role:str role_name:str timezone:str url_image:str
    username:str
"""
OFFLINE_MESSAGE = """
    _event:str _type:str browser_name:str browser_os:str browser_version:str chat_widget:dict client_email:str
    client_name:str created_at:str custom:dict data_privacy:bool? id:int loc_city:str? loc_country:str? loc_lat:float?
    loc_lon:float? marked_read:bool message:str page_impressions:int screenshot_oid:str? screenshot_url:str? status:str
    topic:str? url:str visits:int
"""
CHAT_WIDGET = """
    _event:str _type:str audio_message_received:bool audio_message_sent:bool audio_only_inactive:bool
    chat_inactive_timeout:int chat_is_typing:str chat_me:str chat_stopped_typing:str colorscheme_hi:str
    colorscheme_lo:str cookie_expire:int custom_css:str custom_header:str custom_url:str customer_id:int
    data_privacy:bool data_privacy_link:str data_privacy_name:str default_message:str default_textarea:str
    delete_empty_transcripts:bool disclaimer_headline:str disclaimer_show:bool disclaimer_text:str drag_enabled:bool
    emit_chat_state:bool facebook_app_id:str facebook_connect:str facebook_integration:str facebook_like_enabled:bool
    facebook_like_headline:str facebook_like_href:str facebook_like_layout:str facebook_like_show_faces:bool
    facebook_like_verb:str favicon_enabled:bool feedback_download_link:str feedback_error:str feedback_expired:str
    feedback_invite_video_meeting:str feedback_no_cookies:str feedback_offline:str feedback_quota:str
    feedback_transfer:str font:str force_ssl:bool forward_message:str geo_type:str goals:list group_select_enabled:bool
    group_select_headline:str hide_button:bool hide_poweredby:bool id:int inactivity_action:bool inactivity_message:str
    inactivity_mode:str inactivity_timeout:int is_default:bool javascript_loader_snippet:str javascript_loader_url:str
    lang:str links_offsite:str links_onsite:str locale:str logo_mode:str logo_upload_url:str logo_url:str
    mobile_mode:str mobile_reduced_size:bool mode_proactive:bool mode_registration:bool mode_remote:bool name:str
    offline_message_body:str offline_message_default_textarea:str offline_message_enter_email:str
    offline_message_enter_name:str offline_message_header:str offline_message_response:str
    offline_message_send_screenshot:str offline_mode:str operator_group_chat_meta:bool operator_group_id:int
    operator_group_offline_message:bool operator_picture_style:str optional_registration:bool orientation:str
    passive_connect:bool post_survey_enabled:bool post_survey_option01:str post_survey_option02:str
    post_survey_option03:str post_survey_option04:str post_survey_question:str pre_survey_enabled:bool
    pre_survey_option01:str pre_survey_option02:str pre_survey_option03:str pre_survey_option04:str
    pre_survey_question:str proactive_message:str proactive_passive_connect:bool proactive_timeout:int quit_message:str
    rating_enabled:bool rating_question:str register_additional01_default:str register_additional01_enabled:bool
    register_additional01_name:str register_additional01_optional:bool register_additional02_default:str
    register_additional02_enabled:bool register_additional02_name:str register_additional02_optional:bool
    register_additional03_default:str register_additional03_enabled:bool register_additional03_name:str
    register_additional03_optional:bool register_body:str register_enter_email:str register_enter_name:str
    register_header:str screenshot_command_enabled:bool screenshot_enabled:bool show_data_privacy_link:bool
    status_url:str tab_color_css:str tab_color_png:str tab_form_css:str tab_icon:str tab_text:str tab_text_label:str
    tab_type:str test_url:str text_color:str tracking:str transition_duration:int twitter_follow_show_username:bool
    twitter_follow_user:str twitter_headline:str twitter_integration:str twitter_mention_text:str
    twitter_mention_user:str twitter_share_hashtag:str twitter_share_show_count:bool twitter_share_text:str
    twitter_share_url:str twitter_share_via:str twitter_type:str widget_external_type:str widget_id:int widget_key:str
    widget_type:str widget_version:int wildcard_cookie:bool
"""
CHAT_OPERATOR = "email:str first_name:str id:int last_name:str name:str operator_group:dict"
NAMED = "id:int name:str"
MESSAGE = "message:str person:str sent_at:str type:str"

HEAD = """
scenario: A story
vendors: [userlike]
locale: de_DE
starts: 2026-01-05T09:00:00.250Z
account: {id: 208, name: Acme}
conversation: {id: 71}
cast:
  visitor: {id: 902, name: Dana Kessler, email: dana@example.com, custom: {zone: b, area: a}}
  agents:
    ana: {id: 5, name: Ana Novak, email: ana@example.com, group: Sales}
    ben: {id: 13, name: Ben, email: ben@example.com, group: Support}
steps:
"""

START, FORWARD, RATING, FEEDBACK = "chat_meta.start", "chat_meta.forward", "chat_meta.rating", "chat_meta.feedback"
SURVEY, GOAL, RECEIVE = "chat_meta.survey", "chat_meta.goal", "chat_meta.receive"
OFFLINE, CONFIG = "offline_message.receive", "chat_widget.config"


def play(*steps: str, head: str = HEAD) -> list[Event]:
    """The events of a scenario with these steps, each one a line of YAML."""
    scenario = library.load_text(head + "".join(f"  - {step}\n" for step in steps), "story.yaml")
    run = timeline.Run(scenario, VENDOR, PROFILE, scenario.seed, scenario.starts or 0)
    return list(timeline.events(run, 1))


def bodies(*steps: str, head: str = HEAD) -> list[Any]:
    return [json.loads(event.body) for event in play(*steps, head=head)]


JOIN_ANA, ANA_SAYS = "join: ana", "say: {by: ana, text: Hello}"
TALK = ["say: Hi", ANA_SAYS]

STORIES = [
    pytest.param(["start"], [START], id="start"),
    pytest.param([*TALK, "say: More"], [START], id="messages-have-no-event"),
    pytest.param(["note: {by: ana, text: VIP}", JOIN_ANA], [START], id="started-once"),
    pytest.param(["trigger: Welcome", "start"], [START], id="trigger-is-silent"),
    pytest.param([JOIN_ANA, "leave: ana", "read: ana"], [START], id="silent-verbs"),
    pytest.param([*TALK, "edit: {message: 1, text: Oh}", "delete: 1"], [START], id="edits-are-silent"),
    pytest.param(["start", "snooze", "reopen"], [START], id="other-statuses-are-silent"),
    pytest.param(["contact: {created: {name: Dana}}", "start", "send_to_api", "snooze"], [START], id="not-then"),
    pytest.param(["say: Hi", "assign: ana"], [START], id="first-assignment"),
    pytest.param(["say: Hi", "assign: ana", "assign: ben"], [START, FORWARD], id="to-another"),
    pytest.param(["say: Hi", JOIN_ANA, "assign: {team: Support}"], [START, FORWARD], id="to-a-group"),
    pytest.param([*TALK, "rate: 5"], [START, RATING], id="rating"),
    pytest.param([*TALK, "rate: {score: 5, comment: Good}"], [START, RATING, FEEDBACK], id="rating-with-comment"),
    pytest.param([*TALK, "feedback: Good"], [START, FEEDBACK], id="feedback"),
    pytest.param([*TALK, "close: ana", "survey: Satisfied"], [START, RECEIVE, SURVEY], id="survey"),
    pytest.param([*TALK, "goal: Checkout"], [START, GOAL], id="goal"),
    pytest.param(["close: visitor"], [START, RECEIVE], id="closed"),
    pytest.param(["miss"], [START, RECEIVE], id="missed"),
    pytest.param(["say: Hi", "close: visitor", "miss"], [START, RECEIVE], id="closed-once"),
    pytest.param([*TALK, "close: ana", "say: Again"], [START, RECEIVE, START], id="writes-again"),
    pytest.param([*TALK, "close: ana", "reopen", "close: ana"], [START, RECEIVE, START, RECEIVE], id="reopened"),
    # An offline message is no chat.
    pytest.param(["offline_message: Hi"], [OFFLINE], id="offline"),
    pytest.param(["offline_message: Hi", "rate: 5", "feedback: Bad", "goal: Buy"], [OFFLINE], id="no-chat-to-rate"),
    pytest.param(["offline_message: Hi", "close: ana", "reopen"], [OFFLINE], id="no-chat-to-close"),
    pytest.param(["offline_message: Hi", ANA_SAYS], [OFFLINE], id="an-answer-is-no-chat"),
    pytest.param(["offline_message: Hi", "say: Yo"], [OFFLINE, START], id="back-again"),
    pytest.param(["say: Hi", "offline_message: Hi"], [START, RECEIVE, OFFLINE], id="a-chat-ends-first"),
    # Beside the conversation.
    *(
        pytest.param([f"operator: {{who: ana, goes: {goes}}}"], [f"operator.{goes}"], id=goes)
        for goes in ("online", "offline", "away", "back")
    ),
    pytest.param(["configure_widget: {rating_enabled: false}"], [CONFIG], id="widget"),
]


@pytest.mark.parametrize(("steps", "expected"), STORIES)
def test_the_events_of_a_story_in_order(steps: list[str], expected: list[str]) -> None:
    played = play(*steps)
    assert [event.name for event in played] == expected
    for event in played:
        body = json.loads(event.body)
        assert PROFILE.identify(body) == event.name


def test_every_event_is_reached_and_the_table_of_verbs_is_what_the_verbs_cause() -> None:
    caused: dict[str, set[str]] = {}
    for story in STORIES:
        text = HEAD + "".join(f"  - {step}\n" for step in story.values[0])
        scenario = library.load_text(text, "story.yaml")
        for event in timeline.events(timeline.Run(scenario, VENDOR, PROFILE, 0, 0), 1):
            caused.setdefault(scenario.steps[event.step].verb.name, set()).add(event.name)
    assert set.union(*caused.values()) == set(PROFILE.event_names()) == set(CONTRACT.events)
    assert caused == {verb: set(events) for verb, events in verb_events(PROFILE).items()}


TYPES = {"str": str, "int": int, "float": float, "bool": bool, "dict": dict, "list": list}


def assert_shape(value: dict[str, Any], shape: str) -> None:
    """The object has exactly these keys, in this order, each with a value of its type."""
    keys = dict(item.split(":") for item in shape.split())
    assert list(value) == list(keys)
    for key, kind in keys.items():
        if value[key] is not None or not kind.endswith("?"):
            assert type(value[key]) is TYPES[kind.rstrip("?")], key


# A chat in which everything is set that can be.
FULL = [
    "start: {page: {url: 'https://a.example/', title: A}}",
    *TALK,
    "assign: ana",
    "assign: ben",
    "note: {by: ben, text: VIP}",
    "goal: Checkout",
    "rate: {score: 5, comment: Good}",
    "close: ben",
    "survey: Satisfied",
]
SHAPES = [
    pytest.param(CHAT_META, 44, FULL, [START, FORWARD, GOAL, RATING, FEEDBACK, RECEIVE, SURVEY], id="chat_meta"),
    pytest.param(CHAT_META, 44, ["start"], [START], id="chat_meta-bare"),
    pytest.param(
        OPERATOR,
        19,
        [f"operator: {{who: ben, goes: {goes}}}" for goes in ("online", "offline", "away", "back")],
        ["operator.online", "operator.offline", "operator.away", "operator.back"],
        id="operator",
    ),
    pytest.param(OFFLINE_MESSAGE, 25, ["offline_message: Hi"], [OFFLINE], id="offline_message"),
    pytest.param(CHAT_WIDGET, 157, ["configure_widget: {name: Shop}"], [CONFIG], id="chat_widget"),
]


@pytest.mark.parametrize(("shape", "count", "steps", "expected"), SHAPES)
def test_bodies_have_exactly_the_keys_of_the_samples(
    shape: str, count: int, steps: list[str], expected: list[str]
) -> None:
    assert len(shape.split()) == count
    played = play(*steps)
    assert [event.name for event in played] == expected
    for event in played:
        assert_shape(json.loads(event.body), shape)


@pytest.mark.parametrize(("shape", "count", "steps", "expected"), SHAPES)
def test_the_contract_asks_for_exactly_these_keys(
    shape: str, count: int, steps: list[str], expected: list[str]
) -> None:
    for event in play(*steps):
        body = json.loads(event.body)
        for item in shape.split():
            key, kind = item.split(":")
            without = {name: value for name, value in body.items() if name != key}
            assert not CONTRACT.is_valid(event.name, without), key
            # Of a type that no key has. What the event is about is not null, whatever the others say.
            wrong = {"no": "such"} if kind.rstrip("?") != "dict" else "text"
            assert not CONTRACT.is_valid(event.name, body | {key: wrong}), key
            if not kind.endswith("?"):
                assert not CONTRACT.is_valid(event.name, body | {key: None}), key


def test_the_parts_of_a_chat_have_the_keys_of_the_samples() -> None:
    body = bodies(*FULL)[-1]
    for key in ("operator_created", "operator_current"):
        assert_shape(body[key], CHAT_OPERATOR)
        assert_shape(body[key]["operator_group"], NAMED)
    for key in ("chat_widget", "chat_widget_goal"):
        assert_shape(body[key], NAMED)
    for message in body["messages"]:
        assert_shape(message, MESSAGE)
    assert list(body["custom"]) == ["area", "zone"], "custom data are in alphabetical order too"


@pytest.mark.parametrize(
    ("steps", "fields"),
    [
        pytest.param(
            ["start"],
            {"messages": [], "rate": None, "feedback_message": None, "post_survey_option": None, "ended_at": None},
            id="start",
        ),
        pytest.param(["start"], {"chat_widget_goal": {"id": None, "name": None}, "notes": []}, id="start-without-goal"),
        pytest.param(
            ["say: Hi", "assign: ana", "assign: ben"],
            {"_event": "forward", "operator_created_id": 5, "operator_current_id": 13},
            id="forward",
        ),
        pytest.param(
            ["say: Hi", "wait: 173.9s", "close: ana"],
            {"created_at": "2026-01-05 09:00:00", "ended_at": "2026-01-05 09:02:54", "duration": "00:02:53"},
            id="receive",
        ),
        pytest.param(["say: Hi", "close: visitor"], {"status": "new", "data_privacy": False}, id="status-stays-new"),
        pytest.param(
            [
                "start: {page: {url: 'https://a.example/', title: A}}",
                "navigate: {url: 'https://b.example/'}",
                "rate: 4",
            ],
            {"inital_url": "https://a.example/", "url": "https://b.example/", "page_impressions": 2},
            id="misspelt-key",
        ),
        pytest.param(["operator: {who: ben, goes: offline}"], {"is_active": True, "last_name": ""}, id="still-active"),
        pytest.param(
            ["wait: 1m", "offline_message: Hi"],
            {"id": 71, "message": "Hi", "created_at": "2026-01-05 09:01:00", "data_privacy": None, "marked_read": True},
            id="offline-message",
        ),
        pytest.param(
            ["offline_message: Hi", "say: Yo", "close: visitor"], {"id": 71, "duration": "00:00:00"}, id="chat"
        ),
        pytest.param(
            ["configure_widget: {font: serif}", "configure_widget: {is_default: true}"],
            {"font": "serif", "is_default": True, "id": 208, "widget_id": 208},
            id="settings-add-up",
        ),
    ],
)
def test_fields_that_a_story_sets(steps: list[str], fields: dict[str, Any]) -> None:
    body = bodies(*steps)[-1]
    assert {key: body[key] for key in fields} == fields


def test_a_rating_comes_before_its_comment_is_known() -> None:
    rating, feedback = bodies("start", "rate: {score: 2, comment: Bad}")[1:]
    assert (rating["rate"], rating["feedback_message"]) == (2, None)
    assert (feedback["rate"], feedback["feedback_message"]) == (2, "Bad")


def test_offline_messages_are_no_messages_of_the_chat_and_have_ids_of_their_own() -> None:
    told = bodies("offline_message: A", "say: B", "edit: {message: 2, text: C}", "offline_message: D", "rate: 1")
    first, start, receive, second, rating = told
    assert [body["_type"] for body in (first, second)] == ["offline_message"] * 2
    assert [body["message"] for body in (first, second)] == ["A", "D"]
    assert first["id"] != second["id"]
    assert [[message["message"] for message in body["messages"]] for body in (start, receive, rating)] == [
        [],
        ["C"],
        ["C"],
    ]


def test_without_custom_data_there_is_an_empty_object() -> None:
    head = HEAD.replace(", custom: {zone: b, area: a}", "")
    assert [body["custom"] for body in bodies("say: Hi", "offline_message: Hi", head=head)] == [{}, {}, {}]


QUIRK = "{feedback: Good, fault: {quirk: feedback-as-rating}}"


def test_the_sample_of_a_feedback_calls_itself_a_rating() -> None:
    _, rating, feedback, plain = play("start", "rate: 5", QUIRK, "feedback: Better")
    assert [event.name for event in (rating, feedback, plain)] == [RATING, FEEDBACK, FEEDBACK]
    said = [json.loads(event.body) for event in (rating, feedback, plain)]
    assert [body["_event"] for body in said] == ["rating", "rating", "feedback"]
    assert [body["feedback_message"] for body in said] == [None, "Good", "Better"]
    assert PROFILE.identify(said[1]) == RATING, "whoever receives it takes it for one"
    assert CONTRACT.is_valid(RATING, said[1])
    quirk = PROFILE.quirk("feedback-as-rating")
    assert quirk is not None
    assert quirk.provenance == "captured"
    assert "feedback.json" in quirk.source


def test_the_documented_profile_has_no_such_quirk() -> None:
    assert VENDOR.default_profile.name == "documented"
    assert VENDOR.default_profile.quirks == ()


@pytest.mark.parametrize("setting", ["font: 3", "wildcard_cookie: 0", "transition_duration: slow", "_type: x"])
def test_a_setting_that_breaks_the_contract_is_the_scenarios_mistake(setting: str) -> None:
    with pytest.raises(DocumentError):
        play("start", f"configure_widget: {{{setting}}}")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"_type": "chat_meta", "_event": "receive"}, RECEIVE),
        ({"_type": "offline_message", "_event": "receive"}, OFFLINE),
        ({"_type": "chat_session", "_event": "start"}, None),
        ({"_type": "chat_meta", "_event": "message_received"}, None),
        ([], None),
    ],
)
def test_a_captured_body_is_told_by_type_and_event(body: Any, expected: str | None) -> None:
    assert PROFILE.identify(body) == expected


@pytest.mark.parametrize("event", ["online", "offline", "away", "back"])
def test_a_callback_about_an_operator_is_of_both_profiles(event: str) -> None:
    """What is known of today's is what the older samples show, so `_type` tells all callbacks apart but these."""
    (body,) = bodies(f"operator: {{who: ana, goes: {event}}}")
    for profile in VENDOR.profiles.values():
        assert profile.identify(body) == f"operator.{event}"
        assert contracts.contract("userlike", profile.name).violations(f"operator.{event}", body) == []


def test_how_new_a_body_is() -> None:
    played = [(event.name, json.loads(event.body)) for event in play("say: Hi", "wait: 5s", ANA_SAYS, "rate: 3")]
    assert PROFILE.order_key is not None
    assert [PROFILE.order_key(*one) for one in played] == ["2026-01-05 09:00:00", "2026-01-05 09:00:05"]
    [offline] = bodies("offline_message: Hi")
    assert PROFILE.order_key(OFFLINE, offline) is None


@pytest.mark.parametrize("profile", ["documented", "legacy"])
def test_the_helpdesk_takes_both_profiles_at_the_same_address(tmp_path: Any, profile: str) -> None:
    store = Store(tmp_path / "tickets.sqlite")
    client = create_app(store).test_client()
    scenario = library.load_text(HEAD + "".join(f"  - {step}\n" for step in FULL), "story.yaml")
    run = timeline.Run(scenario, VENDOR, VENDOR.profile(profile), 0, scenario.starts or 0)
    for event in [*timeline.events(run, 1)] * 2:
        sent = client.post("/hooks/userlike", data=event.body, headers=dict(event.headers))
        assert sent.status_code == 200, sent.text
    found = client.get("/tickets/userlike/71").get_json()
    store.close()
    assert (found["status"], found["rating"], found["feedback"]) == ("closed", 5, "Good")
    assert (found["survey"], found["goal"], found["assignee"]["name"]) == ("Satisfied", "Checkout", "Ben")
    assert [(message["author"], message["text"]) for message in found["messages"]] == [
        ("visitor", "Hi"),
        ("agent", "Hello"),
    ]


def test_the_helpdesk_keeps_an_offline_message_apart_from_the_chat_of_that_number(tmp_path: Any) -> None:
    store = Store(tmp_path / "tickets.sqlite")
    client = create_app(store).test_client()
    for event in play("offline_message: Call me", "say: Hi") * 2:
        assert client.post("/hooks/userlike", data=event.body, headers=dict(event.headers)).status_code == 200
    offline = client.get("/tickets/userlike/offline-71").get_json()
    chat = client.get("/tickets/userlike/71").get_json()
    store.close()
    assert [message["text"] for message in offline["messages"]] == ["Call me"]
    assert (offline["unanswered"], offline["visitor"]["email"]) == (True, "dana@example.com")
    assert (chat["messages"], chat["status"]) == ([], "open")
