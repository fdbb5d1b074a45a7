"""Which file holds what."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from generator import commands, completion, json_documents, manual, python_names, schemas, tables

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs" / "reference"
SHARE = ROOT / "docs" / "share"
GENERATED = "<!-- Written by docs/reference/write.py: change the program instead. -->\n\n"


@cache
def files() -> dict[Path, str]:
    """The text of each generated file."""
    pages = {
        "commands": commands.page(),
        "checks": tables.checks(),
        "faults": tables.faults(),
        "vendors": tables.vendors(),
        "json": json_documents.page(),
        "python": python_names.page(),
    }
    found = {REFERENCE / f"{name}.md": GENERATED + text.rstrip() + "\n" for name, text in pages.items()}
    found |= {SHARE / "man" / "man1" / name: text for name, text in manual.pages().items()}
    found |= {SHARE / "vendorsim" / "schemas" / name: text for name, text in schemas.files().items()}
    # The built-in scenarios name the schema beside them in their first line.
    found[ROOT / "scenarios" / "scenario.schema.json"] = schemas.text(schemas.schemas()["scenario-1"])
    return found | {SHARE / path: text for path, text in completion.scripts().items()}
