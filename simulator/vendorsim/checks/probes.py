"""Probes read the integration's state: from a URL, or by a Python function of the user."""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

import orjson

from vendorsim.checks.model import NotJudged
from vendorsim.core.errors import InputError
from vendorsim.http.endpoint import endpoint, own_headers
from vendorsim.http.outgoing import Wire
from vendorsim.http.transport import Answer, Transport

ProbeFunction = Callable[[str, str | None], Any]
"""Returns the state of a conversation (by its id, and the visitor's identifier) as a JSON document, or None."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
PLACEHOLDERS = ("conversation_id", "identifier")
# A state is settled after `QUIET_READS` equal reads in a row, `QUIET_PAUSE` seconds apart.
QUIET_READS, QUIET_PAUSE = 3, 0.06
LONGEST_WAIT = 8.0


class ProbeError(NotJudged):
    """The probe returned no usable state. The message says what it returned."""

    option = "--probe"


class StateProbe(Protocol):
    """Reads the integration's state of one conversation. None means an unknown conversation."""

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        """Returns the state as a JSON document, or None. Raises ProbeError."""
        ...


class UrlProbe:
    """A URL template with {conversation_id} and {identifier}. Status 404 means an unknown conversation."""

    def __init__(self, template: str, transport: Transport, headers: Mapping[str, str]) -> None:
        """Raises InputError for an unknown placeholder or an invalid URL."""
        unknown = [name for name in _PLACEHOLDER.findall(template) if name not in PLACEHOLDERS]
        if unknown:
            raise InputError(
                f"--probe {template}: unknown placeholder {{{unknown[0]}}}; known: {', '.join(PLACEHOLDERS)}"
            )
        endpoint(_PLACEHOLDER.sub("x", template))
        self._template = template
        self._transport = transport
        self._headers = headers

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        values = {"conversation_id": conversation_id, "identifier": identifier or ""}
        target = endpoint(_PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe=""), self._template))
        headers = {**own_headers(target), "Accept": "application/json", **self._headers}
        lines = [f"GET {target.resource} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        answer = await self._transport.exchange(target, Wire((("\r\n".join(lines) + "\r\n\r\n").encode(),)), 5.0, 10.0)
        if not isinstance(answer, Answer):
            raise ProbeError(f"the probe {target.shown} gave no answer: {answer.reason}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise ProbeError(f"the probe {target.shown} answered {answer.status}, not 200 or 404")
        try:
            return orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            raise ProbeError(f"the probe {target.shown} did not answer JSON: {error.msg}") from None


class FunctionProbe:
    """A Python callable `(conversation_id, identifier) -> JSON document or None`."""

    def __init__(self, function: ProbeFunction) -> None:
        self._function = function

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        try:
            state = await asyncio.to_thread(self._function, conversation_id, identifier)
            return orjson.loads(orjson.dumps(state))
        except Exception as error:
            raise ProbeError(f"the probe raised {type(error).__name__}: {error}") from error


def probe(text: str | ProbeFunction, transport: Transport, headers: Mapping[str, str]) -> StateProbe:
    """Creates the probe of `--probe`: a URL template, `module:function`, or a function. Raises InputError."""
    if callable(text):
        return FunctionProbe(text)
    if text.startswith(("http://", "https://")):
        return UrlProbe(text, transport, headers)
    module, colon, name = text.partition(":")
    if not colon or not name.isidentifier():
        raise InputError(f"--probe {text}: write a URL with {{conversation_id}}, or module:function")
    try:
        return FunctionProbe(getattr(importlib.import_module(module), name))
    except (ImportError, AttributeError) as error:
        raise InputError(f"--probe {text}: {error}") from None


async def settled(source: StateProbe, conversation_id: str, identifier: str | None) -> Any:
    """Reads the state until it has settled. Raises ProbeError, and NotJudged if it keeps changing for
    `LONGEST_WAIT` seconds."""
    reads: list[Any] = []
    for _ in range(int(LONGEST_WAIT / QUIET_PAUSE)):
        reads.append(await source.read(conversation_id, identifier))
        if len(reads) >= QUIET_READS and all(read == reads[-1] for read in reads[-QUIET_READS:]):
            return reads[-1]
        await asyncio.sleep(QUIET_PAUSE)
    raise NotJudged(f"the state kept changing for {LONGEST_WAIT:g} s")
