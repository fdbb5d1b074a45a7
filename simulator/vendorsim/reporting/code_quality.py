"""The findings of a run of checks as a code quality report, as GitLab shows it in merge requests.

It is a list of findings alone: a run that could not judge what it should has none, so CI needs the exit code, too.
"""

from __future__ import annotations

from typing import Any

import orjson

from vendorsim.checks.model import Finding
from vendorsim.reporting.contract_places import place as contract_place
from vendorsim.reporting.outcome import Outcome
from vendorsim.reporting.own_places import own_place
from vendorsim.reporting.text import encodable, one_line
from vendorsim.vendorkit import contract as contracts


def render(outcome: Outcome) -> bytes:
    """Returns the document in UTF-8."""
    found = [_issue(outcome, finding) for finding in outcome.verdict.findings]
    return orjson.dumps(encodable(found), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _issue(outcome: Outcome, finding: Finding) -> dict[str, Any]:
    summary = f"{finding.message}: expected {finding.expected}, found {finding.found}"
    where = f" at {finding.pointer}" if finding.pointer else ""
    path, line = _place(outcome, finding)
    return {
        "description": one_line(f"{summary}{where}. Reproduce: {finding.reproduce}"),
        "check_name": f"vendorsim.{finding.check}",
        "fingerprint": finding.key,
        "severity": "major" if outcome.verdict.counts(finding) else "minor",
        "location": {"path": path, "lines": {"begin": line}},
    }


def _place(outcome: Outcome, finding: Finding) -> tuple[str, int]:
    """Returns file and line: the target in vendorsim.yaml, or else the line of the contract."""
    own = own_place(outcome.configured_at)
    if own is not None and own.path is not None:
        return own.path, own.line
    verdict = outcome.verdict
    folder = contracts.contract(verdict.vendor, verdict.profile).folder
    found = contract_place(folder, finding.event, finding.pointer)
    return f"contracts/{verdict.vendor}/{folder.name}/{found.file}", found.line
