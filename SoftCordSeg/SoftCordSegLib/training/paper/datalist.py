"""A list of cases for training, in the form of the Medical Segmentation Decathlon, split by
participant.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...bids import (
    CUT_SOFT_LABELS,
    DERIVATIVES,
    LABELS,
    SOFT_LABELS,
    Kind,
    acquisition_of,
    is_contrast,
    nifti_files,
    participant_of,
    precedence,
    raw_images,
    read_name,
    stem_of,
)
from ...errors import InputError
from ...files import real_path
from ...volume import check_is_cord, mask_values, read_nifti

PARTS = ("training", "validation", "test")
FRACTIONS = (0.6, 0.2, 0.2)
# What labels hold, and the folder of derivatives that they lie in first of all.
LABEL_KINDS = {
    "soft": (Kind.SOFT_MASK, SOFT_LABELS),
    "soft_bin": (Kind.CUT_SOFT_MASK, CUT_SOFT_LABELS),
    "hard": (Kind.BINARY_MASK, LABELS),
}


@dataclass(frozen=True)
class DataSetImage:
    """One image of a data set.

    Attributes:
        participant: "sub-01".
        contrast: "T2w" or "acq-MTon_MTS".
        image: its path.
        label: of the cord; None where the data set has none.
    """

    participant: str
    contrast: str
    image: Path
    label: Path | None


def find_images(dataset: Path, label: str, labels_of: Path | None = None) -> list[DataSetImage]:
    """All images of a data set, participants in order, each with its label.

    Args:
        dataset: folder with ``sub-*`` and ``derivatives``.
        label: a kind in :data:`LABEL_KINDS`.
        labels_of: folder whose ``derivatives`` hold the labels, where it is not the data set.

    Raises:
        InputError: the folder holds no image of a participant.
    """
    kind, folder = LABEL_KINDS[label]
    derivatives = (labels_of or dataset) / DERIVATIVES
    labels: dict[str, list[Path]] = {}
    for path in nifti_files(derivatives):
        name = read_name(path)
        if name.kind is kind:
            labels.setdefault(name.image, []).append(path)

    def label_of(image: Path) -> Path | None:
        # The folder for labels of this kind counts more than a copy elsewhere.
        return min(
            labels.get(stem_of(image), ()),
            key=lambda path: (path.relative_to(derivatives).parts[0] != folder, precedence(path)),
            default=None,
        )

    found = [
        DataSetImage(participant_of(image), acquisition_of(image), image, label_of(image))
        for image in raw_images(dataset)
    ]
    if not found:
        raise InputError(
            "The folder holds no image of a participant.",
            path=dataset,
            hint=f"Give the folder of a BIDS data set, with sub-*/anat/*.nii.gz and {DERIVATIVES}/"
            f"{folder}.",
        )
    return found


def split_participants(
    participants: Iterable[str], seed: int, fractions: Sequence[float] = FRACTIONS
) -> dict[str, list[str]]:
    """Participants of each part; all images of one are in one part (paper section 2.1: 243 become
    145, 49 and 49).

    Args:
        participants: their names; order and repetition do not matter.
        seed: the same seed gives the same split.
        fractions: of training, validation and test; they sum to 1.

    Raises:
        InputError: there are fewer participants than parts that should have any.
    """
    names = sorted(set(participants))
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6 or len(fractions) != 3:
        raise InputError(
            f"{', '.join(map(str, fractions))} are not three parts that sum to 1.",
            hint="Give the parts of training, validation and test.",
        )
    validation, test = (round(len(names) * fraction) for fraction in fractions[1:])
    counts = (len(names) - validation - test, validation, test)
    if any(fraction > 0 and count < 1 for fraction, count in zip(fractions, counts)):
        raise InputError(
            f"{len(names)} participants are too few for training, validation and test.",
            hint="Add participants.",
        )
    order = [names[n] for n in np.random.default_rng(seed).permutation(len(names))]
    edges = np.cumsum((0, *counts))
    return {part: sorted(order[start:stop]) for part, start, stop in zip(PARTS, edges, edges[1:])}


def make_datalist(
    dataset: Path,
    base: Path,
    *,
    label: str = "soft",
    contrasts: Sequence[str] = ("all",),
    seed: int = 15,
    fractions: Sequence[float] = FRACTIONS,
    exclude: Collection[str] = (),
    labels_of: Path | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """The list of a BIDS data set.

    Args:
        dataset: folder with ``sub-*`` and ``derivatives``.
        base: folder that the list will lie in; paths are relative to it.
        label: "soft", "soft_bin" or "hard".
        contrasts: as the files or the paper call them, or "all".
        seed, fractions: of the split.
        exclude: participants, or names of images without their endings, that are left out.
        labels_of: folder whose ``derivatives`` hold the labels, where it is not the data set.

    Returns:
        The content, plain types, and sentences about what was left out.

    Raises:
        InputError: nothing was found, or an image and its label do not fit each other.
    """
    everything = find_images(dataset, label, labels_of)
    found = [one for one in everything if not {one.participant, stem_of(one.image)} & set(exclude)]
    wanted = (
        found
        if "all" in contrasts
        else [one for one in found if any(is_contrast(one.contrast, name) for name in contrasts)]
    )
    if not wanted:
        there = ", ".join(sorted({one.contrast for one in found})) or "none"
        raise InputError(
            f"There is no image of the contrast {', '.join(contrasts)}.",
            path=dataset,
            hint=f"Choose among: {there}.",
        )
    cases = [one for one in wanted if one.label is not None]
    notes = _notes(wanted, label)
    if not cases:
        where = labels_of or dataset
        raise InputError(
            f"No image has a {label} label in '{where}'.",
            path=dataset,
            hint="Make soft ground truths first (softcord softgt).",
        )
    _check(cases)
    split = split_participants((one.participant for one in cases), seed, fractions)
    return _content(dataset, label, seed, cases, split, base), notes


def _content(
    dataset: Path,
    label: str,
    seed: int,
    cases: list[DataSetImage],
    split: dict[str, list[str]],
    base: Path,
) -> dict[str, Any]:
    parts = {
        part: [_entry(one, base) for one in cases if one.participant in set(names)]
        for part, names in split.items()
    }
    return {
        "name": real_path(dataset).name,
        "description": f"Spinal cord, {label} labels, split by participant",
        "labels": {"0": "background", "1": "spinal cord"},
        "modality": {"0": "MRI"},
        "tensorImageSize": "3D",
        "labelType": label,
        "seed": seed,
        "contrasts": sorted({one.contrast for one in cases}),
        "numImagesPerContrast": dict(sorted(Counter(one.contrast for one in cases).items())),
        **{f"num{part.capitalize()}": len(parts[part]) for part in PARTS},
        "participants": split,
        **parts,
    }


def _entry(one: DataSetImage, base: Path) -> dict[str, str]:
    files = {"image": one.image, "label": one.label}
    paths = {
        key: Path(os.path.relpath(real_path(path), real_path(base))).as_posix()
        for key, path in files.items()
    }
    return {**paths, "participant": one.participant}


def _notes(wanted: list[DataSetImage], label: str) -> list[str]:
    without = [one.image.name for one in wanted if one.label is None]
    if not without:
        return []
    return [
        f"{len(without)} of {len(wanted)} images have no {label} label and are left out:"
        f" {', '.join(without[:5])}{_more(without)}."
    ]


def _check(cases: list[DataSetImage]) -> None:
    """Every label must lie on its image's grid, and be a mask of the cord.

    Raises:
        InputError: some do not; the first are named.
    """
    wrong = [sentence for sentence in map(_mismatch, cases) if sentence]
    if wrong:
        raise InputError(
            f"{len(wrong)} of {len(cases)} labels do not fit their images:"
            f" {'; '.join(wrong[:5])}{_more(wrong)}.",
            hint="Give masks of the cord on the grids of their images, or exclude these images.",
        )


def _mismatch(one: DataSetImage) -> str | None:
    import nibabel

    grids = []
    for path in (one.image, one.label):
        try:
            header = nibabel.load(path)
        except Exception as error:  # nibabel raises many kinds; all mean the same to the user
            return f"'{path}' cannot be read ({error})"
        grids.append((header.shape, header.affine))
    (shape, affine), (label_shape, label_affine) = grids
    if len(shape) != 3:
        return f"'{one.image.name}' has {len(shape)} dimensions and not 3"
    if shape != label_shape:
        return f"'{one.label.name}' has {_times(label_shape)} voxels and its image {_times(shape)}"
    if not np.allclose(affine, label_affine, atol=1e-2):
        return f"'{one.label.name}' lies elsewhere than its image (their affines differ)"
    try:
        check_is_cord(mask_values(read_nifti(one.label)))
    except InputError as error:
        return f"'{one.label.name}': {error.sentence.rstrip('.')}"
    return None


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _more(names: list[str]) -> str:
    return " …" if len(names) > 5 else ""
