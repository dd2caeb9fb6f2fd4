"""The two pictures of a case of quality control: a mosaic of axial slices along the cord with a
sagittal view that follows the cord, and, to be laid over it, the outlines of the mask.

Both show the same places, the second in twice as many pixels, so that a page of SCT's, which lays
one over the other, shows them too. Where each slice is in them is told with them: our own page cuts
the slices out and arranges them for the window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from ..colours import BLACK, MASKS, SKY, WHITE
from ..volume import Volume, reorient, resample_mask
from .palette_png import grey_png, letters, palette_png

# Raised when the pictures change: older ones are then drawn anew.
PICTURES_VERSION = 1
MOST_TILES = 48
_COLUMNS = 8
# Slices that are shown beyond each end of the mask.
_BEYOND = 2
_TILE, _STRIP, _TILE_MM = 96, 18, 32.0
# The sagittal view: least height, finest pixel, and what it shows before and behind the cord: that
# share of what it shows along it, within these limits.
_LEAST_HEIGHT, _MOST_PIXELS_A_MM = 3 * (_TILE + _STRIP), 4.0
_REACH_SHARE, _REACH_MM = 0.25, (20.0, 45.0)
_GAP = 12
# The outlines are drawn with this many times as many pixels.
_FINER = 2
_LETTERS = 20
_STEPS = 6  # of opacity, from absent to full
_CONTOURS = ((0.25, 0.6, 1.3), (0.75, 0.6, 1.3), (0.5, 1.0, 3.0))  # value, opacity, width


@dataclass(frozen=True, eq=False)
class CasePictures:
    """The pictures of a case.

    Attributes:
        background: PNG file, greys.
        overlay: PNG file of twice as many pixels a side: outlines, slice numbers, levels, areas.
        layout: where what is, in pixels of the background, for JSON: "width", "height", "tile"
            (their edge), "tiles" (a list of [slice, x, y], the highest slice first) and "sagittal"
            ([x, y, width, height, slice at its upper edge, slice at its lower edge]).
    """

    background: bytes
    overlay: bytes
    layout: dict[str, Any]


def case_pictures(
    image: Volume,
    mask: Volume,
    areas: Mapping[int, float],
    levels: Mapping[int, str],
    worst: int | None = None,
) -> CasePictures:
    """Draw a case.

    Args:
        image: any orientation.
        mask: soft or binary, any grid; an empty one is drawn as none.
        areas: mm², by slice, counted from the lowest one as in the tables of areas.
        levels: name of the vertebral level, by slice.
        worst: the slice to look at first, which is marked.
    """
    image = reorient(image, "LAS")
    mask = reorient(mask, "LAS")
    if not mask.grid.same_as(image.grid, tolerance_mm=0.1):
        mask = resample_mask(mask, image.grid)
    view = _View(image, mask)
    chosen = _chosen_slices(view, worst)
    rows = -(-len(chosen) // _COLUMNS)
    height = max(rows * (_TILE + _STRIP), _LEAST_HEIGHT)
    sagittal = view.sagittal_grid(height)
    left = sagittal.shape[1] + _GAP
    columns = min(len(chosen), _COLUMNS)
    canvas = _Canvas(height, left + columns * _TILE)
    places = [
        (left + column * _TILE, row * (_TILE + _STRIP))
        for row, column in (divmod(n, _COLUMNS) for n in range(len(chosen)))
    ]
    tiles = [view.tile(number) for number in chosen]
    window = _window(tiles)
    whites = _whites(tiles, window)
    for number, (x, y), tile, white in zip(chosen, places, tiles, whites):
        canvas.draw(_scaled(tile, (window[0], white)), x, y)
        canvas.outline(view.mask_tile(number), view.is_soft, x, y)
        canvas.caption(_caption(number, areas, levels), number == worst, x, y + _TILE)
    side = view.sagittal(sagittal)
    canvas.draw(_scaled(side, (window[0], _whites([side], window)[0])), 0, 0)
    canvas.outline(view.sagittal(sagittal, of_mask=True), view.is_soft, 0, 0)
    canvas.mark_levels(levels, worst, sagittal)
    top, bottom = sagittal.rows_of_image(view.count)
    layout = {
        "width": canvas.width,
        "height": height,
        "tile": _TILE,
        "tiles": [[int(number), x, y] for number, (x, y) in zip(chosen, places)],
        "sagittal": [
            *(0, top, sagittal.shape[1], bottom - top),
            *(round(sagittal.slice_at(row - 0.5), 2) for row in (top, bottom)),
        ],
    }
    return CasePictures(canvas.background(), canvas.overlay(), layout)


@dataclass(frozen=True)
class _SagittalGrid:
    """Pixels of the sagittal view: anterior is left, superior up.

    Attributes:
        shape: rows, columns.
        highest: slice at the first row; slices a row.
        a_row: slices.
        most_anterior: voxel of the first column.
        a_column: voxels.
    """

    shape: tuple[int, int]
    highest: float
    a_row: float
    most_anterior: float
    a_column: float

    def slice_at(self, row: float) -> float:
        return self.highest - self.a_row * row

    def row_of(self, number: float) -> float:
        return (self.highest - number) / self.a_row

    def rows_of_image(self, count: int) -> tuple[int, int]:
        """The first row of an image of so many slices, and the one below its last."""
        first, end = (self.row_of(number) + 0.5 for number in (count - 0.5, -0.5))
        return max(int(round(first)), 0), min(int(round(end)), self.shape[0])


class _View:
    """An image and its mask on one LAS grid, seen around the cord.

    Attributes:
        is_soft: the mask has values between 0 and 1.
        numbers: slices with mask.
    """

    def __init__(self, image: Volume, mask: Volume):
        self._image = np.asarray(image.data)
        self._mask = np.asarray(mask.data)
        self._spacing = image.spacing
        filled = self._mask > 0
        self.numbers = np.flatnonzero(filled.any(axis=(0, 1)))
        inside = self._mask[:, :, self.numbers]
        # What resampling or storing leaves of 1 is not softness.
        self.is_soft = bool(((inside > 0.02) & (inside < 0.98)).any())
        self.count = self._image.shape[2]
        self._centres = self._centreline()

    def _centreline(self) -> np.ndarray:
        """(n, 2) voxel around which each slice is shown."""
        middle = (np.array(self._image.shape[:2]) - 1) / 2
        if not len(self.numbers):
            return np.tile(middle, (self.count, 1))
        found = np.array(
            [ndimage.center_of_mass(self._mask[:, :, number] > 0) for number in self.numbers]
        )
        every = np.arange(self.count)
        columns = [np.interp(every, self.numbers, found[:, axis]) for axis in (0, 1)]
        # A median over neighbours: one slice with a piece far from the cord stays in line.
        return np.column_stack([ndimage.median_filter(one, 5, mode="nearest") for one in columns])

    def tile(self, number: int) -> np.ndarray:
        """(tile, tile) image values of a slice; NaN outside the image."""
        return self._sampled(self._image, number, _TILE, order=3, outside=np.nan)

    def mask_tile(self, number: int) -> np.ndarray:
        """The mask of the same slice, in the outlines' pixels."""
        return self._sampled(self._mask, number, _TILE * _FINER, order=1, outside=0.0)

    def _sampled(self, data, number: int, pixels: int, order: int, outside: float) -> np.ndarray:
        """Columns from the patient's right to the left, rows from anterior to posterior: as
        radiologists look.
        """
        offsets = (np.arange(pixels) + 0.5) / pixels * _TILE_MM - _TILE_MM / 2
        x = self._centres[number, 0] + offsets / self._spacing[0]
        y = self._centres[number, 1] - offsets / self._spacing[1]
        section = data[:, :, number]
        start = [max(int(np.floor(one.min())) - 4, 0) for one in (x, y)]
        stop = [int(np.ceil(one.max())) + 5 for one in (x, y)]
        part = np.asarray(section[start[0] : stop[0], start[1] : stop[1]], dtype=np.float32)
        if 0 in part.shape:
            return np.full((pixels, pixels), outside, np.float32)
        rows, columns = np.meshgrid(y - start[1], x - start[0], indexing="ij")
        values = ndimage.map_coordinates(part, [columns, rows], order=order, mode="nearest")
        off = (columns < -0.5) | (columns > part.shape[0] - 0.5)
        off |= (rows < -0.5) | (rows > part.shape[1] - 0.5)
        return np.where(off, np.float32(outside), values)

    def sagittal_grid(self, height: int) -> _SagittalGrid:
        """The whole image from top to bottom, and what lies around the cord."""
        extent = self.count * self._spacing[2]
        scale = min(height / extent, _MOST_PIXELS_A_MM)  # pixels a mm
        middle = self._centres[:, 1].mean()
        reach_mm = float(np.clip(_REACH_SHARE * extent, *_REACH_MM))
        reach = reach_mm / self._spacing[1] + np.ptp(self._centres[:, 1]) / 2
        first = min(middle + reach, self._image.shape[1] - 0.5)
        last = max(middle - reach, -0.5)
        columns = max(int(round((first - last) * self._spacing[1] * scale)), 24)
        a_row = 1 / (scale * self._spacing[2])
        above = (height - extent * scale) / 2  # an image of little extent is shown in the middle
        return _SagittalGrid(
            (height, columns),
            self.count - 0.5 + (above - 0.5) * a_row,
            a_row,
            first - 0.5 / (scale * self._spacing[1]),
            1 / (scale * self._spacing[1]),
        )

    def sagittal(self, grid: _SagittalGrid, of_mask: bool = False) -> np.ndarray:
        """Values in the plane that follows the cord; NaN outside the image, of the mask 0."""
        data, finer = (self._mask, _FINER) if of_mask else (self._image, 1)
        at = np.clip(np.round(self._centres[:, 0]).astype(int), 0, data.shape[0] - 1)
        plane = np.stack([data[i, :, k] for k, i in enumerate(at)], axis=1).astype(np.float32)
        rows, columns = (finer * n for n in grid.shape)
        z = grid.slice_at((np.arange(rows) + 0.5) / finer - 0.5)
        y = grid.most_anterior - grid.a_column * ((np.arange(columns) + 0.5) / finer - 0.5)
        zz, yy = np.meshgrid(z, y, indexing="ij")
        values = ndimage.map_coordinates(plane, [yy, zz], order=1, mode="nearest")
        off = (zz < -0.5) | (zz > self.count - 0.5) | (yy < -0.5) | (yy > plane.shape[0] - 0.5)
        return np.where(off, np.float32(0.0 if of_mask else np.nan), values)


