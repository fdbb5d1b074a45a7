"""Tells Google CCAI Platform during a session who the visitor is (Apps API, "mid-session authentication").

Background threads make the calls, not the handler of the webhook: vendors wait only a few seconds for an answer, and
`end_user` may be slow or down. Claims are in the database before the webhook is answered, so none is lost when the
process ends. A claim that waits for its next call holds no thread: an outage of hours keeps nobody else waiting.
"""

from __future__ import annotations

import heapq
import json
import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPException, IncompleteRead
from typing import Any, NamedTuple
from urllib.parse import quote
from urllib.request import HTTPErrorProcessor, Request, build_opener

from .body import text
from .store import ACCEPTED, WAITING, Store
from .tickets import Claim

DUPLICATE, REFUSED = "duplicate", "refused"
_WORKERS = 4
_BETWEEN_CALLS = 0.1  # seconds: the Apps API takes ten requests per second and customer
_TIMEOUT = 5.0
_LARGEST_ANSWER = 64 * 1024
_LONGEST_RETRY_AFTER = 3600.0
_log = logging.getLogger(__name__)


class _AnyAnswer(HTTPErrorProcessor):
    """Returns every answer as it is. A followed redirect would turn the POST into a GET, and send the token along."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response

    https_response = http_response


class Answer(NamedTuple):
    """The answer to one call. Without a complete one, `status` is None and `message` the error. `retry_after` is how
    many seconds the API asks to wait."""

    status: int | None
    message: str
    retry_after: float = 0.0

    @property
    def final(self) -> bool:
        """Whether the same call would get the same answer again."""
        return self.status is not None and self.status < 500 and self.status != 429


@dataclass(order=True)
class _Job:
    """A claim, and when its next call is `due` (monotonic clock). `pause` is the wait if that call fails, too.
    `unanswered`: an earlier call got no answer."""

    due: float
    claim: Claim = field(compare=False)
    pause: float = field(compare=False)
    unanswered: bool = field(default=False, compare=False)


class EndUser:
    """Calls `end_user` for claims, in the background, each until there is an answer that is final. Times are seconds.

    `pause` is the wait after the first failure; it doubles with each further one, up to `longest`. `interval` is the
    wait after a refused duplicate; the documentation names no length.
    """

    def __init__(
        self,
        url: str,
        token: str,
        store: Store,
        *,
        pause: float = 1,
        longest: float = 60,
        timeout: float = _TIMEOUT,
        interval: float = 60,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"'{url}' is not the URL of the Apps API")
        self._base, self._token, self._store = url.rstrip("/"), token, store
        self._pause, self._longest, self._timeout, self._interval = pause, longest, timeout, interval
        self._opener = build_opener(_AnyAnswer)
        self._jobs: list[_Job] = []  # A heap: the one that is due first comes first.
        self._changed = threading.Condition()
        self._next_call, self._closing = 0.0, False
        self.submit(store.unfinished())
        self._threads = [threading.Thread(target=self._work, name="end-user") for _ in range(_WORKERS)]
        for thread in self._threads:
            thread.start()

    def submit(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            self._add(_Job(time.monotonic(), claim, self._pause))

    def close(self) -> None:
        """Waits for the current calls and starts no more. The next start continues with the rest."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _add(self, job: _Job) -> None:
        with self._changed:
            heapq.heappush(self._jobs, job)
            self._changed.notify()

    def _take(self) -> _Job | None:
        """Waits for a job that is due, and as the rate limit requires. Returns None when the process is to end."""
        with self._changed:
            while not self._closing:
                now = time.monotonic()
                ready = max(self._jobs[0].due, self._next_call) if self._jobs else None
                if ready is not None and ready <= now:
                    self._next_call = now + _BETWEEN_CALLS
                    return heapq.heappop(self._jobs)
                self._changed.wait(None if ready is None else ready - now)
            return None

    def _work(self) -> None:
        while (job := self._take()) is not None:
            try:
                self._identify(job)
            except Exception:  # The claim is still in the database.
                _log.exception("the call for conversation %s failed", job.claim.conversation_id)

    def _identify(self, job: _Job) -> None:
        """Makes one call. No answer, 429 and 5xx are tried again later; any other answer is final."""
        answer = self._call(job.claim)
        if answer.final:
            self._store.record(job.claim, *self._judge(answer, job.unanswered))
            return
        self._store.record(job.claim, WAITING, answer.message)
        job.due = time.monotonic() + max(job.pause, answer.retry_after)
        job.pause = min(2 * job.pause, self._longest)
        job.unanswered = job.unanswered or answer.status is None
        self._add(job)

    def _judge(self, answer: Answer, unanswered: bool) -> tuple[str, str, float | None]:
        """Returns outcome, message, and when to call again. `unanswered`: an earlier call got no answer."""
        status, message, _ = answer
        if status is not None and 200 <= status < 300:
            return ACCEPTED, message, None
        if not message.startswith("Duplicate request"):
            return REFUSED, message, None
        if unanswered:  # This call duplicates our own earlier one, so that one was accepted.
            return ACCEPTED, message, None
        return DUPLICATE, message, time.time() + self._interval

    def _call(self, claim: Claim) -> Answer:
        """Makes one call."""
        try:
            with self._opener.open(self._request(claim), timeout=self._timeout) as response:
                body = response.read(_LARGEST_ANSWER)
                if response.length:  # It broke off, or is too large. `read` does not complain about that.
                    raise IncompleteRead(body, response.length)
                return Answer(response.status, _message(body), _seconds(response.headers.get("Retry-After", "")))
        except (OSError, HTTPException) as error:
            return Answer(None, str(error) or type(error).__name__)

    def _request(self, claim: Claim) -> Request:
        ticket = self._store.ticket(claim.conversation_id, claim.vendor) or {}
        visitor = ticket["visitor"]
        known = {key: visitor[key] for key in ("name", "email", "phone") if visitor[key]}
        is_call = "calls" in (visitor["custom"].get("comm_type"), ticket["attributes"].get("comm_type"))
        session = f"{'calls' if is_call else 'chats'}/{quote(claim.conversation_id, safe='')}"
        return Request(
            f"{self._base}/apps/api/v1/{session}/end_user",
            json.dumps({"identifier": claim.identifier, **known}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
            method="POST",
        )


def _message(body: bytes) -> str:
    """Returns the message of an answer; the start of the answer if it is not as documented."""
    try:
        return text(json.loads(body)["message"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return body[:200].decode("utf-8", "replace")


def _seconds(retry_after: str) -> float:
    """Returns how long Retry-After asks to wait: it is a number of seconds or a date."""
    try:
        wanted = float(retry_after) if retry_after.isdecimal() else _until(retry_after)
    except ValueError:
        return 0.0
    return min(max(wanted, 0.0), _LONGEST_RETRY_AFTER)


def _until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time.time()
