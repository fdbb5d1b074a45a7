"""The destinations of events: the targets of a run, and those that subscribe through the vendor's API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock

from msgspec import Struct, field

from vendorsim.core.event import Event
from vendorsim.delivery.hooks import Hook
from vendorsim.http.endpoint import Endpoint, endpoint, merged, own_headers
from vendorsim.vendorkit.policy import Policy
from vendorsim.vendorkit.profile import Profile
from vendorsim.vendorkit.signing import Signer
from vendorsim.vendorkit.target import Target


class Destination(Struct, frozen=True):
    """A target made ready for sending: endpoint, headers, policy, signer.

    `hook` is what its vendor thinks of it, for all conversations whose time passes together. `heads` caches the heads
    of requests without faults, by the event's method and the identity of its headers, which it keeps alive; `received`
    caches `receives`.
    """

    target: Target
    endpoint: Endpoint
    headers: Mapping[str, str]
    policy: Policy
    signer: Signer | None = None
    hook: Hook = field(default_factory=Hook)
    heads: dict[tuple[str, int], tuple[Mapping[str, str], str]] = field(default_factory=dict)
    received: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def of(
        cls, target: Target, headers: Mapping[str, str], policy: Policy, signer: Signer | None = None
    ) -> Destination:
        """Builds the destination of a target; `headers` replace the target's own. Raises InputError."""
        return cls(target, endpoint(target.url), merged(target.headers, headers), policy, signer)

    @property
    def signs(self) -> bool:
        """Whether requests carry a signature."""
        return self.signer is not None and self.signer.scheme.signs

    @property
    def minds_failures(self) -> bool:
        """Whether the vendor does something with its hook when it keeps failing."""
        return self.policy.pause.value is not None or self.policy.switch_off.value is not None

    def receives(self, event: str, profile: Profile) -> bool:
        """Whether an event of that name is sent to it. `profile` is always that of the run."""
        found = self.received.get(event)
        if found is None:
            found = self.received[event] = self.target.gets(event, profile)
        return found

    def headers_of(self, event: Event) -> dict[str, str]:
        """Returns the headers of a request, without framing and signature."""
        return merged(own_headers(self.endpoint), event.headers, self.headers)


class Destinations:
    """Numbered destinations. A number is never used twice. Thread-safe; reading takes no lock.

    `hosts` are the hosts of the initial destinations.
    """

    def __init__(self, destinations: Sequence[Destination] = ()) -> None:
        self._lock = Lock()
        self._numbered: tuple[tuple[int, Destination], ...] = tuple(enumerate(destinations))
        self._next = len(self._numbered)
        self.hosts = frozenset(destination.endpoint.host for destination in destinations)

    def numbered(self) -> tuple[tuple[int, Destination], ...]:
        """Returns all destinations with their numbers, in the order in which they were added."""
        return self._numbered

    def all(self) -> tuple[Destination, ...]:
        """Returns all destinations, in the order in which they were added."""
        return tuple(destination for _, destination in self._numbered)

    def add(self, destination: Destination) -> int:
        """Adds a destination and returns its number."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._numbered = (*self._numbered, (number, destination))
            return number

    def replace(self, number: int, destination: Destination) -> bool:
        """Replaces the destination with that number. Returns False if there is none."""
        with self._lock:
            known = any(other == number for other, _ in self._numbered)
            self._numbered = tuple((other, destination if other == number else old) for other, old in self._numbered)
            return known

    def remove(self, number: int) -> bool:
        """Removes the destination with that number. Returns False if there is none."""
        with self._lock:
            left = tuple(item for item in self._numbered if item[0] != number)
            known = len(left) < len(self._numbered)
            self._numbered = left
            return known
