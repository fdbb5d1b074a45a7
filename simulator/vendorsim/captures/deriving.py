"""Derives the steps of a story from captured webhooks. Pure.

No vendor says which step causes which event. Candidates are tried forward: which step, at this point of the story,
would send the captured events? What is made up is told from what follows from the step by trying it in two
conversations of different people (`comparing`). A step that sends nothing shows in later bodies; it is looked for where
a body differs. What no step explains stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import inf
from typing import Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.captures import times
from vendorsim.captures.candidates import DIFFERENCES, PERSON, TEXT, Candidate, candidates, shows_files
from vendorsim.captures.comparing import CLOCK, HOLE, LATER, MISSING, Bindings, BodyDifference, StepComparison
from vendorsim.captures.places import CUSTOM_KEY, IdPlaces, Place, id_places, values
from vendorsim.captures.rehearsal import Rehearsal, Sent
from vendorsim.captures.sequence import CapturedEvent
from vendorsim.conversation.casting import Casting, Opening
from vendorsim.core.pointer import Path
from vendorsim.scenario.locales import DEFAULT, locale_problem
from vendorsim.scenario.model import AccountCast, AgentCast, Cast, Scenario
from vendorsim.scenario.verbs import ConfigureWidget, Contact, Emit, Say, Start, Verb
from vendorsim.vendorkit.profile import Draft, Profile, Quirk
from vendorsim.vendorkit.verb_events import verb_events

# The events of one step leave a vendor within this time (milliseconds).
_TOGETHER = 5_000
_MOST_TOGETHER = 8
_MOST_AGENTS = 6
# Several agents may do something that sends nothing before the next event.
_MORE_AGENTS = 2
# A step explains its events if no more than this part of their values differs.
_EXPLAINED, _LEAST_EXPLAINED = 0.2, 6
# So many of these may be places that tell one step from another.
_MOST_DECISIVE = 1
# What it costs to leave an event unexplained, and to add a step that sends nothing.
_RAW, _SILENT = 60, 0.5
# What it costs that the vendor misbehaves: as much as a value that differs. A quirk is looked for where more differs.
_QUIRK = 1.0
_MADE_UP = 0.25
_MOST_FILLED = 4
_MOST_SILENT = 40
# So many steps are carried out at most, and so many more for each event, before less likely explanations are left out.
# That is a few seconds for a conversation.
_MOST_TRIED, _MOST_TRIED_EACH = 15_000, 300
# In so many of them others are tried.
_MOST_REPLACED = 12
# What it costs that an event was sent at the same time, and is not explained with the others.
_LEFT_ALONE = 4
# How some vendors write a custom datum.
_LABELLED = {"label", "value"}
_BEAM, _TRIED = 3, 2
_MOST_WITH_ALTERNATIVES = 100
_RESTARTS = 8
_MOST_TIMES = 3
# How many beginnings are tried for a capture that does not hold it: the conversation has started, the visitor has
# written, and an agent has answered.
_BEGINNINGS = 3
# So many events tell what a visitor lacks.
_BEGINNING = 4
# Events of one step leave at once (milliseconds); what it costs if they did not.
_AT_ONCE, _APART = 500, 0.3
# So long before its first event a conversation may have begun (milliseconds).
_EARLIEST = 86_400_000
_SECOND_STARTS = 86_400_000 * 11 + 3_723_000
_PEOPLE = ("name", "email", "phone", "identifier")


DOUBTFUL = 1.0
"""What a story costs at least that may be another one."""


class DerivedStep(Struct, frozen=True):
    """A step that was found. `count` is the number of captured events that it explains, from `first` on; `differs` is
    what it does not explain in them. With `Emit` as verb the event is unexplained."""

    verb: Verb
    at: int
    first: int
    count: int
    quirk: str | None = None
    differs: tuple[BodyDifference, ...] = ()


class Derived(Struct, frozen=True):
    """The story of a conversation. `cost` is 0 if all that is not made up is explained. `midway` says that the capture
    begins after the conversation: what was before is taken from later bodies."""

    steps: tuple[DerivedStep, ...]
    cast: Cast
    account: AccountCast
    locale: str
    cost: float
    midway: bool = False


class _Dated(NamedTuple):
    """A step that sends nothing, and its time (milliseconds since 1970)."""

    verb: Verb
    at: int


class _Silent(NamedTuple):
    """A candidate that sends nothing at a point of a story (or `sends` something, from before the capture), and the
    story after it."""

    candidate: Candidate
    after: Rehearsal
    sends: bool


class _Guess(Struct, frozen=True):
    """What is supposed of the cast: which data the visitor has not, and whether the vendor knows him."""

    locale: str
    without: frozenset[str] = frozenset()
    known: bool = False
    anonymous: bool = False
    custom: Mapping[str, Any] = field(default_factory=dict)
    midway: int | None = None


class _Trials(Struct):
    """How many steps the searches for one story have carried out, and how many they may."""

    most: int
    count: int = 0

    @property
    def exhausted(self) -> bool:
        return self.count >= self.most


class _Story(Struct, frozen=True):
    """A story so far: two rehearsals of it, and how much of the capture it explains."""

    first: Rehearsal
    second: Rehearsal
    position: int
    at: int
    steps: tuple[DerivedStep, ...]
    bindings: Bindings
    accepted: frozenset[BodyDifference]
    cost: float
    agents: int
    matches: int = 0
    times: tuple[int, ...] = ()

    def rank(self) -> tuple[float, int]:
        return self.cost, len(self.steps)


def derive(
    events: Sequence[CapturedEvent], profile: Profile, subscribed: frozenset[str], least: float = inf
) -> Derived:
    """The steps that explain the events of one conversation. `subscribed` are the events that the capture holds of any
    conversation; a step may send others, too. A story that costs more than `least` is of no use, and may be given
    up."""
    locale = _locale(events)
    trials = _Trials(_MOST_TRIED + _MOST_TRIED_EACH * len(events))

    def search(guess: _Guess, width: int = 1) -> tuple[Derived, _Guess]:
        bound = least if best is None else min(least, best[0].cost)
        made = _Search(events, profile, subscribed, guess, trials, bound)
        return made.derive(width), made.guess

    best: tuple[Derived, _Guess] | None = None
    for known, anonymous in ((False, False), (True, False), (False, True)):
        found = search(_Guess(locale, known=known, anonymous=anonymous))
        best = found if best is None else min(best, found, key=_cost)
        # Others could only explain moments better.
        if best[0].cost < _MADE_UP:
            break
    assert best is not None
    if isinstance(best[0].steps[0].verb, Emit):
        # The capture may have begun after the conversation.
        for number in range(_BEGINNINGS):
            best = min(best, search(_Guess(locale, midway=number)), key=_cost)
    if lacking := _lacking(events, profile, subscribed, best[1], best[0], trials):
        best = min(search(replace(best[1], without=best[1].without | lacking)), best, key=_cost)
    if best[0].cost >= DOUBTFUL and len(events) <= _MOST_WITH_ALTERNATIVES and not trials.exhausted:
        best = min(best, search(best[1], _BEAM), key=_cost)
    return best[0]


def _cost(found: tuple[Derived, _Guess]) -> float:
    return found[0].cost


def unexplained(events: Sequence[CapturedEvent]) -> Derived:
    """The story that spells out each event."""
    steps = (DerivedStep(Emit(event.event, event.document), event.at, number, 1) for number, event in enumerate(events))
    return Derived(tuple(steps), Cast(), AccountCast(), DEFAULT, _RAW * len(events))


def _lacking(
    events: Sequence[CapturedEvent],
    profile: Profile,
    subscribed: frozenset[str],
    guess: _Guess,
    best: Derived,
    trials: _Trials,
) -> frozenset[str]:
    """The data of the visitor that no body shows, and without which the first events are explained better."""
    found: set[str] = set()
    beginning = events[:_BEGINNING]

    def evidence() -> tuple[float, int]:
        lacks = replace(guess, without=guess.without | found)
        return _Search(beginning, profile, subscribed, lacks, trials).evidence()

    most: tuple[float, int] | None = None
    for name in _PEOPLE:
        if name in best.cast.visitor or name in guess.without or name == "identifier" or trials.exhausted:
            continue
        most = evidence() if most is None else most
        found.add(name)
        if (without := evidence()) > most:
            most = without
        else:
            found.remove(name)
    return frozenset(found)


class _Learnt(Exception):
    """The visitor lacks something, or has custom data: the story is told again."""

    def __init__(self, guess: _Guess) -> None:
        self.guess = guess


class _Search:
    def __init__(
        self,
        events: Sequence[CapturedEvent],
        profile: Profile,
        subscribed: frozenset[str],
        guess: _Guess,
        trials: _Trials,
        least: float = inf,
    ) -> None:
        self.events = events
        self.profile = profile
        self.places: Mapping[str, IdPlaces] = id_places(profile)
        self.subscribed = subscribed
        self.guess = guess
        self.least = least
        self.trials = trials
        self.starts = events[0].at
        self.caused = verb_events(profile)
        self._begin()

    def _begin(self) -> None:
        self.people = [_people(self.guess, number) for number in (0, 1)]
        self.first, self.second = (self._rehearsal(number) for number in (0, 1))
        agents = self.first.state.agents.values()
        self.agent_ids = frozenset(each for agent in agents for each in (agent.id, str(agent.id), agent.email))
        visitor = self.first.state.visitor
        told = {name: getattr(visitor, name) for name in self.people[0]} | self.first.state.untold
        cast = [value for value in told.values() if isinstance(value, str)]
        cast += [text for agent in agents for text in (agent.key, agent.name, agent.email, agent.group)]
        account = self.first.state.account
        self.cast = frozenset((*cast, account.name, account.id, str(account.id), *self.agent_ids))

    def _rehearsal(self, number: int) -> Rehearsal:
        guess = self.guess
        agents = {
            f"agent-{position}-{number}": AgentCast(
                900_100 + 1000 * number + position,
                f"{'Ab'[number]}gent{_WORDS[position]} {'Ab'[number]}cast{_WORDS[position]}",
                f"agent{position}@cast{number}.example",
                f"{'Ab'[number]}group{_WORDS[position]}",
            )
            for position in range(_MOST_AGENTS)
        }
        people = self.people[number]
        given = {name: people.pop(name) for name in _PEOPLE if name in people} if guess.anonymous else {}
        scenario = Scenario(
            f"Cast {number}",
            (),
            locale=guess.locale,
            account=AccountCast(800_100 + number * 1000, f"{'Ab'[number]}ccount Cast"),
            cast=Cast({**given, "custom": dict(guess.custom)}, agents),
        )
        casting = Casting(scenario, number, None, guess.anonymous)
        starts = self._time(self.starts, number)
        made = Rehearsal(
            self.profile, casting.conversation(number, starts, Opening({**people, "known": guess.known}, seed=number))
        )
        people.update(given)
        return made

    def _time(self, at: int, number: int) -> int:
        """A time of the first conversation in that of the second: everything takes longer there."""
        return at if not number else _SECOND_STARTS + self.starts + (at - self.starts) * 3

    def agents(self, count: int) -> list[str]:
        """The keys of the agents who are known, and of a new one."""
        return list(self.first.state.agents)[: min(count + 1, _MOST_AGENTS)]

    # Searching

    def evidence(self) -> tuple[float, int]:
        """How well the events are explained: more is better."""
        story = self._search(1, learning=False)
        return -story.cost, story.matches

    def derive(self, width: int = 1) -> Derived:
        """Looks for the story, and keeps so many alternatives at each point of it."""
        for left in range(_RESTARTS, -1, -1):
            try:
                return self._derived(self._search(width, learning=left > 0))
            except _Learnt as learnt:
                self.guess = learnt.guess
                self._begin()
        raise AssertionError("the last round learns nothing")

    def _search(self, width: int, *, learning: bool) -> _Story:
        story = _Story(self.first, self.second, 0, self.starts, (), Bindings(), frozenset(), 0, 0)
        if self.guess.midway is not None:
            agent = next(iter(self.first.state.agents))
            beginning = ((Start(),), (Say(f"{LATER}0"),), (Say(f"{LATER}0"), Say(f"{LATER}1", agent)))[
                self.guess.midway
            ]
            for verb in beginning:
                self._drafts(self.first, verb, self.starts)
                self._drafts(self.second, self._second(verb), self._time(self.starts, 1))
            steps = tuple(DerivedStep(verb, self.starts, 0, 0) for verb in beginning)
            story = replace(story, steps=steps, agents=len(beginning) // 2)
        open_at: dict[int, list[_Story]] = {0: [story]}
        for position in range(len(self.events)):
            stories = sorted(open_at.pop(position, []), key=_Story.rank)[:width]
            # A story that explains less than another one is not told to its end.
            if stories and not open_at and stories[0].cost > self.least:
                return stories[0]
            for story in stories:
                if story.cost > self.least:
                    continue
                for longer in self._continued(story, width, learning=learning):
                    open_at.setdefault(longer.position, []).append(longer)
        return min(open_at[len(self.events)], key=_Story.rank)

    def _continued(self, story: _Story, width: int, *, learning: bool) -> list[_Story]:
        """The stories with one more step that explains the next events, the best first, or with the next event as it
        is."""
        loud: list[tuple[_Story, Candidate]] = []
        files, settings = self._shows_files(story.position), self._settings(story.position)
        for candidate in self._loud(story, files=files, settings=settings):
            if self._try(story, candidate, loud):
                break
        loud.sort(key=lambda each: (self._penalty(each[0]), -each[0].position))
        found: list[_Story] = []
        silent: list[_Silent] | None = None
        for longer, candidate in loud[: max(width, _TRIED)]:
            if self._penalty(longer) > story.cost:
                if learning and longer.cost > story.cost:
                    self._learn(story, longer)
                if self._penalty(longer) > story.cost + _SILENT:
                    silent = self._silent(story) if silent is None else silent
                    longer = self._with_silent(story, longer, candidate, silent)
            found.append(longer)
            if self._penalty(longer) == story.cost and width == 1:
                break
        if self._is_doubtful(story, found):
            found += self._with_one_before(story, self._silent(story) if silent is None else silent)
        if self.profile.quirks and self._is_doubtful(story, found):
            found += self._with_quirks(story)
        found = [each for each in found if self._explains(story, each)]
        found.sort(key=lambda each: (self._penalty(each), -each.position))
        if not found or found[0].cost >= story.cost + _RAW:
            found.append(self._unexplained(story))
        return found[:width]

    def _is_doubtful(self, story: _Story, found: Sequence[_Story]) -> bool:
        """Whether none of these explains the next events well, and less likely ones may still be tried."""
        return not self.trials.exhausted and all(self._penalty(each) > story.cost + DOUBTFUL for each in found)

    def _shows_files(self, position: int) -> bool:
        at = self.events[position].at
        together = (event for event in self.events[position:] if event.at - at <= _TOGETHER)
        return any(
            shows_files(event.document) or _has_blank(event.document, self.profile.message_fields)
            for event in islice(together, _MOST_TOGETHER)
        )

    def _settings(self, position: int) -> dict[str, Any]:
        """The values at the top of a body that an earlier body with the same keys has otherwise, without times."""
        body = self.events[position].document
        for earlier in reversed(self.events[:position]):
            before = earlier.document
            if (
                isinstance(body, dict)
                and isinstance(before, dict)
                and len(body.keys() & before.keys()) * 2 > len(before)
            ):
                return {
                    key: value
                    for key, value in body.items()
                    if (key not in before or value != before[key])
                    and _is_plain(value)
                    and times.read(value) is None
                    and value != self.events[position].event
                }
        return {}

    def _with_one_before(self, story: _Story, silent: Sequence[_Silent]) -> list[_Story]:
        """The stories with a step that sends nothing, after which another one sends more than it would alone."""
        at = self.events[story.position].at
        found: list[_Story] = []
        silent = [each for each in silent if not each.sends and not each.after.is_where(story.first)]
        for candidate in self._loud(story, files=False) if silent else ():
            alone = self._drafts(story.first.copied(), candidate.verb, at)
            if alone is None or len(alone) >= self._most(story.position, candidate.verb):
                continue
            # Its own text must not be taken for that of the step before it.
            verb = _without_hole(candidate.verb)
            for before in silent:
                first = before.after.copied()
                drafts = self._drafts(first, verb, at)
                if drafts is None or len(drafts) <= len(alone) or not self._fits(story.position, drafts):
                    continue
                sent = self._made(first, drafts)
                if sent is None:
                    continue
                holes = self._holes(story, sent, before.candidate.verb)
                for one in islice(before.candidate.fill(holes), _MOST_FILLED):
                    found += self._both(story, one, candidate)
        return found

    def _most(self, position: int, verb: Verb) -> int:
        """How many of the next captured events such a step may send at most."""
        caused, at = self.caused.get(verb.name, ()), self.events[position].at
        count = 0
        for event in islice(self.events, position, None):
            if event.event not in caused or event.at - at > _TOGETHER:
                break
            count += 1
        return count

    def _both(self, story: _Story, before: Verb, loud: Candidate) -> list[_Story]:
        """The stories with both steps, where the second one gets its arguments after the first one."""
        at = self.events[story.position].at
        first = story.first.copied()
        if self._drafts(first, before, at) != []:
            return []
        sent = self._sent(story, first, loud.verb, at)
        if not sent:
            return []
        made = (
            self._evaluated(story, (_Dated(before, at),), verb, None)
            for verb in islice(loud.fill(self._holes(story, sent, loud.verb)), _MOST_FILLED)
        )
        return [each for each in made if each is not None]

    def _with_quirks(self, story: _Story) -> list[_Story]:
        """The stories with one more step in which the vendor misbehaves."""
        loud: list[tuple[_Story, Candidate]] = []
        at = self.events[story.position].at
        for candidate in candidates(story.first.state, self.agents(story.agents), files=False):
            if not self.caused.get(candidate.verb.name):
                continue
            first = story.first.copied()
            drafts = self._drafts(first, candidate.verb, at)
            plain = self._made(first, drafts) if drafts else None
            for quirk in self.profile.quirks if plain else ():
                first = story.first.copied()
                sent = self._sent(story, first, candidate.verb, at, quirk)
                if sent and sent != plain:
                    self._try_sent(story, replace(candidate, quirk=quirk), sent, loud)
        return [longer for longer, _ in loud if self._is_of_quirk(story, longer)]

    def _is_of_quirk(self, story: _Story, longer: _Story) -> bool:
        """Whether the quirk of the last step explains its events: all that differs would differ without it, too."""
        step = longer.steps[-1]
        if not step.differs:
            return True
        plain = self._evaluated(story, (), step.verb, None)
        return plain is not None and set(step.differs) <= set(plain.steps[-1].differs)

    def _loud(self, story: _Story, *, files: bool, settings: Mapping[str, Any] | None = None) -> Iterator[Candidate]:
        """The candidates that may send the next event."""
        event = self.events[story.position].event
        for candidate in candidates(story.first.state, self.agents(story.agents), files=files, settings=settings):
            if event in self.caused.get(candidate.verb.name, ()):
                yield candidate

    def _silent(self, story: _Story) -> list[_Silent]:
        """The candidates that send nothing now, and change something."""
        at = self.events[story.position].at
        files = self._shows_files(story.position)
        found: list[_Silent] = []
        for candidate in candidates(story.first.state, self.agents(story.agents + _MORE_AGENTS), files=files):
            after = story.first.copied()
            drafts = self._drafts(after, candidate.verb, at)
            if drafts is not None and self._is_silent(story, drafts):
                found.append(_Silent(candidate, after, sends=bool(drafts)))
        return found

    def _try(self, story: _Story, candidate: Candidate, loud: list[tuple[_Story, Candidate]]) -> bool:
        """Adds what the candidate explains to `loud`. Returns whether no other can explain more: all that was sent at
        that time."""
        sent = self._sent(story, story.first.copied(), candidate.verb, self.events[story.position].at)
        return self._try_sent(story, candidate, sent, loud) if sent else False

    def _try_sent(
        self, story: _Story, candidate: Candidate, sent: list[Sent], loud: list[tuple[_Story, Candidate]]
    ) -> bool:
        for verb in islice(candidate.fill(self._holes(story, sent, candidate.verb)), _MOST_FILLED):
            longer = self._evaluated(story, (), _with_text(verb, len(story.steps)), candidate.quirk)
            if longer is not None:
                loud.append((longer, candidate))
                if longer.cost == story.cost and not self._goes_on(longer.position):
                    return True
        return False

    def _penalty(self, story: _Story) -> float:
        """What a story costs, and what speaks against its last step."""
        return story.cost + (_LEFT_ALONE if self._goes_on(story.position) else 0)

    def _goes_on(self, position: int) -> bool:
        """Whether the event there was sent together with the one before it."""
        return position < len(self.events) and self.events[position].at == self.events[position - 1].at

    def _with_silent(self, story: _Story, best: _Story, loud: Candidate, silent: Sequence[_Silent]) -> _Story:
        """Adds steps that send nothing before a step, as long as its bodies then differ less."""
        before: tuple[_Dated, ...] = ()
        quirk = loud.quirk
        at = self.events[story.position].at
        for _ in range(_MOST_SILENT):
            if self.trials.exhausted:
                break
            better: tuple[_Story, _Dated] | None = None
            verb = best.steps[-1].verb
            told = story.first.copied()
            for each in before:
                self._drafts(told, *each)
            plain = self._sent(story, told.copied(), verb, at, quirk)
            for then in self._possible_times(story, before, best):
                for candidate, after, _ in silent:
                    if before or then != at:
                        first = told.copied()
                        if not self._is_silent(story, self._drafts(first, candidate.verb, then)):
                            continue
                    else:
                        first = after.copied()
                    if first.is_where(told):
                        continue
                    sent = self._sent(story, first, verb, at, quirk)
                    # What does not show in the bodies explains nothing.
                    if not sent or sent == plain:
                        continue
                    for made in islice(candidate.fill(self._holes(story, sent, candidate.verb)), _MOST_FILLED):
                        longer = self._evaluated(story, (*before, _Dated(made, then)), verb, quirk)
                        if longer is not None and self._penalty(longer) < self._penalty(better[0] if better else best):
                            better = longer, _Dated(made, then)
            if better is None:
                break
            best, before = better[0], (*before, better[1])
            best = self._filled_again(story, best, before, loud)
            if self._penalty(best) <= story.cost + _SILENT * (len(before) + 1):
                break
        differs = self._penalty(best) > story.cost + _SILENT * len(before)
        if len(before) > 1 and differs and not self.trials.exhausted:
            best = self._with_others(story, best, before, silent, quirk)
        return best

    def _with_others(
        self,
        story: _Story,
        best: _Story,
        before: tuple[_Dated, ...],
        silent: Sequence[_Silent],
        quirk: Quirk | None,
    ) -> _Story:
        """The story with others in the place of the steps that send nothing, where the bodies then differ less: each of
        these was the best one when nothing came after it."""
        at = self.events[story.position].at
        verb = best.steps[-1].verb
        for number, replaced in enumerate(before[:_MOST_REPLACED]):
            told = story.first.copied()
            for each in before[:number]:
                self._drafts(told, *each)
            for candidate, _, _ in silent:
                first = told.copied()
                if not self._is_silent(story, self._drafts(first, candidate.verb, replaced.at)):
                    continue
                for each in before[number + 1 :]:
                    self._drafts(first, *each)
                sent = self._sent(story, first, verb, at, quirk)
                if not sent:
                    continue
                for made in islice(candidate.fill(self._holes(story, sent, candidate.verb)), 1):
                    other = (*before[:number], _Dated(made, replaced.at), *before[number + 1 :])
                    longer = self._evaluated(story, other, verb, quirk)
                    if longer is not None and self._penalty(longer) < self._penalty(best):
                        best, before = longer, other
        return best

    def _possible_times(self, story: _Story, before: Sequence[_Dated], best: _Story) -> list[int]:
        """When a step that sends nothing may have been: at the event, or at a time that a captured body shows."""
        at = self.events[story.position].at
        begun = story.steps and story.position
        earliest = before[-1].at if before else story.at if begun else at - _EARLIEST
        return [at, *sorted({then for then in best.times if earliest <= then < at})[:_MOST_TIMES]]

    def _filled_again(self, story: _Story, best: _Story, before: tuple[_Dated, ...], loud: Candidate) -> _Story:
        """The step with the arguments that the captured bodies show now that steps are before it."""
        first = story.first.copied()
        at = self.events[story.position].at
        for each in before:
            self._drafts(first, *each)
        sent = self._sent(story, first, loud.verb, at, loud.quirk)
        if sent:
            for verb in islice(loud.fill(self._holes(story, sent, loud.verb)), _MOST_FILLED):
                longer = self._evaluated(story, before, verb, loud.quirk)
                if longer is not None and self._penalty(longer) < self._penalty(best):
                    best = longer
        return best

    def _drafts(self, rehearsal: Rehearsal, verb: Verb, at: int, quirk: Quirk | None = None) -> list[Draft] | None:
        """The drafts of the events of a step that the capture would hold; None if the step is impossible."""
        self.trials.count += 1
        try:
            return [each for each in rehearsal.drafts(verb, at, None, quirk) if each.event in self.subscribed]
        except Exception:
            # A vendor's code may refuse made-up arguments in any way.
            return None

    def _sent(
        self, story: _Story, rehearsal: Rehearsal, verb: Verb, at: int, quirk: Quirk | None = None
    ) -> list[Sent] | None:
        """The events of a step that the capture would hold; None if the step is impossible, or if they are not the next
        captured ones."""
        drafts = self._drafts(rehearsal, verb, at, quirk)
        return self._made(rehearsal, drafts) if drafts and self._fits(story.position, drafts) else None

    def _made(self, rehearsal: Rehearsal, drafts: list[Draft]) -> list[Sent] | None:
        try:
            return rehearsal.made(drafts)
        except Exception:
            # So may the code that makes a body.
            return None

    def _is_silent(self, story: _Story, drafts: list[Draft] | None) -> bool:
        """Whether a step with these events can be one that the capture does not hold: it sends nothing, or it was
        before the capture."""
        return drafts == [] or (drafts is not None and self.guess.midway is not None and story.position == 0)

    def _fits(self, position: int, sent: Sequence[Draft]) -> bool:
        """Whether the next captured events have these names, and belong together."""
        captured = self.events[position : position + len(sent)]
        return (
            len(captured) == len(sent)
            and all(mine.event == theirs.event for mine, theirs in zip(sent, captured, strict=True))
            and captured[-1].at - captured[0].at <= _TOGETHER
        )

    def _holes(self, story: _Story, sent: Sequence[Sent], verb: Verb) -> dict[str, Any]:
        comparison = self._comparison(story)
        others: list[Sent] | None = None
        if isinstance(verb, ConfigureWidget):
            # Its settings are all that differs, except what is made up.
            second = story.second.copied()
            drafts = self._drafts(second, self._second(verb), self._time(self.events[story.position].at, 1))
            others = None if drafts is None else self._made(second, drafts)
        for number, (each, captured) in enumerate(zip(sent, self.events[story.position :], strict=False)):
            other = others[number].body if others is not None and number < len(others) else MISSING
            comparison.add(each.event, each.body, other, captured.document)
        holes = comparison.holes
        if isinstance(verb, Contact | Start):
            self._leave_out_unchanged(story, holes)
        differing = {
            difference.place[-1]: comparison.values[difference][1]
            for difference in comparison.differences
            if len(difference.place) == 1 and comparison.values[difference][1] is not MISSING
        }
        return {**holes, DIFFERENCES: {**differing, **comparison.unknown}}

    def _leave_out_unchanged(self, story: _Story, holes: dict[str, Any]) -> None:
        visitor = story.first.state.visitor
        for name in PERSON:
            mine, hole = getattr(visitor, name), f"Qz{name}"
            known = None if mine is None else story.bindings.values.get(mine, MISSING)
            if hole in holes and (holes[hole] or None) == known:
                del holes[hole]

    def _comparison(self, story: _Story) -> StepComparison:
        return StepComparison(story.bindings.copied(), self.cast, self.agent_ids, self.places, story.accepted)

    def _evaluated(self, story: _Story, before: tuple[_Dated, ...], verb: Verb, quirk: Quirk | None) -> _Story | None:
        """The story with these steps; None if they don't send the captured events."""
        at = self.events[story.position].at
        first, second = story.first.copied(), story.second.copied()
        for each in before:
            other = self._drafts(second, self._second(each.verb), self._time(each.at, 1))
            if not self._is_silent(story, self._drafts(first, *each)) or other is None:
                return None
        sent = self._sent(story, first, verb, at, quirk)
        others = self._sent(story, second, self._second(verb), self._time(at, 1), quirk)
        if not sent or not others:
            return None
        captured = self.events[story.position : story.position + len(sent)]
        comparison = self._comparison(story)
        for one, two, theirs in zip(sent, others, captured, strict=True):
            comparison.add(one.event, one.body, two.body, theirs.document)
        new = tuple(dict.fromkeys(each for each in comparison.differences if each not in story.accepted))
        steps = [DerivedStep(each.verb, each.at, story.position, 0) for each in before]
        verbs = (*(each.verb for each in before), verb)
        name = None if quirk is None else quirk.name
        steps.append(DerivedStep(verb, at, story.position, len(sent), name, new))
        named = [self.agents(_MOST_AGENTS).index(key) + 1 for each in verbs for key in _agents_of(each)]
        return _Story(
            first,
            second,
            story.position + len(sent),
            at,
            (*story.steps, *steps),
            comparison.bindings,
            story.accepted.union(new),
            story.cost
            + comparison.cost
            + _SILENT * len(before)
            + (_QUIRK if quirk is not None else 0)
            + _made_up(verbs)
            + (_APART if captured[-1].at - captured[0].at > _AT_ONCE else 0),
            max((story.agents, *named)),
            story.matches + comparison.matches,
            tuple(comparison.times),
        )

    def _second(self, verb: Verb) -> Verb:
        """The step in the second conversation, whose agents have other keys."""
        keys = dict(zip(self.first.state.agents, self.second.state.agents, strict=True))
        changes: dict[str, Any] = {}
        for name in _AGENT_ARGUMENTS:
            value = getattr(verb, name, None)
            if isinstance(value, str) and value in keys:
                changes[name] = keys[value]
            elif isinstance(value, tuple) and value and value[0] in keys and name == "to":
                changes[name] = (keys[value[0]], *value[1:])
        return replace(verb, **changes) if changes else verb

    def _explains(self, story: _Story, longer: _Story) -> bool:
        """Whether the last step explains its events: little differs, and hardly anything that depends on the step."""
        step = longer.steps[-1]
        if len(step.differs) <= _MOST_DECISIVE:
            return True
        captured = self.events[step.first : step.first + step.count]
        leaves = sum(_size(event.document) for event in captured)
        if len(step.differs) > max(_LEAST_EXPLAINED, leaves * _EXPLAINED):
            return False
        return self._decisive(story, step) <= _MOST_DECISIVE

    def _decisive(self, story: _Story, step: DerivedStep) -> int:
        """In how many differing places the candidates differ from each other, so that the place tells which step it
        was."""
        at = self.events[story.position].at
        told: dict[Place, set[str]] = {each.place: set() for each in step.differs}
        for candidate in self._loud(story, files=False):
            sent = self._sent(story, story.first.copied(), candidate.verb, at)
            if sent:
                for place, shown in told.items():
                    shown |= {repr(value) for each in sent for value in _values_at(each.body, place)}
        return sum(len({value for value in shown if HOLE not in value}) > 1 for shown in told.values())

    def _unexplained(self, story: _Story) -> _Story:
        event = self.events[story.position]
        step = DerivedStep(Emit(event.event, event.document), event.at, story.position, 1)
        return replace(
            story, position=story.position + 1, at=event.at, steps=(*story.steps, step), cost=story.cost + _RAW
        )

    # Times

    def _dated(self, steps: Sequence[DerivedStep]) -> list[DerivedStep]:
        """The steps with the times that later bodies show, in the order of these times: a step that sends nothing was
        put to the next event. Steps that sent something are passed only if the bodies stay the same."""
        told = self._without_times(steps)
        for passing in (True, False):
            found = self._ordered(steps, passing=passing)
            if self._without_times(found) == told:
                return found
        return list(steps)

    def _ordered(self, steps: Sequence[DerivedStep], *, passing: bool) -> list[DerivedStep]:
        begun = min(self.starts, steps[0].at) - (_EARLIEST if steps and not steps[0].count else 0)
        found: list[DerivedStep] = []
        undated: list[DerivedStep] = []
        earliest = begun
        for number, step in enumerate(steps):
            if step.count or isinstance(step.verb, Emit):
                at = step.at
                earliest = begun if passing else at
            else:
                latest = self.events[step.first].at
                room = max((latest - earliest) // 2 // 1_000 * 1_000, 1_000)
                seen = self._seen_at([*steps[:number], replace(step, at=latest), *steps[number + 1 :]], number, room)
                if seen is None:
                    undated.append(step)
                    continue
                at = min(max(seen, earliest), latest)
            # What no body dates was together with what follows it.
            found += [replace(each, at=at) for each in undated]
            found.append(replace(step, at=at))
            undated = []
        return sorted([*found, *undated], key=lambda each: each.at)

    def _without_times(self, steps: Sequence[DerivedStep]) -> list[Any]:
        """What the steps send, without the values that depend on their times."""
        return [
            [(path, value) for path, value in values(body) if isinstance(value, str) and not _is_of_time(value)]
            for _, body in self._bodies(steps)
        ]

    def _seen_at(self, steps: Sequence[DerivedStep], number: int, room: int) -> int | None:
        """The time of a step as a later body shows it: the value that moves when the step is `room` earlier."""
        at = steps[number].at
        moved = [*steps[:number], replace(steps[number], at=at - room), *steps[number + 1 :]]
        for (position, mine), (_, other) in zip(self._bodies(steps), self._bodies(moved), strict=False):
            captured = dict(values(self.events[position].document))
            others = dict(values(other))
            for path, value in values(mine):
                now, then = times.read(value), times.read(others.get(path))
                shown = times.read(captured.get(path))
                if now is None or then is None or shown is None or now - then != room:
                    continue
                return at + shown - now
        return None

    def _bodies(self, steps: Sequence[DerivedStep]) -> Iterator[tuple[int, Any]]:
        """The bodies that the steps send, each with the position of its captured event."""
        rehearsal = self._rehearsal(0)
        for step in steps:
            if isinstance(step.verb, Emit):
                continue
            quirk = None if step.quirk is None else self.profile.quirk(step.quirk)
            drafts = self._drafts(rehearsal, step.verb, step.at, quirk) or []
            for number, each in enumerate(self._made(rehearsal, drafts) or ()):
                if number < step.count:
                    yield step.first + number, each.body

    # The cast

    def _learn(self, story: _Story, longer: _Story) -> None:
        """Raises _Learnt if a difference shows that the visitor lacks a datum, or has custom data."""
        told = self.people[0]
        by_value = {repr(value): name for name, value in told.items() if isinstance(value, str)}
        seen = {repr(value) for value in story.bindings.values}
        differs = longer.steps[-1].differs
        lacking = {
            by_value[each.mine]
            for each in differs
            if each.mine in by_value and each.mine not in seen and each.captured in ("None", "''", "missing")
        }
        if lacking - self.guess.without:
            raise _Learnt(replace(self.guess, without=self.guess.without | lacking))
        if not self.guess.custom:
            custom = self._custom(longer)
            if custom:
                raise _Learnt(replace(self.guess, custom=custom))

    def _lacks(self, event: CapturedEvent, place: Place) -> bool:
        """Whether a body of an event could have such a custom datum, and has none."""
        known = self.places.get(event.event)
        owners = {each[:-2] for each in known.known if each[-1:] == (CUSTOM_KEY,)} if known is not None else ()
        parent = place[-2] if len(place) > 1 else None
        names = (place[-1], parent)
        return any(
            isinstance(owner := _at(event.document, each), dict)
            and not any(name in owner and owner[name] for name in names)
            for each in owners
        )

    def _custom(self, longer: _Story) -> dict[str, Any]:
        """Data that the captured bodies have and ours have not: in the object that is missing, or field by field."""
        step = longer.steps[-1]
        for event in self.events[step.first : step.first + step.count]:
            for each in step.differs:
                if each.mine not in ("missing", "None"):
                    continue
                found = _at(event.document, each.place)
                if any(self._lacks(earlier, each.place) for earlier in self.events[: step.first]):
                    continue
                if isinstance(found, dict) and found.keys() == _LABELLED:
                    name = each.place[-1]
                    return {name: found["value"] if found["label"] == name else found}
                if isinstance(found, dict) and found and all(_is_plain(value) for value in found.values()):
                    return dict(found)
                parent = _at(event.document, each.place[:-1])
                if _is_plain(found) and isinstance(parent, dict) and each.place[-1] in parent:
                    missing = {other.place[-1] for other in step.differs if other.place[:-1] == each.place[:-1]}
                    values = {key: value for key, value in parent.items() if key in missing and _is_plain(value)}
                    if values and len(values) == len(parent):
                        return values
        return {}

    def _derived(self, story: _Story) -> Derived:
        values, state = story.bindings.values, self.first.state
        visitor: dict[str, Any] = {}
        for name, value in self.people[0].items():
            if name in self.guess.without:
                if name not in _ABSENT:
                    visitor[name] = None
            elif name in _SHOWN and value in values and values[value] not in (None, ""):
                visitor[name] = values[value]
        if self.guess.known and not visitor.get("identifier"):
            number = _positive(values.get(state.visitor.id))
            if number is not None:
                visitor["id"] = number
        if self.guess.custom:
            visitor["custom"] = dict(self.guess.custom)
        agents: dict[str, AgentCast] = {}
        keys: dict[str, str] = {}
        for agent in list(state.agents.values())[: story.agents]:
            told = [values.get(each) or None for each in (agent.name, agent.email, agent.group)]
            key = _key_for(values.get(agent.key), told[0], agents)
            keys[agent.key] = key
            agents[key] = AgentCast(None, *told)
        steps = tuple(
            replace(step, verb=_renamed(_text_of(step.verb, story.bindings), keys)) for step in self._dated(story.steps)
        )
        account_id = values.get(state.account.id, values.get(str(state.account.id)))
        account = AccountCast(_positive(account_id), values.get(state.account.name) or None)
        return Derived(
            steps, Cast(visitor, agents), account, self.guess.locale, story.cost, self.guess.midway is not None
        )


_WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot")
_AGENT_ARGUMENTS = ("by", "agent", "who", "to")
# Of these data the scenario shows what the capture shows; the others are made up, unless the visitor has none.
_ABSENT = frozenset(
    {"referer", "note", "group", "avatar", "identifier", "browser_version", "system", "system_version", "device"}
)
_SHOWN = frozenset({*_PEOPLE, "note", "group", "referer", "city", "country", "country_code", "language"})


def _people(guess: _Guess, number: int) -> dict[str, Any]:
    """Fields of a visitor who stands for the captured one, all different from those of the other number."""
    mark = "Ab"[number]
    lower = mark.lower()
    data = {
        "name": f"{mark}visitor {mark}lastname",
        "email": f"{lower}visitor@cast{number}.example",
        "phone": f"+1555010{number}{number}77",
        "identifier": f"{lower}-customer-{number}",
        "ip": f"198.51.100.{number + 7}",
        "city": f"{mark}city-name",
        "country": f"{mark}country-name",
        "country_code": ("AQ", "BV")[number],
        "user_agent": f"{mark}useragent/1",
        "platform": f"{mark}platform",
        "browser": f"{mark}browser",
        "language": ("xa", "xb")[number],
        "referer": f"https://{lower}-referer.example/",
        "note": f"{mark}note about the visitor",
        "group": f"{mark}group of visitors",
        "avatar": f"https://{lower}-avatar.example/face.png",
        "browser_version": f"{mark}bv-1.{number}",
        "system": f"{mark}system",
        "system_version": f"{mark}sv-1.{number}",
        "device": ("Unknown", "Phone")[number],
    }
    return {name: None if name in guess.without else value for name, value in data.items()}


def _with_text(verb: Verb, number: int) -> Verb:
    """The step, with a text that a later body may show in the place of one that is made up."""
    if verb.makes_message and getattr(verb, "text", None) is None and not getattr(verb, "attachments", ()):
        return replace(verb, text=f"{LATER}{number}")
    return verb


def _without_hole(verb: Verb) -> Verb:
    return replace(verb, text=f"{LATER}0") if getattr(verb, "text", None) == TEXT else verb


def _text_of(verb: Verb, bindings: Bindings) -> Verb:
    """The step with the text that a later body has shown; without one, the text is made up."""
    text = getattr(verb, "text", None)
    if not (isinstance(text, str) and text.startswith(LATER)):
        return verb
    return replace(verb, text=bindings.values.get(text) or None)


def _made_up(steps: Sequence[Verb]) -> float:
    """What it costs that texts are made up: one that the capture shows is better."""
    return sum(
        _MADE_UP
        for step in steps
        if step.makes_message
        and (getattr(step, "text", None) or LATER).startswith(LATER)
        and all(file.url is None for file in getattr(step, "attachments", ()))
    )


def _agents_of(verb: Verb) -> Iterator[str]:
    for name in _AGENT_ARGUMENTS:
        value = getattr(verb, name, None)
        value = value[0] if isinstance(value, tuple) and value else value
        if isinstance(value, str) and value.startswith("agent-"):
            yield value


def _renamed(verb: Verb, keys: Mapping[str, str]) -> Verb:
    changes: dict[str, Any] = {}
    for name in _AGENT_ARGUMENTS:
        value = getattr(verb, name, None)
        if isinstance(value, str) and value in keys:
            changes[name] = keys[value]
        elif name == "to" and isinstance(value, tuple) and value and value[0] in keys:
            changes[name] = (keys[value[0]], *value[1:])
    return replace(verb, **changes) if changes else verb


def _key_for(key: Any, name: Any, taken: Mapping[str, object]) -> str:
    """The key of an agent in the cast: the one that the bodies show, or the first name."""
    first = name.split()[0].lower() if isinstance(name, str) and name.split() else ""
    text = "".join(char for char in str(key or first) if char.isalnum() or char in "-_.")
    if not text or text in ("visitor", "timeout") or text[0].isdigit():
        text = "agent"
    number, made = 2, text
    while made in taken:
        made, number = f"{text}{number}", number + 1
    return made


def _positive(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _size(document: Any) -> int:
    if isinstance(document, dict):
        return sum(map(_size, document.values()))
    if isinstance(document, list):
        return sum(map(_size, document))
    return 1


def _has_blank(document: Any, names: frozenset[str]) -> bool:
    """Whether a text of a message is empty, as that of one with files is."""
    if isinstance(document, dict):
        if any(document.get(name, MISSING) in ("", None) for name in names):
            return True
        return any(_has_blank(item, names) for item in document.values())
    return isinstance(document, list) and any(_has_blank(item, names) for item in document)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and value != ""


def _is_of_time(text: str) -> bool:
    return times.read(text) is not None or CLOCK.fullmatch(text) is not None


def _values_at(document: Any, place: Place) -> Iterator[Any]:
    """The values at a place, without objects and lists."""
    if not place:
        yield type(document).__name__ if isinstance(document, dict | list) else document
    elif isinstance(document, list):
        for item in document:
            yield from _values_at(item, place[1:])
    elif isinstance(document, dict):
        yield from _values_at(document.get(place[0], "missing"), place[1:])


def _at(document: Any, place: Path) -> Any:
    for part in place:
        if isinstance(document, list):
            document = document[0] if document else None
        elif isinstance(document, dict):
            document = document.get(str(part))
        else:
            return None
    return document


_COMMON: Mapping[str, tuple[str, ...]] = {
    "en": ("en_US",),
    "ja": ("ja_JP",),
    "ar": ("ar_AA",),
    "cs": ("cs_CZ",),
    "da": ("da_DK",),
    "sv": ("sv_SE",),
}


def _locale(events: Sequence[CapturedEvent]) -> str:
    """The locale that the bodies name, or the one of their language and country."""
    found: dict[str, str] = {}
    for event in events:
        _read_languages(event.document, found)
    if "locale" in found:
        return found["locale"]
    language = found.get("language")
    if language is None:
        return DEFAULT
    for name in (
        f"{language}_{found.get('country', '')}",
        f"{language}_{language.upper()}",
        *_COMMON.get(language, ()),
    ):
        if locale_problem(name) is None:
            return name
    return DEFAULT


def _read_languages(document: Any, found: dict[str, str]) -> None:
    if isinstance(document, dict):
        for key, value in document.items():
            name = key.lower()
            if isinstance(value, dict | list):
                _read_languages(value, found)
            elif isinstance(value, str) and len(value) == 5 and value[2] == "_" and "loc" in name:
                if locale_problem(value) is None:
                    found.setdefault("locale", value)
            elif isinstance(value, str) and len(value) == 2 and value.islower() and "lang" in name:
                found.setdefault("language", value)
            elif isinstance(value, str) and len(value) == 2 and value.isupper() and "code" in name:
                found.setdefault("country", value)
    elif isinstance(document, list):
        for item in document:
            _read_languages(item, found)
