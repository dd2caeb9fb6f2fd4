"""A small data set for quality control, and entries of a page without pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from SoftCordSegLib.morphometry import DiscLabel
from SoftCordSegLib.morphometry.disc_files import KNOWN, LocatedDisc, write_discs
from SoftCordSegLib.review.qc_entry import entry_id
from SoftCordSegLib.volume import Volume, write_nifti

DATASET = "neckstudy"
SLICES, RADII_MM = 30, (4.0, 5.0, 4.5)


def soft_disc(radius_mm: float, shape=(48, 48, SLICES), spacing=(1.0, 1.0, 2.0)) -> Volume:
    """A straight soft cylinder in the middle, LAS."""
    i, j = np.meshgrid(*(np.arange(n) for n in shape[:2]), indexing="ij")
    distance = np.hypot(i - (shape[0] - 1) / 2, j - (shape[1] - 1) / 2)
    disc = np.clip(radius_mm + 0.5 - distance, 0, 1).astype(np.float32)
    affine = np.diag([-spacing[0], *spacing[1:], 1.0])
    affine[:3, 3] = 20, -20, -30
    return Volume(np.repeat(disc[:, :, None], shape[2], axis=2), affine)


def write_qc_dataset(root: Path) -> Path:
    """A BIDS data set of three participants with a soft mask each, one with discs."""
    random = np.random.default_rng(1)
    for number, radius in enumerate(RADII_MM, 1):
        name = f"sub-{number:02d}"
        mask = soft_disc(radius)
        noise = random.normal(0, 20, mask.shape)
        image = mask.with_data((300 + 500 * mask.data + noise).astype(np.float32))
        labels = root / "derivatives" / "labels" / name / "anat"
        write_nifti(image, root / name / "anat" / f"{name}_T2w.nii.gz")
        write_nifti(mask, labels / f"{name}_T2w_label-SC_softseg.nii.gz")
        if number == 1:
            middle = mask.grid.to_world([23.5, 23.5, 0])
            discs = [
                LocatedDisc(DiscLabel(value, (middle[0], middle[1], z)), KNOWN, 1.0)
                for value, z in ((3, 20.0), (4, 0.0), (5, -20.0))
            ]
            write_discs(labels / f"{name}_T2w_label-discs_dlabel.nii.gz", discs, mask, {})
    (root / "dataset_description.json").write_text(
        '{"Name": "n", "BIDSVersion": "1.9.0"}', encoding="utf-8"
    )
    return root


def entry_of(number: int) -> dict:
    """An entry as it is stored, of pictures that are not there."""
    name = f"sub-{number:04d}"
    entry = {
        "path": f"{name}/anat",
        "cmdline": f"softcord qc many/{name}/anat/{name}_T2w",
        "command": "softcord_qc",
        "sctVersion": "SoftCordSeg",
        "dataset": "many",
        "subject": name,
        "contrast": "T2w",
        "inputFile": f"{name}_T2w.nii.gz",
        "plane": "Axial",
        "backgroundImage": f"many/{name}/T2w/softcord_qc/1/background_img.png",
        "overlayImage": f"many/{name}/T2w/softcord_qc/1/overlay_img.png",
        "date": f"2026-11-28 14:05:10.{number:06d}",
        "rank": "",
        "qc": "",
        "case": f"{name}/anat/{name}_T2w",
        "mask": f"derivatives/labels/{name}/anat/{name}_T2w_label-SC_softseg.nii.gz",
        "mask_sha256": f"{number:064x}",
        "blinded": False,
        "softcord": {
            "id": f"many|{name}",
            "doubt": round(1 - number / 1000, 3),
            "reason": "C5, slice 20: area drops by 40 %",
            "worst": 20,
            "notes": [],
            "verdicts": [],
            "width": 1000,
            "height": 684,
            "tile": 96,
            "tiles": [[n, 300 + 96 * (n % 8), 114 * (n // 8)] for n in range(40)],
            "sagittal": [0, 0, 280, 684, 39.5, -0.5],
            "first": 0,
            "areas": [60 + (n * number) % 7 for n in range(100)],
            "levels": [["C6", 0, 19], ["C5", 20, 59], ["C4", 60, 99]],
        },
    }
    return {**entry, "id": entry_id(entry)}
