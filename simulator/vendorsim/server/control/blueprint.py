"""The control API as a Flask blueprint: access control and error responses. The routes are in `routes`."""

from __future__ import annotations

from flask import Blueprint, Response, request

from vendorsim.core.errors import StateUnreachableError, VendorsimError
from vendorsim.journal.pages import SearchTooLong
from vendorsim.server.control import access, problems
from vendorsim.server.control.paths import PREFIX
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.routes import (
    calls,
    captures,
    catalogue,
    checks,
    conversations,
    deliveries,
    example,
    faults,
    runs,
    sessions,
    sinks,
    system,
    targets,
    uploads,
)
from vendorsim.server.control.workbench import Workbench

_SUBJECTS = (
    system,
    catalogue,
    runs,
    example,
    checks,
    captures,
    uploads,
    deliveries,
    calls,
    conversations,
    sessions,
    sinks,
    targets,
    faults,
)


def control_api(workbench: Workbench) -> Blueprint:
    """Returns the control API of one namespace."""
    api = Blueprint("control", __name__, url_prefix=PREFIX)

    @api.before_request
    def check() -> None:
        access.check_host(request, workbench.settings.allowed_hosts)
        access.check_origin(request)
        access.check_token(request, workbench.settings.admin_token)

    @api.after_request
    def forbid_caching(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    api.register_error_handler(ProblemError, problems.response)
    api.register_error_handler(VendorsimError, lambda error: problems.response(problems.of_input(error)))
    api.register_error_handler(StateUnreachableError, lambda error: problems.response(ProblemError(503, str(error))))
    too_long = ProblemError(422, "the search takes too long; narrow it by a filter")
    api.register_error_handler(SearchTooLong, lambda _: problems.response(too_long))
    for subject in _SUBJECTS:
        subject.add(api, workbench)
    return api
