"""Journal rows → the JSON documents that the command line and the control API print."""

from __future__ import annotations

from typing import Any

import orjson

from vendorsim.core.times import iso
from vendorsim.delivery.lanes import AttemptId
from vendorsim.delivery.resend import SentRequest
from vendorsim.journal.har import text_or_base64
from vendorsim.journal.pages import Row
from vendorsim.vendorkit.api_call import ApiCall


def attempt_summary(row: Row) -> dict[str, Any]:
    """An attempt in a list, without its request and answer."""
    return {
        "type": "attempt",
        "id": row["id"],
        "run": row["run"],
        "sent_at": None if row["sent_at"] is None else iso(row["sent_at"]),
        "at": iso(row["at"]),
        "vendor": row["vendor"],
        "profile": row["profile"],
        "event": row["event"],
        "event_id": row["event_id"],
        "conversation": row["conversation"],
        "delivery": row["delivery"],
        "attempt": row["attempt"],
        "copy": row["copy"],
        "target": row["target"],
        "status": row["status"],
        "milliseconds": row["milliseconds"],
        "verdict": row["verdict"],
        "final": bool(row["final"]),
        "faults": row["faults"].split(", ") if row["faults"] else [],
        "reason": row["reason"],
        "recorded": bool(row["recorded"]),
        "problem": row["problem"],
        "said": None if row["said"] is None else {"by": row["said_by"], "text": row["said"]},
        "in_flight_with": _in_flight_with(row["in_flight_with"]),
    }


def _in_flight_with(stored: str | None) -> list[dict[str, Any]]:
    return [AttemptId(*values)._asdict() for values in orjson.loads(stored or "[]")]


def attempt_document(row: Row) -> dict[str, Any]:
    """A complete attempt, with the exact request and its answer."""
    head = row["request_head"]
    return {
        **attempt_summary(row),
        "request": None
        if head is None
        else {"head": head.decode("utf-8", "replace"), "body": text_or_base64(row["request_body"])},
        "answer": None
        if row["status"] is None
        else {"headers": orjson.loads(row["answer_headers"]), "body": text_or_base64(row["answer_body"])},
    }


def received_call(call: ApiCall) -> dict[str, Any]:
    """A call that was just received, as `call_document` without the numbers of the journal."""
    return {
        "type": "call",
        "at": iso(call.at),
        "vendor": call.vendor,
        "operation": call.operation,
        "method": call.method,
        "path": call.path,
        "comm_type": call.comm_type,
        "session": call.session_id,
        "credentials": call.credentials,
        "fields": None if call.fields is None else dict(call.fields),
        "status": call.status,
        "message": call.message,
        "body": None if call.body is None else call.body.decode(errors="replace"),
    }


def call_document(row: Row) -> dict[str, Any]:
    """A call of a vendor's API or of a sink. A recorded one has its request and answer, too."""
    head = row["head"]
    recorded: dict[str, Any] = {}
    if row["recorded"]:
        recorded = {
            "milliseconds": row["milliseconds"],
            "problem": row["problem"],
            "request": {"head": head.decode("utf-8", "replace"), "body": text_or_base64(row["body"])},
            "answer": None
            if row["answer_headers"] is None
            else {"headers": orjson.loads(row["answer_headers"]), "body": text_or_base64(row["answer_body"])},
        }
    return {
        "type": "call",
        "id": row["id"],
        "run": row["run"],
        "at": iso(row["at"]),
        "vendor": row["vendor"],
        "operation": row["operation"],
        "method": row["method"],
        "path": row["path"],
        "comm_type": row["comm_type"],
        "session": row["session"],
        "credentials": row["credentials"],
        "fields": None if row["fields"] is None else orjson.loads(row["fields"]),
        "status": row["status"],
        "message": row["message"],
        "body": None if row["body"] is None else row["body"].decode(errors="replace"),
        "recorded": bool(row["recorded"]),
        **recorded,
    }


def about_conversation(row: Row) -> dict[str, str | None]:
    """Whom the conversation of an attempt or call is with, and how it began, from a list of `journal.pages`."""
    return {"visitor": row["visitor"], "opening": row["opening"]}


def sent_request(row: Row) -> SentRequest | None:
    """Returns the request of an attempt, for resending; None if it was never sent."""
    if row["request_head"] is None:
        return None
    body, sent = row["request_body"], row["request_sent"]
    return SentRequest(row["delivery"], row["request_head"], body, body if sent is None else sent, row["ending"])
