"""The command itself: help, versions, exit codes, and how every kind of error ends."""

from __future__ import annotations

import errno
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import pytest
from command_line import Vendorsim
from vendorsim.cli.main import group
from vendorsim.core.version import __version__

STORY = "scenario: Offline\nvendors: [smartsupp]\nsteps: [offline_message: Hello]\n"
ESCAPE = "\x1b"
DOWN = ("--to", "http://127.0.0.1:9/", "--no-journal")


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "story.yaml"
    path.write_text(STORY)
    return path


@pytest.fixture
def process(tmp_path: Path) -> Any:
    """Starts the command as a real process."""

    def process(*arguments: object, **options: Any) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **options.pop("environment", {})}
        environment.pop("PYTHONUNBUFFERED", None)
        settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path} | options
        command = [sys.executable, "-m", "vendorsim", *map(str, arguments)]
        return subprocess.Popen(command, env=environment, **settings)

    return process


def commands(vendorsim: Vendorsim) -> list[str]:
    """The names that the help of the group lists."""
    listed = vendorsim("--help").out.partition("Commands:\n")[2]
    return re.findall(r"^  (\w+)", listed, re.MULTILINE)


class TestHelp:
    def test_lists_every_command(self, vendorsim: Vendorsim) -> None:
        shown = vendorsim("--help")
        assert shown.code == 0
        assert {"vendors", "scenarios", "lint", "generate", "play", "serve", "validate"} <= set(commands(vendorsim))
        assert "\n  vendorsim play returning-customer --vendor smartsupp --to http://" in shown.out

    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_of_every_command_has_an_example(self, vendorsim: Vendorsim, flag: str) -> None:
        for command in commands(vendorsim):
            shown = vendorsim(command, flag)
            assert shown.code == 0
            assert shown.err == ""
            assert re.search(rf"^  vendorsim {command}\b", shown.out, re.MULTILINE), command

    def test_examples_name_scenarios_and_vendors_that_exist(self, vendorsim: Vendorsim) -> None:
        scenarios = {each["name"] for each in vendorsim("scenarios", "--json").json}
        vendors = {each["name"] for each in vendorsim("vendors", "--json").json}
        for command in ("generate", "play", "validate"):
            for example in re.findall(rf"^  (vendorsim {command} .*)$", vendorsim(command, "-h").out, re.MULTILINE):
                words = example.split()
                assert words[words.index("--vendor") + 1] in vendors
                assert command == "validate" or words[2] in scenarios

    def test_no_arguments_show_the_help_and_are_wrong_usage(self, vendorsim: Vendorsim) -> None:
        shown = vendorsim()
        assert shown.code == 2
        assert "Commands:" in shown.err
        assert shown.out == ""


def test_version_names_vendorsim_and_faker(vendorsim: Vendorsim) -> None:
    shown = vendorsim("--version")
    assert (shown.code, shown.out) == (0, f"vendorsim {__version__}, Faker {version('Faker')}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("genrate",), "unknown command 'genrate'; did you mean 'generate'?"),
        (("zzz",), "unknown command 'zzz'; known: vendors, "),
        (("Play",), "did you mean 'play'?"),
        (("--nope",), "No such option"),
        (("generate", "--nope"), "No such option"),
        (("generate",), "Missing argument 'SCENARIO'"),
        (("generate", "a.yaml"), "Missing option '--vendor'"),
        (("generate", "a.yaml", "b.yaml", "--vendor", "smartsupp"), "unexpected extra argument"),
        (("validate", "--vendor", "smartsupp"), "Missing argument 'FILE...'"),
        (("lint",), "Missing argument 'FILE...'"),
        (("play", "a.yaml", "--vendor", "smartsupp", "--speed", "2x"), "'2x' is not one of"),
        (("play", "a.yaml", "--vendor", "smartsupp", "--concurrency", "0"), "not in the range"),
        (("serve", "--port", "65536"), "not in the range"),
        *(
            ((*command, "--secret-env", "SECRET"), "--secret-env is the secret of --to, which is missing")
            for command in (
                ("play", "a.yaml", "--vendor", "smartsupp"),
                ("check", "--vendor", "smartsupp"),
                ("load", "traffic.yaml"),
            )
        ),
    ],
)
def test_wrong_usage(vendorsim: Vendorsim, arguments: tuple[str, ...], message: str) -> None:
    refused = vendorsim(*arguments)
    assert refused.code == 2
    assert message in refused.err
    assert refused.out == ""


