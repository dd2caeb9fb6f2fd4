"""A data set of 40 cases to review, made in seconds: digital necks, some with artefacts, and crops
of real images where the sample data are there; 6 wrong masks and 3 broken files, all known.

``review_dataset`` (a fixture) is made once a session and must not be changed; ``review_copy`` is a
copy of it for the test alone.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from review.spoiling import ARTEFACTS, WRONG_MASKS, as_predicted
from SoftCordSegLib.bids import (
    Kind,
    derivative_description,
    derivative_folder,
    hashed_writers,
    label_name,
    segmentation_sidecar,
    session_folder,
    session_of,
    sidecar_path,
)
from SoftCordSegLib.files import file_sha256, write_together
from SoftCordSegLib.morphometry.disc_files import KNOWN, LocatedDisc, write_discs
from SoftCordSegLib.phantom import CONTRASTS, Cord
from SoftCordSegLib.phantom.cord import CordCurve, cord_fraction
from SoftCordSegLib.phantom.phantom import _discs_inside, _paint, _scanner
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import Box, Volume, read_nifti, reorient, write_nifti

NECKS = tuple(f"sub-{n:02d}" for n in range(1, 11))
# With axial slices of 5 mm too.
WITH_T2STAR = NECKS[:6]
# Real image and mask, name in the data set, and whether it may be trained on.
REAL = (
    ("sct-testing/t2", "sct-testing/t2_seg-manual", "sub-r01_T2w", False),
    ("sct-testing/t2s", "sct-testing/t2s_seg", "sub-r02_T2starw", False),
    ("sct-testing/mt1", "sct-testing/mt1_seg", "sub-r03_acq-MTon_MTS", False),
    ("sct-testing/t2_fake_lesion", "sct-testing/t2_fake_lesion_seg", "sub-r04_T2w", False),
    ("epi/sub-leipzigR01_EPI", "epi/sub-leipzigR01_EPI_seg-manual", "sub-r05_T2starw", True),
    ("errsm/sub-errsm18_T2star", "errsm/sub-errsm18_T2star_seg", "sub-r06_T2starw", True),
    (
        "gm-challenge/sub-9709Ses1_run-1_T2star",
        "gm-challenge/sub-9709Ses1_run-1_T2star_seg-manual",
        "sub-r07_T2starw",
        True,
    ),
    ("errsm/sub-errsm11_T2w", "errsm/sub-errsm11_T2w_seg-manual", "sub-r08_T2w", True),
)
WRONG = {
    "sub-03_T2w": "shifted",
    "sub-r01_T2w": "truncated",
    "sub-05_T1w": "leak",
    "sub-08_T2w": "other structure",
    "sub-11_ses-2_T1w": "hole",
    "sub-06_T2starw": "half",
}
BROKEN = {
    "sub-12_T1w": "image cut short",
    "sub-10_T1w": "image is a web page",
    "sub-09_T1w": "mask on another grid",
}
SPOILED = {
    "sub-01_T1w": "noise",
    "sub-02_T2w": "ghosts",
    "sub-04_T2w": "shading",
    "sub-06_T1w": "metal",
    "sub-07_T2w": "blur",
    "sub-09_T2w": "spikes",
    "sub-11_ses-1_T2w": "noise",
    "sub-04_T2starw": "ghosts",
}
# Another program masked these too.
TWO_MAKERS = ("sub-01_T2w", "sub-02_T2w", "sub-03_T2w", "sub-04_T2w", "sub-05_T2w", "sub-07_T2w")
WITH_DISCS = TWO_MAKERS
OTHER_MAKER = "other"
_CENTRE_MM, _SIZE_MM = (0, 6, -15), (40, 48, 80)
# Contrasts with slices of 1 mm; those of the others are thick.
THIN = ("T1w", "T2w")
_THICK_MM = 5
# Painting takes most of the time: there are six necks and their mirror images.
_ANATOMIES = 6


@dataclass(frozen=True)
class ReviewDataset:
    """The data set and what is true of it.

    Attributes:
        root: the BIDS data set.
        truths: folder beside it with the true mask of each readable case, by the image's name.
        keys: of all 40 cases, "sub-01/anat/sub-01_T2w", in order.
        wrong, broken, artefacts: key -> what is wrong with its mask, its files, its image.
        teachable: keys of the cases that may be trained on.
    """

    root: Path
    truths: Path
    keys: tuple[str, ...] = ()
    wrong: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    artefacts: dict[str, str] = field(default_factory=dict)
    teachable: tuple[str, ...] = ()

    @property
    def fine(self) -> tuple[str, ...]:
        """Keys of the cases with nothing wrong but, maybe, an artefact in the image."""
        return tuple(key for key in self.keys if key not in self.wrong and key not in self.broken)

    def image(self, key) -> Path:
        """The image of a case."""
        return self.root / f"{key}.nii.gz"

    def mask(self, key) -> Path:
        """Our soft mask of a case."""
        return _mask_path(self.root, Path(key).name)

    def truth(self, key) -> Volume:
        """The true mask, on the image's grid, 0 to 1."""
        return read_nifti(self.truths / f"{Path(key).name}.nii.gz")

    def copy_to(self, folder) -> ReviewDataset:
        """A copy that may be changed; the truth is shared."""
        return replace(self, root=Path(shutil.copytree(self.root, folder)))


