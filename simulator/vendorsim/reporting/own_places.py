"""The user's own line that a finding can point to: the target in vendorsim.yaml."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from vendorsim.runs.config import ConfigLine


class OwnPlace(Struct, frozen=True):
    """A line (counted from 1) of the user's file.

    `path` is relative to the root of the repository, with `/`, or None if the file is outside; `uri` is the quoted
    path, or a file URI for a file outside.
    """

    path: str | None
    uri: str
    line: int


def own_place(at: ConfigLine | None) -> OwnPlace | None:
    """Returns the place of the target in vendorsim.yaml; None if it is not named there."""
    if at is None:
        return None
    file = Path(at.file).absolute()
    root = next((folder for folder in file.parents if (folder / ".git").exists()), Path.cwd())
    if not file.is_relative_to(root):
        return OwnPlace(None, file.as_uri(), at.line)
    path = file.relative_to(root).as_posix()
    return OwnPlace(path, quote(path), at.line)
