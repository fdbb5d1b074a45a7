"""`vendorsim lint`: all problems of all files, as file:line:column: message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import Vendorsim
from vendorsim.runs import library

SOUND = "scenario: A sound one\nvendors: [smartsupp]\nsteps:\n  - say: hi\n  - close\n"
WRONG = "scenario: T\nvendors: [smartsup]\nsteps:\n  - sya: hi\n  - close\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sound.yaml").write_text(SOUND)
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    (tmp_path / "latin.yaml").write_bytes("scenario: é\n".encode("latin-1"))
    (tmp_path / "large.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "pinned").write_text(SOUND)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_a_sound_file_is_confirmed_on_standard_error(vendorsim: Vendorsim) -> None:
    done = vendorsim("lint", "sound.yaml")
    assert (done.code, done.out) == (0, "")
    assert done.err == "sound.yaml: no problems: A sound one (smartsupp; 2 steps)\n"


@pytest.mark.usefixtures("here")
def test_traffic_files_are_checked_with_the_scenarios_that_they_name(vendorsim: Vendorsim, here: Path) -> None:
    traffic = "traffic: Rush\narrivals: {process: constant, rate: 1/s}\nduration: 5s\nscenarios:\n"
    (here / "traffic.yaml").write_text(f"{traffic}  - {{scenario: sound.yaml, vendor: smartsupp}}\n")
    (here / "bad.yaml").write_text(
        f"{traffic}  - {{scenario: wrong.yaml, vendor: smartsupp}}\n  - {{scenario: gone.yaml, vendor: smartsupp}}\n"
    )
    done = vendorsim("lint", "traffic.yaml")
    assert (done.code, done.out) == (0, "")
    assert done.err == "traffic.yaml: no problems: Rush (smartsupp; 1 scenario)\n"
    done = vendorsim("lint", "bad.yaml", "--json")
    (report,) = done.json["files"]
    assert (done.code, report["valid"]) == (2, False)
    done = vendorsim("lint", "bad.yaml")
    assert done.out == (
        "bad.yaml:6:16: the scenario gone.yaml can't be read: No such file or directory\n"
        "wrong.yaml:2:11: unknown vendor 'smartsup'; did you mean 'smartsupp'?\n"
        "wrong.yaml:4:5: unknown verb 'sya'; did you mean 'say'?\n"
    )


@pytest.mark.usefixtures("here")
def test_problems_are_on_standard_output(vendorsim: Vendorsim) -> None:
    done = vendorsim("lint", "wrong.yaml")
    assert (done.code, done.err) == (2, "")
    assert done.out == (
        "wrong.yaml:2:11: unknown vendor 'smartsup'; did you mean 'smartsupp'?\n"
        "wrong.yaml:4:5: unknown verb 'sya'; did you mean 'say'?\n"
    )


LONG = "a" * 5_000


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("missing.yaml", "missing.yaml:1:1: can't be read: No such file or directory\n"),
        ("folder.yaml", "folder.yaml:1:1: is a folder, not a file\n"),
        ("empty.yaml", "empty.yaml:1:1: the file is empty; a scenario needs 'scenario' and 'steps'\n"),
        ("binary.yaml", "binary.yaml:2:118: byte 0x80 is not UTF-8; save the file as UTF-8\n"),
        ("latin.yaml", "latin.yaml:1:11: byte 0xe9 is not UTF-8; save the file as UTF-8\n"),
        ("large.yaml", "large.yaml:1:1: the file is larger than 1024 KiB\n"),
        (
            "returning-custmer",
            "returning-custmer:1:1: unknown scenario 'returning-custmer'; did you mean 'returning-customer'?\n",
        ),
        ("no/such/folder/x", "no/such/folder/x:1:1: can't be read: No such file or directory\n"),
        (f"{LONG}.yaml", f"{LONG}.yaml:1:1: can't be read: File name too long\n"),
        ("a\0b.yaml", "a\0b.yaml:1:1: is not a file name: embedded null byte\n"),
        ("\udcff.yaml", "\ufffd.yaml:1:1: can't be read: No such file or directory\n"),
    ],
    ids=lambda value: repr(value)[:30],
)
@pytest.mark.usefixtures("here")
def test_a_file_that_can_not_be_read_stops_nobody(vendorsim: Vendorsim, name: str, expected: str) -> None:
    done = vendorsim("lint", name, "sound.yaml")
    assert done.code == 2
    assert done.out == expected
    assert done.err == "sound.yaml: no problems: A sound one (smartsupp; 2 steps)\n"


@pytest.mark.usefixtures("here")
def test_a_file_that_nobody_may_read(vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def refuse(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.name == "sound.yaml":
            raise PermissionError(13, "Permission denied")
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    assert vendorsim("lint", "sound.yaml").out == "sound.yaml:1:1: can't be read: Permission denied\n"


@pytest.mark.usefixtures("here")
def test_standard_input(vendorsim: Vendorsim) -> None:
    assert vendorsim("lint", "-", input=SOUND.encode()).code == 0
    done = vendorsim("lint", "-", input=WRONG.encode())
    assert done.code == 2
    assert done.out.startswith("<stdin>:2:11: unknown vendor")
    assert vendorsim("lint", "-").out.startswith("<stdin>:1:1: the file is empty")
    assert vendorsim("lint", "-", input=b"\xff").out.startswith("<stdin>:1:1: byte 0xff")


@pytest.mark.usefixtures("here")
def test_a_built_in_scenario_by_name_and_a_file_without_an_ending(vendorsim: Vendorsim) -> None:
    done = vendorsim("lint", "returning-customer", "pinned")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(f"{library.built_in()['returning-customer']}: no problems: ")


def test_a_file_of_a_built_in_name_wins(vendorsim: Vendorsim, here: Path) -> None:
    (here / "missed-chat").write_text(SOUND)
    assert vendorsim("lint", "missed-chat").err.startswith("missed-chat: no problems: A sound one")


@pytest.mark.usefixtures("here")
def test_json(vendorsim: Vendorsim) -> None:
    done = vendorsim("lint", "sound.yaml", "wrong.yaml", "missing.yaml", "--json")
    assert (done.code, done.err) == (2, "")
    assert done.json == {
        "files": [
            {
                "file": "sound.yaml",
                "valid": True,
                "title": "A sound one",
                "vendors": ["smartsupp"],
                "steps": 2,
                "problems": [],
            },
            {
                "file": "wrong.yaml",
                "valid": False,
                "problems": [
                    {"line": 2, "column": 11, "message": "unknown vendor 'smartsup'; did you mean 'smartsupp'?"},
                    {"line": 4, "column": 5, "message": "unknown verb 'sya'; did you mean 'say'?"},
                ],
            },
            {
                "file": "missing.yaml",
                "valid": False,
                "problems": [{"line": 1, "column": 1, "message": "can't be read: No such file or directory"}],
            },
        ]
    }
    assert vendorsim("lint", "sound.yaml", "--json").code == 0


UNLIKELY = """\
scenario: An unlikely one
vendors: [userlike, smartsupp]
cast: {agents: {ana: {}, ben: {}}}
steps:
"""
EARLY = "5:5: warning: 'survey' before the end; visitors answer it after the conversation has been closed"
NOT_AWAY = "warning: 'ana' comes back without having been away; write 'goes: away' before"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["survey: Good", "close: ana"], [EARLY]),
        (["close: ana", "survey: Good"], []),
        (["miss", "survey: Good"], []),
        (["close: ana", "say: One more thing", "survey: Good"], [EARLY.replace("5:5", "7:5")]),
        (["operator: {who: ana, goes: back}"], [f"5:5: {NOT_AWAY}"]),
        (["operator: {who: ana, goes: away}", "operator: {who: ana, goes: back}"], []),
        (["operator: {who: ben, goes: away}", "operator: {who: ana, goes: back}"], [f"6:5: {NOT_AWAY}"]),
        (["{close: ana, only: [smartsupp]}", "survey: Good"], [EARLY.replace("5:5", "6:5")]),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_hardly_happens_is_a_warning(vendorsim: Vendorsim, steps: list[str], expected: list[str]) -> None:
    told = [*steps, "close: ben"]
    text = UNLIKELY + "".join(f"  - {step}\n" for step in told)
    done = vendorsim("lint", "-", input=text.encode())
    assert done.code == 0
    assert done.out.splitlines() == [f"<stdin>:{line}" for line in expected]
    found = "1 warning" if expected else "no problems"
    assert done.err == f"<stdin>: {found}: An unlikely one (userlike, smartsupp; {len(told)} steps)\n"
    (file,) = vendorsim("lint", "-", "--json", input=text.encode()).json["files"]
    assert [
        f"{item['line']}:{item['column']}: warning: {item['message']}" for item in file.get("warnings", [])
    ] == expected


def test_without_a_file(vendorsim: Vendorsim) -> None:
    done = vendorsim("lint")
    assert done.code == 2
    assert "Missing argument 'FILE...'" in done.err


def test_help_has_an_example(vendorsim: Vendorsim) -> None:
    assert "vendorsim lint my-chat.yaml" in vendorsim("lint", "--help").out


@pytest.mark.parametrize("command", ["generate", "play"])
@pytest.mark.usefixtures("here")
def test_other_commands_tell_the_same_problems_on_standard_error(vendorsim: Vendorsim, command: str) -> None:
    target = ["--to", "http://127.0.0.1:9/"] if command == "play" else []
    done = vendorsim(command, "wrong.yaml", "--vendor", "smartsupp", *target)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == "wrong.yaml:2:11: unknown vendor 'smartsup'; did you mean 'smartsupp'?"
