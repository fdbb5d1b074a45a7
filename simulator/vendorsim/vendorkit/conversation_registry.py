"""The registry of the conversations in progress: by vendor and id, and as sessions by id alone.

It returns handles only. A handle holds the conversation's lock while the conversation is read or changed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import NamedTuple

from vendorsim.vendorkit.conversation_handle import ConversationHandle

# Maximum per vendor. Beyond it the oldest conversation is removed, also as a session; its id is unknown then.
MOST = 20_000


class _Session(NamedTuple):
    handle: ConversationHandle
    answers: Iterator[str | None]


class ConversationRegistry:
    """Safe to use from any thread.

    A conversation is added for its vendor's API. It can be added as a session, too: then the identification API finds
    it by its id, whatever its vendor.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_vendor: dict[str, OrderedDict[str, ConversationHandle]] = {}
        self._sessions: dict[str, _Session] = {}
        self._watchers: dict[str, Callable[[ConversationHandle], None]] = {}

    def watch(self, vendor: str, added: Callable[[ConversationHandle], None]) -> None:
        """Calls `added` for each conversation of a vendor that is added from now on, before its first step. It replaces
        the vendor's earlier one. It is called in any thread, and must not wait."""
        with self._lock:
            self._watchers[vendor] = added

    def add(self, handle: ConversationHandle) -> None:
        """Adds a conversation for the vendor's API."""
        with self._lock:
            known = self._by_vendor.setdefault(handle.vendor, OrderedDict())
            known[handle.id] = handle
            if len(known) > MOST:
                name, oldest = known.popitem(last=False)
                session = self._sessions.get(name)
                if session is not None and session.handle is oldest:
                    del self._sessions[name]
            watcher = self._watchers.get(handle.vendor)
        if watcher is not None:
            watcher(handle)

    def add_session(self, handle: ConversationHandle, answers: Sequence[str | None] = ()) -> None:
        """Adds a conversation for the identification API. It replaces a session with the same id.

        `answers` are the forced answers of its first, second, … call. None means a normal answer, and so are the
        answers of all later calls.
        """
        with self._lock:
            self._sessions[handle.id] = _Session(handle, iter(tuple(answers)))

    def remove(self, vendor: str, conversation: str) -> None:
        """Removes a conversation, also as a session."""
        with self._lock:
            if vendor in self._by_vendor:
                self._by_vendor[vendor].pop(conversation, None)
            session = self._sessions.get(conversation)
            if session is not None and session.handle.vendor == vendor:
                del self._sessions[conversation]

    def forget(self, vendor: str, chosen: Callable[[ConversationHandle], bool]) -> None:
        """Removes the conversations of a vendor for which `chosen` is true. They stay as sessions, so that late calls
        get the answer that the session has ended."""
        with self._lock:
            known = self._by_vendor.get(vendor, OrderedDict())
            for name in [name for name, handle in known.items() if chosen(handle)]:
                del known[name]

    def clear(self) -> None:
        """Removes all conversations and sessions."""
        with self._lock:
            self._by_vendor.clear()
            self._sessions.clear()

    def get(self, vendor: str, conversation: str) -> ConversationHandle | None:
        """The conversation with that id, or None."""
        with self._lock:
            known = self._by_vendor.get(vendor)
            return None if known is None else known.get(conversation)

    def of(self, vendor: str) -> list[ConversationHandle]:
        """All conversations of a vendor, oldest first."""
        with self._lock:
            known = self._by_vendor.get(vendor)
            return [] if known is None else list(known.values())

    def session_ids(self) -> list[str]:
        """The ids of all sessions, oldest first."""
        with self._lock:
            return list(self._sessions)

    def session(self, session_id: str) -> ConversationHandle | None:
        """The session with that id, or None."""
        session = self._sessions.get(session_id)
        return None if session is None else session.handle

    def take_session(self, session_id: str, channel: str) -> tuple[ConversationHandle, str | None] | None:
        """The session with that id and channel (`chat` or `call`), and the forced answer of this call, which is
        removed. None if there is no such session."""
        session = self._sessions.get(session_id)
        if session is None or session.handle.look(lambda conversation: conversation.channel) != channel:
            return None
        with self._lock:
            return session.handle, next(session.answers, None)
