"""Prints how two profiles differ: one table per group of events, both sides next to each other, sources below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from msgspec.structs import replace

from vendorsim.reporting.console import results, table
from vendorsim.vendorkit.contract_differences import ProfileDifference, ProfileDifferences, Side
from vendorsim.vendorkit.receivers import Deviation, as_document, of_delivery, of_events, of_field

if TYPE_CHECKING:
    from rich.text import Text

    from vendorsim.vendorkit.deviations import FailOn
    from vendorsim.vendorkit.profile import EventKind, Profile
    from vendorsim.vendorkit.vendor import Vendor

_MOST_VALUES = 12
_LONGEST_RULE = 80


def print_differences(vendor: str, name_a: str, name_b: str, found: ProfileDifferences) -> None:
    """Prints the page of `vendorsim vendors NAME --diff A B`."""
    console = results()
    console.print(f"[bold]{vendor}[/bold]: {name_a} and {name_b}")
    if found.none:
        console.print("\nNo differences.")
        return
    page = _DifferencesPage(name_a, name_b)
    page.events(name_a, found.only_a)
    page.events(name_b, found.only_b)
    for places, differences in merged(found.fields):
        page.differences("\n".join(map(_place, places)), "field", differences)
    agreeing = [event for event, differences in found.fields.items() if not differences]
    if agreeing:
        console.print(f"\nno difference in {', '.join(agreeing)}")
    page.differences("delivery", "policy", found.policy)
    page.differences("headers of a delivery", "header", found.headers)
    page.differences("kinds of targets", "kind", found.target_kinds)
    page.sources()


def print_failing(found: ProfileDifferences, fail_on: FailOn) -> None:
    """Prints the differences that fail for a receiver of the first profile, each once, and the verdict."""
    console = results()
    failing = [
        (each, others) for each, others in _for_receivers(found) if fail_on.fails(each.kind, breaking=each.breaking)
    ]
    console.print()
    for each, others in failing:
        more = f", and {others} other place{'' if others == 1 else 's'}" if others else ""
        place = f"{each.event or ''} {each.path}".strip()
        console.print(f"✗ {each.kind.value} {place}{more}: {each.message}", markup=False)
    asked = ", ".join(fail_on.names())
    if failing:
        count = f"{len(failing)} difference{'' if len(failing) == 1 else 's'}"
        console.print(f"[red]failed[/red]: {count} of the class {asked}")
    else:
        console.print(f"[green]passed[/green]: no difference of the class {asked}")


def _for_receivers(found: ProfileDifferences) -> Iterator[tuple[Deviation, int]]:
    """What differs for a receiver at its first place, and the number of other places where it differs so, too."""
    for each in of_events(found):
        yield each, 0
    for places, differences in merged(found.fields):
        parent, events = places[0]
        others = sum(len(names) for _, names in places) - 1
        for difference in differences:
            for each in of_field(events[0], replace(difference, path=parent + difference.path)):
                yield each, others
    for each in of_delivery(found):
        yield each, 0


def document(
    vendor: Vendor, a: Profile, b: Profile, found: ProfileDifferences, for_receivers: Iterable[Deviation]
) -> dict[str, Any]:
    """Returns the differences as a JSON document, with the fields listed per event."""

    def kinds(given: Iterable[EventKind]) -> list[dict[str, Any]]:
        return [
            {"name": kind.name, "summary": kind.summary, "provenance": kind.provenance, "source": kind.source}
            for kind in given
        ]

    return {
        "vendor": vendor.name,
        "a": {"name": a.name, "title": a.title},
        "b": {"name": b.name, "title": b.title},
        "same": found.none,
        "events": {"only_a": kinds(found.only_a), "only_b": kinds(found.only_b)},
        "fields": found.fields,
        "policy": found.policy,
        "headers": found.headers,
        "target_kinds": found.target_kinds,
        "for_receivers": [as_document(each) for each in for_receivers],
    }


Place = tuple[str, tuple[str, ...]]
"""The path of an object, and the events whose bodies have it there."""


def merged(fields: Mapping[str, Sequence[ProfileDifference]]) -> list[tuple[list[Place], list[ProfileDifference]]]:
    """Groups the differences by the objects that contain them.

    A difference that occurs in several events or places is then shown once. The returned paths are relative to the
    object. Each difference belongs to one group.
    """
    places: dict[str, tuple[ProfileDifference, dict[str, list[str]]]] = {}
    for event, differences in fields.items():
        for difference in differences:
            parent, slash, name = difference.path.rpartition("/")
            within = replace(difference, path=slash + name)
            places.setdefault(repr(within), (within, {}))[1].setdefault(parent, []).append(event)
    groups: dict[tuple[Place, ...], list[ProfileDifference]] = {}
    for within, found in places.values():
        at = tuple((parent, tuple(events)) for parent, events in sorted(found.items(), key=_depth))
        groups.setdefault(at, []).append(within)
    events = list(fields)

    def first(at: tuple[Place, ...]) -> tuple[int, list[str], int]:
        event, path = min((events.index(names[0]), parent.split("/")) for parent, names in at)
        return event, path, -len(at)

    ordered = sorted(groups, key=first)
    return [(list(at), sorted(groups[at], key=lambda difference: difference.path)) for at in ordered]


def _depth(found: tuple[str, list[str]]) -> tuple[int, str]:
    return found[0].count("/"), found[0]


def _place(place: Place) -> str:
    path, events = place
    return f"{f'{path} in' if path else 'the body of'} {', '.join(events)}"


class _DifferencesPage:
    """Prints tables with both sides, and numbers the sources that they refer to."""

    def __init__(self, name_a: str, name_b: str) -> None:
        self._names = (name_a, name_b)
        self._numbers: dict[str, int] = {}

    def events(self, profile: str, kinds: Iterable[EventKind]) -> None:
        from rich.text import Text

        rows = table(f"only {profile} sends", "sent when", "known from")
        for kind in kinds:
            rows.add_row(kind.name, kind.summary, Text(self._provenance(kind.provenance, kind.source)))
        if rows.row_count:
            results().print()
            results().print(rows)

    def differences(self, title: str, what: str, differences: Sequence[ProfileDifference]) -> None:
        if not differences:
            return
        from rich.text import Text

        rows = table(what, *self._names)
        for difference in differences:
            rows.add_row(Text(difference.path or "the body itself"), self._cell(difference.a), self._cell(difference.b))
        console = results()
        console.print(Text(f"\n{title}", "bold"))
        console.print(rows)

    def sources(self) -> None:
        console = results()
        if self._numbers:
            console.print("\n[dim]sources[/dim]")
        for source, number in self._numbers.items():
            console.print(f"[{number}] {source}", markup=False)

    def _cell(self, side: Side | None) -> Text:
        from rich.text import Text

        if side is None:
            return Text("not there")
        text = described(side.says)
        if side.provenance is None:
            return Text(text)
        return Text(f"{text} ({self._provenance(side.provenance, side.source)})")

    def _provenance(self, provenance: str, source: str | None) -> str:
        if source is None:
            return provenance
        return f"{provenance}[{self._numbers.setdefault(source, len(self._numbers) + 1)}]"


def described(says: Mapping[str, Any]) -> str:
    """Returns a side in words: `string or null; may be missing`."""
    words: list[str] = []
    if "type" in says or "nullable" in says:
        words.append(_type(says))
    for aspect, value in says.items():
        if aspect in _WORDS:
            words.append(_WORDS[aspect](value))
        elif aspect not in ("type", "nullable"):
            words.append(f"no {aspect}" if value is None else f"{aspect} {_short(value)}")
    return "; ".join(filter(None, words))


def _type(says: Mapping[str, Any]) -> str:
    nullable = says.get("nullable")
    if "type" not in says:
        return "may be null" if nullable else "never null"
    if says["type"] is None:
        return "anything"
    return " or ".join([*says["type"], *(["null"] if nullable else [])])


def _values(values: Sequence[Any] | None) -> str:
    if values is None:
        return "any value"
    shown = [_short(value) for value in values[:_MOST_VALUES]]
    rest = len(values) - len(shown)
    listed = ", ".join(shown) + (f" and {rest} more" if rest else "")
    return f"always {listed}" if len(values) == 1 else f"one of {listed}"


def _fields(paths: Sequence[str]) -> str:
    return f"with {len(paths)} field{'s' if len(paths) > 1 else ''}"


def _events(names: Sequence[str]) -> str:
    return f"never gets {', '.join(names)}" if names else "may get every event"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) and value else orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST_RULE else text[: _LONGEST_RULE - 1] + "…"


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "required": lambda value: "always there" if value else "may be missing",
    "values": _values,
    "closed": lambda value: "no further fields" if value else "further fields may come",
    "meaning": lambda value: value or "",
    "fields": _fields,
    "value": str,
    "without": _events,
    "default": lambda names: "all by default" if names is None else f"by default {', '.join(names)}",
    "unfiltered": lambda value: "whatever it subscribes to" if value else "as it subscribes",
}
