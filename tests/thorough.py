"""Cases of which `make test` runs a few, and `make slow` or `make thorough` the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from _pytest.mark import ParameterSet


def few_of(
    cases: Iterable[Any], few: int, ids: Iterable[str] = (), *, others: pytest.MarkDecorator = pytest.mark.thorough
) -> Sequence[ParameterSet]:
    """The cases as parameters; those after the first `few` have the mark `others`. A case is a value, a tuple of values
    or a `pytest.param`; `ids` are their names."""
    names = list(ids)
    found = []
    for number, case in enumerate(cases):
        known = (
            case if isinstance(case, ParameterSet) else pytest.param(*(case if isinstance(case, tuple) else (case,)))
        )
        marks = [*known.marks, *([] if number < few else [others])]
        found.append(pytest.param(*known.values, marks=marks, id=names[number] if names else known.id))
    return found
