"""What a server is to the API of a vendor: interfaces, so that a vendor needs nothing above this package.

`vendorsim.server.backend` implements them. Everything here is safe to use from any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from vendorsim.conversation.casting import Opening
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
        """A new conversation, known to the vendor's API. It has no steps yet; `ConversationHandle.act` carries them
        out."""
        ...

    def signs(self, kind: str) -> bool:
        """Whether deliveries to targets of this kind are signed."""
        ...

    def subscribe(self, target: Target, secret: str | None = None) -> int:
        """Adds a target and returns its number. With a secret its deliveries are signed, where its kind of target is
        signed for. Raises InputError for a URL that can't be sent to."""
        ...

    def resubscribe(self, number: int, target: Target, secret: str | None = None) -> bool:
        """Replaces the target of that number; False where there is none.

        Without a secret it is signed for as before. Headers of the old target are kept for the same server only.
        """
        ...

    def unsubscribe(self, number: int) -> bool:
        """Removes the target of that number; False where there is none."""
        ...

    def targets(self) -> list[tuple[int, Target]]:
        """The targets with their numbers. A number is never given twice."""
        ...


class Subscriptions(Protocol):
    """The targets of one vendor, which outlive a run of it. Hashable by identity."""

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts of the targets that were configured, or given when the run began."""
        ...


class Backend(Protocol):
    """One server, as the API of a vendor sees it.

    `token` is the only accepted token, None for any. With `strict` only sessions that are known are accepted.
    `duplicate_interval` is in milliseconds; 0 switches the rule off. `rate_limit` is None without a limit.
    `slow_seconds` is how long slow answers are held back, by `sleep` (seconds).
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
        """The conversations that are under way."""
        ...

    def stage(self, vendor: str) -> Stage:
        """How a vendor is played now."""
        ...

    def subscribe(self, callback: Callable[[ApiCall], None]) -> Callable[[], None]:
        """Calls `callback` for every API call, in the request's thread, once the answer is decided. Returns the
        function that ends it."""
        ...

    def tell(self, call: ApiCall) -> None:
        """Passes a call on to all subscribers."""
        ...
