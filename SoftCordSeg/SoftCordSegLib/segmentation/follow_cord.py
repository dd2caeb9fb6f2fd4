"""Following the cord, stretch by stretch, from where it was found to where it ends.

The segmenter first looks where the locator saw a cord.  Where the mask then ends inside the image,
one tile is laid onto the next stretch, in the direction in which the cord leaves the last one.
What is found is taken slice by slice as long as it goes on like a cord: of a like area, near the
line, certain.  It ends where the cord tapers off, where nothing is found over a stretch longer than
an artefact or a lesion is long, or where the image ends.  So a tile is computed for each free end
and for each few centimetres of cord that the locator missed, whatever the field of view.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..network.engines import Predict
from ..progress import Progress
from ..volume import Box, Grid, Volume, resample
from ..volume.resampling import IMAGE_ORDER
from .predictor import Networks
from .soft_shares import PIECE_LEVEL, soft_shares_near
from .working_image import WorkingImage, fine_grid, is_narrow

# From the last slice of cord to the middle of the next tile, mm.
_AHEAD_MM = 16.0
# A slice belongs to the cord if its area is between these parts of that of the slices before it,
# its most certain voxel is at least so certain, and its middle is so near the line (mm, and more
# after a gap, per mm of it).
_AREAS = (0.3, 1.6)
_CERTAIN = 0.5
_STEP_MM, _STEP_PER_GAP = 3.0, 0.4
# Cord is looked for within this distance of the line, mm, and within more after a gap, per mm of
# it; half a cord is so wide.
_RADIUS_MM, _RADIUS_PER_GAP, _CORD_MM = 12.0, 0.25, 4.0
# So much may be missed, mm: of a stretch that still counts as one; and of a lesion, an artefact or
# missing slices.  What lies behind the latter has to be so long, and its most certain voxels so
# certain on average.
_HOLE_MM, _GAP_MM = 6.0, 30.0
_BEHIND_MM, _BEHIND_CERTAIN = 10.0, 0.8
# A gap of at most this, mm, in which the image has content is filled by what is below and above.
_BRIDGED_MM = 20.0
# Where a mask ends its values fade over this length; direction and area are those of this length of
# cord before the end.
_RIM_MM, _LINE_MM = 6.0, 16.0
# A cord leaves a stretch at no more than 60 degrees.
_STEEPEST = 1.7
# It tapers off if its area, a rim before the end, is at most this part of what it was here before,
# mm.
_TAPERED, _TAPER_MM = 0.5, (30.0, 50.0)
# The lumbar enlargement, just above the conus, has at least this part of the area of the thoracic
# cord above it, or of what is seen of that; the cervical one has at most 1.3 times that of the cord
# above.
_ENLARGED, _LUMBAR_MM, _ABOVE_MM = 1.4, (6.0, 40.0), ((70.0, 120.0), (45.0, 70.0))
# In an image that is not cropped to the cord, less than this is too little to follow, mm.
_LEAST_MM = 40.0
# Progress that is worth another tile, and the distance from the image's edge at which it has been
# reached, mm (more with thick slices).
_WORTH_MM, _EDGE_MM = 4.0, 2.5
# The middle of a tile lies at least so far inside the image, mm.
_INSET_MM = 10.0


@dataclass(frozen=True, eq=False)
class Followed:
    """What following came to.

    Attributes:
        soft: values on the working grid, large enough for all that was found.
        bridged_mm: of each gap that was filled from below and above, the lower and the upper end,
            (2, 3) RAS.
    """

    soft: Volume
    bridged_mm: tuple[np.ndarray, ...] = ()


def follow_cord(
    working: WorkingImage, soft: Volume, networks: Networks, progress: Progress
) -> Followed:
    """Extend a mask along the cord, downwards and upwards, and fill short gaps in it.

    Args:
        working: the image.
        soft: what was found, on a part of the image's grid of the segmenter's spacing; axes to the
            Left, Anterior, Superior.
        networks: their segmenter looks on.
        progress: receives progress; checked for cancellation at every tile.
    """
    canvas = _Canvas.of(soft, working.image.grid, networks)
    walk = _Walk(working, networks, canvas, progress)
    for direction in (-1, 1):
        walk.go(direction)
    bridged = _bridge(canvas, working.image)
    return Followed(canvas.volume, bridged)


def _bridge(canvas: _Canvas, image: Volume) -> tuple[np.ndarray, ...]:
    """Fill short gaps between full slices with the slices below and above, moved along the line
    between them, but not below a cord that has ended; the ends of each.
    """
    slices = _Slices.of(canvas)
    full = slices.full()
    step_mm = float(canvas.lattice.spacing[2])
    rim, ends = round(_RIM_MM / 2 / step_mm), []
    filled = np.flatnonzero(full)
    for below, above in zip(filled[:-1], filled[1:]):
        if not 1 < above - below <= _BRIDGED_MM / step_mm:
            continue
        line = _Line.before(slices, int(above + slices.first), -1, step_mm)
        if line is not None and line.ending:
            continue
        # The slices beside a gap are faded already.
        low = below - rim if below >= rim and full[below - rim] else below
        high = above + rim if above + rim < len(full) and full[above + rim] else above
        pair = [(z, slices.middles[z], canvas.soft[:, :, z].copy()) for z in (low, high)]
        points = np.array([[*slices.middles[z], z + canvas.start[2]] for z in (below, above)])
        world = canvas.lattice.to_world(points)
        if not _has_content(image, world):
            continue
        ends.append(world)
        for z in range(low + 1, high):
            part = (z - low) / (high - low)
            middle = (1 - part) * pair[0][1] + part * pair[1][1]
            plane = sum(
                share * ndimage.shift(values, middle - own, order=1)
                for share, (_, own, values) in zip((1 - part, part), pair)
            )
            canvas.soft[:, :, z] = np.maximum(canvas.soft[:, :, z], plane)
    return tuple(ends)


def _has_content(image: Volume, ends: np.ndarray) -> bool:
    """Whether the image shows something between two points, mm RAS, and is not blank there."""
    along = ends[0] + np.linspace(0.2, 0.8, 4)[:, None] * (ends[1] - ends[0])
    reach = np.ceil(_CORD_MM / image.spacing).astype(int)
    reach[2] = 0
    for at in np.rint(image.grid.to_voxel(along)).astype(int):
        part = image.data[tuple(slice(max(a - r, 0), a + r + 1) for a, r in zip(at, reach))]
        if part.size and part.min() != part.max():
            return True
    return False


@dataclass
class _Canvas:
    """Soft values on a part of a lattice, which grows as values are put on it."""

    lattice: Grid
    start: np.ndarray
    soft: np.ndarray

    @classmethod
    def of(cls, soft: Volume, image: Grid, networks: Networks) -> _Canvas:
        """A copy of a mask."""
        bundle = networks.bundle
        lattice = fine_grid(image, bundle.stages[1].spacing_mm, bundle.intensities)
        start = np.rint(lattice.to_voxel(soft.grid.to_world(np.zeros(3)))).astype(int)
        return cls(lattice, start, soft.data.copy())

    @property
    def volume(self) -> Volume:
        stop = self.start + self.soft.shape
        return Volume(self.soft, self.lattice.crop(self.start, stop).affine)

    def add(self, values: np.ndarray, start: np.ndarray) -> None:
        """Take the larger of what is there and ``values``."""
        low = np.minimum(self.start, start)
        high = np.maximum(self.start + self.soft.shape, start + values.shape)
        before = self.start - low
        after = high - self.start - self.soft.shape
        grown = np.pad(self.soft, list(zip(before, after)))
        part = grown[tuple(slice(a, a + n) for a, n in zip(start - low, values.shape))]
        np.maximum(part, values, out=part)
        self.start, self.soft = low, grown


@dataclass(frozen=True)
class _Slices:
    """Slices of a mask from below, by their index in the lattice: areas (voxels), the most certain
    value, and the middles (i, j) where there is one.
    """

    first: int
    areas: np.ndarray
    peaks: np.ndarray
    middles: np.ndarray

    @classmethod
    def of(cls, canvas: _Canvas) -> _Slices:
        sums = [canvas.soft.sum(axis=axis, dtype=float) for axis in (1, 0)]
        areas = sums[0].sum(axis=0)
        moments = np.stack([np.arange(len(one)) @ one for one in sums], axis=1)
        middles = np.full((len(areas), 2), np.nan)
        np.divide(moments, areas[:, None], out=middles, where=areas[:, None] > 0)
        middles += canvas.start[:2]
        return cls(int(canvas.start[2]), areas, canvas.soft.max(axis=(0, 1)), middles)

    def full(self) -> np.ndarray:
        """(n,) bool: slices with certain cord of about the usual area."""
        certain = self.peaks >= _CERTAIN
        if not certain.any():
            return certain
        return certain & (self.areas >= _AREAS[0] * np.median(self.areas[certain]))


def _middle(plane: np.ndarray) -> np.ndarray:
    i, j = np.nonzero(plane)
    weights = plane[i, j]
    return np.array([np.average(i, weights=weights), np.average(j, weights=weights)])


@dataclass
class _Walk:
    """Goes along the cord, and keeps what it finds on the canvas."""

    working: WorkingImage
    networks: Networks
    canvas: _Canvas
    progress: Progress
    _segmenter: Predict | None = None

    @property
    def step_mm(self) -> float:
        return float(self.canvas.lattice.spacing[2])

    @property
    def _edges(self) -> tuple[np.ndarray, np.ndarray]:
        """The image's first voxels in the lattice, and the first ones beyond it."""
        return Box.of_grid(self.working.seen).voxels_of(self.canvas.lattice)

    def go(self, direction: int) -> None:
        """Follow the cord downwards (-1) or upwards (1), to its end or the image's."""
        low, high = self._edges
        edge = int(high[2]) - 1 if direction > 0 else int(low[2])
        slack = max(_EDGE_MM, 0.75 * float(self.working.image.spacing[2])) / self.step_mm
        end = None
        if not self._is_enough():
            return
        while True:
            slices = _Slices.of(self.canvas)
            end = self._end(slices, direction, end)
            if end is None or (edge - end) * direction <= slack:
                return
            line = _Line.before(slices, end, direction, self.step_mm)
            if line is None or line.ending or not self._is_inside(line.at(end), low, high):
                return
            if direction < 0 and _ended_above(slices, end, self.step_mm):
                return
            reached = self._look(line)
            if abs(reached - end) * self.step_mm < _WORTH_MM:
                # Another piece of the mask may lie ahead, behind a gap.
                piece = self._next_piece(_Slices.of(self.canvas), reached, direction)
                if piece is None:
                    return
                reached = piece
            end = reached

    def _is_enough(self) -> bool:
        """Whether what was found is long enough to be followed: pieces of roots are short."""
        full = _Slices.of(self.canvas).full()
        narrow = is_narrow(self.working.image, self.networks.bundle.stages[1])
        return narrow or int(full.sum()) * self.step_mm >= _LEAST_MM

    def _is_inside(self, middle: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
        """Whether the cord has not left the image through a side."""
        margin = 2.0 / self.step_mm
        return bool(((middle > low[:2] + margin) & (middle < high[:2] - 1 - margin)).all())

    def _end(self, slices: _Slices, direction: int, known: int | None) -> int | None:
        """The last full slice without a hole, from the longest full stretch on, or from ``known``
        on; lattice index.
        """
        full = slices.full()
        if not full.any():
            return None
        hole = round(_HOLE_MM / self.step_mm)
        closed = ndimage.binary_closing(np.pad(full, hole), np.ones(hole + 1))[hole:-hole] | full
        runs, _ = ndimage.label(closed)
        if known is None:
            run = int(np.bincount(runs[runs > 0]).argmax())
        else:
            run = int(runs[known - slices.first])
            if not run:
                return known
        inside = np.flatnonzero((runs == run) & full)
        return slices.first + int(inside[-1] if direction > 0 else inside[0])

    def _next_piece(self, slices: _Slices, end: int, direction: int) -> int | None:
        """The first full slice behind a gap; None where there is none."""
        full = np.flatnonzero(slices.full()) + slices.first
        ahead = full[(full - end) * direction * self.step_mm > _HOLE_MM]
        return None if not len(ahead) else int(ahead[0] if direction > 0 else ahead[-1])

    def _look(self, line: _Line) -> int:
        """Lay one tile ahead of the end of a line, and take what goes on like the cord.

        Returns:
            The last slice of cord, lattice index; the line's end where there is none.
        """
        self.progress.check_cancelled()
        self.progress.report(1.0, "Following the cord")
        # Beyond the image its edge is repeated: of that a tile is to see little.
        low, high = self._edges
        inset = _INSET_MM / self.step_mm
        middle_z = line.end + line.direction * _AHEAD_MM / self.step_mm
        middle_z = max(min(middle_z, high[2] - 1 - inset), low[2] + inset)
        values, start = self._predict(np.array([*line.at(middle_z), middle_z]), line)
        # Lower values are noise, as where pieces are told apart.
        values[values < PIECE_LEVEL] = 0
        kept, last = _goes_on(values, start, line, self.step_mm)
        if last != line.end:
            self.canvas.add(kept, start)
        return last

    def _predict(self, middle: np.ndarray, line: _Line) -> tuple[np.ndarray, np.ndarray]:
        """Soft values of a tile about a point of the lattice, and where they start in it."""
        stage = self.networks.bundle.stages[1]
        lattice = self.canvas.lattice
        if self._segmenter is None:
            self._segmenter = self.networks.segmenter()
        start = np.rint(middle - (np.array(stage.tile) - 1) / 2).astype(int)
        grid = lattice.crop(start, start + np.array(stage.tile))
        sampled = resample(self.working.image, grid, order=IMAGE_ORDER).data
        scaling = self.working.scaling_at(lattice.to_world(line.points(middle[2])))
        raw = np.array(self._segmenter(scaling(sampled)), np.float32)
        near = line.near(grid.shape, start, self.step_mm)
        return soft_shares_near(raw, stage, grid.spacing, near), start


@dataclass(frozen=True)
class _Line:
    """The last stretch of cord before an end, and where it points.

    Attributes:
        end: its last slice, lattice index.
        direction: -1 downwards, 1 upwards.
        middle: (i, j) there.
        slope: (i, j) per slice.
        area: of its slices, voxels.
        ending: whether it becomes thinner over centimetres, as at the conus, or, downwards, was
            thicker than above, as in the lumbar enlargement: what comes next are roots.
    """

    end: int
    direction: int
    middle: np.ndarray
    slope: np.ndarray
    area: float
    ending: bool

    @classmethod
    def before(cls, slices: _Slices, end: int, direction: int, step_mm: float) -> _Line | None:
        """None where there are too few slices to tell."""
        back = np.arange(len(slices.areas)) + slices.first
        back = (end - back) * direction
        full = slices.full()
        near = full & (back >= 0) & (back * step_mm <= _LINE_MM)
        if near.sum() < 3:
            return None
        z = -back[near] * direction
        slope, at_end = np.polyfit(z, slices.middles[near], 1)
        slope = np.clip(slope, -_STEEPEST, _STEEPEST)
        inner = near & (back * step_mm >= _RIM_MM)
        area = float(np.median(slices.areas[inner if inner.any() else near]))

        def usual(stretch: tuple[float, float]) -> float:
            inside = full & (back * step_mm >= stretch[0]) & (back * step_mm <= stretch[1])
            return float(np.median(slices.areas[inside])) if inside.any() else 0.0

        ending = area <= _TAPERED * usual(_TAPER_MM)
        above = next(filter(None, map(usual, _ABOVE_MM)), 0.0)
        if direction < 0 and above:
            ending |= usual(_LUMBAR_MM) >= _ENLARGED * above
        return cls(end, direction, at_end, slope, area, bool(ending))

    def at(self, z: float | np.ndarray) -> np.ndarray:
        """(i, j) of the line at a slice of the lattice; of slices (n, 1): (n, 2)."""
        return self.middle + self.slope * (z - self.end)

    def near(self, shape: tuple[int, ...], start: np.ndarray, step_mm: float) -> np.ndarray:
        """(i, j, k) bool: voxels of a part of the lattice in whose slice the line is not farther
        than cord is looked for after the longest gap.
        """
        z = np.arange(shape[2]) + start[2]
        i, j = self.at(z[:, None]).T - start[:2, None]
        across = np.hypot(
            np.arange(shape[0])[:, None, None] - i, np.arange(shape[1])[None, :, None] - j
        )
        return across * step_mm <= _RADIUS_MM + _RADIUS_PER_GAP * _GAP_MM

    def points(self, z: float) -> np.ndarray:
        """(n, 3) lattice positions from the end to a slice and as far again beyond."""
        along = np.linspace(0, 2 * (z - self.end), 12)
        return np.column_stack([self.middle + self.slope * along[:, None], self.end + along])


def _ended_above(slices: _Slices, end: int, step_mm: float) -> bool:
    """Whether a mask has a gap above ``end`` where the cord had ended already: what lies below are
    roots.
    """
    full = np.flatnonzero(slices.full()) + slices.first
    full = full[full >= end]
    for below, above in zip(full[:-1], full[1:]):
        if (above - below) * step_mm > _HOLE_MM:
            line = _Line.before(slices, int(above), -1, step_mm)
            if line is not None and line.ending:
                return True
    return False


def _goes_on(
    values: np.ndarray, start: np.ndarray, line: _Line, step_mm: float
) -> tuple[np.ndarray, int]:
    """The part of a tile's soft values that goes on like the cord, and its last slice."""
    cord = _Cord(values, start, line, step_mm)
    kept = np.zeros_like(values)
    rim, fade = round(_RIM_MM / step_mm), round(_RIM_MM / 2 / step_mm)
    for z in range(line.end - line.direction * rim, line.end + line.direction, line.direction):
        cord.keep(kept, z, line.at(z))
    behind: list[int] = []
    z = taken = line.end
    while cord.holds(z := z + line.direction):
        if abs(z - cord.last) * step_mm > (_HOLE_MM if behind else _GAP_MM):
            break
        missed = abs(z - cord.last) - 1
        if not cord.is_at(z):
            continue
        if behind or missed * step_mm > _HOLE_MM:
            behind.append(z)
            if not cord.is_sure(behind):
                continue
        taken, behind = z, []
    for z, middle in cord.middles.items():
        if (taken - z) * line.direction >= 0:
            cord.keep(kept, z, middle)
    if taken != line.end:
        for beyond in range(1, fade + 1):
            cord.keep(kept, taken + beyond * line.direction, cord.middles[taken])
    return kept, taken


class _Cord:
    """The cord in a tile, slice by slice along a line that bends with it."""

    def __init__(self, values: np.ndarray, start: np.ndarray, line: _Line, step_mm: float):
        self._values, self._start, self._step_mm = values, start, step_mm
        self._i, self._j = (np.arange(n)[:, None] for n in values.shape[:2])
        self._middle, self._slope, self._area = line.middle, line.slope, line.area
        self.last = line.end
        self.middles: dict[int, np.ndarray] = {}

    def holds(self, z: int) -> bool:
        """Whether a slice of the lattice lies in the tile."""
        return bool(0 <= z - self._start[2] < self._values.shape[2])

    def keep(self, kept: np.ndarray, z: int, middle: np.ndarray) -> None:
        """Copy what lies near the middle of a slice."""
        if self.holds(z):
            kept[:, :, z - self._start[2]] = self._near(z, middle)

    def is_at(self, z: int) -> bool:
        """Whether a slice holds cord; if so the line goes on from there."""
        expected = self._middle + self._slope * (z - self.last)
        missed_mm = (abs(z - self.last) - 1) * self._step_mm
        plane = self._near(z, expected, _RADIUS_PER_GAP * missed_mm)
        area = float(plane.sum(dtype=float))
        if plane.max() < _CERTAIN or not _AREAS[0] <= area / self._area <= _AREAS[1]:
            return False
        middle = _middle(plane) + self._start[:2]
        off_mm = float(np.hypot(*(middle - expected))) * self._step_mm
        if off_mm > _STEP_MM + _STEP_PER_GAP * missed_mm:
            return False
        turn = (middle - self._middle) / (z - self.last) - self._slope
        self._slope = np.clip(self._slope + 0.15 * turn, -_STEEPEST, _STEEPEST)
        self._area += 0.1 * (area - self._area)
        self._middle, self.last = middle, z
        self.middles[z] = middle
        return True

    def is_sure(self, slices: list[int]) -> bool:
        """Whether slices behind a gap are long and certain enough to be the cord again."""
        peaks = [self._values[:, :, z - self._start[2]].max() for z in slices]
        long = len(slices) * self._step_mm >= _BEHIND_MM
        return bool(long and np.mean(peaks) >= _BEHIND_CERTAIN)

    def _near(self, z: int, middle: np.ndarray, more_mm: float = 0.0) -> np.ndarray:
        i, j = middle - self._start[:2]
        near = np.hypot(self._i - i, self._j.T - j) <= (_RADIUS_MM + more_mm) / self._step_mm
        return np.where(near, self._values[:, :, z - self._start[2]], 0)
