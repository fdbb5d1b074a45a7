"""A load run as one self-contained HTML file, with charts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vendorsim.reporting.charts import Line, chart
from vendorsim.reporting.text import visible

_PERCENTILES = ("p50", "p90", "p99", "max")


def render(report: Mapping[str, Any]) -> bytes:
    """Returns the page for a report document, in UTF-8. It is self-contained and has no script."""
    environment = _environment()
    assert environment.loader is not None
    style = environment.loader.get_source(environment, "load.css")[0]
    page = environment.get_template("load.html").render(
        report=report, charts=_charts(report["series"]), percentiles=_PERCENTILES, style=Markup(style)
    )
    return page.encode("utf-8", "backslashreplace")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("vendorsim.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Reasons of errors quote the target's answers: show invisible characters as escapes.
    environment.finalize = lambda value: visible(value) if type(value) is str else value
    environment.filters |= {"ms": lambda value: "–" if value is None else f"{value:.1f}"}
    return environment


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
