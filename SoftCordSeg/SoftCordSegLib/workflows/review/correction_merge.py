"""Corrections that a colleague sends back are taken into the data set, each case as a whole or not
at all.

A mask of ours changes only by its edit history: as the colleague's SoftCordSeg saved it, or, where
another program changed it, by the voxels that crossed the threshold, with the softness of the mask
kept (:mod:`..correction`).  A case whose files in the data set are not those that were packed any
more is a conflict: it is listed, and nothing of it is replaced.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ...bids import (
    DERIVATIVES,
    MANUAL,
    Kind,
    hashed_writers,
    label_name,
    manual_entry,
    merged,
    read_name,
    read_sidecar,
    shared_sidecar,
    sidecar_path,
    stem_of,
    with_correction,
)
from ...correction import edits_from, merge
from ...errors import InputError, SoftCordSegError
from ...files import file_sha256, is_plain_path, json_text, text_writer
from ...morphometry.disc_files import read_discs
from ...progress import Progress
from ...review import (
    ReviewCase,
    Verdict,
    VerdictStore,
    find_review_cases,
    rater_slug,
    read_verdicts,
)
from ...review.exchange import path_in
from ...review.merge_journal import finish_interrupted, merging, replace_as_one
from ...volume import (
    Grid,
    Volume,
    check_is_cord,
    mask_values,
    read_grid,
    read_nifti,
    write_nifti,
)
from ...volume.nifti_texts import copy_without_texts
from .package_manifest import (
    DISCS,
    EDITS,
    IMAGE,
    MANIFEST,
    MASK,
    Manifest,
    PackageSource,
    PackedFile,
    open_package,
)

_VERDICTS = f"{DERIVATIVES}/review/verdicts/"
_OURS = "SoftCordSeg"
_USUAL_THRESHOLD = 0.5
# Of the colleague's file, in the entry of a correction: so that it is not merged a second time.
_CORRECTION = "CorrectionSHA256"
_KIND_OF = {
    Kind.SOFT_MASK: MASK,
    Kind.BINARY_MASK: MASK,
    Kind.CUT_SOFT_MASK: MASK,
    Kind.EDIT_MAP: EDITS,
    Kind.DISCS: DISCS,
}
_POINTS = (".mrk.json", ".fcsv")
_BESIDE = (Kind.BINARY_MASK, Kind.EDIT_MAP)
Writers = dict[str, Callable[[Path], object]]


class Outcome(str, Enum):
    """What became of a case."""

    MERGED = "merged"
    KNOWN = "merged before"
    UNCHANGED = "not changed"
    CONFLICT = "conflict"
    REFUSED = "not taken"


@dataclass(frozen=True)
class MergeOptions:
    """How corrections are taken in.

    Attributes:
        author: who corrected masks of which no sidecar says it; "" refuses those.
        check_only: say what would be done, and replace nothing.
    """

    author: str = ""
    check_only: bool = False


@dataclass(frozen=True)
class MergedCase:
    """What became of a case, why, and the files that were written, as paths in the data set."""

    key: str
    outcome: Outcome
    sentence: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Merged:
    """What came of a package: its cases, the verdicts that were new, and the keys of cases that an
    earlier run had left half done.
    """

    cases: tuple[MergedCase, ...]
    verdicts: tuple[Verdict, ...] = ()
    finished: tuple[str, ...] = ()

    def with_outcome(self, outcome: Outcome) -> list[MergedCase]:
        """Those of one outcome."""
        return [case for case in self.cases if case.outcome is outcome]


@dataclass(frozen=True)
class _Sent:
    """What a colleague sent back of a case.

    Attributes:
        case: of the data set.
        grid: of its image.
        files: path in the data set -> the file as it came, for all that are new or changed.
        sums: their SHA-256.
        sidecars: path in the data set -> content, of the JSON files beside the labels.
    """

    case: ReviewCase
    grid: Grid
    files: Mapping[str, Path]
    sums: Mapping[str, str]
    sidecars: Mapping[str, dict[str, Any]]


def merge_corrections(
    dataset: Path,
    package: Path,
    options: MergeOptions | None = None,
    progress: Progress | None = None,
) -> Merged:
    """Take the corrected cases of a package into the data set.

    Args:
        dataset: folder of the data set that was packed from.
        package: the zip that was sent back, or its folder.
        options: how.
        progress: receives progress; checked for cancellation between cases.

    Raises:
        InputError: it is no package, corrupt or hostile, or the data set cannot be read.
        OutputError: a file cannot be written; each case is as it was or as it shall be.
        Cancelled: the user stopped it; what was merged before is complete.
    """
    dataset, package = Path(dataset), Path(package)
    options, progress = options or MergeOptions(), progress or Progress()
    with (
        contextlib.nullcontext() if options.check_only else merging(dataset),
        open_package(package) as source,
        tempfile.TemporaryDirectory(prefix="softcord-") as folder,
    ):
        finished = () if options.check_only else tuple(finish_interrupted(dataset))
        work = Path(folder)
        source.copy(MANIFEST, work / MANIFEST)
        manifest = Manifest.read(work / MANIFEST)
        cases = {case.key: case for case in find_review_cases(dataset)}
        labels = _labels_by_image(sorted(source.names))
        results = []
        for number, (key, packed) in enumerate(manifest.cases.items()):
            progress.report(number / len(manifest.cases), f"Merging {key}")
            progress.check_cancelled()
            try:
                taken = work / str(number)
                taken.mkdir()
                case = cases.get(key)
                names = labels.get("" if case is None else stem_of(case.image), [])
                result = _merge_case(dataset, case, key, packed, source, names, taken, options)
            except SoftCordSegError as error:
                result = MergedCase(key, Outcome.REFUSED, f"{error.sentence} {error.hint}".strip())
            results.append(result)
        known = read_verdicts(dataset)
        verdicts = _new_verdicts(source, work / "said", manifest.cases, known)
        if not options.check_only:
            _store(dataset, verdicts)
    return Merged(tuple(results), tuple(verdicts), finished)


def _merge_case(
    dataset: Path,
    case: ReviewCase | None,
    key: str,
    packed: tuple[PackedFile, ...],
    source: PackageSource,
    labels: list[str],
    work: Path,
    options: MergeOptions,
) -> MergedCase:
    if case is None:
        return MergedCase(key, Outcome.REFUSED, "The data set has no such image.")
    sent = _sent(dataset, case, packed, source, labels, work)
    if not sent.files:
        return MergedCase(key, Outcome.UNCHANGED)
    if all(_is_known(dataset, name, total) for name, total in sent.sums.items()):
        return MergedCase(key, Outcome.KNOWN)
    conflict = _conflict(dataset, packed, sent)
    if conflict:
        return MergedCase(key, Outcome.CONFLICT, conflict)
    files = _replacements(dataset, sent, options.author)
    if not options.check_only:
        replace_as_one(dataset, key, files)
    return MergedCase(key, Outcome.MERGED, "", tuple(files))


def _sent(
    dataset: Path,
    case: ReviewCase,
    packed: tuple[PackedFile, ...],
    source: PackageSource,
    labels: list[str],
    work: Path,
) -> _Sent:
    """Copy out what is new or changed of a case; ``labels`` are those of images of its name."""
    grid = read_grid(case.image)
    most = 16 * int(np.prod(grid.shape)) + (1 << 20)
    before = {one.path: one.sha256 for one in packed if one.kind in (MASK, EDITS, DISCS)}
    sources = {one.path: one.source_sha256 for one in packed}
    there = source.names
    names = [name for name in before if name in there]
    names += [name for name in labels if name not in before and _is_beside(name, case)]
    files, sums, sidecars = {}, {}, {}
    for number, name in enumerate(sorted(names)):
        target = work / str(number) / PurePosixPath(name).name
        target.parent.mkdir()
        source.copy(name, target, most)
        total = file_sha256(target)
        packed_from = sources.get(name, "")
        if total == before.get(name) or _was_only_saved(dataset / name, packed_from, target):
            continue
        files[name], sums[name] = target, total
        beside = str(PurePosixPath(name).with_name(f"{stem_of(name)}.json"))
        if beside in there:
            source.copy(beside, sidecar_path(target))
            sidecars[beside] = shared_sidecar(read_sidecar(sidecar_path(target)))
    return _Sent(case, grid, files, sums, sidecars)


def _was_only_saved(path: Path, packed_from: str, came: Path) -> bool:
    """Whether a file is the one that was packed, saved again without a change."""
    if not path.is_file() or not read_name(path).is_nifti or file_sha256(path) != packed_from:
        return False
    try:
        one, other = read_nifti(path), read_nifti(came)
    except InputError:
        return False
    return one.grid.same_as(other.grid) and np.array_equal(one.data, other.data)


def _labels_by_image(names: Iterable[str]) -> dict[str, list[str]]:
    """The masks, maps of edits and discs among the files of a package, by the image's name."""
    found: dict[str, list[str]] = {}
    for name in names:
        read = read_name(name)
        is_file = read.is_nifti or (read.kind is Kind.DISCS and read.extension in _POINTS)
        if read.kind in _KIND_OF and is_file and is_plain_path(name):
            found.setdefault(read.image, []).append(name)
    return found


