"""Fine-tuning from beginning to end: score, train, score again, and accept or reject the bundle."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import Cancelled, InputError, OutputError
from ...files import real_path, write_text_atomically
from ...network import WHOLE_IMAGE, ModelBundle, load_bundle
from ...progress import Progress
from ...volume import Volume, reorient
from .bundle_places import BUNDLE, PREVIOUS, REJECTED, clear_aside, put, write_aside
from .corrected_cases import CorrectedCase
from .finetune_batches import (
    ReplayImage,
    case_batches,
    mixed_batches,
    network_of,
    packed_case,
    patch_of,
    replayed_cases,
)
from .hold_out import Split
from .lineage import loss_of, metadata_of, run_of, trained_on
from .verdict import BundleScores, Rival, Scorer, objections, score_bundle
from .weight_share import LARGEST_DRIFT, WeightShare, blended, choose_share

if TYPE_CHECKING:
    import torch

    from ..batch import BatchSource
    from ..packed import PackedCase
    from ..trainer.trainer import Trainer
    from ..trainer.trainer_plan import TrainerPlan

Images = list[tuple[str, Volume, Volume]]

_OF_SOFT_VALUES = ("adaptive_wing", "squared_error", "squared_and_area_error")
_OTHERWISE = "adaptive_wing"
# The first batches wait for other processes to start and for memory to be laid out.
_WARM_UP, _ENOUGH = 3, 13
# Between two writes of the losses, which are shown while it runs.
_HISTORY_S = 2.0


@dataclass(frozen=True, eq=False)
class Request:
    """A fine-tuning.

    Attributes:
        parent: the bundle to begin with; it is not changed.
        split: cases to learn from, and cases held out.
        out: folder of the run; the new bundle goes into its sub-folder ``bundle``.
        replay: images that are trained on beside the cases where there is no ``synthetic``.
        watched: images, never trained on, that show whether the bundle forgets.
        synthetic: batches of synthetic images (see :func:`.finetune_batches.synthetic_batches`);
            None without them.
        synthetic_files: SHA-256 of what ``synthetic`` is made of, for the record.
        steps, learning_rate, batch, averaging, seed, precision: see
            :class:`..trainer.trainer_plan.TrainerPlan`.
        save_every: steps between saved states.
        share: of the cases among the images trained on; the rest is replay.
        new_contrast: how often the intensities of a case are changed beyond recognition, so that
            other contrasts gain too.
        largest_drift: per cent; so much of the change of the weights is kept that the mean volume
            of the watched cords changes by no more, see :mod:`.weight_share`; None keeps it all.
        device: where to train: "cpu", "cuda", …
        threads: that train, on a CPU; PyTorch's choice where None.
        workers: processes that make images ahead; 0 for none.
        replace: accept the new bundle even if it is worse than another.
        command: as it was typed, for the record.
    """

    parent: ModelBundle
    split: Split
    out: Path
    replay: Sequence[ReplayImage]
    watched: Sequence[ReplayImage]
    synthetic: BatchSource | None = None
    synthetic_files: dict[str, str] = field(default_factory=dict)
    steps: int = 300
    learning_rate: float = 2e-4
    batch: int = 2
    averaging: float = 0.99
    seed: int = 1
    precision: str = "fp32"
    save_every: int = 25
    share: float = 0.5
    new_contrast: float = 0.5
    largest_drift: float | None = LARGEST_DRIFT
    device: str = "cpu"
    threads: int | None = 1
    workers: int = 0
    replace: bool = False
    command: str = ""


@dataclass(frozen=True)
class Outcome:
    """The result of a fine-tuning.

    Attributes:
        folder: of the new bundle.
        name: of it, with its version.
        accepted: whether it is in ``bundle``; else in ``rejected``.
        objections: sentences against it.
        before, after: on the held-out cases.
        watched_before, watched_after: on the images that show forgetting.
        weight_share: of the change of the weights, how much is kept.
        seconds: of training.
        history: file of its losses.
    """

    folder: Path
    name: str
    accepted: bool
    objections: tuple[str, ...]
    before: BundleScores
    after: BundleScores
    watched_before: BundleScores
    watched_after: BundleScores
    weight_share: WeightShare
    seconds: float
    history: Path


@dataclass(frozen=True)
class _Trained:
    """Averaged weights on the CPU, the run's name and folder, its plan, and seconds of training."""

    weights: dict[str, torch.Tensor]
    run: str
    folder: Path
    plan: TrainerPlan
    seconds: float


