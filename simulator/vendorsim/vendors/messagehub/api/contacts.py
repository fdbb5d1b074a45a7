"""Operations on contacts: list, search, filter, create, show, update, delete, and their conversations and inboxes.

Rules and limits: source of Chatwoot (chatwoot/chatwoot), app/controllers/api/v1/accounts/contacts_controller.rb, the
controllers below contacts/, app/models/contact.rb and app/builders/contact_inbox_builder.rb.

A contact is the visitor of conversations: those with the same visitor's id belong to one contact. A contact made by API
has a conversation that never starts, and which no operation shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from msgspec import Struct
from msgspec.structs import asdict

from vendorsim.conversation.casting import Opening
from vendorsim.conversation.files import type_of
from vendorsim.scenario import verbs
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendorkit.request_body import Fields
from vendorsim.vendors.messagehub.api import filters
from vendorsim.vendors.messagehub.api.conversations import ACCOUNT, is_shown, shown
from vendorsim.vendors.messagehub.api.inboxes import require_inbox
from vendorsim.vendors.messagehub.api.objects import contact_inbox_of, contact_of, slim_inbox_of
from vendorsim.vendors.messagehub.api.requests import (
    account_id,
    answer,
    body,
    chosen,
    files_url,
    identifier,
    invalid,
    not_found,
    nothing,
    number_of,
    positive,
    queried,
    unprocessable,
)
from vendorsim.vendors.messagehub.observed.bodies.conversations import last_activity

CONTACTS = f"{ACCOUNT}/contacts"
CONTACT = f"{CONTACTS}/<record:contact>"
PAGE = 15
MOST_CONVERSATIONS = 20
LONGEST = 255
_SORTS = ("name", "email", "phone_number", "last_activity_at", "created_at")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"\+[1-9][0-9]{1,14}")
# The fields of a visitor, by the names in the bodies.
_NAMES = {
    "name": "name",
    "email": "email",
    "phone_number": "phone",
    "identifier": "identifier",
    "blocked": "blocked",
    "avatar_url": "avatar",
}
_OBJECTS = {"custom_attributes": "custom", "additional_attributes": "additional"}
_NOBODY = {"name": None, "email": None, "phone": None, "identifier": None}
_UNIQUE = ("email", "phone_number", "identifier")


class KnownContact(Struct, frozen=True):
    """A contact: its conversations, oldest first. The newest one has its data."""

    handles: Sequence[ConversationHandle]

    @property
    def newest(self) -> ConversationHandle:
        return self.handles[-1]

    def document(self, *, inboxes: bool = True) -> dict[str, Any]:
        """The contact in answers."""
        found = [handle.look(contact_of) for handle in self.handles]
        document = {**found[-1], "created_at": min(each["created_at"] for each in found)}
        active = [each["last_activity_at"] for each in found if "last_activity_at" in each]
        if active:
            document["last_activity_at"] = max(active)
        if inboxes:
            account = self.newest.look(lambda conversation: conversation.account)
            document["contact_inboxes"] = [contact_inbox_of(source, account) for source in self.sources()]
        return document

    def sources(self) -> list[str]:
        """Its ids in the inbox."""
        return list(dict.fromkeys(handle.look(lambda c: c.visitor.token) for handle in self.handles))

    def visitor(self) -> dict[str, Any]:
        """The fields of the visitor, for a new conversation."""
        return self.newest.look(lambda c: asdict(c.visitor))

    def change(self, values: dict[str, Any], verb: Callable[[dict[str, Any]], verbs.Verb]) -> None:
        """Changes fields of the visitor, in all conversations; the newest one sends what that causes."""
        for handle in self.handles[:-1]:
            handle.describe_visitor(values)
        self.newest.act(verb(values), lambda conversation: None)


def contacts(backend: Backend) -> dict[int, KnownContact]:
    """All contacts by their ids, oldest first. Conversations keep a deleted contact's data, which nobody sees."""
    found: dict[int, list[ConversationHandle]] = {}
    for handle in backend.conversations.of("messagehub"):
        if handle.look(lambda conversation: conversation.visitor.deleted):
            continue
        found.setdefault(handle.look(lambda conversation: conversation.visitor.id), []).append(handle)
    return {number: KnownContact(handles) for number, handles in found.items()}


def contact_with(backend: Backend, number: int) -> KnownContact:
    """The contact with this id. Raises ApiError."""
    found = contacts(backend).get(number)
    if found is None:
        raise not_found()
    return found


