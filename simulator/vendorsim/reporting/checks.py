"""Passes the events of a run of checks to the reporters: terminal or JSON, and the requested report files.

The last event is the verdict. Report files are rendered from the whole outcome. To add a format, write a module with
`render(outcome) -> bytes`, and add a row to FORMATS.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from vendorsim.core.errors import InputError

if TYPE_CHECKING:
    from vendorsim.checks.engine import CheckEvent
    from vendorsim.reporting.outcome import Outcome
    from vendorsim.runs.config import ConfigLine


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of report file: the name of its option, its title in help texts, and the module that renders it."""

    name: str
    title: str
    module: str

    def render(self, outcome: Outcome) -> bytes:
        """Returns the contents of the file."""
        rendered: bytes = importlib.import_module(self.module).render(outcome)
        return rendered


FORMATS = (
    Format("junit", "JUnit", "vendorsim.reporting.junit"),
    Format("html", "HTML", "vendorsim.reporting.html"),
    Format("sarif", "SARIF", "vendorsim.reporting.sarif"),
)


class Handler(Protocol):
    """Receives every event of a run, in order."""

    def handle(self, event: CheckEvent) -> None:
        """Handles one event of the run; the last one is the verdict."""
        ...

    def close(self) -> None:
        """Called when the run is over, with or without a verdict."""
        ...


class Reporters:
    """Passes every event to every reporter.

    Files are written first, because the reader of standard output may close it early (`| head`). If one reporter can't
    write, the others still do.
    """

    def __init__(
        self, files: Mapping[str, str | None], *, as_json: bool, configured_at: ConfigLine | None = None
    ) -> None:
        """`files` maps the name of a format to a path, or to None for no file.

        `configured_at` is the line of the user's configuration that names the target.

        Raises InputError if a file can't be written, before any request is sent.
        """
        self._handlers: list[Handler] = []
        self._configured_at = configured_at
        try:
            self._open(files)
        except InputError:
            self._close()
            raise
        self._handlers.append(_printer(as_json))

    def _open(self, files: Mapping[str, str | None]) -> None:
        taken: dict[str, str] = {}
        for kind in FORMATS:
            path = files.get(kind.name)
            if path is None:
                continue
            other = taken.setdefault(os.path.realpath(path), kind.name)
            if other != kind.name:
                raise InputError(f"--{kind.name} {path}: --{other} writes to the same file; name another")
            self._handlers.append(_FileReport(kind, path, self._configured_at))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        for handler in self._handlers:
            handler.close()

    def handle(self, event: CheckEvent) -> None:
        """Passes one event to every reporter. Raises the first OSError, after all have had the event."""
        failures: list[OSError] = []
        for handler in self._handlers:
            try:
                handler.handle(event)
            except OSError as error:
                failures.append(error)
        if failures:
            raise failures[0]


class _FileReport:
    """A report file. It is opened at once, so that a wrong path fails early, and written when the verdict is known."""

    def __init__(self, kind: Format, path: str, configured_at: ConfigLine | None) -> None:
        from vendorsim.reporting.outcome import Timekeeper

        self._kind = kind
        self._path = Path(path)
        self._keeper = Timekeeper(self._write, configured_at)
        self._created = not os.path.lexists(path)
        try:
            self._file = self._path.open("ab")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InputError(f"--{kind.name} {path}: can't be written: {reason}") from None

    def handle(self, event: CheckEvent) -> None:
        self._keeper.handle(event)

    def _write(self, outcome: Outcome) -> None:
        contents = self._kind.render(outcome)
        if self._path.is_file():  # not a pipe or a device
            self._file.truncate(0)
        self._created = False
        self._file.write(contents)
        self._file.flush()

    def close(self) -> None:
        """Closes the file. Deletes it if it is new and empty: an empty report looks like a broken one."""
        self._file.close()
        if self._created:
            self._path.unlink(missing_ok=True)


def _printer(as_json: bool) -> Handler:
    if as_json:
        from vendorsim.reporting.check_json import CheckJson

        return CheckJson()
    from vendorsim.reporting.check_terminal import CheckTerminal

    return CheckTerminal()
