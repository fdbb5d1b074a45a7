"""`replies`: an integration that answers visitors by the vendor's API replies once to each message, in its
conversation, and to nothing else.

Each check tells the plain story with one change. What counts is the number of replies, not their texts: that number is
the one of the plain story.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from vendorsim.checks.causes import APART
from vendorsim.checks.context import Context, gather_bounded
from vendorsim.checks.dialogues import (
    MIXED,
    PERSON,
    Dialogue,
    PlainStory,
    about_message,
    begun,
    foreign_texts,
    longest,
    patience,
    replies_plainly,
)
from vendorsim.checks.model import WARNING, NotJudged
from vendorsim.checks.registry import check
from vendorsim.core.event import Event
from vendorsim.core.provenance import ASSUMED, Stated
from vendorsim.scenario import verbs
from vendorsim.server.forced_answers import ForcedAnswer
from vendorsim.vendorkit.policy import ORDERED

TWINS, TOGETHER = 3, 4
# Replies to replies, after which nothing is sent back any more.
MOST_ECHOES = 3

_ONCE = Stated(
    "One message of a visitor gets one reply, however often its delivery comes and whatever becomes of the answer.",
    ASSUMED,
    "usual practice: webhooks are delivered at least once (fazer-ai/agents#49, chatwoot/chatwoot#11901)",
)
_ITSELF = Stated(
    "What an integration writes comes back to it as a webhook, and is no message to reply to.",
    ASSUMED,
    "usual practice: the vendor sends an event for each message, whoever wrote it",
)
_NOTES = Stated(
    "Private notes, and what agents and automatic messages say, are no questions of a visitor.",
    ASSUMED,
    "usual practice: events about messages say who wrote them, and whether they are private",
)
_HANDOVER = Stated(
    "Once a person has the conversation, or it is closed, a bot is silent.",
    ASSUMED,
    "usual practice: a reply after the handover contradicts the person (chatwoot/chatwoot#15681)",
)
_RIGHT = Stated(
    "A reply goes to the conversation of the message that it replies to.",
    ASSUMED,
    "the vendor's bodies name their conversation; several go on at the same time",
)


class Change(Struct, frozen=True):
    """What a case changes. `play` goes on from the visitor's message, which has its replies; replies after it are too
    many. `about` follows "N replies to one message, when"."""

    name: str
    about: str
    play: Callable[[Dialogue, list[Event]], Awaitable[None]]
    cause: str
    severity: str | None = None
    causes: frozenset[str] = frozenset()


async def _again(dialogue: Dialogue, message: list[Event]) -> None:
    await dialogue.send(message)


async def _edited(dialogue: Dialogue, message: list[Event]) -> None:
    with dialogue.live.lock:
        said = next(each for each in reversed(dialogue.live.state.messages) if each.by_visitor)
        verb = verbs.Edit(text=said.text or "", message=said.number)
    await dialogue.tell(verb)


async def _labelled(dialogue: Dialogue, message: list[Event]) -> None:
    await dialogue.tell(verbs.Label(("question",)))


@check("replies.right_conversation", _RIGHT, "Take the conversation from the body of the message that you reply to.")
async def right_conversation(context: Context) -> None:
    """Visitors write in several conversations at the same moment; each reply goes to its own.

    It comes first: the other checks have several conversations at a time, and would blame what they change.
    """
    plain = await replies_plainly(context)
    if not context.takes(plain.event, "side by side"):
        return
    told = [await begun(context, plain) for _ in range(TOGETHER)]
    marks = [f"K{dialogue.id}" for dialogue in told]
    messages = []
    for dialogue, mark in zip(told, marks, strict=True):
        *before, message = dialogue.step(verbs.Say(f"Hello, my order number is {mark}. When will it arrive?"))
        await dialogue.send(before)
        messages.append(message)
    barrier = asyncio.Barrier(TOGETHER)
    await asyncio.gather(*(context.send(message, barrier=barrier) for message in messages))
    await asyncio.gather(*(_settle(context, plain, dialogue, plain.number) for dialogue in told))
    context.case(plain.event)
    counts = [len(dialogue.replies()) for dialogue in told]
    foreign = next(foreign_texts(told, marks), None)
    if foreign is not None:
        found = f"a reply to the message of another conversation: {foreign[2]!r}"
    elif max(counts) > plain.number and min(counts) < plain.number:
        found = f"{', '.join(map(str, counts))} replies in {TOGETHER} conversations"
    else:
        return
    context.settings.shared[MIXED] = True
    context.fail(
        plain.event,
        f"when {TOGETHER} visitors wrote at the same moment, a reply went to another conversation",
        expected=f"{plain.number} in each conversation, to its own message",
        found=found,
        case="side by side",
        cause=("mixed",),
        causes=APART,
    )


@check(
    "replies.once",
    _ONCE,
    "Remember by its id which message has a reply, with a unique key; after a lost answer, look whether it is there.",
)
async def once(context: Context) -> None:
    """Counts the replies to one message: told plainly, delivered again, several times at once, and changed; and where
    the answer to the reply is lost."""
    plain = await replies_plainly(context)
    _told_once(context, plain)
    changes = (
        Change("delivered again", "its delivery came again after the reply", _again, "again"),
        Change("updated", "the vendor said that it was updated", _edited, "update"),
        Change("conversation updated", "the conversation was labelled", _labelled, "conversation"),
    )
    playing = [_after_reply(context, plain, change) for change in _taken(context, plain, changes)]
    if context.takes(plain.event, "answer lost"):
        playing.append(_answer_lost(context, plain))
    await gather_bounded(playing, at_once=8)
    # What is replied to again anyway tells nothing about deliveries at the same moment.
    again = any(finding.reproduce.endswith("delivered-again") for finding in context.result.findings)
    if context.takes(plain.event, "twins") and not again:
        await gather_bounded([_twins(context, plain) for _ in range(TWINS)])


def _told_once(context: Context, plain: PlainStory) -> None:
    """The plain story: the same text twice is one reply too many. Different texts are taken as parts of one."""
    if not context.takes(plain.event, "told once"):
        return
    context.case(plain.event)
    texts = [message.text for message in plain.dialogue.replies()]
    if len(set(texts)) < len(texts):
        _too_many(context, plain.event, "the message came once", 1, len(texts), "told once", ("plain",))
    elif plain.number > 1:
        context.result.reason = f"it replies with {plain.number} messages in the plain story: more are too many"


async def _twins(context: Context, plain: PlainStory) -> None:
    """The delivery comes several times at the same moment."""
    dialogue = await begun(context, plain)
    *before, message = dialogue.step(verbs.Say(None))
    await dialogue.send(before)
    barrier = asyncio.Barrier(TWINS)
    await asyncio.gather(*(context.send(message, barrier=barrier) for _ in range(TWINS)))
    await _settle(context, plain, dialogue, plain.number)
    context.case(plain.event)
    _judge(context, plain, dialogue, f"its delivery came {TWINS} times at the same moment", "twins", "again")


async def _answer_lost(context: Context, plain: PlainStory) -> None:
    """The first reply is carried out, and the answer to that call breaks off."""
    dialogue = await begun(context, plain)
    left = [ForcedAnswer(carried_out=True, begun=True)]

    def lose(call: object) -> ForcedAnswer | None:
        replying = getattr(call, "operation", None) == plain.replying
        return left.pop() if replying and left else None

    dialogue.force = lose
    await dialogue.tell(verbs.Say(None))
    if not await dialogue.replied(1, longest(context, plain)):
        return
    # A second reply comes as late as the integration calls again.
    await dialogue.replied(plain.number + 1, context.settings.waiting.retry)
    context.case(plain.event)
    _judge(context, plain, dialogue, "the answer to its call was lost", "answer lost", "lost answer")


@check("replies.not_to_itself", _ITSELF, "Reply only to messages of the visitor: look at the message's type or sender.")
async def not_to_itself(context: Context) -> None:
    """Sends what the reply causes, as the vendor does; again for each further reply, a few times."""
    plain = await replies_plainly(context)
    if not context.takes(plain.event, "echo"):
        return
    dialogue = await begun(context, plain)
    await dialogue.tell(verbs.Say(None))
    await _settle(context, plain, dialogue, plain.number)
    first = len(dialogue.replies())
    echoes = [event for event in dialogue.echoes if context.gets(event.name)]
    if not echoes:
        raise NotJudged("the target gets no event about a reply")
    rounds = 0
    while echoes and rounds < MOST_ECHOES:
        rounds += 1
        known = len(dialogue.replies())
        dialogue.echoes.clear()
        await dialogue.send(echoes)
        await _settle(context, plain, dialogue, known + 1)
        if len(dialogue.replies()) == known:
            break
        echoes = [event for event in dialogue.echoes if context.gets(event.name)]
    context.case(plain.event)
    found = len(dialogue.replies()) - first
    if found:
        endless = rounds == MOST_ECHOES
        context.fail(
            plain.event,
            "it replies to its own reply, which came back as a webhook"
            + (": an echo loop, which vendorsim ended" if endless else ""),
            expected="no reply",
            found=_replies(found),
            case="echo",
            cause=("echo",),
        )


async def _noted(dialogue: Dialogue, message: list[Event]) -> None:
    await dialogue.tell(verbs.Note("Please check the contract before we answer.", PERSON))


async def _agent_wrote(dialogue: Dialogue, message: list[Event]) -> None:
    await dialogue.tell(verbs.Say("One moment, please. I will look it up.", PERSON))


async def _triggered(dialogue: Dialogue, message: list[Event]) -> None:
    await dialogue.tell(verbs.Trigger("Our office hours are from 9 to 5.", "Office hours"))


@check(
    "replies.not_to_notes",
    _NOTES,
    "Reply only to public messages of the visitor: look at the message's type, its sender, and whether it is private.",
)
async def not_to_notes(context: Context) -> None:
    """Tells a private note, a message of an agent and an automatic one: none gets a reply."""
    plain = await replies_plainly(context)
    changes = (
        Change("private note", "an agent wrote a private note", _noted, "note"),
        Change("agent", "an agent wrote to the visitor", _agent_wrote, "agent"),
        Change("automatic message", "an automatic message was shown", _triggered, "automatic"),
    )
    await gather_bounded([_after_reply(context, plain, each) for each in _taken(context, plain, changes)])


async def _assigned_before(dialogue: Dialogue, message: list[Event]) -> None:
    told = [*await dialogue.tell(verbs.Join(PERSON)), *await dialogue.tell(verbs.Assign((PERSON, None)))]
    events = dialogue.step(verbs.Say(None))
    name = dialogue.live.state.agents[PERSON].name
    # Who gets neither an event of the handover nor its trace in the message can't know of it.
    if not told and not any(name.encode() in event.body for event in events):
        raise NotJudged("nothing that the target gets tells that a person has the conversation")
    await dialogue.send(events)


async def _assigned_meanwhile(dialogue: Dialogue, message: list[Event]) -> None:
    await _late(dialogue, [verbs.Join(PERSON), verbs.Assign((PERSON, None))])


async def _closed_meanwhile(dialogue: Dialogue, message: list[Event]) -> None:
    await _late(dialogue, [verbs.Close(PERSON)])


async def _late(dialogue: Dialogue, handover: Sequence[verbs.Verb]) -> None:
    """A message of the visitor is delivered after what happened next."""
    if dialogue.context.settings.policy.ordering.value == ORDERED:
        raise NotJudged("the vendor delivers in order")
    events = dialogue.step(verbs.Say(None))
    told = [event for verb in handover for event in await dialogue.tell(verb)]
    if not told:
        raise NotJudged("no event that the target gets tells of the handover")
    await dialogue.send(events)


@check(
    "replies.not_after_handover",
    _HANDOVER,
    "Look who has the conversation, and whether it is open, in the body and once more right before you reply.",
)
async def not_after_handover(context: Context) -> None:
    """A visitor writes after the conversation was assigned to a person; a message arrives late, after that or after
    the end."""
    plain = await replies_plainly(context)
    person, overtaken = frozenset({"replies beside a person"}), frozenset({"looks once"})
    changes = (
        Change("assigned", "a person had the conversation", _assigned_before, "assigned", causes=person),
        Change(
            "assigned meanwhile",
            "its delivery was overtaken by those of the handover to a person",
            _assigned_meanwhile,
            "assigned meanwhile",
            WARNING,
            person | overtaken,
        ),
        Change(
            "closed meanwhile",
            "its delivery was overtaken by those of the conversation's end",
            _closed_meanwhile,
            "closed",
            WARNING,
            overtaken,
        ),
    )
    await gather_bounded([_after_reply(context, plain, each) for each in _taken(context, plain, changes)])


def _taken(context: Context, plain: PlainStory, changes: Sequence[Change]) -> list[Change]:
    return [change for change in changes if context.takes(plain.event, change.name)]


async def _after_reply(context: Context, plain: PlainStory, change: Change) -> None:
    """A visitor writes and gets the replies; then the change happens, and nothing may follow."""
    dialogue = await begun(context, plain)
    message = await dialogue.tell(verbs.Say(None))
    if not await dialogue.replied(plain.number, longest(context, plain)):
        return  # The delivery was lost, or the API's answer came too late: other checks are about that.
    try:
        await change.play(dialogue, [about_message(message)])
    except NotJudged as reason:
        context.result.reason = context.result.reason or f"{change.name}: not judged, since {reason}"
        return
    await _settle(context, plain, dialogue, plain.number + 1)
    context.case(plain.event)
    _judge(context, plain, dialogue, change.about, change.name, change.cause, change.severity, change.causes)


async def _settle(context: Context, plain: PlainStory, dialogue: Dialogue, number: int) -> None:
    """Waits for that number of replies, then until there are no more calls."""
    if number > plain.number:
        await dialogue.replied(number, patience(context, plain))
    else:
        await dialogue.replied(number, longest(context, plain))
    await dialogue.quiet(patience(context, plain))


def _judge(
    context: Context,
    plain: PlainStory,
    dialogue: Dialogue,
    about: str,
    case: str,
    cause: str,
    severity: str | None = None,
    causes: frozenset[str] = frozenset(),
) -> None:
    """Reports replies beyond those of the plain story."""
    found = len(dialogue.replies())
    if found > plain.number:
        _too_many(context, plain.event, about, plain.number, found, case, (cause,), severity, causes)


def _too_many(
    context: Context,
    event: str,
    about: str,
    expected: int,
    found: int,
    case: str,
    cause: tuple[str, ...],
    severity: str | None = None,
    causes: frozenset[str] = frozenset(),
) -> None:
    context.fail(
        event,
        f"{found - expected} {'reply' if found - expected == 1 else 'replies'} too many, when {about}",
        expected=_replies(expected),
        found=_replies(found),
        case=case,
        severity=severity,
        cause=cause,
        causes=causes,
    )


def _replies(number: int) -> str:
    return "1 reply" if number == 1 else f"{number} replies"
