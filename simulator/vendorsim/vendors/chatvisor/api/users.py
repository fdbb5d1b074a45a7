"""The users of the API: the agents of the cast, and those that an integration has synchronised.

A user is identified by an e-mail address, like the agents in the vendor's samples.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from vendorsim.conversation.state import Agent, Conversation
from vendorsim.core.seeding import derive

_NO_TEAM = "Support"
# The first id of a synchronised agent, above the ids of any cast.
_FIRST_ID = 1_000_000


class TooManyUsersError(Exception):
    """More users than the server keeps."""


@dataclass(frozen=True, slots=True)
class User:
    """An agent's account. A call with `token` is made by this user; only synchronised agents have one."""

    email: str
    firstname: str
    lastname: str
    team: str | None
    token: str | None = field(default=None, repr=False)
    number: int = 0

    def shown(self) -> dict[str, Any]:
        """The User object, without the token."""
        return {"email": self.email, "firstname": self.firstname, "lastname": self.lastname, "team": self.team}

    def agent(self) -> Agent:
        """The user as an agent of conversations, by the address as the key."""
        group = self.team or _NO_TEAM
        return Agent(
            key=self.email,
            id=self.number,
            name=f"{self.firstname} {self.lastname}".strip() or self.email,
            first_name=self.firstname,
            last_name=self.lastname,
            email=self.email,
            group=group,
            group_id=1 + derive(0, "group", group) % 9_000,
        )


class Users:
    """The synchronised agents, by their addresses; at most `most`. Thread-safe."""

    def __init__(self, most: int = 5_000) -> None:
        self.most = most
        self._lock = Lock()
        self._by_address: dict[str, User] = {}

    def synchronise(self, given: Iterable[dict[str, Any]]) -> list[User]:
        """Creates users, and changes those that exist; other data stay as they are.

        Raises TooManyUsersError; then nothing is changed.
        """
        with self._lock:
            users = dict(self._by_address)
            # An address that is given several times is one user.
            addresses = dict.fromkeys(self._merge(users, one) for one in given)
            if len(users) > self.most:
                raise TooManyUsersError
            self._by_address = users
            return [users[address] for address in addresses]

    def all(self, cast: Iterable[Agent]) -> list[User]:
        """The agents of the cast, then the synchronised ones. Synchronised data replace the cast's."""
        with self._lock:
            synchronised = dict(self._by_address)
        of_cast = {_key(agent.email): _user(agent) for agent in cast}
        return list((of_cast | synchronised).values())

    def of_token(self, token: bytes) -> User | None:
        """The user with this token, or None. Compares with the tokens of all users in constant time."""
        with self._lock:
            users = list(self._by_address.values())
        found = [user for user in users if user.token and hmac.compare_digest(user.token.encode(), token)]
        return found[0] if found else None

    @staticmethod
    def _merge(users: dict[str, User], given: dict[str, Any]) -> str:
        address = _key(given["email"])
        known = users.get(address)
        old = known or User(given["email"], "", "", None, secrets.token_urlsafe(24), _FIRST_ID + len(users))
        users[address] = User(
            email=old.email,
            firstname=given.get("firstname", old.firstname),
            lastname=given.get("lastname", old.lastname),
            team=given.get("team", old.team),
            token=old.token,
            number=old.number,
        )
        return address


def find(users: Iterable[User], address: str) -> User | None:
    """The user with this address, or None. Case is ignored."""
    return next((user for user in users if same_address(user.email, address)), None)


def same_address(one: str, other: str) -> bool:
    return _key(one) == _key(other)


def agent_in_charge(conversation: Conversation) -> User:
    """The customer's assignee, else the first agent."""
    return _user(conversation.assignee or conversation.default_agent())


def agent_key(conversation: Conversation, user: User) -> str | None:
    """The key of this agent in the conversation; None for an agent who is new to it."""
    return next((key for key, agent in conversation.agents.items() if same_address(agent.email, user.email)), None)


def _user(agent: Agent) -> User:
    return User(agent.email, agent.first_name, agent.last_name, agent.group)


def _key(address: str) -> str:
    return address.casefold()
