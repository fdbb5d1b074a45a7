"""The language of expected calls: which call, with what, how often; and how a sink answers.

A call is named `VENDOR.OPERATION`, `sink.NAME`, or by its method and path. The words of this module are used by the
scenario step `expect_call`, by the assertions of `vendorsim.testing`, and by the settings of sinks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from vendorsim.core.errors import unknown
from vendorsim.core.shapes import (
    INVALID,
    Choice,
    Duration,
    Flag,
    Integer,
    Json,
    Key,
    ListOf,
    MapOf,
    Pattern,
    Record,
    Shape,
    Text,
    as_text,
)
from vendorsim.core.yaml_nodes import Mapping as MappingNode
from vendorsim.core.yaml_nodes import Node, Problems, Scalar, kind, plain
from vendorsim.scenario.vocabulary import NAMES, Reading

SINK = "sink"
"""Stands in the place of a vendor's name in the calls of sinks."""
THIS = "this"
# What `this` names: the conversation's id, and with `this.visitor.email` and the like a datum of the visitor.
_STORY = re.compile(r"this(\.[\w.]+)?", re.ASCII)
VISITOR_DATA = ("id", "name", "email", "phone", "identifier")
_STORY_WORDS = (THIS, *(f"this.visitor.{name}" for name in VISITOR_DATA))
_SINK_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_METHOD = re.compile(r"[A-Z]{3,20}")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
POINTER = Pattern(r"(/([^~/]|~[01])*)+", "a JSON pointer such as /message/text")

LARGEST_ANSWER = 64 * 1024
MOST_ANSWERS = 100
# A latency above a minute only blocks a thread of the server: clients give up before.
LONGEST_LATENCY = 60_000


class CallName(Struct, frozen=True):
    """Which call: `vendor` and `operation`, or `method` and `path`. `text` is how it was written.

    A segment `{…}` of the path stands for any one segment, `{this}` for the conversation's id.
    """

    text: str
    vendor: str | None = None
    operation: str | None = None
    method: str | None = None
    path: str | None = None


class FromStory(Struct, frozen=True):
    """A value that the story gives: `this`, the conversation's id, or `this.visitor.email`, a datum of its visitor."""

    word: str


class Times(Struct, frozen=True):
    """How often: at least `least` and at most `most` times (None: any number)."""

    least: int = 1
    most: int | None = None

    def __str__(self) -> str:
        if self.most == 0:
            return "never"
        if self.least == self.most:
            return "once" if self.least == 1 else f"{self.least} times"
        if self.most is None:
            return "at least once" if self.least == 1 else f"at least {self.least} times"
        most = "at most once" if self.most == 1 else f"at most {self.most} times"
        return most if not self.least else f"{self.least} to {self.most} times"


AT_LEAST_ONCE, ONCE, NEVER = Times(), Times(1, 1), Times(0, 0)
TIMES_WORDS = {"once": ONCE, "never": NEVER}


class Statuses(Struct, frozen=True):
    """HTTP statuses of an answer: numbers, and classes such as `2xx`."""

    of: tuple[int | str, ...]

    def __contains__(self, status: object) -> bool:
        return status in self.of or f"{str(status)[:1]}xx" in self.of

    def __str__(self) -> str:
        return " or ".join(map(str, self.of))


def call_name(text: str, operations: Callable[[], Sequence[str]]) -> CallName:
    """The call of that name. `operations` gives the known operations, each as `VENDOR.OPERATION`.

    Raises ValueError, which offers the closest operation.
    """
    method, space, path = text.partition(" ")
    if space:
        if not _METHOD.fullmatch(method):
            raise ValueError(f"'{method}' is not a method of HTTP such as POST")
        if not path.startswith("/") or "?" in path or "#" in path or any(char.isspace() for char in path):
            raise ValueError(f"'{path}' is not a path: it begins with a slash, and has no query and no spaces")
        return CallName(text, method=method, path=path)
    vendor, dot, operation = text.partition(".")
    if dot and vendor == SINK:
        check_sink_name(operation)
        return CallName(text, SINK, operation)
    if _METHOD.fullmatch(text):
        raise ValueError(f"'{text}' names no path; write it like {text} /path/{{this}}")
    known = operations()
    if text not in known:
        raise ValueError(unknown("operation", text, _nearest_first(text, known)))
    return CallName(text, vendor, operation)


