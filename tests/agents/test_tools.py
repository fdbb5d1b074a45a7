"""The tools for agents, called in this process: what they refuse, what they give, and that they send only when they
may."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from command_line import Vendorsim
from hypothesis import given, settings
from hypothesis import strategies as st
from ports import free_port
from receiver import Receiver, status
from variants.model import running
from vendorsim.agents.bounds import CUT_OFF, LARGEST, bounded
from vendorsim.agents.tools import TOOLS
from vendorsim.agents.workplace import Workplace
from vendorsim.core.errors import InputError
from vendorsim.runs import config

ELSEWHERE = "http://example.com/hook"
STORY = {"scenario": "missed-chat", "vendor": "smartsupp"}
SENDING = [tool.name for tool in TOOLS.values() if tool.sends]


def call(place: Workplace, tool: str, **arguments: Any) -> dict[str, Any]:
    """The result of a tool, as the agent gets it."""
    found = TOOLS[tool]
    document = bounded(found.run(place, found.read(arguments)))
    read: dict[str, Any] = json.loads(orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS))
    return read


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """Where the tools may send."""
    return Workplace(journal=tmp_path / "journal.sqlite", allow_send=True)


def configured(place: Workplace, folder: Path, text: str) -> Workplace:
    """The same place with a vendorsim.yaml."""
    (folder / "vendorsim.yaml").write_text(text)
    return Workplace(config.load(str(folder / "vendorsim.yaml")), place.journal, allow_send=place.allow_send)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_a_tool_says_what_it_does_and_takes(tool: Any) -> None:
    schema = tool.input_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert [name for name, key in schema["properties"].items() if not key.get("description")] == []
    assert tool.description.endswith(".")


CHECK = {"vendor": "smartsupp", "to": "http://localhost:1/"}
REFUSED: list[tuple[str, Mapping[str, Any], str]] = [
    ("show_vendor", {}, "the arguments: show_vendor needs 'name': a vendor"),
    ("show_vendor", {"name": "smartsup"}, "/name: unknown vendor 'smartsup'; did you mean 'smartsupp'?"),
    ("show_vendor", {"name": "smartsupp", "profile": "x"}, "unknown profile of smartsupp 'x'; known: documented"),
    ("show_vendor", {"nam": "smartsupp"}, "/nam: unknown key in show_vendor 'nam'; did you mean 'name'?"),
    ("show_vendor", {"name": 7}, "/name: unknown vendor '7'"),
    ("show_vendor", {"name": ["smartsupp"]}, "/name: expected a vendor"),
    ("show_scenario", {"name": "../../etc/passwd"}, "unknown scenario '../../etc/passwd'"),
    ("show_scenario", {"name": "/etc/passwd"}, "unknown scenario '/etc/passwd'"),
    ("list_checks", {"family": "accept"}, "/family: unknown family 'accept'; did you mean 'accepts'?"),
    ("lint_scenario", {"yaml": "x" * 2_000_000}, "the text is larger than 1024 KiB"),
    ("generate", {}, "give either scenario, the name of a built-in one, or yaml, its text"),
    ("generate", {**STORY, "yaml": "a"}, "give either scenario, the name of a built-in one, or yaml, its text"),
    ("generate", {"scenario": "/etc/passwd"}, "unknown scenario '/etc/passwd'"),
    ("generate", {"scenario": "agent-goes-away"}, "/vendor: say as which vendor to play it: "),
    ("generate", {"yaml": "scenario: A\nsteps: [{sya: x}]\n"}, "<scenario>:2:10: unknown verb 'sya'; did you mean"),
    ("generate", {**STORY, "count": 0}, "/count: expected a whole number from 1 to 100"),
    ("generate", {**STORY, "count": "5"}, "/count: expected a whole number from 1 to 100, found the text '5'"),
    ("generate", {**STORY, "start": "noon"}, "/start: "),
    ("generate", {**STORY, "locale": "xx_XX"}, "unknown locale 'xx_XX'"),
    ("play", {**STORY, "to": ELSEWHERE}, "/to: vendorsim sends no events to 'example.com'"),
    ("play", {**STORY, "to": "http://localhost.example.com/"}, "/to: vendorsim sends no events to"),
    ("play", {**STORY, "to": "http://169.254.169.254/latest"}, "/to: vendorsim sends no events to '169.254.169.254'"),
    ("play", {**STORY, "to": "http://localhost@example.com/"}, "/to: vendorsim sends no events to 'example.com'"),
    ("play", {**STORY, "to": "file:///etc/passwd"}, "/to: 'file:///etc/passwd' is not a URL to send to"),
    ("play", STORY, "/to: no target: give the URL of the integration, or name targets of smartsupp"),
    ("play", {**STORY, "to": "http://localhost:1/", "faults": ["duplicat"]}, "/faults/0: unknown fault 'duplicat'"),
    ("check", {"vendor": "smartsupp", "to": ELSEWHERE}, "/to: vendorsim sends no events to 'example.com'"),
    ("check", {**CHECK, "only": "acepts"}, "acepts"),
    ("check", {**CHECK, "probe": "command: id {conversation_id}"}, "/probe: a probe is a URL"),
    ("check", {**CHECK, "probe": "os:getenv"}, "/probe: a probe is a URL"),
    ("check", {**CHECK, "probe": ELSEWHERE + "/{identifier}"}, "/probe: vendorsim sends no events to 'example.com'"),
    ("check", {**CHECK, "probe": "http://{identifier}/"}, "/probe: vendorsim sends no events to 'x'"),
    ("resend", {"id": 1}, "there is no journal; play a scenario first"),
    ("list_deliveries", {"limit": 1_000}, "/limit: expected a whole number from 1 to 100"),
    ("show_delivery", {"id": 0}, "/id: expected a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "arguments", "message"), REFUSED)
def test_a_wrong_call_is_told_its_place_and_the_remedy(
    place: Workplace, tool: str, arguments: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        call(place, tool, **arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize("tool", SENDING)
def test_nothing_is_sent_unless_it_is_allowed(tmp_path: Path, tool: str) -> None:
    with Receiver() as target:
        careful = Workplace(journal=tmp_path / "journal.sqlite")
        arguments = {"play": {**STORY, "to": target.url()}, "check": {"vendor": "smartsupp", "to": target.url()}}
        with pytest.raises(InputError, match="this server sends nothing"):
            call(careful, tool, **arguments.get(tool, {"id": 1}))
        assert target.connections == []


def test_the_page_of_agents_tells_which_tools_there_are_and_which_send() -> None:
    page = (Path(__file__).parents[2] / "docs" / "agents.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    told = {name: row[-1] == "yes" for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    assert told == {name: tool.sends for name, tool in TOOLS.items()}


def test_null_is_the_same_as_nothing(place: Workplace) -> None:
    assert call(place, "generate", **STORY, seed=1, start="2026-01-05T09:00:00Z") == call(
        place, "generate", **STORY, seed=1, start="2026-01-05T09:00:00Z", locale=None, yaml=None
    )


def test_generate_gives_what_the_command_prints(place: Workplace, vendorsim: Any) -> None:
    printed = vendorsim(
        "generate", "missed-chat", "--vendor", "smartsupp", "--seed", 1, "--start", "2026-01-05T09:00:00Z"
    )
    assert call(place, "generate", **STORY, seed=1, start="2026-01-05T09:00:00Z") == {"events": printed.lines}


def test_lint_gives_what_the_command_prints(place: Workplace, vendorsim: Any) -> None:
    text = "scenario: A\nsteps:\n  - sya: hello\n"
    (printed,) = vendorsim("lint", "-", "--json", input=text.encode()).json["files"]
    assert call(place, "lint_scenario", yaml=text) == {**printed, "file": "<scenario>"}


def test_no_answer_names_a_folder_of_this_machine(place: Workplace) -> None:
    for tool, arguments in (("list_vendors", {}), ("list_scenarios", {}), ("show_vendor", {"name": "userlike"})):
        assert str(Path(__file__).parents[2]) not in json.dumps(call(place, tool, **arguments))


def test_a_target_of_the_configuration_is_allowed_with_its_secrets(
    place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets go to the integration, and into no result."""
    secret, token = "s3cret-of-the-signature", "t0ken-of-the-header"
    monkeypatch.setenv("HOOK_SECRET", secret)
    # The integration echoes what it got.
    with Receiver(lambda connection, request: connection.send(status(200, request.head))) as target:
        url = target.url("/hook?key=k3y-of-the-query")
        place = configured(
            place,
            tmp_path,
            f"targets: {{smartsupp: [{{url: '{url}', secret_env: HOOK_SECRET, headers: {{X-Token: {token}}}}}]}}\n"
            "policy: {smartsupp: {signing: smartsupp}}\n",
        )
        results = [call(place, "play", **STORY), call(place, "show_delivery", id=1)]
        results += [call(place, "resend", id=1), call(place, "list_deliveries", text="echo")]
        check = {"vendor": "smartsupp", "only": ["accepts.typical"], "seconds": 60}
        results += [call(place, "check", **check), call(place, "check", **check, to=url)]
        first, again = target.requests[:2]
        assert (first.header("X-Token"), again.header("X-Token")) == (token, token)
        assert b"k3y-of-the-query" in first.raw
        text = json.dumps(results)
        assert [word for word in (secret, token, "k3y-of-the-query") if word in text] == []
        assert results[0]["summary"]["verdict"] == "passed"


