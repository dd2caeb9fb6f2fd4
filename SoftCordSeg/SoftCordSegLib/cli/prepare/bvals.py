"""The b-values of a diffusion series: beside it, or further up in the data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...files import file_stem

if TYPE_CHECKING:
    from ...preprocessing import Split


def split_of(
    series: Path, volumes: int, given: Path | None, root: Path | None, below: float
) -> tuple[Split, Path, list[float]]:
    """Which volumes are diffusion-weighted.

    By the b-values (``.bval``); where there are none, by the directions (``.bvec``), as the
    authors' script does.

    Args:
        series: the image file.
        volumes: in it.
        given: file of b-values; None to look for it.
        root: of the data set, where BIDS lets a file stand for all series; None to look beside the
            series only.
        below: s/mm², b = 0 below it.

    Returns:
        The volumes, the file that says so, and the b-values ([] where only directions are known).

    Raises:
        InputError: no such file, another length than the series', no diffusion-weighted volume.
    """
    from ...preprocessing import (
        check_length,
        read_bvals,
        read_directions,
        split_by_bvals,
        split_by_directions,
    )

    path = given or _beside(series, root, ".bval")
    values: list[float] = []
    if path is not None:
        bvals = read_bvals(path)
        check_length(len(bvals), volumes, path)
        split, values = split_by_bvals(bvals, below), [float(value) for value in bvals]
    else:
        path = _beside(series, root, ".bvec")
        if path is None:
            raise InputError(
                f"There are no b-values for '{series}': neither '{file_stem(series)}.bval' nor"
                f" '{file_stem(series)}.bvec' lies beside it. Put the file there; of a single"
                " series it can also be given with --bval."
            )
        directions = read_directions(path)
        check_length(len(directions), volumes, path)
        split = split_by_directions(directions)
    if len(split.weighted) < 2:
        raise InputError(
            f"By '{path}' the series '{series}' has {len(split.weighted)} diffusion-weighted"
            " volumes; a mean needs two or more. If its b-values are low, lower the limit with"
            " --b0-below."
        )
    return split, path, values


def _beside(series: Path, root: Path | None, ending: str) -> Path | None:
    """The file of the series' name; else, up to the root, the one whose name is a part of the
    series' (BIDS's inheritance).
    """
    own = series.with_name(file_stem(series) + ending)
    if own.is_file():
        return own
    if root is None:
        return None
    parts = set(file_stem(series).split("_"))
    for folder in (series.parent, *series.parent.parents):
        fits = [
            path for path in sorted(folder.glob(f"*{ending}")) if set(path.stem.split("_")) <= parts
        ]
        if fits:
            return max(fits, key=lambda path: len(path.stem))
        if folder == root:
            break
    return None
