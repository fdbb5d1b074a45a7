"""What the control API needs of a capturer: it records what passes between a vendor and an integration.

Recording is a room beside the server, so the server is given a capturer (`Settings.capturer`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from vendorsim.journal.store import Book
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor


class CaptureOrder(Struct, frozen=True):
    """What a request asks to record, as the options of `vendorsim capture record` do. Port 0 takes a free one."""

    vendor: Vendor
    profile: Profile
    listen: int
    forward: str
    api_listen: int | None = None
    api_forward: str | None = None


class CaptureFile(Struct, frozen=True):
    """A captured file that is to be opened. `name` stands for it in messages."""

    path: Path
    name: str
    vendor: Vendor
    profile: Profile


class OpenedCapture(Protocol):
    """A captured file that is in the journal."""

    @property
    def run(self) -> int:
        """The number of its run in the journal."""
        ...

    @property
    def skipped(self) -> Sequence[str]:
        """What was not read, and why, each with its place."""
        ...

    @property
    def truncated(self) -> bool:
        """Whether the file has more than was kept."""
        ...


class LiveCapture(Protocol):
    """A recording that is under way."""

    @property
    def run(self) -> int:
        """The number of its run in the journal."""
        ...

    @property
    def urls(self) -> Sequence[str]:
        """Where it takes webhooks, and calls if it takes any."""
        ...

    @property
    def failure(self) -> str | None:
        """Why the journal can't be written, or None."""
        ...

    def so_far(self) -> Mapping[str, Any]:
        """Returns the summary of `vendorsim capture record --json`, of what is recorded until now. Thread-safe."""
        ...

    def close(self) -> None:
        """Ends it, once. What has arrived is kept. Raises VendorsimError when the journal can't be written."""
        ...


class Capturer(Protocol):
    """Records real traffic."""

    def start(self, order: CaptureOrder, journal: Book, namespace: str) -> LiveCapture:
        """Starts a recording on this machine's loopback address. It closes the journal at its end.

        Raises InputError, whose message begins with the name of the option that is wrong, and UnreachableError for a
        port that can't be used. Then the journal is still open.
        """
        ...

    def open(self, file: CaptureFile, journal: Book, namespace: str) -> OpenedCapture:
        """Keeps a captured file in the journal, as a run that is over. Raises PayloadFileError if nothing in it can be
        used, with the place."""
        ...
