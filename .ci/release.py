#!/usr/bin/env python3
"""`make release`: builds what is published from the last commit, checks it, and tries it on every supported Python.

Writes into dist/: packages/ (sdist and wheel), sbom.cdx.json (CycloneDX: what a plain installation consists of) and
notes.md (the section of the changelog). Publishes nothing: .github/workflows/release.yml does, by a tag.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
SMOKE = ROOT / ".ci" / "smoke.py"
DIST = ROOT / "dist"
# The packages of the editor component, which is built into the wheel.
BUNDLED = ROOT / "simulator/vendorsim/server/workbench/codemirror/packages.json"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds and checks a release of the last commit.")
    parser.add_argument("--tag", default="", help="the tag that is released, v1.2.3: then everything must be in order")
    tag = parser.parse_args().tag
    version = re.findall(r'"(.+)"', (ROOT / "simulator/vendorsim/core/version.py").read_text())[-1]
    title, notes = section((ROOT / "CHANGELOG.md").read_text(), version)
    pythons = {supported: find_python(supported) for supported in supported_pythons()}
    missing = [supported for supported, path in pythons.items() if path is None]
    if (reason := tag and not_ready(tag, version, title, missing)) or (reason := uncommitted()):
        fail(reason, 2)

    with tempfile.TemporaryDirectory(prefix="vendorsim-release-") as folder:
        work = Path(folder)
        first, second = (build(work / name, umask) for name, umask in (("one", 0o022), ("another", 0o077)))
        compare(first, second)
        check(first)
        shutil.rmtree(DIST, ignore_errors=True)
        shutil.copytree(first, DIST / "packages")
        (wheel,) = (DIST / "packages").glob("*.whl")
        environments = [try_out(wheel, work / f"python{each}", path, version) for each, path in pythons.items() if path]
        if not environments:
            fail(f"this machine has none of the supported Pythons ({', '.join(pythons)})", 2)
        write_sbom(environments[-1], version, work)
    (DIST / "notes.md").write_text(notes)
    for supported in missing:
        say(f"not tried on Python {supported}: this machine has none")
    for path in sorted(DIST.rglob("*.*")):
        say(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


def not_ready(tag: str, version: str, title: str, missing: Sequence[str]) -> str:
    """Says why a tag can't be released; "" if it can. `title` is that of the changelog's section."""
    if tag != f"v{version}":
        return f"the tag is {tag}, and simulator/vendorsim/core/version.py says {version}"
    if not re.search(r"\(\d{4}-\d{2}-\d{2}\)$", title):
        return f"CHANGELOG.md: '{title}' has no date: write '## {version} (2026-12-31)'"
    if missing:
        return f"this machine has no Python {', '.join(missing)}; a release is tried on each that is supported"
    return ""


def uncommitted() -> str:
    changed = run("git", "status", "--porcelain")
    return f"a release is built from the last commit, and these are not committed:\n{changed}" if changed else ""


def section(changelog: str, version: str) -> tuple[str, str]:
    """Returns the title and the text of a version's section in the changelog."""
    parts = [part.partition("\n") for part in re.split(r"^(?=## )", changelog, flags=re.MULTILINE)]
    found = [(title, text.strip()) for title, _, text in parts if re.match(rf"## {re.escape(version)}(?= |$)", title)]
    if not found or not found[0][1]:
        fail(f"CHANGELOG.md has no section '## {version}', or an empty one", 2)
    title, text = found[0]
    return title, text + "\n"


