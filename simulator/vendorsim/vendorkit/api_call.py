"""One call of a vendor's API or of a sink, as the journal, the control API and tests see it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson
from msgspec import Struct

if TYPE_CHECKING:
    from vendorsim.http.transport import Answer


class ApiCall(Struct):
    """One call of a vendor's API, and its answer.

    `operation` is the operation's name in the vendor's API. `session_id` is the id of the conversation that the call is
    about, empty if there is none. `comm_type` is the kind of session in the path, empty if the path has none. `at` is
    in milliseconds since 1970. `credentials` is the kind of credentials, such as `bearer` or `basic`, or None; the
    secret is not stored. `fields` are the values of a valid body; None if the body was invalid or was not parsed.
    `status` and `message` are those of the answer. `body` is the raw body, None if it was not read. `path` is without
    the query. `media_type` is the body's `Content-Type`, with its parameters; None if it was not kept, or is that of
    JSON. For a call of a sink `vendor` is SINK and `operation` the sink's name; `session_id` is then the id of the
    conversation that the call names.

    `forced` says what a check did to the call on purpose; it is empty for all others. Three kinds were not carried out:
    `refused` was answered with `status`, `no answer` and `answer broken off` have the status 0. `answer lost` was
    carried out and has the status of that, but the caller was not told.

    A call that was recorded on its way to the vendor has a `head`, the bytes of its request's head. Only such a call
    has an `answer`, `milliseconds`, the time until it was complete, and `recorded`, its number in the order of arrival.
    `problem` says what of it was not kept.
    """

    vendor: str
    operation: str
    comm_type: str
    session_id: str
    at: int
    credentials: str | None
    fields: Mapping[str, str] | None
    status: int
    message: str
    body: bytes | None = None
    method: str = "POST"
    path: str = ""
    media_type: str | None = None
    forced: str = ""
    head: bytes | None = None
    answer: Answer | None = None
    milliseconds: float | None = None
    problem: str | None = None
    recorded: int = 0

    def __repr__(self) -> str:
        # Bodies and heads may hold secrets.
        hidden = ("body", "media_type", "head", "answer")
        shown = (name for name in self.__struct_fields__ if name not in hidden)
        return f"ApiCall({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    @property
    def name(self) -> str:
        """`VENDOR.OPERATION`, or `sink.NAME`."""
        return f"{self.vendor}.{self.operation}"

    def document(self) -> Any:
        """The body as a JSON value, whatever its type says (many clients send JSON with the type of a form).

        NO_DOCUMENT if there is none, or if it is no JSON and no form.

        Of a form it is an object: a text for each field, a list of texts for a repeated one, the name of a file.
        """
        if not self.body:
            return NO_DOCUMENT
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            if self.media_type is None or self.media_type.partition(";")[0].strip().lower() not in _FORMS:
                return NO_DOCUMENT
            return _form(self.body, self.media_type)


class _NoDocument:
    """The type of NO_DOCUMENT."""

    def __repr__(self) -> str:
        return "NO_DOCUMENT"


NO_DOCUMENT: Final = _NoDocument()
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def _form(body: bytes, media_type: str) -> Any:
    """The fields of a form as an object. `name[]` counts as `name`, always with a list."""
    # Imported here: it takes part of the start of every command, and few calls are forms.
    from werkzeug.formparser import parse_form_data

    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": media_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    _, texts, files = parse_form_data(environ)
    fields: dict[str, list[str]] = dict(texts.lists())
    for name, items in files.lists():
        fields.setdefault(name, []).extend(item.filename or "" for item in items)
        for item in items:
            item.close()
    return {
        name.removesuffix("[]"): values if name.endswith("[]") or len(values) > 1 else values[0]
        for name, values in fields.items()
    }
