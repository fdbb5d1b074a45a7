"""What the values of a captured document are: which kind of personal data, part of the format, or unknown.

The contract says it of the fields that it describes (`x-personal`); the format of HAR and of the journal says it of
theirs; of all others the name of the field is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from vendorsim.captures.scrubbing.word_lists import listed
from vendorsim.http.masking import is_secret
from vendorsim.vendorkit.personal import KEYWORD
from vendorsim.vendorkit.schema_walk import SchemaNode

# What else a value can be, besides the kinds of personal data: part of the format, which never changes; any other
# string; a URL; a request body; the head of a request; values of headers; the size of the body.
FIXED, PLAIN, LINK, BODY, HEAD, SIZE = "fixed", "plain", "link", "body", "head", "size"
AUTHORIZATION, COOKIE, SET_COOKIE = "authorization", "cookie", "set-cookie"

_FIXED_HEADERS = listed(
    "host content-type accept accept-encoding accept-language accept-charset accept-ranges user-agent connection "
    "transfer-encoding content-encoding cache-control date server vary expires last-modified upgrade pragma age te dnt "
    "upgrade-insecure-requests keep-alive allow content-disposition strict-transport-security"
)
_TOKEN_WORDS = listed(
    "token secret password passwd passphrase pwd signature sig hmac apikey cookie authorization auth jwt csrf xsrf "
    "credential credentials session sessionid"
)
_PHONE_WORDS = listed("phone mobile tel telephone msisdn whatsapp cellphone telefon telefonszam mobil fax")
_PICTURES = listed("avatar thumbnail thumb picture photo image screenshot attachment")
_NAMING = listed("first last full family given sur middle maiden nick display real user available sender")
_NAMES = listed(
    "username firstname lastname fullname surname nickname displayname forename familyname givenname vorname nachname "
    "nev keresztnev vezeteknev login customername clientname contactname agentname operatorname visitorname"
)
_PLACES = listed("city town lat lon lng latitude longitude coordinates street address zip postcode postal")
_TEXTS = listed("content message text body note notes comment description subject transcript")
_PERSONS = listed("visitor contact customer client agent operator user person sender author assignee owner")
# What an object with a name and one of these is: a person.
_BESIDE_NAMES = re.compile(r"e?mail|phone|avatar|first_?name|last_?name|birth", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


class Field:
    """What one value is, and what the values in it are."""

    role = PLAIN

    def member(self, key: str, holder: Mapping[str, Any]) -> Field:
        """The member of an object; `holder` is the object."""
        return guessed(key, holder, self)

    def item(self, position: int) -> Field:
        """An item of a list."""
        return self

    def knows(self, key: str) -> bool:
        """Whether a key of the object is one of the format or the contract: then it is not changed."""
        return False


class Known(Field):
    """A value of one role, and all in it."""

    def __init__(self, role: str) -> None:
        self.role = role

    def member(self, key: str, holder: Mapping[str, Any]) -> Field:
        return self

    def knows(self, key: str) -> bool:
        return self.role == FIXED


FIXED_FIELD = Known(FIXED)
_KNOWN: dict[str, Field] = {}


def known(role: str) -> Field:
    """The field of a role."""
    return _KNOWN.setdefault(role, Known(role))


class Guessed(Field):
    """A value that no contract describes. `words` are those of its key."""

    def __init__(self, role: str, words: frozenset[str]) -> None:
        self.role = role
        self.words = words


class BodyField(Field):
    """A body in a string. `inner` is what its document is."""

    role = BODY

    def __init__(self, inner: Field) -> None:
        self.inner = inner


class Members(Field):
    """An object of a known format. All members that are not named are guessed."""

    role = PLAIN

    def __init__(self, members: Mapping[str, Field]) -> None:
        self.members = members

    def member(self, key: str, holder: Mapping[str, Any]) -> Field:
        return self.members.get(key) or super().member(key, holder)

    def knows(self, key: str) -> bool:
        return key in self.members


class NamedValues(Field):
    """A list of objects with `name` and `value`, as headers in HAR; `role_of` says what a value is by its name."""

    def __init__(self, role_of: Any) -> None:
        self._role_of = role_of

    def member(self, key: str, holder: Mapping[str, Any]) -> Field:
        if key == "value":
            return known(self._role_of(str(holder.get("name", "")), holder))
        return known(PLAIN) if key == "comment" else FIXED_FIELD

    def knows(self, key: str) -> bool:
        return True


class HeaderMap(Field):
    """An object with the values of headers by name."""

    def member(self, key: str, holder: Mapping[str, Any]) -> Field:
        return known(header_role(key))

    def knows(self, key: str) -> bool:
        return True


class Described(Field):
    """A value that schemas describe."""

    def __init__(self, nodes: list[SchemaNode], role: str | None = None, words: frozenset[str] = frozenset()) -> None:
        self._parts = [part for node in nodes for part in node.parts()]
        self._members: dict[str, Field | None] = {}
        self._names = frozenset(key for part in self._parts for key in part.schema.get("properties", {}))
        self._items: Field | None = None
        self._inherited = role
        self.words = words
        self.role = role or self._role()

    def _role(self) -> str:
        role = PLAIN
        for part in self._parts:
            if KEYWORD in part.schema:
                return str(part.schema[KEYWORD])
            if "enum" in part.schema or "const" in part.schema or part.schema.get("format") == "date-time":
                role = FIXED
        return role

    @property
    def is_open(self) -> bool:
        """Whether the schemas say nothing of the value: any type is allowed."""
        return not any(
            part.schema.keys() & {"type", "enum", "const", KEYWORD, "properties", "items"} for part in self._parts
        )

    def member(self, key: str, holder: Mapping[str, Any]) -> Field:
        if key not in self._members:
            self._members[key] = self._described(key)
        return self._members[key] or guessed(key, holder, self)

    def _described(self, key: str) -> Field | None:
        found = [node for part in self._parts if (node := part.property(key)) is not None]
        words = words_of(key)
        if found:
            field = Described(found, self._inherited or None, words)
            return None if field.is_open and field.role == PLAIN else field
        values = [node for part in self._parts if (node := part.values()) is not None and node.schema]
        if values:
            field = Described(values, self._inherited or None, words)
            return field if field.role != PLAIN or not guess(key, {}, self) else None
        return None

    def item(self, position: int) -> Field:
        if self._items is None:
            found = [node for part in self._parts if (node := part.items()) is not None]
            role = self.role if self.role not in (PLAIN, FIXED) else None
            self._items = Described(found, role, self.words) if found else known(role or PLAIN)
        return self._items

    def knows(self, key: str) -> bool:
        return key in self._names


def guessed(key: str, holder: Mapping[str, Any], outer: Field) -> Field:
    """What a member is that nothing describes, by its name and its neighbours."""
    return _guessed(guess(key, holder, outer) or PLAIN, words_of(key) or getattr(outer, "words", frozenset()))


@lru_cache(maxsize=4096)
def _guessed(role: str, words: frozenset[str]) -> Field:
    return Guessed(role, words)


def guess(key: str, holder: Mapping[str, Any], outer: Field | None = None) -> str | None:
    """The kind of personal data in a field, by its name; None if the name says none."""
    around: frozenset[str] = getattr(outer, "words", frozenset())
    if _is_between(key):
        # The name of what changed is the key of the object around: {"name": {"previous_value": …}}.
        return _by_words(around) or ("name" if "name" in around else None)
    found = _by_words(words_of(key))
    if found is not None or "name" not in words_of(key):
        return found
    if around & _PERSONS or words_of(key) & _PERSONS or any(_BESIDE_NAMES.search(each) for each in holder):
        return "name"
    return None


_BETWEEN = frozenset({"previous_value", "current_value", "value", "old", "new", "before", "after", "from", "to"})


def _is_between(key: str) -> bool:
    return key in _BETWEEN


@lru_cache(maxsize=4096)
def _by_words(words: frozenset[str]) -> str | None:
    if words & {"email", "mail", "emails", "emailaddress"}:
        return "email"
    if words & _PHONE_WORDS:
        return "phone"
    if "ip" in words or "ipaddress" in words:
        return "ip"
    if words & _TOKEN_WORDS or ({"api", "key"} <= words or {"access", "key"} <= words):
        return "token"
    if words & _PICTURES:
        return "url"
    if words & _NAMES or ("name" in words and words & _NAMING):
        return "name"
    if words & {"birth", "birthday", "birthdate", "dob", "iban", "ssn"}:
        return "value"
    if words & _PLACES:
        return "place"
    if words & {"id", "ids", "uuid", "guid", "identifier"}:
        return "id"
    if words & _TEXTS:
        return "text"
    return None


@lru_cache(maxsize=8192)
def words_of(key: str) -> frozenset[str]:
    """The words of a name, in lower case: `first_name`, `firstName` and `First-Name` have the same."""
    return frozenset(word.lower() for word in _WORDS.findall(key[:200]))


@lru_cache(maxsize=1024)
def header_role(name: str, holder: Any = None) -> str:
    """What the value of a header is."""
    lowered = name.lower()
    if lowered in _FIXED_HEADERS or lowered.startswith(("sec-", "access-control-", ":")):
        return FIXED
    if lowered == "content-length":
        return SIZE
    if lowered.endswith("authorization"):
        return AUTHORIZATION
    if lowered in (COOKIE, SET_COOKIE):
        return lowered
    if is_secret(f"{lowered}: ".encode()) or words_of(lowered) & _TOKEN_WORDS:
        return "token"
    return LINK if lowered in ("referer", "origin", "location", "content-location") else PLAIN


def _by_header(name: str, holder: Any) -> str:
    return header_role(name)


def _by_cookie(name: str, holder: Any) -> str:
    return "token"


def _by_query(name: str, holder: Any) -> str:
    return guess(name, {}) or PLAIN


HEADERS = NamedValues(_by_header)
COOKIES = NamedValues(_by_cookie)
QUERY = NamedValues(_by_query)


class HeaderPairs(Field):
    """A list of pairs of a name and a value; the values can't be told by their positions alone."""

    def __init__(self, pairs: Any) -> None:
        self._pairs = pairs if isinstance(pairs, list) else []

    def item(self, position: int) -> Field:
        pair = self._pairs[position] if position < len(self._pairs) else None
        name = pair[0] if isinstance(pair, list) and pair and isinstance(pair[0], str) else ""
        return Pair(known(header_role(name)))


