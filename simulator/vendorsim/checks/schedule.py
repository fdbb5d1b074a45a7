"""Which checks run at the same time, and in which order. Pure functions.

Checks run together if each of them plays again alone what fails beside others. What they wait for, they then wait for
together.
"""

from __future__ import annotations

from collections.abc import Sequence

from vendorsim.checks.model import Check

SCHEDULE: tuple[str | tuple[str, ...], ...] = (
    "accepts.typical",
    (
        "accepts.minimal",
        "accepts.maximal",
        "accepts.forms",
        "tolerates.unknown_field",
        "tolerates.unknown_value",
        "tolerates.absent_optional",
        "tolerates.key_order",
        "tolerates.text",
        "tolerates.header_case",
        "tolerates.chunked",
    ),
    # Its combinations leave out the forms that are refused alone.
    "accepts",
    "tolerates",
    ("rejects.missing_field", "rejects.wrong_type"),
    "rejects",
    "authenticates",
    ("effects", "idempotent", "order_tolerant", "retry_safe", "isolated", "recovers.by_retry"),
    ("isolated.foreign", "concurrent"),
)
"""Checks and families, in the order in which they run: a text one check after the other, a tuple at the same time. A
check belongs to the entry that names it; if none does, to the one that names its family. All others run at the end, one
after the other."""


def stages(checks: Sequence[Check]) -> list[list[Check]]:
    """Returns the checks in the order in which they run; those of one stage at the same time."""
    found: list[list[Check]] = []
    for entry in (*SCHEDULE, None):
        named = [check for check in checks if _entry(check) == entry]
        if isinstance(entry, tuple):
            found += [named] if named else []
        else:
            found += [[check] for check in named]
    return found


def _entry(check: Check) -> str | tuple[str, ...] | None:
    """Returns the entry of the schedule that a check belongs to."""
    for name in (check.id, check.family):
        for entry in SCHEDULE:
            if name == entry or (isinstance(entry, tuple) and name in entry):
                return entry
    return None
