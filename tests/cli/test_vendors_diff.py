"""`vendorsim vendors NAME --diff A B`: how two profiles differ, field by field."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from msgspec.structs import replace
from rich.console import Console
from vendorsim.core.provenance import ASSUMED, DOCUMENTED, Stated
from vendorsim.reporting import contract_differences as page
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract import Contract
from vendorsim.vendorkit.contract_differences import ProfileDifference, Side, between, of_contracts
from vendorsim.vendorkit.entry_points import EntryPoint
from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.profile import WEBHOOK, EventKind, Profile, TargetKind
from vendorsim.vendorkit.vendor import Vendor


def contract(folder: Path, name: str, **documents: Any) -> Contract:
    """A contract of these documents: `event={…}`, and `objects={…}` for the definitions that they share."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    for event, schema in documents.items():
        written = {"$defs": schema} if event == "objects" else schema
        (place / f"{event}.schema.json").write_text(json.dumps(written))
    return Contract("acme", name, place)


def known(schema: Mapping[str, Any], provenance: str = DOCUMENTED, source: str = "the page") -> dict[str, Any]:
    return {**schema, "x-provenance": provenance, "x-source": source}


def body(properties: Mapping[str, Any], required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), **more}


def found(folder: Path, a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[ProfileDifference, ...]:
    """The differences of two schemas of one event."""
    return of_contracts(contract(folder, "a", said=a), contract(folder, "b", said=b), ["said"])["said"]


def told(difference: ProfileDifference) -> tuple[str, Any, Any]:
    """Path, and what both sides say."""
    a, b = (side and dict(side.says) for side in (difference.a, difference.b))
    return difference.path, a, b


OF_ONE_FIELD: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"type": "string"}, {"type": "integer"}, {"type": ["string"]}, {"type": ["integer"]}),
    ({"type": "string"}, {}, {"nullable": False, "type": ["string"]}, {"nullable": True, "type": None}),
    ({"type": "string"}, {"type": ["string", "null"]}, {"nullable": False}, {"nullable": True}),
    ({"type": ["null", "string"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}, {}, {}),
    ({"type": "string"}, {"oneOf": [{"type": "string"}, {"type": "null"}]}, {"nullable": False}, {"nullable": True}),
    ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}, {}, {}),
    ({"enum": ["a", "b"]}, {"enum": ["a", "c"]}, {"values": ["a", "b"]}, {"values": ["a", "c"]}),
    ({"enum": ["a", None]}, {"enum": ["a"]}, {"nullable": True}, {"nullable": False}),
    ({"enum": ["a"]}, {"const": "a"}, {}, {}),
    ({"const": 1}, {"const": True}, {"type": ["integer"], "values": [1]}, {"type": ["boolean"], "values": [True]}),
    ({"const": "a"}, {"const": "a", "type": "string"}, {}, {}),
    ({"const": "a"}, {"type": "string"}, {"values": ["a"]}, {"values": None}),
    ({"anyOf": [{"const": "a"}, {"enum": ["b", "c"]}]}, {"enum": ["a", "b", "c"]}, {}, {}),
    ({"type": "string"}, {"type": "string", "format": "uri"}, {"format": None}, {"format": "uri"}),
    ({"type": "integer"}, {"type": "integer", "minimum": 0}, {"minimum": None}, {"minimum": 0}),
    ({"description": "seconds"}, {"description": "milliseconds"}, {"meaning": "seconds"}, {"meaning": "milliseconds"}),
    ({"description": "seconds"}, {}, {}, {}),
    ({"title": "One"}, {"title": "Another", "x-note": "hm"}, {}, {}),
    ({"type": "array", "items": {}}, {"type": "string"}, {"type": ["array"]}, {"type": ["string"]}),
    ({"not": {"const": 1, "x-source": "p"}}, {"not": {"const": 1, "x-source": "q"}}, {}, {}),
]


