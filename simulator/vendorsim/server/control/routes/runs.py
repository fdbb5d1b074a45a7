"""Runs: start, follow, steer, stop."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from vendorsim.core import times
from vendorsim.server.control import requests
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.run_requests import read_speed, start
from vendorsim.server.control.started_runs import StartedRun
from vendorsim.server.control.workbench import Workbench


def add(api: Blueprint, bench: Workbench) -> None:
    """`/runs`, `/runs/ID`, `/runs/ID/stop`, `/runs/ID/clock`, `/runs/ID/scenario`."""

    def found(number: str) -> StartedRun:
        return bench.runs.get(requests.identifier(number, "run"))

    @api.get("/runs")
    def runs() -> Response:
        below, most = requests.cursor(), requests.limit()
        known = [run for run in bench.runs.all() if below is None or run.id < below]
        following = known[most - 1].id if len(known) > most else None
        return jsonify(requests.page(bench.runs.documents(*known[:most]), following))

    @api.post("/runs")
    def begin() -> tuple[Response, int, dict[str, str]]:
        started = start(bench, requests.body("RunRequest"))
        return jsonify(*bench.runs.documents(started)), 201, {"Location": f"{request.base_url}/{started.id}"}

    @api.get("/runs/<number>")
    def run(number: str) -> Response:
        return jsonify(*bench.runs.documents(found(number)))

    @api.post("/runs/<number>/stop")
    def stop(number: str) -> Response:
        requests.body("Nothing")
        started = found(number)
        bench.runs.stop(started)
        return jsonify(*bench.runs.documents(started))

    @api.patch("/runs/<number>/clock")
    def clock(number: str) -> Response:
        started, wanted = found(number), requests.body("ClockChange")
        forward = _forward(wanted)
        speed = read_speed(wanted["speed"]) if "speed" in wanted else started.clock.speed
        paused = wanted.get("paused", started.clock.paused)
        bench.shared.background_loop.call(lambda: started.clock.steer(speed=speed, paused=paused, forward=forward))
        return jsonify(*bench.runs.documents(started))

    @api.get("/runs/<number>/scenario")
    def source(number: str) -> Response:
        return Response(found(number).source, content_type="application/yaml")


def _forward(wanted: dict[str, Any]) -> int:
    """The milliseconds that the clock is put forward by. Raises ProblemError."""
    try:
        return times.duration(wanted["forward"]) if "forward" in wanted else 0
    except ValueError as error:
        raise ProblemError(422, f"/forward: {error}", [{"pointer": "/forward", "detail": str(error)}]) from None
