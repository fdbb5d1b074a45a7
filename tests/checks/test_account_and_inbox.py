"""`--account` and `--inbox`: all that is sent belongs to the account and the inbox of the integration."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest
from command_line import Vendorsim
from flask import Flask, request
from thorough import few_of
from vendorsim.checks.forms import REMOVED, BodyEdit, applied
from vendorsim.checks.makers import BodyMakers
from vendorsim.checks.model import Verdict
from vendorsim.checks.pinned_ids import PinnedIds
from vendorsim.checks.run import CheckRequest, prepare_checks
from vendorsim.checks.stories import Stories
from vendorsim.checks.value_forms import Body
from vendorsim.checks.waiting import Waiting
from vendorsim.probes.reading import read_probe
from vendorsim.runs.config import Config
from vendorsim.testing.app_server import app_server
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract import contract
from vendorsim.vendorkit.target import Target

# No built-in scenario has this account.
ACCOUNT, INBOX = 311, 4
STARTS = 1_767_603_600_000
# Vendor → the fields with the id of its account, and those with the id of its inbox: of an object, and alone.
FIELDS: Mapping[str, tuple[set[str], set[str]]] = {
    "messagehub": ({"account.id", "account_id"}, {"inbox.id", "inbox_id"}),
    "smartsupp": ({"accountId", "account_id"}, set()),
    "userlike": ({"customer_id"}, {"chat_widget.id", "widget_id"}),
}
PROFILES = [
    *((vendor, name) for vendor in FIELDS for name in registry.get(vendor).profiles),
    ("messagehub", "observed-4.9"),
]


def values(document: Any, wanted: set[str], holder: str = "") -> Iterator[Any]:
    """The values of the wanted fields, wherever they are."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in wanted or f"{holder}.{key}" in wanted:
                yield value
            yield from values(value, wanted, key)
    elif isinstance(document, list):
        for item in document:
            yield from values(item, wanted, holder)


def stories(vendor: str, profile: str, **ids: int) -> Stories:
    known = registry.get(vendor)
    return Stories(known, known.profile(profile), 0, STARTS, **ids)


def told(vendor: str, profile: str, **ids: int) -> list[Any]:
    """The last body of each event of each story."""
    return [orjson.loads(event.body) for event in stories(vendor, profile, **ids).last_events]


@pytest.mark.parametrize(("vendor", "profile"), PROFILES)
def test_no_other_id_occurs_in_what_is_sent(vendor: str, profile: str) -> None:
    of_account, of_inbox = FIELDS[vendor]
    both = {"account": ACCOUNT} | ({"inbox": INBOX} if of_inbox else {})
    bodies = told(vendor, profile, **both)
    assert {str(id) for body in bodies for id in values(body, of_account)} == {str(ACCOUNT)}
    assert {id for body in bodies for id in values(body, of_inbox)} == ({INBOX} if of_inbox else set())


@pytest.mark.parametrize(("vendor", "profile"), [("messagehub", "documented"), ("messagehub", "observed-4.15")])
def test_no_other_id_occurs_in_forms(vendor: str, profile: str) -> None:
    known = stories(vendor, profile, account=ACCOUNT, inbox=INBOX)
    found, pinned = contract(vendor, profile), PinnedIds.of(known.profile, ACCOUNT, INBOX)
    plain = known.sample("message_created").document
    body = Body(
        plain, found.node("message_created"), lambda changed: found.is_valid("message_created", changed), {}, pinned
    )
    changed = [body.full, *(body.changed([form]) for form in body.forms())]
    assert len(changed) > 10
    for wanted, id in zip(FIELDS[vendor], (ACCOUNT, INBOX), strict=True):
        assert {value for each in changed for value in values(each, wanted)} == {id}


def test_without_the_options_the_stories_have_several_accounts() -> None:
    of_account, of_inbox = FIELDS["messagehub"]
    bodies = told("messagehub", "documented")
    assert len({id for body in bodies for id in values(body, of_account)}) > 5
    assert len({id for body in bodies for id in values(body, of_inbox)}) > 5


