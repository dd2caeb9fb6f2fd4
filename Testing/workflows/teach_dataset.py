"""A small reviewed data set, and what stands in for the networks that are taught on it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from scipy import ndimage

from SoftCordSegLib.bids import Kind, hashed_writers, label_name, manual_entry, sidecar_path
from SoftCordSegLib.files import file_sha256, write_together
from SoftCordSegLib.network.unet import UNet
from SoftCordSegLib.provenance import generated_by
from SoftCordSegLib.review.verdicts import Verdict, VerdictStore, utc_now
from SoftCordSegLib.training.finetune import ReplayImage
from SoftCordSegLib.volume import write_nifti
from SoftCordSegLib.workflows import finetune_bundle
from training.finetune.necks import TINY, a_neck, write_bundle


class Reviewed:
    """A data set of necks, each of a participant, with masks and verdicts."""

    def __init__(self, root):
        self.root = root
        root.mkdir(parents=True)

    def add(self, number, *, corrected=False, judgement=None, contrast="T2w", rater="Anna"):
        name = f"sub-{number:02d}"
        stem = f"{name}_{contrast}"
        image, mask = a_neck(number)
        image_file = self.root / name / "anat" / f"{stem}.nii.gz"
        folder = self.root / "derivatives" / "labels" / name / "anat"
        file = folder / label_name(image_file, Kind.SOFT_MASK)
        write_nifti(image, image_file)
        content = {"GeneratedBy": generated_by(), "Date": "2026-01-02 03:04:05"}
        if corrected:
            content["GeneratedBy"].append(manual_entry("Anna", "2026-02-03 04:05:06"))
            content["CorrectedByHand"] = {"VoxelsAdded": 3, "VoxelsRemoved": 2}
        writers = {file: lambda path: write_nifti(mask, path, np.float32)}
        write_together(hashed_writers(writers, sidecar_path(file), content))
        if judgement is not None:
            self.judge(f"{name}/anat/{stem}", file, judgement, rater)
        return file

    def judge(self, key, file, judgement, rater="Anna"):
        VerdictStore(self.root, rater).add(
            Verdict(
                case=key,
                mask=file.relative_to(self.root).as_posix(),
                mask_sha256=file_sha256(file),
                rater=rater,
                verdict=judgement,
                when=utc_now(),
            )
        )


def stand_ins(tmp_path, monkeypatch):
    """A bundle of random weights, for necks as phantoms: its children's masks are right, its own
    too small.  Models are installed in a folder of the test's own.
    """

    def necks(trained_on: bool):
        replayed, watched = (
            [ReplayImage(f"T2w{finetune_bundle._PHANTOM}", *a_neck(n))] for n in (200, 300)
        )
        return replayed if trained_on else [], watched

    def segment(image, bundle, **_options):
        soft = image.data.clip(0, 1)
        if bundle.folder == parent.folder:
            soft = ndimage.grey_erosion(soft, size=(3, 3, 1))
        return SimpleNamespace(volume=image.with_data(soft.astype(np.float32)))

    torch.manual_seed(1)
    parent = write_bundle(tmp_path / "tiny", UNet(TINY).state_dict())
    monkeypatch.setattr(finetune_bundle, "phantoms", necks)
    monkeypatch.setattr("SoftCordSegLib.segmentation.segment_within_memory", segment)
    monkeypatch.setenv("SOFTCORDSEG_MODELS", str(tmp_path / "models"))
    return parent