def make_review_dataset(
    folder: Path, shared_data: Path | None = None, wrong: dict[str, str] | None = None
) -> ReviewDataset:
    """Write the data set into ``folder/data`` and the true masks into ``folder/truth``.

    Args:
        folder: is made.
        shared_data: folder of the sample data; digital necks in place of real images without it.
        wrong: name of an image -> what is wrong with its mask, see ``spoiling.WRONG_MASKS``.
    """
    wrong = WRONG if wrong is None else wrong
    root, truths = Path(folder) / "data", Path(folder) / "truth"
    truths.mkdir(parents=True)
    _describe(root)
    names = []
    for number, participant in enumerate((*NECKS, "sub-11", "sub-12")):
        names += _write_neck(root, truths, participant, number, wrong)
    for number, real in enumerate(REAL):
        names.append(_write_real(root, truths, number, real, shared_data, wrong))
    keys = {name: _key(name) for name in sorted(names)}
    never = {name for _, _, name, teachable in REAL if not teachable}
    for name, reason in BROKEN.items():
        _break(root, name, reason)
    return ReviewDataset(
        root,
        truths,
        tuple(sorted(keys.values())),
        *({keys[name]: what for name, what in some.items()} for some in (wrong, BROKEN, SPOILED)),
        tuple(key for name, key in keys.items() if name not in never and name not in BROKEN),
    )


def cord_of(number: int) -> Cord:
    """The cord of the neck of this number: of another calibre and curve in each of six, and from 6
    on the same mirrored.
    """
    rng = np.random.default_rng([17, number % _ANATOMIES])
    lordosis, bend, tilt = (float(rng.uniform(*ends)) for ends in ((2, 9), (-4, 4), (-0.05, 0.08)))
    curve = CordCurve(lordosis, -bend if _is_mirrored(number) else bend, tilt)
    return Cord(curve, float(np.clip(rng.normal(1, 0.09), 0.82, 1.18)))


def neck_image(contrast: str, number: int, seed: int) -> np.ndarray:
    """The neck of this number with the noise and shading of one scan, RAS, float32."""
    scan = _scan(contrast)
    clean = _painted(contrast, number % _ANATOMIES)
    clean = clean[::-1] if _is_mirrored(number) else clean
    return _scanner(clean, scan, scan.grid(), np.random.default_rng([seed, number]))


def true_mask(contrast: str, number: int) -> np.ndarray:
    """The share of each voxel inside the cord, RAS, float32."""
    mask = _fraction(contrast, number % _ANATOMIES)
    return mask[::-1] if _is_mirrored(number) else mask


def _is_mirrored(number):
    return number // _ANATOMIES % 2 == 1


@cache
def _painted(contrast, number):
    scan = _scan(contrast)
    return _paint(scan, cord_of(number), scan.grid(), _fraction(contrast, number), Progress())


@cache
def _fraction(contrast, number):
    if contrast == THIN[0]:
        return cord_fraction(cord_of(number), _scan(contrast).grid())
    thin = _fraction(THIN[0], number)
    if contrast in THIN:
        return thin
    return thin.reshape(*thin.shape[:2], -1, _THICK_MM).mean(axis=3)


def _scan(contrast):
    """A scan of a small field of view; thin slices of T1w and T2w, thick ones else."""
    edge = 1 if contrast in THIN else _THICK_MM
    return replace(
        CONTRASTS[contrast],
        spacing_mm=(1, 1, edge),
        size_mm=_SIZE_MM,
        centre_mm=_CENTRE_MM,
        oblique_degrees=0.0,
    )


def _write_neck(root, truths, participant, number, wrong):
    """All images of a participant with their masks; their names."""
    sessions = ("_ses-1", "_ses-2") if participant == "sub-11" else ("",)
    contrasts = ("T1w", "T2w", *(["T2starw"] if participant in WITH_T2STAR else []))
    names = []
    for contrast in contrasts:
        affine = _scan(contrast).grid().affine
        for visit, session in enumerate(sessions):
            name = f"{participant}{session}_{contrast}"
            image = neck_image(contrast, number, visit)
            _write_case(
                root, truths, name, image, true_mask(contrast, number), affine, contrast, wrong
            )
            if name in WITH_DISCS:
                _write_discs(root, name, number)
            names.append(name)
    return names


