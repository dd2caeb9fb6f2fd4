"""Makes docs/pictures/floors.svg: the rooms of the library on their floors, from
``Testing/house/floors.py``.

python Utilities/floors_diagram.py
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
LIBRARY = REPOSITORY / "SoftCordSeg" / "SoftCordSegLib"
PICTURE = REPOSITORY / "docs" / "pictures" / "floors.svg"
sys.path.insert(0, str(REPOSITORY / "Testing"))

from house.floors import FLOORS, floor  # noqa: E402

WIDTH, HEIGHT, LEFT, GAP = 860, 46, 90, 8
ROOM, TEXT = "#dbe7f0", "#1b2a38"


def floors(library: Path) -> list[list[str]]:
    """The rooms that are there, or the files of the ground floor, from the ground floor upward."""
    rooms = [path.name for path in library.iterdir() if path.name in FLOORS and path.is_dir()]
    highest = max(map(floor, rooms))
    ground = sorted(path.stem for path in library.glob("*.py") if path.stem != "__init__")
    order = list(FLOORS)
    return [
        ground,
        *(
            sorted((room for room in rooms if floor(room) == level), key=order.index)
            for level in range(1, highest + 1)
        ),
    ]


def drawing(levels: list[list[str]]) -> str:
    """The picture as SVG, the highest floor at the top."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {len(levels) * HEIGHT}"'
        ' font-family="sans-serif" font-size="13">'
    ]
    for row, (level, rooms) in enumerate(reversed(list(enumerate(levels)))):
        top = row * HEIGHT
        name = f"floor {level}" if level else "ground"
        lines.append(f'<text x="0" y="{top + 24}" fill="#7a8894">{name}</text>')
        width = (WIDTH - LEFT) / len(rooms)
        for column, room in enumerate(rooms):
            x = LEFT + column * width
            lines.append(
                f'<rect x="{x:.1f}" y="{top}" width="{width - GAP:.1f}" height="{HEIGHT - GAP}"'
                f' rx="4" fill="{ROOM}"/>'
                f'<text x="{x + (width - GAP) / 2:.1f}" y="{top + 24}" text-anchor="middle"'
                f' fill="{TEXT}">{room}</text>'
            )
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(drawing(floors(LIBRARY)), encoding="utf-8")
    print(PICTURE.name)


if __name__ == "__main__":
    main()
