"""How an API reads its bodies, by a vendor that keeps all the common words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask, request
from vendorsim.vendorkit.request_body import BodyReader, Fields

JSON = "application/json"


class RefusedError(Exception):
    """Refuses in plain words."""


class Plain(BodyReader):
    """Reads bodies, and keeps all defaults."""

    def refuse(self, status: int, message: str) -> RefusedError:
        return RefusedError(f"{status} {message}")


class Strict(Plain):
    """Reads bodies in another way where it can be chosen."""

    json_suffix = True
    most_levels = 3
    null_is_missing = False
    blank = "_"
    longest_text = 5


def fields(document: Any, reader: BodyReader | None = None) -> Fields:
    return (reader or Plain()).parse_object(orjson.dumps(document), JSON)


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", " Application/JSON ;x=1"])
def test_json_is_read_whatever_its_type_is_spelled_like(content_type: str) -> None:
    assert Plain().parse(b"[1]", content_type) == [1]


@pytest.mark.parametrize("content_type", [None, "", "text/json", "application/jsonp", "application/vnd.api+json"])
def test_another_type_is_refused(content_type: str | None) -> None:
    with pytest.raises(RefusedError, match=r"^415 Content-Type must be application/json$"):
        Plain().parse(b"{}", content_type)


def test_an_api_may_take_types_with_a_suffix() -> None:
    assert Strict().parse(b"{}", "application/vnd.api+json") == {}
    with pytest.raises(RefusedError):
        Strict().parse(b"{}", "text/vnd.api+json")


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'"\\ud800"', b"NaN"])
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    with pytest.raises(RefusedError, match=r"^400 the body is not JSON: "):
        Plain().parse(raw, JSON)


@pytest.mark.parametrize("raw", [b"null", b"[]", b'"text"', b"1"])
def test_another_value_than_an_object_is_refused(raw: bytes) -> None:
    with pytest.raises(RefusedError, match=r"^400 the body is not a JSON object$"):
        Plain().parse_object(raw, JSON)


def test_deep_bodies_are_refused() -> None:
    assert Strict().parse(b"[[1]]", JSON) == [[1]]
    with pytest.raises(RefusedError, match=r"^400 the body is nested deeper than 3 levels$"):
        Strict().parse(b"[[[1]]]", JSON)


def test_a_body_above_the_limit_is_refused() -> None:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 10
    with app.test_request_context(method="POST", data=b"x" * 10):
        assert Plain().raw(request) == b"x" * 10
    with (
        app.test_request_context(method="POST", data=b"x" * 11),
        pytest.raises(RefusedError, match=r"^413 the body is larger than 1 MiB$"),
    ):
        Plain().raw(request)


def test_values_of_the_right_type() -> None:
    found = fields({"text": "a", "number": 7.0, "child": {"a": 1}, "children": [{"a": 1}, {}], "flag": True})
    assert (found.text("text"), found.need_text("text")) == ("a", "a")
    assert (found.number("number"), found.need_number("number")) == (7, 7)
    assert found.need_child("child").number("a") == 1
    assert [child.values for child in found.need_children("children")] == [{"a": 1}, {}]
    assert found.value("flag", bool, "true or false") is True
    assert "flag" in found
    assert "other" not in found


@pytest.mark.parametrize("document", [{}, {"key": None}])
def test_missing_and_null_fields(document: dict[str, Any]) -> None:
    found = fields(document)
    assert (found.text("key"), found.number("key"), found.child("key"), found.children("key")) == (None, None, None, [])
    assert found.value("key", str, "text", "default") == "default"
    needs: list[Callable[[str], Any]] = [found.need_text, found.need_number, found.need_child, found.need_children]
    for need in needs:
        with pytest.raises(RefusedError, match=r"^400 key is missing$"):
            need("key")


def test_an_api_may_refuse_null_for_optional_fields() -> None:
    found = fields({"key": None}, Strict())
    for read in (found.text, found.number, found.child, found.children):
        with pytest.raises(RefusedError, match=r"^400 key is not a"):
            read("key")
    assert found.text("other") is None
    with pytest.raises(RefusedError, match=r"^400 key is missing$"):
        found.need_text("key")


@pytest.mark.parametrize(
    ("value", "reader", "message"),
    [
        (1, "text", "key is not a string"),
        (True, "number", "key is not a positive integer"),
        (0, "number", "key is not a positive integer"),
        (1.5, "number", "key is not a positive integer"),
        (2**63, "number", "key is not a positive integer"),
        ("1", "number", "key is not a positive integer"),
        ([], "child", "key is not an object"),
        ({}, "children", "key is not a list"),
        ([{}, 1], "children", "key holds something else than objects"),
        (" \t", "need_text", "key is missing"),
    ],
)
def test_values_of_a_wrong_type(value: Any, reader: str, message: str) -> None:
    with pytest.raises(RefusedError, match=f"^400 {message}$"):
        getattr(fields({"key": value}), reader)("key")


def test_long_and_blank_texts() -> None:
    found = fields({"long": "abcdef", "blank": "__", "space": " "}, Strict())
    with pytest.raises(RefusedError, match=r"^400 long is longer than 5 characters$"):
        found.text("long")
    assert found.text("long", 6) == "abcdef"
    with pytest.raises(RefusedError, match=r"^400 blank is missing$"):
        found.need_text("blank")
    assert found.need_text("space") == " "
