"""What is saved for an image, under which names: BIDS derivatives beside each other, each file
whole or not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ..errors import OutputError
from ..files import write_text_atomically
from .provenance import run_of

_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mgz")


def stem_of(image) -> str:
    """What the names of an image's results begin with: its file's name without ending, else the
    node's name.

    Suffixes are kept ("sub-01_T2w"): the masks of two contrasts must not have one name.
    """
    storage = image.GetStorageNode()
    name = (
        Path(storage.GetFileName()).name
        if storage is not None and storage.GetFileName()
        else image.GetName()
    )
    for ending in _ENDINGS:
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    return (
        "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
        or "image"
    )


def files_of(study, folder: Path) -> dict[Path, Callable[[Path], object]]:
    """The files that would be written for an image, each with the function that writes it.

    Args:
        study: ``scene.study.Study`` with a soft mask.
        folder: where to.
    """
    from ..scene.scene_files import save_edit_map, save_segment, save_soft_mask
    from ..scene.soft_edits import has_edits

    start = f"{stem_of(study.image)}_label-"
    files: dict[Path, Callable[[Path], object]] = {
        folder / f"{start}SC_softseg.nii.gz": lambda path: save_soft_mask(study.soft, path),
        folder / f"{start}SC_softseg.json": lambda path: write_text_atomically(
            path, _sidecar_text(study)
        ),
    }
    if study.view is not None:
        files[folder / f"{start}SC_seg.nii.gz"] = lambda path: save_segment(study.view, path)
    if has_edits(study.soft):
        files[folder / f"{start}SC_edits.nii.gz"] = lambda path: save_edit_map(study.soft, path)
    if study.discs is not None and study.discs.GetNumberOfControlPoints():
        files[folder / f"{start}discs_dlabel.nii.gz"] = lambda path: _save_discs(study, path)
    return files


def write_all(files: dict[Path, Callable[[Path], object]], image) -> None:
    """Write the files; never over the image itself.

    Raises:
        OutputError: a file would replace the image, or cannot be written; the message says which
            were written before.
    """
    storage = image.GetStorageNode()
    original = (
        Path(storage.GetFileName()).resolve()
        if storage is not None and storage.GetFileName()
        else None
    )
    for path in files:
        if original is not None and path.resolve() == original:
            raise OutputError(f"'{path}' is the image itself. Choose another folder.")
    for path, write in files.items():
        write(path)


def sidecar(study) -> dict:
    """Where the mask came from and what was done to it, for the ``.json`` beside it."""
    from ..scene.soft_edits import SoftEdits

    run = run_of(study.soft) or {"GeneratedBy": [{"Name": "unknown"}]}
    added, removed = SoftEdits(study.view).counts if study.view is not None else (0, 0)
    storage = study.image.GetStorageNode()
    source = (
        Path(storage.GetFileName()).name
        if storage is not None and storage.GetFileName()
        else study.image.GetName()
    )
    return {
        **run,
        "SpatialReference": "orig",
        "Source": source,
        "Threshold": study.view.threshold if study.view is not None else None,
        "CorrectedByHand": {"VoxelsAdded": added, "VoxelsRemoved": removed},
    }


def _sidecar_text(study) -> str:
    return json.dumps(sidecar(study), indent=2, ensure_ascii=False) + "\n"


def _save_discs(study, path: Path) -> None:
    from ..morphometry import discs_to_label_image
    from ..scene.disc_points import discs_of
    from ..volume import write_nifti
    from .measuring import mask_to_measure

    labels, _notes = discs_to_label_image(discs_of(study.discs), mask_to_measure(study.soft))
    write_nifti(labels, path)
