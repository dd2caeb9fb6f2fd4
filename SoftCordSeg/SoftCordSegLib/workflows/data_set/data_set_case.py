"""One image of a data set: segmented, levels found, measured; what each process of a run does, on
this machine or another.
"""

from __future__ import annotations

import contextlib
import time as clock
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...bids import (
    DerivativeLayout,
    is_corrected,
    read_sidecar,
    shared_sidecar,
    still_described,
)
from ...errors import Cancelled, InputError, SoftCordSegError, is_out_of_memory
from ...files import file_sha256, json_text, text_writer, write_text_atomically, write_together
from ...progress import Progress
from ...provenance import generated_by, now
from ..csa_measure import CsaOptions, Grouping, Measured, measure_volume, regrouped
from ..segment_images import SegmentedImage, SegmentOptions, segment_file
from .case_claims import claimed
from .case_corrections import corrected_mask, label_folders
from .case_inputs import is_as_noted, noted
from .case_levels import DiscsFound, discs_there, levels_of_case
from .case_record import record_of
from .data_set_options import DataSetOptions

if TYPE_CHECKING:
    from ...network import ModelBundle
    from ...volume import Volume
    from ..csa_measure import MaskLevels

STATUS_DONE, STATUS_KEPT, STATUS_FAILED, STATUS_TAKEN = "done", "kept", "failed", "taken"
_REASON = ("what", "hint", "file")
# Stands in for :func:`.segment_images.segment_file` in tests.
Segmenter = Callable[[Path, Path, "ModelBundle", SegmentOptions, Progress], SegmentedImage]


@dataclass(frozen=True)
class CaseJob:
    """What one process needs to know to do a case: small, to be sent to another machine that sees
    the same folders.

    Attributes:
        key: path of the image in the data set, without extension: "sub-01/anat/sub-01_T2w".
        image: its file.
        dataset: the data set's folder.
        out: folder of the results.
        options: the same for all cases.
        others: keys of the other images of the visit in the same run.
        last: the other images of the visit were done before: discs found in them are there now.
        notes: sentences of the time before.
        since: when the run began, seconds since 1970: a case that another run found to fail after
            that is not tried again.
    """

    key: str
    image: Path
    dataset: Path
    out: Path
    options: DataSetOptions = field(default_factory=DataSetOptions)
    others: tuple[str, ...] = ()
    last: bool = False
    notes: tuple[str, ...] = ()
    since: float = field(default_factory=clock.time)

    @property
    def layout(self) -> DerivativeLayout:
        """Where results lie."""
        return DerivativeLayout(self.out, self.options.standard_names)

    @property
    def folder(self) -> Path:
        """Of the masks of this case."""
        return self.layout.folder(self.key)

    @property
    def files(self) -> dict[str, Path]:
        """What is written, by kind: "mask", "sidecar", "binary", "table", "record"."""
        files = self.segment_options.files(self.image, self.folder)
        if self.options.csa:
            files |= {"table": self.layout.table(self.key), "record": self.layout.record(self.key)}
        return files

    @property
    def segment_options(self) -> SegmentOptions:
        """How the mask is made."""
        options = self.options
        return SegmentOptions(
            threshold=options.threshold,
            device=options.device,
            flips=options.flips,
            standard_names=options.standard_names,
            overwrite=options.overwrite,
            command={"Name": "softcord bids", "Options": options.words()},
        )


@dataclass(frozen=True)
class CaseResult:
    """What became of a case.

    Attributes:
        key: of the case.
        status: "done"; "kept" where everything was there; "failed"; "taken" where another run has
            it in hand.
        files: names of the files, by kind, below the folder of the results.
        found: whether a cord was found.
        message: one sentence on the outcome.
        notes: what a reader of the results has to know.
        seconds: that it took.
        error: of a failed case: "what", "hint" and "file", without folders of this machine.
        waits: levels are missing that another image of the visit may give: to be done again, with
            :attr:`CaseJob.last`, when the others are done.
    """

    key: str
    status: str
    files: Mapping[str, str] = field(default_factory=dict)
    found: bool = False
    message: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    error: Mapping[str, str] | None = None
    waits: bool = False


