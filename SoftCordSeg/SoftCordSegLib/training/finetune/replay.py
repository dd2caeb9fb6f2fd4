"""What the bundle knew before, to be trained again beside the corrected cases so that it is not
forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...progress import Progress
from ...volume import Volume, reorient, resample
from ..input_contract import InputContract
from ..real import OpenCase
from .cases import about_cord
from .judge import Tools

if TYPE_CHECKING:
    from ...network import ModelBundle

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


def rehearsed(
    images: Sequence[ReplayImage],
    bundle: ModelBundle,
    tools: Tools,
    margin_mm: float,
    progress: Progress,
) -> list[OpenCase]:
    """Cases that hold a network to what the bundle says of images, where that is about right.

    The label is what the bundle says, as in learning without forgetting (Li and Hoiem, IEEE TPAMI
    2018), not the truth: where exactly a mask's edge lies is a convention, and replay is there to
    keep the bundle's own, not to teach a third one.

    Args:
        images: of which the bundle is asked.
        bundle: before it is trained on.
        tools: that segment.
        margin_mm: around the cord.
        progress: told and asked.

    Raises:
        Cancelled: through ``progress``.
    """
    scaling = InputContract.of_bundle(bundle).patches(bundle.segmenter.spacing_mm)
    cases = []
    for number, one in enumerate(images):
        progress.check_cancelled()
        part = progress.part(number / len(images), (number + 1) / len(images))
        part.report(0.0, f"Asking {bundle.name} about {one.name}")
        image, truth = reorient(one.image, "LAS"), reorient(one.truth, "LAS")
        said = tools.segment(image, bundle, part)
        trusted = (np.abs(said.data - truth.data) <= _WRONG).astype(np.float32)
        whole = scaling.prepared(OpenCase(image, said, truth.with_data(trusted), one.name), truth)
        cases.append(about_cord(whole, margin_mm, cord=resample(truth, whole.image.grid, order=0)))
    return cases
