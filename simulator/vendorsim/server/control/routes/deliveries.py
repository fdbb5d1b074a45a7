"""Attempts: lists, single attempts, their annotated bodies, export and resending."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from vendorsim.journal.documents import about_conversation, attempt_document, attempt_summary
from vendorsim.journal.har import har
from vendorsim.journal.pages import Row
from vendorsim.server.control import requests
from vendorsim.server.control.curl import curl_command
from vendorsim.server.control.diagnoses import diagnosis_document
from vendorsim.server.control.following import following, new_rows
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.queries import attempt_row, attempts_query
from vendorsim.server.control.resending import resend
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit.annotated_body import annotated

MOST_EXPORTED = 5_000


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/diagnosis`, `/deliveries`, `/deliveries.har`; `/deliveries/ID` with `/annotated`, `/curl`, `/resend`."""

    @api.get("/deliveries")
    def deliveries() -> Response:
        query = attempts_query(workbench)
        wanted = following()
        if wanted is not None:
            new = new_rows(workbench.shared, "attempts", query, wanted)
            return jsonify(requests.page([_listed(row) for row in new.rows], new.below) | {"after": new.after})
        page = workbench.shared.pages.attempts(query, before=requests.cursor(), limit=requests.limit())
        return jsonify(requests.page([_listed(row) for row in page.rows], page.next))

    @api.get("/diagnosis")
    def diagnosis() -> Response:
        return jsonify(diagnosis_document(workbench.shared.pages, attempts_query(workbench)))

    @api.get("/deliveries.har")
    def as_har() -> Response:
        pages = workbench.shared.pages
        attempts = pages.attempts(attempts_query(workbench), limit=MOST_EXPORTED)
        answer = jsonify(har(reversed(attempts.rows), []))
        answer.headers["Content-Disposition"] = 'attachment; filename="vendorsim.har"'
        return answer

    @api.get("/deliveries/<number>")
    def delivery(number: str) -> Response:
        row = attempt_row(workbench, number)
        return jsonify(attempt_document(row) | about_conversation(row))

    @api.get("/deliveries/<number>/annotated")
    def annotations(number: str) -> Response:
        row = attempt_row(workbench, number)
        return jsonify(annotated(row["vendor"], row["profile"], row["event"], row["request_body"] or b""))

    @api.post("/deliveries/<number>/annotated")
    def annotations_of_draft(number: str) -> Response:
        row = attempt_row(workbench, number)
        draft = requests.body("Draft")["body"].encode()
        return jsonify(annotated(row["vendor"], row["profile"], row["event"], draft))

    @api.get("/deliveries/<number>/curl")
    def curl(number: str) -> Response:
        row = attempt_row(workbench, number)
        if row["request_head"] is None:
            raise ProblemError(409, "this attempt was never sent, so there is no request to repeat")
        return Response(curl_command(row), content_type="text/plain; charset=utf-8")

    @api.post("/deliveries/<number>/resend")
    def again(number: str) -> tuple[Response, int, dict[str, str]]:
        sent = resend(workbench, attempt_row(workbench, number), requests.body("Resend"))
        row = attempt_row(workbench, str(sent["id"]))
        location = request.base_url.replace(f"/{number}/resend", f"/{row['id']}")
        return jsonify(attempt_document(row) | about_conversation(row)), 201, {"Location": location}


def _listed(row: Row) -> dict[str, Any]:
    return attempt_summary(row) | about_conversation(row)
