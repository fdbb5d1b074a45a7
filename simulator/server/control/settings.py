"""What a server was started with, and what all its namespaces share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator.config import Config
from simulator.delivery.backstage import Backstage
from simulator.journal import Journal, Recorder
from simulator.journal_pages import JournalPages


@dataclass(frozen=True)
class Settings:
    """How a server was started. Times are milliseconds, rates requests per second."""

    token: str | None = field(default=None, repr=False)
    admin_token: str | None = field(default=None, repr=False)
    strict: bool = False
    duplicate_interval: int = 60_000
    rate_limit: float | None = None
    profiles: Mapping[str, str] = field(default_factory=dict)
    config: Config = field(default_factory=Config)
    allowed_hosts: frozenset[str] = frozenset()
    allowed_targets: frozenset[str] = frozenset()
    seed: int = 0


@dataclass(frozen=True)
class Shared:
    """What the namespaces of a server share: the journal's file, its one writer, and the loop that delivers."""

    journal: Path
    recorder: Recorder
    backstage: Backstage

    @property
    def pages(self) -> JournalPages:
        return JournalPages(self.journal)

    def begin(self, command: str, about: Mapping[str, object], namespace: str) -> int:
        """A new run in the journal; its number."""
        journal = Journal(self.journal)
        try:
            return journal.begin(command, about, namespace)
        finally:
            journal.close()

    def end(self, run: int) -> None:
        """A run of the journal is over."""
        journal = Journal(self.journal)
        try:
            journal.end(run)
        finally:
            journal.close()
