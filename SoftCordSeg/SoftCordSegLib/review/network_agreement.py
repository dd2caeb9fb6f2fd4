"""Whether the network comes to the same mask when it sees the image mirrored and moved.

A network that is sure gives the same answer for the left-right mirror image and on a grid that is
moved by some voxels; where it is not, the answers differ.  Only the surroundings of the mask are
looked at, so that this costs one or two runs of the segmenter and none of the locator: a mask that
lies on another structure altogether may agree with itself.  Pairwise agreement is the simple and
robust sign of failure (Zenk et al., arXiv 2406.03323).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..network import ModelBundle
from ..network.engines import Predict, choose_engine
from ..progress import Progress
from ..segmentation.locate import neighbourhood
from ..segmentation.locate_and_segment import segment_in_box
from ..segmentation.predictor import Networks, left_right
from ..segmentation.working_image import working_image
from ..volume import Box, Volume, reorient, resample_mask
from .doubt_signs import Sign

# The network looks so far around the mask, and agreement counts so near to both masks, mm.
_REACH_MM, _NEAR_MM = 14.0, 5.0
_MARGIN_MM = np.array([10.0, 10.0, 14.0])
# The box is moved by so much, so that grid and tiles fall elsewhere, mm along Left, Anterior,
# Superior.
_MOVES_MM = ((0.4, -0.6, 0.5), (3.5, -2.5, 5.5))
# Agreement is taken over this length together, mm.
_WINDOW_MM = 12.0
# What lies in the working grid as cord, of a mask.
_CORD = 0.25


@dataclass(frozen=True)
class Agreement:
    """How far masks agree near the cord.

    Attributes:
        mirrored: soft Dice between the mask that is judged (where the same network made it) or the
            network's answer to the image as it is, and its answer to the mirrored and moved one.
        given: soft Dice between the mask that is judged and the network's answers; NaN where the
            network made it.
        worst: the least of the deciding one over a centimetre of cord.
        worst_mm: the middle of the cord there, world RAS+; None where there is no cord.
    """

    mirrored: float
    given: float
    worst: float
    worst_mm: tuple[float, float, float] | None

    def signs(self, slice_of: np.ndarray | None, slices: np.ndarray) -> list[Sign]:
        """As signs of a wrong mask.

        Args:
            slice_of: (n, 3) the middle of the cord in the mask's slices, world RAS+; None where it
                is empty.
            slices: (n,) their index in the file.
        """
        number = None
        if self.worst_mm is not None and slice_of is not None and len(slices):
            apart = np.linalg.norm(slice_of - np.asarray(self.worst_mm), axis=1)
            number = int(slices[int(np.nanargmin(apart))])
        signs = []
        if np.isfinite(self.mirrored):
            words = f"mirrored, the model agrees by {100 * self.mirrored:.0f} % only"
            signs.append(Sign("mirror", 1 - self.mirrored, words, number, self.worst_mm))
        if np.isfinite(self.given):
            words = f"the model agrees by {100 * self.given:.0f} % only"
            signs.append(Sign("network", 1 - self.given, words, number, self.worst_mm))
        return signs


def network_agreement(
    image: Volume,
    mask: Volume,
    bundle: ModelBundle,
    *,
    by_this_network: bool,
    device: str = "auto",
    progress: Progress | None = None,
) -> Agreement | None:
    """Run the segmenter around a mask again.

    Args:
        image: any orientation.
        mask: on its grid, 0 to 1.
        bundle: a model of ours.
        by_this_network: the mask is this model's, as it made it: one run instead of two.
        device: of the network.
        progress: receives progress; checked for cancellation at every tile.

    Returns:
        None for an empty mask, and for models with a pipeline of their own.

    Raises:
        ModelError: the weights do not load.
        OptionError, NoEngine: the network cannot run on this device.
        Cancelled: through ``progress``.
    """
    progress = progress or Progress()
    if bundle.plan is not None or not (mask.data > _CORD).any():
        return None
    working = working_image(image, bundle)
    turned = reorient(mask.with_data(np.asarray(mask.data, np.float32)), bundle.orientation)
    located = resample_mask(turned, working.coarse.grid).data > _CORD / 2
    if not located.any():
        return None
    scaling = working.scaling_about(located)
    near = neighbourhood(working.coarse.with_data(located), _REACH_MM)
    engine = choose_engine(device, bundle.needs_pytorch)
    mirrored = _Mirrored(bundle, engine, progress=progress)
    plain = Networks(bundle, engine, progress=progress)
    runs = [mirrored] if by_this_network else [plain, mirrored]
    answers = []
    for number, (run, move) in enumerate(zip(runs, reversed(_MOVES_MM[: len(runs)]))):
        box = _moved_box(turned, move)
        part = progress.part(number / len(runs), (number + 1) / len(runs))
        answers.append(segment_in_box(working.image, box, near, scaling, run, part).soft)
    first = answers[0]
    own = resample_mask(turned, first.grid)
    others = [first, *(resample_mask(answer, first.grid) for answer in answers[1:])]
    if by_this_network:
        return _agreement(first, own.data, first.data, None)
    mean = np.mean([answer.data for answer in others], axis=0)
    return _agreement(first, others[0].data, others[1].data, (own.data, mean))


class _Mirrored(Networks):
    """The networks of a bundle, whose segmenter sees the mirror image."""

    def segmenter(self) -> Predict:
        predict, axes = super().segmenter(), left_right(self.bundle.orientation)[0]
        return lambda tile: np.flip(predict(np.flip(tile, axes)), axes)


def _moved_box(mask: Volume, move: tuple[float, float, float]) -> Box:
    """The mask's box with its margin, moved."""
    voxels = np.argwhere(mask.data > _CORD)
    margin = np.ceil(_MARGIN_MM / mask.spacing).astype(int)
    start = np.maximum(voxels.min(axis=0) - margin, 0)
    stop = np.minimum(voxels.max(axis=0) + 1 + margin, mask.shape)
    box = Box.of_grid(mask.grid.crop(start, stop))
    return Box(box.center_mm + box.axes @ np.asarray(move), box.axes, box.size_mm)


