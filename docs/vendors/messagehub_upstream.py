"""Compares our contracts of MessageHub with a checkout of Chatwoot, event by event.

    python docs/vendors/messagehub_upstream.py ../chatwoot                    # the files of a work tree
    python docs/vendors/messagehub_upstream.py ../chatwoot.git --tag v4.13.0 --tag v4.15.1

For each event it prints the attributes that only the server sends, and those that only our contract of that version
has. It reads the Ruby files that build the bodies, and runs nothing of them: the hashes of `webhook_data`,
`push_event_data` and the presenters, and the columns in the comment at the head of a model where a whole row is sent.
What is behind a condition counts as sent. Values that Chatwoot does not build attribute by attribute (custom
attributes, changes, the browser) are not compared.

Exit code: 0 if they agree, 1 if they differ, 2 if the checkout can't be read.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Protocol

from vendorsim.vendorkit import registry
from vendorsim.vendorkit.contract import contract
from vendorsim.vendorkit.contract_fields import fields

VENDOR = "messagehub"
LISTENER, BOT_LISTENER = "app/listeners/webhook_listener.rb", "app/listeners/agent_bot_listener.rb"
# Where the objects in an expression are defined, by the name that an expression calls them by. Several: any of them.
CLASSES: Mapping[str, tuple[str, ...]] = {
    "account": ("app/models/account.rb",),
    "inbox": ("app/models/inbox.rb",),
    "team": ("app/models/team.rb",),
    "contact": ("app/models/contact.rb",),
    "contact_inbox": ("app/models/contact_inbox.rb",),
    "conversation": ("app/models/conversation.rb",),
    "current_conversation": ("app/models/conversation.rb",),
    "message": ("app/models/message.rb",),
    "messages": ("app/models/message.rb",),
    "attachments": ("app/models/attachment.rb",),
    "assignee": ("app/models/user.rb",),
    "user": ("app/models/user.rb", "app/models/contact.rb", "app/models/agent_bot.rb"),
    "assignee_agent_bot": ("app/models/agent_bot.rb",),
    "ai_assignee": ("app/models/agent_bot.rb", "enterprise/app/models/captain/assistant.rb"),
    "sender": (
        "app/models/user.rb",
        "app/models/contact.rb",
        "app/models/agent_bot.rb",
        "enterprise/app/models/captain/assistant.rb",
    ),
}
# Methods of a model that return one of the objects above, by name.
CHOICES: Mapping[str, str] = {"assigned_entity": "app/models/conversation.rb"}
PRESENTERS: Mapping[str, str] = {
    "Conversations::EventDataPresenter": "app/presenters/conversations/event_data_presenter.rb",
    "Inbox::EventDataPresenter": "app/presenters/inbox/event_data_presenter.rb",
}
# A model's methods that are in a concern.
CONCERNS: Mapping[str, str] = {"app/models/conversation.rb": "app/models/concerns/push_data_helper.rb"}
DATA = "push_event_data|webhook_push_event_data|webhook_data|push_data"
# Attributes of a message that was just created and not read from the database: webhooks are built of one that was.
UNSAVED = frozenset(("echo_id",))
_OPEN, _CLOSE = "([{", ")]}"


class UpstreamError(Exception):
    """The checkout can't be read, or does not look like Chatwoot."""


class Files(Protocol):
    """The files of a checkout."""

    def read(self, path: str) -> str | None:
        """The text of a file; None where there is none."""


@dataclass(frozen=True)
class WorkTree:
    """The files in a folder."""

    folder: Path

    def read(self, path: str) -> str | None:
        file = self.folder / path
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None


@dataclass(frozen=True)
class Revision:
    """The files of a commit or tag, read by git."""

    folder: Path
    name: str

    def read(self, path: str) -> str | None:
        command = ["git", "-C", str(self.folder), "show", f"{self.name}:{path}"]
        found = subprocess.run(command, capture_output=True, check=False)
        return found.stdout.decode("utf-8", "replace") if found.returncode == 0 else None


