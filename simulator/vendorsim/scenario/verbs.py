"""The verbs of a scenario. Each verb is a class: its fields are the arguments with their shapes, and its docstring is
the help text.

A verb changes the conversation (`vendorsim.conversation.state`); each vendor decides which events that causes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

from msgspec import NODEFAULT, Struct, StructMeta, field

from vendorsim.core.errors import unknown
from vendorsim.core.shapes import (
    INVALID,
    Duration,
    Either,
    Flag,
    Integer,
    Json,
    Key,
    ListOf,
    MapOf,
    Nullable,
    Pattern,
    Plain,
    Record,
    Shape,
    Text,
    as_text,
    choice,
    mapping_or,
)
from vendorsim.core.yaml_nodes import Mapping as MappingNode
from vendorsim.core.yaml_nodes import Node, Problems, Scalar, kind
from vendorsim.scenario.calls import (
    ANSWERS,
    AT_LEAST_ONCE,
    CALL_NAME,
    EXPECTED_VALUES,
    SINK_NAME,
    STATUSES,
    STORY_BODY,
    TIMES,
    CallName,
    SinkAnswer,
    Statuses,
    Times,
)
from vendorsim.scenario.vocabulary import Reading, VendorWord

# The maximum number of names to search for a similar one: a long scenario has thousands of messages.
_MOST_COMPARED = 50


class _AgentName(Shape):
    """The key of an agent in `cast.agents`, or one of `others`, such as `visitor`."""

    def __init__(self, *others: str) -> None:
        self.others = others
        self.expected = " or ".join((*others, "an agent of the cast"))

    def read(self, node: Node, problems: Problems) -> Any:
        assert isinstance(problems, Reading)
        if not isinstance(node, Scalar) or node.value is None:
            return self.mismatch(node, problems)
        names = (*self.others, *problems.agents)
        if node.text not in names:
            problems.add(node, unknown("agent of the cast", node.text, names[:_MOST_COMPARED]))
            return INVALID
        return node.text

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"]}


class _MessageReference(Shape):
    """An `as` name of an earlier step, or a number: 1 is the first message, -1 the last. Or one of `words`."""

    def __init__(self, *words: str) -> None:
        self.words = words

    @property
    def expected(self) -> str:  # type: ignore[override]
        found = "the name of an earlier message, or its number (1 is the first, -1 the last)"
        return ", ".join((found, *(f"or '{word}'" for word in self.words)))

    def read(self, node: Node, problems: Problems) -> Any:
        assert isinstance(problems, Reading)
        if not isinstance(node, Scalar) or isinstance(node.value, bool | float) or node.value is None:
            return self.mismatch(node, problems)
        if isinstance(node.value, int):
            if not 1 <= abs(node.value) <= problems.message_count:
                problems.add(
                    node, f"there is no message {node.value}; messages before this step: {problems.message_count}"
                )
                return INVALID
            return node.value
        if node.value not in problems.message_names and node.value not in self.words:
            known = [*list(problems.message_names)[-_MOST_COMPARED:], *self.words]
            problems.add(node, unknown("message", node.value, known))
            return INVALID
        return node.value

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "integer"], "not": {"const": 0}}


class Attachment(Struct, frozen=True):
    """A file sent with a message. `size` is in bytes. `content` is that of a file uploaded through a vendor's API; all
    other files are made up."""

    name: str
    url: str | None = None
    content_type: str = "application/octet-stream"
    size: int = 0
    content: bytes | None = None


class Page(Struct, frozen=True):
    """A page of the website."""

    url: str
    title: str = ""


TEXT = Text()
ANY_TEXT = Text(empty=True)
URL = Pattern(r"https?://\S+", "a URL that starts with http:// or https://")
PAGE = Record({"url": Key(URL, required=True), "title": Key(ANY_TEXT)}, "a page", Page)
ATTACHMENT = Either(
    TEXT,
    Record(
        {
            "name": Key(TEXT, required=True),
            "url": Key(URL),
            "content_type": Key(TEXT),
            "size": Key(Integer(0, 2**40)),
        },
        "an attachment",
        Attachment,
    ),
)
VISITOR = "visitor"
CONVERSATION, CONTACT = "conversation", "contact"
READ, DELIVERED = "read", "delivered"
TIMEOUT = "timeout"
_CUSTOM = MapOf(
    Either(Plain(), Record({"label": Key(TEXT, required=True), "value": Key(Plain(), required=True)}, "custom data"))
)
_ANY = Nullable(TEXT)
_IDENTITY = {"name": Key(_ANY), "email": Key(_ANY), "phone": Key(_ANY), "identifier": Key(_ANY)}
# The data of a visitor; null means that the visitor has none.
PERSON = {
    **_IDENTITY,
    "ip": Key(_ANY),
    "city": Key(_ANY),
    "country": Key(_ANY),
    "country_code": Key(Nullable(Pattern("[A-Z]{2}", "two capital letters such as DE"))),
    "user_agent": Key(_ANY),
    "platform": Key(_ANY),
    "browser": Key(_ANY),
    "language": Key(_ANY),
    "referer": Key(Nullable(ANY_TEXT)),
    "note": Key(Nullable(ANY_TEXT)),
    "group": Key(_ANY),
    "avatar": Key(_ANY),
    "custom": Key(Nullable(_CUSTOM)),
}


class _Argument(NamedTuple):
    """What `_argument` says about a field."""

    key: Key
    written: str | None
    default: Any


def _argument(
    shape: Shape, help: str = "", *, required: bool = False, default: Any = None, written: str | None = None
) -> Any:
    """A field of a verb; `written` is its key in the file, if that is not the field's own name."""
    return _Argument(Key(shape, required, help), written, NODEFAULT if required else default)


