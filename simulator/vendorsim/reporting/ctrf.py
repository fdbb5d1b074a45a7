"""A run of checks as CTRF (Common Test Report Format, ctrf.io), specification 1.0.0: a test per check.

CTRF knows no warnings: a check with warnings alone has passed, and its warnings are in `extra`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from vendorsim.checks.model import FAILED, NOT_JUDGED, PASSED, SKIPPED, Finding, Result
from vendorsim.core.times import iso
from vendorsim.core.version import __version__
from vendorsim.reporting.outcome import Outcome, shortfall, why
from vendorsim.reporting.own_places import own_place
from vendorsim.reporting.text import counted, encodable, visible

_SPECIFICATION = "1.0.0"
_STATUS = {PASSED: "passed", FAILED: "failed", NOT_JUDGED: "skipped", SKIPPED: "skipped"}


def render(outcome: Outcome) -> bytes:
    """Returns the document in UTF-8."""
    verdict = outcome.verdict
    tests = [_test(result, outcome) for result in verdict.results]
    reason = why(verdict)
    if reason is not None:
        # Without it, a run that could not judge what it should would look like one with skipped tests.
        tests.append(
            {
                "name": f"vendorsim {verdict.vendor}: the run",
                "status": "failed",
                "duration": 0,
                "rawStatus": shortfall(verdict),
                "message": visible(reason),
                "suite": [verdict.vendor],
            }
        )
    counts = Counter(test["status"] for test in tests)
    document = {
        "reportFormat": "CTRF",
        "specVersion": _SPECIFICATION,
        "timestamp": iso(outcome.ended),
        "generatedBy": "vendorsim",
        "results": {
            "tool": {"name": "vendorsim", "version": __version__},
            "summary": {
                "tests": len(tests),
                **{status: counts[status] for status in ("passed", "failed", "skipped", "pending", "other")},
                "start": outcome.began,
                "stop": outcome.ended,
                "duration": outcome.ended - outcome.began,
            },
            "tests": tests,
            "environment": {
                "appName": verdict.target,
                "extra": {
                    "vendorsim/run": {"vendor": verdict.vendor, "profile": verdict.profile, "seed": verdict.seed}
                },
            },
        },
    }
    return orjson.dumps(encodable(document), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _test(result: Result, outcome: Outcome) -> dict[str, Any]:
    verdict, check = outcome.verdict, result.check
    errors = [finding for finding in result.findings if verdict.counts(finding)]
    others = [finding for finding in result.findings if not verdict.counts(finding)]
    test: dict[str, Any] = {
        "name": check.id,
        "status": _status(result, errors, outcome),
        "rawStatus": result.status,
        "duration": round(outcome.seconds.get(check.id, 0.0) * 1000),
        "suite": [verdict.vendor, check.family],
        "type": "contract",
        "tags": [check.family],
    }
    own = own_place(outcome.configured_at)
    if own is not None and own.path is not None:
        test |= {"filePath": own.path, "line": own.line}
    if errors:
        more = f" (and {counted(len(errors) - 1, 'finding')} more)" if len(errors) > 1 else ""
        test |= {"message": visible(errors[0].message) + more, "trace": "\n\n".join(map(_text, errors))}
    elif result.reason is not None:
        test["message"] = visible(result.reason)
    if others:
        test["extra"] = {"vendorsim/warnings": [_text(finding) for finding in others]}
    return test


def _status(result: Result, errors: list[Finding], outcome: Outcome) -> str:
    """Returns the status: a check that failed has passed if all its errors are known from the baseline."""
    known = any(outcome.verdict.is_new(finding) is False for finding in result.findings)
    return "passed" if result.status == FAILED and not errors and known else _STATUS[result.status]


def _text(finding: Finding) -> str:
    where = f" at {finding.pointer}" if finding.pointer else ""
    return visible(
        f"{finding.severity}: {finding.message}\n"
        f"expected {finding.expected}, found {finding.found}{where}\n"
        f"remedy: {finding.remedy}\n"
        f"reproduce: {finding.reproduce}"
    )
