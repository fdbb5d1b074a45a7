"""The web page of the workbench: static files of the package, without a build step or files from other hosts."""

from __future__ import annotations

import gzip
from pathlib import Path

from flask import Blueprint, Response, redirect, request, send_from_directory
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.routing import PathConverter
from werkzeug.wrappers import Response as AnyResponse

from vendorsim.server.control import access, problems
from vendorsim.server.control.problems import ProblemError
from vendorsim.server.control.workbench import Workbench
from vendorsim.vendorkit.web_pages import STYLES, guard

FILES = Path(__file__).resolve().parent / "workbench"
# Scripts, styles and data come from this server only; no other site can frame the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# Scripts that are stored compressed, by the names under which the page loads them.
PACKED = {path.relative_to(FILES).with_suffix("").as_posix(): path for path in FILES.rglob("*.js.gz")}


class _File(PathConverter):
    """A path of a static file: anything except the paths of the control API."""

    regex = r"(?!api(?:/|\Z))[^/].*?"


def page(workbench: Workbench) -> Blueprint:
    """Returns the blueprint of the page of one namespace. Its files hold no data: it reads them from the control API,
    which checks the token."""
    pages = Blueprint("page", __name__)

    @pages.record
    def register_converter(setup: BlueprintSetupState) -> None:
        setup.app.url_map.converters["page_file"] = _File

    @pages.before_request
    def check() -> None:
        access.check_host(request, workbench.settings.allowed_hosts)

    @pages.after_request
    def guarded(response: AnyResponse) -> AnyResponse:
        return guard(response, POLICY, cache="no-cache")

    @pages.get("/")
    def home() -> AnyResponse:
        return redirect(f"{request.script_root}/_vendorsim/")

    @pages.get("/_vendorsim/")
    def index() -> Response:
        return send_from_directory(FILES, "index.html")

    @pages.get("/_vendorsim/<page_file:name>")
    def file(name: str) -> Response:
        if name in PACKED:
            return _unpacked(name)
        return send_from_directory(STYLES[name].parent if name in STYLES else FILES, name)

    pages.register_error_handler(ProblemError, problems.response)
    return pages


def _unpacked(name: str) -> Response:
    """Returns a script that is stored compressed: as it is stored, which browsers accept, or else unpacked."""
    if request.accept_encodings.quality("gzip") > 0:
        response = send_from_directory(FILES, f"{name}.gz", mimetype="text/javascript")
        response.content_encoding = "gzip"
    else:
        response = Response(gzip.decompress(PACKED[name].read_bytes()), mimetype="text/javascript")
    response.vary.add("Accept-Encoding")
    return response
