"""What ``softcord csa`` was asked for, and which options go together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ..guard import UsageProblem

if TYPE_CHECKING:
    from ...morphometry import MeasureOptions

FIGURE_ENDINGS = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class Grouping:
    """Which rows the table has; see :func:`SoftCordSegLib.morphometry.aggregate`."""

    slices: list[int] | None = None
    levels: list[int] | None = None
    per_slice: bool = False
    per_level: bool = False

    @property
    def needs_levels(self) -> bool:
        """True if the slices' vertebral levels must be known."""
        return self.per_level or self.levels is not None


@dataclass(frozen=True)
class LevelSource:
    """Where vertebral levels come from: at most one of these.

    Attributes:
        discs: file of disc labels, for all masks.
        vertfile: segmentation labelled with levels, for all masks.
        beside: each mask's discs are looked for beside it, by their BIDS name.
    """

    discs: Path | None = None
    vertfile: Path | None = None
    beside: bool = False

    @property
    def known(self) -> bool:
        """True if the user named any."""
        return self.discs is not None or self.vertfile is not None or self.beside


@dataclass(frozen=True)
class PmjRequest:
    """The pontomedullary junction as the place to measure from.

    Attributes:
        path: image or points with the junction in it; None takes it from the disc labels.
        distance_mm: measure around this distance along the cord; None only fills the column of
            distances.
        extent_mm: of cord to take there.
    """

    path: Path | None = None
    distance_mm: float | None = None
    extent_mm: float = 20.0

    @property
    def wanted(self) -> bool:
        """True if distances are asked for."""
        return self.path is not None or self.distance_mm is not None


@dataclass(frozen=True)
class CsaRequest:
    """What to measure and which rows to make of it, the same for all masks.

    Attributes:
        options: of the measuring.
        grouping: which rows.
        source: of vertebral levels.
        pmj: distances from the pontomedullary junction.
        normalize_pam50: slices are PAM50's.
        image: anatomical image on the masks' grid, for quadrants and symmetry; None leaves them
            out.
        centreline: mask whose centreline gives the angles; None takes each mask's own.
    """

    options: MeasureOptions
    grouping: Grouping
    source: LevelSource
    pmj: PmjRequest
    normalize_pam50: bool = False
    image: Path | None = None
    centreline: Path | None = None

    @property
    def inputs(self) -> list[Path]:
        """Every file that is read besides the masks."""
        paths = (
            self.source.discs,
            self.source.vertfile,
            self.pmj.path,
            self.image,
            self.centreline,
        )
        return [path for path in paths if path is not None]

    @property
    def needs_levels(self) -> bool:
        """True if the slices' vertebral levels must be known."""
        return self.normalize_pam50 or self.grouping.needs_levels


def measure_options(
    angle_corr: bool, threshold: str, rescaling: str, tilt: str = "sct"
) -> MeasureOptions:
    """The options of :func:`SoftCordSegLib.morphometry.measure`.

    Raises:
        UsageProblem: a word that is none of the choices.
    """
    from ...morphometry import MeasureOptions

    if rescaling not in ("sct", "none"):
        raise UsageProblem(f"--rescaling is sct or none, not '{rescaling}'.")
    if tilt not in ("sct", "exact"):
        raise UsageProblem(f"--tilt is sct or exact, not '{tilt}'.")
    if tilt == "exact" and not angle_corr:
        raise UsageProblem(
            "--tilt is a way of angle correction, which --no-angle-corr leaves out. Give one of"
            " them."
        )
    try:
        cut = None if threshold == "soft" else float(threshold)
        return MeasureOptions(
            angle_correction=angle_corr, rescaling=rescaling, threshold=cut, tilt=tilt
        )
    except ValueError as error:
        raise UsageProblem(
            f"--threshold is soft, or a number above 0 and up to 1; '{threshold}' is neither."
        ) from error


def grouping_of(z: str | None, vert: str | None, per_slice: bool, per_level: bool) -> Grouping:
    """The rows that were asked for.

    Raises:
        UsageProblem: ranges that cannot be read, or both kinds of rows.
    """
    from ...morphometry import parse_levels, parse_slices

    if per_slice and per_level:
        raise UsageProblem("Give either --perslice or --perlevel, not both.")
    try:
        return Grouping(
            parse_slices(z) if z else None,
            parse_levels(vert) if vert else None,
            per_slice,
            per_level,
        )
    except InputError as error:
        raise UsageProblem(str(error)) from error


def check_together(request: CsaRequest) -> None:
    """Refuse options that contradict each other, before any file is read.

    Raises:
        UsageProblem: with the two options named.
    """
    if request.centreline is not None and not request.options.angle_correction:
        raise UsageProblem(
            "--centerline is for the angle correction, which --no-angle-corr leaves out. Give one"
            " of them."
        )
    source, grouping, pmj = request.source, request.grouping, request.pmj
    if sum([source.discs is not None, source.vertfile is not None, source.beside]) > 1:
        raise UsageProblem("Give one of --discs, --vertfile and --find-discs, not more.")
    if pmj.distance_mm is not None:
        if pmj.path is None and source.discs is None and not source.beside:
            raise UsageProblem(
                "--pmj-distance needs the junction: give it with --pmj, or as value 50 (PMJ) among"
                " the --discs."
            )
        if grouping.needs_levels or grouping.slices is not None:
            raise UsageProblem(
                "--pmj-distance chooses the slices by itself. Leave out --vert, --perlevel and -z."
            )
        if pmj.distance_mm < 0 or pmj.extent_mm <= 0:
            raise UsageProblem("--pmj-distance is 0 mm or more, and --pmj-extent more than 0 mm.")
    if request.normalize_pam50:
        if pmj.wanted:
            raise UsageProblem(
                "On PAM50's slices there is no distance from the junction. Give either --pmj or"
                " --normalize-pam50."
            )
        if grouping.slices is not None:
            raise UsageProblem(
                "-z counts the mask's own slices. With --normalize-pam50 choose by --vert."
            )


def check_figure(path: Path | None) -> None:
    """Refuse a figure that cannot be drawn.

    Raises:
        UsageProblem: another kind of file.
    """
    if path is not None and path.suffix.lower() not in FIGURE_ENDINGS:
        raise UsageProblem(f"--figure writes .png, .pdf or .svg; '{path.name}' is none of them.")


def check_compare(path: Path | None, subject: str | None, masks: int) -> None:
    """Refuse a comparison that has nothing to compare.

    Raises:
        UsageProblem: one mask only.
    """
    if path is None:
        if subject is not None:
            raise UsageProblem(
                "--subject names the subject in the table of --compare. Give --compare FILE.csv"
                " too."
            )
        return
    if masks < 2:
        raise UsageProblem(
            "--compare needs several masks of one subject, for example one a contrast."
        )
