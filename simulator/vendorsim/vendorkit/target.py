"""A target: an integration that receives a vendor's events."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from vendorsim.probes.model import NamedSource
from vendorsim.vendorkit.profile import Profile


class Target(Struct, frozen=True):
    """An integration under test.

    `events` is its subscription (None: the default of its kind). `secret_env` are the environment variables with its
    secrets: the current one, and the next one while secrets are rotated. `probe` reads its state: one probe, or several
    with names; `probe_ignore` are JSON pointers of the parts of that state to ignore. `account` and `inbox` are the ids
    of the vendor's account and inbox that it is made for (None: any).
    """

    url: str
    events: tuple[str, ...] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_env: tuple[str, ...] = ()
    kind: str = "webhook"
    probe: tuple[NamedSource, ...] = ()
    probe_ignore: tuple[str, ...] = ()
    account: int | None = None
    inbox: int | None = None

    def gets(self, event: str, profile: Profile) -> bool:
        """Whether the target gets an event: by its subscription and its kind."""
        return profile.kind(self.kind).gets(event, self.events)
