"""Finds scenarios by file or by name, and loads and checks them. Built-in ones and those of vendor packages have
names."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as SequenceOf
from functools import cache, lru_cache
from pathlib import Path

from msgspec.structs import replace

from vendorsim.conversation.state import StepError
from vendorsim.core import resources
from vendorsim.core.errors import DocumentError, PackError, Problem, UnknownNameError, unknown
from vendorsim.core.yaml_nodes import Mapping, Node, Sequence, read_file
from vendorsim.runs import timeline
from vendorsim.scenario.model import Scenario
from vendorsim.scenario.parse import Reader, parse
from vendorsim.scenario.verbs import Authenticate, Emit, ExpectCall
from vendorsim.scenario.warnings import warnings as scenario_warnings
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

ENDINGS = (".yaml", ".yml")
# The start of scenarios that give none, while they are checked: 2026-01-05T10:00:00Z.
_DEFAULT_START = 1_767_607_200_000


def built_in() -> dict[str, Path]:
    """The files of all scenarios with a name: those of vendorsim, then those of vendor packages.

    If the name of a package's scenario is used already, its vendor's name is put before it. Raises PackError.
    """
    return {name: path for name, (path, _) in _named().items()}


@cache
def shipped() -> dict[str, Path]:
    """The files of the scenarios that are part of vendorsim, by name. Don't change it."""
    return {path.stem: path for path in sorted(resources.scenarios().glob("*.yaml"))}


def _named() -> dict[str, tuple[Path, str]]:
    """File and package of each scenario with a name, by name."""
    found = {name: (path, "vendorsim") for name, path in shipped().items()}
    for origin, vendor in registry.outside():
        for path in _scenario_files(origin, vendor):
            name = path.stem if path.stem not in found else f"{vendor.name}-{path.stem}"
            found[name] = path, origin.package
    return found


def _scenario_files(origin: registry.Origin, vendor: Vendor) -> SequenceOf[Path]:
    """The files of the scenarios of a vendor package. Raises PackError."""
    if vendor.scenarios is None:
        return ()
    if not vendor.scenarios.is_dir():
        raise PackError(f"{origin.package}: Vendor.scenarios names {vendor.scenarios}, which is no folder; make it")
    return sorted(vendor.scenarios.glob("*.yaml"))


def built_in_path(name: str) -> Path:
    """The file of a scenario with a name. Raises UnknownNameError."""
    known = built_in()
    if name not in known:
        raise UnknownNameError("scenario", name, known)
    return known[name]


def locate(name: str) -> Path:
    """The file of a scenario; `name` is a path or the name of a scenario. Raises InputError."""
    path = Path(name)
    if name in built_in() and not os.path.isfile(path):
        return built_in_path(name)
    looks_like_path = name.endswith(ENDINGS) or "/" in name or "\\" in name
    return path if looks_like_path or os.path.exists(path) else built_in_path(name)


def load(name: str, vendor: str | None = None) -> Scenario:
    """The scenario of that name or file; with a `vendor`, as `load_text` has it.

    Raises InputError, or DocumentError with all its problems.
    """
    path = locate(name)
    return load_text(read_file(path), str(path), vendor)


def load_text(text: str, file: str, vendor: str | None = None) -> Scenario:
    """The scenario in a text; `file` is its name in messages. Raises DocumentError.

    With a `vendor`, it is played as this vendor only, and no other is among its vendors.
    """
    return _load_text(text, file, vendor, registry.packages())


# A suite plays the same few scenarios in many tests, and reading one takes as long as sending ten events.
@lru_cache(maxsize=32)
def _load_text(text: str, file: str, vendor: str | None, packages: tuple[tuple[str, str], ...]) -> Scenario:
    reader = parse(text, file, registry.vocabulary())
    scenario = _rehearse(reader.scenario, reader, vendor) if reader.scenario is not None else None
    reader.problems.raise_if_any()
    assert scenario is not None
    return scenario


def _rehearse(scenario: Scenario, reader: Reader, only: str | None) -> Scenario:
    """Plays the scenario as each of its vendors, or as one `only`, and reports impossible steps and vendors for which
    no step does anything. If the scenario names no vendors, those for which a step sends an event become its vendors.
    """
    assert isinstance(reader.root, Mapping)
    failures: dict[tuple[Node, str], list[str]] = {}
    idle: list[str] = []
    names = scenario.vendors or registry.names()
    played = names if only is None else tuple(name for name in names if name == only)
    for name in played:
        vendor = registry.get(name)
        profiles = list(vendor.profiles.values())
        # For a vendor that the scenario does not name, only the default profile counts.
        if not _sends(scenario, vendor, profiles if scenario.vendors else profiles[:1], failures):
            idle.append(name)
    _find_quirks(scenario, reader, names)
    if not scenario.vendors:
        _refuse_events_of_no_vendor(scenario, reader)
    for (step_node, message), vendors in failures.items():
        reader.problems.add(step_node, f"as {', '.join(vendors)}: {message}")
    if scenario.vendors:
        node = reader.root.get("vendors")
        assert isinstance(node, Sequence)
        for vendor_node, name in zip(node.items, names, strict=True):
            if name in idle and not _calls_api(scenario, name):
                message = f"vendor '{name}' has nothing to do: no step sends an event or waits for a call"
                reader.problems.add(vendor_node, message)
        return replace(scenario, vendors=played)
    if len(idle) == len(names):
        reader.problems.add(reader.root, "no step sends an event as any vendor; name the vendor in 'vendors'")
    return replace(scenario, vendors=tuple(name for name in played if name not in idle))


