"""A drift report as files: HTML, SARIF and JUnit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import orjson

from vendorsim.core.errors import InputError
from vendorsim.core.version import __version__
from vendorsim.reporting.drift_terminal import place_text
from vendorsim.reporting.text import encodable, one_line, visible
from vendorsim.vendorkit.deviations import MEANINGS, DeviationClass, FailOn

if TYPE_CHECKING:
    from vendorsim.captures.drift_report import DriftFinding, DriftReport

Write = Callable[["DriftReport", FailOn], None]


@contextmanager
def drift_files(paths: Mapping[str, str | None]) -> Iterator[Write]:
    """Opens the files of a report by format, before anything is read, and gives the function that fills them.

    Raises InputError for a file that can't be written, and for one that is named twice.
    """
    taken: dict[str, str] = {}
    with ExitStack() as stack:
        opened: dict[str, BinaryIO] = {}
        for name, path in paths.items():
            if path is None:
                continue
            other = taken.setdefault(os.path.realpath(path), name)
            if other != name:
                raise InputError(f"--{name} {path}: --{other} writes to the same file; name another")
            try:
                opened[name] = stack.enter_context(open(path, "wb"))
            except (OSError, ValueError) as error:
                raise InputError(f"--{name} {path}: can't be written: {error}") from None

        def write(found: DriftReport, fail_on: FailOn) -> None:
            for name, stream in opened.items():
                stream.write(_RENDERERS[name](found, fail_on))

        yield write


def html(found: DriftReport, fail_on: FailOn) -> bytes:
    """Returns a self-contained page without a script, in UTF-8."""
    # Imported here: most reports are not HTML.
    from vendorsim.reporting.html_page import page

    return page(
        "drift.html",
        report=found,
        failing={each.key for each in found.failing(fail_on)},
        place=place_text,
        version=__version__,
    )


def junit(found: DriftReport, fail_on: FailOn) -> bytes:
    """Returns JUnit XML: a suite per event, a test case per finding; a suite without findings has one case."""
    name = f"vendorsim.{found.vendor}.drift"
    root = Element("testsuites", {"name": f"vendorsim {found.vendor} drift"})
    by_event = groupby(sorted(found.findings, key=_event), key=_event)
    suites = {event: list(findings) for event, findings in by_event}
    for event in dict.fromkeys([*(row.name for row in found.events), *suites]):
        findings = suites.get(event, [])
        suite = SubElement(root, "testsuite", {"name": f"{name}.{event}", "errors": "0"})
        for each in findings:
            attributes = {"classname": f"{name}.{event}", "name": one_line(f"{each.kind} {each.field}".strip())}
            case = SubElement(suite, "testcase", attributes)
            text = _text(each)
            if fail_on.fails(DeviationClass(each.kind), breaking=each.breaking):
                SubElement(case, "failure", {"type": each.kind, "message": one_line(each.message)}).text = text
            else:
                SubElement(case, "system-out").text = text
        if not findings:
            SubElement(suite, "testcase", {"classname": f"{name}.{event}", "name": "no drift"})
        suite.set("tests", str(len(suite.findall("testcase"))))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
    for counted in ("tests", "failures", "errors"):
        root.set(counted, str(sum(int(suite.get(counted, "0")) for suite in root)))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'.encode()


def _event(found: DriftFinding) -> str:
    return found.event or "capture"


def _text(found: DriftFinding) -> str:
    lines = {
        "where": "; ".join(map(place_text, found.places)),
        "contract": found.contract,
        "seen": found.seen,
        "count": f"{found.count} of {found.of}{', which is few' if found.weak else ''}",
        "first": f"{found.example.place}: {found.example.shape}",
        "known from": f"{found.provenance}: {found.source}" if found.provenance else "",
    }
    body = "".join(f"  {name}: {one_line(value)}\n" for name, value in lines.items() if value)
    return visible(f"{one_line(found.message)}\n{body}")


def sarif(found: DriftReport, fail_on: FailOn) -> bytes:
    """Returns SARIF 2.1.0: a rule per class, a result per finding, at the place of the capture where it was first."""
    rules = [
        {
            "id": f"drift.{each.value}",
            "shortDescription": {"text": MEANINGS[each]},
            "help": {"text": "Compare with 'vendorsim capture drift'; --propose writes a profile that has it."},
            "defaultConfiguration": {"level": "error"},
        }
        for each in DeviationClass
    ]
    index = {each.value: number for number, each in enumerate(DeviationClass)}
    results = [_result(each, index[each.kind], found, fail_on) for each in found.findings]
    tool = {"name": "vendorsim", "version": __version__, "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": tool},
        "automationDetails": {"id": f"vendorsim/drift/{found.vendor}/{found.profile}/"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    log = {"$schema": schema, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(encodable(log), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _result(found: DriftFinding, rule: int, report: DriftReport, fail_on: FailOn) -> dict[str, Any]:
    file, line = _file_and_line(found.example.place)
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(file)}}
    if line is not None:
        physical["region"] = {"startLine": line}
    logical = [
        {
            "name": each.event or report.vendor,
            "fullyQualifiedName": f"{report.vendor}/{each.event or ''}{each.field}",
            "kind": "event",
        }
        for each in found.places
    ]
    fails = fail_on.fails(DeviationClass(found.kind), breaking=found.breaking)
    return {
        "ruleId": f"drift.{found.kind}",
        "ruleIndex": rule,
        "level": "error" if fails else "note",
        "message": {"text": _text(found).replace("](", "\\](")},
        "locations": [{"physicalLocation": physical, "logicalLocations": logical}],
        "partialFingerprints": {"vendorsimKey/v1": found.key},
        "occurrenceCount": found.count,
    }


def _file_and_line(place: str) -> tuple[str, int | None]:
    """The file of a place such as `hooks.jsonl:12` or `hooks.har#3`, and its line if it has one."""
    file, colon, line = place.rpartition(":")
    if colon and line.isdecimal():
        return file, int(line)
    return place.rpartition("#")[0] or place.rpartition("[")[0] or place, None


_RENDERERS: Mapping[str, Callable[[DriftReport, FailOn], bytes]] = {"html": html, "sarif": sarif, "junit": junit}
