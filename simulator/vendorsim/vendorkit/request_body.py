"""How a vendor's API reads a JSON body and its fields.

Each API has a subclass of `BodyReader`. Its method `refuse` makes the refusal: the exception that the API's error
handler turns into an answer. The other methods call `refuse` with default messages. An API overrides those methods for
which its vendor has other messages, and those attributes for which it has other rules.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from vendorsim.core.nesting import is_deeper

if TYPE_CHECKING:
    from flask import Request
    from werkzeug.exceptions import RequestEntityTooLarge

_JSON = "application/json"
LARGEST_NUMBER = 2**63 - 1


class BodyReader(ABC):
    """Reads the body of a request, and refuses an invalid one."""

    json_suffix = False
    """Whether types such as `application/vnd.api+json` count as JSON."""
    most_levels: int | None = 100
    """The maximum number of levels of objects and lists; with None only the parser's limit holds."""
    null_is_missing = True
    """Whether an optional field with null counts as missing. If not, null is a value of a wrong type."""
    blank: str | None = None
    """The characters that a blank text consists of; None for white space as Python defines it."""
    longest_text: int | None = None
    """The maximum number of characters of a text, unless a call gives another one; None for no limit."""

    def raw(self, request: Request) -> bytes:
        """The raw body; empty if there is none. Raises a refusal if it is above the server's limit."""
        from werkzeug.exceptions import RequestEntityTooLarge  # here, since scenarios are read without a server

        try:
            return request.get_data(cache=True)
        except RequestEntityTooLarge as error:
            raise self.too_large(error) from None

    def parse(self, raw: bytes, content_type: str | None) -> Any:
        """The JSON value of a body. Raises a refusal for another content type, invalid JSON, and deep nesting."""
        document = self._parsed(raw, content_type)
        self._check_levels(document)
        return document

    def parse_object(self, raw: bytes, content_type: str | None) -> Fields:
        """The JSON object of a body. Raises a refusal."""
        document = self._parsed(raw, content_type)
        if not isinstance(document, dict):
            raise self.not_an_object()
        self._check_levels(document)
        return Fields(document, self)

    def _parsed(self, raw: bytes, content_type: str | None) -> Any:
        if content_type != _JSON:
            media_type = (content_type or "").partition(";")[0].strip().lower()
            has_suffix = media_type.startswith("application/") and media_type.endswith("+json")
            if media_type != _JSON and not (self.json_suffix and has_suffix):
                raise self.wrong_media_type(media_type)
        try:
            # orjson refuses half a surrogate pair. Webhooks can't contain one either.
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise self.not_json(error) from None

    def _check_levels(self, document: Any) -> None:
        if self.most_levels is not None and is_deeper(document, self.most_levels):
            raise self.too_deep()

    @abstractmethod
    def refuse(self, status: int, message: str) -> Exception:
        """The exception for an answer with this status and message."""

    def too_large(self, error: RequestEntityTooLarge) -> Exception:
        """The body is above the server's limit."""
        return self.refuse(413, "the body is larger than 1 MiB")

    def wrong_media_type(self, found: str) -> Exception:
        """`Content-Type` is not that of JSON; `found` is empty if the header is missing."""
        return self.refuse(415, "Content-Type must be application/json")

    def not_json(self, error: orjson.JSONDecodeError) -> Exception:
        """The body can't be parsed."""
        return self.refuse(400, f"the body is not JSON: {error}")

    def too_deep(self) -> Exception:
        """The body has more than `most_levels` levels."""
        return self.refuse(400, f"the body is nested deeper than {self.most_levels} levels")

    def not_an_object(self) -> Exception:
        """The body is another JSON value."""
        return self.refuse(400, "the body is not a JSON object")

    def missing(self, key: str) -> Exception:
        """A required field is missing, null or blank."""
        return self.refuse(400, f"{key} is missing")

    def wrong_type(self, key: str, expected: str) -> Exception:
        """The value of a field is of a wrong type or out of range; `expected` describes the right one."""
        return self.refuse(400, f"{key} is not {expected}")

    def wrong_items(self, key: str) -> Exception:
        """Not all items of a list are objects."""
        return self.refuse(400, f"{key} holds something else than objects")

    def too_long(self, key: str, longest: int) -> Exception:
        """A text is longer than `longest` characters."""
        return self.refuse(400, f"{key} is longer than {longest} characters")


class Fields:
    """An object in a body. Each method returns the value of a key, or raises a refusal if it is of another type.

    Unknown keys are ignored. The `need_…` methods refuse a missing value, too.
    """

    __slots__ = ("_reader", "values")

    def __init__(self, values: Mapping[str, Any], reader: BodyReader) -> None:
        self.values = values
        self._reader = reader

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def value(self, key: str, kind: type | tuple[type, ...], expected: str, default: Any = None) -> Any:
        """A value of the type `kind`, or the default if it is missing. `expected` describes the type in the refusal."""
        value = self.values.get(key)
        if value is None and (self._reader.null_is_missing or key not in self.values):
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self._reader.wrong_type(key, expected)
        return value

    def text(self, key: str, longest: int | None = None) -> str | None:
        """A text of at most `longest` characters (default: the reader's `longest_text`)."""
        value: str | None = self.value(key, str, "a string")
        most = longest or self._reader.longest_text
        if value is not None and most is not None and len(value) > most:
            raise self._reader.too_long(key, most)
        return value

    def number(self, key: str) -> int | None:
        """A whole number from 1. As in JSON Schema, 1.0 is one, too."""
        expected = "a positive integer"
        value = self.value(key, (int, float), expected)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is not None and not (isinstance(value, int) and 1 <= value <= LARGEST_NUMBER):
            raise self._reader.wrong_type(key, expected)
        return value

    def child(self, key: str) -> Fields | None:
        """An object."""
        value = self.value(key, dict, "an object")
        return None if value is None else Fields(value, self._reader)

    def children(self, key: str) -> list[Fields]:
        """The objects in a list; empty if the list is missing."""
        items = self.value(key, list, "a list", [])
        if not all(isinstance(item, dict) for item in items):
            raise self._reader.wrong_items(key)
        return [Fields(item, self._reader) for item in items]

    def need_text(self, key: str, longest: int | None = None) -> str:
        """A text; blank counts as missing."""
        value = self.text(key, longest) if self._has(key) else None
        if value is None or not value.strip(self._reader.blank):
            raise self._reader.missing(key)
        return value

    def need_number(self, key: str) -> int:
        """A whole number from 1."""
        value = self.number(key) if self._has(key) else None
        if value is None:
            raise self._reader.missing(key)
        return value

    def need_child(self, key: str) -> Fields:
        """An object."""
        value = self.child(key) if self._has(key) else None
        if value is None:
            raise self._reader.missing(key)
        return value

    def need_children(self, key: str) -> list[Fields]:
        """The objects in a list, which may be empty."""
        if not self._has(key):
            raise self._reader.missing(key)
        return self.children(key)

    def _has(self, key: str) -> bool:
        """Whether a required field is present. Here null counts as missing in every API."""
        return self.values.get(key) is not None
