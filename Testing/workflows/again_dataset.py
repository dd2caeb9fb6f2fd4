"""A small data set whose masks are of an old model, and a new model that draws another radius.

Each image is a bright cylinder of 5 mm, which the new model finds as it is; the old masks have
4 mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from cli.fakes import A_BUNDLE, a_neck
from SoftCordSegLib.bids import (
    Kind,
    hashed_writers,
    label_name,
    segmentation_sidecar,
    sidecar_path,
    with_correction,
)
from SoftCordSegLib.correction import merge
from SoftCordSegLib.files import file_sha256, write_together
from SoftCordSegLib.review.verdicts import Judgement, Verdict, VerdictStore, utc_now
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box, write_nifti

NEW_MM, OLD_MM = 5.0, 4.0
OLD = SimpleNamespace(
    name="old 1.0",
    metadata={"name": "old", "version": "1.0"},
    sha256={"models/segmenter.safetensors": "cd" * 32},
    plan=None,
    locator=None,
    needs_pytorch=False,
)
NEW = A_BUNDLE
# What raters added and removed: a blob beside the cord, and a slice without cord.
ADDED = (slice(27, 31), slice(18, 22), slice(10, 14))
REMOVED = (slice(14, 26), slice(14, 26), slice(20, 21))


@dataclass(frozen=True)
class AgainDataset:
    """The folder, and where its files are."""

    root: Path

    def image(self, name: str) -> Path:
        return self.root / name.split("_")[0] / "anat" / f"{name}.nii.gz"

    def folder(self, name: str) -> Path:
        return self.root / "derivatives" / "labels" / name.split("_")[0] / "anat"

    def file(self, name: str, kind: Kind = Kind.SOFT_MASK) -> Path:
        return self.folder(name) / label_name(name, kind)

    def key(self, name: str) -> str:
        return f"{name.split('_')[0]}/anat/{name}"

    def add_image(self, name: str, radius_mm: float = NEW_MM) -> None:
        write_nifti(a_neck(radius_mm), self.image(name))

    def add_mask(self, name: str, *, edits: np.ndarray | None = None, threshold: float = 0.5):
        """A mask of the old model, soft and binary, corrected or not, as the panel saves it."""
        neck = a_neck(OLD_MM)
        p0 = np.clip(neck.data / 1000, 0, 1).astype(np.float32)
        soft = p0 if edits is None else merge(p0, edits, threshold, neck.spacing)
        made = SoftMask(neck.with_data(soft), Box.of_grid(neck.grid), "Spinal cord found.")
        content = segmentation_sidecar(made, OLD, f"{name}.nii.gz", threshold=threshold)
        content = {**content, "Date": "2026-01-02 03:04:05", "Laboratory": "ours", "Doubt": {}}
        cut = neck.with_data((soft >= threshold).astype(np.uint8))
        masks = {
            self.file(name): lambda path: write_nifti(made.volume, path, np.float32),
            self.file(name, Kind.BINARY_MASK): lambda path: write_nifti(cut, path),
        }
        if edits is not None:
            counts = int((edits > 0).sum()), int((edits < 0).sum())
            content = with_correction(content, "Anna", *counts, "2026-02-03 04:05:06")
            masks[self.file(name, Kind.EDIT_MAP)] = lambda path: write_nifti(
                neck.with_data(edits), path
            )
        write_together(hashed_writers(masks, sidecar_path(self.file(name)), content))

    def judge(self, name: str, judgement: Judgement | None, rater: str = "Anna", sha256=None):
        mask = self.file(name)
        VerdictStore(self.root, rater).add(
            Verdict(
                case=self.key(name),
                mask=mask.relative_to(self.root).as_posix(),
                mask_sha256=file_sha256(mask) if sha256 is None else sha256,
                rater=rater,
                verdict=judgement,
                when=utc_now(),
            )
        )


def some_edits(threshold: float = 0.5) -> np.ndarray:
    """The edit map of :data:`ADDED` and :data:`REMOVED` on a mask of the old model."""
    old = np.clip(a_neck(OLD_MM).data / 1000, 0, 1)
    edits = np.zeros(old.shape, np.int8)
    edits[ADDED] = np.where(old[ADDED] < threshold, 1, 0)
    edits[REMOVED] = np.where(old[REMOVED] > 0, -1, 0)
    return edits


def again_dataset(root: Path, *names: str) -> AgainDataset:
    """Images and uncorrected masks of these names."""
    dataset = AgainDataset(root)
    for name in names:
        dataset.add_image(name)
        dataset.add_mask(name)
    return dataset
