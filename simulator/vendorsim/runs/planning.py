"""What a user asks for → the run that is played, or a clear refusal."""

from __future__ import annotations

from vendorsim.core.clock import wall_clock_second
from vendorsim.core.errors import InputError
from vendorsim.core.times import LATEST
from vendorsim.runs import library
from vendorsim.runs.timeline import Run
from vendorsim.scenario.model import Scenario
from vendorsim.vendorkit import registry


def prepare(
    scenario: str,
    vendor: str,
    profile: str | None = None,
    *,
    seed: int | None = None,
    start: int | None = None,
    count: int = 1,
    spacing: int = 1_000,
) -> Run:
    """The run of a scenario (file or built-in name) as a vendor. What is None comes from the scenario.

    `start` and `spacing` are milliseconds. Raises InputError.
    """
    loaded = library.load(scenario)
    return plan(loaded, vendor, profile, seed=seed, start=start, count=count, spacing=spacing, called=scenario)


def plan(
    scenario: Scenario,
    vendor: str,
    profile: str | None = None,
    *,
    seed: int | None = None,
    start: int | None = None,
    count: int = 1,
    spacing: int = 1_000,
    called: str | None = None,
) -> Run:
    """The same of a scenario that is loaded; `called` is what refusals call it, where that is not its file."""
    known = registry.get(vendor)
    chosen = known.profile(profile)
    name = called or scenario.file
    if vendor not in scenario.vendors:
        raise InputError(
            f"{name}: '{vendor}' is not among the scenario's vendors ({', '.join(scenario.vendors)}); "
            "play it as one of those, or add it to 'vendors'"
        )
    if count > 1 and (pinned := scenario.pinned_ids()):
        raise InputError(
            f"{name}: {' and '.join(pinned)} can belong to one conversation only; "
            f"leave it out, or play with --count 1 (not {count})"
        )
    starts = start if start is not None else scenario.starts
    starts = wall_clock_second() if starts is None else starts
    if starts + (count - 1) * spacing > LATEST:
        raise InputError(
            f"the last of {count} conversations would start after 2100; lower --count, --spacing or --start"
        )
    return Run(
        scenario=scenario,
        vendor=known,
        profile=chosen,
        seed=scenario.seed if seed is None else seed,
        starts=starts,
        spacing=spacing,
    )
