"""The targets of each vendor's events."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from vendorsim.core.errors import InputError, unknown
from vendorsim.core.times import iso
from vendorsim.delivery.destinations import Destination
from vendorsim.delivery.hooks import Hook
from vendorsim.journal.documents import attempt_summary
from vendorsim.journal.pages import Query
from vendorsim.journal.undelivered import undelivered
from vendorsim.server.control import requests, target_urls
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.resending import resend
from vendorsim.server.control.workbench import Workbench
from vendorsim.server.stages import ServerStage
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.signing import schemes
from vendorsim.vendorkit.target import Target

MOST_TARGETS = 50
# Of that many newest attempts of a vendor, at most so many deliveries are sent again by one call.
MOST_LOOKED_THROUGH, MOST_REDELIVERED = 5_000, 200


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/targets` and `/targets/VENDOR/NUMBER`, with `/switch-on` and `/redeliver`."""

    @api.get("/targets")
    def targets() -> Response:
        items = [
            _document(name, number, destination)
            for name in registry.names()
            if registry.get(name).profiles
            for number, destination in workbench.backend.stage(name).destinations.numbered()
        ]
        return jsonify(requests.page(items, None))

    @api.post("/targets")
    def create_target() -> tuple[Response, int]:
        document = requests.body("NewTarget")
        stage = _stage(workbench, document["vendor"])
        if len(stage.targets()) >= MOST_TARGETS:
            raise ProblemError(429, f"{document['vendor']} has {MOST_TARGETS} targets; remove one first")
        destination = stage.destination(_target(workbench, stage, document), document.get("secret"))
        return jsonify(_document(stage.vendor.name, stage.destinations.add(destination), destination)), 201

    @api.delete("/targets/<vendor>/<number>")
    def remove_target(vendor: str, number: str) -> tuple[str, int]:
        stage = _stage(workbench, vendor, status=404)
        if not stage.destinations.remove(requests.identifier(number, "target")):
            raise ProblemError(404, f"{vendor} has no target {number[:40]}")
        return "", 204

    @api.post("/targets/<vendor>/<number>/switch-on")
    def switch_on(vendor: str, number: str) -> Response:
        found = _found(_stage(workbench, vendor, status=404), number)
        found.hook.switch_on()
        return jsonify(_document(vendor, requests.identifier(number, "target"), found))

    @api.post("/targets/<vendor>/<number>/redeliver")
    def redeliver(vendor: str, number: str) -> Response:
        found = _found(_stage(workbench, vendor, status=404), number)
        query = Query(workbench.name, workbench.since, vendor=vendor)
        workbench.shared.recorder.flush()
        newest = workbench.shared.pages.attempts(query, limit=MOST_LOOKED_THROUGH).rows
        rows = [row for row in reversed(newest) if row["target"] == found.endpoint.shown]
        again = [resend(workbench, row, {}) for row in undelivered(rows)[:MOST_REDELIVERED]]
        return jsonify(requests.page([attempt_summary(row) for row in again], None))


def _stage(workbench: Workbench, vendor: str, status: int = 422) -> ServerStage:
    if vendor not in registry.names():
        raise ProblemError(status, unknown("vendor", vendor[:100], registry.names()))
    return workbench.backend.stage(vendor)


def _target(workbench: Workbench, stage: ServerStage, document: dict[str, Any]) -> Target:
    events = document.get("events")
    for event in events or ():
        if event not in stage.profile.event_names():
            what = f"event of {stage.vendor.name} ({stage.profile.name})"
            raise ProblemError(422, f"/events: {unknown(what, event, stage.profile.event_names())}")
    kind = document.get("kind", "webhook")
    try:
        stage.profile.kind(kind)
    except InputError as error:
        raise ProblemError(422, f"/kind: {error}") from None
    target_urls.check(workbench, stage.vendor.name, document["url"], "/url")
    scheme = stage.policies.of(kind).signing.value
    if scheme is not None and schemes()[scheme].signs and "secret" not in document:
        detail = f"signing as {scheme} needs a secret"
        raise ProblemError(422, f"/secret: {detail}", [{"pointer": "/secret", "detail": detail}])
    return Target(document["url"], None if events is None else tuple(events), kind=kind)


def _found(stage: ServerStage, number: str) -> Destination:
    """Returns the target of that number. Raises ProblemError."""
    found = dict(stage.destinations.numbered()).get(requests.identifier(number, "target"))
    if found is None:
        raise ProblemError(404, f"{stage.vendor.name} has no target {number[:40]}")
    return found


def _document(vendor: str, number: int, destination: Destination) -> dict[str, Any]:
    """Returns a target as JSON, without secrets: no headers, and no credentials or query in its URL."""
    return {
        "vendor": vendor,
        "number": number,
        "url": destination.endpoint.shown,
        "events": None if destination.target.events is None else list(destination.target.events),
        "kind": destination.target.kind,
        "signed": destination.signs,
        "hook": _hook_document(destination.hook),
    }


def _hook_document(hook: Hook) -> dict[str, Any]:
    """Returns what the vendor thinks of a target as JSON. Times are the scenario's."""
    off = hook.off_since is not None
    return {
        "state": "off" if off else "on",
        "failures": hook.failures,
        "failing_since": _point(hook.failing_since),
        "paused_until": None if off else _point(hook.paused_until),
        "off_since": _point(hook.off_since),
        "off_because": hook.off_because,
    }


def _point(at: int | None) -> str | None:
    return None if at is None else iso(at)
