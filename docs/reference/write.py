"""Writes all that is generated from the program: `docs/reference/*.md`, `docs/share/` (man pages, completion, JSON
Schemas), and the schema beside the built-in scenarios.

    python docs/reference/write.py

A test fails when a file is not that of the program.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from generator.files import ROOT, files


def main() -> None:
    """Writes the files; deletes man pages of commands that are gone."""
    written = files()
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in (ROOT / "docs" / "share" / "man" / "man1").glob("*.1"):
        if path not in written:
            path.unlink()


if __name__ == "__main__":
    main()