def _nearest_first(text: str, known: Sequence[str]) -> Sequence[str]:
    """The operations of the vendor that is named, or those that end in the name; else all, for the closest one."""
    vendor, _, _ = text.partition(".")
    of_vendor = [name for name in known if name.startswith(f"{vendor}.")]
    return of_vendor or [name for name in known if name.endswith(f".{text}")] or known


def path_pattern(path: str, this: str) -> re.Pattern[str]:
    """The regular expression of the path of a `CallName`; `this` is the conversation's id."""
    parts = _PLACEHOLDER.split(path)
    literal = [re.escape(part) for part in parts[::2]]
    filled = [re.escape(this) if name == THIS else "[^/]+" for name in parts[1::2]]
    return re.compile("".join(a + b for a, b in zip(literal, [*filled, ""], strict=True)))


def check_sink_name(name: str) -> None:
    """Raises ValueError for a name that no sink can have."""
    if not _SINK_NAME.fullmatch(name):
        raise ValueError(
            f"'{name}' is not a name of a sink: 1 to 40 small letters, digits, hyphens and underscores, a letter first"
        )


class SinkAnswer(Struct, frozen=True):
    """One answer of a sink. `latency` is in milliseconds. Text is sent as it is, any other `body` as JSON."""

    status: int = 200
    body: Any = field(default_factory=dict)
    latency: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


class ConversationPlace(Struct, frozen=True):
    """Where the calls of a sink have the conversation's id: a JSON pointer into the body, the name of a header, or the
    number (from 1) of a segment of the path below the sink's."""

    pointer: str | None = None
    header: str | None = None
    segment: int | None = None


class Sink(Struct, frozen=True):
    """What stands in for a system that is not a vendor's: it takes every call and answers as told.

    `answers` are those of its calls in order; the last one goes on. `conversation` is where its calls have the
    conversation's id; None: it is looked for. `customer` says that what it gets reaches the customer.
    """

    name: str
    answers: tuple[SinkAnswer, ...] = (SinkAnswer(),)
    conversation: ConversationPlace | None = None
    customer: bool = False


class CallNameShape(Shape):
    """The name of a call."""

    expected = "an operation (VENDOR.OPERATION), sink.NAME, or a method and a path (POST /path/{this})"

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return self.mismatch(node, problems)
        try:
            assert isinstance(problems, Reading)
            return call_name(node.value, problems.vocabulary.operations)
        except ValueError as error:
            problems.add(node, str(error))
            return INVALID

    def schema(self) -> dict[str, Any]:
        others = rf"^({_METHOD.pattern} /\S*|{SINK}\.{_SINK_NAME.pattern})$"
        return {"anyOf": [{NAMES: "operation"}, {"type": "string", "pattern": others}]}


class ExpectedValues(Shape):
    """JSON pointers into the body, and the values expected there.

    `this` and `this.visitor.email` are values of the story, `{matches: PATTERN}` a regular expression that is searched
    in the value, `{is: VALUE}` a value taken literally.
    """

    expected = "a mapping of JSON pointers (/message/text) to values, {matches: pattern} or this"
    _forms = ("matches", "is")

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, MappingNode):
            return self.mismatch(node, problems)
        found: dict[str, Any] = {}
        valid = True
        for name, item in node.entries:
            valid &= POINTER.read(as_text(name), problems) is not INVALID
            found[name.text] = self._value(item, problems)
        return found if valid and INVALID not in found.values() else INVALID

    def _value(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, MappingNode) and len(node.entries) == 1 and node.entries[0][0].text in self._forms:
            ((form, item),) = node.entries
            return plain(item) if form.text == "is" else self._pattern(item, problems)
        value = plain(node)
        if not isinstance(value, str) or not _STORY.fullmatch(value):
            return value
        if value not in _STORY_WORDS:
            problems.add(node, f"{unknown('value of the story', value, _STORY_WORDS)} ({{is: {value}}} is the text)")
            return INVALID
        return FromStory(value)

    def _pattern(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            problems.add(node, f"expected a regular expression, found {kind(node)}")
            return INVALID
        try:
            return re.compile(node.value)
        except re.error as error:
            problems.add(node, f"'{node.value}' is not a regular expression: {error}")
            return INVALID

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "propertyNames": POINTER.schema()}