# What a runner does in each of its processes.
Work = Callable[[CaseJob, Progress], CaseResult]


def run_case(
    job: CaseJob, progress: Progress, *, segmenter: Segmenter = segment_file
) -> CaseResult:
    """Do what is missing of a case; what was made before from the same image with the same options
    is kept.

    What goes wrong costs this case only: the result says so, and a file of the reason lies in
    ``logs/failures``, which goes when the case is done later.

    Args:
        job: the case.
        progress: receives progress; checked for cancellation.
        segmenter: makes the mask.

    Raises:
        Cancelled: through ``progress``; nothing half-done is left.
    """
    started = clock.perf_counter()

    def result(status: str, **more: Any) -> CaseResult:
        return CaseResult(job.key, status, seconds=clock.perf_counter() - started, **more)

    failure = job.layout.failure(job.key)
    try:
        with claimed(job.layout.claims, job.key) as is_ours:
            if not is_ours:
                return result(STATUS_TAKEN, message="Another run has it in hand.")
            settled = settled_elsewhere(job)
            if settled is not None:
                return settled
            outcome = _do(job, progress, segmenter)
            if not outcome["waits"]:
                with contextlib.suppress(OSError):
                    failure.unlink()
            return result(STATUS_DONE, **outcome)
    except Cancelled:
        raise
    except Exception as error:
        failed = failed_case(job, error, clock.perf_counter() - started)
        traceback.clear_frames(error.__traceback__)
        return failed


def failed_case(job: CaseJob, error: Exception, seconds: float = 0.0) -> CaseResult:
    """The result of a case that could not be done; the reason is written into
    ``logs/failures``.

    Args:
        job: the case.
        error: why.
        seconds: that it took.
    """
    reason = reason_of(error, job)
    with contextlib.suppress(SoftCordSegError, OSError):
        fields = {name.capitalize(): reason[name] for name in _REASON}
        content = {"Case": job.key, **fields, "Date": now()}
        text = json_text({"GeneratedBy": generated_by(), **content})
        write_text_atomically(job.layout.failure(job.key), text)
    return CaseResult(job.key, STATUS_FAILED, message=reason["what"], seconds=seconds, error=reason)


def settled_elsewhere(job: CaseJob) -> CaseResult | None:
    """What became of a case before, or in another run meanwhile; None where it is to be done."""
    if job.options.resume and is_finished(job):
        return CaseResult(job.key, STATUS_KEPT, **_as_it_is(job))
    path = job.layout.failure(job.key)
    with contextlib.suppress(OSError):
        if path.stat().st_mtime > job.since:
            content = read_sidecar(path)
            error = {name: str(content.get(name.capitalize(), "")) for name in _REASON}
            return CaseResult(job.key, STATUS_FAILED, message=error["what"], error=error)
    return None


def prepare_worker(options: DataSetOptions) -> None:
    """Make a process that does nothing but cases ready for the network."""
    from ...processes import LARGEST_THRESHOLD, keep_freed_memory
    from ...threads import limit_threads

    limit_threads(options.threads)
    keep_freed_memory(LARGEST_THRESHOLD)


def is_finished(job: CaseJob) -> bool:
    """Whether all results of a case are there, made from the files that are there now, with the
    same options.

    Raises:
        ModelError: there is no such model.
    """
    return (
        _mask_is_kept(job)
        and (not job.options.csa or _table_is_kept(job))
        and not job.layout.failure(job.key).exists()  # of a worker that was lost at the very end
    )


def opened_bundle(model: str | None) -> ModelBundle:
    """The model, opened once in each process.

    Raises:
        ModelError: there is none, or it is corrupt.
    """
    folder = _folder_of(model)
    return _opened(folder, file_sha256(folder / "configs" / "metadata.json"))


