"""The traffic file: the scenarios, their weights, and how conversations arrive. Every problem has its position."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from vendorsim.core.errors import InputError
from vendorsim.core.shapes import Choice, Duration, Integer, Key, ListOf, Point, Record, published
from vendorsim.core.yaml_nodes import Mapping, Node, Problems, kind, read, read_file
from vendorsim.load.arrivals import Arrivals
from vendorsim.load.traffic_shapes import ArrivalProcess, FaultOption, Speed
from vendorsim.runs import library
from vendorsim.scenario.faults import Fault
from vendorsim.scenario.verbs import ANY_TEXT, TEXT
from vendorsim.vendorkit import registry

MOST_CONVERSATIONS = 100_000_000


class Part(Struct, frozen=True):
    """One scenario of the mix, played as one vendor."""

    scenario: str
    vendor: str
    profile: str | None = None
    weight: int = 1
    faults: tuple[Fault, ...] = ()


class Traffic(Struct, frozen=True):
    """The content of a traffic file. Times are in milliseconds. At least one of `conversations` and `duration` is set.

    `speed` is the playback speed of the pauses within a conversation; None means instant. `seed` and `starts` are None
    where each scenario's own applies. `places` are the YAML nodes of the scenarios, for problems that are found later.
    """

    title: str
    scenarios: tuple[Part, ...]
    arrivals: Arrivals
    conversations: int | None = None
    duration: int | None = None
    speed: float | None = None
    seed: int | None = None
    starts: int | None = None
    spacing: int = 1_000
    faults: tuple[Fault, ...] = ()
    file: str = ""
    places: tuple[Node, ...] = ()


_FAULTS = ListOf(FaultOption(), single=True)
_PART = Record(
    {
        "scenario": Key(TEXT, required=True, help="a file (relative to this one's folder), or a built-in scenario"),
        "vendor": Key(Choice("vendor", registry.names), required=True, help="the vendor that plays it"),
        "profile": Key(
            TEXT,
            help="the vendor's dialect, or an overlay's folder (relative to this file); default: its documented one",
        ),
        "weight": Key(Integer(1, 1_000_000), help="its share of the conversations, relative to the others; default 1"),
        "faults": Key(_FAULTS, help="how its deliveries misbehave, and how often, such as duplicate@0.1"),
    },
    "a scenario of the mix",
    Part,
)
ROOT = Record(
    {
        "traffic": Key(TEXT, required=True, help="the title"),
        "description": Key(ANY_TEXT, help="anything that helps a reader"),
        "scenarios": Key(ListOf(_PART), required=True, help="the scenarios of the mix"),
        "arrivals": Key(ArrivalProcess(), required=True, help="how conversations arrive"),
        "conversations": Key(Integer(1, MOST_CONVERSATIONS), help="how many arrive in total"),
        "duration": Key(Duration(), help="for how long they arrive"),
        "speed": Key(Speed(), help="playback speed of the pauses within a conversation; default instant"),
        "seed": Key(Integer(0, 2**63 - 1), help="seed of generated data, mix and arrivals; default: the scenarios'"),
        "starts": Key(Point(), help="when conversation 0 starts, in the bodies; default: the scenarios', or now"),
        "spacing": Key(Duration(), help="time between the starts of two conversations, in the bodies; default 1s"),
        "faults": Key(_FAULTS, help="faults of all scenarios"),
    },
    "a traffic file",
)


def load(path: str) -> Traffic:
    """Reads a traffic file. Raises DocumentError with all its problems."""
    return parse(read_file(Path(path)), path)


def parse(text: str, file: str) -> Traffic:
    """Parses a traffic file. Raises DocumentError with all its problems.

    `file` is its name in problems; paths of scenarios are relative to its folder.
    """
    problems = Problems(file)
    root = read(text, problems)
    if root is None and not problems.found:
        problems.add(Node(1, 1), "the file is empty; a traffic file needs 'traffic', 'scenarios' and 'arrivals'")
    elif root is not None and not isinstance(root, Mapping):
        problems.add(root, f"a traffic file is a mapping with 'traffic', 'scenarios' and 'arrivals', not {kind(root)}")
    problems.raise_if_any()
    assert isinstance(root, Mapping)
    values = ROOT.read_values(root, problems)
    if root.get("conversations") is None and root.get("duration") is None:
        problems.add(root, "a traffic file needs 'conversations' or 'duration': how many arrive, or for how long")
    elif values.get("duration") == 0:
        problems.add(root.get("duration") or root, "'duration' must be more than zero")
    nodes = getattr(root.get("scenarios"), "items", ())
    if not nodes and root.get("scenarios") is not None and "scenarios" in values:
        problems.add(root.get("scenarios") or root, "a traffic needs at least one scenario")
    parts = tuple(_resolved(part, file) for part in values.pop("scenarios", ()))
    _check_profiles(parts, nodes, problems)
    problems.raise_if_any()
    values.pop("description", None)
    return Traffic(values.pop("traffic"), parts, file=file, places=tuple(nodes), **values)


def _check_profiles(parts: Sequence[Part], nodes: Sequence[Node], problems: Problems) -> None:
    for part, node in zip(parts, nodes, strict=True) if parts else ():
        try:
            registry.get(part.vendor).profile(part.profile)
        except InputError as error:
            profile = node.get("profile") if isinstance(node, Mapping) else None
            problems.add(profile or node, str(error))


def _resolved(part: Part, file: str) -> Part:
    """Returns the part with the paths of its scenario and of its profile resolved, where they are paths."""
    folder = Path(file).parent
    is_path = part.scenario.endswith(library.ENDINGS) or "/" in part.scenario
    scenario = str(folder / part.scenario) if is_path else part.scenario
    profile = part.profile
    if profile is not None and "/" in profile:
        # A folder stays one, also beside the file.
        profile = f"{folder / profile}/"
    return replace(part, scenario=scenario, profile=profile)


def json_schema() -> dict[str, Any]:
    """The format as JSON Schema, for editors."""
    limits = {"anyOf": [{"required": ["conversations"]}, {"required": ["duration"]}]}
    return published(
        "traffic-1",
        "vendorsim traffic",
        "A mix of scenarios that vendorsim load sends, and how its conversations arrive",
        ROOT.schema() | limits,
    )
