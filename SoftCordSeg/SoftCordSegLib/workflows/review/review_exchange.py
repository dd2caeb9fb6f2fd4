"""Verdicts from the files of other programs, and into them: SCT, manual-correction, CART,
SegmentationReview, MONAILabel.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from ...bids import Origin, origin_of
from ...errors import InputError, OptionError, OutputError, counted
from ...files import file_sha256, json_text, text_writer, write_together
from ...progress import Progress
from ...review import (
    ReviewCase,
    Verdict,
    VerdictStore,
    find_review_cases,
    newest,
    rater_file,
    rater_name,
    read_verdicts,
    verdict_time,
)
from ...review.blinding import hidden, stored_secret
from ...review.exchange import (
    FORMATS,
    CaseMatcher,
    ExchangeFormat,
    ForeignVerdict,
    JudgedCase,
    WriteRequest,
    format_named,
    format_of,
    is_meant,
    is_pattern,
    path_in,
)
from ...review.exchange.cart_cohort import UID, image_of
from ...review.exchange.foreign_verdicts import read_records, read_text, utc_of_seconds
from ...review.exchange.sct_qc_report import entries_of
from ...review.qc_entry import VIEW
from ...review.second_reading import read_reading

COHORT = "cart-cohort"
_ENTRIES = "_json"
# CART and MONAILabel know times to the second.
_SAME_TIME = timedelta(seconds=1)


@dataclass(frozen=True)
class ImportOptions:
    """How a file is read.

    Attributes:
        format: name of the format; "" to tell it from the file.
        rater: whose verdicts they are, where the file does not say it for sure.
        cohort: CART's table that says which image a uid of the file means; None where uids tell.
    """

    format: str = ""
    rater: str = ""
    cohort: Path | None = None


@dataclass(frozen=True)
class Unmatched:
    """A line of a file that no image of the data set could be found for: where it stands, the name
    there, and why.
    """

    where: str
    name: str
    reason: str


@dataclass(frozen=True)
class Imported:
    """What came of a file.

    Attributes:
        format: of the file.
        added: the new verdicts, as they were stored.
        known: how many were known already.
        unmatched: lines that no image was found for.
        notes: sentences on what the file does not say.
    """

    format: ExchangeFormat
    added: tuple[Verdict, ...] = ()
    known: int = 0
    unmatched: tuple[Unmatched, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportOptions:
    """How verdicts are written.

    Attributes:
        format: name of the format.
        rater: whose verdicts; "" where only one rater has given any.
        reading: name of a second reading; "" for the first.
        job: what CART calls the work; a part of the name of its log.
        base: a file of the format, or a folder of SCT's quality control, into whose content the
            verdicts are put; None for the file that is written, where it is there already.
        overwrite: replace files of formats in which nothing of an existing file stays.
    """

    format: str
    rater: str = ""
    reading: str = ""
    job: str = "softcord"
    base: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Exported:
    """The files that were written, how many verdicts are in them, whose they are, and what the
    format cannot hold.
    """

    paths: tuple[Path, ...]
    count: int
    rater: str
    notes: tuple[str, ...] = ()


def import_verdicts(
    dataset: Path,
    path: Path,
    options: ImportOptions | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Take the verdicts of another program's file into the store, beside those that are there.

    A verdict that is known is not added again.  Where the file says no time, that of the file's
    last change is taken.

    Args:
        dataset: folder of the data set.
        path: the file.
        options: how it is read.
        progress: receives progress; checked for cancellation at every verdict.

    Raises:
        InputError: the file or the data set cannot be read.
        OptionError: the file names no rater, and neither do the options.
        OutputError: a verdict cannot be stored; what was stored before is complete.
        Cancelled: the user stopped it; the next time goes on.
    """
    dataset, path = Path(dataset), Path(path)
    options, progress = options or ImportOptions(), progress or Progress()
    kind = format_named(options.format) if options.format else format_of(path)
    foreign = kind.read(path)
    matcher = CaseMatcher(find_review_cases(dataset))
    matched, unmatched = _matched(
        foreign.verdicts, matcher, _uids(options.cohort), stored_secret(dataset)
    )
    judged = [(c, _authored(one, options.rater)) for c, one in matched if _says_something(one)]
    changed = utc_of_seconds(path.stat().st_mtime)
    own: dict[tuple[str, str, str], list[Verdict]] = defaultdict(list)
    for known in read_verdicts(dataset):
        own[known.case, known.rater, known.reading].append(known)
    new: dict[str, list[Verdict]] = defaultdict(list)
    known_count = 0
    for case, one in _last_of_each(judged):
        given = one.rater
        if not given.strip():
            raise OptionError(
                "This file does not say who gave the verdicts.",
                path=path,
                hint="Give the name of the rater.",
            )
        try:
            rater = rater_name(given)
            verdict = _verdict_of(dataset, case, one, rater, foreign.software, one.when or changed)
            verdict.check()
        except OptionError as error:
            unmatched.append(Unmatched(one.where, one.name, error.sentence))
            continue
        if _is_known(kind, verdict, own[case.key, rater, one.reading], bool(one.when)):
            known_count += 1
        else:
            new[rater].append(verdict)
    added = _store(dataset, new, f"_{kind.name}-{file_sha256(path)[:8]}.jsonl", progress)
    return Imported(kind, added, known_count, tuple(unmatched), foreign.notes)


