"""Bugs in answering, whatever was sent."""

from __future__ import annotations

from threading import Event
from typing import Any

from flask import Response, redirect, request

from .model import WARNING, Helpdesk, variant


@variant("userlike", "accepts.typical")
def accepted_202(desk: Helpdesk) -> None:
    """Answers 202, since the work is done later; Userlike takes nothing but 200."""

    @desk.app.after_request
    def later(response: Response) -> Response:
        if response.status_code == 200 and request.method == "POST":
            response.status_code = 202
        return response


@variant("chatvisor", "accepts.typical")
def trailing_slash(desk: Helpdesk) -> None:
    """Redirects to the same path with a slash at its end; a vendor doesn't follow."""
    desk.before_request(lambda: redirect(f"{request.path}/", 308) if request.method == "POST" else None)


@variant(
    "messagehub",
    "accepts.typical",
    options=("--policy", "read_timeout=400ms"),
)
def slow(desk: Helpdesk) -> None:
    """Works for longer than the vendor waits before it answers."""

    def work() -> None:
        if b'"event":"message_updated"' in request.get_data(cache=True)[:64].replace(b" ", b""):
            Event().wait(1.2)

    desk.before_request(work)


@variant("smartsupp", "rejects.broken_json")
def everything_is_500(desk: Helpdesk) -> None:
    """Answers 500 to every error, its own refusals included."""

    def failed(error: Exception) -> Any:
        return {"message": str(error)}, 500

    for code in (400, 413, 415):
        desk.app.register_error_handler(code, failed)


@variant("chatvisor", "rejects.broken_json", severity=WARNING)
def everything_is_200(desk: Helpdesk) -> None:
    """Answers 200 even to what it can't read, so that nobody ever learns of it."""

    @desk.app.after_request
    def hide(response: Response) -> Response:
        if request.method == "POST":
            response.status_code = 200
        return response


@variant("messagehub", "rejects.content_type")
def silent_json(desk: Helpdesk) -> None:
    """Crashes on a body that is not declared as JSON: the framework gives None for it."""

    def peek() -> None:
        if request.method == "POST" and not request.is_json:
            request.get_json(silent=True)["event"]  # type: ignore[index]

    desk.before_request(peek)


@variant("userlike", "rejects.content_type", severity=WARNING)
def any_content_type(desk: Helpdesk) -> None:
    """Takes a body for JSON whatever it is declared as."""

    @desk.app.before_request
    def pretend() -> None:
        if request.method == "POST":
            request.environ["CONTENT_TYPE"] = "application/json"
