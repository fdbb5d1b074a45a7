"""Options and parameter types that several commands share."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from msgspec import Struct

from vendorsim.cli import completion
from vendorsim.core import times
from vendorsim.core.errors import unknown

if TYPE_CHECKING:
    from vendorsim.http.transport_options import TransportOptions
    from vendorsim.scenario.faults import Fault
    from vendorsim.vendorkit.policy_overrides import PolicyChanges
    from vendorsim.vendorkit.target import Target

F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose options can also come from the environment: `--duplicate-interval` from
    `VENDORSIM_DUPLICATE_INTERVAL`. The command line wins. Flags and repeated options are left out.

    An option that takes one value is an error if it is given twice; click would take the last value. Shells complete
    file names for options and arguments whose metavar is FILE.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for parameter in self.params:
            if isinstance(parameter, click.Option) and not parameter.is_flag and not parameter.multiple:
                parameter.envvar = parameter.envvar or f"VENDORSIM_{(parameter.name or '').upper()}"
            if parameter.metavar in ("FILE", "FILE...") and parameter.type is click.STRING:
                parameter.type = completion.FileType()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            self._refuse_repetition(ctx, args)
        return super().parse_args(ctx, args)

    def _refuse_repetition(self, ctx: click.Context, args: Sequence[str]) -> None:
        """Raises UsageError for an option with one value that is given more than once."""
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option, count in Counter(given).items():
            if count > 1 and isinstance(option, click.Option) and not option.is_flag and not option.multiple:
                name = option.opts[0]
                value = option.metavar or ("N" if isinstance(option.type, click.IntRange) else option.make_metavar(ctx))
                message = f"{name} is given {count} times, but takes one value: write {name} {value} once"
                raise click.UsageError(message, ctx)


class SuggestingGroup(click.Group):
    """A group that offers the closest name for an unknown subcommand."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        if args[0] not in self.commands and not ctx.resilient_parsing:
            raise click.UsageError(unknown("command", args[0], self.commands), ctx)
        return super().resolve_command(ctx, args)


class DurationType(click.ParamType[int]):
    """A duration such as 6s; gives milliseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return times.duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)/s")


class RateType(click.ParamType[float]):
    """A rate such as 10/s; gives requests per second."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        match = _RATE.fullmatch(value)
        if match is None or not float(match[1]):
            self.fail(f"'{value}' is not a rate; write requests per second, such as 10/s", param, ctx)
        return float(match[1])


class PointType(click.ParamType[int]):
    """A date and time with a zone; gives milliseconds since 1970."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return times.point(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class VendorType(click.ParamType[str]):
    """The name of a vendor, or the folder of a pack, whose vendor is then registered.

    For an unknown name, the error suggests the closest one.
    """

    name = "vendor"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from vendorsim.vendorkit import registry

        name = vendor_name(value)
        if name not in registry.names():
            self.fail(unknown("vendor", name, registry.names()), param, ctx)
        return name


def vendor_name(value: str) -> str:
    """Returns the value; for the folder of a pack, registers its vendor and returns the vendor's name."""
    from vendorsim.vendorkit import registry

    is_folder = value not in registry.names() and (os.path.isdir(value) or os.sep in value)
    return registry.add_folder(Path(value)) if is_folder else value


class NamesType(click.ParamType[tuple[str, ...]]):
    """Names that are separated by commas; gives a tuple. An empty name is an error."""

    name = "names"
    envvar_list_splitter = ","

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in value.split(","))
        if not all(names):
            self.fail(f"'{value}' has an empty name; write names like accepts,rejects", param, ctx)
        return names


class PackPath(click.ParamType[str]):
    """The folder of a pack. Registers its vendor; gives the vendor's name."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from vendorsim.vendorkit import registry

        return registry.add_folder(Path(value))


class PortType(click.IntRange):
    """A TCP port; 0 takes a free one."""

    def __init__(self) -> None:
        super().__init__(0, 65_535)


class RunOptions(Struct, frozen=True):
    """The options that determine the bytes of a run. `start` is milliseconds since 1970, `spacing` is milliseconds."""

    vendor: str
    profile: str | None
    seed: int | None
    start: int | None
    count: int
    spacing: int
    account: int | None
    inbox: int | None
    locale: str | None
    vary: bool


class TargetOptions(Struct, frozen=True):
    """The target of requests, their headers, secrets and delivery policy, as text."""

    to: str | None
    headers: tuple[str, ...]
    secret_env: tuple[str, ...]
    policies: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.to is None and self.secret_env:
            raise click.UsageError(
                "--secret-env is the secret of --to, which is missing; "
                "in vendorsim.yaml, write secret_env into the target"
            )

    def target(self) -> Target | None:
        """Returns the target of `--to` with its secrets; None means those of vendorsim.yaml."""
        from vendorsim.vendorkit.target import Target

        return None if self.to is None else Target(self.to, secret_env=self.secret_env)

    def headers_by_name(self) -> dict[str, str]:
        """Returns the headers of `--header`. Raises InputError."""
        from vendorsim.http.endpoint import header

        return dict(header(text) for text in self.headers)

    def policy(self) -> PolicyChanges:
        """Returns the changes of `--policy`. Raises InputError."""
        from vendorsim.vendorkit.policy_overrides import read_assignments

        return read_assignments(self.policies)


class FaultOptions(Struct, frozen=True):
    """The faults of a run, as text."""

    faults: tuple[str, ...]
    fault_on: str | None

    def read(self) -> tuple[Fault, ...]:
        """Returns the faults of `--fault`. Raises InputError."""
        from vendorsim.scenario.faults import from_option

        return tuple(from_option(text, None) for text in self.faults)

    def events(self) -> tuple[str, ...] | None:
        """Returns the events of `--fault-on`; None means all."""
        from vendorsim.runs.planning import event_names

        return None if self.fault_on is None else event_names([self.fault_on])


class JournalOptions(Struct, frozen=True):
    """The journal of a run: the project's, another file, or none."""

    file: str | None
    no_journal: bool