def export_verdicts(dataset: Path, out: Path, options: ExportOptions) -> Exported:
    """Write one rater's newest verdicts for another program.

    Args:
        dataset: folder of the data set.
        out: the file; the folder for formats of several files.
        options: what is written.

    Raises:
        OptionError: the options contradict each other, or several raters have given verdicts.
        InputError: the data set or an existing file cannot be read, or there is no verdict.
        OutputError: a file is there already, or cannot be written; nothing was written.
    """
    dataset, out = Path(dataset), Path(out)
    kind = format_named(options.format)
    if not options.job.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise OptionError(
            f"The name of a job has letters, digits and dashes, not '{options.job}'.",
            hint="Choose another name.",
        )
    reading = read_reading(dataset, options.reading) if options.reading else None
    if reading is not None and reading.kind == "comparison":
        raise OptionError(
            "This reading compares two masks of each image; other programs' files have one.",
            hint="The agreement of its readers tells what came of it.",
        )
    paths = _paths(kind, out, options.job)
    before = _before(kind, paths, options)
    verdicts = read_verdicts(dataset)
    rater = "" if kind.name == COHORT else _only_rater(verdicts, options)
    judged, notes = _judged(dataset, verdicts, rater, options.reading)
    request = WriteRequest(dataset, judged, rater, before, options.job)
    written = kind.write(request)
    write_together({paths[name]: text_writer(text) for name, text in written.files.items()})
    return Exported(
        tuple(paths[name] for name in written.files), written.count, rater, (*written.notes, *notes)
    )


def listed_cases(dataset: Path, path: Path) -> tuple[list[ReviewCase], list[Unmatched]]:
    """The cases that a file of another program lists, for choosing them: SCT's or
    manual-correction's list of what is to be corrected, CART's cohort, …

    Raises:
        InputError: the file or the data set cannot be read.
    """
    kind = format_of(path)
    matcher = CaseMatcher(find_review_cases(dataset))
    matched, unmatched = _matched(kind.read(path).verdicts, matcher, {}, stored_secret(dataset))
    return list({case.key: case for case, _ in matched}.values()), unmatched


def _matched(
    verdicts: Iterable[ForeignVerdict], matcher: CaseMatcher, uids: dict[str, str], secret: str
) -> tuple[list[tuple[ReviewCase, ForeignVerdict]], list[Unmatched]]:
    """Each verdict with its case, and those without one."""
    found, unmatched = [], []
    marks: _Marks = {}
    for one in verdicts:
        if is_pattern(one.name):
            corrected = one.extra.get("not", ())
            meant = [c for c in matcher.cases if is_meant(one.name, c.image.name, corrected)]
            found += [(case, replace(one, extra={})) for case in meant]
            if not meant:
                unmatched.append(Unmatched(one.where, one.name, "No image fits this pattern."))
            continue
        try:
            if one.blinded and not marks:
                marks = _marks(matcher.cases, secret)
            found.append(_found(one, matcher, uids, marks))
        except InputError as error:
            unmatched.append(Unmatched(one.where, one.name, error.sentence))
    return found, unmatched


# By SHA-256, or by what hides it, of each mask: its case, and its SHA-256.
_Marks = dict[str, list[tuple[ReviewCase, str]]]