def test_headers_of_a_target_go_to_no_other(place: Workplace, tmp_path: Path) -> None:
    with Receiver() as target, Receiver() as other:
        place = configured(
            place, tmp_path, f"targets: {{smartsupp: [{{url: '{target.url()}', headers: {{X-Token: t0ken}}}}]}}\n"
        )
        call(place, "play", **STORY)
        sent = call(place, "resend", id=1, to=other.url())
        assert sent["masked_headers"] == ["X-Token"]
        assert other.wait_for(1)[0].header("X-Token") == "***"


def test_a_host_that_is_allowed_by_name(tmp_path: Path) -> None:
    allowed = Workplace(allow_send=True, allowed_targets=frozenset({"staging.example.com"}))
    allowed.check_url("smartsupp", "https://Staging.example.com/hook", "to")
    with pytest.raises(InputError):
        allowed.check_url("smartsupp", "https://example.com/hook", "to")


def test_an_attempt_that_went_elsewhere_is_not_resent(place: Workplace, tmp_path: Path) -> None:
    """The journal may hold what a person has sent to another host."""
    with Receiver() as target:
        there = target.url().replace("127.0.0.1", "localhost")
        call(place, "play", **STORY, to=there)
        strict = configured(place, tmp_path, "{}\n")
        with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as journal, journal:
            journal.execute("UPDATE attempts SET target = ?", (ELSEWHERE,))
        with pytest.raises(InputError, match="/id: vendorsim sends no events"):
            call(strict, "resend", id=1)


