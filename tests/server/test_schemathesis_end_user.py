"""Schemathesis attacks the running API with all its checks and finds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from vendorsim.http.server import running_server
from vendorsim.server.app import create_app
from vendorsim.server.backend import ServerBackend
from vendorsim.server.fast_path import fast_path
from vendorsim.vendorkit import contract as contracts


@pytest.mark.slow
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    document = contracts.contract("ccai", "documented").folder / "openapi.json"
    command = [Path(sys.executable).with_name("schemathesis"), "run", document, "--no-color"]
    options = ["--checks", "all", "--seed", "1", "-n", "15", "--generation-database", "none", "--continue-on-failure"]
    credentials = ["-H", "Authorization: Bearer s3cret"]
    state = ServerBackend(token="s3cret", duplicate_interval=0)
    with running_server(create_app(state), fast_path=fast_path(state)) as server:
        ended = subprocess.run(
            [*command, "--url", server.url, *options, *credentials],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No issues found" in ended.stdout
