"""Overlays: profiles that a capture was seen to need, as a folder with one file, `overlay.json`, and no code.

An overlay names the profile that it changes. It holds the changes only, so it goes on with a newer vendorsim, whose
bodies it changes in the same places. Its folder is the name of the profile (`--profile DIR`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.core.errors import DocumentError, InputError, Problem, UnknownNameError, UnreadableFileError
from vendorsim.core.provenance import CAPTURED
from vendorsim.core.shapes import Choice, Integer, Json, Key, ListOf, MapOf, Record, Text, published
from vendorsim.core.version import __version__
from vendorsim.core.yaml_nodes import Mapping as MappingNode
from vendorsim.core.yaml_nodes import Node as PlacedNode
from vendorsim.core.yaml_nodes import Problems, Sequence, kind, read, read_file
from vendorsim.vendorkit.contract_folder import SUFFIX, Amend, ContractFolder
from vendorsim.vendorkit.overlay_bodies import adapted
from vendorsim.vendorkit.overlay_contract import (
    ChangeKind,
    Node,
    NoSuchPlace,
    OverlayChange,
    SchemaEditor,
    changed,
    in_order,
)
from vendorsim.vendorkit.profile import Body, EventKind, Profile

FILE_NAME = "overlay.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = Text()
_COUNT = Integer(0, 10**12)


class NewEvent(Struct, frozen=True):
    """An event that the base profile does not know. `keys` are what names it in its bodies, with their values."""

    schema: Node
    seen: int
    keys: Mapping[str, str] = field(default_factory=dict)


class CaptureFacts(Struct, frozen=True):
    """The capture from which an overlay was made: the day on which that was done (such as 2026-11-29), how many bodies
    it had, and when the first and the last was sent, if that is known."""

    on: str
    bodies: int
    began: str | None = None
    ended: str | None = None


class Overlay(Struct, frozen=True):
    """The content of `overlay.json`. `vendorsim` is the version that wrote it."""

    vendor: str
    profile: str
    vendorsim: str
    captured: CaptureFacts
    events: Mapping[str, tuple[OverlayChange, ...]] = field(default_factory=dict)
    new_events: Mapping[str, NewEvent] = field(default_factory=dict)

    def source(self) -> str:
        """Where the changes are known from, for `x-source`."""
        bodies = self.captured.bodies
        return f"{bodies:,} captured {'body' if bodies == 1 else 'bodies'}, {self.captured.on}"


def _change(field: str, change: str, seen: int, of: int, schema: Node | None = None) -> OverlayChange:
    return OverlayChange(field, ChangeKind(change), seen, of, schema)


_CHANGE = Record(
    {
        "field": Key(_TEXT, required=True, help="the path of the field; * stands for each item of a list"),
        "change": Key(
            Choice("change", lambda: [each.value for each in ChangeKind]),
            required=True,
            help="add a field, drop one, make one optional, widen what its value may be, or replace it",
        ),
        "seen": Key(_COUNT, required=True, help="in how many places this was seen"),
        "of": Key(_COUNT, required=True, help="of how many"),
        "schema": Key(Json(), help="JSON Schema of the value; its first example is what generated bodies have"),
    },
    "a change",
    _change,
)
_NEW_EVENT = Record(
    {
        "schema": Key(Json(), required=True, help="JSON Schema of the body"),
        "seen": Key(_COUNT, required=True, help="how many bodies were seen"),
        "keys": Key(MapOf(_TEXT), help="what names the event in its bodies: keys with their values"),
    },
    "a new event",
    NewEvent,
)
_FACTS = Record(
    {
        "on": Key(_TEXT, required=True, help="the day on which the overlay was made"),
        "bodies": Key(_COUNT, required=True, help="how many bodies were captured"),
        "began": Key(_TEXT, help="when the first body was sent"),
        "ended": Key(_TEXT, help="when the last body was sent"),
    },
    "the facts of the capture",
    CaptureFacts,
)
ROOT = Record(
    {
        "vendor": Key(_TEXT, required=True, help="the vendor whose profile is changed"),
        "profile": Key(_TEXT, required=True, help="the profile that is changed"),
        "vendorsim": Key(_TEXT, required=True, help="the version of vendorsim that wrote the file"),
        "captured": Key(_FACTS, required=True, help="the capture from which it was made"),
        "events": Key(MapOf(ListOf(_CHANGE)), help="the changes of each event"),
        "new_events": Key(MapOf(_NEW_EVENT), help="events that the profile does not have"),
    },
    "an overlay",
    Overlay,
)


def is_folder(name: str) -> bool:
    """Whether the name of a profile is that of a folder."""
    return os.sep in name or "/" in name or os.path.isdir(name)


Stamp = tuple[str, int, int] | None
"""What tells a changed file: its folder, its time and its size; None if it is not there."""


def stamp(folder: str) -> Stamp:
    """The stamp of an overlay's file."""
    path = os.path.abspath(folder)
    try:
        found = os.stat(os.path.join(path, FILE_NAME))
    except (OSError, ValueError):
        return None
    return path, found.st_mtime_ns, found.st_size


