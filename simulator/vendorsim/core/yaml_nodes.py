"""Parses YAML text into nodes with line and column.

Values follow the YAML 1.2 core schema, so `no` is text, `012` is twelve and `1:30` is text.
Duplicate keys, unknown tags, deep nesting and large files are reported as problems. Aliases and
merging with `<<` are supported.
"""

from __future__ import annotations

import math
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from collections.abc import Sequence as SequenceOf
from pathlib import Path
from typing import Any, BinaryIO

import yaml
from msgspec import Struct

from vendorsim.core.errors import DocumentError, Problem, UnreadableFileError

LARGEST = 1024 * 1024
DEEPEST = 50
# Aliases share nodes, so a small file can expand to a huge tree; this limits the expanded tree.
MOST_NODES = 200_000
LONGEST_MESSAGE = 1_000

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = {".nan", ".NaN", ".NAN"}
_TAG = "tag:yaml.org,2002:"
# A line with one word and nothing else, such as `- miss`.
_BARE_WORD = re.compile(r"(?P<indent> *)(- +)*(?P<word>[A-Za-z_]\w*) *( #.*)?")

# Clearer messages for the most common errors of the YAML parser.
_TAB = "a tab can't indent; use spaces"
_COLON = "mapping values are not allowed in this context"
_DASH = "did not find expected '-' indicator"
_PLAINER = {
    _COLON: "a ':' is not allowed here; a text with ': ' in it needs quotes",
    _DASH: "this line is indented unlike the list it stands in",
    "did not find expected key": "this line is indented unlike the mapping it stands in",
}


class Node(Struct, frozen=True):
    """A value and its position (both count from 1)."""

    line: int
    column: int


class Scalar(Node, frozen=True):
    """Text, number, flag or null; `text` is the value as it is written in the file."""

    value: str | int | float | bool | None
    text: str


class Sequence(Node, frozen=True):
    items: tuple[Node, ...]


class Mapping(Node, frozen=True):
    entries: tuple[tuple[Scalar, Node], ...]

    def get(self, key: str) -> Node | None:
        """The value under `key`, or None."""
        return next((value for name, value in self.entries if name.text == key), None)


class Problems:
    """Collects the problems of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Problem] = []

    def add(self, node: Node, message: str) -> None:
        """Adds a problem. The message may quote the file, so it is cut to one line of limited length."""
        line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in message[:LONGEST_MESSAGE])
        self.found.append(Problem(self.file, node.line, node.column, line))

    def raise_if_any(self) -> None:
        """Raises DocumentError if there are problems."""
        if self.found:
            # A node that several aliases refer to has the same problem each time.
            raise DocumentError(list(dict.fromkeys(self.found)))


def read_file(path: Path, shown_as: str | None = None) -> str:
    """The text of a YAML file. Raises UnreadableFileError, or DocumentError (too large, not UTF-8)."""
    name = shown_as or str(path)
    try:
        with path.open("rb") as stream:
            return read_stream(stream, name)
    except IsADirectoryError:
        message = "is a folder, not a file"
    except OSError as error:
        message = f"can't be read: {error.strerror or error}"
    except ValueError as error:
        message = f"is not a file name: {error}"
    raise UnreadableFileError(name, message)


def read_stream(stream: BinaryIO, name: str) -> str:
    """The text of an open YAML file; `name` is its name in messages. Raises DocumentError (too large, not UTF-8)."""
    data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise DocumentError([Problem(name, 1, 1, f"the file is larger than {LARGEST // 1024} KiB")])
    data = data.removeprefix(BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        position = _end(data[: error.start].decode())
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise DocumentError([Problem(name, position.line, position.column, message)]) from None


def read(text: str, problems: Problems) -> Node | None:
    """The root node of the only document in `text`, or None if `text` is empty or not valid YAML.

    Problems are added to `problems`. Where possible, parsing continues after a problem.
    """
    if len(text) > LARGEST:
        problems.add(Node(1, 1), f"the text is larger than {LARGEST // 1024} KiB")
        return None
    try:
        return _Composer(text, problems).document()
    except _Stop:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Node(mark.line + 1, mark.column + 1) if mark else Node(1, 1)
        at_tab = mark is not None and text[mark.index : mark.index + 1] == "\t"
        reason = error.problem or error.context or "the parser does not say why"
        word = _word_with_keys(text.split("\n"), mark.line) if mark and reason in (_COLON, _DASH) else None
        if word is not None:
            position, shown = word
            problems.add(
                position, f"not valid YAML: '{shown}' has keys below it, so it needs a colon: write '{shown}:'"
            )
        else:
            problems.add(position, f"not valid YAML: {_TAB if at_tab else _PLAINER.get(reason, reason)}")
    except yaml.reader.ReaderError as error:
        # The parsers report the position in bytes or in characters. The character is never allowed, so the first one
        # is meant.
        problems.add(_end(text[: text.find(chr(error.character))]), f"not valid YAML: {error.reason}")
    except UnicodeEncodeError as error:
        problems.add(_end(text[: error.start]), "not valid YAML: half of a surrogate pair is not a character")
    return None


def _word_with_keys(lines: SequenceOf[str], line: int) -> tuple[Node, str] | None:
    """Returns a single word without a colon that the key in this line (from 0) is indented below, and its position."""
    above = line - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    found = _BARE_WORD.fullmatch(lines[above]) if above >= 0 else None
    indent = len(lines[line]) - len(lines[line].lstrip())
    if found is None or indent <= len(found["indent"]):
        return None
    return Node(above + 1, found.start("word") + 1), found["word"]


def _end(text: str) -> Node:
    """The position directly after `text`."""
    return Node(text.count("\n") + 1, len(text) - text.rfind("\n"))


def plain(node: Node) -> Any:
    """The node as plain Python data (dict, list, str, int, float, bool, None)."""
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    assert isinstance(node, Scalar)
    return node.value


def kind(node: Node) -> str:
    """A description of the node, for messages."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    assert isinstance(node, Scalar)
    value = node.value
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the flag {node.text}"
    if isinstance(value, int | float):
        return f"the number {node.text}"
    shown = value if len(value) <= 40 else value[:37] + "..."
    return f"the text '{shown}'"


