"""The result of a drift study as plain, typed data, which `as_document` turns into JSON."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from vendorsim.captures.drift import FEW, Break, DriftStudy, SeenEvent
from vendorsim.captures.seen import ANY_KEY, LIST, NULL, OBJECT, SeenField, SeenTexts
from vendorsim.core import pointer as json_pointer
from vendorsim.vendorkit.contract_fields import FieldDescription
from vendorsim.vendorkit.contract_folder import SUFFIX
from vendorsim.vendorkit.deviations import DeviationClass, FailOn
from vendorsim.vendorkit.policy import describe

_MOST_SHOWN = 8
# What is said of a field, or of a sender.
_LIMITS = ("pattern", "format", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")


class Example(Struct, frozen=True):
    """The first of the values that a finding is about. `place` is where it stands in the capture, `shape` what the
    value looks like; the value itself is not shown, since it may be personal."""

    place: str
    shape: str


class DriftPlace(Struct, frozen=True):
    """One place at which a finding was seen: `count` of `of` values or bodies."""

    event: str | None
    field: str
    count: int
    of: int


class DriftFinding(Struct, frozen=True):
    """One deviation of the capture from the contract.

    `field` is a path, in which `*` stands for the items of a list ("" is the whole body). `count` of `of` values or
    bodies deviate. `breaking`: the contract forbids it. `weak`: it rests on few values. `provenance` and `source` are
    those of what the contract says. `places` are all places of the same object of the contract that deviate so; the
    finding names the first of them. `key` is the same in every capture.
    """

    kind: str
    breaking: bool
    event: str | None
    field: str
    message: str
    contract: str
    seen: str
    count: int
    of: int
    weak: bool
    example: Example
    provenance: str | None
    source: str | None
    places: tuple[DriftPlace, ...]
    key: str


class FieldRow(Struct, frozen=True):
    """One field of an event: what the contract says, beside what was seen.

    `contract` is None for a field that it does not describe. `count` of `of` have it: objects of the capture at the
    place above; `of` is None for the items of a list. `nulls` of the values are null. `types` has the number of values
    of each JSON type. `shape` is what the values look like. `findings` are the classes of the findings at this field,
    `note` is what is no deviation, but worth knowing.
    """

    field: str
    contract: str | None
    provenance: str | None
    source: str | None
    count: int
    of: int | None
    percent: float | None
    nulls: int
    types: dict[str, int]
    shape: str | None
    findings: tuple[str, ...]
    note: str | None


class DriftEvent(Struct, frozen=True):
    """One event of the capture. `known`: the contract has it. `broken` of the `bodies` break the contract."""

    name: str
    known: bool
    bodies: int
    broken: int
    first: str
    fields: tuple[FieldRow, ...]


class Unjudged(Struct, frozen=True):
    """What could not be judged, and why."""

    subject: str
    reason: str


class Totals(Struct, frozen=True):
    """The exchanges of the capture, by what they are. `began` and `ended` are the times of the first and the last
    webhook (ISO 8601), if the capture has times."""

    exchanges: int
    webhooks: int
    bodies: int
    broken: int
    calls: int
    pairs: int
    attempts: int
    began: str | None
    ended: str | None


class DriftReport(Struct, frozen=True):
    """All that a drift study found. `verdict` is `failed` if a finding is of a class in `fail_on`, else `passed`.
    `fits` are the profiles that were found to fit best; empty if the profile was named."""

    vendor: str
    profile: str
    fits: tuple[str, ...]
    verdict: str
    fail_on: tuple[str, ...]
    totals: Totals
    findings: tuple[DriftFinding, ...]
    events: tuple[DriftEvent, ...]
    silent: tuple[str, ...]
    not_judged: tuple[Unjudged, ...]

    def failing(self, fail_on: FailOn) -> list[DriftFinding]:
        """The findings that fail the run."""
        return [each for each in self.findings if fail_on.fails(DeviationClass(each.kind), breaking=each.breaking)]


def report(study: DriftStudy, fail_on: FailOn, fits: Sequence[str] = ()) -> DriftReport:
    """Ends a study. `fits` are the profiles that fit best, if the profile was chosen by that."""
    order = {name: position for position, name in enumerate(study.profile.event_names())}
    events = sorted(study.events.values(), key=lambda event: (order.get(event.name, len(order)), event.name))
    single = [each for event in events for each in _of_event(study, event)]
    findings = _merged(study, single)
    findings += [*_foreign(study), *_of_order(study), *_of_delivery(study)]
    failed = any(fail_on.fails(DeviationClass(each.kind), breaking=each.breaking) for each in findings)
    return DriftReport(
        study.vendor.name,
        study.profile.name,
        tuple(fits),
        "failed" if failed else "passed",
        tuple(fail_on.names()),
        _totals(study),
        tuple(findings),
        tuple(_event_row(event, single) for event in events),
        tuple(name for name in order if name not in study.events),
        tuple(_not_judged(study)),
    )


def as_document(found: DriftReport) -> dict[str, Any]:
    """The report as a JSON document (`drift-report-1.schema.json`)."""
    return asdict(found)


def _totals(study: DriftStudy) -> Totals:
    counted = study.counted
    bodies = sum(event.count for event in study.events.values())
    return Totals(
        counted.exchanges,
        counted.exchanges - counted.calls,
        bodies,
        sum(event.broken for event in study.events.values()),
        counted.calls,
        study.orders.pairs(),
        study.attempts.judged,
        None if counted.began is None else counted.began.isoformat(),
        None if counted.ended is None else counted.ended.isoformat(),
    )


def _not_judged(study: DriftStudy) -> Iterator[Unjudged]:
    counted = study.counted
    for problem, count in counted.unreadable.items():
        yield Unjudged(_counted(count, "webhook"), f"{problem} (first: {counted.first_unreadable[problem]})")
    if counted.calls:
        yield Unjudged(
            _counted(counted.calls, "call"), "calls are the integration's; drift judges what the vendor sends"
        )
    for event in study.events.values():
        if event.bodies.full:
            yield Unjudged(event.name, "it has more than 5,000 fields; those that came later were left out")
    for subject, reason in (("order", study.orders.not_judged()), ("delivery", study.attempts.not_judged())):
        if reason is not None:
            yield Unjudged(subject, reason)


def _finding(
    kind: DeviationClass,
    event: str | None,
    path: str,
    message: str,
    *,
    contract: str,
    seen: str,
    count: int,
    of: int,
    example: Example,
    breaking: bool = False,
    known: FieldDescription | None = None,
    rule: str = "",
) -> DriftFinding:
    key = ":".join(filter(None, (kind.value, event, path, rule)))
    provenance, source = (None, None) if known is None else (known.provenance, known.source)
    return DriftFinding(
        kind.value,
        breaking,
        event,
        path,
        message,
        contract,
        seen,
        count,
        of,
        of < FEW,
        example,
        provenance,
        source,
        (DriftPlace(event, path, count, of),),
        key,
    )


def _merged(study: DriftStudy, findings: Iterable[DriftFinding]) -> list[DriftFinding]:
    """Merges the findings with one cause: the same deviation of the same field of one object of the contract, which
    several events have, or one event at several places."""
    causes: dict[Hashable, DriftFinding] = {}
    for found in findings:
        cause = _cause(study, found)
        first = causes.get(cause)
        if first is not None:
            count, of = first.count + found.count, first.of + found.of
            places = (*first.places, *found.places)
            found = replace(first, count=count, of=of, weak=of < FEW, places=places)
        causes[cause] = found
    return list(causes.values())


def _cause(study: DriftStudy, found: DriftFinding) -> Hashable:
    if found.event not in study.contract.events or not found.field:
        return found.key
    parent, _, name = found.field.rpartition("/")
    nodes = list(study.contract.node(found.event).parts())
    for part in json_pointer.parse(parent):
        inner = [each.items() if part == ANY_KEY else each.property(part) for each in nodes]
        nodes = [part for each in inner if each is not None for part in each.parts()]
    objects = (each.location for each in nodes if "properties" in each.schema)
    shared = frozenset(at for at in objects if not at.startswith(f"{found.event}{SUFFIX}"))
    rule = found.key.rpartition(found.field)[2]
    return (found.kind, found.breaking, rule, name, shared) if shared else found.key


def _of_event(study: DriftStudy, event: SeenEvent) -> list[DriftFinding]:
    if not event.known:
        named = f"{study.vendor.name} ({study.profile.name})"
        message = f"an event that {named} does not know"
        example = Example(event.first, _shape(event.bodies.root))
        found = _finding(
            DeviationClass.EVENTS,
            event.name,
            "",
            message,
            contract="not known",
            seen=_counted(event.count, "body"),
            count=event.count,
            of=event.count,
            example=example,
            breaking=True,
        )
        return [found]
    deviating = [_of_break(event, each) for each in event.breaks.values()]
    forbidden = {each.path for each in event.breaks.values() if each.kind is DeviationClass.UNKNOWN}
    deviating += _beside(event, event.bodies.root, forbidden)
    kinds = list(DeviationClass)
    return sorted(deviating, key=lambda each: (kinds.index(DeviationClass(each.kind)), each.field))


def _of_break(event: SeenEvent, broken: Break) -> DriftFinding:
    place = event.bodies.of_path(broken.path)
    known = event.bodies.contracted.get(broken.path)
    above = event.bodies.of_path(broken.path.rpartition("/")[0])
    values = broken.values.root
    contract = described(known)
    of = place.count if place is not None else 0
    if broken.kind is DeviationClass.MISSING:
        of = above.objects if above is not None else event.count
        there = 0 if place is None else place.count
        always = f"required, but never there in {_counted(of, 'object')}"
        contract = contract.replace("may be missing", "always there in some forms of the object")
        message = always if not there else f"required, but missing {broken.count} of {of} times"
        seen = _present(there, of)
    elif broken.kind is DeviationClass.UNKNOWN:
        message = "the contract forbids this field"
        of = above.objects if above is not None else event.count
        contract, seen = "forbidden", f"{_shape(values)}; {_present(broken.count, of)}"
    elif broken.kind is DeviationClass.TYPES:
        message = f"another type: {_types(values)}"
        seen = _types(place) if place is not None else _types(values)
    else:
        shown = ", ".join(repr(value) if isinstance(value, str) else str(value) for value in broken.listed)
        message = f"not in the list: {shown}" if broken.listed else f"breaks '{broken.rule}'"
        seen = shown if broken.listed and not broken.unlisted else _shape(values)
    return _finding(
        broken.kind,
        event.name,
        broken.path,
        message,
        contract=contract,
        seen=seen,
        count=broken.count,
        of=max(of, broken.count),
        example=Example(broken.first, "not there" if broken.kind is DeviationClass.MISSING else _shape(values)),
        breaking=True,
        known=known,
        rule=broken.rule,
    )


def _beside(event: SeenEvent, place: SeenField, forbidden: set[str]) -> Iterator[DriftFinding]:
    """The findings at a place and in it that no validator reports: unknown fields, and texts without their format."""
    for seen in place.fields.values():
        if seen.known is None and place.inside and seen.path not in forbidden:
            yield _finding(
                DeviationClass.UNKNOWN,
                event.name,
                seen.path,
                "no contract describes this field",
                contract="not described",
                seen=f"{_shape(seen)}; {_present(seen.count, place.objects)}",
                count=seen.count,
                of=max(place.objects, seen.count),
                example=Example(seen.first, _shape(seen)),
            )
        elif seen.known is not None:
            if seen.spoiled:
                wanted = seen.known.facts["format"]
                yield _finding(
                    DeviationClass.VALUES,
                    event.name,
                    seen.path,
                    f"a text that is no {wanted}",
                    contract=described(seen.known),
                    seen=f"{seen.spoiled} of {seen.types['string']} texts without the format",
                    count=seen.spoiled,
                    of=seen.types["string"],
                    example=Example(seen.first_spoiled, "string"),
                    known=seen.known,
                    rule="format",
                )
            yield from _beside(event, seen, forbidden)


def _foreign(study: DriftStudy) -> Iterator[DriftFinding]:
    counted = study.counted
    if counted.foreign:
        yield _finding(
            DeviationClass.EVENTS,
            None,
            "",
            f"a body that is no event of {study.vendor.name} ({study.profile.name})",
            contract="not known",
            seen=_counted(counted.foreign, "body"),
            count=counted.foreign,
            of=counted.exchanges - counted.calls,
            example=Example(counted.first_foreign, "body"),
            breaking=True,
        )


def _of_order(study: DriftStudy) -> Iterator[DriftFinding]:
    judged = study.orders.pairs()
    for pair in study.orders.impossible():
        yield _finding(
            DeviationClass.ORDER,
            pair.later,
            "",
            f"after {pair.earlier}, which the profile's reactions never give",
            contract=f"{pair.later} never follows {pair.earlier} in a conversation",
            seen=f"{pair.count} of {_counted(judged, 'pair')} of events",
            count=pair.count,
            of=judged,
            example=Example(pair.first, "event"),
            rule=pair.earlier,
        )


def _of_delivery(study: DriftStudy) -> Iterator[DriftFinding]:
    policy = describe(study.profile.policy)
    for deviating in study.attempts.end():
        stated = policy[deviating.setting]
        yield _finding(
            DeviationClass.DELIVERY,
            None,
            "",
            deviating.message,
            contract=f"{deviating.setting}: {stated['value']}",
            seen=_counted(deviating.count, "attempt"),
            count=deviating.count,
            of=study.attempts.judged,
            example=Example(deviating.first, "attempt"),
            known=FieldDescription({}, stated["provenance"], stated["source"]),
            rule=deviating.message,
        )


def _event_row(event: SeenEvent, findings: Iterable[DriftFinding]) -> DriftEvent:
    classes: dict[str, list[str]] = {}
    for each in findings:
        if each.event == event.name and each.kind != DeviationClass.ORDER:
            classes.setdefault(each.field, []).append(each.kind)
    rows = tuple(_rows(event, event.bodies.root, classes))
    return DriftEvent(event.name, event.known, event.count, event.broken, event.first, rows)


def _rows(event: SeenEvent, place: SeenField, classes: dict[str, list[str]]) -> Iterator[FieldRow]:
    """The rows of the fields at a place, in the contract's order, then those that it does not describe."""
    contracted = event.bodies.contracted
    depth = place.path.count("/") + 1
    below = [path for path in contracted if path.startswith(f"{place.path}/") and path.count("/") == depth]
    if place.objects or place.types[LIST]:
        for path in below:
            seen = place.fields.get(json_pointer.parse(path)[-1])
            if seen is not None:
                yield from _row_and_below(event, seen, place, classes)
            elif place.objects and not path.endswith(f"/{ANY_KEY}"):
                yield _unseen_row(path, contracted[path], place, classes)
    for seen in place.fields.values():
        if seen.known is None:
            yield from _row_and_below(event, seen, place, classes)