class _VerbType(StructMeta):
    """The type of verbs: gives each field the default of its argument, and keeps what else is said about it."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        arguments = {field: value for field, value in namespace.items() if isinstance(value, _Argument)}
        for field_name, argument in arguments.items():
            namespace[field_name] = argument.default
            if argument.default is NODEFAULT:
                del namespace[field_name]
        verb: Any = super().__new__(mcls, name, bases, namespace, **options)
        verb._arguments = arguments
        return verb


class Verb(Struct, frozen=True, metaclass=_VerbType):
    """Base of all verbs. `_arguments` are those of a verb that stand in the file, by its fields."""

    _arguments: ClassVar[dict[str, _Argument]]
    name: ClassVar[str]
    shorthand: ClassVar[str | None]
    makes_message: ClassVar[bool]
    one_key: ClassVar[bool]
    shape: ClassVar[Arguments]


VERBS: dict[str, type[Verb]] = {}


def given_arguments(verb: Verb) -> dict[str, Any]:
    """The arguments of a step that are not the default, by their keys in the file."""
    values = {name: getattr(verb, name) for name in verb._arguments}
    return {
        argument.written or name: values[name]
        for name, argument in verb._arguments.items()
        if argument.default is NODEFAULT or values[name] != argument.default
    }


def _verb(
    name: str, shorthand: str | None = None, *, makes_message: bool = False, one_key: bool = False
) -> Callable[[type[Any]], type[Any]]:
    def register(cls: type[Any]) -> type[Any]:
        cls.name = name
        cls.shorthand = shorthand
        cls.makes_message = makes_message
        cls.one_key = one_key
        cls.shape = Arguments(cls)
        VERBS[name] = cls
        return cls

    return register


class Arguments(Shape):
    """The arguments of one verb: nothing, the shorthand, or a mapping."""

    def __init__(self, verb: type[Any]) -> None:
        self.verb = verb
        self.record = _record_of(verb)

    @property
    def expected(self) -> str:  # type: ignore[override]
        if not self.record.keys:
            return "no arguments"
        short = self.verb.shorthand
        if short is None:
            return self.record.expected
        value = self.record.keys[short].shape.expected
        return value if self.whole else f"{value}, or {self.record.expected}"

    @property
    def whole(self) -> bool:
        """Whether the shorthand is the only form, because its value can be a mapping (`attributes`, `navigate`)."""
        short = self.verb.shorthand
        return short is not None and isinstance(self.record.keys[short].shape, _WHOLE)

    def read(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, MappingNode) and not self.whole:
            return self.record.read(node, problems)
        short = self.verb.shorthand
        keys = self.record.keys
        if isinstance(node, Scalar) and node.value is None:
            if self.record.may_be_empty:
                return self.verb()
            problems.add(node, f"'{self.verb.name}' needs {self.expected}")
            return INVALID
        if short is None:
            problems.add(node, f"'{self.verb.name}' takes {self.expected}, found {kind(node)}")
            return INVALID
        value = keys[short].shape.read(node, problems)
        return INVALID if value is INVALID else self.record.build(**{short: value})

    def schema(self) -> dict[str, Any]:
        record = self.record
        forms: list[dict[str, Any]] = []
        short = self.verb.shorthand
        if short is not None:
            forms.append(record.keys[short].shape.schema())
        if record.may_be_empty:
            forms.append({"type": "null"})
        if not self.whole:
            return mapping_or(record.schema(), *forms) if forms else record.schema()
        return forms[0] if len(forms) == 1 else {"anyOf": forms}


def _record_of(verb: type[Any]) -> Record:
    # Fields that are no arguments are not part of the language: only vendors' APIs give them.
    fields = {argument.written or name: name for name, argument in verb._arguments.items()}

    def build(**values: Any) -> Any:
        return verb(**{fields[key]: value for key, value in values.items()})

    keys = {key: verb._arguments[name].key for key, name in fields.items()}
    return Record(keys, f"'{verb.name}'", build, verb.one_key)


class _Answers(Shape):
    """The answer to a survey: one option, or a mapping of answers."""

    expected = "an option, or a mapping of answers"
    inner = MapOf(Plain())

    def read(self, node: Node, problems: Problems) -> Any:
        return (self.inner if isinstance(node, MappingNode) else TEXT).read(node, problems)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [TEXT.schema(), self.inner.schema()]}


class _Assignee(Shape):
    """An agent, `{team: …}`, or null. Read as (agent, team)."""

    expected = "an agent of the cast, {team: …}, or null"
    inner = Record({"team": Key(TEXT, required=True), "agent": Key(_AgentName())}, "'assign'")

    def read(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, Scalar) and node.value is None:
            return (None, None)
        if isinstance(node, MappingNode):
            found = self.inner.read(node, problems)
            return INVALID if found is INVALID else (found.get("agent"), found["team"])
        name = _AgentName().read(node, problems)
        return INVALID if name is INVALID else (name, None)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [_AgentName().schema(), self.inner.schema(), {"type": "null"}]}


_WITHIN = "within"


class _Expectations(Shape):
    """`probe`: JSON pointers and the values expected there, and `within`."""

    expected = "a mapping of JSON pointers (/status) to expected values, and within"
    pointer = Pattern(r"(/([^~/]|~[01])*)*", "a JSON pointer such as /status")

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, MappingNode):
            return self.mismatch(node, problems)
        found: dict[str, Any] = {}
        valid = True
        for name, item in node.entries:
            if name.text == _WITHIN:
                found[name.text] = Duration().read(item, problems)
            else:
                valid &= self.pointer.read(as_text(name), problems) is not INVALID
                found[name.text] = Json().read(item, problems)
        return found if valid and INVALID not in found.values() else INVALID

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {"within": Duration().schema()},
            "propertyNames": {"pattern": f"^(within|{self.pointer.pattern})$"},
        }


# Shapes whose value can be a mapping; see `Arguments.whole`.
_WHOLE = (MapOf, Record, _Answers, _Assignee, _Expectations)
_SPEAKER = _AgentName(VISITOR)


@_verb("open_widget")
class OpenWidget(Verb, frozen=True):
    """The visitor opens the chat widget."""


@_verb("start", "channel")
class Start(Verb, frozen=True):
    """The conversation starts; implied by the first `say`. With `pending` a bot has it first."""

    channel: str = _argument(choice("channel", "chat", "call"), default="chat")
    page: Page | None = _argument(PAGE, "the page the visitor is on")
    pending: bool = _argument(Flag(), "it is pending until a bot hands it over", default=False)
    form: Mapping[str, Any] | None = _argument(
        Record(_IDENTITY, "a form"), "what the visitor writes into the form before the chat"
    )


@_verb("say", "text", makes_message=True)
class Say(Verb, frozen=True):
    """Someone writes a message; without `by` it is the visitor. Without text and attachments it is made up."""

    text: str | None = _argument(ANY_TEXT)
    by: str = _argument(_SPEAKER, "visitor or an agent", default=VISITOR)
    attachments: tuple[str | Attachment, ...] = _argument(ListOf(ATTACHMENT, single=True), default=())
    content_type: str = _argument(TEXT, "what the text is; default text", default="text")
    source_id: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@_verb("trigger", "text", makes_message=True)
class Trigger(Verb, frozen=True):
    """An automatic message is shown to the visitor."""

    text: str | None = _argument(ANY_TEXT)
    title: str | None = _argument(TEXT, "the name of the trigger", written="name")


@_verb("note", "text", makes_message=True)
class Note(Verb, frozen=True):
    """An agent writes a private note; without `by` it is the agent who is in the conversation."""

    text: str | None = _argument(ANY_TEXT)
    by: str | None = _argument(_AgentName())
    attachments: tuple[str | Attachment, ...] = ()
    content_type: str = "text"
    source_id: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@_verb("edit")
class Edit(Verb, frozen=True):
    """A message gets another text."""

    message: str | int = _argument(_MessageReference(), required=True)
    text: str = _argument(ANY_TEXT, required=True)


@_verb("delete", "message")
class Delete(Verb, frozen=True):
    """A message is deleted, or with `conversation` or `contact` all of it."""

    message: str | int = _argument(_MessageReference(CONVERSATION, CONTACT), required=True)


@_verb("read", "by")
class Read(Verb, frozen=True):
    """Someone has read everything so far; without `by` it is the visitor. `status: delivered`: only received it."""

    by: str = _argument(_SPEAKER, default=VISITOR)
    status: str = _argument(
        choice("status", READ, DELIVERED), "what the messages are now; `delivered` for the visitor only", default=READ
    )


@_verb("typing", "by")
class Typing(Verb, frozen=True):
    """Someone starts or stops typing."""

    by: str = _argument(_SPEAKER, default=VISITOR)
    active: bool = _argument(Flag(), default=True)


@_verb("join", "agent")
class Join(Verb, frozen=True):
    """An agent joins the conversation."""

    agent: str = _argument(_AgentName(), required=True)


@_verb("leave", "agent")
class Leave(Verb, frozen=True):
    """An agent leaves the conversation."""

    agent: str = _argument(_AgentName(), required=True)


@_verb("assign", "to")
class Assign(Verb, frozen=True):
    """The conversation goes to an agent or a team; `null` takes it from whoever has it."""

    to: tuple[str | None, str | None] = _argument(_Assignee(), default=(None, None))


@_verb("label", "labels")
class Label(Verb, frozen=True):
    """The conversation's labels are set."""

    labels: tuple[str, ...] = _argument(ListOf(TEXT, single=True), required=True)


