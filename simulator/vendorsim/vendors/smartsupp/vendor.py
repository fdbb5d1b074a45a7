"""Smartsupp: the vendor, and its profiles `documented` (the POST hook) and `webhooks` (the event webhooks)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vendorsim.conversation.state import Conversation
from vendorsim.core.provenance import DOCUMENTED, RECONSTRUCTED, Stated
from vendorsim.vendorkit.policy import SUCCESS, Policy
from vendorsim.vendorkit.profile import Draft, EventKind, Profile, Quirk
from vendorsim.vendorkit.vendor import Vendor
from vendorsim.vendors.smartsupp import reactions as events
from vendorsim.vendors.smartsupp.bodies import ids
from vendorsim.vendors.smartsupp.memory import SmartsuppMemory
from vendorsim.vendors.smartsupp.signing import SCHEMES

SOURCE = "Smartsupp help, Export to 3rd-party system (help.smartsupp.com)"
PAGE = "Smartsupp REST API, Webhooks (docs.smartsupp.com/rest-api/webhooks)"
RECEIVER = (
    "a receiver that runs against the live service: onpaj/Anela.Heblo (GitHub), "
    "Features/Smartsupp/UseCases/ProcessWebhookEvent"
)
OTHER_RECEIVER = "a public receiver, from Smartsupp to Telegram, reads data.rating"
SETTINGS = "a receiver that runs against the live service: onpaj/Anela.Heblo (GitHub), appsettings.Production.json"


def _identify(body: Any) -> str | None:
    """Both kinds of webhooks can have the same URL: the body of an event is no POST hook."""
    return events.POST_HOOK if isinstance(body, dict) and body.get("type") != "event_callback" else None


POST_HOOK = Profile(
    name="documented",
    title="the POST hook: one copy of every finished chat, missed chat and offline message",
    events=(
        EventKind(events.POST_HOOK, "a chat is finished or missed, or an offline message is left", DOCUMENTED, SOURCE),
    ),
    policy=Policy(),
    headers={"Content-Type": "application/json"},
    reactions=events.POST_HOOK_REACTIONS,
    identify=_identify,
    text_fields=frozenset({"ratingDesc"}),
    meaning_fields=frozenset({"type", "isChat", "isMissed", "isTriggered", "isOffline", "isDropped"}),
    account_fields=("accountId",),
)

_LISTED = {
    events.OPENED: "a conversation begins, or is open again",
    events.CLOSED_EVENT: "an agent closes the conversation, or time does",
    events.RATED: "the contact rates the conversation",
    events.AGENT_ASSIGNED: "the conversation is given to an agent",
    events.AGENT_UNASSIGNED: "the conversation is taken from an agent",
    events.AGENT_JOINED: "an agent joins",
    events.AGENT_LEFT: "an agent leaves",
    events.AGENT_REPLIED: "an agent writes a message",
    events.CONTACT_REPLIED: "the visitor writes a message, or leaves one while nobody is there",
    events.MESSAGE_DELIVERED: "an agent's message reaches the visitor",
    events.MESSAGE_DELIVERY_FAILED: "an agent's message can't reach the visitor, who has gone without an address",
}
_HANDLED = {
    events.CLOSED_BY_CONTACT: "the visitor closes the conversation, or leaves unanswered",
    events.BOT_REPLIED: "an automatic message becomes part of the conversation",
    events.CONTACT_CREATED: "the visitor becomes a contact",
    events.CONTACT_UPDATED: "data of the contact change",
    events.CONTACT_ACQUIRED: "the visitor becomes a contact in the middle of a chat",
}
_FILTERED = {
    events.VISITOR_CONNECTED: "the visitor opens the chat widget",
    events.VISITOR_UPDATED: "the visitor goes to another page",
    events.VISITOR_TRIGGERED: "an automatic message is shown to the visitor",
    events.VISITOR_DISCONNECTED: "the visitor leaves unanswered",
    events.VISITOR_TYPING: "the visitor starts or stops typing",
}
# Parts of the summaries that are assumed.
_ASSUMED = {
    events.OPENED: "that it comes again whenever the conversation is open again is assumed",
    events.CLOSED_EVENT: "that time closes a conversation with this event is assumed",
    events.CONTACT_REPLIED: "that an offline message is told so is assumed",
    events.MESSAGE_DELIVERED: "when it is sent is assumed",
    events.MESSAGE_DELIVERY_FAILED: "when it is sent is assumed",
    events.CLOSED_BY_CONTACT: "that a missed chat is told so is assumed",
    events.BOT_REPLIED: "that a trigger is told so is assumed",
    events.CONTACT_ACQUIRED: "when it is sent is assumed",
    **dict.fromkeys(_FILTERED, "when it is sent is assumed"),
}


def _known(provenance: str, source: str, summaries: Mapping[str, str]) -> Iterator[EventKind]:
    for name, summary in summaries.items():
        yield EventKind(name, summary, provenance, f"{source}; {_ASSUMED[name]}" if name in _ASSUMED else source)


def _identify_event(body: Any) -> str | None:
    if not isinstance(body, dict) or body.get("type") != "event_callback":
        return None
    event = body.get("event")
    return event if isinstance(event, str) and event in WEBHOOKS.event_names() else None


def _order_key(event: str, body: Any) -> str:
    """The time in the envelope. It has a fixed width, so its text sorts by time."""
    timestamp: str = body["timestamp"]
    return timestamp


def _as_rating(drafts: list[Draft], conversation: Conversation, memory: SmartsuppMemory) -> list[Draft]:
    return [_with_rating(draft) if draft.event == events.RATED else draft for draft in drafts]


def _with_rating(draft: Draft) -> Draft:
    assert isinstance(draft.body, dict)
    data = {"rating" if key == "rating_value" else key: value for key, value in draft.body["data"].items()}
    return draft._replace(body=draft.body | {"data": data})


# Two public receivers contradict each other, and the vendor publishes nothing.
RATING_VALUE_AS_RATING = Quirk(
    name="rating-value-as-rating",
    summary="the rating of conversation.rated is data.rating in place of data.rating_value",
    provenance=RECONSTRUCTED,
    source=OTHER_RECEIVER,
    bend=_as_rating,
)

WEBHOOKS = Profile(
    name="webhooks",
    title="event webhooks: an envelope around what happened, signed with the app's secret",
    events=(
        *_known(DOCUMENTED, PAGE, _LISTED),
        *_known(RECONSTRUCTED, RECEIVER, _HANDLED),
        *_known(RECONSTRUCTED, SETTINGS, _FILTERED),
    ),
    # Documented: all other answers are retried later. When and how often is not.
    policy=Policy(
        accepted=Stated(SUCCESS, DOCUMENTED, PAGE),
        retried=Stated(None, DOCUMENTED, PAGE),
        signing=Stated("smartsupp", DOCUMENTED, PAGE),
    ),
    headers={"Content-Type": "application/json"},
    reactions=events.WEBHOOK_REACTIONS,
    identify=_identify_event,
    conversation_id=lambda conversation: ids.conversation_id(conversation.id),
    memory=SmartsuppMemory,
    order_key=_order_key,
    event_keys=("event",),
    account_fields=("account_id",),
    quirks=(RATING_VALUE_AS_RATING,),
)

VENDOR = Vendor(
    name="smartsupp",
    title="Smartsupp",
    profiles={POST_HOOK.name: POST_HOOK, WEBHOOKS.name: WEBHOOKS},
    schemes=SCHEMES,
)
