"""The entry points of installed packages: those that `importlib.metadata` finds."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
from vendorsim.vendorkit.entry_points import EntryPoint, entry_points

GROUP = "acme.plugins"
TEXT = """\
# comments = are:skipped
[console_scripts]
acme = acme.cli:main

[acme.plugins]
one = json.decoder:JSONDecoder.decode
two=json:loads [fast]
; three = json:dumps
[acme.plugins.more]
four = json:dumps
"""


def installed(site: Path, name: str, text: str = TEXT, version: str = "1.2") -> Path:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text(text, "utf-8")
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path / "site")
    return tmp_path / "site"


def pairs(group: str) -> list[tuple[str, str]]:
    return [(point.name, point.value) for point in entry_points(group)]


@pytest.mark.parametrize("group", ["pytest11", "console_scripts", "vendorsim.vendors", "no.such.group"])
def test_of_this_environment_are_those_of_the_standard_library(group: str) -> None:
    known = {(point.name, point.value) for point in importlib.metadata.entry_points(group=group)}
    assert set(pairs(group)) == known


def test_those_of_one_group(site: Path) -> None:
    folder = installed(site, "acme")
    assert list(entry_points(GROUP)) == [
        EntryPoint("one", "json.decoder:JSONDecoder.decode", folder),
        EntryPoint("two", "json:loads [fast]", folder),
    ]


def test_name_an_object_of_a_module(site: Path) -> None:
    import json

    installed(site, "acme")
    assert [point.load() for point in entry_points(GROUP)] == [json.JSONDecoder.decode, json.loads]
    assert [point.module for point in entry_points(GROUP)] == ["json.decoder", "json"]
    assert [point.package() for point in entry_points(GROUP)] == ["acme 1.2"] * 2
    assert EntryPoint("one", "json:loads").package() is None


def test_of_a_package_that_is_installed_twice_are_those_of_the_first(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(site, "Acme_Plugins")
    monkeypatch.syspath_prepend(tmp_path / "newer")
    installed(tmp_path / "newer", "acme.plugins", "[acme.plugins]\nfive = json:dumps\n", "2.0")
    assert pairs(GROUP) == [("five", "json:dumps")]


def test_are_not_looked_for_where_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "packages.zip").write_bytes(b"no archive")
    monkeypatch.syspath_prepend(tmp_path / "missing")
    monkeypatch.syspath_prepend(tmp_path / "packages.zip")
    (tmp_path / "site" / "acme-1.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert pairs(GROUP) == []
