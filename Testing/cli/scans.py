"""Raw images of participants on disk, whose every answer is known: echoes, a moving diffusion
series, 3D images.
"""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from groundtruth.cords import Cord, grid, stored
from preprocessing.moving import known_motion, moving_cord
from SoftCordSegLib.preprocessing import Series
from SoftCordSegLib.volume import Volume, write_nifti

CORD = Cord(bend=(3, -4))
MOTION = known_motion(6, 9, seed=6)
BVALS = (0, 800, 800, 800, 50, 800, 800, 800)
WEIGHTED = (1, 2, 3, 5, 6, 7)
ECHOES = (0.6, 1.0, 1.4)


def neck(spacing=1.0, shape=(36, 36, 44), letters="LAS") -> Volume:
    """A bright cord, 1000 above black, as the stand-in for the network sees it."""
    mask = CORD.mask(grid(spacing, shape))
    return stored(mask.with_data(1000 * mask.data), letters)


def write_series(data: np.ndarray, affine: np.ndarray, path: Path) -> Path:
    """A 4D image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(data.astype(np.float32), affine)
    image.set_sform(affine, code=1)
    nibabel.save(image, path)
    return path


def diffusion(letters="RAS") -> Series:
    """Eight volumes: two with b = 0, twice as bright, among six that move by ``MOTION``."""
    moving, _ = moving_cord(MOTION, letters=letters, noise=2.0, lump=False)
    data = np.zeros((*moving.data.shape[:3], len(BVALS)), np.float32)
    data[..., list(WEIGHTED)] = moving.data
    for number in set(range(len(BVALS))) - set(WEIGHTED):
        data[..., number] = 2 * moving.data[..., 0] + 700
    return Series(data, moving.affine)


def write_diffusion(path: Path, bvals=BVALS) -> Path:
    """The diffusion series, and beside it its b-values."""
    series = diffusion()
    write_series(series.data, series.affine, path)
    if bvals is not None:
        path.with_name(path.name.replace(".nii.gz", ".bval")).write_text(
            " ".join(map(str, bvals)) + "\n", encoding="utf-8"
        )
    return path


def echoes() -> list[Volume]:
    """One T2*w image at three echo times."""
    image = neck((0.6, 0.6, 5), (56, 56, 9))
    return [image.with_data((image.data * factor).astype(np.float32)) for factor in ECHOES]


def write_participant(root: Path, name: str = "sub-01") -> Path:
    """A participant with T2w, T1w, T2star (4D), and diffusion; the folder of the data set."""
    anat = root / name / "anat"
    write_nifti(neck(0.8, (44, 44, 56), "PSR"), anat / f"{name}_T2w.nii.gz")
    write_nifti(neck(), anat / f"{name}_T1w.nii")
    write_series(
        np.stack([one.data for one in echoes()], axis=3),
        echoes()[0].affine,
        anat / f"{name}_T2star.nii.gz",
    )
    write_diffusion(root / name / "dwi" / f"{name}_dwi.nii.gz")
    return root
