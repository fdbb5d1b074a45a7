"""The settings of a server, and the objects that its namespaces share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vendorsim.delivery.background_loop import BackgroundLoop
from vendorsim.journal.journals import Journals
from vendorsim.journal.pages import SEARCH_STEPS, Pages
from vendorsim.journal.recorder import Recorder
from vendorsim.runs.config import Config
from vendorsim.scenario.calls import Sink
from vendorsim.server.control.capturer import Capturer
from vendorsim.server.control.checker import Checker
from vendorsim.server.example_receiver import ExampleReceiver
from vendorsim.server.shared.in_memory import InMemory
from vendorsim.server.shared.model import SharedState

MOST_RUNS = 50


@dataclass(frozen=True)
class Settings:
    """The settings of a server. `duplicate_interval` is in milliseconds, `rate_limit` in requests per second.

    `most_runs` is the number of runs that a namespace keeps. `search_steps` is the limit of `JournalPages`. `checker`
    makes what runs the checks, on first use; without one the server runs none. `capturer` makes what records traffic.
    """

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
    sinks: tuple[Sink, ...] = ()
    most_runs: int = MOST_RUNS
    search_steps: int = SEARCH_STEPS
    checker: Callable[[Config], Checker] | None = None
    capturer: Callable[[], Capturer] | None = None


@dataclass(frozen=True)
class Shared:
    """The objects that the namespaces of a server share: the journal, its writer, the event loop that delivers, the
    state that several servers may share, and the receiver of example runs."""

    journal: Journals
    recorder: Recorder
    background_loop: BackgroundLoop
    state: SharedState = field(default_factory=InMemory)
    example_receiver: ExampleReceiver = field(default_factory=ExampleReceiver)

    @property
    def pages(self) -> Pages:
        return self.journal.pages

    def begin(self, command: str, about: Mapping[str, object], namespace: str) -> int:
        """Starts a run in the journal and returns its number."""
        return self.journal.begin(command, about, namespace)

    def end(self, run: int) -> None:
        """Marks a run of the journal as ended."""
        self.journal.end(run)
