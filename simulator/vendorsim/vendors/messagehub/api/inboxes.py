"""Operations that read inboxes and the profile of the token's owner.

Rules: source of Chatwoot (chatwoot/chatwoot), app/controllers/api/v1/accounts/inboxes_controller.rb and
app/controllers/api/v1/profiles_controller.rb. An account has one inbox here, a web widget.
"""

from __future__ import annotations

from flask import Blueprint, Response

from vendorsim.conversation.state import Account
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendors.messagehub.api.conversations import ACCOUNT, of_the_latest
from vendorsim.vendors.messagehub.api.objects import inbox_of, profile_of
from vendorsim.vendors.messagehub.api.requests import account_id, answer, identifier, not_found, plan_has_api
from vendorsim.vendors.messagehub.bodies import inbox_id


def add_operations(api: Blueprint, backend: Backend) -> None:
    """Adds the operations that read inboxes and the profile."""

    @api.get(f"{ACCOUNT}/inboxes")
    def list_inboxes(account: str) -> Response:
        number = account_id(backend, account)
        return answer({"payload": [inbox_of(_account(backend, number))]})

    @api.get(f"{ACCOUNT}/inboxes/<inbox>")
    def show_inbox(account: str, inbox: str) -> Response:
        number = account_id(backend, account)
        require_inbox(backend, number, identifier(inbox))
        return answer(inbox_of(_account(backend, number)))

    @api.get("/api/v1/profile")
    def show_profile() -> Response:
        return answer(of_the_latest(backend, None, lambda c: profile_of(c, plan_has_api(backend))))


def require_inbox(backend: Backend, account: int, inbox: int | None) -> None:
    """Raises ApiError for an id that is not that of the account's inbox. None is no id."""
    if inbox is not None and inbox != inbox_id(_account(backend, account)):
        raise not_found()


def _account(backend: Backend, number: int) -> Account:
    return of_the_latest(backend, number, lambda conversation: conversation.account)
