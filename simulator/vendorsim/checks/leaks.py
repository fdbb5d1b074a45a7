"""`leaks.private`: nothing that is for agents only reaches the customer, nor does anything of another conversation.

The customer's side is the vendor's own API here: what an integration writes to the visitor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from vendorsim.checks.context import Context
from vendorsim.checks.dialogues import PERSON, Dialogue, begun, longest, patience, replies_plainly
from vendorsim.checks.registry import check
from vendorsim.core.provenance import ASSUMED, Stated
from vendorsim.scenario import verbs

_PRIVATE = Stated(
    "A private note is for agents: none of it is sent to the customer.",
    ASSUMED,
    "usual practice: a note is marked as private in its event (vendorsim vendors NAME)",
)


@check(
    "leaks.private",
    _PRIVATE,
    "Leave private notes out of all that you send to the customer, and out of what a model reads to write that.",
)
async def private(context: Context) -> None:
    """A visitor writes, an agent notes something, the visitor writes again: no text of the note is in what follows."""
    plain = await replies_plainly(context)
    if not context.takes(plain.event, "private note"):
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
    async for place, text in _sent_to_customer(dialogue):
        if mark in text:
            context.fail(
                plain.event,
                f"the text of a private note was sent to the customer, by {place}",
                expected="none of it",
                found=text,
                case="private note",
                cause=("private note",),
            )
            return


async def _sent_to_customer(dialogue: Dialogue) -> AsyncIterator[tuple[str, str]]:
    """Yields the place and text of each message to the customer. Another place that the customer sees, such as a sink
    that is declared his side, is one more loop here."""
    for message in dialogue.replies():
        yield "the vendor's API", message.text or ""