def read_overlay(folder: Path) -> tuple[Overlay, PlacedNode]:
    """The overlay of a folder, and its root node. Raises InputError, or DocumentError with all problems."""
    file = folder / FILE_NAME
    try:
        text = read_file(file)
    except UnreadableFileError as error:
        remedy = "'vendorsim capture drift --propose DIR' writes one"
        if not folder.is_dir():
            raise InputError(
                f"{folder}: there is no such folder; --profile takes a name, or the folder of an overlay"
            ) from None
        raise InputError(f"{folder}: has no readable {FILE_NAME} ({error.reason}); {remedy}") from None
    problems = Problems(str(file))
    root = read(text, problems)
    if root is None and not problems.found:
        problems.add(PlacedNode(1, 1), "the file is empty; 'vendorsim capture drift --propose DIR' writes an overlay")
    elif root is not None and not isinstance(root, MappingNode):
        problems.add(root, f"an overlay is a mapping with 'vendor', 'profile' and 'captured', not {kind(root)}")
    problems.raise_if_any()
    assert isinstance(root, MappingNode)
    values = ROOT.read_values(root, problems)
    problems.raise_if_any()
    found: Overlay = ROOT.build(**values)
    return found, root


def prepare_folder(folder: Path) -> None:
    """Makes the folder of an overlay. Raises InputError if that is not possible, or if anything else is in it."""
    try:
        others = [path.name for path in folder.iterdir() if path.name != FILE_NAME] if folder.exists() else []
        if others:
            raise InputError(f"{folder}: is not empty ({others[0]}); name a new folder, or one with an overlay only")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: can't be written: {error.strerror or error}") from None


def write_overlay(folder: Path, document: Mapping[str, Any]) -> None:
    """Writes the file of an overlay, in the place of one that is there. Raises InputError, as `prepare_folder` does."""
    prepare_folder(folder)
    try:
        whole = folder / f".{FILE_NAME}.new"
        whole.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        whole.replace(folder / FILE_NAME)
    except OSError as error:
        raise InputError(f"{folder}: can't be written: {error.strerror or error}") from None


def overlaid(base: Profile, contracts: Path, folder: str, overlay: Overlay, root: PlacedNode) -> Profile:
    """The base profile, changed by an overlay, and called like its folder. `contracts` is the folder of the vendor's
    contracts. Raises DocumentError with all problems."""
    documents = ContractFolder(contracts / (base.contract or base.name), base.amend)
    source = overlay.source()
    added = {name + SUFFIX: _document(name, new, source) for name, new in overlay.new_events.items()}
    _check(base, documents, overlay, root, f"{folder.rstrip('/')}/{FILE_NAME}")
    kinds = [
        EventKind(name, f"seen {new.seen} times in a capture; when it is sent is not known", CAPTURED, source)
        for name, new in overlay.new_events.items()
    ]
    return replace(
        base,
        name=folder,
        title=f"{base.name} as it was captured: {source}",
        events=(*base.events, *kinds),
        identify=partial(_identify, base, overlay),
        contract=base.contract or base.name,
        amend=_Amended(base.amend, documents, overlay),
        added_documents=added,
        adapt=partial(_adapt, overlay),
        overlays=base,
        unseen=False,
    )


class _Amended:
    """Changes the documents of the base profile, each once."""

    def __init__(self, amend: Amend | None, documents: ContractFolder, overlay: Overlay) -> None:
        self._amend, self._documents, self._overlay = amend, documents, overlay
        self._changed: dict[str, Node] = {}

    def __call__(self, name: str, document: Any) -> Any:
        changes = self._overlay.events.get(name.removesuffix(SUFFIX)) if name.endswith(SUFFIX) else None
        if changes:
            if name not in self._changed:
                resolve, source = self._documents.resolve, self._overlay.source()
                self._changed[name] = changed(self._documents.resolve(name), changes, resolve, source)
            return self._changed[name]
        return document if self._amend is None else self._amend(name, document)


def _adapt(overlay: Overlay, event: str, body: Body, seed: int) -> Body:
    changes = overlay.events.get(event)
    return adapted(body, changes, seed) if changes else body


