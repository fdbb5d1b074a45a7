"""Replaces what is personal in strings: in texts, URLs, headers, and in what is encoded in them.

The same code runs twice. In the first pass a `Replacing` only notes what it would replace; in the second one it
replaces all that was noted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from vendorsim.captures.scrubbing import fields
from vendorsim.captures.scrubbing.fields import guess, header_role
from vendorsim.captures.scrubbing.made_up import MadeUp, rendered
from vendorsim.captures.scrubbing.originals import Originals
from vendorsim.captures.scrubbing.recognising import (
    TextPiece,
    digits_of,
    from_base64,
    iban_sum,
    ip_of,
    looks_like_card,
    looks_like_phone,
    looks_like_token,
    messenger_number,
    pieces,
)

_DEEPEST = 4
_MOST_KNOWN, _LONGEST_KNOWN = 50_000, 500
_URL = re.compile(r"((?:[a-zA-Z][\w+.-]*:)?(?://)?)((?<=//)[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_FORM = re.compile(r"[\w.\[\]%+-]+=[^\s&]*(?:&[\w.\[\]%+-]+=[^\s&]*)*")
_IDS = re.compile(r"[\w-]+")
# Shorter ids are replaced at their places only: in a text they can be any number.
SHORTEST_ID = 5
# How signatures begin in headers: the algorithm, or a time.
_SIGNATURE = re.compile(r"(?:sha[0-9]+[=:]|v[0-9]+[=,]|t=[0-9]+,\s*v[0-9]+=|hmac[- ])*", re.IGNORECASE)
_MASKED = re.compile(r"[*•]*")

Nested = Callable[[str, int], str | None]
"""(text, depth) → the text of a JSON document with what is personal in it replaced; None if it is no JSON."""


class Replacing:
    """Replaces personal values in strings. Without `made_up` it notes them in `originals` and changes nothing.

    `counted` is told the kind of each value that was replaced.
    """

    def __init__(
        self,
        originals: Originals,
        made_up: MadeUp | None,
        *,
        ids: bool,
        texts: bool,
        counted: Callable[[str], None],
        nested: Nested,
    ) -> None:
        self.originals = originals
        self.made_up = made_up
        self._ids = ids
        self._texts = texts
        self._tell = counted
        self._nested = nested
        # By role and string: the new string, and the kinds of what was replaced in it.
        self._known_strings: dict[tuple[str, str], tuple[str, list[str]]] = {}
        self._kinds: list[str] | None = None
        self._by_role: dict[str, Callable[[str], str]] = {
            "name": self._name,
            "email": self._email,
            "phone": self._phone,
            "ip": self._ip,
            "place": self._place,
            "token": self._token,
            "url": self._file,
            "value": self._value,
            "text": self._text,
            "id": self._id,
            fields.LINK: self.link,
            fields.AUTHORIZATION: self._authorization,
            fields.COOKIE: self._cookies,
            fields.SET_COOKIE: self._set_cookie,
            fields.HEAD: self.head,
        }

    def string(self, role: str, value: str) -> str:
        """A string of a role, without what is personal in it."""
        if role == fields.FIXED or not value or _MASKED.fullmatch(value):
            return value
        # Most strings of a capture come again: who writes, and all of a conversation in each of its events.
        known = self._known_strings.get((role, value))
        if known is None:
            counted, self._kinds = self._kinds, []
            known = self._by_role.get(role, self.text)(value), self._kinds
            self._kinds = counted
            if len(self._known_strings) >= _MOST_KNOWN:
                self._known_strings.clear()
            if len(value) <= _LONGEST_KNOWN:
                self._known_strings[role, value] = known
        for kind in known[1]:
            self._counted(kind)
        return known[0]

    def _counted(self, kind: str) -> None:
        if self._kinds is None:
            self._tell(kind)
        else:
            self._kinds.append(kind)

    def number(self, role: str, spelt: str) -> str:
        """A number of a role, as it is spelt in JSON."""
        if role == "phone" and spelt.isdecimal():
            return self._phone(spelt)
        if role == "place":
            return self._place(spelt)
        if self._ids and spelt.isdecimal() and (role == "id" or len(spelt) >= SHORTEST_ID):
            if role == "id":
                self._note_id(spelt)
            return self._known_id(spelt)
        return spelt

    def key(self, key: str) -> str:
        """The key of an object that no contract describes."""
        if self._ids and key in self.originals.ids:
            return self._known_id(key)
        return self.text(key)

    # Values of one kind. Each notes the original in the first pass, and gives the made-up one in the second.

    def _replaced(self, kind: str, value: str, note: Callable[[], None], make: Callable[[MadeUp], str]) -> str:
        if self.made_up is None:
            note()
            return value
        made = make(self.made_up)
        if made != value:
            self._counted(kind)
        return made

    def _name(self, value: str) -> str:
        found = pieces(value)
        if any(each.kind in ("mail", "ipv4", "ipv6") or self._is_phone(each) for each in found):
            return self.text(value)
        if self.made_up is None:
            self.originals.add_name(value)
            return value
        return self._names(value, in_name=True)

    def _email(self, value: str) -> str:
        if re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", value) is None:
            return self.text(value)
        return self._mail(value)

    def _mail(self, value: str) -> str:
        return self._replaced("email", value, lambda: self._note_mail(value), lambda made: made.mail(value))

    def _note_mail(self, value: str) -> None:
        self.originals.add("email", value.casefold())
        if (number := messenger_number(value)) is not None:
            self.originals.add_phone(number)

    def _phone(self, value: str) -> str:
        if len(digits_of(value)) < 6 or any(each.isalpha() for each in value):
            return self.text(value)
        return self._number_of_phone(value)

    def _number_of_phone(self, value: str) -> str:
        return self._replaced("phone", value, lambda: self.originals.add_phone(value), lambda made: made.phone(value))

    def _ip(self, value: str) -> str:
        address = ip_of(value)
        return self.text(value) if address is None else self._address(value)

    def _address(self, value: str) -> str:
        return self._replaced("ip", value, lambda: self.originals.add("ip", value), lambda made: made.ip(value))

    def _place(self, value: str) -> str:
        return self._replaced("place", value, lambda: None, lambda made: self._without_names(made.city(value)))

    def _token(self, value: str) -> str:
        begin = _SIGNATURE.match(value)
        prefix = value[: begin.end()] if begin else ""
        return prefix + self._secret(value[len(prefix) :])

    def _secret(self, value: str, kind: str = "token") -> str:
        if not value or _MASKED.fullmatch(value):
            return value
        return self._replaced(
            kind, value, lambda: self.originals.add(kind, value), lambda made: made.shape(kind, value)
        )

    def _value(self, value: str) -> str:
        changed = self.text(value)
        return changed if changed != value or self._has_pieces(value) else self._secret(value, "value")

    def _has_known(self, value: str) -> bool:
        return self.made_up is not None and any(True for _ in self.originals.values_in(value))

    def _has_pieces(self, value: str) -> bool:
        return any(each.kind in ("mail", "ipv4", "ipv6", "link") or self._is_phone(each) for each in pieces(value))

    def _text(self, value: str) -> str:
        changed = self.text(value)
        if not self._texts or self.made_up is None:
            return changed
        if not any(each.isalnum() for each in value):
            return value
        made = self._without_names(self.made_up.text(value))
        if made != value:
            self._counted("text")
        return made

    def _id(self, value: str) -> str:
        if not self._ids or self._has_pieces(value):
            return self.text(value) if self._has_pieces(value) or self._has_known(value) else value
        self._note_id(value)
        return self._known_id(value)

    def _note_id(self, value: str) -> None:
        if self.made_up is None:
            self.originals.add_id(value)

    def _known_id(self, value: str) -> str:
        if self.made_up is None or value not in self.originals.ids:
            return value
        return self._replaced("id", value, lambda: None, lambda made: made.id(value))

    def _file(self, value: str) -> str:
        """The address of a picture or file: every part of its path, but for the ending."""
        if value.startswith("data:"):
            head, comma, data = value.partition(",")
            return head + comma + self._secret(data, "file")
        if "://" not in value and not value.startswith("/"):
            return self.text(value)
        return self._replaced(
            "url", value, lambda: self.originals.add("url", value), lambda made: self._other_url(made, value)
        )

    def _other_url(self, made: MadeUp, value: str) -> str:
        parts = _URL.fullmatch(value)
        if parts is None:
            return made.shape("url", value)
        scheme, host, path, query, fragment = (each or "" for each in parts.groups())
        segments = []
        for segment in path.split("/"):
            stem, dot, ending = segment.rpartition(".")
            whole = not dot or len(ending) > 5
            new = made.shape("url", unquote(segment if whole else stem)) if segment else ""
            segments.append(quote(new) + ("" if whole else dot + ending))
        new_host = made.domain(host.rpartition("@")[2].partition(":")[0]) if host else ""
        return (
            scheme
            + new_host
            + "/".join(segments)
            + re.sub(r"(?<==)[^&]+", lambda each: quote(made.shape("url", unquote(each[0]))), query)
            + (made.shape("url", fragment) if fragment else "")
        )

    # Texts, and what is in them.

    def text(self, value: str, depth: int = 0) -> str:
        """A text, in which mail addresses, numbers, names and the like are replaced."""
        if depth > _DEEPEST:
            return value
        if value[:1] in "{[" and value[-1:] in "}]" and len(value) > 2:
            nested = self._nested(value, depth + 1)
            if nested is not None:
                return nested
        return self._around_known(value, lambda part: self._pieces(part, depth))

    def _around_known(self, value: str, other: Callable[[str], str]) -> str:
        """A string in which known values are replaced, and all between them by `other`."""
        if self.made_up is None:
            return other(value)
        parts: list[str] = []
        position = 0
        for start, end, new in self._known(value, self.made_up):
            parts += (other(value[position:start]), new)
            position = end
        parts.append(other(value[position:]))
        return "".join(parts)

    def _known(self, value: str, made: MadeUp) -> Iterator[tuple[int, int, str]]:
        """The values that are replaced wherever they stand: where each starts and ends, and what stands for it."""
        position = 0
        for start, end, original in self.originals.values_in(value):
            if self._ids:
                yield from self._known_ids(value, position, start)
            kind = self.originals.values[original]
            self._counted(kind)
            yield start, end, self._made(made, kind, original)
            position = end
        if self._ids:
            yield from self._known_ids(value, position, len(value))

    def _known_ids(self, value: str, begin: int, end: int) -> Iterator[tuple[int, int, str]]:
        for found in _IDS.finditer(value, begin, end):
            if len(found[0]) >= SHORTEST_ID and found[0] in self.originals.ids:
                yield found.start(), found.end(), self._known_id(found[0])

    def _made(self, made: MadeUp, kind: str, value: str) -> str:
        """The made-up value of a kind."""
        if kind == "url":
            return self._other_url(made, value)
        makers = {"email": made.mail, "ip": made.ip, "card": made.card, "iban": made.iban}
        return makers[kind](value) if kind in makers else made.shape(kind, value)

    def _pieces(self, value: str, depth: int) -> str:
        parts: list[str] = []
        position = 0
        for piece in pieces(value):
            if piece.kind in ("word", "date"):
                continue
            new = self._piece(piece, depth)
            if new is not None:
                parts += (self._names(value[position : piece.start]), new)
                position = piece.end
        parts.append(self._names(value[position:]))
        return "".join(parts)

    def _piece(self, piece: TextPiece, depth: int) -> str | None:
        """The new text of a piece; None if it is nothing but words."""
        kind, text = piece.kind, piece.text
        if kind == "link":
            return self.link(text, depth + 1)
        if kind == "mail":
            bare = text.lstrip("'.+-")
            return text[: len(text) - len(bare)] + self._mail(bare)
        if kind == "jwt":
            return self._secret(text)
        if kind == "encoded":
            return self._encoded(text, depth)
        if kind in ("ipv4", "ipv6"):
            return self._address(text) if ip_of(text) is not None else None
        if kind == "iban":
            return self._iban(text)
        if kind == "base64":
            return self._base64(text, depth)
        return self._digits(piece)

    def _is_phone(self, piece: TextPiece) -> bool:
        return piece.kind == "digits" and (looks_like_phone(piece.text) or self.originals.has_phone(piece.text))

    def _digits(self, piece: TextPiece) -> str | None:
        if self._is_phone(piece):
            return self._number_of_phone(piece.text)
        if looks_like_card(piece.text):
            text = piece.text
            return self._replaced("card", text, lambda: self.originals.add("card", text), lambda made: made.card(text))
        return None

    def _iban(self, text: str) -> str | None:
        if not 15 <= len(text.replace(" ", "")) <= 34 or iban_sum(text) != 1:
            return None
        return self._replaced("iban", text, lambda: self.originals.add("iban", text), lambda made: made.iban(text))

    def _encoded(self, text: str, depth: int) -> str:
        plain = unquote(text)
        new = self.text(plain, depth + 1)
        return text if new == plain else quote(new, safe="/:")

    def _base64(self, text: str, depth: int) -> str | None:
        decoded = from_base64(text)
        if decoded is not None:
            new = self.text(decoded.text, depth + 1)
            return decoded.encode(new) if new != decoded.text else self._names(text)
        return self._secret(text) if looks_like_token(text) and depth == 0 and "/" not in text else None

    def _names(self, value: str, *, in_name: bool = False) -> str:
        """A text in which the names of persons are replaced."""
        if self.made_up is None or not value:
            return value
        return self._named(value, self.made_up, in_name=in_name, count=True)

    def _named(self, value: str, made: MadeUp, *, in_name: bool = False, count: bool = False) -> str:
        parts: list[str] = []
        position = 0
        for start, end, name in self.originals.names_in(value, in_name=in_name):
            parts += (value[position:start], rendered(made.name(name), value[start:end], name.word))
            position = end
            if count:
                self._counted("name")
        parts.append(value[position:])
        return "".join(parts)

    def _without_names(self, value: str) -> str:
        """A made-up text in which no name of a real person came about by chance."""
        return value if self.made_up is None else self._named(value, self.made_up)

    # URLs and headers.

    def link(self, value: str, depth: int = 0) -> str:
        """A URL, or a path with its query."""
        if self._has_known(value):
            # What is known may reach over several parts of the URL.
            return self._around_known(value, lambda part: self._url(part, depth))
        return self._url(value, depth)

    def _url(self, value: str, depth: int) -> str:
        parts = _URL.fullmatch(value)
        if parts is None:
            return self.text(value, depth + 1)
        scheme, host, path, query, fragment = (each or "" for each in parts.groups())
        return (
            scheme
            + self._host(host)
            + "/".join(self._segment(each, depth) for each in path.split("/"))
            + (query and "?" + self.query(query[1:], depth))
            + (fragment and "#" + self._segment(fragment[1:], depth))
        )

    def _host(self, host: str) -> str:
        user, at, name = host.rpartition("@")
        login, colon, password = user.partition(":")
        bare, port_colon, port = (name, "", "") if name.endswith("]") else name.partition(":")
        address = ip_of(bare)
        new = self._address(bare) if address is not None and "[" not in bare else self._names(bare)
        return (
            (self._value(login) if login else "")
            + colon
            + (self._secret(password) if password else "")
            + at
            + new
            + port_colon
            + port
        )

    def _segment(self, segment: str, depth: int) -> str:
        plain = unquote(segment)
        if not plain:
            return segment
        if self._ids and plain in self.originals.ids:
            new = self._known_id(plain)
        elif looks_like_token(plain):
            new = self._secret(plain)
        else:
            new = self.text(plain, depth + 1)
        return segment if new == plain else quote(new, safe="@:!$&'()*+,;=~")

    def query(self, query: str, depth: int = 0) -> str:
        """The query of a URL, or a form."""
        return "&".join(self._parameter(each, depth) for each in query.split("&"))

    def _parameter(self, parameter: str, depth: int) -> str:
        name, equals, value = parameter.partition("=")
        if not equals:
            return self._segment(parameter, depth)
        plain = unquote_plus(value)
        role = guess(unquote_plus(name), {})
        if role is not None:
            new = self.string(role, plain)
        elif self._ids and plain in self.originals.ids:
            new = self._known_id(plain)
        elif looks_like_token(plain):
            new = self._secret(plain)
        else:
            new = self.text(plain, depth + 1)
        named = self._segment(name, depth)
        if new == plain:
            return f"{named}={value}"
        safe = "".join(each for each in "@:,/" if each in value)
        return f"{named}={quote_plus(new, safe) if '+' in value else quote(new, safe)}"

    def form(self, value: str) -> str | None:
        """A body of the form `a=b&c=d`; None if it is none."""
        return self.query(value) if _FORM.fullmatch(value) else None

    def header(self, name: str, value: str) -> str:
        """The value of a header."""
        return self.string(header_role(name), value)

    def head(self, value: str) -> str:
        """The head of a request: its first line and its headers."""
        return "".join(self._head_lines(value))

    def _head_lines(self, value: str) -> Iterator[str]:
        for number, line in enumerate(value.splitlines(keepends=True)):
            bare = line.rstrip("\r\n")
            if number == 0:
                method, space, rest = bare.partition(" ")
                target, last_space, version = rest.rpartition(" ")
                new = f"{method}{space}{self.link(target)}{last_space}{version}" if target else bare
            else:
                name, colon, content = bare.partition(":")
                inner = content.strip()
                new = f"{name}{colon}{content[: len(content) - len(content.lstrip())]}{self.header(name, inner)}"
            yield new + line[len(bare) :]

    def _authorization(self, value: str) -> str:
        scheme, space, credentials = value.partition(" ")
        if not space:
            return self._token(value)
        decoded = from_base64(credentials) if scheme.lower() == "basic" else None
        if decoded is not None and ":" in decoded.text:
            login, _, password = decoded.text.partition(":")
            return f"{scheme} {decoded.encode(f'{self._value(login) if login else login}:{self._secret(password)}')}"
        if "=" in credentials and '"' in credentials:
            return f"{scheme} " + re.sub(r'(?<==")[^"]+', lambda each: self._value(each[0]), credentials)
        return f"{scheme} {self._secret(credentials)}"

    def _cookies(self, value: str) -> str:
        return ";".join(map(self._cookie, value.split(";")))

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        quoted = value.strip('"')
        if not equals or not quoted:
            return pair
        plain = unquote(quoted)
        new = self._secret(plain)
        return f"{name}={value.replace(quoted, quoted if new == plain else quote(new, safe='/:+=,'))}"

    def _set_cookie(self, value: str) -> str:
        first, semicolon, rest = value.partition(";")
        return self._cookie(first) + semicolon + rest