def _row_and_below(
    event: SeenEvent, seen: SeenField, above: SeenField, classes: dict[str, list[str]]
) -> Iterator[FieldRow]:
    of = None if seen.path.endswith(f"/{ANY_KEY}") else above.objects
    optional = seen.known is not None and not seen.known.facts.get("required")
    note = None
    if optional and of is not None and seen.count == of:
        note = f"optional, but always there in {_counted(of, 'object')}{_weakly(of)}"
    yield FieldRow(
        seen.path,
        None if seen.known is None else described(seen.known),
        None if seen.known is None else seen.known.provenance,
        None if seen.known is None else seen.known.source,
        seen.count,
        of,
        None if not of else round(100 * seen.count / of, 1),
        seen.types[NULL],
        dict(seen.types),
        _shape(seen),
        tuple(dict.fromkeys(classes.get(seen.path, ()))),
        note,
    )
    yield from _rows(event, seen, classes)


def _unseen_row(path: str, known: FieldDescription, above: SeenField, classes: dict[str, list[str]]) -> FieldRow:
    found = tuple(dict.fromkeys(classes.get(path, ())))
    note = None if found else f"never seen in {_counted(above.objects, 'object')}{_weakly(above.objects)}"
    provenance, source = known.provenance, known.source
    return FieldRow(path, described(known), provenance, source, 0, above.objects, 0.0, 0, {}, None, found, note)


