"""Prepare a participant: from raw images to one 3D image of each contrast and, on request, an
initial mask of each, in a data set of its own.

T2*w: root mean square over echoes. Diffusion: the mean of the diffusion-weighted volumes after
motion correction. Functional series: the mean of all volumes after motion correction. Other series:
their mean. 3D images: copies.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import nibabel
from nibabel.dataobj_images import DataobjImage

from ...bids import (
    DESCRIPTION,
    LABELS,
    Kind,
    SeriesKind,
    derivative_description,
    derivative_folder,
    label_name,
    read_sidecar,
    session_folder,
    sidecar_path,
)
from ...errors import Cancelled, InputError, OptionError, naming_file
from ...files import check_not_an_input, file_sha256, json_text, text_writer, write_together
from ...network import ModelBundle
from ...preprocessing import (
    B0_BELOW,
    Motion,
    MotionOptions,
    Series,
    average,
    estimate_motion,
    find_weighting,
    mean_volume,
    read_series,
    root_mean_square,
)
from ...progress import Progress
from ...provenance import generated_by, now
from ...segmentation import SoftMask, segment_within_memory
from ...volume import Volume, read_nifti, reorient, resample, time_points, write_nifti
from .initial_masks import InitialMask, copied_mask, corrected_mask, thresholded_mask
from .motion_table import motion_csv
from .raw_images import RawImage, RawParticipant

# In an image's sidecar: the program that made it.
COMMAND = "softcord prepare"
COPY, SINGLE, RMS = "copy", "the one volume of its series", "root mean square over echoes"
MEAN, CORRECTED_MEAN = "mean", "mean after motion correction"
RESAMPLED = "resampled"
# For each file a function that writes it to the path it is given.
Writers = dict[Path, Callable[[Path], object]]


@dataclass(frozen=True)
class PrepareOptions:
    """Options of :func:`prepare_participant`.

    Attributes:
        masks: make an initial mask of each contrast; masks of the data set come first.
        threshold: the model's soft mask at or above this is an initial mask.
        spacing_mm: isotropic voxel size by contrast; others keep their grid.
        b0_below: a volume with a b-value below this has b = 0, s/mm².
        motion: how motion is measured; None to average without correcting it.
        device: of the network.
        standard_names: write the names that the BIDS validator accepts.
    """

    masks: bool = False
    threshold: float = 0.5
    spacing_mm: Mapping[str, float] = field(default_factory=dict)
    b0_below: float = B0_BELOW
    motion: MotionOptions | None = MotionOptions()
    device: str = "auto"
    standard_names: bool = False

    def __post_init__(self) -> None:
        for contrast, size in self.spacing_mm.items():
            if not 0.1 <= size <= 10:
                raise OptionError(
                    f"A voxel size of {size:g} mm, for {contrast}, is not usable.",
                    hint="Choose one from 0.1 to 10 mm.",
                )

    def needs_model(self, participant: RawParticipant) -> bool:
        """Whether the cord is to be found in one of the participant's images."""
        moving = (SeriesKind.DIFFUSION, SeriesKind.FUNCTIONAL) if self.motion else ()
        return any(
            one.mask is None and (self.masks or one.kind in moving) for one in participant.images
        )

    @property
    def command(self) -> dict[str, Any]:
        """Name and options of the command, for sidecars."""
        motion = self.motion
        return {
            "Name": COMMAND,
            "Options": {
                "masks": self.masks,
                "threshold": self.threshold,
                "b0_below": self.b0_below,
                "moco": motion is not None,
                "group": motion.group if motion else None,
                "degree": motion.degree if motion else None,
                "width_mm": motion.width_mm if motion else None,
                "resample": dict(self.spacing_mm),
            },
        }


