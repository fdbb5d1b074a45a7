"""The YAML reader: YAML 1.2 values, places, and files that are meant to hurt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendorsim.core.errors import DocumentError
from vendorsim.core.yaml_nodes import DEEPEST, LARGEST, Mapping, Problems, plain, read, read_file


def value(text: str) -> Any:
    """The plain value of a document without problems."""
    problems = Problems("t.yaml")
    root = read(text, problems)
    assert not problems.found
    assert root is not None
    return plain(root)


def problems_of(text: str) -> list[str]:
    problems = Problems("t.yaml")
    read(text, problems)
    return [f"{p.line}:{p.column}: {p.message}" for p in problems.found]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        # What YAML 1.1 would turn into flags, octal, base 60 and dates.
        ("no", "no"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1:30", "1:30"),
        ("190:20:30", "190:20:30"),
        ("1_000", "1_000"),
        ("2026-01-05", "2026-01-05"),
        ("2026-01-05T09:00:00Z", "2026-01-05T09:00:00Z"),
        ("=", "="),
        # The YAML 1.2 core schema.
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5E-2", -0.015),
        ("+7", 7),
        ("-0", 0),
        ("1.2.3", "1.2.3"),
        ("+1 555 0142", "+1 555 0142"),
        ("0o8", "0o8"),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("false", False),
        ("null", None),
        ("~", None),
        ("Null", None),
        ("nil", "nil"),
        ("", None),
        ("'012'", "012"),
        ('"true"', "true"),
        ("''", ""),
        ("! 5", "5"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!!float 5", 5),
        ("|\n  a\n  b\n", "a\nb\n"),
        (">-\n  a\n  b\n", "a b"),
    ],
)
def test_values_follow_the_core_schema_of_yaml_1_2(written: str, meant: Any) -> None:
    found = value(f"key: {written}")["key"]
    assert found == meant
    assert type(found) is type(meant)


def test_keys_are_always_text() -> None:
    assert value("1: a\nno: b\nnull: c\ntrue: d\n") == {"1": "a", "no": "b", "null": "c", "true": "d"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x [1, 2]\nb: *x\n", {"a": [1, 2], "b": [1, 2]}),
        ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
        ("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", {"a": {"p": 1, "q": 2}, "b": {"q": 3, "p": 1}}),
        (
            "a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}\n",
            {"a": {"p": 1}, "b": {"p": 2, "q": 2}, "c": {"p": 1, "q": 2}},
        ),
        ("&k key: v\nother: *k\n", {"key": "v", "other": "key"}),
        ("{a: 1, b: [x, {c: d}]}", {"a": 1, "b": ["x", {"c": "d"}]}),
        ('{"json": [1, "two", null]}', {"json": [1, "two", None]}),
        ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
    ],
)
def test_anchors_aliases_merges_and_flow_style(text: str, expected: Any) -> None:
    assert value(text) == expected


def test_every_node_knows_its_place() -> None:
    root = read("a:\n  - x\n  -  {b: ü, c: d}\n", Problems("t.yaml"))
    assert isinstance(root, Mapping)
    second = root.get("a").items[1]  # type: ignore[union-attr]
    assert (second.line, second.column) == (3, 6)
    assert [(key.text, key.line, key.column, item.column) for key, item in second.entries] == [
        ("b", 3, 7, 10),
        ("c", 3, 13, 16),
    ]


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_nesting_up_to_the_limit_is_fine_and_beyond_is_not() -> None:
    value(nested(DEEPEST))
    assert problems_of(nested(DEEPEST + 1)) == [f"1:{DEEPEST + 1}: nested deeper than 50 levels"]


def test_aliases_can_not_smuggle_depth_in() -> None:
    inside = nested(30)
    assert problems_of(f"a: &a {inside}\nb: {'[' * 25}*a{']' * 25}\n") == ["2:29: nested deeper than 50 levels"]


def test_a_thousand_nested_lists_are_refused_before_they_are_built() -> None:
    assert problems_of("[" * 500_000) == ["1:51: nested deeper than 50 levels"]


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (problem,) = problems_of("\n".join(lines))
    assert problem.endswith("stands for more than 200000 values once its aliases are followed")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xef\xbb\xbfa: 1\n", None),
        (b"a: 1\r\nb: 2\r\n", None),
        (b"a: \xff\n", "1:4: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"\xef\xbb\xbfa: 1\nb: x\xc3\xbcy\xc3\n", "2:7: byte 0xc3 is not UTF-8; save the file as UTF-8"),
        ("a: é".encode("latin-1"), "1:4: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ("a: 1".encode("utf-16"), "1:1: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"#" * LARGEST, None),
        (b"#" * (LARGEST + 1), "1:1: the file is larger than 1024 KiB"),
    ],
    ids=lambda value: None if value is None else repr(value)[:40],
)
def test_files_are_utf_8_and_at_most_one_mebibyte(tmp_path: Path, data: bytes, expected: str | None) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(data)
    if expected is None:
        assert isinstance(read_file(path), str)
        return
    with pytest.raises(DocumentError) as caught:
        read_file(path, "t.yaml")
    assert str(caught.value) == f"t.yaml:{expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: \x00", ["1:4: not valid YAML: control characters are not allowed"]),
        ("ü: ü\nb: \x07", ["2:4: not valid YAML: control characters are not allowed"]),
        ("a: \ud800", ["1:4: not valid YAML: half of a surrogate pair is not a character"]),
        ('a: "\\ud800"', ["1:7: not valid YAML: found invalid Unicode character escape code"]),
        ("a:\n  - b\n\tc", ["3:1: not valid YAML: a tab can't indent; use spaces"]),
        ("%YAML 2.0\n---\na: 1", ["1:1: not valid YAML: found incompatible YAML document"]),
    ],
)
def test_text_that_is_no_yaml_is_told_with_its_place(text: str, expected: list[str]) -> None:
    assert problems_of(text) == expected


@given(st.text() | st.text(alphabet="ab:-[]{}&*!<>|#'\"%?,~ \n\t01.", max_size=60))
def test_reading_any_text_gives_a_value_or_problems_and_never_raises(text: str) -> None:
    problems = Problems("t.yaml")
    root = read(text, problems)
    if root is not None:
        plain(root)
    assert all(p.line >= 1 and p.column >= 1 and p.message.isprintable() for p in problems.found)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**60), 2**60)
        | st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"])),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=4),
        max_leaves=20,
    )
)
def test_json_is_read_as_json(document: Any) -> None:
    assert value(json.dumps({"document": document}, ensure_ascii=False)) == {"document": document}
