"""Verdicts and masks of several readers of a data set -> how far they agree, and where not.

A reader is a rater in one reading: the same rater's second reading is a reader of its own, so that
what one rater says twice is compared as what two say.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...bids import MANUAL, MASKS, nifti_files, read_name, read_sidecar, session_of, sidecar_path
from ...errors import InputError, SoftCordSegError, counted
from ...files import safe_cell, text_writer, write_together
from ...progress import Progress
from ...review import agreement
from ...review.agreement import Estimate
from ...review.blinding import blinding_secret
from ...review.raters import rater_slug
from ...review.review_cases import ReviewCase, find_review_cases
from ...review.second_reading import (
    Reading,
    comparison_of,
    draw_second_reading,
    read_reading,
    reader_mask,
    reading_names,
    third_reading,
    write_reading,
)
from ...review.verdicts import Judgement, Verdict, read_verdicts
from .review_doubt import unreadable_cases

# What is said of a mask, from best to worst; an artefact is said of the image.
_BEST_FIRST = (Judgement.PASS, Judgement.TO_CORRECT, Judgement.FAIL)
# What makes a case one for a third reader.
_RANKS_APART, _LEAST_OVERLAP, _AREA_PERCENT = 3, 0.9, 5.0


@dataclass(frozen=True)
class SecondReadingOptions:
    """What is drawn.

    Attributes:
        share: of the cases, a float above 0 and at most 1; an int is that many cases.
        methods: two folders of ``derivatives`` to compare; () for a second reading.
        name: of the reading; "second" or "comparison" where it is "".
        blinded: hide names, raters, models and earlier verdicts; a comparison always does.
        seed: of the sample, of the order, and of which method is A.
    """

    share: float | int = 1.0
    methods: tuple[str, ...] = ()
    name: str = ""
    blinded: bool = False
    seed: int = 1


@dataclass(frozen=True)
class Reader:
    """A rater in a reading, or a folder of masks.

    Attributes:
        rater: name.
        reading: "" for the first one.
    """

    rater: str
    reading: str = ""

    def __str__(self) -> str:
        return f"{self.rater} ({self.reading})" if self.reading else self.rater


@dataclass(frozen=True)
class AgreementRow:
    """One measure of two readers, or of one on two methods.

    Attributes:
        one, other: readers; ``other`` is "" where one reader judges two methods.
        measure: what it is.
        estimate: the number, its interval of 95 %, and of how many cases it is.
    """

    one: str
    other: str
    measure: str
    estimate: Estimate


@dataclass(frozen=True)
class Disagreement:
    """A case for a third reader.

    Attributes:
        case: its key.
        one, other: the readers.
        reasons: sentences, "pass and fail", "ranks 8 and 3".
    """

    case: str
    one: str
    other: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class AgreementReport:
    """What was found.

    Attributes:
        rows: a line for each pair of readers and measure.
        disagreements: by case.
        notes: sentences on what was left out.
    """

    rows: list[AgreementRow] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def make_second_reading(dataset: Path, options: SecondReadingOptions) -> Reading:
    """Draw a second reading, or a comparison of two methods, and store it.  Cases whose image or
    mask turns out to be unreadable are not drawn.

    Raises:
        InputError: there is nothing to draw from.
        OptionError: the share or the name is invalid, or there is another reading of this name.
        OutputError: it cannot be written.
    """
    left = {case.key: case for case in find_review_cases(dataset)}
    verdicts = read_verdicts(dataset)
    while True:
        reading = _drawn(dataset, list(left.values()), verdicts, options)
        keys = dict.fromkeys(item.case for item in reading.items)
        broken = unreadable_cases(dataset, [left[key] for key in keys])
        if not broken:
            break
        left = {key: case for key, case in left.items() if key not in broken}
    write_reading(dataset, reading)
    return reading


def _drawn(
    dataset: Path,
    cases: Sequence[ReviewCase],
    verdicts: Sequence[Verdict],
    options: SecondReadingOptions,
) -> Reading:
    if options.methods:
        name = options.name or "comparison"
        return comparison_of(
            dataset, cases, options.methods, name=name, share=options.share, seed=options.seed
        )
    return draw_second_reading(
        cases,
        verdicts,
        options.share,
        name=options.name or "second",
        blinded=options.blinded,
        seed=options.seed,
        secret=blinding_secret(dataset) if options.blinded else "",
    )


def find_agreement(
    dataset: Path,
    *,
    reading: str = "",
    folders: Mapping[str, Path] | None = None,
    progress: Progress | None = None,
) -> AgreementReport:
    """Compare all readers with each other, two at a time, on the cases that both have judged.

    Verdicts count where both were on the same mask (by its SHA-256). Masks of readers are those
    that they corrected: in a reading their own; in the first the one that its sidecar, or its name
    (``desc-``), says is theirs; and what lies in ``folders``.

    Args:
        dataset: folder of the data set.
        reading: only pairs with a reader of this reading; "" for all.
        folders: of further readers' masks, by the reader's name.
        progress: receives progress; checked for cancellation.

    Raises:
        InputError: there is no such data set or reading, or statsmodels is missing.
        Cancelled: through ``progress``.
    """
    progress = progress or Progress()
    cases = find_review_cases(dataset)
    verdicts = read_verdicts(dataset)
    names = reading_names(dataset)
    if reading and reading not in names and all(one.reading != reading for one in verdicts):
        raise InputError(
            f"The data set has no reading '{reading}'.",
            hint=f"There are: {', '.join(names)}." if names else "Draw one first.",
        )
    said = _answers(verdicts)
    masks = _masks_of_readers(dataset, cases, verdicts, folders or {})
    readers = sorted({*said, *masks}, key=lambda one: (one.reading, one.rater))
    pairs = [
        (one, other)
        for one, other in itertools.combinations(readers, 2)
        if not reading or reading in (one.reading, other.reading)
    ]
    report = AgreementReport()
    areas = _Areas()
    for number, (one, other) in enumerate(pairs):
        part = progress.part(number / len(pairs), (number + 1) / len(pairs))
        part.report(0.0, f"{one} and {other}")
        _compare_answers(one, other, said.get(one, {}), said.get(other, {}), report)
        own = masks.get(one, {}), masks.get(other, {})
        _compare_masks(one, other, *own, cases, areas, report, part)
    for name in [reading] if reading else names:
        found = read_reading(dataset, name) if name in names else None
        if found is not None and found.kind == "comparison":
            report.rows.extend(_methods(found, said))
    if not report.rows:
        report.notes.append("No two readers have judged the same mask of a case yet.")
    report.disagreements.sort(key=lambda one: (one.case, one.one, one.other))
    return report


def make_third_reading(
    dataset: Path, report: AgreementReport, name: str, blinded: bool = False, seed: int = 1
) -> Reading | None:
    """Store the cases on which readers disagree as a reading; None where there are none.

    Raises:
        OptionError: the name is invalid, or there is another reading of this name.
        OutputError: it cannot be written.
    """
    known = {case.key for case in find_review_cases(dataset)}
    keys = [one.case for one in report.disagreements if one.case in known]
    if not keys:
        return None
    secret = blinding_secret(dataset) if blinded else ""
    reading = third_reading(keys, name=name, blinded=blinded, seed=seed, secret=secret)
    write_reading(dataset, reading)
    return reading


def write_agreement(path: Path, report: AgreementReport) -> None:
    """The table as CSV: one line a measure.

    Raises:
        OutputError: it cannot be written.
    """
    header = ["reader", "other_reader", "measure", "cases", "value", "low", "high", "note"]
    rows = [
        (
            row.one,
            row.other,
            row.measure,
            row.estimate.cases,
            *map(_cell, (row.estimate.value, row.estimate.low, row.estimate.high)),
            row.estimate.note,
        )
        for row in report.rows
    ]
    write_together({path: text_writer(_csv(header, rows))})


def write_disagreements(path: Path, report: AgreementReport) -> None:
    """The list for a third reader as CSV: one line a case and pair of readers.

    Raises:
        OutputError: it cannot be written.
    """
    rows = [(one.case, one.one, one.other, "; ".join(one.reasons)) for one in report.disagreements]
    write_together({path: text_writer(_csv(["case", "reader", "other_reader", "why"], rows))})


_Answers = dict[str, list[Verdict]]


def _answers(verdicts: Sequence[Verdict]) -> dict[Reader, _Answers]:
    """What counts of each reader, by key: of each mask of the case that the reader judged the
    newest verdict, oldest first.  What was taken back, and lines without verdict and rank, say
    nothing.
    """
    found: dict[Reader, _Answers] = {}
    for one in verdicts:
        standing = found.setdefault(Reader(one.rater, one.reading), {}).setdefault(one.case, [])
        if one.extra.get("undo"):
            del standing[-1:]  # what stood before it counts again
        else:
            standing.append(one)
    counted: dict[Reader, _Answers] = {}
    for reader, answers in found.items():
        for key, standing in answers.items():
            newest_of = {one.mask_sha256: n for n, one in enumerate(standing)}
            last = [standing[n] for n in sorted(newest_of.values())]
            kept = [one for one in last if one.verdict is not None or one.rank is not None]
            if kept:
                counted.setdefault(reader, {})[key] = kept
    return counted


def _on_same_mask(
    first: Sequence[Verdict], second: Sequence[Verdict]
) -> tuple[Verdict, Verdict] | None:
    """The last verdicts of two readers on one and the same mask, by its SHA-256; lines of tools
    that do not record it are taken at their word.
    """
    for b in reversed(second):
        for a in reversed(first):
            if len({a.mask_sha256, b.mask_sha256} - {""}) < 2:
                return a, b
    return None


def _compare_answers(
    one: Reader,
    other: Reader,
    first: _Answers,
    second: _Answers,
    report: AgreementReport,
) -> None:
    common = sorted(first.keys() & second.keys())
    found = {key: _on_same_mask(first[key], second[key]) for key in common}
    same = {key: pair for key, pair in found.items() if pair is not None}
    if len(same) < len(common):
        left = len(common) - len(same)
        report.notes.append(
            f"{one} and {other}: of {counted(len(common), 'case')} {left} left out, because they"
            " judged different masks of it."
        )
    pairs = list(same.values())
    judged = [(a.verdict.value, b.verdict.value) for a, b in pairs if a.verdict and b.verdict]
    ranked = [(a.rank, b.rank) for a, b in pairs if a.rank is not None and b.rank is not None]
    if judged:
        columns = [a for a, _ in judged], [b for _, b in judged]
        _add(report, one, other, "same verdict, share", agreement.same_share(*columns))
        _add(report, one, other, "verdict, Cohen's kappa", agreement.cohens_kappa(*columns))
    if ranked:
        ranks = [a for a, _ in ranked], [b for _, b in ranked]
        _add(report, one, other, "rank, weighted kappa", agreement.weighted_kappa(*ranks))
    for key, (a, b) in zip(same, pairs):
        reasons = []
        if a.verdict and b.verdict and a.verdict is not b.verdict:
            reasons.append(f"{a.verdict.value} and {b.verdict.value}")
        if a.rank is not None and b.rank is not None and abs(a.rank - b.rank) >= _RANKS_APART:
            reasons.append(f"ranks {a.rank} and {b.rank}")
        _disagree(report, key, one, other, reasons)


def _compare_masks(
    one: Reader,
    other: Reader,
    first: Mapping[str, Path],
    second: Mapping[str, Path],
    cases: Iterable[ReviewCase],
    areas: _Areas,
    report: AgreementReport,
    progress: Progress,
) -> None:
    common = [
        case
        for case in cases
        if case.key in first and case.key in second and first[case.key] != second[case.key]
    ]
    rows, participants = [], []
    for number, case in enumerate(common):
        progress.check_cancelled()
        progress.report(number / len(common), f"{one} and {other}: {case.key}")
        try:
            overlap, *pair = areas.compare(first[case.key], second[case.key])
        except SoftCordSegError as error:
            report.notes.append(f"{one} and {other}, {case.key}: {error.sentence}")
            continue
        rows.append((overlap, *pair))
        participants.append(case.participant or case.key)
        reasons = [f"soft Dice {overlap:.2f}"] if overlap < _LEAST_OVERLAP else []
        if 200 * abs(pair[0] - pair[1]) > _AREA_PERCENT * (pair[0] + pair[1]):
            reasons.append(f"areas {pair[0]:.1f} and {pair[1]:.1f} mm²")
        _disagree(report, case.key, one, other, reasons)
    if rows:
        dices, mine, theirs = zip(*rows)
        differences = [b - a for a, b in zip(mine, theirs)]
        _add(report, one, other, "CSA, ICC(2,1)", agreement.icc(list(zip(mine, theirs))))
        _add(
            report,
            one,
            other,
            "CSA difference, mm²",
            agreement.mean_interval(differences, participants),
        )
        _add(report, one, other, "soft Dice", agreement.mean_interval(dices, participants))


class _Areas:
    """Overlap and mean area of two masks of one image; each file is read and measured once."""

    def __init__(self) -> None:
        self._areas: dict[Path, dict[int, float]] = {}

    def compare(self, one: Path, other: Path) -> tuple[float, float, float]:
        """Soft Dice, and the mean area (mm²) of each in the slices that both have; NaN where there
        is none.

        Raises:
            SoftCordSegError: a mask cannot be read or measured, or the grids differ.
        """
        from ...volume import mask_values, read_nifti

        volumes = [mask_values(read_nifti(path)) for path in (one, other)]
        if not volumes[0].grid.same_as(volumes[1].grid):
            raise InputError("The two masks are on different grids.", path=other)
        overlap = agreement.overlap(volumes[0].data, volumes[1].data)
        first, second = (self._of(path, volume) for path, volume in zip((one, other), volumes))
        shared = sorted(first.keys() & second.keys())
        if not shared:
            return overlap, math.nan, math.nan
        return (
            overlap,
            sum(first[n] for n in shared) / len(shared),
            sum(second[n] for n in shared) / len(shared),
        )

    def _of(self, path: Path, volume: Any) -> dict[int, float]:
        from ...morphometry import MeasureOptions, measure

        if path not in self._areas:
            if not volume.data.any():
                return {}
            shape = measure(volume, MeasureOptions(rescaling="none", interval=False))
            self._areas[path] = {
                int(number): float(area)
                for number, area in zip(shape.slices, shape.columns["area"])
                if math.isfinite(area)
            }
        return self._areas[path]


def _masks_of_readers(
    dataset: Path,
    cases: Sequence[ReviewCase],
    verdicts: Sequence[Verdict],
    folders: Mapping[str, Path],
) -> dict[Reader, dict[str, Path]]:
    """The masks of each reader's own hand, by key of the case."""
    found: dict[Reader, dict[str, Path]] = {}
    for reading, rater in sorted({(one.reading, one.rater) for one in verdicts}):
        own = _mask_in_reading(dataset, reading, rater) if reading else _mask_in_first(rater)
        masks = {case.key: mask for case in cases if (mask := own(case)) is not None}
        if masks:
            found[Reader(rater, reading)] = masks
    for name, folder in folders.items():
        found[Reader(name)] = _masks_in_folder(folder, cases)
    return found


