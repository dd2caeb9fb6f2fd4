"""Masks -> the area and shape of the cord slice by slice and by level: what ``softcord csa`` and
the panel's tables do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, OptionError, naming_file
from ..progress import Progress

if TYPE_CHECKING:
    from ..morphometry import Centreline, CordShape, DiscLabel, MeasureOptions, Summary
    from ..volume import Volume


@dataclass(frozen=True)
class Grouping:
    """Which rows the table has; see :func:`SoftCordSegLib.morphometry.aggregate`."""

    slices: Sequence[int] | None = None
    levels: Sequence[int] | None = None
    per_slice: bool | None = None
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
    def count(self) -> int:
        """How many are given."""
        return (self.discs is not None) + (self.vertfile is not None) + self.beside


@dataclass(frozen=True)
class JunctionOptions:
    """Distances from the pontomedullary junction (PMJ).

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
class CsaOptions:
    """What to measure and which rows to make of it, the same for all masks.

    Attributes:
        measure: how; None for SCT's way.
        grouping: which rows.
        source: of vertebral levels.
        pmj: distances from the pontomedullary junction.
        normalize_pam50: slices are PAM50's.
        image: anatomical image on the masks' grid, for quadrants and symmetry; None leaves them
            out.
        centreline: mask whose centreline gives the angles; None takes each mask's own.
        label: of the cord in masks with several labels; None where all voxels above 0 are cord.
    """

    measure: MeasureOptions | None = None
    grouping: Grouping = field(default_factory=Grouping)
    source: LevelSource = field(default_factory=LevelSource)
    pmj: JunctionOptions = field(default_factory=JunctionOptions)
    normalize_pam50: bool = False
    image: Path | None = None
    centreline: Path | None = None
    label: int | None = None

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

    def check(self) -> None:
        """Refuse options that contradict each other, before any file is read.

        Raises:
            OptionError: they do.
        """
        grouping, pmj = self.grouping, self.pmj
        corrects = self.measure is None or self.measure.angle_correction
        if grouping.per_slice and grouping.per_level:
            raise OptionError(
                "Rows are either one a slice or one a level, not both.", hint="Choose one of them."
            )
        if self.centreline is not None and not corrects:
            raise OptionError(
                "A centreline serves the angle correction, which is switched off.",
                hint="Leave one of them out.",
            )
        if self.source.count > 1:
            raise OptionError(
                "Levels come from one source: disc labels, labelled segmentation, or the discs"
                " beside each mask.",
                hint="Give one of them.",
            )
        if pmj.distance_mm is not None:
            self._check_distance()
        if self.normalize_pam50 and pmj.wanted:
            raise OptionError(
                "On PAM50's slices there is no distance from the junction (PMJ).",
                hint="Leave one of them out.",
            )
        if self.normalize_pam50 and grouping.slices is not None:
            raise OptionError(
                "Slices are counted in the mask, not in PAM50.", hint="Choose levels instead."
            )

    def _check_distance(self) -> None:
        source, pmj = self.source, self.pmj
        if pmj.path is None and source.discs is None and not source.beside:
            raise OptionError(
                "The position of the junction (PMJ) is not known.",
                hint="Give its file, or disc labels with the value 50 (PMJ).",
            )
        if self.grouping.needs_levels or self.grouping.slices is not None:
            raise OptionError(
                "The distance from the junction (PMJ) chooses the slices.",
                hint="Leave levels and slices out.",
            )
        if (pmj.distance_mm is not None and pmj.distance_mm < 0) or pmj.extent_mm <= 0:
            raise OptionError(
                "The distance from the junction or the extent is too small.",
                hint="Give a distance of at least 0 mm, and an extent of more than 0 mm.",
            )


@dataclass(frozen=True, eq=False)
class MaskLevels:
    """What tells the levels of one mask: discs, or an image of levels, or nothing.

    Attributes:
        path: the file they are from, None where it is the mask itself, or where there is no file.
        discs: labels, landmarks such as the pontomedullary junction included.
        labelled: image whose values are levels.
        notes: sentences on the choice.
    """

    path: Path | None = None
    discs: Sequence[DiscLabel] = ()
    labelled: Volume | None = None
    notes: tuple[str, ...] = ()

    def add(self, shape: CordShape, mask: Volume, needed: bool) -> CordShape:
        """``shape`` with levels, where there are any.

        Args:
            shape: of ``mask``.
            mask: of the cord.
            needed: complain where there are landmarks only.

        Raises:
            InputError: discs in the wrong order, twice or off the cord; another grid; always with
                the file named.
        """
        from ..morphometry import add_levels, add_levels_from_mask
        from ..morphometry.disc_files import is_landmark

        with naming_file(self.path):
            if self.labelled is not None:
                return add_levels_from_mask(shape, self.labelled)
            needed = needed and (self.path is not None or len(self.discs) > 0)
            if needed or not all(map(is_landmark, self.discs)):
                return add_levels(shape, self.discs, mask)
        return shape