@_verb("attributes", "values")
class Attributes(Verb, frozen=True):
    """Custom attributes (custom data) are set."""

    values: Mapping[str, Any] = _argument(MapOf(Json()), required=True)


@_verb("rate", "score")
class Rate(Verb, frozen=True):
    """The visitor rates the conversation, from 1 (bad) to 5 (good)."""

    score: int = _argument(Integer(1, 5), required=True)
    comment: str | None = _argument(Nullable(ANY_TEXT))


@_verb("feedback", "text")
class Feedback(Verb, frozen=True):
    """The visitor leaves feedback."""

    text: str = _argument(TEXT, required=True)


@_verb("survey", "answers")
class Survey(Verb, frozen=True):
    """The visitor answers the survey after the conversation."""

    answers: str | Mapping[str, Any] = _argument(_Answers(), required=True)


@_verb("goal", "name")
class Goal(Verb, frozen=True):
    """The visitor reaches a goal of the website."""

    goal: str = _argument(TEXT, required=True, written="name")


@_verb("close", "by")
class Close(Verb, frozen=True):
    """The conversation is closed; without `by`, by the agent who is in it, else by the visitor."""

    by: str | None = _argument(_AgentName(VISITOR, TIMEOUT))


@_verb("snooze")
class Snooze(Verb, frozen=True):
    """The conversation is put off."""


