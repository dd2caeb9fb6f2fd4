"""A BIDS data set -> the list of its images and labels that training reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import json_text, write_text_atomically


@dataclass(frozen=True)
class ListOptions:
    """What to list.

    Attributes:
        label: "soft", "soft_bin" or "hard".
        contrasts: as the files or the paper call them, or "all".
        seed, fractions: of the split into training, validation and test.
        labels: folder whose ``derivatives`` hold the labels, where it is not the data set.
        exclude: list of participants or images to leave out; see ``groundtruth.read_exclusions``.
    """

    label: str = "soft"
    contrasts: Sequence[str] = ("all",)
    seed: int = 15
    fractions: Sequence[float] = (0.6, 0.2, 0.2)
    labels: Path | None = None
    exclude: Path | None = None


def write_training_list(
    dataset: Path, out: Path, options: ListOptions
) -> tuple[dict[str, Any], list[str]]:
    """Write the list of a data set, split by participant, in the form of the Medical Segmentation
    Decathlon.

    Returns:
        Its content, and sentences about what was left out.

    Raises:
        InputError: the data set or the list of exclusions cannot be used.
        OutputError: the list cannot be written.
    """
    from ..training.paper.datalist import make_datalist

    if not dataset.is_dir():
        raise InputError(
            "There is no such folder.", path=dataset, hint="Give the folder of a BIDS data set."
        )
    content, notes = make_datalist(
        dataset,
        out.parent,
        label=options.label,
        contrasts=options.contrasts,
        seed=options.seed,
        fractions=options.fractions,
        exclude=_excluded(options.exclude, dataset),
        labels_of=options.labels,
    )
    write_text_atomically(out, json_text(content))
    return content, notes


def _excluded(path: Path | None, dataset: Path) -> set[str]:
    """Participants, and names of images without their endings, that the list leaves out; of a
    session, its images.
    """
    from ..bids import nifti_files, participant_of, session_folder, session_of, stem_of
    from ..groundtruth import read_exclusions

    names = set() if path is None else {entry.name for entry in read_exclusions(path).entries}
    sessions = [name for name in names if name == session_of(name) != participant_of(name)]
    return names.union(
        stem_of(image)
        for session in sessions
        for image in nifti_files(session_folder(dataset, session))
    )