def all_commands(words: tuple[str, ...] = (), command: click.Command = group) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and subcommand, with the words that call it."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from all_commands((*words, name), inner)


def options_of(command: click.Command) -> Iterator[click.Option]:
    return (parameter for parameter in command.params if isinstance(parameter, click.Option))


SINGLE = [
    pytest.param(words, option, id=" ".join((*words, option.opts[0])))
    for words, command in all_commands()
    for option in options_of(command)
    if not option.is_flag and not option.multiple
]


@pytest.mark.parametrize(("words", "option"), SINGLE)
def test_an_option_with_one_value_is_not_given_twice(
    vendorsim: Vendorsim, words: tuple[str, ...], option: click.Option
) -> None:
    name, value = option.opts[0], ["1"] * option.nargs
    refused = vendorsim(*words, name, *value, name, *value)
    assert (refused.code, refused.out) == (2, "")
    assert f"{name} is given 2 times, but takes one value: write {name} " in refused.err


def test_it_is_not_given_twice_in_two_spellings_or_with_the_same_value(vendorsim: Vendorsim) -> None:
    refused = vendorsim("generate", "story.yaml", "--seed", "1", "--vendor", "smartsupp", "--seed=1")
    assert refused.code == 2
    assert "--seed is given 2 times" in refused.err


def test_flags_and_repeatable_options_may_be_given_twice(vendorsim: Vendorsim) -> None:
    assert vendorsim("vendors", "--json", "--json").code == 0
    for words, command in all_commands():
        for option in options_of(command):
            if option.is_flag or option.multiple:
                value = [] if option.is_flag else ["1"]
                told = vendorsim(*words, option.opts[0], *value, option.opts[0], *value, "--no-such-option")
                assert "times" not in told.err


class TestEndings:
    """Every class of error: its exit code, one plain message, nothing on standard output."""

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (("generate", "story.yaml", "--vendor", "userlike"), 2, "Error: story.yaml: 'userlike' is not among"),
            (("generate", "gone.yaml", "--vendor", "smartsupp"), 2, "gone.yaml:1:1: can't be read"),
            (("generate", ".", "--vendor", "smartsupp"), 2, ".:1:1: is a folder, not a file"),
            (("generate", "bad.yaml", "--vendor", "smartsupp"), 2, "bad.yaml:1:1: "),
            (("generate", "story.yaml", "--vendor", "smartsupp", "--profile", "x"), 2, "Error: unknown profile"),
            (("validate", "--vendor", "smartsupp", "gone.json"), 2, "Error: gone.json: can't be read"),
            (("play", "story.yaml", "--vendor", "smartsupp", "--to", "nowhere"), 2, "Error: 'nowhere' is not a URL"),
            (("serve", "--host", "192.0.2.1"), 2, "Error: --host 192.0.2.1: other machines could start runs here"),
            (
                ("serve", "--host", "192.0.2.1", "--port", "0", "--admin-token", "t"),
                3,
                "Error: port 0 on 192.0.2.1 can't be used",
            ),
        ],
    )
    def test_of_errors(
        self, vendorsim: Vendorsim, story: Path, arguments: tuple[str, ...], code: int, message: str
    ) -> None:
        (story.parent / "bad.yaml").write_text("scenario: Bad\n")
        ended = vendorsim(*arguments)
        assert ended.code == code
        assert ended.err.startswith(message)
        assert ended.out == ""

    @pytest.mark.parametrize("arguments", [("generate",), ("play", *DOWN)], ids=["generate", "play"])
    def test_a_body_of_ours_that_breaks_its_contract(
        self, vendorsim: Vendorsim, story: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
    ) -> None:
        from vendorsim.vendors.smartsupp import reactions

        # Sound when the scenario is read, broken when it is carried out.
        ends = iter([1_767_603_600_000, "soon"])
        sound = reactions.post_hook
        monkeypatch.setattr(reactions, "post_hook", lambda conversation: sound(conversation) | {"endAt": next(ends)})
        command, *options = arguments
        ended = vendorsim(command, story, "--vendor", "smartsupp", *options)
        assert ended.code == 3
        assert ended.err.startswith("Error: internal error: the smartsupp body of post_hook breaks its contract")
        assert """at '/endAt': "soon" is not of type "integer\"""" in ended.err
        assert ended.out == ""