def test_an_inbox_belongs_to_one_account() -> None:
    bodies = told("messagehub", "documented", inbox=INBOX)
    assert len({id for body in bodies for id in values(body, FIELDS["messagehub"][0])}) == 1


PLAIN: dict[str, Any] = {
    "account": {"id": ACCOUNT, "name": "Acme"},
    "text": "Hi",
    "list": [{"account_id": str(ACCOUNT), "n": 1}],
}


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([BodyEdit(("account", "id"), 1)], PLAIN),
        ([BodyEdit(("account", "id"), REMOVED)], PLAIN),
        ([BodyEdit(("account",), REMOVED)], PLAIN),
        ([BodyEdit(("account",), None)], PLAIN),
        ([BodyEdit(("list", 0, "account_id"), "1")], PLAIN),
        ([BodyEdit(("text",), "Ho")], PLAIN | {"text": "Ho"}),
        ([BodyEdit(("list",), [])], PLAIN | {"list": []}),
        ([BodyEdit(("account", "name"), "")], PLAIN | {"account": {"id": ACCOUNT, "name": ""}}),
        # What the plain body lacks.
        ([BodyEdit(("account_id",), 1)], PLAIN | {"account_id": ACCOUNT}),
        ([BodyEdit(("account_id",), "text")], PLAIN | {"account_id": str(ACCOUNT)}),
        ([BodyEdit(("account_id",), None)], PLAIN | {"account_id": None}),
        ([BodyEdit(("other",), {"account": {"id": 1}})], PLAIN | {"other": {"account": {"id": ACCOUNT}}}),
        (
            [BodyEdit(("list",), [*PLAIN["list"], {"account_id": 1}])],
            PLAIN | {"list": [*PLAIN["list"], {"account_id": ACCOUNT}]},
        ),
    ],
)
def test_a_changed_body_keeps_the_ids(edits: list[BodyEdit], expected: Any) -> None:
    pinned = PinnedIds({("account", "id"): ACCOUNT, ("account_id",): ACCOUNT})
    assert pinned.keep(PLAIN, applied(PLAIN, edits)) == expected


def test_nothing_is_kept_where_no_id_is_chosen() -> None:
    changed = applied(PLAIN, [BodyEdit(("account",), REMOVED)])
    assert PinnedIds().keep(PLAIN, changed) is changed


def shop(refusal: int, chats: dict[str, list[str]]) -> Flask:
    """An integration of one account and, where there are inboxes, one inbox. It answers all others `refusal`."""
    app = Flask("shop")

    @app.post("/<vendor>")
    def hook(vendor: str) -> tuple[str, int]:
        body = request.get_json()
        for wanted, own in zip(FIELDS[vendor], (ACCOUNT, INBOX), strict=True):
            if any(str(id) != str(own) for id in values(body, wanted)):
                return "", refusal
        holder = body.get("conversation") or body.get("data", {}).get("conversation") or body
        chats.setdefault(str(holder.get("id")), []).append(json.dumps(body))
        return "", 200

    return app


def judged(vendor: str, profile: str, refusal: int, only: tuple[str, ...], **options: Any) -> Verdict:
    """The verdict on such an integration, which shows its state."""
    chats: dict[str, list[str]] = {}
    signs = registry.get(vendor).profile(profile).policy.signing.value is not None
    with app_server(shop(refusal, chats)) as server:
        to = Target(f"{server.url}/{vendor}", secret_env=("SHOP_SECRET",) if signs else ())
        asked = CheckRequest(
            vendor,
            profile,
            to=to,
            only=only,
            probe=(read_probe(lambda conversation_id, identifier: chats.get(conversation_id)),),
            # The shop stores a body before it answers.
            waiting=Waiting(state=0.1, rounds=0.0, settle=0.2),
            **options,
        )
        return prepare_checks(asked, Config()).run_to_end(lambda event: None)


