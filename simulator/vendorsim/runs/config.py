"""Reads `vendorsim.yaml`: targets and policies of each vendor, sinks, and settings of checks. The file is searched for
from the working directory upwards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from vendorsim.core.clock import today
from vendorsim.core.errors import InputError, unknown
from vendorsim.core.provenance import Stated
from vendorsim.core.shapes import (
    INVALID,
    Choice,
    Integer,
    Key,
    ListOf,
    MapOf,
    Nullable,
    Pattern,
    Record,
    Shape,
    Text,
    choice,
    mapping_or,
    published,
)
from vendorsim.core.yaml_nodes import Mapping as MappingNode
from vendorsim.core.yaml_nodes import Node, Problems, Scalar, Sequence, read, read_file
from vendorsim.http.endpoint import check_header, endpoint
from vendorsim.probes.model import NamedSource
from vendorsim.probes.reading import NAME, read_source
from vendorsim.scenario.calls import SINK_NAME, SINK_SETTINGS, Sink
from vendorsim.scenario.model import LARGEST_ID
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.policy_overrides import HELP, READERS, PolicyChanges, read_changes
from vendorsim.vendorkit.target import Target

FILE_NAME = "vendorsim.yaml"


class Skip(Struct, frozen=True):
    """A check (or a family) that is left out, the reason, and the last day on which it is (such as 2026-12-31)."""

    check: str
    reason: str
    until: str

    def expired(self) -> bool:
        """Whether that day is over (UTC)."""
        return self.until < today()


class ConfigLine(Struct, frozen=True):
    """A line of the file, counted from 1."""

    file: str
    line: int


class Config(Struct, frozen=True):
    """The contents of the file; empty if there is no file. `target_lines` are the lines where the targets begin."""

    file: str | None = None
    targets: Mapping[str, tuple[Target, ...]] = field(default_factory=dict)
    policies: Mapping[str, PolicyChanges] = field(default_factory=dict)
    skipped: tuple[Skip, ...] = ()
    severities: Mapping[str, str] = field(default_factory=dict)
    target_lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    sinks: tuple[Sink, ...] = ()

    def first_target_line(self, vendor: str) -> ConfigLine | None:
        """Returns where the vendor's first target is written, or None if it has no target."""
        lines = self.target_lines.get(vendor)
        return ConfigLine(self.file, lines[0]) if lines and self.file is not None else None

    def target_hosts(self, vendor: str) -> frozenset[str]:
        """Returns the hosts of the vendor's targets."""
        return frozenset(endpoint(target.url).host for target in self.targets.get(vendor, ()))

    def account_and_inbox(
        self, vendor: str, account: int | None = None, inbox: int | None = None
    ) -> tuple[int | None, int | None]:
        """Returns the ids of the account and the inbox of a vendor's targets, or those that are given.

        Raises InputError if the targets differ: a conversation belongs to one account and one inbox.
        """
        targets = self.targets.get(vendor, ())
        found = []
        for name, given in (("account", account), ("inbox", inbox)):
            ids = sorted({number for target in targets if (number := getattr(target, name)) is not None})
            if given is None and len(ids) > 1:
                raise InputError(
                    f"{self.file}: the targets of {vendor} have several values of {name} "
                    f"({', '.join(map(str, ids))}), but a run has one: choose it with --{name}, or give them the same"
                )
            found.append(given if given is not None else next(iter(ids), None))
        return found[0], found[1]


class _Url(Shape):
    expected = "a URL such as http://localhost:8000/hook"

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return self.mismatch(node, problems)
        try:
            endpoint(node.value)
        except InputError as error:
            problems.add(node, str(error))
            return INVALID
        return node.value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^https?://"}


class _Headers(MapOf):
    """Header names and values."""

    def read(self, node: Node, problems: Problems) -> Any:
        headers = super().read(node, problems)
        if headers is INVALID or not isinstance(node, MappingNode):
            return headers
        for name, _ in node.entries:
            try:
                check_header(name.text, headers[name.text])
            except InputError as error:
                problems.add(name, str(error))
                return INVALID
        return headers


