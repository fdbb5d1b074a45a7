"""What many tests use: the command line, run in this process as a user would run it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from simulator.cli.main import run


@dataclass(frozen=True)
class Completed:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Vendorsim = Callable[..., Completed]


@pytest.fixture
def vendorsim(monkeypatch: pytest.MonkeyPatch) -> Vendorsim:
    """`vendorsim("lint", path, input=b"…")` runs the command and gives its exit code and output."""

    def call(*arguments: object, input: bytes = b"") -> Completed:
        out, err = io.BytesIO(), io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(input), "utf-8"))
            patch.setattr(sys, "stdout", io.TextIOWrapper(out, "utf-8", write_through=True))
            patch.setattr(sys, "stderr", io.TextIOWrapper(err, "utf-8", write_through=True))
            code = run([str(argument) for argument in arguments])
            sys.stdout.flush()
        return Completed(code, out.getvalue().decode(), err.getvalue().decode())

    return call
