"""Traffic files: what is read, and what is wrong with them, each problem at its place."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from command_line import Vendorsim
from stories import OFFLINE
from vendorsim.load import traffic
from vendorsim.load.arrivals import Ramp, Spikes, Steady
from vendorsim.load.traffic_shapes import PROCESSES as PROCESS_RECORDS

REPOSITORY = Path(__file__).parents[2]
GOOD = """\
traffic: Evening
scenarios:
  - scenario: missed-chat
    vendor: userlike
arrivals: {process: constant, rate: 5/s}
conversations: 10
"""


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


PROBLEMS = [
    pytest.param("", "1:1: the file is empty; a traffic file needs 'traffic', 'scenarios' and 'arrivals'", id="empty"),
    pytest.param(
        "- a\n", "1:1: a traffic file is a mapping with 'traffic', 'scenarios' and 'arrivals', not", id="list"
    ),
    pytest.param(
        changed("conversations: 10\n", ""), "1:1: a traffic file needs 'conversations' or 'duration'", id="end"
    ),
    pytest.param(changed("conversations: 10", "duration: 0s"), "6:11: 'duration' must be more than zero", id="no time"),
    pytest.param(changed("conversations: 10", "duration: 1ms"), "", id="one within a millisecond"),
    pytest.param(changed("traffic: Evening\n", ""), "1:1: a traffic file needs 'traffic': text", id="title"),
    pytest.param(
        changed("arrivals", "arivals"), "5:1: unknown key in a traffic file 'arivals'; did you mean", id="key"
    ),
    pytest.param(changed("    vendor", "    vender"), "4:5: unknown key in a scenario of the mix 'vender'", id="part"),
    pytest.param(
        changed("userlike", "userlik"), "4:13: unknown vendor 'userlik'; did you mean 'userlike'?", id="vendor"
    ),
    pytest.param(
        changed("missed-chat", "mised-chat"),
        "3:5: unknown scenario 'mised-chat'; did you mean 'missed-chat'?",
        id="name",
    ),
    pytest.param(changed("missed-chat", "gone.yaml"), "gone.yaml can't be read: No such file or directory", id="file"),
    pytest.param(
        changed("userlike", "userlike\n    profile: legasy"),
        "5:14: unknown profile of userlike 'legasy'; did you mean 'legacy'?",
        id="profile",
    ),
    pytest.param(changed("userlike", "userlike\n    weight: 0"), "5:13: expected a whole number from 1", id="weight"),
    pytest.param(
        changed("userlike", "userlike\n    faults: [dupliate@0.1]"),
        "5:14: unknown fault 'dupliate'; did you mean 'duplicate'?",
        id="fault",
    ),
    pytest.param(
        changed("userlike", "userlike\n    faults: duplicate@2"),
        "5:13: the rate '2' is not a number from 0 to 1",
        id="rate",
    ),
    pytest.param(
        changed("userlike", "userlike\n    faults: quirk=twinn"),
        "3:5: fault quirk: unknown quirk of userlike",
        id="quirk",
    ),
    pytest.param(
        changed("userlike", "ccai"), "3:5: missed-chat: sends nothing as ccai (documented)", id="nothing sent"
    ),
    pytest.param(
        changed("scenarios:\n  - scenario: missed-chat\n    vendor: userlike", "scenarios: []"), "2:12:", id="none"
    ),
    pytest.param(
        changed("{process: constant, rate: 5/s}", "5/s"), "5:11: expected a mapping with process", id="arrivals"
    ),
    pytest.param(
        changed("process: constant, ", ""), "5:11: 'arrivals' needs 'process': constant, poisson,", id="process"
    ),
    pytest.param(changed("constant", "poison"), "5:21: unknown process 'poison'; did you mean 'poisson'?", id="poison"),
    pytest.param(changed("5/s", "5"), "5:37: expected a rate such as 50/s, 300/m or 0.5/s", id="no unit"),
    pytest.param(changed("5/s", "0/s"), "5:37: 'rate' must be more than zero", id="never"),
    pytest.param(changed("5/s", "5000000/s"), "5:37: a rate is at most 1000000/s", id="too fast"),
    pytest.param(
        changed("rate: 5/s", "rate: 5/s, peak: 9/s"), "5:42: unknown key in 'arrivals' 'peak'", id="of another"
    ),
    pytest.param(changed("constant, rate: 5/s", "ramp, from: 1/s, over: 1m"), "needs 'to': a rate such as", id="ramp"),
    pytest.param(
        changed("constant, rate: 5/s", "ramp, from: 1/s, to: 0/s, over: 1m"),
        "5:42: 'to' must be more than",
        id="ramp to 0",
    ),
    pytest.param(
        changed("constant, rate: 5/s", "spikes, rate: 1/s, peak: 9/s, every: 5s, lasting: 5s"),
        "5:11: 'lasting' must be shorter than 'every'",
        id="all spike",
    ),
    pytest.param(GOOD + "speed: 60\n", "7:8: expected instant, or a factor such as 1x or 60x", id="speed"),
    pytest.param(GOOD + "speed: 0x\n", "7:8: expected instant, or a factor such as 1x or 60x", id="no speed"),
    pytest.param(GOOD + "starts: 2099-12-31T23:59:59Z\n", "3:5: the last of 10 conversations would start", id="2100"),
]


@pytest.mark.parametrize(("text", "problem"), PROBLEMS)
def test_problems_and_their_places(vendorsim: Vendorsim, tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    ended = vendorsim("load", path, "--digest")
    if problem:
        assert (ended.code, ended.out) == (2, "")
        assert problem in ended.err.replace(f"{path}:", "")
    else:
        assert ended.code == 0


def test_a_missing_scenario_is_a_problem_of_the_line_that_names_it(vendorsim: Vendorsim, tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(changed("missed-chat", "mine/gone.yaml"))
    ended = vendorsim("load", path, "--digest")
    problem = f"{path}:3:15: the scenario {tmp_path}/mine/gone.yaml can't be read: No such file or directory\n"
    assert (ended.code, ended.err) == (2, problem)


def test_a_vendor_that_the_scenario_is_not_for(vendorsim: Vendorsim, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(OFFLINE)
    (tmp_path / "t.yaml").write_text(changed("missed-chat", "mine.yaml"))
    ended = vendorsim("load", tmp_path / "t.yaml", "--digest")
    assert ended.code == 2
    assert "t.yaml:3:5: " in ended.err
    assert "'userlike' is not among the scenario's vendors (smartsupp)" in ended.err


def test_all_problems_are_told_at_once(vendorsim: Vendorsim, tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(changed("userlike", "userlik").replace("5/s", "fast").replace("conversations", "conversation"))
    told = vendorsim("load", path, "--digest").err.splitlines()
    assert [line.split(":")[1] for line in told] == ["1", "4", "5", "6"]


def test_a_scenario_with_pinned_ids_can_be_told_once_only(vendorsim: Vendorsim, tmp_path: Path) -> None:
    (tmp_path / "pinned.yaml").write_text(OFFLINE.replace("steps:", "conversation: {id: 5}\nsteps:"))
    (tmp_path / "t.yaml").write_text(changed("missed-chat", "pinned.yaml").replace("userlike", "smartsupp"))
    ended = vendorsim("load", tmp_path / "t.yaml", "--digest")
    assert ended.code == 2
    assert "t.yaml:3:5: " in ended.err
    assert "conversation.id can belong to one conversation only" in ended.err
    assert vendorsim("load", tmp_path / "t.yaml", "--digest", "--count", 1).code == 0


PROCESSES = [
    ("{process: constant, rate: 300/m}", Steady(5), False),
    ("{process: poisson, rate: 0.5/s}", Steady(0.5), True),
    ("{process: ramp, from: 0/s, to: 50/s, over: 2m}", Ramp(0, 50, 120), False),
    ("{process: ramp, from: 5/s, to: 1/s, over: 10s, random: true}", Ramp(5, 1, 10), True),
    ("{process: spikes, rate: 0/s, peak: 90/s, every: 1m, lasting: 500ms}", Spikes(0, 90, 60, 0.5), False),
]


@pytest.mark.parametrize(("text", "curve", "random"), PROCESSES)
def test_processes(text: str, curve: object, random: bool) -> None:
    read = traffic.parse(changed("{process: constant, rate: 5/s}", text), "t.yaml").arrivals
    assert (read.curve, read.random) == (curve, random)


FULL = (
    GOOD
    + """\
