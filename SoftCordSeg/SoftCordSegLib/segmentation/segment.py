"""From an image to its soft mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..network import ModelBundle
from ..network.engines import choose_engine
from ..progress import Progress
from ..volume import Box, Grid, Volume
from ..volume.intensities import blank_slices
from ..volume.missing_voxels import fill_missing
from ..volume.orientation import slice_axis
from .follow_cord import Followed, follow_cord
from .locate_and_segment import (
    WorkingMask,
    locate_and_segment,
    on_image_grid,
    segment_in_box,
)
from .located_cord import LocatedCord
from .predictor import Networks
from .soft_mask import NOTHING_PLAUSIBLE, NOTHING_WHOLE, SoftMask
from .working_image import is_narrow, working_image

# Across the cord an image has to have voxels of at most so many millimetres in one direction, and
# at most so many in the other (thick sagittal slices).
_ACROSS_MM, _THICK_MM = 3.0, 6.0
# Holes of the mask that are shorter than this, mm, are filled without a word.
_HOLE_MM = 4.0
# Of a CT, in Hounsfield units: air, fat to muscle, and what only bone or contrast medium reaches;
# and how much of the image the first two are at least (a neck has about half of each).
_AIR_HU, _TISSUE_HU, _BONE_HU = (-1050, -900), (-200, 150), 300
_LEAST_AIR, _LEAST_TISSUE = 0.03, 0.1


def across_mm(image: Volume) -> tuple[float, float]:
    """The smaller and the larger edge of a voxel across the cord, mm: along the two axes that are
    furthest from up and down.
    """
    spacing = np.asarray(image.spacing)
    upright = int(np.argmax(np.abs(image.affine[2, :3]) / spacing))
    first, second = sorted(float(size) for size in np.delete(spacing, upright))
    return first, second


def looks_like_ct(data: np.ndarray) -> bool:
    """Whether values are Hounsfield units of a body: much air at -1000, much soft tissue about 0,
    and something denser; no MR image has all three.

    Args:
        data: any shape, finite.
    """
    if not -3100 <= float(data.min()) <= _AIR_HU[1] or float(data.max()) < _BONE_HU:
        return False
    air = np.count_nonzero((data >= _AIR_HU[0]) & (data <= _AIR_HU[1]))
    tissue = np.count_nonzero((data >= _TISSUE_HU[0]) & (data <= _TISSUE_HU[1]))
    return bool(air >= _LEAST_AIR * data.size and tissue >= _LEAST_TISSUE * data.size)


def check_image(image: Volume, box: Box | None = None) -> None:
    """Check that a cord could be found in ``image``.

    Args:
        image: with finite values.
        box: in which the user says that the cord is: a single slice across it then suffices.

    Raises:
        InputError: one slice, voxels too large for a cord, the same value everywhere, or a CT.
    """
    if min(image.shape) < 2:
        across = [axis for axis in range(3) if axis != slice_axis(image.affine)]
        if box is None or min(image.shape[axis] for axis in across) < 2:
            raise InputError(
                f"The image is a single slice ({_text(image.shape)} voxels).",
                hint="Give a stack of at least two slices, or, if the slice is axial, a box around"
                " the cord.",
            )
    first, second = across_mm(image)
    if first > _ACROSS_MM or second > _THICK_MM:
        raise InputError(
            f"The voxels are {first:.3g} × {second:.3g} mm across the cord, which is 6 to 14 mm"
            " wide.",
            hint="Give an image whose voxels are at most"
            f" {_ACROSS_MM:g} × {_THICK_MM:g} mm across the cord.",
        )
    data = image.data
    if data.min() == data.max():
        raise InputError(
            f"The image is constant: every voxel is {data.flat[0]}.",
            hint="Check that the right file was exported.",
        )
    if looks_like_ct(data):
        raise InputError(
            "The image looks like a CT: its values are Hounsfield units, air at -1000. The cord can"
            " be segmented in MR images only.",
            hint="Give an MR image.",
        )


def _without_missing(image: Volume) -> tuple[Volume, tuple[str, ...]]:
    if not np.issubdtype(image.data.dtype, np.floating):
        return image, ()
    if not np.isfinite(image.data).any():
        raise InputError(
            "Every voxel of the image is NaN or infinite.",
            hint="Check that the right file was exported.",
        )
    data, notes = fill_missing(image.data)
    return (image.with_data(data) if notes else image), notes


def _blank_notes(image: Volume) -> tuple[str, ...]:
    count = len(blank_slices(image.data))
    if not count:
        return ()
    are = "slice inside the image holds" if count == 1 else "slices inside the image hold"
    return (f"{count} {are} no image (one value all over); the mask is empty there.",)


def _thick_notes(image: Volume) -> tuple[str, ...]:
    thick = across_mm(image)[1]
    if thick <= _ACROSS_MM:
        return ()
    return (
        f"The voxels are {thick:.3g} mm thick across the cord: the mask is coarse there, and its"
        " areas are to be looked at.",
    )


def _box_with(box: Box, soft: Volume) -> Box:
    """The box, and what of the mask lies beside it."""
    start, stop = box.voxels_of(soft.grid)
    voxels = np.argwhere(soft.data)
    if not len(voxels):
        return box
    low, high = voxels.min(axis=0), voxels.max(axis=0) + 1
    if (low >= start).all() and (high <= stop).all():
        return box
    return Box.of_grid(soft.grid.crop(np.minimum(start, low), np.maximum(stop, high)))


def _bridged_notes(followed: Followed, image: Volume) -> tuple[str, ...]:
    """Of gaps that were filled; of holes of a slice or two nothing is said."""
    axis = slice_axis(image.affine)
    notes = []
    for ends in followed.bridged_mm:
        length = float(np.linalg.norm(ends[1] - ends[0]))
        if length < _HOLE_MM:
            continue
        low, high = sorted(np.round(image.grid.to_voxel(ends)[:, axis], 3))
        first, last = int(np.floor(low)) + 1, int(np.ceil(high)) - 1
        where = f"slices {first} to {last}" if last > first else f"slice {first}"
        notes.append(
            f"Over {length:.0f} mm ({where}) the cord was not seen, as in a lesion or an artefact;"
            " the mask there is drawn from the slices below and above: check it."
        )
    return tuple(notes)


def _brought_back(
    image: Volume, found: WorkingMask | None, seen: Grid, given_box: Box | None
) -> SoftMask:
    """The mask on the image's own grid, with what the locator found."""
    mask = on_image_grid(image, found, seen, given_box)
    if found is None:
        return mask
    if not mask.found:
        if found.is_loose:
            return replace(mask, message=NOTHING_WHOLE)
        return replace(mask, message=NOTHING_PLAUSIBLE) if found.is_implausible else mask
    return replace(mask, located=found.located)


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape)


