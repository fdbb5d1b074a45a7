"""`vendorsim vendors`: what is imitated, and how well it is known."""

from __future__ import annotations

import re
from typing import Any

import pytest
from command_line import Vendorsim
from vendorsim.core.provenance import Stated
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.profile import WEBHOOK, EventKind, Profile, Quirk, TargetKind
from vendorsim.vendorkit.vendor import Vendor

NAMES = ["userlike", "smartsupp", "messagehub", "chatvisor", "ccai"]
PROVENANCES = {"documented", "captured", "reconstructed", "assumed"}
EVENTS = {
    "userlike": {
        "chat_session.start",
        "chat_session.message_received",
        "chat_session.message_sent",
        "chat_session.unread",
        "chat_session.end",
        "chat_session.forward",
        "chat_session.rating",
        "chat_session.feedback",
        "chat_session.survey",
        "chat_session.goal",
        "conversation.ended",
        "operator.online",
        "operator.offline",
        "operator.away",
        "operator.back",
        "contact.created",
        "contact.updated",
        "um_widget.config",
    },
    "smartsupp": {"post_hook"},
    "messagehub": {
        "conversation_created",
        "conversation_updated",
        "conversation_status_changed",
        "message_created",
        "message_updated",
        "webwidget_triggered",
    },
    "chatvisor": {"new_conversation", "new_message"},
    "ccai": set(),
}


def statements(document: Any) -> list[dict[str, Any]]:
    """Everything in a document that says where it is known from."""
    if isinstance(document, list):
        return [found for item in document for found in statements(item)]
    if not isinstance(document, dict):
        return []
    mine = [document] if "provenance" in document else []
    return mine + [found for value in document.values() for found in statements(value)]


def test_the_matrix_has_a_row_per_profile(vendorsim: Vendorsim) -> None:
    shown = vendorsim("vendors")
    assert (shown.code, shown.err) == (0, "")
    head, *rows = shown.out.splitlines()
    assert head.split()[:3] == ["vendor", "profile", "events"]
    assert [row.split()[0] for row in rows if not row.startswith(" ")] == NAMES
    assert [row.split()[1] for row in rows if not row.startswith(" ")] == ["documented"] * 5


def test_the_list_as_json(vendorsim: Vendorsim) -> None:
    listed = vendorsim("vendors", "--json").json
    assert [vendor["name"] for vendor in listed] == NAMES
    for vendor in listed:
        assert vendorsim("vendors", vendor["name"], "--json").json == vendor


@pytest.mark.parametrize("name", NAMES)
def test_events_are_those_that_reports_and_options_name(vendorsim: Vendorsim, name: str) -> None:
    default, *_ = vendorsim("vendors", name, "--json").json["profiles"]
    assert default["name"] == "documented"
    assert {event["name"] for event in default["events"]} == EVENTS[name]
    caused = {event for events in default["verbs"].values() for event in events}
    assert caused == EVENTS[name], "every event is caused by some verb"
    assert not set(default["silent_verbs"]) & {verb for verb, events in default["verbs"].items() if events}


@pytest.mark.parametrize("name", NAMES)
def test_every_statement_says_where_it_is_known_from(vendorsim: Vendorsim, name: str) -> None:
    found = statements(vendorsim("vendors", name, "--json").json)
    assert found
    for statement in found:
        assert statement["provenance"] in PROVENANCES
        assert statement["source"]


@pytest.mark.parametrize(
    ("vendor", "key", "value", "provenance"),
    [
        ("userlike", "accepted", "200", "documented"),
        ("smartsupp", "accepted", "200-299", "assumed"),
        ("messagehub", "accepted", "200-299", "reconstructed"),
        ("messagehub", "read_timeout", "5s", "reconstructed"),
    ],
)
def test_the_delivery_policy(vendorsim: Vendorsim, vendor: str, key: str, value: str, provenance: str) -> None:
    policy = vendorsim("vendors", vendor, "--json").json["profiles"][0]["policy"]
    assert (policy[key]["value"], policy[key]["provenance"]) == (value, provenance)


def test_the_operations_of_an_api(vendorsim: Vendorsim) -> None:
    ccai = vendorsim("vendors", "ccai", "--json").json
    assert [(operation["method"], operation["path"]) for operation in ccai["operations"]][:2] == [
        ("POST", "/apps/api/v1/calls/:call_id/end_user"),
        ("POST", "/apps/api/v1/chats/:chat_id/end_user"),
    ]
    assert ccai["api_verbs"] == ["authenticate", "expect_call"]


