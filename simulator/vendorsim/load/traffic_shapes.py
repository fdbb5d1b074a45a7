"""The shapes of values that only traffic files have: rates, speeds, faults and arrival processes."""

from __future__ import annotations

import re
from typing import Any

from vendorsim.core.shapes import INVALID, Choice, Duration, Flag, Key, Record, Shape
from vendorsim.core.yaml_nodes import Mapping, Node, Problems, Scalar
from vendorsim.load.arrivals import Arrivals, Ramp, Spikes, Steady
from vendorsim.scenario.faults import from_text

FASTEST = 1_000_000.0
INSTANT = "instant"
_UNITS = {"s": 1, "m": 60, "h": 3_600}


class RateShape(Shape):
    """A rate, read as a number per second."""

    expected = "a rate such as 50/s, 300/m or 0.5/s"
    pattern = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)/(s|m|h)"

    def read(self, node: Node, problems: Problems) -> Any:
        found = re.fullmatch(self.pattern, _text(node) or "")
        if found is None:
            return self.mismatch(node, problems)
        rate = float(found[1]) / _UNITS[found[2]]
        if rate > FASTEST:
            problems.add(node, f"a rate is at most {FASTEST:.0f}/s")
            return INVALID
        return rate

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self.pattern}$"}


class Speed(Shape):
    """`instant` (read as None), or a factor relative to the scenario's own pauses."""

    expected = "instant, or a factor such as 1x or 60x"
    pattern = r"([0-9]{1,6}(?:\.[0-9]{1,6})?)x"

    def read(self, node: Node, problems: Problems) -> Any:
        text = _text(node) or ""
        if text == INSTANT:
            return None
        found = re.fullmatch(self.pattern, text)
        if found is not None and float(found[1]) > 0:
            return float(found[1])
        return self.mismatch(node, problems)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^({INSTANT}|{self.pattern})$"}


class FaultOption(Shape):
    """A fault, written as on the command line."""

    expected = "a fault such as duplicate@0.1 or delay=30s@0.05"

    def read(self, node: Node, problems: Problems) -> Any:
        text = _text(node)
        if text is None:
            return self.mismatch(node, problems)
        try:
            return from_text(text, None)
        except ValueError as error:
            problems.add(node, str(error))
            return INVALID

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


_RANDOM = Key(Flag(), help="independent of each other instead of evenly spaced; default false")
_RATE = Key(RateShape(), required=True)
PROCESSES: dict[str, Record] = {
    "constant": Record({"rate": _RATE}, "'arrivals'", Steady),
    "poisson": Record({"rate": _RATE}, "'arrivals'", Steady),
    "ramp": Record(
        {"from": _RATE, "to": _RATE, "over": Key(Duration(), required=True), "random": _RANDOM}, "'arrivals'"
    ),
    "spikes": Record(
        {
            "rate": _RATE,
            "peak": _RATE,
            "every": Key(Duration(), required=True),
            "lasting": Key(Duration(), required=True),
            "random": _RANDOM,
        },
        "'arrivals'",
    ),
}


class ArrivalProcess(Shape):
    """The arrival process. `process` decides which other keys it has."""

    expected = (
        f"a mapping with process ({', '.join(PROCESSES)}) and its rates, such as {{process: poisson, rate: 50/s}}"
    )

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Mapping):
            return self.mismatch(node, problems)
        process = node.get("process")
        if process is None:
            problems.add(node, f"'arrivals' needs 'process': {', '.join(PROCESSES)}")
            return INVALID
        name = Choice("process", lambda: tuple(PROCESSES)).read(process, problems)
        if name is INVALID:
            return INVALID
        record = PROCESSES[name]
        others = tuple((key, item) for key, item in node.entries if key.text != "process")
        values = record.read(Mapping(node.line, node.column, others), problems)
        if values is INVALID:
            return INVALID
        return self._build(name, values, node, problems)

    def _build(self, name: str, values: Any, node: Node, problems: Problems) -> Any:
        if isinstance(values, Steady):
            if not _positive(node, problems, rate=values.rate):
                return INVALID
            return Arrivals(name, values, name == "poisson")
        random = values.pop("random", False)
        if name == "ramp":
            if not _positive(node, problems, to=values["to"], over=values["over"]):
                return INVALID
            return Arrivals(name, Ramp(values["from"], values["to"], values["over"] / 1000), random)
        if not _positive(node, problems, peak=values["peak"], lasting=values["lasting"]):
            return INVALID
        if values["lasting"] >= values["every"]:
            problems.add(node, "'lasting' must be shorter than 'every': there is calm between two spikes")
            return INVALID
        every, lasting = values["every"] / 1000, values["lasting"] / 1000
        return Arrivals(name, Spikes(values["rate"], values["peak"], every, lasting), random)

    def schema(self) -> dict[str, Any]:
        variants = []
        for name, record in PROCESSES.items():
            variant = record.schema()
            variant["properties"] = {"process": {"const": name}} | variant["properties"]
            variants.append(variant | {"required": ["process", *variant["required"]]})
        return {"oneOf": variants}


def _positive(node: Node, problems: Problems, **values: float) -> bool:
    """Returns whether all values are positive. Adds a problem for the first other one: nothing would ever arrive."""
    for key, value in values.items():
        if value <= 0:
            assert isinstance(node, Mapping)
            problems.add(node.get(key) or node, f"'{key}' must be more than zero")
            return False
    return True


def _text(node: Node) -> str | None:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None
