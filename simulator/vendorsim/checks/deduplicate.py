"""Merges findings of one check that most likely have one cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from vendorsim.checks.model import Finding, finding_key

NAMED = 3


def merged(findings: Sequence[Finding], most_alike: int) -> list[Finding]:
    """Merges more than `most_alike` findings of one check with the same severity and outcome into one.

    Keeps the order of the first finding of each group.
    """
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.severity, finding.found].append(finding)
    result: list[Finding] = []
    for group in groups.values():
        result += group if len(group) <= most_alike else [_merge(group)]
    return result


def _merge(group: list[Finding]) -> Finding:
    first = group[0]
    others = [finding.pointer for finding in group[1 : NAMED + 1]]
    more = len(group) - 1 - len(others)
    listed = ", ".join(others) + (f" and {more} other place{'s' if more > 1 else ''}" if more > 0 else "")
    message = f"{first.message}; so do {listed}" if len(group) > 2 else f"{first.message}; so does {listed}"
    return replace(
        first,
        message=message,
        count=sum(finding.count for finding in group),
        # The order of the findings depends on the seed.
        key=finding_key(first.check, first.severity, first.found),
        keys=tuple(sorted(finding.key for finding in group)),
        causes=frozenset().union(*(finding.causes for finding in group)),
    )