def _is_beside(name: str, case: ReviewCase) -> bool:
    """Whether a label lies where one of the case belongs."""
    folders, own = PurePosixPath(name).parts[:-1], PurePosixPath(case.key).parts[:-1]
    return folders == own or (folders[:1] == (DERIVATIVES,) and folders[2:] == own)


def _is_known(dataset: Path, name: str, total: str) -> bool:
    """Whether a file of this SHA-256 was merged before."""
    path = dataset / name
    if path.is_file() and file_sha256(path) == total:
        return True
    beside = path.parent.glob("*.json") if path.parent.is_dir() else ()
    stem = read_name(path).image
    return any(
        total in _recorded(read_sidecar(one)) for one in beside if read_name(one).image == stem
    )


def _recorded(content: Mapping[str, Any]) -> Iterable[str]:
    """SHA-256 of the files that were merged into a mask."""
    for entry in _history(content):
        sums = entry.get(_CORRECTION) if isinstance(entry, Mapping) else None
        yield from (str(total) for total in (sums.values() if isinstance(sums, Mapping) else ()))


def _history(content: Mapping[str, Any]) -> list[Any]:
    entries = content.get("GeneratedBy", [])
    return entries if isinstance(entries, list) else [entries]


def _conflict(dataset: Path, packed: tuple[PackedFile, ...], sent: _Sent) -> str:
    """Why the files of a case must not be replaced; "" where they are as they were packed."""
    kinds = {_kind_of(name, packed) for name in sent.files}
    kinds |= {EDITS} if MASK in kinds else set()
    for one in packed:
        if one.kind not in kinds:
            continue
        path = dataset / one.path
        if not path.is_file():
            return f"'{path.name}' was removed from the data set since it was packed."
        total = file_sha256(path)
        if total not in (one.source_sha256, sent.sums.get(one.path)):
            return f"'{path.name}' was changed in the data set since it was packed."
    for name in set(sent.files) - {one.path for one in packed}:
        path = dataset / name
        if path.exists() and file_sha256(path) != sent.sums[name]:
            return f"'{path.name}' is in the data set by now, and is another one."
    return ""


