"""The findings of a run of checks as workflow commands of GitHub Actions, which shows them as annotations.

A step that prints the file makes the annotations. GitHub shows ten errors and ten warnings of a step: what matters most
comes first, and a last line says how many are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from vendorsim.checks.model import ERROR, Finding
from vendorsim.reporting.outcome import Outcome, groups, shortfall, why
from vendorsim.reporting.own_places import own_place
from vendorsim.reporting.text import counted, visible

# GitHub shows so many annotations of each level and step.
MOST = 10


def render(outcome: Outcome) -> bytes:
    """Returns the workflow commands, one a line, in UTF-8."""
    verdict = outcome.verdict
    lines = []
    reason = why(verdict)
    if reason is not None:
        lines.append(_command("error", {"title": f"vendorsim: {shortfall(verdict)}"}, reason))
    found = [finding for group in groups(verdict) for finding in group.findings]
    counting = [finding for finding in found if verdict.counts(finding)]
    lines += _commands("error", counting, MOST - len(lines), outcome)
    lines += _commands("warning", [finding for finding in found if not verdict.counts(finding)], MOST, outcome)
    return "".join(lines).encode("utf-8", "backslashreplace")


def _commands(level: str, findings: list[Finding], most: int, outcome: Outcome) -> Iterator[str]:
    """Yields the commands of at most so many findings; the last one says how many more there are."""
    shown = findings if len(findings) <= most else findings[: most - 1]
    for finding in shown:
        yield _annotation(level, finding, outcome)
    if len(shown) < len(findings):
        more = counted(len(findings) - len(shown), "finding")
        yield _command(level, {"title": "vendorsim"}, f"{more} more: the reports have all of them")


def _annotation(level: str, finding: Finding, outcome: Outcome) -> str:
    own = own_place(outcome.configured_at)
    where = f" at {finding.pointer}" if finding.pointer else ""
    known = "known error: " if finding.severity == ERROR and level != "error" else ""
    text = (
        f"{known}{finding.message}\n"
        f"expected {finding.expected}, found {finding.found}{where}\n"
        f"remedy: {finding.remedy}\n"
        f"reproduce: {finding.reproduce}"
    )
    properties = {"title": f"vendorsim: {finding.check}"}
    if own is not None and own.path is not None:
        properties = {"file": own.path, "line": str(own.line), **properties}
    return _command(level, properties, text)


def _command(level: str, properties: dict[str, str], message: str) -> str:
    """Returns a workflow command. What a target answers can't begin another one: line breaks are escaped."""
    written = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    return f"::{level} {written}::{_escaped(message)}\n"


def _escaped(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return visible(text)
