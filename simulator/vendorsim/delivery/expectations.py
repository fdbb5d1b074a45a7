"""What the steps `expect_call` and `authenticate` expect in a conversation. Pure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from vendorsim.conversation.state import Conversation
from vendorsim.delivery.call_matching import CONVERSATION, CallPattern, SameText
from vendorsim.delivery.records import NOT_JUDGED, CallOutcome
from vendorsim.scenario.calls import AT_LEAST_ONCE, THIS, CallName, FromStory, Statuses, Times
from vendorsim.scenario.verbs import Authenticate, ExpectCall
from vendorsim.vendorkit import registry

# Milliseconds: the defaults of `within` and `quiet`.
WITHIN, QUIET = 10_000, 1_000
_WORDS = {CONVERSATION: "conversation", "comm_type": "kind of session"}

Waiting = Authenticate | ExpectCall
"""The verbs that wait for calls."""


class CallExpectation(Struct, frozen=True):
    """What a step expects in one conversation: the call, how often, and for how many milliseconds it waits.

    `quiet` is how long no call too many may come. With `after_saying`, the identifier, the step fails when the call
    came before the visitor had said who he is: `said` is what he had told when the step began. `identified` says that
    it is the step `authenticate`; it counts every call of its operation, so that no later step does.
    """

    pattern: CallPattern
    times: Times
    within: int
    quiet: int
    identified: bool = False
    after_saying: str | None = None
    said: tuple[str, ...] = ()

    @property
    def identifier(self) -> str | None:
        """The expected identifier of `authenticate`."""
        return self.after_saying


def expectation(verb: Waiting, state: Conversation, conversation: str) -> CallExpectation:
    """What the step expects in a conversation with this state; `conversation` is its id in the vendor's bodies."""
    if isinstance(verb, Authenticate):
        return _identification(verb, state, conversation)
    values: dict[str, Any] = {CONVERSATION: SameText(conversation, or_none=True)}
    if verb.status is not None:
        values["status"] = verb.status
    values |= {key: _bound(value, state, conversation) for key, value in (verb.body or {}).items()}
    # Where no call has to come, `within` is the time in which none may come.
    only_quiet = verb.times.least == 0
    within = 0 if only_quiet else WITHIN if verb.within is None else verb.within
    quiet = verb.quiet if verb.quiet is not None else verb.within if only_quiet else None
    pattern = CallPattern(verb.call, values, conversation, _WORDS)
    return CallExpectation(pattern, verb.times, within, QUIET if quiet is None else quiet)


def _identification(verb: Authenticate, state: Conversation, conversation: str) -> CallExpectation:
    """`authenticate` as an `expect_call`: at least one call of the identification API, for this session, with the
    identifier, and accepted. The integration is not blamed for a forced answer."""
    known = registry.identification()
    identifier = verb.identifier or state.identifier
    values: dict[str, Any] = {CONVERSATION: SameText(conversation), "comm_type": known.comm_types[state.channel]}
    if verb.answer is None:
        values["status"] = Statuses((known.accepted,))
    if identifier is not None:
        values["identifier"] = identifier
    name = CallName(known.operation, known.vendor, known.operation)
    pattern = CallPattern(name, values, conversation, _WORDS)
    return CallExpectation(pattern, AT_LEAST_ONCE, verb.within, 0, True, identifier, tuple(state.said()))


def _bound(value: Any, state: Conversation, conversation: str) -> Any:
    if not isinstance(value, FromStory):
        return value
    if value.word == THIS:
        return SameText(conversation)
    datum = value.word.rpartition(".")[2]
    found = state.untold.get(datum, getattr(state.visitor, datum))
    return None if found is None else SameText(str(found))


def not_judged(verb: Waiting, state: Conversation, conversation: int | str, why: str) -> CallOutcome:
    """The outcome of a step that can't be judged, for the reason `why`."""
    expected = expectation(verb, state, str(conversation))
    return CallOutcome(
        state.index,
        conversation,
        expected.pattern.operation,
        str(expected.times),
        NOT_JUDGED,
        reason=why,
        identified=expected.identified,
        identifier=expected.identifier,
    )


def is_early(before: list[str], said: list[str], identifier: str | None) -> bool:
    """Whether a call came before the visitor had said who he is.

    `before` is what the visitor had told when the call arrived, `said` what he has told now. He says who he is by
    naming the identifier; if he never does, by his first message.
    """
    naming = [text for text in said if identifier is not None and identifier in text]
    return bool(said) and not any(text in before for text in naming or said)
