"""The file that Locust is started with. `vendorsim load --locust` does it; `--locustfile` tells where this file is."""

from __future__ import annotations

import os
from typing import Any

import gevent  # type: ignore[import-untyped]
from locust import LoadTestShape, User, events, task
from locust.runners import MasterRunner, WorkerRunner

from vendorsim.core.errors import InputError
from vendorsim.load.locust_coordinator import Coordinator
from vendorsim.load.locust_sender import Sender
from vendorsim.load.on_locust import LIVE, OPTIONS
from vendorsim.load.options import LoadOptions

# Environment variables for whoever starts Locust by hand: the traffic file and the target.
TRAFFIC, TARGET = "VENDORSIM_TRAFFIC", "VENDORSIM_TO"

_coordinator: Coordinator | None = None


def _take_role(environment: Any, **kwargs: Any) -> None:
    """Makes this process the coordinator, a sender, or both where there are no workers."""
    global _coordinator
    options = _options()
    if not isinstance(environment.runner, WorkerRunner):
        _coordinator = Coordinator(environment, options)
        if LIVE in os.environ:
            gevent.spawn(_coordinator.live)
    if not isinstance(environment.runner, MasterRunner):
        Sender(environment, options)


def _options() -> LoadOptions:
    """The options that the environment gives. Raises InputError."""
    text = os.environ.get(OPTIONS)
    if text is not None:
        return LoadOptions.read(text)
    file = os.environ.get(TRAFFIC)
    if file is None:
        raise InputError(
            f"name the traffic file in the environment variable {TRAFFIC}, or start 'vendorsim load --locust'"
        )
    return LoadOptions(file, os.environ.get(TARGET))


_events: Any = events
_events.init.add_listener(_take_role)


class Conversations(User):
    """Stands for a sender in Locust's counts. What is sent and when is the traffic's matter, not the users'."""

    @task
    def wait(self) -> None:
        gevent.sleep(1)


class TrafficShape(LoadTestShape):
    """Lets the test end when every share is sent."""

    def tick(self) -> tuple[int, float] | None:
        return None if _coordinator is None else _coordinator.tick()
