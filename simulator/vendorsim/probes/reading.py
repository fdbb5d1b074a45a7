"""Reads probes as users write them, on the command line, in vendorsim.yaml and in tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from vendorsim.core.errors import InputError
from vendorsim.probes import calls, command, sql
from vendorsim.probes.function import FunctionSource
from vendorsim.probes.model import NamedSource, ProbeFunction, ProbeSource, ProbeTools, StateProbe
from vendorsim.probes.named import NamedProbes
from vendorsim.probes.url import UrlSource

ReadSource = Callable[[str, Path | None], ProbeSource]
KINDS: Mapping[str, ReadSource] = {
    calls.PREFIX: calls.CallsSource.read,
    command.PREFIX: command.CommandSource.read,
    sql.PREFIX: sql.SqlSource.read,
    "http://": lambda text, folder: UrlSource.read(f"http://{text}"),
    "https://": lambda text, folder: UrlSource.read(f"https://{text}"),
}
"""What a probe's text begins with → reads the rest of it, with the folder of relative paths. All other texts are
`module:function`."""
NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_NAMED = re.compile(rf"({NAME})=(.*)", re.DOTALL)


def read_probe(given: str | ProbeFunction, folder: Path | None = None) -> NamedSource:
    """Reads one probe: `[NAME=]PROBE`, or a function. Raises InputError.

    Relative paths begin at `folder`; None: at the working directory.
    """
    if callable(given):
        return NamedSource(None, FunctionSource.of(given))
    named = _NAMED.fullmatch(given)
    name, text = (named[1], named[2]) if named else (None, given)
    return NamedSource(name, read_source(text.strip(), folder))


def read_source(given: str | ProbeFunction, folder: Path | None = None) -> ProbeSource:
    """Reads one probe without a name. Raises InputError."""
    if callable(given):
        return FunctionSource.of(given)
    for prefix, read in KINDS.items():
        if given.startswith(prefix):
            return read(given.removeprefix(prefix), folder)
    return FunctionSource.read(given)


def require_names(probes: Sequence[NamedSource]) -> tuple[NamedSource, ...]:
    """Returns the probes. Raises InputError if there are several and one has no name, or two have the same."""
    names = [probe.name for probe in probes]
    for probe in probes if len(probes) > 1 else ():
        if probe.name is None:
            raise InputError(f"--probe {probe.text}: each of several probes needs a name: write NAME={probe.text}")
        if names.count(probe.name) > 1:
            raise InputError(f"--probe {probe.text}: the name '{probe.name}' is taken by another probe")
    return tuple(probes)


def open_probes(probes: Sequence[NamedSource], tools: ProbeTools) -> StateProbe | None:
    """Returns the probe that reads them all; None if there are none. Raises InputError and UnreachableError."""
    if not probes:
        return None
    opened = {probe.name: probe.source.open(tools) for probe in require_names(probes)}
    named = {name: probe for name, probe in opened.items() if name is not None}
    return NamedProbes(named) if named else next(iter(opened.values()))
