"""Tells Google CCAI Platform during a session who the visitor is (Apps API, "mid-session authentication").

Background threads make the calls, not the handler of the webhook: vendors wait only a few seconds for an answer, and
`end_user` may be slow or down. Claims are in the database before the webhook is answered, so none is lost when the
process ends.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any
from urllib.parse import quote
from urllib.request import HTTPErrorProcessor, Request, build_opener

from .body import text
from .store import ACCEPTED, Store
from .tickets import Claim

DUPLICATE, REFUSED, UNREACHABLE = "duplicate", "refused", "unreachable"
_WORKERS = 4
_BETWEEN_CALLS = 0.1  # seconds: the Apps API takes ten requests per second and customer
_TIMEOUT = 5.0
_LARGEST_ANSWER = 64 * 1024


class _AnyAnswer(HTTPErrorProcessor):
    """Returns every answer as it is. A followed redirect would turn the POST into a GET, and send the token along."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response

    https_response = http_response


class EndUser:
    """Calls `end_user` for claims, in the background. Times are seconds.

    `pauses` are between the attempts for one claim. `interval` is the wait after a refused duplicate; the documentation
    names no length.
    """

    def __init__(
        self,
        url: str,
        token: str,
        store: Store,
        *,
        pauses: Sequence[float] = (1, 2, 4, 8),
        timeout: float = _TIMEOUT,
        interval: float = 60,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"'{url}' is not the URL of the Apps API")
        self._base, self._token, self._store = url.rstrip("/"), token, store
        self._pauses, self._timeout, self._interval = pauses, timeout, interval
        self._opener = build_opener(_AnyAnswer)
        self._pace, self._next_call = threading.Lock(), 0.0
        self._closing = threading.Event()
        self._threads = ThreadPoolExecutor(_WORKERS, "end-user")
        self.submit(store.unfinished())

    def submit(self, claims: list[Claim]) -> None:
        for claim in claims:
            self._threads.submit(self._identify, claim)

    def close(self) -> None:
        """Waits for the current calls and starts no more. The next start continues with the rest."""
        self._closing.set()
        self._threads.shutdown(cancel_futures=True)

    def _identify(self, claim: Claim) -> None:
        """Calls until the outcome is final. No answer, 429 and 5xx are retried; any other answer is final."""
        unanswered, answer = False, ""
        for pause in (0, *self._pauses):
            if self._closing.wait(pause) or self._wait_for_turn():
                return
            status, answer = self._call(claim)
            if status is not None and status < 500 and status != 429:
                self._store.record(claim, *self._judge(status, answer, unanswered))
                return
            unanswered = unanswered or status is None
        self._store.record(claim, UNREACHABLE, answer, time.time())

    def _judge(self, status: int, answer: str, unanswered: bool) -> tuple[str, str, float | None]:
        """Returns outcome, answer, and when to call again. `unanswered`: an earlier attempt got no answer."""
        if 200 <= status < 300:
            return ACCEPTED, answer, None
        if not answer.startswith("Duplicate request"):
            return REFUSED, answer, None
        if unanswered:  # This call duplicates our own earlier attempt, so that one was accepted.
            return ACCEPTED, answer, None
        return DUPLICATE, answer, time.time() + self._interval

    def _wait_for_turn(self) -> bool:
        """Waits as the rate limit requires. Returns True if the process is about to end."""
        with self._pace:
            turn = max(time.monotonic(), self._next_call)
            self._next_call = turn + _BETWEEN_CALLS
        return self._closing.wait(max(0.0, turn - time.monotonic()))

    def _call(self, claim: Claim) -> tuple[int | None, str]:
        """Makes one call. Returns the HTTP status (None without an answer), and the message or the error."""
        try:
            with self._opener.open(self._request(claim), timeout=self._timeout) as response:
                return response.status, _message(response.read(_LARGEST_ANSWER))
        except (OSError, HTTPException) as error:
            return None, str(error) or type(error).__name__

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
