"""The part of MessageHub's REST API that an integration needs: Chatwoot's application API.

Paths, statuses and bodies: source of Chatwoot (chatwoot/chatwoot), swagger/paths/application, app/controllers/api/v1
and app/views/api/v1. MessageHub's own page says only that webhooks can be configured "using the API".
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from vendorsim.conversation.state import StepError
from vendorsim.vendorkit.api_calls import tell_calls
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendors.messagehub.api import (
    canned_responses,
    changes,
    contacts,
    conversations,
    creating,
    files,
    inboxes,
    messages,
    webhooks,
)
from vendorsim.vendors.messagehub.api.operations import TOKEN_HEADER
from vendorsim.vendors.messagehub.api.requests import ApiError, RecordConverter, answer, authorize


def blueprint(backend: Backend) -> Blueprint:
    """All operations of the API. Each requires the token, but for those that serve files."""
    api = Blueprint("messagehub", __name__)
    api.record_once(lambda setup: setup.app.url_map.converters.update(record=RecordConverter))
    tell_calls(api, backend, "messagehub", "conversation_id", token_header=TOKEN_HEADER)

    @api.before_request
    def authorize_() -> None:
        # Whoever knows the URL of a file may read it.
        if not request.path.startswith(files.PREFIX):
            authorize(backend)

    @api.errorhandler(ApiError)
    def refuse(error: ApiError) -> Response:
        response = answer(error.document, error.status)
        response.headers.update(error.headers)
        return response

    @api.errorhandler(StepError)
    def refuse_step(error: StepError) -> Response:
        return answer({"error": str(error)}, 422)

    for part in (webhooks, conversations, creating, changes, messages, contacts, inboxes, canned_responses, files):
        part.add_operations(api, backend)
    return api