class _Policy(Shape):
    """Values that replace those of a vendor's policy. A list is read like its items joined with commas."""

    expected = "a mapping such as {retries: [5s, 5m], read_timeout: 2s}"

    def read(self, node: Node, problems: Problems) -> Any:
        if not isinstance(node, MappingNode):
            return self.mismatch(node, problems)
        found: dict[str, Stated[Any]] = {}
        for key, item in node.entries:
            parts = item.items if isinstance(item, Sequence) else (item,)
            texts = [part.text for part in parts if isinstance(part, Scalar)]
            if len(texts) < len(parts):
                problems.add(item, "expected a value or a list of values")
                continue
            try:
                found.update(read_changes({key.text: ",".join(texts)}, problems.file))
            except InputError as error:
                node = item if key.text in READERS else key
                problems.add(node, str(error).removeprefix(f"{problems.file}: "))
        return found

    def schema(self) -> dict[str, Any]:
        value = {"type": ["string", "number"]}
        form = {"anyOf": [value, {"type": "array", "items": value}]}
        properties = {key: form | {"description": HELP[key]} for key in READERS}
        return {"type": "object", "additionalProperties": False, "properties": properties}


class _Probe(Shape):
    """One probe, or a mapping of names to probes. Relative paths in it begin at the folder of the file."""

    expected = (
        "a probe (a URL with {conversation_id}, module:function, command: … or sql: …), or a mapping of names to probes"
    )

    def read(self, node: Node, problems: Problems) -> Any:
        if isinstance(node, MappingNode) and node.entries:
            read = [self._one(item, problems, name) for name, item in node.entries]
            return INVALID if None in read else tuple(read)
        probe = self._one(node, problems, None)
        return INVALID if probe is None else (probe,)

    def _one(self, node: Node, problems: Problems, name: Scalar | None) -> NamedSource | None:
        if name is not None and not re.fullmatch(NAME, name.text):
            problems.add(name, f"'{name.text}' is no name of a probe; use letters, digits, - and _")
            return None
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            self.mismatch(node, problems)
            return None
        folder = Path(problems.file).parent
        try:
            return NamedSource(None if name is None else name.text, read_source(node.value.strip(), folder))
        except InputError as error:
            problems.add(node, str(error))
            return None

    def schema(self) -> dict[str, Any]:
        return mapping_or({"type": "object", "additionalProperties": {"type": "string"}}, {"type": "string"})


_TARGET = Record(
    {
        "url": Key(_Url(), required=True, help="where the webhooks go"),
        "events": Key(
            ListOf(Text("the name of an event")), help="its subscription; default: all; names are case-sensitive"
        ),
        "headers": Key(_Headers(Text("the value of a header", empty=True)), help="headers of every request"),
        "secret_env": Key(
            ListOf(Text("the name of an environment variable"), single=True),
            help="the environment variable that holds the secret of signatures; two while it is replaced",
        ),
        "kind": Key(Text("a kind of target"), help="a kind of target of the vendor; default: webhook"),
        "probe": Key(
            _Probe(),
            help="how the integration's state is read: a URL with {conversation_id}, module:function, 'command: …' or "
            "'sql: …', or a mapping of names to several",
        ),
        "probe_ignore": Key(
            ListOf(Pattern("(/[^/]*)+", "a JSON pointer such as /updated_at or /messages/*/stored_at")),
            help="JSON pointers of parts of that state to ignore; * stands for any key or number",
        ),
        "account": Key(Integer(1, LARGEST_ID), help="the id of the vendor's account in what is sent"),
        "inbox": Key(Integer(1, LARGEST_ID), help="the id of the vendor's inbox in what is sent"),
    },
    "a target",
    Target,
)
_VENDOR = Choice("vendor", registry.names)
_TARGETS = MapOf(ListOf(_TARGET), _VENDOR, "a mapping of vendors to lists of targets")
_POLICIES = MapOf(_Policy(), _VENDOR, "a mapping of vendors to policies")
_SKIP = Record(
    {
        "check": Key(Text("the id of a check or a family"), required=True, help="the id of a check, or a family"),
        "reason": Key(Text("why it is left out"), required=True, help="why it is left out"),
        "until": Key(
            Pattern(r"\d{4}-\d{2}-\d{2}", "a day such as 2026-12-31"),
            required=True,
            help="the last day on which it is left out, such as 2026-12-31",
        ),
    },
    "a skipped check",
    Skip,
)
_CHECKS = Record(
    {
        "skip": Key(ListOf(_SKIP), help="checks that are left out for a time"),
        "severity": Key(MapOf(choice("severity", "error", "warning")), help="error or warning, by the id of a check"),
        "require": Key(
            ListOf(Text("a family of checks"), single=True),
            help="families that must be judged: otherwise the verdict is incomplete",
        ),
    },
    "'checks'",
)
_SINKS = MapOf(Nullable(SINK_SETTINGS), SINK_NAME, "a mapping of names to settings of sinks")
_ROOT = Record(
    {
        "targets": Key(_TARGETS, help="the webhooks of your integration, by vendor"),
        "policy": Key(_POLICIES, help="values that replace those of a vendor's delivery policy, by vendor"),
        "checks": Key(_CHECKS, help="settings of vendorsim check"),
        "sinks": Key(_SINKS, help="stand-ins for other systems, by name"),
    },
    FILE_NAME,
)


