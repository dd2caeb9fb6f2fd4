"""A series of DICOM images -> NIfTI images, by dcm2niix: several echoes, enhanced multi-frame files
and mosaics included.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, naming_none_in
from ..processes import output_of
from ..progress import Progress
from ..volume import read_grid
from .dicom_packages import needing_dicom

# dcm2niix writes a gigabyte in about ten seconds; what takes longer than this hangs.
LONGEST_S = 1800.0
# Named so by dcm2niix: parts of a complex image that show no anatomy, images that it has resampled,
# and localisers.
_NOT_MAGNITUDE = ("_ph", "_real", "_imaginary", "_Eq", "_Tilt", "_ROI", "_i0")


@dataclass(frozen=True)
class ConvertedImages:
    """What became of a series.

    Attributes:
        images: NIfTI files on one grid: the image, or each echo of it, the first echo first.
        echo_times_s: of them, where the headers say so; 0 where not.
        notes: sentences on what was left out.
    """

    images: tuple[Path, ...]
    echo_times_s: tuple[float, ...]
    notes: tuple[str, ...] = ()


@contextlib.contextmanager
def converted(
    files: Sequence[Path], progress: Progress, seconds: float = LONGEST_S
) -> Iterator[ConvertedImages]:
    """Convert a series; the NIfTI files are there for the time of the block.

    Args:
        files: of one series.
        progress: receives progress; checked for cancellation before and after.
        seconds: that the program may take.

    Raises:
        InputError: dcm2niix is not installed, cannot convert the series or takes too long; the
            series makes several images that are no echoes of one.
        Cancelled: through ``progress``.
    """
    progress.report(0.0, "Converting the series")
    progress.check_cancelled()
    with tempfile.TemporaryDirectory(prefix="softcord-") as folder:
        source, target = Path(folder, "dicom"), Path(folder, "nifti")
        source.mkdir()
        target.mkdir()
        for number, file in enumerate(files):
            _lend(file, source / f"{number:06d}.dcm")
        _run(source, target, seconds)
        progress.check_cancelled()
        with naming_none_in(folder):
            yield _choose(sorted(target.glob("*.nii")))


def _run(source: Path, target: Path, seconds: float) -> None:
    with needing_dicom():
        import dcm2niix
    # A name of ours, not one out of the header; the sidecars, which say which echo and which part
    # an image is, without names.
    options = ["-f", "image_e%e", "-z", "n", "-b", "y", "-ba", "y", "-w", "2", "-m", "n"]
    command = [str(dcm2niix.bin), *options, "-o", str(target), str(source)]
    try:
        code, _ = output_of(command, dict(os.environ), seconds)
    except OSError as error:
        sentence = (
            f"The conversion of the series took over {seconds:g} s and was stopped."
            if isinstance(error, TimeoutError)
            else "The program dcm2niix, which converts DICOM, cannot be started."
        )
        raise InputError(
            sentence, hint="Convert the series to NIfTI by another program."
        ) from error
    # 8: some files were left out; what was converted is looked at.
    if code not in (0, 8) or not any(target.glob("*.nii")):
        raise InputError(
            "The series cannot be converted by dcm2niix: its images are corrupt, or of a kind that"
            " it does not know.",
            hint="Export the series again, or convert it to NIfTI by another program.",
        )


def _choose(images: Sequence[Path]) -> ConvertedImages:
    """The image, or the echoes of it, among what dcm2niix wrote."""
    about = {image: _sidecar(image) for image in images}
    kept = [image for image in images if _is_magnitude(image, about[image])]
    notes: tuple[str, ...] = ()
    if len(kept) < len(images):
        count = len(images) - len(kept)
        notes = (
            f"{count} more image{'s' if count > 1 else ''} of the series (phase, a part of a"
            " complex image, resampled or of a localiser) "
            f"{'were' if count > 1 else 'was'} left out.",
        )
    if not kept:
        raise InputError(
            "The series holds no magnitude image, only phases or parts of a complex one.",
            hint="Give the series of the magnitude.",
        )
    times = {image: float(about[image].get("EchoTime") or 0.0) for image in kept}
    kept = sorted(kept, key=lambda image: (times[image], image.name))
    grids = [read_grid(image) for image in kept]
    if any(not grid.same_as(grids[0], 0.01) for grid in grids[1:]):
        raise InputError(
            f"The series holds {len(kept)} images of different places or sizes.",
            hint="Convert it to NIfTI, and give the image that shows the cord.",
        )
    if len(kept) > 1 and len(set(times.values())) < len(kept):
        raise InputError(
            f"The series holds {len(kept)} images of one place that are no echoes of one scan.",
            hint="Convert it to NIfTI, and give one of them.",
        )
    return ConvertedImages(tuple(kept), tuple(times[image] for image in kept), notes)


def _is_magnitude(image: Path, about: dict[str, Any]) -> bool:
    kinds = {str(word).upper() for word in about.get("ImageType") or ()}
    ending = image.stem.partition("image_e")[2]
    return not (
        any(f"{part}_" in f"{ending}_" for part in _NOT_MAGNITUDE)
        or kinds & {"PHASE", "P", "REAL", "IMAGINARY", "I", "R"} - {"R"}
        and not kinds & {"M", "MAGNITUDE"}
    )


def _sidecar(image: Path) -> dict[str, Any]:
    try:
        content = json.loads(
            image.with_suffix(".json").read_text(encoding="utf-8", errors="replace")
        )
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _lend(file: Path, target: Path) -> None:
    """A second name for a file, or a copy where the disk has no second names."""
    try:
        os.link(file.resolve(), target)
    except OSError:
        shutil.copyfile(file, target)
