"""The tutorial for new vendors as a reader follows it: its files are written, its commands run, its output compared."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sysconfig
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import vendorsim

DOCUMENT = Path(__file__).parents[1] / "docs" / "add-a-vendor.md"
PACK = "vendorsim-acme"
PORT = "8000"
# A file with its name before it, or the commands of a terminal.
_BLOCK = re.compile(
    r"^\*\*`(?P<file>[^`]+)`\*\*(?P<part>[^\n]*)\n\n```\w+\n(?P<text>.*?)^```$|^```console\n(?P<commands>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class WrittenFile:
    """A file that the tutorial shows. `part` is set where it shows only the line that replaces another one."""

    name: str
    text: str
    part: bool

    def path(self, folder: Path) -> Path:
        """Where it belongs: what is not the receiver is in the pack."""
        return folder / self.name if self.name == "receiver.py" else folder / PACK / self.name

    def write(self, folder: Path, port: int) -> None:
        """Writes it. A line replaces the one that begins in the same way, up to the first `=`."""
        path, text = self.path(folder), self.text.replace(PORT, str(port))
        if self.part:
            start = text.partition("=")[0]
            lines = path.read_text("utf-8").splitlines(keepends=True)
            assert sum(line.startswith(start) for line in lines) == 1
            text = "".join(text if line.startswith(start) else line for line in lines)
        path.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class ShownCommand:
    """A command of the tutorial, and the lines of output that it shows; `…` stands for anything."""

    words: tuple[str, ...]
    output: tuple[str, ...]

    def missing(self, output: str) -> list[str]:
        """The shown lines that the output lacks."""
        return [line for line in self.output if not re.search(re.escape(line).replace("…", ".*"), output)]


def steps() -> Iterator[WrittenFile | ShownCommand]:
    """All that the reader does, in order."""
    for block in _BLOCK.finditer(DOCUMENT.read_text("utf-8")):
        if block["file"]:
            yield WrittenFile(block["file"], block["text"], bool(block["part"]))
            continue
        for command in re.split(r"^\$ ", block["commands"], flags=re.MULTILINE)[1:]:
            first, *output = command.splitlines()
            yield ShownCommand(tuple(shlex.split(first)), tuple(output))


class Reader:
    """A reader with a folder and a virtual environment of their own, in which everything that the tests have is
    installed. `port` is where their receiver listens."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        venv.create(folder / "venv", symlinks=True)
        self._python = folder / "venv" / "bin" / "python"
        packages = next((folder / "venv" / "lib").glob("python*")) / "site-packages"
        ours = (str(Path(vendorsim.__file__).parents[1]), sysconfig.get_path("purelib"))
        (packages / "ours.pth").write_text("".join(f"{path}\n" for path in ours), encoding="utf-8")
        self.environment = {
            "HOME": str(folder),
            "PATH": os.defpath,
            "COLUMNS": "200",
            # A reader has fewer plugins of pytest than the tests have.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "vendorsim.pytest_plugin",
        }

    def write(self, file: WrittenFile) -> None:
        """Writes a file of the tutorial."""
        file.write(self.folder, self.port)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of the terminal to its end; output and messages are one text."""
        return subprocess.run(
            self._command(words),
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
        )

    @contextmanager
    def running(self, *words: str) -> Iterator[str]:
        """A server answers meanwhile, at the URL."""
        process = subprocess.Popen(self._command(words), cwd=self.folder, env=self.environment)
        try:
            wait_for(self.port, process)
            yield f"http://127.0.0.1:{self.port}"
        finally:
            process.terminate()
            process.wait()

    def _command(self, words: tuple[str, ...]) -> list[str]:
        """The words with Python's programs by their modules. pip asks for nothing that is not there."""
        program, *arguments = (word.replace(PORT, str(self.port)) for word in words)
        if program == "pip":
            arguments += ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
        return [str(self._python), *(() if program == "python" else ("-m", program)), *arguments]


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Waits until somebody listens there. Raises AssertionError when the process ends before."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "the server ended"
        time.sleep(0.02)
