"""Results → the report as one document, which `--json` prints and the HTML report shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from vendorsim.core.times import iso
from vendorsim.core.version import __version__
from vendorsim.load.mixing import Mix
from vendorsim.load.tally import Tally


class Heading(Struct, frozen=True):
    """What was requested, as reports show it. `count` is the number of conversations of the traffic."""

    title: str
    targets: tuple[str, ...]
    process: str
    seed: int
    count: int
    workers: int = 1

    @classmethod
    def of(cls, mix: Mix, targets: Sequence[str], workers: int = 1) -> Heading:
        traffic = mix.traffic
        return cls(traffic.title, tuple(targets), traffic.arrivals.process, mix.seed, mix.count, workers)


def document(heading: Heading, tally: Tally, reason: str | None = None) -> dict[str, Any]:
    """Builds the report. A `reason` says why the run is incomplete: the results of a part are missing."""
    seconds = tally.seconds
    code = 3 if reason is not None and not tally.interrupted else tally.exit_code
    return {
        "type": "load",
        "title": heading.title,
        "vendorsim": __version__,
        "targets": list(heading.targets),
        "workers": heading.workers,
        "seed": heading.seed,
        "began": iso(tally.began),
        "seconds": round(seconds, 3),
        "arrivals": heading.process,
        "conversations": {
            "asked": heading.count,
            "arrived": tally.arrived,
            "started": tally.started,
            "finished": tally.finished,
            "cut_off": tally.cut_off,
            "shed": tally.shed,
        },
        "scenarios": [{"scenario": name, "started": count} for name, count in tally.scenarios.items()],
        "requests": {"sent": tally.sent, "retries": tally.retries, "per_second": _per_second(tally.sent, seconds)},
        "deliveries": tally.ended(),
        "latency_ms": tally.latency.figures(),
        "from_plan_ms": tally.from_plan.figures(),
        "lateness_ms": tally.lateness.figures(),
        "errors": [
            {"kind": kind, "reason": reason, "count": count}
            for (kind, reason), count in sorted(tally.errors.items(), key=lambda item: (-item[1], item[0]))
        ],
        "events": [
            {
                "event": name,
                "sent": row.sent,
                "retries": row.retries,
                "verdicts": dict(sorted(row.verdicts.items())),
                "latency_ms": row.latency.figures(),
                "from_plan_ms": row.from_plan.figures(),
            }
            for name, row in sorted(tally.rows.items())
        ],
        "series": {
            "seconds": tally.series.width,
            "slots": [
                {
                    "arrived": slot.arrived,
                    "shed": slot.shed,
                    "answered": slot.answered,
                    "failed": slot.failed,
                    "latency_ms": slot.latency.figures(),
                }
                for slot in tally.series.slots
            ],
        },
        "bodies": tally.bodies.document(),
        "verdict": "incomplete" if reason is not None and not tally.interrupted else tally.verdict,
        "exit_code": code,
        "reason": reason or tally.unreachable,
    }


def _per_second(count: int, seconds: float) -> float:
    return round(count / seconds, 1) if seconds else 0.0
