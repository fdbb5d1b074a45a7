"""Filters of contacts and conversations: a list of conditions, joined by AND and OR.

Rules: source of Chatwoot (chatwoot/chatwoot), app/services/filter_service.rb, app/helpers/filters/filter_helper.rb and
lib/filters/filter_keys.yml. As in SQL, AND binds stronger than OR.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from vendorsim.vendorkit.request_body import Fields
from vendorsim.vendors.messagehub.api.requests import unprocessable

Document = Mapping[str, Any]
Keep = Callable[[Document], bool]
OPERATORS = (
    "equal_to",
    "not_equal_to",
    "contains",
    "does_not_contain",
    "is_present",
    "is_not_present",
    "is_greater_than",
    "is_less_than",
)
MOST = 50
_WITHOUT_VALUES = ("is_present", "is_not_present")


def _direct(name: str) -> Callable[[Document], Any]:
    return lambda document: document.get(name)


def _additional(name: str) -> Callable[[Document], Any]:
    return lambda document: document["additional_attributes"].get(name)


def _of_meta(name: str) -> Callable[[Document], Any]:
    return lambda document: (document["meta"].get(name) or {}).get("id")


_TIMES = {name: _direct(name) for name in ("created_at", "last_activity_at")}
_BOTH = {name: _additional(name) for name in ("browser_language", "country_code", "city", "referer")}
CONTACT_KEYS: Mapping[str, Callable[[Document], Any]] = {
    **{name: _direct(name) for name in ("name", "email", "phone_number", "identifier", "blocked")},
    **_BOTH,
    **_TIMES,
}
CONVERSATION_KEYS: Mapping[str, Callable[[Document], Any]] = {
    **{name: _direct(name) for name in ("status", "inbox_id", "priority", "labels")},
    "display_id": _direct("id"),
    "assignee_id": _of_meta("assignee"),
    "contact_id": _of_meta("sender"),
    "team_id": _of_meta("team"),
    **_BOTH,
    **_TIMES,
}


class _Condition(Struct, frozen=True):
    read: Callable[[Document], Any]
    operator: str
    values: Sequence[str]
    is_last_of_group: bool

    def holds(self, document: Document) -> bool:
        found = self.read(document)
        texts = [_text(item) for item in found] if isinstance(found, list) else [] if found is None else [_text(found)]
        texts = [text for text in texts if text]
        match self.operator:
            case "is_present":
                return bool(texts)
            case "is_not_present":
                return not texts
            case "equal_to":
                return "all" in self.values or any(text in self.values for text in texts)
            case "not_equal_to":
                return not any(text in self.values for text in texts)
            case "contains":
                return any(value in text for value in self.values for text in texts)
            case "does_not_contain":
                return not any(value in text for value in self.values for text in texts)
        number, limit = _number(texts[0]) if texts else None, _number(self.values[0])
        if number is None or limit is None:
            return False
        return number > limit if self.operator == "is_greater_than" else number < limit


def conditions(body: Fields, keys: Mapping[str, Callable[[Document], Any]]) -> Keep:
    """Reads `payload`, and returns whether a document (a contact or a conversation in answers) is kept. Attributes that
    are not in `keys` are custom ones. Raises ApiError."""
    payload = body.children("payload")
    if len(payload) > MOST:
        raise unprocessable(f"vendorsim takes {MOST} conditions at most")
    groups: list[list[_Condition]] = [[]]
    for fields in payload:
        condition = _read(fields, keys)
        groups[-1].append(condition)
        if condition.is_last_of_group:
            groups.append([])

    def keeps(document: Document) -> bool:
        joined = [group for group in groups if group]
        return not joined or any(all(condition.holds(document) for condition in group) for group in joined)

    return keeps


def _read(fields: Fields, keys: Mapping[str, Callable[[Document], Any]]) -> _Condition:
    key = fields.value("attribute_key", str, "text")
    if not key:
        raise unprocessable("Invalid attribute key")
    operator = fields.value("filter_operator", str, "text")
    if operator not in OPERATORS:
        raise unprocessable(f"Invalid operator. Allowed for {key}: {', '.join(OPERATORS)}")
    given = fields.values.get("values")
    items = given if isinstance(given, list) else [] if given in (None, "") else [given]
    if any(item is None or isinstance(item, dict | list) for item in items) or not (
        items or operator in _WITHOUT_VALUES
    ):
        raise unprocessable(f"Invalid value for {key}")
    joined = fields.value("query_operator", str, "AND or OR") or "AND"
    if joined.upper() not in ("AND", "OR"):
        raise unprocessable("Query operator must be AND or OR")

    def custom(document: Document) -> Any:
        return document["custom_attributes"].get(key)

    values = [_text(item) for item in items]
    return _Condition(keys.get(key, custom), operator, values, joined.upper() == "OR")


def _text(value: Any) -> str:
    """Texts are compared in lower case."""
    return str(value).strip().lower()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