def _agreement(
    grid: Volume, one: np.ndarray, other: np.ndarray, judged: tuple[np.ndarray, np.ndarray] | None
) -> Agreement:
    mirrored, along = _dice(one, other, grid.spacing)
    given = np.nan
    if judged is not None:
        given, along = _dice(*judged, grid.spacing)
        one = judged[0]
    if not np.isfinite(along).any():
        return Agreement(mirrored, given, np.nan, None)
    at = int(np.nanargmin(along))
    middle = np.array([*ndimage.center_of_mass(np.maximum(one, other)[:, :, at]), at])
    x, y, z = (float(part) for part in grid.grid.to_world(middle))
    return Agreement(mirrored, given, float(along[at]), (x, y, z))


def _dice(one: np.ndarray, other: np.ndarray, spacing: np.ndarray) -> tuple[float, np.ndarray]:
    """Soft Dice of all, and along the last axis over a window; NaN where both are empty.

    2 Σ ab / Σ (a² + b²), within 5 mm of where both or the smaller one are.
    """
    common = np.minimum(one, other) > 0.05
    if common.any():
        near = ndimage.distance_transform_edt(~common, sampling=spacing) <= _NEAR_MM
        # Where one goes on along the cord and the other does not, that is counted too.
        both = common.any(axis=(0, 1))
        near |= ~both[None, None, :]
        one, other = one * near, other * near
    product = 2 * (one * other).sum(axis=(0, 1), dtype=float)
    squares = (one.astype(float) ** 2 + other.astype(float) ** 2).sum(axis=(0, 1))
    total = float(squares.sum())
    size = max(1, round(_WINDOW_MM / float(spacing[2])))
    product_along = ndimage.uniform_filter1d(product, size, mode="constant")
    squares_along = ndimage.uniform_filter1d(squares, size, mode="constant")
    filled = squares > 0.5
    with np.errstate(invalid="ignore", divide="ignore"):
        along = np.where(filled, product_along / squares_along, np.nan)
    return (float(product.sum()) / total if total > 0 else np.nan), along