def grouped(parameter: str, fields: Mapping[str, str], make: Callable[..., Any]) -> Callable[[F], F]:
    """Passes several options to the command as one `parameter`: the value that `make` returns.

    `fields` maps the names of the options' parameters to the arguments of `make`.
    """

    def decorate(command: F) -> F:
        @wraps(command)
        def call(*args: Any, **values: Any) -> Any:
            combined = make(**{argument: values.pop(name) for name, argument in fields.items()})
            return command(*args, **{parameter: combined}, **values)

        return cast("F", call)

    return decorate


def same(*names: str) -> dict[str, str]:
    """Maps each name to itself: for options named like the arguments of `make`."""
    return {name: name for name in names}


def vendor(command: F) -> F:
    """`--vendor V --profile P`."""
    help = "Name of the vendor, or the folder of a pack."
    profile = "Vendor profile, or the folder of an overlay; default: the documented one."
    command = click.option("--profile", metavar="P", shell_complete=completion.profiles, help=profile)(command)
    return click.option(
        "--vendor", metavar="V", type=VendorType(), shell_complete=completion.vendors, required=True, help=help
    )(command)


def _joined(ctx: click.Context, parameter: click.Parameter, values: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for value in values for name in value))


def names(option: str, metavar: str, help: str) -> Callable[[F], F]:
    """An option with names: repeatable, and each value may hold several, separated by commas. Gives one tuple."""
    variable = f"VENDORSIM_{option.lstrip('-').upper()}"
    return click.option(
        option,
        metavar=metavar,
        type=NamesType(),
        multiple=True,
        envvar=variable,
        callback=_joined,
        shell_complete=completion.families,
        help=help,
    )


def packs(command: F) -> F:
    """`--vendor FOLDER`, for commands that are not about one vendor."""
    help = "Folder of a pack to use without installing it; repeatable."
    return click.option("--vendor", "packs", metavar="FOLDER", type=PackPath(), multiple=True, help=help)(command)


def account_and_locale(command: F) -> F:
    """`--account ID --inbox ID --locale L`: what an integration may be made for."""
    ids = click.IntRange(1)
    help = "Locale of made-up people and texts, such as de_DE; default: the scenario's."
    command = click.option("--locale", metavar="L", help=help)(command)
    help = "Id of the vendor's inbox in what is sent; default: made up."
    command = click.option("--inbox", metavar="ID", type=ids, help=help)(command)
    help = "Id of the vendor's account in what is sent; default: the scenario's, or made up."
    return click.option("--account", metavar="ID", type=ids, help=help)(command)


def vary(command: F) -> F:
    """`--vary/--no-vary`."""
    help = "Vary pauses, visits and the number of made-up questions after the first conversation; default: vary."
    return click.option("--vary/--no-vary", default=True, help=help)(command)


def seeded(command: F) -> F:
    """`--seed --start --count --spacing --vary --account --inbox --locale`, which also determine the bytes of a run."""
    command = vary(account_and_locale(command))
    for option in (
        click.option(
            "--spacing",
            type=DurationType(),
            default="1s",
            show_default=True,
            help="Time between the starts of two conversations.",
        ),
        click.option("--count", type=click.IntRange(1), default=1, show_default=True, help="Number of conversations."),
        click.option("--start", type=PointType(), help="Time of the first step; default: the scenario's, or now."),
        click.option(
            "--seed", type=click.IntRange(0, 2**63 - 1), help="Seed of generated data; default: the scenario's."
        ),
    ):
        command = option(command)
    return command


# As the parameter `run`, the options of `vendor` and `seeded`.
run = grouped(
    "run",
    same("vendor", "profile", "seed", "start", "count", "spacing", "account", "inbox", "locale", "vary"),
    RunOptions,
)


