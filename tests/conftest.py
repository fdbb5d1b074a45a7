"""What many tests use: the command line, run in this process as a user would run it."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from command_line import Completed, Vendorsim
from vendorsim.cli.main import run


@pytest.fixture
def vendorsim(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Vendorsim:
    """`vendorsim("lint", path, input=b"…")` runs the command and gives its exit code and output."""
    # The default place of the journal is the working directory: the checkout.
    monkeypatch.setenv("VENDORSIM_JOURNAL", str(tmp_path / "journal.sqlite"))

    def call(*arguments: object, input: bytes = b"") -> Completed:
        out, err = io.BytesIO(), io.BytesIO()
        # The wrappers are kept, since they close what they wrap when they go.
        standard = {
            "stdin": io.TextIOWrapper(io.BytesIO(input), "utf-8"),
            "stdout": io.TextIOWrapper(out, "utf-8", "backslashreplace", write_through=True),
            "stderr": io.TextIOWrapper(err, "utf-8", "backslashreplace", write_through=True),
        }
        with monkeypatch.context() as patch:
            for name, stream in standard.items():
                patch.setattr(sys, name, stream)
            code = run([str(argument) for argument in arguments])
            sys.stdout.flush()
            return Completed(code, out.getvalue().decode(), err.getvalue().decode())

    return call
