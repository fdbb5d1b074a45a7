"""Counters of one namespace, in the Prometheus text format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from threading import Lock

from vendorsim.delivery.records import Attempt, Over, Record
from vendorsim.vendorkit.api_call import ApiCall


class Metrics:
    """Counts attempts and API calls since the server started. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._attempts: Counter[tuple[str, str, str]] = Counter()
        self._calls: Counter[tuple[str, str, int]] = Counter()
        self._seconds = 0.0
        self._timed = 0

    def delivered(self, record: Record | Over) -> None:
        """Counts the record if it is an attempt."""
        if not isinstance(record, Attempt):
            return
        with self._lock:
            self._attempts[record.event.vendor, record.event.name, record.verdict] += 1
            if record.milliseconds is not None:
                self._seconds += record.milliseconds / 1000
                self._timed += 1

    def called(self, call: ApiCall) -> None:
        """Counts a call of a vendor's API."""
        with self._lock:
            self._calls[call.vendor, call.operation, call.status] += 1

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """Returns all metrics as text. `gauges` maps names to (help, value)."""
        with self._lock:
            attempts, calls = sorted(self._attempts.items()), sorted(self._calls.items())
            seconds, timed = self._seconds, self._timed
        lines = [
            *_counter("vendorsim_attempts_total", "Attempts of deliveries.", ("vendor", "event", "verdict"), attempts),
            *_counter("vendorsim_calls_total", "Calls of vendors' APIs.", ("vendor", "operation", "status"), calls),
            "# HELP vendorsim_attempt_seconds Time from the first byte sent to the answer read.",
            "# TYPE vendorsim_attempt_seconds summary",
            f"vendorsim_attempt_seconds_sum {seconds:.6f}",
            f"vendorsim_attempt_seconds_count {timed}",
        ]
        for name, (help, value) in gauges.items():
            lines += [f"# HELP {name} {help}", f"# TYPE {name} gauge", f"{name} {value:g}"]
        return "\n".join(lines) + "\n"


def _counter(
    name: str, help: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str | int, ...], int]]
) -> Iterable[str]:
    yield f"# HELP {name} {help}"
    yield f"# TYPE {name} counter"
    for key, count in values:
        pairs = ",".join(f'{label}="{_escaped(value)}"' for label, value in zip(labels, key, strict=True))
        yield f"{name}{{{pairs}}} {count}"


def _escaped(value: str | int) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