def _refuse_events_of_no_vendor(scenario: Scenario, reader: Reader) -> None:
    """Reports the events that a scenario spells out without saying whose they are."""
    for step in scenario.steps:
        if isinstance(step.verb, Emit) and step.only is None:
            message = "'emit' is one vendor's event; name the vendor in 'vendors', or in 'only' of this step"
            reader.problems.add(Node(step.line, step.column), message)


def _find_quirks(scenario: Scenario, reader: Reader, vendors: SequenceOf[str]) -> None:
    """Reports the quirks that none of the vendors has."""
    asked = [(step, step.quirk) for step in scenario.steps if step.quirk is not None]
    known = {quirk for name in vendors for quirk in registry.get(name).quirk_names()} if asked else set()
    for step, name in asked:
        if name not in known:
            reader.problems.add(Node(step.line, step.column), unknown("quirk of the scenario's vendors", name, known))


def _sends(
    scenario: Scenario, vendor: Vendor, profiles: Iterable[Profile], failures: dict[tuple[Node, str], list[str]]
) -> bool:
    """Whether a step causes an event in one of these profiles. Adds impossible steps to `failures`, once per vendor."""
    for number, profile in enumerate(profiles):
        run = timeline.Run(scenario, vendor, profile, scenario.seed, scenario.starts or _DEFAULT_START)
        live = run.conversation(0)
        for scheduled in run.schedule(0):
            try:
                live.advance(scheduled)
            except StepError as error:
                if number == 0:
                    step_node = Node(scheduled.step.line, scheduled.step.column)
                    failures.setdefault((step_node, str(error)), []).append(vendor.name)
        # A story may be about what does not happen.
        if live.event_count or live.prevented:
            return True
    return False


def warnings(scenario: Scenario) -> list[Problem]:
    """The warnings about a valid scenario, in the order of its lines: what hardly happens, and the steps that a vendor
    prevents."""
    found = scenario_warnings(scenario)
    for vendor in map(registry.get, scenario.vendors):
        starts = scenario.starts or _DEFAULT_START
        run = timeline.Run(scenario, vendor, vendor.default_profile, scenario.seed, starts)
        found += [*prevented_steps(run), *_unnamed_events(scenario, vendor)]
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def _unnamed_events(scenario: Scenario, vendor: Vendor) -> Iterator[Problem]:
    """The steps that spell out an event which no profile of the vendor names. Real vendors send such events, too."""
    known = sorted({name for profile in vendor.profiles.values() for name in profile.event_names()})
    for step in scenario.steps:
        if isinstance(step.verb, Emit) and step.verb.event not in known and vendor.name in (step.only or [vendor.name]):
            message = f"as {vendor.name}: {unknown('event', step.verb.event, known)}"
            yield Problem(scenario.file, step.line, step.column, message)


def prevented_steps(run: timeline.Run) -> list[Problem]:
    """The steps of the run's first conversation that its vendor prevents. Raises StepError."""
    file, vendor = run.scenario.file, run.vendor.name
    return [
        Problem(file, step.line, step.column, f"as {vendor}, this step does not happen: {reason}")
        for step, reason in timeline.prevented(run)
    ]


def _calls_api(scenario: Scenario, name: str) -> bool:
    steps = [step.verb for step in scenario.steps if step.only is None or name in step.only]
    identification = registry.get(name).identification
    return any(
        (isinstance(verb, ExpectCall) and verb.call.vendor == name)
        or (isinstance(verb, Authenticate) and identification is not None)
        for verb in steps
    )


def load_all(vendor: str | None = None) -> Iterator[tuple[str, Path, Scenario]]:
    """Every scenario with a name: name, file, scenario; with a `vendor`, those in which it sends something. Raises
    PackError for an invalid one of a vendor package."""
    for name, (path, package) in _named().items():
        try:
            scenario = load_text(read_file(path), str(path), vendor)
            if vendor is None or vendor in scenario.vendors:
                yield name, path, scenario
        except DocumentError as error:
            raise PackError(f"{package}: the scenario '{name}' has problems; mend it:\n{error}") from None
