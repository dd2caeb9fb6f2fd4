"""The vertebral levels of a measured cord, from whichever source was given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ..discs.beside import discs_beside
from ..discs.files import read_discs
from ..discs.placed import FIRST_LANDMARK
from ..guard import naming
from .request import LevelSource

if TYPE_CHECKING:
    from ...morphometry import CordShape, DiscLabel
    from ...volume import Volume


@dataclass(frozen=True, eq=False)
class MaskLevels:
    """What tells the levels of one mask: discs, or an image of levels, or nothing.

    Attributes:
        path: the file they are from, None where it is the mask itself.
        discs: labels, landmarks such as the pontomedullary junction included.
        labelled: image whose values are levels.
        notes: sentences on the choice.
    """

    path: Path | None = None
    discs: tuple[DiscLabel, ...] = ()
    labelled: Volume | None = None
    notes: tuple[str, ...] = ()

    def add(self, shape: CordShape, mask: Volume, needed: bool) -> CordShape:
        """``shape`` with levels, where there are any.

        Args:
            shape: of ``mask``.
            mask: of the cord.
            needed: complain if the file holds landmarks only, such as the pontomedullary junction.

        Raises:
            InputError: discs in the wrong order, twice or off the cord; another grid; always with
                the file named.
        """
        from ...morphometry import add_levels, add_levels_from_mask

        with naming(self.path):
            if self.labelled is not None:
                return add_levels_from_mask(shape, self.labelled)
            if any(disc.value < FIRST_LANDMARK for disc in self.discs) or (
                needed and self.path is not None
            ):
                return add_levels(shape, self.discs, mask)
        return shape


class Levels:
    """Where levels come from; a file that serves all masks is read once, before the first mask.

    Args:
        source: what the user named.
        needed: levels have to be known: a mask that is itself labelled with them serves then.

    Raises:
        InputError: a file cannot be read, or holds no usable labels.
    """

    def __init__(self, source: LevelSource, needed: bool):
        self._beside = source.beside
        self._look_at_mask = needed and not source.known
        self._shared = MaskLevels()
        if source.discs is not None:
            self._shared = MaskLevels(source.discs, discs=tuple(read_discs(source.discs)))
        elif source.vertfile is not None:
            self._shared = MaskLevels(source.vertfile, labelled=_read_levels(source.vertfile))

    def of(self, path: Path, mask: Volume) -> tuple[Volume, MaskLevels]:
        """The mask of the cord, and its levels: the mask may be a segmentation labelled with levels
        itself.

        Args:
            path, mask: the mask file and what is in it.

        Raises:
            InputError: the discs beside the mask are missing, ambiguous or unusable; no levels
                although they are needed.
        """
        if self._beside:
            beside, note = discs_beside(path)
            return mask, MaskLevels(
                beside, discs=tuple(read_discs(beside)), notes=(note,) if note else ()
            )
        if not self._look_at_mask:
            return mask, self._shared
        if not _has_several_labels(mask):
            raise InputError(
                "Its vertebral levels are not known. Give --discs, --vertfile or --find-discs."
            )
        note = (
            "The mask's values were read as vertebral levels, and all of them together as the cord."
        )
        return mask.with_data((mask.data > 0).astype("uint8")), MaskLevels(
            labelled=mask, notes=(note,)
        )


def _read_levels(path: Path) -> Volume:
    from ...morphometry import is_labelled_mask
    from ...volume import read_nifti

    levels = read_nifti(path)
    if (levels.data > 0).any() and not is_labelled_mask(levels):
        raise InputError(
            f"'{path}' holds disc points, not levels of whole slices. Give it as --discs."
        )
    return levels


def _has_several_labels(mask: Volume) -> bool:
    import numpy as np

    values = np.unique(mask.data)
    values = values[values > 0]
    return len(values) > 1 and bool(np.array_equal(values, np.round(values)))
