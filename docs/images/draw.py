"""Draws the README's picture: a real run of `vendorsim check` against the desk of docs/first-verdict.md, as SVG.

python docs/images/draw.py

It needs port 8000 of this machine, as the reader does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text
from vendorsim.testing.app_server import app_server

HERE = Path(__file__).resolve().parent
WIDTH = 112
COMMAND = (
    "vendorsim check --vendor chatvisor --to http://localhost:8000/hook \\\n"
    "    --probe 'http://localhost:8000/state/{conversation_id}'"
)


def main() -> None:
    """Runs the check, and draws its findings and the last line."""
    desk = re.search(
        r"^\*\*`desk.py`\*\*\n\n```python\n(.*?)^```", (HERE.parent / "first-verdict.md").read_text(), re.M | re.S
    )
    assert desk is not None
    module: dict[str, object] = {"__name__": "desk"}
    exec(desk[1], module)
    with app_server(module["app"], port=8000):  # type: ignore[arg-type]
        output = subprocess.run(
            [sys.executable, "-m", *COMMAND.replace("\\\n", "").replace("'", "").split()],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "100"},
        ).stdout
    findings = output[output.index("\nerror ") :].partition("\nexercised")[0]
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(Text(f"$ {COMMAND}", style="bold cyan"))
    for line in [*_folded(findings.splitlines()), "", output.rstrip().splitlines()[-1]]:
        console.print(Text(line, style=_style(line)))
    picture = console.export_svg(title="vendorsim check")
    # The fonts would be fetched from elsewhere; any monospaced one will do.
    (HERE / "verdict.svg").write_text(re.sub(r"@font-face \{.*?\}", "", picture, flags=re.S))


def _folded(lines: list[str]) -> list[str]:
    """The lines, those of commands with the options that the reader knows left out."""
    return [re.sub(r"(vendorsim check) .*(--only .*)", r"\1 … \2", line) for line in lines]


def _style(line: str) -> str:
    if line.startswith(("error", "failed")):
        return "bold red"
    return "green" if line.lstrip().startswith("remedy") else ""


if __name__ == "__main__":
    main()