class _Canvas:
    """Both pictures while they are drawn; places are in pixels of the background."""

    def __init__(self, height: int, width: int):
        self.width = width
        self._grey = np.zeros((height, width), np.uint8)
        self._marks = np.zeros((_FINER * height, _FINER * width), np.uint8)

    def draw(self, grey: np.ndarray, x: int, y: int) -> None:
        self._grey[y : y + grey.shape[0], x : x + grey.shape[1]] = grey

    def outline(self, values: np.ndarray, is_soft: bool, x: int, y: int) -> None:
        """The contours of a mask; of a binary one only that at .5."""
        if values.max() < 0.25:
            return
        padded = np.pad(values, 1)  # so that a cord at the edge of the image has a closed outline
        slope = np.hypot(*np.gradient(padded))
        for value, opacity, width in _CONTOURS:
            if is_soft or value == 0.5:
                distance = np.abs(padded - value) / np.maximum(slope, 1e-3)
                strength = np.clip(width / 2 + 0.5 - distance, 0, 1)[1:-1, 1:-1]
                self._put(opacity * strength, 0, x * _FINER, y * _FINER)

    def caption(self, text: str, marked: bool, x: int, y: int) -> None:
        drawn = letters(text, _LETTERS) / 255
        drawn = drawn[: _STRIP * _FINER, : _TILE * _FINER]
        left = x * _FINER + (_TILE * _FINER - drawn.shape[1]) // 2
        top = y * _FINER + (_STRIP * _FINER - drawn.shape[0]) // 2
        self._put(drawn, 2 if marked else 1, left, top)

    def mark_levels(
        self, levels: Mapping[int, str], worst: int | None, sagittal: _SagittalGrid
    ) -> None:
        """Names of levels at the anterior edge of the sagittal view, and a line at the slice to
        look at first.
        """
        for name in dict.fromkeys(levels.values()):
            middle = np.mean([number for number, one in levels.items() if one == name])
            drawn = letters(name, _LETTERS) / 255
            row = int(_FINER * (sagittal.row_of(middle) + 0.5)) - drawn.shape[0] // 2
            if 0 <= row <= self._marks.shape[0] - drawn.shape[0]:
                self._put(drawn, 1, 6, row)
        if worst is not None:
            row = int(_FINER * (sagittal.row_of(worst) + 0.5))
            edge = np.zeros((2, _FINER * sagittal.shape[1]))
            edge[:, : _FINER * 10] = edge[:, -_FINER * 10 :] = 1.0
            if 0 <= row < self._marks.shape[0] - 1:
                self._put(edge, 2, 0, row)

    def _put(self, strength: np.ndarray, colour: int, x: int, y: int) -> None:
        """Draw where it is stronger than what is there."""
        steps = np.round(strength * _STEPS).astype(np.uint8)
        part = self._marks[y : y + steps.shape[0], x : x + steps.shape[1]]
        steps = steps[: part.shape[0], : part.shape[1]]
        there = np.where(part == 0, 0, (part - 1) % _STEPS + 1)
        np.copyto(part, colour * _STEPS + steps, where=steps > there)

    def background(self) -> bytes:
        return grey_png(self._grey)

    def overlay(self) -> bytes:
        table = [(BLACK, 0.0)]
        for colour in (MASKS[0], WHITE, SKY):
            table += [(colour, step / _STEPS) for step in range(1, _STEPS + 1)]
        return palette_png(self._marks, table)


