"""DICOM series -> soft masks: what ``softcord segment`` does with a folder, a file or a zip archive
of a scanner.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import naming_file, naming_none_in
from ..files import check_folder, write_atomically
from ..progress import Progress
from .run_each import Bar, OnFailure, Outcomes, no_bar, run_each, say_nothing
from .segment_images import SegmentedImage, SegmentOptions, segment_file, segment_files

if TYPE_CHECKING:
    from ..dicom import ConvertedImages, DicomSeries
    from ..network import ModelBundle

# Called for a segmented series while its images are there; returns further files and notes.
AfterSeries = Callable[
    ["SeriesImage", SegmentedImage, Progress], "tuple[dict[str, Path], tuple[str, ...]]"
]


@dataclass(frozen=True)
class SeriesImage:
    """A series as an image.

    Attributes:
        series: it.
        image: its NIfTI file; of several echoes the root of the mean of their squares.
        notes: sentences on the conversion.
    """

    series: DicomSeries
    image: Path
    notes: tuple[str, ...] = ()


def segment_sources(
    sources: Sequence[Path],
    folder: Path,
    bundle: ModelBundle,
    options: SegmentOptions,
    series: str | None = None,
    *,
    after: AfterSeries | None = None,
    bar: Bar = no_bar,
    on_failure: OnFailure = say_nothing,
) -> Outcomes[Path, SegmentedImage]:
    """:func:`~.segment_images.segment_files` for NIfTI images and for DICOM series alike.

    Args:
        sources: NIfTI images; folders, files and zip archives of DICOM.
        folder, bundle, options, bar, on_failure: as there.
        series: number or UID of the series, where a source holds several.
        after: what else to make of a series, such as DICOM objects.

    Raises:
        OptionError, NoEngine, OutputError, Cancelled: as there.
    """
    from ..dicom import is_dicom_source
    from ..network.engines import choose_engine

    scans = [source for source in sources if is_dicom_source(source)]
    images = [source for source in sources if source not in scans]
    done: Outcomes[Path, SegmentedImage] = Outcomes()
    if images:
        done = segment_files(images, folder, bundle, options, bar=bar, on_failure=on_failure)
    if not scans:
        return done
    choose_engine(options.device, bundle.needs_pytorch)
    check_folder(folder)
    made = run_each(
        scans,
        lambda scan, progress: segment_series(
            scan, folder, bundle, options, progress, series, after
        ),
        bar=bar,
        on_failure=on_failure,
    )
    results = {one.image: one for one in (*done.results, *made.results)}
    return Outcomes(
        [results[source] for source in sources if source in results],
        [*done.failures, *made.failures],
    )


def segment_series(
    source: Path,
    folder: Path,
    bundle: ModelBundle,
    options: SegmentOptions,
    progress: Progress,
    series: str | None = None,
    after: AfterSeries | None = None,
) -> SegmentedImage:
    """Segment a DICOM series, and write its results and the image that the mask belongs to.

    The files are named by the series' number and a hash of its UID, and hold nothing else of the
    header.

    Args:
        source: a folder, a file, or a zip archive.
        folder: where the results go.
        bundle, options, progress: as for :func:`~.segment_images.segment_file`.
        series, after: as for :func:`segment_sources`.

    Raises:
        SeveralSeries: one is to be chosen.
        SoftCordSegError: the series cannot be read, converted or segmented, or the results not be
            written.
        Cancelled: through ``progress``.
    """

    def work(made: SeriesImage) -> SegmentedImage:
        done = segment_file(made.image, folder, bundle, options, progress.part(0.2, 0.9))
        # The mask lies on this very grid, and no other program may convert the series to it.
        image = folder / made.image.name
        write_atomically(image, lambda path: path.write_bytes(made.image.read_bytes()))
        more, notes = ({}, ()) if after is None else after(made, done, progress.part(0.9, 1.0))
        return replace(
            done,
            image=source,
            files={**done.files, "image": image, **more},
            notes=(*made.notes, *done.notes, *notes),
        )

    with naming_file(source):
        return with_series(source, series, progress.part(0.0, 0.2), work)


def with_series(
    source: Path, choice: str | None, progress: Progress, work: Callable[[SeriesImage], Any]
) -> Any:
    """Call ``work`` with a series converted to NIfTI, and return what it returns; the converted
    files are removed afterwards.

    Args:
        source: a folder, a file, or a zip archive.
        choice: number or UID of the series; None where there is one only.
        progress: receives progress of the conversion; checked for cancellation.
        work: receives the image.

    Raises:
        SoftCordSegError: the series cannot be read or converted.
        Cancelled: through ``progress``.
    """
    from ..dicom import (
        check_gaps,
        converted,
        needing_dicom,
        opened_source,
        passed_over_sentences,
        series_of_source,
    )

    with opened_source(source, progress.part(0.0, 0.3)) as files:
        series, others = series_of_source(source, files, choice, progress.part(0.3, 0.7))
        with needing_dicom():
            check_gaps(series.files)
        with tempfile.TemporaryDirectory(prefix="softcord-") as folder, naming_none_in(folder):
            image = Path(folder, f"{series.name}.nii.gz")
            with converted(series.files, progress.part(0.7, 1.0)) as images:
                notes = (*images.notes, *_write_image(images, image))
            return work(SeriesImage(series, image, (*passed_over_sentences(others), *notes)))


def _write_image(images: ConvertedImages, path: Path) -> tuple[str, ...]:
    """One image of the series, with nothing of the header but where it is; a sentence on how."""
    if len(images.images) == 1:
        _write_bare(images.images[0], path)
        return ()
    from ..preprocessing import root_mean_square
    from ..volume import read_nifti, write_nifti

    echoes = [read_nifti(image, without_nan=True) for image in images.images]
    write_nifti(root_mean_square(echoes), path)
    return (
        f"The series holds {len(echoes)} echoes; the root of the mean of their squares was"
        " segmented.",
    )


def _write_bare(image: Path, path: Path) -> None:
    """The voxels and the affine of a converted image, 3D or 4D."""
    import nibabel
    import numpy as np

    # Not mapped: a mapped file cannot be removed on Windows.
    converted: Any = nibabel.load(image, mmap=False)
    data = np.asanyarray(converted.dataobj)
    if data.dtype == np.float64:  # where the file has a scaling
        data = data.astype(np.float32)
    bare = nibabel.Nifti1Image(data, converted.affine)
    bare.set_qform(converted.affine, code=1)
    bare.set_sform(converted.affine, code=1)
    bare.header.set_zooms(converted.header.get_zooms())
    bare.header.set_xyzt_units("mm", "sec")
    nibabel.save(bare, path)
