"""A person who has never seen the page finds the cause of a planted failure, in at most three clicks; and what a
conversation's page shows of what happened.

docs/workbench.md has the clicks.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from at_work import AtWork
from playwright.sync_api import Locator, Page, expect
from receiver import Connection, Receiver, Request, status
from short_story import STORY
from vendorsim.probes.reading import read_probe
from vendorsim.runs.config import Config
from vendorsim.scenario.calls import Sink
from vendorsim.server.control.settings import Settings
from vendorsim.server.sinks import path_of
from vendorsim.vendorkit.target import Target
from workbench import Workbench, axe_violations

pytestmark = pytest.mark.slow

MOST_CLICKS = 3
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 760}, "color_scheme": "dark"}


class Clicks:
    """A person's clicks, counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def __call__(self, place: Locator) -> None:
        place.click()
        self.count += 1
        assert self.count <= MOST_CLICKS, "it takes too many clicks"


@pytest.fixture
def clicks(bench: Workbench) -> Clicks:
    """Somebody opens the page."""
    bench.open()
    return Clicks(bench.page)


def photo(bench: Workbench, target: Receiver) -> None:
    """Plays a story with messages without a text."""
    wanted = {"scenario": "attachment-only", "vendor": "messagehub", "policy": {"retries": "none"}}
    bench.call("POST", "/runs", wanted | {"to": target.url()})


def wrong(page: Page) -> Locator:
    """The line that says what is wrong."""
    return page.locator("[data-test=diagnosis]")


class TestAWrongAddress:
    def test_the_run_says_it_while_it_runs(self, bench: Workbench, clicks: Clicks) -> None:
        page = bench.page
        with Receiver(status(404)) as target:
            bench.play(target.url("/wrong"), speed="1x")
            target.wait_for(2)
            clicks(page.get_by_role("navigation").get_by_role("link", name="Runs", exact=True))
            row = page.locator("tbody tr").first
            expect(row.locator(".badge-bad")).to_have_text("failing")
            expect(row).to_contain_text("Both attempts were answered 404.")
            clicks(row.get_by_role("link"))
            expect(wrong(page)).to_contain_text(f"Is the address right? They were sent to {target.url('/wrong')}.")
            summary = page.locator("[data-test=summary]")
            expect(summary).to_contain_text("failed attempts2")
            expect(summary).to_contain_text("0 sent, 2 scheduled")
            page.get_by_role("button", name="Stop").click()
            expect(summary.locator(".badge-bad")).to_have_text("stopped, failing")
            expect(summary).to_contain_text("failed for good2")
            expect(summary).to_contain_text("not sent3, since the run ended before")

    def test_the_first_page_says_it(self, bench: Workbench, clicks: Clicks) -> None:
        with Receiver(status(404)) as target:
            bench.play(target.url("/wrong"))
            expect(wrong(bench.page)).to_contain_text(
                f"Is the address right? They were sent to {target.url('/wrong')}."
            )
        assert clicks.count == 0


class TestACrashOnOneForm:
    """Messages without a text are answered 500."""

    @pytest.fixture
    def target(self) -> Iterator[Receiver]:
        def crashing(connection: Connection, request: Request) -> None:
            failed = request.json.get("content") == ""
            connection.send(status(500, b'{"error": "no text"}') if failed else status(200))

        with Receiver(crashing) as receiver:
            yield receiver

    def test_the_run_names_it_and_the_difference_shows_it(
        self, bench: Workbench, clicks: Clicks, target: Receiver
    ) -> None:
        page = bench.page
        photo(bench, target)
        expect(wrong(page)).to_contain_text("2 of 4 attempts of message_created were answered 500")
        expect(wrong(page)).to_contain_text("Only in the bodies that failed: /content is empty")
        page.locator("[data-test=show-difference]").click()
        body = page.locator("[data-test=difference]").first
        expect(body.locator("li.is-new", has_text='"content": ""').first).to_be_visible()
        page.go_back()
        clicks(page.locator("[data-test=show-failed]"))
        expect(bench.deliveries).to_have_count(2)
        clicks(bench.deliveries.first.get_by_role("link", name="message_created"))
        expect(page.locator("main h1")).to_have_text("message_created")
        expect(page.locator("main")).to_contain_text("no text")

    def test_its_arrow_opens_beside_one_that_was_accepted(
        self, bench: Workbench, clicks: Clicks, target: Receiver
    ) -> None:
        page = bench.page
        photo(bench, target)
        clicks(bench.deliveries.first.locator("a[href*='conversations']"))
        clicks(page.locator(".arrow.is-refused").first)
        opened = page.locator("[data-test=opened]")
        expect(opened).to_contain_text("answered 500")
        expect(opened).to_contain_text("no text")
        clicks(opened.get_by_role("link", name="Difference to one that was accepted"))
        body = page.locator("[data-test=difference]").first
        expect(body.locator("li.is-gone, li.is-new", has_text='"content": ""').first).to_be_visible()


