"""The schemas of reports: the documents that `check --json`, `play --json` and `capture drift --json` print.

They are written here, since the program builds those documents by hand; a test holds real reports to them.
"""

from __future__ import annotations

from typing import Any

from vendorsim.checks.model import ERROR, FAILED, FAMILIES, NOT_JUDGED, PASSED, SKIPPED, WARNING
from vendorsim.core.provenance import PROVENANCES
from vendorsim.core.shapes import published
from vendorsim.delivery import records
from vendorsim.vendorkit.deviations import NAMES, DeviationClass

Schema = dict[str, Any]


def _text(description: str = "", *, null: bool = False) -> Schema:
    return _described({"type": ["string", "null"] if null else "string"}, description)


def _number(description: str = "", *, null: bool = False, kind: str = "integer") -> Schema:
    return _described({"type": [kind, "null"] if null else kind}, description)


def _flag(description: str = "") -> Schema:
    return _described({"type": "boolean"}, description)


def _one_of(*names: str, description: str = "") -> Schema:
    return _described({"enum": list(names)}, description)


def _list(items: Schema, description: str = "") -> Schema:
    return _described({"type": "array", "items": items}, description)


def _counts(description: str = "") -> Schema:
    return _described({"type": "object", "additionalProperties": {"type": "integer"}}, description)


def _by_name(values: Schema, description: str = "") -> Schema:
    return _described({"type": "object", "additionalProperties": values}, description)


def _object(description: str, optional: tuple[str, ...] = (), **properties: Schema) -> Schema:
    required = [name for name in properties if name not in optional]
    return _described(
        {"type": "object", "additionalProperties": False, "required": required, "properties": properties}, description
    )


def _described(schema: Schema, description: str) -> Schema:
    return schema | ({"description": description} if description else {})


def _or_null(schema: Schema) -> Schema:
    return _described({"anyOf": [schema, {"type": "null"}]}, schema.get("description", ""))


_POINTER = _text("JSON pointer; empty: the whole document")
_SEVERITY = _one_of(ERROR, WARNING)
_PAST = _object(
    "A finding of the earlier report",
    key=_text(),
    check=_text(),
    event=_text(null=True),
    severity=_SEVERITY,
    message=_text(),
)
_STATEMENT = _object(
    "What the check demands, and how that is known",
    text=_text(),
    provenance=_one_of(*PROVENANCES),
    source=_text("where it is written"),
)
_DIFFERENCE = _object("A place of the state that differs", pointer=_POINTER, expected=_text(), found=_text())
FINDING = _object(
    "One violation",
    ("new",),
    check=_text("The check that found it."),
    checks=_list(_text(), "All checks that show the same cause."),
    event=_text("The event of the request.", null=True),
    severity=_SEVERITY,
    message=_text("What is wrong, in one sentence."),
    expected=_text(),
    found=_text(),
    pointer=_POINTER,
    differences=_list(_DIFFERENCE, "All places of the state that differ."),
    reproduce=_text("The command that sends this case alone."),
    key=_text("The same in every run, with any seed."),
    keys=_list(_text(), "Those of findings that were merged into it."),
    count=_number("How many cases have this cause."),
    remedy=_text("What to change in the integration."),
    statement=_STATEMENT,
    request=_text("The request, cut off and without secrets.", null=True),
    answer=_text("The answer, cut off and without secrets.", null=True),
    new=_flag("With --baseline: whether the earlier report lacks it."),
)
_CHECK = _object(
    "The result of one check",
    ("seconds",),
    id=_text(),
    status=_one_of(PASSED, FAILED, NOT_JUDGED, SKIPPED),
    cases=_number("How many cases were sent."),
    reason=_text("Why it was not judged, or skipped.", null=True),
    seconds=_number("With --timings: how long it took.", kind="number"),
)
_PHASE = _object(
    "A part of the run, in seconds",
    phase=_text("The families that it is about."),
    seconds=_number("By the wall clock.", kind="number"),
    idle=_number("In which nothing was asked of the integration.", kind="number"),
    processor=_number("Processor time of vendorsim.", kind="number"),
    requests=_number("Deliveries."),
    reads=_number("How often the state was read."),
)
_EXERCISED = _object("", exercised=_counts(), not_exercised=_list(_text()))
_COVERAGE = _object(
    "What the run exercised of the contract",
    events=_object("", ("no_scenario",), exercised=_counts(), not_exercised=_list(_text()), no_scenario=_list(_text())),
    fields=_by_name({"type": "object"}, "By event."),
    values=_by_name({"type": "object"}, "By event."),
    answers=_EXERCISED,
    calls=_by_name(
        _counts(),
        "The integration's calls by operation: how often each answer was given; those that a check forced say so.",
    ),
)


