"""The FastAPI example passes its own tests and the vendor's checks, which are not all skipped."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_desk"
# The other plugins of this environment are not those of a reader.
PLUGINS = ("-p", "no:cacheprovider", "-p", "no:schemathesis")


@pytest.mark.slow
def test_its_tests_pass_as_a_reader_runs_them() -> None:
    command = [sys.executable, "-m", "pytest", "-v", *PLUGINS]
    done = subprocess.run(command, cwd=EXAMPLE, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = set(re.findall(r"^conftest\.py::smartsupp::(\w+)\S* PASSED", done.stdout, re.MULTILINE))
    assert passed >= {"accepts", "tolerates", "rejects", "idempotent", "retry_safe", "isolated"}
    assert re.findall(r"^test_desk\.py::\w+ PASSED", done.stdout, re.MULTILINE)
