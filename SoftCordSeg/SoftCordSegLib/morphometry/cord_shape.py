"""The shape of the cord, slice by slice: the result of a measurement."""

# ruff: noqa: N815  (the names of the measures are SCT's)

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..volume.grid import Grid
from .centreline import Centreline

# SCT's measures in the order of its table.
MEASURES = (
    "area",
    "angle_AP",
    "angle_RL",
    "diameter_AP",
    "diameter_AP_ellipse",
    "diameter_RL",
    "length_anterior",
    "length_posterior",
    "eccentricity",
    "orientation",
    "solidity",
    "length",
)
IMAGE_MEASURES = (
    "area_quadrant_anterior_left",
    "area_quadrant_anterior_right",
    "area_quadrant_posterior_left",
    "area_quadrant_posterior_right",
    "symmetry_dice_RL",
    "symmetry_hausdorff_RL",
    "symmetry_difference_RL",
    "symmetry_dice_AP",
    "symmetry_hausdorff_AP",
    "symmetry_difference_AP",
)
UNITS = {
    "area": "mm2",
    "angle_AP": "deg",
    "angle_RL": "deg",
    "diameter_AP": "mm",
    "diameter_AP_ellipse": "mm",
    "diameter_RL": "mm",
    "length_anterior": "mm",
    "length_posterior": "mm",
    "eccentricity": "1",
    "orientation": "deg",
    "solidity": "1",
    "length": "mm",
    "area_quadrant_anterior_left": "mm2",
    "area_quadrant_anterior_right": "mm2",
    "area_quadrant_posterior_left": "mm2",
    "area_quadrant_posterior_right": "mm2",
    "symmetry_dice_RL": "1",
    "symmetry_hausdorff_RL": "mm",
    "symmetry_difference_RL": "mm2",
    "symmetry_dice_AP": "1",
    "symmetry_hausdorff_AP": "mm",
    "symmetry_difference_AP": "mm2",
    "angle_hog": "deg",
    "area_low": "mm2",
    "area_high": "mm2",
    "distance_pmj": "mm",
}


@dataclass(frozen=True)
class SliceShape:
    """The shape of the cord in one slice; NaN where SCT gives none.

    Attributes:
        slice: number from the lowest slice of the LAS grid (= SCT's RPI), counted from 0.
        centre_mm: (x, y, z) of the cord's middle, world RAS+, mm.
        area: cross-sectional area at right angles to the cord, partial volumes counted, mm².
        angle_AP: rotation of the cord about the A-P axis (leaning sideways), degrees.
        angle_RL: rotation about the R-L axis (leaning forwards or backwards), degrees.
        diameter_AP: extent along A-P near the middle, after turning the long axis to R-L, mm.
        diameter_AP_ellipse, diameter_RL: axes of the ellipse of equal moments, mm.
        length_anterior, length_posterior: parts of ``diameter_AP`` before and behind the middle,
            mm.
        eccentricity: of that ellipse, 0 (circle) to 1.
        orientation: angle of its long axis from R-L, degrees.
        solidity: area over that of the convex hull, 0 to 1.
        length: of the cord within this slice, mm.
        level: vertebral level (1 = C1 … 7 = C7, 8 = T1 … 20 = L1), None where not known.
        distance_pmj: distance along the cord from the pontomedullary junction, mm; NaN where not
            known.
        extra: further measures by name, where requested (quadrants, symmetry, interval of the
            area); units in ``UNITS``.
    """

    slice: int
    centre_mm: tuple[float, float, float]
    area: float
    angle_AP: float
    angle_RL: float
    diameter_AP: float
    diameter_AP_ellipse: float
    diameter_RL: float
    length_anterior: float
    length_posterior: float
    eccentricity: float
    orientation: float
    solidity: float
    length: float
    level: int | None = None
    distance_pmj: float = float("nan")
    extra: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class MeasureOptions:
    """Options of a measurement.

    Attributes:
        angle_correction: measure at right angles to the cord (SCT's default).
        rescaling: "sct" divides each slice by its own maximum, as SCT does; "none" takes soft
            values as they are, so that a slice whose maximum is below 1 is not inflated.
        threshold: None measures the soft mask; a number in (0, 1] first makes it 1 where it is ≥
            threshold and 0 elsewhere (the paper's published areas used 0.5).
        smooth: SCT's smoothing of the centreline.
        tilt: for a cord that leans sideways and forwards at once, "sct" shrinks the slice by both
            cosines in turn, which takes off a little too much (1 % of the area at a lean of 30°,
            3.5 % at 40°, where both parts are equal); "exact" shrinks it by the cosine of the lean
            itself.  They are the same for a cord that leans one way.
        interval: also measure "area_low" and "area_high", see :func:`~.area.area_interval`.
    """

    angle_correction: bool = True
    rescaling: str = "sct"
    threshold: float | None = None
    smooth: float = 30.0
    tilt: str = "sct"
    interval: bool = True

    def __post_init__(self) -> None:
        if self.rescaling not in ("sct", "none"):
            raise ValueError(f'rescaling is "sct" or "none", not {self.rescaling!r}')
        if self.tilt not in ("sct", "exact"):
            raise ValueError(f'tilt is "sct" or "exact", not {self.tilt!r}')
        if self.threshold is not None and not 0.0 < self.threshold <= 1.0:
            raise ValueError(f"a threshold lies above 0 and up to 1; {self.threshold!r} does not")


