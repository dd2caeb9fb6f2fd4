"""The soft ground truth of a participant, from files to files.

Masks of several contrasts in; for each contrast the soft mask, its sidecar, transforms and disc
labels out, and for the participant a table of areas and a page to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...bids import (
    CUT_SOFT_LABELS,
    DESCRIPTION,
    SOFT_LABELS,
    Kind,
    check_replaceable,
    dataset_of,
    derivative_description,
    derivative_folder,
    hashed_writers,
    label_name,
    modality_of,
    sidecar_path,
    transform_name,
)
from ...errors import InputError, OptionError, naming_file
from ...files import check_not_an_input, file_sha256, json_text, text_writer, write_together
from ...groundtruth import (
    PAPER,
    Contrast,
    ContrastError,
    ContrastTruth,
    GroundTruth,
    GroundTruthOptions,
    make_ground_truth,
    read_exclusions,
    write_transform,
)
from ...morphometry import DiscLabel
from ...morphometry.disc_files import read_discs
from ...progress import Progress
from ...provenance import generated_by, now
from ...reports.ground_truth_page import (
    AreaRow,
    GroundTruthReport,
    JudgedContrast,
    OverviewRow,
    ground_truth_html,
    overview_html,
)
from ...volume import Volume, read_nifti, time_points, write_nifti
from .ground_truth_areas import (
    KINDS,
    ContrastArea,
    areas_csv,
    carried_discs,
    disc_images,
    measure_areas,
    sd_over_contrasts,
)
from .masked_participants import MaskedParticipant, without_excluded

COMMAND = "softcord softgt"


@dataclass(frozen=True)
class SoftGroundTruthOptions:
    """Options of :func:`make_soft_ground_truth`.

    Attributes:
        method: of registration and average.
        levels: over which areas are measured, where there are discs.
        as_dataset: results go to ``derivatives/labels_softseg/sub-…/anat`` below the folder, as a
            BIDS data set has them; else right into it.
        binary: also write the soft mask at or above 0.5.
        standard_names: write the names that the BIDS validator accepts.
    """

    method: GroundTruthOptions = PAPER
    levels: tuple[int, ...] = (2, 3)
    as_dataset: bool = False
    binary: bool = False
    standard_names: bool = False

    @property
    def command(self) -> dict[str, Any]:
        """Name and options of the command, for sidecars."""
        method = self.method
        return {
            "Name": COMMAND,
            "Options": {
                "reference": method.reference,
                "registration": method.registration.method,
                "trim_mm": method.trim_mm,
                "trim_of": dict(method.trim_of),
                "trim_slices": method.trim_slices,
                "spacing": method.spacing_mm,
                "smooth_mm": method.registration.smooth_mm,
                "beyond_reference": method.beyond_reference,
                "levels": list(self.levels),
            },
        }


@dataclass(frozen=True)
class GroundTruthPaths:
    """The names of a participant's results.

    Attributes:
        folder: of all results.
        participant: its files.
        options: see :class:`SoftGroundTruthOptions`.
    """

    folder: Path
    participant: MaskedParticipant
    options: SoftGroundTruthOptions

    def soft(self, contrast: str) -> Path:
        """The soft ground truth."""
        return self._label(SOFT_LABELS, contrast, Kind.SOFT_MASK)

    def binary(self, contrast: str) -> Path:
        """The soft ground truth at or above 0.5."""
        return self._label(CUT_SOFT_LABELS, contrast, Kind.CUT_SOFT_MASK)

    def discs(self, contrast: str) -> Path:
        """The discs, carried over."""
        return self._label(SOFT_LABELS, contrast, Kind.WARPED_DISCS)

    def transform(self, contrast: str, source: str, target: str) -> Path:
        """The transform that resamples images of ``source`` on the grid of ``target``."""
        name = transform_name(self.participant.name, source, target)
        return self._folder(SOFT_LABELS, contrast) / name

    def page(self) -> Path:
        """The page to look at."""
        return self._home() / f"{self.participant.name}_softgt.html"

    def areas(self) -> Path:
        """The table of areas."""
        return self._home() / f"{self.participant.name}_softgt_csa.csv"

    def all(self) -> list[Path]:
        """Every file that may be written."""
        paths, reference = [self.page(), self.areas()], self.options.method.reference
        for contrast in self.participant.masks:
            soft = self.soft(contrast)
            paths += [soft, sidecar_path(soft)]
            paths += [self.binary(contrast)] if self.options.binary else []
            if contrast != reference:
                paths.append(self.transform(contrast, contrast, reference))
                paths.append(self.transform(contrast, reference, contrast))
            if self.participant.discs is not None:
                paths.append(self.discs(contrast))
        return paths

    def _label(self, pipeline: str, contrast: str, kind: Kind) -> Path:
        standard = self.options.standard_names
        name = label_name(self.participant.base(contrast), kind, standard_names=standard)
        return self._folder(pipeline, contrast) / name

    def _folder(self, pipeline: str, contrast: str) -> Path:
        if not self.options.as_dataset:
            return self.folder
        participant = self.participant
        modality = modality_of(participant.masks[contrast], participant.base(contrast))
        return derivative_folder(self.folder, pipeline, participant.name, modality)

    def _home(self) -> Path:
        if not self.options.as_dataset:
            return self.folder
        return derivative_folder(self.folder, SOFT_LABELS, self.participant.name)


@dataclass(frozen=True)
class SoftGroundTruth:
    """What was made for one participant.

    Attributes:
        participant: its files.
        truth: without voxels, since a study has hundreds of participants.
        mask_sha256: of the masks' files, by contrast.
        areas: over the levels; none without discs.
        notes: sentences that a reader has to know.
        files: written, by kind and contrast.
    """

    participant: MaskedParticipant
    truth: GroundTruth
    mask_sha256: Mapping[str, str]
    areas: tuple[ContrastArea, ...] = ()
    notes: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[tuple[str, InputError], ...] = ()

    @property
    def name(self) -> str:
        """Of the participant."""
        return self.participant.name

    def as_json(self) -> dict[str, Any]:
        """In plain types."""
        sd = {kind: sd_over_contrasts(self.areas, kind) for kind in KINDS}
        return {
            "participant": self.name,
            "reference": self.truth.reference,
            "contrasts": {one.name: registration_numbers(one) for one in self.truth.contrasts},
            "left_out": dict(self.participant.left_out),
            "area_sd_mm2": sd if self.areas else None,
            "notes": list(self.notes),
            "files": dict(self.files),
        }


def make_soft_ground_truth(
    participant: MaskedParticipant,
    folder: Path,
    options: SoftGroundTruthOptions = SoftGroundTruthOptions(),
    progress: Progress | None = None,
) -> SoftGroundTruth:
    """Read the masks, make the ground truth, measure it, and write all files or none.

    Args:
        participant: see :mod:`.masked_participants`.
        folder: of the results.
        options: see :class:`SoftGroundTruthOptions`.
        progress: reports; checked for cancellation.

    Raises:
        InputError: a file cannot be used.
        OptionError: as :func:`check_paths`.
        OutputError: a soft mask there was corrected by hand, or results cannot be written.
        Cancelled: the user stopped the work.
    """
    progress = progress or Progress()
    paths = check_paths(participant, folder, options)
    check_replaceable(map(paths.soft, participant.masks))
    participant, contrasts, truth, failures = _averaged(participant, options, progress)
    paths = check_paths(participant, folder, options)
    discs: dict[str, list[DiscLabel]] = {}
    areas: list[ContrastArea] = []
    notes: list[str] = []
    if participant.discs is not None and participant.discs_of is not None:
        progress.report(0.6, "Measuring")
        discs = carried_discs(read_discs(participant.discs), participant.discs_of, truth)
        areas, notes = measure_areas(contrasts, truth, discs, options.levels)
    images, missing = disc_images(discs, participant.discs_of, truth)
    all_notes = [*participant.notes, *truth.notes]
    all_notes += [note for one in truth.contrasts for note in one.notes]
    sums = {name: file_sha256(path) for name, path in participant.masks.items()}
    made = SoftGroundTruth(
        participant, truth, sums, tuple(areas), (*all_notes, *notes, *missing), failures=failures
    )
    progress.check_cancelled()
    progress.report(0.7, "Drawing the page")
    writers, files = _writers(made, paths, images)
    page = ground_truth_html(_report(made, contrasts, options, files))
    writers[paths.page()] = text_writer(page)
    files["page"] = str(paths.page())
    progress.check_cancelled()
    progress.report(0.9, "Writing")
    write_together(writers)
    return replace(made, truth=truth.without_voxels(), files=files)


def _averaged(
    participant: MaskedParticipant, options: SoftGroundTruthOptions, progress: Progress
) -> tuple[MaskedParticipant, list[Contrast], GroundTruth, tuple[tuple[str, InputError], ...]]:
    """The average of the masks that can be used; the participant without the others, and why.

    Raises:
        InputError: the reference cannot be used, or nothing is left to average with it.
    """
    contrasts, failures, count = [], [], len(participant.masks)
    for index, (name, path) in enumerate(participant.masks.items()):
        progress.check_cancelled()
        progress.report(0.1 * index / count, f"Reading {name}")
        try:
            with naming_file(path):
                contrasts.append(Contrast(name, read_nifti(path)))
        except InputError as error:
            failures.append((name, error))
    truth = None
    while truth is None:
        lost = {name for name, _ in failures}
        if lost and (options.method.reference in lost or len(contrasts) < 2):
            raise failures[0][1]
        try:
            truth = make_ground_truth(contrasts, options.method, progress.part(0.1, 0.6))
        except ContrastError as error:
            error.in_file(participant.masks[error.contrast])
            failures.append((error.contrast, error))
            contrasts = [one for one in contrasts if one.name != error.contrast]
    reasons = [
        (name, error.sentence.removeprefix(f"{name}: ").rstrip(".")) for name, error in failures
    ]
    return participant.without(reasons), contrasts, truth, tuple(failures)


def check_paths(
    participant: MaskedParticipant, folder: Path, options: SoftGroundTruthOptions
) -> GroundTruthPaths:
    """The names of the results; none may be that of an input or of another one.

    Raises:
        OptionError: one is.
    """
    paths = GroundTruthPaths(folder, participant, options)
    outputs = paths.all()
    check_not_an_input(outputs, participant.inputs)
    if len({str(path).casefold() for path in outputs}) < len(outputs):
        raise OptionError(
            f"Two results of {participant.name} would have the same name.",
            hint="Give the contrasts other names.",
        )
    return paths


def leave_out(
    participants: Sequence[MaskedParticipant],
    exclusion_list: Path,
    folder: Path,
    options: SoftGroundTruthOptions,
) -> tuple[list[MaskedParticipant], list[str]]:
    """Participants without what is on an exclusion list.

    Returns:
        Those for whom something is left to do, and sentences on what is left out, on ground truths
        of an earlier run that lie there all the same, and on names that are not known.

    Raises:
        InputError: the list cannot be read.
    """
    exclusions = read_exclusions(exclusion_list)
    kept, sentences = [], []
    for one in participants:
        rest, sentence = without_excluded(one, exclusions, options.method.reference)
        if sentence:
            sentences.append(sentence + _leftovers(one, rest, folder, options))
        if rest is not None:
            kept.append(rest)
    known = {name for one in participants for name in one.listed_names}
    unknown = [entry.name for entry in exclusions.entries if entry.name not in known]
    if unknown:
        shown = ", ".join(unknown[:5]) + (" …" if len(unknown) > 5 else "")
        sentences.append(
            f"'{exclusion_list.name}' also names what is not here ({len(unknown)}): {shown}."
        )
    return kept, sentences


def write_overview(
    results: Sequence[SoftGroundTruth],
    errors: Mapping[str, str],
    left_out: Sequence[str],
    folder: Path,
) -> Path:
    """Write the page over all participants of a data set, and the table of their areas.

    Args:
        results: what was made.
        errors: sentences on participants that could not be done, by name.
        left_out: sentences on what the exclusion list leaves out.
        folder: of the results.

    Returns:
        The page.

    Raises:
        OutputError: it cannot be written.
    """
    home = derivative_folder(folder, SOFT_LABELS, "")
    page = home / "softgt.html"
    rows = [
        OverviewRow(
            one.name,
            Path(one.files["page"]).relative_to(home).as_posix(),
            _judged(one),
            _area_rows(one.areas),
            len(one.notes),
        )
        for one in results
    ]
    writers = {page: text_writer(overview_html(rows, errors, left_out))}
    areas = [(one.name, area) for one in results for area in one.areas]
    if areas:
        writers[home / "softgt_csa.csv"] = text_writer(areas_csv(areas))
    write_together(writers)
    return page


def registration_numbers(one: ContrastTruth) -> dict[str, Any]:
    """How a contrast was registered, in plain numbers."""
    shift, angle = one.shift_mm, one.angle_deg
    largest = round(float(np.linalg.norm(shift, axis=1).max()), 3) if len(shift) else None
    return {
        "SlicesRegistered": int(one.used.sum()),
        "SlicesTurned": int(one.turned.sum()),
        "ShiftLeftMm": _range(shift[:, 0]),
        "ShiftAnteriorMm": _range(shift[:, 1]),
        "LargestShiftMm": largest,
        "RotationDegrees": _range(angle),
        "CoverageOfAveragedCord": round(one.coverage, 4),
        "ReferenceSlicesTrimmedAtEachEnd": one.trimmed,
        "SlicesWithoutGroundTruth": list(one.without),
    }


def _range(values: np.ndarray) -> list[float] | None:
    if not len(values):
        return None
    # A sum with 0 turns the -0.0 of a rounded small number into 0.0.
    return [round(float(values.min()), 3) + 0.0, round(float(values.max()), 3) + 0.0]


def _leftovers(
    before: MaskedParticipant,
    after: MaskedParticipant | None,
    folder: Path,
    options: SoftGroundTruthOptions,
) -> str:
    """A sentence on the ground truths of contrasts that are left out now, but were not in an
    earlier run; "" without.
    """
    paths = GroundTruthPaths(folder, before, options)
    gone = [contrast for contrast in before.masks if after is None or contrast not in after.masks]
    names = [path.name for path in map(paths.soft, gone) if path.exists()]
    if not names:
        return ""
    return (
        f" But {', '.join(names)} of an earlier run is still there, and training would use it:"
        " remove it."
    )


def _writers(
    made: SoftGroundTruth, paths: GroundTruthPaths, images: Mapping[str, Volume]
) -> tuple[dict[Path, Callable[[Path], object]], dict[str, str]]:
    """For each file of a participant but the page a function that writes it, and the files by kind
    and contrast.
    """
    writers: dict[Path, Callable[[Path], object]] = {}
    files: dict[str, str] = {}

    def add(kind: str, path: Path, write: Callable[[Path], object]) -> None:
        writers[path] = write
        files[kind] = str(path)

    reference = made.truth.reference
    for one in made.truth.contrasts:
        name, soft, path = one.name, one.voxels, paths.soft(one.name)
        kinds = {path: "soft", sidecar_path(path): "sidecar"}
        masks: dict[Path, Callable[[Path], object]] = {path: partial(write_nifti, soft)}
        if paths.options.binary:
            binary = soft.with_data((soft.data >= 0.5).astype(np.uint8))
            masks[paths.binary(name)] = partial(write_nifti, binary)
            kinds[paths.binary(name)] = "binary"
        sidecar = _sidecar(one, made, paths.options)
        for file, write in hashed_writers(masks, sidecar_path(path), sidecar).items():
            add(f"{kinds[file]} {name}", file, write)
        if not one.is_reference:
            there = paths.transform(name, name, reference)
            add(f"to {reference} from {name}", there, partial(write_transform, one))
            back = partial(write_transform, one, inverse=True)
            add(f"to {name} from {reference}", paths.transform(name, reference, name), back)
        if name in images:
            add(f"discs {name}", paths.discs(name), partial(write_nifti, images[name]))
    if made.areas:
        table = areas_csv([(made.name, area) for area in made.areas])
        add("areas", paths.areas(), text_writer(table))
    if paths.options.as_dataset:
        for pipeline in (SOFT_LABELS, *([CUT_SOFT_LABELS] if paths.options.binary else [])):
            path = derivative_folder(paths.folder, pipeline, "") / DESCRIPTION
            if not path.exists():
                source = dataset_of(next(iter(paths.participant.masks.values())))
                name = f"SoftCordSeg {pipeline.replace('_', ' ')}"
                description = derivative_description(name, source)
                writers[path] = text_writer(json_text(description))
    return writers, files


def _sidecar(
    one: ContrastTruth, made: SoftGroundTruth, options: SoftGroundTruthOptions
) -> dict[str, Any]:
    """What a contrast's ground truth is made of; names of files only, since sidecars travel."""
    method, participant = options.method, made.participant
    return {
        "GeneratedBy": generated_by(),
        "SpatialReference": "orig",
        "Description": (
            "Soft ground truth of the spinal cord: average of the masks of several contrasts,"
            " weighted by coverage."
        ),
        "Sources": [
            {"Contrast": name, "Mask": path.name, "SHA256": made.mask_sha256[name]}
            for name, path in participant.masks.items()
        ],
        "LeftOut": [{"Contrast": name, "Reason": reason} for name, reason in participant.left_out],
        "Reference": method.reference,
        "Registration": {
            "Method": method.registration.method,
            "SmoothMm": method.registration.smooth_mm,
            "ElongationAtLeast": method.registration.elongation,
            "LargestAngleDegrees": method.registration.largest_angle,
        },
        "AveragingSpacingMm": [round(float(size), 4) for size in made.truth.spacing_mm],
        "BeyondReference": method.beyond_reference,
        **registration_numbers(one),
        "Notes": list(one.notes),
        "Command": options.command,
        "Date": now(),
    }