@_verb("pend")
class Pend(Verb, frozen=True):
    """The conversation waits for something else."""


@_verb("reopen")
class Reopen(Verb, frozen=True):
    """A closed, pending or snoozed conversation is open again."""


@_verb("miss")
class Miss(Verb, frozen=True):
    """The visitor leaves and nobody has answered."""


@_verb("offline_message", "text", makes_message=True)
class OfflineMessage(Verb, frozen=True):
    """The visitor leaves a message while nobody is there."""

    text: str | None = _argument(ANY_TEXT)


@_verb("operator")
class Operator(Verb, frozen=True):
    """An agent's presence changes."""

    who: str = _argument(_AgentName(), required=True)
    goes: str = _argument(choice("presence", "online", "offline", "away", "back"), required=True)


@_verb("contact", one_key=True)
class Contact(Verb, frozen=True):
    """The visitor's contact is created, or some of its data change."""

    created: Mapping[str, Any] | None = _argument(Record(PERSON, "a contact"))
    updated: Mapping[str, Any] | None = _argument(Record(PERSON, "a contact"))


@_verb("configure_widget", "settings")
class ConfigureWidget(Verb, frozen=True):
    """The widget's configuration is edited."""

    settings: Mapping[str, Any] = _argument(MapOf(Json()), required=True)