def check_report() -> Schema:
    """The document of `vendorsim check --json`."""
    document = _object(
        "",
        ("timings",),
        vendor=_text(),
        profile=_text(),
        target=_text("The URL, without secrets."),
        seed=_number(),
        account=_number("The chosen id of the account.", null=True),
        inbox=_number("The chosen id of the inbox.", null=True),
        verdict=_one_of(
            "passed", "failed", "incomplete", description="failed, too, if the target was never reached, or on Ctrl-C."
        ),
        checks=_list(_CHECK, "Every check that was selected."),
        findings=_list(FINDING, "Errors and warnings."),
        coverage=_COVERAGE,
        interrupted=_flag("Whether Ctrl-C ended it."),
        reason=_text("Why the run could not judge what it should.", null=True),
        unmet=_list(
            _object(
                "What was asked for and not judged",
                asked_by=_text("The option or setting, such as --probe."),
                families=_list(_one_of(*FAMILIES)),
                reason=_text(),
            ),
            "What was asked for and not judged.",
        ),
        against=_or_null(
            _object(
                "With --baseline: the comparison with an earlier report.",
                file=_text(),
                new=_list(_text(), "Keys of new findings."),
                still=_list(_text(), "Keys of findings that are still there."),
                fixed=_list(_PAST),
                not_judged=_list(_PAST, "Findings whose checks this run did not judge."),
            )
        ),
        timings=_list(_PHASE, "With --timings: where the time went, phase by phase."),
    )
    return published("check-report-1", "vendorsim check report", "What vendorsim check --json prints", document)


_CONVERSATION = _described({"type": ["string", "integer"]}, "The id of the conversation.")
_OUTCOME = _one_of(records.AS_EXPECTED, records.MISSED, records.NOT_JUDGED)
_TIME = _text("UTC, such as 2026-01-05T09:00:00.000Z.")
_ATTEMPT = _object(
    "One attempt of one delivery",
    type=_one_of("attempt"),
    delivery=_text("The id of the delivery."),
    attempt=_number("Counts from 1."),
    copy=_number("Counts deliberate duplicates."),
    event_id=_text(),
    event=_text(),
    conversation=_CONVERSATION,
    caused_at=_TIME,
    at=_TIME,
    faults=_list(_text()),
    in_flight_with=_list(
        {"type": "object"}, "Attempts of the same conversation to the same target that overlapped with this one."
    ),
    target=_text("The URL, without secrets."),
    status=_number("Of the answer.", null=True),
    milliseconds=_number("From the first byte sent to the complete answer.", null=True, kind="number"),
    verdict=_one_of(
        records.DELIVERED,
        records.REJECTED,
        records.TIMED_OUT,
        records.BROKEN,
        records.UNREACHABLE,
        records.NOT_SENT,
        records.GIVEN_UP,
        records.DROPPED,
        records.SPOILED,
        records.LOST,
    ),
    final=_flag("Whether no retry follows."),
    reason=_text("Why it was not delivered.", null=True),
)
_ANSWERED = {"status": _number("Of the answer.", null=True), "message": _text("Of the answer.", null=True)}
_JUDGED = {"verdict": _OUTCOME, "reason": _text("Why it was missed, or not judged.", null=True)}
_EXPECTED_CALL = _object(
    "The outcome of a step `expect_call`",
    type=_one_of("expected_call"),
    conversation=_CONVERSATION,
    call=_text("The name of the call."),
    times=_text("How often it was expected."),
    count=_number("How often it came."),
    **_ANSWERED,
    **_JUDGED,
)
_AUTHENTICATION = _object(
    "The outcome of a step `authenticate`",
    type=_one_of("authentication"),
    conversation=_CONVERSATION,
    identifier=_text("The expected one.", null=True),
    **_ANSWERED,
    **_JUDGED,
)
_PROBE = _object(
    "The outcome of a step `probe`",
    type=_one_of("probe"),
    conversation=_CONVERSATION,
    expected=_by_name({}, "Values by JSON pointer."),
    **_JUDGED,
)
_CALL = _object(
    "A call of the integration, with --serve",
    type=_one_of("call"),
    at=_TIME,
    vendor=_text(),
    operation=_text(),
    method=_text(),
    path=_text(),
    comm_type=_text(),
    session=_text(),
    credentials=_text("Their kind, never the secret.", null=True),
    fields=_described({"type": ["object", "null"]}, ""),
    status=_number("Of the answer."),
    message=_text("Of the answer."),
    body=_text(null=True),
)
_EVENT = _object(
    "The totals of one kind of event",
    event=_text(),
    attempts=_number(),
    failed_attempts=_number("Those that the integration did not accept, though it should have."),
    retries=_number("Those that were sent."),
    retries_scheduled=_number("Those that were not sent yet."),
    faults=_counts(),
    verdicts=_counts(),
    statuses=_counts(),
    milliseconds=_object("", mean=_number(null=True, kind="number"), max=_number(null=True, kind="number")),
)
_SUMMARY = _object(
    "The last line: the totals",
    type=_one_of("summary"),
    scenario=_text("Its title."),
    vendor=_text(),
    profile=_text(),
    seed=_number(),
    start=_TIME,
    targets=_list(_text()),
    conversations=_object("", asked=_number(), started=_number()),
    delivered=_number(),
    failed=_number("Deliveries that failed for good."),
    failed_attempts=_number("Attempts that the integration did not accept, though it should have."),
    not_sent=_number("Deliveries of which nothing was sent, since the run ended before."),
    dropped=_number(),
    spoiled=_number(),
    lost=_number(),
    retries=_number("Those that were sent."),
    retries_scheduled=_number("Those that were not sent yet."),
    hook_pauses=_number(),
    hooks_switched_off=_number(),
    events=_list(_EVENT),
    authentications=_counts("By verdict."),
    probes=_counts("By verdict."),
    problems=_list(_text(), "The first reasons of steps that were not as expected."),
    expected_calls=_counts("By verdict."),
    verdict=_one_of("passed", "failed", "unreachable", "incomplete", "interrupted"),
    exit_code=_number(),
    reason=_text("Why the target could not be reached, or the state not read.", null=True),
)
LINES = {
    "attempt": _ATTEMPT,
    "expected_call": _EXPECTED_CALL,
    "authentication": _AUTHENTICATION,
    "probe": _PROBE,
    "call": _CALL,
    "summary": _SUMMARY,
}
"""The lines of `play --json`, by their `type`."""