class TestADuplicateThatIsStoredTwice:
    @pytest.fixture
    def stored(self) -> dict[str, list[str]]:
        """What the integration stores, by conversation: each request, though it may have been there before."""
        return {}

    @pytest.fixture
    def target(self, stored: dict[str, list[str]]) -> Iterator[Receiver]:
        lock = threading.Lock()

        def store(connection: Connection, request: Request) -> None:
            with lock:
                stored.setdefault(str(request.json["id"]), []).append(str(request.json["_event"]))
            connection.send(status(200))

        with Receiver(store) as receiver:
            yield receiver

    @pytest.fixture
    def settings(self, target: Receiver, stored: dict[str, list[str]]) -> Settings:
        probe = read_probe(lambda conversation_id, identifier: {"events": stored.get(str(conversation_id), [])})
        return Settings(config=Config(targets={"userlike": (Target(target.url(), probe=(probe,)),)}))

    def test_the_run_names_it_and_the_states_differ(self, bench: Workbench, clicks: Clicks) -> None:
        page = bench.page
        once = "[start, message_received, message_sent, end, ended]"
        story = f"{STORY}  - probe: {{/events: {once}, within: 0s}}\n"
        bench.call("POST", "/runs", {"yaml": story, "vendor": "userlike", "faults": ["duplicate=1"]})
        clicks(page.get_by_role("navigation").get_by_role("link", name="Runs", exact=True))
        row = page.locator("tbody tr").first
        expect(row.locator(".badge-bad")).to_have_text("failed")
        clicks(row.get_by_role("link"))
        expect(wrong(page)).to_contain_text("The answers are fine, but not what the integration did")
        expect(wrong(page)).to_contain_text("duplicate=1): does it store one again that it has already stored?")
        expect(page.locator("[data-test=states]")).to_contain_text("missed")
        clicks(page.get_by_role("link", name="Show the difference"))
        added = page.locator("[data-test=difference] li.is-new")
        expect(added).to_have_count(5)
        expect(added.first).to_contain_text("start")
        assert axe_violations(page) == []


