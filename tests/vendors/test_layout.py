"""Every vendor's folder has the same file names, each with the same subject."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import vendorsim.vendors
from vendorsim.vendorkit import registry

FOLDER = Path(next(iter(vendorsim.vendors.__path__)))
VENDORS = sorted(path for path in FOLDER.iterdir() if (path / "__init__.py").exists())

# `vendor`: the Vendor object and its profiles. `reactions`: from changes to drafts. `bodies`: pure builders of bodies.
# `memory`: what the vendor remembers of a conversation. `signing`: schemes. `api`: the API that integrations call.
# `identify`: what several profiles' modules read from a captured body. `widget`: the settings of the chat on a website,
# and when it is visible. `pages`: what people see in a browser. Larger subjects are packages of that name.
SUBJECTS = {"vendor", "reactions", "bodies", "memory", "signing", "api", "identify", "widget", "pages"}
# A profile with a package of its own has `profile` in place of `vendor`, and what depends on its version.
OF_A_PROFILE = {"profile", "reactions", "bodies", "memory", "quirks", "policies", "versions", "contract"}


def modules(folder: Path) -> set[str]:
    found = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    return found - {"__init__"}


def has_own_package(folder: Path, name: str) -> bool:
    return (folder / name / "profile.py").exists()


@pytest.mark.parametrize("folder", VENDORS, ids=lambda path: path.name)
def test_a_vendor_has_the_files_of_all_vendors(folder: Path) -> None:
    found = modules(folder)
    profiles = {name for name in found if has_own_package(folder, name)}
    assert found - profiles <= SUBJECTS
    assert {"vendor", "reactions", "bodies"} <= found
    for name in profiles:
        assert modules(folder / name) <= OF_A_PROFILE


@pytest.mark.parametrize("folder", VENDORS, ids=lambda path: path.name)
def test_packages_hold_their_code_in_named_modules(folder: Path) -> None:
    for package in folder.rglob("*/__init__.py"):
        lines = package.read_text().splitlines()
        assert len(lines) == 1, f"{package.parent.name}: put code into named modules"
        assert lines[0].startswith('"""')


@pytest.mark.parametrize("vendor", registry.names())
def test_a_profile_names_the_key_that_holds_the_event(vendor: str) -> None:
    """`check` sends unknown events, and bodies without the event, by this key."""
    known = registry.get(vendor)
    for profile in known.profiles.values():
        for path in (known.contracts() / (profile.contract or profile.name) / "examples").glob("*.json"):
            example = json.loads(path.read_text())
            body = example["body"]
            holders = {key for key, value in body.items() if value == example["event"]}
            assert holders <= set(profile.event_keys), f"{profile.name}: {path.name}"
