"""The API of sinks: each takes every call below its path, keeps it in ledger and journal, and answers as told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, g, json, request
from werkzeug.exceptions import RequestEntityTooLarge

from vendorsim.core import clock, pointer
from vendorsim.http.masking import is_secret
from vendorsim.http.messages import BODILESS, PHRASES
from vendorsim.scenario.calls import SINK, Sink, SinkAnswer
from vendorsim.server.sinks import PATH, Sinks
from vendorsim.vendorkit.api_call import NO_DOCUMENT, ApiCall
from vendorsim.vendorkit.backend import Backend

# The values of a body among which the id of a conversation is looked for.
_MOST_VALUES = 20_000
_WORD = re.compile(r"\w+(?:-\w+)*")
# The id is looked for in this header, and in those that begin with `X-`. Others have numbers that look like ids.
_NAMING_HEADER = "idempotency-key"


def sinks_blueprint(backend: Backend, sinks: Sinks) -> Blueprint:
    """Answers all requests below PATH, whatever their method. Sinks need no credentials."""
    blueprint = Blueprint("sinks", __name__)

    @blueprint.before_app_request
    def take() -> Response | None:
        if not request.path.startswith(PATH):
            return None
        name, _, below = request.path.removeprefix(PATH).partition("/")
        sink = sinks.get(name)
        if sink is None:
            return _response(SinkAnswer(404, {"message": f"there is no sink '{name[:40]}'"}))
        g.sink = name
        return _taken(backend, sinks, sink, below)

    return blueprint


def _taken(backend: Backend, sinks: Sinks, sink: Sink, below: str) -> Response:
    """Keeps a call and returns its answer."""
    call = ApiCall(
        vendor=SINK,
        operation=sink.name,
        comm_type="",
        session_id="",
        at=clock.wall_clock(),
        credentials=request.headers.get("Authorization", "").partition(" ")[0].lower() or None,
        fields=None,
        status=413,
        message="the body is larger than 1 MiB",
        method=request.method,
        path=request.path,
        media_type=request.content_type,
    )
    answer = SinkAnswer(call.status, {"message": call.message})
    try:
        call.body = request.get_data(cache=True) or None
    except RequestEntityTooLarge:
        backend.tell(call)
        return _response(answer)
    call.session_id = _conversation(
        sink, below, call.document(), lambda id: sinks.knows(id) or backend.conversations.session(id) is not None
    )
    answer = sinks.take(sink.name, call.session_id) or answer
    call.status, call.message = answer.status, PHRASES.get(answer.status, "")
    backend.tell(call)
    if answer.latency:
        backend.sleep(answer.latency / 1000)
    return _response(answer)


def _response(answer: SinkAnswer) -> Response:
    is_text = isinstance(answer.body, str)
    body = "" if answer.status in BODILESS else answer.body if is_text else json.dumps(answer.body)
    response = Response(body, answer.status)
    response.content_type = "text/plain; charset=utf-8" if is_text else "application/json"
    response.headers.update(dict(answer.headers))
    return response


def _conversation(sink: Sink, below: str, document: Any, is_known: Callable[[str], bool]) -> str:
    """The id of the conversation that a call of a sink belongs to; "" if it names none, or several.

    If the sink says where the id is, it is what stands there. Otherwise it is the id of a known conversation that is in
    the call as a whole value or word: in a segment of the path, a value of the query, a header `X-…` or
    `Idempotency-Key`, or a value of the body.
    """
    place = sink.conversation
    if place is not None:
        return _at_place(place.pointer, place.header, place.segment, below, document)
    named = {word for text in _texts(below, document) for word in (text, *_WORD.findall(text)) if is_known(word)}
    return named.pop() if len(named) == 1 else ""


def _at_place(place: str | None, header: str | None, segment: int | None, below: str, document: Any) -> str:
    found: Any = None
    if header is not None:
        found = request.headers.get(header)
    elif segment is not None:
        segments = below.split("/")
        found = segments[segment - 1] if segment <= len(segments) else None
    elif place is not None and document is not NO_DOCUMENT:
        try:
            found = pointer.resolve(document, place)
        except LookupError:
            found = None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _texts(below: str, document: Any) -> Iterator[str]:
    """The texts and whole numbers of a call."""
    yield from below.split("/")
    yield from request.args.values()
    for name, value in request.headers.items():
        lowered = name.lower()
        if lowered == _NAMING_HEADER or (lowered.startswith("x-") and not is_secret(f"{name}: ".encode())):
            yield value
    left, waiting = _MOST_VALUES, [document]
    while waiting and left:
        value = waiting.pop()
        left -= 1
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str | int) and not isinstance(value, bool):
            yield str(value)