@pytest.mark.parametrize(
    ("vendor", "scheme", "signs", "headers", "secrets"),
    [
        ("smartsupp", "smartsupp", "{body}", ["X-Smartsupp-Hmac"], 1),
        ("ccai", "ccai", "{timestamp}{body}", ["X-Signature", "X-Signature-Timestamp"], 2),
        (
            "messagehub",
            "chatwoot",
            "{timestamp}.{body}",
            ["X-Chatwoot-Delivery", "X-Chatwoot-Timestamp", "X-Chatwoot-Signature"],
            1,
        ),
    ],
)
def test_how_a_vendor_signs(
    vendorsim: Vendorsim, vendor: str, scheme: str, signs: str, headers: list[str], secrets: int
) -> None:
    schemes = {row["name"]: row for row in vendorsim("vendors", vendor, "--json").json["signing"]}
    row = schemes[scheme]
    assert (row["message"], list(row["headers"]), row["secrets"]) == (signs, headers, secrets)
    (line,) = (line for line in vendorsim("vendors", vendor).out.splitlines() if line.startswith(f"{scheme} "))
    assert signs in line
    assert all(header in line for header in headers)


BENT = Quirk("twice", "it tells everything twice", "captured", "the log of a day", lambda drafts, *_: drafts * 2)
SLOW = Policy(read_timeout=Stated(1_000, "documented", "its page"))
BOT = TargetKind("bot", frozenset({"closed"}), default=frozenset({"opened"}), policy=SLOW, unfiltered=True)
MADE = Profile(
    "documented",
    "As documented",
    tuple(EventKind(name, f"when it is {name}", "documented", "its page") for name in ("opened", "closed")),
    Policy(),
    target_kinds=(WEBHOOK, BOT),
    quirks=(BENT,),
)


def test_quirks_and_kinds_of_targets(vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "get", lambda name: Vendor(name, "Acme", {MADE.name: MADE}))
    (profile,) = vendorsim("vendors", "acme", "--json").json["profiles"]
    assert profile["quirks"] == [
        {
            "name": "twice",
            "summary": "it tells everything twice",
            "provenance": "captured",
            "source": "the log of a day",
        }
    ]
    webhook, bot = profile["target_kinds"]
    assert webhook == {"name": "webhook", "without": [], "default": None, "unfiltered": False, "policy": {}}
    assert bot == {
        "name": "bot",
        "without": ["closed"],
        "default": ["opened"],
        "unfiltered": True,
        "policy": {"read_timeout": {"value": "1s", "provenance": "documented", "source": "its page"}},
    }
    lines = [" ".join(line.split()) for line in vendorsim("vendors", "acme").out.splitlines()]
    (listed,) = (line for line in lines if line.endswith("] the log of a day"))
    assert f"twice it tells everything twice captured {listed.partition(' ')[0]}" in lines
    assert "webhook none all none" in lines
    assert "bot closed opened (whatever it subscribes to) read_timeout 1s (documented [1])" in lines
    assert "opened when it is opened documented [1]" in lines
    assert lines.count("[1] its page") == 1


@pytest.mark.parametrize("name", NAMES)
def test_one_vendor_for_people(vendorsim: Vendorsim, name: str) -> None:
    shown = vendorsim("vendors", name)
    assert shown.code == 0
    vendor = vendorsim("vendors", name, "--json").json
    assert shown.out.startswith(f"{name}: {vendor['title']}\n")
    words = set(shown.out.replace(",", " ").split())
    for profile in vendor["profiles"]:
        assert f"profile {profile['name']}: {profile['title']}" in shown.out
        assert {event["name"] for event in profile["events"]} <= words
    assert {operation["path"] for operation in vendor["operations"]} <= words
    assert vendor["contracts"] in shown.out


@pytest.mark.parametrize("name", NAMES)
def test_every_source_is_named_once(vendorsim: Vendorsim, name: str) -> None:
    shown = vendorsim("vendors", name).out
    *tables, listed = shown.split("\nsources:\n")
    numbers = {int(number) for number in re.findall(r" \[(\d+)\]", "".join(tables))}
    texts = {int(number): text for number, text in re.findall(r"^ +\[(\d+)\] (.*(?:\n {5,}.*)*)", listed, re.M)}
    assert numbers == set(texts) == set(range(1, len(texts) + 1))
    sources = {statement["source"] for statement in statements(vendorsim("vendors", name, "--json").json)}
    assert {" ".join(text.split()) for text in texts.values()} <= {" ".join(source.split()) for source in sources}
    assert len(set(texts.values())) == len(texts)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mesagehub", "unknown vendor 'mesagehub'; did you mean 'messagehub'?"),
        ("SMARTSUPP", "did you mean 'smartsupp'?"),
        ("acme", "unknown vendor 'acme'; known: userlike, smartsupp, messagehub, chatvisor, ccai"),
    ],
)
def test_an_unknown_name(vendorsim: Vendorsim, name: str, message: str) -> None:
    refused = vendorsim("vendors", name)
    assert refused.code == 2
    assert message in refused.err
    assert refused.out == ""
