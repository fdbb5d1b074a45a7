"""What a vendor does with a hook that keeps failing: it pauses the hook, or switches it off (`Policy.pause`,
`Policy.switch_off`)."""

from __future__ import annotations

from msgspec import Struct

from vendorsim.core.times import duration_text, iso
from vendorsim.vendorkit.policy import Policy

# With this status the receiver asks the sender to stop (Standard Webhooks, "Delivery success and failure").
GONE = 410


class Hook(Struct):
    """The state of one target as its vendor sees it. Times are the scenario's, in milliseconds since 1970.

    `failures` is the number of attempts that have failed in a row, `failing_since` the time of the first of them;
    `fell_short` is whether one of them was the integration's own, not that of an outage on purpose. `off_because` says
    why it is switched off.
    """

    failures: int = 0
    failing_since: int | None = None
    fell_short: bool = False
    paused_until: int | None = None
    off_since: int | None = None
    off_because: str | None = None

    def resumes_at(self, at: int) -> int | None:
        """Returns the end of the pause; None if the hook is not paused at this time."""
        return self.paused_until if self.paused_until is not None and at < self.paused_until else None

    def succeeded(self) -> None:
        """Notes an attempt that the vendor counts as accepted."""
        self.failures, self.failing_since, self.fell_short = 0, None, False

    def failed(self, at: int, status: int | None, policy: Policy, *, in_outage: bool = False) -> str | None:
        """Notes an attempt that has failed. Returns what the vendor does to the hook because of it, or None."""
        self.failures += 1
        self.fell_short |= not in_outage
        self.failing_since = at if self.failing_since is None else self.failing_since
        if self.off_since is not None:
            return None
        because = self._reason_to_switch_off(at, status, policy)
        if because is not None:
            self.off_since, self.off_because = at, because
            return f"the vendor switches the hook off, since it {because}"
        pause = policy.pause.value
        if pause is not None and self.failures >= pause.failures and self.resumes_at(at) is None:
            self.paused_until = at + pause.time
            return f"the vendor pauses the hook until {iso(self.paused_until)}, since it {_in_a_row(self.failures)}"
        return None

    def _reason_to_switch_off(self, at: int, status: int | None, policy: Policy) -> str | None:
        limit = policy.switch_off.value
        if limit is None:
            return None
        assert self.failing_since is not None
        if status == GONE:
            return "answered 410"
        if limit.failures is not None and self.failures >= limit.failures:
            return _in_a_row(self.failures)
        if limit.time is not None and at - self.failing_since >= limit.time:
            return f"has failed for {duration_text(at - self.failing_since)}"
        return None

    def switch_on(self) -> None:
        """Switches the hook on again, and ends a pause."""
        self.succeeded()
        self.paused_until = self.off_since = self.off_because = None


def _in_a_row(failures: int) -> str:
    return "has failed once" if failures == 1 else f"has failed {failures} times in a row"
