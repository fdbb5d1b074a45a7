"""A run of checks as Markdown, for the summary of a CI job or a comment: the verdict, the families, the findings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from vendorsim.checks.model import FAILED, NOT_JUDGED, PASSED, SKIPPED, Finding, Verdict
from vendorsim.reporting.outcome import Group, Outcome, compared, details, groups, tally, to_fix, why, word
from vendorsim.reporting.text import counted, one_line

# GitHub takes 1 MiB per step; nobody reads more than this.
MOST_FINDINGS = 50
LONGEST = 2_000
_MARK = {"passed": "✅", "failed": "❌"}
# What Markdown or HTML could take for markup, also in a table: `@` begins a mention, `:` may end the scheme of a link.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@]|:(?=//|\w+:))")


def render(outcome: Outcome) -> bytes:
    """Returns the document in UTF-8."""
    return "\n".join(_lines(outcome)).encode("utf-8", "backslashreplace")


def _lines(outcome: Outcome) -> Iterator[str]:
    verdict = outcome.verdict
    ended = word(verdict)
    yield f"## {_MARK.get(ended, '⚠️')} vendorsim: {ended}\n"
    counts = ", ".join(f"{count} {name}" for count, name in tally(verdict))
    seconds = (outcome.ended - outcome.began) / 1000
    yield f"{_text(verdict.vendor)} ({_text(verdict.profile)}) to {_code(verdict.target)}: {counts}; {seconds:.0f} s\n"
    if (reason := why(verdict)) is not None:
        yield f"{_text(reason)}\n"
    if verdict.against is not None:
        yield f"Against {_code(verdict.against.file)}: {compared(verdict.against)}\n"
    yield from _families(verdict)
    yield from _findings(verdict)


def _families(verdict: Verdict) -> Iterator[str]:
    yield "| family | passed | failed | not judged | skipped |"
    yield "|---|---:|---:|---:|---:|"
    for family, results in groupby(verdict.results, key=lambda result: result.check.family):
        counted_by = Counter(result.status for result in results)
        cells = (str(counted_by[status] or "") for status in (PASSED, FAILED, NOT_JUDGED, SKIPPED))
        yield f"| {_text(family)} | {' | '.join(cells)} |"
    yield ""


def _findings(verdict: Verdict) -> Iterator[str]:
    found = [(group, finding) for group in groups(verdict) for finding in group.findings]
    if not found:
        return
    yield f"### {to_fix(verdict) or counted(len(found), 'warning')}\n"
    for group, finding in found[:MOST_FINDINGS]:
        yield from _finding(verdict, group, finding)
    if len(found) > MOST_FINDINGS:
        yield f"And {counted(len(found) - MOST_FINDINGS, 'finding')} more: the other reports have all of them.\n"


def _finding(verdict: Verdict, group: Group, finding: Finding) -> Iterator[str]:
    known = {None: "", True: " (new)", False: " (still there)"}[verdict.is_new(finding)]
    event = "" if finding.event is None else f" <code>{_html(finding.event)}</code>"
    title = f"<b>{group.severity}</b> <code>{finding.check}</code>{event} {_html(finding.message)}{known}"
    yield f"<details>\n<summary>{title}</summary>\n"
    for line in details(finding):
        yield f"* {_text(line)}"
    yield f"* why: {_text(finding.statement.value)} ({finding.statement.provenance}: {_text(finding.statement.source)})"
    yield f"* remedy: {_text(finding.remedy)}\n"
    yield f"{_block(finding.reproduce)}\n"
    yield "</details>\n"


def _text(text: str) -> str:
    """Returns the text on one line, with all markup escaped."""
    return _MARKUP.sub(r"\\\1", _short(text))


def _html(text: str) -> str:
    """Returns the text for an HTML element inside Markdown."""
    escaped = _short(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"[\\`*_\[\]()!~@:|]", lambda found: f"&#{ord(found[0])};", escaped)


def _code(text: str) -> str:
    """Returns the text as code, with a fence that is longer than any row of backticks in it."""
    shown = _short(text)
    fence = "`" * (1 + max((len(row) for row in re.findall("`+", shown)), default=0))
    space = " " if "`" in shown else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _block(text: str) -> str:
    shown = one_line(text)
    fence = "`" * max(3, 1 + max((len(row) for row in re.findall("`+", shown)), default=0))
    return f"{fence}sh\n{shown}\n{fence}"


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"
