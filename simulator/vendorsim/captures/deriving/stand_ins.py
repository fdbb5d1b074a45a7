"""The people who stand for those of a capture while its story is looked for. Pure.

There are two sets of them in two conversations: what differs between the two is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.captures.rehearsal import Rehearsal
from vendorsim.conversation.casting import Casting, Opening
from vendorsim.scenario.model import AccountCast, AgentCast, Cast, Scenario
from vendorsim.scenario.verbs import Verb
from vendorsim.vendorkit.profile import Profile

PEOPLE = ("name", "email", "phone", "identifier")
MOST_AGENTS = 6
_SECOND_STARTS = 86_400_000 * 11 + 3_723_000
_WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot")
_AGENT_ARGUMENTS = ("by", "agent", "who", "to")


class Guess(Struct, frozen=True):
    """What is supposed of the cast: which data the visitor has not, and whether the vendor knows him."""

    locale: str
    without: frozenset[str] = frozenset()
    known: bool = False
    anonymous: bool = False
    custom: Mapping[str, Any] = field(default_factory=dict)
    midway: int | None = None


class StandIns:
    """The two conversations at their beginnings, `first` and `second`. `people` are the visitors' data, `agent_ids` the
    ids of agents, `cast` all that is made up of people in the first conversation, which starts at `starts`."""

    def __init__(self, profile: Profile, guess: Guess, starts: int) -> None:
        self.profile = profile
        self.guess = guess
        self.starts = starts
        self.people = [_people(guess, number) for number in (0, 1)]
        self.first, self.second = (self.rehearsal(number) for number in (0, 1))
        agents = self.first.state.agents.values()
        self.agent_ids = frozenset(each for agent in agents for each in (agent.id, str(agent.id), agent.email))
        visitor = self.first.state.visitor
        told = {name: getattr(visitor, name) for name in self.people[0]} | self.first.state.untold
        cast = [value for value in told.values() if isinstance(value, str)]
        cast += [text for agent in agents for text in (agent.key, agent.name, agent.email, agent.group)]
        account = self.first.state.account
        self.cast = frozenset((*cast, account.name, account.id, str(account.id), *self.agent_ids))

    def rehearsal(self, number: int) -> Rehearsal:
        """The beginning of one of the two conversations."""
        guess = self.guess
        agents = {
            f"agent-{position}-{number}": AgentCast(
                900_100 + 1000 * number + position,
                f"{'Ab'[number]}gent{_WORDS[position]} {'Ab'[number]}cast{_WORDS[position]}",
                f"agent{position}@cast{number}.example",
                f"{'Ab'[number]}group{_WORDS[position]}",
            )
            for position in range(MOST_AGENTS)
        }
        people = self.people[number]
        given = {name: people.pop(name) for name in PEOPLE if name in people} if guess.anonymous else {}
        scenario = Scenario(
            f"Cast {number}",
            (),
            locale=guess.locale,
            account=AccountCast(800_100 + number * 1000, f"{'Ab'[number]}ccount Cast"),
            cast=Cast({**given, "custom": dict(guess.custom)}, agents),
        )
        casting = Casting(scenario, number, None, guess.anonymous)
        starts = self.time(self.starts, number)
        made = Rehearsal(
            self.profile, casting.conversation(number, starts, Opening({**people, "known": guess.known}, seed=number))
        )
        people.update(given)
        return made

    def time(self, at: int, number: int) -> int:
        """A time of the first conversation in that of the second: everything takes longer there."""
        return at if not number else _SECOND_STARTS + self.starts + (at - self.starts) * 3

    def agents(self, count: int) -> list[str]:
        """The keys of the agents who are known, and of a new one."""
        return list(self.first.state.agents)[: min(count + 1, MOST_AGENTS)]

    def of_second(self, verb: Verb) -> Verb:
        """The step in the second conversation, whose agents have other keys."""
        return renamed(verb, dict(zip(self.first.state.agents, self.second.state.agents, strict=True)))


def agents_of(verb: Verb) -> Iterator[str]:
    """The keys of the agents whom a step names."""
    for name in _AGENT_ARGUMENTS:
        value = getattr(verb, name, None)
        value = value[0] if isinstance(value, tuple) and value else value
        if isinstance(value, str) and value.startswith("agent-"):
            yield value


def renamed(verb: Verb, keys: Mapping[str, str]) -> Verb:
    """The step with other keys of agents."""
    changes: dict[str, Any] = {}
    for name in _AGENT_ARGUMENTS:
        value = getattr(verb, name, None)
        if isinstance(value, str) and value in keys:
            changes[name] = keys[value]
        elif name == "to" and isinstance(value, tuple) and value and value[0] in keys:
            changes[name] = (keys[value[0]], *value[1:])
    return replace(verb, **changes) if changes else verb


def _people(guess: Guess, number: int) -> dict[str, Any]:
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
