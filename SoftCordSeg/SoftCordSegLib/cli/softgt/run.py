"""One participant, from files to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...progress import Progress
from ...provenance import generated_by, now
from ..guard import naming
from ..outputs import json_text, text_writer, write_together
from .areas import HARD, SOFT, SOFT_BIN, Area, areas_csv, measure_areas, spread
from .discs import carried_discs, disc_images
from .done import Done, Request
from .files import check_layout
from .inputs import Participant

if TYPE_CHECKING:
    import numpy as np

    from ...groundtruth import ContrastTruth
    from ...reports.ground_truth_page import AreaRow, GroundTruthReport, JudgedContrast
    from ...volume import Volume


def run_participant(participant: Participant, request: Request, progress: Progress) -> Done:
    """Read the masks, make the ground truth, measure it, and write all files or none.

    Raises:
        InputError: a file cannot be used.
        OutputError: results cannot be written.
        Cancelled: through ``progress``.
    """
    from ...groundtruth import Contrast, make_ground_truth
    from ...network import file_sha256
    from ...volume import read_nifti

    check_layout(request.layout, participant, request.options.reference)
    contrasts = []
    for index, (name, path) in enumerate(participant.masks.items()):
        progress.check_cancelled()
        progress.report(0.1 * index / len(participant.masks), f"Reading {name}")
        with naming(path):
            contrasts.append(Contrast(name, read_nifti(path)))
    truth = make_ground_truth(contrasts, request.options, progress.part(0.1, 0.6))
    discs = carried_discs(participant, truth)
    areas, notes = [], []
    if discs:
        progress.report(0.6, "Measuring")
        areas, notes = measure_areas(contrasts, truth, discs, request.levels)
    images, left_out = disc_images(participant, truth, discs)
    said = [
        *participant.notes,
        *truth.notes,
        *(note for one in truth.contrasts for note in one.notes),
        *notes,
        *left_out,
    ]
    sums = {name: file_sha256(path) for name, path in participant.masks.items()}
    done = Done(participant, tuple(contrasts), sums, truth, tuple(areas), images, tuple(said))
    progress.check_cancelled()
    progress.report(0.7, "Drawing the page")
    writers, files = _writers(done, request)
    progress.check_cancelled()
    progress.report(0.9, "Writing")
    write_together(writers)
    return replace(done, contrasts=(), truth=truth.without_voxels(), disc_images={}, files=files)


def summary_of(done: Done) -> dict[str, Any]:
    """What was done, in plain types."""
    return {
        "participant": done.participant.name,
        "reference": done.truth.reference,
        "contrasts": {one.name: numbers_of(one) for one in done.truth.contrasts},
        "left_out": dict(done.participant.left_out),
        "area_sd_mm2": (
            {kind: spread(done.areas, kind) for kind in (SOFT, SOFT_BIN, HARD)}
            if done.areas
            else None
        ),
        "notes": list(done.notes),
        "files": done.files,
    }


def numbers_of(one: ContrastTruth) -> dict[str, Any]:
    """How a contrast was registered, in plain numbers."""
    import numpy as np

    shift, angle = one.shift_mm, one.angle_deg
    return {
        "SlicesRegistered": int(one.used.sum()),
        "SlicesTurned": int(one.turned.sum()),
        "ShiftLeftMm": _range(shift[:, 0]),
        "ShiftAnteriorMm": _range(shift[:, 1]),
        "LargestShiftMm": (
            round(float(np.linalg.norm(shift, axis=1).max()), 3) if len(shift) else None
        ),
        "RotationDegrees": _range(angle),
        "CoverageOfAveragedCord": round(one.coverage, 4),
        "ReferenceSlicesTrimmedAtEachEnd": one.trimmed,
        "SlicesWithoutGroundTruth": list(one.without),
    }


def _range(values: np.ndarray) -> list[float] | None:
    # A sum with 0 turns the -0.0 of a rounded small number into 0.0.
    return (
        [round(float(values.min()), 3) + 0.0, round(float(values.max()), 3) + 0.0]
        if len(values)
        else None
    )


def _writers(
    done: Done, request: Request
) -> tuple[dict[Path, Callable[[Path], object]], dict[str, str]]:
    """For each file of a participant a function that writes it, and the files by kind and
    contrast.
    """
    import numpy as np

    from ...groundtruth import write_transform
    from ...reports.ground_truth_page import ground_truth_html
    from ...volume import write_nifti

    layout, participant, reference = request.layout, done.participant, done.truth.reference
    writers: dict[Path, Callable[[Path], object]] = {}
    files: dict[str, str] = {}

    def add(kind: str, path: Path, write: Callable[[Path], object]) -> None:
        writers[path] = write
        files[kind] = str(path)

    for one in done.truth.contrasts:
        name = one.name
        add(f"soft {name}", layout.soft(participant, name), partial(write_nifti, one.soft))
        add(
            f"sidecar {name}",
            layout.sidecar(participant, name),
            text_writer(json_text(_sidecar(one, done, request))),
        )
        if layout.binary:
            binary = one.soft.with_data((one.soft.data >= 0.5).astype(np.uint8))
            add(f"binary {name}", layout.binarised(participant, name), partial(write_nifti, binary))
        if not one.is_reference:
            add(
                f"to {reference} from {name}",
                layout.transform(participant, name, name, reference),
                partial(write_transform, one),
            )
            back = partial(write_transform, one, inverse=True)
            add(
                f"to {name} from {reference}",
                layout.transform(participant, name, reference, name),
                back,
            )
        if name in done.disc_images:
            add(
                f"discs {name}",
                layout.discs(participant, name),
                partial(write_nifti, done.disc_images[name]),
            )
    if done.areas:
        add(
            "areas",
            layout.areas(participant),
            text_writer(areas_csv([(participant.name, area) for area in done.areas])),
        )
    for path in layout.descriptions():
        if not path.exists():
            writers[path] = text_writer(json_text(_description(path.parent.name)))
    add(
        "page",
        layout.page(participant),
        text_writer(ground_truth_html(_report(done, request, files))),
    )
    return writers, files


def _report(done: Done, request: Request, files: dict[str, str]) -> GroundTruthReport:
    """What the page shows."""
    from ...reports.ground_truth_page import GroundTruthReport
    from ...reports.ground_truth_pictures import slices_png

    participant, pictures = done.participant, {}
    for given, one in zip(done.contrasts, done.truth.contrasts):
        pictures[one.name] = slices_png(one.soft, given.mask, _image(participant, one.name))
    return GroundTruthReport(
        participant.name,
        done.truth,
        judged_contrasts(done),
        pictures,
        [one.name for one in done.truth.contrasts if one.name not in participant.images],
        request.options.registration.method,
        {name: path.name for name, path in participant.masks.items()},
        [Path(path).name for path in files.values() if path.endswith(".nii.gz")],
        area_rows(done.areas),
        done.areas[0].levels if done.areas else "",
        done.notes,
        participant.left_out,
        # Those of a data set are judged side by side, on the overview.
        alone=not request.layout.as_dataset,
    )


def judged_contrasts(done: Done) -> list[JudgedContrast]:
    """The contrasts of a participant, for the pages."""
    from ...reports.ground_truth_page import JudgedContrast

    return [
        JudgedContrast(one, done.participant.listed_as(one.name), done.mask_sha256[one.name])
        for one in done.truth.contrasts
    ]


def area_rows(areas: Sequence[Area]) -> list[AreaRow]:
    """The areas by kind of mask, for the pages; none without areas."""
    from ...reports.ground_truth_page import AreaRow

    kinds = (SOFT, SOFT_BIN, HARD) if areas else ()
    return [
        AreaRow(
            kind,
            {area.contrast: area.mean for area in areas if area.mask == kind},
            spread(areas, kind),
        )
        for kind in kinds
    ]


def _image(participant: Participant, name: str) -> Volume | None:
    from ...volume import read_nifti, time_points

    path = participant.images.get(name)
    if path is None:
        return None
    with naming(path):
        return read_nifti(path, "mean" if time_points(path) > 1 else None)


def _sidecar(one: ContrastTruth, done: Done, request: Request) -> dict[str, Any]:
    """Where the ground truth of a contrast comes from; names of files only, for sidecars travel."""
    options, registration = request.options, request.options.registration
    return {
        "GeneratedBy": generated_by(),
        "SpatialReference": "orig",
        "Description": (
            "Soft ground truth of the spinal cord: average of the masks of several contrasts,"
            " weighted by coverage."
        ),
        "Sources": [
            {"Contrast": name, "Mask": path.name, "SHA256": done.mask_sha256[name]}
            for name, path in done.participant.masks.items()
        ],
        "LeftOut": [
            {"Contrast": name, "Reason": reason} for name, reason in done.participant.left_out
        ],
        "Reference": options.reference,
        "Registration": {
            "Method": registration.method,
            "SmoothMm": registration.smooth_mm,
            "ElongationAtLeast": registration.elongation,
            "LargestAngleDegrees": registration.largest_angle,
        },
        "AveragingSpacingMm": [round(float(size), 4) for size in done.truth.average.spacing],
        "BeyondReference": options.beyond_reference,
        **numbers_of(one),
        "Notes": list(one.notes),
        "Command": {"Name": "softcord softgt", "Options": request.command},
        "Date": now(),
    }


def _description(kind: str) -> dict[str, Any]:
    return {
        "Name": f"SoftCordSeg {kind.replace('_', ' ')}",
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "GeneratedBy": generated_by(),
    }


def check_reference(masks: dict[str, Path], reference: str) -> None:
    """Refuse to go on without the reference's mask.

    Raises:
        InputError: it is not there.
    """
    if reference not in masks:
        raise InputError(
            f"There is no mask of the reference contrast {reference}; there are"
            f" {', '.join(masks) or 'none'}. Give it with --mask {reference}=FILE, or choose"
            " another with --reference."
        )
