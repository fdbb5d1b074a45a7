"""A probe that sends a GET to a URL of the integration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
from msgspec import Struct

from vendorsim.core.errors import InputError
from vendorsim.http.endpoint import endpoint, own_headers
from vendorsim.http.outgoing import Wire
from vendorsim.http.transport import Answer
from vendorsim.probes.model import (
    PLACEHOLDERS,
    ProbeError,
    ProbeTools,
    fill,
    placeholders,
    values_of,
    without_secrets,
)

# Seconds until a connection is made.
_LONGEST_CONNECT = 5.0


class UrlSource(Struct, frozen=True):
    """A URL template with {conversation_id} and {identifier}."""

    template: str

    @classmethod
    def read(cls, text: str) -> UrlSource:
        """Raises InputError for an unknown placeholder or an invalid URL."""
        for name in placeholders(text):
            if name not in PLACEHOLDERS:
                raise InputError(
                    f"{without_secrets(text)}: unknown placeholder {{{name}}}; known: {', '.join(PLACEHOLDERS)}"
                )
        endpoint(fill(text, dict.fromkeys(PLACEHOLDERS, "x")))
        return cls(text)

    @property
    def text(self) -> str:
        return without_secrets(self.template)

    def open(self, tools: ProbeTools) -> UrlProbe:
        return UrlProbe(self.template, tools)


class UrlProbe:
    """Sends a GET. The answer is 200 with JSON, or 404 for an unknown conversation."""

    def __init__(self, template: str, tools: ProbeTools) -> None:
        self._template = template
        self._tools = tools

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        values = {name: quote(value, safe="") for name, value in values_of(conversation_id, identifier).items()}
        target = endpoint(fill(self._template, values))
        headers = {**own_headers(target), "Accept": "application/json", **self._tools.headers}
        answer = await self._tools.transport.exchange(
            target, Wire((_head(target.resource, headers),)), _LONGEST_CONNECT, self._tools.timeout
        )
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

    async def close(self) -> None:
        pass


def _head(resource: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"GET {resource} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
