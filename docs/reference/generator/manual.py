"""Man pages: one of the program, and one for each command with its subcommands.

click-man can't write them: it knows no commands that are imported when they are called, and keeps click's marks of
examples in the text.
"""

from __future__ import annotations

from collections.abc import Iterator

from vendorsim.core.version import __version__

from generator.commands import ENVIRONMENT, EXIT_CODES, DescribedCommand, all_commands


def pages() -> dict[str, str]:
    """The man pages by the names of their files."""
    program, *commands = all_commands()
    top = [command for command in commands if len(command.words) == 2]
    found = {"vendorsim.1": _page(program, [], _list_of_commands(top))}
    for command in top:
        below = [inner for inner in commands if inner.words[:2] == command.words and inner is not command]
        found[f"{_name(command)}.1"] = _page(command, below, [])
    return found


def _name(command: DescribedCommand) -> str:
    return "-".join(command.words[:2])


def _page(command: DescribedCommand, below: list[DescribedCommand], more: list[str]) -> str:
    lines = [
        f'.TH "{_name(command).upper()}" "1" "" "vendorsim {__version__}" "vendorsim"',
        ".SH NAME",
        f"{_escaped(_name(command))} \\- {_escaped(command.summary)}",
        ".SH SYNOPSIS",
    ]
    usages = [each.usage for each in ([] if command.group and below else [command])] + [each.usage for each in below]
    for position, usage in enumerate(usages):
        lines += ([".br"] if position else []) + [f".B {_escaped(usage)}"]
    lines += [".SH DESCRIPTION", *_paragraphs(command)]
    lines += more
    if command.options:
        lines += [".SH OPTIONS", *_options(command)]
    for each in below:
        lines += [f'.SH "{_escaped(each.name.upper())}"', *_paragraphs(each), *_options(each), *_examples(each, ".PP")]
    lines += _examples(command, ".SH EXAMPLES")
    lines += [".SH ENVIRONMENT", _escaped(ENVIRONMENT), ".SH EXIT STATUS"]
    for status, meaning in EXIT_CODES:
        lines += [".TP", f".B {status}", _escaped(meaning)]
    other = "vendorsim" if len(command.words) > 1 else "vendorsim-check"
    lines += [".SH SEE ALSO", f".BR {_escaped(other)} (1)"]
    return "\n".join(lines) + "\n"


def _list_of_commands(commands: list[DescribedCommand]) -> list[str]:
    lines = [".SH COMMANDS"]
    for command in commands:
        lines += [".TP", f".BR {_escaped(_name(command))} (1)", _escaped(command.summary)]
    return lines


def _paragraphs(command: DescribedCommand) -> Iterator[str]:
    for position, paragraph in enumerate(command.paragraphs):
        if position:
            yield ".PP"
        yield _escaped(paragraph)


def _options(command: DescribedCommand) -> Iterator[str]:
    for option in command.options:
        variable = f" Environment: {option.variable}." if option.variable else ""
        yield from (".TP", f".B {_escaped(option.names)}", _escaped(option.help + variable))


def _examples(command: DescribedCommand, heading: str) -> Iterator[str]:
    if command.examples:
        yield from (heading, ".nf", *map(_escaped, command.examples), ".fi")


def _escaped(text: str) -> str:
    """Text for roff. Hyphens are written so that they can be copied; a line must not begin with a control character."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped
