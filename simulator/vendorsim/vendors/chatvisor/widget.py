"""The WebChat plug-in: its settings, and when the chat is hidden.

That a plug-in has colours, texts and an appearance, the five action rules, that the REST API sets the visibility too,
that both can be combined, and that the chat is visible by default: documented (Integration via API - Chat,
docs.chatvisor.com, steps 1 and 2). The names of the settings and how rules are combined are assumed: the chat is
visible while the REST API does not hide it and every rule that is set is met.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema_rs
import orjson
from msgspec import Struct
from msgspec.structs import replace

from vendorsim.conversation.state import Conversation
from vendorsim.core import resources

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 24 * 60


class OfficeHours(Struct, frozen=True):
    """Times of a week. `opens` and `closes` are minutes after midnight; hours that end before they begin end on the
    next day, and equal ones are the whole day. `days` are 0 (Monday) to 6. `timezone` is an IANA name."""

    opens: int = 9 * 60
    closes: int = 17 * 60
    days: frozenset[int] = frozenset(range(5))
    timezone: str = "UTC"

    def contain(self, at: int) -> bool:
        """Whether it is office hours at a time in milliseconds since 1970."""
        local = (_EPOCH + timedelta(milliseconds=at)).astimezone(_zone(self.timezone))
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.opens < self.closes:
            return day in self.days and self.opens <= minute < self.closes
        return (day in self.days and minute >= self.opens) or ((day - 1) % 7 in self.days and minute < self.closes)


class ActionRules(Struct, frozen=True):
    """The conditions under which the chat is visible; one that is not set is always met.

    `seconds_on_page` is how long the visitor has been on the page.
    """

    agent_online: bool = False
    agent_available: bool = False
    office_hours: OfficeHours | None = None
    seconds_on_page: int = 0
    second_visit: bool = False


NO_RULES = ActionRules()


class WebChatSettings(Struct, frozen=True):
    """What an administrator sets: the colour (`#rrggbb`), the corner (`right` or `left`), the texts and the rules."""

    color: str = "#1f54c4"
    position: str = "right"
    title: str = "Chat with us"
    welcome: str = "Hello! How can we help you?"
    placeholder: str = "Write a message"
    rules: ActionRules = NO_RULES

    def changed(self, given: Mapping[str, Any]) -> WebChatSettings:
        """The settings with the given ones, in the form of `contracts/chatvisor/webchat.schema.json`. Raises ValueError
        with the place of an invalid value."""
        for violation in _validator().iter_errors(given):
            place = "/".join(map(str, violation.instance_path))
            raise ValueError(f"{place or 'settings'}: {violation.message}")
        changes: dict[str, Any] = {name: given[name] for name in ("color", "position") if name in given}
        if "actionRules" in given:
            changes["rules"] = _rules(given["actionRules"])
        return replace(self, **changes, **given.get("texts", {}))


DEFAULTS = WebChatSettings()


class WebChat(Struct):
    """The plug-in of one account, which all its conversations share: its settings, and whether the REST API shows the
    chat. Both are replaced as a whole, so no lock is needed."""

    settings: WebChatSettings = DEFAULTS
    visible: bool = True


class Visit(Struct, frozen=True):
    """What the rules look at. `seconds` are those on the present page. `again` is whether the visitor was there before.
    Presences are those of all agents: `online`, `offline`, `away` or `back`."""

    at: int
    seconds: float
    again: bool
    presences: tuple[str, ...]


def reasons(webchat: WebChat, settings: WebChatSettings, visit: Visit) -> Iterator[str]:
    """Why the chat is hidden from a visitor; nothing while it is visible."""
    rules = settings.rules
    if not webchat.visible:
        yield "the REST API hides it"
    if rules.agent_online and all(presence == "offline" for presence in visit.presences):
        yield "no agent is online"
    if rules.agent_available and not any_available(visit.presences):
        yield "no agent is available"
    if rules.office_hours is not None and not rules.office_hours.contain(visit.at):
        yield "it is outside office hours"
    if visit.seconds < rules.seconds_on_page:
        yield f"the visitor has been on the page for {int(visit.seconds)} of {rules.seconds_on_page} s"
    if rules.second_visit and not visit.again:
        yield "it is the visitor's first visit"


def any_available(presences: Iterable[str]) -> bool:
    """Whether any agent is online and not away."""
    return any(presence not in ("offline", "away") for presence in presences)


def visited_before(conversation: Conversation) -> bool:
    """Whether the vendor knows the visitor from before, or the story has led to the present page before."""
    pages = [page.url for page in conversation.pages]
    return conversation.visitor.known or (pages[-1:] != [] and pages[-1] in pages[:-1])


def minutes(text: str) -> int:
    """Minutes after midnight of `HH:MM`."""
    hour, _, minute = text.partition(":")
    return (int(hour) * 60 + int(minute)) % _DAY


def known_timezone(name: str) -> bool:
    """Whether there is a time zone with that IANA name."""
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _rules(given: Mapping[str, Any]) -> ActionRules:
    hours = given.get("officeHours")
    return ActionRules(
        agent_online=given.get("agentOnline", False),
        agent_available=given.get("agentAvailable", False),
        office_hours=None if hours is None else _office_hours(hours),
        seconds_on_page=int(given.get("secondsOnPage", 0)),
        second_visit=given.get("secondVisit", False),
    )


def _office_hours(given: Mapping[str, Any]) -> OfficeHours:
    name = given.get("timezone", "UTC")
    if not known_timezone(name):
        raise ValueError(f"actionRules/officeHours/timezone: there is no time zone '{name}'")
    days = given.get("days", DAYS[:5])
    return OfficeHours(minutes(given["from"]), minutes(given["to"]), frozenset(DAYS.index(day) for day in days), name)


@cache
def _zone(name: str) -> ZoneInfo | Any:
    # UTC needs no files of the system.
    return UTC if name == "UTC" else ZoneInfo(name)


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    path = resources.contracts() / "chatvisor" / "webchat.schema.json"
    return jsonschema_rs.Draft202012Validator(orjson.loads(path.read_bytes()))