@pytest.mark.parametrize(("a", "b", "says_a", "says_b"), OF_ONE_FIELD)
def test_what_two_contracts_say_of_a_field(
    tmp_path: Path, a: dict[str, Any], b: dict[str, Any], says_a: dict[str, Any], says_b: dict[str, Any]
) -> None:
    for one, other, here, there in ((a, b, says_a, says_b), (b, a, says_b, says_a)):
        differences = found(tmp_path, body({"at": one}), body({"at": other}))
        assert list(map(told, differences)) == ([("/at", here, there)] if here else [])
        assert all(set(difference.aspects) == here.keys() for difference in differences)


PERSON = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}
SHAPES: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("a field that only one has", body({"x": {}}), body({"y": {}}), ["/x", "/y"]),
    ("told with all that is in it", body({"who": PERSON}), body({}), ["/who"]),
    (
        "in the items of a list",
        body({"l": {"type": "array", "items": PERSON}}),
        body({"l": {"type": "array"}}),
        ["/l/*"],
    ),
    (
        "in the values of a map",
        body({"m": {"type": "object", "additionalProperties": {"type": "string"}}}),
        body({"m": {"type": "object", "additionalProperties": {"type": "integer"}}}),
        ["/m/*"],
    ),
    ("nothing is in a text", body({"who": PERSON}), body({"who": {"type": "string"}}), ["/who"]),
    ("always there", body({"x": {}}, ("x",)), body({"x": {}}), ["/x"]),
    ("an object that is open", body({"x": {}}, additionalProperties=False), body({"x": {}}), [""]),
    ("a key with a slash", body({"a/b": {"type": "string"}}), body({"a/b": {}}), ["/a~1b"]),
    ("in one piece or in two", body({"x": {}, "y": {}}), {"allOf": [body({"x": {}}), body({"y": {}})]}, []),
    (
        "what must not be there is not there",
        body({"x": {}, "y": {}, "z": False}, propertyNames={"not": {"enum": ["x"]}}),
        body({"y": {}}),
        [],
    ),
    (
        "under a condition",
        body({"k": {}}, **{"if": body({"k": {"const": "a"}}), "then": body({"x": {"type": "string"}})}),
        body({"k": {}}, **{"if": body({"k": {"const": "a"}}), "then": body({"x": {"type": "integer"}})}),
        ["/x"],
    ),
    (
        "or under another",
        body({"k": {}}, **{"if": body({"k": {"const": "a"}}), "else": body({"x": {}})}),
        body({"k": {}}),
        ["/x"],
    ),
    (
        "a field of some alternatives may be missing",
        body({"who": {"oneOf": [body({"x": {}}, ("x",)), body({"x": {}, "y": {}}, ("x", "y"))]}}),
        body({"who": body({"x": {}, "y": {}}, ("x",))}),
        [],
    ),
]


@pytest.mark.parametrize(("a", "b", "paths"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES])
def test_where_they_differ(tmp_path: Path, a: dict[str, Any], b: dict[str, Any], paths: list[str]) -> None:
    assert [difference.path for difference in found(tmp_path, a, b)] == paths


def test_a_field_that_only_one_side_knows_is_told_whole(tmp_path: Path) -> None:
    (only,) = found(tmp_path, body({}), body({"who": known(PERSON, ASSUMED, "a guess")}))
    assert (only.path, only.aspects, only.a) == ("/who", ("field",), None)
    assert only.b is not None
    assert (only.b.provenance, only.b.source) == (ASSUMED, "a guess")
    assert only.b.says == {
        "nullable": False,
        "required": False,
        "type": ["object"],
        "fields": ["/who/id", "/who/name"],
    }


def test_each_side_says_where_it_is_known_from(tmp_path: Path) -> None:
    a = body({"at": known({"type": "string"})})
    b = body({"at": known({"type": "number"}, ASSUMED, "a guess")})
    (only,) = found(tmp_path, a, b)
    assert only.a is not None
    assert only.b is not None
    assert (only.a.provenance, only.a.source) == (DOCUMENTED, "the page")
    assert (only.b.provenance, only.b.source) == (ASSUMED, "a guess")


def test_another_source_is_no_difference(tmp_path: Path) -> None:
    a = body({"at": known({"type": "string"})})
    assert found(tmp_path, a, body({"at": known({"type": "string"}, ASSUMED, "a guess")})) == ()


