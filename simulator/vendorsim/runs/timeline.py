"""Computes the events of any conversation of a run, from scenario, vendor, profile, seed and start. Pure.

`LiveConversation.advance` makes the events. Generating calls it with the times of the scenario, and playing calls the
same method with the times of a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock

from msgspec.structs import replace

from vendorsim.conversation.casting import Casting, Opening
from vendorsim.conversation.reducer import apply, identify, pass_time
from vendorsim.conversation.said import opening, said
from vendorsim.conversation.state import Conversation, StepError
from vendorsim.core.event import Event, Said
from vendorsim.core.seeding import derive
from vendorsim.runs.variation import Scheduled, Variation
from vendorsim.scenario.calls import THIS, told
from vendorsim.scenario.model import Scenario, Step
from vendorsim.scenario.verbs import Authenticate, Emit, Wait
from vendorsim.vendorkit import contract as contracts
from vendorsim.vendorkit import registry
from vendorsim.vendorkit.profile import Draft, Failed, Profile, Quirk
from vendorsim.vendorkit.vendor import Vendor

# A placeholder for events without a step of the scenario.
NO_STEP = Step(Wait(0))


@dataclass(frozen=True)
class Run:
    """A scenario that is played as a vendor. Conversation *k* starts at `starts + k × spacing` (`starts` is in
    milliseconds since 1970, `spacing` in milliseconds).

    Each of the `quirks` applies to any step with its rate (0 to 1). `files` is that of the conversations. With `vary`,
    conversation 0 is the story as it stands, and the others vary it: how the visitor came, the pauses, and how many
    made-up questions are asked (`vendorsim.runs.variation`).
    """

    scenario: Scenario
    vendor: Vendor
    profile: Profile
    seed: int
    starts: int
    spacing: int = 1_000
    quirks: tuple[tuple[Quirk, float], ...] = ()
    files: str | None = None
    vary: bool = False
    casting: Casting = field(init=False, repr=False)
    contract: contracts.Contract = field(init=False, repr=False)
    tag: str = field(init=False, repr=False)
    variation: Variation = field(init=False, repr=False)
    steps: tuple[Scheduled, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        number = derive(self.seed, self.scenario.title, self.vendor.name, self.profile.name)
        object.__setattr__(self, "contract", contracts.contract(self.vendor.name, self.profile.name))
        object.__setattr__(self, "tag", f"{number >> 32:08x}")
        object.__setattr__(self, "variation", Variation(self._steps(), self.scenario.locale))
        object.__setattr__(self, "steps", tuple(self.variation.as_told(0)))
        # Where the visitor is to be identified, nobody knows yet who he is.
        anonymous = any(isinstance(step.verb, Authenticate) for _, step, _ in self.steps)
        object.__setattr__(self, "casting", Casting(self.scenario, self.seed, self.files, anonymous))

    def conversation(self, index: int) -> LiveConversation:
        """Conversation `index` (from 0), before its first step."""
        varied = self._varies(index)
        state = self.casting.conversation(index, self.begins(index), varied=varied)
        state.talk.planned = self.variation.planned(state.seed) if varied else self.variation.exchanges
        return LiveConversation(self, state)

    def opened(self, index: int, at: int, opening: Opening) -> LiveConversation:
        """A conversation that an API call or a person opens at the time `at` (milliseconds since 1970). Its `index` is
        above those of the run's own conversations."""
        return LiveConversation(self, self.casting.conversation(index, self.begins(index), opening, at))

    def begins(self, index: int) -> int:
        """The time at which conversation `index` starts, in milliseconds since 1970."""
        return self.starts + index * self.spacing

    def order(self) -> list[int] | None:
        """The conversation (by its index) of each step, if the steps of all conversations have one order. None where
        conversations go on beside each other."""
        return None

    def _varies(self, index: int) -> bool:
        return self.vary and index > 0

    def longest(self) -> int:
        """No conversation takes longer than so many milliseconds by the scenario's clock."""
        if self.vary:
            return self.variation.longest()
        last = self.scenario.steps[-1].verb
        return self.steps[-1].at + (last.time if isinstance(last, Wait) else 0) if self.steps else 0

    def schedule(self, index: int) -> list[Scheduled]:
        """The steps for this vendor, each with its time (milliseconds since 1970)."""
        starts = self.begins(index)
        if self._varies(index):
            return self.variation.varied(self.casting.seed_of(index), starts)
        return [Scheduled(number, step, starts + offset) for number, step, offset in self.steps]

    def _steps(self) -> Iterator[tuple[int, Step]]:
        """The steps for this vendor, with their numbers."""
        for number, step in enumerate(self.scenario.steps):
            if step.only is None or self.vendor.name in step.only:
                yield number, step


