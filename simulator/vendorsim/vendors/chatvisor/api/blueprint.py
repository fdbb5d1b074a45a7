"""The REST API over HTTP: routes to the customers, the users and the visibility of the chat.

An operation that changes a conversation is one more step of it, and causes the same webhooks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from vendorsim.conversation.state import StepError
from vendorsim.vendorkit.api_calls import tell_calls
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendors.chatvisor.api import customers, operations, requests, users
from vendorsim.vendors.chatvisor.api.account import AgentLogin, ChatvisorAccount
from vendorsim.vendors.chatvisor.api.requests import RefusedError, ValidatedBodies
from vendorsim.vendors.chatvisor.api.users import TooManyUsersError

# The only operation that is a page, without a token: `vendorsim.vendors.chatvisor.pages` has it.
PAGE = "open_agent_chat"
_CHALLENGE = 'Bearer realm="Chatvisor API"'


def blueprint(account: ChatvisorAccount) -> Blueprint:
    """The operations of `contracts/chatvisor/api.openapi.json` that answer with JSON, at the paths given there."""
    api = Blueprint("api", __name__)
    service = _Service(account)
    views = service.views()
    for operation in operations.OPERATIONS:
        if operation.name != PAGE:
            method, rule = operations.rule(operation.name)
            api.add_url_rule(rule, operation.name, views[operation.name], methods=[method])
    api.before_request(service.admit)
    api.register_error_handler(RefusedError, _refused)
    api.register_error_handler(StepError, lambda error: _refused(RefusedError(409, str(error))))
    tell_calls(api, account.backend, "chatvisor", "customer_id", token_parameter=requests.TOKEN_PARAMETER)
    return api


def _refused(error: RefusedError) -> Response:
    response = jsonify(message=error.message)
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


def _created(document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    response = jsonify(document)
    response.status_code = 201
    response.headers.update(headers or {})
    return response


class _Service:
    """The views of the operations."""

    def __init__(self, account: ChatvisorAccount) -> None:
        self._account = account
        self._backend = account.backend
        self._customers = account.customers
        self._users = account.users
        self._bodies = ValidatedBodies()

    def views(self) -> dict[str, Callable[..., Response]]:
        """The view of each operation, by its `operationId`."""
        return {
            "list_customers": self.list_customers,
            "find_customer": self.find_customer,
            "create_customer": self.create_customer,
            "list_active_customers": self.list_active_customers,
            "tag_customer": self.tag_customer,
            "assign_customer": self.assign_customer,
            "make_agent_chat_url": self.make_agent_chat_url,
            "list_conversations": self.list_conversations,
            "list_users": self.list_users,
            "synchronise_users": self.synchronise_users,
            "get_visibility": self.get_visibility,
            "set_visibility": self.set_visibility,
        }

    def admit(self) -> None:
        """Refuses calls without a valid token. A call with a user's token is made by that user. Raises RefusedError."""
        g.user = None
        token = requests.token(request)
        g.user = None if token is None else self._users.of_token(token.token)
        if token is None or (g.user is None and not token.matches(self._backend.token)):
            raise RefusedError(401, "Authentication failed", {"WWW-Authenticate": _CHALLENGE})
        limit = self._backend.rate_limit
        if limit is not None and (wait := limit.wait(token.customer)):
            raise RefusedError(429, "Too Many Requests", {"Retry-After": str(wait)})

    # Customers

    def list_customers(self) -> Response:
        return jsonify(requests.paged(request, self._customers.all()))

    def list_active_customers(self) -> Response:
        return jsonify(requests.paged(request, self._customers.active(g.user)))

    def find_customer(self, query: str) -> Response:
        found = self._customers.find(query)
        if found is None:
            raise RefusedError(404, "no customer matches")
        return jsonify(found)

    def create_customer(self) -> Response:
        given = self._bodies.read("create_customer", request)
        user = self._account.user(given["assignedUser"]) if "assignedUser" in given else None
        return _created(self._customers.create(given, user))

    def tag_customer(self, customer_id: str) -> Response:
        given = self._bodies.read("tag_customer", request)
        return jsonify(customers.tag(self._handle(customer_id), given))

    def assign_customer(self, customer_id: str) -> Response:
        given = self._bodies.read("assign_customer", request)
        handle = self._handle(customer_id)
        user = self._account.user(given["assignedUser"]) if "assignedUser" in given else None
        return jsonify(customers.assign(handle, user, given.get("assignedTeam")))

    def list_conversations(self) -> Response:
        return jsonify(requests.paged(request, self._customers.conversations(requests.since(request))))

    # Agents

    def list_users(self) -> Response:
        return jsonify(requests.paged(request, [user.shown() for user in self._account.all_users()]))

    def synchronise_users(self) -> Response:
        try:
            found = self._users.synchronise(self._bodies.read("synchronise_users", request))
        except TooManyUsersError:
            raise RefusedError(409, f"at most {self._users.most} users are kept") from None
        return jsonify([{**user.shown(), "token": user.token} for user in found])

    def make_agent_chat_url(self, customer_id: str) -> Response:
        """Without `user`, the user of the token is logged in (documented), else the agent in charge."""
        given = self._bodies.read("make_agent_chat_url", request)
        handle = self._handle(customer_id)
        user = self._account.user(given["user"]) if "user" in given else g.user or handle.look(users.agent_in_charge)
        key = self._account.urls.make(AgentLogin(customer_id, user))
        # With the namespace, if the request names one in its path.
        url = request.url_root.rstrip("/") + operations.path_of(PAGE, key=key)
        return _created({"url": url}, {"Location": url, "Cache-Control": "no-store"})

    # The widget

    def get_visibility(self) -> Response:
        return jsonify(visible=self._account.webchat.visible)

    def set_visibility(self) -> Response:
        given = self._bodies.read("set_visibility", request)
        self._account.webchat.visible = given["visible"]
        return jsonify(visible=given["visible"])

    def _handle(self, customer_id: str) -> ConversationHandle:
        handle = self._customers.get(customer_id)
        if handle is None:
            raise RefusedError(404, "there is no such customer")
        return handle
