"""Finds the deliveries that never arrived, for sending them again."""

from __future__ import annotations

from collections.abc import Iterable

from vendorsim.delivery.records import BROKEN, LOST, REJECTED, TIMED_OUT, UNREACHABLE
from vendorsim.journal.pages import Row

# The verdicts on deliveries that the integration should have had, and may not have.
FAILED = (REJECTED, TIMED_OUT, BROKEN, UNREACHABLE, LOST)


def undelivered(rows: Iterable[Row]) -> list[Row]:
    """Returns the last attempt of each delivery that has failed or was lost, of `rows` from the oldest to the newest.

    A delivery of which any copy was delivered is left out, and so is what has no request.
    """
    last: dict[tuple[int, str], Row] = {}
    arrived: set[tuple[int, str]] = set()
    for row in rows:
        delivery = row["run"], row["delivery"]
        if row["verdict"] in FAILED:
            last[delivery] = row
        else:
            arrived.add(delivery)
    return [row for delivery, row in last.items() if delivery not in arrived and row["request_head"] is not None]