class LiveConversation:
    """One conversation that is played, and the events of its vendor.

    `called` is whether an integration can call the identification API for it. Without that, an `authenticate` step
    stands for a call that is accepted. `reacts` is whether the vendor sends events about what does not come from the
    scenario, such as calls of its API.
    """

    reacts = True

    def __init__(self, run: Run, state: Conversation) -> None:
        self.run = run
        self.called = False
        self.state = state
        self.id = run.profile.conversation_id(self.state)
        self.memory = run.profile.memory()
        self.event_count = 0
        # The steps of the scenario that the vendor has prevented, each with the reason.
        self.prevented: list[tuple[Step, str]] = []
        # Must be held to read or change the conversation while other threads can use it.
        self.lock = Lock()
        self._held: list[tuple[Draft, Scheduled]] = []

    def advance(self, scheduled: Scheduled) -> list[Event]:
        """Carries out one step and returns the events it causes, in the order the vendor sends them.

        A step of the scenario that the vendor prevents does not happen. Raises StepError if the step is impossible now,
        or is prevented and comes from outside the scenario, and ContractError if our own body breaks its contract.
        """
        drafts: list[Draft] = []
        step = scheduled.step
        profile = self.run.profile
        if profile.prevents is not None:
            reason = profile.prevents(step.verb, self.state, self.memory, scheduled.at)
            if reason is not None:
                if scheduled.number < 0:
                    raise StepError(reason)
                self.prevented.append((step, reason))
                return []
        reactions = profile.reactions
        for change in apply(self.state, step.verb, scheduled.at, step.name):
            reaction = reactions.get(type(change))
            if reaction is not None:
                words = said(change, self.state)
                caused = reaction(change, self.state, self.memory)
                drafts.extend(
                    caused if words is None else [Draft(draft.event, draft.body, draft.held, words) for draft in caused]
                )
        if self.run.quirks or (step.faults and step.quirk is not None):
            for quirk in self._quirks(scheduled):
                drafts = quirk.bend(drafts, self.state, self.memory)
        if isinstance(step.verb, Authenticate) and not self.called:
            self._identify(step.verb)
        elif isinstance(step.verb, Emit):
            return [*self._release(), self._emitted(step.verb, scheduled)]
        if scheduled.number < 0 and not self.reacts:
            return []
        # With some vendors most steps cause no event.
        return self._events(drafts, scheduled) if drafts or self._held else []

    def _identify(self, verb: Authenticate) -> None:
        """Links the conversation with the person that the step expects, unless the step forces another answer."""
        known = registry.identification()
        accepted = verb.answer is None or known.answers[verb.answer].status == known.accepted
        identifier = verb.identifier or self.state.identifier
        if accepted and identifier is not None:
            identify(self.state, {"identifier": identifier})

    def failed(self, failure: Failed, at: int) -> list[Event]:
        """The events that the vendor sends after a delivery has failed finally. `at` is in milliseconds since 1970."""
        react = self.run.profile.failed
        if react is None:
            return []
        pass_time(self.state, at)
        scheduled = Scheduled(-1, NO_STEP, at)
        return [self._event(draft, scheduled) for draft in react(failure, self.state, self.memory)]

    def finish(self) -> list[Event]:
        """The events that were held for a next step, after the last step."""
        return self._release()

    def _quirks(self, scheduled: Scheduled) -> Iterator[Quirk]:
        """The quirks that apply to this step: those of the run, and the step's own if the profile has it."""
        run = self.run
        for quirk, rate in run.quirks:
            if rate >= 1 or derive(run.seed, "quirk", quirk.name, self.state.index, scheduled.number) < rate * 2**64:
                yield quirk
        own = None if scheduled.step.quirk is None else run.profile.quirk(scheduled.step.quirk)
        if own is not None:
            yield own

    def _events(self, drafts: list[Draft], scheduled: Scheduled) -> list[Event]:
        events = self._release() if self._held else []
        for draft in drafts:
            if draft.held:
                self._held.append((draft, scheduled))
            else:
                events.append(self._event(draft, scheduled))
        return events

    def _release(self) -> list[Event]:
        held, self._held = self._held, []
        return [self._event(draft, scheduled) for draft, scheduled in held]

    def _emitted(self, verb: Emit, scheduled: Scheduled) -> Event:
        """The event that a step spells out. It need not fit the contract."""
        wire = verb.wire
        if wire is None:
            return self._sent(verb.event, self.run.profile.encode(told(verb.body, self._value)), scheduled)
        event = self._sent(verb.event, wire.body, scheduled)
        return replace(event, method=wire.method, headers=wire.headers, delivery=wire.delivery)

    def _value(self, word: str) -> int | str | None:
        """The value of a word of the story: `this`, or `this.visitor.email`."""
        if word == THIS:
            return self.id
        datum = word.rpartition(".")[2]
        found: int | str | None = self.state.untold.get(datum, getattr(self.state.visitor, datum))
        return found

    def _event(self, draft: Draft, scheduled: Scheduled) -> Event:
        body = draft.body() if callable(draft.body) else draft.body
        run = self.run
        if run.profile.adapt is not None:
            seed = derive(run.seed, "adapt", self.state.index, self.event_count)
            body = run.profile.adapt(draft.event, body, seed)
        run.contract.require(draft.event, body)
        return self._sent(draft.event, run.profile.encode(body), scheduled, draft.said)

    def _sent(self, name: str, body: bytes, scheduled: Scheduled, said: Said | None = None) -> Event:
        run = self.run
        number = self.event_count
        self.event_count = number + 1
        # Positional, since keyword arguments take twice the time, and this runs for every event.
        return Event(
            f"evt-{run.tag}-{self.state.index}-{number}",
            self.state.index,
            self.id,
            run.vendor.name,
            run.profile.name,
            name,
            scheduled.at,
            "POST",
            run.profile.headers,
            body,
            scheduled.number,
            None,
            said,
            self.state.visitor.name,
            opening(self.state),
        )


def iter_events(live: LiveConversation) -> Iterator[Event]:
    """The events of a conversation, from its first step to its last."""
    for scheduled in live.run.schedule(live.state.index):
        yield from live.advance(scheduled)
    yield from live.finish()


def prevented(run: Run) -> list[tuple[Step, str]]:
    """The steps of conversation 0 that the vendor prevents, each with the reason. Raises StepError."""
    if run.profile.prevents is None:
        return []
    live = run.conversation(0)
    for scheduled in run.schedule(0):
        live.advance(scheduled)
    return live.prevented


def events(run: Run, count: int) -> Iterator[Event]:
    """The events of `count` conversations, one conversation after the other. Lazy, so memory is constant."""
    for index in range(count):
        yield from iter_events(run.conversation(index))
