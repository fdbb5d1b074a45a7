"""What the control API needs of a checker: it prepares runs of checks, runs them and renders their reports.

The checks are a room above the server, so the server is given a checker (`Settings.checker`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, field

from vendorsim.probes.model import NamedSource
from vendorsim.server.backend import ServerBackend
from vendorsim.vendorkit.policy_overrides import PolicyChanges
from vendorsim.vendorkit.target import Target


class EarlierReport(Struct, frozen=True):
    """A report of `vendorsim check --json` to compare with, and its name."""

    name: str
    document: Mapping[str, Any]


class CheckOrder(Struct, frozen=True):
    """What a request asks to check, as the options of `vendorsim check` do.

    `to` is None for the vendor's first configured target. `budget` and `settle` are in seconds, `pace` is in requests a
    second. `port` is that of the server whose API the integration calls; None if it calls none.
    """

    vendor: str
    profile: str | None = None
    to: Target | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    policy: PolicyChanges = field(default_factory=dict)
    policy_texts: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    probe: tuple[NamedSource, ...] = ()
    probe_ignore: tuple[str, ...] = ()
    account: int | None = None
    inbox: int | None = None
    locale: str | None = None
    fuzz: bool = False
    budget: float | None = None
    settle: float | None = None
    pace: float | None = None
    port: int | None = None
    against: EarlierReport | None = None


class JudgingBegan(Struct, frozen=True):
    """A check has started; `check` is its id."""

    check: str


class JudgingEnded(Struct, frozen=True):
    """A check has ended. `document` is its result as in the report, with its `seconds` and `findings`. Findings may
    still be merged into those of other checks: the report has the last word."""

    document: Mapping[str, Any]


CheckProgress = JudgingBegan | JudgingEnded


class ReportOfChecks(Protocol):
    """The report of a run of checks."""

    @property
    def interrupted(self) -> bool:
        """Whether the run was ended before all was judged."""
        ...

    def render(self, format: str, against: EarlierReport | None = None) -> tuple[bytes, str]:
        """Returns the report in a format, such as `json` or `junit`, and how the name of its file ends. `against`
        compares it with another report.

        Raises InputError for a report that it can't be compared with.
        """
        ...


class PreparedChecks(Protocol):
    """A run of checks that can be started, once."""

    @property
    def about(self) -> Mapping[str, Any]:
        """What it checks: `vendor`, `profile`, `target` (without secrets), `seed`, and `total`, the number of
        checks."""
        ...

    def run(
        self, tell: Callable[[CheckProgress], None], backend: ServerBackend | None, server: str | None
    ) -> ReportOfChecks:
        """Runs the checks in this thread until their end, and tells its progress. `backend` answers the vendors' API at
        the URL `server`, if the integration calls it. Raises VendorsimError."""
        ...

    def stop(self) -> None:
        """Ends the run soon, from any thread. Its report says what was judged until then."""
        ...


class Checker(Protocol):
    """Checks integrations."""

    def known(self) -> Sequence[Mapping[str, Any]]:
        """Returns the families with their checks, as JSON."""
        ...

    def prepare(self, order: CheckOrder) -> PreparedChecks:
        """Prepares a run. Raises InputError, whose message begins with the name of the option that is wrong, and
        MissingExtraError."""
        ...
