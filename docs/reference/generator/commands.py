"""The command line as data, as a page of the reference, and as man pages."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import click
from vendorsim.cli.main import COMMANDS, group

from generator.markdown import cell

EXIT_CODES = (
    ("0", "All is well."),
    ("1", "The integration failed: a check, an expectation, or captured traffic that breaks its contract."),
    ("2", "The input is wrong: usage, scenario, configuration."),
    ("3", "The target can't be reached, or a needed component is missing."),
    ("4", "What was asked for could not be judged, and nothing failed."),
    ("130", "Interrupted."),
)
ENVIRONMENT = (
    "An option with one value can also be given in the environment: --locale is VENDORSIM_LOCALE. "
    "The command line wins over the environment, and the environment over vendorsim.yaml."
)


@dataclass(frozen=True)
class DescribedOption:
    """An option as --help shows it. `variable` is its environment variable, if its name does not follow the rule."""

    names: str
    help: str
    variable: str | None


@dataclass(frozen=True)
class DescribedCommand:
    """A command or subcommand. `words` call it; `examples` are whole command lines."""

    words: tuple[str, ...]
    usage: str
    summary: str
    paragraphs: tuple[str, ...]
    examples: tuple[str, ...]
    options: tuple[DescribedOption, ...]
    group: bool

    @property
    def name(self) -> str:
        return " ".join(self.words)


@cache
def all_commands() -> tuple[DescribedCommand, ...]:
    """The program, its commands and their subcommands, each before those below it."""
    return tuple(_described(("vendorsim",), group))


def _described(
    words: tuple[str, ...], command: click.Command, parent: click.Context | None = None
) -> Iterator[DescribedCommand]:
    context = click.Context(command, info_name=words[-1], parent=parent, help_option_names=["-h", "--help"])
    texts, examples = [], []
    for paragraph in map(str.strip, re.split(r"\n\s*\n", inspect.cleandoc(command.help or ""))):
        if paragraph.startswith("\b"):
            examples += [line.strip() for line in paragraph.splitlines()[1:]]
        else:
            texts.append(" ".join(paragraph.split()))
    summary = COMMANDS.get(words[1]) if len(words) == 2 else None
    yield DescribedCommand(
        words,
        " ".join([*words, *command.collect_usage_pieces(context)]),
        summary or texts[0].partition(". ")[0].rstrip(".").rstrip(),
        tuple(texts),
        tuple(examples),
        tuple(_options(command, context)),
        isinstance(command, click.Group),
    )
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _described((*words, name), below, context)


def _options(command: click.Command, context: click.Context) -> Iterator[DescribedOption]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is None:
            continue
        variable = parameter.envvar if isinstance(parameter.envvar, str) else None
        rule = f"VENDORSIM_{(parameter.name or '').upper()}"
        names, help = record[0].replace("INTEGER RANGE", "N").replace("INTEGER", "N"), record[1]
        # The range of seeds, which says no more than that they are whole numbers.
        help = re.sub(r"(; )?0<=x<=9223372036854775807|\[\]", "", help).replace(" []", "")
        yield DescribedOption(names, help, variable if variable != rule else None)


def page() -> str:
    """The page of all commands, as Markdown."""
    lines = [
        "# Commands",
        "",
        "Every command has `--help`, with examples. `vendorsim --version` names the versions of vendorsim and Faker.",
        "",
    ]
    lines += ["| command | does |", "|---|---|"]
    top = [command for command in all_commands() if len(command.words) == 2]
    lines += [f"| [`{command.name}`](#{command.name.replace(' ', '-')}) | {cell(command.summary)} |" for command in top]
    lines += ["", "| exit code | meaning |", "|---|---|", *(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES)]
    lines += [
        "",
        "With `--json`, standard output holds only JSON. Messages go to standard error.",
        "",
        _marked(ENVIRONMENT),
        "",
    ]
    for command in all_commands()[1:]:
        lines += [f"{'#' * len(command.words)} `{command.name}`", "", *_section(command)]
    return "\n".join(lines).rstrip() + "\n"


def _section(command: DescribedCommand) -> Iterator[str]:
    yield from ("```text", command.usage, "```", "")
    for paragraph in command.paragraphs:
        yield from (_marked(paragraph), "")
    if command.examples:
        yield from ("```", *command.examples, "```", "")
    yield from ("| option | meaning |", "|---|---|")
    for option in command.options:
        variable = f" Environment: `{option.variable}`." if option.variable else ""
        yield f"| `{cell(option.names)}` | {cell(option.help)}{variable} |"
    yield ""


def _marked(text: str) -> str:
    """The text with options and environment variables as code."""
    return re.sub(r"(?<![`\w-])(--[a-z][a-z-]+|VENDORSIM_[A-Z_]+|vendorsim\.yaml)(?![`\w])", r"`\1`", text)
