"""Starts a recording, or opens a captured file, from the body of a request, and studies what was recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import islice
from threading import Lock
from typing import Any

from msgspec import to_builtins

from vendorsim.captures.exchange import CapturedExchange
from vendorsim.core.clock import monotonic
from vendorsim.core.errors import InputError, PayloadFileError, UnreachableError
from vendorsim.http.allowed_targets import is_loopback
from vendorsim.http.endpoint import endpoint
from vendorsim.journal.exchanges import exchanges
from vendorsim.journal.pages import Query
from vendorsim.server.control import target_urls
from vendorsim.server.control.capturer import CaptureFile, CaptureOrder, Capturer, OpenedCapture
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.profiles import allowed_profile
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

# Exchanges of a recording that are studied, scenarios that one request makes, and seconds after which it makes no more.
MOST_STUDIED, MOST_MADE, LONGEST_MAKING = 10_000, 50, 20.0
# Seconds for which a study waits for the one before it.
PATIENCE = 20.0
# What no name of a file in a message may hold.
_NO_FILE_NAME = re.compile(r"[\x00-\x1f\x7f/\\]")
_OPTION = re.compile(r"--([a-z-]+):? ?")
_studying = Lock()


def start(workbench: Workbench, document: Mapping[str, Any]) -> int:
    """Starts the recording that a `CaptureRequest` describes, and returns its number. Raises ProblemError."""
    capturer = _capturer(workbench)
    vendor, profile = _played(workbench, document)
    for pointer in ("/forward", "/api_forward"):
        url = document.get(pointer[1:])
        if url:
            target_urls.check(workbench, vendor.name, url, pointer)
            _require_end(workbench, url, pointer)
    listen, api_listen = document.get("listen", 0), document.get("api_listen")
    api_forward = document.get("api_forward") or None
    if api_listen is not None and api_forward is None:
        raise _problem(422, "/api_forward", "calls come in at api_listen, and go on to a URL: give it, too")
    if api_forward is not None and api_listen is None:
        api_listen = 0
    order = CaptureOrder(vendor, profile, listen, document["forward"], api_listen, api_forward)
    try:
        return workbench.captures.start(capturer, order)
    except UnreachableError as error:
        pointer = "/listen" if str(error).startswith(f"port {listen} ") else "/api_listen"
        detail = f"{str(error).partition(';')[0]}; choose another one, or 0 for a free one"
        raise _problem(409, pointer, detail) from None
    except InputError as error:
        message = str(error)
        option = _OPTION.match(message)
        if option is None:
            # It begins with the target that is a port of the recording itself.
            own = document["forward"] if message.startswith(endpoint(document["forward"]).shown) else None
            raise _problem(422, "/api_forward" if own is None else "/forward", message) from None
        raise _problem(422, "/" + option[1].replace("-", "_"), message[option.end() :]) from None


def opened(workbench: Workbench, document: Mapping[str, Any]) -> OpenedCapture:
    """Opens the uploaded file that a `CaptureFileRequest` names; the upload is used up. Raises ProblemError."""
    capturer = _capturer(workbench)
    vendor, profile = _played(workbench, document)
    name = _NO_FILE_NAME.sub("_", document["name"])
    path = workbench.uploads.take(document["upload"])
    try:
        with _one_study(), closing(workbench.shared.journal.open()) as book:
            return capturer.open(CaptureFile(path, name, vendor, profile), book, workbench.name)
    except PayloadFileError as error:
        raise _problem(422, "/upload", str(error)) from None
    finally:
        path.unlink(missing_ok=True)


def drift(workbench: Workbench, number: int, profile: str | None) -> dict[str, Any]:
    """Returns the drift report of a recording beside a profile; without one, beside that it was recorded with. Raises
    ProblemError, also (409) if nothing was recorded."""
    from vendorsim.captures.drift import DriftStudy
    from vendorsim.captures.drift_report import report
    from vendorsim.vendorkit.deviations import BREAKING, read_fail_on

    capture = _with_webhooks(workbench, number)
    vendor = registry.get(capture["vendor"])
    compared = vendor.profile(capture["profile"]) if not profile else _profile(workbench, vendor, profile)
    study = DriftStudy(vendor, compared)
    with _exchanges(workbench, number) as found:
        for exchange in islice(found, MOST_STUDIED):
            study.add(exchange)
        truncated = next(found, None) is not None
    return {"truncated": truncated, "report": to_builtins(report(study, read_fail_on((BREAKING,))))}


def scenarios(workbench: Workbench, number: int, conversation: str | None) -> dict[str, Any]:
    """Returns the scenarios of a recording's conversations, or of one. Raises ProblemError."""
    from vendorsim.runs.derived import derived_scenarios

    capture = _with_webhooks(workbench, number)
    vendor = registry.get(capture["vendor"])
    profile = vendor.profile(capture["profile"])
    made: list[dict[str, Any]] = []
    ends = monotonic() + LONGEST_MAKING
    with _exchanges(workbench, number) as found:
        told = islice(found, MOST_STUDIED)
        sequence, derived = derived_scenarios(told, f"capture {number}", vendor, profile, conversation)
        truncated = next(found, None) is not None
        for scenario in derived:
            if len(made) >= MOST_MADE or (made and monotonic() > ends):
                truncated = True
                break
            if scenario.text:
                names = ("conversation", "webhooks", "steps", "raw", "differing")
                made.append(
                    {
                        "name": scenario.file.removesuffix(".yaml"),
                        **{name: getattr(scenario, name) for name in names},
                        "yaml": scenario.text,
                    }
                )
    if conversation is not None and not made:
        detail = f"no webhook of capture {number} that can be played belongs to conversation '{conversation[:100]}'"
        raise _problem(422, "/conversation", detail)
    return {"truncated": truncated, "scenarios": made, "left_out": list(sequence.unusable[:MOST_MADE])}


