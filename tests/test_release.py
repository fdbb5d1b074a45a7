"""What `make release` decides by itself; the rest are the tools that it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from published_schemas import violations

ROOT = Path(__file__).parents[1]
CHANGELOG = """\
# Changelog

## 1.1.0 (2026-12-31)

* New.

### More

* Of it.

## 1.1 (2026-12-30)

## 1.0.0 (unreleased)

* First.
"""


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("version", "title", "notes"),
    [
        ("1.1.0", "## 1.1.0 (2026-12-31)", "* New.\n\n### More\n\n* Of it.\n"),
        ("1.0.0", "## 1.0.0 (unreleased)", "* First.\n"),
    ],
)
def test_the_notes_are_the_section_of_the_version(release: ModuleType, version: str, title: str, notes: str) -> None:
    assert release.section(CHANGELOG, version) == (title, notes)


@pytest.mark.parametrize("version", ["1.1", "1.0", "2.0.0"])
def test_without_a_section_there_is_no_release(
    release: ModuleType, capsys: pytest.CaptureFixture[str], version: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        release.section(CHANGELOG, version)
    assert ended.value.code == 2
    assert f"CHANGELOG.md has no section '## {version}', or an empty one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tag", "title", "missing", "reason"),
    [
        ("v1.0.0", "## 1.0.0 (2026-12-31)", [], ""),
        (
            "v1.0.1",
            "## 1.0.0 (2026-12-31)",
            [],
            "the tag is v1.0.1, and simulator/vendorsim/core/version.py says 1.0.0",
        ),
        ("1.0.0", "## 1.0.0 (2026-12-31)", [], "the tag is 1.0.0, and simulator/vendorsim/core/version.py says 1.0.0"),
        ("v1.0.0", "## 1.0.0 (unreleased)", [], "has no date"),
        ("v1.0.0", "## 1.0.0 (2026-12-31)", ["3.12", "3.13"], "this machine has no Python 3.12, 3.13"),
    ],
)
def test_a_tag_demands_that_everything_is_in_order(
    release: ModuleType, tag: str, title: str, missing: list[str], reason: str
) -> None:
    said = release.not_ready(tag, "1.0.0", title, missing)
    assert said == reason if not reason else reason in said


def test_two_builds_that_differ_are_refused(
    release: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in (("one", b"same"), ("two", b"same"), ("other", b"else")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.whl").write_bytes(content)
    release.compare(tmp_path / "one", tmp_path / "two")
    with pytest.raises(SystemExit) as ended:
        release.compare(tmp_path / "one", tmp_path / "other")
    assert ended.value.code == 1
    assert "these are not the same: a.whl" in capsys.readouterr().err


def test_the_supported_pythons_are_tried(release: ModuleType) -> None:
    assert release.supported_pythons() == ["3.11", "3.12", "3.13"]
    here = "{}.{}".format(*sys.version_info)
    assert release.find_python("3.4") is None
    found = release.find_python(here)
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    assert subprocess.run([found, "-c", code], capture_output=True, text=True).stdout.strip() == here


def test_what_is_built_into_the_wheel_is_in_the_list_of_components(release: ModuleType) -> None:
    packages = json.loads(release.BUNDLED.read_text())
    listed = {component["purl"]: component for component in release.bundled(packages)}
    assert len(listed) == len(packages) > 10
    view = next(component for purl, component in listed.items() if purl.startswith("pkg:npm/%40codemirror/view@6."))
    assert (view["group"], view["name"]) == ("@codemirror", "view")
    assert view["licenses"] == [{"license": {"id": "MIT"}}]
    assert any(purl.startswith("pkg:npm/style-mod@") for purl in listed)


def test_the_workflow_keeps_to_its_schema_and_pins_what_it_uses() -> None:
    workflow = ROOT / ".github" / "workflows" / "release.yml"
    assert violations("github-workflows", workflow) == []
    used = [line.split("uses: ")[1] for line in workflow.read_text().splitlines() if "uses: " in line]
    assert used
    assert not [each for each in used if len(each.partition("@")[2].partition(" ")[0]) != 40]
