"""`--fail-on`: which deviations fail a run."""

from __future__ import annotations

import pytest
from vendorsim.core.errors import InputError
from vendorsim.vendorkit.deviations import MEANINGS, DeviationClass, read_fail_on


@pytest.mark.parametrize(
    ("names", "fails", "shown"),
    [
        (["breaking"], [("types", True), ("unknown", True)], ["breaking"]),
        (["unknown", "order"], [("unknown", False), ("unknown", True), ("order", False)], ["unknown", "order"]),
        (["any"], [("types", True), ("order", False), ("delivery", False)], ["any"]),
        (["none"], [], ["none"]),
        ([], [], ["none"]),
    ],
)
def test_what_fails(names: list[str], fails: list[tuple[str, bool]], shown: list[str]) -> None:
    found = read_fail_on(names)
    assert found.names() == shown
    assert all(found.fails(DeviationClass(name), breaking=breaking) for name, breaking in fails)
    assert found.fails(DeviationClass.VALUES, breaking=False) is (names == ["any"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["unknwon"], "--fail-on: unknown class 'unknwon'; did you mean 'unknown'?; the classes are breaking, any"),
        (["none", "order"], "--fail-on: 'none' can't be combined with other classes; write it alone"),
    ],
)
def test_what_is_no_class(names: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_fail_on(names)
    assert str(caught.value).startswith(message)


def test_each_class_has_a_meaning() -> None:
    assert set(MEANINGS) == set(DeviationClass)
