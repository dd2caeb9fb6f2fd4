"""Every method on every image: the rows that statistics, tables and figures are made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Cancelled, InputError, OptionError, SoftCordSegError
from ..morphometry import add_levels, add_levels_from_image, measure
from ..morphometry.disc_files import read_discs
from ..progress import Progress
from ..volume import Grid, Volume, read_nifti
from .case_table import Case
from .image_scores import ImageScore, checked_mask, on_grid, score
from .methods import BundleMethod, Method, read_image
from .slice_areas import REFERENCE, SliceArea, slice_areas


@dataclass(frozen=True)
class ScoreOptions:
    """Settings of scores and areas.

    Attributes:
        threshold: where masks and references are cut for Dice and the like.
        thresholds: further ones, for comparison.
        rescaling: of the area of soft slices: "none", or "sct" to divide each by its maximum.
    """

    threshold: float = 0.5
    thresholds: tuple[float, ...] = ()
    rescaling: str = "none"

    def __post_init__(self) -> None:
        for value in (self.threshold, *self.thresholds):
            if not 0.0 < value <= 1.0:
                raise InputError(
                    f"{value:g} is not a threshold.", hint="A threshold lies above 0 and up to 1."
                )

    @property
    def all_thresholds(self) -> tuple[float, ...]:
        """The main one first, each once."""
        return tuple(dict.fromkeys((self.threshold, *self.thresholds)))


@dataclass(frozen=True, eq=False)
class FailedImage:
    """An image that could not be evaluated.

    Attributes:
        method: its name, or "reference".
        image: file.
        error: why.
    """

    method: str
    image: Path
    error: Exception

    @property
    def sentence(self) -> str:
        """What was wrong and what to do, without the file."""
        if isinstance(self.error, SoftCordSegError):
            return f"{self.error.sentence} {self.error.hint}".rstrip()
        return f"{type(self.error).__name__}: {self.error}"


@dataclass
class Evaluation:
    """The results of all images.

    Attributes:
        images: a row for each method, image and threshold.
        slices: a row for each method (the reference too), image, cut and slice.
        masks: file of the mask by (method, image file).
        failures: images that could not be evaluated.
        notes: sentences that a reader of the numbers has to know.
    """

    images: list[ImageScore] = field(default_factory=list)
    slices: list[SliceArea] = field(default_factory=list)
    masks: dict[tuple[str, Path], Path] = field(default_factory=dict)
    failures: list[FailedImage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_failure(self, method: str, image: Path, error: Exception, path: Path) -> None:
        """Note an error in ``path``; hours of other images must not be lost for one."""
        if isinstance(error, SoftCordSegError):
            error.in_file(path)
        self.failures.append(FailedImage(method, image, error))


def evaluate(
    cases: Sequence[Case],
    methods: Sequence[Method],
    options: ScoreOptions | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate every method on every image; an image without a mask, or that cannot be read, does
    not stop the others.

    Raises:
        OptionError: two methods of one name.
        InputError: two images of one name for a model that writes masks, or several sessions of one
            participant and contrast.
        Cancelled: the user stopped the work.
    """
    options, progress = options or ScoreOptions(), progress or Progress()
    _check_names(cases, methods)
    result = Evaluation()
    total = len(cases) * len(methods)
    for number, case in enumerate(cases):
        done = number * len(methods)
        progress.check_cancelled()
        try:
            reference = levels = None
            if case.reference is not None:
                reference = _read_reference(case.reference)
                levels = _add_reference(result, case, reference, options)
                result.masks[REFERENCE, case.image] = case.reference
        except Exception as error:
            result.add_failure(REFERENCE, case.image, error, case.reference or case.image)
            continue
        for index, method in enumerate(methods):
            progress.check_cancelled()
            progress.report((done + index) / total, f"{method.name}: {case.image.name}")
            part = progress.part((done + index) / total, (done + index + 1) / total)
            try:
                _add(result, case, method, reference, levels, options, part)
            except Cancelled:
                raise
            except Exception as error:
                result.add_failure(method.name, case.image, error, case.image)
    return result


def _read_reference(path: Path) -> Volume:
    return checked_mask(read_nifti(path), f"The reference '{path.name}'")


def _add(
    result: Evaluation,
    case: Case,
    method: Method,
    reference: Volume | None,
    levels: dict[int, int] | None,
    options: ScoreOptions,
    progress: Progress,
) -> None:
    """Score and measure one mask."""
    prediction = method.predict(case, progress)
    name = f"'{prediction.path.name}'"
    mask = checked_mask(prediction.mask, name, lambda: read_image(case.image))
    grid, other = _grid_of(case, reference)
    if grid is not None:
        mask = on_grid(mask, grid, name, other)
    if levels is None and (case.discs or case.levels):
        levels = _levels(case, mask)
    cuts = (None, *options.all_thresholds)
    rows, notes = slice_areas(case, method.name, mask, cuts, options.rescaling, levels)
    scores = [
        score(case, method.name, mask, reference, value, prediction.seconds)
        for value in options.all_thresholds
    ]
    result.images += scores
    result.slices += rows
    result.notes += notes
    result.masks[method.name, case.image] = prediction.path


def _add_reference(
    result: Evaluation, case: Case, reference: Volume, options: ScoreOptions
) -> dict[int, int] | None:
    """Measure the reference too; its levels by slice hold for all methods."""
    levels = _levels(case, reference) if case.discs or case.levels else None
    cuts = (None, *options.all_thresholds)
    rows, notes = slice_areas(case, REFERENCE, reference, cuts, options.rescaling, levels)
    result.slices += rows
    result.notes += notes
    return levels


def _levels(case: Case, mask: Volume) -> dict[int, int]:
    """Vertebral level by slice number, along the centreline of ``mask``."""
    shape = measure(mask, None)
    if case.discs is not None:
        shape = add_levels(shape, read_discs(case.discs), mask)
    elif case.levels is not None:
        shape = add_levels_from_image(shape, read_nifti(case.levels), mask)
    levels = () if shape.levels is None else shape.levels
    return {int(number): int(level) for number, level in zip(shape.slices, levels) if level}


def _grid_of(case: Case, reference: Volume | None) -> tuple[Grid | None, str]:
    """The grid that masks belong to, and its name in errors; for masks in folders the image itself
    may be missing.
    """
    if reference is not None and case.reference is not None:
        return reference.grid, f"the reference '{case.reference.name}'"
    if case.image.is_file():
        return read_image(case.image).grid, f"the image '{case.image.name}'"
    return None, ""


def _check_names(cases: Sequence[Case], methods: Sequence[Method]) -> None:
    names = Counter(method.name for method in methods)
    again = next((name for name, count in names.items() if count > 1 or name == REFERENCE), None)
    if again is not None:
        raise OptionError(
            f"There are two methods of the name '{again}'.",
            hint=f"Give each its own name (and none the name '{REFERENCE}').",
        )
    owners = Counter((case.dataset, case.participant, case.contrast) for case in cases)
    for (_, participant, contrast), count in owners.items():
        if count > 1:
            raise InputError(
                f"Participant {participant} has several images in contrast {contrast}, of several"
                " sessions, which would be taken for one.",
                hint="Leave all but one session out, or name the contrasts after them.",
            )
    if not any(isinstance(method, BundleMethod) for method in methods):
        return
    stems: dict[str, Case] = {}
    for case in cases:
        if stems.setdefault(case.stem.casefold(), case) is not case:
            raise InputError(
                f"Two images are called '{case.image.name}', so a model's masks of them would take"
                " each other's place.",
                hint="Segment them first, and give the method as a folder of masks.",
            )
