"""Runs commands in this process, as a user would run them."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jsonschema_rs
from vendorsim.cli.main import run

SCHEMAS = Path(__file__).parents[1] / "docs" / "share" / "vendorsim" / "schemas"


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


def run_here(*arguments: object, input: bytes = b"", settings: object = None) -> Completed:
    """Runs the command line with these arguments. `settings` are what no option sets (`vendorsim.cli.main.run`)."""
    out, err = io.BytesIO(), io.BytesIO()
    # The wrappers are kept, since they close what they wrap when they go.
    standard = {
        "stdin": io.TextIOWrapper(io.BytesIO(input), "utf-8"),
        "stdout": io.TextIOWrapper(out, "utf-8", "backslashreplace", write_through=True),
        "stderr": io.TextIOWrapper(err, "utf-8", "backslashreplace", write_through=True),
    }
    with patch.multiple(sys, **standard):
        code = run([str(argument) for argument in arguments], settings)
        sys.stdout.flush()
        done = Completed(code, out.getvalue().decode(), err.getvalue().decode())
    if "--json" in arguments and "--help" not in arguments:
        hold_to_schema(" ".join(map(str, arguments[:2])), done)
    return done


def hold_to_schema(command: str, done: Completed) -> None:
    """Every report that a test sees is valid by the schema that we publish."""
    if command == "capture drift" and done.out:
        schema("drift-report-1").validate(done.json)
    elif command.startswith("check ") and done.out:
        schema("check-report-1").validate(done.json)
    elif command.startswith("play "):
        for line in done.lines:
            schema("play-line-1").validate(line)


@cache
def schema(name: str) -> jsonschema_rs.Draft7Validator:
    """A published schema."""
    return jsonschema_rs.Draft7Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_bytes()))
