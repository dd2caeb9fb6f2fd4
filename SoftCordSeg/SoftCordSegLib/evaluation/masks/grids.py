"""What a mask must be: values from 0 to 1, on the grid of its image, though its axes may be stored
in another order.
"""

from __future__ import annotations

from ...errors import InputError
from ...volume import Grid, Volume, reorient

# Splines swing so far beyond 0 and 1 where a mask was resampled; further away is something else.
_SWING = 0.1

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


def check_values(mask: Volume, name: str) -> None:
    """Refuse what is no mask: an image, several labels, or 0 and 255.

    Args:
        mask: soft or binary.
        name: what it is called in the error.

    Raises:
        InputError: it has values beyond 0 and 1.
    """
    low, high = float(mask.data.min()), float(mask.data.max())
    if low < -_SWING or high > 1 + _SWING:
        raise InputError(
            f"{name} has values from {low:g} to {high:g}. A mask of the cord goes from 0 to 1:"
            " divide it by its maximum, or export the cord alone if there are several labels."
        )


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)
