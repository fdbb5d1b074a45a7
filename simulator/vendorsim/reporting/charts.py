"""Line charts as SVG, drawn without a library, so that reports are self-contained."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape
from msgspec import Struct

WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 28
_LINES = 4


class Line(Struct, frozen=True):
    """One line of a chart: its name, its style class (`a` to `d`) and its values, None for a gap."""

    name: str
    style: str
    values: Sequence[float | None]


def chart(title: str, unit: str, step: float, lines: Sequence[Line]) -> Markup:
    """Returns a figure with a legend; consecutive values are `step` seconds apart."""
    count = max((len(line.values) for line in lines), default=0)
    top = _round_up(max((value for line in lines for value in line.values if value is not None), default=0.0))
    span = max(1, count - 1)
    parts = [_grid(top, unit), _axis(step * span)]
    parts += [_polylines(line, span, top) for line in lines]
    legend = Markup("").join(Markup('<li class="{}">{}</li>').format(line.style, line.name) for line in lines)
    return Markup(
        '<figure class="chart"><figcaption>{title}</figcaption>'
        '<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}">{parts}</svg>'
        '<ul class="legend">{legend}</ul></figure>'
    ).format(title=title, width=WIDTH, height=HEIGHT, parts=Markup("").join(parts), legend=legend)


def _round_up(value: float) -> float:
    """Rounds up to 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value)


def _y(value: float, top: float) -> float:
    return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - value / top)


def _x(number: float, span: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * number / span


def _grid(top: float, unit: str) -> Markup:
    markup = Markup("")
    for number in range(_LINES + 1):
        value = top * number / _LINES
        y = f"{_y(value, top):.1f}"
        markup += Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_LEFT, WIDTH - _RIGHT, y, y)
        label = f"{value:g}{unit if number == _LINES else ''}"
        markup += Markup('<text class="label" x="{}" y="{}" dy="4" text-anchor="end">{}</text>').format(
            _LEFT - 6, y, label
        )
    return markup


def _axis(seconds: float) -> Markup:
    markup = Markup("")
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        text = f"{seconds * share:g} s"
        markup += Markup('<text class="label" x="{}" y="{}" text-anchor="{}">{}</text>').format(
            f"{_x(share, 1):.1f}", HEIGHT - 8, anchor, text
        )
    return markup


def _polylines(line: Line, span: float, top: float) -> Markup:
    """Draws the line as one polyline for each part without a gap."""
    pieces: list[list[str]] = [[]]
    for number, value in enumerate(line.values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{_x(number, span):.1f},{_y(value, top):.1f}")
    markup = Markup("")
    for points in filter(None, pieces):
        # A single point would be invisible as a line.
        both = points if len(points) > 1 else points * 2
        markup += Markup('<polyline class="{}" points="{}"/>').format(escape(line.style), " ".join(both))
    return markup
