"""Resends an attempt of the journal, unchanged or edited, with a new signature, and records the new attempt."""

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


def resend(workbench: Workbench, row: Row, options: Mapping[str, Any]) -> Row:
    """Resends the attempt of `row` and returns the new attempt's row. `options` is the request body (`Resend`).

    Raises ProblemError if the attempt can't be resent.
    """
    known = sent_request(row)
    if known is None:
        raise ProblemError(409, "this attempt was never sent, so there is no request to send again")
    destination = _destination(workbench, row, options.get("to"))
    body = options["body"].encode() if "body" in options else known.body
    request = known.rebuilt(destination, _given_headers(options), body, sign=options.get("sign", True))
    loop = workbench.shared.background_loop

    async def send() -> Resent:
        # Only the event loop's thread may use the transport.
        return await send_again(loop.transport, destination.endpoint, request, destination.policy)

    resent = loop.run(send())
    attempt = _attempt(row, destination, request, resent, EDITED if "body" in options else RESENT)
    workbench.metrics.delivered(attempt)
    # One thread at a time, so that the newest attempt is the one just added.
    with workbench.resend_lock:
        workbench.shared.recorder.add_to(row["run"], attempt)
        workbench.shared.recorder.flush()
        found = workbench.shared.pages.newest_of(row["run"], attempt.delivery, row["id"])
    if found is None:
        raise ProblemError(500, "it was sent, but the journal could not keep it")
    return found


def _destination(workbench: Workbench, row: Row, to: str | None) -> Destination:
    """Returns the destination: `to`, or the original target with its headers and signer."""
    vendor = row["vendor"]
    groups = (*(run.destinations for run in workbench.runs.all()), workbench.backend.stage(vendor).destinations)
    known = (destination for group in groups for destination in group.all())
    found = next((destination for destination in known if destination.endpoint.shown == row["target"]), None)
    if to is None and found is not None:
        return found
    url = to or row["target"]
    target_urls.check(workbench, vendor, url, "/to")
    policy = workbench.backend.stage(vendor).policies.of()
    return Destination.of(Target(url), {}, policy, None if found is None else found.signer)


def _given_headers(options: Mapping[str, Any]) -> Mapping[str, str]:
    """Returns the headers of the request body. Raises ProblemError (422) for an invalid header."""
    headers: Mapping[str, str] = options.get("headers") or {}
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


def _attempt(row: Row, destination: Destination, request: Prepared, resent: Resent, label: str) -> Attempt:
    """Returns the record of the new attempt. `label` is `RESENT` or `EDITED`."""
    verdict, reason = verdicts.judge(resent.answer, resent.milliseconds, destination.policy, None)
    answer = resent.answer if isinstance(resent.answer, Answer) else None
    return Attempt(
        delivery=row["delivery"],
        event=_event(row, request.body),
        target=destination.endpoint.shown,
        number=row["attempt"] + 1,
        status=answer.status if answer else None,
        milliseconds=resent.milliseconds,
        verdict=verdict,
        reason=reason,
        at=row["at"],
        sent_at=resent.sent_at,
        copy=row["copy"],
        faults=(label,),
        request=request,
        answer=answer,
    )
