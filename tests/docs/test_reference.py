"""What is generated from the program is that of the program, and its readers understand it: `man`, and the shells."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from generator.files import ROOT, SHARE, files
from golden import hold
from vendorsim.vendorkit.policy_overrides import READERS

MANUAL = SHARE / "man" / "man1"
# Seconds; far beyond what any shell needs.
PATIENCE = 60.0
# What a reader types, and what must be offered.
COMPLETIONS = [
    ("vendorsim che", "check"),
    ("vendorsim check --vend", "--vendor"),
    ("vendorsim check --vendor messageh", "messagehub"),
    ("vendorsim check --vendor messagehub --profile docu", "documented"),
    ("vendorsim play returning-c", "returning-customer"),
    ("vendorsim check --require reje", "rejects"),
    ("vendorsim play returning-customer --fault outa", "outage"),
    ("vendorsim lint stor", "story.yaml"),
]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_generated_file_is_that_of_the_program(path: Path) -> None:
    hold(path, files()[path].encode(), "docs/test_reference.py")


def test_every_key_of_a_policy_is_explained() -> None:
    page = (ROOT / "docs" / "delivery.md").read_text("utf-8")
    table = page.partition("## Policy")[2].partition("\n\n## ")[0]
    assert [key for key in READERS if f"`{key}`" not in table] == []


def test_there_is_no_page_of_a_command_that_is_gone() -> None:
    assert set(MANUAL.iterdir()) == {path for path in files() if path.parent == MANUAL}


def test_man_reads_the_pages_without_a_warning() -> None:
    pages = sorted(map(str, MANUAL.iterdir()))
    if shutil.which("mandoc"):
        told = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], capture_output=True, text=True).stdout
        # The pages have no date, so that the same version of the program has the same pages.
        wrong = [line for line in told.splitlines() if "missing date" not in line]
    elif shutil.which("groff"):
        wrong = subprocess.run(
            ["groff", "-man", "-ww", "-z", *pages], capture_output=True, text=True
        ).stderr.splitlines()
    else:
        pytest.skip("needs mandoc or groff, to read man pages")
    assert wrong == []


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """That of a user in whose working directory is a story; the command is on the PATH."""
    if not (Path(sys.executable).parent / "vendorsim").exists():
        pytest.skip("needs the command `vendorsim` beside this Python: pip install -e .")
    (tmp_path / "story.yaml").touch()
    monkeypatch.chdir(tmp_path)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(tmp_path), "TERM": "xterm"}


def shell(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs the shell {name}")
    return found


@pytest.mark.slow
def test_bash_completes(environment: dict[str, str]) -> None:
    # For files the function asks bash to complete as it usually does.
    script = [f'source "{SHARE}/bash-completion/completions/vendorsim"', 'compopt() { COMPREPLY+=("$2"); }']
    for typed, _ in COMPLETIONS:
        words = typed.split()
        script += [
            f"COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; COMPREPLY=()",
            "_vendorsim_completion vendorsim",
        ]
        script += ['echo "${COMPREPLY[*]}"']
    command = [shell("bash"), "--norc", "-c", "\n".join(script)]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    offered = told.stdout.splitlines()
    assert told.stderr == ""
    for (typed, expected), found in zip(COMPLETIONS, offered, strict=True):
        assert ("default" if expected == "story.yaml" else expected) in found.split(), typed


@pytest.mark.slow
def test_fish_completes(environment: dict[str, str]) -> None:
    script = [f'source "{SHARE}/fish/vendor_completions.d/vendorsim.fish"']
    for typed, _ in COMPLETIONS:
        script += [f'complete -C "{typed}"', "echo ---"]
    command = [shell("fish"), "--no-config", "-c", "\n".join(script)]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert told.stderr == ""
    for (typed, expected), found in zip(COMPLETIONS, told.stdout.split("---\n"), strict=False):
        assert expected in [line.partition("\t")[0] for line in found.splitlines()], typed


@pytest.mark.slow
def test_zsh_completes(environment: dict[str, str]) -> None:
    """In a terminal, since zsh completes only there: TAB completes what has one answer."""
    screen, terminal = pty.openpty()
    command = [shell("zsh"), "-f", "-i"]
    with subprocess.Popen(command, env=environment, stdin=terminal, stdout=terminal, stderr=terminal) as zsh:
        os.close(terminal)
        start = (
            f"PS1='> '; fpath=('{SHARE}/zsh/site-functions' $fpath); autoload -U compinit; compinit -u -D; echo rea''dy"
        )
        try:
            type_and_wait(screen, start + "\n", "ready")
            for typed, expected in COMPLETIONS:
                type_and_wait(screen, typed + "\t", expected + " ")
                type_and_wait(screen, "\x15echo don''e\n", "done")
        finally:
            zsh.kill()
            os.close(screen)


def type_and_wait(screen: int, keys: str, expected: str) -> None:
    """Types at a terminal, and waits until the text shows."""
    os.write(screen, keys.encode())
    shown, end = "", time.monotonic() + PATIENCE
    while expected not in shown:
        ready, _, _ = select.select([screen], [], [], max(0.0, end - time.monotonic()))
        assert ready, f"typed {keys!r}, and not seen {expected!r}: {shown!r}"
        shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown + os.read(screen, 65_536).decode(errors="replace"))
