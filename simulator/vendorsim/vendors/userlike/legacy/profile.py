"""The profile `legacy`: the API add-on's callbacks before Unified Messaging, as the public samples show them."""

from __future__ import annotations

from functools import partial

import orjson

from vendorsim.conversation.state import Conversation
from vendorsim.core.provenance import CAPTURED, DOCUMENTED, RECONSTRUCTED, Stated
from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.profile import Draft, EventKind, Profile, Quirk
from vendorsim.vendors.userlike.identify import identify, order_key
from vendorsim.vendors.userlike.legacy.reactions import REACTIONS
from vendorsim.vendors.userlike.memory import UserlikeMemory

_SAMPLES = "grokify/chathooks, docs/handlers/userlike"
SOURCE = f"Userlike docs, API add-on, before Unified Messaging (its table of events is kept in {_SAMPLES}/README.md)"
_SAMPLED = f"the body has the keys of its sample ({_SAMPLES})"

# Event, when it is sent, source of its body.
_EVENTS = (
    ("chat_meta.start", "a chat starts", _SAMPLED),
    ("chat_meta.forward", "the chat goes to another operator or group", _SAMPLED),
    ("chat_meta.rating", "the visitor rates the chat", _SAMPLED),
    ("chat_meta.feedback", "the visitor leaves feedback", f"{_SAMPLED}, which names itself rating"),
    ("chat_meta.survey", "the visitor answers the survey", _SAMPLED),
    ("chat_meta.receive", "a chat has ended", _SAMPLED),
    ("chat_meta.goal", "a goal is reached", "there is no sample: the body of the other events is assumed"),
    ("offline_message.receive", "a visitor leaves a message while nobody is there", _SAMPLED),
    ("operator.online", "an operator goes online", _SAMPLED),
    ("operator.offline", "an operator goes offline", _SAMPLED),
    ("operator.away", "an operator goes away", _SAMPLED),
    ("operator.back", "an operator comes back from away", _SAMPLED),
    ("chat_widget.config", "a widget's configuration is edited", _SAMPLED),
)

_NAMES = frozenset(name for name, _, _ in _EVENTS)


def _as_rating(drafts: list[Draft], conversation: Conversation, memory: UserlikeMemory) -> list[Draft]:
    """Feedback whose body says rating. For subscriptions it is still feedback."""
    return [_named_rating(draft) if draft.event == "chat_meta.feedback" else draft for draft in drafts]


def _named_rating(draft: Draft) -> Draft:
    assert isinstance(draft.body, dict)
    return draft._replace(body=draft.body | {"_event": "rating"})


FEEDBACK_AS_RATING = Quirk(
    name="feedback-as-rating",
    summary="the callback of a feedback says `_event` rating, and only feedback_message tells it from one",
    provenance=CAPTURED,
    source=f"{_SAMPLES}/event-example_chat-meta_feedback.json",
    bend=_as_rating,
)

LEGACY = Profile(
    name="legacy",
    title="the API add-on before Unified Messaging: chat_meta, offline_message, operator and chat_widget",
    events=tuple(EventKind(name, summary, DOCUMENTED, f"{SOURCE}; {body}") for name, summary, body in _EVENTS),
    policy=Policy(
        accepted=Stated(frozenset({200}), RECONSTRUCTED, "today's page (docs.userlike.com/developers/api/add-on)"),
    ),
    # As on today's page.
    headers={"Content-Type": "application/JSON"},
    reactions=REACTIONS,
    identify=partial(identify, _NAMES),
    memory=UserlikeMemory,
    # In the samples, keys are in alphabetical order at every depth.
    encode=partial(orjson.dumps, option=orjson.OPT_SORT_KEYS),
    order_key=order_key,
    event_keys=("_type", "_event"),
    # The channel that a conversation comes through is a chat widget here.
    account_fields=("customer_id",),
    inbox_fields=("chat_widget/id", "widget_id"),
    text_fields=frozenset({"feedback_message"}),
    quirks=(FEEDBACK_AS_RATING,),
)
