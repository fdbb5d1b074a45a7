"""What a probe is: a source that the user wrote, and the probe that reads states from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field

from vendorsim.core.errors import InputError, closest

if TYPE_CHECKING:
    from vendorsim.http.transport import Transport

ProbeFunction = Callable[[str, str | None], Any]
"""Returns the state of a conversation (by its id, and the visitor's identifier) as a JSON document, or None."""

CallsOf = Callable[[str], dict[str, Any] | None]
"""Returns the calls that belong to a conversation, `{"calls": […]}`, or None (`delivery.ledger.Ledger.state`)."""

PLACEHOLDERS = ("conversation_id", "identifier")
# Seconds that one read may take.
LONGEST_READ = 10.0
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# The user and password of a URL, and passwords among its options.
_CREDENTIALS = re.compile(r"(?<=://)[^\s/?#]*@")
_PASSWORD = re.compile(r"(?i)\b((?:ssl)?password=)[^&\s'\"]+")


class ProbeError(Exception):
    """The state could not be read. The message says which probe failed, and why."""


class StateProbe(Protocol):
    """Reads the integration's state of one conversation, in the event loop of one run."""

    async def read(self, conversation_id: str, identifier: str | None) -> Any:
        """Returns the state as a JSON document, or None if nothing is known of the conversation. Raises ProbeError.

        Several reads may be under way at once.
        """
        ...

    async def close(self) -> None:
        """Frees what the probe holds, such as connections. Nothing is read afterwards."""
        ...


class ProbeTools(Struct, frozen=True):
    """What probes of a run share. `headers` are those of the target, `timeout` is the most seconds of one read, `calls`
    reads the calls of the integration where the APIs are served."""

    transport: Transport
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = LONGEST_READ
    calls: CallsOf | None = None


class ProbeSource(Protocol):
    """A probe as the user wrote it. It was read, but nothing of it was looked up on this machine."""

    @property
    def text(self) -> str:
        """What the user wrote, with the name of a probe that has one, and without secrets."""
        ...

    def open(self, tools: ProbeTools) -> StateProbe:
        """Returns the probe, which connects with its first read. Raises InputError for a function, file or program
        that does not exist, and UnreachableError for a driver that is not installed."""
        ...


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replaces the known placeholders in one pass: braces in a value mean nothing."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def placeholders(template: str) -> list[str]:
    """Returns the names in braces, known or not."""
    return _PLACEHOLDER.findall(template)


def require_placeholder(what: str, names: list[str]) -> None:
    """Raises InputError if none of the names is a placeholder, or if one looks like a mistyped one. `what` begins the
    message."""
    for name in names:
        if name not in PLACEHOLDERS and (meant := closest(name, PLACEHOLDERS)) is not None:
            raise InputError(f"{what}: unknown placeholder {{{name}}}; did you mean {{{meant}}}?")
    if not any(name in PLACEHOLDERS for name in names):
        raise InputError(f"{what}: it has no {{conversation_id}}, so all conversations would have the same state")


def values_of(conversation_id: str, identifier: str | None) -> dict[str, str]:
    """Returns the values of the placeholders."""
    return {"conversation_id": conversation_id, "identifier": identifier or ""}


def without_secrets(text: str) -> str:
    """Masks the users and passwords in the URLs of a text."""
    return _PASSWORD.sub(r"\g<1>***", _CREDENTIALS.sub("***@", text))


class NamedSource(Struct, frozen=True):
    """A probe with its name, or without one."""

    name: str | None
    source: ProbeSource

    @property
    def text(self) -> str:
        """What the user wrote, without secrets."""
        return self.source.text if self.name is None else f"{self.name}={self.source.text}"
