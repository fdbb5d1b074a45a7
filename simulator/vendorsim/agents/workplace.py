"""What the tools work with: the configuration, the journal, and where they may send."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field

from vendorsim.core.errors import InputError
from vendorsim.http.allowed_targets import refusal
from vendorsim.http.endpoint import endpoint
from vendorsim.http.transport_options import TransportSettings
from vendorsim.journal.store import Journal
from vendorsim.runs.config import Config
from vendorsim.vendorkit.target import Target


class Workplace(Struct, frozen=True):
    """The settings of a server for agents. `config` is read once, so that an agent that edits the file gains nothing.

    `journal` is the file of the journal; None: no journal is kept. Without `allow_send` nothing is sent.
    """

    config: Config = field(default_factory=Config)
    journal: Path | None = None
    transport: TransportSettings = field(default_factory=TransportSettings)
    allow_send: bool = False
    allowed_targets: frozenset[str] = frozenset()

    def require_sending(self) -> None:
        """Raises InputError unless the tools may send."""
        if not self.allow_send:
            raise InputError(
                "this server sends nothing: the person who set it up must start it as vendorsim mcp --allow-send"
            )

    def check_url(self, vendor: str, url: str, argument: str) -> None:
        """Raises InputError unless the control API would send to that URL for this vendor. `argument` gave it."""
        try:
            endpoint(url)
        except InputError as error:
            raise InputError(f"/{argument}: {error}") from None
        reason = refusal(url, self.allowed_targets | self.config.target_hosts(vendor))
        if reason is not None:
            raise InputError(
                f"/{argument}: {reason}. To allow it, the person who set up this server adds the target to "
                "vendorsim.yaml, or starts it with --allow-target HOST"
            )

    def target(self, vendor: str, url: str | None, *, needed: bool = True) -> Target | None:
        """The target of that URL, with the headers and secrets that vendorsim.yaml names for it; None for None, which
        means all targets in vendorsim.yaml. Raises InputError, also if there are none and one is needed."""
        configured = self.config.targets.get(vendor, ())
        if url is None:
            if needed and not configured:
                raise InputError(
                    f"/to: no target: give the URL of the integration, or name targets of {vendor} in vendorsim.yaml "
                    "and start this server again"
                )
            return None
        self.check_url(vendor, url, "to")
        return next((target for target in configured if target.url == url), Target(url))

    @contextmanager
    def open_journal(self) -> Iterator[Journal]:
        """The journal, for reading. Raises InputError."""
        journal = Journal(self.journal_file(), must_exist=True)
        try:
            yield journal
        finally:
            journal.close()

    def journal_file(self) -> Path:
        """The file of the journal. Raises InputError if none is kept."""
        if self.journal is None:
            raise InputError("this server keeps no journal: it was started with --no-journal")
        return self.journal
