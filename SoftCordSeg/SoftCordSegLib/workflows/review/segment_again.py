"""The rest of a data set segmented again with another model: first beside the old masks, with the
drift of CSA, then, once the user agreed, in their place.

Every correction by hand is kept on top of the new mask.  Masks that were passed, drawn by hand,
made by another program or changed since are left alone.

What is proposed lies in ``derivatives/review/.again``, a folder a case, complete with its sidecar.
It is put in place case by case, and a run that was killed half way is finished by the next one, so
that no case is left with a mask of one model and a sidecar of the other.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...bids import (
    Kind,
    hashed_writers,
    read_sidecar,
    review_folder,
    sidecar_path,
    with_new_prediction,
)
from ...correction import merge
from ...errors import Cancelled, InputError, OptionError, SoftCordSegError
from ...evaluation.area_drift import AreaDrift, area_drift, drifts_beyond
from ...files import (
    check_folder,
    file_sha256,
    json_text,
    locked,
    real_path,
    write_text_atomically,
    write_together,
)
from ...morphometry import MeasureOptions, measure
from ...progress import Progress
from ...provenance import model_of
from ...volume import Volume, read_nifti, write_nifti
from ..live_run import check_not_running, live_run
from ..segment_images import SegmentOptions, segment_file
from .again_plan import AgainCase, plan_again
from .judged_cases import name_in
from .review_doubt import case_image, doubt_of_mask
from .training_python import TASK_FILE, TrainingPython, start_task

if TYPE_CHECKING:
    from ...network import ModelBundle

AGAIN = "again"
_FOLDER, _READY, _PROPOSAL, _APPROVED = ".again", "ready.json", "proposal.json", "approved.json"
_USUAL_THRESHOLD = 0.5
_BEFORE, _AFTER = "before", "after"


@dataclass(frozen=True)
class AgainRow:
    """What is proposed for a case, or why it is left.

    Attributes:
        key, contrast: of the case.
        reason: why it is left as it is, or could not be segmented; "" where a new mask is proposed.
        edited: voxels that were corrected by hand and stay so.
        before_mm2, after_mm2: mean CSA of the soft masks over the slices that both have, without
            the first and the last; NaN where there is none.
    """

    key: str
    contrast: str
    reason: str = ""
    edited: int = 0
    before_mm2: float = math.nan
    after_mm2: float = math.nan

    @property
    def is_proposed(self) -> bool:
        """Whether there is a new mask."""
        return not self.reason


@dataclass(frozen=True)
class Proposal:
    """New masks that wait for the user to agree.

    Attributes:
        model: name and version of the bundle that made them.
        rows: one a case.
        drifts: of CSA, one a contrast, plain types; the keys are the fields of
            :class:`~SoftCordSegLib.evaluation.area_drift.AreaDrift`, ``dataset`` is the contrast.
    """

    model: str
    rows: tuple[AgainRow, ...]
    drifts: tuple[Mapping[str, Any], ...] = ()

    @property
    def proposed(self) -> tuple[AgainRow, ...]:
        """Those with a new mask."""
        return tuple(row for row in self.rows if row.is_proposed)

    def beyond(self, limit_percent: float) -> list[str]:
        """A sentence for each contrast whose mean CSA moves by more; none where all is within."""
        drifts = _drifts(self.rows)
        return drifts_beyond(drifts, limit_percent) if drifts else []


def _drifts(rows: Sequence[AgainRow]) -> list[AreaDrift]:
    """One a contrast; none where nothing is replaced: a first mask moves no area."""
    areas: dict[str, dict[str, dict[str, float]]] = {}
    for row in rows:
        for when, area in ((_BEFORE, row.before_mm2), (_AFTER, row.after_mm2)):
            if row.is_proposed and math.isfinite(area):
                of_contrast = areas.setdefault(row.contrast, {_BEFORE: {}, _AFTER: {}})
                of_contrast[when][row.key] = area
    return [
        area_drift((contrast, _BEFORE, _AFTER), own[_BEFORE], own[_AFTER])
        for contrast, own in areas.items()
    ]


def again_folder(dataset: Path) -> Path:
    """Where new masks wait."""
    return review_folder(dataset) / _FOLDER


def propose_again(
    dataset: Path,
    plan: Sequence[AgainCase],
    bundle: ModelBundle,
    *,
    device: str = "auto",
    progress: Progress | None = None,
) -> Proposal:
    """Segment the cases of a plan beside their masks; none is replaced.

    A case that is done already, with the same model, image and masks, is not done again, so that a
    run that was stopped goes on.  A case that fails costs itself only.

    Args:
        dataset: its folder.
        plan: of :func:`plan_again`.
        bundle: the model.
        device: where the network runs.
        progress: receives progress; checked for cancellation.

    Raises:
        OutputError: the folder cannot be written.
        Cancelled: through ``progress``; what was done is kept.
    """
    folder, progress = again_folder(dataset), progress or Progress()
    check_folder(folder)
    for old in (_APPROVED, _PROPOSAL):
        with contextlib.suppress(FileNotFoundError):
            os.remove(folder / old)
    rows = []
    for number, one in enumerate(plan):
        part = progress.part(number / len(plan), (number + 1) / len(plan))
        part.report(0.0, f"Segmenting {one.case.key}")
        part.check_cancelled()
        row = AgainRow(one.case.key, one.case.contrast, one.reason)
        if not one.reason:
            try:
                row = _proposed(dataset, one, bundle, device, part)
            except Cancelled:
                raise
            except Exception as error:
                shutil.rmtree(_stage_of(dataset, one.case.key), ignore_errors=True)
                row = replace(row, reason=_why(error))
        rows.append(row)
    drifts = [plain(asdict(one)) for one in _drifts(rows)]
    proposal = Proposal(bundle.name, tuple(rows), tuple(drifts))
    content = {
        "model": proposal.model,
        "rows": [plain(asdict(row)) for row in rows],
        "drift": drifts,
    }
    write_text_atomically(folder / _PROPOSAL, json_text(content))
    return proposal


def read_proposal(dataset: Path) -> Proposal | None:
    """The new masks that wait; None where none do."""
    content = read_sidecar(again_folder(dataset) / _PROPOSAL)
    try:
        rows = [_row_from(one) for one in content["rows"]]
        return Proposal(str(content["model"]), tuple(rows), tuple(map(dict, content["drift"])))
    except (KeyError, TypeError, ValueError):
        return None


def apply_again(dataset: Path, progress: Progress | None = None) -> list[AgainRow]:
    """Put the new masks in the place of the old ones.

    Args:
        dataset: its folder.
        progress: receives progress; checked for cancellation between cases.

    Returns:
        A row for each case that got its new mask, and, with its reason, for each that did not:
        its mask was changed or corrected since.

    Raises:
        OptionError: there is nothing to put in place.
        OutputError: a file cannot be written; the same call goes on.
        Cancelled: through ``progress``; the same call, or the next run, goes on.
    """
    folder, proposal = again_folder(dataset), read_proposal(dataset)
    if proposal is None:
        raise OptionError(
            "No new masks wait to be put in place.", path=folder, hint="Segment again first."
        )
    write_text_atomically(folder / _APPROVED, json_text({"model": proposal.model}))
    return _put_in_place(dataset, proposal, progress or Progress())


def finish_again(dataset: Path) -> list[AgainRow]:
    """Finish what a killed run of :func:`apply_again` has begun; nothing where none was."""
    proposal = read_proposal(dataset)
    if proposal is None or not (again_folder(dataset) / _APPROVED).is_file():
        return []
    return _put_in_place(dataset, proposal, Progress())


def discard_again(dataset: Path) -> None:
    """Remove new masks that wait; masks are as they were.

    Raises:
        OptionError: a process is at it.
    """
    folder = again_folder(dataset)
    check_not_running(folder)
    finish_again(dataset)
    shutil.rmtree(folder, ignore_errors=True)


def start_again(
    dataset: Path, model: str | Path | None, python: TrainingPython, device: str = "auto"
) -> int:
    """:func:`propose_again` in a process of its own; :func:`.live_run.read_live` of
    :func:`again_folder` says how far it is.

    Raises:
        OptionError: a process is at it.
        OutputError: the folder cannot be written.
    """
    folder = again_folder(dataset)
    check_not_running(folder)
    finish_again(dataset)
    check_folder(folder)
    with contextlib.suppress(FileNotFoundError):
        os.remove(folder / _PROPOSAL)
    try:
        there = os.path.relpath(real_path(dataset), real_path(folder))
    except ValueError:  # on another drive of Windows
        there = str(real_path(dataset))
    task = {"task": AGAIN, "dataset": there, "device": device}
    write_text_atomically(folder / TASK_FILE, json_text(task))
    return start_task(folder, model, python)


def run_again(folder: Path, model: str | None, progress: Progress | None = None) -> None:
    """What the process of :func:`start_again` does.

    Raises:
        SoftCordSegError: as :func:`propose_again`.
    """
    from ...network.store import open_bundle

    task = read_sidecar(folder / TASK_FILE)
    dataset = folder / str(task["dataset"])
    with live_run(folder, progress or Progress()) as live:
        bundle = open_bundle(model or None)
        plan = plan_again(dataset, bundle)
        propose_again(dataset, plan, bundle, device=str(task["device"]), progress=live)


def _proposed(
    dataset: Path, one: AgainCase, bundle: ModelBundle, device: str, progress: Progress
) -> AgainRow:
    """Segment a case into its folder, and say what it would change."""
    stage = _stage_of(dataset, one.case.key)
    kinds = [one.mask, sidecar_path(one.mask)]
    kinds += [path for path in (one.path(Kind.BINARY_MASK),) if one.vouches_for(path)]
    kinds += [one.edits] if one.edits is not None else []
    before = {path.name: _sum_of(path) for path in kinds}
    known = read_sidecar(stage / _READY)
    mark = {
        "key": one.case.key,
        "folder": name_in(dataset, one.mask.parent),
        "model": model_of(bundle),
        "image": file_sha256(one.case.image),
        "before": before,
    }
    if all(known.get(name) == value for name, value in mark.items()):
        return _row_of(one, known)
    shutil.rmtree(stage, ignore_errors=True)
    threshold = _threshold_of(one.mask)
    wants_binary = one.path(Kind.BINARY_MASK).name in before
    options = SegmentOptions(
        threshold=threshold if wants_binary else None,
        device=device,
        standard_names=one.standard_names,
        command={"softcord": "review again", "threshold": threshold},
    )
    segment_file(one.case.image, stage, bundle, options, progress)
    edited = _with_edits(one, stage, threshold, wants_binary)
    new = {path.name: _sum_of(stage / path.name) for path in kinds}
    areas = _areas(one.mask, stage / one.mask.name)
    content = {**mark, "after": new, "edited": edited, "areas": [_plain_number(a) for a in areas]}
    write_text_atomically(stage / _READY, json_text(content))
    return _row_of(one, content)


def _row_from(content: Mapping[str, Any]) -> AgainRow:
    before, after = (content[name] for name in ("before_mm2", "after_mm2"))
    return AgainRow(
        str(content["key"]),
        str(content["contrast"]),
        str(content["reason"]),
        int(content["edited"]),
        math.nan if before is None else float(before),
        math.nan if after is None else float(after),
    )


def _row_of(one: AgainCase, ready: Mapping[str, Any]) -> AgainRow:
    before, after = (math.nan if area is None else float(area) for area in ready["areas"])
    return AgainRow(one.case.key, one.case.contrast, "", int(ready["edited"]), before, after)


def _with_edits(one: AgainCase, stage: Path, threshold: float, wants_binary: bool) -> int:
    """Put the corrections by hand on top of the new mask, and let the sidecar go on; the number of
    voxels that are corrected.
    """
    mask, sidecar = stage / one.mask.name, stage / sidecar_path(one.mask).name
    existing, content = read_sidecar(sidecar_path(one.mask)), read_sidecar(sidecar)
    new, edits = read_nifti(mask), None
    if one.edits is not None:
        edits = _edit_map(one.edits, new)
        p0 = np.ascontiguousarray(new.data, np.float32)
        new = new.with_data(merge(p0, edits, threshold, [float(size) for size in new.spacing]))
        # What was written is of the mask without the corrections.
        content["Doubt"] = doubt_of_mask(new, case_image(one.case))
    masks: dict[Path, Callable[[Path], object]] = {
        mask: lambda path: write_nifti(new, path, np.float32)
    }
    if wants_binary:
        cut = new.with_data((new.data >= np.float32(threshold)).astype(np.uint8))
        masks[stage / one.path(Kind.BINARY_MASK).name] = lambda path: write_nifti(cut, path)
    if one.edits is not None:
        kept = one.edits
        masks[stage / kept.name] = lambda path: shutil.copyfile(kept, path)
    added, removed = (0, 0) if edits is None else (int((edits > 0).sum()), int((edits < 0).sum()))
    content = with_new_prediction(existing, content, added, removed)
    if "Threshold" in existing:
        content["Threshold"] = existing["Threshold"]
    write_together(hashed_writers(masks, sidecar, content))
    return added + removed


def _edit_map(path: Path, mask: Volume) -> np.ndarray:
    edits = read_nifti(path)
    if edits.shape != mask.shape or not edits.grid.same_as(mask.grid):
        raise InputError("The map of edits is not on the grid of its image.", path=path)
    values = np.ascontiguousarray(edits.data)
    if not np.isin(values, (-1, 0, 1)).all():
        raise InputError("The map of edits has other values than -1, 0 and 1.", path=path)
    return values.astype(np.int8)


def _put_in_place(dataset: Path, proposal: Proposal, progress: Progress) -> list[AgainRow]:
    folder, rows = again_folder(dataset), []
    proposed = proposal.proposed
    with locked(folder):
        for number, row in enumerate(proposed):
            progress.report(number / len(proposed), f"Replacing the mask of {row.key}")
            progress.check_cancelled()
            stage = _stage_of(dataset, row.key)
            ready = read_sidecar(stage / _READY)
            if ready:  # else it was put in place before the run was killed
                rows.append(replace(row, reason=_replaced(dataset, stage, ready)))
                # The mark goes first: what is left without it is nothing.
                os.remove(stage / _READY)
                shutil.rmtree(stage, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    return rows


def _replaced(dataset: Path, stage: Path, ready: Mapping[str, Any]) -> str:
    """Put the files of a case in place, the sidecar last; a sentence where they may not be."""
    target = dataset / str(ready["folder"])
    before, after = dict(ready["before"]), dict(ready["after"])
    with locked(target / next(iter(before))):
        for name in before:
            if _sum_of(target / name) not in (before[name], after[name]):
                return "It was changed since it was segmented again, and is left as it is."
        # The first is the mask, the second its sidecar, which vouches for all and comes last.
        mask, sidecar, *others = before
        order = (mask, *others, sidecar)
        write_together({target / name: _copy_of(stage / name) for name in order})
    return ""


def _copy_of(source: Path) -> Callable[[Path], object]:
    return lambda path: shutil.copyfile(source, path)


def _stage_of(dataset: Path, key: str) -> Path:
    return again_folder(dataset).joinpath("cases", *key.split("/"))


def _sum_of(path: Path) -> str:
    """SHA-256; "" where there is no file."""
    return file_sha256(path) if path.is_file() else ""


def _threshold_of(mask: Path) -> float:
    """Of the segment that was corrected."""
    known = read_sidecar(sidecar_path(mask)).get("Threshold")
    return float(known) if isinstance(known, (int, float)) and 0 < known <= 1 else _USUAL_THRESHOLD


def _areas(before: Path, after: Path) -> tuple[float, float]:
    """Mean CSA of two soft masks of one image over the slices that both have, without the first and
    the last, mm²; NaN where there are none.
    """
    if not before.is_file():
        return math.nan, math.nan
    both = []
    for path in (before, after):
        with contextlib.suppress(SoftCordSegError):
            shape = measure(read_nifti(path), MeasureOptions(threshold=None, interval=False))
            numbers = zip(map(int, shape.slices), map(float, shape.columns["area"]))
            both.append({n: area for n, area in numbers if math.isfinite(area)})
    shared = sorted(both[0].keys() & both[1].keys())[1:-1] if len(both) == 2 else []
    if not shared:
        return math.nan, math.nan
    one, other = (float(np.mean([areas[n] for n in shared])) for areas in both)
    return one, other


def _why(error: Exception) -> str:
    """Without the folders of this machine."""
    if isinstance(error, SoftCordSegError):
        return f"{error.sentence} {error.hint}".strip()
    return f"An unexpected error: {type(error).__name__}."


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same in plain types for JSON, rounded."""
    return {key: _plain_number(value) for key, value in row.items()}


def _plain_number(value: Any) -> Any:
    """None for what JSON has no number for."""
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
