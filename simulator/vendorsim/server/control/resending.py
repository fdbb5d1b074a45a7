"""Sends an attempt of the journal again, as it was or edited, signed anew, and keeps what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendorsim.core.errors import InputError
from vendorsim.core.event import Event
from vendorsim.delivery import verdicts
from vendorsim.delivery.destinations import Destination
from vendorsim.delivery.records import Attempt
from vendorsim.delivery.requests import Prepared
from vendorsim.delivery.resend import Resent
from vendorsim.delivery.resend import resend as send_again
from vendorsim.http.endpoint import check_header
from vendorsim.http.transport import Answer
from vendorsim.journal.documents import sent_request
from vendorsim.journal.pages import Row
from vendorsim.server.control import target_urls
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit.target import Target

RESENT, EDITED = "resent", "edited"


def resend(bench: Workbench, row: Row, wanted: Mapping[str, Any]) -> Row:
    """Sends it and returns the new attempt's row. Raises ProblemError for what can't be sent again."""
    known = sent_request(row)
    if known is None:
        raise ProblemError(409, "this attempt was never sent, so there is no request to send again")
    destination = _destination(bench, row, wanted.get("to"))
    body = wanted["body"].encode() if "body" in wanted else known.body
    request = known.rebuilt(destination, _given_headers(wanted), body, sign=wanted.get("sign", True))
    loop = bench.shared.background_loop

    async def send() -> Resent:
        # The transport belongs to the loop.
        return await send_again(loop.transport, destination.endpoint, request, destination.policy)

    resent = loop.run(send())
    attempt = _attempt(row, destination, request, resent, EDITED if "body" in wanted else RESENT)
    bench.metrics.delivered(attempt)
    # One at a time, so that the newest attempt is this one.
    with bench.keeping:
        bench.shared.recorder.add_to(row["run"], attempt)
        bench.shared.recorder.flush()
        found = bench.shared.pages.newest_of(row["run"], attempt.delivery, row["id"])
    if found is None:
        raise ProblemError(500, "it was sent, but the journal could not keep it")
    return found


def _destination(bench: Workbench, row: Row, to: str | None) -> Destination:
    """Where it goes: `to`, or where it went, with the headers and the signer of that target."""
    vendor = row["vendor"]
    groups = (*(run.destinations for run in bench.runs.all()), bench.state.stage(vendor).destinations)
    known = (destination for group in groups for destination in group.all())
    found = next((destination for destination in known if destination.endpoint.shown == row["target"]), None)
    if to is None and found is not None:
        return found
    url = to or row["target"]
    target_urls.check(bench, vendor, url, "/to")
    policy = bench.state.stage(vendor).policies.of()
    return Destination.of(Target(url), {}, policy, None if found is None else found.signer)


def _given_headers(wanted: Mapping[str, Any]) -> Mapping[str, str]:
    """The headers that the caller gives. Raises ProblemError for one that can't be sent."""
    headers: Mapping[str, str] = wanted.get("headers") or {}
    try:
        for name, value in headers.items():
            check_header(name, value)
    except InputError as error:
        raise ProblemError(422, f"/headers: {error}") from None
    return headers


def _event(row: Row, body: bytes) -> Event:
    return Event(
        id=row["event_id"],
        index=0,
        conversation=row["conversation"],
        vendor=row["vendor"],
        profile=row["profile"],
        name=row["event"],
        at=row["at"],
        method="POST",
        headers={},
        body=body,
        step=-1,
    )


def _attempt(row: Row, destination: Destination, request: Prepared, resent: Resent, how: str) -> Attempt:
    """The record of the new attempt; `how` says whether it was edited."""
    verdict, reason = verdicts.judge(resent.answer, resent.milliseconds, destination.policy, None)
    answered = resent.answer if isinstance(resent.answer, Answer) else None
    return Attempt(
        delivery=row["delivery"],
        event=_event(row, request.body),
        target=destination.endpoint.shown,
        number=row["attempt"] + 1,
        status=answered.status if answered else None,
        milliseconds=resent.milliseconds,
        verdict=verdict,
        reason=reason,
        at=row["at"],
        sent_at=resent.sent_at,
        copy=row["copy"],
        faults=(how,),
        request=request,
        answer=answered,
    )
