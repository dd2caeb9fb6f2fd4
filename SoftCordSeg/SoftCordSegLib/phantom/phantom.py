"""One scan of the phantom: the image, and the truth it was made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..morphometry import DiscLabel
from ..progress import Progress
from ..volume import Grid, Volume, reorient
from ..volume.orientation import slice_axis
from .canvas import Canvas, Points
from .cord import DISC_HEIGHTS_MM, Cord, cord_fraction
from .neck import Neck
from .phantom_contrasts import CONTRASTS, Contrast
from .spine import cord_signal, paint_spine

# Thick voxels are sampled this finely along their long edges, mm.
_SAMPLE_MM = 1.0
# Samples painted at once: small enough for the processor's cache.
_BATCH = 60_000


@dataclass(frozen=True)
class Phantom:
    """A scan with a known cord.

    Attributes:
        contrast: its name, one of ``CONTRASTS``.
        image: float32, arbitrary units, in the contrast's own orientation.
        truth: the share of each voxel inside the cord, float32 in [0, 1], on the image's grid.
        discs: posterior tips of the discs inside the field of view, SCT values, world mm.
        cord: the formulae: ``cord.area_mm2(t)`` at height t of the centreline.
    """

    contrast: str
    image: Volume
    truth: Volume
    discs: tuple[DiscLabel, ...]
    cord: Cord

    def area_mm2(self, z: np.ndarray) -> np.ndarray:
        """The cord's area at right angles to it, where its centreline is at height z (world mm),
        mm².
        """
        return self.cord.area_mm2(z)

    def slice_heights_mm(self, grid: Grid | None = None) -> np.ndarray:
        """Where the centreline crosses the middle of each slice: heights, mm, in the order of the
        array.

        Args:
            grid: whose slices (across its inferior-superior axis); the image's own where None.
        """
        grid = grid or self.image.grid
        axis = slice_axis(grid.affine)
        other = [a for a in range(3) if a != axis]
        normal = np.cross(grid.affine[:3, other[0]], grid.affine[:3, other[1]])
        middle = (np.array(grid.shape) - 1) / 2
        heights = np.empty(grid.shape[axis])
        for index in range(len(heights)):
            voxel = middle.copy()
            voxel[axis] = index
            heights[index] = self.cord.centreline.height_at(grid.to_world(voxel), normal)
        return heights

    def slice_areas_mm2(self, grid: Grid | None = None) -> np.ndarray:
        """The known area at the middle of each slice, mm², as :meth:`slice_heights_mm`."""
        return self.area_mm2(self.slice_heights_mm(grid))


def make_phantom(
    contrast: str = "T2w",
    *,
    cord: Cord | None = None,
    seed: int = 1,
    noise: bool = True,
    progress: Progress | None = None,
) -> Phantom:
    """Image the phantom.

    Args:
        contrast: one of ``CONTRASTS``: "T1w", "T2w", "T2starw", "MTon", "DWI".
        cord: the cord to image; a healthy one where None.  The same cord gives the same anatomy in
            every contrast.
        seed: of the noise and the shading of this scan.  The same arguments give the same bits.
        noise: False for an image without noise and shading.
        progress: receives progress; checked for cancellation.

    Raises:
        ValueError: there is no such contrast.
        Cancelled: through ``progress``.
    """
    if contrast not in CONTRASTS:
        raise ValueError(f"no phantom contrast '{contrast}'; there are {', '.join(CONTRASTS)}")
    scan, cord, progress = CONTRASTS[contrast], cord or Cord(), progress or Progress()
    grid = scan.grid()
    fraction = cord_fraction(cord, grid)
    data = _paint(scan, cord, grid, fraction, progress)
    if noise:
        data = _scanner(
            data, scan, grid, np.random.default_rng([seed, list(CONTRASTS).index(contrast)])
        )
    image = _stored(Volume(data, grid.affine), scan.letters)
    truth = _stored(Volume(fraction, grid.affine), scan.letters)
    return Phantom(contrast, image, truth, _discs_inside(cord, grid), cord)


def _stored(volume: Volume, letters: str) -> Volume:
    turned = reorient(volume, letters)
    return Volume(np.ascontiguousarray(turned.data), turned.affine)


def _paint(
    scan: Contrast, cord: Cord, grid: Grid, fraction: np.ndarray, progress: Progress
) -> np.ndarray:
    """The image without noise, float32, of the grid's shape."""
    samples = np.ceil(grid.spacing / _SAMPLE_MM - 1e-6).astype(int)
    edge = float(min(grid.spacing.min(), _SAMPLE_MM))
    neck = Neck(seed=7)
    data = np.empty(grid.shape, dtype=np.float32)
    rows = max(1, _BATCH // int(np.prod(grid.shape[1:]) * samples.prod() // grid.shape[1]))
    for i in range(grid.shape[0]):
        progress.check_cancelled()
        progress.report(i / grid.shape[0], f"Painting the phantom, {scan.name}")
        for start in range(0, grid.shape[1], rows):
            stop = min(start + rows, grid.shape[1])
            block = np.stack(
                np.meshgrid([i], np.arange(start, stop), np.arange(grid.shape[2]), indexing="ij"),
                -1,
            ).reshape(-1, 3)
            filled = fraction[i, start:stop].ravel()
            data[i, start:stop] = _signal(
                scan.signal, cord, neck, grid, block, samples, edge, filled
            ).reshape(stop - start, -1)
    return data


def _signal(
    signal: dict[str, float],
    cord: Cord,
    neck: Neck,
    grid: Grid,
    voxels: np.ndarray,
    samples: np.ndarray,
    edge: float,
    filled: np.ndarray,
) -> np.ndarray:
    """Mean signal (n,) in the voxels (n, 3), of which the share ``filled`` (n,) is cord."""
    steps = [(np.arange(n) + 0.5) / n - 0.5 for n in samples]
    offsets = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    world = grid.to_world((voxels[:, None, :] + offsets).reshape(-1, 3)).astype(np.float32)
    sampled = np.full(len(world), signal["air"], dtype=np.float32)
    body = neck.skin_distance(*world.T) < 2
    points = Points.at(cord, world[body])
    canvas = Canvas(signal, len(points.t), edge)
    texture = neck.coarse_texture(points)
    neck.paint(canvas, points, texture)
    paint_spine(canvas, cord, points)
    sampled[body] = canvas.values * neck.roughness(points, texture)
    values = sampled.reshape(len(voxels), -1).mean(axis=1)
    cut = filled > 0
    if cut.any():
        within = Points.at(cord, world[np.repeat(cut, len(offsets))])
        inside = cord_signal(signal, cord, within, edge).reshape(-1, len(offsets)).mean(axis=1)
        values[cut] += filled[cut] * (inside - values[cut])
    return values


def _scanner(data: np.ndarray, scan: Contrast, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Shading by the coils (stronger at the nape) and Rician noise."""
    axes = [np.linspace(-1, 1, n, dtype=np.float32) for n in grid.shape]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    a, b, c, d = rng.uniform(-0.5, 0.5, 4).astype(np.float32)
    shading = np.exp(
        np.float32(scan.bias) * (-0.8 * y + a * x + b * z + c * z * z + d * x * y - 0.5 * z * z)
    )
    real = data * shading + rng.standard_normal(data.shape, dtype=np.float32) * scan.noise
    return np.hypot(
        real, rng.standard_normal(data.shape, dtype=np.float32) * np.float32(scan.noise)
    ).astype(np.float32)


def _discs_inside(cord: Cord, grid: Grid) -> tuple[DiscLabel, ...]:
    """The discs whose posterior tip is in the field of view."""
    inside = []
    for value in sorted(DISC_HEIGHTS_MM):
        tip = cord.disc_tip(value)
        voxel = grid.to_voxel(tip)
        if (voxel > -0.5).all() and (voxel < np.array(grid.shape) - 0.5).all():
            inside.append(DiscLabel(value, (float(tip[0]), float(tip[1]), float(tip[2]))))
    return tuple(inside)
