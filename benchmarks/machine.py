"""The machine and the versions that were measured. No names of machines, no paths."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version

import peers

PACKAGES = ("vendorsim", "uvloop", "httptools", "orjson", "jsonschema-rs", "Faker", "Flask", "waitress")
# Name and command that prints the version of a tool.
TOOLS = (("wrk", "wrk -v"), ("Java", "java -version"), ("Node", "node --version"), ("gcc", "gcc -dumpfullversion"))


def size() -> str:
    """Returns the machine in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def versions() -> dict[str, str]:
    """Returns the version of each package, tool and peer that is installed, by name."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    for name, command in TOOLS:
        found_version = _tool_version(command.split())
        if found_version is not None:
            found[name] = found_version
    return found | {peer.name: peer.version for peer in peers.PEERS if peer.installed}


def _tool_version(command: list[str]) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    match = re.search(r"\d+(\.\d+)+", ran.stdout + ran.stderr)
    return match.group() if match else None


def busy() -> float:
    """Returns the load average of the last minute: the number of processes that wanted a core."""
    return os.getloadavg()[0]
