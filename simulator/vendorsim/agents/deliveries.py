"""Tools that read the journal: what was sent to the integration, and which calls it made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from vendorsim.agents.tool import Tool
from vendorsim.agents.workplace import Workplace
from vendorsim.core.errors import InputError
from vendorsim.core.shapes import Integer, Key, Plain, Text
from vendorsim.journal.documents import attempt_document, attempt_summary, call_document
from vendorsim.journal.pages import JournalPages, Query, Row, SearchTooLong

MOST_ROWS = 100
_DEFAULT_ROWS = 30
_NUMBER = Integer(1, 2**63 - 1)
_PAGE = {
    "run": Key(_NUMBER, help="only this run, by its number in the journal"),
    "vendor": Key(Text(), help="only this vendor"),
    "conversation": Key(Plain(), help="only this conversation, by its id"),
    "text": Key(Text(), help="only those in which this text occurs"),
    "limit": Key(Integer(1, MOST_ROWS), help=f"most rows; default {_DEFAULT_ROWS}, at most {MOST_ROWS}"),
    "before": Key(_NUMBER, help="only those with a smaller id: the `next` of the page before"),
}
_FILTERS = ("run", "vendor", "event", "operation", "conversation", "verdict", "text")


def attempt_row(place: Workplace, number: int) -> Row:
    """An attempt of the journal. Raises InputError."""
    with place.open_journal() as journal:
        row = journal.attempt(number)
    if row is None:
        raise InputError(f"/id: there is no attempt {number} in the journal; list_deliveries has the ids")
    return row


def _list_deliveries(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return _page(place, "attempts", arguments)


def _show_delivery(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return attempt_document(attempt_row(place, arguments["id"]))


def _list_calls(place: Workplace, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return _page(place, "calls", arguments)


def _page(place: Workplace, table: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the attempts or calls, the newest first."""
    with place.open_journal():  # it exists, and has the format of today
        pages = JournalPages(place.journal_file())
        query = Query(**{name: arguments[name] for name in _FILTERS if name in arguments})
        if query.conversation is not None:
            query = replace(query, conversation=str(query.conversation))  # an id may be given as a number
        read, document = (pages.attempts, attempt_summary) if table == "attempts" else (pages.calls, call_document)
        try:
            page = read(query, before=arguments.get("before"), limit=arguments.get("limit", _DEFAULT_ROWS))
        except SearchTooLong:
            raise InputError("the search takes too long; narrow it, for example by run") from None
    return {"items": [document(row) for row in page.rows], "next": page.next}


TOOLS = (
    Tool(
        "list_deliveries",
        "List deliveries",
        "List attempts to deliver webhooks from the journal, the newest first: event, target, status, verdict, reason.",
        {
            **_PAGE,
            "event": Key(Text(), help="only this event, by its exact name"),
            "verdict": Key(Text(), help="only this verdict, such as delivered, rejected or timed out"),
        },
        _list_deliveries,
    ),
    Tool(
        "show_delivery",
        "Show a delivery",
        "Show one attempt from the journal: the request byte for byte, and its answer. Secrets are masked.",
        {"id": Key(_NUMBER, required=True, help="the id of the attempt, from list_deliveries")},
        _show_delivery,
    ),
    Tool(
        "list_calls",
        "List calls",
        "List the calls that the integration made to the vendors' APIs, from the journal, the newest first.",
        {**_PAGE, "operation": Key(Text(), help="only this operation of the API")},
        _list_calls,
    ),
)
