"""Every method on every image: the long tables that statistics, tables and figures are made
from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Cancelled, InputError
from ..morphometry import (
    DiscLabel,
    add_levels,
    add_levels_from_image,
    discs_from_label_image,
    measure,
)
from ..progress import Progress
from ..volume import Grid, Volume, read_nifti
from .areas.slices import REFERENCE, SliceArea, slice_areas
from .cases import Case
from .masks.grids import check_values, on_grid
from .masks.score import ImageScore, score
from .methods import BundleMethod, Method, read_image


@dataclass(frozen=True)
class Options:
    """How to evaluate.

    Attributes:
        threshold: where masks and references are cut for Dice and the like.
        thresholds: further ones, for comparison.
        rescaling: of the area of soft slices: "none", or "sct" to divide each by its maximum.
        read_discs: reads a file of disc labels.
        describe: makes a sentence of an error and the file that was worked on.
    """

    threshold: float = 0.5
    thresholds: tuple[float, ...] = ()
    rescaling: str = "none"
    read_discs: Callable[[Path], Sequence[DiscLabel]] = lambda path: discs_from_label_image(
        read_nifti(path)
    )
    describe: Callable[[Exception, Path], str] = lambda error, path: str(error)

    def __post_init__(self):
        for value in (self.threshold, *self.thresholds):
            if not 0.0 < value <= 1.0:
                raise InputError(f"A threshold lies above 0 and up to 1; {value:g} does not.")

    @property
    def all_thresholds(self) -> tuple[float, ...]:
        """The main one first, each once."""
        return tuple(dict.fromkeys((self.threshold, *self.thresholds)))


@dataclass
class Evaluation:
    """What came out.

    Attributes:
        images: a row for each method, image and threshold.
        slices: a row for each method (the reference too), image, cut and slice.
        masks: file of the mask by (method, image file).
        errors: (method, image file, sentence) of what could not be done.
        notes: sentences that a reader of the numbers has to know.
    """

    images: list[ImageScore] = field(default_factory=list)
    slices: list[SliceArea] = field(default_factory=list)
    masks: dict[tuple[str, Path], Path] = field(default_factory=dict)
    errors: list[tuple[str, Path, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def evaluate(
    cases: Sequence[Case],
    methods: Sequence[Method],
    options: Options | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate; an image that a method has no mask of, or that cannot be read, does not stop the
    others.

    Raises:
        InputError: two methods of one name, two images of one name for a model that writes masks,
            or several sessions of one participant and contrast.
        Cancelled: the user stopped the work.
    """
    options, progress = options or Options(), progress or Progress()
    _check_names(cases, methods)
    result = Evaluation()
    total = len(cases) * len(methods)
    for number, case in enumerate(cases):
        done = number * len(methods)
        progress.check_cancelled()
        try:
            reference = None if case.reference is None else _read_reference(case.reference)
            levels = (
                _add_reference(result, case, reference, options) if reference is not None else None
            )
        except Exception as error:  # of one image only: hours of others must not be lost
            result.errors.append(
                (REFERENCE, case.image, options.describe(error, case.reference or case.image))
            )
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
                result.errors.append((method.name, case.image, options.describe(error, case.image)))
    return result


def _read_reference(path: Path) -> Volume:
    reference = read_nifti(path)
    check_values(reference, f"The reference '{path.name}'")
    return reference


def _add(
    result: Evaluation,
    case: Case,
    method: Method,
    reference: Volume | None,
    levels: dict[int, int] | None,
    options: Options,
    progress: Progress,
) -> None:
    """Score and measure one mask."""
    prediction = method.predict(case, progress)
    check_values(prediction.mask, f"'{prediction.path.name}'")
    grid, other = _grid_of(case, reference)
    mask = (
        prediction.mask
        if grid is None
        else on_grid(prediction.mask, grid, f"'{prediction.path.name}'", other)
    )
    if levels is None and (case.discs or case.levels):
        levels = _levels(case, mask, options)
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
    result: Evaluation, case: Case, reference: Volume, options: Options
) -> dict[int, int] | None:
    """Measure the reference too, and let it say which slices have which level for all methods."""
    levels = _levels(case, reference, options) if case.discs or case.levels else None
    cuts = (None, *options.all_thresholds)
    rows, notes = slice_areas(case, REFERENCE, reference, cuts, options.rescaling, levels)
    result.slices += rows
    result.notes += notes
    result.masks[REFERENCE, case.image] = case.reference
    return levels


def _levels(case: Case, mask: Volume, options: Options) -> dict[int, int]:
    """Vertebral level by slice number, along the centreline of ``mask``."""
    shape = measure(mask, None)
    if case.discs is not None:
        shape = add_levels(shape, options.read_discs(case.discs), mask)
    else:
        shape = add_levels_from_image(shape, read_nifti(case.levels), mask)
    return {int(number): int(level) for number, level in zip(shape.slices, shape.levels) if level}


def _grid_of(case: Case, reference: Volume | None) -> tuple[Grid | None, str]:
    """Where masks belong, and how to call it; the image itself need not be there for masks in
    folders.
    """
    if reference is not None:
        return reference.grid, f"the reference '{case.reference.name}'"
    if case.image.is_file():
        return read_image(case.image).grid, f"the image '{case.image.name}'"
    return None, ""


def _check_names(cases: Sequence[Case], methods: Sequence[Method]) -> None:
    names = [method.name for method in methods]
    for name in names:
        if names.count(name) > 1 or name == REFERENCE:
            raise InputError(
                f"There are two methods of the name '{name}'. Give each its own (and none the name"
                f" '{REFERENCE}')."
            )
    owners = [(case.dataset, case.participant, case.contrast) for case in cases]
    again = next(
        (
            case
            for case in cases
            if owners.count((case.dataset, case.participant, case.contrast)) > 1
        ),
        None,
    )
    if again is not None:
        raise InputError(
            f"Participant {again.participant} has several images in contrast {again.contrast}, of"
            " several sessions, which would be taken for one. Leave all but one session out, or"
            " name the contrasts after them."
        )
    stems = [case.stem.casefold() for case in cases]
    twice = next((case for case in cases if stems.count(case.stem.casefold()) > 1), None)
    if twice is not None and any(isinstance(method, BundleMethod) for method in methods):
        raise InputError(
            f"Two images are called '{twice.image.name}', so a model's masks of them would take"
            " each other's place. Segment them first, and give the method as a folder of masks."
        )
