"""What a user asks a run to judge: by an option that only some families need, by `--require`, or in vendorsim.yaml."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from vendorsim.checks.model import FAMILIES, Result, Unmet
from vendorsim.core.errors import InputError, unknown

OPTION_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "--probe": ("idempotent", "order_tolerant", "retry_safe", "concurrent", "recovers"),
    "--secret-env": ("authenticates",),
    "--serve": ("replies", "leaks", "calls_api"),
    "--recover-within": ("recovers.by_api",),
    "--fuzz": ("fuzz",),
}
"""Option → the families and checks that it is for. The option is met if one of these checks was judged."""


def refuse_unknown_families(names: Iterable[str], where: str) -> None:
    """Raises InputError for a name that is no family; `where` says where it was given."""
    for name in names:
        if name not in FAMILIES:
            raise InputError(f"{where}: {unknown('family', name, FAMILIES)}")


def unmet_options(options: Iterable[str], results: Sequence[Result], skipped: Collection[str]) -> list[Unmet]:
    """Returns the given options of OPTION_FAMILIES whose families were not judged, or that did not work.

    `skipped` are the ids of the checks that the user skips. An option whose families were not selected is met.
    """
    found = []
    for option in options:
        selected = _of_families(OPTION_FAMILIES[option], results, skipped)
        broken = [result for result in selected if result.broken_option == option]
        missed = broken or (selected if not any(result.judged for result in selected) else [])
        if missed:
            found.append(Unmet(option, _families(missed), missed[0].reason or "no reason is known"))
    return found


def unmet_families(families: Iterable[str], results: Sequence[Result], asked_by: str) -> list[Unmet]:
    """Returns the families of which no check was judged. `asked_by` is the option or setting that requires them."""
    found = []
    for family in families:
        selected = _of_families((family,), results, ())
        if not any(result.judged for result in selected):
            reason = next((result.reason for result in selected if result.reason), "no check of it was selected")
            found.append(Unmet(f"{asked_by} {family}", (family,), reason))
    return found


def selected_families(results: Sequence[Result], skipped: Collection[str]) -> frozenset[str]:
    """Returns the families with a check that was selected and not skipped by the user."""
    return frozenset(_families(_of_families(FAMILIES, results, skipped)))


def _of_families(names: Sequence[str], results: Sequence[Result], skipped: Collection[str]) -> list[Result]:
    """Returns the results of checks with one of these names, or of one of these families."""
    return [
        result
        for result in results
        if not {result.check.id, result.check.family}.isdisjoint(names) and result.check.id not in skipped
    ]


def _families(results: Iterable[Result]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(result.check.family for result in results))
