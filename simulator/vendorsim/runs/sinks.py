"""Reads the settings of sinks: those of `vendorsim.yaml`, options, JSON documents, and arguments of tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from msgspec.structs import asdict

from vendorsim.core.errors import InputError
from vendorsim.core.shapes import INVALID
from vendorsim.core.times import duration_text
from vendorsim.core.yaml_nodes import Problems, read
from vendorsim.scenario.calls import SINK_SETTINGS, ConversationPlace, Sink, check_sink_name, sink_from_option


def sink_of(name: str, settings: Mapping[str, Any]) -> Sink:
    """The sink of that name with settings as in `vendorsim.yaml`, given as JSON values. Raises InputError."""
    try:
        check_sink_name(name)
    except ValueError as error:
        raise InputError(str(error)) from None
    problems = Problems(f"sink {name}")
    # The shapes read YAML, and JSON is YAML.
    root = read(orjson.dumps(settings).decode(), problems)
    values: Any = INVALID if root is None else SINK_SETTINGS.read(root, problems)
    if values is INVALID:
        raise InputError(f"sink '{name}': {'; '.join(problem.message for problem in problems.found)}")
    return Sink(name, **values)


def chosen_sinks(options: Iterable[str], configured: Iterable[Sink] = ()) -> tuple[Sink, ...]:
    """The sinks of the configuration and those of `--sink`, which only adds to a configured one that it is the
    customer's side. Raises InputError for a name that is not allowed, or is given twice."""
    sinks = {sink.name: sink for sink in configured}
    given: set[str] = set()
    for text in options:
        try:
            sink = sink_from_option(text)
        except ValueError as error:
            raise InputError(f"--sink {text}: {error}") from None
        if sink.name in given:
            raise InputError(f"--sink {text}: the name '{sink.name}' is taken by another --sink; choose another one")
        given.add(sink.name)
        known = sinks.get(sink.name, sink)
        sinks[sink.name] = Sink(known.name, known.answers, known.conversation, known.customer or sink.customer)
    return tuple(sinks.values())


def sink_document(sink: Sink) -> dict[str, Any]:
    """The settings of a sink as JSON, as `sink_of` reads them."""
    place = sink.conversation
    return {
        "name": sink.name,
        "answers": [{**asdict(answer), "latency": duration_text(answer.latency)} for answer in sink.answers],
        "conversation": None if place is None else _place(place),
        "customer": sink.customer,
    }


def _place(place: ConversationPlace) -> Any:
    return place.pointer or {key: value for key, value in asdict(place).items() if value is not None}