def finetune(
    request: Request,
    scorer: Scorer,
    progress: Progress | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Outcome:
    """Train the segmenter of a bundle on, or resume it: the same request goes on where it was
    stopped.

    Args:
        request: what to do.
        scorer: segments and compares.
        progress: receives progress; checked for cancellation.
        tell: takes sentences on the way.

    Raises:
        InputError: the bundle cannot be fine-tuned, or it lies where the new one is to go.
        OutputError: the folder cannot be written.
        Cancelled: through ``progress``; no bundle was written.
    """
    check_request(request.parent, request.out)
    clear_aside(request.out)
    try:
        return _finetune(request, scorer, progress or Progress(), tell)
    finally:
        clear_aside(request.out)


def _finetune(
    request: Request, scorer: Scorer, progress: Progress, tell: Callable[[str], None]
) -> Outcome:
    parent = request.parent
    held_out, watched = _held_out_images(request.split.held_out), _watched_images(request.watched)
    before = score_bundle(parent, held_out, scorer, progress.part(0.0, 0.06))
    watched_before = score_bundle(parent, watched, scorer, progress.part(0.06, 0.12))
    replayed = replayed_cases(
        () if request.synthetic else request.replay, parent, scorer, progress.part(0.12, 0.18)
    )
    trained = _train(request, replayed, progress.part(0.18, 0.85), tell)
    record = _record(request, trained, before, watched_before)
    trained, kept = _with_kept_share(
        request, trained, record, watched_before, watched, scorer, progress.part(0.85, 0.93)
    )
    record["weight_share"] = kept.to_json()
    child = write_aside(
        request.out, parent, metadata_of(parent, request.command, record), trained.weights
    )
    after = score_bundle(child, held_out, scorer, progress.part(0.93, 0.97))
    watched_after = kept.scores
    rival = _rival(request, trained.run, after, held_out, scorer, progress.part(0.97, 1.0))
    against = objections(before, after, watched_before, watched_after, rival)
    accepted = not against or request.replace
    record = {
        **record,
        "held_out_after": _by_sum(request.split.held_out, after),
        "watched_after": watched_after.rounded(),
        "objections": list(against),
        "placed_in_spite_of_them": bool(against) and request.replace,
    }
    child = write_aside(
        request.out, parent, metadata_of(parent, request.command, record), trained.weights
    )
    progress.check_cancelled()
    # The bundle of this very run stays as it is.
    twin = accepted and rival is None and (request.out / BUNDLE).exists()
    folder = (
        request.out / BUNDLE if twin else put(child, request.out, BUNDLE if accepted else REJECTED)
    )
    scores = (before, after, watched_before, watched_after)
    history = trained.folder / "history.csv"
    return Outcome(folder, child.name, accepted, against, *scores, kept, trained.seconds, history)


def _with_kept_share(
    request: Request,
    trained: _Trained,
    record: dict[str, Any],
    watched_before: BundleScores,
    watched: Images,
    scorer: Scorer,
    progress: Progress,
) -> tuple[_Trained, WeightShare]:
    """The weights between the parent's and the tuned ones that are kept."""
    import safetensors.torch

    parent = request.parent
    before = safetensors.torch.load_file(parent.folder / parent.segmenter.weights)
    metadata = metadata_of(parent, request.command, record)

    def score(share: float) -> BundleScores:
        weights = blended(before, trained.weights, share)
        child = write_aside(request.out, parent, metadata, weights)
        return score_bundle(child, watched, scorer, progress)

    kept = choose_share(score, watched_before, request.largest_drift)
    return replace(trained, weights=blended(before, trained.weights, kept.share)), kept


def check_kind(bundle: ModelBundle) -> None:
    """Refuse a bundle of another making.

    Raises:
        InputError: it has no segmenter of ours.
    """
    if bundle.segmenter is None:
        raise InputError(
            "This bundle holds a network of other authors, with other preprocessing.",
            path=bundle.folder,
            hint="Only bundles of a locator and a segmenter, as those that come with SoftCordSeg,"
            " can be fine-tuned.",
        )


def check_request(parent: ModelBundle, out: Path) -> None:
    """Refuse what cannot be done, before anything is.

    Raises:
        InputError: another kind of bundle, or one that lies where the new one is to go.
    """
    check_kind(parent)
    home = real_path(parent.folder)
    taken = {real_path(out / name) for name in (BUNDLE, REJECTED, PREVIOUS)}
    if home in taken or home in (real_path(out), *real_path(out).parents):
        raise InputError(
            "This is the bundle to begin with and must stay as it is.",
            path=parent.folder,
            hint="Choose another output folder.",
        )


def plan_of(request: Request) -> TrainerPlan:
    """The plan of the training."""
    from ..trainer.trainer_plan import TrainerPlan

    loss, options = _loss(request.parent)
    return TrainerPlan(
        network=network_of(request.parent),
        tile=patch_of(request.parent),
        batch=request.batch,
        learning_rate=request.learning_rate,
        schedule="cosine",
        schedule_steps=request.steps,
        loss=loss,
        loss_options=options,
        averaging=request.averaging,
        seed=request.seed,
        precision=request.precision,
        activation=request.parent.segmenter.activation,
        clipped=request.parent.segmenter.activation == "clip",
    )


def _loss(parent: ModelBundle) -> tuple[str, dict[str, Any]]:
    """A loss of the soft value itself, the one it was trained by if that is known; for a network of
    logits one of logits.
    """
    if parent.segmenter.activation == "sigmoid":
        return "dice_and_cross_entropy", {}
    from ..loss import check_options

    loss, options = loss_of(parent) or (_OTHERWISE, {})
    try:
        if loss in _OF_SOFT_VALUES and isinstance(options, dict):
            check_options(loss, options)
            return loss, options
    except ValueError:
        # Options of another version of this program.
        pass
    return _OTHERWISE, {}


def _train(
    request: Request,
    replayed: list[PackedCase],
    progress: Progress,
    tell: Callable[[str], None],
) -> _Trained:
    import torch

    from ..trainer.first_weights import Start
    from ..trainer.trainer import Pace, Trainer

    if request.threads:
        torch.set_num_threads(request.threads)
    plan, settings = plan_of(request), _settings(request)
    run = hashlib.sha256(
        json.dumps({**plan.to_json(), **settings}, sort_keys=True).encode()
    ).hexdigest()[:12]
    folder = request.out / "runs" / run
    source, validation = training_data(request, replayed)
    trainer = Trainer(
        folder,
        plan,
        source,
        recipe=settings,
        start=Start(bundle=str(request.parent.folder)),
        development=validation,
        device=request.device,
    )
    reported = _with_estimate(progress, request.steps, tell)
    written = time.monotonic()

    def after_step(trainer: Trainer) -> None:
        nonlocal written
        if time.monotonic() - written >= _HISTORY_S:
            _write_live(folder, trainer)
            written = time.monotonic()
        loss, scores = trainer.curve.recent(1), trainer.validations
        words = [f"step {trainer.step} of {request.steps}"]
        words += [] if loss is None else [f"loss {loss:.3g}"]
        words += [f"soft Dice {scores[-1]['mean']['soft_dice']:.3f}"] if scores else []
        reported.report(trainer.step / request.steps, ", ".join(words))

    pace = Pace(save_steps=request.save_every, validate_steps=4 * request.save_every)
    try:
        state = trainer.run(request.steps, pace=pace, after_step=after_step)
    except Cancelled as stopped:
        raise Cancelled(
            f"Stopped at step {trainer.step}, whose state is in '{folder}'.",
            hint="The same command goes on from there, to the same result.",
        ) from stopped
    finally:
        if trainer.curve.points:
            _write_history(folder, trainer)
    return _Trained(state.average, run, folder, plan, state.seconds)


def training_data(
    request: Request, replayed: Sequence[PackedCase]
) -> tuple[BatchSource, list[Any]]:
    """The batches of training, and tiles for the validation whose curve is shown.

    The curve decides nothing: a choice by the held-out cases would make them part of the training.

    Args:
        request: the fine-tuning.
        replayed: of :func:`.finetune_batches.replayed_cases`; may be empty where there are
            synthetic images.
    """
    from ..batch import BatchesAhead
    from ..packed import Packed
    from ..trainer.development import development_cases

    parent = request.parent
    training, held_out = (
        [packed_case(case.opened, case.name, parent) for case in part]
        for part in (request.split.training, request.split.held_out)
    )
    known = request.synthetic or case_batches(replayed, parent, request.new_contrast)
    cases = case_batches(training, parent, request.new_contrast)
    source = mixed_batches(cases, known, request.share)
    if request.workers:
        source = BatchesAhead(source, request.workers, request.steps)
    shown = Packed.of_cases(held_out or replayed)
    return source, development_cases(shown, plan_of(request))


def _settings(request: Request) -> dict[str, Any]:
    """What makes another run of it, beside the plan."""
    parent = request.parent
    settings = {
        "parent": parent.sha256,
        "share": request.share,
        "new_contrast": request.new_contrast,
        "cases": sorted(_sum(case) for case in request.split.training),
        "held_out": sorted(_sum(case) for case in request.split.held_out),
        "replay": request.synthetic_files or sorted(one.name for one in request.replay),
    }
    if parent.intensities != WHOLE_IMAGE:
        settings["intensities"] = parent.intensities
    return settings


def _sum(case: CorrectedCase) -> str:
    """One word for the content of a case."""
    return ":".join(case.sha256[name] for name in sorted(case.sha256))


def _with_estimate(progress: Progress, steps: int, tell: Callable[[str], None]) -> Progress:
    """A progress that also tells, once, how long the rest will take.

    Args:
        progress: receives all reports; checked for cancellation.
        steps: in all.
        tell: takes the sentence.
    """
    calls: list[tuple[float, float]] = []

    def report(fraction: float, message: str) -> None:
        if len(calls) < _ENOUGH:
            calls.append((time.perf_counter(), fraction))
            if len(calls) == _ENOUGH and steps > _ENOUGH:
                (began, first), (now, last) = calls[_WARM_UP - 1], calls[-1]
                rest = (1 - last) * (now - began) / max(last - first, 1e-9)
                tell(f"Training takes about {duration_in_words(rest)} from here.")
        progress.report(fraction, message)
        progress.check_cancelled()

    return Progress(report)


def duration_in_words(seconds: float) -> str:
    """A rounded duration: "45 seconds", "3 minutes", "2.5 hours"."""
    if seconds < 90:
        return f"{max(round(seconds / 5) * 5, 5)} seconds"
    return f"{round(seconds / 60)} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def _write_live(folder: Path, trainer: Trainer) -> None:
    """The history so far; a training does not end because it cannot be written now: on Windows a
    file that is just being read cannot be replaced.
    """
    with contextlib.suppress(OSError, OutputError):
        _write_history(folder, trainer)


def _write_history(folder: Path, trainer: Trainer) -> None:
    """As CSV: step, loss (a mean over as many steps each), and soft Dice of validation where there
    was one.
    """
    curve = trainer.curve
    found = {
        one["step"]: f"{one['mean']['soft_dice']:.4f}" for one in trainer.validations if one["mean"]
    }
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("step", "loss", "validation soft Dice"))
    for number, loss in enumerate(curve.points, start=1):
        steps = range((number - 1) * curve.width + 1, number * curve.width + 1)
        dice = next((found[step] for step in steps if step in found), "")
        writer.writerow((number * curve.width, f"{loss:.6g}", dice))
    write_text_atomically(folder / "history.csv", text.getvalue())


