"""The page of the workbench in a real browser: it loads, it lives, it does what its buttons say."""

from __future__ import annotations

import json
import re

import pytest
import requests
from playwright.sync_api import expect
from receiver import Receiver
from short_story import OF_USERLIKE, STORY
from vendorsim.probes.reading import read_probe
from vendorsim.runs.config import Config
from vendorsim.server.control.settings import Settings
from vendorsim.vendorkit.target import Target
from workbench import Workbench, write

ROUTES = {
    "#/deliveries": "Deliveries",
    "#/calls": "Calls",
    "#/conversations": "Conversations",
    "#/runs": "Runs",
    "#/checks": "Checks",
    "#/scenarios": "Scenarios",
    "#/sessions": "Sessions",
    "#/targets": "Targets",
}


def test_it_loads_and_leads_everywhere(bench: Workbench) -> None:
    page = bench.open()
    expect(page).to_have_url(re.compile("#/deliveries$"))
    for route, name in [*list(ROUTES.items())[1:], ("#/deliveries", "Deliveries")]:
        page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        expect(page).to_have_url(re.compile(f"{route}$"))
        expect(page.locator("main h1")).to_have_text(re.compile(f"^{name}"))
        expect(page).to_have_title(re.compile(f"^{name}"))
        expect(page.locator("main h1")).to_be_focused()


def test_a_delivery_that_comes_later_appears_by_itself(bench: Workbench, target: Receiver) -> None:
    bench.open("#/deliveries")
    expect(bench.deliveries).to_have_count(0)
    bench.play(target.url())
    expect(bench.deliveries).to_have_count(OF_USERLIKE)
    expect(bench.deliveries.first).to_contain_text("conversation.ended")
    bench.play(target.url(), seed=8)
    expect(bench.deliveries).to_have_count(2 * OF_USERLIKE)


@pytest.mark.slow
def test_of_more_at_once_than_anybody_can_read_the_newest_are_shown(bench: Workbench, target: Receiver) -> None:
    page = bench.open("#/deliveries")
    bench.ended(bench.play(target.url(), count=40))
    newest = bench.call("GET", "/deliveries?limit=1")["items"][0]["id"]
    expect(bench.deliveries.first).to_have_attribute("data-id", str(newest))
    # A whole page stands there again soon, and the pages below it go on where it ends.
    expect(bench.deliveries.nth(49)).to_be_visible()
    ids = [int(row) for row in bench.deliveries.evaluate_all("rows => rows.map(row => row.dataset.id)")]
    assert ids == list(range(newest, newest - len(ids), -1))
    page.get_by_role("button", name="Older").click()
    expect(bench.deliveries.first).to_have_attribute("data-id", str(ids[-1] - 1))


@pytest.mark.slow
def test_a_row_with_the_focus_stays(bench: Workbench, target: Receiver) -> None:
    bench.play(target.url())
    page = bench.open("#/deliveries")
    expect(bench.deliveries).to_have_count(OF_USERLIKE)
    box = page.get_by_label(f"Compare {OF_USERLIKE}", exact=True)
    box.check()
    bench.ended(bench.play(target.url(), count=40))
    expect(page.locator("#show-new")).to_contain_text("+ new")
    expect(box).to_be_focused()
    page.locator("#show-new").click()
    expect(bench.deliveries).to_have_count(50)


def test_the_list_is_filtered(bench: Workbench, target: Receiver) -> None:
    bench.play(target.url())
    page = bench.open("#/deliveries")
    expect(bench.deliveries).to_have_count(OF_USERLIKE)
    page.get_by_label("Event").fill("chat_session.end")
    expect(bench.deliveries).to_have_count(1)
    page.get_by_label("Event").fill("")
    page.get_by_label("Text").fill("nothing holds this")
    expect(bench.deliveries).to_have_count(0)
    expect(page.locator("main")).to_contain_text("Nothing fits these filters")


def test_a_delivery_is_sent_again(bench: Workbench, target: Receiver) -> None:
    bench.play(target.url())
    page = bench.open("#/deliveries")
    bench.deliveries.last.get_by_role("link", name="chat_session.start").click()
    expect(page.locator("main h1")).to_have_text("chat_session.start")
    page.get_by_role("button", name="Resend", exact=True).click()
    assert target.wait_for(OF_USERLIKE + 1)[-1].raw == target.requests[0].raw
    expect(page).to_have_url(re.compile(f"#/deliveries/{OF_USERLIKE + 1}$"))
    expect(page.locator("main")).to_contain_text("resent")


