"""Where the vertebral levels of one image of a data set come from.

In this order: discs that somebody marked in the image; those in the one other image of the visit
that has some, through the scanner's coordinates; those found in the image before; those found now,
where their names are certain; those found in another image of the visit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bids import (
    DERIVATIVES,
    MODALITIES,
    Kind,
    contrast_of,
    label_name,
    read_name,
    read_sidecar,
    session_of,
    sidecar_path,
)
from ...errors import InputError
from ...progress import Progress
from ..csa_measure import MaskLevels
from .data_set_options import SUFFIXES

if TYPE_CHECKING:
    from ...volume import Volume

_EXTENSIONS = (".nii.gz", ".nii", ".mrk.json", ".fcsv")


@dataclass(frozen=True)
class DiscsFound:
    """The disc labels that are there for an image.

    Attributes:
        own: of the image itself: by hand, else found before; None without.
        marked: by hand in other images of the visit, the one to use first.
        found: found in other images of the visit, the one to use first.
    """

    own: Path | None = None
    marked: tuple[Path, ...] = ()
    found: tuple[Path, ...] = ()

    @property
    def to_use(self) -> tuple[Path, ...]:
        """On which of them the levels rest."""
        if self.own is not None:
            return (self.own,)
        return self.marked[:1] or self.found


def discs_there(
    image: Path, dataset: Path, folder: Path, labels: Sequence[Path] = ()
) -> DiscsFound:
    """Look for the disc labels of a visit.

    Args:
        image: of which levels are wanted.
        dataset: where it lies; discs may be beside it and in the same folder of each derivative.
        folder: of the image's results.
        labels: folders in which a review writes, which come first.
    """
    own_name = read_name(image).image
    marked = [path for label in labels for path in _beside(label)]
    folders = dict.fromkeys([*marked, *_raw_folders(image, dataset, folder)])
    raw = [path for one in folders for path in _disc_files(one)]
    ours = [path for one in _beside(folder) for path in _disc_files(one)]
    own = [path for path in (*raw, *ours) if read_name(path).is_of(own_name)]
    if not session_of(image):
        # In a plain folder images of several participants may lie side by side.
        return DiscsFound(own[0] if own else None)
    visit = session_of(image)

    def others(paths: Sequence[Path]) -> tuple[Path, ...]:
        found = [p for p in paths if p not in own and session_of(p) == visit]
        return tuple(sorted(found, key=_usefulness))

    return DiscsFound(own[0] if own else None, others(raw), others(ours))


def levels_of_case(
    image: Path,
    mask: tuple[Path, Volume],
    discs: DiscsFound,
    folder: Path,
    *,
    standard_names: bool = False,
    likely_names: bool = False,
    look: bool = True,
    carry_found: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> tuple[MaskLevels, tuple[str, ...]]:
    """The discs of an image; those that are found in it are written.

    Args:
        image: file.
        mask: file and content.
        discs: that are there.
        folder: of the image's results.
        standard_names, likely_names: as in :class:`.data_set_options.DataSetOptions`.
        look: look for discs in the image itself; False where that was done before.
        carry_found: also take discs that were found in another image.
        overwrite: find discs anew that a program had found.
        progress: receives progress; checked for cancellation.

    Returns:
        The levels; of an image without discs ``path`` is None.  And why there are none.

    Raises:
        InputError: discs by hand cannot be used.
        Cancelled: through ``progress``.
    """
    from ...morphometry.disc_files import read_discs

    if discs.own is not None and not (overwrite and _was_found(discs.own)):
        return MaskLevels(discs.own, discs=read_discs(discs.own)), ()
    for path in discs.marked:
        return _carried(path, mask[1]), ()
    reasons: tuple[str, ...] = ()
    if look:
        try:
            return _found_now(
                image, mask[0], folder, standard_names, likely_names, progress or Progress()
            )
        except InputError as error:
            reasons = (f"No levels from this image: {error.sentence}",)
    for path in discs.found if carry_found else ():
        try:
            return _carried(path, mask[1]), ()
        except InputError as error:
            reasons += (f"Discs of '{path.name}' were not used: {error.sentence}",)
    return MaskLevels(), reasons


def _found_now(
    image: Path,
    mask: Path,
    folder: Path,
    standard_names: bool,
    likely_names: bool,
    progress: Progress,
) -> tuple[MaskLevels, tuple[str, ...]]:
    from ...morphometry.disc_files import read_discs
    from ...volume import time_points
    from ..label_discs import LabelOptions, label_files

    out = folder / label_name(image, Kind.DISCS, standard_names=standard_names)
    time = "mean" if time_points(image) > 1 else None
    options = LabelOptions(likely_names=likely_names, time=time)
    made = label_files(image, mask, out, options, progress)
    notes = made.notes
    return MaskLevels(out, discs=read_discs(out), notes=notes), ()


def _carried(path: Path, mask: Volume) -> MaskLevels:
    from ...errors import naming_file
    from ...morphometry import carry_over_discs
    from ...morphometry.disc_files import is_landmark, read_discs

    discs = read_discs(path)
    with naming_file(path):
        used, _ = carry_over_discs(discs, mask)
    note = (
        f"Levels are from '{path.name}', of another image of the visit, by the scanner's"
        " coordinates."
    )
    return MaskLevels(path, discs=[*used, *filter(is_landmark, discs)], notes=(note,))


def _raw_folders(image: Path, dataset: Path, folder: Path) -> Iterator[Path]:
    """Where discs of the visit that somebody marked may lie."""
    yield from _beside(image.parent)
    derivatives = dataset / DERIVATIVES
    if image.parent.is_relative_to(dataset) and derivatives.is_dir():
        below = image.parent.relative_to(dataset)
        for pipeline in sorted(derivatives.iterdir()):
            if pipeline.joinpath(below) != folder:
                yield from _beside(pipeline.joinpath(below))


def _beside(folder: Path) -> list[Path]:
    """A folder and the visit's others."""
    if folder.name not in MODALITIES:
        return [folder]
    return [folder, *(folder.with_name(name) for name in MODALITIES if name != folder.name)]


def _disc_files(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [
        path
        for path in paths
        if path.name.lower().endswith(_EXTENSIONS) and read_name(path).kind is Kind.DISCS
    ]


def _was_found(discs: Path) -> bool:
    """Whether our program found all of them, as their sidecar says."""
    content: Mapping[str, Any] = read_sidecar(sidecar_path(discs))
    return "NamesCertain" in content


def _usefulness(path: Path) -> tuple[int, str]:
    """Images that show discs well first."""
    suffix = contrast_of(read_name(path).image).rpartition("_")[2]
    rank = SUFFIXES.index(suffix) if suffix in SUFFIXES else len(SUFFIXES)
    return rank, str(path.name)