def reason_of(error: Exception, job: CaseJob) -> dict[str, str]:
    """Why a case failed: a sentence, what to do, and the file, without folders of this machine."""
    hint, path = "", None
    if isinstance(error, SoftCordSegError):
        what, hint, path = error.sentence, error.hint, error.path
    elif is_out_of_memory(error):
        what = "There is not enough memory for this."
        hint = "Use fewer processes, or a machine with more memory."
    elif isinstance(error, OSError) and error.strerror:
        what = f"The system refuses this: {error.strerror}."
        path = Path(error.filename) if isinstance(error.filename, str) else None
        hint = "Check the permissions and the disk."
    else:
        last = traceback.extract_tb(error.__traceback__)[-1:]
        where = "".join(f" ({Path(one.filename).name}, line {one.lineno})" for one in last)
        what = f"An unexpected error: {type(error).__name__}: {error}{where}."
        hint = "Please report it to the makers of SoftCordSeg (address in the README)."
    file = (path or job.image).name
    return {"what": shared_sidecar(what), "hint": shared_sidecar(hint), "file": file}


@lru_cache(maxsize=8)
def _folder_of(model: str | None) -> Path:
    from ...network import store

    return store.find_bundle(model)


@lru_cache(maxsize=2)
def _opened(folder: Path, sha256: str) -> ModelBundle:
    """By the sum of its metadata, in which the sums of its weights are."""
    from ...network import store

    return store.open_bundle(folder)


def _do(job: CaseJob, progress: Progress, segmenter: Segmenter) -> dict[str, Any]:
    """Mask, levels, areas; fields of the result."""
    progress.check_cancelled()
    # The second time of a case in one run, its mask was made the first time.
    if not ((job.options.resume or job.last) and _mask_is_kept(job)):
        bundle = opened_bundle(job.options.model)
        segmenter(job.image, job.folder, bundle, job.segment_options, progress.part(0.0, 0.8))
        _remove_former_binary(job)
    as_it_is = _as_it_is(job)
    if not job.options.csa or not (as_it_is["found"] or _corrected(job)):
        for kind in ("table", "record"):  # of a mask that was there before
            with contextlib.suppress(KeyError, OSError):
                job.files[kind].unlink()
        return {**_as_it_is(job), "waits": False}
    waits, reasons = _measure(job, progress.part(0.8, 1.0))
    return {**_as_it_is(job), "waits": waits, **({"notes": reasons} if waits else {})}


def _remove_former_binary(job: CaseJob) -> None:
    """Remove a binary mask that was cut from the mask before, where none is asked for now."""
    files = job.files
    if "binary" in files:
        return
    cut = replace(job.segment_options, threshold=0.5).files(job.image, job.folder)["binary"]
    if cut.name in still_described(files["sidecar"], [files["mask"]]):
        with contextlib.suppress(OSError):
            cut.unlink()


def _measure(job: CaseJob, progress: Progress) -> tuple[bool, tuple[str, ...]]:
    """Find levels, measure and write; or True where another image may have levels."""
    from ...volume import check_is_cord, mask_values, read_nifti

    path = _corrected(job) or job.files["mask"]
    mask = read_nifti(path)
    check_is_cord(mask_values(mask))
    discs = _discs(job)
    levels, reasons = levels_of_case(
        job.image,
        (path, mask),
        discs,
        job.folder,
        standard_names=job.options.standard_names,
        likely_names=job.options.likely_names,
        look=not job.last,
        carry_found=job.last or not job.others,
        overwrite=job.options.overwrite or not job.options.resume,
        progress=progress.part(0.0, 0.6),
    )
    if levels.path is None and job.others and not job.last:
        return True, reasons
    measured = _measured(job, path, mask, levels, progress.part(0.6, 1.0))
    _write(job, measured, (*job.notes, *reasons))
    return False, ()


def _measured(
    job: CaseJob, path: Path, mask: Volume, levels: MaskLevels, progress: Progress
) -> Measured:
    """One row a level where these are known, else one row of the whole."""
    whole = CsaOptions(grouping=Grouping(per_slice=False))
    measured = measure_volume(path, mask, levels, whole, progress)
    if levels.path is None:
        return measured
    with contextlib.suppress(InputError):  # no slice of it is within a level
        return regrouped(measured, Grouping(levels=job.options.levels or None, per_level=True))
    return measured


