"""The part of MessageHub's REST API that an integration needs: Chatwoot's application API.

Paths, statuses and bodies: source of Chatwoot (chatwoot/chatwoot), swagger/paths/application, app/controllers/api/v1
and app/views/api/v1. MessageHub's own page says only that webhooks can be configured "using the API".
"""

from __future__ import annotations

from flask import Blueprint, Response

from vendorsim.conversation.state import StepError
from vendorsim.vendorkit.api_calls import tell_calls
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendors.messagehub.api import changes, conversations, creating, messages, webhooks
from vendorsim.vendors.messagehub.api.operations import TOKEN_HEADER
from vendorsim.vendors.messagehub.api.requests import ApiError, answer, authorize


def blueprint(backend: Backend) -> Blueprint:
    """All operations of the API. Each requires the token."""
    api = Blueprint("messagehub", __name__)
    tell_calls(api, backend, "messagehub", "conversation_id", token_header=TOKEN_HEADER)

    @api.before_request
    def authorize_() -> None:
        authorize(backend)

    @api.errorhandler(ApiError)
    def refuse(error: ApiError) -> Response:
        response = answer(error.document, error.status)
        response.headers.update(error.headers)
        return response

    @api.errorhandler(StepError)
    def refuse_step(error: StepError) -> Response:
        return answer({"error": str(error)}, 422)

    for part in (webhooks, conversations, creating, changes, messages):
        part.add_operations(api, backend)
    return api
