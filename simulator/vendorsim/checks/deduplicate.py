"""Many findings of one check that were found the same way have one cause, most likely: they become one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from vendorsim.checks.model import Finding

# Up to so many fields that break an integration in the same way are told one by one.
MOST_ALIKE = 10
NAMED = 3


def merged(findings: Sequence[Finding]) -> list[Finding]:
    """The findings of one check, those of one cause as one; the order of the first of each stays."""
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.severity, finding.found].append(finding)
    kept: list[Finding] = []
    for group in groups.values():
        kept += group if len(group) <= MOST_ALIKE else [_one(group)]
    return kept


def _one(group: list[Finding]) -> Finding:
    first = group[0]
    others = [finding.pointer for finding in group[1 : NAMED + 1]]
    more = len(group) - 1 - len(others)
    message = f"{first.message}; so do {', '.join(others)} and {more} other places"
    return replace(first, message=message, count=sum(finding.count for finding in group))