def _write(job: CaseJob, measured: Measured, notes: tuple[str, ...]) -> None:
    """The table and the record; of levels that were chosen and are not there no rows."""
    from ...morphometry import Summary, csv_text

    files = job.files
    if job.options.levels:
        wanted = set(job.options.levels)
        rows = tuple(r for r in measured.summary if r.levels and set(r.levels) <= wanted)
        measured = replace(measured, summary=Summary(rows, measured.summary.notes))
        if not rows:
            notes += ("None of the levels that were chosen is in this image.",)
    record = record_of(
        measured,
        job.key,
        inputs={
            "Mask": noted(measured.path),
            "Discs": [noted(path) for path in _discs(job).to_use],
        },
        choice=job.options.csa_words(),
        notes=notes,
    )
    text = csv_text(measured.shape, measured.summary, measured.path.name)
    write_together(
        {
            files["table"]: text_writer(text),
            files["record"]: text_writer(json_text(record)),
        }
    )


def _mask_is_kept(job: CaseJob) -> bool:
    """Whether the mask need not be made again."""
    files, options = job.files, job.options
    content = read_sidecar(files["sidecar"])
    if not content or not files["mask"].is_file():
        return False
    if is_corrected(content):
        return not options.overwrite or job.last
    model = content.get("Model")
    source = {
        "Bytes": content.get("SourceBytes"),
        "Changed": content.get("SourceChanged"),
        "SHA256": content.get("SourceSHA256"),
    }
    command = content.get("Command", {})
    words = command.get("Options", {}) if isinstance(command, Mapping) else {}
    return (
        isinstance(model, Mapping)
        and model.get("SHA256") == opened_bundle(options.model).sha256
        and options.threshold in (None, content.get("Threshold"))
        and bool(words.get("flips")) == options.flips
        and not content.get("BoxGivenByUser")
        and content.get("SourceVolume") in (None, "mean")
        and ("binary" not in files or files["binary"].is_file())
        and is_as_noted(job.image, source, options.verify)
        and (not options.verify or _masks_are_as_made(files, content))
    )


def _masks_are_as_made(files: Mapping[str, Path], content: Mapping[str, Any]) -> bool:
    sums = content.get("MaskSHA256", {})
    return all(
        sums.get(files[kind].name) == file_sha256(files[kind])
        for kind in ("mask", "binary")
        if kind in files
    )


def _table_is_kept(job: CaseJob) -> bool:
    """Whether the areas need not be measured again."""
    files = job.files
    corrected = _corrected(job)
    if corrected is None and read_sidecar(files["sidecar"]).get("Found") is False:
        return True  # of an empty mask there are none
    content = read_sidecar(files["record"])
    inputs = content.get("Inputs")
    if not isinstance(inputs, Mapping) or not files["table"].is_file():
        return False
    if content.get("Choice") != job.options.csa_words():
        return False
    mask = corrected or files["mask"]
    if not is_as_noted(mask, inputs.get("Mask"), job.options.verify):
        return False
    discs, notes = _discs(job).to_use, inputs.get("Discs")
    return (
        isinstance(notes, list)
        and len(notes) == len(discs)
        and all(is_as_noted(path, one, job.options.verify) for path, one in zip(discs, notes))
    )


def _discs(job: CaseJob) -> DiscsFound:
    labels = label_folders(job.image, job.dataset, job.out)
    return discs_there(job.image, job.dataset, job.folder, labels)


def _corrected(job: CaseJob) -> Path | None:
    return corrected_mask(job.image, job.dataset, job.out)


def _as_it_is(job: CaseJob) -> dict[str, Any]:
    """Fields of the result, from the files that are there."""
    files = job.files
    sidecar = read_sidecar(files["sidecar"])
    record = read_sidecar(files["record"]) if "record" in files else {}
    there = {
        kind: path.relative_to(job.out).as_posix() for kind, path in files.items() if path.is_file()
    }
    return {
        "files": there,
        "found": bool(sidecar.get("Found", True)),
        "message": str(sidecar.get("Message", "")),
        "notes": tuple(map(str, (*sidecar.get("Notes", ()), *record.get("Notes", ())))),
    }
