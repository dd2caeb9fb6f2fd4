"""What a fine-tuning learns from: patches of corrected cases, and of what the bundle knew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...files import file_sha256
from ...network import AROUND_CORD, UNetConfig
from ...progress import Progress
from ...segmentation.working_image import working_image
from ...volume import Volume, reorient
from ..batch import BatchSource, MixedBatches
from ..packed import Packed, PackedCase
from ..packing import packed_anatomy, packed_arrays
from .verdict import Scorer

if TYPE_CHECKING:
    from ...network import ModelBundle
    from ..generator import BatchRecipe
    from ..real_cases import OpenCase

# Larger tiles make inference faster, larger patches make training slower.
_LARGEST_PATCH = 64
# Where the bundle is that far from the truth, it should not be taught to stay there.
_WRONG = 0.5


@dataclass(frozen=True, eq=False)
class ReplayImage:
    """An image of a made-up neck, whose cord is known.

    Attributes:
        name: to tell it from others.
        image: any orientation.
        truth: soft mask (0 to 1) on its grid.
    """

    name: str
    image: Volume
    truth: Volume


def network_of(bundle: ModelBundle) -> UNetConfig:
    """The segmenter's shape."""
    return UNetConfig(bundle.segmenter.features, bundle.segmenter.strides)


def patch_of(bundle: ModelBundle) -> tuple[int, int, int]:
    """Voxels of a patch along (Left, Anterior, Superior): the segmenter's tile, but not too large a
    one.
    """
    divisor = network_of(bundle).divisor
    return tuple(
        max(min(tile, _LARGEST_PATCH) // d * d, d)
        for tile, d in zip(bundle.segmenter.tile, divisor)
    )


def packed_case(
    case: OpenCase, name: str, bundle: ModelBundle, cord: Volume | None = None
) -> PackedCase:
    """A case on the grid of a bundle's segmenter, scaled by the bundle's input contract, and only
    as much of it as a patch about the cord can show.

    Args:
        case: the whole image.
        name: of the image.
        bundle: which.
        cord: where the cord is, on the case's grid; the label where None.
    """
    spacing = bundle.segmenter.spacing_mm
    margin = 0.75 * max(patch_of(bundle)) * spacing
    arrays = packed_arrays(
        working_image(case.image, bundle),
        case.label,
        case.weight,
        spacing_mm=spacing,
        margin_mm=(margin,) * 3,
        cord=cord,
    )
    # Only the segmenter is trained: its grid stands for both.
    arrays = {
        f"{kind}{name}": arrays[name]
        for name in ("image", "label", "weight")
        for kind in ("", "coarse_")
    }
    slices_mm = tuple(float(length) for length in case.image.spacing)
    return PackedCase(name, case.participant, "", "", "", "", slices_mm, "drawn", **arrays)


def replayed_cases(
    images: Sequence[ReplayImage], bundle: ModelBundle, scorer: Scorer, progress: Progress
) -> list[PackedCase]:
    """Cases that hold a network to what the bundle predicts on images, where that is about right.

    The label is what the bundle predicts, as in learning without forgetting (Li and Hoiem, IEEE
    TPAMI 2018), not the truth: where exactly a mask's edge lies is a convention, and replay is
    there to keep the bundle's own, not to teach a third one.

    Args:
        images: that the bundle segments.
        bundle: before it is fine-tuned.
        scorer: segments them.
        progress: receives progress; checked for cancellation.

    Raises:
        Cancelled: through ``progress``.
    """
    from ..real_cases import OpenCase

    cases = []
    for number, one in enumerate(images):
        progress.check_cancelled()
        part = progress.part(number / len(images), (number + 1) / len(images))
        part.report(0.0, f"Segmenting {one.name} with {bundle.name}, to keep what it knows")
        image, truth = reorient(one.image, "LAS"), reorient(one.truth, "LAS")
        predicted = scorer.segment(image, bundle, part)
        trusted = (np.abs(predicted.data - truth.data) <= _WRONG).astype(np.float32)
        case = OpenCase(image, predicted, truth.with_data(trusted), one.name)
        cases.append(packed_case(case, one.name, bundle, cord=truth))
    return cases


def synthetic_batches(data: Path, bundle: ModelBundle) -> tuple[BatchSource, dict[str, str]]:
    """Synthetic images for the segmenter of a bundle, made from the anatomy in a folder; and
    SHA-256 of its files.

    Raises:
        InputError: the anatomy is not there.
    """
    from ..anatomy import data_files
    from ..generator import PatchBatches

    packed = Packed((), **packed_anatomy(data))
    sums = {path.name: file_sha256(path) for path in sorted(data_files(data))}
    return PatchBatches(packed, replace(_recipe(bundle), real=0.0)), sums


def case_batches(
    cases: Sequence[PackedCase], bundle: ModelBundle, new_contrast: float
) -> BatchSource:
    """Patches of cases, each participant equally often.

    Args:
        cases: of :func:`packed_case`.
        bundle: whose segmenter is trained.
        new_contrast: how often the intensities are changed beyond recognition, 0 to 1.
    """
    from ..generator import PatchBatches

    recipe = replace(
        _recipe(bundle),
        real=1.0,
        # By curves and random networks, which keep every edge where the image has it.
        new_contrast=0.0,
        curves=0.6 * new_contrast,
        random_network=0.4 * new_contrast,
        # A correction is of this scan: what another would have shown is for the long training.
        real_slices=0.0,
        real_distortion=0.0,
        real_dropout=0.0,
    )
    return PatchBatches(Packed.of_cases(cases), recipe)


def mixed_batches(cases: BatchSource, known: BatchSource, share: float) -> BatchSource:
    """Corrected cases (``share`` of the patches) beside what the bundle knew."""
    return MixedBatches([cases, known], [share, 1 - share])


def _recipe(bundle: ModelBundle) -> BatchRecipe:
    from ..generator import SEGMENTER

    return replace(
        SEGMENTER,
        shape=patch_of(bundle),
        spacing=bundle.segmenter.spacing_mm,
        contract="around_cord" if bundle.intensities == AROUND_CORD else "whole",
    )
