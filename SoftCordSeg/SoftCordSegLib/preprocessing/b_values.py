"""Which volumes of a diffusion series are diffusion-weighted: by its b-values or directions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..bids import stem_of
from ..errors import InputError
from ..files import text_of

# Below this a volume counts as b = 0, s/mm² (SCT's bval_min, in sct_dmri_separate_b0_and_dwi and
# sct_dmri_moco).
B0_BELOW = 100.0
# A direction shorter than this is none (the same, where only directions are given).
_NO_DIRECTION = 0.01
# Besides blanks, what stands between numbers that a table program wrote.
_BETWEEN = str.maketrans(dict.fromkeys(",;\"'[]", " "))


@dataclass(frozen=True)
class Weighting:
    """Volumes of a diffusion series by number, from 0.

    Attributes:
        b0: those that are not diffusion-weighted.
        weighted: those that are.
        b_values: of all volumes, s/mm²; () where only directions are known.
        path: the file that says so; None where it was not read from one.
    """

    b0: tuple[int, ...]
    weighted: tuple[int, ...]
    b_values: tuple[float, ...] = ()
    path: Path | None = None


def find_weighting(
    series: Path,
    volumes: int,
    given: Path | None = None,
    root: Path | None = None,
    b0_below: float = B0_BELOW,
) -> Weighting:
    """Which volumes are diffusion-weighted.

    By the b-values (``.bval``); where there are none, by the directions (``.bvec``), as the
    authors' script does.

    Args:
        series: the image file.
        volumes: how many it has.
        given: file of b-values; None to look for it.
        root: of the data set, where BIDS lets one file serve all series; None to look beside the
            series only.
        b0_below: s/mm², b = 0 below it.

    Raises:
        InputError: no such file, another length than the series', fewer than two diffusion-weighted
            volumes.
    """
    path = given or _inherited(series, root, ".bval")
    if path is not None:
        values = read_bvals(path)
        _check_length(len(values), volumes, path)
        found = split_by_bvals(values, b0_below)
    else:
        path = _inherited(series, root, ".bvec")
        if path is None:
            stem = stem_of(series)
            raise InputError(
                f"There are no b-values: neither '{stem}.bval' nor '{stem}.bvec' lies beside it.",
                path=series,
                hint="Put the file there, or, for a single series, name its file of b-values.",
            )
        directions = read_directions(path)
        _check_length(len(directions), volumes, path)
        found = split_by_directions(directions)
    if len(found.weighted) < 2:
        raise InputError(
            f"By '{path.name}' it has {len(found.weighted)} diffusion-weighted volumes; a mean"
            " needs two or more.",
            path=series,
            hint="If its b-values are low, lower the limit below which a volume counts as b = 0.",
        )
    return replace(found, path=path)


def read_bvals(path: str | Path) -> np.ndarray:
    """b-values, s/mm², in FSL's form: numbers in a row or a column.

    Raises:
        InputError: missing, not numbers, none, or negative ones.
    """
    values = _numbers(Path(path), "b-values").ravel()
    if (values < 0).any():
        raise InputError("It holds negative b-values.", path=path, hint="Export it again.")
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
        f"It has {values.shape[0]} rows and {values.shape[1]} columns.",
        path=path,
        hint="Give the directions as three rows or three columns.",
    )


def split_by_bvals(bvals: np.ndarray, b0_below: float = B0_BELOW) -> Weighting:
    """b = 0 are the volumes with a b-value **below** ``b0_below``, as in SCT."""
    values = np.asarray(bvals, dtype=float)
    return replace(_split(values < b0_below), b_values=tuple(map(float, values)))


def split_by_directions(directions: np.ndarray) -> Weighting:
    """b = 0 are the volumes without a direction, as in SCT where it is given no b-values (so the
    authors' script calls it).
    """
    return _split(np.linalg.norm(directions, axis=1) < _NO_DIRECTION)


def _split(is_b0: np.ndarray) -> Weighting:
    return Weighting(
        tuple(map(int, np.flatnonzero(is_b0))), tuple(map(int, np.flatnonzero(~is_b0)))
    )


def _inherited(series: Path, root: Path | None, ending: str) -> Path | None:
    """The file of the series' name; else, up to the root, the one whose name is a part of the
    series' (BIDS's inheritance principle).
    """
    own = series.with_name(stem_of(series) + ending)
    if own.is_file():
        return own
    if root is None:
        return None
    parts = set(stem_of(series).split("_"))
    for folder in (series.parent, *series.parent.parents):
        fits = [
            path for path in sorted(folder.glob(f"*{ending}")) if set(path.stem.split("_")) <= parts
        ]
        if fits:
            return max(fits, key=lambda path: len(path.stem))
        if folder == root:
            break
    return None


def _check_length(count: int, volumes: int, path: Path) -> None:
    if count != volumes:
        raise InputError(
            f"It has {count} entries, but the series has {volumes} volumes.",
            path=path,
            hint="Give the file that belongs to this series.",
        )


def _numbers(path: Path, what: str) -> np.ndarray:
    """(rows, columns) float."""
    hint = f"Give the {what} as plain numbers, as FSL has them."
    try:
        lines = text_of(path).splitlines()
    except FileNotFoundError as error:
        raise InputError(
            f"There is no such file with the {what} of the diffusion series.",
            path=path,
            hint="Put it beside the series.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("It cannot be read as text.", path=path, hint=hint) from error
    rows = [line.translate(_BETWEEN).split() for line in lines]
    rows = [row for row in rows if row]
    for number, row in enumerate(rows, start=1):
        for entry, word in enumerate(row, start=1):
            if not _is_finite(word):
                raise InputError(
                    f"Entry {entry} of row {number}, '{word}', is not a number.",
                    path=path,
                    hint=hint,
                )
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        counts = " and ".join(map(str, sorted(lengths)))
        sentence = f"Its rows have {counts} entries." if rows else "It is empty."
        raise InputError(sentence, path=path, hint=hint)
    return np.array(rows, float)


def _is_finite(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False
