"""What a tool is: a name, arguments that are read like a YAML document, and a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from vendorsim.agents.workplace import Workplace
from vendorsim.core.errors import InputError
from vendorsim.core.shapes import INVALID, Key, Record
from vendorsim.core.yaml_nodes import Problems, read
from vendorsim.server.control import scenario_texts

Run = Callable[[Workplace, Mapping[str, Any]], dict[str, Any]]


class Tool(Struct, frozen=True):
    """One tool. `run` gets the arguments that are present, and returns a JSON document; it raises VendorsimError.

    With `sends` it sends requests to the integration; without, it only reads.
    """

    name: str
    title: str
    description: str
    keys: Mapping[str, Key]
    run: Run
    sends: bool = False

    @property
    def _record(self) -> Record:
        return Record(self.keys, self.name)

    def input_schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        return self._record.schema()

    def read(self, arguments: Mapping[str, Any] | None) -> dict[str, Any]:
        """Reads the arguments of a call; null is the same as an argument that is left out.

        Raises InputError, each problem with the JSON pointer of its place.
        """
        given = {name: value for name, value in (arguments or {}).items() if value is not None}
        text = scenario_texts.as_yaml(given)
        problems = Problems(self.name)
        root = read(text, problems)
        values = INVALID if root is None else self._record.read(root, problems)
        if problems.found:
            places = scenario_texts.pointers(text)
            raise InputError(
                "\n".join(
                    f"{places.get((problem.line, problem.column)) or 'the arguments'}: {problem.message}"
                    for problem in sorted(problems.found)
                )
            )
        assert isinstance(values, dict)
        return values
