"""Corrections of a review -> files in the data set's ``derivatives/labels``: soft mask, mask at the
threshold, edit map, discs, each with the history of how it came about.

Files of other makers are never replaced.  Where the names in ``derivatives/labels`` are taken by
files that are not ours, or were changed since we wrote them, ``derivatives/labels_corrected`` is
written to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...bids import (
    DERIVATIVES,
    DESCRIPTION,
    LABELS,
    Kind,
    derivative_description,
    hashed_writers,
    label_name,
    linked_raw,
    read_sidecar,
    sidecar_path,
    with_correction,
)
from ...errors import OutputError
from ...files import file_sha256, json_text, text_writer, write_together

if TYPE_CHECKING:
    from ...morphometry.disc_files import LocatedDisc
    from ...volume import Volume

CORRECTED_LABELS = "labels_corrected"
# Of a sidecar: what is said of the mask as it was before.
_OUTDATED = ("Doubt", "MaskSHA256")
_Writer = Callable[[Path], object]
_KINDS = (Kind.SOFT_MASK, Kind.BINARY_MASK, Kind.EDIT_MAP, Kind.DISCS)


@dataclass(frozen=True, eq=False)
class Correction:
    """What a rater made of one case.

    Attributes:
        image: its file, in the data set.
        soft: the mask now, 0 to 1, on the grid of the image's file.
        threshold: of the binary mask, in (0, 1].
        edits: -1 lowered, 0 as opened, +1 raised by hand, on the same grid; None for none.
        earlier: the edit map of corrections that were in the mask when it was opened.
        history: the sidecar of the mask as it was opened; empty where it had none.
        regions: entries for ``GeneratedBy``, of parts that a model has made anew.
        discs: from above to below; None where they are as they were.
        author: who corrects; "" where that is not to be said.
    """

    image: Path
    soft: Volume
    threshold: float
    edits: Volume | None = None
    earlier: Volume | None = None
    history: Mapping[str, Any] = field(default_factory=dict)
    regions: tuple[Mapping[str, Any], ...] = ()
    discs: Sequence[LocatedDisc] | None = None
    author: str = ""

    @property
    def is_edited(self) -> bool:
        """Whether the mask is another one than it was when it was opened."""
        return bool(self.regions) or (self.edits is not None and bool(self.edits.data.any()))

    @property
    def all_edits(self) -> Volume | None:
        """The edit map with earlier corrections below those of now; None where there are none."""
        now, before = self.edits, self.earlier
        if before is None or now is None or not before.grid.same_as(now.grid):
            return before if now is None else now
        return now.with_data(np.where(now.data != 0, now.data, before.data).astype(np.int8))


class CorrectedFiles:
    """The files of one case while it is corrected.

    What was there before is kept in memory, and is put back when everything was taken back.

    Args:
        dataset: folder of the data set.
        image: file of the case's image.
        own: the mask's file in a second reading, where each rater has masks of their own; None for
            the data set's labels.
    """

    def __init__(self, dataset: Path, image: Path, own: Path | None = None):
        self._dataset, self._image, self._own = dataset, image, own
        self._paths: dict[Kind, Path] = {}
        self._before: dict[Path, bytes | None] = {}

    @property
    def written(self) -> bool:
        """Whether there are files of this correction."""
        return bool(self._before)

    @property
    def mask(self) -> Path | None:
        """The corrected soft mask; None where none was written, or it was taken back."""
        path = self._paths.get(Kind.SOFT_MASK)
        return path if path in self._before else None

    def write(self, correction: Correction) -> list[Path]:
        """Write what is corrected, all files or none.

        Returns:
            The files, masks before their sidecar.

        Raises:
            OutputError: a folder is not writable, the disk is full, or the names are taken.
        """
        self._paths = self._paths or self._choose()
        files: dict[Path, _Writer] = {}
        if correction.is_edited:
            files.update(_mask_writers(correction, self._paths))
        if correction.discs is not None:
            files.update(_disc_writers(correction, self._paths))
        gone = {path for path in self._before if path not in files and path.name != DESCRIPTION}
        if self._own is None:
            files = {**_description(self._dataset, self._paths[Kind.DISCS].parent), **files}
        for path in files:
            self._before.setdefault(path, path.read_bytes() if path.is_file() else None)
        write_together(files)
        self._put_back(gone)  # no longer corrected, as discs that were taken back
        return [path for path in files if path.name != DESCRIPTION]

    def take_back(self) -> None:
        """Put everything back as it was before the first :meth:`write`."""
        self._put_back(set(self._before))

    def _put_back(self, paths: set[Path]) -> None:
        """Former files together, in their order: a sidecar last."""
        former: dict[Path, _Writer] = {}
        for path in [path for path in self._before if path in paths]:
            content = self._before[path]
            if content is not None:
                former[path] = _bytes_writer(content)
        write_together(former)
        for path in paths:
            if self._before.pop(path) is None:
                path.unlink(missing_ok=True)

    def _choose(self) -> dict[Kind, Path]:
        if self._own is not None:
            paths = self._paths_in(self._own.parent)
            paths.pop(Kind.BINARY_MASK)
            return {**paths, Kind.SOFT_MASK: self._own}
        below = Path()
        for root in (self._dataset, linked_raw(self._dataset)):
            if root is not None and root in self._image.parents:
                below = self._image.parent.relative_to(root)
                break
        for name in (LABELS, CORRECTED_LABELS):
            folder = self._dataset / DERIVATIVES / name / below
            paths = self._paths_in(folder)
            if _are_ours(paths):
                return paths
        raise OutputError(
            "Files of other makers have the names of the corrected mask.",
            path=folder,
            hint="Move them to another folder, or rename them.",
        )

    def _paths_in(self, folder: Path) -> dict[Kind, Path]:
        return {kind: folder / label_name(self._image, kind) for kind in _KINDS}


def _bytes_writer(content: bytes) -> _Writer:
    return lambda path: path.write_bytes(content)


def _mask_writers(correction: Correction, paths: Mapping[Kind, Path]) -> dict[Path, _Writer]:
    from ...volume import write_nifti

    soft, edits = correction.soft, correction.all_edits
    cut = soft.with_data((soft.data >= correction.threshold).astype(np.uint8))
    masks: dict[Path, _Writer] = {
        paths[Kind.SOFT_MASK]: lambda path: write_nifti(soft, path, np.float32)
    }
    if Kind.BINARY_MASK in paths:
        masks[paths[Kind.BINARY_MASK]] = lambda path: write_nifti(cut, path)
    if edits is not None:
        masks[paths[Kind.EDIT_MAP]] = lambda path: write_nifti(edits, path)
    return hashed_writers(masks, sidecar_path(paths[Kind.SOFT_MASK]), _sidecar(correction))


def _sidecar(correction: Correction) -> dict[str, Any]:
    """How the mask came about: the history as it was opened, goes on."""
    content = {key: value for key, value in correction.history.items() if key not in _OUTDATED}
    content = {"SpatialReference": "orig", "Source": correction.image.name, **content}
    if correction.regions:
        made = content.get("GeneratedBy", [])
        made = list(made) if isinstance(made, list) else [made]
        content["GeneratedBy"] = [*made, *map(dict, correction.regions)]
    edits = correction.edits
    if edits is not None and edits.data.any():
        every = correction.all_edits
        added, removed = (
            (0, 0) if every is None else (int((every.data * s > 0).sum()) for s in (1, -1))
        )
        content = with_correction(content, correction.author, added, removed)
    return {**content, "Threshold": round(float(correction.threshold), 4)}


def _disc_writers(correction: Correction, paths: Mapping[Kind, Path]) -> dict[Path, _Writer]:
    from ...bids import manual_entry
    from ...morphometry.disc_files import disc_writers
    from ...provenance import generated_by

    about = {
        "GeneratedBy": [*generated_by(), manual_entry(correction.author)],
        "SpatialReference": "orig",
        "Source": correction.image.name,
        "Mask": paths[Kind.SOFT_MASK].name,
    }
    writers, _notes = disc_writers(
        paths[Kind.DISCS], list(correction.discs or ()), correction.soft, about
    )
    return writers


def _are_ours(paths: Mapping[Kind, Path]) -> bool:
    """Whether each of these files is missing, or is as one of our sidecars describes it."""
    described = read_sidecar(sidecar_path(paths[Kind.SOFT_MASK])).get("MaskSHA256")
    sums = described if isinstance(described, Mapping) else {}
    for kind, path in paths.items():
        if not path.exists():
            continue
        if kind is Kind.DISCS:
            if not _is_made_by_us(read_sidecar(sidecar_path(path))):
                return False
        elif sums.get(path.name) != file_sha256(path):
            return False
    return True


def _is_made_by_us(content: Mapping[str, Any]) -> bool:
    from ...provenance import generated_by

    ours = {entry["Name"] for entry in generated_by()}
    entries = content.get("GeneratedBy")
    return isinstance(entries, list) and any(
        isinstance(entry, Mapping) and entry.get("Name") in ours for entry in entries
    )


def _description(dataset: Path, folder: Path) -> dict[Path, _Writer]:
    """That of the derivative, where it has none yet; first, for what vouches for the masks is the
    last.
    """
    top = dataset / DERIVATIVES / folder.relative_to(dataset / DERIVATIVES).parts[0]
    path = top / DESCRIPTION
    if path.exists():
        return {}
    content = derivative_description("Labels of the spinal cord", dataset)
    return {path: text_writer(json_text(content))}