@dataclass
class Shape:
    """The attributes of an object, and the shapes of their values; None for a value that is not built there."""

    attributes: dict[str, Shape | None] = field(default_factory=dict)

    def add(self, name: str, value: Shape | None) -> None:
        """Adds an attribute. One that is there already has the attributes of both."""
        before = self.attributes.get(name)
        if before is not None and value is not None:
            value = before | value
        self.attributes[name] = before if value is None else value

    def __or__(self, other: Shape) -> Shape:
        made = Shape(dict(self.attributes))
        for name, value in other.attributes.items():
            made.add(name, value)
        return made

    def paths(self, path: str = "") -> Iterator[tuple[str, bool]]:
        """The path of each object that is built there, and of each attribute: (path, whether it is an object)."""
        for name, value in self.attributes.items():
            yield f"{path}/{name}", value is not None
            if value is not None:
                yield from value.paths(f"{path}/{name}")


class Ruby:
    """Reads from the Ruby files of a checkout what the bodies are built of. Files are read once."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._texts: dict[str, str | None] = {}
        self._shapes: dict[tuple[str, str], Shape | None] = {}

    def text(self, path: str) -> str | None:
        """The text of a file; None where there is none."""
        if path not in self._texts:
            self._texts[path] = self._files.read(path)
        return self._texts[path]

    def events(self, path: str) -> list[str]:
        """The events that a listener handles: its public methods."""
        text = self.text(path)
        if text is None:
            raise UpstreamError(f"{path} is missing: give a checkout of Chatwoot")
        public = re.split(r"^\s*private\s*$", text, maxsplit=1, flags=re.MULTILINE)[0]
        return re.findall(r"^\s*def (\w+)\(event\)", public, re.MULTILINE)

    def body(self, path: str, event: str) -> Shape:
        """What a listener sends for an event. Raises UpstreamError if that can't be read."""
        known: dict[str, Shape | None] = {}
        self._run(path, event, known)
        found = known.get("payload")
        if found is None or not found.attributes:
            raise UpstreamError(f"{path}: the body of {event} can't be read")
        return found

    def method(self, path: str, name: str) -> Shape | None:
        """What a method returns; None if that is no object that it builds."""
        key = (path, name)
        if key not in self._shapes:
            self._shapes[key] = None  # A method that calls itself adds nothing.
            found = self._run(path, name, {})
            enterprise = re.sub(r"^app/(\w+)/", r"enterprise/app/\1/enterprise/", path)
            more = self._run(enterprise, name, {}) if enterprise != path else None
            self._shapes[key] = _united((found, more))
        return self._shapes[key]

    def _source(self, path: str, name: str) -> tuple[str, str, str] | None:
        """The file, the parameters and the statements of a method."""
        for place in filter(None, (path, CONCERNS.get(path))):
            pattern = rf"^(\s*)def (?:self\.)?{name}(?:\((.*?)\))?[ \t]*\n(.*?)^\1end\b"
            found = re.search(pattern, self.text(place) or "", re.MULTILINE | re.DOTALL)
            if found is not None:
                return place, found[2] or "", found[3]
        return None

    def _run(self, path: str, name: str, known: dict[str, Shape | None]) -> Shape | None:
        """What a method returns. `known` are the shapes of variables, and is changed as the method changes them."""
        source = self._source(path, name)
        if source is None:
            return None
        place, _, text = source
        branches: list[Shape] = []
        last: Shape | None = None
        for statement in _statements(text):
            conditional = re.sub(r"\s+(?:if|unless)\s[^{}]*$", "", statement)
            if _flow(statement):
                if last is not None:
                    branches.append(last)
                last = None
                continue
            if conditional.startswith("return"):
                early = self._value(conditional.removeprefix("return").strip(), place, known)
                branches += [] if early is None else [early]
                continue
            last = self._statement(conditional, place, known)
        return _united((*branches, last))

    def _statement(self, text: str, path: str, known: dict[str, Shape | None]) -> Shape | None:
        if found := re.match(r"(\w+)\[:(\w+)\]\s*=\s*(.*)", text, re.DOTALL):
            target = known.setdefault(found[1], Shape())
            if target is not None:
                target.add(found[2], self._value(found[3], path, known))
            return target
        if found := re.match(r"(\w+)\s*=(?![=~>])\s*(.*)", text, re.DOTALL):
            known[found[1]] = self._value(found[2], path, known)
            return known[found[1]]
        if (found := re.match(r"(\w+)\.merge!\((.*)\)$", text, re.DOTALL)) and known.get(found[1]) is not None:
            known[found[1]] = (known[found[1]] or Shape()) | self._items(found[2], path, known)
            return known[found[1]]
        if (found := re.match(r"(\w+)\((.*)\)$", text, re.DOTALL)) and self._source(path, found[1]) is not None:
            return self._call(found[1], _split(found[2]), path, known)
        return self._value(text, path, known)

    def _call(self, name: str, arguments: list[str], path: str, known: dict[str, Shape | None]) -> Shape | None:
        """A method of the same file, called with variables. What it says of `payload`, the caller says, too."""
        source = self._source(path, name)
        names = [part.split("=")[0].strip() for part in _split(source[1])] if source else []
        inside = {name: known.get(argument.strip()) for name, argument in zip(names, arguments, strict=False)}
        found = self._run(path, name, inside)
        if known.get("payload") is None and inside.get("payload") is not None:
            known["payload"] = inside["payload"]
        return found

    def _value(self, text: str, path: str, known: dict[str, Shape | None]) -> Shape | None:
        """The shape of an expression; None for one that is no object built here."""
        text = text.strip()
        choice = _at(text, " ? ")
        if choice >= 0 and (other := _at(text, " : ", choice)) >= 0:
            parts = text[choice + 3 : other], text[other + 3 :]
            return _united(self._value(part, path, known) for part in parts)
        merge = _last_merge(text)
        if merge is not None:
            base, items = merge
            return (self._value(base, path, known) or Shape()) | self._items(items, path, known)
        if text.startswith("{") and text.endswith("}"):
            return self._items(text[1:-1], path, known)
        if found := re.fullmatch(r"\[(.*)\](?:\.compact)?", text, re.DOTALL):
            return self._value(found[1], path, known)
        if re.fullmatch(r"attributes(?:\.symbolize_keys)?", text):
            return self._row(path)
        if found := re.fullmatch(r"([A-Z][\w:]*)\.new\(.*?\)\.(\w+)", text):
            return self.method(PRESENTERS[found[1]], found[2]) if found[1] in PRESENTERS else None
        # A method's arguments change values, not attributes.
        plain = re.sub(rf"\b({DATA})\([^()]*\)", r"\1", text)
        if found := re.fullmatch(rf"(.+?)(?:&?\.({DATA})|&?\.try\(:({DATA})\)|\.map\(&:({DATA})\))", plain, re.DOTALL):
            return self._object(found[1], found[2] or found[3] or found[4])
        name = re.sub(r"\(.*\)$", "", text, flags=re.DOTALL)
        if text in known:
            return known[text]
        if re.fullmatch(r"\w+", name) and self._source(path, name) is not None:
            return self.method(path, name)
        return self._row(CLASSES[text][0]) if text == "contact_inbox" else None

    def _object(self, receiver: str, method: str) -> Shape | None:
        """What a method of the object in an expression returns, such as that of `inbox.account`."""
        for name in reversed(re.findall(r"\w+", receiver)):
            if name in CHOICES:
                source = self._source(CHOICES[name], name)
                return _united(self._object(part, method) for part in (source[2] if source else "").split("||"))
            if name in CLASSES:
                return _united(self.method(path, method) for path in CLASSES[name])
        return None

    def _items(self, text: str, path: str, known: dict[str, Shape | None]) -> Shape:
        """The attributes of a hash, written without its braces."""
        if text.strip().startswith("{") and text.strip().endswith("}"):
            text = text.strip()[1:-1]
        made = Shape()
        for item in _split(text):
            if item.startswith("**"):
                made = made | (self._value(item[2:], path, known) or Shape())
            elif found := re.match(r"""["']?(\w+)["']?:\s*(.*)""", item, re.DOTALL):
                made.add(found[1], self._value(found[2], path, known))
            else:
                made = made | (self._value(item, path, known) or Shape())
        return made

    def _row(self, path: str) -> Shape | None:
        """The columns of a model, from the comment at its head."""
        columns = re.findall(r"^#  (\w+) +:\w+", self.text(path) or "", re.MULTILINE)
        return Shape(dict.fromkeys(columns)) if columns else None


