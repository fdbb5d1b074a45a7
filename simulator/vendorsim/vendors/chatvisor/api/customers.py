"""The customers of the conversations that are being played: what the API reads and changes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vendorsim.conversation.casting import Opening
from vendorsim.conversation.state import Agent, Conversation
from vendorsim.core.times import iso
from vendorsim.scenario.verbs import Assign, Attributes, Contact, Join, Label, Verb
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendors.chatvisor import bodies
from vendorsim.vendors.chatvisor.api.users import User, agent_key, same_address
from vendorsim.vendors.chatvisor.bodies import DONE, EXTERNAL_ID, FIRST_NAME, LAST_NAME
from vendorsim.vendors.chatvisor.memory import ChatvisorMemory

_UNKNOWN = Opening({"name": None, "email": None})

Document = dict[str, Any]


class Customers:
    """All customers. A conversation has a customer once the visitor has written, subscribed or been created."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def get(self, customer_id: str) -> ConversationHandle | None:
        """The conversation of a customer. None where there is no such customer."""
        handle = self._backend.conversations.get("chatvisor", customer_id)
        return handle if handle is not None and handle.look(lambda found: _memory(handle).has_customer) else None

    def create(self, given: Document, user: User | None) -> Document:
        """Creates a customer of whom only the given data are known."""
        handle = self._backend.stage("chatvisor").open(_UNKNOWN)
        handle.look(lambda found: _register(handle))
        if user is not None:
            assign(handle, user, None)
        return tag(handle, given)

    def all(self) -> list[Document]:
        """All Customer objects, oldest first."""
        return self._each(customer, lambda memory: memory.has_customer)

    def active(self, user: User | None) -> list[Document]:
        """The customers whose conversation is not done. With a user, only those assigned to that user."""
        found = self._each(customer, lambda memory: memory.status not in (None, DONE))
        return [one for one in found if user is None or same_address(one["assignedUser"] or "", user.email)]

    def find(self, query: str) -> Document | None:
        """The newest customer with a field or label equal to this text. Case is ignored."""
        sought = query.casefold()
        return next((one for one in reversed(self.all()) if sought in _texts(one)), None)

    def conversations(self, since: int) -> list[Document]:
        """The Conversation objects changed at or after a time, in the order of their last changes.

        `since` is in milliseconds since 1970.
        """

        def read(handle: ConversationHandle, found: Conversation) -> tuple[int, Document]:
            return found.now, bodies.conversation(found, _memory(handle).status or DONE)

        known = self._each(read, lambda memory: memory.status is not None)
        changed = sorted((one for one in known if one[0] >= since), key=lambda one: one[0])
        return [{**document, "changedAt": iso(at)} for at, document in changed]

    def cast(self) -> list[Agent]:
        """The agents of the runs that are being played."""
        casts = {id(handle.cast): handle.cast for handle in self._backend.conversations.of("chatvisor")}
        return [agent for cast in casts.values() for agent in cast.values()]

    def _each(
        self, read: Callable[[ConversationHandle, Conversation], Any], wanted: Callable[[ChatvisorMemory], bool]
    ) -> list[Any]:
        def look(handle: ConversationHandle) -> Any:
            return handle.look(lambda found: read(handle, found) if wanted(_memory(handle)) else None)

        found = (look(handle) for handle in self._backend.conversations.of("chatvisor"))
        return [one for one in found if one is not None]


def customer(handle: ConversationHandle, conversation: Conversation) -> Document:
    """The Customer object of a conversation. Its lock must be held."""
    return bodies.customer(conversation, _memory(handle).status)


def tag(handle: ConversationHandle, given: Document) -> Document:
    """Tags a customer; other data stay as they are. Each kind of data is one step of the conversation."""
    for verb in handle.look(lambda found: _tagging(found, given)):
        handle.act(verb, lambda found: None)
    return handle.look(lambda found: customer(handle, found))


def assign(handle: ConversationHandle, user: User | None, team: str | None) -> Document:
    """Assigns the customer to a user or a team."""
    agent = None if user is None else introduced(handle, user)
    return handle.act(Assign((agent, team)), lambda found: customer(handle, found))


def open_chat(handle: ConversationHandle, user: User) -> None:
    """The agent joins the chat, and has so seen it."""
    handle.act(Join(introduced(handle, user)), lambda found: None)


def _register(handle: ConversationHandle) -> None:
    _memory(handle).registered = True


def introduced(handle: ConversationHandle, user: User) -> str:
    """The key by which the conversation knows this user; one who is new to it is introduced."""
    key = handle.look(lambda found: agent_key(found, user))
    if key is None:
        newcomer = user.agent()
        handle.introduce(newcomer)
        key = newcomer.key
    return key


def _tagging(conversation: Conversation, given: Document) -> list[Verb]:
    verbs: list[Verb] = []
    person: Document = {"email": given["email"]} if "email" in given else {}
    attributes: Document = {}
    if "id" in given:
        # In JSON, 123 and 123.0 are the same number.
        attributes[EXTERNAL_ID] = given["id"] if isinstance(given["id"], str) else str(int(given["id"]))
    if FIRST_NAME in given or LAST_NAME in given:
        first, last = bodies.names(conversation)
        attributes[FIRST_NAME] = given.get(FIRST_NAME, first or "")
        attributes[LAST_NAME] = given.get(LAST_NAME, last or "")
        person["name"] = bodies.full_name(attributes[FIRST_NAME], attributes[LAST_NAME])
    if attributes:
        verbs.append(Attributes(attributes))
    if person:
        verbs.append(Contact(updated=person))
    if "labels" in given:
        verbs.append(Label(tuple(dict.fromkeys(given["labels"]))))
    return verbs


def _texts(shown: Document) -> set[str]:
    values = [*shown["labels"], *(value for key, value in shown.items() if key != "labels")]
    return {value.casefold() for value in values if isinstance(value, str)}


def _memory(handle: ConversationHandle) -> ChatvisorMemory:
    memory: ChatvisorMemory = handle.memory
    return memory