@dataclass(frozen=True, eq=False)
class MadeImage:
    """One 3D image.

    Attributes:
        raw: what it is made of.
        method: COPY (of a file that is 3D), SINGLE, RMS, MEAN or CORRECTED_MEAN, with RESAMPLED
            after it, or that alone.
        volume: its voxels.
        volumes: how many went into it.
        record: for its sidecar, plain types.
        motion: where it was measured.
        b_values: of the motion's volumes, s/mm²; () where they are not known.
        notes: sentences.
    """

    raw: RawImage
    method: str
    volume: Volume
    volumes: int = 1
    record: dict[str, Any] = field(default_factory=dict)
    motion: Motion | None = None
    b_values: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PreparedImage:
    """What was done for one contrast, in plain types.

    Attributes:
        contrast: by the name of the image.
        method: see :class:`MadeImage`.
        volumes: how many went into the image.
        largest_shift_mm: None where no motion was measured.
        mask: "drawn" (of the data set), "model", "kept" (an earlier one that somebody corrected) or
            None.
        files: by kind.
    """

    contrast: str
    method: str
    volumes: int
    largest_shift_mm: float | None
    mask: str | None
    files: dict[str, str]


@dataclass(frozen=True)
class PreparedParticipant:
    """What was done for one participant.

    Attributes:
        name: of the participant.
        images: one a contrast.
        notes: sentences that a user has to know.
        failures: (contrast, error) of those that could not be made.
    """

    name: str
    images: tuple[PreparedImage, ...]
    notes: tuple[str, ...]
    failures: tuple[tuple[str, Exception], ...] = ()


@dataclass(frozen=True, eq=False)
class _Work:
    """A participant, where results go, and what is to be done; see :func:`prepare_participant`."""

    participant: RawParticipant
    out: Path
    options: PrepareOptions
    bundle: ModelBundle | None = None

    def image(self, raw: RawImage) -> Path:
        """Where the image goes; always compressed: beside a ``.nii`` of an earlier run a
        ``.nii.gz`` would be a second image.
        """
        return session_folder(self.out, self.participant.name, raw.modality) / f"{raw.name}.nii.gz"

    def motion(self, raw: RawImage) -> Path:
        """Where the table of shifts goes."""
        return self.image(raw).with_name(f"{raw.name}_motion.csv")

    def mask(self, raw: RawImage) -> Path:
        """Where the initial mask goes."""
        name = label_name(raw.name, Kind.BINARY_MASK, standard_names=self.options.standard_names)
        return self._labels(raw.modality) / name

    def discs(self, modality: str, original: Path) -> Path:
        """Where a file of discs goes, under its own name."""
        return self._labels(modality) / original.name

    def outputs(self) -> list[Path]:
        """Every file that may be written."""
        paths = [self.discs(modality, path) for modality, path in self.participant.discs]
        for raw in self.participant.images:
            image, mask = self.image(raw), self.mask(raw)
            paths += [image, sidecar_path(image), self.motion(raw), mask, sidecar_path(mask)]
        return paths

    def find_cord(self, image: Volume, progress: Progress) -> SoftMask:
        """The cord by the model."""
        if self.bundle is None:
            raise ValueError("the cord has to be found, but there is no model bundle")
        return segment_within_memory(
            image, self.bundle, progress=progress, device=self.options.device
        )

    def _labels(self, modality: str) -> Path:
        return derivative_folder(self.out, LABELS, self.participant.name, modality)


def prepare_participant(
    participant: RawParticipant,
    out: Path,
    options: PrepareOptions = PrepareOptions(),
    bundle: ModelBundle | None = None,
    progress: Progress | None = None,
) -> PreparedParticipant:
    """Make all images of a participant and write them together; a contrast that cannot be made
    does not cost the others.

    Args:
        participant: see :mod:`.raw_images`.
        out: folder of a data set: images go to ``sub-01/anat`` and ``dwi``, masks to
            ``derivatives/labels/sub-01/…``.
        options: see :class:`PrepareOptions`.
        bundle: finds the cord; may be None where :meth:`PrepareOptions.needs_model` is False.
        progress: reports; checked for cancellation.

    Raises:
        InputError: no contrast can be made.
        OptionError: as :func:`check_outputs`.
        OutputError: results cannot be written.
        Cancelled: the user stopped the work.
    """
    check_outputs(participant, out, options)
    if not participant.images:
        raise InputError(
            f"{participant.name} has no image to prepare. {' '.join(participant.notes)}".rstrip(),
            hint="Add an image, or leave the participant out.",
        )
    work, progress = _Work(participant, out, options, bundle), progress or Progress()
    prepared, notes = [], list(participant.notes)
    failures: list[tuple[str, Exception]] = []
    writers: Writers = {}
    count = len(participant.images)
    for number, raw in enumerate(participant.images):
        part = progress.part(0.95 * number / count, 0.95 * (number + 1) / count)
        own: Writers = {}
        try:
            with naming_file(raw.files[0]):
                image, sentences = _prepared_image(own, work, raw, part)
        except Cancelled:
            raise
        except Exception as error:  # of one contrast only
            failures.append((raw.contrast, error))
            continue
        writers.update(own)
        prepared.append(image)
        notes += sentences
    if not prepared:
        raise failures[0][1]
    if options.masks:
        notes += _disc_files(writers, work)
    description = out / DESCRIPTION
    if not description.exists():
        content = derivative_description("SoftCordSeg: one image a contrast", participant.root)
        writers[description] = text_writer(json_text(content))
    progress.check_cancelled()
    progress.report(0.95, "Writing")
    write_together(writers)
    return PreparedParticipant(participant.name, tuple(prepared), tuple(notes), tuple(failures))