def _report(
    made: SoftGroundTruth,
    contrasts: Sequence[Contrast],
    options: SoftGroundTruthOptions,
    files: Mapping[str, str],
) -> GroundTruthReport:
    """What the page shows."""
    from ...reports.ground_truth_pictures import slices_png

    participant, truth = made.participant, made.truth
    pictures = {
        one.name: slices_png(one.voxels, given.mask, _image(participant, one.name))
        for given, one in zip(contrasts, truth.contrasts)
    }
    return GroundTruthReport(
        made.name,
        truth,
        _judged(made),
        pictures,
        [one.name for one in truth.contrasts if one.name not in participant.images],
        options.method.registration.method,
        {name: path.name for name, path in participant.masks.items()},
        [Path(path).name for path in files.values() if path.endswith(".nii.gz")],
        _area_rows(made.areas),
        made.areas[0].levels if made.areas else "",
        made.notes,
        participant.left_out,
        # Those of a data set are judged side by side, on the overview.
        alone=not options.as_dataset,
    )


def _image(participant: MaskedParticipant, contrast: str) -> Volume | None:
    path = participant.images.get(contrast)
    if path is None:
        return None
    return read_nifti(path, "mean" if time_points(path) > 1 else None)


def _judged(made: SoftGroundTruth) -> list[JudgedContrast]:
    """The contrasts of a participant, for the pages."""
    return [
        JudgedContrast(one, made.participant.listed_as(one.name), made.mask_sha256[one.name])
        for one in made.truth.contrasts
    ]


def _area_rows(areas: Sequence[ContrastArea]) -> list[AreaRow]:
    """The areas by kind of mask, for the pages; none without areas."""
    return [
        AreaRow(
            kind,
            {area.contrast: area.mean for area in areas if area.mask == kind},
            sd_over_contrasts(areas, kind),
        )
        for kind in (KINDS if areas else ())
    ]
