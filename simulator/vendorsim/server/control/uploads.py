"""Files that a page sends to this server, part by part, until a request uses them."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from threading import Lock

from vendorsim.server.control.problems import ProblemError

# Bytes of a file, and files that a namespace keeps: the oldest one goes when there is another.
LARGEST_FILE, MOST_FILES = 64 * 1024 * 1024, 2


class Uploads:
    """The uploaded files of one namespace, in a temporary folder. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._folder: TemporaryDirectory[str] | None = None
        self._sizes: dict[str, int] = {}

    def begin(self) -> str:
        """Creates an empty file and returns its id."""
        with self._lock:
            if self._folder is None:
                self._folder = TemporaryDirectory(prefix="vendorsim-uploads-")
            while len(self._sizes) >= MOST_FILES:
                self._forget(next(iter(self._sizes)))
            upload = token_hex(16)
            self._path(upload).touch(mode=0o600)
            self._sizes[upload] = 0
        return upload

    def append(self, upload: str, offset: int, part: bytes) -> int:
        """Adds a part to a file and returns the file's size. Raises ProblemError: 404 for an unknown file, 409 for a
        part that does not begin where the file ends, 413 for a file that becomes too large."""
        with self._lock:
            size = self._size(upload)
            if offset != size:
                raise ProblemError(409, f"the file has {size} bytes so far: the next part begins there")
            if size + len(part) > LARGEST_FILE:
                self._forget(upload)
                raise ProblemError(413, f"the file is larger than {LARGEST_FILE // 1024 // 1024} MiB")
            with self._path(upload).open("ab") as stream:
                stream.write(part)
            self._sizes[upload] = size + len(part)
            return self._sizes[upload]

    def take(self, upload: str) -> Path:
        """Returns the path of a file, which the caller deletes. Raises ProblemError (404)."""
        with self._lock:
            self._size(upload)
            del self._sizes[upload]
            return self._path(upload)

    def close(self) -> None:
        """Deletes all files."""
        with self._lock:
            self._sizes.clear()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _size(self, upload: str) -> int:
        if upload not in self._sizes:
            raise ProblemError(404, "there is no such upload, or it was used: choose the file again")
        return self._sizes[upload]

    def _path(self, upload: str) -> Path:
        assert self._folder is not None
        return Path(self._folder.name, upload)

    def _forget(self, upload: str) -> None:
        del self._sizes[upload]
        self._path(upload).unlink(missing_ok=True)