def test_a_run_is_in_the_journal_page_by_page(place: Workplace) -> None:
    with Receiver() as target:
        played = call(place, "play", scenario="returning-customer", vendor="messagehub", to=target.url())
    count = len(target.requests)
    assert len(played["records"]) == count
    seen: list[int] = []
    before = None
    while True:
        page = call(place, "list_deliveries", run=played["run"], limit=3, before=before)
        assert len(page["items"]) <= 3
        seen += [row["id"] for row in page["items"]]
        before = page["next"]
        if before is None:
            break
    assert seen == list(range(count, 0, -1))
    one = call(place, "show_delivery", id=1)
    of_it = call(place, "list_deliveries", conversation=int(one["conversation"]))
    assert len(of_it["items"]) == count
    # Several are in flight at once, so the integration may see them in another order.
    assert one["request"]["body"]["text"].encode() in target.bodies


def test_without_a_journal(tmp_path: Path) -> None:
    place = Workplace(allow_send=True)
    with Receiver() as target:
        assert call(place, "play", **STORY, to=target.url())["run"] is None
    with pytest.raises(InputError, match="this server keeps no journal"):
        call(place, "list_deliveries")


def test_check_finds_a_planted_bug(place: Workplace, tmp_path: Path, vendorsim: Vendorsim) -> None:
    """The receiver reads texts as ASCII. A person can repeat what the agent was told."""

    def answer(connection: Any, request: Any) -> None:
        connection.send(status(200 if request.body.isascii() else 500))

    with Receiver(answer) as target:
        place = configured(place, tmp_path, f"targets: {{smartsupp: [{{url: '{target.url()}'}}]}}\n")
        report = call(place, "check", vendor="smartsupp", only=["accepts"], seed=3)
        assert (report["verdict"], report["exit_code"]) == ("failed", 1)
        finding = report["findings"][0]
        assert finding["severity"] == "error"
        assert finding["remedy"]
        config = tmp_path / "vendorsim.yaml"
        assert finding["reproduce"].startswith(f"vendorsim check --seed 3 --vendor smartsupp --config {config} --only ")
        again = vendorsim(*shlex.split(finding["reproduce"])[1:], "--json")
    assert again.code == 1
    assert again.json["findings"][0]["key"] == finding["key"]


