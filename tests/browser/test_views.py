"""Every view of the workbench, light and dark, on a desk and on a phone: nothing that axe finds, nothing sideways,
nothing cut, and no more than three screens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from receiver import Receiver
from vendorsim.cli.served_captures import ServedCaptures
from vendorsim.http.server import running_server
from vendorsim.server.control.settings import Settings
from vendorsim.server.hub import Hub
from workbench import Workbench, axe_violations

pytestmark = pytest.mark.slow

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
SCREENS = 3

# Elements whose text is wider or higher than they are, and not made to be scrolled.
CUT = """() => [...document.querySelectorAll('body *')].filter((element) => {
  const style = getComputedStyle(element);
  // An editor scrolls its lines itself.
  if (element.closest('.unseen, svg, dialog:not([open]), .yaml-editor, .cm-editor')) return false;
  if (element.clientWidth <= 1 || style.display === 'inline') return false;
  const scrolls = (overflow) => overflow === 'auto' || overflow === 'scroll';
  const wide = element.scrollWidth > element.clientWidth + 1 && !scrolls(style.overflowX);
  const high = element.scrollHeight > element.clientHeight + 1 && style.overflowY === 'hidden';
  return wide || high;
}).map((element) => `${element.tagName} ${element.className} ${element.textContent.trim().slice(0, 60)}`)"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
HEIGHT = "document.documentElement.scrollHeight"


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A server on which things have happened, and one page that shows it: a list of more than fifty deliveries, a run
    that fails, calls, a session and a target."""
    journal = tmp_path_factory.mktemp("views") / "journal.sqlite"
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    settings = Settings(capturer=ServedCaptures)
    with Receiver() as target, Hub(settings, journal) as hub, running_server(hub.app) as server:
        bench = Workbench(page, server.port)
        bench.play(target.url(), count=10, cast={"visitor": {"name": "Dana Kessler"}})
        bench.ended(bench.call("POST", "/example-run", {"failing": True}))
        bench.call("POST", "/sessions", {"id": "s-1", "answers": ["error"]})
        bench.call("POST", "/targets", {"vendor": "messagehub", "url": target.url("/hooks")})
        capture = bench.call(
            "POST", "/captures", {"vendor": "messagehub", "profile": "observed-3.0", "forward": target.url()}
        )
        told = bench.call(
            "POST", "/runs", {"scenario": "everyday-chat", "vendor": "messagehub", "to": capture["urls"][0]}
        )
        bench.ended(told)
        bench.call("POST", f"/captures/{capture['id']}/stop")
        yield bench
        page.goto("about:blank")
    context.close()


VIEWS: dict[str, tuple[str, str]] = {
    # name: address, and what stands there
    "deliveries": ("#/deliveries", "Deliveries"),
    "delivery": ("#/deliveries/1", ""),
    "difference": ("#/difference/1/2", "Difference"),
    "calls": ("#/calls", "Calls"),
    "conversations": ("#/conversations", "Conversations"),
    "conversation": ("#/conversations/{vendor}/{conversation}?run={run}", "conversation"),
    "runs": ("#/runs", "Runs"),
    "run": ("#/runs/2", "Run 2"),
    "run-new": ("#/runs/new", "Start"),
    "captures": ("#/captures", "Captures"),
    "capture": ("#/captures/{capture}", "Capture"),
    "capture-new": ("#/captures/new", "Record"),
    "scenarios": ("#/scenarios", "Scenarios"),
    "editor": ("#/scenarios/everyday-chat", ""),
    "sessions": ("#/sessions", "Sessions"),
    "targets": ("#/targets", "Targets"),
    "nowhere": ("#/runs/99", "Not found"),
}


def show(bench: Workbench, name: str) -> Page:
    address, heading = VIEWS[name]
    if "{" in address:
        newest = bench.call("GET", "/conversations?limit=1&vendor=userlike")["items"][0]
        address = address.format(**newest, capture=bench.call("GET", "/captures")["items"][0]["id"])
    # Away first: going to where one is changes nothing.
    bench.page.goto("about:blank")
    page = bench.open(address)
    expect(page.locator("main h1")).to_contain_text(heading)
    return page


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_fits_and_is_accessible(stage: Workbench, name: str) -> None:
    page = show(stage, name)
    for viewport in (DESK, PHONE):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        show(stage, name)
        where = f"{name} at {viewport['width']}"
        assert page.evaluate(SIDEWAYS) <= 0, f"{where} is wider than the window"
        assert page.evaluate(CUT) == [], f"{where} cuts a text"
        assert axe_violations(page) == [], where
        # Only colours depend on the scheme.
        page.emulate_media(color_scheme="dark")
        assert axe_violations(page, "color-contrast") == [], f"{where}, dark"
        page.emulate_media(color_scheme="light")
    assert page.evaluate(HEIGHT) <= SCREENS * PHONE["height"], f"{name} is higher than {SCREENS} screens on a phone"
    page.set_viewport_size(DESK)  # type: ignore[arg-type]


def test_the_frame_reaches_the_edges_and_covers_nothing(stage: Workbench) -> None:
    page = show(stage, "run-new")
    width = page.evaluate("document.documentElement.clientWidth")
    for part in ("header.top", "footer.bottom"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert (box["x"], box["width"]) == (0, width), part
    assert page.locator("footer.bottom").evaluate("(footer) => getComputedStyle(footer).position") == "static"
    page.locator("[data-test=start]").click()
    expect(page.locator("#run-to")).to_be_focused()


class TestOnAPhone:
    @pytest.fixture
    def phone(self, stage: Workbench) -> Iterator[Workbench]:
        stage.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        yield stage
        stage.page.set_viewport_size(DESK)  # type: ignore[arg-type]

    def test_a_list_has_rows_of_two_lines_and_is_paged(self, phone: Workbench) -> None:
        page = show(phone, "deliveries")
        expect(phone.deliveries).to_have_count(25)
        heights = page.evaluate("[...document.querySelectorAll('tbody tr')].map((row) => row.offsetHeight)")
        assert max(heights) <= 60, heights
        page.get_by_role("button", name="Older").click()
        expect(page.get_by_role("button", name="Newest")).to_be_visible()

    def test_filters_are_folded_and_counted(self, phone: Workbench) -> None:
        page = show(phone, "deliveries")
        expect(page.get_by_label("Verdict")).to_be_hidden()
        page.get_by_role("button", name="Filters").click()
        page.get_by_label("Verdict").select_option("rejected")
        page.get_by_label("Text").fill("example")
        page.get_by_role("button", name="Hide filters (2 set)").click()
        expect(page.get_by_role("button", name="Filters (2 set)")).to_be_visible()
        expect(page.get_by_label("Verdict")).to_be_hidden()

    def test_the_navigation_is_a_menu(self, phone: Workbench) -> None:
        page = show(phone, "deliveries")
        link = page.get_by_role("navigation").get_by_role("link", name="Targets")
        expect(link).to_be_hidden()
        menu = page.get_by_role("button", name="Menu: Deliveries")
        menu.click()
        expect(menu).to_have_attribute("aria-expanded", "true")
        assert axe_violations(page) == []
        page.keyboard.press("Escape")
        expect(link).to_be_hidden()
        expect(menu).to_be_focused()
        menu.click()
        link.click()
        expect(page.locator("main h1")).to_have_text("Targets")
        expect(link).to_be_hidden()

    def test_a_conversation_keeps_its_table_closed_below_the_rest(self, phone: Workbench) -> None:
        page = show(phone, "conversation")
        details = page.locator("main details", has_text="The same as a table")
        assert details.get_attribute("open") is None
        parts = ["[data-test=diagram]", "[data-test=state]", "[data-test=step-form]", "main details"]
        tops = "(parts) => parts.map((part) => document.querySelector(part).getBoundingClientRect().top)"
        order = page.evaluate(tops, parts)
        assert order == sorted(order)


class TestForms:
    def refused(self, bench: Workbench, field: str) -> str:
        """What is said at a field; it has the focus, is marked, and names the message."""
        control = bench.page.locator(field)
        expect(control).to_be_focused()
        expect(control).to_have_attribute("aria-invalid", "true")
        message = bench.page.locator(f"{field}-problem")
        expect(message).to_be_visible()
        described = control.get_attribute("aria-describedby") or ""
        assert str(message.get_attribute("id")) in described.split()
        return message.inner_text()

    def test_a_run_without_an_address_is_told_at_the_field(self, stage: Workbench) -> None:
        page = show(stage, "run-new")
        page.locator("[data-test=start]").click()
        assert "http://localhost:8000/hooks" in self.refused(stage, "#run-to")
        page.locator("#run-to").fill("localhost:8000/hooks")
        expect(page.locator("#run-to-problem")).to_have_count(0)
        page.locator("[data-test=start]").click()
        assert "http://" in self.refused(stage, "#run-to")
        page.locator("#run-to").fill("http://192.0.2.7/hooks")
        page.locator("[data-test=start]").click()
        expect(page.locator("#run-to-problem")).to_contain_text("--allow-target 192.0.2.7")
        self.refused(stage, "#run-to")

    def test_a_field_that_is_folded_is_opened(self, stage: Workbench) -> None:
        page = show(stage, "run-new")
        page.locator("#run-to").fill("http://127.0.0.1:9/hooks")
        page.locator("summary", has_text="More").click()
        page.get_by_label("Scenario starts at").fill("yesterday")
        page.locator("summary", has_text="More").click()
        page.locator("[data-test=start]").click()
        expect(page.locator("#run-start-problem")).to_contain_text("yesterday")
        self.refused(stage, "#run-start")

    @pytest.mark.parametrize(("text", "told"), [("sixty", "instant"), ("", "Fill in this field")])
    def test_a_speed_that_is_none_is_told_at_the_field(self, stage: Workbench, text: str, told: str) -> None:
        page = show(stage, "run-new")
        page.locator("#run-to").fill("http://127.0.0.1:9/hooks")
        page.locator("#run-speed").fill(text)
        page.locator("[data-test=start]").click()
        expect(page.locator("#run-speed-problem")).to_contain_text(told)
        self.refused(stage, "#run-speed")

    def test_60_is_60_times_as_fast(self, stage: Workbench) -> None:
        page = show(stage, "run-new")
        page.locator("#run-to").fill("http://127.0.0.1:9/hooks")
        page.locator("#run-speed").fill("60")
        page.locator("[data-test=start]").click()
        expect(page.locator("main h1")).to_contain_text("Run")
        run = stage.call("GET", "/runs")["items"][0]
        assert run["clock"]["speed"] == "60x"
        stage.call("POST", f"/runs/{run['id']}/stop")


class TestKeyboard:
    def test_the_palette_finds_and_does(self, stage: Workbench) -> None:
        page = show(stage, "calls")
        page.keyboard.press("/")
        field = page.get_by_role("combobox", name="Search everything")
        expect(field).to_be_focused()
        assert axe_violations(page) == []
        for text, kind, heading in [
            ("targ", "View", "Targets"),
            ("everyday", "Scenario", ""),
            ("run 2", "Run", "Run 2"),
            ("start a run", "Action", "Start a scenario"),
        ]:
            field.fill(text)
            wanted = page.get_by_role("option").filter(has_text=kind).first
            expect(wanted).to_be_visible()
            while wanted.get_attribute("aria-selected") != "true":
                field.press("ArrowDown")
            expect(field).to_have_attribute("aria-activedescendant", str(wanted.get_attribute("id")))
            field.press("Enter")
            expect(field).to_be_hidden()
            expect(page.locator("main h1")).to_contain_text(heading)
            page.keyboard.press("Control+k")
        field.press("Escape")
        expect(field).to_be_hidden()

    @pytest.mark.parametrize("kind", ["Delivery", "Conversation"])
    def test_the_palette_finds_what_the_server_knows(self, stage: Workbench, kind: str) -> None:
        newest = stage.call("GET", "/deliveries?limit=1")["items"][0]
        page = show(stage, "calls")
        page.keyboard.press("Control+k")
        page.keyboard.type(str(newest["id"]) if kind == "Delivery" else newest["conversation"])
        page.get_by_role("option").filter(has_text=kind).first.click()
        expect(page.locator("main h1")).to_contain_text(
            newest["event"] if kind == "Delivery" else newest["conversation"]
        )

    def test_the_palette_says_that_nothing_fits(self, stage: Workbench) -> None:
        page = show(stage, "calls")
        page.keyboard.press("/")
        page.keyboard.type("nothing is like this")
        expect(page.locator("[data-test=palette] [role=status]")).to_contain_text("Nothing fits")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        expect(page.locator("main h1")).to_have_text("Calls")

    def test_the_palette_asks_before_it_resets(self, stage: Workbench) -> None:
        page = show(stage, "calls")
        page.keyboard.press("/")
        page.keyboard.type("reset")
        page.get_by_role("option").filter(has_text="Reset").click()
        expect(page.locator("[data-test=really]")).to_be_visible()
        expect(page.get_by_role("button", name="Cancel")).to_be_focused()
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#reset")).to_be_focused()

    def test_keys_are_listed_and_walk_through_rows(self, stage: Workbench) -> None:
        page = show(stage, "runs")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_contain_text("next row")
        assert axe_violations(page) == []
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        expect(page.locator("main tbody tr").first.get_by_role("link").first).to_be_focused()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"#/runs/\d+$"))

    def test_letters_in_a_field_are_letters(self, stage: Workbench) -> None:
        page = show(stage, "scenarios")
        page.get_by_label("Search", exact=True).press_sequentially("/?jk")
        expect(page.get_by_label("Search", exact=True)).to_have_value("/?jk")
        expect(page.locator("dialog[open]")).to_have_count(0)


class TestFirstVisit:
    @pytest.mark.parametrize(
        ("button", "end"),
        [("example", "delivered"), pytest.param("example-failing", "failed", marks=pytest.mark.slow)],
    )
    def test_one_click_starts_an_example(self, stage: Workbench, button: str, end: str) -> None:
        page = stage.open(namespace=f"visit-{button}")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        assert page.evaluate(SIDEWAYS) <= 0
        assert page.evaluate(CUT) == []
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
        welcome = page.locator("[data-test=welcome]")
        expect(welcome).to_contain_text("sends the webhooks of made-up conversations to your integration")
        assert page.evaluate(CUT) == []
        assert axe_violations(page) == []
        welcome.locator(f"[data-test={button}]").click()
        expect(page.locator("main h1")).to_contain_text("Run")
        expect(page.locator("[data-test=after-example]")).to_contain_text("the address of your webhook")
        expect(page.locator("[data-test=summary]")).to_contain_text("/example-receiver")
        run = stage.ended(
            stage.call("GET", "/runs", namespace=f"visit-{button}")["items"][0], namespace=f"visit-{button}"
        )
        assert run["summary"][end] > 0
        assert stage.call("GET", "/targets", namespace=f"visit-{button}")["items"] == []


class TestStates:
    def test_a_slow_server_is_waited_for(self, stage: Workbench) -> None:
        page = show(stage, "targets")
        held: list[Any] = []
        page.route("**/_vendorsim/api/runs*", lambda route: held.append(route))
        page.get_by_role("navigation").get_by_role("link", name="Runs").click()
        expect(page.locator("[data-test=loading]")).to_be_visible()
        for route in held:
            route.continue_()
        page.unroute("**/_vendorsim/api/runs*")
        expect(page.locator("main h1")).to_have_text("Runs")

    def test_a_view_that_was_left_while_it_loaded_never_comes_back(self, stage: Workbench, browser: Browser) -> None:
        # Its clock is that of a whole context.
        page = browser.new_page()
        page.clock.install(time=datetime(2026, 1, 1, tzinfo=UTC))
        held: list[Any] = []
        page.route("**/_vendorsim/api/sessions*", lambda route: held.append(route))
        page.goto(f"http://127.0.0.1:{stage.port}/_vendorsim/#/targets")
        expect(page.locator("main h1")).to_have_text("Targets")
        page.clock.pause_at(datetime(2026, 1, 2, tzinfo=UTC))
        page.get_by_role("navigation").get_by_role("link", name="Sessions").click()
        page.get_by_role("navigation").get_by_role("link", name="Scenarios").click()
        expect(page.locator("main h1")).to_have_text("Scenarios")
        page.clock.run_for(60_000)
        expect(page.locator("main h1")).to_have_text("Scenarios")
        for route in held:
            route.continue_()
        page.close()

    def test_a_server_that_comes_back_is_shown_without_a_click(self, stage: Workbench) -> None:
        page = show(stage, "targets")
        page.route("**/_vendorsim/api/**", lambda route: route.abort())
        page.get_by_role("navigation").get_by_role("link", name="Runs").click()
        expect(page.locator("main h1")).to_have_text("The server does not answer")
        page.unroute("**/_vendorsim/api/**")
        expect(page.locator("main h1")).to_have_text("Runs")

    def test_what_is_not_there_leads_back_to_its_list(self, stage: Workbench) -> None:
        page = show(stage, "nowhere")
        expect(page.locator("main")).to_contain_text("there is no run 99")
        page.get_by_role("link", name="All runs").click()
        expect(page.locator("main h1")).to_have_text("Runs")
