"""Sinks: stand-ins for systems that are not a vendor's (a CRM, a chat of the staff). Each takes every call below its
path, keeps it in the ledger and the journal, and answers as told."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock
from typing import Any

from flask import Blueprint, Response, g, json, request
from werkzeug.exceptions import RequestEntityTooLarge

from vendorsim.core import clock, pointer
from vendorsim.core.errors import InputError
from vendorsim.http.masking import is_secret
from vendorsim.http.messages import BODILESS, PHRASES
from vendorsim.scenario.calls import SINK, Sink, SinkAnswer, check_sink_name
from vendorsim.vendorkit.api_call import NO_DOCUMENT, ApiCall
from vendorsim.vendorkit.backend import Backend

PATH = "/_sinks/"
MOST_SINKS = 100
# Conversations with answers of their own, for each sink. Beyond it, the oldest get the sink's answers again.
_MOST_CONVERSATIONS = 10_000
# The values of a body among which the id of a conversation is looked for.
_MOST_VALUES = 20_000
_WORD = re.compile(r"\w+(?:-\w+)*")
# The id is looked for in this header, and in those that begin with `X-`. Others have numbers that look like ids.
_NAMING_HEADER = "idempotency-key"


def path_of(name: str) -> str:
    """The path of a sink; everything below it belongs to the sink, too."""
    return PATH + name


class _Plan:
    """Answers in order; the last one goes on."""

    def __init__(self, answers: Sequence[SinkAnswer]) -> None:
        self.answers = tuple(answers)
        self._given = 0

    def take(self) -> SinkAnswer:
        number = min(self._given, len(self.answers) - 1)
        self._given += 1
        return self.answers[number]


class _SinkState:
    """A sink and its plans: by conversation, "" for calls of none, and `usual` for all others."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.usual = _Plan(sink.answers)
        self.plans: OrderedDict[str, _Plan] = OrderedDict()


class Sinks:
    """The sinks of one server or namespace. Safe to use from any thread."""

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        """Raises InputError if two have the same name."""
        self._lock = Lock()
        self._configured = tuple(sinks)
        self._sinks: dict[str, _SinkState] = {}
        self._expected: set[str] = set()
        for sink in self._configured:
            self.add(sink)

    def add(self, sink: Sink) -> None:
        """Adds a sink. Raises InputError for a name that is taken or not allowed, and if there are too many."""
        try:
            check_sink_name(sink.name)
        except ValueError as error:
            raise InputError(str(error)) from None
        with self._lock:
            if sink.name in self._sinks:
                raise InputError(f"the name of the sink '{sink.name}' is taken; choose another one")
            self._add(sink)

    def ensure(self, name: str) -> None:
        """Adds a sink with the usual answer, unless there is one of that name."""
        with self._lock:
            if name not in self._sinks:
                self._add(Sink(name))

    def _add(self, sink: Sink) -> None:
        if len(self._sinks) >= MOST_SINKS:
            raise InputError(f"there are {MOST_SINKS} sinks already; remove one")
        self._sinks[sink.name] = _SinkState(sink)

    def all(self) -> list[Sink]:
        """The sinks, oldest first."""
        with self._lock:
            return [state.sink for state in self._sinks.values()]

    def get(self, name: str) -> Sink | None:
        """The sink of that name, or None."""
        with self._lock:
            state = self._sinks.get(name)
            return None if state is None else state.sink

    def change(self, sink: Sink) -> bool:
        """Replaces the sink of that name; its answers begin anew, for all conversations. False if there is none."""
        with self._lock:
            if sink.name not in self._sinks:
                return False
            self._sinks[sink.name] = _SinkState(sink)
            return True

    def remove(self, name: str) -> bool:
        """Removes a sink; False if there is none."""
        with self._lock:
            return self._sinks.pop(name, None) is not None

    def answer(self, name: str, answers: Sequence[SinkAnswer], conversation: str) -> None:
        """Sets the answers to the next calls that belong to the conversation, or to none. Calls of other conversations
        get the same answers as before."""
        self.ensure(name)
        with self._lock:
            plans = self._sinks[name].plans
            plans[conversation] = plans[""] = _Plan(answers)
            while len(plans) > _MOST_CONVERSATIONS:
                plans.popitem(last=False)

    def expect(self, conversation: str) -> None:
        """Notes that calls may belong to a conversation which the server does not play."""
        with self._lock:
            self._expected.add(conversation)

    def knows(self, conversation: str) -> bool:
        """Whether the conversation was noted."""
        return conversation in self._expected

    def take(self, name: str, conversation: str) -> SinkAnswer | None:
        """The answer to a call that belongs to the conversation ("" for none); None if there is no such sink."""
        with self._lock:
            state = self._sinks.get(name)
            return None if state is None else state.plans.get(conversation, state.usual).take()

    def reset(self) -> None:
        """Goes back to the sinks that it began with."""
        with self._lock:
            self._sinks = {sink.name: _SinkState(sink) for sink in self._configured}


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
