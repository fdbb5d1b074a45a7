"""A run of checks as SARIF 2.1.0 (OASIS), as GitHub's code scanning reads it.

There is a rule per check, and a result per finding. A result points at the user's own line where there is one, which
code scanning can show; else at the line of the contract.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson

from vendorsim.checks.model import ERROR, Check, Finding, Verdict
from vendorsim.core.times import iso
from vendorsim.core.version import __version__
from vendorsim.reporting.contract_places import place as contract_place
from vendorsim.reporting.outcome import Outcome, shortfall, why, word
from vendorsim.reporting.own_places import OwnPlace, own_place
from vendorsim.reporting.text import encodable, visible
from vendorsim.vendorkit import contract as contracts

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# Stands for the folder that holds `contracts/`; the reader of the file resolves it.
_BASE = "VENDORSIM"
# Stands for the user's repository, by the name that GitHub and GitLab resolve to its root.
_SOURCES = "%SRCROOT%"
_CONTRACT = "The contract describes the field here."


def render(outcome: Outcome) -> bytes:
    """Returns the document in UTF-8."""
    verdict = outcome.verdict
    checks = [result.check for result in verdict.results]
    index = {check.id: number for number, check in enumerate(checks)}
    run = {
        "tool": {
            "driver": {
                "name": "vendorsim",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(check) for check in checks],
            }
        },
        "invocations": [_invocation(outcome)],
        "originalUriBaseIds": {
            _BASE: {"description": {"text": "The folder that holds vendorsim's contracts."}},
            _SOURCES: {"description": {"text": "The root of the repository with vendorsim.yaml."}},
        },
        "automationDetails": {"id": f"vendorsim/{verdict.vendor}/{verdict.profile}/"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(outcome, finding, index[finding.check]) for finding in verdict.findings],
        "properties": {
            "vendor": verdict.vendor,
            "profile": verdict.profile,
            "target": verdict.target,
            "seed": verdict.seed,
            "coverage": verdict.coverage,
        },
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(encodable(log), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _rule(check: Check) -> dict[str, Any]:
    statement = check.statement
    return {
        "id": check.id,
        "shortDescription": {"text": statement.value},
        "fullDescription": {"text": f"{statement.value} ({statement.provenance}: {statement.source})"},
        "help": {"text": check.remedy},
        "defaultConfiguration": {"level": check.severity},
        "properties": {"tags": [check.family], "provenance": statement.provenance, "source": statement.source},
    }


def _result(outcome: Outcome, finding: Finding, rule: int) -> dict[str, Any]:
    contract = _contract_location(outcome.verdict, finding)
    place = own_place(outcome.configured_at)
    own = None if place is None else _own_location(place)
    summary = f"{finding.message}: expected {finding.expected}, found {finding.found}"
    where = f" at {finding.pointer}" if finding.pointer else ""
    is_new = outcome.verdict.is_new(finding)
    return {
        "ruleId": finding.check,
        "ruleIndex": rule,
        "level": "error" if finding.severity == ERROR else "warning",
        "message": {"text": _text(f"{summary}{where}.\nReproduce: {finding.reproduce}")},
        "locations": [contract if own is None else {**contract, **own}],
        **({} if own is None else {"relatedLocations": [{**contract, "message": {"text": _CONTRACT}}]}),
        "partialFingerprints": {"vendorsimKey/v1": finding.key},
        "occurrenceCount": finding.count,
        **({} if is_new is None else {"baselineState": "new" if is_new else "unchanged"}),
        "properties": {
            "expected": finding.expected,
            "found": finding.found,
            "pointer": finding.pointer,
            "reproduce": finding.reproduce,
            "request": finding.request,
            "answer": finding.answer,
        },
    }


def _contract_location(verdict: Verdict, finding: Finding) -> dict[str, Any]:
    contract = contracts.contract(verdict.vendor, verdict.profile)
    found = contract_place(contract.folder, finding.event, finding.pointer)
    uri = quote(f"contracts/{verdict.vendor}/{contract.folder.name}/{found.file}")
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": _BASE},
            "region": {"startLine": found.line},
        }
    }
    if finding.event is not None:
        location["logicalLocations"] = [
            {
                "name": finding.event,
                "fullyQualifiedName": f"{verdict.vendor}/{finding.event}{finding.pointer}",
                "kind": "event",
            }
        ]
    return location


def _own_location(own: OwnPlace) -> dict[str, Any]:
    """Returns the line of the target in vendorsim.yaml."""
    artifact = {"uri": own.uri} if own.path is None else {"uri": own.uri, "uriBaseId": _SOURCES}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": own.line}}}


def _invocation(outcome: Outcome) -> dict[str, Any]:
    verdict = outcome.verdict
    notes = [
        {
            "level": "note",
            "message": {"text": _text(f"{result.check.id} was {result.status.replace('_', ' ')}: {result.reason}")},
            "associatedRule": {"id": result.check.id, "index": number},
        }
        for number, result in enumerate(verdict.results)
        if result.reason is not None
    ]
    reason = why(verdict)
    if reason is not None:
        notes.append({"level": "error", "message": {"text": _text(f"{shortfall(verdict)}: {reason}")}})
    return {
        "executionSuccessful": reason is None,
        "exitCode": verdict.exit_code,
        "exitCodeDescription": word(verdict),
        "startTimeUtc": iso(outcome.began),
        "endTimeUtc": iso(outcome.ended),
        "toolExecutionNotifications": notes,
    }


def _text(text: str) -> str:
    """Returns the text for a message, escaped so that SARIF viewers show `[a](b)` as text, not as a link."""
    return visible(text).replace("](", "\\](")