def _united(shapes: Iterable[Shape | None]) -> Shape | None:
    """The attributes of all shapes; None if there are none."""
    found = [shape for shape in shapes if shape is not None]
    return reduce(or_, found) if found else None


def _flow(statement: str) -> bool:
    """Whether a statement begins or ends a branch."""
    return re.match(r"(?:if|unless|elsif|else|end|case|when|begin|rescue|ensure)\b", statement) is not None


def _statements(text: str) -> Iterator[str]:
    """The statements of a method; those over several lines in one."""
    joined = ""
    for line in text.splitlines():
        line = re.sub(r"(?:^|\s)#(?!\{).*$", "", line).strip()
        if not line:
            continue
        if joined and line.startswith("."):
            joined += line
        elif joined and (_depth(joined) > 0 or joined.endswith(("=", ",", "&&", "||"))):
            joined += f" {line}"
        else:
            if joined:
                yield joined
            joined = line
    if joined:
        yield joined


def _depths(text: str) -> Iterator[tuple[int, str, int]]:
    """Each character outside of quotes, with its position and the depth of brackets before it."""
    depth, quote = 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth -= character in _CLOSE
            yield position, character, depth
            depth += character in _OPEN


def _depth(text: str) -> int:
    return sum((character in _OPEN) - (character in _CLOSE) for _, character, _ in _depths(text))


