"""Records the traffic that users of `vendorsim serve` record on the page, as `vendorsim capture record` does."""

from __future__ import annotations

from msgspec.structs import replace

from vendorsim.cli.capture.record import read_ways
from vendorsim.http.transport_options import TransportSettings
from vendorsim.journal.store import Book
from vendorsim.recording.judging import Recorded
from vendorsim.recording.opening import OpenedFile, keep_file
from vendorsim.recording.passed import LIMITS
from vendorsim.recording.recording import Recording
from vendorsim.server.control.capturer import CaptureFile, CaptureOrder

# Open connections of one recording; those of a server add up.
MOST_CONNECTIONS = 200


class ServedCaptures:
    """The capturer of a server (`vendorsim.server.control.capturer.Capturer`)."""

    def start(self, order: CaptureOrder, journal: Book, namespace: str) -> Recording:
        """Starts a recording. Raises InputError and UnreachableError."""
        ways = read_ways(order.listen, order.forward, order.api_listen, order.api_forward, TransportSettings())
        limits = replace(LIMITS, connections=MOST_CONNECTIONS)
        recording = Recording(order.vendor, order.profile, ways, journal, _nobody, limits=limits, namespace=namespace)
        return recording.__enter__()

    def open(self, file: CaptureFile, journal: Book, namespace: str) -> OpenedFile:
        """Keeps a captured file. Raises PayloadFileError."""
        return keep_file(file.path, file.name, file.vendor, file.profile, journal, namespace)


def _nobody(each: Recorded) -> None:
    """Nobody is told: the page reads the journal."""
