"""The coordinator of a run on Locust, in its master (or only) process: assigns shares and merges results.

Needs the extra `load`; importing this imports gevent, which patches the standard library.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
import orjson
from locust.env import Environment
from locust.runners import MasterRunner

from vendorsim.core.clock import wall_clock_second
from vendorsim.load.locust_messages import PATIENCE, PAUSE, PROBLEM, RECALL, SHARE, TALLY
from vendorsim.load.on_locust import REPORT
from vendorsim.load.options import LoadOptions, prepare_load
from vendorsim.load.report import Heading, document
from vendorsim.load.tally import Tally

LOCAL = "local"

logger = logging.getLogger("vendorsim")


class Coordinator:
    """Assigns each worker its share when a test starts, and merges the results of the workers at its end."""

    def __init__(self, environment: Environment, options: LoadOptions) -> None:
        self._environment = environment
        self._options = options
        self._waiting: set[str] = set()
        self._tally = Tally()
        self._heading: Heading | None = None
        self._problem: str | None = None
        runner = self._runner
        runner.register_message(TALLY, self._receive_tally)
        runner.register_message(PROBLEM, self._receive_problem)
        events: Any = environment.events
        events.test_start.add_listener(self._start)
        events.test_stopping.add_listener(self._stop_workers)
        events.test_stop.add_listener(self._report)

    @property
    def _runner(self) -> Any:
        return self._environment.runner

    def tick(self) -> tuple[int, float] | None:
        """Returns the number of users (one per sender) and the spawn rate (users per second); None ends the test."""
        if self._heading is None or self._environment.runner is None:
            count = len(self._workers())
            return (count, float(count)) if count else None
        gone = sorted(self._waiting - set(self._workers()))
        if gone:
            self._problem = f"worker {', '.join(gone)} is gone, and its share with it"
        if self._problem is not None or not self._waiting:
            return None
        return self._heading.workers, float(self._heading.workers)

    def _workers(self) -> list[str]:
        runner = self._runner
        if not isinstance(runner, MasterRunner):
            return [LOCAL]
        clients = runner.clients
        return sorted(node.id for node in (*clients.ready, *clients.spawning, *clients.running))

    def _start(self, **kwargs: Any) -> None:
        workers = self._workers()
        starts = wall_clock_second()
        prepared = prepare_load(self._options, starts)
        self._tally, self._problem, self._waiting = Tally(), None, set(workers)
        self._heading = Heading.of(prepared.mix, prepared.targets, len(workers))
        for number, worker in enumerate(workers):
            assignment = {
                "number": number,
                "of": len(workers),
                "starts": starts,
                "fingerprint": prepared.fingerprint(),
            }
            self._runner.send_message(SHARE, assignment, worker)

    def _receive_tally(self, environment: Environment, msg: Any, **kwargs: Any) -> None:
        if msg.node_id in self._waiting:
            self._waiting.discard(msg.node_id)
            part = Tally.unpacked(orjson.loads(msg.data))
            # A worker that was stopped because of another's problem was not interrupted by the user.
            part.interrupted &= self._problem is None
            self._tally.merge(part)

    def _receive_problem(self, environment: Environment, msg: Any, **kwargs: Any) -> None:
        self._problem = f"worker {msg.node_id}: {msg.data}"
        # This worker will send no results.
        self._waiting.discard(msg.node_id)

    def _stop_workers(self, **kwargs: Any) -> None:
        """Stops the workers that are still sending, and waits for their results."""
        if self._heading is None or not self._waiting:
            return
        if self._problem is None:
            self._tally.interrupted = True
        for worker in self._waiting & set(self._workers()):
            self._runner.send_message(RECALL, None, worker)
        with gevent.Timeout(PATIENCE, False):
            while self._waiting & set(self._workers()):
                gevent.sleep(PAUSE)

    def _report(self, **kwargs: Any) -> None:
        heading, self._heading = self._heading, None
        if heading is None:
            return
        if self._waiting and self._problem is None:
            self._problem = f"worker {', '.join(sorted(self._waiting))} sent no results"
        report = document(heading, self._tally, self._problem)
        self._environment.process_exit_code = report["exit_code"]
        if self._problem is not None:
            logger.error("%s", self._problem)
        logger.info("%s; bodies: %s", report["verdict"], report["bodies"])
        path = os.environ.get(REPORT)
        if path is not None:
            Path(path).write_bytes(orjson.dumps(report))
