"""MessageHub's REST API, as far as an integration needs it: Chatwoot's application API.

Paths, statuses and bodies: source of Chatwoot (chatwoot/chatwoot), swagger/paths/application, app/controllers/api/v1
and app/views/api/v1. MessageHub's own page says no more than that webhooks can be configured "using the API".
"""

from __future__ import annotations

from flask import Blueprint, Response

from vendorsim.conversation.state import StepError
from vendorsim.server.backend import ServerState
from vendorsim.vendorkit.api_calls import tell_calls
from vendorsim.vendors.messagehub import api_changes, api_conversations, api_creating, api_messages, api_webhooks
from vendorsim.vendors.messagehub.api_requests import ApiError, answer, authorize


def blueprint(state: ServerState) -> Blueprint:
    """The operations of the API. Every one asks for the token first."""
    api = Blueprint("messagehub", __name__)
    tell_calls(api, state, "messagehub", "conversation_id")

    @api.before_request
    def authorize_() -> None:
        authorize(state)

    @api.errorhandler(ApiError)
    def refuse(error: ApiError) -> Response:
        response = answer(error.document, error.status)
        response.headers.update(error.headers)
        return response

    @api.errorhandler(StepError)
    def refuse_step(error: StepError) -> Response:
        return answer({"error": str(error)}, 422)

    for part in (api_webhooks, api_conversations, api_creating, api_changes, api_messages):
        part.add_operations(api, state)
    return api