def _kind_of(name: str, packed: tuple[PackedFile, ...]) -> str:
    known = {one.path: one.kind for one in packed}
    return known.get(name) or _KIND_OF.get(read_name(name).kind, IMAGE)


def _replacements(dataset: Path, sent: _Sent, author: str) -> Writers:
    """The files to write for a case, sidecars behind what they describe.

    Raises:
        InputError: a file is no mask of the image, or nothing says who changed it.
    """
    files: Writers = {}
    left = dict(sent.files)
    folders = {str(PurePosixPath(name).parent) for name in sent.files}
    for folder in sorted(folders):
        soft = _soft_mask_of_ours(dataset, sent.case, folder)
        if soft is None:
            continue
        kinds = (Kind.SOFT_MASK, Kind.BINARY_MASK, Kind.EDIT_MAP)
        names = {
            read_name(name).kind: name
            for name in sent.files
            if str(PurePosixPath(name).parent) == folder and read_name(name).kind in kinds
        }
        if names:
            files |= _of_ours(dataset, sent, soft, names, author)
        left = {name: path for name, path in left.items() if name not in names.values()}
    for name in left:
        kind = read_name(name).kind
        if kind is Kind.EDIT_MAP:
            continue  # belongs to a mask that is not there
        files |= _as_sent(dataset, sent, name, author)
    if not files:
        raise InputError("A map of edits came without its mask.")
    return files


def _soft_mask_of_ours(dataset: Path, case: ReviewCase, folder: str) -> Path | None:
    for mask in case.masks:
        if mask.parent == dataset / folder and read_name(mask).kind is Kind.SOFT_MASK:
            history = _history(read_sidecar(sidecar_path(mask)))
            if any(isinstance(one, Mapping) and one.get("Name") == _OURS for one in history):
                return mask
    return None