def _chosen_slices(view: _View, worst: int | None) -> list[int]:
    """The slices of the mosaic, the highest first: those with mask and two beyond each end, evenly
    apart where they are too many, and always the one to look at first.
    """
    first, last = 0, view.count - 1
    if len(view.numbers):
        first = max(int(view.numbers[0]) - _BEYOND, 0)
        last = min(int(view.numbers[-1]) + _BEYOND, last)
    every = np.arange(first, last + 1)
    marked = worst is not None and 0 <= worst < view.count
    if len(every) > MOST_TILES:
        most = MOST_TILES - (1 if marked else 0)
        every = every[np.linspace(0, len(every) - 1, most).round().astype(int)]
    numbers = {int(number) for number in every}
    if marked and worst is not None:
        numbers.add(worst)
    return sorted(numbers, reverse=True)


def _caption(number: int, areas: Mapping[int, float], levels: Mapping[int, str]) -> str:
    parts = [str(number), levels.get(number, "")]
    if number in areas:
        parts.append(f"{areas[number]:.0f} mm²")
    return "  ".join(part for part in parts if part)


def _window(tiles: Sequence[np.ndarray]) -> tuple[float, float]:
    """Black and white of the display: percentiles of what the mosaic shows."""
    values = np.concatenate([tile[::2, ::2].ravel() for tile in tiles])
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = np.percentile(values, [1, 99.5])
    return float(low), float(max(high, low + 1e-6))


def _whites(tiles: Sequence[np.ndarray], window: tuple[float, float]) -> np.ndarray:
    """White of each tile, half way from that of all to its own, so that slices far from the coil
    are seen too; smooth along the cord.
    """
    low, high = window
    own = [
        float(np.nanpercentile(tile, 99.5)) if np.isfinite(tile).any() else high for tile in tiles
    ]
    share = np.sqrt(np.clip((np.array(own) - low) / (high - low), 0.04, 1.0))
    return low + (high - low) * ndimage.median_filter(share, 5, mode="nearest")


def _scaled(values: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Greys for the display; black outside the image."""
    low, high = window
    scaled = np.clip((values - low) / (high - low), 0, 1)
    return np.where(np.isnan(values), 0, np.round(255 * scaled)).astype(np.uint8)
