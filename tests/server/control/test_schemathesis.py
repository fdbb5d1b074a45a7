"""Schemathesis attacks the control API with all its checks and finds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from receiver import Receiver
from vendorsim.core import resources

from control.client import API, Client

# What no schema can say: that a scenario has to be sound, a number has to be somebody's, a name has to be free, and a
# cursor has to be one that was given.
SETTINGS = """
warnings = false
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429"]
[[operations]]
include-operation-id = ["calls", "captures", "checks", "conversations", "deliveries", "runs", "sessions"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "422"]
"""


EFFORTS = [
    pytest.param(("-n", "1", "--phases", "fuzzing"), id="quick"),
    pytest.param(("-n", "8"), id="everything", marks=pytest.mark.thorough),
]


@pytest.mark.slow
@pytest.mark.parametrize("effort", EFFORTS)
def test_schemathesis_finds_nothing(api: Client, target: Receiver, effort: tuple[str, ...], tmp_path: Path) -> None:
    # Something to be found: numbers that are drawn are small now and then.
    api.play(target.url())
    document = resources.contracts() / "control" / "openapi.json"
    command = [Path(sys.executable).with_name("schemathesis"), "run", document, "--no-color"]
    # A list may be waited for, 10 seconds at most.
    limits = ("--request-timeout", "15", "--max-response-time", "12")
    options = ["--checks", "all", "--seed", "1", *effort, *limits, "--generation-database", "none"]
    options += ["--continue-on-failure"]
    (tmp_path / "schemathesis.toml").write_text(SETTINGS, encoding="utf-8")
    ended = subprocess.run(
        [*command, "--url", f"http://127.0.0.1:{api.port}{API}", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No issues found" in ended.stdout
