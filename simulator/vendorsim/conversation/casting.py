"""Makes a conversation, before its first step, from scenario, seed and index. Data that the cast gives are used
unchanged; all others are made up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from hashlib import blake2b
from random import Random
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from vendorsim.conversation.people import company, family_first, pool
from vendorsim.conversation.state import IDENTITY, Account, Agent, Conversation, Visitor
from vendorsim.conversation.talk import phrases
from vendorsim.core.seeding import Numbers, derive, generator
from vendorsim.scenario.locales import DEFAULT
from vendorsim.scenario.model import AgentCast, Scenario
from vendorsim.scenario.verbs import Authenticate, Page

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SITE = "https://www.example.com"
# How many of 256 visits have each number of pages, and each referer. The shares are made up: most visits are short, and
# a few are long.
_PAGES = (84, 60, 42, 28, 17, 10, 6, 4, 3, 2)
_REFERERS = (
    (None, 108),
    ("https://search.example.com/", 84),
    ("https://www.example.org/blog", 24),
    ("https://news.example.net/", 16),
    ("https://social.example.net/", 24),
)
_NUMBERS_OF_PAGES = tuple(count for count, share in enumerate(_PAGES, 1) for _ in range(share))
_REFERER = tuple(referer for referer, share in _REFERERS for _ in range(share))
_ANONYMOUS = 64  # of 256
_TO_ALPHABET = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))


class Opening(Struct, frozen=True):
    """The data that an API call or a person gives for a new conversation. They replace those of the cast.

    `visitor` holds fields of `Visitor`; None means that the visitor has none. `identity` is the identity of the
    visitor that the vendor's API already knows. `account` is the account's id. `seed` is the seed of made-up texts.
    `files` is that of the conversation.
    """

    visitor: Mapping[str, Any] = field(default_factory=dict)
    identity: Mapping[str, str] | None = None
    account: int | None = None
    seed: int | None = None
    files: str | None = None


AS_CAST = Opening()
"""Replaces nothing: all data are those of the cast, or made up."""


class Casting:
    """Makes the conversations of one run. What they share (account, agents, id ranges) is computed once. `files` is
    that of the conversations. With `anonymous`, a vendor is not told who the visitor is when a conversation begins."""

    def __init__(self, scenario: Scenario, seed: int, files: str | None = None, anonymous: bool = False) -> None:
        self.scenario, self.seed, self.files, self.anonymous = scenario, seed, files, anonymous
        self.pool = pool(seed, scenario.locale)
        number = derive(seed, scenario.title)
        self._seeds = blake2b(f"{seed}\x1f{scenario.title}\x1f".encode(), digest_size=8)
        # A power of two with a reserve: ids stay small, and most stay the same when steps are added.
        self.stride = 1 << (4 * (len(scenario.steps) + 8)).bit_length()
        self.base = 10_000 + number % 900_000
        self.first_person = number >> 32
        # Nobody is anonymous of whom the story says who it is, or who is authenticated.
        self.may_be_anonymous = frozenset(IDENTITY).isdisjoint(scenario.cast.visitor) and not any(
            isinstance(step.verb, Authenticate) for step in scenario.steps
        )
        self.may_have_referer = "referer" not in scenario.cast.visitor
        self.account = Account(
            id=scenario.account.id or 1 + number % 9_000,
            name=scenario.account.name or company(self.pool.person(derive(seed, "account")).last_name, scenario.locale),
            inbox=scenario.account.inbox,
        )
        self.agents = {
            key: self._agent(key, cast, position) for position, (key, cast) in enumerate(scenario.cast.agents.items())
        }

    def conversation(
        self,
        index: int,
        starts: int,
        opening: Opening = AS_CAST,
        opened_at: int | None = None,
        *,
        varied: bool = False,
    ) -> Conversation:
        """Conversation `index` (from 0), which starts at `starts`, or at `opened_at` if that is given.

        Times are milliseconds since 1970. The visitor's data depend on `starts` alone. If it is `varied`, the visitor
        may be anonymous, may come from another site and has seen several pages, unless the scenario says otherwise.
        """
        started_at = starts if opened_at is None else opened_at
        agents = dict(self.agents)
        visitor = self._visitor(index, starts, opening.visitor)
        untold = self._keep_back(visitor, opening.visitor) if self.anonymous else {}

        def default_agent() -> Agent:
            if not agents:
                agents["agent"] = self._agent("agent", AgentCast(), 0)
            return next(iter(agents.values()))

        conversation = Conversation(
            index=index,
            id=(self.scenario.conversation_id if index == 0 else None) or self.base + index,
            account=self.account if opening.account is None else replace(self.account, id=opening.account),
            locale=self.scenario.locale,
            visitor=visitor,
            agents=agents,
            message_ids=Numbers(self.base * 4, self.stride, index),
            seed=self.seed_of(index) if opening.seed is None else opening.seed,
            pool=self.pool,
            default_agent=default_agent,
            started_at=started_at,
            now=started_at,
            identity=None if opening.identity is None else dict(opening.identity),
            untold=untold,
            files=opening.files or self.files,
        )
        if varied:
            self._vary(conversation)
        return conversation

    def seed_of(self, index: int) -> int:
        """The seed of what is made up in conversation `index`: `derive(seed, title, index)`, but faster."""
        hashed = self._seeds.copy()
        hashed.update(b"%d" % index)
        return int.from_bytes(hashed.digest(), "big")

    def _vary(self, conversation: Conversation) -> None:
        """Makes up how the visitor came."""
        visitor, seed = conversation.visitor, conversation.seed
        if self.may_be_anonymous and seed & 255 < _ANONYMOUS:
            visitor.name = visitor.email = visitor.phone = visitor.identifier = None
        if self.may_have_referer:
            visitor.referer = _REFERER[seed >> 8 & 255]
        conversation.visit = self.visits[seed >> 16 & 255]

    @cached_property
    def visits(self) -> tuple[tuple[Page, ...], ...]:
        """The pages of 256 visits, in the language of the locale."""
        known = phrases(self.scenario.locale) or phrases(DEFAULT)
        assert known is not None
        site = tuple(Page(f"{_SITE}{path}", title) for path, title in known.pages)
        return tuple(_visit(site, count, generator(self.seed, "visit", n)) for n, count in enumerate(_NUMBERS_OF_PAGES))

    def _agent(self, key: str, cast: AgentCast, position: int) -> Agent:
        person = self.pool.person(derive(self.seed, "agent", key))
        name = cast.name or person.name
        first, _, last = name.rpartition(" ") if " " in name else (name, "", "")
        if cast.name is None:
            first, last = person.first_name, person.last_name
        elif family_first(self.scenario.locale) and " " in name:
            last, _, first = name.partition(" ")
        group = cast.group or "Support"
        return Agent(
            key=key,
            id=cast.id or 1 + self.base % 1_000 + position,
            name=name,
            first_name=first,
            last_name=last,
            email=cast.email or person.email,
            group=group,
            group_id=1 + derive(0, "group", group) % 9_000,
            avatar=cast.avatar,
            female=person.female if cast.name is None else None,
        )

    def _token(self, index: int, starts: int) -> str:
        """A browser's id, of letters and digits, that ends with the time of its first visit."""
        digest = blake2b(f"{self.seed}\x1f{self.scenario.title}\x1f{index}".encode(), digest_size=40).digest()
        return digest[:34].translate(_TO_ALPHABET).decode() + str(starts - int.from_bytes(digest[34:]) % 10**9)

    def _visitor(self, index: int, starts: int, overrides: Mapping[str, Any]) -> Visitor:
        person = self.pool.person(self.first_person + index)
        given = self.scenario.cast.visitor
        visitor = Visitor(
            id=(given.get("id") if index == 0 else None) or self.base * 2 + index,
            token=self._token(index, starts),
            name=person.name,
            email=person.email,
            phone=person.phone,
            identifier=None,
            ip=person.ip,
            city=person.city,
            country=person.country,
            country_code=person.country_code,
            user_agent=person.user_agent,
            platform=person.platform,
            browser=person.browser,
            browser_version=person.browser_version,
            system=person.system,
            system_version=person.system_version,
            device=person.device,
            language=person.language,
            referer=None,
            note=None,
            group=None,
            custom=dict(given.get("custom") or {}),
            person=person,
        )
        for name, value in given.items():
            if name not in ("id", "custom"):
                setattr(visitor, name, value)
        # An id of the vendor or of the customer's own system is given for visitors who have been there before.
        identified = {**({} if self.anonymous else given), **overrides}
        visitor.known = any(identified.get(name) is not None for name in ("id", "identifier"))
        return replace(visitor, **overrides) if overrides else visitor

    def _keep_back(self, visitor: Visitor, overrides: Mapping[str, Any]) -> dict[str, str | None]:
        """Takes from the visitor, and returns, what tells who he is. What `overrides` gives is known."""
        untold = {name: getattr(visitor, name) for name in IDENTITY if name not in overrides}
        for name in untold:
            setattr(visitor, name, None)
        return untold


def _visit(site: tuple[Page, ...], count: int, random: Random) -> tuple[Page, ...]:
    """The pages of one visit, from the first to the one with the chat; half of the visits begin with the first of the
    site."""
    position = 0 if random.random() < 0.5 else random.randrange(len(site))
    pages = [site[position]]
    while len(pages) < count:
        position = (position + random.randrange(1, len(site))) % len(site)
        pages.append(site[position])
    return tuple(pages)
