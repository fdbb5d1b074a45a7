"""`vendorsim pack`: what it writes, what it refuses, and every problem that it finds in a pack."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from command_line import Completed, Vendorsim
from vendorsim.vendorkit import registry

PACKAGE = "src/vendorsim_acme_chat"
CONTRACT = f"{PACKAGE}/contracts/documented"
SCENARIO = f"{PACKAGE}/scenarios/acme-chat-first-message.yaml"
FILES = {
    "pyproject.toml",
    "README.md",
    f"{PACKAGE}/__init__.py",
    f"{PACKAGE}/py.typed",
    f"{PACKAGE}/vendor.py",
    f"{PACKAGE}/reactions.py",
    f"{PACKAGE}/bodies.py",
    f"{PACKAGE}/docs.md",
    f"{CONTRACT}/message_created.schema.json",
    f"{CONTRACT}/examples/message_created.json",
    SCENARIO,
    "tests/test_vendor.py",
}


TOOLS = [
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    # What mypy knows of vendorsim already need not be found out again.
    ("mypy", "--cache-dir", str(Path(__file__).parents[2] / ".mypy_cache")),
    ("pytest", "-q"),
]


@pytest.fixture
def pack(vendorsim: Vendorsim, tmp_path: Path) -> Path:
    """A new pack."""
    done = vendorsim("pack", "new", "acme-chat", "--python", tmp_path / "pack")
    assert done.code == 0, done.err
    return tmp_path / "pack"


@pytest.fixture
def lint(vendorsim: Vendorsim, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Completed]]:
    """`vendorsim pack lint`; the pack is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield partial(vendorsim, "pack", "lint")
    registry.forget_folders()
    for name in [name for name in sys.modules if name.partition(".")[0] == "vendorsim_acme_chat"]:
        del sys.modules[name]


def test_new_writes_a_package(pack: Path) -> None:
    assert {str(path.relative_to(pack)) for path in pack.rglob("*") if path.is_file()} == FILES
    assert not [path for path in pack.rglob("*") if path.is_file() and "{{" in path.read_text("utf-8")]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: " ".join(tool[:2]))
