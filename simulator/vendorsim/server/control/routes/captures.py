"""Captures: records real traffic, lists what was recorded, compares it with a contract, and makes scenarios of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from vendorsim.journal.pages import Query
from vendorsim.server.control import capture_requests, requests
from vendorsim.server.control.workbench import Workbench


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/captures`, `/captures/ID` with `/stop`, `/drift` and `/scenarios`, and `/captured-files`."""

    def document(number: int) -> dict[str, Any]:
        return workbench.captures.document(Query(workbench.name, workbench.since, run=number))

    @api.get("/captures")
    def captures() -> Response:
        query = Query(workbench.name, workbench.since)
        return jsonify(requests.page(*workbench.captures.page(query, requests.cursor(), requests.limit())))

    @api.post("/captures")
    def start_capture() -> tuple[Response, int, dict[str, str]]:
        number = capture_requests.start(workbench, requests.body("CaptureRequest"))
        return jsonify(document(number)), 201, {"Location": f"{request.base_url}/{number}"}

    @api.post("/captured-files")
    def open_capture() -> tuple[Response, int, dict[str, str]]:
        found = capture_requests.opened(workbench, requests.body("CaptureFileRequest"))
        location = request.base_url.replace("/captured-files", f"/captures/{found.run}")
        about = {"skipped": list(found.skipped), "truncated": found.truncated}
        return jsonify({"capture": document(found.run), **about}), 201, {"Location": location}

    @api.get("/captures/<number>")
    def capture(number: str) -> Response:
        return jsonify(document(requests.identifier(number, "capture")))

    @api.post("/captures/<number>/stop")
    def stop_capture(number: str) -> Response:
        requests.body("Nothing")
        found = document(requests.identifier(number, "capture"))
        if found["ended_at"] is None:
            workbench.captures.stop(found["id"])
        return jsonify(document(found["id"]))

    @api.get("/captures/<number>/drift")
    def capture_drift(number: str) -> Response:
        wanted = requests.identifier(number, "capture")
        return jsonify(capture_requests.drift(workbench, wanted, request.args.get("profile")))

    @api.post("/captures/<number>/scenarios")
    def capture_scenarios(number: str) -> Response:
        conversation = requests.body("CaptureScenariosRequest").get("conversation")
        wanted = requests.identifier(number, "capture")
        return jsonify(capture_requests.scenarios(workbench, wanted, conversation))
