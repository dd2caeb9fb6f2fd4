"""A data set -> a page of quality control that is an SCT QC folder too: what ``softcord qc``
does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import __version__
from ...bids import review_folder
from ...errors import InputError, OptionError
from ...files import file_sha256, json_text
from ...progress import Progress
from ...review import ReviewCase, find_review_cases, newest, read_verdicts
from ...review.blinding import blinding_secret, hidden
from ...review.qc_entry import VIEW
from ...review.second_reading import read_reading
from ..run_each import Bar, Failure, OnFailure, no_bar, run_each, say_nothing
from .review_session import ReviewOptions, ReviewRow, ReviewSession

if TYPE_CHECKING:
    from ...morphometry import CordShape
    from ...reports.qc_pictures import CasePictures
    from ...review.doubt import Doubt
    from ...review.verdicts import Verdict
    from ...volume import Volume
    from .qc_folder import QcFolder, StoredEntry

# Of the folder in the data set's review: qc, qc_blinded, or qc_ and the name of the reading.
_QC, _BLINDED = "qc", "blinded"
NO_MASK = "There is no mask of it."


@dataclass(frozen=True)
class QcOptions:
    """What is shown, and to whom.

    Attributes:
        rater: whose name the page proposes; "" for none.
        blinded: hide names of files, who or what made the masks, doubts and verdicts; shuffle.
        seed: of the shuffling; the neutral names are those of a blinded review with this seed.
        cases: keys, or the ends of them, blinded the neutral names; none for all.
        reading: name of a second reading that was drawn, whose cases are shown under its names;
            one that was drawn blinded is so in any case.
    """

    rater: str = ""
    blinded: bool = False
    seed: int = 1
    cases: tuple[str, ...] = ()
    reading: str = ""


@dataclass(frozen=True)
class QcResult:
    """What was made.

    Attributes:
        page: ours.
        made: keys of the cases whose pictures were drawn.
        kept: those whose pictures still hold.
        not_shown: by key, why a case is not shown.
        failures: of cases that could not be drawn; blinded, their sentences name no file.
        blinded: whether names are hidden, by the options or by the reading.
        shown_names: what the page calls each case, by key.
    """

    page: Path
    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    not_shown: dict[str, str] = field(default_factory=dict)
    failures: list[Failure[Any]] = field(default_factory=list)
    blinded: bool = False
    shown_names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Shown:
    """A case as the page names it."""

    case: ReviewCase
    name: str
    doubt: Doubt | None
    verdicts: tuple[Verdict, ...]


def make_qc_page(
    dataset: Path,
    folder: Path | None = None,
    options: QcOptions | None = None,
    *,
    bar: Bar = no_bar,
    on_failure: OnFailure = say_nothing,
) -> QcResult:
    """Draw each case with a mask, and write the page.  Cases that have not changed since an earlier
    run keep their pictures; a run that was stopped is taken up where it was.

    Args:
        dataset: BIDS data set, or a folder of images and masks.
        folder: of the page; in the data set's ``derivatives/review`` where None.
        options: what is shown.
        bar: gives the progress of each case, and before of finding what is doubtful.
        on_failure: called at once for a case that could not be drawn.

    Raises:
        InputError: no such data set, or nothing in it to look at.
        OptionError: no case has one of the names; no such reading, or one that compares methods;
            the folder holds something else.
        OutputError: the folder cannot be written.
        Cancelled: the user stopped the work; the page shows what was drawn.
    """
    from .qc_folder import QcFolder

    options = options or QcOptions()
    session = ReviewSession(
        dataset,
        ReviewOptions(reading=options.reading, blinded=options.blinded, seed=options.seed),
        doubts={},
    )
    options = replace(options, blinded=session.blinded)
    _check_reading(dataset, options.reading)
    rows = _chosen(session.rows, options.cases, options.blinded)
    if not rows:
        raise InputError(
            "There are no images in this folder.", path=dataset, hint="Give another folder."
        )
    own = folder is None
    store = QcFolder(folder or review_folder(dataset) / _folder_name(options), options.blinded, own)
    title = _BLINDED if options.blinded else dataset.resolve().name or "data"
    # A picture is of one mask; why a case has none is told on the page.
    not_shown = {row.case.key: row.case.problem or NO_MASK for row in rows if not row.can_be_judged}
    shown = _with_what_is_known(dataset, session, rows, options, bar)
    known = {one.subject_of_view: one for one in store.entries() if one.subject_of_view}
    result = QcResult(
        store.page,
        not_shown=not_shown,
        blinded=options.blinded,
        shown_names={row.case.key: row.shown_name for row in rows},
    )

    def work(one: _Shown, progress: Progress) -> None:
        with _unnamed(options.blinded):
            _, is_new = _entry(dataset, title, store, one, options, known, progress)
        (result.made if is_new else result.kept).append(one.case.key)

    try:
        outcomes = run_each(shown, work, name=lambda one: one.name, bar=bar, on_failure=on_failure)
        result.failures.extend(outcomes.failures)
        for failure in outcomes.failures:
            sentence = getattr(failure.error, "sentence", "") or "It could not be drawn."
            not_shown[failure.item.case.key] = sentence
    finally:
        sentences = _sentences(title, shown, not_shown, options.blinded)
        store.refresh(title, sentences, options.rater)
    return result


def _sentences(
    title: str, shown: Sequence[_Shown], not_shown: Mapping[str, str], blinded: bool
) -> dict[str, str]:
    """What the page says of each case that it is made of: "", or why it is not shown."""
    names = {one.case.key: one.name for one in shown}
    sentences = {f"{title}: {name}": "" for key, name in names.items() if key not in not_shown}
    for key, sentence in not_shown.items():
        if not blinded or key in names:
            sentences[f"{title}: {names.get(key, key)}"] = sentence
    return sentences


@contextlib.contextmanager
def _unnamed(blinded: bool) -> Iterator[None]:
    """What goes wrong in the block names no file where the path would say which case it is."""
    try:
        yield
    except InputError as error:
        if blinded:
            raise InputError(error.sentence) from None
        raise


def _check_reading(dataset: Path, name: str) -> None:
    reading = read_reading(dataset, name) if name else None
    if reading is not None and reading.kind == "comparison":
        raise OptionError(
            "This reading compares two masks of each image, and a page has one.",
            hint="Read it in Slicer or by 'softcord review'.",
        )


def _folder_name(options: QcOptions) -> str:
    parts = [_QC, options.reading, _BLINDED if options.blinded and not options.reading else ""]
    return "_".join(part for part in parts if part)


def _chosen(rows: Sequence[ReviewRow], wanted: Sequence[str], blinded: bool) -> list[ReviewRow]:
    """The rows of which the shown name is one of the names, or, where nothing is hidden, the key is
    one or ends with one.

    Raises:
        OptionError: no case has one of them.
    """
    if not wanted:
        return list(rows)
    chosen: list[ReviewRow] = []
    for name in wanted:
        found = [
            row
            for row in rows
            if row.shown_name == name or (not blinded and f"/{row.case.key}".endswith(f"/{name}"))
        ]
        if not found:
            hint = "its neutral name" if blinded else "its path in the data set, without .nii"
            raise OptionError(f"There is no case '{name}'.", hint=f"Give {hint}.")
        chosen += [row for row in found if row not in chosen]
    return chosen


def _with_what_is_known(
    dataset: Path,
    session: ReviewSession,
    rows: Sequence[ReviewRow],
    options: QcOptions,
    bar: Bar,
) -> list[_Shown]:
    """The cases to draw, in their order, with doubts and what raters said in this reading; of
    blinded ones neither.
    """
    rows = [row for row in rows if row.can_be_judged]
    if options.blinded:
        return [_Shown(row.case, row.shown_name, None, ()) for row in rows]
    with bar("Doubts") as progress:
        # A mask is held against the others: all are looked at, also where few are shown.
        session.set_doubts(_doubts(dataset, find_review_cases(dataset), progress))
    said: dict[str, list[Verdict]] = {}
    for (key, _), verdict in newest(read_verdicts(dataset), options.reading).items():
        said.setdefault(key, []).append(verdict)
    return [
        _Shown(
            row.case,
            row.shown_name,
            session.row(row.case.key).doubt,
            tuple(said.get(row.case.key, ())),
        )
        for row in rows
    ]


def _doubts(dataset: Path, cases: Sequence[ReviewCase], progress: Progress) -> Mapping[str, Doubt]:
    from .review_doubt import doubts_of

    return doubts_of(dataset, cases, progress=progress)


def _entry(
    dataset: Path,
    title: str,
    store: QcFolder,
    one: _Shown,
    options: QcOptions,
    known: Mapping[str, StoredEntry],
    progress: Progress,
) -> tuple[StoredEntry, bool]:
    """The entry of a case, and whether its pictures were drawn now."""
    case, mask = one.case, one.case.mask
    assert mask is not None
    progress.check_cancelled()
    progress.report(0.0, "Reading")
    digest = file_sha256(mask)
    mask_path = mask.relative_to(dataset).as_posix() if mask.is_relative_to(dataset) else mask.name
    mark = hidden(blinding_secret(dataset), digest) if options.blinded else digest
    fields = _fields(dataset, title, one, mask_path, mark, options)
    # A case has one entry, whichever mask is its best now; a data set may get another name.
    subject = f"{'' if store.is_of_one_data_set else title}|{one.name}"
    before = known.get(subject)
    made_from: Any = _made_from(case, digest, one.doubt)
    if options.blinded:  # size and time of a file tell which it is
        made_from = hidden(blinding_secret(dataset), json_text(made_from))
    if before is not None and before.view.get("made_from") == made_from:
        with contextlib.suppress(OSError):
            names = (before.fields["backgroundImage"], before.fields["overlayImage"])
            if all((store.folder / name).is_file() for name in names):
                view = {**before.view, **_said(one, digest)}
                return store.change(before, {**fields, VIEW: view}), False
    pictures, view = _draw(case, one.doubt, options.blinded, progress)
    view = {
        "id": subject,
        "made_from": made_from,
        **view,
        **_said(one, digest),
    }
    return store.add({**fields, VIEW: view}, pictures), True


def _fields(
    dataset: Path, title: str, one: _Shown, mask_path: str, mark: str, options: QcOptions
) -> dict[str, Any]:
    """Who and what, in SCT's fields and in ours.

    Args:
        mark: of the mask: its SHA-256, or blinded what hides it.
    """
    case = one.case
    ours = {
        "mask_sha256": mark,
        "blinded": options.blinded,
        "reading": options.reading,
        "comment": "",
        "rater": "",
    }
    if options.blinded:
        return {
            "path": ".",
            "cmdline": "softcord qc",
            "sctVersion": f"SoftCordSeg {__version__}",
            "dataset": title,
            "subject": one.name,
            "contrast": "image",
            "inputFile": f"{one.name.replace(' ', '-').lower()}.nii.gz",
            "case": one.name,
            "mask": "",
            **ours,
        }
    folder = case.image.parent
    place = folder.relative_to(dataset).as_posix() if folder.is_relative_to(dataset) else "."
    return {
        "path": place,
        "cmdline": f"softcord qc {title}/{case.key}",
        "sctVersion": f"SoftCordSeg {__version__}",
        "dataset": title,
        "subject": case.session or case.key,
        "contrast": case.contrast or "image",
        "inputFile": case.image.name,
        "case": case.key,
        "mask": mask_path,
        **ours,
    }


def _said(one: _Shown, digest: str) -> dict[str, Any]:
    """What is doubtful, and what raters said of this mask: may change without the pictures."""
    return {
        "doubt": None if one.doubt is None else round(one.doubt.score, 3),
        "reason": "" if one.doubt is None else one.doubt.reason,
        "verdicts": [
            {
                "rater": verdict.rater,
                "verdict": verdict.verdict.value,
                "rank": verdict.rank,
                "comment": verdict.comment,
            }
            for verdict in one.verdicts
            if verdict.verdict is not None and verdict.mask_sha256 == digest
        ],
    }


def _made_from(case: ReviewCase, digest: str, doubt: Doubt | None) -> dict[str, Any]:
    """By which it is seen that pictures still hold: of the image its size and time, for reading
    the images of a data set takes minutes.
    """
    from ...reports.qc_pictures import PICTURES_VERSION

    image = case.image.stat()
    discs = None
    with contextlib.suppress(OSError):
        discs = None if case.discs is None else file_sha256(case.discs)
    return {
        "pictures": PICTURES_VERSION,
        "mask": digest,
        "image": [image.st_size, image.st_mtime_ns],
        "discs": discs,
        "slice": None if doubt is None else doubt.slice,
    }


def _draw(
    case: ReviewCase, doubt: Doubt | None, blinded: bool, progress: Progress
) -> tuple[CasePictures, dict[str, Any]]:
    """The pictures, and where what is in them."""
    from ...reports.qc_pictures import case_pictures
    from ...volume import read_nifti, time_points

    assert case.mask is not None
    series = time_points(case.image) > 1
    image = read_nifti(case.image, "mean" if series else None, without_nan=True)
    progress.report(0.3, "Measuring")
    mask, shape, notes = _measured(case, image)
    progress.check_cancelled()
    progress.report(0.6, "Drawing")
    areas: dict[int, float] = {}
    levels: dict[int, str] = {}
    if shape is not None:
        areas, levels = _by_slice(shape)
    worst = None if doubt is None else _from_below(image, doubt.slice)
    if doubt is not None and worst != doubt.slice:
        notes.append(
            f"Slices are counted from below: slice {doubt.slice} of the file is {worst} here."
        )
    pictures = case_pictures(image, mask, areas, levels, worst)
    numbers = range(min(areas), max(areas) + 1) if areas else range(0)
    view = {
        **pictures.layout,
        "first": numbers.start,
        "areas": [round(areas[n], 1) if n in areas else None for n in numbers],
        "levels": _ranges(levels),
        "worst": worst,
        "notes": [] if blinded else notes,
    }
    progress.report(1.0, "Drawn")
    return pictures, view


def _measured(case: ReviewCase, image: Volume) -> tuple[Volume, CordShape | None, list[str]]:
    """The mask with values from 0 to 1, its shape where it has one, and sentences on what is odd.

    A mask that cannot be measured is shown all the same: it is what the page is for.
    """
    from ...morphometry import MeasureOptions, measure
    from ...morphometry.disc_files import read_discs
    from ...volume import mask_values, read_nifti, reorient
    from ..csa_measure import MaskLevels

    assert case.mask is not None
    mask = read_nifti(case.mask, without_nan=True)
    notes: list[str] = []
    shape = None
    try:
        mask = mask_values(mask)
        if not (np.asarray(mask.data) > 0).any():
            return mask, None, ["The mask is empty."]
        shape = measure(mask, MeasureOptions(interval=False))
    except InputError as error:
        notes.append(error.sentence)
        data = np.nan_to_num(np.asarray(mask.data, np.float32))
        mask = mask.with_data((data / max(float(data.max()), 1e-6)).clip(0, 1))
    if not reorient(mask, "LAS").grid.same_as(reorient(image, "LAS").grid, tolerance_mm=0.1):
        notes.append("The mask is on another grid than the image: it is shown without areas.")
        return mask, None, notes
    if shape is not None and len(shape.grid.shape) and shape.grid.shape[2] != _slices(image):
        notes.append("The slices are far from axial: the mask is shown without areas.")
        return mask, None, notes
    if shape is not None and case.discs is not None:
        try:
            levels = MaskLevels(case.discs, discs=read_discs(case.discs))
            shape = levels.add(shape, mask, False)
        except InputError as error:
            notes.append(f"Levels are not known: {error.sentence}")
    return mask, shape, notes


def _slices(image: Volume) -> int:
    from ...volume import reorient

    return int(reorient(image, "LAS").shape[2])


def _by_slice(shape: CordShape) -> tuple[dict[int, float], dict[int, str]]:
    from ...morphometry import level_name

    areas = {
        int(number): float(area)
        for number, area in zip(shape.slices, shape.columns["area"])
        if np.isfinite(area)
    }
    if shape.levels is None:
        return areas, {}
    return areas, {
        int(number): level_name(int(level))
        for number, level in zip(shape.slices, shape.levels)
        if level
    }


def _from_below(image: Volume, number: int | None) -> int | None:
    """A slice of the file counted from the lowest one, as the tables count."""
    from ...volume.orientation import slice_axis

    if number is None:
        return None
    axis = slice_axis(image.affine)
    count = image.shape[axis]
    if not 0 <= number < count:
        return None
    return number if image.affine[2, axis] > 0 else count - 1 - number


def _ranges(levels: Mapping[int, str]) -> list[list[Any]]:
    """[name, lowest slice, highest slice] of each stretch of one level."""
    found: list[list[Any]] = []
    for number in sorted(levels):
        if found and found[-1][0] == levels[number] and found[-1][2] == number - 1:
            found[-1][2] = number
        else:
            found.append([levels[number], number, number])
    return found
