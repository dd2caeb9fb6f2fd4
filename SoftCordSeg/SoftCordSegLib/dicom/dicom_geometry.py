"""Where the slices of a series are, and volumes on them.

DICOM gives the position of the middle of a slice's first pixel, the direction in which the column
index grows (the "row" cosines), that in which the row index grows (the "column" cosines), in mm
towards Left, Posterior, Superior (PS3.3 C.7.6.2.1.1).  Volumes are in Right, Anterior, Superior.
Nothing is assumed of the order or the signs: axial slices whose column cosines point to the front,
or that are counted from above, are only another grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..volume import Grid, Volume
from .dicom_series import corrupt_file_errors, read_header

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# Of a slice's position, relative to the gap between slices.
_GAP_TOLERANCE = 0.02
# Of a voxel's position, relative to its edges.
_PLACE_TOLERANCE = 0.05


class UnevenGaps(InputError):
    """The gaps between the slices of a series differ."""


@dataclass(frozen=True)
class _Slice:
    position: np.ndarray  # LPS, mm
    cosines: np.ndarray  # row cosines, column cosines
    spacing: tuple[float, float]  # between rows, between columns, mm
    source: Any  # header of its file
    frame: int | None  # number of the frame, from 1; None in a file of one


@dataclass(frozen=True, eq=False)
class SourceSlices:
    """The slices of a series on one grid.

    Attributes:
        grid: (columns, rows, slices), world RAS+, mm; the slices in the direction of the cross
            product of row and column cosines.
        images: headers of the files, each once: of single-frame files one a slice, in the order of
            the slices; of a multi-frame file that one.
        frames: number of each slice's frame in a multi-frame file, from 1; None else.
        is_own_grid: the grid is a mask's own, for images whose slices have no position of theirs.
    """

    grid: Grid
    images: tuple[Any, ...]
    frames: tuple[int, ...] | None = None
    is_own_grid: bool = False

    @property
    def cosines(self) -> np.ndarray:
        """Row and column cosines, LPS: six numbers."""
        axes = (_LPS_TO_RAS @ self.grid.affine)[:3, :2]
        return (axes / np.linalg.norm(axes, axis=0)).T.reshape(6)

    @property
    def positions(self) -> np.ndarray:
        """(slices, 3): the middle of the first pixel of each slice, LPS, mm."""
        lps = _LPS_TO_RAS @ self.grid.affine
        return lps[:3, 3] + np.arange(self.grid.shape[2])[:, None] * lps[:3, 2]


def source_slices(files: Sequence[Any]) -> SourceSlices:
    """The slices of a series.

    Of a series over time, or of several echoes, the first image at each place is taken.

    Args:
        files: paths of the files of one series.  Within :func:`.dicom_packages.needing_dicom`.

    Raises:
        InputError: no position; slices of different directions or sizes, or with gaps that differ;
            a mosaic, whose slices have no position of their own.
    """
    headers = [header for header in map(read_header, files) if header is not None]
    try:
        return _slices_of_headers(headers)
    except corrupt_file_errors() as error:
        raise InputError(
            "The headers of the images are corrupt.",
            hint="Export the series again, from the scanner or the archive.",
        ) from error


def _slices_of_headers(headers: Sequence[Any]) -> SourceSlices:
    slices = [one for header in headers for one in _slices_of(header)]
    if not slices:
        raise InputError(
            "The headers of the images do not say where they are.",
            hint="Export the series again, from the scanner or the archive.",
        )
    first = slices[0]
    size = (int(first.source.Columns), int(first.source.Rows))
    for one in slices:
        same = (
            np.allclose(one.cosines, first.cosines, atol=1e-3)
            and np.allclose(one.spacing, first.spacing, rtol=1e-3)
            and (int(one.source.Columns), int(one.source.Rows)) == size
        )
        if not same:
            raise InputError(
                "The images of the series differ in direction or in size.",
                hint="Give a series of parallel slices.",
            )
    row, column = first.cosines[:3], first.cosines[3:]
    normal = np.cross(row, column)
    ordered = _one_each(slices, normal)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * first.spacing[1], column * first.spacing[0]
    affine[:3, 2] = _step(ordered, normal)
    affine[:3, 3] = ordered[0].position
    grid = Grid((*size, len(ordered)), _LPS_TO_RAS @ affine)
    if all(one.frame is None for one in ordered):
        return SourceSlices(grid, tuple(one.source for one in ordered))
    # Of several multi-frame files, one a volume of a series over time, that of the first volume.
    source = ordered[0].source
    if any(one.source is not source for one in ordered):
        return SourceSlices(grid, (source,), is_own_grid=True)
    return SourceSlices(grid, (source,), tuple(one.frame or 1 for one in ordered))


def check_gaps(files: Sequence[Any]) -> None:
    """Refuse a series whose slices lie at unequal distances, or that does not say how large its
    pixels are: as one volume, its lengths and areas would be wrong.  Other faults are left to what
    converts it.

    Args:
        files: of the series.  Within :func:`.dicom_packages.needing_dicom`.

    Raises:
        UnevenGaps: they do.
        InputError: no size of a pixel.
    """
    try:
        source_slices(files)
    except UnevenGaps:
        raise
    except InputError:
        # dcm2niix takes 1 mm where there is none.
        if not all(map(_says_spacing, files)):
            raise InputError(
                "The headers of the images do not say how large their pixels are.",
                hint="Export the series again, from the scanner or the archive.",
            ) from None


def _says_spacing(file: Any) -> bool:
    """Whether an image says the size of its pixels; True of a file without an image."""
    groups = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
    header = read_header(file, ("Rows", "PixelSpacing", *groups))
    try:
        if header is None or not header.get("Rows"):
            return True
        measures = [
            one
            for name in groups
            for group in header.get(name) or ()
            for one in group.get("PixelMeasuresSequence") or ()
        ]
        spacings = [one.get("PixelSpacing") for one in (header, *measures)]
        return any(one and all(float(value) > 0 for value in one) for one in spacings)
    except corrupt_file_errors():
        return True  # what converts it says so


def is_mosaic(files: Sequence[Any]) -> bool:
    """Whether each file of a series holds all slices side by side (Siemens).

    Within :func:`.dicom_packages.needing_dicom`.
    """
    header = read_header(files[0], ("ImageType",))
    return header is not None and "MOSAIC" in (header.get("ImageType") or ())


def slices_of_grid(grid: Grid, images: Sequence[Any]) -> SourceSlices:
    """A grid of a mask's own as slices, for images whose slices have no position of their own.

    Args:
        grid: of the mask; its third axis goes over the slices.
        images: headers of the images that the mask was made from.
    """
    if np.linalg.det((_LPS_TO_RAS @ grid.affine)[:3, :3]) < 0:
        # Row, column and slice direction are right-handed in DICOM.
        affine = grid.affine.copy()
        affine[:3, 3] += affine[:3, 1] * (grid.shape[1] - 1)
        affine[:3, 1] *= -1
        grid = Grid(grid.shape, affine)
    return SourceSlices(grid, tuple(images), is_own_grid=True)


def on_slices(mask: Volume, slices: SourceSlices) -> np.ndarray:
    """A volume as frames, (slices, rows, columns), by turning and flipping its axes alone.

    Raises:
        InputError: its voxels are not those of the slices.
    """
    target = slices.grid
    steps = np.linalg.inv(mask.affine) @ target.affine
    turn = np.rint(steps[:3, :3])
    is_turn = (np.abs(turn).sum(axis=0) == 1).all() and (np.abs(turn).sum(axis=1) == 1).all()
    # Where the voxels at both ends of the target are in the mask.
    last = np.array(target.shape) - 1
    ends = [steps[:3, :3] @ np.array(corner) + steps[:3, 3] for corner in (0 * last, last)]
    whole = [np.rint(end) for end in ends]
    if (
        not is_turn
        or max(np.abs(end - near).max() for end, near in zip(ends, whole)) > _PLACE_TOLERANCE
        or (np.minimum(*whole) != 0).any()
        or (np.maximum(*whole) + 1 != mask.shape).any()
    ):
        raise InputError(
            "The mask is not on the grid of the images.",
            hint="Give the mask that was made from this very series.",
        )
    axes = [int(np.flatnonzero(turn[:, axis])[0]) for axis in range(3)]
    data = mask.data.transpose(axes)
    flips = tuple(slice(None, None, int(turn[axes[axis], axis])) for axis in range(3))
    return np.ascontiguousarray(data[flips].transpose(2, 1, 0))


def volume_of_frames(frames: np.ndarray, affine_lps: np.ndarray) -> Volume:
    """Frames (slices, rows, columns) as a volume.

    Args:
        frames: their values.
        affine_lps: 4x4, from (slice, row, column) to LPS, mm.
    """
    turned = (_LPS_TO_RAS @ affine_lps)[:, [2, 1, 0, 3]]
    return Volume(np.ascontiguousarray(frames.transpose(2, 1, 0)), turned)


def _slices_of(header: Any) -> list[_Slice]:
    """The slices of a file, without those that have no position."""
    if not header.get("Rows"):
        return []
    if "MOSAIC" in (header.get("ImageType") or ()):
        raise InputError(
            "The series is a mosaic: its slices have no position of their own.",
            hint="Give the mask that was made from it.",
        )
    groups = header.get("PerFrameFunctionalGroupsSequence")
    try:
        if not groups:
            return [_slice_of(header, header, header, header, None)]
        shared = (header.get("SharedFunctionalGroupsSequence") or [None])[0]
        found = []
        for number, frame in enumerate(groups, start=1):
            plane, orientation, measures = (
                (frame.get(name) or shared.get(name))[0]
                for name in (
                    "PlanePositionSequence",
                    "PlaneOrientationSequence",
                    "PixelMeasuresSequence",
                )
            )
            found.append(_slice_of(header, plane, orientation, measures, number))
        return found
    except (AttributeError, IndexError, TypeError, ValueError):
        return []


def _slice_of(
    header: Any, plane: Any, orientation: Any, measures: Any, frame: int | None
) -> _Slice:
    position = np.array([float(x) for x in plane.ImagePositionPatient])
    cosines = np.array([float(x) for x in orientation.ImageOrientationPatient])
    between_rows, between_columns = (float(x) for x in measures.PixelSpacing)
    numbers = (*position, *cosines, between_rows, between_columns)
    if len(numbers) != 11 or not np.isfinite(numbers).all() or min(numbers[-2:]) <= 0:
        raise ValueError("not a place")
    cosines[:3] /= np.linalg.norm(cosines[:3])
    cosines[3:] /= np.linalg.norm(cosines[3:])
    return _Slice(position, cosines, (between_rows, between_columns), header, frame)


def _one_each(slices: Sequence[_Slice], normal: np.ndarray) -> list[_Slice]:
    """The first image at each place, in the direction of the normal."""

    def first(one: _Slice) -> tuple[float, ...]:
        return tuple(
            float(one.source.get(name) or 0)
            for name in ("EchoTime", "AcquisitionNumber", "InstanceNumber")
        ) + (one.frame or 0,)

    kept: list[_Slice] = []
    for one in sorted(
        slices, key=lambda one: (round(float(one.position @ normal), 2), *first(one))
    ):
        if not kept or np.linalg.norm(one.position - kept[-1].position) > 0.01:
            kept.append(one)
    return kept


def _step(ordered: Sequence[_Slice], normal: np.ndarray) -> np.ndarray:
    """From one slice to the next, LPS, mm.

    Raises:
        InputError: the gaps differ, or the slices are shifted against each other.
    """
    if len(ordered) == 1:
        thickness = ordered[0].source.get("SpacingBetweenSlices") or ordered[0].source.get(
            "SliceThickness"
        )
        return normal * float(thickness or 1.0)
    positions = np.array([one.position for one in ordered])
    step = (positions[-1] - positions[0]) / (len(ordered) - 1)
    gap = float(step @ normal)
    strays = positions - (positions[0] + np.arange(len(ordered))[:, None] * step)
    if np.abs(strays @ normal).max() > max(_GAP_TOLERANCE * gap, 0.01):
        raise UnevenGaps(
            "The gaps between the slices differ: slices are missing, or the series is of several"
            " stacks.",
            hint="Give a series with all of its slices, at equal distances.",
        )
    across = step - gap * normal
    if np.linalg.norm(strays, axis=1).max() > 0.1 or np.linalg.norm(across) > _GAP_TOLERANCE * gap:
        raise InputError(
            "The slices are shifted against each other, so that they make no box.",
            hint="Give a series whose slices lie one above the other.",
        )
    return step