class StoryBody(Shape):
    """A JSON object or list. In it `this` and `this.visitor.email` are values of the story, and `{is: this}` is the
    text."""

    expected = "a JSON object"
    _literal = "is"

    def read(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, Scalar):
            return self.mismatch(node, problems)
        return self._value(plain(node), node, problems)

    def _value(self, value: Any, node: Node, problems: Problems) -> Any:
        if isinstance(value, str) and _STORY.fullmatch(value):
            if value in _STORY_WORDS:
                return FromStory(value)
            if value.removeprefix("this.visitor.") != value:
                problems.add(
                    node, f"{unknown('value of the story', value, _STORY_WORDS)} ({{is: {value}}} is the text)"
                )
            return value
        if isinstance(value, dict):
            if list(value) == [self._literal] and value[self._literal] in _STORY_WORDS:
                return value[self._literal]
            return {key: self._value(item, node, problems) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, node, problems) for item in value]
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": ["object", "array"]}


def written_in_story(body: Any, known: Mapping[Any, str]) -> Any:
    """The body as a scenario writes it: the values of `known` by their words, and texts that are such a word with
    `is`."""
    if isinstance(body, dict):
        return {key: written_in_story(item, known) for key, item in body.items()}
    if isinstance(body, list):
        return [written_in_story(item, known) for item in body]
    if isinstance(body, str) and body in _STORY_WORDS:
        return {"is": body}
    if isinstance(body, str | int) and not isinstance(body, bool) and body in known:
        return known[body]
    return body


def told(body: Any, value: Callable[[str], Any]) -> Any:
    """The body of an event with the values of the story; `value` gives the one of a word."""
    if isinstance(body, FromStory):
        return value(body.word)
    if isinstance(body, dict):
        return {key: told(item, value) for key, item in body.items()}
    if isinstance(body, list):
        return [told(item, value) for item in body]
    return body


class TimesShape(Shape):
    """`once`, `never`, or bounds."""

    expected = "once, never, or a mapping with at_least, at_most"
    words = Choice("number of times", lambda: tuple(TIMES_WORDS))
    bounds = Record(
        {"at_least": Key(Integer(0, 10_000)), "at_most": Key(Integer(0, 10_000))}, "'times'", lambda **keys: keys
    )

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, MappingNode):
            word = self.words.read(node, problems)
            return INVALID if word is INVALID else TIMES_WORDS[word]
        found = self.bounds.read(node, problems)
        if found is INVALID:
            return INVALID
        try:
            return times_of(found)
        except ValueError as error:
            problems.add(node, str(error))
            return INVALID

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.words.schema(), self.bounds.schema() | {"minProperties": 1}]}


def times_of(bounds: Mapping[str, int]) -> Times:
    """The bounds `at_least` and `at_most`. Without `at_least` there may be none. Raises ValueError."""
    least, most = bounds.get("at_least", 0), bounds.get("at_most")
    if not bounds or (not least and most is None):
        raise ValueError("any number of calls is expected; give at_least (from 1) or at_most")
    if most is not None and least > most:
        raise ValueError(f"at_least ({least}) is more than at_most ({most})")
    return Times(least, most)


class StatusesShape(Shape):
    """Statuses of the answer that a call got."""

    expected = "an HTTP status such as 200 or 2xx, or a list of them"
    _number = Integer(100, 599)
    _class = Pattern("[1-5]xx", "an HTTP status such as 200, or a class such as 2xx")

    def read(self, node: Node, problems: Problems) -> Any:
        items = getattr(node, "items", None)
        if isinstance(node, MappingNode) or items == ():
            return self.mismatch(node, problems)
        found = [self._one(item, problems) for item in (items if items is not None else (node,))]
        return INVALID if INVALID in found else Statuses(tuple(found))

    def _one(self, node: Node, problems: Problems) -> Any:
        is_number = isinstance(node, Scalar) and isinstance(node.value, int)
        return (self._number if is_number else self._class).read(node, problems)

    def schema(self) -> dict[str, Any]:
        one = {"anyOf": [self._number.schema(), self._class.schema()]}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


