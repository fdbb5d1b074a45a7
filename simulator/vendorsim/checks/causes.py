"""Merges findings of several checks that have one cause: the same field of the contract, or the same part of the
integration's state. The first check keeps the finding, which names the others."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from vendorsim.checks.differences import StateDifference
from vendorsim.checks.model import ERROR, Finding, Result
from vendorsim.core import pointer as json_pointer
from vendorsim.vendorkit.schema_walk import SchemaNode

# An outcome that is no answer: what was accepted shows nowhere.
LOST = "lost"
# The cause of conversations that mix.
APART = frozenset({"conversations mix"})


def of_field(node: SchemaNode, pointer: str, found: str) -> frozenset[str]:
    """Returns the cause of an outcome that a field leads to: its definition, and whether the integration broke. `found`
    is the answer, or LOST.

    Empty if the schema does not describe the field. Fields of several events with one definition have one cause.
    """
    if not pointer:
        return frozenset()
    described: SchemaNode | None = node
    for part in json_pointer.parse(pointer):
        if described is None:
            return frozenset()
        described = next(filter(None, (_inner(each.merged(), part) for each in described.possible())), None)
    if described is None:
        return frozenset()
    while (referred := described.referred()) is not None:
        described = referred
    refused = found[:1] in ("2", "3", "4") and found[:3].isdigit()
    return frozenset({f"{id(described.schema)} {found if found == LOST else 'refused' if refused else 'broke'}"})


def _inner(node: SchemaNode, part: str) -> SchemaNode | None:
    return node.items() if part.isdigit() and node.items() else node.property(part) or node.values()


def of_state(found: Iterable[StateDifference]) -> frozenset[str]:
    """Returns the causes of these differences of states."""
    return frozenset(f"state {difference.cause}" for difference in found)


class Causes:
    """The findings of a run so far."""

    def __init__(self) -> None:
        self._results: list[Result] = []

    def add(self, result: Result) -> None:
        """Adds the result of a check. A finding with a known cause is merged into the one that has it already."""
        findings, result.findings = result.findings, []
        self._results.append(result)
        moved: dict[str, None] = {}
        for finding in findings:
            first = self._merge(finding)
            if first is None:
                result.findings.append(finding)
            else:
                moved[first] = None
        if moved and not result.findings and result.reason is None:
            result.reason = f"for the same cause as {', '.join(moved)}"

    def join(self, family: str, message: str) -> None:
        """Merges the findings of all checks of a family that have the same severity and outcome, if there are several.
        `message` says what they have in common."""
        first: dict[tuple[str, str], tuple[Result, int]] = {}
        joined: dict[tuple[str, str], None] = {}
        for result in self._results:
            for finding in list(result.findings) if result.check.family == family else ():
                outcome = (finding.severity, finding.found)
                if outcome not in first:
                    first[outcome] = result, result.findings.index(finding)
                    continue
                result.findings.remove(finding)
                owner, number = first[outcome]
                owner.findings[number] = _both(owner.findings[number], finding)
                joined[outcome] = None
                if not result.findings and result.reason is None:
                    result.reason = f"for the same cause as {owner.check.id}"
        for outcome in joined:
            owner, number = first[outcome]
            known = owner.findings[number]
            owner.findings[number] = replace(known, message=f"{message}: {known.message}")

    def _merge(self, finding: Finding) -> str | None:
        """Merges the finding into an earlier one with a common cause, and returns the check of that one."""
        for result in self._results if finding.causes else ():
            for number, known in enumerate(result.findings):
                if known.causes & finding.causes:
                    result.findings[number] = _both(known, finding)
                    return known.check
        return None


def _both(known: Finding, finding: Finding) -> Finding:
    """Returns the known finding, which names the checks of both and has the worse severity."""
    keys = known.all_keys | finding.all_keys
    elsewhere = known.check == finding.check and finding.pointer not in ("", known.pointer)
    return replace(
        known,
        message=f"{known.message}; also {finding.pointer}" if elsewhere else known.message,
        key=min(keys),  # Whichever was found first, the key is the same.
        severity=ERROR if ERROR in (known.severity, finding.severity) else known.severity,
        checks=tuple(dict.fromkeys((*known.checks, *finding.checks))),
        count=known.count + finding.count,
        differences=(*known.differences, *finding.differences) if elsewhere else known.differences,
        causes=known.causes | finding.causes,
        keys=tuple(sorted(keys)),
    )
