"""The GitHub action, the pre-commit hooks, and the recipes of docs/ci.md: against their schemas, and carried out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from ports import free_port

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "ci.md"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
RECIPES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)

# An integration that keeps the texts of each conversation, each message once, and shows them.
APP = """
import json, sys
from flask import Flask, request

app = Flask(__name__)
messages = {}

@app.post("/hook")
def hook():
    body = request.get_json()
    if not isinstance(body, dict):
        return "", 400
    message = body if str(body.get("event")).startswith("message") else {}
    if message.get("content") and isinstance(message.get("conversation"), dict):
        messages.setdefault(str(message["conversation"].get("id")), {})[str(message.get("id"))] = message["content"]
    return "", 200

@app.get("/state/<conversation>")
def state(conversation):
    return (messages[conversation], 200) if conversation in messages else ("", 404)

app.run(port=8000)
"""


def validated(schema: str, file: Path) -> None:
    """Checks a file by a schema that check-jsonschema ships: those that SchemaStore publishes."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, file]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_the_action_is_valid() -> None:
    pytest.importorskip("check_jsonschema", reason="needs check-jsonschema, which the extra dev installs")
    validated("vendor.github-actions", ROOT / "action.yml")


@pytest.mark.parametrize(("key", "schema"), [("jobs", "vendor.github-workflows"), ("contract", "vendor.gitlab-ci")])
def test_the_recipes_are_valid(tmp_path: Path, key: str, schema: str) -> None:
    pytest.importorskip("check_jsonschema", reason="needs check-jsonschema, which the extra dev installs")
    (recipe,) = (text for text in RECIPES if isinstance(yaml.safe_load(text), dict) and key in yaml.safe_load(text))
    (tmp_path / "recipe.yml").write_text(recipe)
    validated(schema, tmp_path / "recipe.yml")


def test_the_hooks_are_valid() -> None:
    pytest.importorskip("pre_commit", reason="needs pre-commit, which the extra dev installs")
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_recipe_of_pre_commit_names_our_hooks() -> None:
    (recipe,) = (yaml.safe_load(text) for text in RECIPES if text.startswith("repos:"))
    manifest = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    hooks = {hook["id"]: re.compile(hook["files"]) for hook in manifest}
    assert {hook["id"] for hook in recipe["repos"][0]["hooks"]} == set(hooks)
    paths = {
        "stories/first.scenario.yaml": ["vendorsim-scenarios"],
        "traffic.yaml": ["vendorsim-traffic"],
        "load/evening.traffic.yml": ["vendorsim-traffic"],
        "vendorsim.yaml": [],
    }
    assert {path: [name for name, files in hooks.items() if files.search(path)] for path in paths} == paths


def test_no_input_is_a_part_of_a_script() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
    for script in (ROOT / ".ci" / "action").iterdir():
        assert "${{" not in script.read_text()
        assert not re.search(r"\beval\b", script.read_text())


# The action, carried out


@dataclass(frozen=True)
class Ended:
    """How a step ended, and what it has written for GitHub."""

    code: int
    log: str
    summary: str
    outputs: Mapping[str, str]


Run = Callable[..., Ended]


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """The environment of a step: the files and folders of GitHub, with vendorsim where the first step installs it."""
    bin = tmp_path / "runner" / "vendorsim" / "bin"
    bin.mkdir(parents=True)
    # Not a link: it would be a Python without the packages of this environment.
    for name, command in (("python", sys.executable), ("vendorsim", f"{sys.executable} -m vendorsim")):
        (bin / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (bin / name).chmod(0o755)
    for name in ("summary", "outputs"):
        (tmp_path / name).touch()
    return {
        **os.environ,
        "RUNNER_TEMP": str(tmp_path / "runner"),
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT / "simulator"), os.environ.get("PYTHONPATH")))),
        "PATH": os.pathsep.join((str(bin), str(Path(sys.executable).parent), os.environ["PATH"])),
    }


@pytest.fixture
def step(tmp_path: Path, runner: dict[str, str]) -> Run:
    """`step("check", vendor="smartsupp")` carries out a step of the action with these inputs, as GitHub does."""

    def run(id: str, **inputs: str) -> Ended:
        assert set(inputs) <= set(ACTION["inputs"])
        chosen = {name: inputs.get(name, about.get("default", "")) for name, about in ACTION["inputs"].items()}
        (found,) = (each for each in ACTION["runs"]["steps"] if id in (each.get("id"), each["name"]))
        variables = {
            name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: chosen[match[1]], value)
            for name, value in found["env"].items()
        }
        (tmp_path / "project").mkdir(exist_ok=True)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]],
            cwd=tmp_path / "project",
            env=runner | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        outputs = dict(line.split("=", 1) for line in (tmp_path / "outputs").read_text().splitlines())
        return Ended(done.returncode, done.stdout, (tmp_path / "summary").read_text("utf-8"), outputs)

    return run


