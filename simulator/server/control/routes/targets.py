"""Targets: where each vendor's events go."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from simulator.config import Target
from simulator.delivery.endpoint import endpoint
from simulator.errors import InputError, unknown
from simulator.server.allowed_targets import refusal
from simulator.server.control import requests
from simulator.server.control.problems import ProblemError
from simulator.server.control.workbench import Workbench
from simulator.server.stages import Stage
from simulator.vendors import registry

MOST_TARGETS = 50


def add(api: Blueprint, bench: Workbench) -> None:
    """`/targets`, `/targets/VENDOR/NUMBER`."""

    @api.get("/targets")
    def targets() -> Response:
        items = [
            _document(name, number, target)
            for name in registry.names()
            if registry.get(name).profiles
            for number, target in bench.state.stage(name).targets()
        ]
        return jsonify(requests.page(items, None))

    @api.post("/targets")
    def create_target() -> tuple[Response, int]:
        wanted = requests.body("NewTarget")
        stage = _stage(bench, wanted["vendor"])
        if len(stage.targets()) >= MOST_TARGETS:
            raise ProblemError(429, f"{wanted['vendor']} has {MOST_TARGETS} targets; remove one first")
        target = _target(bench, stage, wanted)
        number = stage.places.add(stage.place(target, wanted.get("secret")))
        return jsonify(_document(stage.vendor.name, number, target)), 201

    @api.delete("/targets/<vendor>/<number>")
    def remove_target(vendor: str, number: str) -> tuple[str, int]:
        stage = _stage(bench, vendor, status=404)
        if not stage.places.remove(requests.identifier(number, "target")):
            raise ProblemError(404, f"{vendor} has no target {number[:40]}")
        return "", 204


def _stage(bench: Workbench, vendor: str, status: int = 422) -> Stage:
    if vendor not in registry.names():
        raise ProblemError(status, unknown("vendor", vendor[:100], registry.names()))
    return bench.state.stage(vendor)


def _target(bench: Workbench, stage: Stage, wanted: dict[str, Any]) -> Target:
    events = wanted.get("events")
    for event in events or ():
        if event not in stage.profile.event_names():
            what = f"event of {stage.vendor.name} ({stage.profile.name})"
            raise ProblemError(422, f"/events: {unknown(what, event, stage.profile.event_names())}")
    kind = wanted.get("kind", "webhook")
    try:
        stage.profile.kind(kind)
    except InputError as error:
        raise ProblemError(422, f"/kind: {error}") from None
    reason = refusal(wanted["url"], bench.allowed_targets(stage.vendor.name))
    if reason is not None:
        raise ProblemError(403, f"/url: {reason}", [{"pointer": "/url", "detail": reason}])
    return Target(wanted["url"], None if events is None else tuple(events), kind=kind)


def _document(vendor: str, number: int, target: Target) -> dict[str, Any]:
    """A target without its secrets: neither headers, nor the credentials and the query of its URL."""
    return {
        "vendor": vendor,
        "number": number,
        "url": endpoint(target.url).shown,
        "events": None if target.events is None else list(target.events),
        "kind": target.kind,
        "signed": bool(target.secret_env),
    }
