"""Derives the events that each verb of a scenario may cause with a profile.

Vendors do not declare this: the profile's reactions are run. Every step below is carried out in every situation below,
and its events are collected. The situations are states of a conversation, given as steps of the scenario language; they
depend on no vendor. Events of failed deliveries and of quirks are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

from vendorsim.conversation.people import Pool
from vendorsim.conversation.reducer import apply
from vendorsim.conversation.state import Account, Agent, Conversation, StepError, Visitor
from vendorsim.core.seeding import Numbers
from vendorsim.scenario.verbs import (
    DELIVERED,
    TIMEOUT,
    VERBS,
    VISITOR,
    Assign,
    Attributes,
    Close,
    ConfigureWidget,
    Contact,
    Delete,
    Edit,
    Feedback,
    Goal,
    Join,
    Label,
    Leave,
    Miss,
    Navigate,
    Note,
    OfflineMessage,
    OpenWidget,
    Operator,
    Page,
    Pend,
    Rate,
    Read,
    Reopen,
    Say,
    SendToApi,
    Snooze,
    Start,
    Survey,
    Trigger,
    Typing,
    Verb,
)
from vendorsim.vendorkit.profile import Draft, Profile

_ANA, _BEN = "ana", "ben"
_BEGINNING = 1_767_603_600_000  # 2026-01-05T09:00:00Z, in milliseconds since 1970
_MINUTE = 60_000

# The steps of all verbs, in each form that changes a conversation in a different way. All texts are given, so that none
# is made up. Each of these steps ends a conversation of its own, since the events of later steps depend on it.
TURNING: tuple[Verb, ...] = (
    OpenWidget(),
    Start(),
    Start(form={"name": "Dana"}),
    Say("Hello"),
    Say("Hello", _ANA),
    Trigger("Hello"),
    Note("Hello", _ANA),
    Join(_ANA),
    Close(_ANA),
    Close(VISITOR),
    Close(TIMEOUT),
    Snooze(),
    Pend(),
    Reopen(),
    Miss(),
    OfflineMessage("Hello"),
)
# These steps follow each other in one conversation, which is faster.
QUIET: tuple[Verb, ...] = (
    Read(VISITOR, DELIVERED),
    Read(VISITOR),
    Read(_ANA),
    Typing(VISITOR, active=True),
    Typing(VISITOR, active=False),
    Typing(_ANA, active=True),
    Contact(created={"name": "Dan"}),
    Contact(updated={"name": "Dana"}),
    Assign((_ANA, None)),
    Assign((_BEN, None)),
    Assign((None, "Sales")),
    Leave(_ANA),
    Label(("vip",)),
    Attributes({"plan": "pro"}),
    Rate(5),
    Rate(5, "Fine"),
    Feedback("Fine"),
    Survey("Good"),
    Goal("bought"),
    *(Operator(_ANA, goes) for goes in ("online", "offline", "away", "back")),
    ConfigureWidget({"greeting_enabled": True}),
    SendToApi(),
    Navigate(Page("https://www.example.com/", "Example")),
    Edit(1, "Hi"),
    Delete(1),
)

# The steps that lead to each situation. Situations differ in whether the conversation has started, who has written, the
# status, who has the conversation, whether a manual send is queued, and whether the visitor has an e-mail address.
SITUATIONS: tuple[tuple[Verb, ...], ...] = (
    (),
    (OpenWidget(),),
    (Trigger("Hello"),),
    (Start(),),
    (Start(pending=True),),
    (Say("Hi"),),
    (Say("Hi"), Join(_ANA)),
    (Say("Hi"), Say("Hello", _ANA)),
    (Say("Hi"), Assign((_ANA, None))),
    (Say("Hi"), Assign((None, "Sales"))),
    (Say("Hi"), SendToApi()),
    (Say("Hi"), Pend()),
    (Say("Hi"), Snooze()),
    (Say("Hi"), Say("Hello", _ANA), Snooze()),
    (Say("Hi"), Close(_ANA)),
    (Say("Hi"), Close(_ANA), Reopen()),
    (Say("Hi"), Close(_ANA), SendToApi()),
    (Say("Hi"), Miss()),
    (OfflineMessage("Hi"),),
    (Say("Hi"), OfflineMessage("Hello")),
    (Contact(updated={"email": None}), OfflineMessage("Hi")),
    (ConfigureWidget({"greeting_message": "Hi"}),),
)


@cache
def verb_events(profile: Profile) -> Mapping[str, tuple[str, ...]]:
    """The events that each verb may cause, in the order of the profile's events. Silent verbs are left out."""
    caused: dict[str, set[str]] = {}
    for situation, ends in product(SITUATIONS, (QUIET, *((step,) for step in TURNING))):
        for name, events in caused_by((*situation, *ends), profile):
            caused.setdefault(name, set()).update(events)
    return {
        verb: tuple(event for event in profile.event_names() if event in caused[verb])
        for verb in VERBS
        if caused.get(verb)
    }


