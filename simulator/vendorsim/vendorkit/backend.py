"""The server as the API of a vendor uses it. These are Protocols, so that vendors don't import the server.

`vendorsim.server.backend` implements them. They are safe to use from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from vendorsim.conversation.casting import Opening
from vendorsim.conversation.state import Conversation
from vendorsim.vendorkit.api_call import ApiCall
from vendorsim.vendorkit.conversation_handle import ConversationHandle
from vendorsim.vendorkit.conversation_registry import ConversationRegistry
from vendorsim.vendorkit.limits import Duplicates, RateLimit
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.session_overrides import SessionOverrides
from vendorsim.vendorkit.target import Target


class Stage(Protocol):
    """How a vendor is played on a server: the profile, the targets of its events, and new conversations."""

    @property
    def profile(self) -> Profile:
        """The profile that is played."""
        ...

    @property
    def subscriptions(self) -> Subscriptions:
        """The targets of the vendor's events. The same object as long as the targets are the same ones."""
        ...

    def open(self, opening: Opening = ...) -> ConversationHandle:
        """Opens a conversation and registers it for the vendor's API. It has had no step yet; `ConversationHandle.act`
        carries out steps."""
        ...

    def sample(self, opening: Opening = ...) -> Conversation:
        """A conversation as `open` would make it, for what all conversations share: account and agents. It is
        registered nowhere."""
        ...

    def signs(self, kind: str) -> bool:
        """Whether deliveries to targets of this kind are signed."""
        ...

    def subscribe(self, target: Target, secret: str | None = None) -> int:
        """Adds a target and returns its number. With a secret its deliveries are signed, if deliveries to its kind of
        target are signed. Raises InputError for a URL that can't be sent to."""
        ...

    def resubscribe(self, number: int, target: Target, secret: str | None = None) -> bool:
        """Replaces the target of that number; False if there is none.

        Without a secret, the old secret is kept. Headers of the old target are kept only if the new URL is on the same
        server.
        """
        ...

    def unsubscribe(self, number: int) -> bool:
        """Removes the target of that number; False if there is none."""
        ...

    def targets(self) -> list[tuple[int, Target]]:
        """The targets with their numbers. Numbers are not reused."""
        ...


class Subscriptions(Protocol):
    """The targets of one vendor. They stay when a run ends. Hashable by identity."""

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts of the targets that were configured, or given at the start of the run."""
        ...


class Backend(Protocol):
    """One server, as the API of a vendor sees it.

    `token` is the only accepted token, None for any. With `strict` only known sessions are accepted.
    `duplicate_interval` is in milliseconds; 0 switches the rule off. `rate_limit` is None without a limit.
    `slow_seconds` is the delay of slow answers; `sleep` waits for a number of seconds.
    """

    token: str | None
    strict: bool
    duplicate_interval: int
    slow_seconds: float
    sleep: Callable[[float], None]
    rate_limit: RateLimit | None
    duplicates: Duplicates
    overrides: SessionOverrides

    @property
    def conversations(self) -> ConversationRegistry:
        """The conversations in progress."""
        ...

    def stage(self, vendor: str) -> Stage:
        """How a vendor is played at present."""
        ...

    def subscribe(self, callback: Callable[[ApiCall], None]) -> Callable[[], None]:
        """Calls `callback` for every API call, in the request's thread, before the answer is sent. Returns a function
        that ends the subscription."""
        ...

    def calls(self) -> Sequence[ApiCall]:
        """The newest calls so far, oldest first."""
        ...

    def tell(self, call: ApiCall) -> None:
        """Reports a call to all subscribers."""
        ...
