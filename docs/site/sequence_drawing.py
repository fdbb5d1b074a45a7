"""Draws Mermaid sequence diagrams as SVG.

Mermaid itself is three megabytes of JavaScript that each page would load. The pages need a small part of its language:
`participant` and `actor`, messages (`->>`, `-->>`), and `Note over`. Anything else is an error, so that no diagram is
wrong in the site and right elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from textwrap import wrap

_PARTICIPANT = re.compile(r"(?:participant|actor) (\w+)(?: as (.+))?")
_MESSAGE = re.compile(r"(\w+)(--?)>>(\w+): (.+)")
_NOTE = re.compile(r"Note over (\w+)(?:,\s*(\w+))?: (.+)")

# Pixels; a character is about CHARACTER wide.
CHARACTER, LINE, MARGIN, HEAD, WIDEST = 6.4, 16, 12, 34, 34


@dataclass(frozen=True)
class Row:
    """A message from one participant to another, or a note over both. `style`: `solid`, `dashed` or `note`."""

    start: int
    end: int
    lines: list[str]
    style: str


@dataclass
class Diagram:
    """The participants by their ids, and the rows."""

    names: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)


def read(text: str) -> Diagram:
    """Parses a sequence diagram. Raises ValueError for a line that it does not know."""
    first, *lines = [line.strip() for line in text.strip().splitlines()]
    if first != "sequenceDiagram":
        raise ValueError(f"only sequence diagrams are drawn, not '{first}'")
    diagram = Diagram()
    for line in filter(None, lines):
        if found := _PARTICIPANT.fullmatch(line):
            diagram.names[found[1]] = found[2] or found[1]
            continue
        message, note = _MESSAGE.fullmatch(line), _NOTE.fullmatch(line)
        if message:
            start, dashes, end, said = message.groups()
            style = "solid" if dashes == "-" else "dashed"
        elif note:
            start, end, said, style = note[1], note[2] or note[1], note[3], "note"
        else:
            raise ValueError(f"not a line of a sequence diagram that can be drawn: '{line}'")
        if not {start, end} <= diagram.names.keys():
            raise ValueError(f"a participant of '{line}' was not introduced")
        order = list(diagram.names)
        diagram.rows.append(Row(order.index(start), order.index(end), wrap(said, WIDEST), style))
    return diagram


def draw(diagram: Diagram) -> str:
    """The diagram as an SVG element, in the colour of the text around it."""
    wide = max((len(line) for row in diagram.rows for line in row.lines), default=0)
    gap = max(wide, *map(len, diagram.names.values())) * CHARACTER + 2 * MARGIN
    centres = [gap / 2 + position * gap for position in range(len(diagram.names))]
    parts, y = [], HEAD + MARGIN
    for row in diagram.rows:
        height = len(row.lines) * LINE
        left, right = sorted((centres[row.start], centres[row.end]))
        middle = (left + right) / 2
        if row.style == "note":
            half = max(max(map(len, row.lines)) * CHARACTER, right - left) / 2 + MARGIN
            parts.append(
                f'<rect class="note" x="{middle - half:.0f}" y="{y}" width="{2 * half:.0f}" height="{height + 8}"/>'
            )
        first = y + (17 if row.style == "note" else 13)
        parts += [
            f'<text x="{middle:.0f}" y="{first + LINE * number}">{escape(line)}</text>'
            for number, line in enumerate(row.lines)
        ]
        y += height + 8
        if row.style != "note":
            parts.append(
                f'<path class="{row.style}" d="M{centres[row.start]:.0f} {y}H{centres[row.end]:.0f}"'
                ' marker-end="url(#arrow)"/>'
            )
        y += MARGIN
    width = gap * len(centres)
    heads = [
        f'<path class="life" d="M{x:.0f} {HEAD}V{y}"/><rect x="{x - gap / 2 + 6:.0f}" y="1" width="{gap - 12:.0f}" '
        f'height="{HEAD - 4}"/><text class="name" x="{x:.0f}" y="20">{escape(name)}</text>'
        for x, name in zip(centres, diagram.names.values(), strict=True)
    ]
    label = escape("; ".join(" ".join(row.lines) for row in diagram.rows), quote=True)
    return (
        f'<svg class="sequence" role="img" aria-label="{label}" viewBox="0 0 {width:.0f} {y}" width="{width:.0f}">'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{''.join(heads)}{''.join(parts)}</svg>"
    )
