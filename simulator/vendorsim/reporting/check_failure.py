"""Why a run of checks did not pass, as the message of a failed test: the verdict first, then the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from vendorsim.checks.model import ERROR, Finding, Verdict
from vendorsim.reporting.outcome import Group, details, groups, tally, why, word
from vendorsim.reporting.text import counted, one_line, wrapped

# Maximum findings in a message, and of one check; the errors come first.
MOST_FINDINGS = 12
MOST_OF_ONE_CHECK = 3


def failure_text(verdict: Verdict, missing: Mapping[str, str], again: str | None) -> str:
    """Returns the message, in lines of 100 columns at most, except for commands.

    `missing` are the required checks that were not judged, with the reasons. `again` is the command that repeats the
    test.
    """
    return "\n".join(_lines(verdict, missing, again))


def _lines(verdict: Verdict, missing: Mapping[str, str], again: str | None) -> Iterator[str]:
    counts = ", ".join(f"{count} {name}" for count, name in tally(verdict)) or "no check was selected"
    ended = "incomplete" if missing and not verdict.exit_code else word(verdict)
    reason = why(verdict)
    yield from wrapped(f"{ended}{f' ({reason})' if reason else ''}: {counts}")
    yield from wrapped(f"{verdict.vendor} ({verdict.profile}) against {verdict.target}, seed {verdict.seed}")
    for name, unjudged in missing.items():
        yield from wrapped(f"required, but not judged: {name}: {one_line(unjudged)}")
    if not verdict.findings:
        for result in verdict.results:
            if result.reason:
                yield from wrapped(
                    f"{result.status.replace('_', ' ')}: {result.check.id}: {one_line(result.reason)}", hang=2
                )
    shown: list[Finding] = []
    for group in groups(verdict):
        findings = group.findings[: min(MOST_OF_ONE_CHECK, MOST_FINDINGS - len(shown))]
        if findings:
            shown += findings
            yield ""
            yield from _group_lines(group, findings)
    yield from _rest(verdict, shown)
    if again is not None:
        yield ""
        yield f"run it again: {again}"


def _group_lines(group: Group, findings: tuple[Finding, ...]) -> Iterator[str]:
    check = group.result.check
    statement = group.statement
    yield f"{group.severity} {check.id}: {counted(len(group.findings), 'finding')}"
    yield from wrapped(f"{statement.value} ({statement.provenance}: {statement.source})", 2)
    yield from wrapped(f"remedy: {group.remedy}", 2)
    for finding in findings:
        cases = f" ({finding.count} cases)" if finding.count > 1 else ""
        yield from wrapped(f"- {one_line(finding.message)}{cases}", 2, hang=2)
        for line in details(finding):
            yield from wrapped(one_line(line), 4, hang=2)
        if finding.remedy != group.remedy:
            yield from wrapped(f"remedy: {finding.remedy}", 4, hang=2)
        yield f"    reproduce: {one_line(finding.reproduce)}"


def _rest(verdict: Verdict, shown: list[Finding]) -> Iterator[str]:
    """Says how many findings are not shown, and of which checks."""
    keys = {(finding.check, finding.key) for finding in shown}
    rest = [finding for finding in verdict.findings if (finding.check, finding.key) not in keys]
    if rest:
        errors = sum(finding.severity == ERROR for finding in rest)
        kinds = ", ".join(f"{check} {count}" for check, count in Counter(one.check for one in rest).items())
        yield ""
        yield from wrapped(f"and {counted(len(rest), 'more finding')} ({counted(errors, 'error')}): {kinds}", hang=2)
