"""The chats of the Apps API: those created through it, and those that are played."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from vendorsim.conversation.casting import Opening
from vendorsim.conversation.state import BY_VISITOR, Conversation
from vendorsim.scenario import verbs
from vendorsim.scenario.verbs import Verb
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendors.ccai.api.end_users import EndUser
from vendorsim.vendors.ccai.api.objects import chat_object
from vendorsim.vendors.ccai.api.requests import Refused

VENDOR = "ccai"
MOST_CHATS = 20_000
MOST_MESSAGES = 1_000

# The team that an escalated chat goes to.
PEOPLE = "agents"
NOT_FOUND = "Not Found"
ENDED = "Chat is already ended"


class Chats:
    """The chats of a server. Thread-safe. Methods raise Refused if a call can't be carried out.

    Beyond `most` chats created through the API, the oldest is removed. A chat has `most_messages` messages at most.
    """

    def __init__(self, backend: Backend, most: int = MOST_CHATS, most_messages: int = MOST_MESSAGES) -> None:
        self._backend = backend
        self._most = most
        self._most_messages = most_messages
        # Held from the check of a chat to the action on it, so that a chat ends only once.
        self._acting = Lock()
        self._lock = Lock()
        self._begun: OrderedDict[str, tuple[int, str | None]] = OrderedDict()

    def begin(self, user: EndUser, menu_id: int, lang: str | None) -> dict[str, Any]:
        """Creates a chat of that end user, which `end_user` knows at once; returns the chat object."""
        handle = self._backend.stage(VENDOR).open(_opening(user))
        self._backend.conversations.add_session(handle)
        with self._lock:
            self._begun.pop(handle.id, None)
            self._begun[handle.id] = (menu_id, lang)
            oldest = self._begun.popitem(last=False)[0] if len(self._begun) > self._most else None
        if oldest is not None:
            self._backend.conversations.remove(VENDOR, oldest)
        return handle.act(verbs.Start(), self._document)

    def find(self, chat_id: str) -> ConversationHandle:
        """Returns the chat with that id. Raises Refused if there is none, or if it is a phone call."""
        handle = self._backend.conversations.get(VENDOR, chat_id)
        if handle is None or handle.look(lambda conversation: conversation.channel) != "chat":
            raise Refused(404, NOT_FOUND)
        return handle

    def say(self, chat: ConversationHandle, from_user_id: int, text: str) -> None:
        """Adds a message of the end user."""

        def next_verb(conversation: Conversation) -> Verb:
            _must_be_open_to(conversation, "from_user_id", from_user_id)
            if len(conversation.messages) >= self._most_messages:
                raise Refused(409, f"a chat takes {self._most_messages} messages here")
            return verbs.Say(text)

        self._act(chat, next_verb)

    def show(self, chat: ConversationHandle) -> dict[str, Any]:
        """Returns the chat object."""
        return chat.look(self._document)

    def escalate(self, chat: ConversationHandle) -> dict[str, Any]:
        """Hands the chat to the people; returns the id of the escalation, which is that of the chat here."""

        def next_verb(conversation: Conversation) -> Verb:
            if conversation.ended:
                raise Refused(409, ENDED)
            return verbs.Assign((None, PEOPLE))

        return {"id": self._act(chat, next_verb)["id"]}

    def finish(self, chat: ConversationHandle, by_user_id: int) -> dict[str, Any]:
        """Ends the chat for the end user; returns the chat object."""

        def next_verb(conversation: Conversation) -> Verb:
            _must_be_open_to(conversation, "finished_by_user_id", by_user_id)
            return verbs.Close(BY_VISITOR)

        return self._act(chat, next_verb)

    def _act(self, chat: ConversationHandle, next_verb: Callable[[Conversation], Verb]) -> dict[str, Any]:
        with self._acting:
            return chat.act(chat.look(next_verb), self._document)

    def _document(self, conversation: Conversation) -> dict[str, Any]:
        with self._lock:
            menu_id, lang = self._begun.get(str(conversation.id), (None, None))
        return chat_object(conversation, menu_id, lang)


def _opening(user: EndUser) -> Opening:
    """Returns an opening whose visitor has the known details of that end user, and no others."""
    details = {name: user.details.get(name) for name in ("name", "email", "phone")}
    visitor = {"id": user.id, "identifier": user.identifier, **details}
    return Opening(visitor, identity={"identifier": user.identifier, **user.details})


def _must_be_open_to(conversation: Conversation, key: str, user_id: int) -> None:
    """Raises Refused if the chat has ended, or if the user is not its end user."""
    if conversation.ended:
        raise Refused(409, ENDED)
    if user_id != conversation.visitor.id:
        raise Refused(403, f"{key} is not the end user of this chat")