def test_a_delivery_is_edited_and_its_violation_is_marked(bench: Workbench, target: Receiver) -> None:
    bench.play(target.url())
    bench.open("#/deliveries")
    expect(bench.deliveries).to_have_count(OF_USERLIKE)
    page = bench.open("#/deliveries/1")
    page.get_by_role("button", name="Edit and resend").click()
    body = json.loads(target.bodies[0]) | {"id": "not a number"}
    write(page, "resend-body", json.dumps(body))
    page.get_by_role("button", name="Send", exact=True).click()
    assert target.wait_for(OF_USERLIKE + 1)[-1].json == body
    expect(page).to_have_url(re.compile(f"#/deliveries/{OF_USERLIKE + 1}$"))
    expect(page.locator("main")).to_contain_text("edited")
    expect(page.locator("main")).to_contain_text(re.compile("is not of type"))


def test_a_namespace_shows_its_own(bench: Workbench, target: Receiver) -> None:
    bench.play(target.url())
    page = bench.open("#/deliveries", namespace="mine")
    expect(page.locator("header")).to_contain_text("mine")
    bench.play(target.url(), namespace="mine", count=2)
    expect(bench.deliveries).to_have_count(2 * OF_USERLIKE)


MARKUP = '<img src=x onerror="alert(1)"><script>alert(2)</script>\'"&amp;{{7*7}}'


def test_markup_is_text(bench: Workbench, target: Receiver) -> None:
    """Scripts that ran would open a dialog, which fails the test."""
    cast = {"visitor": {"name": MARKUP}}
    bench.play(target.url(), cast=cast, headers={"X-Markup": MARKUP})
    bench.open("#/deliveries")
    expect(bench.deliveries).to_have_count(OF_USERLIKE)
    page = bench.open("#/deliveries/1")
    expect(page.locator("main")).to_contain_text(MARKUP.replace('"', '\\"'))
    assert page.locator("main img, main script").count() == 0


def test_a_run_is_started_by_the_form(bench: Workbench, target: Receiver) -> None:
    page = bench.open("#/runs/new?scenario=forwarded-chat")
    page.get_by_label("Vendor", exact=True).select_option("userlike")
    page.get_by_label("Send to").fill("http://192.0.2.7/hook")
    page.locator("[data-test=start]").click()
    expect(page.locator("#run-to-problem")).to_contain_text("only to this machine")
    assert bench.call("GET", "/runs")["items"] == []
    page.get_by_label("Send to").fill(target.url())
    page.locator("[data-test=start]").click()
    expect(page).to_have_url(re.compile(r"#/runs/\d+$"))
    expect(page.locator("main")).to_contain_text("finished")
    assert target.requests


def test_a_run_is_stopped(bench: Workbench, target: Receiver) -> None:
    run = bench.play(target.url(), speed="1x")
    target.wait_for(2)
    page = bench.open(f"#/runs/{run['id']}")
    expect(page.locator("main")).to_contain_text("running")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("main")).to_contain_text("stopped")
    assert bench.call("GET", f"/runs/{run['id']}")["status"] == "stopped"


def test_a_conversation_is_a_diagram_and_takes_steps(bench: Workbench, target: Receiver) -> None:
    run = bench.play(target.url(), speed="1x")
    # The first two events happen at once, the next one after five seconds.
    conversation = str(target.wait_for(2)[0].json["id"])
    page = bench.open(f"#/conversations/userlike/{conversation}?run={run['id']}")
    arrows = page.locator("[data-test=diagram] a.arrow")
    expect(arrows.first).to_be_visible()
    form = page.locator("[data-test=step-form]")
    form.get_by_label("Step").select_option("say")
    form.get_by_label("Text").fill("Is anybody there? <b>")
    page.locator("[data-test=carry-out]").click()
    sent = [request.body.decode() for request in target.wait_for(3)]
    assert any("Is anybody there? <b>" in body for body in sent)
    expect(arrows).not_to_have_count(2)