def header(command: F) -> F:
    """`--header 'K: V'`."""
    help = "Header of every request; repeatable."
    return click.option("--header", "headers", multiple=True, metavar="'K: V'", help=help)(command)


def policy(whose: str) -> Callable[[F], F]:
    """`--policy KEY=VALUE`; `whose` ends its help."""
    help = f"Override a setting of the {whose}; repeatable."
    return click.option(
        "--policy",
        "policies",
        multiple=True,
        metavar="KEY=VALUE",
        shell_complete=completion.policy_keys,
        help=help,
    )


def secret_env(command: F) -> F:
    """`--secret-env NAME`."""
    help = "Environment variable with the secret of --to; give it twice while a secret is rotated."
    return click.option("--secret-env", multiple=True, metavar="NAME", help=help)(command)


# As the parameter `target`, the options --to, `header`, `secret_env` and `policy`.
target = grouped("target", same("to", "headers", "secret_env", "policies"), TargetOptions)


class ProbeType(click.ParamType[Any]):
    """A probe such as http://localhost:8000/state/{conversation_id}; gives a `NamedSource`."""

    name = "probe"
    # A probe may hold spaces, so those of a variable stand on lines of their own.
    envvar_list_splitter = "\n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from vendorsim.core.errors import InputError
        from vendorsim.probes.reading import read_probe

        if not isinstance(value, str):
            return value
        try:
            return read_probe(value)
        except InputError as error:
            self.fail(str(error), param, ctx)


def probe(command: F) -> F:
    """`--probe [NAME=]PROBE`."""
    help = (
        "How to read a conversation's state: a URL with {conversation_id}, module:function, 'command: …' or 'sql: …'; "
        "repeatable with names (tickets=…)."
    )
    return click.option(
        "--probe",
        metavar="[NAME=]PROBE",
        type=ProbeType(),
        multiple=True,
        envvar="VENDORSIM_PROBE",
        help=help,
    )(command)


def faults(command: F) -> F:
    """`--fault` and `--fault-on`, as the parameter `misbehaviour`."""
    command = grouped("misbehaviour", same("faults", "fault_on"), FaultOptions)(command)
    help = "Events that get the faults, separated by commas; default: all."
    command = click.option("--fault-on", metavar="EVENTS", help=help)(command)
    help = "Add a fault to deliveries (see vendorsim faults); repeatable."
    return click.option(
        "--fault",
        "faults",
        multiple=True,
        metavar="NAME[=ARG][@RATE]",
        shell_complete=completion.faults,
        help=help,
    )(command)


def sinks(command: F) -> F:
    """Adds `--sink`."""
    return click.option(
        "--sink",
        "sinks",
        metavar="NAME[=customer]",
        multiple=True,
        help="Take any call at /_sinks/NAME, in the place of a system that is not a vendor's; repeatable.",
    )(command)


def fail_on(command: F) -> F:
    """`--fail-on CLASSES`, as the names that were given. It has no environment variable: that of `check` has other
    values."""
    help = "Classes of differences that fail (exit code 1), see above; repeatable, or with commas."
    return click.option(
        "--fail-on",
        metavar="CLASSES",
        type=NamesType(),
        multiple=True,
        callback=_joined,
        shell_complete=completion.deviations,
        help=help,
    )(command)


def json_output(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print only JSON on standard output.")(command)


def config_file(command: F) -> F:
    """`--config FILE`."""
    help = "Configuration file; default: the nearest vendorsim.yaml."
    return click.option("--config", "config_file", metavar="FILE", help=help)(command)


def journal(command: F) -> F:
    """`--journal FILE` and `--no-journal`, as the parameter `journal`."""
    command = grouped("journal", {"journal": "file", "no_journal": "no_journal"}, JournalOptions)(command)
    command = click.option("--no-journal", is_flag=True, help="Keep no journal of this run.")(command)
    help = "Journal file of attempts and calls; default: the project's .vendorsim/journal.sqlite."
    return click.option("--journal", metavar="FILE", help=help)(command)


def transport(command: F) -> F:
    """`--ca FILE`, `--cert FILE`, `--cert-key FILE` and `--proxy URL`, as the parameter `transport`."""
    command = grouped("transport", same("ca", "cert", "cert_key", "proxy"), _transport)(command)
    for option in (
        click.option("--proxy", metavar="URL", help="Send through this HTTP proxy; default: none."),
        click.option("--cert-key", metavar="FILE", help="Private key of --cert, if it is in a file of its own."),
        click.option("--cert", metavar="FILE", help="Client certificate (PEM)."),
        click.option("--ca", metavar="FILE", help="CA certificates to trust (PEM) instead of the system's."),
    ):
        command = option(command)
    return command


def _transport(**files: str | None) -> TransportOptions:
    from vendorsim.http.transport_options import TransportOptions

    return TransportOptions(**files)
