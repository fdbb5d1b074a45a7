"""Answers requests for what is new in a list of the journal; they may wait for it."""

from __future__ import annotations

from vendorsim.core.clock import monotonic
from vendorsim.journal.pages import NewRows, Query
from vendorsim.server.control import requests
from vendorsim.server.control.settings import Shared

LONGEST_WAIT = 10
# Requests that wait at a time: each takes one of the server's threads. Further ones are answered at once.
MOST_WAITING = 16
# Seconds after which the journal is read again although this server has written nothing: others may have.
_PAUSE = 0.25


def new_rows(shared: Shared, table: str, query: Query, after: int) -> NewRows:
    """Returns the rows with ids above `after`, by the request's `limit`, `newest` and `wait`. Raises ProblemError (400)
    if one of them can't be read."""
    limit, newest = requests.limit(), requests.flag("newest")
    until = monotonic() + (requests.number("wait", 0, LONGEST_WAIT) or 0)
    commits = shared.recorder.commits
    while True:
        seen = commits.ask()
        found = shared.pages.newer(table, query, after, limit, newest=newest)
        left = until - monotonic()
        if found.rows or left <= 0 or commits.waiting >= MOST_WAITING:
            return found
        commits.wait(seen, min(left, _PAUSE))
        if commits.closed:
            return found
        after = found.after
