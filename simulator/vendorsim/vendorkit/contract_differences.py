"""Compares two profiles of a vendor field by field, with the provenance and source of both sides. Pure.

Two profiles that say the same from different sources do not differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from vendorsim.vendorkit.contract import Contract
from vendorsim.vendorkit.contract_fields import FieldDescription, fields
from vendorsim.vendorkit.policy import Policy, describe
from vendorsim.vendorkit.profile import EventKind, Profile, TargetKind

FIELD = "field"
"""The aspect of a field that only one side has. A type of None means any type."""


class Side(Struct, frozen=True):
    """What one profile says, by aspect, as in `FieldDescription.facts`. `provenance` is None for values without one."""

    says: Mapping[str, Any]
    provenance: str | None = None
    source: str | None = None


class ProfileDifference(Struct, frozen=True):
    """One difference of two profiles. `path` is a field ("" for the whole body) or the name of a setting; `aspects` are
    the aspects that differ. A side is None if it does not have the field; `refused` is whether the contract of the
    first side then refuses what the second one sends, at least in one form of the object."""

    path: str
    aspects: tuple[str, ...]
    a: Side | None
    b: Side | None
    refused: bool = False


class ProfileDifferences(Struct, frozen=True):
    """All differences of two profiles. `fields` has every event of both, with an empty tuple if there is no
    difference."""

    only_a: tuple[EventKind, ...]
    only_b: tuple[EventKind, ...]
    fields: Mapping[str, tuple[ProfileDifference, ...]]
    policy: tuple[ProfileDifference, ...]
    headers: tuple[ProfileDifference, ...]
    target_kinds: tuple[ProfileDifference, ...]

    @property
    def none(self) -> bool:
        """Whether there are no differences."""
        parts = (self.only_a, self.only_b, self.policy, self.headers, self.target_kinds, *self.fields.values())
        return not any(parts)


def between(a: Profile, b: Profile, contract_a: Contract, contract_b: Contract) -> ProfileDifferences:
    """Compares two profiles and their contracts."""
    known_a, known_b = a.event_names(), b.event_names()
    common = [name for name in known_a if name in known_b]
    return ProfileDifferences(
        tuple(kind for kind in a.events if kind.name not in known_b),
        tuple(kind for kind in b.events if kind.name not in known_a),
        of_contracts(contract_a, contract_b, common),
        of_policies(a.policy, b.policy),
        tuple(_of_values(_values(a.headers), _values(b.headers))),
        _of_kinds(a, b),
    )


def of_contracts(a: Contract, b: Contract, events: Iterable[str]) -> dict[str, tuple[ProfileDifference, ...]]:
    """The fields that differ, for each of the events."""
    return {event: tuple(_of_fields(fields(a.node(event)), fields(b.node(event)))) for event in events}


def of_policies(a: Policy, b: Policy) -> tuple[ProfileDifference, ...]:
    """The values of two policies that differ, as readable text."""
    sides = [
        {
            name: Side({"value": row["value"]}, row["provenance"], row["source"])
            for name, row in describe(policy).items()
        }
        for policy in (a, b)
    ]
    return tuple(_of_values(*sides))


def _of_fields(a: Mapping[str, FieldDescription], b: Mapping[str, FieldDescription]) -> Iterator[ProfileDifference]:
    skipped: set[str] = set()  # Fields within them are not compared.
    for path in sorted(a.keys() | b.keys(), key=lambda path: path.split("/")):
        parent = path.rpartition("/")[0]
        if path and (parent in skipped or not _can_descend(a, parent) or not _can_descend(b, parent)):
            skipped.add(path)
            continue
        here, there = a.get(path), b.get(path)
        if here is not None and there is not None:
            aspects = tuple(_differing(here.facts, there.facts))
            if aspects:
                yield ProfileDifference(path, aspects, _side(here, aspects), _side(there, aspects))
        else:
            skipped.add(path)
            yield ProfileDifference(path, (FIELD,), _whole(a, path), _whole(b, path), _refused(a, path))


def _refused(known: Mapping[str, FieldDescription], path: str) -> bool:
    """Whether an object may not be without a field, or may not have one that is not described."""
    field = known.get(path)
    if field is not None:
        return field.demanded
    parent, _, name = path.rpartition("/")
    above = known[parent]
    return bool(above.facts.get("closed")) or name in above.forbids


def _can_descend(known: Mapping[str, FieldDescription], path: str) -> bool:
    """Whether to compare the fields within this one. Not if it can't contain any (then the type differs), and not if it
    is recursive."""
    field = known[path]
    types = field.facts.get("type")
    return not field.recursive and (types is None or bool({"object", "array"} & set(types)))


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    for aspect in dict.fromkeys((*a, *b)):
        if aspect == "meaning" and not (aspect in a and aspect in b):
            continue  # A side without a description does not contradict the other.
        if aspect == "closed" and not (aspect in a and aspect in b):
            continue  # The fields that only one side has are reported instead.
        if repr(_ordered(a.get(aspect))) != repr(_ordered(b.get(aspect))):
            yield aspect


def _ordered(value: Any) -> Any:
    """A value with its keys and lists sorted, for comparison; 1 and true stay different."""
    if isinstance(value, Mapping):
        return [(key, _ordered(value[key])) for key in sorted(value)]
    return sorted(map(repr, map(_ordered, value))) if isinstance(value, list) else value


def _side(field: FieldDescription, aspects: Iterable[str]) -> Side:
    return Side({aspect: field.facts.get(aspect) for aspect in aspects}, field.provenance, field.source)


def _whole(known: Mapping[str, FieldDescription], path: str) -> Side | None:
    """The whole description of a field that the other side does not have, with the fields within it."""
    field = known.get(path)
    if field is None:
        return None
    within = [inner for inner in known if inner.startswith(f"{path}/")]
    facts = {"type": None, **{aspect: value for aspect, value in field.facts.items() if aspect != "closed"}}
    return Side(facts | ({"fields": within} if within else {}), field.provenance, field.source)


def _values(mapping: Mapping[str, str]) -> dict[str, Side]:
    return {name: Side({"value": value}) for name, value in mapping.items()}


def _of_values(a: Mapping[str, Side], b: Mapping[str, Side]) -> Iterator[ProfileDifference]:
    for name in dict.fromkeys((*a, *b)):
        here, there = a.get(name), b.get(name)
        if here is None or there is None:
            yield ProfileDifference(name, (FIELD,), here, there)
        elif here.says != there.says:
            aspects = tuple(aspect for aspect in here.says if here.says[aspect] != there.says[aspect])
            yield ProfileDifference(name, aspects, here, there)


def _of_kinds(a: Profile, b: Profile) -> tuple[ProfileDifference, ...]:
    """Differences of the kinds of targets: in their events, and in their own policies. A difference that the policies
    of the profiles also have is left out. A value of a policy has a path such as `agent_bot: read_timeout`."""
    kinds_a, kinds_b = ({kind.name: _kind(kind, profile) for kind in profile.target_kinds} for profile in (a, b))
    found = list(_of_values(kinds_a, kinds_b))
    reported = of_policies(a.policy, b.policy)
    for name in (name for name in kinds_a if name in kinds_b):
        for difference in of_policies(a.kind(name).policy or a.policy, b.kind(name).policy or b.policy):
            if difference not in reported:
                found.append(replace(difference, path=f"{name}: {difference.path}"))
    return tuple(found)


def _kind(kind: TargetKind, profile: Profile) -> Side:
    default = None if kind.default is None else sorted(kind.default)
    # Ignore events that this profile does not have.
    without = [name for name in profile.event_names() if name in kind.without]
    return Side({"without": without, "default": default, "unfiltered": kind.unfiltered})
