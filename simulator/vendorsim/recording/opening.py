"""Keeps a captured file in the journal, as if its requests had passed here."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.captures.exchange import CapturedExchange, Headers
from vendorsim.captures.files import Skipped, items_of, opened
from vendorsim.captures.reading import exchange
from vendorsim.core.clock import monotonic, wall_clock
from vendorsim.core.errors import InputError, PayloadFileError
from vendorsim.delivery.records import DELIVERED, Attempt
from vendorsim.http.endpoint import endpoint
from vendorsim.http.heads import AnswerHead, RequestHead
from vendorsim.http.transport import BROKEN
from vendorsim.journal.pages import RECORDING
from vendorsim.journal.store import Book
from vendorsim.recording.keeping import Keeping
from vendorsim.recording.passed import LARGEST_KEPT, Kept, Passed
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

_BATCH = 100
# Parts that were not read and are told.
_MOST_TOLD = 20
_UNANSWERED = "the capture does not say how it was answered"


class OpeningLimits(Struct, frozen=True):
    """How much of a file is kept: webhooks and calls, their bytes, and the seconds that it may take."""

    exchanges: int = 50_000
    size: int = 256 * 1024 * 1024
    seconds: float = 60.0


LIMITS = OpeningLimits()


class OpenedFile(Struct, frozen=True):
    """A captured file in the journal. `run` is the number of its run; `skipped` says what was not read and why, at most
    20 parts; `truncated`, whether the file has more than was kept."""

    run: int
    skipped: tuple[str, ...]
    truncated: bool


class _FileReader(Struct):
    """Reads the exchanges of a file, as far as the limits let it."""

    file: Path
    name: str
    limits: OpeningLimits
    skipped: list[str] = field(default_factory=list)
    truncated: bool = False
    ends: float = field(default_factory=monotonic)

    def exchanges(self) -> Iterator[CapturedExchange]:
        count = size = 0
        self.ends = monotonic() + self.limits.seconds
        try:
            with opened(str(self.file), self.name) as stream:
                for item in items_of(stream, self.name, self._skip):
                    found = exchange(item)
                    if isinstance(found, Skipped):
                        self._skip(found)
                        continue
                    count += 1
                    size += len(found.body)
                    if count > self.limits.exchanges or size > self.limits.size or monotonic() > self.ends:
                        raise _Enough
                    yield found
        except _Enough:
            self.truncated = True

    def _skip(self, skipped: Skipped) -> None:
        if len(self.skipped) < _MOST_TOLD:
            self.skipped.append(str(skipped))
        if monotonic() > self.ends:
            raise _Enough


class _Enough(Exception):
    """No more of the file is read."""


def keep_file(
    file: Path,
    name: str,
    vendor: Vendor,
    profile: Profile,
    journal: Book,
    namespace: str = "",
    limits: OpeningLimits = LIMITS,
) -> OpenedFile:
    """Keeps what a captured file holds as a run of its own. `name` stands for the file. What has no time is taken as of
    now. Raises PayloadFileError if nothing in it can be used, with the first reason and its place."""
    reader = _FileReader(file, name, limits)
    found = reader.exchanges()
    first = next(found, None)
    if first is None:
        raise PayloadFileError(
            reader.skipped[0] if reader.skipped else f"{name}: there is no webhook and no call in it"
        )
    about = {"vendor": vendor.name, "profile": profile.name, "targets": [], "file": name}
    run = journal.begin(RECORDING, about, namespace)
    keeping, now = Keeping(vendor, profile), wall_clock()
    items = (_kept(keeping, each, number, now) for number, each in enumerate(chain([first], found), 1))
    try:
        while batch := list(islice(items, _BATCH)):
            attempts = [each for each in batch if isinstance(each, Attempt)]
            journal.add(run, attempts, [each for each in batch if isinstance(each, ApiCall)])
    finally:
        journal.end(run)
    return OpenedFile(run, tuple(reader.skipped), reader.truncated)


def _kept(keeping: Keeping, captured: CapturedExchange, number: int, now: int) -> Attempt | ApiCall:
    item = keeping.item(_passed(captured, number, now))
    if captured.answer is None and isinstance(item, Attempt):
        # Nothing says that it failed.
        return replace(item, verdict=DELIVERED, reason=_UNANSWERED)
    return item


def _passed(captured: CapturedExchange, number: int, now: int) -> Passed:
    answer = captured.answer
    passed = Passed(
        number,
        captured.direction,
        _shown(captured.url),
        _request_head(captured),
        now if captured.at is None else round(captured.at.timestamp() * 1_000),
        _copy(captured.body),
        _copy(b"" if answer is None else answer.body),
        problems=[] if captured.problem is None else [captured.problem],
    )
    if answer is None:
        passed.failure, passed.reason = BROKEN, _UNANSWERED
    else:
        lines, headers = _header_lines(answer.headers)
        passed.answer = AnswerHead((b"HTTP/1.1 %d" % answer.status, *lines), headers, 0, True, answer.status)
        passed.status, passed.milliseconds = answer.status, answer.milliseconds or 0.0
    return passed


def _request_head(captured: CapturedExchange) -> RequestHead:
    method, resource = _line(captured.method or "POST") or b"POST", _resource(captured.url)
    lines, headers = _header_lines(captured.headers)
    first = b"%b %b HTTP/1.1" % (method, resource)
    return RequestHead((first, *lines), headers, 0, True, method, resource, b"1.1", resource)


def _header_lines(headers: Headers) -> tuple[tuple[bytes, ...], tuple[tuple[bytes, bytes], ...]]:
    pairs = [(_line(name).replace(b":", b""), _line(value)) for name, value in headers]
    return tuple(b"%b: %b" % pair for pair in pairs), tuple((name.lower(), value) for name, value in pairs)


def _line(text: str) -> bytes:
    """A text of one line: a captured one may hold anything."""
    return " ".join(text.split()).encode("utf-8", "replace")


def _resource(url: str | None) -> bytes:
    try:
        parts = urlsplit(url or "/")
    except ValueError:
        return b"/"
    return (_line(parts.path).replace(b" ", b"%20") or b"/") + (b"?" + _line(parts.query) if parts.query else b"")


def _shown(url: str | None) -> str:
    """The URL without secrets; empty if none is known."""
    if url is None:
        return ""
    try:
        return endpoint(url).shown
    except InputError:
        return ""


def _copy(body: bytes) -> Kept:
    copy = Kept(LARGEST_KEPT)
    copy.add(body)
    return copy