def _at(text: str, part: str, start: int = 0) -> int:
    """The first position of a part of the text outside of brackets; -1 if there is none."""
    found = (at for at, _, depth in _depths(text) if at >= start and depth == 0 and text.startswith(part, at))
    return next(found, -1)


def _split(text: str) -> list[str]:
    """The parts of a list, without empty ones."""
    parts, start = [], 0
    for position, character, depth in _depths(text):
        if character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def _last_merge(text: str) -> tuple[str, str] | None:
    """The two sides of `base.merge(items)`, if the expression ends with it."""
    found = [at for at, _, depth in _depths(text) if depth == 0 and text.startswith(".merge(", at)]
    return (text[: found[-1]], text[found[-1] + 7 : -1]) if found and text.endswith(")") else None


@dataclass(frozen=True)
class Comparison:
    """An event here and there: attributes that only one side has, and how many both have."""

    event: str
    only_upstream: tuple[str, ...] = ()
    only_here: tuple[str, ...] = ()
    both: int = 0

    @property
    def differs(self) -> bool:
        """Whether one side has what the other has not."""
        return bool(self.only_upstream or self.only_here)


def compare(ruby: Ruby, profile: str) -> list[Comparison]:
    """Every event of the checkout or of the profile. Raises UpstreamError."""
    ours = contract(VENDOR, profile)
    there = dict.fromkeys(ruby.events(LISTENER), LISTENER)
    there |= {event: BOT_LISTENER for event in ruby.events(BOT_LISTENER) if event not in there}
    found = []
    for event in dict.fromkeys((*ours.events, *there)):
        if event not in there:
            found.append(Comparison(event, only_here=("(the event)",)))
        elif event not in ours.events:
            found.append(Comparison(event, only_upstream=("(the event)",)))
        else:
            found.append(_compared(event, ruby.body(there[event], event), _here(ours.node(event))))
    return found


