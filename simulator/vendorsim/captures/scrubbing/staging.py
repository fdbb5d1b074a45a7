"""Files that get their names together, when all of them are complete: until then they are temporary."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

from vendorsim.core.errors import InputError

STDOUT = "-"


class StagedFiles:
    """New files that only the user can read (mode 0600). Leaving it without `commit` removes them."""

    def __init__(self) -> None:
        self._files: list[tuple[str, str]] = []

    def __enter__(self) -> StagedFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for path, _ in self._files:
            Path(path).unlink(missing_ok=True)

    @contextmanager
    def open(self, target: str) -> Iterator[IO[bytes]]:
        """A new file, beside the one that it will be; compressed if the name ends with .gz. `-` is standard output.
        Raises InputError."""
        if any(target == other for _, other in self._files):
            raise InputError(f"{target}: would be written twice; the files need different names")
        if "\0" in target:
            raise InputError(f"{target!r}: can't be written: it is not a file name")
        folder = None if target == STDOUT else Path(target).parent
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                if Path(target).is_dir():
                    raise InputError(f"{target}: is a folder; name a file")
            handle, path = tempfile.mkstemp(prefix=".scrub-", dir=folder)
        except OSError as error:
            raise InputError(f"{target}: can't be written: {error.strerror or error}") from None
        self._files.append((path, target))
        with os.fdopen(handle, "wb") as stream:
            if target.endswith(".gz"):
                with gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as packed:
                    yield packed  # type: ignore[misc]
            else:
                yield stream

    def commit(self) -> None:
        """Gives all files their names, and prints the one for standard output. Raises InputError."""
        for path, target in self._files:
            try:
                if target == STDOUT:
                    with open(path, "rb") as stream:
                        shutil.copyfileobj(stream, sys.stdout.buffer)
                else:
                    os.replace(path, target)
            except BrokenPipeError:
                raise
            except OSError as error:
                raise InputError(f"{target}: can't be written: {error.strerror or error}") from None
