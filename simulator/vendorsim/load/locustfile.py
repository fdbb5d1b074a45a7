"""The locustfile. `vendorsim load --locust` starts Locust with it; `vendorsim load --locustfile` prints its path."""

from __future__ import annotations

import os
from typing import Any

import gevent  # type: ignore[import-untyped]
from locust import LoadTestShape, User, events, runners, task
from locust.runners import MasterRunner, WorkerRunner

from vendorsim.core.errors import InputError
from vendorsim.load.locust_coordinator import Coordinator
from vendorsim.load.locust_sender import Sender
from vendorsim.load.on_locust import OPTIONS
from vendorsim.load.options import LoadOptions

# Environment variables for users who start Locust themselves: the traffic file and the target.
TRAFFIC, TARGET = "VENDORSIM_TRAFFIC", "VENDORSIM_TO"

# A worker sends no heartbeat while it prepares its share. Locust gives up a worker after 3 s without one, which is too
# soon on a busy machine; this is in seconds.
runners.HEARTBEAT_LIVENESS = 30

_coordinator: Coordinator | None = None


def _take_role(environment: Any, **kwargs: Any) -> None:
    """Makes this process the coordinator, a sender, or both where there are no workers."""
    global _coordinator
    options = _options()
    if not isinstance(environment.runner, WorkerRunner):
        _coordinator = Coordinator(environment, options)
    if not isinstance(environment.runner, MasterRunner):
        Sender(environment, options)


def _options() -> LoadOptions:
    """Reads the options from the environment. Raises InputError."""
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
    """Represents a sender in Locust's user counts. It sends nothing itself."""

    @task
    def wait(self) -> None:
        gevent.sleep(1)


class TrafficShape(LoadTestShape):
    """Ends the test when every share is sent."""

    def tick(self) -> tuple[int, float] | None:
        return None if _coordinator is None else _coordinator.tick()
