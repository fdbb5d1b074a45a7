"""Draws the README's picture: a real run of the command, as SVG.

python docs/images/draw.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
WIDTH = 140


def main() -> None:
    output = subprocess.run(
        [sys.executable, HERE.parent.parent / "examples" / "demo.py"], capture_output=True, text=True, check=True
    ).stdout
    console = Console(record=True, width=WIDTH, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(Text("$ make demo\n", style="bold"))
    for line in output.rstrip().splitlines():
        console.print(Text(line, style=_style(line)))
    picture = console.export_svg(title="vendorsim")
    # The fonts would be fetched from elsewhere; any monospaced one will do.
    (HERE / "demo.svg").write_text(re.sub(r"@font-face \{.*?\}", "", picture, flags=re.S))


def _style(line: str) -> str:
    if line.startswith("$"):
        return "bold cyan"
    if "passed" in line or line.startswith("PASSED"):
        return "green"
    return "bold" if line.endswith(":") else ""


if __name__ == "__main__":
    main()
