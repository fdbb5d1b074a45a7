"""The whole chain: a vendor, a recording, an integration, its calls, the same recording, the vendor's API."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from helpdesk import EndUser, Store, create_app
from ports import free_port
from recorders import recording
from vendorsim.captures.exchange import Direction
from vendorsim.http.server import running_server
from vendorsim.journal.exchanges import exchanges
from vendorsim.journal.store import Journal
from vendorsim.vendorkit.scheme import as_uuid

STORY = "authentication-by-chat"
COUNT = 5
PROFILE = "observed-4.18"
SECRET = "made-up-secret"
TOKEN = "made-up-token-0123"


@contextmanager
def desk(folder: Path, port: int, api: str) -> Iterator[Store]:
    """The helpdesk runs, and calls `end_user` at this URL."""
    folder.mkdir()
    store = Store(folder / "tickets.sqlite")
    end_user = EndUser(api, TOKEN, store)
    try:
        with running_server(create_app(store, end_user, secrets={"messagehub": [SECRET]}), port=port):
            yield store
    finally:
        end_user.close()
        store.close()


def play(vendorsim: Vendorsim, to: str, port: int, count: int = COUNT) -> list[dict[str, Any]]:
    given = ("--vendor", "messagehub", "--profile", PROFILE, "--count", count, "--seed", 5, "--concurrency", 4)
    given += ("--policy", "in_flight=1")
    served = (
        "--serve",
        "--port",
        port,
        "--start",
        "2026-01-05T09:00:00Z",
        "--no-journal",
        "--json",
        "--secret-env",
        "HOOK_SECRET",
    )
    played = vendorsim("play", STORY, *given, "--to", to, *served)
    assert played.code == 0, played.err or played.out
    return played.lines


def tickets(store: Store) -> list[dict[str, Any]]:
    """The final state of every conversation. Whether the vendor knows the visitor's name when he tells his number
    depends on when the integration calls."""
    found = store.tickets(1_000)
    for message in (message for ticket in found for message in ticket["messages"]):
        message["name"] = message["name"] or None
    return sorted(found, key=lambda ticket: str(ticket["conversation_id"]))


@pytest.mark.slow
def test_nothing_is_lost_and_the_final_states_are_equal(
    vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The helpdesk takes signed webhooks only."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    served, hooked, file = free_port(), free_port(), tmp_path / "kept.sqlite"
    api, hook = f"http://127.0.0.1:{served}", f"http://127.0.0.1:{hooked}/hooks/messagehub"
    with desk(tmp_path / "direct", hooked, api) as store:
        direct = play(vendorsim, hook, served)
        states = tickets(store)
    with recording(hook, api, profile=PROFILE, journal=file) as through:
        with desk(tmp_path / "recorded", hooked, f"http://127.0.0.1:{through.api_port}") as store:
            recorded = play(vendorsim, f"http://127.0.0.1:{through.port}", served)
            assert tickets(store) == states
        sent = [line for line in recorded if line["type"] == "attempt"]
        called = [line for line in recorded if line["type"] == "call"]
        assert len(sent) == len([line for line in direct if line["type"] == "attempt"])
        through.told.wait_for(len(sent) + len(called))
    assert through.recording.summary.exit_code == 0

    with closing(Journal(file, must_exist=True)) as journal:
        captured = list(exchanges(journal))
    webhooks = [each for each in captured if each.direction is Direction.WEBHOOK]
    calls = [each for each in captured if each.direction is Direction.CALL]
    ids = [dict(each.headers)["X-Chatwoot-Delivery"] for each in webhooks]
    conversations = {as_uuid(line["delivery"]): line["conversation"] for line in sent}
    assert grouped((conversations[each], each) for each in ids) == grouped(
        (line["conversation"], as_uuid(line["delivery"])) for line in sent
    )
    named = [(each.conversation, str(conversations[id])) for each, id in zip(webhooks, ids, strict=True)]
    assert all(found == known for found, known in named if found is not None)
    assert len(calls) == len(called) == COUNT
    for each in calls:
        assert each.answer is not None
        assert each.answer.status == 202
        assert json.loads(each.body)["identifier"]
        assert dict(each.headers)["Authorization"] == "***"
    assert [each.at for each in captured] == sorted(each.at for each in captured if each.at)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("kept.sqlite*"))
    assert TOKEN.encode() not in kept


@pytest.mark.slow
def test_what_was_recorded_is_scrubbed_replayed_compared_and_made_scenarios(
    vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    served, hooked, file = free_port(), free_port(), tmp_path / "kept.sqlite"
    api, hook = f"http://127.0.0.1:{served}", f"http://127.0.0.1:{hooked}/hooks/messagehub"
    as_vendor = ("--vendor", "messagehub", "--profile", PROFILE)
    sending = ("--to", hook, "--secret-env", "HOOK_SECRET", "--serve", "--port", served, "--no-journal", "--json")
    with (
        recording(hook, api, profile=PROFILE, journal=file) as through,
        desk(tmp_path / "recorded", hooked, f"http://127.0.0.1:{through.api_port}") as store,
    ):
        sent = play(vendorsim, f"http://127.0.0.1:{through.port}", served, count=2)
        through.told.wait_for(len([line for line in sent if line["type"] in ("attempt", "call")]))
        states = tickets(store)

    def replayed(name: str, capture: Path) -> list[dict[str, Any]]:
        """The final states after a replay."""
        with desk(tmp_path / name, hooked, api) as store:
            done = vendorsim("capture", "replay", capture, *as_vendor, *sending)
            assert done.code == 0, done.err or done.out
            return tickets(store)

    # A replay waits for no call of the integration, so it may end before `end_user` is called.
    for ticket in (again := replayed("again", file)) + states:
        ticket["authenticated_as"] = ticket["identifications"] = None
    assert again == states

    clean = tmp_path / "clean.jsonl"
    scrubbed = vendorsim("capture", "scrub", file, *as_vendor, "-o", clean)
    assert scrubbed.code == 0, scrubbed.err
    told = {ticket["visitor"]["email"] for ticket in states} - {None}
    assert told
    assert not [email for email in told if email in clean.read_text()]
    cleaned = replayed("clean", clean)
    assert texts(cleaned) == texts(states), "what people wrote is the same, but for whom it is about"

    drift = vendorsim("capture", "drift", *as_vendor, clean, "--json")
    assert (drift.code, drift.json["findings"]) == (0, [])

    made = vendorsim("scenarios", "from", clean, *as_vendor, "-o", tmp_path / "made", "--json")
    assert made.code == 0, made.err
    assert [each["raw"] for each in made.json] == [0, 0]
    with desk(tmp_path / "told", hooked, api) as store:
        for each in made.json:
            done = vendorsim("play", tmp_path / "made" / each["file"], *as_vendor, *sending)
            assert done.code == 0, done.err or done.out
        assert texts(tickets(store)) == texts(cleaned)


def texts(found: list[dict[str, Any]]) -> list[list[tuple[str, int]]]:
    """Who wrote how much in each conversation, whatever its id is. Of what is written within one second the helpdesk
    does not know the order, since the bodies of conversations have whole seconds."""
    return sorted(
        sorted((message["author"], len(message["text"])) for message in ticket["messages"]) for ticket in found
    )


def grouped(pairs: Iterable[tuple[object, str]]) -> dict[object, list[str]]:
    """What belongs to each conversation, in order."""
    found: dict[object, list[str]] = defaultdict(list)
    for conversation, delivery in pairs:
        found[conversation].append(delivery)
    return found
