"""A run of checks as one self-contained HTML file, for phones and desktops."""

from __future__ import annotations

import base64
import hashlib
from itertools import groupby

from markupsafe import Markup

from vendorsim.checks.model import Finding, Result, Verdict
from vendorsim.core.times import iso
from vendorsim.core.version import __version__
from vendorsim.reporting.covered import totals
from vendorsim.reporting.html_page import page, source
from vendorsim.reporting.outcome import Outcome, compared, groups, tally, to_fix, why, word

# Sign and name of each state of a cell in the matrix.
_SIGNS = {
    "passed": ("✓", "passed"),
    "error": ("✗", "failed"),
    "warning": ("!", "warning"),
    "": ("·", "not tried"),
}


def render(outcome: Outcome) -> bytes:
    """Returns the document in UTF-8. It is self-contained, and its Content-Security-Policy forbids any fetch."""
    verdict = outcome.verdict
    script = source("check.js")
    return page(
        "check.html",
        "check.css",
        verdict=verdict,
        word=word(verdict),
        why=why(verdict),
        to_fix=to_fix(verdict),
        tally=tally(verdict),
        compared=None if verdict.against is None else compared(verdict.against),
        began=iso(outcome.began),
        took=f"{(outcome.ended - outcome.began) / 1000:.1f} s",
        seconds=outcome.seconds,
        version=__version__,
        events=list(verdict.coverage["fields"]),
        families=_families(verdict),
        groups=groups(verdict),
        totals=totals(verdict.coverage),
        coverage=verdict.coverage,
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        cell=_cell,
    )


def _families(verdict: Verdict) -> list[tuple[str, list[Result]]]:
    return [
        (family, list(results)) for family, results in groupby(verdict.results, key=lambda result: result.check.family)
    ]


def _cell(result: Result, event: str) -> dict[str, str]:
    """Returns one cell of the matrix: its state, sign and name, and the key of the finding that it links to."""
    state = result.cells.get(event, "")
    sign, name = _SIGNS[state]
    return {"state": state or "untried", "sign": sign, "name": name, "key": _first(result.findings, event, state)}


def _first(findings: list[Finding], event: str, state: str) -> str:
    """Returns the key of the finding that explains a cell.

    A finding covers all events with the same cause, so it may name another event.
    """
    candidates = [finding for finding in findings if finding.severity == state]
    named = [finding for finding in candidates if finding.event == event]
    return next((finding.key for finding in named or candidates), "")
