"""Checks the target URLs of requests."""

from __future__ import annotations

from vendorsim.core.errors import InputError
from vendorsim.http.allowed_targets import refusal
from vendorsim.http.endpoint import endpoint
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench


def check(workbench: Workbench, vendor: str, url: str, pointer: str) -> None:
    """Raises ProblemError for an invalid URL (422) and for a host that is not allowed (403).

    `pointer` is the JSON pointer of the URL in the request.
    """
    try:
        host = endpoint(url).host
    except InputError as error:
        raise _problem(422, pointer, str(error)) from None
    reason = refusal(url, workbench.allowed_targets(vendor))
    if reason is not None:
        remedy = f"To allow it, start the server with: vendorsim serve --allow-target {host}"
        raise _problem(403, pointer, f"{reason}. {remedy}")


def _problem(status: int, pointer: str, detail: str) -> ProblemError:
    return ProblemError(status, f"{pointer}: {detail}", [{"pointer": pointer, "detail": detail}])
