"""Chatvisor's pages: the one-time URL and the agent's chat, the plug-in on a website, and its settings."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from receiver import Receiver
from vendorsim.conversation.casting import Opening
from vendorsim.runs.config import Config
from vendorsim.scenario.verbs import Attachment, Attributes, Close, ConfigureWidget, Note, Operator, Say
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendorkit.target import Target
from werkzeug.test import TestResponse

TOKEN = "s3cret"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NASTY = "<script>alert('x')</script>\"&{{ 7*7 }}"
COOKIE = "chatvisor_agent"


@dataclass
class Site:
    """The app with the pages of one server. `browser` makes a client with cookies of its own."""

    app: Flask
    state: ServerBackend
    calls: list[ApiCall] = field(default_factory=list)

    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def api(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.browser().open(path, method=method, json=body, headers=BEARER)
        assert answer.status_code in (200, 201), answer.text
        return answer.json

    def begin(self, text: str = "Hello", **person: Any) -> ConversationHandle:
        handle = self.state.stage("chatvisor").open(Opening(person))
        handle.act(Say(text), lambda found: None)
        return handle

    def url(self, handle: ConversationHandle, **given: str) -> str:
        """The path of a new one-time URL."""
        return urlsplit(self.api("POST", f"/rest/v1/customer/{handle.id}/url", given)["url"]).path

    def log_in(self, handle: ConversationHandle) -> tuple[FlaskClient, TestResponse]:
        """A browser that has followed a new one-time URL, and the page that it has come to."""
        browser = self.browser()
        return browser, browser.get(self.url(handle), follow_redirects=True)

    def visit(self, browser: FlaskClient, visitor: str = "", url: str = "http://localhost:3000/shop") -> Any:
        answer = browser.post("/webchat/visits", data={"visitor": visitor, "url": url, "title": "Shop"})
        assert answer.status_code == 201, answer.text
        return answer.json


@contextmanager
def site_of(**configuration: Any) -> Iterator[Site]:
    state = ServerBackend(**{"token": TOKEN, "profiles": {"chatvisor": "engage"}, **configuration})
    try:
        site = Site(create_app(state), state)
        state.subscribe(site.calls.append)
        yield site
    finally:
        state.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with site_of() as found:
        yield found


def form_key(page: TestResponse) -> str:
    found = re.search('name="form_key" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def texts(page: TestResponse) -> list[str]:
    """The messages that a page shows."""
    return [html.unescape(one) for one in re.findall('<p class="bubble">(.*?)</p>', page.text, re.DOTALL)]


def status_of(handle: ConversationHandle) -> str | None:
    status: str | None = handle.look(lambda found: handle.memory.status)
    return status


# The one-time URL


def test_the_url_logs_that_agent_in_and_redirects_to_that_chat(site: Site) -> None:
    site.begin("Somebody else")
    handle = site.begin("Where is my order?")
    second = handle.look(lambda found: [agent.email for agent in found.agents.values()][1])
    browser = site.browser()
    answer = browser.get(site.url(handle, user=second))
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/agent/conversation/{handle.id}")
    assert answer.headers["Cache-Control"] == "no-store"
    parts = set(answer.headers["Set-Cookie"].split("; "))
    assert {"HttpOnly", "SameSite=Lax", f"Path=/agent/conversation/{handle.id}", "Max-Age=28800"} <= parts
    page = browser.get(answer.headers["Location"])
    assert page.status_code == 200
    assert second in page.text
    assert texts(page) == ["Where is my order?"]
    assert status_of(handle) == "UNRESOLVED", "the agent has seen it now"
    assert handle.look(lambda found: [agent.email for agent in found.joined]) == [second]


def test_without_a_name_the_tokens_user_is_logged_in_or_who_is_in_charge(site: Site) -> None:
    (john,) = site.api("PUT", "/rest/v1/user", [{"email": "john@example.com", "firstname": "John"}])
    handle = site.begin()
    first, second = handle.look(lambda found: [agent.email for agent in found.agents.values()])
    assert first in site.log_in(handle)[1].text
    site.api("POST", f"/rest/v1/customer/{handle.id}/assign", {"assignedUser": second})
    page = site.log_in(handle)[1]
    assert f'<span class="muted">{second}</span>' in page.text
    mine = {"Authorization": f"Bearer {john['token']}"}
    made = site.browser().post(f"/rest/v1/customer/{handle.id}/url", headers=mine)
    page = site.browser().get(urlsplit(made.json["url"]).path, follow_redirects=True)
    assert '<span class="muted">john@example.com</span>' in page.text


def test_the_second_use_is_refused_with_a_page(site: Site) -> None:
    handle = site.begin()
    url = site.url(handle)
    assert site.browser().get(url).status_code == 302
    again = site.browser().get(url)
    assert (again.status_code, again.mimetype) == (404, "text/html")
    assert "This link does not work" in again.text
    assert "Set-Cookie" not in again.headers


@pytest.mark.parametrize("key", ["x", "%FF%FE", "..", "a" * 2000])
def test_a_url_that_nobody_made_is_the_same_page(site: Site, key: str) -> None:
    assert site.browser().get(f"/agent/chat/{key}").status_code == 404


def test_a_preview_logs_nobody_in_and_does_not_use_it_up(site: Site) -> None:
    handle = site.begin()
    url = site.url(handle)
    previews = [site.browser().head(url) for _ in range(2)]
    assert [(one.status_code, "Set-Cookie" in one.headers) for one in previews] == [(302, False)] * 2
    assert status_of(handle) == "UNREAD"
    assert [site.browser().open(url, method=method).status_code for method in ("GET", "HEAD", "GET")] == [302, 404, 404]


def test_of_many_at_once_one_is_let_in(site: Site) -> None:
    url = site.url(site.begin())
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: site.browser().get(url).status_code, range(16)))
    assert sorted(statuses) == [302] + [404] * 15


def test_the_secret_of_a_url_is_reported_nowhere(site: Site) -> None:
    handle = site.begin()
    url = site.url(handle)
    browser = site.browser()
    page = browser.get(url, follow_redirects=True)
    browser.post(f"/agent/conversation/{handle.id}", data={"form_key": form_key(page), "action": "say", "text": "Hi"})
    cookie = browser.get_cookie(COOKIE, path=f"/agent/conversation/{handle.id}")
    assert cookie is not None
    reported = repr([(call, call.body) for call in site.calls])
    assert "/agent/chat/***" in reported
    for secret in (url.rpartition("/")[2], cookie.value, form_key(page)):
        assert secret not in reported


def test_the_url_of_a_namespace_leads_into_it(site: Site) -> None:
    handle = site.begin()
    there = {"base_url": "http://127.0.0.1:4010/_ns/mine"}
    made = site.browser().post(f"/rest/v1/customer/{handle.id}/url", headers=BEARER, **there)
    assert made.json["url"].startswith("http://127.0.0.1:4010/_ns/mine/agent/chat/")
    browser = site.browser()
    answer = browser.get(urlsplit(made.json["url"]).path.removeprefix("/_ns/mine"), **there)
    assert answer.headers["Location"] == f"/_ns/mine/agent/conversation/{handle.id}"
    assert f"Path=/_ns/mine/agent/conversation/{handle.id}" in answer.headers["Set-Cookie"]
    page = browser.get(f"/agent/conversation/{handle.id}", **there)
    assert 'href="/_ns/mine/agent/files/base.css"' in page.text


# The agent's chat


def test_the_agent_reads_answers_and_closes_and_webhooks_follow() -> None:
    with Receiver() as target, site_of(config=Config(targets={"chatvisor": (Target(target.url()),)})) as site:
        handle = site.begin("Hello")
        target.wait_for(2)
        browser, page = site.log_in(handle)
        target.wait_for(3)
        path = f"/agent/conversation/{handle.id}"
        answered = browser.post(path, data={"form_key": form_key(page), "action": "say", "text": " Hi!\nHow are you? "})
        assert (answered.status_code, answered.headers["Location"]) == (303, path)
        handle.act(Say("More"), lambda found: None)
        target.wait_for(5)
        page = browser.get(path)
        assert texts(page) == ["Hello", "Hi!\nHow are you?", "More"]
        target.wait_for(6)
        assert browser.post(path, data={"form_key": form_key(page), "action": "close"}).status_code == 303
        bodies = [request.json for request in target.wait_for(7)]
    told = [(body["status"], body["lastMessage"]["test"]) if "status" in body else body["text"] for body in bodies]
    assert told == [
        ("UNREAD", "Hello"),
        "Hello",
        ("UNRESOLVED", "Hello"),
        ("UNREAD", "More"),
        "More",
        ("UNRESOLVED", "More"),
        ("DONE", "More"),
    ]


def test_a_chat_that_is_done_takes_no_answer_until_the_customer_writes_again(site: Site) -> None:
    handle = site.begin()
    browser, page = site.log_in(handle)
    path, key = f"/agent/conversation/{handle.id}", form_key(page)
    handle.act(Close(), lambda found: None)
    done = browser.get(path)
    assert "The chat is done" in done.text
    assert "<textarea" not in done.text
    late = browser.post(path, data={"form_key": key, "action": "say", "text": "Hi"})
    assert (late.status_code, texts(late)) == (400, ["Hello"])
    handle.act(Say("Again"), lambda found: None)
    assert "<textarea" in browser.get(path).text


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"action": "say", "text": "Hi"}, 403),
        ({"action": "close", "form_key": "x"}, 403),
        ({"action": "leave", "form_key": ""}, 403),
        ({"action": "say", "text": "Hi", "form_key": "é\u4e2d"}, 403),
        ({"action": "say", "text": " ", "form_key": "{key}"}, 400),
        ({"action": "say", "form_key": "{key}"}, 400),
        ({"action": "say", "text": "x" * 4001, "form_key": "{key}"}, 400),
        ({"action": "dance", "form_key": "{key}"}, 400),
        ({"form_key": "{key}"}, 400),
    ],
)
def test_a_form_of_another_site_or_without_sense_changes_nothing(site: Site, form: dict[str, str], status: int) -> None:
    handle = site.begin()
    browser, page = site.log_in(handle)
    given = {name: value.replace("{key}", form_key(page)) for name, value in form.items()}
    answer = browser.post(f"/agent/conversation/{handle.id}", data=given)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert status_of(handle) == "UNRESOLVED"
    assert handle.look(lambda found: len(found.messages)) == 1


def test_a_session_is_for_one_chat_and_ends_with_the_log_out(site: Site) -> None:
    handle, other = site.begin(), site.begin()
    browser, page = site.log_in(handle)
    path = f"/agent/conversation/{handle.id}"
    cookie = browser.get_cookie(COOKIE, path=path)
    assert cookie is not None
    stranger = site.browser()
    for tried in (path, f"/agent/conversation/{other.id}"):
        assert stranger.get(tried).status_code == 401
    thief = site.browser()
    thief.set_cookie(COOKIE, cookie.value)
    assert thief.get(f"/agent/conversation/{other.id}").status_code == 401
    left = browser.post(path, data={"form_key": form_key(page), "action": "leave"})
    assert "You are logged out" in left.text
    assert thief.get(path).status_code == browser.get(path).status_code == 401
    assert handle.look(lambda found: found.joined) == []


def test_a_chat_that_the_server_has_forgotten_is_a_page(site: Site) -> None:
    handle = site.begin()
    url = site.url(handle)
    browser, _ = site.log_in(handle)
    site.state.conversations.clear()
    for gone in (browser.get(f"/agent/conversation/{handle.id}"), site.browser().get(url)):
        assert (gone.status_code, gone.mimetype) == (404, "text/html")
        assert "not here any more" in gone.text


def test_pages_escape_what_people_write_and_link_to_the_web_only(site: Site) -> None:
    handle = site.begin(NASTY, name=NASTY, email="dana@example.com")
    handle.act(Note("private"), lambda found: None)
    handle.act(Attributes({"externalId": NASTY}), lambda found: None)
    files = ({"name": NASTY, "url": "https://files.example.com/a.png"}, {"name": "b", "url": "javascript:alert(1)"})
    handle.act(Say("", attachments=tuple(Attachment(**file) for file in files)), lambda found: None)
    _, page = site.log_in(handle)
    assert NASTY not in page.text
    assert texts(page)[0] == NASTY
    assert "49" not in texts(page)[0]
    assert "javascript:" not in page.text
    assert 'href="https://files.example.com/a.png"' in page.text
    assert "private" not in page.text
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", page.text)


# The plug-in


def test_a_visitor_writes_in_the_plug_in_and_sees_the_answer(site: Site) -> None:
    browser = site.browser()
    shown = site.visit(browser)
    assert shown["visible"]
    path = f"/webchat/chat/{shown['visitor']}"
    empty = browser.get(path)
    assert texts(empty) == ["Hello! How can we help you?"]
    assert site.api("GET", "/rest/v1/customer")["results"] == [], "who has not written is no customer"
    assert browser.post(path, data={"text": "Where is it?"}).status_code == 303
    (customer,) = site.api("GET", "/rest/v1/customer")["results"]
    (told,) = site.api("GET", "/rest/v1/conversation")["results"]
    assert (told["status"], told["url"]) == ("UNREAD", "http://localhost:3000/shop")
    handle = site.state.conversations.get("chatvisor", customer["id"])
    assert handle is not None
    agent, page = site.log_in(handle)
    agent.post(f"/agent/conversation/{handle.id}", data={"form_key": form_key(page), "action": "say", "text": "Here."})
    assert texts(browser.get(path))[1:] == ["Where is it?", "Here."]


@pytest.mark.parametrize("text", ["", "  ", "x" * 4001])
def test_an_empty_or_endless_message_is_not_taken(site: Site, text: str) -> None:
    browser = site.browser()
    path = f"/webchat/chat/{site.visit(browser)['visitor']}"
    assert browser.post(path, data={"text": text}).status_code == 400
    assert site.api("GET", "/rest/v1/customer")["results"] == []


def test_while_the_rest_api_hides_the_chat_none_begins(site: Site) -> None:
    browser, going = site.browser(), site.begin("Before")
    visitor = site.visit(browser)["visitor"]
    path = f"/webchat/chat/{visitor}"
    site.api("PUT", "/rest/v1/webchat/visibility", {"visible": False})
    state = browser.get(f"/webchat/visits/{visitor}").json
    assert (state["visible"], state["hiddenBecause"]) == (False, ["the REST API hides it"])
    refused = browser.post(path, data={"text": "Hello?"})
    assert refused.status_code == 400
    assert "The chat is closed at the moment" in refused.text
    assert len(site.api("GET", "/rest/v1/customer")["results"]) == 1
    going.act(Say("A chat goes on"), lambda found: None)
    site.api("PUT", "/rest/v1/webchat/visibility", {"visible": True})
    assert browser.post(path, data={"text": "Hello?"}).status_code == 303


def test_the_rest_api_hides_the_chat_from_conversations_that_are_opened_later_too(site: Site) -> None:
    site.api("PUT", "/rest/v1/webchat/visibility", {"visible": False})
    handle = site.state.stage("chatvisor").open(Opening({}))
    with pytest.raises(Exception, match="the chat is hidden: the REST API hides it"):
        handle.act(Say("Hello"), lambda found: None)


def test_rules_and_the_rest_api_are_combined(site: Site) -> None:
    browser = site.browser()
    save(site, secondVisit="on")
    first = site.visit(browser)
    assert first["hiddenBecause"] == ["it is the visitor's first visit"]
    site.api("PUT", "/rest/v1/webchat/visibility", {"visible": False})
    again = site.visit(browser, first["visitor"])
    assert (again["visitor"], again["hiddenBecause"]) == (first["visitor"], ["the REST API hides it"])
    site.api("PUT", "/rest/v1/webchat/visibility", {"visible": True})
    assert browser.get(f"/webchat/visits/{first['visitor']}").json["visible"]


def test_a_story_may_set_the_plug_in_for_its_own_conversation(site: Site) -> None:
    handle = site.state.stage("chatvisor").open(Opening({}))
    handle.act(ConfigureWidget({"webchat": {"actionRules": {"secondVisit": True}}}), lambda found: None)
    with pytest.raises(Exception, match="first visit"):
        handle.act(Say("Hello"), lambda found: None)
    site.begin("Another conversation")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost:4010", True),
        ("192.0.2.7:4010", True),
        ("[::1]:4010", True),
        ("evil.example:4010", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_a_name_of_another_site_that_leads_here_is_refused(site: Site, host: str, allowed: bool) -> None:
    browser, own = site.browser(), f"http://{host}"
    visit = browser.post("/webchat/visits", data={"url": own}, headers={"Origin": own}, base_url=own)
    settings = browser.get("/webchat/", base_url=own)
    assert (visit.status_code, settings.status_code) == ((201, 200) if allowed else (403, 403))


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost:3000", True),
        ("http://shop.localhost", True),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("https://www.example.com", False),
        ("http://localhost.example.com", False),
        ("null", False),
    ],
)
def test_pages_of_this_machine_may_have_the_plug_in(site: Site, origin: str | None, allowed: bool) -> None:
    headers = {} if origin is None else {"Origin": origin}
    browser = site.browser()
    answer = browser.post(
        "/webchat/visits", data={"url": "http://localhost:3000/"}, headers=headers, base_url="http://127.0.0.1:4010"
    )
    assert answer.status_code == (201 if allowed else 403)
    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    key = site.visit(browser)["visitor"]
    seen = browser.get(f"/webchat/visits/{key}", headers=headers, base_url="http://127.0.0.1:4010")
    assert seen.status_code == (200 if allowed else 403)
    policy = browser.get(f"/webchat/chat/{key}").headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' http://localhost:*" in policy


def test_the_script_tags_its_visitor_as_the_rest_api_does(site: Site) -> None:
    site.api("PUT", "/rest/v1/user", [{"email": "john@example.com"}])
    browser = site.browser()
    visitor = site.visit(browser)["visitor"]
    given = {"id": "john.doe", "email": "dana@example.com", "firstname": "Dana", "labels": ["vip"], "gender": "other"}

    def tag(body: Any, key: str = visitor) -> TestResponse:
        return browser.post(f"/webchat/visits/{key}/tag", data=json.dumps(body), content_type="text/plain")

    assert tag(given | {"assignedUser": "john@example.com"}).status_code == 200
    browser.post(f"/webchat/chat/{visitor}", data={"text": "Hello"})
    (customer,) = site.api("GET", "/rest/v1/customer")["results"]
    shown = {key: customer[key] for key in ("externalId", "email", "firstname", "labels", "assignedUser")}
    assert shown == {
        "externalId": "john.doe",
        "email": "dana@example.com",
        "firstname": "Dana",
        "labels": ["vip"],
        "assignedUser": "john@example.com",
    }
    for body, status in (({"id": 1.5}, 400), ([], 400), ({"assignedUser": "nobody@example.com"}, 404)):
        answer = tag(body)
        assert answer.status_code == status
        assert set(answer.json) == {"message"}
    assert tag(given, "x").status_code == 404


def test_the_script_is_told_whether_an_agent_is_available(site: Site) -> None:
    browser = site.browser()
    visitor = site.visit(browser)["visitor"]
    handle = site.state.conversations.of("chatvisor")[-1]
    for agent in handle.cast:
        assert browser.get(f"/webchat/visits/{visitor}").json["agentOnline"]
        handle.act(Operator(agent, "away"), lambda found: None)
    assert not browser.get(f"/webchat/visits/{visitor}").json["agentOnline"]


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "localhost/shop", "http://a b", "https://" + "x" * 3000])
def test_a_visit_is_to_a_page_of_the_web(site: Site, url: str) -> None:
    answer = site.browser().post("/webchat/visits", data={"url": url})
    assert (answer.status_code, answer.json["message"]) == (400, "url: expected the URL of the page")


def test_nobody_else_is_a_visitor(site: Site) -> None:
    browser = site.browser()
    assert browser.get("/webchat/visits/x").status_code == 404
    assert browser.get("/webchat/chat/x").status_code == 404
    assert browser.post("/webchat/chat/x", data={"text": "Hi"}).status_code == 404
    assert len(site.visit(browser, "x")["visitor"]) >= 43


# The settings


SETTINGS = {"color": "#00aa55", "position": "left", "title": "Hola", "welcome": NASTY, "placeholder": "Escribe"}


def save(site: Site, token: str = TOKEN, **given: str) -> TestResponse:
    browser = site.browser()
    form = SETTINGS | {"form_key": form_key(browser.get("/webchat/")), "token": token} | given
    return browser.post("/webchat/", data=form)


def test_colours_and_texts_are_set_and_shown(site: Site) -> None:
    assert save(site).headers["Location"] == "/webchat/?saved"
    browser = site.browser()
    shown = site.visit(browser)
    assert {key: shown[key] for key in ("color", "ink", "position", "title")} == {
        "color": "#00aa55",
        "ink": "#000000",
        "position": "left",
        "title": "Hola",
    }
    page = browser.get(f"/webchat/chat/{shown['visitor']}")
    assert texts(page) == [NASTY]
    assert NASTY not in page.text
    assert 'placeholder="Escribe"' in page.text
    assert browser.get("/webchat/look.css").text == ":root { --brand: #00aa55; --on-brand: #000000; }\n"
    settings = browser.get("/webchat/").text
    assert 'value="#00aa55"' in settings
    assert NASTY not in settings
    assert (
        html.escape('<script src="http://localhost/webchat/files/webchat.js" async></script>', quote=False) in settings
    )


def test_the_page_says_what_a_new_visitor_sees(site: Site) -> None:
    assert "sees the chat" in site.browser().get("/webchat/").text
    save(site, secondsOnPage="20", agentOnline="on")
    assert "the visitor has been on the page for 0 of 20 s" in site.browser().get("/webchat/").text
    site.api("PUT", "/rest/v1/webchat/visibility", {"visible": False})
    page = site.browser().get("/webchat/").text
    assert "hides the chat" in page
    assert "the REST API hides it; the visitor has been" in page


def test_what_was_saved_is_in_the_form_again(site: Site) -> None:
    hours = {"officeHours": "on", "from": "22:00", "to": "06:00", "timezone": "Europe/Madrid", "sat": "on"}
    assert save(site, **hours, agentAvailable="on", secondsOnPage="7").status_code == 303
    page = site.browser().get("/webchat/").text
    checked = re.findall(r'name="(\w+)" checked', page)
    assert checked == ["agentAvailable", "officeHours", "sat"]
    for value in ("22:00", "06:00", "Europe/Madrid", "7"):
        assert f'value="{value}"' in page


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"color": "red"}, "color: "),
        ({"color": "#00aa55;}"}, "color: "),
        ({"position": "top"}, "position: "),
        ({"title": "x" * 81}, "texts/title: "),
        ({"secondsOnPage": "soon"}, "secondsOnPage: expected a number of seconds"),
        ({"secondsOnPage": "86401"}, "actionRules/secondsOnPage: "),
        ({"officeHours": "on", "from": "9", "to": "17:00"}, "actionRules/officeHours/"),
        ({"token": "wrong"}, "API token: "),
        ({"token": ""}, "API token: "),
    ],
)
def test_settings_that_are_none_are_refused_and_stay_in_the_form(
    site: Site, given: dict[str, str], message: str
) -> None:
    answer = save(site, **given)
    assert answer.status_code == 400
    assert message in html.unescape(answer.text)
    assert 'value="Hola"' in answer.text or "title" in given
    assert site.visit(site.browser())["title"] == "Chat with us"


def test_settings_are_saved_by_the_page_itself_only(site: Site) -> None:
    cookie = site.browser().get("/webchat/").headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/webchat/"} <= set(cookie.split("; "))
    for form in (SETTINGS | {"token": TOKEN}, SETTINGS | {"token": TOKEN, "form_key": ""}):
        assert site.browser().post("/webchat/", data=form).status_code == 403
    browser = site.browser()
    browser.get("/webchat/")
    assert browser.post("/webchat/", data=SETTINGS | {"token": TOKEN, "form_key": "x"}).status_code == 403


def test_a_server_without_a_token_asks_for_none() -> None:
    with site_of(token=None) as site:
        assert "API token" not in site.browser().get("/webchat/").text
        assert save(site, token="").status_code == 303


@pytest.mark.parametrize("name", ["tokens.css", "base.css", "chatvisor.css", "chat.js", "webchat.js"])
@pytest.mark.parametrize("folder", ["/agent/files", "/webchat/files"])
def test_files_of_pages_are_served(site: Site, folder: str, name: str) -> None:
    answer = site.browser().get(f"{folder}/{name}")
    answer.close()
    assert (answer.status_code, answer.mimetype) == (200, "text/css" if name.endswith("css") else "text/javascript")
    for other in ("nothing.js", "..", "%2e%2e%2fagent_chat.py"):
        assert site.browser().get(f"{folder}/{other}").status_code == 404