def _weakly(of: int) -> str:
    return ", which is few" if of < FEW else ""


def described(known: FieldDescription | None) -> str:
    """What a contract says of a field, in words: `string or null; may be missing`."""
    if known is None:
        return "not described"
    facts = known.facts
    types = [*facts["type"], *(["null"] if facts.get("nullable") else [])] if "type" in facts else ["anything"]
    words = [" or ".join(types)]
    if (values := facts.get("values")) is not None:
        shown = [str(value) for value in values[:_MOST_SHOWN]]
        more = f" and {len(values) - len(shown)} more" if len(values) > len(shown) else ""
        words.append(f"always {shown[0]}" if len(values) == 1 else f"one of {', '.join(shown)}{more}")
    words += [f"{name} {facts[name]}" for name in _LIMITS if name in facts]
    words.append("always there" if facts.get("required") else "may be missing")
    return "; ".join(words)


def _types(seen: SeenField) -> str:
    if len(seen.types) == 1:
        return next(iter(seen.types))
    return ", ".join(f"{count} {name}" for name, count in seen.types.most_common())


def _shape(seen: SeenField) -> str:
    """What the values at a place look like: types, formats and lengths."""
    words = []
    for name, _ in seen.types.most_common():
        if name == "string" and seen.texts is not None:
            words.append(_text_shape(seen.texts))
        elif name == OBJECT and seen.fields:
            words.append(f"object with {_counted(len(seen.fields), 'field')}")
        else:
            words.append(name)
    return " or ".join(words)


def _text_shape(texts: SeenTexts) -> str:
    length = f"{texts.shortest}" if texts.shortest == texts.longest else f"{texts.shortest} to {texts.longest}"
    format = f", {texts.formats[0]}" if texts.formats else ""
    return f"string of {length} character{'' if length == '1' else 's'}{format}"


def _present(count: int, of: int) -> str:
    return f"present {count} of {of} times ({round(100 * count / of) if of else 0} %)"


def _counted(count: int, noun: str) -> str:
    plural = {"body": "bodies"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else plural}"
