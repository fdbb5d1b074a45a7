"""How a vendor is played while its API answers: by which profile, for which targets, and how a conversation begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from vendorsim.conversation.state import Conversation
from vendorsim.delivery.destinations import Places
from vendorsim.delivery.requests import Destination, destination
from vendorsim.runs.config import Target
from vendorsim.runs.conversation_handle import Handle
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.signing import signer
from vendorsim.vendorkit.vendor import Vendor

if TYPE_CHECKING:
    from vendorsim.delivery.planning import Policies


class Open(Protocol):
    """Begins a conversation; `prepare` changes it before anything happens."""

    def __call__(self, prepare: Callable[[Conversation], None] = ...) -> Handle: ...


@dataclass(frozen=True)
class Stage:
    """One vendor on one server. `places` are the targets of its events, which its API may change.

    `begin` makes a conversation that no scenario tells, and `known` makes the API know it.
    """

    vendor: Vendor
    profile: Profile
    places: Places
    policies: Policies
    begin: Open
    known: Callable[[Handle], None] = field(repr=False)

    def open(self, prepare: Callable[[Conversation], None] = lambda conversation: None) -> Handle:
        """A new conversation, known to the API. Nothing has happened in it; `Handle.act` carries out its steps."""
        handle = self.begin(prepare)
        self.known(handle)
        return handle

    def place(self, target: Target, secret: str | None = None) -> Destination:
        """A destination for a target that the vendor's API was told of, signed with that secret where its kind of
        target is signed for. Raises InputError for a URL that can't be sent to."""
        policy = self.policies.of(target.kind)
        scheme = policy.signing.value
        secrets = () if secret is None else (secret,)
        return destination(target, {}, policy, None if scheme is None else signer(scheme, secrets))

    def resubscribe(self, number: int, target: Target, secret: str | None = None) -> bool:
        """Another target in the place of that number; False where there is none.

        Without a secret it is signed for as before. Headers of its own go to the same server only.
        """
        old = dict(self.places.numbered()).get(number)
        if old is None:
            return False
        new = self.place(target, secret)
        if secret is None:
            new = replace(new, signer=old.signer)
        if (new.endpoint.secure, new.endpoint.authority) == (old.endpoint.secure, old.endpoint.authority):
            new = replace(new, headers=old.headers)
        else:
            new = replace(new, target=replace(target, headers={}), headers={})
        return self.places.replace(number, new)

    def targets(self) -> list[tuple[int, Target]]:
        """The targets of the vendor's events, with their numbers."""
        return [(number, replace(place.target)) for number, place in self.places.numbered()]
