"""Targets: where each vendor's events go."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from vendorsim.core.errors import InputError, unknown
from vendorsim.delivery.destinations import Destination
from vendorsim.server.control import requests, target_urls
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench
from vendorsim.server.stages import ServerStage
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.signing import schemes
from vendorsim.vendorkit.target import Target

MOST_TARGETS = 50


def add(api: Blueprint, bench: Workbench) -> None:
    """`/targets`, `/targets/VENDOR/NUMBER`."""

    @api.get("/targets")
    def targets() -> Response:
        items = [
            _document(name, number, destination)
            for name in registry.names()
            if registry.get(name).profiles
            for number, destination in bench.state.stage(name).destinations.numbered()
        ]
        return jsonify(requests.page(items, None))

    @api.post("/targets")
    def create_target() -> tuple[Response, int]:
        wanted = requests.body("NewTarget")
        stage = _stage(bench, wanted["vendor"])
        if len(stage.targets()) >= MOST_TARGETS:
            raise ProblemError(429, f"{wanted['vendor']} has {MOST_TARGETS} targets; remove one first")
        destination = stage.destination(_target(bench, stage, wanted), wanted.get("secret"))
        return jsonify(_document(stage.vendor.name, stage.destinations.add(destination), destination)), 201

    @api.delete("/targets/<vendor>/<number>")
    def remove_target(vendor: str, number: str) -> tuple[str, int]:
        stage = _stage(bench, vendor, status=404)
        if not stage.destinations.remove(requests.identifier(number, "target")):
            raise ProblemError(404, f"{vendor} has no target {number[:40]}")
        return "", 204


def _stage(bench: Workbench, vendor: str, status: int = 422) -> ServerStage:
    if vendor not in registry.names():
        raise ProblemError(status, unknown("vendor", vendor[:100], registry.names()))
    return bench.state.stage(vendor)


def _target(bench: Workbench, stage: ServerStage, wanted: dict[str, Any]) -> Target:
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
    target_urls.check(bench, stage.vendor.name, wanted["url"], "/url")
    scheme = stage.policies.of(kind).signing.value
    if scheme is not None and schemes()[scheme].signs and "secret" not in wanted:
        detail = f"signing as {scheme} needs a secret"
        raise ProblemError(422, f"/secret: {detail}", [{"pointer": "/secret", "detail": detail}])
    return Target(wanted["url"], None if events is None else tuple(events), kind=kind)


def _document(vendor: str, number: int, destination: Destination) -> dict[str, Any]:
    """A target without its secrets: neither headers, nor the credentials and the query of its URL."""
    return {
        "vendor": vendor,
        "number": number,
        "url": destination.endpoint.shown,
        "events": None if destination.target.events is None else list(destination.target.events),
        "kind": destination.target.kind,
        "signed": destination.signs,
    }
