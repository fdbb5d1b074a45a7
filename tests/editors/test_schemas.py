"""The published JSON Schemas: right files pass, wrong ones are refused at their place; SchemaStore can take them."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import DocumentError, VendorsimError
from vendorsim.core.yaml_nodes import Problems, plain, read
from vendorsim.load import traffic
from vendorsim.runs import config, library
from vendorsim.vendorkit.policy_overrides import HELP, READERS

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs" / "share" / "vendorsim" / "schemas"
MODULES = ROOT / ".clients" / "yaml" / "node_modules"
NAMES = sorted(path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.schema.json"))
DRAFT = jsonschema.Draft7Validator
STEADY = "arrivals: {process: constant, rate: 5/s}\n"
URL = "url: http://localhost:8000/hook"
COMMAND = "command: ./state {conversation_id}"
RIGHT_CONFIGS = {
    "docs": re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "configuration.md").read_text("utf-8"), re.DOTALL)[0],
    "nothing": "{}\n",
    "probes by name": f"targets: {{ccai: [{{{URL}, probe: {{a: 'app:state', b: '{COMMAND}'}}}}]}}\n",
    "a probe": f"targets: {{ccai: [{{{URL}, probe: 'http://localhost/{{conversation_id}}'}}]}}\n",
    "two secrets": f"targets: {{smartsupp: [{{{URL}, secret_env: [A, B]}}]}}\n",
    "a policy": "policy: {smartsupp: {signing: none, redirects: 3, redirected: [301, '303:get']}}\n",
    "an empty sink": "sinks: {crm: }\n",
}
# Schema, the text, and the JSON pointer of each place that is refused.
WRONG = [
    ("config-1", "target: {}\n", [""]),
    ("config-1", "targets: {smartsup: []}\n", ["/targets"]),
    ("config-1", "targets: {smartsupp: [{}]}\n", ["/targets/smartsupp/0"]),
    ("config-1", "targets: {smartsupp: [{url: ftp://x}]}\n", ["/targets/smartsupp/0/url"]),
    ("config-1", f"targets: {{smartsupp: [{{{URL}, secret: x}}]}}\n", ["/targets/smartsupp/0"]),
    ("config-1", f"targets: {{messagehub: [{{{URL}, account: 0}}]}}\n", ["/targets/messagehub/0/account"]),
    ("config-1", f"targets: {{messagehub: [{{{URL}, probe: 7}}]}}\n", ["/targets/messagehub/0/probe"]),
    ("config-1", "policy: {smartsupp: {retry: 5s}}\n", ["/policy/smartsupp"]),
    ("config-1", "policy: {nobody: {retries: 5s}}\n", ["/policy"]),
    ("config-1", "checks: {severity: {accepts.typical: info}}\n", ["/checks/severity/accepts.typical"]),
    ("config-1", "checks: {skip: [{check: accepts, reason: slow}]}\n", ["/checks/skip/0"]),
    ("config-1", "sinks: {CRM: {}}\n", ["/sinks"]),
    ("scenario-1", "scenario: A\nsteps: [{sya: Hello}]\n", ["/steps/0", "/steps/0"]),
    ("scenario-1", "scenario: A\nsteps: [{say: {txt: Hello}}]\n", ["/steps/0/say"]),
    ("scenario-1", "scenario: A\nsteps: [{close: visitor, after: 2}]\n", ["/steps/0/after"]),
    ("scenario-1", "scenario: A\nsteps: [shout]\n", ["/steps/0"]),
    ("scenario-1", "scenario: A\nsteps: [{close: visitor, as: last}]\n", ["/steps/0"]),
    ("scenario-1", "steps: [close]\n", [""]),
    ("scenario-1", "scenario: A\nvendors: [acme]\nsteps: [close]\n", ["/vendors/0"]),
    ("traffic-1", f"traffic: A\nscenarios: []\n{STEADY}", [""]),
    ("traffic-1", f"traffic: A\nscenarios: [{{scenario: x}}]\nduration: 1s\n{STEADY}", ["/scenarios/0"]),
    ("traffic-1", "traffic: A\nscenarios: []\narrivals: {process: constant, rate: 5}\nduration: 1s\n", ["/arrivals"]),
]  # fmt: skip
READ = {"config-1": config.load, "scenario-1": library.load, "traffic-1": traffic.load}


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return found


def document(text: str) -> Any:
    root = read(text, Problems("a file"))
    assert root is not None
    return plain(root)


def refused(name: str, text: str) -> list[str]:
    """The JSON pointers of what a schema refuses."""
    return [json_pointer.join(list(error.absolute_path)) for error in DRAFT(schema(name)).iter_errors(document(text))]


def test_there_is_one_for_each_kind_of_file() -> None:
    assert NAMES == [
        "check-report-1",
        "config-1",
        "drift-report-1",
        "overlay-1",
        "play-line-1",
        "scenario-1",
        "traffic-1",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_it_has_the_form_of_schemastore(name: str) -> None:
    found = schema(name)
    DRAFT.check_schema(found)
    assert found["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert found["$id"].endswith(f"/{name}.schema.json")
    assert found["title"]
    assert found["description"]


def test_ajv_compiles_them_in_its_strict_mode() -> None:
    """Ajv comes along with the language server."""
    if shutil.which("node") is None or not MODULES.exists():
        pytest.skip("needs Node and yaml-language-server: run .ci/clients")
    command = ["node", Path(__file__).parent / "strict.cjs", *sorted(SCHEMAS.glob("*.schema.json"))]
    done = subprocess.run(command, env={**os.environ, "NODE_PATH": str(MODULES)}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["config-1", "scenario-1", "traffic-1"])
def test_every_key_at_the_top_is_explained(name: str) -> None:
    assert [key for key, value in schema(name)["properties"].items() if not value.get("description")] == []


def test_every_key_of_a_policy_is_explained() -> None:
    assert HELP.keys() == READERS.keys()


@pytest.mark.parametrize("path", sorted(library.shipped().values()), ids=lambda path: path.stem)
def test_every_built_in_scenario_is_valid(path: Path) -> None:
    assert refused("scenario-1", path.read_text("utf-8")) == []


@pytest.mark.parametrize("text", RIGHT_CONFIGS.values(), ids=RIGHT_CONFIGS)
def test_a_right_configuration_is_valid(text: str, tmp_path: Path) -> None:
    (tmp_path / "vendorsim.yaml").write_text(text)
    config.load(str(tmp_path / "vendorsim.yaml"))
    assert refused("config-1", text) == []


def test_the_example_of_traffic_is_valid() -> None:
    assert refused("traffic-1", (ROOT / "examples" / "traffic.yaml").read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("name", "text", "pointers"), WRONG, ids=[f"{row[0]} {row[2][0]} {row[1][:30]!r}" for row in WRONG]
)
def test_a_wrong_file_is_refused_at_its_place(name: str, text: str, pointers: list[str], tmp_path: Path) -> None:
    assert refused(name, text) == pointers
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(VendorsimError) as caught:
        READ[name](str(path))
    assert isinstance(caught.value, DocumentError), "the program refuses it, too, with a place"


def test_the_catalogue_leads_to_each_schema() -> None:
    catalog = json.loads((SCHEMAS / "catalog.json").read_text("utf-8"))
    assert catalog.keys() == {"$schema", "version", "schemas"}
    entries = catalog["schemas"]
    assert all(entry.keys() <= {"name", "description", "fileMatch", "url"} for entry in entries)
    assert [entry["url"] for entry in entries] == [schema(name)["$id"] for name in (
        "config-1", "scenario-1", "traffic-1", "check-report-1", "play-line-1", "drift-report-1", "overlay-1"
    )]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("vendorsim.yaml", "vendorsim.yaml"),
        ("refund.scenario.yaml", "vendorsim scenario"),
        ("evening.traffic.yml", "vendorsim traffic"),
        ("staging.vendorsim-check.json", "vendorsim check report"),
        ("overlay.json", "vendorsim overlay"),
        ("docker-compose.yaml", None),
        ("scenario.yaml", None),
    ],
)
def test_the_catalogue_knows_our_files_by_their_names(file: str, name: str | None) -> None:
    entries = json.loads((SCHEMAS / "catalog.json").read_text("utf-8"))["schemas"]
    matching = [
        entry["name"]
        for entry in entries
        if any(fnmatch.fnmatchcase(file, pattern) for pattern in entry.get("fileMatch", ()))
    ]
    assert matching == ([] if name is None else [name])
