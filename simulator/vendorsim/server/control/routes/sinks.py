"""Sinks: stand-ins for systems that are not a vendor's, and what they answer."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from vendorsim.core.errors import InputError
from vendorsim.runs.sinks import sink_document, sink_of
from vendorsim.scenario.calls import Sink
from vendorsim.server.control import requests
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench
from vendorsim.server.sinks import path_of


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/sinks` and `/sinks/NAME`."""

    @api.get("/sinks")
    def sinks() -> Response:
        return jsonify(items=[_document(sink) for sink in workbench.backend.sinks.all()])

    @api.post("/sinks")
    def create_sink() -> tuple[Response, int]:
        document = requests.body("NewSink")
        sink = _sink(document.pop("name"), document)
        if workbench.backend.sinks.get(sink.name) is not None:
            raise ProblemError(409, f"the name of the sink '{sink.name}' is taken; choose another one")
        workbench.backend.sinks.add(sink)
        return jsonify(_document(sink)), 201

    @api.get("/sinks/<name>")
    def sink(name: str) -> Response:
        return jsonify(_document(_known(workbench, name)))

    @api.patch("/sinks/<name>")
    def change_sink(name: str) -> Response:
        old = sink_document(_known(workbench, name))
        new = _sink(name, {**old, **requests.body("SinkChange")})
        if not workbench.backend.sinks.change(new):
            raise _unknown(name)
        return jsonify(_document(new))

    @api.delete("/sinks/<name>")
    def remove_sink(name: str) -> tuple[str, int]:
        if not workbench.backend.sinks.remove(name):
            raise _unknown(name)
        return "", 204


def _sink(name: str, settings: dict[str, Any]) -> Sink:
    """Reads the settings of a sink. Raises ProblemError (422)."""
    given = {key: value for key, value in settings.items() if key != "name" and value is not None}
    try:
        return sink_of(name, given)
    except InputError as error:
        raise ProblemError(422, str(error)) from None


def _known(workbench: Workbench, name: str) -> Sink:
    found = workbench.backend.sinks.get(name)
    if found is None:
        raise _unknown(name)
    return found


def _unknown(name: str) -> ProblemError:
    return ProblemError(404, f"there is no sink '{name[:40]}'")


def _document(sink: Sink) -> dict[str, Any]:
    return {**sink_document(sink), "url": requests.server() + path_of(sink.name)}