def test_an_integration_that_calls_the_api_meanwhile(place: Workplace, tmp_path: Path) -> None:
    port = free_port()
    story = {"scenario": "authentication-by-chat", "vendor": "userlike", "serve_port": port}
    with running(None, tmp_path, api=f"http://127.0.0.1:{port}") as url:
        played = call(place, "play", **story, to=f"{url}/hooks/userlike")
    assert played["summary"]["authentications"] == {"as expected": 1}
    (called,) = call(place, "list_calls", run=played["run"])["items"]
    assert (called["operation"], called["status"]) == ("end_user", 202)


def test_a_vendor_that_sends_nothing_needs_no_target(place: Workplace) -> None:
    played = call(place, "play", scenario="attachment-only", vendor="ccai", serve_port=free_port())
    assert played["summary"]["targets"] == []


def test_a_port_that_is_taken(place: Workplace) -> None:
    with Receiver() as target, pytest.raises(InputError, match=f"/serve_port: port {target.port} "):
        call(place, "play", **STORY, to=target.url(), serve_port=target.port)


def test_a_check_whose_time_is_over_is_incomplete(place: Workplace) -> None:
    with Receiver(lambda connection, request: None) as target:  # never answers
        report = call(place, "check", vendor="smartsupp", to=target.url(), seconds=1)
    assert report["verdict"] != "passed"


@pytest.mark.slow
def test_a_play_that_hangs_is_ended(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vendorsim.agents.sending.LONGEST_PLAY", 0.05)
    with Receiver(lambda connection, request: None) as target:
        assert call(place, "play", **STORY, to=target.url())["summary"]["verdict"] == "interrupted"


values = st.integers(-(2**53), 2**53) | st.text(max_size=400)
parts = values | st.lists(values, max_size=200) | st.dictionaries(st.text(max_size=10), values, max_size=50)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=10), parts, max_size=10), st.integers(2_000, 10_000))
def test_a_result_is_never_larger_than_its_bound(document: dict[str, Any], largest: int) -> None:
    found = bounded(document, largest)
    assert len(orjson.dumps(found)) <= largest
    assert found == document or found[CUT_OFF]


def test_what_is_cut_off_is_told() -> None:
    found = bounded({"items": [{"body": "x" * 1_000}] * 500, "next": 7})
    assert len(orjson.dumps(found)) <= LARGEST
    assert found["next"] == 7
    assert found[CUT_OFF][0] == "/items: 50 of 500 items"


def test_without_the_sdk_it_says_how_to_get_it(vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    done = vendorsim("mcp")
    assert (done.code, done.out) == (2, "")
    assert done.err == "Error: vendorsim mcp needs the MCP SDK: pip install 'vendorsim[mcp]'\n"


def test_hosts_are_allowed_only_where_sending_is(vendorsim: Vendorsim) -> None:
    done = vendorsim("mcp", "--allow-target", "staging.example.com")
    assert (done.code, done.err) == (2, "Error: --allow-target says where the tools may send; add --allow-send\n")
