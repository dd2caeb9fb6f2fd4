"""The methods that are compared: each gives a mask for an image, from a folder or by a network."""

from __future__ import annotations

import csv
import io
import math
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..bids import NIFTI_EXTENSIONS, Kind, label_name, nifti_files, spellings, stem_of
from ..errors import InputError
from ..files import real_path, safe_cell, text_of, text_of_cell, write_text_atomically
from ..progress import Progress
from ..segmentation import segment_within_memory
from ..volume import Volume, read_nifti, time_points, write_nifti
from .case_table import Case

if TYPE_CHECKING:
    from ..network import ModelBundle

# Masks of other programs that no image's label is called: nnU-Net's ("" is its own way).
_FURTHER_SUFFIXES = ("_pred", "_mask", "")
TIMES_FILE = "inference_times.csv"


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a method says of one image.

    Attributes:
        mask: soft or binary, in whatever orientation it was stored.
        path: where it lies.
        seconds: of wall time that the inference took; NaN where it is not known.
    """

    mask: Volume
    path: Path
    seconds: float = math.nan


class Method(Protocol):
    """Something that gives masks."""

    @property
    def name(self) -> str:
        """Of the method."""
        ...

    def predict(self, case: Case, progress: Progress) -> Prediction:
        """The mask of one image.

        Raises:
            InputError: there is none.
        """
        ...


@dataclass(frozen=True)
class FolderMethod:
    """Masks that some other program made: found by the image's name and one of the usual endings,
    in sub-folders too.

    Attributes:
        name: of the method.
        folder: of its masks.  A file ``inference_times.csv`` there (columns image, seconds) tells
            how long each took.
        suffix: the ending of its masks after the image's name; None tries every usual name.
    """

    name: str
    folder: Path
    suffix: str | None = None

    @cached_property
    def files(self) -> dict[str, list[Path]]:
        """The NIfTI files of the folder and below by name: thousands of images are looked up, and
        the folder is listed once.

        Raises:
            InputError: there is no such folder.
        """
        if not self.folder.is_dir():
            raise InputError(
                f"There is no folder of masks of {self.name}.",
                path=self.folder,
                hint="Give the folder of a method's masks, or a model.",
            )
        files: dict[str, list[Path]] = {}
        for path in nifti_files(self.folder):
            files.setdefault(path.name, []).append(path)
        return files

    def mask_of(self, image: Path) -> Path:
        """The mask of ``image``; of several, that in a sub-folder of the image's own name (as
        ``sub-01/anat`` in a BIDS data set).

        Raises:
            InputError: there is none, or more than one.
        """
        stem = stem_of(image)
        if self.suffix is None:
            usual = spellings(image, Kind.SOFT_MASK, Kind.BINARY_MASK, Kind.CUT_SOFT_MASK)
            stems = [*usual, *(f"{stem}{suffix}" for suffix in _FURTHER_SUFFIXES)]
        else:
            stems = [f"{stem}{self.suffix}"]
        names = sorted({f"{one}{extension}" for one in stems for extension in NIFTI_EXTENSIONS})
        found = [
            path
            for name in names
            for path in self.files.get(name, ())
            if real_path(path) != real_path(image)
        ]
        if len(found) > 1:
            found = _deepest_match(found, image)
        if not found:
            wanted = stems[0] if len(stems) == 1 else f"{stems[0]}, {stem}_seg or alike"
            raise InputError(
                f"There is no mask of '{image.name}' (a NIfTI file of the name {wanted}).",
                path=self.folder,
                hint="Add it, name the ending of this method's masks, or leave the image out.",
            )
        if len(found) > 1:
            several = ", ".join(f"'{path.relative_to(self.folder)}'" for path in sorted(found))
            raise InputError(
                f"There are several masks of '{image.name}': {several}.",
                path=self.folder,
                hint="Name the ending of this method's masks.",
            )
        return found[0]

    def predict(self, case: Case, progress: Progress) -> Prediction:
        """Read the mask; see :class:`Method`."""
        path = self.mask_of(case.image)
        return Prediction(read_nifti(path), path, read_times(self.folder).get(case.stem, math.nan))


@dataclass(frozen=True, eq=False)
class BundleMethod:
    """A model that segments the images itself.

    Attributes:
        name: of the method.
        bundle: the model.
        folder: where its masks and their times go.
        device: where the network runs.
    """

    name: str
    bundle: ModelBundle
    folder: Path
    device: str = "auto"

    def mask_path(self, case: Case) -> Path:
        """Where the mask of an image goes."""
        return self.folder / label_name(case.image, Kind.SOFT_MASK)

    def segment(self, image: Volume, progress: Progress) -> Volume:
        """The soft mask of an image."""
        return segment_within_memory(
            image, self.bundle, progress=progress, device=self.device
        ).volume

    def predict(self, case: Case, progress: Progress) -> Prediction:
        """Segment the image, and keep the mask; see :class:`Method`."""
        image = read_image(case.image)
        started = time.perf_counter()
        mask = self.segment(image, progress)
        seconds = time.perf_counter() - started
        path = self.mask_path(case)
        write_nifti(mask, path, np.float32)
        _note_time(self.folder, case.stem, seconds)
        return Prediction(mask, path, seconds)


def read_image(path: Path) -> Volume:
    """An image, or of a series its mean over time.

    Raises:
        InputError: as :func:`SoftCordSegLib.volume.read_nifti`.
    """
    return read_nifti(path, "mean" if time_points(path) > 1 else None)


def read_times(folder: Path) -> dict[str, float]:
    """Seconds by image stem, from the file of times in a folder; empty where there is none.

    Raises:
        InputError: it has other columns, or no numbers in them.
    """
    path = folder / TIMES_FILE
    if not path.is_file():
        return {}
    try:
        rows = csv.DictReader(io.StringIO(text_of(path)), skipinitialspace=True)
        return {text_of_cell(row["image"]): float(row["seconds"]) for row in rows}
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(
            "This is not a table of times.",
            path=path,
            hint="It needs the columns image (its name without .nii.gz) and seconds.",
        ) from error


def _note_time(folder: Path, stem: str, seconds: float) -> None:
    times = {**read_times(folder), stem: seconds}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("image", "seconds"))
    writer.writerows((safe_cell(name), f"{value:.3f}") for name, value in times.items())
    write_text_atomically(folder / TIMES_FILE, text.getvalue())


def _deepest_match(found: list[Path], image: Path) -> list[Path]:
    """Those whose folders' names agree with the image's the furthest up."""

    def agreement(path: Path) -> int:
        count = 0
        for own, other in zip(reversed(path.parent.parts), reversed(image.parent.parts)):
            if own != other:
                break
            count += 1
        return count

    best = max(agreement(path) for path in found)
    return [path for path in found if agreement(path) == best]
