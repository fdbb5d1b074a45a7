"""Scenarios that come as text with a request: read with tighter limits than files of one's own."""

from __future__ import annotations

import json
import re
from typing import Any

from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import DocumentError, Problem
from vendorsim.core.yaml_nodes import Mapping, Node, Problems, Sequence, read
from vendorsim.runs import library
from vendorsim.scenario.model import Scenario
from vendorsim.scenario.parse import parse
from vendorsim.vendorkit import registry

# Each step is rehearsed as every vendor: so many take a second or two.
MOST_STEPS = 2_000
# What JSON takes raw, and YAML takes for a line break, for nothing, or not at all.
_RAW = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def load(text: str, file: str) -> Scenario:
    """The scenario; `file` is what problems call it. Raises DocumentError, also for more than `MOST_STEPS` steps."""
    scenario = parse(text, file, registry.vocabulary()).scenario
    if scenario is not None and len(scenario.steps) > MOST_STEPS:
        step = scenario.steps[MOST_STEPS]
        message = f"a scenario that is sent to the server has at most {MOST_STEPS} steps"
        raise DocumentError([Problem(file, step.line, step.column, message)])
    return library.load_text(text, file)


def as_yaml(document: Any) -> str:
    """A document as YAML: JSON, with what the two see differently (YAML has no surrogate pairs) written for YAML."""
    text = json.dumps(document, ensure_ascii=False)
    return _RAW.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def places(text: str) -> dict[tuple[int, int], str]:
    """Where each key and value of a YAML text stands (line and column) → its JSON pointer."""
    found: dict[tuple[int, int], str] = {}
    root = read(text, Problems(""))
    if root is not None:
        _note(root, "", found)
    return found


def _note(node: Node, pointer: str, found: dict[tuple[int, int], str]) -> None:
    found[node.line, node.column] = pointer
    if isinstance(node, Mapping):
        for key, value in node.entries:
            below = json_pointer.child(pointer, key.text)
            found[key.line, key.column] = below
            _note(value, below, found)
    elif isinstance(node, Sequence):
        for position, item in enumerate(node.items):
            _note(item, json_pointer.child(pointer, position), found)
