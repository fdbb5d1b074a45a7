"""The WebChat plug-in: the script for a website, the chat that it shows there, and the page of its settings.

The vendor has all three (Integration via API - Chat, docs.chatvisor.com, steps 1 and 2); how they look and where they
are is ours. The script has a part of the vendor's JavaScript API (Overview, General API and User, docs.chatvisor.com).
A visitor is known by a secret key, which the script keeps; there is no cookie, since a chat in a frame of
another site gets none. So a form of the chat can be sent only by who knows the key.
"""

from __future__ import annotations

import hmac
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from vendorsim.conversation.casting import Opening
from vendorsim.conversation.state import Conversation, StepError
from vendorsim.core import clock
from vendorsim.http.allowed_targets import is_address_or_local, is_loopback
from vendorsim.scenario.verbs import Navigate, Page, Say
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendorkit.web_pages import PageError, framed_by, pages
from vendorsim.vendors.chatvisor.api import customers
from vendorsim.vendors.chatvisor.api.account import ChatvisorAccount
from vendorsim.vendors.chatvisor.api.requests import RefusedError, ValidatedBodies
from vendorsim.vendors.chatvisor.memory import ChatvisorMemory
from vendorsim.vendors.chatvisor.pages.chat_view import LONGEST_MESSAGE, chat_view
from vendorsim.vendors.chatvisor.pages.settings_form import as_form, from_form
from vendorsim.vendors.chatvisor.widget import DEFAULTS, WebChatSettings

FOLDER = Path(__file__).parent
FILES = "/webchat/files"
FORM_COOKIE = "chatvisor_settings"
# Pages of this machine may show the chat. Other sites may not: they could send webhooks to the targets.
_FRAMED_BY = (
    "'self' http://localhost:* https://localhost:* http://*.localhost:* https://*.localhost:* "
    "http://127.0.0.1:* https://127.0.0.1:*"
)
_NOBODY = Opening({"name": None, "email": None})
_URL = re.compile(r"https?://[^\s]{1,2000}")
_LONGEST_TITLE = 300


def webchat(account: ChatvisorAccount) -> Blueprint:
    """The blueprint of the plug-in."""
    served = pages("webchat", FOLDER, FILES)
    views = _WebChatPages(account)
    for rule, name, view, method in (
        ("/webchat/", "settings", views.settings, "GET"),
        ("/webchat/", "save", views.save, "POST"),
        ("/webchat/look.css", "look", views.look, "GET"),
        ("/webchat/visits", "visit", views.visit, "POST"),
        ("/webchat/visits/<key>", "state", views.state, "GET"),
        ("/webchat/visits/<key>/tag", "tag", views.tag, "POST"),
        ("/webchat/chat/<key>", "chat", views.chat, "GET"),
        ("/webchat/chat/<key>", "write", views.write, "POST"),
    ):
        served.add_url_rule(rule, name, view, methods=[method])
    return served