description: Anything
duration: 90s
speed: 60x
seed: 3
starts: 2026-01-05T09:00:00Z
spacing: 2s
faults: drop@0.01
"""
)


def test_everything_that_can_be_said() -> None:
    read = traffic.parse(FULL, "t.yaml")
    assert (read.title, read.conversations, read.duration, read.speed) == ("Evening", 10, 90_000, 60.0)
    assert (read.seed, read.starts, read.spacing) == (3, 1_767_603_600_000, 2_000)
    assert [(fault.label, fault.rate) for fault in read.faults] == [("drop", 0.01)]


@pytest.mark.parametrize(
    "text", [GOOD, FULL, *(changed("{process: constant, rate: 5/s}", row[0]) for row in PROCESSES)]
)
def test_the_schema_allows_what_is_read(text: str) -> None:
    jsonschema.Draft202012Validator(traffic.json_schema()).validate(yaml.load(text, yaml.BaseLoader) | _numbers(text))


def _numbers(text: str) -> dict[str, object]:
    """BaseLoader leaves every value as text: these are read as YAML does."""
    read = yaml.safe_load(text)
    return {key: read[key] for key in ("conversations", "seed", "arrivals") if key in read}


@pytest.mark.parametrize(
    "text", ["traffic: T\n", changed("5/s", "5"), changed("constant", "poison"), GOOD + "sped: 1x\n"]
)
def test_the_schema_refuses_what_is_refused(text: str) -> None:
    assert not jsonschema.Draft202012Validator(traffic.json_schema()).is_valid(yaml.safe_load(text))


def test_the_schema_is_printed_for_editors(vendorsim: Vendorsim) -> None:
    printed = vendorsim("load", "--schema")
    assert printed.json == traffic.json_schema()
    assert printed.out == json.dumps(traffic.json_schema(), indent=2) + "\n", "as `scenarios schema` prints"
    jsonschema.Draft202012Validator.check_schema(traffic.json_schema())


def test_every_key_is_explained_on_the_page() -> None:
    text = (REPOSITORY / "docs" / "load.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    assert {*traffic.ROOT.keys, *PROCESS_RECORDS} <= rows
    for record in PROCESS_RECORDS.values():
        assert all(f"`{key}`" in text for key in record.keys if key != "random")


def test_the_example_on_the_page_is_sound() -> None:
    text = (REPOSITORY / "docs" / "load.md").read_text(encoding="utf-8")
    assert traffic.parse(text.partition("```yaml\n")[2].partition("```")[0], "load.md").duration == 60_000


def test_scenarios_are_looked_up_beside_the_traffic_file(
    vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "load").mkdir()
    (tmp_path / "load" / "mine.yaml").write_text(OFFLINE)
    text = changed("missed-chat", "mine.yaml").replace("userlike", "smartsupp")
    (tmp_path / "load" / "t.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert vendorsim("load", "load/t.yaml", "--digest").json["count"] == 10


def test_the_example_can_be_sent(vendorsim: Vendorsim) -> None:
    example = REPOSITORY / "examples" / "traffic.yaml"
    assert vendorsim("load", example, "--digest", "--count", 20).json["count"] > 20
