"""How numbers are written in tables and sentences: SCT's ranges."""

from __future__ import annotations

from collections.abc import Iterable


def slice_ranges(numbers: Iterable[int]) -> str:
    """SCT's short form of a list of integers: [1, 2, 3, 5, 7, 8] becomes "1:3;5;7:8"."""
    numbers = sorted({int(number) for number in numbers})
    parts = []
    start = previous = None
    for number in [*numbers, None]:
        if previous is not None and number != previous + 1:
            parts.append(f"{start}" if start == previous else f"{start}:{previous}")
            start = number
        elif start is None:
            start = number
        previous = number
    return ";".join(parts)
