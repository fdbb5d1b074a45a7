"""What is wrong with the deliveries of a list, from the journal: the line that the page shows above it."""

from __future__ import annotations

from typing import Any

import orjson
from msgspec.structs import replace

from vendorsim.delivery.body_differences import only_in
from vendorsim.delivery.diagnosis import Diagnosis, diagnose, evidence_of
from vendorsim.delivery.records import DELIVERED, FALLS_SHORT
from vendorsim.journal.pages import Pages, Query, Row

# Bodies on each side that are compared.
MOST_BODIES = 20


def diagnosis_document(pages: Pages, query: Query) -> dict[str, Any]:
    """Returns what is wrong with the newest attempts that the query finds, as JSON.

    `attempts` is the number of attempts that were looked at, `failed` how many of them fell short. Where one kind of
    event fails, `only` is what the bodies that failed have and accepted ones have not, and `compare` has the numbers of
    one attempt of each.
    """
    rows = pages.endings(query)
    evidence = evidence_of(rows)
    found = diagnose(evidence)
    failed, accepted = ([], []) if found is None else _told_apart(pages, query, found)
    return {
        "attempts": len(rows),
        "failed": sum(count for ending, count in evidence.endings.items() if ending.verdict in FALLS_SHORT),
        "diagnosis": None if found is None else found.document(),
        "only": only_in([body for _, body in failed], [body for _, body in accepted]),
        "compare": [failed[0][0], accepted[0][0]] if failed and accepted else None,
    }


Bodies = list[tuple[int, Any]]
"""Numbers of attempts, with their bodies."""


def _told_apart(pages: Pages, query: Query, found: Diagnosis) -> tuple[Bodies, Bodies]:
    """Returns the newest bodies that failed, and those that were accepted, of the only event that fails."""
    if found.event is None:
        return [], []
    of_event = replace(query, event=found.event, text=None)
    return _bodies(pages, replace(of_event, verdict=found.verdict)), _bodies(
        pages, replace(of_event, verdict=DELIVERED)
    )


def _bodies(pages: Pages, query: Query) -> Bodies:
    rows = pages.attempts(query, limit=MOST_BODIES).rows
    return [(row["id"], body) for row in rows if (body := _body(row)) is not None]


def _body(row: Row) -> Any:
    # A fault on purpose has changed what was sent: the body is not what the integration got.
    if row["request_body"] is None or row["request_sent"] is not None:
        return None
    try:
        return orjson.loads(row["request_body"])
    except orjson.JSONDecodeError:
        return None
