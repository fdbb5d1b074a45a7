"""Adds up the coverage of a run: how many things of each kind were exercised, and which were not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Covered(Struct, frozen=True):
    """The coverage of one kind of thing that a contract documents. `share` is from 0 to 1."""

    kind: str
    exercised: int
    known: int
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.exercised / self.known if self.known else 1.0


def totals(coverage: Mapping[str, Any]) -> list[Covered]:
    """Returns the coverage of events, fields, enum values and API answers; kinds with nothing to cover are left out."""
    events, answers = coverage["events"], coverage["answers"]
    kinds = [
        _listed("events", events),
        _added("fields", coverage["fields"]),
        _added("enum values", coverage["values"]),
        _listed("API answers", answers),
    ]
    return [kind for kind in kinds if kind.known]


def _listed(kind: str, part: Mapping[str, Any]) -> Covered:
    done, missing = len(part["exercised"]), tuple(part["not_exercised"])
    return Covered(kind, done, done + len(missing), missing)


def _added(kind: str, by_event: Mapping[str, Mapping[str, Any]]) -> Covered:
    missing = [(name, f"{event}: {name}") for event, part in by_event.items() for name in part["not_exercised"]]
    missing.sort(key=lambda named: named[0].count("/"))  # Those next to the top of a body matter most.
    return Covered(
        kind,
        sum(part["exercised"] for part in by_event.values()),
        sum(part["known"] for part in by_event.values()),
        tuple(shown for _, shown in missing),
    )
