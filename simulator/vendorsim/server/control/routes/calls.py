"""Lists the calls that the integration made to the vendors' APIs."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from vendorsim.journal.documents import about_conversation, call_document
from vendorsim.journal.pages import Query, Row
from vendorsim.server.control import requests
from vendorsim.server.control.following import following, new_rows
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.queries import calls_query
from vendorsim.server.control.workbench import Workbench


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/calls` and `/calls/ID`."""

    @api.get("/calls")
    def calls() -> Response:
        query = calls_query(workbench)
        wanted = following()
        if wanted is not None:
            new = new_rows(workbench.shared, "calls", query, wanted)
            return jsonify(requests.page([_listed(row) for row in new.rows], new.below) | {"after": new.after})
        page = workbench.shared.pages.calls(query, before=requests.cursor(), limit=requests.limit())
        return jsonify(requests.page([_listed(row) for row in page.rows], page.next))

    @api.get("/calls/<number>")
    def call(number: str) -> Response:
        row = workbench.shared.pages.one(
            "calls", requests.identifier(number, "call"), Query(workbench.name, workbench.since)
        )
        if row is None:
            raise ProblemError(404, f"there is no call {number[:40]}")
        return jsonify(_listed(row))


def _listed(row: Row) -> dict[str, Any]:
    return call_document(row) | about_conversation(row)