class Pair(Field):
    """A pair, of which the first is fixed."""

    def __init__(self, value: Field) -> None:
        self._value = value

    def item(self, position: int) -> Field:
        return self._value if position else FIXED_FIELD


def _all(role: str, names: str) -> dict[str, Field]:
    return {name: known(role) for name in names.split()}


def har_entry(request_body: Field, response_body: Field) -> Field:
    """An entry of a HAR."""
    request = Members(
        {
            **_all(FIXED, "method httpVersion headersSize"),
            "url": known(LINK),
            "headers": HEADERS,
            "cookies": COOKIES,
            "queryString": QUERY,
            "bodySize": known(SIZE),
            "postData": Members(
                {
                    **_all(FIXED, "mimeType encoding _encoding"),
                    "text": BodyField(request_body),
                    "params": QUERY,
                }
            ),
        }
    )
    response = Members(
        {
            **_all(FIXED, "status statusText httpVersion headersSize"),
            "headers": HEADERS,
            "cookies": COOKIES,
            "redirectURL": known(LINK),
            "bodySize": known(SIZE),
            "content": Members(
                {
                    **_all(FIXED, "mimeType encoding compression"),
                    "size": known(SIZE),
                    "text": BodyField(response_body),
                }
            ),
        }
    )
    return Members(
        {
            **_all(FIXED, "startedDateTime time timings cache pageref connection"),
            "request": request,
            "response": response,
            "serverIPAddress": known("ip"),
        }
    )


