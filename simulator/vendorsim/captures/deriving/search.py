"""Looks for the steps that explain captured events, one after the other. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import inf
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from vendorsim.captures import times
from vendorsim.captures.deriving.candidates import DIFFERENCES, PERSON, TEXT, Candidate, candidates, shows_files
from vendorsim.captures.deriving.cast import with_cast
from vendorsim.captures.deriving.comparing import HOLE, LATER, MISSING, Bindings, BodyDifference, StepComparison
from vendorsim.captures.deriving.dating import EARLIEST, StepDates
from vendorsim.captures.deriving.learning import learnt
from vendorsim.captures.deriving.model import DOUBTFUL, MADE_UP, RAW, Derived, DerivedStep
from vendorsim.captures.deriving.stand_ins import MOST_AGENTS, Guess, StandIns, agents_of
from vendorsim.captures.deriving.trials import Trials
from vendorsim.captures.places import IdPlaces, Place, id_places, is_plain
from vendorsim.captures.rehearsal import Rehearsal, Sent
from vendorsim.captures.sequence import CapturedEvent
from vendorsim.scenario.verbs import ConfigureWidget, Contact, Emit, Say, Start, Verb
from vendorsim.vendorkit.profile import Draft, Profile, Quirk
from vendorsim.vendorkit.verb_events import verb_events

# The events of one step leave a vendor within this time (milliseconds).
_TOGETHER = 5_000
_MOST_TOGETHER = 8
# Several agents may do something that sends nothing before the next event.
_MORE_AGENTS = 2
# A step explains its events if no more than this part of their values differs.
_EXPLAINED, _LEAST_EXPLAINED = 0.2, 6
# So many of these may be places that tell one step from another.
_MOST_DECISIVE = 1
# What it costs to add a step that sends nothing.
_SILENT = 0.5
# What it costs that the vendor misbehaves: as much as a value that differs. A quirk is looked for where more differs.
_QUIRK = 1.0
_MOST_FILLED = 4
_MOST_SILENT = 40
# In so many of them others are tried.
_MOST_REPLACED = 12
# What it costs that an event was sent at the same time, and is not explained with the others.
_LEFT_ALONE = 4
_RESTARTS = 8
_MOST_TIMES = 3
# Events of one step leave at once (milliseconds); what it costs if they did not.
_AT_ONCE, _APART = 500, 0.3
_TRIED = 2


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


class _Learnt(Exception):
    """The visitor lacks something, or has custom data: the story is told again."""

    def __init__(self, guess: Guess) -> None:
        self.guess = guess


class Search:
    """Looks for the story that explains the events of one conversation, from a guess of its people. A story that costs
    more than `least` is given up."""

    def __init__(
        self,
        events: Sequence[CapturedEvent],
        profile: Profile,
        guess: Guess,
        trials: Trials,
        least: float = inf,
    ) -> None:
        self.events = events
        self.profile = profile
        self.least = least
        self.trials = trials
        self.places: Mapping[str, IdPlaces] = id_places(profile)
        self.caused = verb_events(profile)
        self.starts = events[0].at
        self.stand_ins = StandIns(profile, guess, self.starts)

    @property
    def guess(self) -> Guess:
        """What is supposed of the people; the search may learn better."""
        return self.stand_ins.guess

    def evidence(self) -> tuple[float, int]:
        """How well the events are explained: more is better."""
        story = self._search(1, learning=False)
        return -story.cost, story.matches

    def derive(self, width: int = 1) -> Derived:
        """Looks for the story, and keeps so many alternatives at each point of it."""
        for left in range(_RESTARTS, -1, -1):
            try:
                story = self._search(width, learning=left > 0)
            except _Learnt as error:
                self.stand_ins = StandIns(self.profile, error.guess, self.starts)
                continue
            steps = StepDates(self.events, self.stand_ins, self.trials).dated(story.steps)
            return with_cast(steps, self.stand_ins, story.bindings, story.agents, story.cost)
        raise AssertionError("the last round learns nothing")

    def _search(self, width: int, *, learning: bool) -> _Story:
        story = _Story(self.stand_ins.first, self.stand_ins.second, 0, self.starts, (), Bindings(), frozenset(), 0, 0)
        if self.guess.midway is not None:
            agent = next(iter(self.stand_ins.first.state.agents))
            beginning = ((Start(),), (Say(f"{LATER}0"),), (Say(f"{LATER}0"), Say(f"{LATER}1", agent)))[
                self.guess.midway
            ]
            for verb in beginning:
                self.trials.drafts(self.stand_ins.first, verb, self.starts)
                self.trials.drafts(
                    self.stand_ins.second, self.stand_ins.of_second(verb), self.stand_ins.time(self.starts, 1)
                )
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
                    better = learnt(self.events, self.places, self.stand_ins, story.bindings, longer.steps[-1])
                    if better is not None:
                        raise _Learnt(better)
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
        if not found or found[0].cost >= story.cost + RAW:
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
                    and is_plain(value)
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
            alone = self.trials.drafts(story.first.copied(), candidate.verb, at)
            if alone is None or len(alone) >= self._most(story.position, candidate.verb):
                continue
            # Its own text must not be taken for that of the step before it.
            verb = _without_hole(candidate.verb)
            for before in silent:
                first = before.after.copied()
                drafts = self.trials.drafts(first, verb, at)
                if drafts is None or len(drafts) <= len(alone) or not self._fits(story.position, drafts):
                    continue
                sent = self.trials.made(first, drafts)
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
        if self.trials.drafts(first, before, at) != []:
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
        for candidate in candidates(story.first.state, self.stand_ins.agents(story.agents), files=False):
            if not self.caused.get(candidate.verb.name):
                continue
            first = story.first.copied()
            drafts = self.trials.drafts(first, candidate.verb, at)
            plain = self.trials.made(first, drafts) if drafts else None
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
        for candidate in candidates(
            story.first.state, self.stand_ins.agents(story.agents), files=files, settings=settings
        ):
            if event in self.caused.get(candidate.verb.name, ()):
                yield candidate

    def _silent(self, story: _Story) -> list[_Silent]:
        """The candidates that send nothing now, and change something."""
        at = self.events[story.position].at
        files = self._shows_files(story.position)
        found: list[_Silent] = []
        for candidate in candidates(story.first.state, self.stand_ins.agents(story.agents + _MORE_AGENTS), files=files):
            after = story.first.copied()
            drafts = self.trials.drafts(after, candidate.verb, at)
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
                self.trials.drafts(told, *each)
            plain = self._sent(story, told.copied(), verb, at, quirk)
            for then in self._possible_times(story, before, best):
                for candidate, after, _ in silent:
                    if before or then != at:
                        first = told.copied()
                        if not self._is_silent(story, self.trials.drafts(first, candidate.verb, then)):
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
                self.trials.drafts(told, *each)
            for candidate, _, _ in silent:
                first = told.copied()
                if not self._is_silent(story, self.trials.drafts(first, candidate.verb, replaced.at)):
                    continue
                for each in before[number + 1 :]:
                    self.trials.drafts(first, *each)
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
        earliest = before[-1].at if before else story.at if begun else at - EARLIEST
        return [at, *sorted({then for then in best.times if earliest <= then < at})[:_MOST_TIMES]]

    def _filled_again(self, story: _Story, best: _Story, before: tuple[_Dated, ...], loud: Candidate) -> _Story:
        """The step with the arguments that the captured bodies show now that steps are before it."""
        first = story.first.copied()
        at = self.events[story.position].at
        for each in before:
            self.trials.drafts(first, *each)
        sent = self._sent(story, first, loud.verb, at, loud.quirk)
        if sent:
            for verb in islice(loud.fill(self._holes(story, sent, loud.verb)), _MOST_FILLED):
                longer = self._evaluated(story, before, verb, loud.quirk)
                if longer is not None and self._penalty(longer) < self._penalty(best):
                    best = longer
        return best

    def _sent(
        self, story: _Story, rehearsal: Rehearsal, verb: Verb, at: int, quirk: Quirk | None = None
    ) -> list[Sent] | None:
        """The events of a step that the capture would hold; None if the step is impossible, or if they are not the next
        captured ones."""
        drafts = self.trials.drafts(rehearsal, verb, at, quirk)
        return self.trials.made(rehearsal, drafts) if drafts and self._fits(story.position, drafts) else None

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
            drafts = self.trials.drafts(
                second, self.stand_ins.of_second(verb), self.stand_ins.time(self.events[story.position].at, 1)
            )
            others = None if drafts is None else self.trials.made(second, drafts)
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
        return StepComparison(
            story.bindings.copied(), self.stand_ins.cast, self.stand_ins.agent_ids, self.places, story.accepted
        )

    def _evaluated(self, story: _Story, before: tuple[_Dated, ...], verb: Verb, quirk: Quirk | None) -> _Story | None:
        """The story with these steps; None if they don't send the captured events."""
        at = self.events[story.position].at
        first, second = story.first.copied(), story.second.copied()
        for each in before:
            other = self.trials.drafts(second, self.stand_ins.of_second(each.verb), self.stand_ins.time(each.at, 1))
            if not self._is_silent(story, self.trials.drafts(first, *each)) or other is None:
                return None
        sent = self._sent(story, first, verb, at, quirk)
        others = self._sent(story, second, self.stand_ins.of_second(verb), self.stand_ins.time(at, 1), quirk)
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
        named = [self.stand_ins.agents(MOST_AGENTS).index(key) + 1 for each in verbs for key in agents_of(each)]
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
            story, position=story.position + 1, at=event.at, steps=(*story.steps, step), cost=story.cost + RAW
        )


def _with_text(verb: Verb, number: int) -> Verb:
    """The step, with a text that a later body may show in the place of one that is made up."""
    if verb.makes_message and getattr(verb, "text", None) is None and not getattr(verb, "attachments", ()):
        return replace(verb, text=f"{LATER}{number}")
    return verb


def _without_hole(verb: Verb) -> Verb:
    return replace(verb, text=f"{LATER}0") if getattr(verb, "text", None) == TEXT else verb


def _made_up(steps: Sequence[Verb]) -> float:
    """What it costs that texts are made up: one that the capture shows is better."""
    return sum(
        MADE_UP
        for step in steps
        if step.makes_message
        and (getattr(step, "text", None) or LATER).startswith(LATER)
        and all(file.url is None for file in getattr(step, "attachments", ()))
    )


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


def _values_at(document: Any, place: Place) -> Iterator[Any]:
    """The values at a place, without objects and lists."""
    if not place:
        yield type(document).__name__ if isinstance(document, dict | list) else document
    elif isinstance(document, list):
        for item in document:
            yield from _values_at(item, place[1:])
    elif isinstance(document, dict):
        yield from _values_at(document.get(place[0], "missing"), place[1:])
