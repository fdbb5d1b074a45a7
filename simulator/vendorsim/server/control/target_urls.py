"""Where somebody who asks may have events sent to."""

from __future__ import annotations

from vendorsim.core.errors import InputError
from vendorsim.http.allowed_targets import refusal
from vendorsim.http.endpoint import endpoint
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench


def check(bench: Workbench, vendor: str, url: str, pointer: str) -> None:
    """Raises ProblemError for what is no URL (422), and for one that is not allowed (403); `pointer` is where it stood
    in the request."""
    try:
        endpoint(url)
    except InputError as error:
        raise _problem(422, pointer, str(error)) from None
    reason = refusal(url, bench.allowed_targets(vendor))
    if reason is not None:
        raise _problem(403, pointer, reason)


def _problem(status: int, pointer: str, detail: str) -> ProblemError:
    return ProblemError(status, f"{pointer}: {detail}", [{"pointer": pointer, "detail": detail}])