@dataclass(frozen=True, eq=False)
class SharedFiles:
    """What is in the files that serve all masks; None for a file that was not given.

    Attributes:
        levels: those of all masks; None where each mask has its own.
        junction: the pontomedullary junction, world RAS+, mm.
        image: anatomical image.
        centreline: for the angle correction.
    """

    levels: MaskLevels | None = None
    junction: Sequence[float] | None = None
    image: Volume | None = None
    centreline: Centreline | None = None


@dataclass(frozen=True)
class Measured:
    """One mask, measured.

    Attributes:
        path: the mask's file, or the name that it would have.
        shape: slice by slice.
        summary: the rows that were asked for.
        source_notes: sentences on the mask's file, and on where the levels are from.
    """

    path: Path
    shape: CordShape
    summary: Summary
    source_notes: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that a reader of the numbers has to know."""
        return (*self.source_notes, *self.shape.notes, *self.summary.notes)


def read_shared(options: CsaOptions) -> SharedFiles:
    """Read the files that serve all masks: once, before the first mask.

    Raises:
        InputError: one cannot be read, or does not hold what it is for.
    """
    from ..morphometry import centreline_of
    from ..morphometry.disc_files import read_discs
    from ..volume import read_nifti

    source, pmj, centreline = options.source, options.pmj.path, None
    levels: MaskLevels | None = MaskLevels()
    if source.discs is not None:
        levels = MaskLevels(source.discs, discs=read_discs(source.discs))
    elif source.vertfile is not None:
        levels = MaskLevels(source.vertfile, labelled=_read_levels(source.vertfile))
    elif source.beside or options.needs_levels:
        levels = None
    junction = None
    if pmj is not None:
        with naming_file(pmj):
            junction = junction_among(read_discs(pmj))
    if options.centreline is not None:
        with naming_file(options.centreline):
            centreline = centreline_of(read_nifti(options.centreline))
    image = None if options.image is None else read_nifti(options.image)
    return SharedFiles(levels, junction, image, centreline)


def measure_file(
    path: Path, options: CsaOptions, shared: SharedFiles, progress: Progress
) -> Measured:
    """Read one mask and measure it.

    Args:
        path: of the mask.
        options: what to measure.
        shared: what was read for all masks.
        progress: receives progress; checked for cancellation.

    Raises:
        InputError: the mask, its labels or the slices asked for are not usable.
        Cancelled: through ``progress``.
    """
    from ..bids import is_as_described
    from ..dicom import is_dicom_file, read_dicom_mask
    from ..volume import check_is_cord, label_of, mask_values, read_nifti

    progress.report(0.0, "Reading")
    progress.check_cancelled()
    is_dicom = is_dicom_file(path)
    mask = read_dicom_mask(path) if is_dicom else read_nifti(path)
    if not is_dicom and is_as_described(path) is False:
        note = "This mask is not the one that its sidecar describes: it was changed since."
        mask = replace(mask, notes=(*mask.notes, note))
    if options.label is not None:
        mask = label_of(mask, options.label)
    levels = shared.levels
    if levels is None:
        mask, levels = _own_levels(path, mask, options.source.beside)
    check_is_cord(mask_values(mask))
    return measure_volume(path, mask, levels, options, progress.part(0.1, 1.0), shared)


def measure_volume(
    path: Path,
    mask: Volume,
    levels: MaskLevels,
    options: CsaOptions,
    progress: Progress,
    shared: SharedFiles | None = None,
) -> Measured:
    """Measure a mask in memory, add levels and distances, summarise.

    Args:
        path: the mask's file, or the name that it would have.
        mask: of the cord, soft or binary.
        levels: discs in memory, for example.
        options: what to measure.
        progress: receives progress; checked for cancellation.
        shared: what was read of the files that ``options`` name; None where it names none.

    Raises:
        InputError: the mask, its labels or the slices asked for are not usable.
        Cancelled: through ``progress``.
    """
    from ..morphometry import add_distance_pmj, aggregate, slices_at_pmj_distance

    shared = shared or SharedFiles()
    shape = levels.add(
        _measured(mask, options, shared, progress.part(0.0, 0.95)), mask, options.needs_levels
    )
    grouping, pmj = options.grouping, options.pmj
    slices, per_slice = grouping.slices, grouping.per_slice
    if pmj.wanted:
        with naming_file(levels.path):
            junction = shared.junction or junction_among(levels.discs)
        shape = add_distance_pmj(shape, mask, junction)
    if pmj.distance_mm is not None:
        slices = slices_at_pmj_distance(shape, pmj.distance_mm, pmj.extent_mm)
    if options.normalize_pam50:
        shape, own_slices = _on_pam50(shape)
        if not grouping.needs_levels:
            slices, per_slice = own_slices, True
    summary = aggregate(
        shape,
        slices=slices,
        levels=grouping.levels,
        per_slice=per_slice,
        per_level=grouping.per_level,
        distance_pmj=None if per_slice else pmj.distance_mm,
    )
    _check_any_cord(summary)
    return Measured(path, shape, summary, (*mask.notes, *levels.notes))


def regrouped(measured: Measured, grouping: Grouping) -> Measured:
    """The same slices in other rows.

    Args:
        measured: a mask, measured already.
        grouping: which rows.

    Raises:
        InputError: levels asked for but not known; none of the slices or levels has cord.
    """
    from ..morphometry import aggregate

    summary = aggregate(
        measured.shape,
        slices=grouping.slices,
        levels=grouping.levels,
        per_slice=grouping.per_slice,
        per_level=grouping.per_level,
    )
    _check_any_cord(summary)
    return replace(measured, summary=summary)


def _check_any_cord(summary: Summary) -> None:
    if not any(row.count for row in summary):
        raise InputError(
            " ".join(summary.notes) or "The mask has no cord in the slices that were asked for.",
            hint="Choose other slices or levels.",
        )


def junction_among(discs: Sequence[DiscLabel]) -> Sequence[float]:
    """The position of the pontomedullary junction, world RAS+, mm.

    Raises:
        InputError: it is not among the labels.
    """
    from ..morphometry import parse_disc

    found = [disc.position_mm for disc in discs if disc.value == parse_disc("PMJ")]
    if not found:
        raise InputError(
            "The labels have no pontomedullary junction.",
            hint="Mark it as a point PMJ, or in a label image with the value 50.",
        )
    return found[0]


def _own_levels(path: Path, mask: Volume, beside: bool) -> tuple[Volume, MaskLevels]:
    """The mask of the cord, and its levels: from the discs beside it, or its own values.

    Raises:
        InputError: the discs beside the mask are missing, ambiguous or unusable; the mask's values
            are no levels.
    """
    from ..bids import discs_beside
    from ..morphometry.disc_files import read_discs

    if beside:
        discs, note = discs_beside(path)
        return mask, MaskLevels(discs, discs=read_discs(discs), notes=(note,) if note else ())
    if not _has_several_labels(mask):
        return mask, MaskLevels()
    note = "The mask's values were read as vertebral levels, and all of them together as the cord."
    cord = replace(mask, data=(mask.data > 0).astype("uint8"))
    return cord, MaskLevels(labelled=mask, notes=(note,))


def _read_levels(path: Path) -> Volume:
    from ..morphometry import is_labelled_mask
    from ..volume import read_nifti

    levels = read_nifti(path)
    if (levels.data > 0).any() and not is_labelled_mask(levels):
        raise InputError(
            "The file holds disc points, not levels of whole slices.",
            path=path,
            hint="Give it as disc labels.",
        )
    return levels


def _has_several_labels(mask: Volume) -> bool:
    import numpy as np

    values = np.unique(mask.data)
    values = values[values > 0]
    return len(values) > 1 and bool(np.array_equal(values, np.round(values)))


def _measured(
    mask: Volume, options: CsaOptions, shared: SharedFiles, progress: Progress
) -> CordShape:
    """The shape slice by slice, with the measures that need an image where one was given."""
    from ..morphometry import MeasureOptions, add_image_measures, measure

    how = options.measure or MeasureOptions()
    shape = measure(mask, how, centreline=shared.centreline, progress=progress)
    if shared.centreline is not None and not shared.centreline.grid.same_as(
        shape.grid, tolerance_mm=1e-2
    ):
        raise InputError(
            "The centreline has another grid than the mask.",
            path=options.centreline,
            hint="Resample one of them to the other's grid first.",
        )
    if shared.image is None:
        return shape
    with naming_file(options.image):
        return add_image_measures(shape, mask, shared.image, progress=progress)


def _on_pam50(shape: CordShape) -> tuple[CordShape, list[int]]:
    """The shape on PAM50's slices, and the template's slices of the levels that the mask has."""
    import numpy as np

    from ..morphometry import pam50_slices, to_pam50

    normalised = to_pam50(shape)  # says so where levels are not known
    levels = np.unique(() if shape.levels is None else shape.levels)
    own = sorted(int(number) for level in levels for number in pam50_slices(int(level)))
    return normalised, own