def test_references_are_followed_and_what_stands_nearer_wins(tmp_path: Path) -> None:
    shared = {"person": PERSON, "tall": {"$ref": "#/$defs/person"}}
    a = contract(tmp_path, "a", objects=shared, said=body({"who": {"$ref": "objects.schema.json#/$defs/tall"}}))
    near = {"$ref": "objects.schema.json#/$defs/person/properties/name", "description": "in full", "type": "integer"}
    b = contract(tmp_path, "b", objects=shared, said=body({"who": body({"id": {"type": "integer"}, "name": near})}))
    (only,) = of_contracts(a, b, ["said"])["said"]
    assert told(only) == ("/who/name", {"type": ["string"]}, {"type": ["integer"]})


RECURSIVE = {
    "itself": {"message": body({"text": {"type": "string"}, "answer_to": {"$ref": "#/$defs/message"}})},
    "by another": {
        "message": body({"text": {"type": "string"}, "thread": {"$ref": "#/$defs/thread"}}),
        "thread": body({"messages": {"type": "array", "items": {"$ref": "#/$defs/message"}}}),
    },
    "at once": {"message": {"$ref": "#/$defs/twin"}, "twin": {"$ref": "#/$defs/message"}},
    "as an alternative": {"message": {"anyOf": [{"type": "null"}, body({"next": {"$ref": "#/$defs/message"}})]}},
    "in a condition": {"message": {"type": "object", "if": {"$ref": "#/$defs/message"}, "then": {"minProperties": 1}}},
}


@pytest.mark.parametrize("defined", RECURSIVE.values(), ids=RECURSIVE)
def test_a_schema_that_contains_itself_comes_to_an_end(tmp_path: Path, defined: dict[str, Any]) -> None:
    said = {"$ref": "objects.schema.json#/$defs/message"}
    a = contract(tmp_path, "a", objects=defined, said=said)
    assert of_contracts(a, contract(tmp_path, "b", objects=defined, said=said), ["said"]) == {"said": ()}
    (tmp_path / "c").mkdir()
    c = contract(tmp_path, "c", said={"type": "integer"})
    assert [difference.path for difference in of_contracts(a, c, ["said"])["said"]] == [""]


def test_many_conditions_take_no_time(tmp_path: Path) -> None:
    """Each of them doubles what a body can be; told apart they are few."""

    def conditions(kind: str) -> dict[str, Any]:
        once = [{"if": body({"k": {"const": n}}), "then": body({f"x{n}": {"type": kind}})} for n in range(40)]
        return {"allOf": [body({"k": {"type": "integer"}}), *once]}

    paths = [difference.path for difference in found(tmp_path, conditions("string"), conditions("number"))]
    assert sorted(paths) == sorted(f"/x{number}" for number in range(40))


def difference(path: str, said: str = "x") -> ProfileDifference:
    return ProfileDifference(path, ("field",), Side({"type": said}), None)


def test_what_events_share_is_told_once() -> None:
    fields = {
        "created": (difference("/a"), difference("/b")),
        "updated": (difference("/a"), difference("/b"), difference("/c")),
        "closed": (difference("/a"),),
        "opened": (),
    }
    assert page.merged(fields) == [
        ([("", ("created", "updated", "closed"))], [difference("/a")]),
        ([("", ("created", "updated"))], [difference("/b")]),
        ([("", ("updated",))], [difference("/c")]),
    ]


def test_an_object_is_told_once_wherever_it_stands() -> None:
    fields = {
        "chat": (difference("/by/age"), difference("/by/name"), difference("/name", "other")),
        "message": (difference("/chat/by/age"), difference("/chat/by/name"), difference("/age")),
    }
    assert page.merged(fields) == [
        ([("", ("chat",))], [difference("/name", "other")]),
        ([("", ("message",)), ("/by", ("chat",)), ("/chat/by", ("message",))], [difference("/age")]),
        ([("/by", ("chat",)), ("/chat/by", ("message",))], [difference("/name")]),
    ]


def stated(value: Any) -> Stated[Any]:
    return Stated(value, DOCUMENTED, "the policy page")


def event(name: str) -> EventKind:
    return EventKind(name, f"when it is {name}", DOCUMENTED, "the page")


