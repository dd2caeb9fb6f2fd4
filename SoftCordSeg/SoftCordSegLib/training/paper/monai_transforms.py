"""The paper's preprocessing and its nine augmentations (sections 2.3.1 and 2.3.2), as MONAI's
transforms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import PersistentDataset
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    EnsureTyped,
    LoadImaged,
    NormalizeIntensityd,
    Orientationd,
    Rand3DElasticd,
    RandAdjustContrastd,
    RandAffined,
    RandBiasFieldd,
    RandFlipd,
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandScaleIntensityd,
    RandSimulateLowResolutiond,
    ResizeWithPadOrCropd,
    Spacingd,
)

from ...errors import InputError
from ..real_cases import RealCase

_IMAGE, _BOTH = ["image"], ["image", "label"]
_ANGLE, _SCALE, _SHIFT = math.radians(20), 0.2, 0.1


def preprocessing_transforms(
    shape: Sequence[int], spacing: float, padding: str = "constant"
) -> Compose:
    """To SCT's RPI (nibabel LAS), isotropic voxels (spline for images, linear for labels) and the
    centre of the image.

    The z-score is not here: it comes after the augmentations.

    Args:
        shape: of the centre crop.
        spacing: mm.
        padding: "constant" for zeros, or "edge".
    """
    return Compose(
        [
            LoadImaged(_BOTH, reader="NibabelReader"),
            EnsureChannelFirstd(_BOTH),
            # The authors' data lay in this orientation before; other data are brought to it.
            Orientationd(_BOTH, axcodes="LAS", labels=(("L", "R"), ("P", "A"), ("I", "S"))),
            Spacingd(_BOTH, pixdim=(spacing,) * 3, mode=(2, 1)),
            ResizeWithPadOrCropd(_BOTH, spatial_size=tuple(shape), mode=padding),
            EnsureTyped(_BOTH, dtype=np.float32, track_meta=False),
        ]
    )


def augmentation_transforms(variant: str, shape: Sequence[int]) -> Compose:
    """The nine augmentations in the paper's order and with its probabilities, and the z-score.

    The paper gives no magnitudes: they are the authors' code's, read as they were meant (an angle
    about each axis, a scale and a shift along each, the shift a part of the patch).  ``code`` does
    what their code does: MONAI takes its pairs of numbers for axes, so that angles and scales act
    on the first two axes only, and shifts are a tenth of a voxel; and it smooths with probability
    0.3 where the paper prints 0.1.

    Args:
        variant: "paper", "code", or "none" for the z-score alone.
        shape: of the patch.
    """
    normalise = NormalizeIntensityd(_IMAGE, nonzero=False, channel_wise=False)
    if variant == "none":
        return Compose([normalise])
    sigmas = dict.fromkeys(("sigma_x", "sigma_y", "sigma_z"), (0.0, 2.0))
    transforms = [
        _affine(variant, shape),
        Rand3DElasticd(_BOTH, prob=0.5, sigma_range=(3.5, 5.5), magnitude_range=(25.0, 35.0)),
        RandSimulateLowResolutiond(_IMAGE, prob=0.25, zoom_range=(0.5, 1.0)),
        RandAdjustContrastd(_IMAGE, prob=0.5, gamma=(0.5, 3.0)),
        RandBiasFieldd(_IMAGE, prob=0.3, coeff_range=(0.0, 0.5), degree=3),
        RandGaussianNoised(_IMAGE, prob=0.1, mean=0.0, std=0.1),
        RandGaussianSmoothd(_IMAGE, prob=0.1 if variant == "paper" else 0.3, **sigmas),
        RandScaleIntensityd(_IMAGE, prob=0.15, factors=(-0.25, 1.0)),
        RandFlipd(_BOTH, prob=0.3, spatial_axis=None),
    ]
    return Compose([*transforms, normalise])


def _affine(variant: str, shape: Sequence[int]) -> RandAffined:
    if variant == "code":
        ranges: dict[str, Any] = {
            "rotate_range": (-_ANGLE, _ANGLE),
            "scale_range": (-_SCALE, _SCALE),
            "translate_range": (-_SHIFT, _SHIFT),
        }
    else:
        ranges = {
            "rotate_range": [(-_ANGLE, _ANGLE)] * 3,
            "scale_range": [(-_SCALE, _SCALE)] * 3,
            "translate_range": [(-_SHIFT * size, _SHIFT * size) for size in shape],
        }
    return RandAffined(_BOTH, prob=0.9, mode=(2, 1), **ranges)


class Prepared:
    """Preprocessed cases, by index.

    Args:
        cases: images and labels.
        settings: of :func:`preprocessing_transforms`.
        cache: folder to keep them in, with MONAI's names; None to make them at each use.
    """

    def __init__(
        self,
        cases: Sequence[RealCase],
        settings: tuple[Sequence[int], float, str],
        cache: Path | None,
    ):
        self._cases = list(cases)
        # A file that was replaced, and other settings, get another entry in the cache.
        of = [f"{_stamp(case)} {settings}" for case in cases]
        items = [
            {"image": str(case.image), "label": str(case.label), "of": one}
            for case, one in zip(cases, of)
        ]
        self._data = PersistentDataset(items, preprocessing_transforms(*settings), cache_dir=cache)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Image and label, (1, i, j, k) float32.

        Raises:
            InputError: a file cannot be read, or the label is not within 0 and 1.
        """
        case = self._cases[index]
        try:
            item = self._data[index]
        except (
            Exception
        ) as error:  # readers and transforms raise many kinds; all mean the same to the user
            raise InputError(
                f"The image with its label '{case.label}' cannot be used for training: {error}.",
                path=case.image,
                hint="Replace the file, or take it off the list.",
            ) from error
        image, label = item["image"], item["label"]
        if (
            image.shape != label.shape
            or float(label.min()) < -1e-3
            or float(label.max()) > 1 + 1e-3
        ):
            raise InputError(
                "The label should hold values from 0 to 1 on its image's grid.",
                path=case.label,
                hint="Correct it.",
            )
        return {"image": image, "label": label}


def _stamp(case: RealCase) -> str:
    return " ".join(
        f"{status.st_size}-{status.st_mtime_ns}"
        for status in (case.image.stat(), case.label.stat())
    )
