"""Google CCAI Platform: no webhooks in this profile, but an API that integrations call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.vendors.base import ASSUMED, DOCUMENTED, SUCCESS, Operation, Policy, Profile, Stated, Vendor
from simulator.vendors.ccai.signing import SCHEMES

if TYPE_CHECKING:
    from flask import Blueprint

    from simulator.server.state import ServerState

SOURCE = "Google Cloud, CCAI Platform, Mid-session authentication (docs.cloud.google.com)"
_NO_WEBHOOKS = "no webhooks in this profile"


def _identify(body: Any) -> str | None:
    return "end_user" if isinstance(body, dict) else None


def _api(state: ServerState) -> Blueprint:
    # Flask is imported by whoever serves, and by nobody else.
    from simulator.vendors.ccai.api import blueprint

    return blueprint(state)


DOCUMENTED_PROFILE = Profile(
    name="documented",
    title="mid-session authentication: the integration tells who the end user of a call or chat is",
    events=(),
    policy=Policy(
        accepted=Stated(SUCCESS, ASSUMED, _NO_WEBHOOKS),
        connect_timeout=Stated(5_000, ASSUMED, _NO_WEBHOOKS),
        read_timeout=Stated(15_000, ASSUMED, _NO_WEBHOOKS),
    ),
    identify=_identify,
)

VENDOR = Vendor(
    name="ccai",
    title="Google CCAI Platform",
    profiles={DOCUMENTED_PROFILE.name: DOCUMENTED_PROFILE},
    operations=(
        Operation("end_user", "POST", "/apps/api/v1/calls/:call_id/end_user", DOCUMENTED, SOURCE),
        Operation("end_user", "POST", "/apps/api/v1/chats/:chat_id/end_user", DOCUMENTED, SOURCE),
    ),
    api_verbs=("authenticate",),
    api=_api,
    schemes=SCHEMES,
)