def test_a_session_is_made_and_ended(bench: Workbench) -> None:
    page = bench.open("#/sessions")
    page.get_by_label("Id", exact=True).fill("s-1")
    page.locator("[data-test=create-session]").click()
    page.get_by_role("button", name="End s-1", exact=True).click()
    expect(page.get_by_role("button", name="Reopen s-1")).to_be_visible()
    address = f"http://127.0.0.1:{bench.port}/apps/api/v1/chats/s-1/end_user"
    answer = requests.post(address, json={"identifier": "crm-1"}, headers={"Authorization": "Bearer any"}, timeout=10)
    assert (answer.status_code, answer.json()) == (400, {"message": "Chat is already ended"})
    bench.open("#/calls")
    expect(page.locator("main h1")).to_have_text("Calls")
    expect(page.locator("[data-test=call]")).to_contain_text("Chat is already ended")
    bench.open("#/sessions")
    expect(page.locator("main h1")).to_have_text("Sessions of end_user")
    assert bench.call("GET", "/sessions/s-1")["ended"] is True
    page.get_by_label("Answer", exact=True).select_option("error")
    page.locator("[data-test=force]").click()
    expect(page.locator("[data-test=forced]")).to_contain_text("error")
    assert bench.call("GET", "/end-user/answers")["answers"] == ["error"]


class TestProbeSteps:
    @pytest.fixture
    def settings(self, target: Receiver) -> Settings:
        probe = read_probe(lambda conversation_id, identifier: {"status": "closed"})
        return Settings(config=Config(targets={"userlike": (Target(target.url(), probe=(probe,)),)}))

    def test_a_run_says_what_the_probe_found(self, bench: Workbench) -> None:
        text = f"{STORY}  - probe: {{/status: closed}}\n  - probe: {{/status: open, within: 0s}}\n"
        run = bench.call("POST", "/runs", {"yaml": text, "vendor": "userlike"})
        page = bench.open(f"#/runs/{run['id']}")
        summary = page.locator("[data-test=summary]")
        expect(summary).to_contain_text("as expected: 1, missed: 1")
        expect(summary).to_contain_text('/status: expected "open", found "closed"')

    def test_a_probe_is_another_step_by_hand(self, bench: Workbench, target: Receiver) -> None:
        run = bench.call("POST", "/runs", {"yaml": STORY, "vendor": "userlike"})
        conversation = str(target.wait_for(2)[0].json["id"])
        page = bench.open(f"#/conversations/userlike/{conversation}?run={run['id']}")
        form = page.locator("[data-test=step-form]")
        form.get_by_label("Step", exact=True).select_option("other")
        form.get_by_label("The step as JSON").fill('{"probe": {"/status": "open", "within": "0s"}}')
        page.locator("[data-test=carry-out]").click()
        expect(page.locator("main")).to_contain_text('missed: /status: expected "open", found "closed"')


@pytest.mark.slow
class TestToken:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(admin_token="adm-s3cret")

    def test_is_asked_for_once(self, bench: Workbench) -> None:
        page = bench.page
        page.goto(f"http://127.0.0.1:{bench.port}/_vendorsim/")
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Token").fill("wrong")
        dialog.get_by_role("button", name="Use this token").click()
        expect(dialog).to_contain_text("not accepted")
        dialog.get_by_label("Token").fill("adm-s3cret")
        dialog.get_by_role("button", name="Use this token").click()
        expect(page.locator("main h1")).to_have_text("Deliveries")
        page.reload()
        expect(page.locator("main h1")).to_have_text("Deliveries")
        expect(dialog).to_be_hidden()
        assert "adm-s3cret" not in page.content()

    def test_who_does_not_give_it_is_told_why_nothing_is_shown(self, bench: Workbench) -> None:
        page = bench.page
        page.goto(f"http://127.0.0.1:{bench.port}/_vendorsim/")
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(page.locator("main h1")).to_have_text("The admin token is needed")
        page.get_by_role("button", name="Enter the token").click()
        expect(page.get_by_role("dialog").get_by_label("Token")).to_be_focused()
        page.get_by_role("dialog").get_by_label("Token").fill("adm-s3cret")
        page.keyboard.press("Enter")
        expect(page.locator("main h1")).to_have_text("Deliveries")


def test_a_server_that_is_gone_is_told_of(bench: Workbench) -> None:
    page = bench.open("#/deliveries")
    page.route("**/_vendorsim/api/**", lambda route: route.abort())
    page.get_by_role("navigation").get_by_role("link", name="Runs", exact=True).click()
    expect(page.locator("main")).to_contain_text("can't be")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.unroute("**/_vendorsim/api/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("main h1")).to_have_text("Runs")
