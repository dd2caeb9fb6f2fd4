"""A small BIDS data set: a round cord in a few contrasts, with soft and binary labels, as
spine-generic lays them out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from SoftCordSegLib.volume import Volume, write_nifti

CONTRASTS = ("anat/{}_T1w", "anat/{}_T2star", "anat/{}_flip-1_mt-on_MTS", "dwi/{}_rec-average_dwi")
SHAPE = (20, 24, 22)
# To the Left, Anterior, Superior.
AFFINE = np.diag([-1.0, 1.0, 1.0, 1.0])


def soft_cord(shift: float = 0.0, radius: float = 4.0) -> np.ndarray:
    i, j, k = np.indices(SHAPE, dtype=np.float32)
    distance = np.hypot(i - 9.5 - shift, j - 11.5)
    return np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32) * (k >= 0)


def make_dataset(
    folder: Path, participants: int = 10, contrasts: tuple[str, ...] = CONTRASTS
) -> Path:
    """The data set in ``folder``."""
    rng = np.random.default_rng(0)
    for number in range(1, participants + 1):
        name = f"sub-{number:02d}"
        soft = soft_cord(rng.uniform(-1, 1))
        for pattern in contrasts:
            path = pattern.format(name)
            image = (
                100
                + 200 * soft * rng.choice([-0.3, 1])
                + rng.normal(0, 5, SHAPE).astype(np.float32)
            )
            write_nifti(Volume(image.astype(np.float32), AFFINE), folder / name / f"{path}.nii.gz")
            labels = folder / "derivatives"
            write_nifti(
                Volume(soft, AFFINE), labels / "labels_softseg" / name / f"{path}_softseg.nii.gz"
            )
            hard = (soft > 0.5).astype(np.uint8)
            write_nifti(
                Volume(hard, AFFINE), labels / "labels" / name / f"{path}_seg-manual.nii.gz"
            )
    return folder