def _prepared_image(
    writers: Writers, work: _Work, raw: RawImage, progress: Progress
) -> tuple[PreparedImage, list[str]]:
    """One contrast; for each of its files a function that writes it, and sentences."""
    progress.report(0.0, f"Reading {raw.contrast}")
    made = _make_image(work, raw, progress.part(0.0, 0.7))
    notes, kind = list(made.notes), None
    files = _image_files(writers, work, made)
    if work.options.masks:
        progress.check_cancelled()
        kind, more = _mask_files(writers, files, work, made, progress.part(0.7, 1.0))
        notes += more
    largest = None if made.motion is None else round(made.motion.largest_mm, 3)
    return PreparedImage(raw.contrast, made.method, made.volumes, largest, kind, files), notes


def check_outputs(participant: RawParticipant, out: Path, options: PrepareOptions) -> None:
    """Refuse to write over an input, or over an image that is not ours.

    Raises:
        OptionError: it would be.
    """
    work = _Work(participant, out, options)
    check_not_an_input(work.outputs(), participant.inputs)
    for path in map(work.image, participant.images):
        command = read_sidecar(sidecar_path(path)).get("Command")
        if path.exists() and not (isinstance(command, dict) and command.get("Name") == COMMAND):
            raise OptionError(
                f"This file exists, and {COMMAND} did not make it, so it is not overwritten.",
                path=path,
                hint="Choose another folder, or remove the file.",
            )


def _make_image(work: _Work, raw: RawImage, progress: Progress) -> MadeImage:
    """One 3D image of the files of a contrast, resampled where options say so."""
    progress.check_cancelled()
    made = _combined(work, raw, progress)
    if raw.contrast not in work.options.spacing_mm:
        return made
    # In the orientation LAS (SCT's RPI), linearly, as the authors resample T1w and T2w.
    spacing = work.options.spacing_mm[raw.contrast]
    framed = reorient(made.volume, "LAS")
    return replace(
        made,
        method=RESAMPLED if made.method == COPY else f"{made.method}, {RESAMPLED}",
        volume=resample(framed, framed.grid.with_spacing(spacing), order=1),
        record={**made.record, "ResampledToMm": spacing},
    )


def _combined(work: _Work, raw: RawImage, progress: Progress) -> MadeImage:
    """The image on its own grid."""
    if len(raw.files) > 1:
        echoes = [_single(path) for path in raw.files]
        image = root_mean_square(echoes, [path.name for path in raw.files])
        return MadeImage(raw, RMS, image, len(echoes), {"Echoes": len(echoes)})
    (path,) = raw.files
    count = time_points(path)
    if raw.kind is SeriesKind.DIFFUSION and not (count == 1 and raw.is_average):
        return _diffusion(work, raw, progress)
    if count == 1:
        # One volume that is stored as a series would not be an image to other programs.
        stored = nibabel.load(path)
        is_3d = isinstance(stored, DataobjImage) and stored.ndim == 3
        return MadeImage(raw, COPY if is_3d else SINGLE, read_nifti(path))
    series = read_series(path)
    if raw.kind is SeriesKind.ECHOES:
        return MadeImage(raw, RMS, root_mean_square(series), count, {"Echoes": count})
    if raw.kind is SeriesKind.FUNCTIONAL:
        return _moving_mean(work, raw, series, tuple(range(count)), progress)
    note = (
        f"{raw.contrast} is a series of {count} volumes; their mean is used, without motion"
        " correction."
    )
    return MadeImage(raw, MEAN, mean_volume(series), count, notes=(note,))


