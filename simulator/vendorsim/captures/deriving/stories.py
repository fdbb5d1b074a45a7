"""Which searches are made for the story of a conversation, and which of their stories is taken. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from msgspec.structs import replace

from vendorsim.captures.deriving.language import locale_of
from vendorsim.captures.deriving.model import DOUBTFUL, MADE_UP, RAW, Derived, DerivedStep
from vendorsim.captures.deriving.search import Search
from vendorsim.captures.deriving.stand_ins import PEOPLE, Guess
from vendorsim.captures.deriving.trials import Trials
from vendorsim.captures.sequence import CapturedEvent
from vendorsim.scenario.locales import DEFAULT
from vendorsim.scenario.model import AccountCast, Cast
from vendorsim.scenario.verbs import Emit
from vendorsim.vendorkit.profile import Profile

# So many steps a search carries out, and so many more for each event, before it leaves out less likely explanations:
# those of one to three seconds. It may carry out as many for each alternative that it keeps. To tell what a visitor
# lacks, it needs fewer.
_MOST_TRIED, _MOST_TRIED_EACH = 20_000, 300
_MOST_FOR_EVIDENCE = 5_000
# So many alternatives are kept at each point of a story that is looked for again, if it is short.
_BEAM, _MOST_WITH_ALTERNATIVES = 3, 100
# How many beginnings are tried for a capture that does not hold it: the conversation has started, the visitor has
# written, and an agent has answered.
_BEGINNINGS = 3
# So many events tell what a visitor lacks.
_BEGINNING = 4


def derive(
    events: Sequence[CapturedEvent], profile: Profile, subscribed: frozenset[str], least: float = inf
) -> Derived:
    """The steps that explain the events of one conversation. `subscribed` are the events that the capture holds of any
    conversation; a step may send others, too. A story that costs more than `least` is of no use, and may be given
    up."""
    locale = locale_of(events)
    most = _MOST_TRIED + _MOST_TRIED_EACH * len(events)

    def search(guess: Guess, width: int = 1) -> tuple[Derived, Guess]:
        bound = least if best is None else min(least, best[0].cost)
        made = Search(events, profile, guess, Trials(subscribed, most * width), bound)
        return made.derive(width), made.guess

    best: tuple[Derived, Guess] | None = None
    for known, anonymous in ((False, False), (True, False), (False, True)):
        found = search(Guess(locale, known=known, anonymous=anonymous))
        best = found if best is None else min(best, found, key=_cost)
        # Others could only explain moments better.
        if best[0].cost < MADE_UP:
            break
    assert best is not None
    if isinstance(best[0].steps[0].verb, Emit):
        # The capture may have begun after the conversation.
        for number in range(_BEGINNINGS):
            best = min(best, search(Guess(locale, midway=number)), key=_cost)
    if lacking := _lacking(events, profile, subscribed, best[1], best[0]):
        best = min(search(replace(best[1], without=best[1].without | lacking)), best, key=_cost)
    if best[0].cost >= DOUBTFUL and len(events) <= _MOST_WITH_ALTERNATIVES:
        best = min(best, search(best[1], _BEAM), key=_cost)
    return best[0]


def _cost(found: tuple[Derived, Guess]) -> float:
    return found[0].cost


def unexplained(events: Sequence[CapturedEvent]) -> Derived:
    """The story that spells out each event."""
    steps = (DerivedStep(Emit(event.event, event.document), event.at, number, 1) for number, event in enumerate(events))
    return Derived(tuple(steps), Cast(), AccountCast(), DEFAULT, RAW * len(events))


def _lacking(
    events: Sequence[CapturedEvent],
    profile: Profile,
    subscribed: frozenset[str],
    guess: Guess,
    best: Derived,
) -> frozenset[str]:
    """The data of the visitor that no body shows, and without which the first events are explained better."""
    found: set[str] = set()
    beginning = events[:_BEGINNING]

    def evidence() -> tuple[float, int]:
        lacks = replace(guess, without=guess.without | found)
        return Search(beginning, profile, lacks, Trials(subscribed, _MOST_FOR_EVIDENCE)).evidence()

    most: tuple[float, int] | None = None
    for name in PEOPLE:
        if name in best.cast.visitor or name in guess.without or name == "identifier":
            continue
        most = evidence() if most is None else most
        found.add(name)
        if (without := evidence()) > most:
            most = without
        else:
            found.remove(name)
    return frozenset(found)
