"""Which checks run, and with which events: `--only`, `--skip`, and what of them stands in `reproduce`."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from command_line import Vendorsim
from receiver import Answer, Connection, Receiver, Request, status
from vendorsim.checks.registry import all_checks


def ids(pattern: str) -> list[str]:
    return [check.id for check in all_checks() if check.family == pattern]


def run(vendorsim: Vendorsim, *options: object, vendor: str = "smartsupp", code: int = 200) -> Any:
    with Receiver(status(code)) as target:
        return vendorsim("check", "--vendor", vendor, "--to", target.url(), "--json", *options).json


def statuses(document: Any) -> dict[str, str]:
    return {check["id"]: check["status"] for check in document["checks"]}


ONE, TWO = "accepts.typical", "rejects.no_object"


@pytest.mark.parametrize(
    "options",
    [
        ("--only", ONE, "--only", TWO),
        ("--only", f"{ONE},{TWO}"),
        ("--only", f"{TWO} , {ONE}"),
        ("--only", f"{ONE}:post_hook", "--only", f"{TWO},{ONE}"),
        ("--only", "accepts,rejects.no_object", "--skip", "accepts.m*,accepts.forms,accepts.pairs"),
    ],
)
def test_only_is_repeated_and_takes_commas(vendorsim: Vendorsim, options: tuple[str, ...]) -> None:
    found = statuses(run(vendorsim, *options))
    assert [check for check, found in found.items() if found == "passed"] == [ONE, TWO]
    assert set(found) <= {ONE, TWO, *ids("accepts")}


def test_each_pattern_selects_its_own_events(vendorsim: Vendorsim) -> None:
    only = ("--only", "accepts.typical:message_created,accepts.minimal:webwidget_triggered")
    document = run(vendorsim, *only, vendor="messagehub")
    # One event in five locales, and one event once.
    assert {check["id"]: check["cases"] for check in document["checks"]} == {"accepts.typical": 5, "accepts.minimal": 1}


def test_the_environment_names_several_too(vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDORSIM_ONLY", f"{ONE},{TWO}")
    assert list(statuses(run(vendorsim))) == [ONE, TWO]
    assert list(statuses(run(vendorsim, "--only", ONE))) == [ONE]


@pytest.mark.parametrize(
    ("skip", "skipped"),
    [
        (("--skip", "accepts"), ids("accepts")),
        (("--skip", "accepts.typical", "--skip", "accepts.minimal"), ["accepts.typical", "accepts.minimal"]),
        (("--skip", "*.m*,tolerates"), ["accepts.minimal", "accepts.maximal"]),
        (("--skip", "accepts.typical:post_hook"), ["accepts.typical"]),
        (("--skip", "post_hook"), ids("accepts")),
    ],
)
def test_what_is_skipped_says_so(vendorsim: Vendorsim, skip: tuple[str, ...], skipped: list[str]) -> None:
    document = run(vendorsim, "--only", "accepts", *skip)
    assert [check for check, found in statuses(document).items() if found == "skipped"] == skipped
    assert {check["reason"] for check in document["checks"] if check["id"] in skipped} == {"--skip"}


def test_an_event_of_a_check_is_skipped(vendorsim: Vendorsim) -> None:
    skip = ("--only", "accepts.typical", "--skip", "accepts.typical:message_created")
    document = run(vendorsim, *skip, vendor="messagehub")
    assert statuses(document) == {"accepts.typical": "passed"}
    (check,) = document["checks"]
    assert check["cases"] == 2 * (len(document["coverage"]["fields"]) - 1)


@pytest.mark.parametrize("option", ["--only", "--skip"])
@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("acepts", "unknown check or event 'acepts'; did you mean 'accepts'?"),
        ("accepts,rejcts", "unknown check or event 'rejcts'; did you mean 'rejects'?"),
        ("message_craeted", "unknown check or event 'message_craeted'; did you mean 'message_created'?"),
        ("acepts:message_created", "unknown check 'acepts'; did you mean 'accepts'?"),
        ("accepts:message_craeted", "unknown event 'message_craeted'; did you mean 'message_created'?"),
        ("accepts.typical:*:", "the case has no name; leave out the last colon for all cases"),
        ("accepts,", "'accepts,' has an empty name; write names like accepts,rejects"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_closest(
    vendorsim: Vendorsim, option: str, pattern: str, message: str
) -> None:
    done = vendorsim("check", "--vendor", "messagehub", "--to", "http://127.0.0.1:9/", option, pattern)
    assert (done.code, done.out) == (2, "")
    assert option in done.err
    assert message in done.err


def test_the_command_of_a_finding_selects_just_its_check(vendorsim: Vendorsim) -> None:
    options = ("--only", ONE, "--only", TWO, "--skip", "tolerates", "--require", "accepts", "--fail-on", "any")
    with Receiver(status(500)) as target:
        place = ("--vendor", "smartsupp", "--to", target.url())
        for finding in vendorsim("check", *place, "--json", *options).json["findings"]:
            words = shlex.split(finding["reproduce"])
            assert words[words.index("--only") :][1].startswith(f"{finding['check']}:post_hook:")
            assert words.count("--only") == 1
            assert not {"--skip", "--require", "--fail-on"} & set(words)
            again = vendorsim(*words[1:], "--json")
            assert [found["key"] for found in again.json["findings"]] == [finding["key"]]
            assert [check["cases"] for check in again.json["checks"]] == [1]


def crashes_on_what_is_rare(connection: Connection, request: Request) -> None:
    """Crashes on some bodies, and takes nearly everything."""
    try:
        body = request.json
        rare = (body["status"], body["private"]) == ("resolved", True) if "private" in body else body["status"] == "x"
        connection.send(status(500 if rare or "\u05e9" in json.dumps(body, ensure_ascii=False) else 200))
    except (ValueError, TypeError, KeyError):
        connection.send(status(500))


@pytest.mark.slow
@pytest.mark.parametrize("answer", [crashes_on_what_is_rare, status(200)])
def test_the_command_of_a_finding_sends_its_case_and_nothing_else(vendorsim: Vendorsim, answer: Answer) -> None:
    with Receiver(answer) as target:
        place = ("--vendor", "messagehub", "--to", target.url(), "--only", "accepts,tolerates,rejects", "--json")
        findings = vendorsim("check", *place).json["findings"]
        for finding in findings:
            sent = len(target.requests)
            words = shlex.split(finding["reproduce"])
            (found,) = vendorsim(*words[1:], "--json").json["findings"]
            assert {found["key"], *found["keys"]} & {finding["key"], *finding["keys"]}
            assert (found["event"], found["pointer"]) == (finding["event"], finding["pointer"])
            # The events before it, the case itself, and where it belongs to the check a look whether it still answers.
            assert len(target.requests) - sent <= 8
    assert findings


def test_a_case_is_skipped(vendorsim: Vendorsim) -> None:
    document = run(vendorsim, "--only", TWO, "--skip", f"{TWO}:*:null")
    assert [(check["status"], check["cases"]) for check in document["checks"]] == [("passed", 4)]


def test_a_case_that_does_not_exist_is_not_judged(vendorsim: Vendorsim) -> None:
    document = run(vendorsim, "--only", f"{TWO}:*:nil")
    assert [(check["status"], check["reason"]) for check in document["checks"]] == [
        ("not_judged", "it has no such case")
    ]
