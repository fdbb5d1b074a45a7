"""Reads the filters of a journal list from the request's query string."""

from __future__ import annotations

from flask import request

from vendorsim.journal.pages import Query, Row
from vendorsim.server.control import requests
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench

_LONGEST = 300


def attempts_query(workbench: Workbench) -> Query:
    """Returns the filters of a list of attempts. Raises ProblemError (400)."""
    return Query(
        namespace=workbench.name,
        since=workbench.since,
        run=requests.number("run", 0, 2**63 - 1),
        vendor=_text("vendor"),
        event=_text("event"),
        conversation=_text("conversation"),
        verdict=_text("verdict"),
        text=_text("q"),
    )


def calls_query(workbench: Workbench) -> Query:
    """Returns the filters of a list of API calls. Raises ProblemError (400)."""
    return Query(
        namespace=workbench.name,
        since=workbench.since,
        run=requests.number("run", 0, 2**63 - 1),
        vendor=_text("vendor"),
        operation=_text("operation"),
        conversation=_text("conversation"),
        text=_text("q"),
    )


def attempt_row(workbench: Workbench, number: str) -> Row:
    """Returns an attempt of the namespace by the number in the path. Raises ProblemError (404)."""
    found = workbench.shared.pages.one(
        "attempts", requests.identifier(number, "attempt"), Query(workbench.name, workbench.since)
    )
    if found is None:
        raise ProblemError(404, f"there is no attempt {number[:40]}")
    return found


def _text(name: str) -> str | None:
    text = request.args.get(name)
    if text is not None and len(text) > _LONGEST:
        raise ProblemError(400, f"{name} is longer than {_LONGEST} characters")
    return text or None
