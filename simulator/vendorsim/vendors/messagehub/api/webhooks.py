"""Operations on webhook subscriptions, which decide where events are sent.

Rules and error texts: source of Chatwoot (chatwoot/chatwoot), app/models/webhook.rb and
app/controllers/api/v1/accounts/webhooks_controller.rb. Targets of the command line and of vendorsim.yaml are
subscriptions too.
"""

from __future__ import annotations

import secrets
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from flask import Blueprint, Response
from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.core.errors import InputError
from vendorsim.http.allowed_targets import refusal
from vendorsim.http.endpoint import endpoint
from vendorsim.vendorkit.backend import Backend, Stage, Subscriptions
from vendorsim.vendorkit.profile import WEBHOOK
from vendorsim.vendorkit.request_body import Fields
from vendorsim.vendorkit.target import Target
from vendorsim.vendors.messagehub.api.requests import (
    BODIES,
    account_id,
    answer,
    body,
    identifier,
    invalid,
    not_found,
    nothing,
    unprocessable,
)

# The most subscriptions that can be created by API.
MOST = 50
LONGEST_URL = 2_048
LONGEST_NAME = 255
PATH = "/api/v1/accounts/<account>/webhooks"


class _Notes(Struct):
    """What is kept of subscriptions beside their targets: the numbers of those made by API, and names."""

    made: set[int] = field(default_factory=set)
    names: dict[int, str] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)


class Webhooks:
    """The subscriptions of the present run. Their ids are the numbers of the targets, from 1."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = Lock()
        self._notes: WeakKeyDictionary[Subscriptions, _Notes] = WeakKeyDictionary()

    def listed(self, account: int) -> list[dict[str, Any]]:
        stage, notes = self._open()
        return [_shown(number, target, stage, notes, account) for number, target in _webhooks(stage)]

    def create(self, account: int, document: Fields) -> dict[str, Any]:
        """Creates a subscription. Where the profile signs, only this answer contains its secret. Raises ApiError."""
        stage, notes = self._open()
        url, name, events = _read(document, stage)
        if url is None:
            raise invalid("url", "is invalid")
        with notes.lock:
            _check_url(url, stage, notes, None)
            if len(notes.made) >= MOST:
                raise unprocessable(f"vendorsim keeps {MOST} webhooks made by API at most")
            target = Target(url, events, kind=WEBHOOK.name)
            secret = secrets.token_urlsafe(18) if stage.signs(WEBHOOK.name) else None
            number = stage.subscribe(target, secret)
            notes.made.add(number)
            if name is not None:
                notes.names[number] = name
        shown = _shown(number, target, stage, notes, account)
        return shown if secret is None else {**shown, "secret": secret}

    def update(self, account: int, webhook: int, document: Fields) -> dict[str, Any]:
        """Changes the given data of a subscription. Raises ApiError."""
        stage, notes = self._open()
        url, name, events = _read(document, stage)
        with notes.lock:
            number, target = _found(webhook, stage)
            if url is not None and url != target.url:
                _check_url(url, stage, notes, number)
            changed = replace(
                target, url=target.url if url is None else url, events=target.events if events is None else events
            )
            stage.resubscribe(number, changed)
            if name is not None:
                notes.names[number] = name
        return _shown(number, changed, stage, notes, account)

    def delete(self, webhook: int) -> None:
        """Removes a subscription. Raises ApiError."""
        stage, notes = self._open()
        with notes.lock:
            number, _ = _found(webhook, stage)
            stage.unsubscribe(number)
            notes.made.discard(number)
            notes.names.pop(number, None)

    def _open(self) -> tuple[Stage, _Notes]:
        stage = self._backend.stage("messagehub")
        with self._lock:
            return stage, self._notes.setdefault(stage.subscriptions, _Notes())


def add_operations(api: Blueprint, backend: Backend) -> None:
    """Adds the operations on webhooks: list, create, update, delete."""
    webhooks = Webhooks(backend)

    @api.get(PATH)
    def list_webhooks(account: str) -> Response:
        return answer({"payload": {"webhooks": webhooks.listed(account_id(backend, account))}})

    @api.post(PATH)
    def create_webhook(account: str) -> Response:
        return answer({"payload": {"webhook": webhooks.create(account_id(backend, account), _record())}})

    @api.patch(f"{PATH}/<webhook>")
    def update_webhook(account: str, webhook: str) -> Response:
        number = account_id(backend, account)
        return answer({"payload": {"webhook": webhooks.update(number, identifier(webhook), _record())}})

    @api.delete(f"{PATH}/<webhook>")
    def delete_webhook(account: str, webhook: str) -> Response:
        account_id(backend, account)
        webhooks.delete(identifier(webhook))
        return nothing()


def _record() -> Fields:
    """The fields of a webhook, at the top of the body or below `webhook`. Raises ApiError."""
    document = body().values
    inner = document.get("webhook", document)
    if not isinstance(inner, dict) or not inner:
        raise unprocessable("param is missing or the value is empty: webhook")
    return Fields(inner, BODIES)


def _read(document: Fields, stage: Stage) -> tuple[str | None, str | None, tuple[str, ...] | None]:
    """URL, name and events of a subscription; None for those that are not given. Raises ApiError."""
    url = document.value("url", str, "text")
    if url is None and "url" in document:
        raise invalid("url", "is invalid")
    name = document.value("name", str, "text")
    if name is not None and len(name) > LONGEST_NAME:
        raise invalid("name", f"is too long (maximum is {LONGEST_NAME} characters)")
    if "subscriptions" not in document:
        return url, name, None
    events = document.values["subscriptions"]
    allowed = _allowed(stage)
    if not isinstance(events, list) or not events or not all(isinstance(e, str) and e in allowed for e in events):
        raise invalid("subscriptions", "Invalid events")
    return url, name, tuple(dict.fromkeys(events))


def _allowed(stage: Stage) -> list[str]:
    """The events that an account's webhook can subscribe to."""
    without = stage.profile.kind(WEBHOOK.name).without
    return [name for name in stage.profile.event_names() if name not in without]


def _check_url(url: str, stage: Stage, notes: _Notes, own: int | None) -> None:
    """Raises ApiError for a URL that is invalid, not allowed, or already taken by another subscription."""
    if len(url) > LONGEST_URL:
        raise invalid("url", f"is too long (maximum is {LONGEST_URL} characters)")
    try:
        endpoint(url)
    except InputError:
        raise invalid("url", "is invalid") from None
    reason = refusal(url, stage.subscriptions.hosts)
    if reason is not None:
        raise invalid("url", f"is not allowed: {reason}")
    if any(target.url == url and number != own for number, target in _webhooks(stage)):
        raise invalid("url", "has already been taken")


def _webhooks(stage: Stage) -> list[tuple[int, Target]]:
    """The targets that are webhooks of an account. Bots and API channels are not subscriptions."""
    return [(number, target) for number, target in stage.targets() if target.kind == WEBHOOK.name]


def _found(webhook: int, stage: Stage) -> tuple[int, Target]:
    for number, target in _webhooks(stage):
        if number + 1 == webhook:
            return number, target
    raise not_found()


def _shown(number: int, target: Target, stage: Stage, notes: _Notes, account: int) -> dict[str, Any]:
    """A subscription in answers. URLs of configured targets are masked, since they can contain secrets."""
    kind = stage.profile.kind(WEBHOOK.name)
    return {
        "id": number + 1,
        "name": notes.names.get(number),
        "url": target.url if number in notes.made else endpoint(target.url).shown,
        "account_id": account,
        "subscriptions": [name for name in _allowed(stage) if kind.gets(name, target.events)],
    }
