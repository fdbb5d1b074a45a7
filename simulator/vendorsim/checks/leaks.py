"""`leaks.private`: nothing that is for agents only reaches the customer, nor does anything of another conversation.

The customer's side is the vendor's own API, where an integration writes to the visitor, and each sink that is declared
his side (`--sink whatsapp=customer`), where it passes on what agents write.
"""

from __future__ import annotations

import asyncio

import orjson
from msgspec import Struct

from vendorsim.checks.context import Context
from vendorsim.checks.dialogues import PERSON, Dialogue, Dialogues, begun, longest, patience, replies_plainly
from vendorsim.checks.model import NotJudged
from vendorsim.checks.registry import check
from vendorsim.core.provenance import ASSUMED, Stated
from vendorsim.scenario import verbs
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.profile import InternalMessage

_PRIVATE = Stated(
    "A private note is for agents: none of it is sent to the customer.",
    ASSUMED,
    "usual practice: a note is marked as private in its event (vendorsim vendors NAME)",
)
_APART = Stated(
    "What belongs to one conversation is sent in no other.",
    ASSUMED,
    "the vendor's bodies name their conversation; several go on at the same time",
)
_NOTE = "private note"
_AT_SINK, _OTHER_AT_SINK = "private note at a sink", "another conversation at a sink"


@check(
    "leaks.private",
    _PRIVATE,
    "Leave private notes out of all that you send to the customer, and out of what a model reads to write that.",
)
async def private(context: Context) -> None:
    """An agent notes something: no text of the note is in what the customer gets afterwards."""
    judged = False
    unjudged: list[str] = []
    for side in (_in_replies, _at_sinks):
        try:
            await side(context)
            judged = True
        except NotJudged as reason:
            unjudged.append(str(reason))
    if not judged:
        raise NotJudged("; ".join(dict.fromkeys(unjudged)))


async def _in_replies(context: Context) -> None:
    """A visitor writes, an agent notes something, the visitor writes again: no text of the note is in what follows."""
    plain = await replies_plainly(context)
    if not context.takes(plain.event, _NOTE):
        return
    dialogue = await begun(context, plain)
    await dialogue.tell(verbs.Say(None))
    await dialogue.replied(plain.number, longest(context, plain))
    mark = f"N{dialogue.id}"
    await dialogue.tell(verbs.Note(f"Internal: the customer owes us money, see case {mark}.", PERSON))
    await dialogue.quiet(patience(context, plain))
    await dialogue.tell(verbs.Say(None))
    await dialogue.replied(2 * plain.number, longest(context, plain))
    await dialogue.quiet(patience(context, plain))
    context.case(plain.event)
    for message in dialogue.replies():
        if mark in (message.text or ""):
            _report(context, plain.event, _NOTE, "by the vendor's API", message.text or "", _NOTE)
            return


def _report(
    context: Context, event: str, what: str, place: str, found: str, case: str, remedy: str | None = None
) -> None:
    context.fail(
        event,
        f"the text of {'an' if what[0] in 'aeiou' else 'a'} {what} was sent to the customer, {place}",
        expected="none of it",
        found=found,
        case=case,
        cause=(what,),
        remedy=remedy,
    )


class _Sinks(Struct, frozen=True):
    """The sinks that are the customer's side, and what reaches them."""

    context: Context
    names: frozenset[str]

    @property
    def shown(self) -> str:
        return " and ".join(sorted(self.names))

    async def got(self, mark: str, seconds: float) -> list[ApiCall]:
        """Waits up to `seconds` for calls that hold the mark; returns them."""
        state = self.context.settings.state
        assert state is not None

        def find(calls: list[ApiCall]) -> list[ApiCall]:
            return [call for call in calls if call.name in self.names and mark in _text(call)]

        return await asyncio.to_thread(state.ledger.wait_until, find, bool, seconds)


async def _at_sinks(context: Context) -> None:
    """Agents write in two conversations, one notes something, and the vendor tells of a message that nobody wrote: the
    customer's side gets what agents write to him."""
    dialogues = Dialogues.of(context)
    state = context.settings.state
    names = frozenset(f"sink.{sink.name}" for sink in state.sinks.all() if sink.customer) if state is not None else None
    if not names:
        raise NotJudged("no sink is declared the customer's side, as with --sink whatsapp=customer")
    internal = context.settings.profile.internal
    internal_case = f"{internal.name} at a sink" if internal is not None else ""
    if not any(context.takes(None, case) for case in (_AT_SINK, _OTHER_AT_SINK, internal_case) if case):
        raise NotJudged("no such case is selected")
    sinks = _Sinks(context, names)
    dialogue, other = dialogues.open(context), dialogues.open(context)
    plain, note, foreign, last, own = (f"{kind}{dialogue.id}" for kind in "PNFLA")
    event = await _write(dialogue, f"We are looking into it, case {plain}.", first=True)
    if not await sinks.got(plain, context.settings.waiting.settle):
        raise NotJudged(f"what an agent writes to the visitor does not reach {sinks.shown}")
    await dialogue.tell(verbs.Note(f"Internal: the customer owes us money, see case {note}.", PERSON))
    await _write(other, f"Your parcel is on its way, case {foreign}.", first=True)
    await _write(dialogue, f"It is done, case {last}.")
    await sinks.got(last, context.settings.waiting.settle)
    # It comes last: what the vendor tells of the conversation later would show it as a message of an agent.
    if internal is not None and context.takes(None, internal_case):
        await _tell_internal(dialogue, internal, f"The conversation was handed over to second level, case {own}.")
    leaked = await sinks.got(note, context.settings.waiting.quiet)
    context.case(event)
    if leaked and context.takes(None, _AT_SINK):
        _report(context, event, _NOTE, f"at {leaked[0].name}", _text(leaked[0]), _AT_SINK)
    if internal is not None and (leaked := await sinks.got(own, 0.0)):
        remedy = (
            "Send on only what agents write to the visitor: look at the type of each message, and name those you take."
        )
        _report(context, event, internal.name, f"at {leaked[0].name}", _text(leaked[0]), internal_case, remedy)
    mixed = [call for call in await sinks.got(foreign, 0.0) if call.session_id == dialogue.id or plain in _text(call)]
    if mixed and context.takes(None, _OTHER_AT_SINK):
        context.fail(
            event,
            f"what an agent wrote in another conversation was sent to the customer, at {mixed[0].name}",
            expected=f"nothing of conversation {other.id} in what is sent for conversation {dialogue.id}",
            found=_text(mixed[0]),
            case=_OTHER_AT_SINK,
            cause=("another conversation",),
            statement=_APART,
            remedy="Take what you send from the event at hand, and nothing from a variable that all requests share.",
        )


async def _write(dialogue: Dialogue, text: str, *, first: bool = False) -> str:
    """An agent writes to the visitor, who has written before if it is the `first` time. Returns the event that tells
    it."""
    if first:
        await dialogue.tell(verbs.Start())
        await dialogue.tell(verbs.Say(None))
    told = await dialogue.tell(verbs.Say(text, PERSON))
    if not told:
        raise NotJudged("the vendor sends no event of what an agent writes")
    return told[-1].name


async def _tell_internal(dialogue: Dialogue, internal: InternalMessage, text: str) -> None:
    """Tells a message that is for agents only and that no step causes."""
    context = dialogue.context
    for event in dialogue.step(verbs.Say(text, PERSON)):
        body = internal.of(event.name, orjson.loads(event.body))
        if body is not None and context.is_valid(event.name, body):
            await context.send(event, context.encode(body))


def _text(call: ApiCall) -> str:
    return f"{call.path} {(call.body or b'').decode(errors='replace')}"