class _WebChatPages:
    """The views."""

    def __init__(self, account: ChatvisorAccount) -> None:
        self._account = account
        self._bodies = ValidatedBodies()

    # The script's calls

    def visit(self) -> Response:
        """A visitor comes to a page: a new one, or one whose key the script has kept."""
        _refuse_other_sites()
        url, title = request.form.get("url", ""), request.form.get("title", "")
        if not _URL.fullmatch(url):
            return _for_script({"message": "url: expected the URL of the page"}, 400)
        key = request.form.get("visitor", "")
        handle = self._visitor(key)
        if handle is None:
            handle = self._account.backend.stage("chatvisor").open(_NOBODY)
            key = self._account.visitors.make(handle.id)
        handle.act(Navigate(Page(url, title[:_LONGEST_TITLE])), lambda found: None)
        return _for_script({"visitor": key, **self._state(handle)}, 201)

    def state(self, key: str) -> Response:
        """Whether the visitor sees the chat now, and how it looks."""
        _refuse_other_sites()
        handle = self._visitor(key)
        if handle is None:
            return _for_script({"message": "there is no such visitor"}, 404)
        return _for_script(self._state(handle))

    def tag(self, key: str) -> Response:
        """Tags the visitor (`CV.user.tag`), as the REST API does. The body is JSON of any type, since a browser asks
        before it sends `application/json` to another origin."""
        _refuse_other_sites()
        handle = self._visitor(key)
        if handle is None:
            return _for_script({"message": "there is no such visitor"}, 404)
        try:
            given = self._bodies.read("tag_customer", request, "application/json")
            if "assignedUser" in given:
                customers.assign(handle, self._account.user(str(given["assignedUser"])), None)
        except RefusedError as error:
            return _for_script({"message": error.message}, error.status)
        customers.tag(handle, given)
        return _for_script({})

    def _state(self, handle: ConversationHandle) -> dict[str, Any]:
        at = handle.now()

        def read(conversation: Conversation) -> tuple[list[str], bool, WebChatSettings]:
            memory: ChatvisorMemory = handle.memory
            return memory.hidden_because(conversation, at), memory.agent_available(conversation), memory.widget()

        hidden, available, look = handle.look(read)
        return {
            "visible": not hidden,
            "hiddenBecause": hidden,
            "agentOnline": available,
            "color": look.color,
            "ink": ink_on(look.color),
            "position": look.position,
            "title": look.title,
        }

    # The chat in its frame

    def chat(self, key: str) -> AnyResponse:
        return self._frame(key)

    def write(self, key: str) -> AnyResponse:
        handle = self._visitor(key)
        text = request.form.get("text", "").strip()
        if handle is None or not 0 < len(text) <= LONGEST_MESSAGE:
            return self._frame(key, text)
        try:
            handle.act(Say(text), lambda found: None)
        except StepError:
            # It was hidden in the meantime; the page says so.
            return self._frame(key, text)
        return redirect(f"{request.script_root}/webchat/chat/{key}", 303)

    def _frame(self, key: str, text: str = "") -> AnyResponse:
        handle = self._visitor(key)
        if handle is None:
            raise PageError(404, "This chat is not here any more", "Reload the page to begin another one.")
        at = handle.now()
        view, look = handle.look(lambda found: (chat_view(found, handle.memory, at), handle.memory.widget()))
        page = render_template("chatvisor/visitor_chat.html", chat=view, look=look, text=text, longest=LONGEST_MESSAGE)
        return framed_by(make_response(page, 400 if request.method == "POST" else 200), _FRAMED_BY)

    def look(self) -> Response:
        """The colour of the plug-in, as a style sheet: the policy of the pages allows no styles within them."""
        color = self._account.webchat.settings.color
        style = f":root {{ --brand: {color}; --on-brand: {ink_on(color)}; }}\n"
        return Response(style, mimetype="text/css")

    # The settings

    def settings(self) -> Response:
        _own_host()
        return self._settings_page(as_form(self._account.webchat.settings))

    def save(self) -> AnyResponse:
        """Changes the settings: for whoever knows the server's token, if it has one."""
        _own_host()
        form_key = request.cookies.get(FORM_COOKIE, "")
        if not form_key or not hmac.compare_digest(request.form.get("form_key", "").encode(), form_key.encode()):
            raise PageError(403, "This form is not of this browser", "Open the settings again, and save them there.")
        token = self._account.backend.token
        given = request.form
        if token is not None and not hmac.compare_digest(given.get("token", "").encode(), token.encode()):
            return self._settings_page(given.to_dict(), "API token: it is not the one that the server has.")
        try:
            self._account.webchat.settings = DEFAULTS.changed(from_form(given))
        except ValueError as error:
            return self._settings_page(given.to_dict(), str(error))
        return redirect(f"{request.script_root}/webchat/?saved", 303)

    def _settings_page(self, form: dict[str, str], problem: str | None = None) -> Response:
        key = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
        page = render_template(
            "chatvisor/settings.html",
            form=form,
            problem=problem,
            saved="saved" in request.args,
            form_key=key,
            needs_token=self._account.backend.token is not None,
            rest_visible=self._account.webchat.visible,
            hidden=self._hidden_from_new_visitor(),
            script=f"{request.url_root.rstrip('/')}{FILES}/webchat.js",
        )
        response = make_response(page, 400 if problem else 200)
        response.set_cookie(
            FORM_COOKIE,
            key,
            path=f"{request.script_root}/webchat/",
            secure=request.is_secure,
            httponly=True,
            samesite="Strict",
        )
        return response

    def _hidden_from_new_visitor(self) -> list[str]:
        """Why somebody who comes now for the first time does not see the chat."""
        at = clock.wall_clock()
        memory = ChatvisorMemory(webchat=self._account.webchat, page_since=at)
        return memory.hidden_because(self._account.backend.stage("chatvisor").sample(), at)

    def _visitor(self, key: str) -> ConversationHandle | None:
        known = self._account.visitors.get(key)
        return None if known is None else self._account.backend.conversations.get("chatvisor", known)


def ink_on(color: str) -> str:
    """Black or white: the one that is easier to read on a colour `#rrggbb`, by the contrast ratio of WCAG."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


def _for_script(document: dict[str, Any], status: int = 200) -> Response:
    response = jsonify(document)
    response.status_code = status
    origin = request.headers.get("Origin")
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
    return response


def _refuse_other_sites() -> None:
    """Raises PageError (403) for the script on a page that is neither of this machine nor of this server."""
    own = _own_host()
    origin = request.headers.get("Origin")
    host = own if origin is None else urlsplit(origin).hostname or ""
    if not (is_loopback(host) or host == own):
        raise PageError(403, "Not for this site", "Pages of this machine may show the chat (localhost, 127.0.0.1).")


def _own_host() -> str:
    """Returns the host that the request names. Raises PageError (403) for a name that may be another site's."""
    host = urlsplit(f"//{request.host}").hostname or ""
    if not is_address_or_local(host):
        raise PageError(403, "Not under this name", "Use localhost, or the address of the server.")
    return host
