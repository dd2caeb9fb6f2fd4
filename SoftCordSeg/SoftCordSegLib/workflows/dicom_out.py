"""Soft masks -> DICOM objects: segmentations, parametric map and report; what ``softcord segment``
writes of a DICOM series on request, and the panel's *Save as DICOM*.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import InputError, OutputError
from ..files import write_together
from ..progress import Progress
from .dicom_in import AfterSeries, SeriesImage
from .segment_images import SegmentedImage

if TYPE_CHECKING:
    from ..bids import DicomKind
    from ..dicom import AreaEntry, MadeBy, SourceSlices
    from ..volume import Volume
    from .csa_measure import Measured

_DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class DicomOptions:
    """What to write.

    Attributes:
        threshold: of the BINARY segmentation, above 0, at most 1.
        per_slice: report the area of each slice too.
        overwrite: replace objects too that hold corrections, or that another program wrote.
    """

    threshold: float = _DEFAULT_THRESHOLD
    per_slice: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class WrittenObjects:
    """What was written.

    Attributes:
        files: by kind: "binary", "fractional", "map", "report".
        notes: sentences on what was left out.
    """

    files: dict[str, Path]
    notes: tuple[str, ...] = ()

    @property
    def by_word(self) -> dict[str, Path]:
        """The files under words that say that they are DICOM."""
        return {f"dicom_{word}": path for word, path in self.files.items()}


def write_objects(
    mask: Volume,
    sources: Sequence[Path],
    name: str,
    folder: Path,
    record: Mapping[str, Any],
    options: DicomOptions,
    measured: Measured | None = None,
) -> WrittenObjects:
    """Write a mask as DICOM objects, all or none; the report where areas of levels are known, or
    slices are wanted.

    Args:
        mask: soft, on the grid of the images.
        sources: files of the series that the mask was made from.
        name: of the image, for the names of the files.
        folder: where to.
        record: the sidecar of the mask: who made it, with what.
        options: see there.
        measured: the mask's areas; None where they are not known.

    Raises:
        InputError: a package for DICOM is missing; the mask is empty, or not on the images' grid;
            the gaps between the slices differ.
        OutputError: objects that are there are not ours or hold corrections; the folder is not
            writable.
    """
    from ..bids import DicomKind, dicom_name
    from ..dicom import (
        binary_segmentation,
        fractional_segmentation,
        measurement_report,
        needing_dicom,
        parametric_map,
    )

    with needing_dicom(), _without_quoting():
        slices = _slices(mask, sources)
        made_by = made_by_of(record)
        binary = binary_segmentation(mask, options.threshold, slices, made_by)
        objects: dict[DicomKind, Any] = {
            DicomKind.BINARY: binary,
            DicomKind.FRACTIONAL: fractional_segmentation(mask, slices, made_by),
            DicomKind.MAP: parametric_map(mask, slices, made_by),
        }
        entries = [] if measured is None else area_entries(measured, options.per_slice)
        if entries:
            objects[DicomKind.REPORT] = measurement_report(entries, binary, slices, made_by)
        files = {kind: folder / dicom_name(name, kind) for kind in objects}
        if not options.overwrite:
            _check_ours(files.values())
        write_together({files[kind]: _writer(made) for kind, made in objects.items()})
    return WrittenObjects({kind.name.lower(): path for kind, path in files.items()})


def objects_after(options: DicomOptions) -> AfterSeries:
    """For :func:`.dicom_in.segment_sources`: write the objects of each series, with the areas of
    the levels where the discs can be found.
    """

    def after(
        made: SeriesImage, done: SegmentedImage, progress: Progress
    ) -> tuple[dict[str, Path], tuple[str, ...]]:
        from ..bids import read_sidecar
        from ..volume import read_nifti

        if not done.found:
            return {}, ("No DICOM objects were written: the mask is empty.",)
        mask = read_nifti(done.files["mask"])
        image = read_nifti(made.image, done.time)
        measured, notes = _measured(image, mask, done.files["mask"], progress.part(0.0, 0.6))
        progress.report(0.6, "Writing DICOM")
        written = write_objects(
            mask,
            made.series.files,
            made.image.name,
            done.files["mask"].parent,
            read_sidecar(done.files["sidecar"]),
            options,
            measured,
        )
        return written.by_word, (*notes, *written.notes)

    return after


def made_by_of(record: Mapping[str, Any]) -> MadeBy:
    """How a mask was made, from its sidecar."""
    from ..bids import is_corrected
    from ..dicom import MadeBy

    entries = record.get("GeneratedBy")
    models = [
        entry
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, Mapping) and isinstance(entry.get("SHA256"), Mapping)
    ]
    if not models:
        return MadeBy(__version__)
    model = models[-1]
    sums = "; ".join(f"{name} {digest}" for name, digest in sorted(model["SHA256"].items()))
    name = f"{model.get('Name', '')} {model.get('Version', '')}".strip()
    return MadeBy(__version__, name, sums, is_corrected(record))


def area_entries(measured: Measured, per_slice: bool) -> list[AreaEntry]:
    """The areas of the levels, where they are known, and of the slices where wanted."""
    from ..dicom import AreaEntry
    from .csa_measure import Grouping, regrouped

    entries = []
    if measured.shape.levels is not None and measured.shape.levels.any():
        for row in regrouped(measured, Grouping(per_level=True)).summary:
            if row.count:
                sd = row.std["area"] if row.count > 1 else math.nan
                entries.append(AreaEntry(row.mean["area"], row.levels[0], sd, row.count))
    if per_slice:
        for one in measured.shape:
            if math.isfinite(one.area):
                entries.append(AreaEntry(one.area, one.level, slice=one.slice))
    return entries


def _measured(
    image: Volume, mask: Volume, path: Path, progress: Progress
) -> tuple[Measured | None, tuple[str, ...]]:
    """The areas, with levels where the discs can be found; a sentence where they cannot."""
    from .csa_measure import CsaOptions, MaskLevels, measure_volume
    from .label_discs import label_volume

    notes: tuple[str, ...] = ()
    levels = MaskLevels()
    try:
        found = label_volume(image, mask, [], progress.part(0.0, 0.7))
        levels = MaskLevels(discs=[disc.label for disc in found.discs])
    except InputError as error:
        notes = (f"The report has no vertebral levels: {error.sentence}",)
    try:
        return measure_volume(path, mask, levels, CsaOptions(), progress.part(0.7, 1.0)), notes
    except InputError as error:
        return None, (*notes, f"There is no report of areas: {error.sentence}")


@contextlib.contextmanager
def _without_quoting() -> Iterator[None]:
    """What pydicom and highdicom refuse is a sentence of ours: theirs quote the header.

    Raises:
        InputError: they refuse something.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError):
        refused = InputError(
            "The headers of the series hold values that DICOM does not allow, or lack some that it"
            " requires, so that no objects can be written for it.",
            hint="Export the series again, from the scanner or the archive.",
        )
    else:
        return
    raise refused


