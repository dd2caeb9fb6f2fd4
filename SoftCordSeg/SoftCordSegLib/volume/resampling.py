"""Resampling from one grid to another, through affines only."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..threads import in_parts
from .grid import Grid
from .volume import Volume

# Spline orders of the paper's pipeline (MONAI Spacingd, mode 2 for the image and 1 for the label).
IMAGE_ORDER = 2
MASK_ORDER = 1

# Older scipy warns, at every call, that a diagonal matrix means something else than before version
# 0.18.
warnings.filterwarnings("ignore", "The behavior of affine_transform with a 1-D array", UserWarning)

# Standard deviations at which a Gaussian is cut off.
_BLUR_REACH = 4.0
# Voxels that scipy adds on all sides before it fits a spline.
_SPLINE_MARGIN = 12
# Volumes of fewer voxels are sampled by one thread.
_SHARED_VOXELS = 1 << 17
# Voxels; what is larger is resampled piece by piece.
_MOST_AT_ONCE = 1 << 25


def resample(
    volume: Volume,
    grid: Grid,
    order: int = IMAGE_ORDER,
    outside: str | float = "nearest",
    antialias: bool = False,
) -> Volume:
    """Sample ``volume`` at the voxel centres of ``grid``.

    Args:
        volume: any grid, left-handed and oblique ones included.
        grid: where to sample.
        order: of the spline: 0 nearest, 1 linear, 2 as the paper for images.
        outside: "nearest" repeats the edge voxel; a number is used as the value there.
        antialias: average over the new voxel first, along axes where the new voxels are larger.

    Returns:
        float32 values on ``grid``.
    """
    # scipy's spline of order > 1 filters the whole volume first, so only the part that the new grid
    # needs is passed on.
    matrix = np.linalg.inv(volume.affine) @ grid.affine
    blur = _blur(matrix) if antialias else np.zeros(3)
    margin = (12 if order > 1 else 2) + np.ceil(_BLUR_REACH * blur).astype(int)
    data, offset = _needed_part(volume.data, matrix, grid.shape, margin)
    matrix = matrix.copy()
    matrix[:3, 3] -= offset
    linear = matrix[:3, :3]
    if np.allclose(linear, np.diag(np.diag(linear)), atol=1e-9):
        linear = np.diag(linear)  # scipy then takes its much faster separable path
    mode, value = ("nearest", 0.0) if outside == "nearest" else ("grid-constant", float(outside))
    sampling = _Sampling(order, mode, value, blur)
    if linear.ndim == 1 and order == 1 and data.size > _MOST_AT_ONCE and (linear > 0).all():
        result = _in_slabs(data, linear, matrix[:3, 3], grid.shape, sampling)
    else:
        result = sampling(data, linear, matrix[:3, 3], grid.shape)
    return Volume(result, grid.affine)


@dataclass(frozen=True)
class _Sampling:
    """How values are sampled: order of the spline, mode and value outside, and standard deviations
    (3,) of the Gaussian before, in voxels.
    """

    order: int
    mode: str
    value: float
    blur: np.ndarray

    def __call__(
        self, data: np.ndarray, linear: np.ndarray, start: np.ndarray, shape: tuple
    ) -> np.ndarray:
        """float32 of ``shape``: ``data`` at ``linear`` times the index, plus ``start``."""
        # A copy where it is changed below; scipy filters line by line, which works in place.
        data = data.astype(np.float32, copy=bool(self.blur.any()))
        for axis in np.flatnonzero(self.blur):
            _blur_along(int(axis), data, float(self.blur[axis]))
        if self.order > 1:
            # As scipy's own functions do it, in one thread.
            data, start = self._coefficients(data), start + _SPLINE_MARGIN
        result = np.empty(shape, np.float32)

        def sample(part: slice) -> None:
            first = linear[:, 0] * part.start if linear.ndim > 1 else [linear[0] * part.start, 0, 0]
            ndimage.affine_transform(
                data,
                linear,
                start + first,
                output_shape=(part.stop - part.start, *shape[1:]),
                order=self.order,
                mode=self.mode,
                cval=self.value,
                output=result[part],
                prefilter=False,
            )

        # Halfway between two voxels the nearest one hangs on rounding: that of one piece.
        _share(sample, shape[0], result.size if self.order else 0)
        return result

    def _coefficients(self, data: np.ndarray) -> np.ndarray:
        """float64 coefficients of the spline, with :data:`_SPLINE_MARGIN` voxels more on all sides
        for what is outside.
        """
        margin = (_SPLINE_MARGIN,) * 2
        padded = (
            np.pad(data, margin, mode="edge")
            if self.mode == "nearest"
            else np.pad(data, margin, mode="constant", constant_values=self.value)
        ).astype(float)
        for axis in range(3):
            _filter_along(axis, padded, self.order, self.mode)
        return padded


def _blur_along(axis: int, data: np.ndarray, deviation: float) -> None:
    """A Gaussian along an axis, in place."""

    def blur(part: np.ndarray) -> None:
        ndimage.gaussian_filter1d(
            part, deviation, axis=axis, mode="nearest", output=part, truncate=_BLUR_REACH
        )

    _share_lines(blur, axis, data)


def _filter_along(axis: int, data: np.ndarray, order: int, mode: str) -> None:
    """Values to coefficients of a spline along an axis, in place."""

    def filter_it(part: np.ndarray) -> None:
        ndimage.spline_filter1d(part, order, axis=axis, output=part, mode=mode)

    _share_lines(filter_it, axis, data)


def _share_lines(work: Callable[[np.ndarray], None], axis: int, data: np.ndarray) -> None:
    """Work on the lines along an axis, by several threads."""
    other = 1 if axis == 0 else 0

    def some(part: slice) -> None:
        work(data[part] if other == 0 else data[:, part])

    _share(some, data.shape[other], data.size)


def _share(work: Callable[[slice], None], length: int, voxels: int) -> None:
    """Work on the parts of a range, by several threads where that is worth it."""
    if voxels < _SHARED_VOXELS:
        work(slice(0, length))
    else:
        in_parts(work, length)


def _in_slabs(
    data: np.ndarray, linear: np.ndarray, start: np.ndarray, shape: tuple, sampling: _Sampling
) -> np.ndarray:
    """The same in slabs along the first axis, so that no copy of a large image is made; equal to
    the rounding of a coordinate.
    """
    step, first, halo = linear[0], start[0], int(np.ceil(_BLUR_REACH * sampling.blur[0])) + 2
    planes = max(int(_MOST_AT_ONCE / max(data[0].size * step, 1) / 4), 1)
    result = np.empty(shape, np.float32)
    for low in range(0, shape[0], planes):
        high = min(low + planes, shape[0])
        begin = int(np.clip(np.floor(first + step * low) - halo, 0, len(data) - 1))
        end = int(np.clip(np.ceil(first + step * (high - 1)) + halo + 1, begin + 1, len(data)))
        shifted = np.array([first + step * low - begin, *start[1:]])
        result[low:high] = sampling(data[begin:end], linear, shifted, (high - low, *shape[1:]))
    return result


def resample_mask(mask: Volume, grid: Grid, order: int = MASK_ORDER) -> Volume:
    """Sample a soft mask at the voxel centres of ``grid``; values stay in [0, 1] and are 0 outside
    the mask's grid.
    """
    sampled = resample(mask, grid, order=order, outside=0.0)
    np.clip(sampled.data, 0.0, 1.0, out=sampled.data)
    return sampled


def _needed_part(
    data: np.ndarray, matrix: np.ndarray, shape: tuple, margin: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The box of ``data`` that a grid of ``shape`` reaches through ``matrix`` (its indices to
    ours), and the box's start.
    """
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1).T
    reached = corners @ matrix[:3, :3].T + matrix[:3, 3]
    size = np.array(data.shape)
    start = np.clip(np.floor(reached.min(axis=0)).astype(int) - margin, 0, size - 1)
    stop = np.clip(np.ceil(reached.max(axis=0)).astype(int) + margin + 1, start + 1, size)
    return data[tuple(slice(a, b) for a, b in zip(start, stop))], start.astype(float)


def _blur(matrix: np.ndarray) -> np.ndarray:
    """Standard deviations, in old voxels, of the Gaussians whose variance is that of the new
    voxel's width less the old one's.
    """
    width = np.maximum(np.abs(matrix[:3, :3]).max(axis=1), 1.0)
    return np.sqrt((width**2 - 1.0) / 12.0)
