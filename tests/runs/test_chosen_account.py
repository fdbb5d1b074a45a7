"""Which account and inbox a run has: the command line wins over vendorsim.yaml, and that over the scenario."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from command_line import Vendorsim
from receiver import Receiver
from stories import CHAT, written
from vendorsim.runs.config import Config
from vendorsim.server.backend import ServerBackend
from vendorsim.testing import play
from vendorsim.vendorkit.target import Target

NOWHERE = "http://127.0.0.1:9/"
OPTIONS = ("--account", 311, "--inbox", 4)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configured(folder: Path, *targets: str, vendor: str = "messagehub") -> None:
    lines = [f"    - {{{target}}}" for target in targets]
    (folder / "vendorsim.yaml").write_text("\n".join(["targets:", f"  {vendor}:", *lines, ""]))


def ids(target: Receiver) -> tuple[set[int], set[int]]:
    """The accounts and inboxes of the messages that a target got."""
    messages = [request.json for request in target.requests if request.json["event"] == "message_created"]
    return {body["account"]["id"] for body in messages}, {body["inbox"]["id"] for body in messages}


@pytest.mark.parametrize(
    ("of_scenario", "of_file", "options", "account", "inbox"),
    [
        ("account: {id: 7}", "", (), 7, None),
        ("account: {id: 7}", "account: 8, inbox: 9", (), 8, 9),
        ("account: {id: 7}", "account: 8, inbox: 9", ("--account", 10), 10, 9),
        ("account: {id: 7}", "account: 8, inbox: 9", OPTIONS, 311, 4),
        ("account: {id: 7}", "inbox: 9", (), 7, 9),
    ],
)
def test_what_wins(
    vendorsim: Vendorsim,
    elsewhere: Path,
    of_scenario: str,
    of_file: str,
    options: tuple[object, ...],
    account: int,
    inbox: int | None,
) -> None:
    story = written(elsewhere, f"{of_scenario}\n{CHAT}")
    with Receiver() as target:
        configured(elsewhere, f"url: '{target.url()}', {of_file}".rstrip(", "))
        assert vendorsim("play", story, "--vendor", "messagehub", *options).code == 0
    accounts, inboxes = ids(target)
    assert accounts == {account}
    assert inboxes == {inbox} or (inbox is None and len(inboxes) == 1)


def test_a_target_that_is_replaced_has_no_say(vendorsim: Vendorsim, elsewhere: Path) -> None:
    with Receiver() as target:
        configured(elsewhere, f"url: '{NOWHERE}', account: 8, inbox: 9")
        vendorsim("play", written(elsewhere, CHAT), "--vendor", "messagehub", "--to", target.url())
    assert {8, 9}.isdisjoint(set.union(*ids(target)))


def test_targets_of_several_accounts_need_a_choice(vendorsim: Vendorsim, elsewhere: Path) -> None:
    story = written(elsewhere, CHAT)
    with Receiver() as one, Receiver() as other:
        configured(elsewhere, f"url: '{one.url()}', account: 8", f"url: '{other.url()}', account: 9")
        refused = vendorsim("play", story, "--vendor", "messagehub")
        assert refused.code == 2
        assert "the targets of messagehub have several values of account (8, 9)" in refused.err
        assert "choose it with --account" in refused.err
        assert one.requests == other.requests == []
        assert vendorsim("play", story, "--vendor", "messagehub", "--account", 9).code == 0
    assert ids(one)[0] == ids(other)[0] == {9}


@pytest.mark.parametrize(
    ("vendor", "keys", "message"),
    [
        ("smartsupp", "inbox: 4", "smartsupp sends no id of an inbox; leave it out"),
        ("chatvisor", "account: 4", "chatvisor sends no id of an account; leave it out"),
        ("messagehub", "account: 0", "expected a whole number from 1 to 9007199254740991"),
        ("messagehub", "inbox: web", "expected a whole number from 1 to 9007199254740991"),
        ("messagehub", "inbx: 4", "inbx"),
    ],
)
def test_a_wrong_id_in_the_file_is_named_with_its_place(
    vendorsim: Vendorsim, elsewhere: Path, vendor: str, keys: str, message: str
) -> None:
    configured(elsewhere, f"url: '{NOWHERE}', {keys}", vendor=vendor)
    refused = vendorsim("check", "--vendor", vendor)
    assert refused.code == 2
    assert "vendorsim.yaml:3:" in refused.err
    assert message in refused.err


def test_a_check_is_made_in_the_account_of_the_first_target(vendorsim: Vendorsim, elsewhere: Path) -> None:
    with Receiver() as target:
        configured(elsewhere, f"url: '{target.url()}', account: 8, inbox: 9", f"url: '{NOWHERE}', account: 10")
        only = ("--only", "accepts.typical:message_created")
        report = vendorsim("check", "--vendor", "messagehub", *only, "--json").json
    assert (report["account"], report["inbox"]) == (8, 9)
    assert ids(target) == ({8}, {9})


def test_generate_takes_them_too(vendorsim: Vendorsim, elsewhere: Path) -> None:
    story = written(elsewhere, CHAT)
    lines = vendorsim("generate", story, "--vendor", "userlike", *OPTIONS).lines
    assert {line["body"]["chat_widget"]["id"] for line in lines} == {4}
    alone = vendorsim("generate", story, "--vendor", "userlike", "--account", 311).lines
    assert {line["body"]["chat_widget"]["id"] for line in alone} == {311}
    refused = vendorsim("generate", story, "--vendor", "smartsupp", *OPTIONS)
    assert (refused.code, refused.out) == (2, "")
    assert "inbox 4: smartsupp (documented) sends no id of an inbox" in refused.err


TRAFFIC = """\
traffic: Mixed
scenarios:
  - {scenario: missed-chat, vendor: messagehub}
  - {scenario: missed-chat, vendor: VENDOR}
