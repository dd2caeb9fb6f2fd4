"""Corrected cases, read and checked before anything is trained on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...files import file_stem
from ...network import file_sha256
from ...progress import Progress
from ..real_cases import OpenCase, RealCase, open_case

# A mask without any voxel at or above it is of no cord.
_CORD = 0.5
# More of an image than this is never cord.
_MOST = 0.6


@dataclass(frozen=True, eq=False)
class CorrectedCase:
    """A corrected case in memory.

    Attributes:
        name: of the image's file.
        sha256: of the files, by "image", "label" and, where there is one, "weight".
        opened: image, soft label and weight, nibabel LAS.
    """

    name: str
    sha256: dict[str, str]
    opened: OpenCase

    @property
    def participant(self) -> str:
        """Whose it is."""
        return self.opened.participant


def read_cases(
    cases: Sequence[RealCase], progress: Progress | None = None
) -> tuple[list[CorrectedCase], list[str]]:
    """Read and check all cases.

    Returns:
        The cases, and sentences that the user should know.

    Raises:
        InputError: a file cannot be read, grids differ, a mask is empty or no mask of a cord, or an
            image is there twice.
        Cancelled: through ``progress``.
    """
    progress = progress or Progress()
    read: list[CorrectedCase] = []
    seen: dict[str, RealCase] = {}
    for number, case in enumerate(cases):
        progress.report(number / len(cases), f"Reading {case.image.name}")
        progress.check_cancelled()
        opened = open_case(case)
        _check_label(opened.label.data, case.label)
        sums = {"image": file_sha256(case.image), "label": file_sha256(case.label)}
        if case.weight is not None:
            sums["weight"] = file_sha256(case.weight)
        twin = seen.setdefault(sums["image"], case)
        if twin is not case:
            raise InputError(
                f"'{twin.image}' and '{case.image}' are the same image. Leave one of them out."
            )
        read.append(CorrectedCase(case.image.name, sums, opened))
    untouched = [case.label for case in cases if _was_not_corrected(case.label)]
    if not untouched:
        return read, []
    part = (
        "all masks" if len(untouched) == len(cases) else f"{len(untouched)} of {len(cases)} masks"
    )
    return read, [
        f"Never corrected by hand, by their sidecars: {part}. What a model said itself teaches it"
        " nothing."
    ]


def _check_label(values: np.ndarray, path: Path) -> None:
    if float(values.max()) < _CORD:
        raise InputError(
            f"The mask '{path}' is empty: no voxel reaches {_CORD:g}. Correct it, or leave the case"
            " out."
        )
    part = float((values >= _CORD).mean())
    if part > _MOST:
        raise InputError(
            f"The mask '{path}' covers {part:.0%} of its image, which no cord does. Is it turned"
            " inside out?"
        )


def _was_not_corrected(mask: Path) -> bool:
    """True where the sidecar that the panel writes says so."""
    sidecar = mask.with_name(f"{file_stem(mask)}.json")
    try:
        said = json.loads(sidecar.read_text(encoding="utf-8"))["CorrectedByHand"]
        return not said["VoxelsAdded"] and not said["VoxelsRemoved"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
