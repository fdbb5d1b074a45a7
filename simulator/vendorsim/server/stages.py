"""How a server plays one vendor: its profile, its destinations, and how to start a conversation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vendorsim.conversation.casting import AS_CAST, Opening
from vendorsim.conversation.state import Conversation
from vendorsim.delivery.destinations import Destination, Destinations
from vendorsim.delivery.run_backend import Opener
from vendorsim.runs.live_handle import LiveHandle
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.signing import signer
from vendorsim.vendorkit.target import Target
from vendorsim.vendorkit.vendor import Vendor

if TYPE_CHECKING:
    from vendorsim.delivery.planning import Policies


@dataclass(frozen=True)
class ServerStage:
    """One vendor on one server (`vendorsim.vendorkit.backend.Stage`).

    `destinations` receive its events; its API may change them. `opener` opens conversations without a scenario, and
    `register` makes the conversation known to the vendor's API.
    """

    vendor: Vendor
    profile: Profile
    destinations: Destinations
    policies: Policies
    opener: Opener
    register: Callable[[LiveHandle], None] = field(repr=False)

    @property
    def subscriptions(self) -> Destinations:
        return self.destinations

    def open(self, opening: Opening = AS_CAST) -> LiveHandle:
        handle = self.opener.open(opening)
        self.register(handle)
        return handle

    def sample(self, opening: Opening = AS_CAST) -> Conversation:
        return self.opener.sample(opening)

    def destination(self, target: Target, secret: str | None = None) -> Destination:
        """Returns the destination of a target. It is signed with `secret` if the vendor signs for that kind of target.

        Raises InputError for an invalid URL.
        """
        policy = self.policies.of(target.kind)
        scheme = policy.signing.value
        secrets = () if secret is None else (secret,)
        return Destination.of(target, {}, policy, None if scheme is None else signer(scheme, secrets))

    def signs(self, kind: str) -> bool:
        return self.policies.of(kind).signing.value is not None

    def subscribe(self, target: Target, secret: str | None = None) -> int:
        return self.destinations.add(self.destination(target, secret))

    def unsubscribe(self, number: int) -> bool:
        return self.destinations.remove(number)

    def resubscribe(self, number: int, target: Target, secret: str | None = None) -> bool:
        old = dict(self.destinations.numbered()).get(number)
        if old is None:
            return False
        new = self.destination(target, secret)
        if secret is None:
            new = replace(new, signer=old.signer)
        if (new.endpoint.secure, new.endpoint.authority) == (old.endpoint.secure, old.endpoint.authority):
            new = replace(new, headers=old.headers)
        else:
            new = replace(new, target=replace(target, headers={}), headers={})
        return self.destinations.replace(number, new)

    def targets(self) -> list[tuple[int, Target]]:
        return [(number, replace(destination.target)) for number, destination in self.destinations.numbered()]
