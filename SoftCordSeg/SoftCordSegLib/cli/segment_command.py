"""``softcord segment IMAGE… -o DIR``"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import OptionError
from ..provenance import generated_by, model_of
from .console import print_json, say, show_table, warn
from .guard import EXIT_FAILED, guarded, json_of
from .running import check_address_space, import_libraries, prepare_process, watching
from .shared_options import (
    BoxText,
    Debug,
    Device,
    Json,
    Model,
    StandardNames,
    Threads,
    TimeText,
    parse_box,
    parse_crop,
    parse_time,
)

if TYPE_CHECKING:
    from ..network import ModelBundle
    from ..workflows.dicom_in import AfterSeries
    from ..workflows.run_each import Outcomes
    from ..workflows.segment_images import SegmentedImage, SegmentOptions


Images = Annotated[
    list[Path],
    typer.Argument(
        help="Images, .nii or .nii.gz, and folders of them; or DICOM: folders of a series, its"
        " files, zip archives.",
        metavar="IMAGE…",
        show_default=False,
    ),
]
Series = Annotated[
    Optional[str],
    typer.Option(
        help="Of a DICOM folder with several series: the number or the UID of one.",
        metavar="N|UID",
        show_default=False,
    ),
]
Dicom = Annotated[
    bool,
    typer.Option(
        "--dicom",
        help=(
            "Of a DICOM series also write DICOM: segmentations (BINARY at --threshold, else 0.5;"
            " FRACTIONAL), parametric map, report of areas by level."
        ),
    ),
]
DicomSlices = Annotated[
    bool, typer.Option("--dicom-slices", help="With --dicom: report the area of each slice too.")
]
Out = Annotated[
    Path, typer.Option("-o", "--out", help="Folder for the results.", show_default=False)
]
Threshold = Annotated[
    Optional[float],
    typer.Option(help="Also write the binary mask: soft mask at or above this.", min=1e-6, max=1.0),
]
Flips = Annotated[
    bool,
    typer.Option(
        "--flips", help="Mean with the mirrored image: steadier, and takes about twice as long."
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace masks too that were drawn, corrected or changed since they were made.",
    ),
]
Exclude = Annotated[
    Optional[Path],
    typer.Option(
        help="List of participants or images to leave out, as for softcord softgt.",
        show_default=False,
    ),
]
CropSize = Annotated[
    Optional[str],
    typer.Option(
        help="Of the releases v2.0 to v2.5: what they see of the image's middle, mm; -1: all.",
        metavar="64x192x-1",
    ),
]


def segment_command(
    images: Images,
    out: Out,
    model: Model = None,
    box: BoxText = None,
    time: TimeText = None,
    threshold: Threshold = None,
    flips: Flips = False,
    crop_size: CropSize = None,
    device: Device = "auto",
    threads: Threads = None,
    bids_standard_names: StandardNames = False,
    exclude: Exclude = None,
    series: Series = None,
    dicom: Dicom = False,
    dicom_slices: DicomSlices = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Segment the spinal cord: a soft mask (0 to 1) of each image.

    Writes NAME_label-SC_softseg.nii.gz, and how it was made in NAME_label-SC_softseg.json.  A
    series (4D) is averaged over time unless --time says otherwise.  Results of an earlier run are
    replaced where their sidecar vouches for them; inputs never are.
    """
    words = {
        "model": Path(model).name if model else None,
        "box": box,
        "time": time,
        "threshold": threshold,
        "flips": flips,
        "crop_size": crop_size,
        "device": device,
        "threads": threads,
    }
    with guarded(debug, as_json):
        check_address_space()
        from ..workflows.segment_images import SegmentOptions

        options = SegmentOptions(
            parse_box(box),
            parse_time(time),
            threshold,
            device,
            flips,
            bids_standard_names,
            overwrite,
            {"Name": "softcord segment", "Options": words},
        )
        bundle = _opened(model, parse_crop(crop_size), threads, device)
        from ..workflows.dicom_in import segment_sources

        after = _objects(images, options, dicom_slices) if dicom or dicom_slices else None
        images = _chosen(images, out, exclude)
        with watching(debug, len(images) > 1) as (bar, on_failure):
            outcomes = segment_sources(
                images, out, bundle, options, series, after=after, bar=bar, on_failure=on_failure
            )
        _report(images, outcomes, bundle, as_json)
        if outcomes.failures:
            raise typer.Exit(EXIT_FAILED)


