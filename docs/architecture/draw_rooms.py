"""Rooms of planner/ and their imports -> ``rooms.svg`` and the table in ``docs/architecture.md``.

``python docs/architecture/draw_rooms.py`` writes both; with ``--check`` it fails if they are stale.
What a room is for stands in ``rooms.csv``, written by hand; lines and imports are read from the
code. Imports that lead upwards are an error. A folder without a row counts to the room around it.
"""

import ast
import csv
import re
import sys
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import networkx as nx

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "planner"
PAGE = ROOT / "docs/architecture.md"
PICTURE = HERE / "rooms.svg"

WIDTH = 1180
GAP = 62
PX_PER_LINE = 9.0
"""Area of a room in square pixels per line of code."""
COLOURS = ("#dbe9f6", "#fde6c8", "#dcefd8", "#f6dede", "#e7e0f3", "#f3eccb", "#d9eeee", "#e6e6e6")
"""One to a floor, from the top."""
STRONG, FAINT = "#27496d", "#b4b4b4"
"""Of imports that no other path implies, and of the rest."""
LEGEND = (
    "Area goes with lines of code (the smallest are drawn larger). Blue: imports that no other "
    "path implies; grey: the rest. Imports of base are not drawn."
)
Rooms = dict[str, dict[str, str]]
"""Rows of ``rooms.csv`` by room."""


class Box(NamedTuple):
    """A rectangle in pixels from the upper left corner."""

    x: float
    y: float
    w: float
    h: float


Arrows = set[tuple[str, str]]
"""Which room imports which."""


def read_rooms() -> Rooms:
    """Read the rows of ``rooms.csv`` by room, and find fault with what no longer fits the code."""
    with (HERE / "rooms.csv").open(encoding="utf-8", newline="") as file:
        rooms = {row["room"]: row for row in csv.DictReader(file)}
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path in modules()} - {"."}
    needed = {each for each in folders if "/" not in each or each.startswith("models/")}
    missing, gone = needed - set(rooms), set(rooms) - folders - {"base", "cli"}
    if missing or gone:
        raise SystemExit(f"rooms.csv: add rows for {sorted(missing)}, remove {sorted(gone)}")
    return rooms


def modules() -> list[Path]:
    """All modules of the package but its face, which only hands on names."""
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(parts: tuple[str, ...], rooms: Rooms) -> str:
    """Return the innermost room that a dotted path below ``planner`` stands in."""
    for end in range(len(parts), 0, -1):
        if "/".join(parts[:end]) in rooms:
            return "/".join(parts[:end])
    return "base"


def measure(rooms: Rooms) -> tuple[dict[str, int], Arrows]:
    """Count lines by room, and find who imports whom; inner rooms count on their own."""
    lines = dict.fromkeys(rooms, 0)
    arrows: Arrows = set()
    for path in modules():
        room = room_of(path.relative_to(PACKAGE).with_suffix("").parts, rooms)
        text = path.read_text(encoding="utf-8")
        lines[room] += text.count("\n")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("planner"):
                below = tuple(str(node.module).split(".")[1:])
                arrows |= {(room, room_of((*below, each.name), rooms)) for each in node.names}
    arrows = {(source, target) for source, target in arrows if source != target}
    for source, target in between_outer(arrows):
        if int(rooms[source]["floor"]) >= int(rooms[target]["floor"]):
            raise SystemExit(f"{source} imports {target}, which does not stand below it")
    return lines, arrows


def between_outer(arrows: Arrows) -> Arrows:
    """Who imports whom among the outer rooms; not ``base``, which is everybody's."""
    outer = {(source.split("/")[0], target.split("/")[0]) for source, target in arrows}
    return {(source, target) for source, target in outer if target not in (source, "base")}


