"""The customers behind the conversations that are under way, as the API tells of them and acts on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vendorsim.conversation.state import Agent, Conversation
from vendorsim.core.times import iso
from vendorsim.runs.conversation_handle import Handle
from vendorsim.scenario.verbs import Assign, Attributes, Contact, Join, Label, Verb
from vendorsim.server.backend import ServerState
from vendorsim.vendors.chatvisor import payloads
from vendorsim.vendors.chatvisor.inbox import Inbox
from vendorsim.vendors.chatvisor.payloads import DONE, EXTERNAL_ID, FIRST_NAME, LAST_NAME
from vendorsim.vendors.chatvisor.users import User, agent_key, same_address

# So many messages of a chat are shown to an agent, the newest ones.
MOST_MESSAGES = 200

Document = dict[str, Any]


class Customers:
    """What the API says and does. `get` gives None for ids that nobody has."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    def get(self, customer_id: str) -> Handle | None:
        handle = self._state.conversations.get("chatvisor", customer_id)
        return handle if handle is not None and _inbox(handle).has_customer else None

    def create(self, given: Document, user: User | None) -> Document:
        """A new customer, of whom nothing is known but what is given."""
        handle = self._state.stage("chatvisor").open(_unknown)
        _inbox(handle).registered = True
        if user is not None:
            assign(handle, user, None)
        return tag(handle, given)

    def all(self) -> list[Document]:
        """All Customer objects, the oldest first."""
        return self._each(customer, lambda inbox: inbox.has_customer)

    def active(self, user: User | None) -> list[Document]:
        """Those whose conversation is not over; with a user, those of them that are assigned to that user."""
        found = self._each(customer, lambda inbox: inbox.status not in (None, DONE))
        return [one for one in found if user is None or same_address(one["assignedUser"] or "", user.email)]

    def find(self, query: str) -> Document | None:
        """The newest customer of whom any field, or a label, is this text in whatever case."""
        sought = query.casefold()
        return next((one for one in reversed(self.all()) if sought in _texts(one)), None)

    def conversations(self, since: int) -> list[Document]:
        """The Conversation objects in which something happened at that time (milliseconds since 1970) or later, in
        the order of their last changes."""

        def read(handle: Handle, found: Conversation) -> tuple[int, Document]:
            return found.now, payloads.conversation(found, _inbox(handle).status or DONE)

        known = self._each(read, lambda inbox: inbox.status is not None)
        changed = sorted((one for one in known if one[0] >= since), key=lambda one: one[0])
        return [{**document, "changedAt": iso(at)} for at, document in changed]

    def cast(self) -> list[Agent]:
        """The agents of the runs that are played."""
        runs = {id(handle.live.run): handle.live.run for handle in self._state.conversations.of("chatvisor")}
        return [agent for run in runs.values() for agent in run.casting.agents.values()]

    def _each(self, read: Callable[[Handle, Conversation], Any], wanted: Callable[[Inbox], bool]) -> list[Any]:
        def look(handle: Handle) -> Any:
            return handle.look(lambda found: read(handle, found) if wanted(_inbox(handle)) else None)

        found = (look(handle) for handle in self._state.conversations.of("chatvisor"))
        return [one for one in found if one is not None]


def customer(handle: Handle, conversation: Conversation) -> Document:
    """The Customer object of a conversation that stands still."""
    return payloads.customer(conversation, _inbox(handle).status)


def tag(handle: Handle, given: Document) -> Document:
    """Tags a customer: what is not given stays. Each kind of thing is one step of the conversation."""
    for verb in handle.look(lambda found: _tagging(found, given)):
        handle.act(verb, lambda found: None)
    return handle.look(lambda found: customer(handle, found))


def assign(handle: Handle, user: User | None, team: str | None) -> Document:
    """Routes the customer to a user or to a team."""
    agent = None if user is None else handle.look(lambda found: agent_key(found, user))
    return handle.act(Assign((agent, team)), lambda found: customer(handle, found))


def open_chat(handle: Handle, user: User) -> Document:
    """The agent opens the chat, and so has seen it."""
    agent = handle.look(lambda found: agent_key(found, user))
    return handle.act(Join(agent), lambda found: _chat(handle, found))


def _unknown(conversation: Conversation) -> None:
    conversation.visitor.name = conversation.visitor.email = None


def _tagging(conversation: Conversation, given: Document) -> list[Verb]:
    verbs: list[Verb] = []
    person: Document = {"email": given["email"]} if "email" in given else {}
    attributes: Document = {}
    if "id" in given:
        # JSON writes 123 and 123.0 for the same number.
        attributes[EXTERNAL_ID] = given["id"] if isinstance(given["id"], str) else str(int(given["id"]))
    if FIRST_NAME in given or LAST_NAME in given:
        first, last = payloads.names(conversation)
        attributes[FIRST_NAME] = given.get(FIRST_NAME, first or "")
        attributes[LAST_NAME] = given.get(LAST_NAME, last or "")
        person["name"] = payloads.full_name(attributes[FIRST_NAME], attributes[LAST_NAME])
    if attributes:
        verbs.append(Attributes(attributes))
    if person:
        verbs.append(Contact(updated=person))
    if "labels" in given:
        verbs.append(Label(tuple(dict.fromkeys(given["labels"]))))
    return verbs


def _chat(handle: Handle, conversation: Conversation) -> Document:
    status = _inbox(handle).status
    return {
        "customer": customer(handle, conversation),
        "conversation": None if status is None else payloads.conversation(conversation, status),
        "messages": [
            payloads.new_message(conversation, message)
            for message in conversation.public_messages()[-MOST_MESSAGES:]
            if not message.deleted
        ],
    }


def _texts(shown: Document) -> set[str]:
    values = [*shown["labels"], *(value for key, value in shown.items() if key != "labels")]
    return {value.casefold() for value in values if isinstance(value, str)}


def _inbox(handle: Handle) -> Inbox:
    inbox: Inbox = handle.live.memory
    return inbox
