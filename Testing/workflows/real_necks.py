"""Whole necks whose discs were marked by eye."""

from __future__ import annotations

from pathlib import Path

from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import read_nifti
from SoftCordSegLib.workflows.label_discs import label_volume
from SoftCordSegLib.workflows.segment_images import VolumeRequest, segment_volume

# The heights (S, mm) of C2/C3, C3/C4, ... by eye, at the end of the disc that faces the cord.
NECKS = {
    "errsm20": (55, 35, 19, 3, -12, -28, -45, -59),
    "errsm22": (51, 32, 18, 1, -16, -32, -49, -68, -86, -107),
}


def check_discs_of_a_neck(shared_data: Path, participant: str) -> None:
    """One click after segmenting finds and names them."""
    image = read_nifti(shared_data / "images" / "errsm" / f"sub-{participant}_T2w.nii.gz")
    mask = segment_volume(VolumeRequest(image), Progress()).volume
    labelling = label_volume(image, mask, [], Progress())
    assert labelling.certain
    found = {disc.label.value: disc.label.position_mm[2] for disc in labelling.discs}
    off = [abs(found[3 + n] - height) for n, height in enumerate(NECKS[participant])]
    assert max(off) < 5.0, "by eye at the cord, slanted discs at their tip"