def split(box: Box, sizes: list[tuple[str, float]]) -> dict[str, Box]:
    """Cut a box into one tile per name, areas in proportion, halving the longer side."""
    if len(sizes) == 1:
        return {sizes[0][0]: box}
    ends = list(accumulate(size for _, size in sizes))
    total = ends[-1]
    cut = min(range(1, len(sizes)), key=lambda end: abs(ends[end - 1] - total / 2))
    part = ends[cut - 1] / total
    x, y, w, h = box
    first, second = Box(x, y, w, h * part), Box(x, y + h * part, w, h * (1 - part))
    if w > 1.6 * h:
        first, second = Box(x, y, w * part, h), Box(x + w * part, y, w * (1 - part), h)
    return split(first, sizes[:cut]) | split(second, sizes[cut:])


def place(rooms: Rooms, lines: dict[str, int]) -> dict[str, Box]:
    """Place the outer rooms on their floors; the area of each goes with its lines."""
    whole: dict[str, int] = {}
    for room in rooms:
        whole[room.split("/")[0]] = whole.get(room.split("/")[0], 0) + lines[room]
    boxes: dict[str, Box] = {}
    y = 84.0
    for floor in sorted({int(row["floor"]) for row in rooms.values()}):
        names = [room for room in whole if int(rooms[room]["floor"]) == floor]
        area = sum(whole[name] for name in names) * PX_PER_LINE
        least = 88.0 if any(f"{name}/" in room for room in lines for name in names) else 54.0
        height = min(max(area / (0.8 * WIDTH), least), 190.0)
        widths = [max(whole[name] * PX_PER_LINE / height, 118.0) for name in names]
        x = (WIDTH - sum(widths) - GAP * (len(names) - 1)) / 2
        for name, width in zip(names, widths, strict=True):
            boxes[name] = Box(x, y, width, height)
            x += width + GAP
        y += height + GAP
    return boxes


def draw(rooms: Rooms, lines: dict[str, int], arrows: Arrows) -> str:
    """Draw floors, rooms with the rooms in them, and imports; each arrow has a title."""
    boxes = place(rooms, lines)
    outer = between_outer(arrows)
    height = max(box.y + box.h for box in boxes.values()) + 24
    needed = nx.transitive_reduction(nx.DiGraph(list(outer))).edges
    colours = {pair: STRONG if pair in needed else FAINT for pair in outer}
    order = sorted(outer, key=lambda pair: (colours[pair] != FAINT, pair))
    arrows_drawn = [arrow(pair, boxes, outer, colours[pair]) for pair in order]
    drawn = []
    for room, box in boxes.items():
        inner = [each for each in lines if each.startswith(f"{room}/")]
        total = lines[room] + sum(lines[each] for each in inner)
        drawn.append(rectangle(box, COLOURS[int(rooms[room]["floor"]) - 1], 1.6))
        drawn.append(text(box.x + 8, box.y + 19, room, 15, "bold"))
        drawn.append(text(box.x + 8, box.y + 34, f"{total:,} lines", 11, "normal"))
        if inner:
            own = [("", float(lines[room]))] if lines[room] > 100 else []
            sizes = [(each, max(lines[each], total / 30)) for each in inner]
            tiles = split(Box(box.x + 5, box.y + 40, box.w - 10, box.h - 45), sizes + own)
            for name, tile in tiles.items():
                if name:
                    drawn.append(rectangle(tile, "#ffffff", 0.8))
                    drawn.append(label(name.split("/")[1], tile))
    marker = "".join(
        f'<marker id="m{colour[1:]}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        f'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
        for colour in (FAINT, STRONG)
    )
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        'font-family="DejaVu Sans, Arial, sans-serif">',
        f'<rect width="100%" height="100%" fill="#fff"/><defs>{marker}</defs>',
        text(20, 30, "Rooms of planner/: imports run downwards", 20, "bold"),
        text(20, 52, LEGEND, 12, "normal"),
    ]
    return "\n".join([*head, *arrows_drawn, *drawn, "</svg>", ""])


