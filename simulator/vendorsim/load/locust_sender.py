"""A sender of a run on Locust, in each worker: runs the engine of `load.sending` in a thread of its own.

Needs the extra `load`; importing this imports gevent, which patches the standard library.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

import gevent  # type: ignore[import-untyped]
import orjson
from locust.env import Environment

from vendorsim.core.errors import InputError, VendorsimError
from vendorsim.delivery.play_options import Share
from vendorsim.delivery.records import DELIVERED, LOST, SPOILED, Attempt
from vendorsim.load.locust_messages import PATIENCE, PAUSE, PROBLEM, RECALL, SHARE, TALLY
from vendorsim.load.options import LoadOptions, PreparedLoad, prepare_load
from vendorsim.load.sending import Sending

logger = logging.getLogger("vendorsim")


class NotDelivered(Exception):
    """A failed request, as Locust's page shows it."""


class Sender:
    """Sends the share that the coordinator assigns, and reports each request to Locust."""

    def __init__(self, environment: Environment, options: LoadOptions) -> None:
        self._environment = environment
        self._options = options
        self._share: dict[str, Any] | None = None
        self._sending: Sending | None = None
        self._relaying: gevent.Greenlet | None = None
        self._sent: deque[tuple[str, float, int, str | None]] = deque()
        self._runner.register_message(SHARE, self._receive_share)
        self._runner.register_message(RECALL, self._end_early, concurrent=True)
        events: Any = environment.events
        events.test_start.add_listener(self._start)
        # The results must be sent before the worker reports that it has stopped or quits.
        events.test_stopping.add_listener(self._end_early)
        events.quitting.add_listener(self._end_early)

    @property
    def _runner(self) -> Any:
        return self._environment.runner

    def _receive_share(self, environment: Environment, msg: Any, **kwargs: Any) -> None:
        self._share = msg.data

    def _start(self, **kwargs: Any) -> None:
        share, self._share = self._share, None
        if share is None:
            logger.warning("this worker came after the start and takes no part")
            return
        try:
            prepared = self._prepared(share)
        except VendorsimError as error:
            self._runner.send_message(PROBLEM, str(error))
            return
        self._sent.clear()
        self._sending = Sending(prepared, Share(share["number"], share["of"]), attempted=self._note)
        # A native thread, since Locust's messages need this one.
        running = gevent.get_hub().threadpool.spawn(self._sending.run_to_end)
        self._relaying = gevent.spawn(self._relay, running)

    def _prepared(self, share: dict[str, Any]) -> PreparedLoad:
        prepared = prepare_load(self._options, share["starts"])
        if prepared.fingerprint() != share["fingerprint"]:
            raise InputError(
                "its traffic file, scenarios or versions differ from the master's, so its bytes would, too"
            )
        return prepared

    def _note(self, attempt: Attempt) -> None:
        """Queues an attempt for Locust's statistics. Called in the thread of the engine."""
        failed = attempt.verdict not in (DELIVERED, SPOILED, LOST)
        error = f"{attempt.verdict}: {attempt.reason}" if failed else None
        size = len(attempt.answer.body) if attempt.answer is not None else 0
        self._sent.append((attempt.event.name, attempt.milliseconds or 0.0, size, error))

    def _relay(self, running: Any) -> None:
        over = False
        while not over:
            gevent.sleep(PAUSE)
            over = running.ready()
            self._report_requests()
        try:
            tally = running.get()
        except BaseException as error:
            self._runner.send_message(PROBLEM, f"{type(error).__name__}: {error}")
            raise
        self._runner.send_message(TALLY, orjson.dumps(tally.packed()).decode())

    def _report_requests(self) -> None:
        fire: Any = self._environment.events.request.fire
        for _ in range(len(self._sent)):
            name, milliseconds, size, error = self._sent.popleft()
            fire(
                request_type="POST",
                name=name,
                response_time=milliseconds,
                response_length=size,
                exception=None if error is None else NotDelivered(error),
                context={},
            )

    def _end_early(self, **kwargs: Any) -> None:
        """Ends the share early, and waits until its results are sent."""
        relaying, sending = self._relaying, self._sending
        if relaying is None or sending is None or relaying.ready():
            return
        sending.stop_soon()
        relaying.join(PATIENCE)