class SinkNameShape(Shape):
    """The name of a sink."""

    expected = "the name of a sink, such as crm"

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return self.mismatch(node, problems)
        try:
            check_sink_name(node.value)
        except ValueError as error:
            problems.add(node, str(error))
            return INVALID
        return node.value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_SINK_NAME.pattern}$"}


class _Latency(Duration):
    """A duration up to LONGEST_LATENCY."""

    def read(self, node: Node, problems: Problems) -> Any:
        found = super().read(node, problems)
        if found is not INVALID and found > LONGEST_LATENCY:
            problems.add(node, "a latency is at most 60s")
            return INVALID
        return found


class _AnswerHeaders(MapOf):
    """Headers of an answer. A value with a line break, or of a header that the server sets, is refused."""

    _own = ("content-length", "connection", "transfer-encoding", "date", "server")
    _name = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)

    def read(self, node: Node, problems: Problems) -> Any:
        found = super().read(node, problems)
        if found is INVALID or not isinstance(node, MappingNode):
            return INVALID
        for name, item in node.entries:
            value = found[name.text]
            if not self._name.fullmatch(name.text) or name.text.lower() in self._own:
                problems.add(name, f"'{name.text}' is not a header that an answer can set")
                return INVALID
            if not value.isprintable() or not value.isascii():
                problems.add(item, "the value of a header is printable ASCII text")
                return INVALID
        return found


class _SinkAnswers(Shape):
    """One answer, or a list of them."""

    one = Record(
        {
            "status": Key(Integer(200, 599), help="the HTTP status; default 200"),
            "body": Key(Json(), help="text is sent as it is, any other value as JSON; default {}"),
            "latency": Key(_Latency(), help="how long the answer takes; default 0s"),
            "headers": Key(_AnswerHeaders(Text(empty=True)), help="headers of the answer, such as Retry-After"),
        },
        "an answer",
        SinkAnswer,
    )
    expected = f"{one.expected}, or a list of such"

    def read(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, MappingNode):
            value = self.one.read(node, problems)
            return INVALID if value is INVALID else (value,)
        found = ListOf(self.one).read(node, problems)
        if found is INVALID:
            return INVALID
        if not 1 <= len(found) <= MOST_ANSWERS:
            problems.add(node, f"a sink has 1 to {MOST_ANSWERS} answers")
            return INVALID
        return found

    def schema(self) -> dict[str, Any]:
        many = {"type": "array", "items": self.one.schema(), "minItems": 1, "maxItems": MOST_ANSWERS}
        return {"anyOf": [self.one.schema(), many]}


ANSWERS = _SinkAnswers()
STORY_BODY = StoryBody()
CALL_NAME, SINK_NAME, EXPECTED_VALUES, TIMES, STATUSES = (
    CallNameShape(),
    SinkNameShape(),
    ExpectedValues(),
    TimesShape(),
    StatusesShape(),
)


class _Place(Shape):
    """A JSON pointer, `{header: NAME}` or `{segment: NUMBER}`."""

    expected = "a JSON pointer (/ticket/conversation), {header: NAME} or {segment: NUMBER}"
    inner = Record(
        {"header": Key(Text("the name of a header")), "segment": Key(Integer(1, 50))},
        "'conversation'",
        ConversationPlace,
        one_key=True,
    )

    def read(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, MappingNode):
            return self.inner.read(node, problems)
        pointer = POINTER.read(node, problems)
        return INVALID if pointer is INVALID else ConversationPlace(pointer=pointer)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [POINTER.schema(), self.inner.schema()]}


# The settings of a sink in vendorsim.yaml and in the control API, without its name.
SINK_SETTINGS = Record(
    {
        "answers": Key(ANSWERS, help="its answers in order; the last one goes on"),
        "conversation": Key(_Place(), help="where its calls have the conversation's id"),
        "customer": Key(Flag(), help="what it gets reaches the customer"),
    },
    "a sink",
)


def sink_from_option(text: str) -> Sink:
    """The sink of `--sink NAME` or `--sink NAME=customer`. Raises ValueError."""
    name, equals, side = text.partition("=")
    check_sink_name(name)
    if equals and side != "customer":
        raise ValueError(f"'{text}': after the name stands nothing, or =customer")
    return Sink(name, customer=bool(equals))
