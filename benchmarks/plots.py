"""Line plots as SVG, for light and dark backgrounds."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10

from results import Line, Plot

WIDTH, HEIGHT = 760, 350
LEFT, RIGHT, TOP, BOTTOM = 64, 64, 72, 46
# Colours with contrast on white and on black.
COLOURS = ("#3b82f6", "#e8590c", "#2f9e44", "#ae3ec9", "#c69000", "#0c8599")
STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #3d444d }
.title { font-weight: 600; font-size: 14px }
.rule { stroke: #8b949e; stroke-opacity: .35 }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round }
.right { stroke-dasharray: 6 4 }
@media (prefers-color-scheme: dark) { text { fill: #d1d7e0 } }"""


def drawn(plot: Plot) -> str:
    """Returns the plot as an SVG document. Lines of `right_lines` are dashed and use the scale on the right."""
    points = [point for line in (*plot.lines, *plot.right_lines) for point in line.points]
    across = _Scale([x for x, _ in points], LEFT, WIDTH - RIGHT, logarithmic=plot.logarithmic)
    left = _Scale([0.0, *_heights(plot.lines)], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(plot.title)}">',
        f"<style>{STYLE}</style>",
        _text(plot.title, LEFT, 18, kind="title"),
        _text(plot.x, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle"),
        _text(plot.y, 8, TOP - 12),
    ]
    for tick in left.ticks():
        y = left.at(tick)
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(f"{tick:,g}", LEFT - 8, y + 4, "end"))
    for tick in across.ticks():
        parts.append(_text(f"{tick:,.0f}", across.at(tick), HEIGHT - BOTTOM + 18, "middle"))
    parts += _lines(plot.lines, across, left)
    if plot.right_lines:
        right = _Scale([0.0, *_heights(plot.right_lines)], HEIGHT - BOTTOM, TOP)
        parts.append(_text(plot.right, WIDTH - 8, TOP - 12, "end"))
        parts += [_text(f"{tick:,g}", WIDTH - RIGHT + 8, right.at(tick) + 4) for tick in right.ticks()]
        parts += _lines(plot.right_lines, across, right, len(plot.lines), "right")
    parts += _legend([line.name for line in (*plot.lines, *plot.right_lines)])
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Scale:
    """Maps values to coordinates."""

    def __init__(self, values: list[float], start: float, end: float, *, logarithmic: bool = False) -> None:
        self._logarithmic = logarithmic
        low, high = min(values), max(values)
        if logarithmic:
            low, high = 10 ** floor(log10(low)), 10 ** ceil(log10(high))
        else:
            self._step = _step(high - low)
            low, high = floor(low / self._step) * self._step, ceil(high / self._step) * self._step
        self._low, self._high = low, high if high > low else low + 1
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        low, high = self._low, self._high
        if self._logarithmic:
            value, low, high = log10(value), log10(low), log10(high)
        return self._start + (value - low) / (high - low) * (self._end - self._start)

    def ticks(self) -> list[float]:
        if self._logarithmic:
            return [10.0**power for power in range(round(log10(self._low)), round(log10(self._high)) + 1)]
        count = round((self._high - self._low) / self._step)
        return [self._low + number * self._step for number in range(count + 1)]


def _step(span: float) -> float:
    """Returns a round distance between ticks, for four to ten ticks."""
    rough = (span or 1.0) / 5
    power = 10.0 ** floor(log10(rough))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= rough)


def _heights(lines: list[Line]) -> list[float]:
    return [y for line in lines for _, y in line.points]


def _lines(lines: list[Line], across: _Scale, up: _Scale, first: int = 0, kind: str = "left") -> list[str]:
    found = []
    for number, line in enumerate(lines, first):
        points = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in line.points)
        found.append(f'<polyline class="{kind}" stroke="{COLOURS[number % len(COLOURS)]}" points="{points}"/>')
    return found


def _legend(names: list[str]) -> list[str]:
    found, x = [], float(LEFT)
    for number, name in enumerate(names):
        colour = COLOURS[number % len(COLOURS)]
        found.append(f'<rect x="{x:.0f}" y="{TOP - 40}" width="12" height="4" rx="2" fill="{colour}"/>')
        found.append(_text(name, x + 17, TOP - 34))
        x += 34 + 7 * len(name)
    return found


def _text(text: str, x: float, y: float, anchor: str = "start", kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{name}>{escape(text)}</text>'
