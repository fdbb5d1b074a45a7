"""Reads faults that requests give as texts, such as `delay=30s@0.5`."""

from __future__ import annotations

from collections.abc import Sequence

from vendorsim.scenario.faults import Fault, from_text
from vendorsim.server.control.problems import ProblemError


def read(texts: Sequence[str], events: frozenset[str] | None = None) -> tuple[Fault, ...]:
    """Reads the `faults` of a request. Raises ProblemError (422), with the place of each that can't be read."""
    found: list[Fault] = []
    errors: list[dict[str, str]] = []
    for position, text in enumerate(texts):
        try:
            found.append(from_text(text, events))
        except ValueError as error:
            errors.append({"pointer": f"/faults/{position}", "detail": str(error)})
    if errors:
        raise ProblemError(422, f"{errors[0]['pointer']}: {errors[0]['detail']}", errors)
    return tuple(found)