def _identify(base: Profile, overlay: Overlay, body: Any) -> str | None:
    found = base.identify(body)
    if found is not None or not isinstance(body, dict):
        return found
    named = (name for name, new in overlay.new_events.items() if new.keys and new.keys.items() <= _texts(body))
    return next(named, None)


def _texts(body: dict[str, Any]) -> set[tuple[str, str]]:
    return {(key, value) for key, value in body.items() if isinstance(value, str)}


def _document(name: str, new: NewEvent, source: str) -> Node:
    stated = {"x-provenance": CAPTURED, "x-source": source}
    return {"$schema": DIALECT, "title": name, **new.schema, **stated}


def _check(base: Profile, documents: ContractFolder, overlay: Overlay, root: PlacedNode, file: str) -> None:
    """Raises DocumentError with all changes that can't be made."""
    problems = Problems(file)
    events = _below(root, "events")
    for name, changes in overlay.events.items():
        nodes = _below(root, "events", name)
        if name not in documents.events:
            known = UnknownNameError(f"event of {overlay.vendor} ({base.name})", name, base.event_names())
            problems.add(events, f"{known}{_other_version(overlay)}")
            continue
        items = nodes.items if isinstance(nodes, Sequence) else ()
        places = dict(zip(map(id, changes), items, strict=True))
        editor = SchemaEditor(documents.resolve(name + SUFFIX), documents.resolve, "")
        for change in in_order(changes):
            _check_change(change, editor, problems, places[id(change)], overlay)
    for name, new in overlay.new_events.items():
        node = _below(root, "new_events", name)
        if name in base.event_names():
            problems.add(node, f"{base.name} has the event {name}; write its changes under 'events'")
        if "/" in name or name.startswith("."):
            problems.add(node, f"'{name}' can't be the name of an event")
        _check_schema(new.schema, problems, node)
    problems.raise_if_any()


def _check_change(
    change: OverlayChange,
    editor: SchemaEditor,
    problems: Problems,
    node: PlacedNode,
    overlay: Overlay,
) -> None:
    wants_schema = change.change in (ChangeKind.ADD, ChangeKind.WIDEN, ChangeKind.REPLACE)
    if not change.field.startswith("/"):
        problems.add(node, f"'{change.field}' is no path of a field; write it like /conversation/id")
    elif wants_schema and change.schema is None:
        problems.add(node, f"'{change.change}' needs 'schema'")
    elif not wants_schema and change.schema is not None:
        problems.add(node, f"'{change.change}' takes no 'schema'; remove it")
    elif change.schema is None or _check_schema(change.schema, problems, node):
        try:
            editor.apply(change)
        except NoSuchPlace as error:
            problems.add(node, f"{error} in the contract of {overlay.profile}{_other_version(overlay)}")


def _check_schema(schema: Any, problems: Problems, node: PlacedNode) -> bool:
    if not isinstance(schema, dict):
        problems.add(node, "'schema' must be a JSON Schema, as a mapping")
        return False
    try:
        jsonschema_rs.meta.validate({"$schema": DIALECT, **schema})
        jsonschema_rs.Draft202012Validator(schema)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        problems.add(node, f"'schema' is no JSON Schema that can be used: {str(error).splitlines()[0]}")
        return False
    return True


def _other_version(overlay: Overlay) -> str:
    if overlay.vendorsim == __version__:
        return ""
    return f"; vendorsim {overlay.vendorsim} wrote this overlay, this is {__version__}: propose it again"


def _below(node: PlacedNode | None, *keys: str) -> PlacedNode:
    """The node below some keys, the nearest that there is."""
    found = node or PlacedNode(1, 1)
    for key in keys:
        inner = found.get(key) if isinstance(found, MappingNode) else None
        if inner is None:
            break
        found = inner
    return found


def wrong_base(folder: str, overlay: Overlay) -> DocumentError:
    """The error for an overlay of an overlay."""
    message = f"'profile' must be the name of a profile of {overlay.vendor}, not a folder ({overlay.profile})"
    return DocumentError([Problem(f"{folder.rstrip('/')}/{FILE_NAME}", 1, 1, message)])


def wrong_vendor(folder: str, overlay: Overlay, vendor: str) -> DocumentError:
    """The error for an overlay of another vendor."""
    message = f"this is an overlay of {overlay.vendor}, not of {vendor}; use it with --vendor {overlay.vendor}"
    return DocumentError([Problem(f"{folder.rstrip('/')}/{FILE_NAME}", 1, 1, message)])


def json_schema() -> dict[str, Any]:
    """The format as JSON Schema, for editors."""
    return published(
        "overlay-1",
        "vendorsim overlay",
        "The changes of a vendor's profile that a capture was seen to need",
        ROOT.schema(),
    )