arrivals: {process: constant, rate: 100/s}
conversations: 6
starts: 2026-01-05T09:00:00Z
"""


def test_load_is_of_one_account(vendorsim: Vendorsim, elsewhere: Path) -> None:
    traffic = elsewhere / "traffic.yaml"
    traffic.write_text(TRAFFIC.replace("VENDOR", "messagehub"))
    with Receiver() as target:
        configured(elsewhere, f"url: '{target.url()}', inbox: 4")
        report = vendorsim("load", traffic, "--account", 311, "--json")
        assert report.code == 0, report.err
        digest = vendorsim("load", traffic, "--account", 311, "--digest").json
    assert ids(target) == ({311}, {4})
    assert report.json["bodies"] == digest


def test_load_names_the_scenario_whose_vendor_has_no_inbox(vendorsim: Vendorsim, elsewhere: Path) -> None:
    traffic = elsewhere / "traffic.yaml"
    traffic.write_text(TRAFFIC.replace("VENDOR", "smartsupp"))
    refused = vendorsim("load", traffic, "--to", NOWHERE, *OPTIONS)
    assert refused.code == 2
    assert "traffic.yaml:4:" in refused.err
    assert "smartsupp (documented) sends no id of an inbox" in refused.err


def test_a_played_scenario_in_a_test_takes_them(elsewhere: Path) -> None:
    with Receiver() as target:
        play(CHAT, target.url(), vendor="messagehub", account=311, inbox=4).assert_passed()
    assert ids(target) == ({311}, {4})


def test_conversations_that_an_api_opens_are_of_the_configured_account() -> None:
    backend = ServerBackend(config=Config(targets={"messagehub": (Target(NOWHERE, account=311, inbox=4),)}))
    try:
        account = backend.stage("messagehub").open().look(lambda conversation: conversation.account)
    finally:
        backend.close()
    assert (account.id, account.inbox) == (311, 4)


def test_without_a_choice_the_bytes_are_as_ever(vendorsim: Vendorsim, elsewhere: Path) -> None:
    story = written(elsewhere, CHAT)
    plain, chosen = (
        vendorsim("generate", story, "--vendor", "messagehub", *options).lines for options in ((), OPTIONS)
    )
    (made_up,) = {orjson.dumps(line["body"]["account"]) for line in plain if line["event"] == "message_created"}
    assert b'"id":311' not in made_up
    assert [line["id"] for line in plain] == [line["id"] for line in chosen]
