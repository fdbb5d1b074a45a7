"""Overlays: what is wrong with one is said at its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from vendorsim.core.errors import InputError
from vendorsim.core.version import __version__
from vendorsim.vendorkit import registry

BASE: dict[str, Any] = {
    "vendor": "messagehub",
    "profile": "observed-4.18",
    "vendorsim": __version__,
    "captured": {"on": "2026-11-29", "bodies": 3},
}
ADD = {"field": "/tier", "change": "add", "seen": 3, "of": 3, "schema": {"type": "string"}}


def written(folder: Path, document: Any) -> Path:
    folder.mkdir(exist_ok=True)
    text = document if isinstance(document, str) else json.dumps(document, indent=2)
    (folder / "overlay.json").write_text(text)
    return folder


def change(**values: Any) -> dict[str, Any]:
    given = {key: value for key, value in (ADD | values).items() if value is not None}
    return {**BASE, "events": {"message_created": [given]}}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "overlay.json:1:1: the file is empty; 'vendorsim capture drift --propose DIR' writes an overlay"),
        ("[]", "overlay.json:1:1: an overlay is a mapping with 'vendor', 'profile' and 'captured', not a list"),
        ({**BASE, "event": {}}, "unknown key in an overlay 'event'; did you mean 'events'?"),
        ({"vendor": "messagehub"}, "an overlay needs 'profile': text"),
        ({**BASE, "vendor": "smartsupp"}, "this is an overlay of smartsupp, not of messagehub; use it with --vendor"),
        ({**BASE, "profile": "observed-9"}, "unknown profile of messagehub 'observed-9'"),
        ({**BASE, "profile": "./other"}, "'profile' must be the name of a profile of messagehub, not a folder"),
        ({**BASE, "events": {"message_creatd": []}}, "unknown event of messagehub (observed-4.18) 'message_creatd'"),
        (change(change="ad"), "unknown change 'ad'; did you mean 'add'?"),
        (change(schema=None), "overlay.json:11:7: 'add' needs 'schema'"),
        (change(change="drop"), "'drop' takes no 'schema'; remove it"),
        (change(field="tier"), "'tier' is no path of a field; write it like /conversation/id"),
        (change(field="/nowhere/tier"), "there is no object that could hold /nowhere/tier in the contract of observed"),
        (change(field="/nowhere", change="widen"), "there is no field /nowhere in the contract of observed-4.18"),
        (change(schema={"type": "strin"}), "'schema' is no JSON Schema that can be used:"),
        (change(schema=7), "'schema' must be a JSON Schema, as a mapping"),
        (change(seen="3"), "expected a whole number"),
        (
            {**BASE, "new_events": {"message_created": {"schema": {}, "seen": 1}}},
            "observed-4.18 has the event message_created; write its changes under 'events'",
        ),
        ({**BASE, "new_events": {"../x": {"schema": {}, "seen": 1}}}, "'../x' can't be the name of an event"),
        (
            {**BASE, "vendorsim": "0.1.0", "events": {"message_created": [ADD | {"field": "/a/b"}]}},
            f"vendorsim 0.1.0 wrote this overlay, this is {__version__}: propose it again",
        ),
    ],
)
def test_a_broken_overlay(document: Any, message: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "seen", document)
    with pytest.raises(InputError) as caught:
        registry.get("messagehub").profile(str(folder))
    assert message in str(caught.value)
    assert str(folder) in str(caught.value) or "unknown profile" in message


def test_a_folder_without_one(tmp_path: Path) -> None:
    known = registry.get("messagehub")
    with pytest.raises(InputError, match="there is no such folder; --profile takes a name, or the folder of an"):
        known.profile(str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"has no readable overlay.json .*'vendorsim capture drift --propose DIR'"):
        known.profile(str(tmp_path))


def test_it_is_read_again_when_it_changes(tmp_path: Path) -> None:
    known = registry.get("messagehub")
    folder = written(tmp_path / "seen", BASE)
    first = known.profile(str(folder))
    assert known.profile(str(folder)) is first
    written(folder, change())
    assert known.profile(str(folder)) is not first
