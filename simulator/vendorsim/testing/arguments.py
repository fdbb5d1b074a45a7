"""Reads the arguments that the functions of `vendorsim.testing` have in common."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence

from vendorsim.core.errors import InputError
from vendorsim.http.endpoint import check_header
from vendorsim.probes.model import NamedSource, ProbeFunction
from vendorsim.probes.reading import NAME, read_probe, read_source
from vendorsim.vendorkit.policy_overrides import PolicyChanges, read_changes

ProbeArgument = str | ProbeFunction | Mapping[str, str | ProbeFunction] | None
"""One probe, or several by their names."""


def as_tuple(texts: str | Sequence[str]) -> tuple[str, ...]:
    """Returns one text, or several, as a tuple."""
    return (texts,) if isinstance(texts, str) else tuple(texts)


def checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the headers without outer spaces. Raises InputError for one that can't be sent."""
    found = {name.strip(): str(value).strip() for name, value in headers.items()}
    for name, value in found.items():
        check_header(name, value)
    return found


def policy_changes(policy: Mapping[str, object]) -> PolicyChanges:
    """Returns the overrides of a vendor's policy. Raises InputError."""
    return read_changes(policy_texts(policy), "--policy")


def policy_texts(policy: Mapping[str, object]) -> dict[str, str]:
    """Returns the same as texts, as they are written after `--policy`."""
    return {
        key: ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        for key, value in policy.items()
    }


def probes_of(probe: ProbeArgument, url: str | None) -> tuple[NamedSource, ...]:
    """Returns the probes of an argument; those that begin with `/` are on the server of the URL. Raises InputError."""
    if probe is None:
        return ()
    if isinstance(probe, str) or not isinstance(probe, Mapping):
        return (read_probe(_whole(probe, url)),)
    for name in probe:
        if not re.fullmatch(NAME, name):
            raise InputError(f"probe: '{name}' is no name of a probe; use letters, digits, - and _")
    return tuple(NamedSource(name, read_source(_whole(one, url))) for name, one in probe.items())


def _whole(probe: str | ProbeFunction, url: str | None) -> str | ProbeFunction:
    """Returns the probe, a path with the server before it."""
    if callable(probe) or not probe.startswith("/"):
        return probe
    if url is None:
        raise InputError(f"probe={probe!r}: without `to`, give the whole URL")
    return origin(url) + probe


def origin(url: str) -> str:
    """Returns the URL without its path. The scheme may be missing."""
    scheme, separator, rest = url.rpartition("://")
    return scheme + separator + re.split("[/?#]", rest)[0]


def refuse_running_loop(function: str) -> None:
    """Raises InputError inside a running event loop: a run has one of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise InputError(f"a run has an event loop of its own: in an async test, await asyncio.to_thread({function}, …)")