def _mask_in_reading(
    dataset: Path, reading: str, rater: str
) -> Callable[[ReviewCase], Path | None]:
    def own(case: ReviewCase) -> Path | None:
        path = reader_mask(dataset, reading, rater, case)
        return path if path.is_file() else None

    return own


def _mask_in_first(rater: str) -> Callable[[ReviewCase], Path | None]:
    """The mask whose name says that it is the rater's, else the one that the rater corrected last,
    as its sidecar has it.
    """
    names = {rater.casefold(), rater_slug(rater)}

    def own(case: ReviewCase) -> Path | None:
        for mask in case.masks:
            if read_name(mask).description.casefold() in names:
                return mask
        return next((mask for mask in case.masks if _last_author(mask) == rater), None)

    return own


def _last_author(mask: Path) -> str:
    entries = read_sidecar(sidecar_path(mask)).get("GeneratedBy")
    authors = [
        str(entry.get("Author", ""))
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping) and entry.get("Name") == MANUAL
    ]
    return authors[-1] if authors else ""


def _masks_in_folder(folder: Path, cases: Sequence[ReviewCase]) -> dict[str, Path]:
    """Masks of a folder by the image's name; an image that has several there has none."""
    if not folder.is_dir():
        raise InputError("There is no such folder of masks.", path=folder)
    named: dict[str, list[Path]] = {}
    for path in nifti_files(folder):
        if read_name(path).kind in MASKS:
            named.setdefault(read_name(path).image, []).append(path)
    names = [case.key.rpartition("/")[2] for case in cases]
    found = {
        case.key: named[name][0]
        for case, name in zip(cases, names)
        if len(named.get(name, ())) == 1 and (names.count(name) == 1 or session_of(name))
    }
    if not found:
        raise InputError(
            "No mask in this folder has the name of an image of the data set.",
            path=folder,
            hint="Name masks after their images, as sub-01_T2w_seg.nii.gz.",
        )
    return found


