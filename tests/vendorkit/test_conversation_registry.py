"""The registry of conversations: by vendor and id, and as sessions by their id alone; handles hold the lock."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from vendorsim.conversation.casting import Opening
from vendorsim.conversation.state import Agent, Conversation
from vendorsim.core.clock import InstantClock
from vendorsim.runs import library
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.runs.timeline import Run
from vendorsim.scenario.verbs import Join, Start
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.conversation_registry import ConversationRegistry

TEXT = "scenario: A chat\nvendors: [userlike]\nsteps: [say: Hello]\n"
STARTS = 1_767_603_600_000
Make = Callable[..., LiveHandle]


def _status(conversation: Conversation) -> str:
    return conversation.status


@pytest.fixture
def make() -> Make:
    """`make("smartsupp", index=1)` gives the handle of a new conversation, whose events go nowhere."""

    def made(vendor: str = "userlike", index: int = 0, opening: Opening | None = None) -> LiveHandle:
        known = registry.get(vendor)
        run = Run(library.load_text(TEXT, "a.yaml"), known, known.default_profile, seed=1, starts=STARTS)
        live = run.conversation(index) if opening is None else run.opened(index, STARTS + 5, opening)
        return LiveHandle(live, InstantClock(), lambda live, events: None)

    return made


def test_a_vendor_finds_its_own_conversations_only(make: Make) -> None:
    known, handle = ConversationRegistry(), make()
    known.add(handle)
    assert known.get("userlike", handle.id) is handle
    assert known.get("chatvisor", handle.id) is None
    assert (known.of("userlike"), known.of("chatvisor")) == ([handle], [])
    assert known.session(handle.id) is None, "it was added for its vendor only"


def test_a_watcher_is_told_of_what_is_added_for_its_vendor(make: Make) -> None:
    known, told, replaced = ConversationRegistry(), list[str](), list[str]()
    known.watch("userlike", lambda handle: replaced.append(handle.id))
    known.watch("userlike", lambda handle: told.append(handle.id))
    first, other = make(), make("smartsupp")
    known.add(first)
    known.add(other)
    known.add_session(make(index=1))
    assert (told, replaced) == ([first.id], [])


def test_a_session_is_found_by_its_id_whatever_its_vendor(make: Make) -> None:
    known, handle = ConversationRegistry(), make()
    known.add_session(handle, ["error", None])
    assert known.session_ids() == [handle.id]
    assert known.take_session(handle.id, "call") is None, "it is a chat"
    answers = [known.take_session(handle.id, "chat") for _ in range(3)]
    assert answers == [(handle, "error"), (handle, None), (handle, None)]
    assert known.of("userlike") == []


def test_a_session_of_the_same_id_replaces_another_one_and_is_not_removed_with_it(make: Make) -> None:
    known, first, second = ConversationRegistry(), make(), make("messagehub")
    assert first.id == second.id
    known.add_session(first)
    known.add_session(second)
    known.remove("userlike", first.id)
    assert known.session(first.id) is second
    known.remove("messagehub", second.id)
    assert known.session(first.id) is None


def test_the_conversations_of_a_run_are_forgotten_and_stay_sessions(make: Make) -> None:
    known, handle, other = ConversationRegistry(), make(), make(index=1)
    for each in (handle, other):
        known.add(each)
        known.add_session(each)
    known.forget("userlike", lambda each: isinstance(each, LiveHandle) and each.run is handle.run)
    assert known.of("userlike") == [other]
    assert known.session(handle.id) is handle
    known.clear()
    assert (known.of("userlike"), known.session_ids()) == ([], [])


def test_an_opening_counts_before_the_cast(make: Make) -> None:
    identity = {"identifier": "crm-1"}
    handle = make(opening=Opening({"name": None, "token": "t"}, identity, account=77, seed=5))
    as_cast = make()

    def read(conversation: Conversation) -> tuple[object, ...]:
        visitor = conversation.visitor
        return visitor.name, visitor.token, conversation.account.id, conversation.seed, conversation.identity

    assert handle.look(read) == (None, "t", 77, 5, identity)
    assert handle.look(lambda c: (c.started_at, c.now)) == (STARTS + 5, STARTS + 5)
    assert handle.look(lambda c: c.visitor.email) == as_cast.look(lambda c: c.visitor.email)
    assert as_cast.look(lambda c: c.identity) is None


def test_what_an_api_call_tells_of_the_visitor_sends_nothing_and_takes_no_time(make: Make) -> None:
    handle = make()
    before = handle.look(lambda conversation: conversation.now)
    handle.identify({"identifier": "crm-2"})
    assert handle.look(lambda conversation: (conversation.identity, conversation.now)) == (
        {"identifier": "crm-2"},
        before,
    )


def test_an_agent_who_is_introduced_can_act(make: Make) -> None:
    handle = make()
    agent = Agent("new@example.com", 1, "New", "New", "", "new@example.com", "Support", 2)
    handle.introduce(agent)
    assert handle.act(Join(agent.key), lambda conversation: conversation.joined) == [agent]


def test_one_thread_at_a_time_reads_or_changes_a_conversation(make: Make) -> None:
    handle = make()
    inside, leave = threading.Event(), threading.Event()
    done: list[str] = []

    def read(conversation: Conversation) -> None:
        inside.set()
        assert leave.wait(10)
        done.append("read")

    def change() -> None:
        handle.act(Start(), _status)
        done.append("changed")

    reading = threading.Thread(target=handle.look, args=(read,))
    reading.start()
    assert inside.wait(10)
    changing = threading.Thread(target=change)
    changing.start()
    leave.set()
    for thread in (reading, changing):
        thread.join(10)
    assert done == ["read", "changed"]
