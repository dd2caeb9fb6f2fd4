"""A package for correction: some cases of a data set in a zip, for a colleague who corrects them
and sends them back; :mod:`.correction_merge` takes them in.

Unpacked, it is a small data set in itself.  Nothing of a patient but the names of files, and no
folder of this computer, is in it: texts and extensions of NIfTI headers and such keys of sidecars
are left out.  The same cases always give the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...bids import (
    DESCRIPTION,
    Kind,
    label_name,
    read_description,
    shared_sidecar,
    sidecar_path,
)
from ...errors import Cancelled, InputError, OptionError, OutputError, SoftCordSegError
from ...files import atomic_path, file_sha256, is_plain_path, json_text, real_path, safe_cell
from ...progress import Progress
from ...review import (
    Judgement,
    ReviewCase,
    Verdict,
    find_review_cases,
    newest,
    rater_slug,
    read_verdicts,
)
from ...review.exchange import CaseMatcher, path_in
from ...structured_text import read_json
from ...volume.nifti_texts import copy_without_texts
from ..run_each import Failure
from .package_manifest import (
    DISCS,
    EDITS,
    IMAGE,
    MANIFEST,
    MASK,
    SIDECAR,
    Manifest,
    PackedFile,
)

_TIME = (1980, 1, 1, 0, 0, 0)
_VERDICTS = "derivatives/review/verdicts"
_README = """Cases to correct
================

1. Unpack this archive. The folder is a small data set of its own.
2. Correct the masks in derivatives: in 3D Slicer with SoftCordSeg (Save writes mask, map of edits
   and who corrected it), or in any other program, under the same names. Disc labels may be
   corrected or added too. Leave package.json as it is.
3. Send the folder back, packed in any way, for example by:
   softcord review package FOLDER -o back.zip
4. It is taken in by: softcord review merge DATASET back.zip

