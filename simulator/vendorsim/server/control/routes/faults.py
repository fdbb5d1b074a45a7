"""Faults that the user switches on for the next deliveries."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from vendorsim.delivery.active_faults import Activation
from vendorsim.scenario import faults
from vendorsim.server.control import fault_texts, requests
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/faults`: `GET` lists the active faults, `PUT` replaces them."""

    @api.get("/faults")
    def active_faults() -> Response:
        return jsonify(_document(workbench.backend.active_faults.state()))

    @api.put("/faults")
    def switch() -> Response:
        document = requests.body("Faults")
        events = frozenset(document["events"]) if document.get("events") else None
        chosen = fault_texts.read(document["faults"], events)
        for position, choice in enumerate(chosen):
            if choice.name in (faults.QUIRK, faults.SIGNATURE):
                reason = f"'{choice.name}' belongs to a run; start one with it"
                raise ProblemError(422, f"/faults/{position}: {reason}")
        workbench.backend.active_faults.set(chosen, document.get("deliveries"))
        return jsonify(_document(workbench.backend.active_faults.state()))


def _document(activation: Activation) -> dict[str, Any]:
    events = sorted({event for choice in activation.faults for event in choice.events or ()})
    return {
        "faults": [choice.label + ("" if choice.rate >= 1 else f"@{choice.rate:g}") for choice in activation.faults],
        "events": events or None,
        "deliveries": activation.left,
        "known": [
            {
                "name": fault.name,
                "help": fault.help,
                "example": fault.example,
                "argument": fault.argument_label or None,
                "choices": fault.choices,
            }
            for fault in faults.KINDS.values()
        ],
    }