POLICY = Policy(accepted=stated(frozenset({200})))
DOCS = Profile("documented", "As documented", (event("created"), event("updated"), event("closed")), POLICY)
REAL = Profile(
    "observed-2.0",
    "As observed",
    (event("created"), event("updated"), event("opened")),
    Policy(accepted=Stated(frozenset(range(200, 300)), ASSUMED, "a guess"), retries=stated((5_000,))),
    headers={"X-Event": "yes"},
    target_kinds=(
        WEBHOOK,
        TargetKind("bot", frozenset({"updated"}), unfiltered=True, policy=replace(POLICY, read_timeout=stated(1_000))),
    ),
)


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """A vendor of its own package, with a version between its profiles."""
    at = {"id": known({"type": "integer"}), "at": known({"type": "string", "format": "date-time"})}
    contract(tmp_path, "documented", created=body(at), updated=body(at), closed=body(at))
    seen = {"at": known({"type": "number"}, ASSUMED, "a guess"), "id": at["id"]}
    for version in ("observed-2.0", "observed-1.5"):
        contract(tmp_path, version, created=body(seen), updated=body({**seen, "by": known(PERSON)}), opened=body(seen))
    older = replace(REAL, name="observed-1.5", target_kinds=(WEBHOOK,))
    made = Vendor(
        "acme",
        "Acme",
        {profile.name: profile for profile in (DOCS, REAL)},
        documents=tmp_path,
        version=lambda name: older if name == older.name else None,
    )
    origin = registry.Origin(EntryPoint("acme", "acme:VENDOR"))
    get, get_origin = registry.get, registry.origin
    monkeypatch.setattr(registry, "get", lambda name: made if name == "acme" else get(name))
    monkeypatch.setattr(registry, "origin", lambda name: origin if name == "acme" else get_origin(name))
    return made