def supported_pythons() -> list[str]:
    """Returns the versions of Python that the classifiers name, such as 3.11."""
    found = (re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", each) for each in PROJECT["classifiers"])
    return sorted((match[1] for match in found if match), key=lambda version: int(version.partition(".")[2]))


def find_python(version: str) -> str | None:
    """Returns the path of that Python, from PATH or pyenv; None if there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for candidate in (f"python{version}", *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))):
        code = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
        try:
            done = subprocess.run([candidate, "-c", code], capture_output=True, text=True)
        except OSError:
            continue
        found, _, path = done.stdout.strip().partition(" ")
        if done.returncode == 0 and found == version:
            return path
    return None


def build(folder: Path, umask: int) -> Path:
    """Builds the sdist, and the wheel from it, from the files of the last commit. Returns the folder with both."""
    source, packages = folder / f"source-{umask:o}", folder / "packages"
    source.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive, check=True, umask=umask)
    committed = run("git", "log", "-1", "--format=%ct")
    say(f"building in {source.name}")
    command = (sys.executable, "-m", "build", "--no-isolation", "--outdir", str(packages), str(source))
    run(*command, cwd=source, umask=umask, SOURCE_DATE_EPOCH=committed)
    return packages


def compare(first: Path, second: Path) -> None:
    """Fails if the two builds differ in any byte."""
    names = [{path.name for path in folder.iterdir()} for folder in (first, second)]
    differing = names[0] ^ names[1] or {
        name for name in names[0] if (first / name).read_bytes() != (second / name).read_bytes()
    }
    if differing or not names[0]:
        fail(f"built twice, these are not the same: {', '.join(sorted(differing)) or 'nothing was built'}", 1)
    say("built twice: the same bytes")


def check(packages: Path) -> None:
    """Checks what the index would refuse or show badly, and what should not be in a wheel."""
    files = sorted(map(str, packages.iterdir()))
    say(run(sys.executable, "-m", "twine", "check", "--strict", *files))
    wheels = [file for file in files if file.endswith(".whl")]
    configured = ("--config", str(ROOT / "pyproject.toml"))
    say(run(sys.executable, "-m", "check_wheel_contents", *configured, *wheels))


def try_out(wheel: Path, folder: Path, python: str, version: str) -> Path:
    """Installs the wheel into a clean environment and uses it there. Returns the Python of that environment."""
    say(f"trying {wheel.name} on {python}")
    # Without pip in it, the environment holds what vendorsim needs and nothing else.
    run(python, "-m", "venv", "--without-pip", str(folder))
    inside = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", str(inside), "install", "--quiet", str(wheel))
    empty = folder / "empty"
    empty.mkdir()
    say(run(str(inside), "-I", str(SMOKE), version, cwd=empty))
    return inside


def write_sbom(python: Path, version: str, work: Path) -> None:
    """Writes the list of what is installed there, checked against the schema of CycloneDX."""
    # The tool does not read a dynamic version.
    about = work / "pyproject.toml"
    about.write_text((ROOT / "pyproject.toml").read_text().replace('dynamic = ["version"]', f'version = "{version}"'))
    form = ("--output-format", "JSON", "--spec-version", "1.6", "--output-reproducible", "--validate")
    output = (*form, "--output-file", str(DIST / "sbom.cdx.json"), "--pyproject", str(about))
    run(sys.executable, "-m", "cyclonedx_py", "environment", *output, "--mc-type", "application", str(python))
    document = json.loads((DIST / "sbom.cdx.json").read_text())
    document["components"] += bundled(json.loads(BUNDLED.read_text()))
    (DIST / "sbom.cdx.json").write_text(json.dumps(document, indent=2) + "\n")


def bundled(packages: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The components of CycloneDX for packages of npm that a file of the wheel was built from."""
    components = []
    for package in packages:
        group, _, name = package["name"].rpartition("/")
        purl = f"pkg:npm/{group.replace('@', '%40')}/{name}@{package['version']}".replace("npm//", "npm/")
        components.append(
            {"type": "library", "bom-ref": purl, "name": name, "version": package["version"], "purl": purl}
            | ({"group": group} if group else {})
            | {"licenses": [{"license": {"id": package["license"]}}]}
        )
    return components


def run(*command: str, cwd: Path = ROOT, umask: int = -1, **environment: str) -> str:
    """Runs a program and returns what it printed. Ends with that and exit code 1 if the program fails."""
    # What is tried is the wheel, not this checkout.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    kept |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1"} | environment
    done = subprocess.run(
        command, cwd=cwd, env=kept, umask=umask, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        fail(f"{shown(command)}\n{done.stdout}", 1)
    return done.stdout.strip()


def shown(command: Sequence[str]) -> str:
    return f"$ {' '.join(command)}"


def say(text: str) -> None:
    print(text, flush=True)


def fail(text: str, code: int) -> NoReturn:
    print(f"release: {text}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
