"""One image from the echoes of a multi-echo scan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import InputError
from ..volume import Volume
from .series import Series


def root_mean_square(echoes: Series | Sequence[Volume], names: Sequence[str] = ()) -> Volume:
    """The root of the mean of the squares over echoes, voxel by voxel, as ``sct_maths -rms t``: of
    one echo its absolute value.

    Args:
        echoes: a series, or one volume an echo, all on one grid.
        names: of the volumes, for errors.

    Returns:
        float32 values >= 0 on the echoes' grid.

    Raises:
        InputError: no echo, or grids that differ.
    """
    if not len(echoes):
        raise InputError("There is no echo to combine.", hint="Give at least one.")
    if isinstance(echoes, Series):
        return Volume(
            _root_mean_square(echoes.data[..., t] for t in range(len(echoes))), echoes.affine
        )
    first = echoes[0]
    for number, echo in enumerate(echoes):
        if not first.grid.same_as(echo.grid):
            first_name, name = (f"'{names[n]}'" if names else f"echo {n + 1}" for n in (0, number))
            raise InputError(
                f"The grids of {first_name} and {name} differ, so they are not echoes of one scan.",
                hint="Leave one out.",
            )
    return Volume(_root_mean_square(echo.data for echo in echoes), first.affine)


def _root_mean_square(arrays: Iterable[np.ndarray]) -> np.ndarray:
    first, *others = arrays
    total = np.square(first, dtype=np.float64)
    for array in others:
        total += np.square(array, dtype=np.float64)
    return np.sqrt(total / (1 + len(others))).astype(np.float32)
