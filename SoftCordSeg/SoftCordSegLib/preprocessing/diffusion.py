"""Which volumes of a diffusion series are diffusion-weighted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError

# Below this a volume counts as b = 0, s/mm² (SCT's bval_min, in sct_dmri_separate_b0_and_dwi and
# sct_dmri_moco).
B0_BELOW = 100.0
# A direction shorter than this is none (the same, where only directions are given).
_NO_DIRECTION = 0.01


@dataclass(frozen=True)
class Split:
    """Volumes of a diffusion series by number, from 0.

    Attributes:
        b0: those that are not diffusion-weighted.
        weighted: those that are.
    """

    b0: tuple[int, ...]
    weighted: tuple[int, ...]


def read_bvals(path: str | Path) -> np.ndarray:
    """b-values, s/mm², in FSL's form: numbers in a row or a column.

    Raises:
        InputError: missing, not numbers, none, or negative ones.
    """
    values = _numbers(Path(path), "b-values").ravel()
    if (values < 0).any():
        raise InputError(f"'{path}' holds negative b-values. Export it again.")
    return values


def read_directions(path: str | Path) -> np.ndarray:
    """Diffusion directions, (n, 3), from FSL's form of three rows, or three columns.

    Raises:
        InputError: missing, not numbers, or neither three rows nor three columns.
    """
    values = _numbers(Path(path), "directions")
    if values.shape[0] == 3:
        return values.T
    if values.shape[1] == 3:
        return values
    raise InputError(
        f"'{path}' has {values.shape[0]} rows and {values.shape[1]} columns. Directions have three"
        " of one of them."
    )


def split_by_bvals(bvals: np.ndarray, b0_below: float = B0_BELOW) -> Split:
    """b = 0 are the volumes with a b-value **below** ``b0_below``, as in SCT."""
    low = np.asarray(bvals) < b0_below
    return Split(tuple(map(int, np.flatnonzero(low))), tuple(map(int, np.flatnonzero(~low))))


def split_by_directions(directions: np.ndarray) -> Split:
    """b = 0 are the volumes without a direction, as in SCT where it is given no b-values (so the
    authors' script calls it).
    """
    none = np.linalg.norm(directions, axis=1) < _NO_DIRECTION
    return Split(tuple(map(int, np.flatnonzero(none))), tuple(map(int, np.flatnonzero(~none))))


def check_length(count: int, volumes: int, path: str | Path) -> None:
    """Refuse a list that does not fit the series.

    Args:
        count: of entries in the list.
        volumes: of the series.
        path: of the list.

    Raises:
        InputError: they differ.
    """
    if count != volumes:
        raise InputError(
            f"'{path}' has {count} entries, but the series has {volumes} volumes. Give the file"
            " that belongs to this series."
        )


def _numbers(path: Path, what: str) -> np.ndarray:
    """(rows, columns) float."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise InputError(
            f"There is no file '{path}' with the {what} of the diffusion series. Put it beside the"
            " series."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"'{path}' cannot be read as text. Give the {what} as plain numbers, as FSL has them."
        ) from error
    try:
        rows = [
            [float(word) for word in line.replace(",", " ").split()]
            for line in lines
            if line.strip()
        ]
    except ValueError as error:
        raise InputError(
            f"'{path}' does not hold numbers only. Give the {what} as plain numbers, as FSL has"
            " them."
        ) from error
    if not rows or len({len(row) for row in rows}) > 1 or not np.isfinite(rows).all():
        raise InputError(
            f"'{path}' is empty, or its rows differ in length. Give the {what} as plain numbers, as"
            " FSL has them."
        )
    return np.array(rows)
