"""Merges findings of one check that most likely have one cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from vendorsim.checks.model import Finding, finding_key

# Up to this many findings with the same outcome are reported separately.
MOST_ALIKE = 10
NAMED = 3


def merged(findings: Sequence[Finding]) -> list[Finding]:
    """Merges more than `MOST_ALIKE` findings of one check with the same severity and outcome into one.

    Keeps the order of the first finding of each group.
    """
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.severity, finding.found].append(finding)
    result: list[Finding] = []
    for group in groups.values():
        result += group if len(group) <= MOST_ALIKE else [_merge(group)]
    return result


def _merge(group: list[Finding]) -> Finding:
    first = group[0]
    others = [finding.pointer for finding in group[1 : NAMED + 1]]
    more = len(group) - 1 - len(others)
    message = f"{first.message}; so do {', '.join(others)} and {more} other places"
    return replace(
        first,
        message=message,
        count=sum(finding.count for finding in group),
        # The order of the findings depends on the seed.
        key=finding_key(first.check, first.severity, first.found),
        keys=tuple(sorted(finding.key for finding in group)),
    )
