"""`vendorsim export types`: the types compile, and the examples of the contracts are of these types."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from mypy import api as mypy
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract import contract
from vendorsim.vendorkit.type_schema import type_schema

NODE_MODULES = Path(__file__).parents[2] / ".clients" / "typescript" / "node_modules"
CHOSEN = [("messagehub", "documented"), ("userlike", "documented")]
PROFILES = [
    (vendor.name, profile.name)
    for vendor in map(registry.get, registry.names())
    for profile in vendor.profiles.values()
    if profile.events
]
each_profile = pytest.mark.parametrize(
    ("vendor", "profile"),
    [pytest.param(*each, id="-".join(each), marks=() if each in CHOSEN else pytest.mark.thorough) for each in PROFILES],
)


def examples(vendor: str, profile: str) -> Iterator[tuple[str, Any]]:
    """The types of the profile's events, each with a body from its contract."""
    known = contract(vendor, profile)
    for event in registry.get(vendor).profile(profile).event_names():
        for path in sorted((known.folder / "examples").glob(f"{event}*.json")):
            example = json.loads(path.read_bytes())
            body = example["body"]
            if example["event"] == event and not known.violations(event, body):
                yield "".join(part[:1].upper() + part[1:] for part in re.split(r"[._]", event)), body


@pytest.mark.slow
@each_profile
def test_types_of_python(vendorsim: Vendorsim, tmp_path: Path, vendor: str, profile: str) -> None:
    if importlib.util.find_spec("datamodel_code_generator") is None:
        pytest.skip("the generator is not installed: pip install 'vendorsim[export]'")
    done = vendorsim("export", "types", "--vendor", vendor, "--profile", profile, "--lang", "python")
    assert (done.code, done.err) == (0, "")
    (tmp_path / "types_of_vendor.py").write_text(done.out, encoding="utf-8")
    used = ["import types_of_vendor as t"]
    for number, (name, body) in enumerate(examples(vendor, profile)):
        used += [f"body_{number}: t.{name} = {body!r}", f"any_{number}: t.AnyEvent = body_{number}"]
    assert len(used) > 2
    (tmp_path / "uses_them.py").write_text("\n".join(used), encoding="utf-8")
    out, err, code = mypy.run(["--strict", "--no-incremental", "--cache-dir", str(tmp_path), str(tmp_path)])
    assert (code, err) == (0, ""), out


@pytest.mark.slow
@each_profile
def test_types_of_typescript(
    vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor: str, profile: str
) -> None:
    if shutil.which("node") is None or not NODE_MODULES.exists():
        pytest.skip("needs Node with json-schema-to-typescript and typescript, which .ci/clients installs")
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    monkeypatch.chdir(tmp_path)
    done = vendorsim("export", "types", "--vendor", vendor, "--profile", profile, "--lang", "typescript")
    assert (done.code, done.err) == (0, "")
    (tmp_path / "types.ts").write_text(done.out, encoding="utf-8")
    used = ['import type * as t from "./types";']
    for number, (name, body) in enumerate(examples(vendor, profile)):
        used += [
            f"const body_{number}: t.{name} = {json.dumps(body)};",
            f"export const any_{number}: t.AnyEvent = body_{number};",
        ]
    assert len(used) > 2
    (tmp_path / "uses_them.ts").write_text("\n".join(used), encoding="utf-8")
    compiled = subprocess.run(
        [NODE_MODULES / ".bin" / "tsc", "--noEmit", "--strict", "uses_them.ts"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (compiled.returncode, compiled.stdout) == (0, "")


@pytest.mark.parametrize(("vendor", "profile"), PROFILES)
def test_each_event_has_a_type_with_the_fields_of_its_body(vendor: str, profile: str) -> None:
    events = registry.get(vendor).profile(profile).event_names()
    schema = type_schema(contract(vendor, profile), events)
    assert len(schema["anyOf"]) == len(events)
    for name, body in examples(vendor, profile):
        assert set(body) <= set(schema["$defs"][name]["properties"]), name


@pytest.mark.parametrize(
    ("options", "code", "problem"),
    [
        (("--vendor", "ccai", "--lang", "python"), 2, "ccai sends no events with the profile 'documented'"),
        (("--vendor", "smartsup", "--lang", "python"), 2, "did you mean 'smartsupp'?"),
        (("--vendor", "smartsupp", "--lang", "java"), 2, "'java' is not one of 'typescript', 'python'"),
        (("--vendor", "smartsupp", "--profile", "webhook", "--lang", "python"), 2, "did you mean 'webhooks'?"),
        (("--vendor", "smartsupp"), 2, "Missing option '--lang'"),
    ],
)
def test_refusals(vendorsim: Vendorsim, options: tuple[str, ...], code: int, problem: str) -> None:
    done = vendorsim("export", "types", *options)
    assert (done.code, done.out) == (code, "")
    assert problem in done.err


def test_a_missing_generator_is_told_with_the_command_that_installs_it(
    vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = vendorsim("export", "types", "--vendor", "smartsupp", "--lang", "typescript")
    assert (done.code, done.out) == (3, "")
    assert "npm install --save-dev json-schema-to-typescript" in done.err
    monkeypatch.setitem(__import__("sys").modules, "datamodel_code_generator", None)
    done = vendorsim("export", "types", "--vendor", "smartsupp", "--lang", "python")
    assert (done.code, done.out) == (3, "")
    assert "pip install 'vendorsim[export]'" in done.err
