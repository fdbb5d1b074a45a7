"""A vendor from outside, from `pack new` to the bugs that `check` finds in a receiver: as docs/add-a-vendor.md says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from ports import free_port
from tutorial import PACK, PORT, Reader, ShownCommand, WrittenFile, steps

SECRET = {"ACME_SECRET": "secret"}


def unwrapped(report: str) -> str:
    """The text of a report without its line breaks."""
    return " ".join(report.split())


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    reader = Reader(tmp_path, free_port())
    reader.environment |= SECRET
    codes = []
    with ExitStack() as running:
        for step in steps():
            if isinstance(step, WrittenFile):
                reader.write(step)
                if step.part:  # of the receiver, which is started again
                    running.close()
                    running.enter_context(reader.running("python", "receiver.py"))
            elif "receiver.py" in step.words:
                running.enter_context(reader.running("python", "receiver.py"))
            elif step.words[0] != "export":
                codes.append(followed(reader, step))
    # pack lint misses a scenario, and check finds the bug.
    assert [code for code in codes if code] == [2, 1]
    for tool in (("ruff", "check", PACK), ("ruff", "format", "--check", PACK)):
        assert reader.run(*tool).returncode == 0, tool


def followed(reader: Reader, command: ShownCommand) -> int:
    """Runs a command of the tutorial, which prints what the tutorial shows."""
    done = reader.run(*command.words)
    assert command.missing(done.stdout) == [], done.stdout
    return done.returncode


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody who has written the tutorial's files, and has installed nothing."""
    reader = Reader(tmp_path_factory.mktemp("reader"), free_port())
    reader.environment |= SECRET
    assert reader.run("vendorsim", "pack", "new", "acme", "--python").returncode == 0
    for step in steps():
        if isinstance(step, WrittenFile):
            reader.write(step)
    return reader


