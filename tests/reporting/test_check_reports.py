"""The reports of `vendorsim check`: terminal, JUnit, HTML, SARIF and JSON say the same, to their readers' schemas."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import reports
from command_line import Vendorsim
from receiver import Answer, Connection, Receiver, Request, status
from syrupy.assertion import SnapshotAssertion

OK = status(200)
BROKEN = status(500, b"Internal Server Error", Content_Type="text/plain")
HOSTILE = "</pre></details><script>alert('\x1b[31m')</script>\x00\x07 \u202egnp.exe ]]> & \ufffe"


def rejecting(connection: Connection, request: Request) -> None:
    """Falls over fields that it does not know; accepts all the rest, broken or not."""
    connection.send(BROKEN if b"vendorsim_unknown_field" in request.body else OK)


def hostile(connection: Connection, request: Request) -> None:
    """Fails with an answer that would like to run in the report."""
    connection.send(status(500, HOSTILE.encode() + b"\xff", X_Note="<img src=x onerror=alert(1)>"))


@pytest.fixture
def reported(vendorsim: Vendorsim, tmp_path: Path) -> Any:
    def run(answer: Answer, *arguments: object, vendor: str = "smartsupp") -> reports.Reports:
        with Receiver(answer) as target:
            return reports.run(vendorsim, tmp_path, "--to", target.url(), *arguments, vendor=vendor)

    return run


# People


@pytest.mark.parametrize(
    ("answer", "only"),
    [(BROKEN, "accepts"), (OK, "rejects.content_type"), (rejecting, "tolerates.unknown_*")],
    ids=["errors", "a warning", "many"],
)
def test_the_terminal_shows_checks_findings_coverage_and_verdict(
    vendorsim: Vendorsim, snapshot: SnapshotAssertion, answer: Answer, only: str
) -> None:
    with Receiver(answer) as target:
        told = vendorsim("check", "--vendor", "smartsupp", "--to", target.url(), "--only", only)
    assert reports.steady(told.out) == snapshot
    assert told.err == "", "progress is for terminals"


def test_errors_are_told_before_warnings(vendorsim: Vendorsim) -> None:
    with Receiver(rejecting) as target:
        told = vendorsim("check", "--vendor", "messagehub", "--to", target.url(), "--only", "*s.*_*")
    levels = [line.split()[0] for line in told.out.splitlines() if re.match(r"(error|warning) \w+\.", line)]
    assert set(levels) == {"error", "warning"}
    assert levels == sorted(levels)


def breaking_in_many_ways() -> Callable[[Connection, Request], None]:
    """Answers with another 5xx to each value of a wrong type: findings that are alike would be told as one."""
    statuses = itertools.cycle(range(500, 600))
    wrong = (b'{"wrong":"type"}', b'"wrong type"')

    def answer(connection: Connection, request: Request) -> None:
        connection.send(status(next(statuses)) if any(value in request.body for value in wrong) else OK)

    return answer


def test_many_findings_of_one_check_are_counted(vendorsim: Vendorsim) -> None:
    with Receiver(breaking_in_many_ways()) as target:
        told = vendorsim("check", "--vendor", "smartsupp", "--to", target.url(), "--only", "rejects.wrong_type")
    shown = told.out.count("reproduce: ")
    total, more = (
        re.search(r"error rejects.wrong_type  (\d+) findings", told.out),
        re.search(r"and (\d+) more", told.out),
    )
    assert total
    assert more
    assert shown + int(more[1]) == int(total[1])


# One run in every report


def test_a_passing_run(reported: Any) -> None:
    told = reported(OK, "--only", "accepts")
    assert (told.code, told.json["verdict"]) == (0, "passed")
    assert [case.get("name") for case in told.junit.iter("testcase")] == [check["id"] for check in told.json["checks"]]
    assert told.cases("failure") == told.cases("skipped") == []
    assert told.sarif["results"] == []
    assert told.sarif["invocations"][0]["executionSuccessful"]
    assert told.html.text("h1") == ["passed"]
    assert {test["status"] for test in told.ctrf["tests"]} == {"passed"}
    assert (told.quality, told.annotations) == ([], [])
    assert told.markdown.startswith("## ✅ vendorsim: passed\n")


def test_warnings_change_neither_verdict_nor_exit_code(reported: Any) -> None:
    told = reported(OK, "--only", "rejects.content_type")
    assert (told.code, told.json["verdict"]) == (0, "passed")
    assert [finding["severity"] for finding in told.json["findings"]] == ["warning"]
    assert (told.cases("failure"), told.cases("system-out")) == ([], ["rejects.content_type"])
    assert [result["level"] for result in told.sarif["results"]] == ["warning"]
    (test,) = told.ctrf["tests"]
    assert (test["status"], len(test["extra"]["vendorsim/warnings"])) == ("passed", 1)
    assert [issue["severity"] for issue in told.quality] == ["minor"]
    assert [level for level, *_ in told.annotations] == ["warning"]


def test_a_failing_run_says_the_same_everywhere(reported: Any) -> None:
    told = reported(rejecting, "--only", "tolerates", vendor="messagehub")
    assert (told.code, told.json["verdict"]) == (1, "failed")
    findings = told.json["findings"]
    errors = {finding["check"] for finding in findings if finding["severity"] == "error"}
    assert set(told.cases("failure")) == errors == {"tolerates.unknown_field"}
    keys = [finding["key"] for finding in findings]
    assert [result["partialFingerprints"]["vendorsimKey/v1"] for result in told.sarif["results"]] == keys
    assert set(keys) <= set(told.html.attributes("id"))
    assert {finding["reproduce"] for finding in findings} <= set(told.html.text("code"))
    assert {test["name"] for test in told.ctrf["tests"] if test["status"] == "failed"} == errors
    assert [issue["fingerprint"] for issue in told.quality] == keys
    assert all(f"```sh\n{finding['reproduce']}\n```" in told.markdown for finding in findings)
    assert sorted(level for level, *_ in told.annotations) == sorted(finding["severity"] for finding in findings)
    assert told.json["coverage"]["events"]["not_exercised"] == []


def test_what_can_not_be_judged_is_skipped_with_its_reason(reported: Any) -> None:
    told = reported(OK, "--only", "tolerates.unknown_event")
    (check,) = told.json["checks"]
    assert check["status"] == "not_judged"
    (skipped,) = told.junit.iter("skipped")
    assert skipped.get("message") == f"not judged: {check['reason']}"
    (note,) = told.sarif["invocations"][0]["toolExecutionNotifications"]
    assert check["reason"] in note["message"]["text"]
    assert check["reason"] in told.html.text("p")
    (test,) = told.ctrf["tests"]
    assert (test["status"], test["rawStatus"], test["message"]) == ("skipped", "not_judged", check["reason"])


def test_junit_reads_well(reported: Any, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    reported(BROKEN, "--only", "accepts.typical")
    assert reports.steady((tmp_path / "junit.xml").read_text("utf-8")) == snapshot


def only_objects(connection: Connection, request: Request) -> None:
    """Falls over what is no JSON object, and refuses what is not declared as JSON."""
    if request.header("Content-Type") != "application/json":
        connection.send(status(415))
        return
    try:
        connection.send(OK if isinstance(request.json, dict) else BROKEN)
    except ValueError:
        connection.send(BROKEN)


ONLY = "rejects.broken_json,rejects.no_object,rejects.content_type"


def test_every_report_compares_with_the_baseline(vendorsim: Vendorsim, reported: Any, tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text(reported(only_objects, "--only", ONLY).out)
    baseline = json.loads(old.read_text())
    baseline["findings"][1] |= {"key": "0", "keys": [], "message": "it was worse"}
    old.write_text(json.dumps(baseline))
    options = ("--only", ONLY, "--baseline", old)

    told = reported(only_objects, *options, "--fail-on", "new")
    assert told.code == 1
    assert told.cases("failure") == ["rejects.no_object"]
    assert told.cases("system-out") == ["rejects.broken_json"]
    (known,) = told.junit.iter("system-out")
    assert (known.text or "").startswith("1 known error\n")
    properties = {item.get("name"): item.get("value") for item in told.junit.iter("property")}
    assert properties["against"] == "1 new, 1 still there, 1 fixed"
    assert (properties["fixed"] or "").endswith("it was worse")
    assert [result["baselineState"] for result in told.sarif["results"]] == ["unchanged", "new"]
    assert [test["name"] for test in told.ctrf["tests"] if test["status"] == "failed"] == ["rejects.no_object"]
    assert [issue["severity"] for issue in told.quality] == ["minor", "major"]
    assert [level for level, *_ in told.annotations] == ["error", "warning"]
    assert told.annotations[1][-1].startswith("known error: half a body")
    assert "1 new, 1 still there, 1 fixed" in told.markdown
    assert {"new", "still there"} <= set(told.html.text("span"))
    assert f"against {old}: 1 new, 1 still there, 1 fixed" in told.html.text("p")
    assert "it was worse" in told.html.text("li")

    with Receiver(only_objects) as target:
        shown = vendorsim("check", "--vendor", "smartsupp", "--to", target.url(), *options).out
    comparison = f"against {old}: 1 new, 1 still there, 1 fixed fixed rejects.no_object: it was worse"
    assert comparison in " ".join(shown.split())
    assert "- still there: half a body" in shown
    assert "- new: the body null" in shown


# HTML


def test_html_is_self_contained(reported: Any) -> None:
    html = reported(rejecting, "--only", "tolerates", vendor="messagehub").html
    ids = html.attributes("id")
    assert len(ids) == len(set(ids))
    assert html.attributes("src") == []
    assert {link[:1] for link in html.attributes("href")} == {"#"}
    assert {link[1:] for link in html.attributes("href")} <= set(ids)
    assert not re.search(r"url\(|@import", "".join(html.text("style")))
    assert "width=device-width, initial-scale=1" in html.attributes("content")


def test_html_runs_its_own_script_only(reported: Any) -> None:
    html = reported(hostile, "--only", "accepts").html
    (script,) = html.texts["script"]
    (policy,) = (content for content in html.attributes("content") if "default-src" in content)
    assert "default-src 'none'" in policy
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert not [name for _, attributes in html.elements for name in attributes if name.startswith("on")]


def test_the_matrix_has_a_row_for_each_check_and_a_column_for_each_event(reported: Any) -> None:
    told = reported(rejecting, "--only", "tolerates", vendor="messagehub")
    scopes = told.html.attributes("scope")
    assert scopes.count("row") == len(told.json["checks"])
    assert scopes.count("col") == len(told.json["coverage"]["fields"]) + 2
    states = [value for value in told.html.attributes("class") if value.startswith("cell ")]
    assert len(states) == len(told.json["checks"]) * len(told.json["coverage"]["fields"])
    assert {"cell passed", "cell error"} <= set(states)


# Hostile answers


def test_what_an_integration_answers_is_text_in_every_report(reported: Any, vendorsim: Vendorsim) -> None:
    told = reported(hostile, "--only", "accepts")
    assert told.code == 1
    assert any("<script>alert('\\x1b[31m')</script>\\x00\\x07 \\u202egnp" in text for text in told.html.text("pre"))
    assert "<script>alert('\\x1b[31m')" in (next(told.junit.iter("failure")).text or "")
    assert HOSTILE[:20] in told.json["findings"][0]["answer"]
    assert "<script>" not in told.markdown
    with Receiver(hostile) as target:
        printed = vendorsim("check", "--vendor", "smartsupp", "--to", target.url(), "--only", "accepts").out
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", printed)


# CI


def test_the_summary_of_a_job_reads_well(reported: Any, snapshot: SnapshotAssertion) -> None:
    assert reports.steady(reported(BROKEN, "--only", "accepts.typical").markdown) == snapshot


def test_markup_in_a_finding_is_text(reported: Any) -> None:
    def answer(connection: Connection, request: Request) -> None:
        connection.send(status(200, b'{"error": "`</details>` ![](https://x.example/a.png) @me |"}'))

    told = reported(answer, "--only", "accepts.typical")
    (summary,) = re.findall(r"<summary>.*</summary>", told.markdown)
    assert not re.search(r"</details>|!\[|@me|`", summary)
    (found,) = (line for line in told.markdown.splitlines() if line.startswith("* expected"))
    assert r"\!\[\]\(https\://x.example/a.png\) \@me \|" in found


def test_the_most_important_annotations_come_first_and_the_rest_is_counted(reported: Any) -> None:
    told = reported(breaking_in_many_ways(), "--only", "rejects.wrong_type")
    findings = len(told.json["findings"])
    assert findings > 10
    assert len(told.annotations) == 10
    assert told.annotations[-1][-1] == f"{findings - 9} findings more: the reports have all of them"


# SARIF


def test_results_point_to_the_line_of_the_contract_that_they_are_about(reported: Any) -> None:
    told = reported(breaking_in_many_ways(), "--only", "rejects.wrong_type:message_created", vendor="messagehub")
    root = Path(__file__).parents[2]
    seen = set()
    for result in told.sarif["results"]:
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"]["uriBaseId"] in told.sarif["originalUriBaseIds"]
        line = (
            (root / location["artifactLocation"]["uri"])
            .read_text("utf-8")
            .splitlines()[location["region"]["startLine"] - 1]
        )
        field = re.sub(r"(/\d+)+$", "", result["properties"]["pointer"]).rpartition("/")[2]
        assert f'"{field}"' in line or '"items"' in line
        seen.add(location["artifactLocation"]["uri"].rpartition("/")[2])
    assert "objects.schema.json" in seen, "references are followed"
    assert seen - {"objects.schema.json"}, "and so are the events' own schemas"


def test_results_point_to_the_users_own_line_where_there_is_one(
    vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Receiver(BROKEN) as target:
        lines = ["targets:", "  userlike: []", "  smartsupp:", "    # ours", f"    - url: {target.url()}", ""]
        (tmp_path / "vendorsim.yaml").write_text("\n".join(lines), encoding="utf-8")
        told = reports.run(vendorsim, tmp_path, "--only", "accepts.typical")
    (result,) = told.sarif["results"]
    own = result["locations"][0]["physicalLocation"]
    assert own == {
        "artifactLocation": {"uri": "vendorsim.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 5},
    }
    assert "%SRCROOT%" in told.sarif["originalUriBaseIds"]
    assert {(test["filePath"], test["line"]) for test in told.ctrf["tests"]} == {("vendorsim.yaml", 5)}
    assert [issue["location"] for issue in told.quality] == [{"path": "vendorsim.yaml", "lines": {"begin": 5}}]
    assert [(file, line) for _, file, line, _, _ in told.annotations] == [("vendorsim.yaml", "5")]
    (related,) = result["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"].startswith("contracts/smartsupp/")


def test_every_check_is_a_rule(reported: Any) -> None:
    told = reported(OK)
    rules = {rule["id"]: rule for rule in told.sarif["tool"]["driver"]["rules"]}
    assert list(rules) == [check["id"] for check in told.json["checks"]]
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules.values())


def test_a_run_in_which_nothing_was_tried_is_no_proof(vendorsim: Vendorsim) -> None:
    with Receiver() as target:
        told = vendorsim("check", "--vendor", "smartsupp", "--to", target.url(), "--only", "idempotent")
    assert told.code == 0
    assert told.out.splitlines()[-1] == "nothing judged: 2 not judged"
    assert target.requests == []