def _marks(cases: Iterable[ReviewCase], secret: str) -> _Marks:
    marks: _Marks = {}
    for case in cases:
        for mask in case.masks:
            digest = file_sha256(mask)
            for mark in (digest, hidden(secret, digest)):
                marks.setdefault(mark, []).append((case, digest))
    return marks


def _found(
    one: ForeignVerdict, matcher: CaseMatcher, uids: dict[str, str], marks: _Marks
) -> tuple[ReviewCase, ForeignVerdict]:
    """A verdict with its case: by its name; a blinded one by the mask that was judged."""
    if not one.blinded:
        return matcher.find(uids.get(one.name, one.name)), one
    masks = marks.get(one.mask_sha256, [])
    if len(masks) != 1:
        try:
            return matcher.find(one.name), one  # the name is a true one after all
        except InputError:
            several = "fits several masks" if masks else "is of a mask that is not here any more"
            raise InputError(f"'{one.name}' {several}.") from None
    case, digest = masks[0]
    return case, replace(one, mask_sha256=digest)


def _says_something(one: ForeignVerdict) -> bool:
    return one.verdict is not None or one.rank is not None or bool(one.comment)


def _uids(cohort: Path | None) -> dict[str, str]:
    if cohort is None:
        return {}
    return {row[UID]: image_of(row) for row in read_records(cohort, [UID]) if row.get(UID)}


def _authored(one: ForeignVerdict, rater: str) -> ForeignVerdict:
    """With its author, else the one that is given: no verdict changes its author."""
    is_said = one.is_author and one.rater.strip()
    return one if is_said or not rater else replace(one, rater=rater)


def _last_of_each(
    judged: Sequence[tuple[ReviewCase, ForeignVerdict]],
) -> Iterator[tuple[ReviewCase, ForeignVerdict]]:
    """The verdicts with a time, oldest first, and of those without one the last of each case and
    rater.
    """
    timed = [one for one in judged if one[1].when]
    yield from sorted(timed, key=lambda one: one[1].when)
    yield from {
        (case.key, one.rater, one.reading): (case, one) for case, one in judged if not one.when
    }.values()


def _verdict_of(
    dataset: Path, case: ReviewCase, one: ForeignVerdict, rater: str, software: str, when: str
) -> Verdict:
    sha256 = one.mask_sha256
    mask = next(
        (m for m in case.masks if one.mask and one.mask in (path_in(dataset, m), m.name)),
        None if sha256 else case.mask,
    )
    if mask is None and not one.mask:  # blinded: which of several masks, its SHA-256 says
        mask = next((m for m in case.masks if file_sha256(m) == sha256), None)
    if mask is not None and not sha256 and not _is_newer(mask, when):
        sha256 = file_sha256(mask)
    return Verdict(
        case=case.key,
        mask=one.mask if mask is None else path_in(dataset, mask),
        mask_sha256=sha256,
        rater=rater,
        verdict=one.verdict,
        rank=one.rank,
        comment=one.comment,
        seconds=one.seconds,
        blinded=one.blinded,
        when=when,
        software=one.software or software,
        reading=one.reading,
        extra=one.extra,
    )


def _is_newer(mask: Path, when: str) -> bool:
    """Whether a mask was changed after the verdict: then it is not known which one was judged."""
    judged = verdict_time(when)
    changed = verdict_time(utc_of_seconds(mask.stat().st_mtime))
    return judged is None or changed is None or changed > judged


def _is_known(kind: ExchangeFormat, new: Verdict, own: Sequence[Verdict], is_timed: bool) -> bool:
    """Whether the rater's verdicts on the case have this one, as far as the format tells."""
    if is_timed:
        time = verdict_time(new.when)
        times = [(one, verdict_time(one.when)) for one in own]
        there = [one for one, then in times if time and then and abs(then - time) < _SAME_TIME]
    else:
        program = new.software.split()[0]
        there = [*own[-1:], *[one for one in own if one.software.startswith(program)][-1:]]
    return any(
        not kind.tells_apart(one.verdict, new.verdict)
        and all(getattr(one, name) == getattr(new, name) for name in kind.holds)
        for one in there
    )


def _store(
    dataset: Path, new: dict[str, list[Verdict]], ending: str, progress: Progress
) -> tuple[Verdict, ...]:
    """Append the verdicts, each rater's to a file of this import: in the rater's own file the last
    line counts as the newest, and these may be older.
    """
    total = max(sum(map(len, new.values())), 1)
    added: list[Verdict] = []
    for rater, verdicts in new.items():
        store = VerdictStore(dataset, rater)
        store.path = store.path.with_name(rater_file(rater, ending))
        for verdict in verdicts:
            progress.check_cancelled()
            store.add(verdict)
            added.append(verdict)
            progress.report(len(added) / total, verdict.case)
    return tuple(added)


