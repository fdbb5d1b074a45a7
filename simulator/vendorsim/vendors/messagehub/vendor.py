"""MessageHub (ClickFunnels), a white-label Chatwoot: the vendor and its profile `documented`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendorsim.core.provenance import ASSUMED, DOCUMENTED, RECONSTRUCTED, Stated
from vendorsim.vendorkit.backend import Backend
from vendorsim.vendorkit.policy import NEW, SUCCESS, UNORDERED, Policy
from vendorsim.vendorkit.profile import WEBHOOK, EventKind, InternalMessage, Profile, Quirk, TargetKind
from vendorsim.vendorkit.vendor import Polling, Vendor
from vendorsim.vendors.messagehub import reactions
from vendorsim.vendors.messagehub.api.operations import FILES, OPERATIONS, TOKEN_HEADER
from vendorsim.vendors.messagehub.api.operations import SOURCE as API_SOURCE
from vendorsim.vendors.messagehub.bodies import ACCOUNT_FIELDS, INBOX_FIELDS, activity
from vendorsim.vendors.messagehub.memory import MessageHubMemory
from vendorsim.vendors.messagehub.observed import profile as observed
from vendorsim.vendors.messagehub.observed.policies import ONE_CONNECTION
from vendorsim.vendors.messagehub.observed.quirks.by_version import quirks
from vendorsim.vendors.messagehub.signing import SCHEMES

if TYPE_CHECKING:
    from flask import Blueprint


SOURCE = "ClickFunnels help, MessageHub integration: supported webhook events (support.myclickfunnels.com)"
JOBS = "Chatwoot source (chatwoot/chatwoot), app/dispatchers and app/jobs: one job per event, ten at once"
TRANSPORT = "Chatwoot source (chatwoot/chatwoot), lib/webhooks/trigger.rb; MessageHub's page says nothing"

_SUMMARIES = {
    reactions.CONVERSATION_CREATED: "a conversation begins",
    reactions.CONVERSATION_UPDATED: "an attribute of a conversation changes; says which, and both values",
    reactions.CONVERSATION_STATUS_CHANGED: "a conversation is resolved, snoozed, set to pending or opened again",
    reactions.MESSAGE_CREATED: "someone writes a message or a private note, or an automatic one is shown",
    reactions.MESSAGE_UPDATED: "a message is edited or deleted",
    reactions.WEBWIDGET_TRIGGERED: "the visitor opens the chat widget",
}


def _identify(body: Any) -> str | None:
    event = body.get("event") if isinstance(body, dict) else None
    return event if isinstance(event, str) and event in _SUMMARIES else None


def _order_key(event: str, body: Any) -> int | None:
    """The time of the conversation's last activity, in seconds since 1970.

    Used for messages too: a message contains the time it was written, not the time it was changed.
    """
    conversation = body.get("conversation") or body.get("current_conversation") or body
    timestamp: int | None = conversation.get("timestamp")
    return timestamp


def _api(backend: Backend) -> Blueprint:
    # Imported here: only servers need Flask.
    from vendorsim.vendors.messagehub.api.blueprint import blueprint

    return blueprint(backend)


# Documented on the help page: agent bots don't get changes of the status.
AGENT_BOT = TargetKind("agent_bot", without=frozenset({reactions.CONVERSATION_STATUS_CHANGED}))

# A private note, a template or an activity is no message between visitor and agent.
MEANING = frozenset({"message_type", "private", "content_type"})
# The page's "any attribute", taken at its word. No server is known to do so.
UPDATED_BY_MESSAGES = Quirk(
    "updated-by-messages",
    "a message, or an agent who joins, is followed by a conversation_updated of unread_count and the like",
    ASSUMED,
    SOURCE,
    reactions.updated_by_messages,
)
PROFILE = Profile(
    name="documented",
    title="account webhooks to the letter of the help page: types as written there, no signature",
    events=tuple(EventKind(name, summary, DOCUMENTED, SOURCE) for name, summary in _SUMMARIES.items()),
    policy=Policy(
        accepted=Stated(SUCCESS, RECONSTRUCTED, TRANSPORT),
        connect_timeout=Stated(5_000, RECONSTRUCTED, TRANSPORT),
        read_timeout=Stated(5_000, RECONSTRUCTED, TRANSPORT),
        retries=Stated((), RECONSTRUCTED, TRANSPORT),
        ordering=Stated(UNORDERED, RECONSTRUCTED, JOBS),
        in_flight=Stated(10, RECONSTRUCTED, JOBS),
        connections=Stated(NEW, RECONSTRUCTED, ONE_CONNECTION),
        pause=Stated(None, RECONSTRUCTED, TRANSPORT),
        switch_off=Stated(None, RECONSTRUCTED, TRANSPORT),
    ),
    # Reconstructed from the same source: lib/webhooks/trigger.rb sends these two headers with every request.
    headers={"Content-Type": "application/json", "Accept": "application/json"},
    meaning_fields=MEANING,
    internal=InternalMessage("activity message", activity),
    reactions=reactions.REACTIONS,
    identify=_identify,
    memory=MessageHubMemory,
    target_kinds=(WEBHOOK, AGENT_BOT),
    order_key=_order_key,
    event_keys=("event",),
    account_fields=ACCOUNT_FIELDS,
    inbox_fields=INBOX_FIELDS,
    quirks=(UPDATED_BY_MESSAGES,),
    # No version of Chatwoot whose source was read sends this: docs/vendors/messagehub.md, "The page and the code".
    unseen=True,
)

OBSERVED = (observed.observed(observed.FIRST), observed.observed(observed.LAST))

VENDOR = Vendor(
    name="messagehub",
    title="ClickFunnels MessageHub",
    profiles={profile.name: profile for profile in (PROFILE, *OBSERVED)},
    operations=OPERATIONS,
    api=_api,
    polling=Stated(Polling(("list_conversations", "show_conversation", "list_messages")), RECONSTRUCTED, API_SOURCE),
    files=FILES,
    headers_with_underscores=(TOKEN_HEADER,),
    conversation_parameters=("conversation_id",),
    schemes=SCHEMES,
    # Version 4.12.0 has every quirk that a version between the listed ones has.
    quirks=quirks((4, 12, 0)),
    version=observed.version,
    versions=observed.CHANGES,
)
