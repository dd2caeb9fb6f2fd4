"""From the files of one contrast to one 3D image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...progress import Progress
from ..guard import naming
from .inputs import Source
from .names import DIFFUSION, ECHOES, FUNCTIONAL

if TYPE_CHECKING:
    from ...preprocessing import Motion, MotionOptions, Series
    from ...volume import Volume
    from .cords import Cords

COPY, SINGLE, RMS = "copy", "the one volume of its series", "root mean square over echoes"
MEAN, MOCO = "mean", "mean after motion correction"
RESAMPLED = "resampled"


@dataclass(frozen=True)
class How:
    """How images are made.

    Attributes:
        motion: how motion is measured; None to average without correcting it.
        b0_below: s/mm².
        spacing: isotropic voxel size by contrast, mm; others keep their grid.
    """

    motion: MotionOptions | None
    b0_below: float
    spacing: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Made:
    """One 3D image.

    Attributes:
        source: what it is made of.
        method: COPY (of a file that is 3D), SINGLE, RMS, MEAN or MOCO, with RESAMPLED after it, or
            that alone.
        image: its voxels.
        volumes: how many went into it.
        record: for its sidecar, plain types.
        motion: where it was measured.
        bvals: of the motion's volumes, s/mm²; [] where they are not known.
        notes: sentences.
    """

    source: Source
    method: str
    image: Volume
    volumes: int = 1
    record: dict[str, Any] = field(default_factory=dict)
    motion: Motion | None = None
    bvals: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


def make_image(
    source: Source, root: Path | None, how: How, cords: Cords, progress: Progress
) -> Made:
    """Combine echoes, correct and average diffusion-weighted and functional volumes, average any
    other series, pass on what is 3D.

    Then resample what is to be resampled.

    Raises:
        InputError: a file cannot be used, or does not fit the others.
        Cancelled: through ``progress``.
    """
    progress.check_cancelled()
    made = _combined(source, root, how, cords, progress)
    return (
        _resampled(made, how.spacing[source.contrast]) if source.contrast in how.spacing else made
    )


def _resampled(made: Made, spacing: float) -> Made:
    """On isotropic voxels in the orientation LAS (SCT's RPI), linearly, as the authors resample T1w
    and T2w.
    """
    from ...volume import reorient, resample

    framed = reorient(made.image, "LAS")
    image = resample(framed, framed.grid.with_spacing(spacing), order=1)
    method = RESAMPLED if made.method == COPY else f"{made.method}, {RESAMPLED}"
    return replace(
        made, method=method, image=image, record={**made.record, "ResampledToMm": spacing}
    )


def _combined(
    source: Source, root: Path | None, how: How, cords: Cords, progress: Progress
) -> Made:
    """The image on its own grid."""
    from ...preprocessing import mean_volume, read_series, root_mean_square
    from ...volume import read_nifti, time_points

    if len(source.files) > 1:
        echoes = [_single(path) for path in source.files]
        image = root_mean_square(echoes, [path.name for path in source.files])
        return Made(source, RMS, image, len(echoes), {"Echoes": len(echoes)})
    (path,) = source.files
    count = time_points(path)
    if source.kind == DIFFUSION and not (count == 1 and source.ready):
        return _diffusion(source, path, root, how, cords, progress)
    if count == 1:
        return Made(source, COPY if _is_3d(path) else SINGLE, read_nifti(path))
    series = read_series(path)
    if source.kind == ECHOES:
        return Made(source, RMS, root_mean_square(series), count, {"Echoes": count})
    if source.kind == FUNCTIONAL:
        return _aligned(source, series, tuple(range(count)), how, cords, progress)
    note = (
        f"{source.contrast} is a series of {count} volumes; their mean is taken, without correction"
        " of motion."
    )
    return Made(source, MEAN, mean_volume(series), count, notes=(note,))


def _is_3d(path: Path) -> bool:
    """Whether a file of one volume says so: as a series of one, other programs would not take it
    for an image.
    """
    import nibabel

    return len(nibabel.load(path).shape) == 3


def _single(path: Path) -> Volume:
    """An echo in a file of its own."""
    from ...volume import read_nifti, time_points

    if time_points(path) > 1:
        raise InputError(
            f"'{path}' is one of several echoes, and itself a series of volumes. Give one volume an"
            " echo."
        )
    return read_nifti(path)


def _diffusion(
    source: Source, path: Path, root: Path | None, how: How, cords: Cords, progress: Progress
) -> Made:
    from ...preprocessing import find_weighting, read_series

    series = read_series(path)
    if len(series) == 1:
        raise InputError(
            f"'{path}' is a single volume, and no diffusion series. If it is an average already,"
            f" say so in its name: {source.name}.nii.gz, or {source.contrast}=FILE."
        )
    split = find_weighting(path, len(series), source.bvals, root, how.b0_below)
    bvals = tuple(split.b_values[number] for number in split.weighted) if split.b_values else ()
    record = {
        "BValuesFrom": split.path.name,
        "B0Below": how.b0_below if split.b_values else None,
        "B0Volumes": list(split.b0),
    }
    made = _aligned(source, series, split.weighted, how, cords, progress)
    return replace(made, record={**record, **made.record}, bvals=bvals)


def _aligned(
    source: Source,
    series: Series,
    volumes: Sequence[int],
    how: How,
    cords: Cords,
    progress: Progress,
) -> Made:
    """The mean of these volumes, after correction of their motion where it is asked for."""
    from ...preprocessing import average, estimate_motion

    record: dict[str, Any] = {"AveragedVolumes": list(volumes)}
    plain = average(series, volumes=volumes)
    if how.motion is None:
        return Made(source, MEAN, plain.mean, len(volumes), {**record, "Motion": None})
    cord, notes = cords.for_motion(source, plain.mean, progress.part(0.0, 0.5))
    with naming(source.files[0]):
        motion = estimate_motion(series, cord, volumes, how.motion, progress.part(0.5, 1.0))
    corrected = average(series, motion)
    record["Motion"] = _motion_record(motion, how.motion, cord is not None)
    if cord is not None:
        record["Motion"]["TemporalDeviationInCordBefore"] = round(plain.deviation_in(cord), 4)
        record["Motion"]["TemporalDeviationInCordAfter"] = round(corrected.deviation_in(cord), 4)
    if motion.failed:
        numbers = ", ".join(map(str, motion.failed))
        notes = (
            *notes,
            (
                f"{source.contrast}: the motion of volume {numbers} was not found; it carries that"
                " of its neighbour."
            ),
        )
    return Made(source, MOCO, corrected.mean, len(volumes), record, motion, notes=notes)


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
