"""Conversations: what was sent and called for one, in the order of time, and steps that are carried out by hand."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from itertools import accumulate
from typing import Any

from flask import Blueprint, Response, jsonify

from vendorsim.conversation.state import Conversation
from vendorsim.core.times import iso
from vendorsim.journal.documents import attempt_summary, call_document
from vendorsim.journal.pages import Query
from vendorsim.server.control import requests
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.queries import attempts_query
from vendorsim.server.control.steps import carry_out, read_step
from vendorsim.server.control.workbench import Workbench

# A conversation of more entries is cut off; the journal's lists show the rest.
MOST_ENTRIES = 1_000


def add(api: Blueprint, bench: Workbench) -> None:
    """`/conversations`, `/conversations/VENDOR/ID`, `/steps`."""

    @api.get("/conversations")
    def conversations() -> Response:
        page = bench.shared.pages.conversations(attempts_query(bench), before=requests.cursor(), limit=requests.limit())
        return jsonify(requests.page([_overview(row) for row in page.rows], page.next))

    @api.get("/conversations/<vendor>/<path:conversation>")
    def one(vendor: str, conversation: str) -> Response:
        return jsonify(_document(bench, vendor, conversation))

    @api.post("/steps")
    def steps() -> Response:
        wanted = requests.body("Steps")
        vendor, names = wanted["vendor"], wanted["conversations"]
        verb = read_step(bench, vendor, names, wanted["step"])
        return jsonify(results=[carry_out(bench, vendor, name, verb) for name in names])


def _overview(row: Any) -> dict[str, Any]:
    return {
        "vendor": row["vendor"],
        "profile": row["profile"],
        "conversation": row["conversation"],
        "run": row["run"],
        "attempts": row["attempts"],
        "failed": row["failed"] or 0,
        "last_at": iso(row["last_at"]),
    }


def _document(bench: Workbench, vendor: str, conversation: str) -> dict[str, Any]:
    """What was sent and called, the oldest first; `live` is the conversation's state where it is still known."""
    run = requests.number("run", 0, 2**63 - 1)
    of_it = Query(bench.name, bench.since, run=run, vendor=vendor, conversation=conversation)
    pages = bench.shared.pages
    attempts = pages.newer("attempts", of_it, 0, MOST_ENTRIES)
    calls = pages.newer("calls", replace(of_it, run=None, vendor=None), 0, MOST_ENTRIES)
    handle = bench.state.conversations.get(vendor, conversation)
    if not attempts and not calls and handle is None:
        raise ProblemError(404, f"nothing is known of conversation '{conversation[:100]}' of {vendor[:40]}")
    entries = _by_time([attempt_summary(row) for row in attempts], [call_document(row) for row in calls])
    return {
        "vendor": vendor,
        "conversation": conversation,
        "truncated": len(attempts) == MOST_ENTRIES or len(calls) == MOST_ENTRIES,
        "entries": entries,
        "live": None if handle is None else handle.look(_state),
    }


def _by_time(attempts: list[dict[str, Any]], calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both in the order of the wall clock; an attempt that was never sent follows what the story has before it."""
    sent = sorted((attempt["at"], attempt["sent_at"]) for attempt in attempts if attempt["sent_at"])
    story = [at for at, _ in sent]
    latest = ["", *accumulate((moment for _, moment in sent), max)]

    def moment(entry: dict[str, Any]) -> tuple[str, bool]:
        if entry["type"] == "call":
            return entry["at"], False
        return entry["sent_at"] or latest[bisect_right(story, entry["at"])], entry["sent_at"] is None

    return sorted([*attempts, *calls], key=moment)


def _state(conversation: Conversation) -> dict[str, Any]:
    return {
        "status": conversation.status,
        "channel": conversation.channel,
        "ended": conversation.ended,
        "started_at": iso(conversation.started_at),
        "now": iso(conversation.now),
        "visitor": {
            "name": conversation.visitor.name,
            "email": conversation.visitor.email,
            "identifier": conversation.visitor.identifier,
        },
        "agents": {key: agent.name for key, agent in conversation.agents.items()},
        "assignee": None if conversation.assignee is None else conversation.assignee.name,
        "messages": len(conversation.messages),
        "end_user": conversation.identity,
    }
