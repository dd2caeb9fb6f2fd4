"""Data sets of empty images: names are what counts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

# A header of any content, compressed.
CONTENT = gzip.compress(bytes(range(174)) * 2)


def make_files(folder: Path, names: Iterable[str]) -> Path:
    """Files of these names below a folder; a JSON file says that a program made the mask, one named
    with "*" that it was corrected by hand.
    """
    for name in names:
        corrected = name.endswith("*")
        path = folder / name.rstrip("*")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".json":
            entries = [{"Name": "SoftCordSeg"}, *([{"Name": "Manual"}] if corrected else [])]
            path.write_text(json.dumps({"GeneratedBy": entries}), encoding="utf-8")
        else:
            path.write_bytes(CONTENT)
    return folder


def bids_folder(folder: Path, participants: int = 3) -> Path:
    """Two contrasts a participant, soft masks and discs of the T2w image."""
    for number in range(1, participants + 1):
        sub, labels = f"sub-{number:02d}", "derivatives/labels"
        make_files(
            folder,
            [
                f"{sub}/anat/{sub}_T2w.nii.gz",
                f"{sub}/anat/{sub}_T1w.nii.gz",
                f"{labels}/{sub}/anat/{sub}_T2w_label-SC_softseg.nii.gz",
                f"{labels}/{sub}/anat/{sub}_T2w_label-SC_softseg.json",
                f"{labels}/{sub}/anat/{sub}_T2w_label-discs_dlabel.nii.gz",
            ],
        )
    return folder