def _capturer(workbench: Workbench) -> Capturer:
    if workbench.capturer is None:
        raise ProblemError(501, "this server records nothing: start vendorsim serve, or use vendorsim capture record")
    return workbench.capturer()


def _played(workbench: Workbench, document: Mapping[str, Any]) -> tuple[Vendor, Profile]:
    """The vendor and the profile that the body of a request names."""
    try:
        vendor = registry.get(document["vendor"])
    except InputError as error:
        raise _problem(422, "/vendor", str(error)) from None
    return vendor, _profile(workbench, vendor, document.get("profile"))


def _profile(workbench: Workbench, vendor: Vendor, name: str | None) -> Profile:
    try:
        return vendor.profile(allowed_profile(workbench, vendor.name, name or None))
    except InputError as error:
        raise _problem(422, "/profile", str(error)) from None


def _require_end(workbench: Workbench, url: str, pointer: str) -> None:
    """Raises ProblemError if the target is another recording here: two of them could go round in a circle."""
    target = endpoint(url)
    if is_loopback(target.host) and target.port in workbench.captures.ports():
        raise _problem(422, pointer, f"{target.shown}: a recording listens there; give the URL of the target itself")


def _with_webhooks(workbench: Workbench, number: int) -> dict[str, Any]:
    capture = workbench.captures.document(Query(workbench.name, workbench.since, run=number))
    if not capture["webhooks"]:
        raise ProblemError(409, f"capture {number} has no webhook yet: nothing can be said of it")
    return capture


@contextmanager
def _exchanges(workbench: Workbench, number: int) -> Iterator[Iterator[CapturedExchange]]:
    """Yields what was recorded."""
    with (
        _one_study(),
        closing(workbench.shared.journal.open()) as book,
        closing(exchanges(book, number, f"capture {number}")) as found,
    ):
        yield found


@contextmanager
def _one_study() -> Iterator[None]:
    """One request at a time studies a capture, or opens one: it takes a core."""
    if not _studying.acquire(timeout=PATIENCE):
        raise ProblemError(429, "other captures are being studied; try again in a moment")
    try:
        yield
    finally:
        _studying.release()


def _problem(status: int, pointer: str, detail: str) -> ProblemError:
    return ProblemError(status, f"{pointer}: {detail}", [{"pointer": pointer, "detail": detail}])
