"""The names that the installed vendors add to the scenario language. The language itself knows no vendor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from vendorsim.core.errors import unknown
from vendorsim.core.shapes import INVALID, Shape
from vendorsim.core.yaml_nodes import Node, Problems, Scalar

# The placeholder in a shape's JSON Schema that `with_names` replaces with the names.
NAMES = "x-names"


class Vocabulary(Struct, frozen=True):
    """`vendors` gives the names of the vendors, `answers` the names of the answers that `authenticate` can force, and
    `operations` those of the vendors' APIs, as `VENDOR.OPERATION`.

    They are functions, called only when a scenario needs them: the last two import the vendors.
    """

    vendors: Callable[[], Sequence[str]] = tuple
    answers: Callable[[], Sequence[str]] = tuple
    operations: Callable[[], Sequence[str]] = tuple

    def names(self, kind: str) -> Sequence[str]:
        """The names of a kind: `vendor`, `answer` or `operation`."""
        if kind == "operation":
            return self.operations()
        return self.vendors() if kind == "vendor" else self.answers()


class Reading(Problems):
    """The problems of one scenario, and the state of its parser: vocabulary, agents, and the messages so far."""

    def __init__(self, file: str, vocabulary: Vocabulary | None = None) -> None:
        super().__init__(file)
        self.vocabulary = vocabulary or Vocabulary()
        self.agents: tuple[str, ...] = ()
        self.message_count = 0
        self.message_names: dict[str, None] = {}


class VendorWord(Shape):
    """A name of the vocabulary; `kind` is `vendor` or `answer`."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.expected = f"a {kind}"

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar) or node.value is None:
            return self.mismatch(node, problems)
        assert isinstance(problems, Reading)
        names = problems.vocabulary.names(self.kind)
        if node.text not in names:
            problems.add(node, unknown(self.kind, node.text, names))
            return INVALID
        return node.text

    def expectation(self, problems: Problems) -> str:
        assert isinstance(problems, Reading)
        return f"a {self.kind} ({', '.join(problems.vocabulary.names(self.kind))})"

    def schema(self) -> dict[str, Any]:
        return {NAMES: self.kind}


def with_names(schema: Any, vocabulary: Vocabulary) -> Any:
    """A JSON Schema with the placeholders of `VendorWord` replaced by the names of the vocabulary."""
    if isinstance(schema, dict):
        if NAMES in schema:
            rest = {key: value for key, value in schema.items() if key != NAMES}
            return {"enum": list(vocabulary.names(schema[NAMES]))} | rest
        return {key: with_names(value, vocabulary) for key, value in schema.items()}
    return [with_names(item, vocabulary) for item in schema] if isinstance(schema, list) else schema
