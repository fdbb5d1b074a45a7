"""Processes that generate bodies, several at a time: making a body takes longer than sending it.

A process that knows nothing of the run makes the same bodies for a seed, whatever else was imported.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any

from vendorsim.core.errors import MissingExtraError, VendorsimError
from vendorsim.delivery.workers import processors

MOST_MAKERS = 4
# Bytes of a generated body.
LONGEST_LINE = 64 * 1024 * 1024
_ENDED = "the process that generates bodies has ended by itself; what it printed says why"


class MakerError(VendorsimError):
    """The process that generates bodies has ended."""

    exit_code = 3


def require_schemathesis() -> None:
    """Raises MissingExtraError if Schemathesis is not installed. Imports nothing: that takes seconds."""
    if find_spec("schemathesis") is None:
        raise MissingExtraError("--fuzz", "Schemathesis", "fuzz")


class BodyMakers:
    """The processes of a run. They start when they are needed, and end with `close`."""

    def __init__(self) -> None:
        self.count = min(processors(), MOST_MAKERS)
        self._idle: list[Process] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def generate(
        self,
        document: dict[str, Any],
        valid: bool,
        count: int,
        seed: int,
        try_out: Callable[[Any], Awaitable[bool | str]],
    ) -> None:
        """Calls `try_out` with `count` bodies for the single operation of an OpenAPI document. Reproducible by `seed`.

        A body is a JSON document, or bytes that are not JSON. `try_out` returns True, False if that is enough, or the
        kind of a failure: then the body is shrunk; the last call for each kind gets the smallest failing body. Raises
        MakerError.
        """
        process = self._idle.pop() if self._idle else await self._start()
        try:
            await _tell(process, {"document": document, "valid": valid, "count": count, "seed": seed})
            while made := await _hear(process):
                body = base64.b64decode(made["raw"]) if "raw" in made else made["body"]
                await _tell(process, await try_out(body))
        except BaseException:
            await _end(process)
            raise
        self._idle.append(process)

    async def close(self) -> None:
        """Ends the processes."""
        while self._idle:
            await _end(self._idle.pop())
        if self._folder is not None:
            self._folder.cleanup()

    async def _start(self) -> Process:
        if self._folder is None:
            # Hypothesis would write into the working directory.
            self._folder = tempfile.TemporaryDirectory(prefix="vendorsim-fuzz-", ignore_cleanup_errors=True)
        known = {"PYTHONPATH": os.pathsep.join(sys.path), "HYPOTHESIS_STORAGE_DIRECTORY": self._folder.name}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-W", "ignore", "-m", "vendorsim.checks.generating"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **known},
            limit=LONGEST_LINE,
            # Ctrl-C is for the run, which ends its processes.
            start_new_session=True,
        )


async def _tell(process: Process, message: Any) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(message).encode() + b"\n")
        await process.stdin.drain()
    except ConnectionError:
        raise MakerError(_ENDED) from None


async def _hear(process: Process) -> dict[str, Any]:
    """Returns the next body; empty if there are no more."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise MakerError(_ENDED)
    made: dict[str, Any] = json.loads(line)
    return made


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
