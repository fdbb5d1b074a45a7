"""Writing scenarios, bodies, steps and faults on the page, by clicking and typing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from receiver import Receiver
from short_story import OF_USERLIKE, STORY
from thorough import few_of
from workbench import Workbench, axe_violations, write, written

pytestmark = pytest.mark.slow

BROKEN = STORY.replace("join: ana", "join: anna").replace("- say: G", "- sya: G")


def in_view(page: Page, locator: Locator) -> bool:
    """Whether all of it is in the window, and not below the bar at its bottom."""
    box = locator.bounding_box()
    bottom = page.evaluate("innerHeight - (document.querySelector('.bottom')?.offsetHeight ?? 0)")
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= bottom


class TestScenario:
    def test_problems_are_at_their_lines_and_in_a_list_in_view(self, bench: Workbench) -> None:
        page = bench.open("#/scenarios/forwarded-chat")
        expect(page.locator("[data-test=lint]")).to_contain_text("No problems")
        expect(page.locator("[data-test=problems]")).to_be_hidden()
        write(page, "yaml", BROKEN)
        listed = page.locator("[data-test=problems] li")
        expect(listed).to_have_text(["8:5 unknown verb 'sya'; did you mean 'say'?", re.compile("^9:11 .*'anna'")])
        assert in_view(page, listed.nth(1))
        lines = page.locator("#yaml .cm-line")
        expect(lines.nth(7)).to_contain_text("unknown verb 'sya'; did you mean 'say'?")
        expect(lines.nth(8)).to_contain_text("unknown agent of the cast 'anna'")
        expect(page.locator(".cm-lint-marker-error")).to_have_count(2)
        expect(page.locator("#yaml")).to_have_attribute("aria-invalid", "true")
        # The place of the second problem is where the cursor is put.
        listed.nth(1).click()
        page.keyboard.press("Delete")
        assert written(page, "yaml")[8] == "  - join: nna"
        write(page, "yaml", STORY)
        expect(page.locator("[data-test=lint]")).to_contain_text("No problems: “Short chat”")
        expect(page.locator("#yaml .cm-message")).to_have_count(0)

    def test_what_can_t_be_checked_says_so_and_keeps_no_old_problems(self, bench: Workbench) -> None:
        page = bench.open("#/scenarios/new")
        write(page, "yaml", "scenario: 👋\nsteps:\n  - say: {text: 👋👋, bt: ana}\n")
        listed = page.locator("[data-test=problems] li")
        expect(listed).to_have_text(re.compile("^3:21 unknown key in 'say' 'bt'"))
        listed.click()
        page.keyboard.type("!")
        assert written(page, "yaml")[2] == "  - say: {text: 👋👋, !bt: ana}"
        page.route("**/_vendorsim/api/lint", lambda route: route.abort())
        page.keyboard.type("!")
        expect(page.locator("[data-test=lint]")).to_contain_text("Not checked: The server can't be reached.")
        expect(listed).to_have_count(0)

    def test_the_keyboard_alone_is_enough(self, bench: Workbench) -> None:
        page = bench.open("#/scenarios/new")
        page.locator("[data-test=start-this]").focus()
        page.keyboard.press("Tab")
        expect(page.locator("#yaml")).to_be_focused()
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.insert_text(BROKEN)
        expect(page.locator("[data-test=problems] li")).to_have_count(2)
        page.keyboard.press("ControlOrMeta+Home")
        page.keyboard.press("F8")
        expect(page.locator(".cm-tooltip")).to_have_text("unknown verb 'sya'; did you mean 'say'?")
        # Screen readers are told the message, too.
        expect(page.locator(".cm-announced")).to_contain_text("unknown verb 'sya'")
        page.keyboard.type("say")
        expect(page.locator("[data-test=problems] li")).to_have_count(1)
        page.keyboard.press("Shift+Tab")
        expect(page.locator(".jump")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#yaml")).to_be_focused()
        page.keyboard.press("Escape")
        page.keyboard.press("Tab")
        expect(page.locator("#yaml")).not_to_be_focused()

    def test_completion_knows_steps_arguments_and_agents(self, bench: Workbench) -> None:
        page = bench.open("#/scenarios/new")
        options = page.locator(".cm-tooltip-autocomplete li")
        write(page, "yaml", "scenario: Mine\ncast:\n  agents: {ana: {}, ben: {}}\nsteps:")
        page.keyboard.press("Enter")
        page.keyboard.type("- sa")
        expect(options.first).to_have_text("say")
        expect(page.locator(".cm-completionInfo")).to_contain_text("without by it is the visitor")
        # For a moment the keyboard takes none, so that nobody takes one by mistake; the mouse does at once.
        options.first.click()
        page.keyboard.type("{")
        expect(options).to_have_text(["attachments", "by", "content_type", "text"])
        page.keyboard.type("b")
        expect(options).to_have_text(["by"])
        options.first.click()
        page.keyboard.press("Control+Space")
        expect(options).to_have_text(["ana", "ben", "visitor"])
        options.nth(1).click()
        page.keyboard.type("}")
        expect(page.locator("[data-test=lint]")).to_contain_text("No problems")
        assert written(page, "yaml")[-1] == "  - say: {by: ben}"

    def test_what_can_stand_where(self, bench: Workbench) -> None:
        """`^` is the cursor; some of what is offered there, and some of what is not."""
        page = bench.open("#/scenarios")
        offered = page.evaluate(
            """async (texts) => {
                const { scenarioCompleter } = await import("./scenario-completion.js");
                const complete = await scenarioCompleter();
                return texts.map((text) => {
                    const found = complete(text.replace("^", ""), text.indexOf("^"));
                    return found && found.options.map(({ label }) => label);
                });
            }""",
            [text for text, _, _ in PLACES],
        )
        for (text, some, others), found in zip(PLACES, offered, strict=True):
            assert set(some) <= set(found or ()), text
            assert not set(others) & set(found or ()), text
            assert some or not found, text

    def test_what_was_written_is_kept_and_can_be_undone(self, bench: Workbench) -> None:
        page = bench.open("#/scenarios/forwarded-chat")
        before = written(page, "yaml")[0]
        write(page, "yaml", STORY)
        page.get_by_role("navigation").get_by_role("link", name="Runs").click()
        expect(page.locator("main h1")).to_have_text("Runs")
        bench.open("#/scenarios/forwarded-chat")
        expect(page.locator("#yaml .cm-line").first).to_have_text("scenario: Short chat")
        page.locator("[data-test=revert]").click()
        expect(page.locator("#yaml .cm-line").first).to_have_text(before)
        expect(page.locator("[data-test=revert]")).to_be_hidden()


HEAD = "cast:\n  agents:\n    ana: {name: Ana}\n    ben:\n      name: Ben\nsteps:\n  - say: Hi\n"
PLACES: list[tuple[str, list[str], list[str]]] = [
    ("^", ["scenario", "vendors", "steps"], ["say"]),
    ("scenario: X\nse^", ["seed"], ["scenario"]),
    ("vendors: [userlike, ^]", ["messagehub"], ["steps"]),
    ("cast:\n  ^", ["visitor", "agents"], ["steps"]),
    ("cast:\n  visitor: {name: Dana, ^}", ["email"], ["name"]),
    (f"{HEAD}  - ^", ["say", "close", "expect_call"], ["scenario"]),
    (f"{HEAD}    ^", ["after", "fault", "expect"], ["say", "close"]),
    (f"{HEAD}  - say:\n      ^", ["text", "by"], ["after"]),
    (f"{HEAD}  - say: {{\n      by: ana,\n      ^", ["text"], ["by"]),
    (f"{HEAD}  - join: ^", ["ana", "ben", "visitor"], ["name"]),
    (f"{HEAD}  - typing: {{by: ana, active: ^}}", ["true", "false"], ["ana"]),
    (f"{HEAD}  - operator: {{who: ana, goes: ^}}", ["online", "away"], []),
    (f"{HEAD}    fault: {{^}}", ["duplicate", "delay"], []),
    (f"{HEAD}    only: ^", ["userlike"], []),
    # In a text, a comment or a quotation nothing is offered.
    (f"{HEAD}  - say: good mor^", [], []),
    (f"{HEAD}  - say: 'a^", [], []),
    ("description: |\n  about ^", [], []),
    ("scenario: X # a^", [], []),
]


class TestBody:
    @pytest.fixture
    def opened(self, bench: Workbench, target: Receiver) -> Page:
        """The form of the first of a few deliveries."""
        bench.play(target.url())
        target.wait_for(OF_USERLIKE)
        bench.open("#/deliveries")
        expect(bench.deliveries).to_have_count(OF_USERLIKE)
        page = bench.open("#/deliveries/1")
        page.get_by_role("button", name="Edit and resend").click()
        expect(page.locator("#resend-body")).to_be_focused()
        return page

    def test_is_indented_and_sent_unchanged_unless_it_was_edited(self, opened: Page, target: Receiver) -> None:
        expect(opened.locator("#resend-told")).to_have_text("Not edited: the same bytes are sent again.")
        assert written(opened, "resend-body")[:2] == ["{", '  "_type": "chat_session",']
        opened.locator("#resend-send").click()
        assert target.wait_for(OF_USERLIKE + 1)[-1].body == target.bodies[0]

    def test_what_breaks_the_contract_is_told_while_typing(self, opened: Page, target: Receiver) -> None:
        body = json.loads(target.bodies[0])
        body = {"id": "no number", "chat_wigdet": body.pop("chat_widget")} | {
            k: v for k, v in body.items() if k != "id"
        }
        write(opened, "resend-body", json.dumps(body, indent=2, ensure_ascii=False))
        told = opened.locator("#resend-told")
        expect(told).to_have_text(re.compile("^2 violations of the contract of chat_session.start"))
        listed = opened.locator("[data-test=resend-problems] li")
        typo = "unknown key 'chat_wigdet'; did you mean 'chat_widget'?"
        expect(listed).to_have_text([f"/chat_wigdet {typo}", '/id "no number" is not of type "integer"'])
        listed.first.click()
        lines = opened.locator("#resend-body .cm-line")
        expect(lines.filter(has_text='"id": "no number"')).to_contain_text("is not of type")
        expect(lines.filter(has_text='"chat_wigdet"')).to_contain_text(typo)
        opened.locator("#resend-send").click()
        # As the original, it is on one line.
        sent = target.wait_for(OF_USERLIKE + 1)[-1].body
        assert sent == json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        expect(opened.locator("[data-test=violations]")).to_contain_text(typo)

    def test_is_sent_as_it_is_written_if_that_is_wanted(self, opened: Page, target: Receiver) -> None:
        text = '{\n  "id": 1e2,\n  "id": 18446744073709551616\n}'
        write(opened, "resend-body", text)
        opened.get_by_label("Send an edited body on one line").uncheck()
        opened.locator("#resend-send").click()
        assert target.wait_for(OF_USERLIKE + 1)[-1].body == text.encode()

    def test_what_is_no_json_has_its_line(self, opened: Page, target: Receiver) -> None:
        text = '{\n  "id": 1,\n  "status": new\n}'
        write(opened, "resend-body", text)
        expect(opened.locator("#resend-told")).to_have_text("This is no JSON. It can be sent all the same.")
        expect(opened.locator("#resend-body .cm-line").nth(2)).to_contain_text("expected")
        expect(opened.locator("[data-test=resend-problems] li")).to_have_text(re.compile(r"^3:1\d"))
        # Escape does not throw away what was written.
        opened.keyboard.press("Escape")
        opened.locator("#resend-send").click()
        assert target.wait_for(OF_USERLIKE + 1)[-1].body == text.encode()

    def test_one_of_nearly_a_megabyte_can_be_edited(self, bench: Workbench, target: Receiver) -> None:
        run = bench.play(target.url())
        target.wait_for(OF_USERLIKE)
        bench.open(f"#/runs/{run['id']}")
        expect(bench.page.locator("main")).to_contain_text("finished")
        body = json.loads(target.bodies[0]) | {"extra": [{"n": n, "text": "x" * 40} for n in range(10_000)]}
        number = bench.call("POST", "/deliveries/1/resend", {"body": json.dumps(body)})["id"]
        page = bench.open(f"#/deliveries/{number}")
        page.get_by_role("button", name="Edit and resend").click()
        expect(page.locator("#resend-body")).to_be_focused()
        page.keyboard.press("ArrowRight")
        page.keyboard.type('"more": 1,')
        expect(page.locator("#resend-told")).to_have_text(re.compile("^(It fits|1 violation)"))
        page.locator("#resend-send").click()
        assert target.wait_for(OF_USERLIKE + 2)[-1].json == body | {"more": 1}

    def test_attempts_are_told_in_words(self, bench: Workbench, target: Receiver) -> None:
        bench.play(target.url(), faults=["duplicate=1"])
        target.wait_for(2 * OF_USERLIKE)
        bench.open("#/deliveries")
        expect(bench.deliveries).to_have_count(2 * OF_USERLIKE)
        page = bench.open("#/deliveries/2")
        words = page.locator("dt:text-is('Attempt') + dd")
        expect(words).to_have_text("The first attempt of duplicate 1, which a fault sends; no retry is needed")
        page.get_by_role("button", name="Resend", exact=True).click()
        expect(words).to_have_text(
            "Attempt 2 of duplicate 1, which a fault sends, sent again by hand; no retry is needed"
        )


LONG = "scenario: Long\nvendors: [userlike]\nsteps:\n" + "  - say: Hello\n" * 25 + "  - say: Bye\n    after: 5h\n"


def test_a_step_by_hand_is_not_sent_twice_and_its_arrow_is_in_view(bench: Workbench, target: Receiver) -> None:
    run = bench.play(target.url(), yaml=LONG, speed="1x")
    conversation = str(target.wait_for(27)[0].json["id"])
    page = bench.open(f"#/conversations/userlike/{conversation}?run={run['id']}")
    arrows = page.locator("[data-test=diagram] [data-key]")
    expect(arrows).to_have_count(27)
    text = page.locator("[data-test=step-form]").get_by_label("Text")
    text.fill("Is anybody there?")
    text.press("Enter")
    expect(arrows).to_have_count(28)
    assert "Is anybody there?" in target.wait_for(28)[-1].body.decode()
    expect(text).to_have_value("")
    expect(text).to_be_focused()
    expect(arrows.last).to_be_in_viewport()
    page.keyboard.press("Enter")
    # Shift-Enter begins a line.
    page.keyboard.type("One")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    expect(arrows).to_have_count(29)
    assert b"One\\ntwo" in target.wait_for(29)[-1].body


def test_faults_have_labelled_fields(bench: Workbench) -> None:
    page = bench.open("#/targets")
    add = page.get_by_role("button", name="Add a fault")
    add.click()
    page.get_by_label("Fault", exact=True).select_option("delay")
    expect(page.get_by_label("How much later")).to_be_visible()
    page.get_by_label("How much later").fill("soon")
    page.locator("[data-test=faults-on]").click()
    expect(page.get_by_label("How much later")).to_be_focused()
    expect(page.locator(".field-problem")).to_contain_text("write it like delay=30s")
    page.get_by_label("How much later").fill("2m")
    page.get_by_label("How often, in %").fill("25")
    add.click()
    page.get_by_label("Fault", exact=True).nth(1).select_option("corrupt")
    page.get_by_label("What is wrong").select_option("null")
    add.click()
    page.get_by_label("Fault", exact=True).nth(2).select_option("drop")
    expect(page.locator(".fault-row").nth(2).locator("input, select")).to_have_count(2)
    page.locator("[data-test=faults-on]").click()
    expect(page.locator("[data-test=armed]")).to_contain_text("On: delay=2m@0.25 corrupt=null drop")
    assert bench.call("GET", "/faults")["faults"] == ["delay=2m@0.25", "corrupt=null", "drop"]


LOOKS: dict[str, dict[str, Any]] = {
    "dark, on a phone": {"color_scheme": "dark", "viewport": {"width": 360, "height": 780}},
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
}


@pytest.mark.parametrize("look", few_of(LOOKS.values(), 2, LOOKS))
def test_axe_finds_nothing_serious_in_an_editor(bench: Workbench, target: Receiver) -> None:
    bench.play(target.url())
    page = bench.open("#/scenarios/new")
    write(page, "yaml", BROKEN)
    expect(page.locator("[data-test=problems] li")).to_have_count(2)
    assert_accessible(page)
    page.keyboard.press("Control+Space")
    page.keyboard.type("s")
    expect(page.locator(".cm-tooltip-autocomplete")).to_be_visible()
    assert_accessible(page)
    bench.open("#/deliveries")
    expect(bench.deliveries).to_have_count(OF_USERLIKE)
    bench.open("#/deliveries/1")
    page.get_by_role("button", name="Edit and resend").click()
    write(page, "resend-body", '{"id": "x"}')
    expect(page.locator("[data-test=resend-problems] li").first).to_be_visible()
    assert_accessible(page)
    bench.open("#/targets")
    page.get_by_role("button", name="Add a fault").click()
    assert_accessible(page)


def assert_accessible(page: Page) -> None:
    assert axe_violations(page) == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "the page is wider than the window"
