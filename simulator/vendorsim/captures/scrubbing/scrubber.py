"""Removes personal data from the items of a capture, in two passes, and searches what it wrote for what it removed."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson
from msgspec import Struct

from vendorsim.captures.exchange import Headers
from vendorsim.captures.files import Item, Kind
from vendorsim.captures.raw_requests import HEADER, RawMessage, RawRequest
from vendorsim.captures.reading import decoded, head_headers, header_pairs
from vendorsim.captures.scrubbing import fields
from vendorsim.captures.scrubbing.fields import Field
from vendorsim.captures.scrubbing.json_leaves import Leaf, Patch, leaves, patched, spelt
from vendorsim.captures.scrubbing.made_up import MadeUp
from vendorsim.captures.scrubbing.originals import Originals
from vendorsim.captures.scrubbing.recognising import from_base64, pieces
from vendorsim.captures.scrubbing.schemas import Schemas
from vendorsim.captures.scrubbing.texts import SHORTEST_ID, Replacing
from vendorsim.core import pointer as json_pointer
from vendorsim.core.errors import InputError, VendorsimError
from vendorsim.core.pointer import Path

_MOST_ROWS = 10_000
_MOST_CLEAN, _LONGEST_CLEAN = 50_000, 500
_DEEPEST_VIEW = 3
_BARE_QUOTE, _QUOTED = re.compile(r'(?<!\\)"'), '\\\\"'


class RemainsError(VendorsimError):
    """A personal value is left in what was to be written, so nothing is written. The message names the place."""

    exit_code = 1


class Choices(Struct, frozen=True):
    """What the user wants: `keep` and `replace` are fields that are kept or replaced in any case, as JSON pointers in
    which `*` stands for any part, or as names. `ids` and `texts`: replace ids, and whole texts."""

    keep: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    ids: bool = False
    texts: bool = False


class Replaced(NamedTuple):
    """So many values of a kind were replaced at one place. `where` is the event, the operation, or the kind of the
    document; `pointer` the place in it, with `*` for positions in lists."""

    where: str
    pointer: str
    kind: str
    times: int


class ChosenField:
    """A field that the user names: a JSON pointer with `*`, or the name of a field anywhere."""

    def __init__(self, text: str, option: str) -> None:
        if not text:
            raise InputError(f"{option} is empty; write a JSON pointer such as /contact/name, or the name of a field")
        self.text = text
        self._parts = json_pointer.parse(text) if text.startswith("/") else None
        self.used = False

    def matches(self, path: Sequence[str | int]) -> bool:
        """Whether the pattern is a place, or one around it."""
        if self._parts is None:
            return self.text in path
        if len(self._parts) > len(path):
            return False
        return all(part in ("*", str(each)) for part, each in zip(self._parts, path, strict=False))


class Scrubber:
    """Removes personal data from a capture: `collect` all items first, then `write` all of them again."""

    def __init__(self, schemas: Schemas, choices: Choices, seed: int) -> None:
        self._schemas = schemas
        self._choices = choices
        self._seed = seed
        self._keep = [ChosenField(text, "--keep") for text in choices.keep]
        self._replace = [ChosenField(text, "--replace") for text in choices.replace]
        self.originals = Originals()
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._where, self._counting = "", True
        self._path: Path = ()
        # The bodies of the last raw request and its answer, and what each is.
        self._raw_bodies: list[tuple[str, Field]] = []
        self._clean: set[tuple[str, bool]] = set()
        self._collecting = self._replacing(None)

    @cached_property
    def _writing(self) -> Replacing:
        return self._replacing(MadeUp(self._seed, self.originals))

    def _replacing(self, made_up: MadeUp | None) -> Replacing:
        return Replacing(
            self.originals,
            made_up,
            ids=self._choices.ids,
            texts=self._choices.texts,
            counted=self._counted,
            nested=lambda text, depth: self._nested(text, depth, made_up is not None),
        )

    def _nested(self, text: str, depth: int, writing: bool) -> str | None:
        """A JSON document in a string. Its places count as that of the string."""
        if depth > _DEEPEST_VIEW:
            return None
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
        counting, self._counting = self._counting, False
        try:
            return self._json(self._writing if writing else self._collecting, text, document, Field())
        finally:
            self._counting = counting

    def _counted(self, kind: str) -> None:
        key = (self._where, _generalised(self._path), kind)
        if key not in self._counts and len(self._counts) >= _MOST_ROWS:
            key = ("", "", kind)
        self._counts[key] += 1

    def replaced(self) -> list[Replaced]:
        """What was replaced, by place and kind."""
        return [Replaced(*key, count) for key, count in sorted(self._counts.items())]

    def unused(self) -> list[str]:
        """The fields of `keep` and `replace` that the capture does not have."""
        return [each.text for each in (*self._keep, *self._replace) if not each.used]

    def collect(self, item: Item) -> None:
        """First pass: notes what is personal in an item. Raises InputError if there is too much to remember."""
        self._item(self._collecting, item)

    def write(self, item: Item) -> bytes:
        """Second pass: the item without personal data. Raises RemainsError if something is left in it."""
        written = self._item(self._writing, item)
        self._search(item, written)
        return written

    def around(self, document: Any, *, writing: bool) -> Any:
        """A document around the items without personal data: the log of a HAR, or the parts of a file's path."""
        text = orjson.dumps(document).decode()
        self._where, self._path = "file", ()
        return orjson.loads(self._json(self._writing if writing else self._collecting, text, document, Field()))

    def _item(self, replacing: Replacing, item: Item) -> bytes:
        if item.kind is Kind.RAW:
            return self._raw(replacing, item.document)
        text = item.data.decode()
        self._where, self._path = _where(item), ()
        field = self._field(item)
        if isinstance(item.document, str):
            self._where = "text"
        return self._json(replacing, text, item.document, field).encode()

    def _field(self, item: Item) -> Field:
        document = item.document
        if item.kind is Kind.HAR_ENTRY:
            request = document.get("request") if isinstance(document, dict) else None
            method, url = (request.get("method"), request.get("url")) if isinstance(request, dict) else (None, None)
            asked, answered = self._schemas.operation(str(method or ""), str(url or ""))
            return fields.har_entry(asked or _EVENT, answered or Field())
        if isinstance(document, dict):
            answer = document.get("answer")
            headers = answer.get("headers") if isinstance(answer, dict) else None
            if document.get("type") == "attempt" and "request" in document:
                return fields.attempt(_EVENT, headers)
            if document.get("type") == "call" and "operation" in document:
                asked, answered = self._schemas.operation(str(document.get("method")), str(document.get("path")))
                return fields.call(asked or Field(), answered or Field(), headers)
            if isinstance(document.get("event"), str) and {"vendor", "body", "at"} <= set(document):
                inner = self._schemas.event(document["event"], document["body"])
                return fields.generated(Field() if inner is None else inner[1])
        found = self._schemas.event(None, document)
        if found is not None:
            self._where = found[0]
            return found[1]
        return Field()

    def _json(self, replacing: Replacing, text: str, document: Any, field: Field) -> str:
        """A JSON text without personal data."""
        patches: list[Patch] = []
        sizes: dict[str | int, tuple[int, int]] = {}
        later: list[Leaf] = []
        changed_keys: set[Path] = set()
        where, outer = self._where, self._path
        for leaf in leaves(text, document, field):
            if self._counting:
                self._path = _shown(leaf, changed_keys)
            if leaf.field.role in (fields.SIZE, fields.HEAD):
                later.append(leaf)
                continue
            new = self._leaf(replacing, leaf, document, sizes)
            if new is not None and new != leaf.value:
                if leaf.is_key:
                    changed_keys.add(leaf.path)
                patches.append(
                    Patch(leaf.start, leaf.end, spelt(new, text[leaf.start : leaf.end]) if leaf.is_string else new)
                )
            self._where = where
        for leaf in later:
            self._path = leaf.path if self._counting else self._path
            new = self._sized(replacing, leaf, sizes.get(leaf.path[0]))
            if new != leaf.value:
                patches.append(
                    Patch(leaf.start, leaf.end, spelt(new, text[leaf.start : leaf.end]) if leaf.is_string else new)
                )
        self._path = outer
        return patched(text, patches)

    def _sized(self, replacing: Replacing, leaf: Leaf, sizes: tuple[int, int] | None) -> str:
        """A size of a body, or a head that names it."""
        if leaf.field.role == fields.HEAD:
            new = replacing.head(leaf.value)
            return new if sizes is None else _with_length(new, *sizes)
        return str(sizes[1]) if sizes is not None and leaf.value == str(sizes[0]) else leaf.value

    def _leaf(
        self, replacing: Replacing, leaf: Leaf, document: Any, sizes: dict[str | int, tuple[int, int]]
    ) -> str | None:
        if leaf.is_key:
            return None if self._is_kept(leaf.path) else self._key(replacing, leaf)
        if self._is_kept(leaf.path):
            return None
        role = leaf.field.role
        if self._is_chosen(leaf.path):
            # What the contract or the name says a value is, it stays; of all others the form is kept.
            role = role if role not in (fields.PLAIN, fields.FIXED, fields.LINK, "text", "id") else "value"
            return replacing.string(role, leaf.value) if leaf.is_string else self._chosen_number(replacing, leaf.value)
        if not leaf.is_string:
            return replacing.number(role, leaf.value)
        if isinstance(leaf.field, fields.BodyField):
            holder = _at(document, leaf.path[:-1])
            headers = _headers(document, leaf.path[:1])
            where, path = self._where, self._path
            before, after, new = self._body(replacing, leaf.value, holder, leaf.field.inner, headers)
            self._where, self._path = where, path
            sizes[leaf.path[0]] = (before, after)
            return new
        return replacing.string(role, leaf.value)

    def _key(self, replacing: Replacing, leaf: Leaf) -> str:
        return replacing.key(leaf.value)

    def _chosen_number(self, replacing: Replacing, spelt_number: str) -> str:
        if replacing.made_up is None:
            return spelt_number
        self._counted("value")
        made = replacing.made_up.shape("number", spelt_number)
        return re.sub(r"[a-zA-Z]", "1", made) if "e" not in spelt_number.lower() else spelt_number

    def _is_kept(self, path: Sequence[str | int]) -> bool:
        return bool(self._keep) and _any(self._keep, path)

    def _is_chosen(self, path: Sequence[str | int]) -> bool:
        return bool(self._replace) and _any(self._replace, path)

    def _body(
        self, replacing: Replacing, text: str, holder: Any, inner: Field, headers: Headers
    ) -> tuple[int, int, str]:
        """A body in a string: the sizes before and after, and the new string."""
        encoding = (holder.get("encoding") or holder.get("_encoding")) if isinstance(holder, dict) else None
        if encoding != "base64":
            new = self._content(replacing, text, inner)
            return len(_encoded(text)), len(_encoded(new)), new
        try:
            data = base64.b64decode(text)
        except (binascii.Error, ValueError):
            new = replacing.text(text)
            return len(text), len(new), new
        coding = next((value for name, value in headers if name.lower() == "content-encoding"), None)
        plain, problem = decoded(data, coding)
        written = self._bytes(replacing, plain, inner) if problem is None else b""
        if written == plain:
            return len(data), len(data), text
        packed = gzip.compress(written, mtime=0) if plain is not data and data.startswith(b"\x1f\x8b") else written
        return len(data), len(packed), base64.b64encode(packed).decode()

    def _bytes(self, replacing: Replacing, data: bytes, inner: Field) -> bytes:
        """The bytes of a body. What is no text, such as a picture, is left out."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            if replacing.made_up is not None:
                self._counted("binary")
            return b""
        return self._content(replacing, text, inner).encode()

    def _content(self, replacing: Replacing, text: str, inner: Field) -> str:
        """The text of a body: JSON, a form, or any other."""
        if not text:
            return text
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError:
            form = replacing.form(text)
            return form if form is not None else replacing.text(text)
        field = inner
        if inner is _EVENT:
            found = self._schemas.event(None, document)
            field = Field() if found is None else found[1]
            self._where = self._where if found is None else found[0]
        return self._json(replacing, text, document, field)

    def _raw(self, replacing: Replacing, request: RawRequest) -> bytes:
        method, target = request.method_and_target
        asked, answered = self._schemas.operation(method, target)
        self._where = "raw request"
        self._raw_bodies.clear()
        written = self._raw_message(replacing, request.request, asked or _EVENT)
        if request.answer is not None:
            self._where = "raw answer"
            written += self._raw_message(replacing, request.answer, answered or Field())
        return written

    def _raw_message(self, replacing: Replacing, message: RawMessage, inner: Field) -> bytes:
        where, self._path = self._where, ("body",)
        body = self._bytes(replacing, message.body, inner) if message.body else b""
        self._raw_bodies.append((body.decode("utf-8", "replace"), inner))
        self._where, self._path = where, ("head",)
        lines = []
        for number, line in enumerate(message.head):
            header = HEADER.fullmatch(line)
            if number == 0:
                prefix = b"> " if line.startswith(b"> ") else b""
                new = replacing.head(line.removeprefix(prefix).decode("utf-8", "replace"))
                lines.append(prefix + new.encode())
            elif header is not None:
                name, value = header[1].decode("latin-1"), header[2].decode("utf-8", "replace")
                changed = replacing.header(name, value)
                if name.lower() == "content-length" and value == str(len(message.body)):
                    changed = str(len(body))
                lines.append(line[: header.start(2)] + changed.encode() + line[header.end(2) :])
            else:
                lines.append(line)
        return b"".join(lines) + body + message.ending

    # The search in what was written.

    def _search(self, item: Item, written: bytes) -> None:
        """Raises RemainsError if an original value is left."""
        if item.kind is Kind.RAW:
            self._search_text(item.place, (), written.decode("utf-8", "replace"), names=False)
            for body, inner in self._raw_bodies:
                self._search_body(item.place, (), body, inner)
            return
        text = written.decode()
        document = orjson.loads(text)
        self._search_json(item.place, (), text, document, self._field(Item(item.place, item.kind, document, written)))

    def _search_json(self, place: str, around: Path, text: str, document: Any, field: Field) -> None:
        for leaf in leaves(text, document, field):
            if self._is_kept(leaf.path):
                continue
            if leaf.is_key:
                self._search_text(place, (*around, *leaf.path), leaf.value, names=True, is_key=True)
            elif leaf.is_string:
                self._search_string(place, (*around, *leaf.path), leaf, document)

    def _search_string(self, place: str, path: Path, leaf: Leaf, document: Any) -> None:
        value, field = leaf.value, leaf.field
        if isinstance(field, fields.BodyField):
            holder = _at(document, leaf.path[:-1])
            if isinstance(holder, dict) and (holder.get("encoding") or holder.get("_encoding")) == "base64":
                coding = next(
                    (v for n, v in _headers(document, leaf.path[:1]) if n.lower() == "content-encoding"), None
                )
                value = decoded(base64.b64decode(value), coding)[0].decode("utf-8", "replace")
            self._search_body(place, path, value, field.inner)
            return
        self._search_text(place, path, value, names=field.role != fields.FIXED)

    def _search_body(self, place: str, path: Path, body: str, inner: Field) -> None:
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            self._search_text(place, path, body, names=True)
            return
        known = self._schemas.event(None, document) if inner is _EVENT else None
        self._search_json(place, path, body, document, inner if known is None else known[1])

    def _search_text(
        self, place: str, path: Path, value: str, *, names: bool, is_key: bool = False, depth: int = 0
    ) -> None:
        if (value, names) in self._clean:
            return
        kind = self._left_in(value, names)
        if kind is not None:
            where = json_pointer.join((*path[:-1], "*") if is_key else path) or "the head or the body"
            raise RemainsError(
                f"{place}: a personal value ({kind}) is left at {where}, so nothing was written; "
                "replace that field with --replace, or keep it with --keep"
            )
        if depth >= _DEEPEST_VIEW:
            return
        for view in _views(value):
            self._search_text(place, path, view, names=names, is_key=is_key, depth=depth + 1)
        if len(self._clean) >= _MOST_CLEAN:
            self._clean.clear()
        if len(value) <= _LONGEST_CLEAN:
            self._clean.add((value, names))

    def _left_in(self, value: str, names: bool) -> str | None:
        originals = self.originals
        for _, _, found in originals.values_in(value):
            return originals.values[found]
        if not names:
            return None
        if any(True for _ in originals.names_in(value)):
            return "name"
        if originals.phones or (self._choices.ids and originals.ids):
            for piece in pieces(value):
                if piece.kind == "digits" and originals.has_phone(piece.text):
                    return "phone"
                if self._choices.ids and len(piece.text) >= SHORTEST_ID and piece.text in originals.ids:
                    return "id"
        return None


_EVENT = Field()
"""Stands for the body of a webhook, whose event is told by its content."""


def _any(patterns: Iterable[ChosenField], path: Sequence[str | int]) -> bool:
    for pattern in patterns:
        if pattern.matches(path):
            pattern.used = True
            return True
    return False


def _views(value: str) -> Iterator[str]:
    """What a string is when it is decoded."""
    if "%" in value:
        plain = unquote(value)
        if plain != value:
            yield plain
    if "&" in value and ";" in value:
        plain = html.unescape(value)
        if plain != value:
            yield plain
    if "\\" in value:
        with contextlib.suppress(orjson.JSONDecodeError):
            yield str(orjson.loads(f'"{_BARE_QUOTE.sub(_QUOTED, value)}"'))
    for piece in pieces(value) if len(value) >= 16 else ():
        if piece.kind == "base64":
            decoded_text = from_base64(piece.text)
            if decoded_text is not None:
                yield decoded_text.text


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _where(item: Item) -> str:
    if item.kind is Kind.HAR_ENTRY:
        return "HAR"
    document = item.document
    if isinstance(document, dict):
        if document.get("type") in ("attempt", "call") and "vendor" in document:
            return str(document["type"])
        if isinstance(document.get("event"), str):
            return document["event"] if re.fullmatch(r"[\w.]{1,60}", document["event"]) else "document"
    return "document"


def _shown(leaf: Leaf, changed_keys: set[Path]) -> Path:
    """The path of a leaf for the report, without keys that are personal."""
    if leaf.is_key:
        return (*_without(leaf.path[:-1], changed_keys), "*")
    return _without(leaf.path, changed_keys) if changed_keys else leaf.path


def _without(path: Path, keys: set[Path]) -> Path:
    return tuple("*" if path[: number + 1] in keys else part for number, part in enumerate(path))


@lru_cache(maxsize=4096)
def _generalised(path: tuple[str | int, ...]) -> str:
    return json_pointer.join("*" if isinstance(part, int) else part for part in path)


def _at(document: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        try:
            document = document[part]
        except (LookupError, TypeError):
            return None
    return document


def _headers(document: Any, side: Sequence[str | int]) -> Headers:
    """The headers beside a body: of the request or the response of an entry."""
    holder = _at(document, side)
    if not isinstance(holder, dict):
        return ()
    head = holder.get("head")
    return head_headers(head) if isinstance(head, str) else header_pairs(holder.get("headers"))


def _with_length(head: str, before: int, after: int) -> str:
    return re.sub(rf"(?im)^(content-length:[ \t]*){before}(?=[ \t]*\r?$)", rf"\g<1>{after}", head)