def _single(path: Path) -> Volume:
    """An echo in a file of its own."""
    if time_points(path) > 1:
        raise InputError(
            "This is one of several echoes, and itself a series of volumes.",
            path=path,
            hint="Give one volume for each echo.",
        )
    return read_nifti(path)


def _diffusion(work: _Work, raw: RawImage, progress: Progress) -> MadeImage:
    (path,) = raw.files
    series = read_series(path)
    if len(series) == 1:
        raise InputError(
            "This is a single volume, not a diffusion series.",
            path=path,
            hint=f"If it is an average already, name it {raw.name}.nii.gz, or give it as the"
            f" contrast {raw.contrast}.",
        )
    b0_below = work.options.b0_below
    found = find_weighting(path, len(series), raw.b_values, work.participant.root, b0_below)
    b_values = tuple(found.b_values[number] for number in found.weighted if found.b_values)
    record = {
        "BValuesFrom": found.path.name if found.path else None,
        "B0Below": b0_below if found.b_values else None,
        "B0Volumes": list(found.b0),
    }
    made = _moving_mean(work, raw, series, found.weighted, progress)
    return replace(made, record={**record, **made.record}, b_values=b_values)


def _moving_mean(
    work: _Work, raw: RawImage, series: Series, volumes: Sequence[int], progress: Progress
) -> MadeImage:
    """The mean of these volumes, after correction of their motion where options say so."""
    options = work.options.motion
    record: dict[str, Any] = {"AveragedVolumes": list(volumes)}
    plain = average(series, volumes=volumes)
    if options is None:
        return MadeImage(raw, MEAN, plain.mean, len(volumes), {**record, "Motion": None})
    cord, notes = _cord_of(work, raw, plain.mean, progress.part(0.0, 0.5))
    with naming_file(raw.files[0]):
        motion = estimate_motion(series, cord, volumes, options, progress.part(0.5, 1.0))
    corrected = average(series, motion)
    record["Motion"] = _motion_record(motion, options, cord is not None)
    if cord is not None:
        record["Motion"]["TemporalDeviationInCordBefore"] = round(plain.deviation_in(cord), 4)
        record["Motion"]["TemporalDeviationInCordAfter"] = round(corrected.deviation_in(cord), 4)
    if motion.failed:
        numbers = ", ".join(map(str, motion.failed))
        notes.append(
            f"{raw.contrast}: the motion of volume {numbers} was not found; that of its neighbour"
            " is used."
        )
    return MadeImage(
        raw, CORRECTED_MEAN, corrected.mean, len(volumes), record, motion, notes=tuple(notes)
    )


def _cord_of(
    work: _Work, raw: RawImage, mean: Volume, progress: Progress
) -> tuple[Volume | None, list[str]]:
    """The cord in the uncorrected mean, on any grid; None, and a sentence, where none is found."""
    if raw.mask is not None:
        return read_nifti(raw.mask), []
    found = work.find_cord(mean, progress)
    if found.found:
        return found.volume, []
    return None, [
        f"{raw.contrast}: no cord was found in the mean before correction, so motion was measured"
        " in whole slices."
    ]


def _motion_record(motion: Motion, options: MotionOptions, about_cord: bool) -> dict[str, Any]:
    return {
        "Method": (
            "shift of each slice within its plane, least squares against the mean of the aligned"
            " volumes"
        ),
        "Where": "column about the cord" if about_cord else "whole slices",
        "ColumnWidthMm": options.width_mm if about_cord else None,
        "PolynomialDegreeAlongCord": options.degree,
        "VolumesInGroup": options.group,
        "SmoothingMm": options.smooth_mm,
        "Interpolation": "cubic spline",
        "SlicesMeasured": int(motion.measured.sum()),
        "LargestShiftMm": round(motion.largest_mm, 4),
        "RootMeanSquareShiftMm": round(motion.typical_mm, 4),
        "VolumesNotFound": list(motion.failed),
    }