@pytest.mark.usefixtures("acme")
class TestTheCommand:
    def test_for_people(self, vendorsim: Vendorsim) -> None:
        shown = vendorsim("vendors", "acme", "--diff", "documented", "observed-2.0")
        assert (shown.code, shown.err) == (0, "")
        lines = [" ".join(line.split()) for line in shown.out.splitlines()]
        assert lines == [
            "acme: documented and observed-2.0",
            "",
            "only documented sends sent when known from",
            "closed when it is closed documented[1]",
            "",
            "only observed-2.0 sends sent when known from",
            "opened when it is opened documented[1]",
            "",
            "the body of created, updated",
            "field documented observed-2.0",
            "/at string; format date-time (documented[1]) number; no format (assumed[2])",
            "",
            "the body of updated",
            "field documented observed-2.0",
            "/by not there object; may be missing; with 2 fields (documented[1])",
            "",
            "delivery",
            "policy documented observed-2.0",
            "accepted 200 (documented[3]) 200-299 (assumed[2])",
            "retries 5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 1d (assumed[4]) 5s (documented[3])",
            "",
            "headers of a delivery",
            "header documented observed-2.0",
            "X-Event not there yes",
            "",
            "kinds of targets",
            "kind documented observed-2.0",
            "bot not there never gets updated; all by default; whatever it subscribes to",
            "",
            "sources",
            "[1] the page",
            "[2] a guess",
            "[3] the policy page",
            "[4] nothing published; Standard Webhooks recommendation (standardwebhooks.com)",
        ]

    def test_for_programs(self, vendorsim: Vendorsim) -> None:
        document = vendorsim("vendors", "acme", "--diff", "documented", "observed-2.0", "--json").json
        assert (document["vendor"], document["a"]["name"], document["b"]["name"]) == (
            "acme",
            "documented",
            "observed-2.0",
        )
        assert document["same"] is False
        assert [kind["name"] for kind in document["events"]["only_a"]] == ["closed"]
        assert [kind["name"] for kind in document["events"]["only_b"]] == ["opened"]
        assert document["fields"]["created"] == [
            {
                "path": "/at",
                "aspects": ["type", "format"],
                "a": {
                    "says": {"type": ["string"], "format": "date-time"},
                    "provenance": DOCUMENTED,
                    "source": "the page",
                },
                "b": {"says": {"type": ["number"], "format": None}, "provenance": ASSUMED, "source": "a guess"},
                "refused": False,
            }
        ]
        assert [row["path"] for row in document["fields"]["updated"]] == ["/at", "/by"]
        assert [row["path"] for row in document["policy"]] == ["accepted", "retries"]
        assert [row["path"] for row in document["headers"]] == ["X-Event"]
        assert [row["path"] for row in document["target_kinds"]] == ["bot"]

    def test_kinds_of_targets_with_policies_of_their_own(self, acme: Vendor, tmp_path: Path) -> None:
        """Told by the kind, and only where it is not what the profiles differ in anyway."""
        bot = TargetKind("bot", policy=replace(POLICY, read_timeout=stated(1_000)))
        slow = TargetKind("bot", policy=replace(REAL.policy, read_timeout=stated(9_000)))
        places = contract(tmp_path, "none"), contract(tmp_path, "neither")
        one, other = replace(DOCS, events=(), target_kinds=(bot,)), replace(REAL, events=(), target_kinds=(slow,))
        differences = between(one, other, *places)
        assert [difference.path for difference in differences.target_kinds] == ["bot: read_timeout"]
        assert [difference.path for difference in differences.policy] == ["accepted", "retries"]

    def test_a_version_that_is_made_when_it_is_asked_for(self, vendorsim: Vendorsim) -> None:
        document = vendorsim("vendors", "acme", "--diff", "observed-1.5", "observed-2.0", "--json").json
        assert document["a"]["name"] == "observed-1.5"
        assert not any(document["fields"].values())
        assert [row["path"] for row in document["target_kinds"]] == ["bot"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                ("acme", "--diff", "documented", "observed-2"),
                "profile of acme 'observed-2'; did you mean 'observed-2.0'?",
            ),
            (("acme", "--diff", "dokumented", "observed-2.0"), "did you mean 'documented'?"),
            (("acm", "--diff", "documented", "observed-2.0"), "unknown vendor 'acm'"),
            (("--diff", "documented", "observed-2.0"), "name it before"),
            (("acme", "--diff", "documented"), "'--diff' requires 2 arguments"),
        ],
    )
    def test_what_it_refuses(self, vendorsim: Vendorsim, arguments: tuple[str, ...], message: str) -> None:
        refused = vendorsim("vendors", *arguments)
        assert (refused.code, refused.out) == (2, "")
        assert message in refused.err

    def test_fits_a_terminal_of_80_columns(self, vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch) -> None:
        stream = io.StringIO()
        monkeypatch.setattr(page, "results", lambda: Console(file=stream, width=80, highlight=False))
        assert vendorsim("vendors", "acme", "--diff", "documented", "observed-2.0").code == 0
        shown = stream.getvalue()
        assert max(map(len, shown.splitlines())) <= 80
        assert "format date-time" in shown


@pytest.mark.parametrize("vendor", registry.names())
def test_real_profiles_differ_from_themselves_in_nothing(vendorsim: Vendorsim, vendor: str) -> None:
    for profile in registry.get(vendor).profiles:
        document = vendorsim("vendors", vendor, "--diff", profile, profile, "--json").json
        assert document["same"] is True
        shown = vendorsim("vendors", vendor, "--diff", profile, profile)
        assert shown.out == f"{vendor}: {profile} and {profile}\n\nNo differences.\n"


@pytest.mark.parametrize("vendor", registry.names())
def test_every_real_profile_can_be_compared_both_ways(vendorsim: Vendorsim, vendor: str) -> None:
    first, *others = registry.get(vendor).profiles
    for other in others:
        there = vendorsim("vendors", vendor, "--diff", first, other, "--json").json
        back = vendorsim("vendors", vendor, "--diff", other, first, "--json").json
        assert there["events"]["only_a"] == back["events"]["only_b"]
        for event_name, differences in there["fields"].items():
            mirrored = [(row["path"], row["b"], row["a"]) for row in back["fields"][event_name]]
            assert [(row["path"], row["a"], row["b"]) for row in differences] == mirrored
        assert vendorsim("vendors", vendor, "--diff", first, other).code == 0