def _of_ours(
    dataset: Path, sent: _Sent, soft: Path, names: Mapping[Kind, str], author: str
) -> Writers:
    """A mask of ours, its map of edits and the mask at the threshold, by the edit history."""
    name = path_in(dataset, soft)
    existing = read_sidecar(sidecar_path(soft))
    theirs = sent.sidecars.get(path_in(dataset, sidecar_path(soft)), {})
    if Kind.SOFT_MASK not in names and Kind.BINARY_MASK not in names:
        raise InputError("A map of edits was changed, and its mask was not.")
    current = _mask(soft, sent.grid)
    threshold = _threshold(theirs if _goes_on(existing, theirs) else existing)
    wanted = names.get(Kind.SOFT_MASK) or names[Kind.BINARY_MASK]
    came = _mask(sent.files[wanted], sent.grid)
    at = threshold if Kind.SOFT_MASK in names else _USUAL_THRESHOLD
    p0 = np.ascontiguousarray(current.data, np.float32)
    new = edits_from(came.data >= np.float32(at), p0, np.zeros(p0.shape, np.int8), threshold)
    if _saved_by_us(sent, names, existing, theirs):
        # What did not change is described by the new sidecar too.
        beside = (soft, *(soft.with_name(_label(soft, sent.case, kind)) for kind in _BESIDE))
        masks = {path_in(dataset, one): _copier(one) for one in beside if one.exists()}
        masks |= {one: _copier(sent.files[one]) for one in names.values()}
        if path_in(dataset, beside[-1]) not in masks:
            masks |= _edit_writer(dataset, sent, soft, new, current)
        return _with_sidecar(dataset, masks, name, merged(existing, theirs))
    if not new.any():
        raise InputError(
            "The mask was changed, but no voxel of it crossed the threshold.",
            hint="Correct it with SoftCordSeg, which keeps such changes.",
        )
    _check_author(author)
    values = merge(p0, new, threshold, [float(size) for size in current.spacing])
    total = np.where(new != 0, new, _edits_before(dataset, sent, soft)).astype(np.int8)
    after = current.with_data(values)
    masks = {name: lambda path: write_nifti(after, path, np.float32)}
    masks |= _edit_writer(dataset, sent, soft, total, current)
    binary = soft.with_name(_label(soft, sent.case, Kind.BINARY_MASK))
    if binary.exists() or Kind.BINARY_MASK in names:
        cut = after.with_data((values >= np.float32(threshold)).astype(np.uint8))
        masks[path_in(dataset, binary)] = lambda path: write_nifti(cut, path)
    added, removed = int((total > 0).sum()), int((total < 0).sum())
    content = with_correction(existing, author, added, removed)
    content.pop("Doubt", None)  # of the mask as it was
    content["GeneratedBy"][-1] |= _record(sent, names.values())
    return _with_sidecar(dataset, masks, name, content)


def _saved_by_us(
    sent: _Sent, names: Mapping[Kind, str], existing: Mapping[str, Any], theirs: Mapping[str, Any]
) -> bool:
    """Whether SoftCordSeg saved what came: the history goes on by a correction, and the sidecar
    describes the very files.
    """
    sums = theirs.get("MaskSHA256")
    return (
        Kind.SOFT_MASK in names
        and _goes_on(existing, theirs)
        and isinstance(sums, Mapping)
        and all(sums.get(PurePosixPath(one).name) == sent.sums[one] for one in names.values())
    )