@_verb("send_to_api")
class SendToApi(Verb, frozen=True):
    """A manual send to the vendor's API: queued until the conversation's status next changes."""


@_verb("authenticate", "identifier")
class Authenticate(Verb, frozen=True):
    """The integration must tell the vendor's API who the visitor is; `answer` forces the API's answer."""

    identifier: str | None = _argument(TEXT, "the expected identifier; default the visitor's")
    within: int = _argument(Duration(), "how long to wait for the call; default 10s", default=10_000)
    answer: str | None = _argument(VendorWord("answer"))


@_verb("expect_call", "call")
class ExpectCall(Verb, frozen=True):
    """The integration must call an operation of a vendor's API, a sink or a path, as often as `times` says."""

    call: CallName = _argument(CALL_NAME, "VENDOR.OPERATION, sink.NAME, or a method and a path", required=True)
    body: Mapping[str, Any] | None = _argument(
        EXPECTED_VALUES, "JSON pointers into the body, and the values there", written="with"
    )
    times: Times = _argument(TIMES, "how often; default at least once", default=AT_LEAST_ONCE)
    status: Statuses | None = _argument(STATUSES, "the answers that the calls got; default any")
    within: int | None = _argument(Duration(), "how long to wait for the calls; default 10s")
    quiet: int | None = _argument(Duration(), "how long no call too many may come; default 1s")


@_verb("sink", "name")
class SetSink(Verb, frozen=True):
    """What a sink answers to this conversation's calls from now on, the last answer to all further ones."""

    sink: str = _argument(SINK_NAME, "the sink's name", required=True, written="name")
    answers: tuple[SinkAnswer, ...] | None = _argument(ANSWERS, "one answer, or a list of them; default: as before")


@_verb("navigate", "page")
class Navigate(Verb, frozen=True):
    """The visitor goes to another page."""

    page: Page = _argument(PAGE, required=True)


class WireRequest(Struct, frozen=True):
    """A request as it was on the wire. `headers` are those that are sent again. `delivery` is the id that all its
    attempts shared, if it had one."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    delivery: str | None = None


@_verb("emit")
class Emit(Verb, frozen=True):
    """The vendor sends this event as it is written here; `vendors` or `only` says which vendor."""

    event: str = _argument(TEXT, "the name of the event", required=True)
    body: Any = _argument(STORY_BODY, "its body; this and this.visitor.email are values of the story", required=True)
    # The request of a captured event: it is sent again byte for byte, in place of the body.
    wire: WireRequest | None = None


@_verb("wait", "time")
class Wait(Verb, frozen=True):
    """Nothing happens for a while."""

    time: int = _argument(Duration(), required=True)


@_verb("probe", "expected")
class Probe(Verb, frozen=True):
    """The integration's state must hold the expected values, within a time."""

    expected: Mapping[str, Any] = _argument(_Expectations(), required=True)

    @property
    def values(self) -> dict[str, Any]:
        """The expected values by their JSON pointers."""
        return {pointer: value for pointer, value in self.expected.items() if pointer != _WITHIN}

    @property
    def within(self) -> int:
        """How long to wait for these values, in milliseconds; 5 s unless the step says otherwise."""
        return int(self.expected.get(_WITHIN, 5_000))


class Prioritize(Verb, frozen=True):
    """The conversation gets a priority. Not a part of the language: only vendors' APIs do it."""

    priority: str | None
