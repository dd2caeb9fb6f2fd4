"""Labels for images without a mask: what the predictions of a model agree on, shared by the
contrasts on one grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from consensus_label import consensus

from SoftCordSegLib import segmentation
from SoftCordSegLib.evaluation import Case
from SoftCordSegLib.network import ModelBundle
from SoftCordSegLib.network.store import open_bundle
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti


def model_labels(
    cases: Sequence[Case], bundle: str | Path, folder: Path
) -> tuple[list[tuple[Path, Path]], dict]:
    """Segment images, each as it is and mirrored; what the masks agree on is the label.

    Args:
        cases: 3D images; those of one participant and grid share a label.
        bundle: the model, its folder or name.
        folder: for labels and weights.

    Returns:
        Label and weight of each case, and the record of the model: its name and the SHA-256 of its
        weights.
    """
    model = open_bundle(bundle)
    groups: dict[str, list[Case]] = {}
    for case in cases:
        # The name of the file keeps a scan and its rescan apart.
        name = f"{case.participant}_{case.grid}" if case.grid else case.stem
        groups.setdefault(name, []).append(case)
    found: dict[Path, tuple[Path, Path]] = {}
    for name, members in groups.items():
        images = [read_nifti(case.image) for case in members]
        agreed = consensus([mask for image in images for mask in _views(image, model)], images)
        label, weight = (folder / f"{name}_{kind}.nii.gz" for kind in ("label", "weight"))
        write_nifti(agreed.label, label, np.float32)
        write_nifti(agreed.weight, weight, np.float32)
        print(f"{name}: {len(members)} images, {100 * agreed.trusted:.0f} % of slices trusted")
        found.update({case.image: (label, weight) for case in members})
    record = {"name": model.name, "weights_sha256": model.sha256}
    return [found[case.image] for case in cases], record


def _views(image: Volume, model: ModelBundle) -> list[Volume]:
    """The soft masks of an image as it is, and of its mirror image brought back."""
    plain = segmentation.segment_within_memory(image, model).volume
    # A mirrored body on the same grid: left and right of a cord are alike, so the answer must be
    # the mirrored one.
    axis = image.grid.letters.index(next(letter for letter in image.grid.letters if letter in "LR"))
    flipped = image.with_data(_mirrored(image.data, axis))
    mirrored = segmentation.segment_within_memory(flipped, model).volume
    return [plain, plain.with_data(_mirrored(mirrored.data, axis))]


def _mirrored(data: np.ndarray, axis: int) -> np.ndarray:
    return np.ascontiguousarray(np.flip(data, axis))