def json_schema() -> dict[str, Any]:
    """The format as JSON Schema, for editors."""
    return published("config-1", "vendorsim.yaml", "Targets, policies, sinks and settings of checks", _ROOT.schema())


def load(path: str | None = None) -> Config:
    """The configuration of a file, or of the nearest `vendorsim.yaml`. Raises InputError or DocumentError."""
    file = Path(path) if path is not None else nearest()
    if file is None:
        return Config()
    problems = Problems(str(file))
    root = read(read_file(file), problems)
    values: Any = {}
    if root is not None and not (isinstance(root, Scalar) and root.value is None):
        values = _ROOT.read(root, problems)
        _check_names(root, problems)
    problems.raise_if_any()
    checks = values.get("checks", {})
    return Config(
        str(file),
        values.get("targets", {}),
        values.get("policy", {}),
        checks.get("skip", ()),
        checks.get("severity", {}),
        _target_lines(root),
        checks.get("require", ()),
        tuple(Sink(name, **(settings or {})) for name, settings in values.get("sinks", {}).items()),
    )


def _target_lines(root: Node | None) -> dict[str, tuple[int, ...]]:
    targets = root.get("targets") if isinstance(root, MappingNode) else None
    entries = targets.entries if isinstance(targets, MappingNode) else ()
    return {vendor.text: tuple(item.line for item in getattr(listed, "items", ())) for vendor, listed in entries}


def nearest() -> Path | None:
    """The `vendorsim.yaml` of the working directory or the closest folder above it."""
    current = Path.cwd()
    candidates = (folder / FILE_NAME for folder in (current, *current.parents))
    return next((file for file in candidates if file.is_file()), None)


def _check_names(root: Node, problems: Problems) -> None:
    """Checks the names of the vendors' events and kinds of targets, which are case-sensitive, and that their targets
    have no account or inbox that the vendor never sends."""
    targets = root.get("targets") if isinstance(root, MappingNode) else None
    if not isinstance(targets, MappingNode):
        return
    for vendor, listed in targets.entries:
        if vendor.text not in registry.names():
            continue
        profiles = registry.get(vendor.text).profiles.values()
        events = list(dict.fromkeys(name for profile in profiles for name in profile.event_names()))
        sends = {
            "account": any(profile.account_fields for profile in profiles),
            "inbox": any(profile.inbox_fields for profile in profiles),
        }
        kinds = list(dict.fromkeys(kind.name for profile in profiles for kind in profile.target_kinds))
        for target in getattr(listed, "items", ()):
            if not isinstance(target, MappingNode):
                continue
            for event in getattr(target.get("events"), "items", ()):
                if isinstance(event, Scalar) and event.text not in events:
                    message = unknown(f"event of {vendor.text}", event.text, events)
                    problems.add(event, f"{message} (names are case-sensitive)")
            kind = target.get("kind")
            if isinstance(kind, Scalar) and kind.text not in kinds:
                problems.add(kind, unknown(f"kind of target of {vendor.text}", kind.text, kinds))
            for name, _ in target.entries:
                if not sends.get(name.text, True):
                    problems.add(name, f"{vendor.text} sends no id of an {name.text}; leave it out")