def _methods(reading: Reading, said: Mapping[Reader, _Answers]) -> Iterator[AgreementRow]:
    """What each reader says of the two methods of a comparison, by their true names."""
    one, other = reading.methods
    method = {item.key: item.method for item in reading.items}
    for reader, answers in said.items():
        if reader.reading != reading.name:
            continue
        mine: dict[str, dict[str, Verdict]] = {}
        for item in reading.items:
            if item.key in answers:
                mine.setdefault(item.case, {})[method[item.key]] = answers[item.key][-1]
        for name in (one, other):
            judged = [both[name].verdict for both in mine.values() if name in both]
            passes = [verdict is Judgement.PASS for verdict in judged if verdict is not None]
            if passes:
                share = agreement.same_share(passes, [True] * len(passes))
                yield AgreementRow(str(reader), "", f"{name} passes, share", share)
        pairs = [_worth(both[one], both[other]) for both in mine.values() if len(both) == 2]
        better = sum(a > b for a, b in pairs)
        worse = sum(a < b for a, b in pairs)
        estimate = agreement.preference(better, worse)
        yield AgreementRow(str(reader), "", f"{one} better than {other}, share", estimate)


def _worth(one: Verdict, other: Verdict) -> tuple[float, float]:
    """Two verdicts as numbers that can be compared: ranks where both have one and they differ, else
    the verdicts; equal where these do not tell either.
    """
    if one.rank is not None and other.rank is not None and one.rank != other.rank:
        return one.rank, other.rank
    if one.verdict in _BEST_FIRST and other.verdict in _BEST_FIRST:
        return -_BEST_FIRST.index(one.verdict), -_BEST_FIRST.index(other.verdict)
    return 0, 0


def _add(
    report: AgreementReport, one: Reader, other: Reader, measure: str, estimate: Estimate
) -> None:
    report.rows.append(AgreementRow(str(one), str(other), measure, estimate))


def _disagree(
    report: AgreementReport, key: str, one: Reader, other: Reader, reasons: Sequence[str]
) -> None:
    if reasons:
        report.disagreements.append(Disagreement(key, str(one), str(other), tuple(reasons)))


def _cell(number: float) -> str:
    return f"{number:.4f}" if math.isfinite(number) else ""


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return stream.getvalue()
