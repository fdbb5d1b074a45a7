"""Conversations: what was sent and called for one, in the order of time, and steps that are carried out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify

from simulator.journal_pages import Query
from simulator.reporting.journal_documents import attempt_summary, call_document
from simulator.server.control import requests
from simulator.server.control.problems import ProblemError
from simulator.server.control.queries import attempts_query
from simulator.server.control.steps import carry_out, read_step
from simulator.server.control.workbench import Workbench
from simulator.times import iso
from simulator.world import Conversation

# A conversation of more entries is cut off; the journal's lists show the rest.
MOST_ENTRIES = 1_000


def add(api: Blueprint, bench: Workbench) -> None:
    """`/conversations`, `/conversations/VENDOR/ID`, `/steps`."""

    @api.get("/conversations")
    def conversations() -> Response:
        page = bench.shared.pages.conversations(attempts_query(bench), before=requests.cursor(), limit=requests.limit())
        return jsonify(requests.page([_overview(row) for row in page.rows], page.next))

    @api.get("/conversations/<vendor>/<conversation>")
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
    of_it = Query(bench.name, bench.attempts_above, run=run, vendor=vendor, conversation=conversation)
    pages = bench.shared.pages
    attempts = pages.newer("attempts", of_it, bench.attempts_above, MOST_ENTRIES)
    called = replace(of_it, above=bench.calls_above, run=None, vendor=None)
    calls = pages.newer("calls", called, bench.calls_above, MOST_ENTRIES)
    handle = bench.state.conversations.get(vendor, conversation)
    if not attempts and not calls and handle is None:
        raise ProblemError(404, f"nothing is known of conversation '{conversation[:100]}' of {vendor[:40]}")
    entries = [attempt_summary(row) for row in attempts] + [call_document(row) for row in calls]
    entries.sort(key=lambda entry: entry.get("sent_at") or entry["at"])
    return {
        "vendor": vendor,
        "conversation": conversation,
        "truncated": len(attempts) == MOST_ENTRIES or len(calls) == MOST_ENTRIES,
        "entries": entries,
        "live": None if handle is None else handle.look(_state),
    }


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
        "end_user": conversation.end_user,
    }
