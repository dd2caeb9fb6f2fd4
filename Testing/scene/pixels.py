"""Where a place of the world is in a picture of a slice view."""

from __future__ import annotations

from SoftCordSegLib.scene.view_placement import pixel_of_view


def pixel_of(view, position_mm) -> tuple[float, float]:
    """(row, column) in the picture of a ``render.SliceView``; the slice's depth is left out."""
    x, y = pixel_of_view(view.node, position_mm)
    return view.size[1] - 1 - y, x