def _opened(
    model: str | None, crop: tuple[int, int, int] | None, threads: int | None, device: str
) -> ModelBundle:
    """The model, which gets ready while the libraries are imported that read an image."""
    from ..network import store
    from ..network.engines import choose_engine
    from ..workflows.segment_images import with_crop

    def opened() -> ModelBundle:
        bundle = with_crop(store.open_bundle(model), crop)
        prepare_process(bundle, threads, device)
        bundle.prepare(choose_engine(device, bundle.needs_pytorch))
        return bundle

    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(opened)
        import_libraries()
        return opening.result()


def _chosen(images: list[Path], out: Path, exclude: Path | None) -> list[Path]:
    """Folders replaced by their images, and without what a list leaves out."""
    if any(image.is_dir() for image in images):
        from ..dicom import is_dicom_source
        from ..workflows.data_set.plain_folders import with_images_of_folders

        images = with_images_of_folders(images, out, is_dicom_source)
    if exclude is not None:
        from ..workflows.ground_truth.excluded_images import without_excluded_images

        images, left_out = without_excluded_images(images, exclude)
        for sentence in left_out:
            warn(sentence)
    return images


def _report(
    images: list[Path],
    outcomes: Outcomes[Path, SegmentedImage],
    bundle: ModelBundle,
    as_json: bool,
) -> None:
    done = outcomes.results
    for one in done:
        for note in (*one.notes, *([] if one.found else [one.message])):
            warn(f"'{one.image.name}': {note}")
    if done:
        rows = [
            (
                one.image.name,
                f"{one.volume_ml:.2f}" if one.found else "-",
                f"{one.seconds:.1f}",
                one.files["mask"],
            )
            for one in done
        ]
        show_table(
            f"Spinal cord by {bundle.name}", ("Image", "Cord, mL", "Time, s", "Soft mask"), rows
        )
    for failure in outcomes.failures:
        _show_series(failure.error)
    if outcomes.failures and len(images) > 1:
        say(f"{len(done)} of {len(images)} images were segmented.")
    if as_json:
        entries: dict[Path, dict[str, Any]] = {one.image: one.as_json() for one in done}
        for failure in outcomes.failures:
            entries[failure.item] = {
                "input": str(failure.item),
                **json_of(failure.error, failure.item),
            }
        print_json(
            {
                "GeneratedBy": generated_by(),
                "Model": model_of(bundle),
                "results": [entries[image] for image in images],
                "failed": len(outcomes.failures),
            }
        )


def _objects(images: list[Path], options: SegmentOptions, per_slice: bool) -> AfterSeries:
    """What writes DICOM of a series.

    Raises:
        OptionError: no input is DICOM.
    """
    from ..dicom import is_dicom_source
    from ..workflows.dicom_out import DicomOptions, objects_after

    if not any(map(is_dicom_source, images)):
        raise OptionError(
            "DICOM is written of DICOM series only, whose patient and geometry it repeats.",
            hint="Give the series, or leave --dicom out.",
        )
    threshold = DicomOptions.threshold if options.threshold is None else options.threshold
    return objects_after(DicomOptions(threshold, per_slice, options.overwrite))


def _show_series(error: Exception) -> None:
    """The series among which one is to be chosen, with the scanner's own words: on the screen
    only.
    """
    from ..dicom import SeveralSeries, passed_over_sentences

    if isinstance(error, SeveralSeries):
        rows = [(one.number, one.description or "-", one.images, one.uid) for one in error.series]
        show_table("Series", ("Number", "Description", "Images", "UID"), rows)
        for sentence in passed_over_sentences(error.others):
            warn(sentence)
