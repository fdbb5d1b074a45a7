"""The example integration and the demo as processes of their own, as a reader would start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("arguments", [["helpdesk"], ["-m", "helpdesk"]], ids=["folder", "module"])
def test_the_helpdesk_starts_tells_its_url_and_stops(tmp_path: Path, arguments: list[str]) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, *arguments, "--port", "0"]
    with subprocess.Popen(command, cwd=EXAMPLES, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with build_opener(ProxyHandler({})).open(f"{url}/health", timeout=10) as answer:
            assert json.load(answer) == {"status": "ok"}
        process.terminate()
        assert process.wait(10) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_demo(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, str(EXAMPLES / "demo.py")]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=120)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[-1] == "PASSED: every ticket says what its story says"
    assert len(lines) <= 60
    assert list(tmp_path.iterdir()) == []