def _kept(request_body: Field, answer_body: Field, answer_headers: Any) -> dict[str, Field]:
    """The request and answer of an exported journal."""
    request = {"head": known(HEAD), "body": Members({"text": BodyField(request_body), "encoding": FIXED_FIELD})}
    answer = {
        "headers": HeaderPairs(answer_headers),
        "body": Members({"text": BodyField(answer_body), "encoding": FIXED_FIELD}),
    }
    return {"request": Members(request), "answer": Members(answer)}


def attempt(body: Field, answer_headers: Any) -> Field:
    """An attempt in an exported journal."""
    fixed = (
        "type id run sent_at at vendor profile event delivery attempt copy status milliseconds verdict final faults "
        "recorded problem"
    )
    return Members(
        {
            **_all(FIXED, fixed),
            **_all("id", "event_id conversation"),
            "target": known(LINK),
            **_kept(body, Field(), answer_headers),
        }
    )


def call(body: Field, answer: Field, answer_headers: Any) -> Field:
    """A call in an exported journal."""
    fixed = "type id run at vendor operation method comm_type credentials status recorded milliseconds problem"
    return Members(
        {
            **_all(FIXED, fixed),
            **_kept(body, answer, answer_headers),
            "path": known(LINK),
            "session": known("id"),
            "fields": body,
            "body": BodyField(body),
        }
    )


def generated(body: Field) -> Field:
    """A line of `vendorsim generate`."""
    return Members(
        {
            **_all(FIXED, "vendor profile event at method"),
            **_all("id", "id conversation"),
            "headers": HeaderMap(),
            "body": body,
        }
    )
