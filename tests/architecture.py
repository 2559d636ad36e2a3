"""The picture of DESIGN.md: what each room is made of and who imports whom, read from the imports.

A box is a package or a module of a room. Boxes import those below them. Left out are arrows that follow from others,
those that would close a circle, and `__init__` and `__main__`, which only open a room.
"""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import pairwise
from pathlib import Path

from command import Command

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "figures" / "architecture.svg"
ROOMS = {"suites": "measuring", "reports": "tables, pictures, words", "diagnosis": "why always 1?"}
DOORS = ("__init__", "__main__")
WIDTH, BOX, HEIGHT, FLOOR, MARGIN, TITLE = 1000, 118, 26, 58, 16, 44
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1d2433}.room{font-weight:600;font-size:15px}"
    ".frame{fill:#f6f7fb;stroke:#c9cfe0}.box{fill:#fff;stroke:#5c6bc0}.arrow{fill:none;stroke:#8c96b8}"
)
Arrows = dict[str, set[str]]


def imports(room: str) -> tuple[Arrows, set[str]]:
    """What each box of a room imports of the others, and what of other rooms the room imports."""
    counts: dict[str, Counter[str]] = {}
    outside: set[str] = set()
    for path in sorted((ROOT / room).rglob("*.py")):
        box = _box(path.relative_to(ROOT / room).with_suffix("").parts[0])
        if box in DOORS:
            continue
        inside = counts.setdefault(box, Counter())
        for name, late in _imported(path):
            other, _, rest = name.partition(".")
            target = _box(rest.partition(".")[0])
            if other == room and target != box and _exists(room, target):
                inside[target] += 0 if late else 1
            elif other != room and (ROOT / other).is_dir():
                outside.add(other if other in ("implementations", "results") else f"{other}.{target}")
    return _downward(counts), outside


def _downward(counts: Mapping[str, Mapping[str, int]]) -> Arrows:
    """The arrows without those of the fewest imports that would close a circle, such as an import in a function."""
    arrows: Arrows = {box: set() for box in counts}
    found = [(count, box, target) for box, targets in counts.items() for target, count in targets.items()]
    for _, box, target in sorted(found, key=lambda arrow: (-arrow[0], *arrow[1:])):
        if box not in _reached(target, arrows):
            arrows[box].add(target)
    return arrows


def _box(name: str) -> str:
    return "test_*" if name.startswith("test_") else name


def _exists(room: str, name: str) -> bool:
    return name == "test_*" or (ROOT / room / name).is_dir() or (ROOT / room / f"{name}.py").is_file()


def _imported(path: Path) -> Iterator[tuple[str, bool]]:
    """The full name of everything that a file imports, and whether it does so within a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    early = set(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node not in early) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node not in early) for alias in node.names)


def reduced(arrows: Mapping[str, Iterable[str]]) -> Arrows:
    """Without the arrows that follow from others."""
    below = {box: _reached(box, arrows) for box in arrows}
    return {
        box: {target for target in targets if not any(target in below[other] for other in targets)}
        for box, targets in arrows.items()
    }


def _reached(box: str, arrows: Mapping[str, Iterable[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [*arrows[box]]
    while waiting:
        if (one := waiting.pop()) not in seen:
            seen.add(one)
            waiting += arrows[one]
    return seen


def floors(arrows: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The boxes floor by floor, the lowest first, each near those that it imports."""
    below = {box: _reached(box, arrows) for box in arrows}
    heights: dict[str, int] = {}
    for box in sorted(arrows, key=lambda box: (len(below[box]), box)):
        heights[box] = 1 + max((heights.get(other, -1) for other in arrows[box]), default=-1)
    rows = [sorted(box for box in arrows if heights[box] == floor) for floor in range(max(heights.values()) + 1)]
    for lower, upper in pairwise(rows):
        place = {box: (number + 0.5) / len(lower) for number, box in enumerate(lower)}
        mean = {box: [place[other] for other in sorted(arrows[box]) if other in place] for box in upper}
        upper.sort(key=lambda box: (sum(mean[box]) / len(mean[box]) if mean[box] else 0.5, box))
    return rows


def picture() -> str:
    """The SVG."""
    parts, top = [], 0
    for room, what in ROOMS.items():
        drawn, height = _frame(room, what, top)
        parts += drawn
        top += height + MARGIN
    marker = (
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#8c96b8"/></marker>'
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top - MARGIN}">'
    return "\n".join([head, f"<style>{STYLE}</style><defs>{marker}</defs>", *parts, "</svg>\n"])


def _frame(room: str, what: str, top: int) -> tuple[list[str], int]:
    arrows, outside = imports(room)
    arrows = reduced(arrows)
    rows = floors(arrows)
    height = TITLE + len(rows) * FLOOR
    places = {
        box: (WIDTH * (number + 0.5) / len(row), top + TITLE + (len(rows) - 1 - floor) * FLOOR)
        for floor, row in enumerate(rows)
        for number, box in enumerate(row)
    }
    known = f"knows {', '.join(sorted(outside))}"
    return [
        f'<rect class="frame" x="0.5" y="{top + 0.5}" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text x="16" y="{top + 26}"><tspan class="room">{room}/</tspan> {escape(what)}; {escape(known)}</text>',
        *(_arrow(*places[box], *places[target]) for box in sorted(arrows) for target in sorted(arrows[box])),
        *(_labelled(box, min(BOX, WIDTH / len(row) - 8), *places[box]) for row in rows for box in row),
    ], height


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    start, end = y + HEIGHT, to_y
    bend = (end - start) / 2
    curve = f"M{x:.0f} {start}C{x:.0f} {start + bend:.0f} {to_x:.0f} {end - bend:.0f} {to_x:.0f} {end}"
    return f'<path class="arrow" d="{curve}" marker-end="url(#tip)"/>'


def _labelled(box: str, width: float, x: float, y: float) -> str:
    return (
        f'<rect class="box" x="{x - width / 2:.0f}" y="{y}" width="{width:.0f}" height="{HEIGHT}" rx="4"/>'
        f'<text x="{x:.0f}" y="{y + 17}" text-anchor="middle">{escape(box)}</text>'
    )


if __name__ == "__main__":
    Command("python -m tests.architecture", __doc__, {"": "draw it, as `make picture` does"}).parse_args()
    PICTURE.write_text(picture(), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))
