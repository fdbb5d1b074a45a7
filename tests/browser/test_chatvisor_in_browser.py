"""Chatvisor's pages in a real browser: a website with the plug-in, and the agent who answers at the one-time URL."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect
from thorough import few_of
from vendorsim.http.server import running_server
from workbench import Workbench, axe_violations

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LOOKS: dict[str, dict[str, Any]] = {
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


@pytest.fixture
def shop(bench: Workbench) -> Iterator[str]:
    """A website of another origin than the server, with the script of the plug-in."""
    script = f"http://127.0.0.1:{bench.port}/webchat/files/webchat.js"
    ready = "window.CVLoaded = () => CV.user.tag({id: 'crm-4711', email: 'dana@example.com', labels: ['vip']});"
    scripts = f"<script>{ready}</script><script src='{script}' async></script>"
    page = f"<!doctype html><title>Shop</title><h1>Shop</h1>{scripts}".encode()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [page]

    with running_server(app) as server:
        yield f"http://localhost:{server.port}/shop"
        bench.page.goto("about:blank")


def api(bench: Workbench, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    url = f"http://127.0.0.1:{bench.port}/rest/v1{path}"
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=20) as answer:
        return json.loads(answer.read())


def assert_readable(page: Page) -> None:
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


@pytest.mark.slow
@pytest.mark.parametrize("look", few_of(LOOKS.values(), 1, LOOKS))
def test_a_visitor_of_a_website_and_an_agent_talk(bench: Workbench, shop: str) -> None:
    visitor = bench.page
    visitor.goto(shop)
    button = visitor.get_by_role("button", name="Chat with us")
    button.click()
    chat = visitor.frame_locator("iframe")
    chat.get_by_label("Your message").fill("Where is my <b>order</b>?")
    chat.get_by_label("Your message").press("Enter")
    expect(chat.locator(".message.own .bubble")).to_have_text("Where is my <b>order</b>?")
    (customer,) = api(bench, "GET", "/customer")["results"]
    assert (customer["externalId"], customer["labels"]) == ("crm-4711", ["vip"]), "the page has tagged the visitor"
    assert visitor.evaluate("new Promise((told) => CV.api.isAgentOnline(told))")

    agent = visitor.context.new_page()
    agent.goto(api(bench, "POST", f"/customer/{customer['id']}/url", {})["url"])
    expect(agent.locator(".bubble")).to_have_text("Where is my <b>order</b>?")
    agent.get_by_label("Your answer").fill("It left on Friday.")
    agent.get_by_role("button", name="Send").click()
    expect(agent.locator(".message.own .bubble")).to_have_text("It left on Friday.")
    assert_readable(agent)

    # What the other side writes comes by itself, and leaves what is being written.
    visitor.bring_to_front()
    expect(chat.locator(".bubble").last).to_have_text("It left on Friday.")
    chat.get_by_label("Your message").fill("Thanks!")
    chat.get_by_role("button", name="Send").click()
    agent.bring_to_front()
    agent.get_by_label("Your answer").fill("You are")
    expect(agent.locator(".bubble").last).to_have_text("Thanks!")
    expect(agent.get_by_label("Your answer")).to_have_value("You are")
    agent.get_by_role("button", name="Set to done").click()
    expect(agent.get_by_text("The chat is done")).to_be_visible()

    # The chat is over, so the REST API can hide it.
    api(bench, "PUT", "/webchat/visibility", {"visible": False})
    visitor.bring_to_front()
    expect(button).to_be_hidden()
    assert not visitor.evaluate("new Promise((told) => CV.api.shouldShowWebchat(() => told(true), () => told(false)))")
    again = visitor.evaluate_handle("({shown: new Promise((told) => CV.api.shouldShowWebchatInterval(told))})")
    api(bench, "PUT", "/webchat/visibility", {"visible": True})
    again.evaluate("waiting => waiting.shown")
    expect(button).to_be_visible()
    visitor.evaluate("CV.user.reset()")
    button.click()
    expect(chat.locator(".bubble")).to_have_count(1)
    api(bench, "PUT", "/webchat/visibility", {"visible": False})
    agent.goto(f"http://127.0.0.1:{bench.port}/webchat/")
    expect(agent.get_by_text("hides the chat")).to_be_visible()
    assert_readable(agent)
    agent.close()