def test_what_new_writes_passes_its_tools(tool: tuple[str, ...], pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDORSIM_PACKS", str(pack))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "vendorsim.pytest_plugin")
    done = subprocess.run([sys.executable, "-m", *tool], cwd=pack, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["acme"], "Packs are Python packages, the only kind so far: add --python."),
        (["Acme", "--python"], "'Acme' is not a name for a vendor; write lower-case letters, digits and single dashes"),
        (["acme--chat", "--python"], "is not a name for a vendor"),
        (["../acme", "--python"], "is not a name for a vendor"),
        (["a" * 41, "--python"], "40 characters at most"),
        (["userlike", "--python"], "there is a vendor 'userlike' already (vendorsim "),
        (["acme", "--python", "full"], "full: is there already and not empty; name another folder"),
        (["acme", "--python", "full/file"], "full/file: is there already and not empty; name another folder"),
        (["acme", "--python", "full/file/below"], "full/file/below: can't be written: "),
    ],
)
def test_new_refuses(
    words: list[str], message: str, vendorsim: Vendorsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    done = vendorsim("pack", "new", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["full", "full/file"]


def test_lint_has_nothing_to_say_of_a_new_pack(pack: Path, lint: Callable[..., Completed]) -> None:
    done = lint(pack)
    assert (done.code, done.out) == (0, f"{pack}: no problems: acme-chat: 1 profile, 1 event, 1 scenario\n")
    assert lint(pack, "--json").json == {"vendor": "acme-chat", "valid": True, "problems": []}


Change = Callable[[str], str]


def without(part: str) -> Change:
    return lambda text: text.replace(part, "")


def instead(old: str, new: str) -> Change:
    return lambda text: text.replace(old, new)


PROBLEMS: dict[str, tuple[str, Change | None, list[str]]] = {
    "no project": ("pyproject.toml", None, ["has no pyproject.toml; name the folder of a pack"]),
    "project is no TOML": ("pyproject.toml", lambda text: "[project", ["pyproject.toml: can't be read: "]),
    "no entry point": (
        "pyproject.toml",
        without('[project.entry-points."vendorsim.vendors"]'),
        ['no entry point in the group vendorsim.vendors; write [project.entry-points."vendorsim.vendors"]'],
    ),
    "another module": (
        "pyproject.toml",
        instead('"vendorsim_acme_chat:VENDOR"', '"vendorsim_acme:VENDOR"'),
        ["names the module 'vendorsim_acme', which is neither in"],
    ),
    "another object": (
        "pyproject.toml",
        instead("vendorsim_acme_chat:VENDOR", "vendorsim_acme_chat.vendor:EVENTS"),
        ["vendorsim-acme-chat", "names an object of type tuple; let it name a vendorsim.vendorkit.Vendor"],
    ),
    "no such object": (
        "pyproject.toml",
        instead("vendorsim_acme_chat:VENDOR", "vendorsim_acme_chat:VENDER"),
        ["can't be loaded: AttributeError: module 'vendorsim_acme_chat' has no attribute 'VENDER'", "mend the pack"],
    ),
    "another name": (
        f"{PACKAGE}/vendor.py",
        instead('name="acme-chat"', 'name="acme"'),
        ["names the vendor 'acme'; call both the same"],
    ),
    "import error": (
        f"{PACKAGE}/bodies.py",
        instead("from typing", "import acme_missing\nfrom typing"),
        ["can't be loaded: ModuleNotFoundError: No module named 'acme_missing'", "bodies.py:5"],
    ),
    "syntax error": (f"{PACKAGE}/bodies.py", lambda text: "def\n", ["SyntaxError: invalid syntax", "bodies.py:1"]),
    "no contracts": (
        f"{PACKAGE}/vendor.py",
        without('    documents=HERE / "contracts",\n'),
        ["Vendor.documents is not set; give the folder of the contracts"],
    ),
    "no schema": (
        f"{CONTRACT}/message_created.schema.json",
        None,
        ["the event message_created has no schema; write message_created.schema.json"],
    ),
    "schema is no JSON": (
        f"{CONTRACT}/message_created.schema.json",
        lambda text: "{\n  oops",
        ["message_created.schema.json:2:3: is not JSON: "],
    ),
    "invalid schema": (
        f"{CONTRACT}/message_created.schema.json",
        instead('"integer"', '"whole"'),
        ["schema.json#/properties/conversation_id/type: is not valid JSON Schema: "],
    ),
    "no provenance": (
        f"{CONTRACT}/message_created.schema.json",
        instead('"x-provenance": "assumed"', '"x-provenance": "hearsay"'),
        [
            "schema.json#/properties/event: does not say where it is known from; add x-provenance (documented, ",
            "schema.json#/properties/message/properties/at: does not say",
        ],
    ),
    "reference to nothing": (
        f"{CONTRACT}/message_created.schema.json",
        instead('"type": "integer"', '"$ref": "objects.schema.json#/$defs/x"'),
        ["message_created.schema.json: refers to objects.schema.json#/$defs/x, which is not there"],
    ),
    "no example": (
        f"{CONTRACT}/examples/message_created.json",
        None,
        ["the event message_created has no example; write examples/message_created.json"],
    ),
    "wrong example": (
        f"{CONTRACT}/examples/message_created.json",
        instead("4711", '"4711"'),
        ['message_created.json#/body/conversation_id: breaks the schema of message_created: "4711" is not of type'],
    ),
    "example of nothing": (
        f"{CONTRACT}/examples/message_created.json",
        instead('"event": "message_created"', '"event": "message_creatd"'),
        ["unknown event 'message_creatd'; did you mean 'message_created'?"],
    ),
    "wrong body": (
        f"{PACKAGE}/bodies.py",
        instead('"text": message.text', '"text": 7'),
        ["the body of message_created breaks its contract at '/message/text'", "mend the body or"],
    ),
    "broken reaction": (
        f"{PACKAGE}/reactions.py",
        instead("change.message.by_visitor", "change.mesage"),
        ["can't be played: AttributeError", "mend the vendor's code"],
    ),
    "wrong scenario": (
        SCENARIO,
        instead("- say: Hello", "- sya: Hello"),
        [":4:5: unknown verb 'sya'; did you mean 'say'?"],
    ),
    "taken name": (
        SCENARIO.replace("acme-chat-first-message", "missed-chat"),
        lambda text: "scenario: A\nvendors: [acme-chat]\nsteps:\n  - say: Hi\n",
        ["vendorsim brings a scenario 'missed-chat'; give it another name"],
    ),
    "no scenario": (SCENARIO, None, ["no scenario leads to the event message_created of the profile documented"]),
}


@pytest.mark.parametrize(("file", "change", "messages"), PROBLEMS.values(), ids=PROBLEMS)
def test_lint_names_the_problem(
    file: str, change: Change | None, messages: list[str], pack: Path, lint: Callable[..., Completed]
) -> None:
    path = pack / file
    if change is None:
        path.unlink()
    else:
        path.write_text(change(path.read_text("utf-8") if path.exists() else ""), encoding="utf-8")
    done = lint(pack)
    assert (done.code, done.err) == (2, "")
    for message in messages:
        assert message in done.out
