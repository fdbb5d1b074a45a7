"""Pages of a vendor, for people: a blueprint with the headers of safe pages, errors as pages, and the common style.

A page is a Jinja template of the vendor's package, which escapes all values. It extends `page.html`, which links the
styles of the workbench (`tokens.css`, `base.css`), so that all pages look alike, in light and dark.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, render_template, send_from_directory
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

# The values of all styles, and the style of all pages.
STYLES = {name: Path(__file__).with_name(name) for name in ("tokens.css", "base.css")}
_TEMPLATES = Path(__file__).with_name("templates")
# Scripts, styles and data come from this server only; a script can send a form nowhere else.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)
_NOWHERE = "'none'"


class PageError(HTTPException):
    """An error that is shown as a page, with a title and a text that says what to do."""

    def __init__(self, code: int, title: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.title = title


def pages(name: str, folder: Path, files: str) -> Blueprint:
    """A blueprint for a vendor's pages.

    `folder` holds `templates/` and `static/`; the files of `static/`, and `tokens.css` and `base.css`, are served below
    the path `files`. Give templates a name that begins with the vendor's (`acme/chat.html`): all vendors share one
    space of names. Errors in its views, such as PageError, are pages. A page that other pages may frame sets
    `frame_ancestors` of its response (see `framed_by`).
    """
    blueprint = Blueprint(name, __name__)
    blueprint.jinja_loader = ChoiceLoader([FileSystemLoader(folder / "templates"), FileSystemLoader(_TEMPLATES)])
    blueprint.after_request(guarded)
    blueprint.register_error_handler(HTTPException, error_page)

    @blueprint.context_processor
    def links() -> dict[str, str]:
        return {"files": files}

    @blueprint.get(f"{files}/<name>")
    def file(name: str) -> Response:
        return send_from_directory(STYLES[name].parent if name in STYLES else folder / "static", name)

    return blueprint


def error_page(error: HTTPException) -> tuple[str, int]:
    """The page of an error, with its status."""
    title = error.title if isinstance(error, PageError) else error.name
    return render_template("error.html", title=title, text=error.description), error.code or 500


def framed_by(response: AnyResponse, origins: str) -> AnyResponse:
    """Allows pages of some origins to show this one in a frame: CSP sources such as `'self' http://localhost:*`."""
    response.headers["Content-Security-Policy"] = _POLICY.format(ancestors=origins)
    return response


def guarded(response: AnyResponse) -> AnyResponse:
    """The response with the headers of a safe page; a page that has a policy keeps it."""
    policy = response.headers.get("Content-Security-Policy") or _POLICY.format(ancestors=_NOWHERE)
    return guard(response, policy, cache="no-store" if response.mimetype == "text/html" else "no-cache")


def guard(response: AnyResponse, policy: str, cache: str) -> AnyResponse:
    """Sets the headers of a safe page: its policy (CSP), how long it is kept, and what it tells other sites."""
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cache-Control"] = cache
    return response
