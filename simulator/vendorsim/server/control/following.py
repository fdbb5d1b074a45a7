"""Answers requests for what is new in a list of the journal; they may wait for it."""

from __future__ import annotations

from typing import NamedTuple

from vendorsim.core.clock import monotonic
from vendorsim.journal.pages import NewRows, Query
from vendorsim.server.control import requests
from vendorsim.server.control.settings import Shared

LONGEST_WAIT, MOST_ID = 10, 2**63 - 1
# Requests that wait at a time: each takes one of the server's threads. Further ones are answered at once.
MOST_WAITING = 16
# Seconds after which the journal is read again although this server has written nothing: others may have.
_PAUSE = 0.25


class Following(NamedTuple):
    """What a request asks for: the rows with ids above `after`, as soon as there is one within so many seconds. With
    `newest` the newest of them, if there are more than fit a page."""

    after: int
    newest: bool
    seconds: int


def following() -> Following | None:
    """Reads the request's `after`, `newest` and `wait`; None without `after`. Raises ProblemError (400) if one of them
    can't be read."""
    after, newest = requests.number("after", 0, MOST_ID), requests.flag("newest")
    seconds = requests.number("wait", 0, LONGEST_WAIT) or 0
    return None if after is None else Following(after, newest, seconds)


def new_rows(shared: Shared, table: str, query: Query, wanted: Following) -> NewRows:
    """Returns the rows that are wanted, by the request's `limit`. Raises ProblemError (400) if it can't be read."""
    limit, after = requests.limit(), wanted.after
    until = monotonic() + wanted.seconds
    commits = shared.recorder.commits
    while True:
        seen = commits.ask()
        found = shared.pages.newer(table, query, after, limit, newest=wanted.newest)
        left = until - monotonic()
        if found.rows or left <= 0 or commits.waiting >= MOST_WAITING:
            return found
        commits.wait(seen, min(left, _PAUSE))
        if commits.closed:
            return found
        after = found.after