def segment(
    image: Volume,
    bundle: ModelBundle,
    *,
    box: Box | None = None,
    progress: Progress | None = None,
    device: str = "auto",
    flips: bool = False,
    located: LocatedCord | None = None,
) -> SoftMask:
    """Segment the spinal cord.

    Args:
        image: any orientation, spacing and obliquity.
        bundle: the networks and their pipeline: ours, or one of the authors' (``network.plans``).
        box: the region to segment, the whole of it and nothing else; found by the locator where
            None.
        progress: receives progress; checked for cancellation at every tile.
        device: "auto", "cpu", "cuda", …; see :func:`~...network.engines.choose_engine`.
        flips: take the mean of the raw outputs for the image and its left-right mirror image: twice
            the time (nnU-Net: all mirror images that it was trained with, up to eight times).
        located: what the locator found in this very image before, by the same model: it is not run
            again.

    Returns:
        The soft mask on the grid of ``image``; empty, with a sentence that says so, where no cord
        is found.

    Raises:
        InputError: the image cannot hold a cord (one slice without a box, constant, nowhere
            finite), or the box lies outside it.
        ModelError: the bundle's weights do not load.
        OptionError, NoEngine: the network cannot run on this device.
        Cancelled: the user stopped the run.
    """
    progress = progress or Progress()
    image, repaired = _without_missing(image)
    check_image(image, box)
    engine = choose_engine(device, bundle.needs_pytorch)
    if bundle.plan is not None:
        from .segment_by_plan import segment_by_plan

        mask = segment_by_plan(image, bundle, box, progress, engine, flips)
        notes = (*repaired, *mask.notes)
        return replace(mask, device=engine.device, engine=engine.name, notes=notes)
    progress.report(0.0, "Loading the network")
    progress.check_cancelled()
    locating = box is None and located is None
    working, given_box = working_image(image, bundle, engine if locating else None), box
    if box is None and is_narrow(working.image, bundle.stages[1]):
        # A scan cropped to the cord: there is nothing to locate, and too little context for the
        # locator.
        box = Box.of_grid(working.image.grid)
    networks = Networks(bundle, engine, flips, progress)
    if box is None:
        found = locate_and_segment(working, networks, progress, located)
    else:
        found = segment_in_box(
            working.image, box, None, working.scaling_in(box), networks, progress.part(0.2, 0.95)
        )
    added: tuple[str, ...] = ()
    if given_box is None and found is not None and found.score:
        part = progress.part(0.94, 0.95)
        followed = found.followed or follow_cord(working, found.soft, networks, part)
        found = replace(found, soft=followed.soft, box=_box_with(found.box, followed.soft))
        added = (*found.notes, *_bridged_notes(followed, image))
    progress.report(0.95, "Resampling the mask to the image's grid")
    mask = _brought_back(image, found, working.seen, given_box)
    of_image = (*working.notes, *_blank_notes(image), *_thick_notes(image))
    notes = (*repaired, *mask.notes, *added, *of_image)
    return replace(mask, device=engine.device, engine=engine.name, notes=notes)
