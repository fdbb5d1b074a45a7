"""Conversations: the attempts and calls of each, in the order of time, and manual steps."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any

import orjson
from flask import Blueprint, Response, jsonify
from msgspec.structs import replace

from vendorsim.conversation.state import Conversation
from vendorsim.core.times import iso
from vendorsim.delivery.diagnosis import Diagnosis, diagnose, evidence_of
from vendorsim.journal.documents import attempt_summary, call_document
from vendorsim.journal.pages import RECORDING, Query, Row
from vendorsim.server.control import requests
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.queries import attempts_query
from vendorsim.server.control.steps import carry_out, read_step
from vendorsim.server.control.workbench import Workbench

# Maximum attempts and maximum calls of one conversation; the journal's lists show the rest.
MOST_ENTRIES = 1_000


def add(api: Blueprint, workbench: Workbench) -> None:
    """Adds `/conversations`, `/conversations/VENDOR/ID` and `/steps`."""

    @api.get("/conversations")
    def conversations() -> Response:
        pages = workbench.shared.pages
        page = pages.conversations(attempts_query(workbench), before=requests.cursor(), limit=requests.limit())
        return jsonify(requests.page([_overview(workbench, row) for row in page.rows], page.next))

    @api.get("/conversations/<vendor>/<path:conversation>")
    def one(vendor: str, conversation: str) -> Response:
        return jsonify(_document(workbench, vendor, conversation))

    @api.post("/steps")
    def steps() -> Response:
        document = requests.body("Steps")
        vendor, names = document["vendor"], document["conversations"]
        verb = read_step(workbench, vendor, names, document["step"])
        return jsonify(results=[carry_out(workbench, vendor, name, verb) for name in names])


def _overview(workbench: Workbench, row: Row) -> dict[str, Any]:
    found = _diagnosis(workbench, row) if row["failed"] else None
    return {
        "vendor": row["vendor"],
        "profile": row["profile"],
        "conversation": row["conversation"],
        "run": row["run"],
        "scenario": _scenario(row["about"]),
        "recorded": row["command"] == RECORDING,
        "visitor": row["visitor"],
        "opening": row["opening"],
        "attempts": row["attempts"],
        "failed": row["failed"],
        "last_at": None if row["last_at"] is None else iso(row["last_at"]),
        "diagnosis": None if found is None else found.document(),
    }


def _diagnosis(workbench: Workbench, row: Row) -> Diagnosis | None:
    """Returns what is wrong with the newest attempts of a conversation."""
    query = Query(
        workbench.name, workbench.since, run=row["run"], vendor=row["vendor"], conversation=row["conversation"]
    )
    return diagnose(evidence_of(workbench.shared.pages.endings(query)))


def _scenario(about: str) -> str | None:
    """Returns the title of a run's scenario; None for conversations that no run plays."""
    title = orjson.loads(about).get("scenario")
    return title if isinstance(title, str) else None


def _document(workbench: Workbench, vendor: str, conversation: str) -> dict[str, Any]:
    """Returns the conversation as JSON: attempts and calls, oldest first. `live` is its state if it is active, or null.

    Raises ProblemError (404) for an unknown conversation.
    """
    run = requests.number("run", 0, 2**63 - 1)
    query = Query(workbench.name, workbench.since, run=run, vendor=vendor, conversation=conversation)
    pages = workbench.shared.pages
    attempts = pages.newer("attempts", query, 0, MOST_ENTRIES).rows
    calls = pages.newer("calls", replace(query, run=None, vendor=None), 0, MOST_ENTRIES).rows
    recorded = bool((attempts or calls) and (attempts or calls)[0]["recorded"])
    # What passed a recording is told by itself: this server may have played the vendor, and so knows the same calls.
    own = None if not recorded else run
    calls = [row for row in calls if bool(row["recorded"]) is recorded and own in (None, row["run"])]
    handle = None if recorded else workbench.backend.conversations.get(vendor, conversation)
    if not attempts and not calls and handle is None:
        raise ProblemError(404, f"nothing is known of conversation '{conversation[:100]}' of {vendor[:40]}")
    entries = _by_time([attempt_summary(row) for row in attempts], [call_document(row) for row in calls])
    found = diagnose(evidence_of(attempts))
    told = pages.conversations(query, limit=1).rows
    return {
        "vendor": vendor,
        "conversation": conversation,
        "truncated": len(attempts) == MOST_ENTRIES or len(calls) == MOST_ENTRIES,
        "scenario": _scenario(told[0]["about"]) if told else None,
        "recorded": recorded,
        "visitor": told[0]["visitor"] if told else None,
        "opening": told[0]["opening"] if told else None,
        "diagnosis": None if found is None else found.document(),
        "entries": entries,
        "live": None if handle is None else handle.look(_state),
    }


def _by_time(attempts: list[dict[str, Any]], calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sorts both by the wall clock. An attempt that was never sent follows the attempts with earlier story times."""
    sent = sorted((attempt["at"], attempt["sent_at"]) for attempt in attempts if attempt["sent_at"])
    story_times = [at for at, _ in sent]
    latest_sent = ["", *accumulate((moment for _, moment in sent), max)]

    def moment(entry: dict[str, Any]) -> tuple[str, bool]:
        if entry["type"] == "call":
            return entry["at"], False
        return entry["sent_at"] or latest_sent[bisect_right(story_times, entry["at"])], entry["sent_at"] is None

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