def _image_files(writers: Writers, work: _Work, made: MadeImage) -> dict[str, str]:
    """Add for each file of a contrast's image a function that writes it; the files by kind."""
    path = work.image(made.raw)
    files = {"image": path, "sidecar": sidecar_path(path)}
    if made.method == COPY:
        writers[path] = partial(_copy_compressed, made.raw.files[0])
    else:
        writers[path] = partial(write_nifti, made.volume)
    writers[files["sidecar"]] = text_writer(json_text(_image_sidecar(work, made)))
    if made.motion is not None:
        files["motion"] = work.motion(made.raw)
        writers[files["motion"]] = text_writer(motion_csv(made.motion, made.b_values))
    return {kind: str(file) for kind, file in files.items()}


def _mask_files(
    writers: Writers, files: dict[str, str], work: _Work, made: MadeImage, progress: Progress
) -> tuple[str | None, list[str]]:
    """The same of its initial mask, unless there is one that somebody corrected; its kind, see
    :class:`PreparedImage`, and sentences.
    """
    raw, path = made.raw, work.mask(made.raw)
    kept = corrected_mask(path)
    if kept is not None:
        files["mask"] = str(kept)
        return "kept", [
            f"{raw.contrast}: the mask '{kept}' was changed after {COMMAND} wrote it, or is not"
            " its, and is kept. Remove it to have it made again."
        ]
    mask, notes = _initial_mask(work, made, progress)
    if mask is None:
        return None, notes
    if mask.copy_of is None:
        writers[path] = partial(write_nifti, mask.volume)
    else:
        writers[path] = partial(_copy_compressed, mask.copy_of)
    writers[sidecar_path(path)] = text_writer(json_text(mask.record))
    files.update({"mask": str(path), "mask sidecar": str(sidecar_path(path))})
    return "model" if mask.copy_of is None else "drawn", notes


def _initial_mask(
    work: _Work, made: MadeImage, progress: Progress
) -> tuple[InitialMask | None, list[str]]:
    raw, options = made.raw, work.options
    if raw.mask is not None:
        copy = copied_mask(raw.mask, options.command)
        on_grid = copy.volume.grid.same_as(made.volume.grid)
        grid = "" if on_grid else ", which is on another grid than the image"
        return copy, [f"{raw.contrast}: the mask '{raw.mask.name}' of the data set is used{grid}."]
    found = work.find_cord(made.volume, progress)
    mask = thresholded_mask(
        found,
        work.bundle,
        f"{raw.name}.nii.gz",
        threshold=options.threshold,
        device=options.device,
        command=options.command,
    )
    if mask is not None:
        return mask, []
    return None, [
        f"{raw.contrast} has no mask: {found.message} Draw one, or leave this contrast out."
    ]


def _disc_files(writers: Writers, work: _Work) -> list[str]:
    """The same of the discs; sentences on those that are kept as they are."""
    notes = []
    for modality, original in work.participant.discs:
        path = work.discs(modality, original)
        if path.exists() and path.read_bytes() != original.read_bytes():
            notes.append(
                f"The discs '{path}' differ from those of the data set, and are kept. Remove them"
                " to have them copied."
            )
        else:
            writers[path] = partial(shutil.copyfile, original)
    return notes


def _copy_compressed(source: Path, target: Path) -> None:
    """Copy an image file byte by byte; one that is not compressed is compressed."""
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


def _image_sidecar(work: _Work, made: MadeImage) -> dict[str, Any]:
    """What an image is made of; names of files only, since sidecars travel."""
    raw = made.raw
    return {
        "GeneratedBy": generated_by(),
        "Description": f"{raw.contrast}: {made.method}.",
        "Method": made.method,
        "Sources": [{"Image": path.name, "SHA256": file_sha256(path)} for path in raw.files],
        "Volumes": made.volumes,
        **made.record,
        "Notes": list(made.notes),
        "Command": work.options.command,
        "Date": now(),
    }
