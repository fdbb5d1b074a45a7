"""The server: health, metrics, OpenAPI document, namespaces, reset and seed."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from vendorsim.core.version import __version__
from vendorsim.server.control import requests
from vendorsim.server.control.workbench import Workbench


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/health`, `/metrics`, `/openapi.json`, `/namespaces`, `/reset` and `/seed`."""

    @api.get("/health")
    def health() -> Response:
        reason = workbench.shared.recorder.failure or workbench.shared.state.failure()
        return jsonify(
            status="ok" if reason is None else "degraded",
            reason=reason,
            version=__version__,
            namespace=workbench.name,
            seed=workbench.seed,
            running=workbench.runs.running(),
            backlog=workbench.shared.recorder.backlog(),
        )

    @api.get("/metrics")
    def metrics() -> Response:
        text = workbench.metrics.text(
            {
                "vendorsim_runs_running": ("Runs under way.", workbench.runs.running()),
                "vendorsim_checks_running": ("Checks under way.", len(workbench.checks.running())),
                "vendorsim_journal_backlog": ("Records that wait to be written.", workbench.shared.recorder.backlog()),
            }
        )
        return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")

    @api.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(requests.openapi())

    @api.get("/namespaces")
    def namespaces() -> Response:
        return jsonify(namespaces=workbench.namespaces())

    @api.post("/reset")
    def reset() -> tuple[str, int]:
        requests.body("Nothing")
        workbench.reset()
        return "", 204

    @api.put("/seed")
    def seed() -> Response:
        workbench.reseed(requests.body("Seed")["seed"])
        return jsonify(seed=workbench.seed)
