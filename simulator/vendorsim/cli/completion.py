"""What shells complete: the values of options and arguments that the program knows, and file names.

click makes the rest: the scripts for the shells (`docs/share/`), and the completion of commands and options. A shell
starts the program for each completion, so what is offered must be cheap to find.
"""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem


class FileType(click.types.StringParamType):
    """Text that is the name of a file, or of a folder on the way to one."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return files(incomplete)


def files(incomplete: str) -> list[CompletionItem]:
    """Lets the shell complete file names."""
    return [CompletionItem(incomplete, type="file")]


def _starting(values: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(value) for value in values if value.startswith(incomplete)]


def vendors(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of installed vendors, or else a folder of a pack."""
    from vendorsim.vendorkit.entry_points import entry_points
    from vendorsim.vendorkit.pack_folder import GROUP

    # Not by the registry: its imports take four times as long.
    return _starting(sorted({point.name for point in entry_points(GROUP)}), incomplete) or [
        CompletionItem(incomplete, type="dir")
    ]


def profiles(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Profiles of the vendor that stands before, or else a folder of an overlay; without a vendor nothing."""
    from vendorsim.vendorkit import registry

    vendor = ctx.params.get("vendor")
    if vendor not in registry.names():
        return []
    return _starting(registry.get(vendor).profiles, incomplete) or [CompletionItem(incomplete, type="dir")]


def scenario_names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the scenarios of vendorsim; those of packs would need all packs to be imported."""
    from vendorsim.core import resources

    return _starting(sorted(path.stem for path in resources.scenarios().glob("*.yaml")), incomplete)


def scenarios(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of built-in scenarios, or else a file."""
    return scenario_names(ctx, parameter, incomplete) or files(incomplete)


def faults(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of faults, with their examples as help."""
    from vendorsim.scenario.faults import KINDS

    return [CompletionItem(name, help=kind.help) for name, kind in KINDS.items() if name.startswith(incomplete)]


def policy_keys(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`KEY=` of each value of a policy."""
    from vendorsim.vendorkit.policy_overrides import READERS

    return _starting((f"{key}=" for key in READERS), incomplete)


def deviations(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Classes of deviations, and the groups of them. Nothing after a comma, as for families."""
    from vendorsim.vendorkit.deviations import NAMES

    return _starting(NAMES, incomplete)


def families(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Families of checks. Nothing after a comma: click's script for fish can't take a value with one."""
    from vendorsim.checks.model import FAMILIES

    return _starting(FAMILIES, incomplete)


def commands(described: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    """Names of commands with what they do."""
    return [CompletionItem(name, help=help) for name, help in described if name.startswith(incomplete)]
