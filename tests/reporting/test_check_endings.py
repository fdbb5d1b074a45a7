"""How `vendorsim check` ends when it can't go on: files that can't be written, no target, Ctrl-C; skipped checks."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import reports
from command_line import Completed, Vendorsim
from receiver import Connection, Receiver, Request, status
from vendorsim.checks.engine import CheckFinished, CheckStarted
from vendorsim.checks.model import FAILED, Check, Finding, Result, Verdict
from vendorsim.core.provenance import ASSUMED, Stated
from vendorsim.reporting.checks import Reporters, report_files

# Files


@pytest.mark.parametrize(
    ("option", "place"),
    [
        *[(option, place) for option in ("--junit", "--html", "--sarif") for place in ("missing/report", ".")],
        ("--report", "missing/report.md"),
    ],
)
def test_a_file_that_can_not_be_written_is_told_before_anything_is_sent(
    vendorsim: Vendorsim, tmp_path: Path, option: str, place: str
) -> None:
    with Receiver() as target:
        ended = vendorsim("check", "--vendor", "smartsupp", "--to", target.url(), option, tmp_path / place)
        assert target.connections == []
    assert ended.code == 2
    assert f"{option} {tmp_path / place}: can't be written" in ended.err


@pytest.mark.parametrize("name", ["report", "report.txt", "xml", "report.", ""])
def test_the_ending_of_a_report_has_to_be_known(vendorsim: Vendorsim, name: str) -> None:
    with Receiver() as target:
        ended = vendorsim("check", "--vendor", "smartsupp", "--to", target.url(), "--report", name)
        assert target.connections == []
    assert (ended.code, ended.err) == (
        2,
        f"Error: --report {name}: the ending of the name says which kind of report it is; known: .xml (JUnit), "
        ".html (HTML), .sarif (SARIF), .json (the document of --json), .md (Markdown), .ctrf.json (CTRF), "
        ".codequality.json (GitLab code quality), .github.txt (GitHub annotations)\n",
    )


def test_two_reports_need_two_files(vendorsim: Vendorsim, tmp_path: Path) -> None:
    file = tmp_path / "report"
    ended = vendorsim(
        "check",
        "--vendor",
        "smartsupp",
        "--to",
        "http://127.0.0.1:9/",
        "--html",
        file,
        "--sarif",
        tmp_path / "." / "report",
    )
    assert ended.code == 2
    assert "--html writes to the same file" in ended.err
    assert not file.exists()
    same = str(tmp_path / "report.md")
    ended = vendorsim(
        *("check", "--vendor", "smartsupp", "--to", "http://127.0.0.1:9/"),
        *("--report", same, "--report", same),
    )
    assert (ended.code, ended.err) == (2, f"Error: --report {same}: --report writes to the same file; name another\n")


def test_an_older_report_is_replaced_whole(vendorsim: Vendorsim, tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text("old" * 100_000)
    with Receiver() as target:
        reports.run(vendorsim, tmp_path, "--to", target.url(), "--only", "accepts")


def test_a_run_without_a_verdict_leaves_no_file_and_keeps_the_older_one(vendorsim: Vendorsim, tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text("old")
    ended = vendorsim(
        *("check", "--vendor", "smartsupp", "--to", "http://127.0.0.1:9/"),
        *("--probe", "no-such-module:probe", *reports.options(tmp_path)),
    )
    assert ended.code == 2
    assert (tmp_path / "junit.xml").read_text() == "old"
    assert not (tmp_path / "report.html").exists()


def test_a_report_can_go_to_a_device(vendorsim: Vendorsim) -> None:
    with Receiver() as target:
        ended = vendorsim(
            *("check", "--vendor", "smartsupp", "--to", target.url(), "--only", "accepts"), "--junit", os.devnull
        )
    assert ended.code == 0
    assert not Path(os.devnull).is_file()


# No target


def test_an_integration_that_is_not_there_is_no_pass(vendorsim: Vendorsim, tmp_path: Path) -> None:
    with Receiver() as target:
        url = target.url()
    told = reports.run(vendorsim, tmp_path, "--to", url, "--only", "accepts")
    assert (told.code, told.json["verdict"]) == (3, "failed")
    assert {check["status"] for check in told.json["checks"]} == {"not_judged"}
    (error,) = told.junit.iter("error")
    assert error.get("type") == "unreachable"
    assert not told.sarif["invocations"][0]["executionSuccessful"]
    assert told.html.text("h1") == ["unreachable"]
    assert [test["rawStatus"] for test in told.ctrf["tests"] if test["status"] == "failed"] == ["unreachable"]
    assert told.quality == []
    assert told.markdown.startswith("## ⚠️ vendorsim: unreachable\n")
    assert [(level, title) for level, _, _, title, _ in told.annotations] == [("error", "vendorsim%3A unreachable")]


# What was asked for


def test_every_report_says_what_was_not_judged(vendorsim: Vendorsim, tmp_path: Path) -> None:
    with Receiver(status(200)) as target:
        options = ("--to", target.url(), "--only", "accepts,isolated", "--require", "isolated")
        told = reports.run(vendorsim, tmp_path, *options)
        shown = vendorsim("check", "--vendor", "smartsupp", *options)
    reason = "--require isolated: isolated not judged: there is no probe"
    assert (told.code, shown.code) == (4, 4)
    (error,) = told.junit.iter("error")
    assert error.get("type") == "incomplete"
    assert (error.get("message") or "").startswith(reason)
    invocation = told.sarif["invocations"][0]
    assert (invocation["exitCode"], invocation["exitCodeDescription"]) == (4, "incomplete")
    assert not invocation["executionSuccessful"]
    assert any(reason in note["message"]["text"] for note in invocation["toolExecutionNotifications"])
    assert told.html.text("h1") == ["incomplete"]
    assert any(text.startswith(reason) for text in told.html.text("p"))
    assert f"incomplete {reason}" in shown.out
    assert shown.out.splitlines()[-1] == "incomplete: 5 passed, 2 not judged"


# Ctrl-C


class Interrupting:
    """Answers 200 to everything, and interrupts the sender at a request."""

    def __init__(self, at: int) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._left = at

    def __call__(self, connection: Connection, request: Request) -> None:
        self._left -= 1
        if self._left == 0:
            assert self.process is not None
            self.process.send_signal(signal.SIGINT)
        elif self._left > 0:
            connection.send(status(200))


# The first check sends five requests, the second one more of them.
@pytest.mark.slow
@pytest.mark.parametrize(("at", "finished"), [(1, 0), (7, 1)])
def test_an_interrupted_run_reports_what_was_judged(tmp_path: Path, at: int, finished: int) -> None:
    interrupting = Interrupting(at)
    with Receiver(interrupting) as target:
        words = ["check", "--vendor", "smartsupp", "--to", target.url(), "--json", *reports.options(tmp_path)]
        command = [sys.executable, "-m", "vendorsim", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
            interrupting.process = process
            out, err = process.communicate(timeout=60)
    told = reports.read(Completed(process.returncode, out.decode(), err.decode()), tmp_path)
    assert (told.code, told.json["interrupted"], told.json["verdict"]) == (130, True, "failed")
    statuses = [check["status"] for check in told.json["checks"]]
    assert statuses[:finished] == ["passed"] * finished
    assert len(statuses) > 10
    assert set(statuses[finished + 1 :]) == {"not_judged"}
    assert told.json["checks"][-1]["reason"] == "interrupted"
    (error,) = told.junit.iter("error")
    assert error.get("type") == "interrupted"
    assert told.sarif["invocations"][0]["exitCode"] == 130
    assert told.html.text("h1") == ["interrupted"]


# vendorsim.yaml


def configured(folder: Path, checks: str) -> Path:
    file = folder / "vendorsim.yaml"
    file.write_text(f"checks: {checks}\n", "utf-8")
    return file


def test_a_skipped_check_is_shown_with_its_reason(vendorsim: Vendorsim, tmp_path: Path) -> None:
    file = configured(tmp_path, "{skip: [{check: accepts.minimal, reason: 'fixed in <2.0>', until: 2999-12-31}]}")
    with Receiver() as target:
        told = reports.run(vendorsim, tmp_path, "--to", target.url(), "--only", "accepts", "--config", file)
    assert told.code == 0
    assert [check["status"] for check in told.json["checks"]] == ["passed", "skipped", "passed", "passed", "passed"]
    (skipped,) = told.junit.iter("skipped")
    assert skipped.get("message") == "skipped: fixed in <2.0> (until 2999-12-31)"


def test_a_skip_that_is_over_is_judged_again_and_told(vendorsim: Vendorsim, tmp_path: Path) -> None:
    file = configured(tmp_path, "{skip: [{check: accepts, reason: later, until: 2020-01-31}]}")
    with Receiver() as target:
        ended = vendorsim("check", "--vendor", "smartsupp", "--to", target.url(), "--only", "accepts", "--config", file)
    assert "skipped" not in ended.out
    assert "accepts is judged again: it was skipped until 2020-01-31 (later)" in ended.err


@pytest.mark.parametrize(
    "checks",
    ["{skip: [{check: acepts, reason: later, until: 2999-12-31}]}", "{severity: {accepts.typicl: warning}}"],
)
def test_a_check_that_nobody_knows_is_told(vendorsim: Vendorsim, tmp_path: Path, checks: str) -> None:
    file = configured(tmp_path, checks)
    ended = vendorsim("check", "--vendor", "smartsupp", "--to", "http://127.0.0.1:9/", "--config", file)
    assert ended.code == 2
    assert "did you mean 'accepts" in ended.err


def test_a_severity_makes_a_failure_a_warning(vendorsim: Vendorsim, tmp_path: Path) -> None:
    file = configured(tmp_path, "{severity: {accepts.typical: warning}}")
    with Receiver(status(500)) as target:
        told = reports.run(vendorsim, tmp_path, "--to", target.url(), "--only", "accepts.typical", "--config", file)
    assert (told.code, told.cases("failure"), told.cases("system-out")) == (0, [], ["accepts.typical"])


# A terminal


def test_on_a_terminal_lines_fold_but_commands_do_not(tmp_path: Path) -> None:
    def read(end: int) -> bytes:
        found = b""
        try:
            while data := os.read(end, 65_536):
                found += data
        except OSError:  # how Linux says that the other end is closed
            pass
        return found

    ours, theirs = pty.openpty()
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "TERM": "xterm"}
    with Receiver(status(500)) as target:
        words = ["check", "--vendor", "smartsupp", "--to", target.url(), "--only", "accepts.typical"]
        command = [sys.executable, "-m", "vendorsim", *words]
        with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=env, cwd=tmp_path) as process:
            os.close(theirs)
            printed = read(ours).decode().replace("\r\n", "\n")
    os.close(ours)
    assert process.returncode == 1
    assert "\x1b" not in printed
    long = [line for line in printed.splitlines() if len(line) > 80]
    assert [line.split()[0] for line in long] == ["reproduce:"]


# Texts that no report can carry as they are


def test_halves_of_surrogate_pairs_and_markup_break_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\ud800 <b>&amp;</b> [red]x[/red] \x1b[2J \x00 \uffff ]]> {{7*7}}\nnew line"
    stated = Stated("Holds.", ASSUMED, "a test")

    async def nothing(context: Any) -> None:
        """Judges nothing."""

    check = Check("accepts.typical", stated, "None.")
    finding = Finding(
        check=check.id,
        event="post_hook",
        severity="error",
        message=evil,
        expected=evil,
        found=evil,
        pointer=f"/{evil}",
        key="0123",
        reproduce=evil,
        remedy="None.",
        statement=stated,
        request=evil,
        answer=evil,
    )
    result = Result(check, FAILED, 1, evil, [finding], {"post_hook": "error"})
    part = {"exercised": {}, "not_exercised": [evil]}
    field = {"known": 2, "exercised": 1, "not_exercised": [evil]}
    coverage = {"events": part, "fields": {"post_hook": field}, "values": {"post_hook": field}, "answers": part}
    verdict = Verdict("smartsupp", "documented", evil, 0, (result,), coverage)

    named = {kind: str(tmp_path / name) for kind, name in reports.FILES.items()}
    files = report_files([str(tmp_path / name) for name in reports.MORE_FILES], named)
    with Reporters((), as_json=True) as printer:
        printer.handle(verdict)
    printed = capsys.readouterr().out
    with Reporters(files, as_json=False) as reporters:
        for event in (CheckStarted(check, result), CheckFinished(result), verdict):
            reporters.handle(event)
    shown = capsys.readouterr().out

    told = reports.read(Completed(1, printed, ""), tmp_path)
    outside_code = re.sub("`.*?`", "", told.markdown.replace("```", "`"), flags=re.DOTALL)
    assert re.findall("<b>.*?</b>", outside_code) == ["<b>error</b>"]
    assert not re.search("[\x00\x1b\uffff]", told.markdown + "".join(told.annotations[0]))
    assert json.loads(printed)["findings"][0]["message"] == evil.replace("\ud800", "\\ud800")
    assert "\\ud800 <b>&amp;</b> [red]x[/red] \\x1b[2J \\x00 \\uffff ]]> {{7*7}}\\nnew line" in shown
    assert any("<b>&amp;</b> [red]x[/red] \\x1b[2J" in text for text in told.html.text("pre"))
