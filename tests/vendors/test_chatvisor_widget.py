"""Chatvisor's plug-in in stories: its settings, and the rules that keep a chat from starting."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from vendorsim.core import resources
from vendorsim.core.errors import DocumentError
from vendorsim.core.provenance import PROVENANCES
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import registry

VENDOR = registry.get("chatvisor")
SCHEMA = json.loads((resources.contracts() / "chatvisor" / "webchat.schema.json").read_bytes())
# 2026-01-05 is a Monday.
MONDAY = "2026-01-05T09:00:00Z"
CHAT = ["new_conversation", "new_message"]


def story(*steps: str, starts: str = MONDAY, visitor: str = "{}") -> str:
    head = f"scenario: A story\nvendors: [chatvisor]\nstarts: {starts}\nconversation: {{id: 71}}\n"
    cast = f"cast:\n  visitor: {visitor}\n  agents: {{ana: {{}}, ben: {{}}}}\nsteps:\n"
    return head + cast + "".join(f"  - {step}\n" for step in steps)


def names(*steps: str, profile: str = "documented", **cast: str) -> list[str]:
    """The events of a story."""
    scenario = library.load_text(story(*steps, **cast), "story.yaml")
    run = timeline.Run(scenario, VENDOR, VENDOR.profile(profile), scenario.seed, scenario.starts or 0)
    return [event.name for event in timeline.events(run, 1)]


def rules(**given: Any) -> str:
    return f"configure_widget: {json.dumps({'webchat': {'actionRules': given}})}"


def later(step: str, after: str) -> str:
    """A step after a pause."""
    return f"{step}\n    after: {after}"


def goes(*presences: str) -> list[str]:
    return [f"operator: {{who: {who}, goes: {where}}}" for who, where in (one.split() for one in presences)]


HELLO = "say: Hello"
PAGE = "navigate: {url: 'https://www.example.com/a', title: A}"
OTHER = "navigate: {url: 'https://www.example.com/b', title: B}"

ONLINE, AVAILABLE = rules(agentOnline=True), rules(agentAvailable=True)
OFFICE = rules(officeHours={"from": "09:00", "to": "17:00"})
NIGHT = rules(officeHours={"from": "22:00", "to": "06:00", "days": ["mon"]})
MADRID = rules(officeHours={"from": "09:00", "to": "17:00", "timezone": "Europe/Madrid"})
SECONDS = rules(secondsOnPage=20)
SECOND = rules(secondVisit=True)


@pytest.mark.parametrize(
    ("steps", "visible"),
    [
        pytest.param([], True, id="by default"),
        pytest.param([rules()], True, id="no rules"),
        pytest.param([rules(agentOnline=False, secondVisit=False, secondsOnPage=0)], True, id="rules that are off"),
        pytest.param([ONLINE], True, id="agents are online until they go"),
        pytest.param([ONLINE, *goes("ana offline")], True, id="any agent is enough"),
        pytest.param([ONLINE, *goes("ana offline", "ben away")], True, id="who is away is online"),
        pytest.param([ONLINE, *goes("ana offline", "ben offline")], False, id="nobody is online"),
        pytest.param([*goes("ana offline", "ben offline"), ONLINE], False, id="the rule may come later"),
        pytest.param([ONLINE, *goes("ana offline", "ben offline", "ana online")], True, id="online again"),
        pytest.param([AVAILABLE, *goes("ana offline", "ben away")], False, id="nobody is available"),
        pytest.param([AVAILABLE, *goes("ana away", "ben away", "ben back")], True, id="back is available"),
        pytest.param([SECONDS, later(HELLO, "19s")], False, id="too early on the page"),
        pytest.param([SECONDS, "wait: 20s"], True, id="long enough on the page"),
        pytest.param([SECONDS, "wait: 20s", PAGE], False, id="another page counts anew"),
        pytest.param([SECONDS, "wait: 20s", PAGE, "wait: 20s"], True, id="long enough on the other page"),
        pytest.param([SECOND, PAGE], False, id="the first visit"),
        pytest.param([SECOND, PAGE, OTHER], False, id="another page is no second visit"),
        pytest.param([SECOND, PAGE, OTHER, PAGE], True, id="the page once more"),
        pytest.param([ONLINE, rules(secondVisit=True)], False, id="rules are replaced"),
        pytest.param([SECOND, rules()], True, id="rules are removed"),
        pytest.param(
            [SECOND, "configure_widget: {webchat: {color: '#ff0000'}}"], False, id="other settings leave the rules"
        ),
        pytest.param([rules(agentOnline=True, secondsOnPage=20), "wait: 1m"], True, id="all rules are met"),
        pytest.param([rules(secondVisit=True, secondsOnPage=20), "wait: 1m"], False, id="one of two is not"),
    ],
)
def test_a_chat_starts_while_every_rule_is_met(steps: list[str], visible: bool) -> None:
    assert names(*steps, HELLO) == (CHAT if visible else [])


@pytest.mark.parametrize(
    ("rule", "starts", "visible"),
    [
        (OFFICE, "2026-01-05T08:59:59Z", False),
        (OFFICE, "2026-01-05T09:00:00Z", True),
        (OFFICE, "2026-01-05T16:59:59Z", True),
        (OFFICE, "2026-01-05T17:00:00Z", False),
        (OFFICE, "2026-01-10T12:00:00Z", False),
        (MADRID, "2026-01-05T08:00:00Z", True),
        (MADRID, "2026-07-06T07:00:00Z", True),
        (MADRID, "2026-01-05T16:00:00Z", False),
        (NIGHT, "2026-01-05T21:59:00Z", False),
        (NIGHT, "2026-01-05T22:00:00Z", True),
        (NIGHT, "2026-01-06T05:59:00Z", True),
        (NIGHT, "2026-01-06T06:00:00Z", False),
        (NIGHT, "2026-01-06T22:00:00Z", False),
        (rules(officeHours={"from": "00:00", "to": "24:00"}), "2026-01-05T00:00:00Z", True),
    ],
)
def test_office_hours_are_those_of_the_scenarios_clock(rule: str, starts: str, visible: bool) -> None:
    assert names(rule, HELLO, starts=starts) == (CHAT if visible else [])


def test_a_visitor_whom_the_vendor_knows_is_there_again() -> None:
    assert names(SECOND, HELLO, visitor="{identifier: crm-4711}") == CHAT


def test_a_chat_that_is_going_on_stays_and_a_new_one_does_not_begin() -> None:
    hidden = goes("ana offline", "ben offline")
    steps = [ONLINE, HELLO, *hidden, "say: More", "close: ana", "say: Again", "offline_message: Please call"]
    assert names(*steps) == [*CHAT, "new_message"]
    assert names(*steps, *goes("ana online"), "say: There") == [*CHAT, "new_message", *CHAT]


def test_what_agents_do_where_nobody_could_write_is_told_to_nobody() -> None:
    hidden = [ONLINE, *goes("ana offline", "ben offline"), HELLO]
    assert names(*hidden, "join: ana", "say: {by: ana, text: Hi}", "close: ana", "rate: 5", profile="engage") == []


def test_settings_of_other_vendors_widgets_are_not_looked_at() -> None:
    assert names("configure_widget: {name: Shop, color: red, texts: 5, actionRules: 7}", HELLO) == CHAT


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{color: red}", "color: "),
        ("red", "settings: "),
        ("{colour: '#ff0000'}", "settings: "),
        ("{position: top}", "position: "),
        ("{texts: {titel: Hi}}", "texts: "),
        ("{texts: {title: 5}}", "texts/title: "),
        ("{actionRules: {online: true}}", "actionRules: "),
        ("{actionRules: {secondsOnPage: -1}}", "actionRules/secondsOnPage: "),
        (
            "{actionRules: {officeHours: {from: '9:00', to: '17:00'}}}",
            "actionRules/officeHours/from: ",
        ),
        (
            "{actionRules: {officeHours: {from: '09:00', to: '17:00', timezone: Mars/Olympus}}}",
            "actionRules/officeHours/timezone: there is no time zone 'Mars/Olympus'",
        ),
    ],
)
def test_a_setting_that_is_none_is_refused_at_its_step(settings: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        library.load_text(story(f"configure_widget: {{webchat: {settings}}}", HELLO), "story.yaml")
    (problem,) = caught.value.problems
    assert problem.line == 9
    assert problem.message.startswith(f"as chatvisor: configure_widget: webchat: {message}")


def test_a_step_that_does_not_happen_is_told(vendorsim: Vendorsim, tmp_path: Path) -> None:
    path = tmp_path / "hidden.yaml"
    path.write_text(story(rules(secondVisit=True, secondsOnPage=20), later(HELLO, "5s")), encoding="utf-8")
    told = (
        "as chatvisor, this step does not happen: the chat is hidden: "
        "the visitor has been on the page for 5 of 20 s; it is the visitor's first visit"
    )
    linted = vendorsim("lint", path)
    assert (linted.code, linted.out) == (0, f"{path}:10:5: warning: {told}\n")
    generated = vendorsim("generate", path, "--vendor", "chatvisor")
    assert (generated.code, generated.out, generated.err) == (0, "", f"{path}:10:5: note: {told}\n")


def test_the_example_of_the_page_is_true(vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "vendors" / "chatvisor.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(scenario: .*?)```", page, re.DOTALL)
    told = re.search(r"\$ vendorsim lint nobody.yaml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    assert told is not None
    monkeypatch.chdir(tmp_path)
    Path("nobody.yaml").write_text(example[1], encoding="utf-8")
    assert vendorsim("lint", "nobody.yaml").out == told[1]
    lines = vendorsim("generate", "nobody.yaml", "--vendor", "chatvisor").lines
    assert [line["event"] for line in lines] == CHAT


def test_every_setting_says_where_it_is_known_from() -> None:
    def unlabelled(part: Any, place: str) -> Iterator[str]:
        for name, sub in part.get("properties", {}).items():
            if sub.get("x-provenance") not in PROVENANCES or not sub.get("x-source"):
                yield f"{place}/{name}"
            yield from unlabelled(sub, f"{place}/{name}")

    assert list(unlabelled(SCHEMA, "")) == []
    assert SCHEMA["x-provenance"] == "assumed"
