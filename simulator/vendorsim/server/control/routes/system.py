"""The server itself: health, metrics, its own description, reset and seed."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from vendorsim.core.version import __version__
from vendorsim.server.control import requests
from vendorsim.server.control.workbench import Workbench


def add(api: Blueprint, bench: Workbench) -> None:
    """`/health`, `/metrics`, `/openapi.json`, `/namespaces`, `/reset`, `/seed`."""

    @api.get("/health")
    def health() -> Response:
        reason = bench.shared.recorder.failure or bench.shared.state.failure()
        return jsonify(
            status="ok" if reason is None else "degraded",
            reason=reason,
            version=__version__,
            namespace=bench.name,
            seed=bench.seed,
            running=bench.runs.running(),
            backlog=bench.shared.recorder.backlog,
        )

    @api.get("/metrics")
    def metrics() -> Response:
        text = bench.metrics.text(
            {
                "vendorsim_runs_running": ("Runs under way.", bench.runs.running()),
                "vendorsim_journal_backlog": ("Records that wait to be written.", bench.shared.recorder.backlog),
            }
        )
        return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")

    @api.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(requests.openapi())

    @api.get("/namespaces")
    def namespaces() -> Response:
        return jsonify(namespaces=bench.namespaces())

    @api.post("/reset")
    def reset() -> tuple[str, int]:
        requests.body("Nothing")
        bench.reset()
        return "", 204

    @api.put("/seed")
    def seed() -> Response:
        bench.reseed(requests.body("Seed")["seed"])
        return jsonify(seed=bench.seed)
