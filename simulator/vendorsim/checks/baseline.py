"""Compares the findings of a run with those of an earlier report, by their keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct

from vendorsim.checks.model import FAILED, PASSED, Against, PastFinding, Result
from vendorsim.core.errors import InputError


class Baseline(Struct, frozen=True):
    """An earlier report: its file, and its findings."""

    file: str
    findings: tuple[PastFinding, ...]

    def compare(self, results: Sequence[Result], takes: Callable[[Result, str], bool]) -> Against:
        """Compares the results of a run with the report. `takes` says whether the run judged an event in a check.

        A merged finding is new if one of its parts is. A finding of the report is fixed if it is gone although its
        check was judged to the end, with its event.
        """
        known = frozenset(key for past in self.findings for key in past.all_keys)
        current = [finding for result in results for finding in result.findings]
        found = frozenset(key for finding in current for key in finding.all_keys)
        new = [finding for finding in current if not known.issuperset(finding.keys or (finding.key,))]
        gone = [past for past in self.findings if found.isdisjoint(past.all_keys)]
        by_check = {result.check.id: result for result in results}
        fixed = [past for past in gone if _was_judged(past, by_check.get(past.check), takes)]
        return Against(
            self.file,
            new=tuple(finding.key for finding in new),
            still=tuple(finding.key for finding in current if finding not in new),
            fixed=tuple(fixed),
            not_judged=tuple(past for past in gone if past not in fixed),
        )


def _was_judged(past: PastFinding, result: Result | None, takes: Callable[[Result, str], bool]) -> bool:
    if result is None or (past.event is not None and not takes(result, past.event)):
        return False
    # A failed check with a reason ended early.
    return result.status == PASSED or (result.status == FAILED and result.reason is None)


def read_baseline(path: str, vendor: str) -> Baseline:
    """Reads a report that `vendorsim check --json` wrote. Raises InputError, also for a report of another vendor."""
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"--baseline {path}: can't be read: {reason}") from None
    if not data.strip():
        raise InputError(f"--baseline {path}: the file is empty; write the new report to another file")
    try:
        return baseline_of(path, orjson.loads(data), vendor)
    except (orjson.JSONDecodeError, LookupError, TypeError):
        raise InputError(f"--baseline {path}: this is no report of vendorsim check --json") from None
    except InputError as error:
        raise InputError(f"--baseline {path}: {error}") from None


def baseline_of(name: str, document: Any, vendor: str) -> Baseline:
    """Returns the report of that name, a document of `vendorsim check --json`, for a comparison.

    Raises InputError for a report of another vendor, and LookupError or TypeError for a document that is no report.
    """
    findings = tuple(_past(entry) for entry in document["findings"])
    if (of_vendor := str(document["vendor"])) != vendor:
        raise InputError(f"the report is about {of_vendor}, not {vendor}")
    return Baseline(name, findings)


def _past(entry: Any) -> PastFinding:
    return PastFinding(
        check=str(entry["check"]),
        event=entry["event"],
        severity=str(entry["severity"]),
        message=str(entry["message"]),
        key=str(entry["key"]),
        keys=tuple(map(str, entry.get("keys", ()))),
    )
