"""Where the events of a run of checks go: the terminal or JSON, and the report files that were asked for.

A reporter is a handler of the stream of events; the last event is the verdict. Report files are rendered from the whole
outcome: another format is one module with `render(outcome) -> bytes`, and one row in FORMATS.
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


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of report file: its option, what people call it, and the module that renders it."""

    name: str
    title: str
    module: str

    def render(self, outcome: Outcome) -> bytes:
        """The contents of the file."""
        rendered: bytes = importlib.import_module(self.module).render(outcome)
        return rendered


FORMATS = (
    Format("junit", "JUnit", "vendorsim.reporting.junit"),
    Format("html", "HTML", "vendorsim.reporting.html"),
    Format("sarif", "SARIF", "vendorsim.reporting.sarif"),
)


class Handler(Protocol):
    """Gets every event of a run, in order."""

    def handle(self, event: CheckEvent) -> None:
        """One event of the run; the verdict is the last one."""
        ...

    def close(self) -> None:
        """The run is over, with a verdict or without."""
        ...


class Reporters:
    """Hands every event to every reporter.

    Files come first: what reads standard output may be gone before the end (`| head`). One that can't be written in the
    end keeps none of the others from being written.
    """

    def __init__(self, files: Mapping[str, str | None], *, as_json: bool) -> None:
        """`files` gives the path, or None, for the name of a format.

        Raises InputError for one that can't be written, before anything is sent.
        """
        self._handlers: list[Handler] = []
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
            self._handlers.append(_FileReport(kind, path))

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
        """One event of the run."""
        failures: list[OSError] = []
        for handler in self._handlers:
            try:
                handler.handle(event)
            except OSError as error:
                failures.append(error)
        if failures:
            raise failures[0]


class _FileReport:
    """A file that is opened at once, to be sure of it, and written when the verdict is there."""

    def __init__(self, kind: Format, path: str) -> None:
        from vendorsim.reporting.outcome import Timekeeper

        self._kind = kind
        self._path = Path(path)
        self._keeper = Timekeeper(self._write)
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
        """An empty file would be taken for a broken report: one that was never written goes."""
        self._file.close()
        if self._created:
            self._path.unlink(missing_ok=True)


def _printer(as_json: bool) -> Handler:
    if as_json:
        from vendorsim.reporting.check_json import CheckJson

        return CheckJson()
    from vendorsim.reporting.check_terminal import CheckTerminal

    return CheckTerminal()