PINNED = [("messagehub", "documented"), *(("messagehub", f"observed-{version}") for version in ("2.5", "4.15"))]
PINNED += [("smartsupp", "webhooks")]


@pytest.mark.parametrize(("vendor", "profile"), few_of(PINNED, 1, map("-".join, PINNED), others=pytest.mark.slow))
def test_an_integration_that_refuses_other_accounts_passes_only_in_its_own(
    vendor: str, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_SECRET", "s3cret")
    ids = {"account": ACCOUNT} | ({"inbox": INBOX} if FIELDS[vendor][1] else {})
    own = judged(vendor, profile, 403, ("accepts.typical", "accepts.maximal", "effects.none"), **ids)
    assert (own.findings, own.exit_code) == ([], 0)
    assert judged(vendor, profile, 403, ("accepts.typical",), asks=False).exit_code == 1


@pytest.mark.slow
def test_an_integration_that_ignores_other_accounts_is_seen_to_do_nothing() -> None:
    ids = {"account": ACCOUNT, "inbox": INBOX}
    only = ("accepts.typical", "effects.lost")
    assert judged("messagehub", "documented", 200, only, require=("effects",), **ids).exit_code == 0
    assert judged("messagehub", "documented", 200, only, require=("effects",)).exit_code == 4


def test_all_that_must_be_accepted_is_of_the_account() -> None:
    only = ("accepts.*:message_created", "tolerates.*:message_created", "isolated.foreign")
    assert judged("messagehub", "documented", 403, only, account=ACCOUNT, inbox=INBOX).exit_code == 0


def test_generated_valid_bodies_are_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = stories("smartsupp", "webhooks", account=1).sample("visitor.typing").document

    async def generate(*order: Any) -> None:
        await order[-1](foreign)

    monkeypatch.setattr(BodyMakers, "generate", generate)  # Schemathesis takes seconds.
    monkeypatch.setenv("SHOP_SECRET", "s3cret")
    only = ("fuzz.positive:visitor.typing",)
    found = judged("smartsupp", "webhooks", 403, only, fuzz=True, asks=False, account=ACCOUNT)
    assert (found.findings, found.exit_code) == ([], 0)


class TestTheCommand:
    def test_the_report_and_the_command_of_a_finding_name_the_ids(self, vendorsim: Vendorsim) -> None:
        with app_server(Flask("knows no path")) as server:
            given = ("--to", f"{server.url}/hook", "--only", "accepts.typical", "--account", ACCOUNT, "--inbox", INBOX)
            report = vendorsim("check", "--vendor", "messagehub", *given, "--json").json
        assert (report["account"], report["inbox"]) == (ACCOUNT, INBOX)
        words = shlex.split(report["findings"][0]["reproduce"])
        assert words[words.index("--account") + 1] == str(ACCOUNT)
        assert words[words.index("--inbox") + 1] == "4"

    @pytest.mark.parametrize(
        ("vendor", "options", "message"),
        [
            ("smartsupp", ("--inbox", 4), "inbox 4: smartsupp (documented) sends no id of an inbox; leave it out"),
            ("chatvisor", ("--account", 4), "account 4: chatvisor (documented) sends no id of an account"),
            ("messagehub", ("--account", 0), "0 is not in the range x>=1"),
            ("messagehub", ("--inbox", "web"), "'web' is not a valid integer"),
            ("messagehub", ("--inbox", 2**53), "inbox: expected a whole number from 1 to 9007199254740991"),
            ("messagehub", ("--inbox", 4, "--inbox", 5), "--inbox is given 2 times"),
        ],
    )
    def test_what_can_t_be_chosen_is_an_error(
        self, vendorsim: Vendorsim, vendor: str, options: tuple[object, ...], message: str
    ) -> None:
        done = vendorsim("check", "--vendor", vendor, "--to", "http://127.0.0.1:9/", *options)
        assert done.code == 2
        assert message in done.err
