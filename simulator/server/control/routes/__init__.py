"""The operations of the control API, by subject. Each `add` hangs its routes into the blueprint."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint

from simulator.server.control.routes import (
    calls,
    catalogue,
    conversations,
    deliveries,
    faults,
    runs,
    sessions,
    system,
    targets,
)
from simulator.server.control.workbench import Workbench

ROUTES: tuple[Callable[[Blueprint, Workbench], None], ...] = (
    system.add,
    catalogue.add,
    runs.add,
    deliveries.add,
    calls.add,
    conversations.add,
    sessions.add,
    targets.add,
    faults.add,
)
