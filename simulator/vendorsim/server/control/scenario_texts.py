"""Reads scenarios that requests send as text. They have tighter limits than scenario files."""

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

# Validation plays each step as every vendor: this many take a second or two.
MOST_STEPS = 2_000
# Characters that JSON allows unescaped, and that YAML reads as line breaks, ignores or refuses.
_TO_ESCAPE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def load(text: str, file: str) -> Scenario:
    """Loads a scenario; `file` is its name in error messages. Raises DocumentError, also above `MOST_STEPS` steps."""
    scenario = parse(text, file, registry.vocabulary()).scenario
    if scenario is not None and len(scenario.steps) > MOST_STEPS:
        step = scenario.steps[MOST_STEPS]
        message = f"a scenario that is sent to the server has at most {MOST_STEPS} steps"
        raise DocumentError([Problem(file, step.line, step.column, message)])
    return library.load_text(text, file)


def as_yaml(document: Any) -> str:
    """Writes a document as JSON that is also valid YAML. Escapes characters that YAML reads differently from JSON."""
    text = json.dumps(document, ensure_ascii=False)
    return _TO_ESCAPE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def pointers(text: str) -> dict[tuple[int, int], str]:
    """Maps the line and column of each key and value of a YAML text to its JSON pointer."""
    found: dict[tuple[int, int], str] = {}
    root = read(text, Problems(""))
    if root is not None:
        _add_pointers(root, "", found)
    return found


def _add_pointers(node: Node, pointer: str, found: dict[tuple[int, int], str]) -> None:
    found[node.line, node.column] = pointer
    if isinstance(node, Mapping):
        for key, value in node.entries:
            below = json_pointer.child(pointer, key.text)
            found[key.line, key.column] = below
            _add_pointers(value, below, found)
    elif isinstance(node, Sequence):
        for position, item in enumerate(node.items):
            _add_pointers(item, json_pointer.child(pointer, position), found)
