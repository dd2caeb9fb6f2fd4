"""A BIDS data set of 60 images of 20 participants, as a study has them: sessions, runs, T1w, T2w,
T2*w, MTS, diffusion series (4D), real images where the sample data are there, and 6 broken files.

A few of its images make a data set of seconds, see :data:`FEW`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nibabel
import numpy as np

from review.review_dataset import _scan, neck_image
from SoftCordSegLib.bids import session_folder, session_of
from SoftCordSegLib.phantom import CONTRASTS
from SoftCordSegLib.volume import Volume, reorient, time_points, write_nifti

SUFFIXES = ("T2w", "T1w", "T2starw", "MTS", "dwi")
# Scanned twice, a year apart.
_TWO_VISITS = tuple(f"sub-{n:02d}" for n in range(1, 5))
_RUNS = tuple(f"sub-{n:02d}" for n in range(5, 9))
_MANY_CONTRASTS = ("sub-09", "sub-10")
# Name in the data set, and the real image; a digital neck stands in where it is not here.
_REAL = {
    "sub-11_T2w": "sct-testing/t2",
    "sub-11_T2starw": "sct-testing/t2s",
    "sub-11_flip-1_mt-off_MTS": "sct-testing/mt0",
    "sub-11_flip-1_mt-on_MTS": "sct-testing/mt1",
    "sub-11_flip-2_mt-off_MTS": "sct-testing/mt_t1w",
    "sub-12_run-1_T2starw": "gm-challenge/sub-9709Ses1_run-1_T2star",
    "sub-12_run-2_T2starw": "gm-challenge/sub-9709Ses1_run-2_T2star",
    "sub-13_T2w": "errsm/sub-test001_T2w",
    "sub-13_T2starw": "errsm/sub-test001_T2star",
    "sub-14_flip-1_mt-off_MTS": "sct-tutorial/sub-single_mt0",
    "sub-14_flip-1_mt-on_MTS": "sct-tutorial/sub-single_mt1",
    "sub-14_dwi": "sct-tutorial/sub-single_dmri",
    "sub-15_dwi": "errsm/sub-errsm22_dwi-b0",
    "sub-16_T2starw": "epi/sub-leipzigR01_EPI",
}
BROKEN = {
    "sub-17_T1w": "cut short",
    "sub-17_T2w": "a web page",
    "sub-18_T1w": "not fetched by git-annex",
    "sub-18_T2w": "empty",
    "sub-19_T2w": "a single slice",
    "sub-20_T2w": "a colour image",
}
# One of each kind: sessions, runs, 4D, broken.
FEW = (
    "sub-01_ses-1_T2w",
    "sub-01_ses-2_T2w",
    "sub-05_run-1_T2starw",
    "sub-05_run-2_T2starw",
    "sub-09_flip-1_mt-on_MTS",
    "sub-09_dwi",
    "sub-17_T2w",
    "sub-19_T2w",
)
_VOLUMES = 4


@dataclass(frozen=True)
class MadeDataSet:
    """The data set and what is true of it.

    Attributes:
        root: its folder.
        keys: of its images, "sub-01/ses-1/anat/sub-01_ses-1_T2w", in order.
        broken: key -> what is wrong with the file.
    """

    root: Path
    keys: tuple[str, ...]
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def fine(self) -> tuple[str, ...]:
        """Keys of the images that can be segmented."""
        return tuple(key for key in self.keys if key not in self.broken)

    def image(self, key: str) -> Path:
        """The image's file."""
        return self.root / f"{key}.nii.gz"


def names_of_all() -> tuple[str, ...]:
    """The names of the 60 images, without folders."""
    names = [
        *(f"{one}_ses-{n}_{c}" for one in _TWO_VISITS for n in (1, 2) for c in ("T1w", "T2w")),
        *(f"{one}_{c}" for one in _RUNS for c in ("T1w", "T2w")),
        *(f"{one}_run-{n}_T2starw" for one in _RUNS for n in (1, 2)),
        *(f"{one}_T2w" for one in _MANY_CONTRASTS),
        *(f"{one}_flip-1_mt-{mt}_MTS" for one in _MANY_CONTRASTS for mt in ("on", "off")),
        *(f"{one}_dwi" for one in _MANY_CONTRASTS),
        *_REAL,
        *BROKEN,
    ]
    return tuple(sorted(names))


