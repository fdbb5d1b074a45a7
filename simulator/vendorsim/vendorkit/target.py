"""A target: an integration that gets a vendor's events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vendorsim.vendorkit.profile import Profile


@dataclass(frozen=True, slots=True)
class Target:
    """An integration under test. `events` is its subscription (None means what its kind gets by default), `secret_env`
    the environment variables that hold its secrets: the one that counts, and the next one while they are rotated.
    `probe_ignore` are JSON pointers of what counts for nothing in the state that the `probe` shows."""

    url: str
    events: tuple[str, ...] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_env: tuple[str, ...] = ()
    kind: str = "webhook"
    probe: str | None = None
    probe_ignore: tuple[str, ...] = ()

    def gets(self, event: str, profile: Profile) -> bool:
        """Whether an event of that name goes here: subscribed to, and sent to targets of this kind."""
        return profile.kind(self.kind).gets(event, self.events)