def caused_by(steps: Iterable[Verb], profile: Profile) -> list[tuple[str, list[str]]]:
    """Carries out the steps, a minute apart, in a new conversation. Returns the name and the events of each verb.

    Impossible steps are left out.
    """
    carried_out = _carried_out(steps, profile, _conversation())
    return [(type(step).name, [draft.event for draft in drafts]) for step, drafts in carried_out]


def bodies_of(steps: Iterable[Verb], profile: Profile, number: int) -> Iterator[tuple[str, Any, int | str]]:
    """Carries out the steps as `caused_by` does, in a conversation with the id `number`. Yields the event, the body,
    and the conversation's id in bodies, of each event."""
    conversation = _conversation(number)
    wanted = profile.conversation_id(conversation)
    for _, drafts in _carried_out(steps, profile, conversation):
        for draft in drafts:
            yield draft.event, draft.body() if callable(draft.body) else draft.body, wanted


def _carried_out(
    steps: Iterable[Verb], profile: Profile, conversation: Conversation
) -> Iterator[tuple[Verb, list[Draft]]]:
    """Carries out the possible steps, each with the drafts of its events."""
    memory = profile.memory()
    for number, step in enumerate(steps):
        drafts: list[Draft] = []
        at = _BEGINNING + number * _MINUTE
        if profile.prevents is not None and profile.prevents(step, conversation, memory, at) is not None:
            continue
        try:
            for change in apply(conversation, step, at):
                reaction = profile.reactions.get(type(change))
                if reaction is not None:
                    drafts.extend(reaction(change, conversation, memory))
        except StepError:
            continue
        yield step, drafts


class _NoPeople(Pool):
    """An empty pool: creating people and sentences takes time, and none are needed here."""

    def __init__(self) -> None:
        pass


_NO_PEOPLE = _NoPeople()


def _conversation(number: int = 1) -> Conversation:
    agents = {_ANA: _agent(_ANA, 1), _BEN: _agent(_BEN, 2)}
    return Conversation(
        index=0,
        id=number,
        account=Account(1, "Example"),
        locale="en_US",
        visitor=_visitor(),
        agents=agents,
        message_ids=Numbers(1, 64, 0),
        seed=0,
        pool=_NO_PEOPLE,
        default_agent=lambda: agents[_ANA],
        started_at=_BEGINNING,
        now=_BEGINNING,
    )


def _agent(key: str, number: int) -> Agent:
    return Agent(key, number, key, key, "", f"{key}@example.com", "Support", 1)


def _visitor() -> Visitor:
    return Visitor(
        id=1,
        token="token",
        name="Dan Doe",
        email="dan@example.com",
        phone=None,
        identifier=None,
        ip="192.0.2.1",
        city=None,
        country=None,
        country_code=None,
        user_agent=None,
        platform=None,
        browser=None,
        browser_version="1.0",
        system="Linux",
        system_version="6.8",
        device="Unknown",
        language="en",
        referer=None,
        note=None,
        group=None,
        custom={},
    )
