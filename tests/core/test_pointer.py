"""JSON pointers, by the examples of RFC 6901 and by properties that hold for all of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from vendorsim.core import pointer

# RFC 6901, section 5.
DOCUMENT = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}
EXAMPLES = {
    "": DOCUMENT,
    "/foo": ["bar", "baz"],
    "/foo/0": "bar",
    "/": 0,
    "/a~1b": 1,
    "/c%d": 2,
    "/e^f": 3,
    "/g|h": 4,
    "/i\\j": 5,
    '/k"l': 6,
    "/ ": 7,
    "/m~0n": 8,
}

keys = some.text(some.sampled_from("~/01aé "), max_size=6)
documents = some.recursive(
    some.none() | some.integers(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_of_the_standard(text: str) -> None:
    assert pointer.resolve(DOCUMENT, text) == EXAMPLES[text]


@given(some.lists(keys))
def test_parse_undoes_join(path: list[str]) -> None:
    assert pointer.parse(pointer.join(path)) == tuple(path)


@given(some.lists(keys, min_size=1))
def test_child_adds_one_part_to_a_pointer(path: list[str]) -> None:
    assert pointer.child(pointer.join(path[:-1]), path[-1]) == pointer.join(path)


@given(some.lists(keys), some.lists(keys))
def test_different_places_have_different_pointers(one: list[str], other: list[str]) -> None:
    assert (pointer.join(one) == pointer.join(other)) == (one == other)


@given(documents)
def test_resolve_finds_every_place_of_a_document(document: Any) -> None:
    for path, value in places(document, ()):
        assert pointer.resolve(document, pointer.join(path)) is value


def places(value: Any, path: pointer.Path) -> Any:
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@pytest.mark.parametrize(
    "text",
    ["/bar", "/foo/2", "/foo/-1", "/foo/01", "/foo/-", "/foo/ 1", "/foo/1_0", "/foo/\u0661", "/a~1b/c", "/foo/0/0"],
)
def test_a_place_that_is_not_there(text: str) -> None:
    with pytest.raises(LookupError):
        pointer.resolve(DOCUMENT, text)


def test_a_tilde_that_begins_no_escape_stands_for_itself() -> None:
    assert pointer.parse("/a~b/~") == ("a~b", "~")


@pytest.mark.parametrize("text", ["foo", "foo/0", "#/foo", " /foo"])
def test_text_that_is_no_pointer(text: str) -> None:
    with pytest.raises(ValueError, match="begin with a slash"):
        pointer.parse(text)