def _here(node: Any) -> set[str]:
    """The paths of the contract's fields, with those of a list's items directly below the list."""
    return {path.replace("/*", "") for path in fields(node) if path}


def _compared(event: str, upstream: Shape, ours: set[str]) -> Comparison:
    theirs = {path: is_object for path, is_object in upstream.paths() if path.rpartition("/")[2] not in UNSAVED}
    known = {"", *(path for path, is_object in theirs.items() if is_object)}
    ours = {path for path in ours if path.rpartition("/")[0] in known}
    added, gone = sorted(theirs.keys() - ours), sorted(ours - theirs.keys())
    return Comparison(event, _outermost(added), _outermost(gone), len(theirs.keys() & ours))


def _outermost(paths: list[str]) -> tuple[str, ...]:
    """The paths without those below another one of them."""
    return tuple(path for path in paths if not any(path.startswith(f"{other}/") for other in paths))


def version_of(ruby: Ruby, tag: str | None) -> str:
    """The version of a checkout, such as `4.15.1`. Raises UpstreamError."""
    found = re.search(r"(\d+\.\d+\.\d+)$", tag or "")
    if found is None:
        found = re.search(r"version: '?(\d+\.\d+\.\d+)", ruby.text("config/app.yml") or "")
    if found is None:
        raise UpstreamError("config/app.yml names no version: give a checkout of Chatwoot, or --tag")
    return found[1]


def profile_of(version: str) -> str:
    """The profile that plays a version. Raises UpstreamError where none does."""
    name = f"observed-{version.removesuffix('.0')}"
    profile = registry.get(VENDOR).version
    if profile is None or profile(name) is None:
        versions = registry.get(VENDOR).versions
        raise UpstreamError(f"no profile plays {version}: {versions[0]} to {versions[-1]} can; choose with --profile")
    return name


def report(title: str, found: list[Comparison]) -> Iterator[str]:
    """The lines of the readable output."""
    yield title
    # Events with the same differences are listed together.
    alike: dict[tuple[object, ...], list[Comparison]] = {}
    for item in found:
        alike.setdefault((item.only_upstream, item.only_here) if item.differs else (), []).append(item)
    for items in alike.values():
        if items[0].differs:
            yield f"  {', '.join(item.event for item in items)}:"
            yield from (f"    + {path}  only upstream" for path in items[0].only_upstream)
            yield from (f"    - {path}  only in the contract" for path in items[0].only_here)
    for item in alike.get((), ()):
        yield f"  {item.event}: {item.both} attributes agree"
    differing = sum(item.differs for item in found)
    yield f"  {differing} of {len(found)} events differ"


def main(arguments: list[str] | None = None) -> int:
    """Compares each tag, prints what differs, and returns the exit code."""
    parser = argparse.ArgumentParser(description="Compare the contracts of MessageHub with a checkout of Chatwoot.")
    parser.add_argument("checkout", type=Path, help="a work tree, or a git directory")
    parser.add_argument("--tag", action="append", help="a tag or commit to read by git; may be repeated")
    parser.add_argument("--profile", help="the profile to compare with; that of the checkout's version by default")
    parser.add_argument("--json", action="store_true", help="print JSON, one object per tag and line")
    given = parser.parse_args(arguments)
    bare = not (given.checkout / LISTENER).is_file()
    differs = False
    try:
        if not given.checkout.is_dir():
            raise UpstreamError(f"{given.checkout} is no folder")
        for tag in given.tag or ["HEAD" if bare else None]:
            ruby = Ruby(WorkTree(given.checkout) if tag is None else Revision(given.checkout, tag))
            version = version_of(ruby, tag)
            profile = given.profile or profile_of(version)
            found = compare(ruby, profile)
            differs = differs or any(item.differs for item in found)
            if given.json:
                print(json.dumps({"version": version, "profile": profile, "events": [vars(item) for item in found]}))
            else:
                print(*report(f"Chatwoot {version}, {profile}", found), sep="\n")
    except UpstreamError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
