"""A run against an earlier report: which findings are new, still there, fixed; and which of them fail the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Completed, Vendorsim
from receiver import Connection, Receiver, Request, status

ONLY = "accepts,rejects.no_object"
Checked = Callable[..., Completed]


def answering(body: int = 200, no_object: int = 400, no_paths: int = 200) -> Callable[[Connection, Request], None]:
    """Answers one code to usual bodies, one to JSON that is no object, and one to a list of paths without items."""

    def answer(connection: Connection, request: Request) -> None:
        usual = no_paths if b'"paths":[]' in request.body else body
        connection.send(status(usual if request.body.startswith(b'{"') else no_object))

    return answer


GOOD = answering()
BROKEN = answering(body=500)


def is_wrong(request: Request) -> bool:
    """Whether a value of the body has a wrong type, as `rejects.wrong_type` writes it."""
    return b'{"wrong":"type"}' in request.body or b'"wrong type"' in request.body


REFUSES_NO_PATHS = answering(no_object=400, no_paths=500)
CRASHES_ON_LISTS = answering(no_object=500)


@pytest.fixture
def checked(vendorsim: Vendorsim) -> Checked:
    def run(answer: Any, *options: object, only: str = ONLY, vendor: str = "smartsupp") -> Completed:
        with Receiver(answer) as target:
            return vendorsim("check", "--vendor", vendor, "--to", target.url(), "--only", only, *options)

    return run


@pytest.fixture
def report(checked: Checked, tmp_path: Path) -> Callable[..., Path]:
    """Writes the report of a run, as a user would."""

    def write(answer: Any, *options: object, **more: Any) -> Path:
        file = tmp_path / "report.json"
        file.write_text(checked(answer, "--json", *options, **more).out)
        return file

    return write


def kinds(document: Any) -> dict[str, set[str]]:
    """The checks of the findings of each kind."""
    by_key = {finding["key"]: finding["check"] for finding in document["findings"]}
    against = document["against"]
    kinds = {name: {by_key[key] for key in against[name]} for name in ("new", "still")}
    return kinds | {name: {past["check"] for past in against[name]} for name in ("fixed", "not_judged")}


NOTHING: set[str] = set()


@pytest.mark.parametrize(
    ("before", "now", "new", "still", "fixed"),
    [
        (GOOD, CRASHES_ON_LISTS, {"rejects.no_object"}, NOTHING, NOTHING),
        (CRASHES_ON_LISTS, CRASHES_ON_LISTS, NOTHING, {"rejects.no_object"}, NOTHING),
        (CRASHES_ON_LISTS, GOOD, NOTHING, NOTHING, {"rejects.no_object"}),
        (CRASHES_ON_LISTS, REFUSES_NO_PATHS, {"accepts.forms"}, NOTHING, {"rejects.no_object"}),
    ],
)
def test_findings_are_new_still_there_or_fixed(
    checked: Checked,
    report: Callable[..., Path],
    before: Any,
    now: Any,
    new: set[str],
    still: set[str],
    fixed: set[str],
) -> None:
    baseline = report(before, "--seed", 3)
    document = checked(now, "--json", "--baseline", baseline).json
    assert kinds(document) == {"new": new, "still": still, "fixed": fixed, "not_judged": NOTHING}
    assert document["against"]["file"] == str(baseline)
    marked = {finding["key"] for finding in document["findings"] if finding["new"]}
    assert marked == set(document["against"]["new"])


@pytest.mark.parametrize(
    ("options", "only"),
    [
        ((), "accepts"),
        (("--skip", "rejects.no_object"), ONLY),
        (("--skip", "rejects:post_hook"), ONLY),
    ],
)
def test_what_was_not_judged_is_not_fixed(
    checked: Checked, report: Callable[..., Path], options: tuple[str, ...], only: str
) -> None:
    baseline = report(CRASHES_ON_LISTS)
    document = checked(GOOD, "--json", "--baseline", baseline, *options, only=only).json
    assert document["against"]["fixed"] == []
    assert "rejects.no_object" in kinds(document)["not_judged"]


@pytest.mark.parametrize(
    ("before", "now", "fail_on", "code"),
    [
        (CRASHES_ON_LISTS, CRASHES_ON_LISTS, "new", 0),
        (CRASHES_ON_LISTS, CRASHES_ON_LISTS, "any", 1),
        (CRASHES_ON_LISTS, BROKEN, "new", 1),
        (BROKEN, CRASHES_ON_LISTS, "new", 1),
        (BROKEN, GOOD, "new", 0),
    ],
)
def test_with_new_only_new_errors_fail_the_run(
    checked: Checked, report: Callable[..., Path], before: Any, now: Any, fail_on: str, code: int
) -> None:
    done = checked(now, "--json", "--baseline", report(before), "--fail-on", fail_on)
    assert (done.code, done.json["verdict"]) == (code, "failed" if code else "passed")


def test_a_new_warning_does_not_fail_it(checked: Checked, report: Callable[..., Path]) -> None:
    baseline = report(GOOD, only="rejects.content_type:post_hook")
    baseline.write_text(json.dumps(json.loads(baseline.read_text()) | {"findings": []}))
    done = checked(GOOD, "--json", "--baseline", baseline, "--fail-on", "new", only="rejects.content_type")
    assert (len(done.json["against"]["new"]), done.code) == (1, 0)


def test_findings_that_are_told_as_one_are_still_told_one_by_one_and_the_other_way_round(
    checked: Checked, report: Callable[..., Path]
) -> None:
    """More than ten findings that are alike become one; what is left of them after a fix is not new."""

    def every(connection: Connection, request: Request) -> None:
        connection.send(status(500 if is_wrong(request) else 200))

    many = report(every, only="rejects.wrong_type")
    (merged,) = json.loads(many.read_text())["findings"]
    assert len(merged["keys"]) > 10

    def few(connection: Connection, request: Request) -> None:
        usual = 400 if is_wrong(request) else 200
        connection.send(status(usual if isinstance(request.json["accountId"], int) else 500))

    document = checked(few, "--json", "--baseline", many, only="rejects.wrong_type").json
    assert (document["against"]["new"], document["against"]["fixed"]) == ([], [])
    few_report = report(few, only="rejects.wrong_type")
    document = checked(every, "--json", "--baseline", few_report, only="rejects.wrong_type").json
    assert document["against"]["new"] == [merged["key"]]
    assert document["against"]["fixed"] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "can't be read: No such file or directory"),
        ("", "the file is empty; write the new report to another file"),
        ("{", "this is no report of vendorsim check --json"),
        ("[]", "this is no report of vendorsim check --json"),
        ('{"vendor": "smartsupp", "findings": [{"key": "a"}]}', "this is no report of vendorsim check --json"),
        ('{"vendor": "userlike", "findings": []}', "the report is about userlike, not smartsupp"),
    ],
)
def test_a_wrong_file_is_told_before_anything_is_sent(
    vendorsim: Vendorsim, tmp_path: Path, text: str | None, message: str
) -> None:
    file = tmp_path / "report.json"
    if text is not None:
        file.write_text(text)
    with Receiver() as target:
        done = vendorsim("check", "--vendor", "smartsupp", "--to", target.url(), "--baseline", file)
        assert target.connections == []
    assert (done.code, done.out) == (2, "")
    assert f"--baseline {file}: {message}" in done.err


def test_new_needs_a_baseline(vendorsim: Vendorsim) -> None:
    done = vendorsim("check", "--vendor", "smartsupp", "--to", "http://127.0.0.1:9/", "--fail-on", "new")
    assert done.code == 2
    assert "name it with --baseline FILE" in done.err
