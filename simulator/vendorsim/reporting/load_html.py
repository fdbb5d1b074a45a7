"""A load run as one self-contained HTML file, with charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from vendorsim.reporting.charts import Line, chart
from vendorsim.reporting.html_page import page

_PERCENTILES = ("p50", "p90", "p99", "max")


def render(report: Mapping[str, Any]) -> bytes:
    """Returns the page for a report document, in UTF-8. It is self-contained and has no script."""
    return page("load.html", report=report, charts=_charts(report["series"]), percentiles=_PERCENTILES)


def _charts(series: Mapping[str, Any]) -> list[Markup]:
    width, slots = series["seconds"], series["slots"]

    def rate(key: str) -> list[float | None]:
        return [slot[key] / width for slot in slots]

    latency = [
        Line(name, style, [slot["latency_ms"][name] for slot in slots])
        for name, style in zip(_PERCENTILES, "abcd", strict=True)
    ]
    return [
        chart(
            "Requests answered and failed",
            "/s",
            width,
            [Line("answered", "a", rate("answered")), Line("failed", "d", rate("failed"))],
        ),
        chart(
            "Conversations arrived and shed",
            "/s",
            width,
            [Line("arrived", "a", rate("arrived")), Line("shed", "d", rate("shed"))],
        ),
        chart("Latency", " ms", width, latency),
    ]
