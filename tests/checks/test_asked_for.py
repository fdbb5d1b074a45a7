"""What the user asks for must be judged: otherwise the verdict is `incomplete`, and the exit code 4."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from flask import Flask
from ports import free_port
from vendorsim.checks.model import FAMILIES
from vendorsim.checks.registry import all_checks
from vendorsim.checks.required import OPTION_FAMILIES
from vendorsim.testing.app_server import app_server

STATES = "idempotent,order_tolerant,retry_safe,isolated"


def integration(code: int = 200) -> Flask:
    """An integration that answers the code; its probes are broken in one way each."""
    app = Flask("integration")
    app.add_url_rule("/hook", "hook", lambda: ("", code), methods=["POST"])
    app.add_url_rule("/knows-nothing/<number>", "nothing", lambda number: ("", 404))
    app.add_url_rule("/empty/<number>", "empty", lambda number: {})
    app.add_url_rule("/crashes/<number>", "crashes", lambda number: ("", 500))
    app.add_url_rule("/page/<number>", "page", lambda number: "<html>")
    return app


@pytest.fixture
def run(vendorsim: Vendorsim) -> Callable[..., Completed]:
    """Runs `check --json`; `{url}` in an option is that of the integration."""

    def run(*options: object, code: int = 200, vendor: str = "chatvisor") -> Completed:
        with app_server(integration(code)) as server:
            given = [str(option).replace("{url}", server.url) for option in options]
            return vendorsim("check", "--vendor", vendor, "--to", f"{server.url}/hook", "--json", *given)

    return run


def test_every_option_is_for_families_and_checks_that_exist() -> None:
    known = {*FAMILIES, *(check.id for check in all_checks())}
    assert {name for names in OPTION_FAMILIES.values() for name in names} <= known


@pytest.mark.slow
@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        ("{url}/knows-nothing/{conversation_id}", "the probe knows nothing of a conversation that was told"),
        ("{url}/mistyped/{conversation_id}", "the probe knows nothing of a conversation that was told"),
        ("{url}/empty/{conversation_id}", "the probe knows nothing of a conversation that was told"),
        ("{url}/crashes/{conversation_id}", "answered 500, not 200 or 404"),
        ("{url}/page/{conversation_id}", "did not answer JSON"),
        ("http://127.0.0.1:9/{conversation_id}", "gave no answer: connection refused"),
    ],
)
def test_a_probe_that_shows_nothing_makes_the_run_incomplete(
    run: Callable[..., Completed], probe: str, reason: str
) -> None:
    done = run("--probe", probe, "--only", "accepts", "--only", STATES)
    assert (done.code, done.json["verdict"]) == (4, "incomplete")
    (unmet,) = done.json["unmet"]
    assert (unmet["asked_by"], set(unmet["families"])) == ("--probe", set(STATES.split(",")) - {"isolated"})
    assert reason in unmet["reason"]
    assert done.json["reason"].startswith("--probe: ")
    assert reason in done.json["reason"]


UNMET = [
    (("--probe", "{url}/crashes/{conversation_id}", "--only", "accepts"), 0, "smartsupp"),
    (("--probe", "{url}/crashes/{conversation_id}", "--skip", STATES, "--only", f"accepts,{STATES}"), 0, "smartsupp"),
    (("--recover-within", "1s", "--only", "recovers"), 4, "smartsupp"),
    (("--recover-within", "1s", "--only", "accepts.typical,recovers.by_retry"), 0, "smartsupp"),
    (("--recover-within", "1s", "--only", "accepts.typical,recovers", "--skip", "recovers"), 0, "smartsupp"),
    (("--require", "accepts", "--only", "accepts"), 0, "smartsupp"),
    (("--require", "isolated", "--only", "accepts,isolated"), 4, "smartsupp"),
    (("--require", "accepts,isolated", "--only", "accepts"), 4, "smartsupp"),
    (("--require", "accepts", "--require", "fuzz", "--only", "accepts,fuzz"), 4, "smartsupp"),
    (("--require", "accepts", "--skip", "accepts", "--only", "accepts"), 4, "smartsupp"),
    (("--fuzz", "--max-examples", "2", "--require", "fuzz", "--only", "fuzz.negative"), 0, "smartsupp"),
    (("--serve", "PORT", "--only", "accepts,calls_api"), 4, "smartsupp"),
    (("--serve", "PORT", "--only", "accepts"), 0, "smartsupp"),
    (("--secret-env", "SOME_SECRET", "--only", "accepts,authenticates"), 4, "smartsupp"),
    (("--secret-env", "SOME_SECRET", "--only", "accepts"), 0, "smartsupp"),
]


@pytest.mark.parametrize(("options", "code", "vendor"), UNMET, ids=[" ".join(options) for options, _, _ in UNMET])
def test_what_counts_is_what_was_asked_for_and_selected(
    run: Callable[..., Completed],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    code: int,
    vendor: str,
) -> None:
    monkeypatch.setenv("SOME_SECRET", "s3cret")
    done = run(*(free_port() if option == "PORT" else option for option in options), vendor=vendor)
    assert done.code == code, done.json["unmet"]
    assert done.json["verdict"] == {0: "passed", 4: "incomplete"}[code]
    assert bool(done.json["unmet"]) == (code == 4)


def test_a_failure_wins_and_the_reason_is_told_too(run: Callable[..., Completed]) -> None:
    done = run("--probe", "{url}/crashes/{conversation_id}", "--only", f"accepts,{STATES}", code=500)
    assert (done.code, done.json["verdict"]) == (1, "failed")
    assert [unmet["asked_by"] for unmet in done.json["unmet"]] == ["--probe"]


def test_a_target_that_is_not_there_wins_over_both(vendorsim: Vendorsim) -> None:
    nowhere = ("--to", "http://127.0.0.1:9/", "--probe", "http://127.0.0.1:9/{conversation_id}", "--require", "fuzz")
    done = vendorsim("check", "--vendor", "smartsupp", *nowhere, "--json")
    assert (done.code, done.json["verdict"], done.json["unmet"]) == (3, "failed", [])


@pytest.mark.parametrize("name", ["isolatde", "isolated.foreign"])
def test_an_unknown_family_is_an_error_with_the_closest(vendorsim: Vendorsim, tmp_path: Path, name: str) -> None:
    place = ("check", "--vendor", "smartsupp", "--to", "http://127.0.0.1:9/")
    file = tmp_path / "vendorsim.yaml"
    file.write_text(f"checks: {{require: [{name}]}}\n")
    for options in (("--require", name), ("--config", file)):
        done = vendorsim(*place, *options)
        assert done.code == 2
        assert f"unknown family '{name}'; did you mean 'isolated'?" in done.err


@pytest.mark.parametrize(
    ("checks", "only", "code"),
    [
        ({"require": "isolated"}, "accepts,isolated", 4),
        ({"require": ["accepts", "isolated"]}, "accepts,isolated", 4),
        ({"require": ["accepts"]}, "accepts,isolated", 0),
        ({"require": ["isolated"]}, "accepts", 0),
    ],
)
def test_the_configuration_requires_what_is_selected(
    run: Callable[..., Completed], tmp_path: Path, checks: dict[str, Any], only: str, code: int
) -> None:
    file = tmp_path / "vendorsim.yaml"
    file.write_text(json.dumps({"checks": checks}))
    assert run("--config", file, "--only", only).code == code


@pytest.mark.parametrize("time", ["0s", "999ms"])
def test_a_time_in_which_nothing_can_be_caught_up_is_refused(vendorsim: Vendorsim, time: str) -> None:
    done = vendorsim("check", "--vendor", "chatvisor", "--to", "http://127.0.0.1:9/", "--recover-within", time)
    assert done.code == 2
    assert "'--recover-within': no integration catches up in less than 1s" in done.err
    assert "such as 2m" in done.err