@dataclass(frozen=True, eq=False)
class CordShape(Sequence):
    """The cord's shape in all slices from its lowest to its highest: a sequence of
    :class:`SliceShape`, kept as columns.

    Attributes:
        slices: (n,) slice numbers without gaps.
        columns: measure name to (n,) float64; NaN where a slice has no cord.
        centres_mm: (n, 3) world positions, mm RAS+.
        grid: the LAS grid of the slices; ``grid.shape[2]`` is the number of slices of the image.
        centreline: the centreline used, None without angle correction.
        options: how it was measured.
        notes: sentences for the reader of the numbers.
        levels: (n,) vertebral level of each slice, 0 where none; None where levels are not known.
        distance_pmj: (n,) mm, or None.
        slice_notes: what is doubtful in single slices: a short note to slice numbers.
        level_notes: what is doubtful in levels: level to short notes.
    """

    slices: np.ndarray
    columns: dict[str, np.ndarray]
    centres_mm: np.ndarray
    grid: Grid
    centreline: Centreline | None
    options: MeasureOptions
    notes: tuple[str, ...] = ()
    levels: np.ndarray | None = None
    distance_pmj: np.ndarray | None = None
    slice_notes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    level_notes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.slices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        values = {name: float(column[index]) for name, column in self.columns.items()}
        level = None if self.levels is None or not self.levels[index] else int(self.levels[index])
        x, y, z = self.centres_mm[index]
        return SliceShape(
            slice=int(self.slices[index]),
            centre_mm=(float(x), float(y), float(z)),
            **{name: values.pop(name) for name in MEASURES},
            level=level,
            distance_pmj=(
                float("nan") if self.distance_pmj is None else float(self.distance_pmj[index])
            ),
            extra=values,
        )

    def __iter__(self) -> Iterator[SliceShape]:
        return (self[index] for index in range(len(self)))

    def at_slice(self, number: int) -> SliceShape:
        """The shape at slice ``number``.

        Raises:
            IndexError: the cord does not reach that slice.
        """
        index = int(number) - int(self.slices[0])
        if not 0 <= index < len(self):
            raise IndexError(
                f"the cord reaches from slice {self.slices[0]} to {self.slices[-1]}; there is none"
                f" at slice {number}"
            )
        return self[index]

    def with_levels(
        self,
        levels: np.ndarray,
        notes: tuple[str, ...] = (),
        level_notes: Mapping[int, tuple[str, ...]] | None = None,
    ) -> CordShape:
        """The same with vertebral levels (n,), 0 where none, and what is doubtful in them."""
        return replace(
            self,
            levels=np.asarray(levels, dtype=int),
            notes=self.notes + notes,
            level_notes=dict(level_notes or {}),
        )

    def with_distance_pmj(self, distance_mm: np.ndarray) -> CordShape:
        """The same with the distance (n,) from the pontomedullary junction, mm."""
        return replace(self, distance_pmj=np.asarray(distance_mm, dtype=float))

    def with_columns(
        self, columns: dict[str, np.ndarray], notes: tuple[str, ...] = ()
    ) -> CordShape:
        """The same with further measures, each (n,)."""
        return replace(self, columns={**self.columns, **columns}, notes=self.notes + notes)
