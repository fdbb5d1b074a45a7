"""How Chatwoot delivers its webhooks, by version: headers, policies, and the kinds of targets with their events."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from vendorsim.core.provenance import RECONSTRUCTED, Stated
from vendorsim.vendorkit.policy import AS_GET, NEW, REPEATED, SUCCESS, UNORDERED, Policy
from vendorsim.vendorkit.profile import WEBHOOK, TargetKind
from vendorsim.vendors.messagehub.observed.versions import (
    AUTOMATION,
    BOT_AND_API_SIGNED,
    BOT_RETRIES,
    BOT_STATUS_EVENTS,
    CONTACT_EVENTS,
    SAFE_FETCH,
    SIGNED,
    Version,
)

TRIGGER = "chatwoot/chatwoot, lib/webhooks/trigger.rb"
JOBS = "chatwoot/chatwoot, app/dispatchers and app/jobs: one job per event, ten at once"
BOT_JOB = "chatwoot/chatwoot v4.15.1, app/jobs/agent_bots/webhook_job.rb (#13521)"
REST_CLIENT = "rest-client/rest-client v2.1.0, lib/restclient/abstract_response.rb"
ONE_CONNECTION = "rest-client/rest-client v2.1.0, lib/restclient/request.rb (transmit): one session per request"
ONE_FETCH = "arkadiyt/ssrf_filter 1.5.0, lib/ssrf_filter/ssrf_filter.rb (fetch_once): one session per request"
RULES = "chatwoot/chatwoot, app/services/automation_rules/action_service.rb"
SAFE = "chatwoot/chatwoot v4.15.1, lib/safe_fetch; arkadiyt/ssrf_filter 1.5.0"

AGENT_BOT, API_CHANNEL, AUTOMATION_RULE = "agent_bot", "api_channel", "automation_rule"

_MESSAGES = frozenset({"message_created", "message_updated"})
_STATUS = frozenset({"conversation_updated", "conversation_status_changed"})
_CONTACTS = frozenset({"contact_created", "contact_updated"})
_INBOXES = frozenset({"inbox_created", "inbox_updated"})
_BOT_ONLY = frozenset({"conversation_opened", "conversation_resolved"})
_RULES = frozenset({"automation_event"})
_WIDGET = "webwidget_triggered"

# Releases of Ruby and their platforms: the newest is from a receiver's request log (2026), 3.2.2 was captured in
# chatwoot/chatwoot#7478, the older ones are from chatwoot/docs#276. An installation can run on another one.
_RUBIES: tuple[tuple[Version, str], ...] = (
    ((4, 0, 0), "(linux-musl x86_64) ruby/3.4.4p34"),
    ((2, 18, 0), "(linux x86_64) ruby/3.2.2p53"),
    ((2, 6, 0), "(linux x86_64) ruby/3.0.4p208"),
    ((0, 0, 0), "(linux x86_64) ruby/3.0.2p107"),
)


def headers(version: Version) -> Mapping[str, str]:
    """The headers of every request, apart from those of the signature (captured in chatwoot/chatwoot#7478)."""
    ruby = next(text for since, text in _RUBIES if version >= since)
    return {
        "Accept": "application/json",
        # From 4.14.0 on, it is the default of Ruby's own HTTP client.
        "User-Agent": "Ruby" if version >= SAFE_FETCH else f"rest-client/2.1.0 {ruby}",
        "Content-Type": "application/json",
        "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
    }


def policy(version: Version) -> Policy:
    """The delivery policy of an account's webhooks."""
    fetched = version >= SAFE_FETCH
    client = SAFE if fetched else REST_CLIENT
    followed = dict.fromkeys((301, 302, 303, 307, 308), REPEATED) if fetched else {303: AS_GET}
    return Policy(
        accepted=Stated(SUCCESS if fetched else frozenset(range(200, 208)), RECONSTRUCTED, client),
        connect_timeout=Stated(5_000, RECONSTRUCTED, TRIGGER),
        read_timeout=Stated(5_000, RECONSTRUCTED, TRIGGER),
        retries=Stated((), RECONSTRUCTED, f"{TRIGGER}; asked for in #15920"),
        redirects=Stated(10, RECONSTRUCTED, client),
        redirected=Stated(followed, RECONSTRUCTED, client),
        ordering=Stated(UNORDERED, RECONSTRUCTED, JOBS),
        in_flight=Stated(10, RECONSTRUCTED, JOBS),
        connections=Stated(NEW, RECONSTRUCTED, ONE_FETCH if fetched else ONE_CONNECTION),
        pause=Stated(None, RECONSTRUCTED, f"{TRIGGER}: what fails is logged and forgotten"),
        switch_off=Stated(None, RECONSTRUCTED, f"{TRIGGER}: what fails is logged and forgotten"),
        signing=Stated("chatwoot" if version >= SIGNED else None, RECONSTRUCTED, f"{TRIGGER} (#13573)"),
    )


def target_kinds(version: Version) -> tuple[TargetKind, ...]:
    """The kinds of targets: an account's webhook, an agent bot, the callback of an API channel, and the webhook of an
    automation rule."""
    six = frozenset({"conversation_created", _WIDGET}) | _MESSAGES | _STATUS
    default = six | _CONTACTS if version >= CONTACT_EVENTS else six
    bot = _MESSAGES | _BOT_ONLY | {_WIDGET} | (_STATUS if version >= BOT_STATUS_EVENTS else frozenset())
    kinds = (
        # `default` is what a new webhook subscribes to. Typing and inbox events have to be subscribed to.
        TargetKind(WEBHOOK.name, without=_BOT_ONLY | _RULES, default=default),
        TargetKind(AGENT_BOT, default=bot, policy=_bot_policy(version), unfiltered=True),
        # An API channel has no widget.
        TargetKind(
            API_CHANNEL,
            without=_BOT_ONLY | _RULES | _CONTACTS | _INBOXES | {_WIDGET},
            policy=_channel_policy(version),
            unfiltered=True,
        ),
    )
    if version < AUTOMATION:
        return kinds
    # Neither signed nor numbered, in any version (app/services/automation_rules/action_service.rb).
    unsigned = replace(policy(version), signing=Stated(None, RECONSTRUCTED, RULES))
    return (*kinds, TargetKind(AUTOMATION_RULE, default=_RULES, policy=unsigned, unfiltered=True))


def _bot_policy(version: Version) -> Policy:
    """Bots get up to three attempts, but only after the statuses 429 and 500."""
    account = policy(version)
    signed = replace(account, signing=_signing("chatwoot" if version >= BOT_AND_API_SIGNED else None))
    if version < BOT_RETRIES:
        return signed
    return replace(
        signed,
        retries=Stated((3_000, 3_000), RECONSTRUCTED, BOT_JOB),
        retried=Stated(frozenset({429, 500}), RECONSTRUCTED, BOT_JOB),
    )


def _channel_policy(version: Version) -> Policy:
    """For three releases, API channels had a delivery id and no secret to sign with."""
    numbered = "chatwoot-delivery" if version >= SIGNED else None
    return replace(policy(version), signing=_signing("chatwoot" if version >= BOT_AND_API_SIGNED else numbered))


def _signing(scheme: str | None) -> Stated[str | None]:
    return Stated(scheme, RECONSTRUCTED, f"{TRIGGER} (#13892)")