def _slices(mask: Volume, sources: Sequence[Path]) -> SourceSlices:
    """The slices of the series; of a mosaic, whose slices have no position, those of the mask."""
    from ..dicom import is_mosaic, read_header, slices_of_grid, source_slices

    sources = [source for source in sources if source.is_file()]
    if not sources:
        raise InputError(
            "The files of the DICOM series are not there any more.", hint="Load the series again."
        )
    if is_mosaic(sources):
        return slices_of_grid(mask.grid, [read_header(sources[0])])
    return source_slices(sources)


def _writer(made: Any) -> Callable[[Path], object]:
    return lambda path: made.save_as(path)


def _check_ours(paths: Any) -> None:
    """Refuse to replace what we did not write, or what holds somebody's corrections."""
    from ..dicom import MAKER, read_header

    for path in paths:
        if not path.exists():
            continue
        header = read_header(path)
        segments = (header.get("SegmentSequence") or ()) if header is not None else ()
        ours = header is not None and header.get("Manufacturer") == MAKER
        if not ours or any(one.get("SegmentAlgorithmType") != "AUTOMATIC" for one in segments):
            raise OutputError(
                "This file holds corrections by hand, or is not ours.",
                path=path,
                hint="Choose another folder, or replace it by the option to overwrite.",
            )
