"""Checks that a pack is complete: its entry point, its contracts, and a scenario for every event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from vendorsim.core.errors import DocumentError, PackError, VendorsimError
from vendorsim.core.yaml_nodes import read_file
from vendorsim.runs import library, timeline
from vendorsim.scenario.model import Scenario
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract_documents import DocumentProblem, contract_problems
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.vendor import Vendor

# The start of the scenarios while they are checked: 2026-01-05T10:00:00Z.
_START = 1_767_607_200_000


class PackReport(Struct, frozen=True):
    """The result of `lint`. `vendor` is None if it can't be loaded."""

    vendor: Vendor | None
    scenarios: int
    problems: tuple[DocumentProblem, ...]

    @property
    def complete(self) -> bool:
        """Whether there are no problems."""
        return not self.problems

    def summary(self) -> str:
        """The vendor's name, and how many profiles, events and scenarios the pack has."""
        assert self.vendor is not None
        events = sum(len(profile.events) for profile in self.vendor.profiles.values())
        counted = ((len(self.vendor.profiles), "profile"), (events, "event"), (self.scenarios, "scenario"))
        return f"{self.vendor.name}: " + ", ".join(f"{count} {noun}{'s' * (count != 1)}" for count, noun in counted)

    def document(self) -> dict[str, Any]:
        return {
            "vendor": None if self.vendor is None else self.vendor.name,
            "valid": self.complete,
            "problems": [{"place": problem.place, "message": problem.message} for problem in self.problems],
        }


def lint(folder: Path) -> PackReport:
    """Checks the pack in a folder, and registers its vendor."""
    try:
        vendor = registry.get(registry.add_folder(folder))
    except PackError as error:
        return PackReport(None, 0, (DocumentProblem(str(folder), str(error)),))
    problems = list(_contract_problems(vendor, folder))
    scenarios: list[Scenario] = []
    problems += _scenario_problems(vendor, folder, scenarios, contracts_valid=not problems)
    if not problems:
        for profile in vendor.profiles.values():
            problems += _unreached(vendor, profile, scenarios)
    return PackReport(vendor, len(scenarios), tuple(problems))


def _contract_problems(vendor: Vendor, folder: Path) -> Iterator[DocumentProblem]:
    if vendor.documents is None:
        message = 'Vendor.documents is not set; give the folder of the contracts: Path(__file__).parent / "contracts"'
        yield DocumentProblem(str(folder), message)
        return
    for profile in vendor.profiles.values():
        documents = vendor.documents / (profile.contract or profile.name)
        if not documents.is_dir():
            message = f"the profile {profile.name} has no contract; make the folder with a schema for each event"
            yield DocumentProblem(str(documents), message)
        else:
            yield from contract_problems(vendor.name, profile, documents)


def _scenario_problems(
    vendor: Vendor, folder: Path, found: list[Scenario], contracts_valid: bool
) -> Iterator[DocumentProblem]:
    """The problems of the pack's scenarios. Scenarios without problems are added to `found`."""
    if vendor.scenarios is None or not vendor.scenarios.is_dir():
        message = 'Vendor.scenarios names no folder; give one: Path(__file__).parent / "scenarios"'
        yield DocumentProblem(str(folder), message)
        return
    taken = library.shipped()
    for path in sorted(vendor.scenarios.glob("*.yaml")):
        if path.stem in taken:
            yield DocumentProblem(str(path), f"vendorsim brings a scenario '{path.stem}'; give it another name")
        try:
            found.append(library.load_text(read_file(path), str(path)))
        except DocumentError as error:
            for problem in error.problems:
                yield DocumentProblem(f"{problem.file}:{problem.line}:{problem.column}", problem.message)
        except VendorsimError as error:
            # An invalid contract makes every scenario fail, and is reported already.
            if contracts_valid:
                yield DocumentProblem(str(path), str(error))
        except Exception as error:
            yield DocumentProblem(str(path), f"can't be played: {registry.described(error)}; mend the vendor's code")


def _unreached(vendor: Vendor, profile: Profile, scenarios: list[Scenario]) -> Iterator[DocumentProblem]:
    """The events of a profile that no scenario of the pack causes."""
    reached = {
        event.name
        for scenario in scenarios
        if vendor.name in scenario.vendors
        for event in timeline.events(timeline.Run(scenario, vendor, profile, scenario.seed, _START), 1)
    }
    for name in profile.event_names():
        if name not in reached:
            message = f"no scenario leads to the event {name} of the profile {profile.name}; add a scenario that does"
            yield DocumentProblem(str(vendor.scenarios), message)
