"""Smartsupp, profile `documented`: the flags of the POST hook."""

from __future__ import annotations

import json

import pytest
from vendorsim.runs import library, timeline
from vendorsim.vendorkit import registry

VENDOR = registry.get("smartsupp")
HEAD = """
scenario: A story
vendors: [smartsupp]
cast: {agents: {ana: {}}}
steps:
"""
HI, HELLO, BYE = "say: Hi", "say: {by: ana, text: Hello}", "close: visitor"


def flags(*steps: str) -> set[str]:
    """The flags that are true in the last POST hook of a scenario with these steps."""
    scenario = library.load_text(HEAD + "".join(f"  - {step}\n" for step in steps), "story.yaml")
    run = timeline.Run(scenario, VENDOR, VENDOR.default_profile, 0, 0)
    *_, event = timeline.events(run, 1)
    return {name for name, value in json.loads(event.body)["channel"].items() if value is True}


CHAT, MISSED, DROPPED, COMPLETED = {"isChat"}, {"isMissed"}, {"isDropped"}, {"isChat", "isCompleted"}
OFFLINE, TRIGGERED = {"isOffline"}, {"isTriggered"}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([HI, HELLO, "close: ana"], COMPLETED, id="answered"),
        pytest.param([HI, "say: Anybody?", HELLO, "close: ana"], COMPLETED, id="one-answer-to-two-messages"),
        pytest.param([HI, HELLO, "say: Thanks", BYE], COMPLETED, id="the-example-of-the-page"),
        pytest.param([HI, HELLO, "say: And?", "close: ana"], CHAT | MISSED, id="closed-by-the-agent-without-an-answer"),
        pytest.param([HI, HELLO, "say: And?", "close: timeout"], CHAT | MISSED, id="timed-out-without-an-answer"),
        pytest.param([HI, HELLO, "say: And?", "miss"], CHAT | MISSED, id="answered-then-left-hanging"),
        pytest.param([HI, HELLO, "say: And?", "say: Well?", BYE], CHAT, id="two-unanswered-messages-and-closed"),
        pytest.param([HI, HELLO, "miss"], CHAT | MISSED, id="miss-is-always-missed"),
        pytest.param(["miss"], MISSED, id="missed-without-a-message"),
        pytest.param([HI, "miss"], MISSED | DROPPED, id="nobody-came"),
        pytest.param([HI, "close: timeout"], MISSED | DROPPED, id="nobody-came-in-time"),
        pytest.param([HI, BYE], DROPPED, id="closed-before-anybody-came"),
        pytest.param([HI, "join: ana", "miss"], MISSED, id="joined-and-silent"),
        pytest.param(["join: ana", HELLO, "close: timeout"], set(), id="the-visitor-never-wrote"),
        pytest.param([HI, "trigger: Wait", "miss"], MISSED | DROPPED | TRIGGERED, id="a-trigger-is-no-answer"),
        pytest.param([HI, "note: {by: ana, text: Mine}", "miss"], MISSED | DROPPED, id="a-note-is-no-answer"),
        pytest.param(["offline_message: Hi"], OFFLINE, id="offline-message"),
        pytest.param([HI, "miss", "say: Again", HELLO, "close: ana"], COMPLETED, id="missed-then-answered"),
        pytest.param(
            [HI, HELLO, "say: Thanks", BYE, "say: Oh", "close: ana"], CHAT | MISSED, id="the-last-close-counts"
        ),
    ],
)
def test_flags(steps: list[str], expected: set[str]) -> None:
    assert flags(*steps) == expected