cases.csv lists the cases with what was said of them.
"""


@dataclass(frozen=True)
class PackageOptions:
    """What is packed.

    Attributes:
        other_contrasts: also the images of other contrasts of the same session.
        verdicts: also what the raters said of the cases, other than in second or blinded readings.
        overwrite: replace a package that is there already.
    """

    other_contrasts: bool = False
    verdicts: bool = True
    overwrite: bool = False


@dataclass(frozen=True)
class Packaged:
    """The package, the keys of the cases in it, those that could not be packed, and in how many
    files texts of the header were left out.
    """

    path: Path
    keys: tuple[str, ...]
    failures: tuple[Failure[ReviewCase], ...]
    cleaned: int


def chosen_cases(
    dataset: Path,
    names: Collection[str] = (),
    judgements: Collection[Judgement] = (),
) -> list[ReviewCase]:
    """The cases of these names, or with these newest verdicts of any rater.

    Args:
        dataset: folder of the data set.
        names: keys, names of files or uids; of the unpacked package of somebody else none: all.
        judgements: by default those that ask for a correction.

    Raises:
        InputError: a name means no case or several, or there is no such case.
    """
    cases = find_review_cases(dataset)
    if names:
        matcher = CaseMatcher(cases)
        return list({case.key: case for case in map(matcher.find, names)}.values())
    if (dataset / MANIFEST).is_file() and not judgements:
        packed = Manifest.read(dataset / MANIFEST).cases
        found = [case for case in cases if case.key in packed]
    else:
        wanted = set(judgements or (Judgement.FAIL, Judgement.TO_CORRECT))
        said = {key for (key, _), one in newest(read_verdicts(dataset)).items() if _is(one, wanted)}
        found = [case for case in cases if case.key in said]
    if not found:
        raise InputError(
            "No case has a verdict that asks for a correction.",
            path=dataset,
            hint="Name the cases to pack.",
        )
    return found


def package_cases(
    dataset: Path,
    cases: Sequence[ReviewCase],
    out: Path,
    options: PackageOptions | None = None,
    progress: Progress | None = None,
) -> Packaged:
    """Pack cases for a colleague, or, in the unpacked folder of a package, for the way back.

    Args:
        dataset: folder of the data set.
        cases: of it.
        out: the zip.
        options: what is packed.
        progress: receives progress; checked for cancellation at every case.

    Raises:
        OptionError: the name does not end in .zip or lies in the data set, or there are no cases.
        InputError: no case could be packed.
        OutputError: the file is there already, or cannot be written; nothing half-written is left.
        Cancelled: the user stopped it; nothing is left.
    """
    dataset, out = Path(dataset), Path(out)
    options, progress = options or PackageOptions(), progress or Progress()
    _check(dataset, out, cases, options)
    # On the way back what counts is what was packed at first.
    at_first = Manifest.read(dataset / MANIFEST).cases if (dataset / MANIFEST).is_file() else {}
    packed: dict[str, tuple[PackedFile, ...]] = {}
    failures: list[Failure[ReviewCase]] = []
    cleaned = 0
    with (
        tempfile.TemporaryDirectory(prefix="softcord-") as work,
        atomic_path(out) as temporary,
        zipfile.ZipFile(temporary, "w") as archive,
    ):
        written: set[str] = set()
        for number, case in enumerate(cases):
            progress.report(number / len(cases), f"Packing {case.key}")
            progress.check_cancelled()
            stage = Path(work) / str(number)
            try:
                files, changed = _staged(dataset, case, stage, options)
            except Cancelled:
                raise
            except SoftCordSegError as error:
                failures.append(Failure(case, case.key, error))
                continue
            for one in files:
                if one.path not in written:
                    _add_file(archive, one.path, stage / one.path)
                written.add(one.path)
            shutil.rmtree(stage, ignore_errors=True)
            packed[case.key] = at_first.get(case.key, files)
            cleaned += changed
        if not packed:
            raise InputError(
                "None of the cases could be packed.", path=dataset, hint=str(failures[0].error)
            )
        _add_texts(archive, dataset, packed, cases, options)
    return Packaged(out, tuple(packed), tuple(failures), cleaned)


def _check(dataset: Path, out: Path, cases: Sequence[ReviewCase], options: PackageOptions) -> None:
    if out.suffix.lower() != ".zip":
        raise OptionError(
            f"A package is a zip archive, and '{out.name}' does not end in .zip.",
            hint="Choose such a name.",
        )
    if real_path(dataset) in real_path(out).parents:
        raise OptionError(
            f"The package '{out.name}' would lie in the data set itself.",
            hint="Choose a folder outside of the data set.",
        )
    if not cases:
        raise OptionError("There are no cases to pack.", hint="Choose some.")
    if out.exists() and not options.overwrite:
        raise OutputError(
            "This file is there already.",
            path=out,
            hint="Choose another name, or ask for it to be overwritten.",
        )


def _is(verdict: Verdict, wanted: Collection[Judgement]) -> bool:
    return verdict.verdict in wanted


def _files_of(case: ReviewCase, options: PackageOptions) -> Iterator[tuple[Path, str]]:
    """The files of a case, each with its kind."""
    yield case.image, IMAGE
    for mask in case.masks:
        yield mask, MASK
        for standard in (False, True):
            name = label_name(case.image, Kind.EDIT_MAP, standard_names=standard)
            yield mask.parent / name, EDITS
    if case.discs is not None:
        yield case.discs, DISCS
    if options.other_contrasts:
        for other in case.others:
            yield other, IMAGE


def _staged(
    dataset: Path, case: ReviewCase, stage: Path, options: PackageOptions
) -> tuple[tuple[PackedFile, ...], int]:
    """Copy the files of a case into a folder, without what must not leave; and in how many there
    was something of that.
    """
    if case.problem:
        raise InputError(case.problem, path=case.image)
    files: dict[str, PackedFile] = {}
    cleaned = 0
    for path, kind in _files_of(case, options):
        with_sidecar = [(path, kind)]
        if kind != IMAGE:
            with_sidecar.append((sidecar_path(path), SIDECAR))
        for source, what in with_sidecar:
            name = path_in(dataset, source)
            if name in files or not source.is_file():
                continue
            if not is_plain_path(name):
                raise InputError(
                    f"The name '{name}' cannot be used on every system.",
                    path=source,
                    hint="Rename it.",
                )
            target = stage / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                cleaned += _copy(source, target)
            except InputError:
                if source not in case.others:
                    raise
                target.unlink(missing_ok=True)
                continue  # another contrast is of use, and not needed
            files[name] = PackedFile(name, what, file_sha256(target), file_sha256(source))
    return tuple(files.values()), cleaned


def _copy(source: Path, target: Path) -> bool:
    """Copy a file without what must not leave; whether there was any of that."""
    if source.name.lower().endswith((".nii", ".nii.gz")):
        return copy_without_texts(source, target)
    if source.suffix.lower() == ".json":
        try:
            content = read_json(source)
        except (OSError, ValueError) as error:
            raise InputError(
                "This file cannot be read as JSON.", path=source, hint="Mend or remove it."
            ) from error
        shared = shared_sidecar(content)
        if shared != content:
            target.write_text(json_text(shared), encoding="utf-8")
            return True
    shutil.copyfile(source, target)
    return False


def _add_file(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    info = _info(name, path.stat().st_size)
    with open(path, "rb") as source, archive.open(info, "w") as stream:
        shutil.copyfileobj(source, stream, 1 << 20)


def _add_text(archive: zipfile.ZipFile, name: str, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    archive.writestr(_info(name, len(data)), data)


def _info(name: str, size: int) -> zipfile.ZipInfo:
    """An entry that says nothing of when and where it was made."""
    info = zipfile.ZipInfo(name, _TIME)
    info.create_system, info.external_attr = 3, 0o100644 << 16
    packed = name.lower().endswith(".gz")
    info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    info.file_size = size
    return info


def _add_texts(
    archive: zipfile.ZipFile,
    dataset: Path,
    packed: dict[str, tuple[PackedFile, ...]],
    cases: Sequence[ReviewCase],
    options: PackageOptions,
) -> None:
    # What was said blinded, or in a second reading, must not reach who is to read the same.
    first = [one for one in read_verdicts(dataset) if not one.reading and not one.blinded]
    verdicts = [one for one in first if one.case in packed]
    if not options.verdicts:
        verdicts = []
    _add_text(archive, "README.txt", _README)
    _add_text(archive, MANIFEST, json_text(Manifest(packed).as_json()))
    name = read_description(dataset).get("Name")
    about = {
        "Name": name if isinstance(name, str) else "Cases to correct",
        "BIDSVersion": "1.9.0",
        "DatasetType": "raw",
    }
    _add_text(archive, DESCRIPTION, json_text(about))
    _add_text(archive, "cases.csv", _table(dataset, packed, cases, verdicts))
    for rater in sorted({one.rater for one in verdicts}):
        lines = [
            json.dumps(one.as_json(), ensure_ascii=False) for one in verdicts if one.rater == rater
        ]
        _add_text(archive, f"{_VERDICTS}/{rater_slug(rater)}_packed.jsonl", "\n".join([*lines, ""]))


def _table(
    dataset: Path,
    packed: Collection[str],
    cases: Sequence[ReviewCase],
    verdicts: Sequence[Verdict],
) -> str:
    """The cases with what was said of them."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["case", "mask", "rater", "verdict", "rank", "comment"])
    said: dict[str, list[Verdict]] = {}
    for (key, _), one in sorted(newest(verdicts).items()):
        said.setdefault(key, []).append(one)
    for case in cases:
        if case.key not in packed:
            continue
        mask = "" if case.mask is None else path_in(dataset, case.mask)
        for one in said.get(case.key) or [Verdict("")]:
            word = "" if one.verdict is None else one.verdict.value
            rank = "" if one.rank is None else one.rank
            cells = (case.key, mask, one.rater, word, rank, one.comment)
            writer.writerow([safe_cell(cell) for cell in cells])
    return stream.getvalue()
