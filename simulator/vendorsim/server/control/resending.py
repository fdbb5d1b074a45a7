"""Sends an attempt of the journal again, as it was or edited, signed anew, and keeps what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendorsim.core.clock import monotonic, wall_clock
from vendorsim.core.errors import InputError
from vendorsim.core.event import Event
from vendorsim.delivery import verdicts
from vendorsim.delivery.records import Attempt
from vendorsim.delivery.requests import Destination, Prepared, destination
from vendorsim.http.endpoint import check_header, merged, own_headers
from vendorsim.http.masking import MASK
from vendorsim.http.outgoing import Outgoing
from vendorsim.http.transport import Answer
from vendorsim.journal.pages import Row
from vendorsim.server.control import target_urls
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit.target import Target

RESENT, EDITED = "resent", "edited"
# Set anew for each request.
_OWN = {"host", "content-length", "transfer-encoding", "connection", "expect", "user-agent"}


def resend(bench: Workbench, row: Row, wanted: Mapping[str, Any]) -> Row:
    """Sends it and returns the new attempt's row. Raises ProblemError for what can't be sent again."""
    if row["request_head"] is None:
        raise ProblemError(409, "this attempt was never sent, so there is no request to send again")
    place = _place(bench, row, wanted.get("to"))
    body = wanted["body"].encode() if "body" in wanted else row["request_body"]
    event = _event(row, body)
    out = Outgoing(place.endpoint, "POST", _headers(row, place, wanted), body, row["delivery"], 1)
    if place.signer is not None and wanted.get("sign", True):
        out.headers = merged(out.headers, place.signer.headers(row["delivery"], wall_clock() // 1000, body))
    request = Prepared(out.head(), body, out.wire())
    attempt = bench.shared.backstage.run(
        _send(bench, row, event, place, request, EDITED if "body" in wanted else RESENT)
    )
    bench.metrics.delivered(attempt)
    # One at a time, so that the newest attempt is this one.
    with bench.keeping:
        bench.shared.recorder.add_to(row["run"], attempt)
        bench.shared.recorder.flush()
        found = bench.shared.pages.newest_of(row["run"], attempt.delivery, row["id"])
    if found is None:
        raise ProblemError(500, "it was sent, but the journal could not keep it")
    return found


def _place(bench: Workbench, row: Row, to: str | None) -> Destination:
    """Where it goes: `to`, or where it went, with the headers and the signer of that target."""
    known = [
        place
        for places in (*(run.places for run in bench.runs.all()), bench.state.stage(row["vendor"]).places)
        for _, place in places.numbered()
    ]
    found = next((place for place in known if place.endpoint.shown == row["target"]), None)
    if to is None and found is not None:
        return found
    url = to or row["target"]
    target_urls.check(bench, row["vendor"], url, "/to")
    stage = bench.state.stage(row["vendor"])
    return destination(Target(url), {}, stage.policies.of(), None if found is None else found.signer)


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


def _headers(row: Row, place: Destination, wanted: Mapping[str, Any]) -> dict[str, str]:
    """The headers of the first time without those that are set anew, then the target's own, then those given."""
    lines = row["request_head"].decode("latin-1").split("\r\n")[1:]
    before = [(name, value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    signed = {name.lower() for name in (place.signer.scheme.headers if place.signer is not None else ())}
    kept = [
        (name, value) for name, value in before if name.lower() not in _OWN | signed and value.encode("latin-1") != MASK
    ]
    given = wanted.get("headers") or {}
    try:
        for name, value in given.items():
            check_header(name, value)
    except InputError as error:
        raise ProblemError(422, f"/headers: {error}") from None
    return merged(own_headers(place.endpoint), kept, place.headers, given)


async def _send(bench: Workbench, row: Row, event: Event, place: Destination, request: Prepared, how: str) -> Attempt:
    sent_at, began = wall_clock(), monotonic()
    answer = await verdicts.exchange(bench.shared.backstage.transport, place.endpoint, request, place.policy)
    milliseconds = (monotonic() - began) * 1000
    verdict, reason = verdicts.judge(answer, milliseconds, place.policy, None)
    answered = answer if isinstance(answer, Answer) else None
    return Attempt(
        delivery=row["delivery"],
        event=event,
        target=place.endpoint.shown,
        number=row["attempt"] + 1,
        status=answered.status if answered else None,
        milliseconds=milliseconds,
        verdict=verdict,
        reason=reason,
        at=row["at"],
        sent_at=sent_at,
        copy=row["copy"],
        faults=(how,),
        request=request,
        answer=answered,
    )
