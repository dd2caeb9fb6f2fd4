"""Masks in the folder of labels that are not taken, with the reason."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..bids import DERIVATIVES, LABELS, Kind, nifti_files, read_name
from ..files import real_path

_OTHER_FORMATS = (".nrrd", ".mha", ".mhd", ".mgz", ".mgh", ".img")
# More names than this say no more.
_SHOWN = 10


def unused_masks(dataset: Path, used: Collection[Path], only_named: bool = False) -> list[str]:
    """A sentence for each reason why files in ``derivatives/labels`` are not taken for the binary
    mask of an image; of labels of something else, by their names, nothing is said.

    Args:
        dataset: its folder; without a folder of labels there is nothing to say.
        used: masks that are taken.
        only_named: say nothing of masks that are left because of others, or of their image.
    """
    labels = dataset / DERIVATIVES / LABELS
    if not labels.is_dir():
        return []
    taken = {real_path(path) for path in used}
    images = {read_name(path).image for path in used}
    found: dict[str, list[str]] = {}
    for path in nifti_files(labels):
        reason = "" if real_path(path) in taken else _reason(path, images, only_named)
        if reason:
            found.setdefault(reason, []).append(str(path.relative_to(labels)))
    others = [path for path in sorted(labels.rglob("*")) if path.suffix.lower() in _OTHER_FORMATS]
    if others:
        reason = "it is no NIfTI file; save it as .nii.gz"
        found[reason] = [str(path.relative_to(labels)) for path in others]
    return [_sentence(labels, reason, names) for reason, names in found.items()]


def _reason(path: Path, images: Collection[str], only_named: bool) -> str:
    """Why a file is not taken; "" for one of which nothing is said."""
    name = read_name(path)
    if name.kind is Kind.IMAGE:
        return (
            "its name is not that of a mask of the cord; call it as the image, with _label-SC_seg"
            " before .nii.gz"
        )
    if name.kind is Kind.SOFT_MASK:
        return "it is a soft mask by its name, and a binary one is needed (…_label-SC_seg.nii.gz)"
    if name.kind is not Kind.BINARY_MASK:
        return ""
    if not name.session:
        return "its name does not begin with a participant (sub-…)"
    if only_named:
        return ""
    if name.image in images:
        return "another mask of the same image is taken"
    return "no image that is prepared has its name"


def _sentence(labels: Path, reason: str, names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"In '{labels}', {shown}{more}: not taken, because {reason}."
