"""Passes the events of a run of checks to the reporters: terminal or JSON, and the requested report files.

The last event is the verdict. Report files are rendered from the whole outcome. To add a format, write a module with
`render(outcome) -> bytes`, and add a row to FORMATS.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from msgspec import Struct

from vendorsim.core.errors import InputError

if TYPE_CHECKING:
    from vendorsim.checks.engine import CheckEvent
    from vendorsim.reporting.outcome import Outcome
    from vendorsim.runs.config import ConfigLine


class Format(Struct, frozen=True):
    """A kind of report file: its name, its title in help texts, how the names of its files end, and the module that
    renders it. `option` says whether there is an option of its name, beside --report."""

    name: str
    title: str
    ending: str
    module: str
    option: bool = False

    def render(self, outcome: Outcome) -> bytes:
        """Returns the contents of the file."""
        rendered: bytes = importlib.import_module(self.module).render(outcome)
        return rendered


FORMATS = (
    Format("junit", "JUnit", ".xml", "vendorsim.reporting.junit", option=True),
    Format("html", "HTML", ".html", "vendorsim.reporting.html", option=True),
    Format("sarif", "SARIF", ".sarif", "vendorsim.reporting.sarif", option=True),
    Format("json", "the document of --json", ".json", "vendorsim.reporting.check_json"),
    Format("markdown", "Markdown", ".md", "vendorsim.reporting.markdown"),
    Format("ctrf", "CTRF", ".ctrf.json", "vendorsim.reporting.ctrf"),
    Format("codequality", "GitLab code quality", ".codequality.json", "vendorsim.reporting.code_quality"),
    Format("github", "GitHub annotations", ".github.txt", "vendorsim.reporting.github_annotations"),
)


class ReportFile(Struct, frozen=True):
    """A report file that the user asked for; `option` is the option that names it, such as --junit."""

    option: str
    path: str
    format: Format


def report_files(paths: Iterable[str], by_format: Mapping[str, str | None]) -> tuple[ReportFile, ...]:
    """Returns the files of --report and of the options that are named like a format.

    Raises InputError for a path whose ending says no format.
    """
    named = [
        ReportFile(f"--{kind.name}", path, kind) for kind in FORMATS if (path := by_format.get(kind.name)) is not None
    ]
    return (*named, *(ReportFile("--report", path, _format_of(path)) for path in paths))


def _format_of(path: str) -> Format:
    """Returns the format with the longest ending that the path has."""
    fitting = [kind for kind in FORMATS if path.lower().endswith(kind.ending)]
    if not fitting:
        known = ", ".join(f"{kind.ending} ({kind.title})" for kind in FORMATS)
        raise InputError(f"--report {path}: the ending of the name says which kind of report it is; known: {known}")
    return max(fitting, key=lambda kind: len(kind.ending))


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

    def __init__(self, files: Iterable[ReportFile], *, as_json: bool, configured_at: ConfigLine | None = None) -> None:
        """`configured_at` is the line of the user's configuration that names the target.

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

    def _open(self, files: Iterable[ReportFile]) -> None:
        taken: dict[str, ReportFile] = {}
        for file in files:
            other = taken.setdefault(os.path.realpath(file.path), file)
            if other is not file:
                raise InputError(f"{file.option} {file.path}: {other.option} writes to the same file; name another")
            self._handlers.append(_FileWriter(file, self._configured_at))

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


class _FileWriter:
    """Writes a report file, which is opened at once, so that a wrong path fails early, and filled after the verdict."""

    def __init__(self, file: ReportFile, configured_at: ConfigLine | None) -> None:
        from vendorsim.reporting.outcome import Timekeeper

        self._format = file.format
        self._path = Path(file.path)
        self._keeper = Timekeeper(self._write, configured_at)
        self._created = not os.path.lexists(file.path)
        try:
            self._file = self._path.open("ab")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InputError(f"{file.option} {file.path}: can't be written: {reason}") from None

    def handle(self, event: CheckEvent) -> None:
        self._keeper.handle(event)

    def _write(self, outcome: Outcome) -> None:
        contents = self._format.render(outcome)
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