@pytest.mark.slow
def test_the_recipe_of_github_carried_out(tmp_path: Path, step: Run) -> None:
    (recipe,) = (text for text in RECIPES if text.startswith("name: contract"))
    port = str(free_port())
    workflow = yaml.safe_load(recipe.replace("8000", port))
    (used,) = (each for each in workflow["jobs"]["contract"]["steps"] if "vendorsim/" in each.get("uses", ""))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "app.py").write_text(APP.replace("8000", port))
    options = f"{used['with']['options']} --only accepts.typical,effects.lost"
    done = step("check", **used["with"] | {"options": options})
    reports = tmp_path / "project" / "vendorsim-reports"
    document = json.loads((reports / "vendorsim.json").read_bytes())
    statuses = {result["id"]: result["status"] for result in document["checks"]}
    assert statuses == {"accepts.typical": "passed", "effects.lost": "passed"}, done.log
    assert done.outputs == {
        "verdict": document["verdict"],
        "exit-code": str(done.code),
        "junit": "vendorsim-reports/vendorsim.xml",
        "sarif": "vendorsim-reports/vendorsim.sarif",
    }
    assert done.summary == (reports / "vendorsim.md").read_text("utf-8")
    endings = {path.name.partition(".")[2] for path in reports.iterdir()}
    assert endings == {"xml", "sarif", "html", "json", "md", "github.txt"}


@pytest.mark.slow
def test_the_recipe_of_gitlab_carried_out(tmp_path: Path, runner: dict[str, str]) -> None:
    (recipe,) = (text for text in RECIPES if text.startswith("contract:"))
    port = str(free_port())
    job = yaml.safe_load(recipe.replace("8000", port))["contract"]
    install, *script = job["script"]
    assert install.startswith("pip install vendorsim")
    (tmp_path / "app.py").write_text(APP.replace("8000", port))
    commands = "\n".join(f"{line} --only accepts.typical" for line in script)
    done = subprocess.run(
        ["bash", "-ec", commands], cwd=tmp_path, env=runner, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    named = job["artifacts"]["reports"]
    assert json.loads((tmp_path / named["codequality"]).read_bytes()) == []
    assert (tmp_path / named["junit"]).read_bytes().startswith(b"<?xml")
    assert all((tmp_path / name).exists() for name in job["artifacts"]["paths"])


@pytest.mark.slow
def test_findings_are_annotations_and_a_target_can_not_make_some(tmp_path: Path, step: Run) -> None:
    port = free_port()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "app.py").write_text(
        "from flask import Flask\napp = Flask(__name__)\n"
        'app.post("/hook")(lambda: ("\\n::error::forged\\n", 500))\n'
        f"app.run(port={port})\n"
    )
    inputs = {
        "vendor": "smartsupp",
        "target": f"http://127.0.0.1:{port}/hook",
        "start": f"{sys.executable} app.py",
        "options": "--only accepts.typical",
    }
    done = step("check", **inputs)
    assert (done.code, done.outputs["verdict"]) == (1, "failed")
    (stopped,) = re.findall(r"^::stop-commands::(.+)$", done.log, re.MULTILINE)
    before, resumed, after = done.log.partition(f"::{stopped}::\n")
    assert resumed
    assert not re.search("^::error", before, re.MULTILINE)
    assert [line.partition("::")[0] for line in after.splitlines()] == [""]
    assert after.startswith("::error title=vendorsim%3A accepts.typical::")
    assert "forged" not in after


@pytest.mark.parametrize(
    ("inputs", "code", "said"),
    [
        ({"vendor": "smartsup"}, 2, "did you mean 'smartsupp'?"),
        (
            {"vendor": "smartsupp", "options": "--only 'accepts"},
            2,
            "the input options can't be split: ValueError: No closing",
        ),
        ({"vendor": "smartsupp", "wait": "100ms", "target": "http://127.0.0.1:9/hook"}, 3, "not ready after 0.1 s"),
        ({"vendor": "smartsupp", "start": "no-such-program"}, 2, "there is no program 'no-such-program'"),
        ({"vendor": "smartsupp", "target": "$(touch harm)`touch harm`; touch harm"}, 2, "is not a URL to send to"),
        (
            {"vendor": "smartsupp", "options": "$(touch harm) `touch harm` ; touch harm"},
            2,
            "unexpected extra arguments",
        ),
    ],
)
def test_what_goes_wrong(tmp_path: Path, step: Run, inputs: dict[str, str], code: int, said: str) -> None:
    done = step("check", **inputs)
    assert done.code == code, done.log
    assert said in done.log
    assert not list(tmp_path.rglob("harm"))
    if "can't be split" not in said:
        assert done.outputs["verdict"] == ""
        assert f"nothing was checked (exit code {code})" in done.summary


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"version": "1.0 --index-url http://x.example"}, "the input version is not a version"),
        ({"version": "-r other.txt"}, "the input version is not a version"),
        ({"extras": "fuzz] evil["}, "the input extras is not a list of names"),
    ],
)
def test_nothing_but_versions_and_names_reaches_pip(step: Run, inputs: dict[str, str], said: str) -> None:
    done = step("Install vendorsim", **inputs)
    assert done.code == 2
    assert f"::error title=vendorsim::{said}" in done.log


def test_the_scripts_are_sound() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    subprocess.run(["shellcheck", *(ROOT / ".ci" / "action").iterdir()], check=True)