class TestTheDiagram:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(sinks=(Sink("crm"),))

    def test_shows_what_was_said_and_faults_and_what_was_taken(self, bench: Workbench, target: Receiver) -> None:
        run = bench.play(target.url(), faults=["duplicate=1"])
        page = self.opened(bench, run)
        arrows = page.locator(".arrow")
        expect(arrows).to_have_count(10)
        said = arrows.filter(has_text="Grüße 👋")
        expect(said).to_have_count(2)
        expect(said.first).to_contain_text("Dana Kessler: “Grüße 👋”")
        expect(said.last).to_contain_text("fault: duplicate=1")
        expect(said.last).to_contain_text("copy 1")
        expect(page.locator(".bar.is-taken")).to_have_count(10)

    def test_shows_refusals_and_retries(self, bench: Workbench) -> None:
        with Receiver(status(503), status(200)) as target:
            run = bench.play(target.url())
            page = self.opened(bench, run)
        refused = page.locator(".arrow.is-refused")
        expect(refused).to_have_count(1)
        expect(refused).to_contain_text("✕ rejected 503")
        expect(refused).to_contain_text("tried again below")
        expect(page.locator(".bar.is-refused")).to_have_count(1)
        expect(page.locator(".arrow", has_text="retry: attempt 2")).to_have_count(1)

    def test_shows_requests_in_flight_together_side_by_side(self, bench: Workbench) -> None:
        with Receiver(AtWork(3)) as target:
            run = bench.play(target.url(), vendor="messagehub", faults=["twins=3"], count=1)
            page = self.opened(bench, run)
            first = page.locator(".arrow", has_text="in flight together with 2 others").first
            expect(first).to_be_visible()
            boxes = [bar.bounding_box() for bar in page.locator(".bar").all()[:3]]
        places = [(box["x"], box["y"], box["y"] + box["height"]) for box in boxes if box is not None]
        assert len({x for x, _, _ in places}) == 3, "side by side"
        assert max(top for _, top, _ in places) < min(bottom for _, _, bottom in places), "at the same height"

    def test_shows_calls_of_sinks_at_a_lifeline_of_their_own(self, bench: Workbench, target: Receiver) -> None:
        run = bench.play(target.url(), speed="1x")
        conversation = str(target.wait_for(2)[0].json["id"])
        ticket = {"conversation": conversation, "text": "A ticket"}
        assert requests.post(f"http://127.0.0.1:{bench.port}{path_of('crm')}", json=ticket, timeout=10).ok
        page = self.opened(bench, run, conversation)
        call = page.locator(".arrow.to-sink")
        expect(call).to_contain_text("“A ticket”")
        expect(page.locator(".party")).to_have_text(["userlike", "integration", "sink crm"])
        (integration, sink) = (page.locator(".lifeline").nth(number).bounding_box() for number in (1, 2))
        label = call.locator(".label").bounding_box()
        assert integration is not None
        assert sink is not None
        assert label is not None
        assert integration["x"] < label["x"] < sink["x"]

    @pytest.mark.parametrize("look", [{}, PHONE])
    def test_an_arrow_opens_its_request_by_keyboard(self, bench: Workbench, target: Receiver) -> None:
        run = bench.play(target.url())
        page = self.opened(bench, run)
        arrows = page.locator(".arrow")
        arrows.first.focus()
        page.keyboard.press("ArrowDown")
        expect(arrows.nth(1)).to_be_focused()
        page.keyboard.press("Enter")
        opened = page.locator("[data-test=opened]")
        expect(opened.locator("h2")).to_be_focused()
        expect(opened).to_contain_text("Dana Kessler: “Grüße 👋”")
        expect(opened.locator("h2")).to_be_in_viewport()
        expect(page).to_have_url(re.compile("#/conversations/"))
        # Both at once: the page may still be scrolling.
        beside, below = page.evaluate(
            """() => {
                const box = (where) => document.querySelector(where).getBoundingClientRect();
                const [diagram, panel] = [box(".diagram"), box("[data-test=opened]")];
                return [panel.left >= diagram.right, panel.top >= diagram.bottom];
            }"""
        )
        assert (beside, below) == ((False, True) if page.viewport_size == PHONE["viewport"] else (True, False))
        assert axe_violations(page) == []
        page.keyboard.press("Escape")
        expect(opened).to_have_count(0)
        expect(arrows.nth(1)).to_be_focused()

    @pytest.mark.parametrize("look", [PHONE])
    def test_no_label_is_cut_on_a_phone(self, bench: Workbench, target: Receiver) -> None:
        long = "A rather long question with Donaudampfschifffahrtsgesellschaftskapitänsmützen " * 3
        run = bench.play(target.url(), yaml=STORY.replace("Grüße 👋", long.strip()), faults=["duplicate=1"])
        page = self.opened(bench, run)
        expect(page.locator(".arrow")).to_have_count(10)
        cut = page.evaluate(
            """() => [...document.querySelectorAll('.sequence *')]
                .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline')
                .map((one) => one.className)"""
        )
        assert cut == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert page.locator("details").get_attribute("open") is None, "the table is closed"

    def test_a_step_by_hand_marks_its_arrow_and_brings_it_into_view(self, bench: Workbench, target: Receiver) -> None:
        talk = "".join(f"  - say: Message {number}\n" for number in range(30))
        run = bench.play(target.url(), yaml=STORY.replace("  - join: ana\n", f"{talk}  - join: ana\n"), speed="1x")
        conversation = str(target.wait_for(32)[0].json["id"])
        page = self.opened(bench, run, conversation)
        expect(page.locator(".arrow")).to_have_count(32)
        page.locator("[data-test=step-form]").get_by_label("Text").fill("By hand")
        page.locator("[data-test=carry-out]").click()
        added = page.locator(".arrow.is-new")
        expect(added).to_contain_text("By hand")
        expect(added).to_be_in_viewport()

    def opened(self, bench: Workbench, run: dict[str, Any], conversation: str | None = None) -> Page:
        """The page of the run's conversation, with its diagram."""
        if conversation is None:
            page = bench.open(f"#/conversations?run={run['id']}")
            page.locator("tbody a[href*='conversations']").first.click()
        else:
            page = bench.open(f"#/conversations/{run['vendor']}/{conversation}?run={run['id']}")
        expect(page.locator(".arrow").first).to_be_visible()
        return page


def test_lists_say_who_it_is_with_and_how_it_begins(bench: Workbench, target: Receiver) -> None:
    bench.play(target.url())
    page = bench.open("#/conversations")
    row = page.locator("tbody tr")
    expect(row).to_contain_text("Dana Kessler")
    expect(row).to_contain_text("“Grüße 👋”")
    expect(row).to_contain_text("Short chat")
    expect(page.locator("th").last).to_contain_text("wall clock")
    # It is the time of now, without a date; that of the story would have one.
    expect(row.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d\.\d{3}$"))
    bench.open("#/deliveries")
    expect(bench.deliveries.last).to_contain_text("Dana Kessler")
    expect(bench.deliveries.nth(3)).to_contain_text("“Grüße 👋”")


def test_a_finished_run_that_missed_a_call_is_not_green(bench: Workbench, target: Receiver) -> None:
    story = f"{STORY}  - expect_call: {{call: ccai.end_user, within: 0s}}\n"
    bench.play(target.url(), yaml=story)
    page = bench.open("#/runs")
    row = page.locator("tbody tr").first
    expect(row.locator(".badge-bad")).to_have_text("failed")
    expect(row.locator(".badge-good")).to_have_count(0)
    expect(row).to_contain_text("The answers are fine, but not what the integration did")
