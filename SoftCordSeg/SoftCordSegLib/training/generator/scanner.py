"""What a scanner does to a perfect image: coil, resolution, slices, ringing, ghosts, noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from scipy import ndimage

from . import tissue_means as tissue
from .axis_operators import along, blur_matrix, ghost_matrix, truncation_matrix
from .batch_recipe import BatchRecipe
from .draws import Draws

# Thickness of sagittal slices, mm, and their share of the synthetic images that are cut, by height
# above the tip of the cord, mm: the lumbar spine (slices of 4 mm make one grey band of the roots at
# the back of the sac), the thoracic one, the neck.
_SAGITTAL_MM = (2.0, 5.0)
_ABOVE_TIP_MM, _SAGITTAL = (60.0, 200.0, 340.0), (0.7, 0.5, 0.25)
# The same of real images, which are lumbar or not.
_REAL_LUMBAR, _REAL_OTHER = 0.7, 0.2
# Real images may be cut along an axis where their own voxels are at most so long, mm, and nowhere
# longer than the second.
_FINE_MM, _NOT_YET_CUT_MM = 1.5, 2.5
# The part of a voxel that may come from unknown places before it counts as unknown: less is
# rounding.
_UNKNOWN_PART = 0.02
# The share of axes that are coarse where an image is.
_COARSE_AXES = 0.75
# So many samples scipy repeats at either end before its spline filter, in the mode "nearest".
_PADDING = 12


@dataclass(frozen=True, eq=False)
class Slices:
    """How volumes were cut; one a geometry.

    Attributes:
        axis: (n,) of the cut: 0 sagittal, 2 axial; −1 where the image is isotropic.
        step: (n,) from slice to slice, voxels.
        matrices: (n, size, size) for each of the axes 0 and 2; identity where nothing is cut.
    """

    axis: np.ndarray
    step: np.ndarray
    matrices: tuple[torch.Tensor, torch.Tensor]

    def cut(self, volume: torch.Tensor) -> torch.Tensor:
        """A volume (n, i, j, k) as the program reads it from slices."""
        return (
            along(along(volume, self.matrices[0], 0), self.matrices[1], 2)
            if (self.axis >= 0).any()
            else volume
        )

    def fully_known(self, weight: torch.Tensor) -> torch.Tensor:
        """1 where a voxel is read from slices all of which is known, else 0; of weights (n, i, j,
        k) of 0 and 1.
        """
        if not (self.axis >= 0).any():
            return weight
        first, third = (matrix.abs() for matrix in self.matrices)
        # Signs left out: the wiggles of a spline bring the unknown in with either.
        return (along(along(1 - weight, first, 0), third, 2) < _UNKNOWN_PART).float()

    def grain(self, scale: np.ndarray) -> np.ndarray:
        """Scales of noise, (n, 3) voxels, that are at least a slice along the cut: each slice has
        noise of its own.
        """
        scale = scale.copy()
        for axis in (0, 2):
            rows = self.axis == axis
            scale[rows, axis] = np.maximum(scale[rows, axis], self.step[rows])
        return scale

    def of(self, rows: np.ndarray, draws: Draws) -> Slices:
        """Of other rows: ``rows`` has the geometry of each."""
        first, third = (matrix[draws.index(rows)] for matrix in self.matrices)
        return Slices(self.axis[rows], self.step[rows], (first, third))


def draw_slices(draws: Draws, recipe: BatchRecipe, above_tip_mm: np.ndarray) -> Slices:
    """Isotropic, axial or sagittal, with the thicknesses of the field (2 to 8 mm, up to 17 mm).

    Args:
        above_tip_mm: (n,) of the patch's middle.
    """
    rng, chosen = draws.host, {}
    share = np.interp(above_tip_mm, _ABOVE_TIP_MM, _SAGITTAL)
    for row in draws.rows(recipe.slices, len(share)):
        sagittal = rng.random() < share[row]
        thick = not sagittal and rng.random() < recipe.thick_slices
        low, high = _SAGITTAL_MM if sagittal else (8.0, 17.0) if thick else (2.0, 8.0)
        chosen[row] = 0 if sagittal else 2, rng.uniform(low, high)
    return _slices(draws, recipe, len(share), chosen)


def draw_real_slices(
    draws: Draws, recipe: BatchRecipe, voxels_mm: np.ndarray, lumbar: np.ndarray
) -> Slices:
    """Of real images that were scanned finely enough: axial mostly, 2 to 8 mm, some to 10 mm;
    sagittal now and then, and mostly of the lumbar spine.

    Args:
        voxels_mm: (n, 3) edge lengths of the voxels of the file along Left, Anterior, Superior.
        lumbar: (n,) bool.
    """
    rng, chosen = draws.host, {}
    for row in draws.rows(recipe.real_slices, len(voxels_mm)):
        sagittal = rng.random() < (_REAL_LUMBAR if lumbar[row] else _REAL_OTHER)
        thick = rng.random() < 0.12
        low, high = _SAGITTAL_MM if sagittal else (8.0, 10.0) if thick else (2.0, 8.0)
        axis = 0 if sagittal else 2
        # What already has thick slices along another axis would be blunt along two, as no scan is.
        if voxels_mm[row, axis] <= _FINE_MM and voxels_mm[row].max() <= _NOT_YET_CUT_MM:
            chosen[row] = axis, rng.uniform(low, high)
    return _slices(draws, recipe, len(voxels_mm), chosen)


def _slices(
    draws: Draws, recipe: BatchRecipe, count: int, chosen: dict[int, tuple[int, float]]
) -> Slices:
    """Cuts of some rows, each along an axis and with a thickness, mm; some have gaps between
    slices.
    """
    rng = draws.host
    axis, step = np.full(count, -1), np.ones(count)
    stacks = {
        a: np.repeat(np.eye(recipe.shape[a], dtype=np.float32)[None], count, axis=0) for a in (0, 2)
    }
    for row, (along_axis, thickness_mm) in chosen.items():
        thickness = thickness_mm / recipe.spacing
        if thickness <= 1.05:
            continue
        gap = rng.uniform(0, 0.3) if rng.random() < 0.4 else 0.0
        axis[row], step[row] = along_axis, thickness * (1 + gap)
        size = recipe.shape[along_axis]
        order = 1 if rng.random() < recipe.resampled else recipe.spline
        stacks[along_axis][row] = slices_matrix(size, thickness, step[row], rng.random(), order)
    return Slices(axis, step, (draws.table(stacks[0]), draws.table(stacks[2])))


def scan(
    draws: Draws,
    recipe: BatchRecipe,
    image: torch.Tensor,
    slices: Slices,
    kinds: np.ndarray,
    air: torch.Tensor,
) -> torch.Tensor:
    """Coil, resolution, slices, artefacts and noise on (n, i, j, k) images of about 0 to 1.

    Args:
        slices: of the same rows.
        kinds: as :func:`tissue_means.draw_kinds` drew them.
        air: (n, i, j, k) fraction of air and gas.
    """
    image = image * sensitivity(draws, recipe, len(image))
    image = _resolved(draws, recipe, image, slices)
    return _noisy(draws, recipe, image, slices, kinds, air)


def sensitivity(draws: Draws, recipe: BatchRecipe, count: int) -> torch.Tensor:
    """Of the coils, (n, i, j, k): a smooth bias, coils at the back, coils that end above or
    below.
    """
    rng, shape = draws.host, recipe.shape
    strength = np.zeros(count)
    rows = draws.rows(recipe.bias, count)
    strength[rows] = rng.uniform(0, 0.5, len(rows))
    field = draws.put(strength) * draws.smooth(
        count, shape, rng.uniform(40, 150, count) / recipe.spacing
    )
    rows = draws.rows(recipe.coil, count)
    if len(rows):
        # Brighter towards the back, where the spine coil lies.
        away = torch.arange(shape[1], device=draws.device).view(1, 1, -1, 1) * recipe.spacing
        field[draws.index(rows)] += torch.log(
            torch.exp(-away / draws.uniform(40, 150, len(rows))) + 0.2
        )
    field = field.exp_()
    rows = draws.rows(recipe.signal_loss, count)
    if len(rows):
        place = torch.arange(shape[2], device=draws.device) * recipe.spacing
        where = draws.uniform(-0.1, 0.45, len(rows)) * (shape[2] * recipe.spacing)
        fade = torch.sigmoid((place - where) / draws.uniform(4, 20, len(rows)))
        turned = draws.put(rng.random(len(rows)) < 0.3) > 0
        field[draws.index(rows)] *= 0.05 + 0.95 * torch.where(turned, fade.flip(3), fade)
    return field


def _resolved(
    draws: Draws, recipe: BatchRecipe, image: torch.Tensor, slices: Slices
) -> torch.Tensor:
    """Blur, ringing, slices and ghosts, as one matrix an axis."""
    rng, count = draws.host, len(image)
    blur = np.zeros(count)
    rows = draws.rows(recipe.blur, count)
    blur[rows] = rng.uniform(0, 0.75, len(rows)) / recipe.spacing
    blur[blur < 0.2] = 0
    coarse = coarse_plane(draws, recipe, slices)
    ringing = np.ones((count, 3))
    rows = draws.rows(recipe.gibbs, count)
    ringing[rows, rng.integers(2, size=len(rows))] = rng.uniform(0.55, 0.9, len(rows))
    ghosts = np.zeros(count)
    rows = draws.rows(recipe.ghosts, count)
    ghosts[rows] = rng.uniform(0.02, 0.12, len(rows))
    for axis, size in enumerate(recipe.shape):
        sigma = np.where(slices.axis == axis, 0.0, np.hypot(blur, coarse[:, axis]))
        rings = (ringing[:, axis] < 1).any()
        cuts = axis != 1 and (slices.axis == axis).any()
        moves = axis == 1 and ghosts.any()
        if not (sigma.any() or rings or cuts or moves):
            continue
        matrix = blur_matrix(draws.table(sigma), size)
        if rings:
            whole = draws.table(ringing[:, axis] >= 1)[:, None, None]
            matrix = torch.lerp(
                truncation_matrix(draws.table(ringing[:, axis]), size) @ matrix, matrix, whole
            )
        if cuts:
            matrix = slices.matrices[axis // 2] @ matrix
        if moves:
            shift = draws.table(rng.integers(8, max(size // 2, 9), count))
            matrix = ghost_matrix(draws.table(ghosts), shift, size) @ matrix
        image = along(image, matrix, axis)
    return image


def coarse_plane(draws: Draws, recipe: BatchRecipe, slices: Slices) -> np.ndarray:
    """Standard deviations of the blur of images that are coarse in the plane of their slices, (n,
    3) voxels; 0 along the cut. The blunter an edge, the more faintly a network answers, and the
    smaller is the cord that is outlined, unless it has seen many of these.
    """
    rng, count = draws.host, len(slices.axis)
    sigma = np.zeros((count, 3))
    rows = draws.rows(recipe.coarse, count)
    drawn = rng.uniform(*recipe.coarse_mm, (len(rows), 3)) / recipe.spacing
    sigma[rows] = drawn * (rng.random(drawn.shape) < _COARSE_AXES)
    sigma[np.flatnonzero(slices.axis >= 0), slices.axis[slices.axis >= 0]] = 0
    return sigma


def _noisy(
    draws: Draws, recipe: BatchRecipe, image, slices: Slices, kinds: np.ndarray, air: torch.Tensor
) -> torch.Tensor:
    """Rician noise, sometimes of the larger grain of an interpolated image; slices have noise of
    their own.
    """
    rng, count = draws.host, len(image)
    level = np.zeros(count)
    rows = draws.rows(recipe.noise, count)
    level[rows] = np.where(
        rng.random(len(rows)) < 0.85,
        rng.uniform(0, 0.07, len(rows)),
        rng.uniform(0.07, 0.15, len(rows)),
    )
    psir, ratio = kinds == tissue.SPECIAL.index("psir"), kinds == tissue.SPECIAL.index("mp2rage")
    level[psir] = np.maximum(level[psir], 0.03)
    scale = slices.grain(
        np.where(rng.random(count) < 0.5, rng.uniform(1.0, 2.0, count), 1.0)[:, None] * np.ones(3)
    )
    image = image + draws.put(level) * draws.smooth(count, recipe.shape, scale)
    # Where signs are kept (phase-sensitive images) noise has both; else half of the images are
    # magnitudes.
    rows = np.flatnonzero((rng.random(count) < 0.5) & ~psir & (level > 0))
    if len(rows):
        index = draws.index(rows)
        image[index] = torch.hypot(
            image[index],
            draws.put(level[rows]) * draws.smooth(len(rows), recipe.shape, scale[rows]),
        )
    if ratio.any():
        # The ratio of two images without signal may be anything.
        index = draws.index(np.flatnonzero(ratio))
        silent = (air[index] * draws.uniform(0.9, 1.3, int(ratio.sum()))).clamp_(0, 1)
        image[index] = torch.lerp(
            image[index], draws.even(*image[index].shape) * 1.1 - 0.05, silent
        )
    return image


def slices_matrix(size: int, thickness: float, step: float, phase: float, order: int) -> np.ndarray:
    """What cutting into slices and reading them again does along one axis.

    Args:
        size: voxels of the working grid.
        thickness, step: of the slices and from one to the next, voxels; above 1.
        phase: of the first slice, 0 to 1 steps.
        order: of the spline, 1 or 2.

    Returns:
        (size, size) float32.
    """
    centres = slice_centres(size, step, phase)
    places = (np.arange(size) + 0.5 - centres[0]) / step
    return (
        spline_matrix(len(centres), places, order) @ _averages(size, centres, thickness)
    ).astype(np.float32)


def slice_centres(size: int, step: float, phase: float) -> np.ndarray:
    """From edge 0 of the first voxel, voxels; so many that both ends of the grid lie between two of
    them.
    """
    return np.arange((phase - 1.0) * step, size + step, step)


def spline_matrix(count: int, places: np.ndarray, order: int) -> np.ndarray:
    """(places, count) values at places (in samples) of the spline through ``count`` samples, the
    last repeated beyond the ends.

    For order 2 that is ``scipy.ndimage`` with mode "nearest": a filter turns samples into
    coefficients of quadratic B-splines.
    """
    if order == 1:
        places = np.clip(places, 0, count - 1)
        return np.clip(1 - np.abs(places[:, None] - np.arange(count)), 0, None)
    padded = np.arange(-_PADDING, count + _PADDING)
    apart = np.abs(np.clip(places, 1 - _PADDING, count + _PADDING - 2)[:, None] - padded)
    basis = np.where(apart < 0.5, 0.75 - apart**2, 0.5 * np.clip(1.5 - apart, 0, None) ** 2)
    return basis @ _coefficients(count)


@lru_cache(maxsize=256)
def _coefficients(count: int) -> np.ndarray:
    return ndimage.spline_filter1d(
        np.pad(np.eye(count), ((_PADDING,) * 2, (0, 0)), mode="edge"), 2, axis=0, mode="nearest"
    )


def _averages(size: int, centres: np.ndarray, thickness: float) -> np.ndarray:
    """(slices, size) means over each slice's thickness; where a slice lies outside, the voxel at
    the edge.
    """
    edges = np.arange(size)
    low, high = np.clip([centres - thickness / 2, centres + thickness / 2], 0, size)
    covered = np.clip(
        np.minimum(high[:, None], edges + 1) - np.maximum(low[:, None], edges), 0, None
    )
    nothing = covered.sum(axis=1) < 1e-3
    covered[nothing & (centres <= 0), 0] = 1
    covered[nothing & (centres > 0), -1] = 1
    return covered / covered.sum(axis=1, keepdims=True)