def play_line() -> Schema:
    """One line of `vendorsim play --json`."""
    lines = {"oneOf": list(LINES.values())}
    return published("play-line-1", "vendorsim play line", "One line that vendorsim play --json prints", lines)


_PATH = _text("The path of a field; * stands for each item of a list. Empty: the whole body.")
_CLASS = _one_of(*(each.value for each in DeviationClass), description="What deviates.")
_FACT = _text("How what the contract says is known.", null=True)
_DRIFT_PLACE = _object(
    "A place of the same deviation", event=_text(null=True), field=_PATH, count=_number(), of=_number()
)
DRIFT_FINDING = _object(
    "One deviation of the capture from the contract",
    kind=_CLASS,
    breaking=_flag("Whether the contract forbids it."),
    event=_text("The event, if it is one event's.", null=True),
    field=_PATH,
    message=_text("What deviates, in one sentence."),
    contract=_text("What the contract says, in words."),
    seen=_text("What was seen, in words; never a value that may be personal."),
    count=_number("How many values or bodies deviate."),
    of=_number("Of how many."),
    weak=_flag("Whether it rests on few values."),
    example=_object(
        "The first of them",
        place=_text("Where it stands in the capture, such as hooks.jsonl:12."),
        shape=_text("What it looks like."),
    ),
    provenance=_FACT,
    source=_text("Where it is written.", null=True),
    places=_list(_DRIFT_PLACE, "All places of the same object of the contract; the first is the finding's own."),
    key=_text("The same in every capture."),
)
_DRIFT_FIELD = _object(
    "One field, contract beside what was seen",
    field=_PATH,
    contract=_text("What the contract says, in words; null: it does not describe the field.", null=True),
    provenance=_FACT,
    source=_text("Where it is written.", null=True),
    count=_number("How many values were seen."),
    of=_number("Of how many objects; null for the items of a list.", null=True),
    percent=_number("How many of these objects have the field.", null=True, kind="number"),
    nulls=_number("How many values are null."),
    types=_counts("Values by their JSON type."),
    shape=_text("What the values look like.", null=True),
    findings=_list(_CLASS, "The classes of findings at this field."),
    note=_text("What is no drift, but worth knowing.", null=True),
)
_DRIFT_EVENT = _object(
    "One event of the capture",
    name=_text(),
    known=_flag("Whether the contract has it."),
    bodies=_number(),
    broken=_number("How many of them break the contract."),
    first=_text("Where the first stands in the capture."),
    fields=_list(_DRIFT_FIELD, "Its fields, in the contract's order."),
)


def drift_report() -> Schema:
    """The document of `vendorsim capture drift --json`."""
    document = _object(
        "",
        vendor=_text(),
        profile=_text(),
        fits=_list(_text(), "The profiles that fit best, if the profile was chosen by that; else empty."),
        verdict=_one_of("passed", "failed"),
        fail_on=_list(_one_of(*NAMES), "The classes that fail."),
        totals=_object(
            "The capture",
            exchanges=_number(),
            webhooks=_number("What the vendor sent."),
            bodies=_number("Webhooks that were judged; retries count once."),
            broken=_number("Bodies that break the contract."),
            calls=_number("What the integration sent; not judged."),
            pairs=_number("Pairs of events whose order was judged."),
            attempts=_number("Attempts whose retries and times were judged."),
            began=_text("When the first webhook was sent (ISO 8601), if that is known.", null=True),
            ended=_text("When the last webhook was sent, if that is known.", null=True),
        ),
        findings=_list(DRIFT_FINDING, "Each cause once."),
        events=_list(_DRIFT_EVENT, "The events, in the profile's order."),
        silent=_list(_text(), "Events of the profile that were not captured."),
        not_judged=_list(_object("", subject=_text(), reason=_text()), "What could not be judged, and why."),
    )
    return published("drift-report-1", "vendorsim drift report", "What vendorsim capture drift --json prints", document)