def _goes_on(existing: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Whether a history continues another one by a correction by hand."""
    before, after = _history(shared_sidecar(existing)), _history(theirs)
    new = after[len(before) :]
    return after[: len(before)] == before and any(
        isinstance(one, Mapping) and one.get("Name") == MANUAL for one in new
    )


def _as_sent(dataset: Path, sent: _Sent, name: str, author: str) -> Writers:
    """Discs, and masks that are not ours, as they came; the history goes on by one entry."""
    came = sent.files[name]
    if _KIND_OF.get(read_name(name).kind) == DISCS:
        read_discs(came)
    else:
        check_is_cord(_mask(came, sent.grid))
    beside = sidecar_path(dataset / name)
    existing, theirs = read_sidecar(beside), sent.sidecars.get(path_in(dataset, beside), {})
    if _goes_on(existing, theirs) or (theirs and not beside.exists()):
        content = merged(existing, theirs)
    else:
        _check_author(author)
        entry = {**manual_entry(author), **_record(sent, [name])}
        content = {**existing, "GeneratedBy": [*_history(existing), entry]}
    if _KIND_OF.get(read_name(name).kind) == DISCS:
        beside_name = path_in(dataset, beside)
        return {name: _copier(came), beside_name: text_writer(json_text(content))}
    return _with_sidecar(dataset, {name: _copier(came)}, name, content)


def _with_sidecar(dataset: Path, masks: Writers, name: str, content: Mapping[str, Any]) -> Writers:
    """Writers of masks and of the sidecar of the mask ``name``, by paths in the data set."""
    beside = sidecar_path(dataset / name)
    paths = {dataset / one: write for one, write in masks.items()}
    writers = hashed_writers(paths, beside, content)
    return {path_in(dataset, path): write for path, write in writers.items()}


def _edit_writer(
    dataset: Path, sent: _Sent, soft: Path, edits: np.ndarray, mask: Volume
) -> Writers:
    path = soft.with_name(_label(soft, sent.case, Kind.EDIT_MAP))
    volume = mask.with_data(edits)
    return {path_in(dataset, path): lambda temporary: write_nifti(volume, temporary)}


def _edits_before(dataset: Path, sent: _Sent, soft: Path) -> np.ndarray:
    path = soft.with_name(_label(soft, sent.case, Kind.EDIT_MAP))
    if not path.exists():
        return np.zeros(sent.grid.shape, np.int8)
    edits = read_nifti(path)
    if not edits.grid.same_as(sent.grid):
        raise InputError("The map of edits is not on the grid of its image.", path=path)
    return np.asarray(edits.data)


def _label(soft: Path, case: ReviewCase, kind: Kind) -> str:
    """The name of another label beside a soft mask, in the same spelling."""
    standard = soft.name == label_name(case.image, Kind.SOFT_MASK, standard_names=True)
    return label_name(case.image, kind, standard_names=standard)


def _mask(path: Path, grid: Grid) -> Volume:
    """A mask on the image's grid, values from 0 to 1.

    Raises:
        InputError: it is none.
    """
    volume = read_nifti(path)
    if not volume.grid.same_as(grid):
        raise InputError("The mask is not on the grid of its image.", path=path)
    return mask_values(volume)


def _threshold(content: Mapping[str, Any]) -> float:
    value = content.get("Threshold")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0.0 < value <= 1.0:
        return float(value)
    return _USUAL_THRESHOLD


def _check_author(author: str) -> None:
    if not author.strip():
        raise InputError(
            "Nothing says who corrected it.", hint="Give the name of who did, and merge again."
        )


def _record(sent: _Sent, names: Iterable[str]) -> dict[str, Any]:
    return {_CORRECTION: {PurePosixPath(one).name: sent.sums[one] for one in names}}


def _copier(came: Path) -> Callable[[Path], object]:
    if came.name.lower().endswith((".nii", ".nii.gz")):
        return lambda path: copy_without_texts(came, path)
    data = came.read_bytes()
    return lambda path: path.write_bytes(data)


def _new_verdicts(
    source: PackageSource, folder: Path, keys: Iterable[str], known: list[Verdict]
) -> list[Verdict]:
    """The verdicts of a package on its cases that the data set does not have, oldest first."""
    said = folder / _VERDICTS
    said.mkdir(parents=True)
    names = [one for one in sorted(source.names) if one.startswith(_VERDICTS)]
    for name in names:
        if "/" not in name[len(_VERDICTS) :] and is_plain_path(name):
            source.copy(name, folder / name)
    wanted, there = set(keys), {json_text(one.as_json()) for one in known}
    found = [one for one in read_verdicts(folder) if one.case in wanted]
    return [one for one in found if json_text(one.as_json()) not in there]


def _store(dataset: Path, verdicts: list[Verdict]) -> None:
    """Append the verdicts, those of each rater to a file of this merge: in the rater's own file the
    last line counts as the newest.
    """
    by_rater: dict[str, list[Verdict]] = {}
    for one in verdicts:
        by_rater.setdefault(one.rater, []).append(one)
    for rater, own in by_rater.items():
        mark = sha256(repr([one.as_json() for one in own]).encode("utf-8", "replace")).hexdigest()
        store = VerdictStore(dataset, rater)
        store.path = store.path.with_name(f"{rater_slug(rater)}_merged-{mark[:8]}.jsonl")
        for one in own:
            store.add(replace(one, rater=store.rater))