def opening_for(known: KnownContact | None, source_id: str | None, account: int) -> Opening:
    """The opening of a conversation of a known contact, or of a new one (None)."""
    return _opening({} if known is None else known.visitor(), source_id, account)


def source_of(document: Fields) -> str | None:
    """The `source_id` of a body. Raises ApiError."""
    source_id: str | None = document.value("source_id", str, "text")
    if source_id is not None and not 0 < len(source_id) <= LONGEST:
        raise unprocessable(f"source_id must be a text of 1 to {LONGEST} characters")
    return source_id


def require_free(backend: Backend, source_id: str | None, own: int | None) -> None:
    """Raises ApiError where another contact has this source id."""
    if source_id is None:
        return
    for number, contact in contacts(backend).items():
        if number != own and source_id in contact.sources():
            raise unprocessable("source_id should be unique")


def add_operations(api: Blueprint, backend: Backend) -> None:
    """Adds the operations on contacts."""
    # Held while a contact is created or changed, since e-mail addresses, phone numbers and identifiers are unique.
    lock = Lock()

    def find(account: str, contact: str) -> tuple[int, KnownContact]:
        account_id(backend, account)
        number = identifier(contact)
        return number, contact_with(backend, number)

    @api.get(CONTACTS)
    def list_contacts(account: str) -> Response:
        account_id(backend, account)
        return answer(_page([each for each in _documents(backend) if _is_identified(each)]))

    @api.post(CONTACTS)
    def create_contact(account: str) -> Response:
        number = account_id(backend, account)
        document = body()
        values, source_id = _read(document), source_of(document)
        require_inbox(backend, number, number_of(document, "inbox_id"))
        with lock:
            _check_unique(backend, values, None)
            require_free(backend, source_id, None)
            handle = backend.stage("messagehub").open(_opening(_NOBODY, source_id, number))
            made = KnownContact([handle])
            made.change({_field(name): value for name, value in values.items()}, verbs.Contact)
        first = made.document()
        return answer({"payload": {"contact": first, "contact_inbox": first["contact_inboxes"][0]}})

    @api.get(f"{CONTACTS}/search")
    def search_contacts(account: str) -> Response:
        account_id(backend, account)
        wanted = request.args.get("q", "").strip().lower()
        if not wanted:
            raise unprocessable("Specify search string with parameter q")
        page = _page([each for each in _documents(backend) if _matches(each, wanted)])
        page["meta"] |= {"count": len(page["payload"]), "has_more": page["meta"]["count"] > _position() + PAGE}
        return answer(page)

    @api.post(f"{CONTACTS}/filter")
    def filter_contacts(account: str) -> Response:
        account_id(backend, account)
        keeps = filters.conditions(body(), filters.CONTACT_KEYS)
        return answer(_page([each for each in _documents(backend) if keeps(each)]))

    @api.get(CONTACT)
    def show_contact(account: str, contact: str) -> Response:
        return answer({"payload": find(account, contact)[1].document()})

    @api.put(CONTACT, endpoint="replace_contact")
    @api.patch(CONTACT)
    def update_contact(account: str, contact: str) -> Response:
        number, found = find(account, contact)
        values = _read(body())
        with lock:
            _check_unique(backend, values, number)
            before = found.visitor()
            changed = {
                _field(name): before[_field(name)] | value if name in _OBJECTS else value
                for name, value in values.items()
            }
            found.change(changed, lambda new: verbs.Contact(updated=new))
        return answer({"payload": found.document()})

    @api.delete(CONTACT)
    def delete_contact(account: str, contact: str) -> Response:
        for handle in find(account, contact)[1].handles:
            handle.act(verbs.Delete(verbs.CONTACT), lambda conversation: None)
        return nothing()

    @api.get(f"{CONTACT}/conversations")
    def list_contact_conversations(account: str, contact: str) -> Response:
        begun = [handle for handle in find(account, contact)[1].handles if handle.look(is_shown)]
        begun.sort(key=lambda handle: handle.look(last_activity), reverse=True)
        return answer({"payload": [shown(handle) for handle in begun[:MOST_CONVERSATIONS]]})

    @api.post(f"{CONTACT}/contact_inboxes")
    def create_contact_inbox(account: str, contact: str) -> Response:
        number, found = find(account, contact)
        document = body()
        source_id, inbox = source_of(document), number_of(document, "inbox_id")
        owner = found.newest.look(lambda conversation: conversation.account)
        if inbox is None:
            raise not_found()
        require_inbox(backend, owner.id, inbox)
        with lock:
            require_free(backend, source_id, number)
            if source_id is None or source_id not in found.sources():
                visitor = found.visitor()
                del visitor["token"]
                handle = backend.stage("messagehub").open(_opening(visitor, source_id, owner.id))
                source_id = handle.look(lambda conversation: conversation.visitor.token)
        return answer(contact_inbox_of(source_id, owner))

    @api.get(f"{CONTACT}/contactable_inboxes")
    def list_contactable_inboxes(account: str, contact: str) -> Response:
        found = find(account, contact)[1]
        owner = found.newest.look(lambda conversation: conversation.account)
        return answer({"payload": [{"inbox": slim_inbox_of(owner), "source_id": found.sources()[-1]}]})


