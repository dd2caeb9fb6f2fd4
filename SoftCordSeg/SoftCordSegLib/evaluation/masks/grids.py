"""One mask on the grid of another image: axes may be stored in another order, voxels must be at the same places."""

from __future__ import annotations

from ...errors import InputError
from ...volume import Grid, Volume, reorient

# Headers are rounded when a tool writes them again; this is far below any voxel.
_TOLERANCE_MM = 0.02


def on_grid(mask: Volume, grid: Grid, name: str = "The mask", other: str = "the image") -> Volume:
    """``mask`` with its axes stored as those of ``grid``.

    Args:
        mask: any orientation.
        grid: where it belongs.
        name, other: what the two are called in the error.

    Raises:
        InputError: its voxels are at other places.
    """
    turned = reorient(mask, grid.letters)
    if turned.shape != grid.shape:
        raise InputError(
            f"{name} has {_times(turned.shape)} voxels and {other} {_times(grid.shape)}. "
            "Bring the mask to the image's own grid first, or give the mask of that image."
        )
    if not turned.grid.same_as(grid, tolerance_mm=_TOLERANCE_MM):
        raise InputError(
            f"{name} has as many voxels as {other}, but at other places in the patient. "
            "Bring the mask to the image's own grid first, or correct its header."
        )
    return turned


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)