def make_data_set(
    root: Path, shared_data: Path | None = None, names: Sequence[str] | None = None
) -> MadeDataSet:
    """Write the data set.

    Args:
        root: its folder, which is made.
        shared_data: folder of the sample data; digital necks in place of real images without it.
        names: of its images; all 60 where None.
    """
    names = names_of_all() if names is None else names
    for name in names:
        _write_image(root, name, shared_data)
        if name in BROKEN:
            _break(root / f"{key_of(name)}.nii.gz", BROKEN[name])
    _describe(root, sorted({name.split("_")[0] for name in names}))
    broken = {key_of(name): why for name, why in BROKEN.items() if name in names}
    return MadeDataSet(root, tuple(sorted(map(key_of, names))), broken)


def key_of(name: str) -> str:
    """ "sub-01/anat/sub-01_T2w" of "sub-01_T2w"."""
    modality = "dwi" if name.endswith("_dwi") else "anat"
    return session_folder(Path(), session_of(name), modality).joinpath(name).as_posix()


def _write_image(root: Path, name: str, shared_data: Path | None) -> None:
    path = root / f"{key_of(name)}.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    if name in _REAL and shared_data is not None:
        path.write_bytes((shared_data / "images" / f"{_REAL[name]}.nii.gz").read_bytes())
    elif name.endswith("_dwi"):
        _write_series(path, name)
    else:
        write_nifti(_neck(name), path, np.int16)
    about = {"Modality": "MR", "MagneticFieldStrength": 3, "FlipAngle": 9}
    path.with_name(f"{name}.json").write_text(json.dumps(about), encoding="utf-8")
    if name.endswith("_dwi"):
        zeros = " ".join(["0"] * time_points(path))
        path.with_name(f"{name}.bval").write_text(f"{zeros}\n", encoding="utf-8")
        path.with_name(f"{name}.bvec").write_text(f"{zeros}\n" * 3, encoding="utf-8")


def _write_series(path: Path, name: str) -> None:
    """Some volumes of one neck, each with noise of its own."""
    volumes = [_neck(name, seed) for seed in range(_VOLUMES)]
    data = np.stack([volume.data for volume in volumes], axis=3).round().astype(np.int16)
    image = nibabel.Nifti1Image(data, volumes[0].affine)
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, path)


def _neck(name: str, seed: int = 0) -> Volume:
    """The digital neck of the participant in the contrast and with the noise of the image; each
    contrast in the orientation of its scanner.
    """
    contrast = _contrast(name)
    visit = 2 if "_ses-2" in name or "_run-2" in name else 1
    data = neck_image(contrast, int(name[4:6]), 10 * seed + visit)
    return reorient(
        Volume(np.asarray(data, np.float32), _scan(contrast).grid().affine),
        CONTRASTS[contrast].letters,
    )


def _contrast(name: str) -> str:
    """The phantom's contrast for an image."""
    suffix = name.split("_")[-1]
    return {"MTS": "MTon", "dwi": "DWI"}.get(suffix, suffix)


def _break(path: Path, how: str) -> None:
    whole = path.read_bytes()
    if how == "cut short":
        path.write_bytes(whole[: len(whole) // 3])
    elif how == "a web page":
        path.write_bytes(b"<html><body>Please log in.</body></html>\n")
    elif how == "not fetched by git-annex":
        path.write_bytes(b"/annex/objects/SHA256E-s222--0a1b2c.nii.gz\n")
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "a single slice":
        image = nibabel.load(path)
        nibabel.save(image.slicer[:, :, 20:21], path)
    else:
        colour = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
        image = nibabel.load(path)
        nibabel.save(nibabel.Nifti1Image(np.zeros(image.shape, colour), image.affine), path)


def _describe(root: Path, participants: Sequence[str]) -> None:
    about = {
        "Name": "Sixty images of twenty participants",
        "BIDSVersion": "1.9.0",
        "DatasetType": "raw",
        "License": "CC0",
        "Authors": ["SoftCordSeg contributors"],
    }
    (root / "dataset_description.json").write_text(json.dumps(about), encoding="utf-8")
    (root / "README").write_text("Made by the tests.\n", encoding="utf-8")
    rows = [f"{one}\t{30 + 2 * int(one[4:])}\t{'FM'[int(one[4:]) % 2]}" for one in participants]
    text = "\n".join(["participant_id\tage\tsex", *rows]) + "\n"
    (root / "participants.tsv").write_text(text, encoding="utf-8")
    for one in participants:
        visits = sorted(path.name for path in (root / one).glob("ses-*"))
        if visits:
            dates = [f"{visit}\t{2024 + int(visit[4:])}-03-01T10:00:00" for visit in visits]
            text = "\n".join(["session_id\tacq_time", *dates]) + "\n"
            (root / one / f"{one}_sessions.tsv").write_text(text, encoding="utf-8")
