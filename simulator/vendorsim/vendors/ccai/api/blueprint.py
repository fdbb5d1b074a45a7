"""The Flask blueprint of the Apps API: `end_user`, which `answering` answers, and the other operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from vendorsim.vendorkit.backend import Backend
from vendorsim.vendors.ccai.api import answering, apps_api
from vendorsim.vendors.ccai.api.apps_api import LIMITS, AppsApiLimits

if TYPE_CHECKING:
    from flask.blueprints import BlueprintSetupState


class _Segment(BaseConverter):
    """One segment of a path, which may be empty."""

    regex = "[^/]*"


def blueprint(backend: Backend, limits: AppsApiLimits = LIMITS) -> Blueprint:
    """Returns the blueprint. As documented, a doubled slash before `apps` means the same path."""
    api = Blueprint("ccai", __name__)

    @api.record
    def _register_converter(setup: BlueprintSetupState) -> None:
        setup.app.url_map.converters["ccai_segment"] = _Segment

    @api.post("/apps/api/v1/<ccai_segment:comm_type>/<ccai_segment:session_id>/end_user")
    def end_user_(comm_type: str, session_id: str) -> Response:
        headers = request.headers
        authorization, content_type = headers.get("Authorization"), headers.get("Content-Type")
        response = answering.Call(
            backend, comm_type, session_id, request.path, authorization, content_type, _body
        ).answer()
        if response.delay:
            backend.sleep(response.delay)
        return Response(response.body, response.status, response.headers)

    api.register_blueprint(apps_api.blueprint(backend, limits))
    return api


def _body() -> bytes | None:
    """Returns the raw body; None if it is over the limit."""
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        return None
