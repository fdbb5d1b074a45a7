"""The files for containers, held to what reads them: hadolint, the schema of Compose, vendorsim. No engine runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from published_schemas import violations
from vendorsim.runs import config
from vendorsim.server.control.settings import Settings
from vendorsim.server.hub import Hub
from vendorsim.server.serving import serve_app

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = shutil.which("hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if hadolint is None:
        pytest.skip("hadolint is installed with the extra dev on Linux for x86-64 only")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_compose_keeps_to_its_schema() -> None:
    assert violations("compose-spec", ROOT / "compose.yaml") == []


def test_the_image_is_built_from_what_the_build_may_see_and_with_extras_that_exist() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()}
    assert copied == {line[1:] for line in ignored if line.startswith("!")}
    (extras,) = re.findall(r"'\.\[(.+)\]'", DOCKERFILE)
    assert {*extras.split(",")} <= {
        *tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    }
    assert re.search(r"^USER (?!root|0\b)", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize(("token", "healthy"), [("s3cret", True), ("another", False)])
def test_the_health_check_tells_a_server_that_answers(token: str, healthy: bool) -> None:
    command = json.loads(re.findall(r"^ +CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)[0])
    settings = Settings(admin_token="s3cret")
    with Hub(settings, None) as hub, serve_app(hub.app, "127.0.0.1", 0) as server:
        port = server.url.rpartition(":")[2]
        environment = {**os.environ, "VENDORSIM_PORT": port, "VENDORSIM_ADMIN_TOKEN": token}
        done = subprocess.run([sys.executable, *command[1:]], env=environment, capture_output=True)
    assert (done.returncode == 0) is healthy


def test_the_health_check_tells_that_nothing_answers() -> None:
    command = json.loads(re.findall(r"^ +CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)[0])
    environment = {**os.environ, "VENDORSIM_PORT": "9"}
    assert subprocess.run([sys.executable, *command[1:]], env=environment, capture_output=True).returncode == 1


def test_the_targets_of_compose_are_its_helpdesk(tmp_path: Path) -> None:
    file = tmp_path / "vendorsim.yaml"
    file.write_text(COMPOSE["configs"]["targets"]["content"])
    targets = config.load(str(file)).targets
    urls = [target.url for each in targets.values() for target in each]
    assert urls == [f"http://helpdesk:8000/hooks/{vendor}" for vendor in targets]
    assert {*COMPOSE["services"]} == {"vendorsim", "helpdesk", "postgres"}


def test_ports_are_open_on_this_machine_only() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