class _Stop(Exception):
    """Parsing can't continue; the problem has been added."""


class _Composer:
    """Builds nodes from parser events. Depth and size are checked before nodes are built."""

    def __init__(self, text: str, problems: Problems) -> None:
        # The C parser gives the same events about ten times faster; not every build has it.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=loader))
        self.problems = problems
        self.anchors: dict[str, Node] = {}
        self.sizes: dict[int, int] = {}
        self.depths: dict[int, int] = {}

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self.problems.add(_position(event), "a second document starts here; one file holds one document")
                    raise _Stop
                root = self.node(next(self.events), 1)
        return root

    def node(self, event: Any, depth: int) -> Node:
        position = _position(event)
        if depth > DEEPEST:
            self.stop(position, f"nested deeper than {DEEPEST} levels")
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, position, depth)
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event, position)
            self.remember(node, 1, 1)
        elif isinstance(event, yaml.SequenceStartEvent):
            self.check_tag(event, position, "seq")
            items = self.children(yaml.SequenceEndEvent, depth)
            node = Sequence(position.line, position.column, tuple(items))
            self.measure(node, items)
        else:
            self.check_tag(event, position, "map")
            children = self.children(yaml.MappingEndEvent, depth)
            node = self.mapping(position, children)
            self.measure(node, children)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def children(self, end: type, depth: int) -> list[Node]:
        found: list[Node] = []
        while not isinstance(event := next(self.events), end):
            found.append(self.node(event, depth + 1))
        return found

    def alias(self, event: Any, position: Node, depth: int) -> Node:
        target = self.anchors.get(event.anchor)
        if target is None:
            # An anchor is known only after its node is complete, so a node can't contain itself.
            self.stop(position, f"alias '*{event.anchor}' refers to no anchor before it")
        assert target is not None
        if depth - 1 + self.depths[id(target)] > DEEPEST:
            self.stop(position, f"nested deeper than {DEEPEST} levels")
        return target

    def measure(self, node: Node, children: list[Node]) -> None:
        size = 1 + sum(self.sizes[id(child)] for child in children)
        if size > MOST_NODES:
            self.stop(node, f"stands for more than {MOST_NODES} values once its aliases are followed")
        self.remember(node, size, 1 + max((self.depths[id(child)] for child in children), default=0))

    def remember(self, node: Node, size: int, depth: int) -> None:
        self.sizes[id(node)] = size
        self.depths[id(node)] = depth

    def mapping(self, position: Node, children: list[Node]) -> Mapping:
        entries: list[tuple[Scalar, Node]] = []
        merged: list[tuple[Scalar, Node]] = []
        seen: dict[str, Scalar] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.problems.add(key, f"a key must be text, not {kind(key)}")
            elif key.text == "<<":
                merged.extend(self.merge(value))
            elif key.text in seen:
                first = seen[key.text]
                self.problems.add(key, f"duplicate key '{key.text}'; the first one is in line {first.line}")
            else:
                seen[key.text] = key
                entries.append((key, value))
        for key, value in merged:
            if key.text not in seen:
                seen[key.text] = key
                entries.append((key, value))
        return Mapping(position.line, position.column, tuple(entries))

    def merge(self, value: Node) -> list[tuple[Scalar, Node]]:
        if isinstance(value, Mapping):
            return list(value.entries)
        if isinstance(value, Sequence) and all(isinstance(item, Mapping) for item in value.items):
            return [entry for item in value.items if isinstance(item, Mapping) for entry in item.entries]
        self.problems.add(value, f"'<<' merges a mapping or a list of mappings, not {kind(value)}")
        return []

    def scalar(self, event: Any, position: Node) -> Scalar:
        text: str = event.value
        tag: str | None = event.tag
        if tag is None:
            value = text if event.style else self.number(_core_value(text), position)
        elif tag in ("!", _TAG + "str"):
            value = text
        elif tag in {_TAG + name for name in ("int", "float", "bool", "null")}:
            value = self.number(_core_value(text), position)
            wanted = tag.removeprefix(_TAG)
            if _core_tag(value) != wanted and not (wanted == "float" and isinstance(value, int)):
                self.problems.add(position, f"'{text}' is not a value of type {wanted}")
        else:
            self.problems.add(position, f"tag '{tag}' is not supported; write the value without it")
            value = text
        return Scalar(position.line, position.column, value, text)

    def number(self, value: Any, position: Node) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            self.problems.add(position, "infinity and not-a-number can't be sent as JSON")
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
            self.problems.add(position, "the number is too large; write it in quotes to mean text")
        return value

    def check_tag(self, event: Any, position: Node, wanted: str) -> None:
        if event.tag not in (None, "!", _TAG + wanted):
            self.problems.add(position, f"tag '{event.tag}' is not supported; write the value without it")

    def stop(self, position: Node, message: str) -> None:
        self.problems.add(position, message)
        raise _Stop


def _position(event: Any) -> Node:
    return Node(event.start_mark.line + 1, event.start_mark.column + 1)


def _core_value(text: str) -> str | int | float | bool | None:
    """A plain scalar by the YAML 1.2 core schema."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if len(text) > 400:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEX.fullmatch(text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    return math.nan if text in _NAN else text


def _core_tag(value: Any) -> str:
    return {bool: "bool", int: "int", float: "float", type(None): "null"}.get(type(value), "str")
