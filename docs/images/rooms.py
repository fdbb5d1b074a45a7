"""Draws the picture of the rooms in docs/architecture.md from the imports of the code.

python docs/images/rooms.py            # writes docs/images/rooms.svg
python docs/images/rooms.py --check    # exit code 1 where the picture is not that of the code
"""

from __future__ import annotations

import ast
import sys
import textwrap
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[1] / "simulator" / "vendorsim"
PICTURE = HERE / "rooms.svg"
WIDTH, BOX, HEIGHT, GAP, ROW = 800, 236, 74, 70, 112
MOST_IN_A_ROW = 4


@dataclass
class Room:
    """A folder of the package: what its docstring says, and the rooms that its modules import."""

    name: str
    purpose: str
    imports: set[str] = field(default_factory=set)


def rooms() -> dict[str, Room]:
    """Every room of the package by name, read from its files."""
    found: dict[str, Room] = {}
    for folder in sorted(path.parent for path in PACKAGE.glob("*/__init__.py")):
        docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
        room = found[folder.name] = Room(folder.name, docstring.partition("\n")[0].partition(". ")[0].rstrip("."))
        for module in folder.rglob("*.py"):
            room.imports |= _imported(ast.parse(module.read_text())) - {folder.name}
    for room in found.values():
        room.imports &= found.keys()
    return found


def _imported(tree: ast.Module) -> set[str]:
    """The rooms that a module imports, also where only types are checked."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("vendorsim.")}


def layers(found: dict[str, Room]) -> list[list[str]]:
    """The rooms from the bottom up: each stands above all that it imports. Raises ValueError for a circle."""
    placed: dict[str, int] = {}
    while len(placed) < len(found):
        ready = [name for name, room in found.items() if name not in placed and room.imports <= placed.keys()]
        if not ready:
            raise ValueError(f"rooms import each other in a circle: {', '.join(sorted(found.keys() - placed.keys()))}")
        for name in ready:
            placed[name] = max((placed[other] + 1 for other in found[name].imports), default=0)
    # A room that others import goes as high as they let it, so that arrows stay short.
    for name in sorted(placed, key=lambda name: -placed[name]):
        importers = [placed[other] for other, room in found.items() if name in room.imports]
        placed[name] = min(importers) - 1 if importers else placed[name]
    rows: list[list[str]] = []
    for level in range(max(placed.values()) + 1):
        level_rooms = [name for name in found if placed[name] == level]
        rows += [level_rooms[i : i + MOST_IN_A_ROW] for i in range(0, len(level_rooms), MOST_IN_A_ROW)]
    return rows


def nearest(found: dict[str, Room]) -> dict[str, set[str]]:
    """For each room the imports that no other of its imports implies: the arrows that are drawn."""

    def reach(name: str) -> set[str]:
        return found[name].imports.union(*(reach(other) for other in found[name].imports))

    return {
        name: {other for other in room.imports if not any(other in reach(third) for third in room.imports)}
        for name, room in found.items()
    }


def drawn(found: dict[str, Room]) -> str:
    """The picture as SVG: a row of boxes per layer, the highest on top."""
    rows = list(reversed(layers(found)))
    middle: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        left = (WIDTH - len(row) * BOX - (len(row) - 1) * GAP) / 2
        for position, name in enumerate(row):
            middle[name] = (left + position * (BOX + GAP) + BOX / 2, 20 + number * ROW)
    parts = [_arrow(middle[name], middle[other]) for name, others in nearest(found).items() for other in sorted(others)]
    parts += [_box(found[name], *place) for name, place in middle.items()]
    height = 20 + len(rows) * ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" role="img">\n'
        "<title>The rooms of the package vendorsim: arrows show what imports what</title>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#7a8699"/></marker></defs>\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = (start[0], start[1] + HEIGHT), end
    bend = (y2 - y1) / 2
    curve = f"M{x1:.0f} {y1:.0f} C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} {x2:.0f} {y2 - 2:.0f}"
    return f'<path d="{curve}" fill="none" stroke="#7a8699" stroke-width="1.3" marker-end="url(#tip)"/>'


def _box(room: Room, x: float, y: float) -> str:
    left = x - BOX / 2
    lines = textwrap.wrap(room.purpose, 36)[:2]
    texts = [
        f'<text x="{left + 12:.0f}" y="{y + 22:.0f}" font-size="15" font-weight="bold" fill="#16324f">'
        f"{room.name}</text>",
        *(
            f'<text x="{left + 12:.0f}" y="{y + 41 + 15 * number:.0f}" font-size="11" fill="#333">{escape(line)}</text>'
            for number, line in enumerate(lines)
        ),
    ]
    frame = f'<rect x="{left:.0f}" y="{y:.0f}" width="{BOX}" height="{HEIGHT}" rx="8" fill="#eef4fb" stroke="#9fb8d3"/>'
    return frame + "".join(texts)


def main() -> int:
    picture = drawn(rooms())
    if "--check" in sys.argv:
        same = PICTURE.exists() and PICTURE.read_text() == picture
        print("the picture is that of the code" if same else "draw it anew: python docs/images/rooms.py")
        return 0 if same else 1
    PICTURE.write_text(picture)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