@pytest.mark.slow
class TestRealProcess:
    def test_interrupted(self, process: Any, story: Path) -> None:
        with process("generate", story, "--vendor", "smartsupp", "--count", 10_000_000) as running:
            assert running.stdout.readline().startswith("{")
            running.send_signal(signal.SIGINT)
            _, err = running.communicate()
        assert running.returncode == 130
        assert err.strip() == "Interrupted."

    @pytest.mark.parametrize(
        "arguments",
        [
            pytest.param(("generate", "story.yaml", "--vendor", "smartsupp", "--count", 5_000), id="generate"),
            pytest.param(("play", "story.yaml", "--vendor", "smartsupp", "--json", *DOWN), id="play"),
            pytest.param(("vendors",), id="vendors"),
            pytest.param(("scenarios", "show", "returning-customer"), id="show"),
        ],
    )
    def test_a_reader_that_has_enough_is_no_error(
        self, process: Any, story: Path, arguments: tuple[object, ...]
    ) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        with process(*arguments, stdout=writer) as running:
            os.close(writer)
            _, err = running.communicate()
        assert running.returncode == 0
        assert err == ""

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
    @pytest.mark.parametrize(
        "arguments", [("generate", "story.yaml", "--vendor", "smartsupp"), ("vendors",), ("--version",)]
    )
    def test_no_room_for_the_output(self, process: Any, story: Path, arguments: tuple[str, ...]) -> None:
        with open("/dev/full", "w") as full, process(*arguments, stdout=full) as running:
            _, err = running.communicate()
        assert running.returncode == 3
        assert err == f"Error: the output can't be written: {os.strerror(errno.ENOSPC)}\n"

    def test_an_output_that_is_closed_is_no_error(self, process: Any, story: Path) -> None:
        with process(
            "generate", story, "--vendor", "smartsupp", stdout=None, preexec_fn=lambda: os.close(1)
        ) as running:
            _, err = running.communicate()
        assert (running.returncode, err) == (0, "")

    def test_an_encoding_that_lacks_a_character(self, process: Any, story: Path) -> None:
        story.write_text(STORY.replace("Offline", "Späte Grüße 👋"))
        with process(
            "play", story, "--vendor", "smartsupp", *DOWN, environment={"PYTHONIOENCODING": "latin-1"}, text=False
        ) as running:
            out, err = running.communicate()
        assert err == b""
        assert out.startswith("Späte Grüße \\U0001f44b, as smartsupp".encode("latin-1"))


class TestStyle:
    """Escape codes are for terminals."""

    COMMANDS = (
        ("--help",),
        ("vendors",),
        ("vendors", "messagehub"),
        ("scenarios",),
        ("play", "story.yaml", "--vendor", "smartsupp", *DOWN),
        ("generate", "story.yaml", "--vendor", "smartsupp"),
    )

    @pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
    def test_none_elsewhere(self, vendorsim: Vendorsim, story: Path, arguments: tuple[str, ...]) -> None:
        ended = vendorsim(*arguments)
        assert ended.out
        assert ESCAPE not in ended.out + ended.err

    @pytest.mark.parametrize("arguments", [("vendors",), ("play", "story.yaml", "--vendor", "smartsupp", *DOWN)])
    @pytest.mark.parametrize("no_color", ["", "1"])
    def test_no_color_switches_them_off(
        self, process: Any, story: Path, arguments: tuple[str, ...], no_color: str
    ) -> None:
        screen, terminal = pty.openpty()
        environment = {"TERM": "xterm-256color", "NO_COLOR": no_color, "COLUMNS": "200"}
        with process(*arguments, stdout=terminal, environment=environment) as running:
            running.communicate()
            shown = b""
            while select.select([screen], [], [], 0)[0]:
                shown += os.read(screen, 65_536)
        os.close(terminal)
        os.close(screen)
        assert b"smartsupp" in shown
        assert (ESCAPE.encode() in shown) is (no_color == "")

    def test_lines_are_not_folded_where_there_is_no_terminal(
        self, vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "40")
        lines = vendorsim("vendors").out.splitlines()
        assert len(lines) == 1 + sum(len(vendor["profiles"]) for vendor in vendorsim("vendors", "--json").json)