def _opening(visitor: dict[str, Any], source_id: str | None, account: int) -> Opening:
    token = {} if source_id is None else {"token": source_id}
    return Opening({**visitor, **token}, account=account, files=files_url())


def _documents(backend: Backend) -> list[dict[str, Any]]:
    """All contacts in the order that the query asks for; by default by their ids."""
    shows = request.args.get("include_contact_inboxes", "true") == "true"
    found = [contact.document(inboxes=shows) for contact in contacts(backend).values()]
    found.sort(key=lambda each: each["id"])
    if "sort" not in request.args:
        return found
    sort = chosen("sort", (*_SORTS, *(f"-{name}" for name in _SORTS)), "name")
    name = sort.removeprefix("-")

    def place(each: dict[str, Any]) -> Any:
        value = each.get(name) or (0 if name.endswith("_at") else "")
        return value.lower() if isinstance(value, str) else value

    return sorted(found, key=place, reverse=sort.startswith("-"))


def _position() -> int:
    return ((queried("page", positive, 1) or 1) - 1) * PAGE


def _page(found: list[dict[str, Any]]) -> dict[str, Any]:
    start = _position()
    return {
        "meta": {"count": len(found), "current_page": start // PAGE + 1},
        "payload": found[start : start + PAGE],
    }


def _is_identified(document: dict[str, Any]) -> bool:
    """Whether the contact is more than a visit: the list has no others."""
    return any(document[name] for name in _UNIQUE)


def _matches(document: dict[str, Any], wanted: str) -> bool:
    texts = (document[name] for name in ("name", *_UNIQUE))
    return str(document["id"]) == wanted or any(wanted in text.lower() for text in texts if text)


def _field(name: str) -> str:
    return _NAMES.get(name) or _OBJECTS[name]


def _read(document: Fields) -> dict[str, Any]:
    """The data of a contact that a body gives, by their names in bodies. Raises ApiError."""
    values: dict[str, Any] = {}
    for name in _NAMES:
        if name not in document:
            continue
        if name == "blocked":
            values[name] = document.value(name, bool, "true or false", False)
            continue
        text = document.value(name, str, "text")
        if text is not None and len(text) > LONGEST:
            raise invalid(name, f"is too long (maximum is {LONGEST} characters)")
        values[name] = text or None
    for name in _OBJECTS:
        value = document.value(name, dict, "an object")
        if value is not None:
            values[name] = value
    if values.get("avatar_url") is not None:
        # Chatwoot keeps a copy of the picture (app/jobs/avatar/avatar_from_url_job.rb); here one is made up.
        name = urlsplit(values["avatar_url"]).path.rpartition("/")[2]
        values["avatar_url"] = name if type_of(name).startswith("image/") else "avatar.png"
    email, phone = values.get("email"), values.get("phone_number")
    if email is not None:
        if not _EMAIL.fullmatch(email):
            raise invalid("email", "Invalid email")
        values["email"] = email.lower()
    if phone is not None and not _PHONE.fullmatch(phone):
        raise invalid("phone_number", "should be in e164 format")
    return values


def _check_unique(backend: Backend, values: dict[str, Any], own: int | None) -> None:
    """Raises ApiError where another contact has the e-mail address, phone number or identifier."""
    for number, contact in contacts(backend).items():
        if number == own:
            continue
        document = contact.newest.look(contact_of)
        for name in _UNIQUE:
            if values.get(name) is not None and document[name] == values[name]:
                raise invalid(name, "has already been taken")
