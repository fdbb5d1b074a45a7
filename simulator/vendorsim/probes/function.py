"""A probe that calls a Python function."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from typing import Any

import orjson
from msgspec import Struct

from vendorsim.core.errors import InputError
from vendorsim.probes.model import ProbeError, ProbeFunction, ProbeTools


class FunctionSource(Struct, frozen=True):
    """`module:function`, or a function."""

    function: str | ProbeFunction

    @classmethod
    def read(cls, text: str) -> FunctionSource:
        """Raises InputError for text of another form. The module is imported by `open`."""
        module, colon, name = text.partition(":")
        if not module or not colon or not name.isidentifier():
            raise InputError(
                f"{text}: write a URL with {{conversation_id}}, module:function, "
                "'command: PROGRAM ARGUMENTS', 'sql: DATABASE-URL QUERY-FILE' or calls:"
            )
        return cls(text)

    @classmethod
    def of(cls, function: ProbeFunction) -> FunctionSource:
        """Raises InputError for a function with other parameters."""
        try:
            inspect.signature(function).bind("1", None)
        except TypeError as error:
            raise InputError(f"the probe is called with (conversation_id, identifier): {error}") from None
        return cls(function)

    @property
    def text(self) -> str:
        if isinstance(self.function, str):
            return self.function
        return f"{self.function.__module__}:{getattr(self.function, '__name__', 'probe')}"

    def open(self, tools: ProbeTools) -> FunctionProbe:
        if not isinstance(self.function, str):
            return FunctionProbe(self.function)
        module, _, name = self.function.partition(":")
        try:
            return FunctionProbe(getattr(importlib.import_module(module), name))
        except (ImportError, AttributeError) as error:
            raise InputError(f"the probe {self.function}: {error}") from None


class FunctionProbe:
    """Calls a function `(conversation_id, identifier) -> JSON document or None` in a thread."""

    def __init__(self, function: ProbeFunction) -> None:
        self._function = function

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        try:
            state = await asyncio.to_thread(self._function, conversation_id, identifier)
            return orjson.loads(orjson.dumps(state))
        except Exception as error:
            raise ProbeError(f"the probe raised {type(error).__name__}: {error}") from error

    async def close(self) -> None:
        pass
