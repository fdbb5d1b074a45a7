"""A run of checks as JUnit XML, as Jenkins and GitLab read it: a suite per family, a test case per check."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from itertools import groupby
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from vendorsim.checks.model import ERROR, FAILED, NOT_JUDGED, SKIPPED, Against, Finding, Result, Verdict
from vendorsim.core.times import iso
from vendorsim.core.version import __version__
from vendorsim.reporting.outcome import Outcome, compared, shortfall, why
from vendorsim.reporting.text import counted, one_line, visible

# Maximum findings per check, because CI servers keep these texts in memory.
MOST_FINDINGS = 20
# Maximum findings per check with request and answer.
MOST_EXCHANGES = 5


def render(outcome: Outcome) -> bytes:
    """Returns the document in UTF-8."""
    root = Element("testsuites", {"name": f"vendorsim {outcome.verdict.vendor}"})
    for family, results in groupby(outcome.verdict.results, key=lambda result: result.check.family):
        _add_suite(root, family, list(results), outcome)
    if why(outcome.verdict) is not None:
        _add_broken_run(root, outcome)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", _time(sum(outcome.seconds.values())))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _add_suite(root: Element, family: str, results: Sequence[Result], outcome: Outcome) -> None:
    verdict = outcome.verdict
    suite = SubElement(
        root,
        "testsuite",
        {
            "name": f"vendorsim.{verdict.vendor}.{family}",
            "tests": str(len(results)),
            "errors": "0",
            "timestamp": iso(outcome.began),
            "time": _time(sum(outcome.seconds.get(result.check.id, 0.0) for result in results)),
        },
    )
    _add_properties(suite, verdict)
    for result in results:
        _add_case(suite, result, outcome)
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def _add_properties(suite: Element, verdict: Verdict) -> None:
    properties = SubElement(suite, "properties")
    values = {
        "vendor": verdict.vendor,
        "profile": verdict.profile,
        "target": verdict.target,
        "seed": str(verdict.seed),
        "vendorsim": __version__,
        "Faker": version("Faker"),
    }
    if verdict.against is not None:
        values |= _comparison(verdict.against)
    for name, value in values.items():
        SubElement(properties, "property", {"name": name, "value": one_line(value)})


def _comparison(against: Against) -> dict[str, str]:
    fixed = "; ".join(f"{finding.check} {finding.key}: {finding.message}" for finding in against.fixed)
    return {"baseline": against.file, "against": compared(against), **({"fixed": fixed} if fixed else {})}


def _add_case(suite: Element, result: Result, outcome: Outcome) -> None:
    check = result.check
    seconds = outcome.seconds.get(check.id, 0.0)
    name = f"vendorsim.{outcome.verdict.vendor}.{check.family}"
    case = SubElement(suite, "testcase", {"classname": name, "name": check.id, "time": _time(seconds)})
    verdict = outcome.verdict
    errors = [finding for finding in result.findings if verdict.counts(finding)]
    warnings = [finding for finding in result.findings if not verdict.counts(finding)]
    if errors or (result.status == FAILED and not any(finding.severity == ERROR for finding in warnings)):
        # With all its errors lowered to warnings, a check still fails if the integration stopped answering.
        errors, warnings = (errors, warnings) if errors else (warnings, [])
        more = f" (and {counted(len(errors) - 1, 'finding')} more)" if len(errors) > 1 else ""
        message = errors[0].message if errors else f"fails {result.reason}"
        attributes = {"type": check.id, "message": one_line(message) + more}
        SubElement(case, "failure", attributes).text = _findings_text(errors, verdict)
    elif result.status in (SKIPPED, NOT_JUDGED):
        reason = result.reason or "no reason is known"
        SubElement(case, "skipped", {"message": one_line(f"{result.status.replace('_', ' ')}: {reason}")})
    if warnings:
        SubElement(case, "system-out").text = f"{_title(warnings)}\n\n{_findings_text(warnings, verdict)}"


def _title(findings: Sequence[Finding]) -> str:
    """Returns the title of findings that don't fail the run: warnings, and errors that the baseline has too."""
    known = sum(finding.severity == ERROR for finding in findings)
    parts = [counted(known, "known error")] if known else []
    parts += [counted(len(findings) - known, "warning")] if len(findings) > known else []
    return ", ".join(parts)


def _add_broken_run(root: Element, outcome: Outcome) -> None:
    """Adds an error for a run that did not judge all that it should; otherwise checks would only look skipped."""
    name = f"vendorsim.{outcome.verdict.vendor}.run"
    suite = SubElement(
        root, "testsuite", {"name": name, "tests": "1", "failures": "0", "errors": "1", "skipped": "0", "time": "0.000"}
    )
    case = SubElement(suite, "testcase", {"classname": name, "name": "run", "time": "0.000"})
    SubElement(case, "error", {"type": shortfall(outcome.verdict), "message": one_line(why(outcome.verdict) or "")})


def _findings_text(findings: Sequence[Finding], verdict: Verdict) -> str:
    parts = [
        _finding_text(finding, number < MOST_EXCHANGES, verdict.is_new(finding))
        for number, finding in enumerate(findings[:MOST_FINDINGS])
    ]
    more = len(findings) - MOST_FINDINGS
    parts += [f"and {counted(more, 'finding')} more, which the HTML and JSON reports have\n"] if more > 0 else []
    return "\n".join(parts)


def _finding_text(finding: Finding, with_exchange: bool, is_new: bool | None) -> str:
    statement = finding.statement
    lines = {
        "event": finding.event,
        "at": finding.pointer,
        "expected": finding.expected,
        "found": finding.found,
        "also different": ", ".join(difference.pointer for difference in finding.differences[1:]),
        "cases": str(finding.count),
        "why": f"{statement.value} ({statement.provenance}: {statement.source})",
        "remedy": finding.remedy,
        "reproduce": finding.reproduce,
        "key": finding.key,
        "against the baseline": {None: "", True: "new", False: "still there"}[is_new],
    }
    text = f"{finding.severity}: {one_line(finding.message)}\n"
    text += "".join(f"  {name}: {one_line(value)}\n" for name, value in lines.items() if value)
    for name, exchanged in (("request", finding.request), ("answer", finding.answer)):
        if with_exchange and exchanged:
            block = visible(exchanged).rstrip().replace("\n", "\n    ")
            text += f"  {name}:\n    {block}\n"
    return text


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"
