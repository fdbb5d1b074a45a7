"""What a user asks for → the run that is played, or a clear refusal."""

from __future__ import annotations

from simulator import library
from simulator.delivery.clock import wall_clock_second
from simulator.errors import InputError
from simulator.timeline import Run
from simulator.times import LATEST
from simulator.vendors import registry


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
    known = registry.get(vendor)
    chosen = known.profile(profile)
    loaded = library.load(scenario)
    if vendor not in loaded.vendors:
        raise InputError(
            f"{scenario}: '{vendor}' is not among the scenario's vendors ({', '.join(loaded.vendors)}); "
            "play it as one of those, or add it to 'vendors'"
        )
    if count > 1 and (pinned := loaded.pinned_ids()):
        raise InputError(
            f"{scenario}: {' and '.join(pinned)} can belong to one conversation only; "
            f"leave it out, or play with --count 1 (not {count})"
        )
    starts = start if start is not None else loaded.starts
    starts = wall_clock_second() if starts is None else starts
    if starts + (count - 1) * spacing > LATEST:
        raise InputError(
            f"the last of {count} conversations would start after 2100; lower --count, --spacing or --start"
        )
    return Run(
        scenario=loaded,
        vendor=known,
        profile=chosen,
        seed=loaded.seed if seed is None else seed,
        starts=starts,
        spacing=spacing,
    )