def _paths(kind: ExchangeFormat, out: Path, job: str) -> dict[str, Path]:
    names = kind.files(job)
    if out.is_dir() or not out.suffix:
        return {name: out / name for name in names}
    if len(names) > 1:
        raise OptionError(
            f"This format has {len(names)} files: {', '.join(names)}.",
            path=out,
            hint="Give a folder for them.",
        )
    return {names[0]: out}


def _before(kind: ExchangeFormat, paths: dict[str, Path], options: ExportOptions) -> dict[str, str]:
    """The texts into which the verdicts are put."""
    if options.base is not None:
        if not kind.is_updated:
            raise OptionError(f"A file of the format {kind.name} is always written anew.")
        base = options.base
        if base.is_dir():
            return {name: _entries_text(base) for name in paths}
        return {name: read_text(base) for name in paths}
    there = {name: path for name, path in paths.items() if os.path.lexists(path)}
    if kind.is_updated:
        return {name: read_text(path) for name, path in there.items()}
    if there and not options.overwrite:
        raise OutputError(
            "This file is there already.",
            path=next(iter(there.values())),
            hint="Choose another folder, or ask for it to be overwritten.",
        )
    return {}


def _entries_text(folder: Path) -> str:
    """The entries of a folder of SCT's quality control, as its page would save them."""
    entries = []
    for path in sorted((folder / _ENTRIES).glob("qc_*.json")):
        text = read_text(path)
        for entry in entries_of(f'{{"datasets": [{text}]}}', path)["datasets"]:
            entry.pop(VIEW, None)
            entries.append(entry)
    if not entries:
        raise InputError(
            "There are no entries of a quality control in this folder.",
            path=folder,
            hint="Give the folder that has index.html in it.",
        )
    return json_text({"datasets": entries})


def _only_rater(verdicts: Sequence[Verdict], options: ExportOptions) -> str:
    raters = sorted({one.rater for one in verdicts if one.reading == options.reading})
    if options.rater:
        name = rater_name(options.rater)
        if name not in raters:
            raise InputError(
                f"'{name}' has given no verdict.",
                hint=f"Raters are: {', '.join(raters)}." if raters else "Give some first.",
            )
        return name
    if not raters:
        raise InputError("There is no verdict to export yet.", hint="Give some first.")
    if len(raters) > 1:
        raise OptionError(
            f"Several raters have given verdicts: {', '.join(raters)}.",
            hint="Choose whose verdicts are exported.",
        )
    return raters[0]


def _judged(
    dataset: Path, verdicts: Sequence[Verdict], rater: str, reading: str
) -> tuple[list[JudgedCase], tuple[str, ...]]:
    """All cases, with the rater's newest verdicts, and what has to be said of these."""
    latest = {case: one for (case, who), one in newest(verdicts, reading).items() if who == rater}
    judged = []
    for case in find_review_cases(dataset):
        verdict, mask = latest.pop(case.key, None), case.mask
        corrected = mask is not None and origin_of(mask) is Origin.CORRECTED
        earlier = (
            verdict is not None
            and mask is not None
            and verdict.mask_sha256 not in ("", file_sha256(_judged_mask(dataset, verdict, mask)))
        )
        judged.append(JudgedCase(case, verdict, corrected, earlier))
    notes = []
    if latest:
        notes.append(f"On images that are not here any more: {counted(len(latest), 'verdict')}.")
    number = sum(one.earlier for one in judged)
    if number:
        notes.append(
            f"On earlier masks than those that are there now: {counted(number, 'verdict')}."
        )
    return judged, tuple(notes)


def _judged_mask(dataset: Path, verdict: Verdict, mask: Path) -> Path:
    """The mask that was judged, where it is still there; else the best one."""
    named = dataset / verdict.mask
    return named if verdict.mask and named.is_file() else mask


__all__ = [
    "FORMATS",
    "ExportOptions",
    "Exported",
    "ImportOptions",
    "Imported",
    "Unmatched",
    "export_verdicts",
    "import_verdicts",
    "listed_cases",
]
