"""The REST API over HTTP: routes to the customers, the users and the one-time URLs.

An operation that changes a conversation is one more step of it, and causes the same webhooks.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from vendorsim.conversation.state import StepError
from vendorsim.vendorkit.api_calls import tell_calls
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendors.chatvisor.api import customers, operations, requests, users
from vendorsim.vendors.chatvisor.api.customers import Customers
from vendorsim.vendors.chatvisor.api.links import Links
from vendorsim.vendors.chatvisor.api.requests import RefusedError, ValidatedBodies
from vendorsim.vendors.chatvisor.api.users import TooManyUsersError, User, Users

# The only operation without a token: its URL contains a secret.
_PUBLIC = "open_agent_chat"
_CHALLENGE = 'Bearer realm="Chatvisor API"'


def blueprint(backend: Backend) -> Blueprint:
    """The operations of `contracts/chatvisor/api.openapi.json`, at the paths given there."""
    api = Blueprint("chatvisor", __name__)
    service = _Service(backend)
    views = service.views()
    for operation in operations.OPERATIONS:
        method, rule = operations.rule(operation.name)
        api.add_url_rule(rule, operation.name, views[operation.name], methods=[method])
    api.before_request(service.admit)
    api.register_error_handler(RefusedError, _refused)
    api.register_error_handler(StepError, lambda error: _refused(RefusedError(409, str(error))))
    tell_calls(api, backend, "chatvisor", "customer_id", token_parameter=requests.TOKEN_PARAMETER)
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
    """The views of all operations. Their state is bounded, and lives as long as the server."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._customers = Customers(backend)
        self._users = Users()
        self._links = Links()
        self._bodies = ValidatedBodies()
        self._lock = Lock()
        self._visible = True

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
            "open_agent_chat": self.open_agent_chat,
            "list_conversations": self.list_conversations,
            "list_users": self.list_users,
            "synchronise_users": self.synchronise_users,
            "get_visibility": self.get_visibility,
            "set_visibility": self.set_visibility,
        }

    def admit(self) -> None:
        """Refuses calls without a valid token. A call with a user's token is made by that user. Raises RefusedError."""
        g.user = None
        if (request.endpoint or "").endswith(f".{_PUBLIC}"):
            return
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
        user = self._user(given["assignedUser"]) if "assignedUser" in given else None
        return _created(self._customers.create(given, user))

    def tag_customer(self, customer_id: str) -> Response:
        given = self._bodies.read("tag_customer", request)
        return jsonify(customers.tag(self._handle(customer_id), given))

    def assign_customer(self, customer_id: str) -> Response:
        given = self._bodies.read("assign_customer", request)
        handle = self._handle(customer_id)
        user = self._user(given["assignedUser"]) if "assignedUser" in given else None
        return jsonify(customers.assign(handle, user, given.get("assignedTeam")))

    def list_conversations(self) -> Response:
        return jsonify(requests.paged(request, self._customers.conversations(requests.since(request))))

    # Agents

    def list_users(self) -> Response:
        return jsonify(requests.paged(request, [user.shown() for user in self._all_users()]))

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
        user = self._user(given["user"]) if "user" in given else g.user or handle.look(users.agent_in_charge)
        key = self._links.make(customer_id, user)
        url = request.host_url.rstrip("/") + operations.path_of(_PUBLIC, key=key)
        return _created({"url": url}, {"Location": url, "Cache-Control": "no-store"})

    def open_agent_chat(self, key: str) -> Response:
        """A HEAD request, such as one for a preview, does not use the URL up."""
        link = self._links.peek(key) if request.method == "HEAD" else self._links.use(key)
        if link is None:
            raise RefusedError(404, "there is no such URL: it was used already, has expired, or never was one")
        if request.method == "HEAD":
            return jsonify()
        chat = customers.open_chat(self._handle(link.customer_id), link.user)
        response = jsonify(agent=link.user.shown(), **chat)
        response.headers["Cache-Control"] = "no-store"
        return response

    # The widget

    def get_visibility(self) -> Response:
        with self._lock:
            return jsonify(visible=self._visible)

    def set_visibility(self) -> Response:
        given = self._bodies.read("set_visibility", request)
        with self._lock:
            self._visible = given["visible"]
        return jsonify(visible=given["visible"])

    def _handle(self, customer_id: str) -> ConversationHandle:
        handle = self._customers.get(customer_id)
        if handle is None:
            raise RefusedError(404, "there is no such customer")
        return handle

    def _all_users(self) -> list[User]:
        return self._users.all(self._customers.cast())

    def _user(self, address: str) -> User:
        user = users.find(self._all_users(), address)
        if user is None:
            raise RefusedError(404, "there is no such user")
        return user
