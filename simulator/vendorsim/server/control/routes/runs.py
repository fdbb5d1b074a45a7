"""Runs: starts, lists and stops them, and controls their clocks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from vendorsim.core import times
from vendorsim.server.control import requests
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.run_requests import read_speed, start
from vendorsim.server.control.started_runs import StartedRun
from vendorsim.server.control.states import state_document
from vendorsim.server.control.workbench import Workbench


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/runs` and `/runs/ID` with `/stop`, `/clock`, `/scenario` and `/states`."""

    def found(number: str) -> StartedRun:
        return workbench.runs.get(requests.identifier(number, "run"))

    @api.get("/runs")
    def runs() -> Response:
        below, most = requests.cursor(), requests.limit()
        known = [run for run in workbench.runs.all() if below is None or run.id < below]
        following = known[most - 1].id if len(known) > most else None
        return jsonify(requests.page(workbench.runs.documents(*known[:most]), following))

    @api.post("/runs")
    def begin() -> tuple[Response, int, dict[str, str]]:
        started = start(workbench, requests.body("RunRequest"))
        return jsonify(*workbench.runs.documents(started)), 201, {"Location": f"{request.base_url}/{started.id}"}

    @api.get("/runs/<number>")
    def run(number: str) -> Response:
        return jsonify(*workbench.runs.documents(found(number)))

    @api.post("/runs/<number>/stop")
    def stop(number: str) -> Response:
        requests.body("Nothing")
        started = found(number)
        workbench.runs.stop(started)
        return jsonify(*workbench.runs.documents(started))

    @api.patch("/runs/<number>/clock")
    def clock(number: str) -> Response:
        started, document = found(number), requests.body("ClockChange")
        forward = _forward(document)
        speed = read_speed(document["speed"]) if "speed" in document else started.clock.speed
        paused = document.get("paused", started.clock.paused)
        workbench.shared.background_loop.call(lambda: started.clock.steer(speed=speed, paused=paused, forward=forward))
        return jsonify(*workbench.runs.documents(started))

    @api.get("/runs/<number>/states")
    def states(number: str) -> Response:
        read = found(number).player.summary.states
        return jsonify(items=[state_document(place, probed) for place, probed in enumerate(tuple(read), 1)])

    @api.get("/runs/<number>/scenario")
    def source(number: str) -> Response:
        return Response(found(number).source, content_type="application/yaml")


def _forward(document: dict[str, Any]) -> int:
    """Returns how far to put the clock forward, in milliseconds. Raises ProblemError (422)."""
    try:
        return times.duration(document["forward"]) if "forward" in document else 0
    except ValueError as error:
        raise ProblemError(422, f"/forward: {error}", [{"pointer": "/forward", "detail": str(error)}]) from None