def _write_real(root, truths, number, real, shared_data, wrong):
    """The crop of a real image around its mask; a digital neck where it is not here."""
    image, mask, name, _ = real
    contrast = "T2w" if name.endswith("T2w") else "MTon" if "MTon" in name else "T2starw"
    if shared_data is None:
        affine, truth = _scan(contrast).grid().affine, true_mask(contrast, number)
        data = neck_image(contrast, number, 9)
        _write_case(root, truths, name, data, truth, affine, contrast, wrong)
        return name
    image, mask = (
        reorient(read_nifti(Path(shared_data) / "images" / f"{one}.nii.gz"), "RAS")
        for one in (image, mask)
    )
    truth = (mask.data > 0.5).astype(np.float32)
    where = np.argwhere(truth)
    margin = np.ceil(np.array([14, 14, 0]) / image.spacing).astype(int)
    first = np.maximum(where.min(axis=0) - margin, 0)
    last = np.minimum(where.max(axis=0) + margin + 1, image.shape)
    last[2] = min(last[2], first[2] + 80)
    cut = tuple(slice(a, b) for a, b in zip(first, last))
    affine = image.affine.copy()
    affine[:3, 3] = image.grid.to_world(first)
    data = np.asarray(image.data[cut], dtype=np.float32)
    _write_case(root, truths, name, data, truth[cut], affine, contrast, wrong)
    return name


def _write_case(root, truths, name, image, truth, affine, contrast, wrong):
    """Image, mask and what else belongs to a case; arrays RAS."""
    rng = np.random.default_rng([len(name), *map(ord, name)])
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if name in SPOILED:
        image = ARTEFACTS[SPOILED[name]](image, rng)
    mask = as_predicted(truth, float(rng.uniform(-0.12, 0.12)))
    if name in wrong:
        mask = WRONG_MASKS[wrong[name]](mask, spacing)

    def stored(data):
        turned = reorient(Volume(np.asarray(data, np.float32), affine), CONTRASTS[contrast].letters)
        return Volume(np.ascontiguousarray(turned.data), turned.affine)

    path = root / f"{_key(name)}.nii.gz"
    write_nifti(stored(np.round(image)), path, np.int16)
    write_nifti(stored(truth), truths / f"{name}.nii.gz")
    write_mask_of_ours(_mask_path(root, name), stored(mask), path)
    if name in TWO_MAKERS:
        binary = as_predicted(truth, 0.3) > 0.4
        _write_other(_other_path(root, name), stored(binary))


def write_mask_of_ours(path, mask, image):
    """A soft mask with its sidecar, as a segmentation writes them."""
    result = SoftMask(mask, Box.of_grid(mask.grid), "Spinal cord found.", device="cpu")
    content = segmentation_sidecar(result, None, image.name, source_sha256=file_sha256(image))
    write_together(
        hashed_writers({path: lambda one: write_nifti(mask, one)}, sidecar_path(path), content)
    )


def _write_other(path, mask):
    write_nifti(mask, path, np.uint8)
    content = {"GeneratedBy": [{"Name": "another program", "Version": "6.5"}]}
    sidecar_path(path).write_text(json.dumps(content), encoding="utf-8")


def _write_discs(root, name, number):
    scan = _scan("T2w")
    image = read_nifti(root / f"{_key(name)}.nii.gz")
    discs = [LocatedDisc(disc, KNOWN) for disc in _discs_inside(cord_of(number), scan.grid())]
    folder = derivative_folder(root, "labels", session_of(name), "anat")
    write_discs(folder / label_name(name, Kind.DISCS), discs, image, {})


def _break(root, name, reason):
    image = root / f"{_key(name)}.nii.gz"
    if reason == "image cut short":
        image.write_bytes(image.read_bytes()[: image.stat().st_size // 3])
    elif reason == "image is a web page":
        image.write_bytes(b"<html><body>Please log in.</body></html>\n")
    else:
        mask = read_nifti(_mask_path(root, name))
        smaller = Volume(np.ascontiguousarray(mask.data[:-7]), mask.affine)
        write_mask_of_ours(_mask_path(root, name), smaller, image)


def _describe(root):
    root.mkdir(parents=True)
    about = {"Name": "Forty cases to review", "BIDSVersion": "1.9.0", "DatasetType": "raw"}
    (root / "dataset_description.json").write_text(json.dumps(about), encoding="utf-8")
    for pipeline in ("labels", OTHER_MAKER):
        folder = root / "derivatives" / pipeline
        folder.mkdir(parents=True)
        text = json.dumps(derivative_description(pipeline, root))
        (folder / "dataset_description.json").write_text(text, encoding="utf-8")
    people = [f"{name}\t{'FM'[n % 2]}\t{24 + 4 * n}" for n, name in enumerate(NECKS)]
    text = "\n".join(["participant_id\tsex\tage", *people]) + "\n"
    (root / "participants.tsv").write_text(text, encoding="utf-8")


def _key(name):
    return session_folder(Path(), session_of(name), "anat").joinpath(name).as_posix()


def _mask_path(root, name):
    folder = derivative_folder(root, "labels", session_of(name), "anat")
    return folder / label_name(name, Kind.SOFT_MASK)


def _other_path(root, name):
    folder = derivative_folder(root, OTHER_MAKER, session_of(name), "anat")
    return folder / f"{name}_seg.nii.gz"
