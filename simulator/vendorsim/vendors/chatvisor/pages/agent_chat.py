"""The agent's chat: the one-time URL, which logs the agent in and redirects, and the page of the chat.

That the URL works once, logs in and redirects: documented (Integration via API - Chat, docs.chatvisor.com, step 6). The
page itself is ours. What an agent does there is a step of the conversation, and causes the same webhooks as elsewhere.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from vendorsim.conversation.state import Conversation, StepError
from vendorsim.scenario.verbs import Close, Leave, Read, Say, Verb
from vendorsim.vendorkit.api_calls import tell_calls
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendorkit.web_pages import PageError, pages
from vendorsim.vendors.chatvisor.api import customers, operations
from vendorsim.vendors.chatvisor.api.account import AgentSession, ChatvisorAccount
from vendorsim.vendors.chatvisor.api.blueprint import PAGE
from vendorsim.vendors.chatvisor.bodies import DONE, UNREAD
from vendorsim.vendors.chatvisor.pages.chat_view import LONGEST_MESSAGE, ChatView, chat_view

FOLDER = Path(__file__).parent
FILES = "/agent/files"
COOKIE = "chatvisor_agent"
_CHAT = "/agent/conversation/"
_NO_SESSION = (
    401,
    "You are not logged in to this chat",
    "A one-time URL logs you in: your integration gets one from the REST API. A session ends after eight hours.",
)
_NO_CHAT = (404, "This chat is not here any more", "The run that played it has ended, or the server was reset.")
_USED = (
    404,
    "This link does not work",
    "It logs one agent in, once, within ten minutes. It was used already, has expired, or never was one. "
    "Ask the REST API for a new one.",
)


def agent_chat(account: ChatvisorAccount) -> Blueprint:
    """The blueprint of the one-time URL and of the page that it leads to."""
    served = pages("agent_chat", FOLDER, FILES)
    views = _AgentChat(account)
    opening = Blueprint("login", __name__)
    method, rule = operations.rule(PAGE)
    opening.add_url_rule(rule, PAGE, views.open, methods=[method])
    # The only page that is told as a call: the URL is an operation of the API. Its key is a secret.
    tell_calls(opening, account.backend, "chatvisor", "", secret="key")
    served.register_blueprint(opening)
    served.add_url_rule(f"{_CHAT}<customer_id>", "chat", views.chat, methods=["GET"])
    served.add_url_rule(f"{_CHAT}<customer_id>", "act", views.act, methods=["POST"])
    return served


class _AgentChat:
    """The views. A session is for one chat, and its cookie is sent to the page of that chat only."""

    def __init__(self, account: ChatvisorAccount) -> None:
        self._account = account

    def open(self, key: str) -> AnyResponse:
        """A HEAD request, such as one for a preview, logs nobody in and does not use the URL up."""
        urls = self._account.urls
        login = urls.get(key) if request.method == "HEAD" else urls.take(key)
        if login is None:
            raise PageError(*_USED)
        handle = self._handle(login.customer_id)
        path = _path(login.customer_id)
        response = redirect(path, 302)
        if request.method != "HEAD":
            try:
                customers.open_chat(handle, login.user)
            except StepError as error:
                raise PageError(409, "This chat can't be opened", f"{error}.") from None
            response.set_cookie(
                COOKIE,
                self._account.sessions.make(AgentSession(login)),
                max_age=int(self._account.sessions.lifetime),
                path=path,
                secure=request.is_secure,
                httponly=True,
                # Not Strict: the redirect would not send it when a page of the integration links to the URL.
                samesite="Lax",
            )
        response.headers["Cache-Control"] = "no-store"
        return response

    def chat(self, customer_id: str) -> Response:
        """Who looks at the chat has read it."""
        session = self._session(customer_id)
        handle = self._handle(customer_id)
        return self._page(handle, session)

    def act(self, customer_id: str) -> AnyResponse:
        """Writes a message, closes the chat, or logs out, by the field `action` of a form."""
        session = self._session(customer_id)
        handle = self._handle(customer_id)
        if not hmac.compare_digest(request.form.get("form_key", "").encode(), session.form_key.encode()):
            raise PageError(403, "This form is not of this session", "Reload the chat, and send it again.")
        agent = customers.introduced(handle, session.login.user)
        action = request.form.get("action")
        text = request.form.get("text", "").strip()
        if action == "say" and not 0 < len(text) <= LONGEST_MESSAGE:
            problem = "Write a message first." if not text else f"A message has {LONGEST_MESSAGE} characters at most."
            return self._page(handle, session, problem, text)
        if action == "leave":
            handle.act(Leave(agent), lambda found: None)
            return self._log_out(customer_id)
        verbs: dict[str | None, Verb] = {"say": Say(text, agent), "close": Close(agent)}
        if action not in verbs:
            raise PageError(400, "Nothing to do", "The field 'action' is say, close or leave.")
        if handle.look(lambda found: handle.memory.status) == DONE:
            return self._page(handle, session, "The chat is done. It begins anew when the customer writes again.", text)
        try:
            handle.act(verbs[action], lambda found: None)
        except StepError as error:
            return self._page(handle, session, f"{error}.", text)
        return redirect(_path(customer_id), 303)

    def _page(
        self, handle: ConversationHandle, session: AgentSession, problem: str | None = None, text: str = ""
    ) -> Response:
        agent = customers.introduced(handle, session.login.user)

        def unread(conversation: Conversation) -> Iterator[Verb]:
            if handle.memory.status == UNREAD:
                yield Read(agent)

        at = handle.now()
        view: ChatView = handle.act_on(unread, lambda found: chat_view(found, handle.memory, at))
        page = render_template(
            "chatvisor/agent_chat.html",
            chat=view,
            agent=session.login.user.agent(),
            form_key=session.form_key,
            problem=problem,
            text=text,
            longest=LONGEST_MESSAGE,
        )
        return make_response(page, 400 if problem else 200)

    def _log_out(self, customer_id: str) -> Response:
        self._account.sessions.take(request.cookies.get(COOKIE, ""))
        title, text = "You are logged out", "The chat goes on. A new one-time URL brings you back."
        response = make_response(render_template("chatvisor/done.html", title=title, text=text))
        response.delete_cookie(COOKIE, path=_path(customer_id))
        return response

    def _session(self, customer_id: str) -> AgentSession:
        session = self._account.sessions.get(request.cookies.get(COOKIE, ""))
        if session is None or session.login.customer_id != customer_id:
            raise PageError(*_NO_SESSION)
        return session

    def _handle(self, customer_id: str) -> ConversationHandle:
        handle = self._account.customers.get(customer_id)
        if handle is None:
            raise PageError(*_NO_CHAT)
        return handle


def _path(customer_id: str) -> str:
    return f"{request.script_root}{_CHAT}{quote(customer_id, safe='')}"