def _held_out_images(cases: Sequence[CorrectedCase]) -> Images:
    many = Counter(case.name for case in cases)
    return [
        (
            case.name if many[case.name] == 1 else f"{case.participant}/{case.name}",
            case.opened.image,
            case.opened.label,
        )
        for case in cases
    ]


def _watched_images(images: Sequence[ReplayImage]) -> Images:
    return [(one.name, reorient(one.image, "LAS"), reorient(one.truth, "LAS")) for one in images]


def _rival(
    request: Request,
    run: str,
    after: BundleScores,
    held_out: Images,
    scorer: Scorer,
    progress: Progress,
) -> Rival | None:
    """The bundle that is there already, scored on cases that it was not trained on; None where
    there is none, or it is of this very run.
    """
    there = request.out / BUNDLE
    if not there.exists():
        return None
    other: ModelBundle = load_bundle(there)
    if run_of(other) == run:
        return None
    seen = trained_on(other)
    fair = [
        image
        for image, case in zip(held_out, request.split.held_out)
        if case.sha256["image"] not in seen
    ]
    names = {name for name, _image, _label in fair}
    mine = BundleScores({name: one for name, one in after.scores.items() if name in names})
    return Rival(other.name, score_bundle(other, fair, scorer, progress), mine)


def _record(
    request: Request, trained: _Trained, before: BundleScores, watched_before: BundleScores
) -> dict[str, Any]:
    """What the bundle says of the run: no paths, and no names but those of replay images."""
    split, plan = request.split, trained.plan
    parts = ("training", "held_out")
    cases = [
        {"sha256": case.sha256, "part": part} for part in parts for case in getattr(split, part)
    ]
    participants = {
        part: len({case.participant for case in getattr(split, part)}) for part in parts
    }
    names = ("steps", "seed", "learning_rate", "batch", "averaging", "precision")
    return {
        "run": trained.run,
        **{name: getattr(request, name) for name in (*names, "share", "new_contrast")},
        "loss": plan.loss,
        "loss_options": plan.loss_options,
        "patch": list(plan.tile),
        "seconds": round(trained.seconds),
        "replay": (
            {"synthetic": request.synthetic_files}
            if request.synthetic
            else {"phantoms": [one.name for one in request.replay]}
        ),
        "participants": participants,
        "cases": cases,
        "held_out_before": _by_sum(split.held_out, before),
        "watched_before": watched_before.rounded(),
    }


def _by_sum(cases: Sequence[CorrectedCase], scores: BundleScores) -> dict[str, dict[str, float]]:
    """Scores by the SHA-256 of the image: names of files are often names of patients."""
    return {case.sha256["image"]: one.rounded() for case, one in zip(cases, scores.scores.values())}
