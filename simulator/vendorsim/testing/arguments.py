"""Reads the arguments that the functions of `vendorsim.testing` have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from vendorsim.core.errors import InputError
from vendorsim.http.endpoint import check_header
from vendorsim.vendorkit.policy_overrides import PolicyChanges, read_changes


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


def refuse_running_loop(function: str) -> None:
    """Raises InputError inside a running event loop: a run has one of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise InputError(f"a run has an event loop of its own: in an async test, await asyncio.to_thread({function}, …)")
