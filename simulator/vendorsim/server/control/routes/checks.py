"""Runs of checks: starts, follows and stops them, gives their reports, and opens reports of the command line."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from vendorsim.server.control import check_requests, requests
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.started_checks import JSON, StartedCheck
from vendorsim.server.control.workbench import Workbench

MOST_ID = 2**63 - 1
_TYPES = {"json": "application/json", "html": "text/html", "xml": "application/xml"}


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/checks`, `/checks/known`, `/checks/opened`, and `/checks/ID` with `/judged`, `/report`, `/again` and
    `/stop`."""

    def found(number: int) -> StartedCheck:
        return workbench.checks.get(number)

    def started(document: dict[str, Any]) -> tuple[Response, int, dict[str, str]]:
        check = check_requests.start(workbench, document, requests.server(), int(request.environ["SERVER_PORT"]))
        return _created(check)

    def _created(check: StartedCheck) -> tuple[Response, int, dict[str, str]]:
        base = request.base_url.partition("/checks")[0]
        return jsonify(check.document()), 201, {"Location": f"{base}/checks/{check.id}"}

    @api.get("/checks")
    def checks() -> Response:
        below, most = requests.cursor(), requests.limit()
        known = [one for one in workbench.checks.all() if below is None or one.id < below]
        following = known[most - 1].id if len(known) > most else None
        return jsonify(requests.page([one.document() for one in known[:most]], following))

    @api.post("/checks")
    def start_check() -> tuple[Response, int, dict[str, str]]:
        return started(requests.body("CheckRunRequest"))

    @api.get("/checks/known")
    def known_checks() -> Response:
        return jsonify(families=check_requests.checker(workbench).known())

    @api.post("/checks/opened")
    def open_report() -> tuple[Response, int, dict[str, str]]:
        document = requests.body("OpenedReport", most_errors=check_requests.MOST_ERRORS)
        return _created(workbench.checks.open(document["name"], document["report"]))

    @api.get("/checks/<int:number>")
    def check(number: int) -> Response:
        return jsonify(found(number).document())

    @api.get("/checks/<int:number>/judged")
    def judged_checks(number: int) -> Response:
        one, after = found(number), requests.number("after", 0, MOST_ID) or 0
        results = list(enumerate(list(one.judged), 1))[after : after + requests.limit()]
        return jsonify(requests.page([{"id": place, **result} for place, result in results], None))

    @api.get("/checks/<int:number>/report")
    def check_report(number: int) -> Response:
        one, other = found(number), requests.number("against", 1, MOST_ID)
        against = None if other is None else workbench.checks.earlier(other, "/against")
        format = request.args.get("format", JSON)
        data, name = workbench.checks.report(one).render(format, against)
        kind = _TYPES.get(name.rpartition(".")[2], "text/plain; charset=utf-8")
        answer = Response(data, content_type=kind)
        answer.headers["Content-Disposition"] = f'attachment; filename="check-{one.id}{name}"'
        return answer

    @api.post("/checks/<int:number>/again")
    def check_again(number: int) -> tuple[Response, int, dict[str, str]]:
        one, changes = found(number), requests.body("CheckRunAgain")
        if one.prepared is None:
            raise ProblemError(409, "an opened report does not say how to reach the integration: start a new check")
        return started(check_requests.repeated(one.asked, changes))

    @api.post("/checks/<int:number>/stop")
    def stop_check(number: int) -> Response:
        requests.body("Nothing")
        one = found(number)
        workbench.checks.stop(one)
        return jsonify(one.document())