def arrow(pair: tuple[str, str], boxes: dict[str, Box], outer: Arrows, colour: str) -> str:
    """Draw one import from the lower edge of a room to the upper edge of another."""
    source, target = boxes[pair[0]], boxes[pair[1]]
    down = sorted((b for a, b in outer if a == pair[0]), key=lambda each: boxes[each].x)
    up = sorted((a for a, b in outer if b == pair[1]), key=lambda each: boxes[each].x)
    x1 = source.x + source.w * (down.index(pair[1]) + 1) / (len(down) + 1)
    x2 = target.x + target.w * (up.index(pair[0]) + 1) / (len(up) + 1)
    y1, y2 = source.y + source.h, target.y - 1
    bend = min((y2 - y1) / 2, 60.0)
    return (
        f'<path d="M{x1:.0f} {y1:.0f}C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} '
        f'{x2:.0f} {y2:.0f}" fill="none" stroke="{colour}" stroke-width="1.5" '
        f'marker-end="url(#m{colour[1:]})"><title>{pair[0]} imports {pair[1]}</title></path>'
    )


def rectangle(box: Box, fill: str, stroke: float) -> str:
    """Draw a room's walls."""
    x, y, w, h = box
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" '
        f'fill="{fill}" stroke="#444" stroke-width="{stroke}" rx="2"/>'
    )


def text(x: float, y: float, words: str, size: float, weight: str) -> str:
    """Write words from a point to the right."""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size:.0f}" font-weight="{weight}" '
        f'fill="#222">{escape(words)}</text>'
    )


def label(name: str, tile: Box) -> str:
    """Write a name into its tile, as small as it must be; on two lines if that is larger."""
    words = name.split("_") if len(name) * 7 > tile.w and "_" in name else [name]
    size = min(12.0, tile.w / (0.64 * max(map(len, words))), tile.h / (1.25 * len(words)))
    top = tile.y + tile.h / 2 - size * 1.1 * (len(words) - 1) / 2 + size / 3
    return "".join(
        f'<text x="{tile.x + tile.w / 2:.0f}" y="{top + 1.1 * size * row:.1f}" '
        f'font-size="{size:.1f}" text-anchor="middle" fill="#222">{escape(word)}</text>'
        for row, word in enumerate(words)
    )


def table(rooms: Rooms, arrows: Arrows) -> str:
    """Print one row per room, with the rooms that it imports."""
    rows = [
        "| room | question | takes | gives | leaves out | imports |",
        "|---|---|---|---|---|---|",
    ]
    for room, row in rooms.items():
        imported = ", ".join(sorted({b for a, b in arrows if a == room}))
        cells = (row["question"], row["takes"], row["gives"], row["leaves_out"], imported)
        rows.append(f"| `{room}` | {' | '.join(cells)} |")
    return "\n".join(rows)


def written(page: str, rows: str) -> str:
    """Put the table between its marks in the page."""
    marks = r"(<!-- rooms -->\n).*?(\n<!-- /rooms -->)"
    return re.sub(marks, lambda found: found[1] + rows + found[2], page, flags=re.DOTALL)


def main() -> None:
    """Write the picture and the table; with ``--check`` only say whether they are current."""
    rooms = read_rooms()
    lines, arrows = measure(rooms)
    page = written(PAGE.read_text(encoding="utf-8"), table(rooms, arrows))
    if "--check" in sys.argv[1:]:
        pairs = re.findall(
            r"<title>(\w+) imports (\w+)</title>", PICTURE.read_text(encoding="utf-8")
        )
        if set(pairs) != between_outer(arrows) or page != PAGE.read_text(encoding="utf-8"):
            raise SystemExit("the map is stale, run: python docs/architecture/draw_rooms.py")
        return
    PICTURE.write_text(draw(rooms, lines, arrows), encoding="utf-8", newline="\n")
    PAGE.write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
