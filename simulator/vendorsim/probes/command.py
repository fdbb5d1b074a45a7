"""A probe that runs a command and reads its standard output. No shell is involved."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct

from vendorsim.core.errors import InputError
from vendorsim.probes.model import (
    PLACEHOLDERS,
    ProbeError,
    ProbeTools,
    fill,
    placeholders,
    require_placeholder,
    values_of,
    without_secrets,
)

PREFIX = "command:"
# Each command keeps a processor busy, so more at once would only wait for each other.
AT_ONCE = max(2, min(8, os.cpu_count() or 1))
LARGEST_OUTPUT = 16 * 1024 * 1024
# Bytes of standard error that are kept, the last ones, and characters of it that are shown.
_LAST_ERRORS, _SHOWN = 8 * 1024, 300
_SHELLS = frozenset(("sh", "ash", "bash", "dash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh"))
# These hand code of an option -c to a shell, too.
_STARTING_SHELLS = frozenset(("su", "runuser", "sg", "script", "flock"))
# These join all their arguments to one text, which a shell parses.
_JOINING = frozenset(("cmd", "powershell", "pwsh", "ssh", "watch", "eval"))
_SCRIPTS_OF_SHELLS = (".bat", ".cmd")


class CommandSource(Struct, frozen=True):
    """A program and its arguments, with {conversation_id} and {identifier} in them. `folder` is the working directory;
    None: that of vendorsim."""

    arguments: tuple[str, ...]
    written: str
    folder: Path | None = None

    @classmethod
    def read(cls, text: str, folder: Path | None = None) -> CommandSource:
        """Splits the text after the prefix as a POSIX shell would. Raises InputError."""
        what = f"{PREFIX} {without_secrets(text.strip())}"
        try:
            arguments = tuple(shlex.split(text))
        except ValueError as error:
            raise InputError(f"{what}: {error}; quote arguments as in a shell") from None
        if not arguments:
            raise InputError(f"{PREFIX} names no program; write '{PREFIX} PROGRAM ARGUMENTS', with {{conversation_id}}")
        if placeholders(arguments[0]):
            raise InputError(f"{what}: the program itself can't be a placeholder")
        require_placeholder(what, [name for argument in arguments for name in placeholders(argument)])
        for argument in _parsed_by_a_shell(arguments):
            if any(name in PLACEHOLDERS for name in placeholders(argument)):
                raise InputError(
                    f"{what}: a shell would parse what stands for {argument}; hand the value over as an argument, "
                    """as in: sh -c 'program "$1"' sh {conversation_id}"""
                )
        return cls(arguments, text.strip(), folder)

    @property
    def text(self) -> str:
        return f"{PREFIX} {without_secrets(self.written)}"

    def open(self, tools: ProbeTools) -> CommandProbe:
        program = self.arguments[0]
        found = shutil.which(program)
        if os.path.dirname(program):
            found = shutil.which((self.folder or Path.cwd()) / program)
        if found is None:
            raise InputError(f"the probe {self.text}: there is no program '{program}', or it can't be run")
        return CommandProbe((os.path.abspath(found), *self.arguments[1:]), program, self.folder, tools.timeout)


class CommandProbe:
    """Runs the command for each read, at most AT_ONCE at once.

    No output: nothing is known. Else the output is a JSON document, several of them (one a line: a list), or a line of
    text. The exit code has to be 0.
    """

    def __init__(self, arguments: Sequence[str], name: str, folder: Path | None, timeout: float) -> None:
        self._arguments = tuple(arguments)
        self._name = name
        self._folder = folder
        self._timeout = timeout
        self._free = asyncio.Semaphore(AT_ONCE)

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        values = values_of(conversation_id, identifier)
        program, *templates = self._arguments
        async with self._free:
            ended = await self._run([program, *(fill(template, values) for template in templates)])
        if ended.code:
            how = f"exit code {ended.code}" if ended.code > 0 else f"signal {_signal(-ended.code)}"
            raise self._error(f"ended with {how}", ended.errors)
        try:
            return parse_output(bytes(ended.output))
        except ValueError as error:
            raise self._error(f"printed {error}", ended.errors) from None

    async def close(self) -> None:
        pass

    async def _run(self, arguments: Sequence[str]) -> _Ended:
        ended = _Ended(asyncio.get_running_loop().create_future())
        starting = asyncio.ensure_future(self._start(ended, arguments))
        try:
            # `wait` leaves the start alone when the read is cancelled: what was started is killed below.
            await asyncio.wait({starting})
            if starting.exception() is None:
                async with asyncio.timeout(self._timeout):
                    await ended.over
        except TimeoutError:
            raise self._error(f"did not end within {self._timeout:g} s, and was killed", ended.errors) from None
        finally:
            await asyncio.wait({starting})
            if starting.exception() is None:
                await _finish(starting.result(), ended)
        try:
            transport = starting.result()
        except (OSError, ValueError) as error:
            # ValueError: an argument holds a NUL or half of a surrogate pair.
            raise self._error(f"can't be run: {error}") from None
        if ended.is_too_long:
            raise self._error(f"printed more than {LARGEST_OUTPUT >> 20} MiB")
        ended.code = transport.get_returncode() or 0
        return ended

    async def _start(self, ended: _Ended, arguments: Sequence[str]) -> asyncio.SubprocessTransport:
        transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: ended,
            *arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder,
            # A group of its own, so that what the program starts can be killed with it.
            start_new_session=True,
        )
        return transport

    def _error(self, what: str, errors: bytearray | None = None) -> ProbeError:
        lines = " / ".join(
            line.strip() for line in (errors or b"").decode(errors="replace").splitlines() if line.strip()
        )
        shown = lines if len(lines) <= _SHOWN else f"…{lines[-_SHOWN:]}"
        return ProbeError(f"the probe's command {self._name} {what}{f': {shown}' if shown else ''}")


class _Ended(asyncio.SubprocessProtocol):
    """Collects what a process prints. `over` is done when the process and its output have ended, or when the output is
    too long."""

    def __init__(self, over: asyncio.Future[None]) -> None:
        self.over = over
        self.exited = asyncio.Event()
        self.output, self.errors = bytearray(), bytearray()
        self.code = 0
        self.closed = self.is_too_long = False

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self.errors += data
            del self.errors[:-_LAST_ERRORS]
        elif len(self.output) + len(data) > LARGEST_OUTPUT:
            self.is_too_long = True
            self._end()
        else:
            self.output += data

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._end()

    def _end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def _finish(transport: asyncio.SubprocessTransport, ended: _Ended) -> None:
    """Kills a process that has not ended, with all that it started."""
    try:
        if not ended.closed:
            with suppress(OSError):
                if hasattr(os, "killpg"):
                    os.killpg(transport.get_pid(), signal.SIGKILL)
                else:  # Windows has no process groups.
                    transport.kill()
            await ended.exited.wait()
    finally:  # Also when the read is cancelled while it waits.
        transport.close()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def parse_output(data: bytes) -> Any:
    """Returns the state that a command printed. Raises ValueError that says what it printed instead."""
    try:
        text = data.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("bytes that are not UTF-8") from None
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        reason = f"line {error.lineno}, column {error.colno}: {error.msg}"
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and text[0] not in '{["':
        return text
    try:
        return [orjson.loads(line) for line in lines]
    except orjson.JSONDecodeError:
        pass
    shown = lines[0] if len(lines[0]) <= 60 else f"{lines[0][:60]}…"
    raise ValueError(f"neither JSON nor a single line of text; it begins with '{shown}' ({reason})")


def _parsed_by_a_shell(arguments: Sequence[str]) -> Iterator[str]:
    """Yields the arguments that a shell among the arguments, or one that they start, parses as code."""
    for position, argument in enumerate(arguments):
        name = os.path.basename(argument).lower().removesuffix(".exe")
        rest = arguments[position + 1 :]
        if name in _JOINING or name.endswith(_SCRIPTS_OF_SHELLS):
            yield from rest
        elif name in _SHELLS or name in _STARTING_SHELLS:
            yield from _code(rest, ends_at_operand=name in _SHELLS)


def _code(arguments: Sequence[str], *, ends_at_operand: bool) -> Iterator[str]:
    """Yields the code among the arguments of a shell: the first operand after an option -c, which may be one of
    several letters. With `ends_at_operand`, options after the first operand are those of a script."""
    is_next = False
    options = iter(arguments)
    for argument in options:
        if argument.startswith("--command"):
            yield argument
            is_next = "=" not in argument
        elif argument in ("-o", "+o", "-O", "+O"):
            next(options, None)
        elif argument.startswith("-") and not argument.startswith("--"):
            is_next = is_next or "c" in argument
        elif is_next:
            yield argument
            return
        elif ends_at_operand and not argument.startswith(("-", "+")):
            return