BUGS = {
    "another status for one event": (
        'return {"kept": True}',
        'return {"kept": True}, 202 if body["event"] == "chat_rated" else 200',
        "accepts.typical:chat_rated",
    ),
    "no text": ('(body["message"]["text"] or "")', 'body["message"]["text"]', "accepts.minimal:message_created"),
    "any signature": ("if not hmac.compare_digest(", "if False and not hmac.compare_digest(", "authenticates.wrong"),
    "each delivery is a new message": (
        'kept["messages"][body["sequence"]]',
        'kept["messages"][len(kept["messages"])]',
        "idempotent.all_twice:message_created",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("right", "wrong", "check"), BUGS.values(), ids=BUGS)
def test_check_finds_a_bug_in_a_receiver(right: str, wrong: str, check: str, reader: Reader) -> None:
    """The pack is used by its folder, without an installation."""
    file = reader.folder / "receiver.py"
    text = file.read_text("utf-8")
    assert text.count(right) == 1
    file.write_text(text.replace(right, wrong), encoding="utf-8")
    try:
        with reader.running("python", "receiver.py") as url:
            told = ("--to", f"{url}/hook", "--secret-env", "ACME_SECRET", "--probe", f"{url}/chats/{{conversation_id}}")
            done = reader.run("vendorsim", "check", "--vendor", PACK, *told, "--only", check, "--json")
    finally:
        file.write_text(text, encoding="utf-8")
    assert done.returncode == 1, done.stdout
    finding = json.loads(done.stdout)["findings"][0]
    assert finding["check"] == check.partition(":")[0]
    assert f"--vendor {reader.folder / PACK} " in finding["reproduce"]


@pytest.mark.slow
def test_check_says_which_events_no_scenario_leads_to(reader: Reader, tmp_path: Path) -> None:
    pack = shutil.copytree(reader.folder / PACK, tmp_path / PACK)
    scenarios = pack / "src" / "vendorsim_acme" / "scenarios"
    (scenarios / "acme-rated-chat.yaml").unlink()
    with reader.running("python", "receiver.py") as url:
        check = ("vendorsim", "check", "--vendor", str(pack), "--to", f"{url}/hook", "--secret-env", "ACME_SECRET")
        typical = json.loads(reader.run(*check, "--only", "accepts.typical", "--json").stdout)
        told = reader.run(*check, "--only", "accepts:chat_rated").stdout
        (scenarios / "acme-first-message.yaml").unlink()
        nothing = reader.run(*check)
    reason = "no scenario of acme leads to chat_rated: give traffic that has it (--capture), or add a scenario"
    assert typical["checks"] == [{"id": "accepts.typical", "status": "passed", "cases": 6, "reason": reason}]
    assert typical["coverage"]["events"]["no_scenario"] == ["chat_rated"]
    assert f"not judged accepts: {reason}" in unwrapped(told)
    assert "not judged chat_rated: no scenario of acme leads there" in told
    assert nothing.returncode == 2
    assert "nothing can be judged, since no scenario leads to an event of the profile documented" in nothing.stdout


@pytest.mark.slow
def test_check_says_that_no_body_carries_the_id_that_the_probe_is_asked_for(reader: Reader, tmp_path: Path) -> None:
    package = shutil.copytree(reader.folder / PACK, tmp_path / PACK) / "src" / "vendorsim_acme"
    for name, right, wrong in (
        ("bodies.py", '"conversation_id": conversation.id', '"conversation_id": f"chat-{conversation.id}"'),
        ("contracts/documented/objects.schema.json", '"chat": {\n      "type": "integer"', '"chat": {"type": "string"'),
    ):
        text = (package / name).read_text("utf-8")
        assert text.count(right) == 1
        (package / name).write_text(text.replace(right, wrong), encoding="utf-8")
    with reader.running("python", "receiver.py") as url:
        told = ("--to", f"{url}/hook", "--secret-env", "ACME_SECRET", "--probe", f"{url}/chats/{{conversation_id}}")
        check = ("check", "--vendor", str(tmp_path / PACK), *told, "--only", "idempotent")
        done = reader.run("vendorsim", *check)
    told_by_check = unwrapped(done.stdout)
    assert "no body carries this id; in a vendor of your own, let Profile.conversation_id give the id" in told_by_check


TRAFFIC = """
traffic: Two chats
scenarios: [{scenario: acme-rated-chat, vendor: acme}]
arrivals: {process: constant, rate: 10/s}
conversations: 2
"""


@pytest.mark.slow
def test_other_commands_take_the_folder_too(reader: Reader) -> None:
    events = reader.run("vendorsim", "generate", "acme-rated-chat", "--vendor", PACK, "--seed", "1").stdout
    assert [json.loads(line)["event"] for line in events.splitlines()][2:] == ["chat_rated", "chat_closed"]
    (reader.folder / "captured.jsonl").write_text(events, encoding="utf-8")
    (reader.folder / "traffic.yaml").write_text(TRAFFIC, encoding="utf-8")
    for words in (
        ("validate", "--vendor", PACK, "captured.jsonl"),
        ("lint", "--vendor", PACK, "acme-rated-chat"),
        ("load", "traffic.yaml", "--vendor", PACK, "--digest"),
        ("vendors", PACK),
    ):
        done = reader.run("vendorsim", *words)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_page_knows_the_vendor_and_its_scenarios(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reader.environment, "VENDORSIM_PACKS", PACK)
    with reader.running("vendorsim", "serve", "--port", PORT, "--no-journal") as url:
        vendors, scenarios, shown = (
            requests.get(f"{url}/_vendorsim/api/{path}", timeout=20).json()
            for path in ("vendors", "scenarios", "scenarios/acme-rated-chat")
        )
    acme = next(vendor for vendor in vendors if vendor["name"] == "acme")
    events = [event["name"] for event in acme["profiles"][0]["events"]]
    assert events == ["message_created", "chat_rated", "chat_closed"]
    assert not acme.keys() & {"contracts", "scenarios", "docs"}, "paths of this machine"
    names = {found["name"] for found in scenarios if "acme" in found["vendors"]}
    assert names == {"acme-first-message", "acme-rated-chat"}
    assert shown["vendors"] == ["acme"]
