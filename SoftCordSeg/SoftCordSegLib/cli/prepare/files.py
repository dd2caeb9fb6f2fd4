"""Where ``softcord prepare`` puts what it makes: a data set that ``softcord softgt`` takes as it
is.
"""

from __future__ import annotations

import csv
import gzip
import io
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..guard import UsageProblem
from ..outputs import check_not_an_input
from .images import Made
from .inputs import Person, Source
from .kept import COMMAND, made_here

MOTION_COLUMNS = (
    "Volume",
    "Slice (I->S)",
    "b-value [s/mm2]",
    "Shift left [mm]",
    "Shift anterior [mm]",
    "Measured",
)


@dataclass(frozen=True)
class Layout:
    """The folder of results: images in ``sub-01/anat`` and ``dwi``, masks in
    ``derivatives/labels/sub-01/…``.
    """

    folder: Path

    def image(self, person: Person, source: Source) -> Path:
        """The image, always compressed: beside a ``.nii`` of an earlier run a ``.nii.gz`` would be
        a second image.
        """
        return self._session(self.folder, person, source.modality) / f"{source.name}.nii.gz"

    def sidecar(self, person: Person, source: Source) -> Path:
        """How the image came about."""
        return self._session(self.folder, person, source.modality) / f"{source.name}.json"

    def motion(self, person: Person, source: Source) -> Path:
        """The table of shifts."""
        return self._session(self.folder, person, source.modality) / f"{source.name}_motion.csv"

    def mask(self, person: Person, source: Source) -> Path:
        """The initial mask."""
        return self._labels(person, source.modality) / f"{source.name}_label-SC_seg.nii.gz"

    def mask_sidecar(self, person: Person, source: Source) -> Path:
        """How the mask came about."""
        return self._labels(person, source.modality) / f"{source.name}_label-SC_seg.json"

    def discs(self, person: Person, modality: str, path: Path) -> Path:
        """A file of discs, under its own name."""
        return self._labels(person, modality) / path.name

    def all_of(self, person: Person) -> list[Path]:
        """Every file that may be written for a participant."""
        paths = [self.discs(person, modality, path) for modality, path in person.discs]
        for one in person.sources:
            paths += [self.image(person, one), self.sidecar(person, one)]
            paths += [
                self.motion(person, one),
                self.mask(person, one),
                self.mask_sidecar(person, one),
            ]
        return paths

    def _labels(self, person: Person, modality: str) -> Path:
        return self._session(self.folder / "derivatives" / "labels", person, modality)

    @staticmethod
    def _session(root: Path, person: Person, modality: str) -> Path:
        return root.joinpath(*person.name.split("_"), modality)


def check_layout(layout: Layout, person: Person) -> None:
    """Refuse to write over an input, or over an image that somebody else put there.

    Raises:
        UsageProblem: it would be.
    """
    check_not_an_input(layout.all_of(person), person.inputs)
    for source in person.sources:
        place = layout.image(person, source)
        if place.exists() and not made_here(layout.sidecar(person, source)):
            raise UsageProblem(
                f"'{place}' lies there already, and {COMMAND} did not make it, so it is not written"
                " over. Choose another folder with -o, or take it away."
            )


def motion_csv(made: Made) -> str:
    """One row a volume and slice; slices beyond the cord's ends carry their neighbour's shift."""
    motion = made.motion
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(MOTION_COLUMNS)
    for index, (volume, shifts) in enumerate(zip(motion.volumes, motion.shift_mm)):
        bval = f"{made.bvals[index]:g}" if made.bvals else ""
        for number, (left, anterior) in enumerate(shifts):
            writer.writerow(
                [
                    volume,
                    number,
                    bval,
                    f"{left:.4f}",
                    f"{anterior:.4f}",
                    int(motion.measured[number]),
                ]
            )
    return stream.getvalue()


def copy_compressed(source: Path, target: Path) -> None:
    """Copy an image file byte by byte; one that is not compressed is."""
    if source.name.lower().endswith(".gz"):
        shutil.copyfile(source, target)
        return
    # Neither a name nor a time within: the same file gives the same file.
    with (
        open(source, "rb") as plain,
        open(target, "wb") as stream,
        gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed,
    ):
        shutil.copyfileobj(plain, packed)
