"""A small data set for the exchange with other programs: names count, voxels do not."""

from __future__ import annotations

import json

from SoftCordSegLib.bids import Kind, label_name, session_of, sidecar_path
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.review import Judgement, Verdict, VerdictStore

T1W, T2W, LATER, ALONE = (
    "sub-01/anat/sub-01_T1w",
    "sub-01/anat/sub-01_T2w",
    "sub-02/ses-1/anat/sub-02_ses-1_T2w",
    "sub-03/anat/sub-03_acq-sag_T2w",
)
KEYS = (T1W, T2W, LATER, ALONE)
WHEN = "2026-03-07T10:05:40.250000+00:00"


def make_folder(root):
    """Four images with a mask of ours each."""
    for key in KEYS:
        image = root / f"{key}.nii.gz"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(f"not a real image {key}".encode() * 4)
        mask = mask_of(root, key)
        mask.parent.mkdir(parents=True, exist_ok=True)
        mask.write_bytes(f"not a real mask {key}".encode() * 4)
        content = {"GeneratedBy": [{"Name": "SoftCordSeg"}]}
        sidecar_path(mask).write_text(json.dumps(content), encoding="utf-8")
    return root


def mask_of(root, key):
    """Our mask of a case."""
    name = key.rpartition("/")[2]
    folder = root / "derivatives" / "labels"
    return folder.joinpath(*session_of(name).split("_"), "anat", label_name(name, Kind.SOFT_MASK))


def correct(root, key):
    """The mask is another one now, and its sidecar says by whom."""
    mask = mask_of(root, key)
    mask.write_bytes(b"corrected by hand since" * 4)
    content = {"GeneratedBy": [{"Name": "SoftCordSeg"}, {"Name": "Manual", "Author": "Anna"}]}
    sidecar_path(mask).write_text(json.dumps(content), encoding="utf-8")


def judge(root, key, verdict, rater="Anna", when=WHEN, **more):
    """Store a verdict as the panel does."""
    mask = mask_of(root, key)
    verdict = Verdict(
        case=key,
        mask=mask.relative_to(root).as_posix(),
        mask_sha256=file_sha256(mask),
        rater=rater,
        verdict=None if verdict is None else Judgement(verdict),
        when=when,
        **more,
    )
    VerdictStore(root, rater).add(verdict)
    return verdict
