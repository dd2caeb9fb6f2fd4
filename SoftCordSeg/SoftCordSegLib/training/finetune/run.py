"""Fine-tuning from beginning to end: judge, train, judge again, and put the bundle where it
belongs.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...network import WHOLE_IMAGE, ModelBundle, load_bundle
from ...progress import Progress
from ...volume import Volume, reorient
from ..config.plan import Plan
from ..starts import bundle_weights
from .cases import CorrectedCase
from .clock import with_estimate
from .judge import Judged, Tools, judge
from .lineage import metadata_of, run_of, trained_on
from .place import BUNDLE, PREVIOUS, REJECTED, clear_aside, put, write_aside
from .plan import check_kind, margin_of, network_of, patch_of, plan_of, sources_of
from .replay import ReplayImage, rehearsed
from .request import Request
from .verdict import Rival, objections

if TYPE_CHECKING:
    from ..loop import Trained

Images = list[tuple[str, Volume, Volume]]


@dataclass(frozen=True)
class Outcome:
    """What came out.

    Attributes:
        folder: of the new bundle.
        name: of it, with its version.
        accepted: whether it took its place; else it lies aside.
        objections: sentences against it.
        before, after: on the held-out cases.
        watched_before, watched_after: on the images by which forgetting is told.
        seconds: of training.
        history: file of its losses.
    """

    folder: Path
    name: str
    accepted: bool
    objections: tuple[str, ...]
    before: Judged
    after: Judged
    watched_before: Judged
    watched_after: Judged
    seconds: float
    history: Path


def finetune(
    request: Request,
    tools: Tools,
    progress: Progress | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Outcome:
    """Train the segmenter of a bundle on, or go on with it: the same request goes on where it was
    stopped.

    Args:
        request: what to do.
        tools: that segment and compare.
        progress: told and asked.
        tell: takes sentences on the way.

    Raises:
        InputError: the bundle cannot be fine-tuned, or it lies where the new one is to go.
        OutputError: the folder cannot be written.
        Cancelled: through ``progress``; no bundle was written.
    """
    check_request(request.parent, request.out)
    clear_aside(request.out)
    try:
        return _finetune(request, tools, progress or Progress(), tell)
    finally:
        clear_aside(request.out)


def _finetune(
    request: Request, tools: Tools, progress: Progress, tell: Callable[[str], None]
) -> Outcome:
    parent = request.parent
    held_out, watched = _held_out_images(request.split.held_out), _watched_images(request.watched)
    before = judge(parent, held_out, tools, progress.part(0.0, 0.06))
    watched_before = judge(parent, watched, tools, progress.part(0.06, 0.12))
    rehearsal = rehearsed(
        () if request.synthetic else request.replay,
        parent,
        tools,
        margin_of(parent),
        progress.part(0.12, 0.18),
    )
    trained, run = _train(request, rehearsal, progress.part(0.18, 0.88), tell)
    record = _record(request, run, trained, before, watched_before)
    child = write_aside(
        request.out, parent, metadata_of(parent, request.command, record), trained.weights
    )
    after = judge(child, held_out, tools, progress.part(0.88, 0.93))
    watched_after = judge(child, watched, tools, progress.part(0.93, 0.97))
    rival = _rival(request, run, after, held_out, tools, progress.part(0.97, 1.0))
    against = objections(before, after, watched_before, watched_after, rival)
    accepted = not against or request.replace
    record = {**record, **_judgement(request, after, watched_after, against)}
    child = write_aside(
        request.out, parent, metadata_of(parent, request.command, record), trained.weights
    )
    progress.check_cancelled()
    there = request.out / BUNDLE
    # The bundle of this very run stays as it is.
    twin = accepted and rival is None and there.exists()
    folder = there if twin else put(child, request.out, BUNDLE if accepted else REJECTED)
    history = _run_folder(request, run) / "history.csv"
    numbers = (before, after, watched_before, watched_after)
    return Outcome(
        folder, child.name, accepted, against, *numbers, trained.history.seconds, history
    )


def check_request(parent: ModelBundle, out: Path) -> None:
    """Refuse what cannot be done, before anything is.

    Raises:
        InputError: another kind of bundle, or one that lies where the new one is to go.
    """
    check_kind(parent)
    home, places = (
        parent.folder.resolve(),
        {(out / name).resolve() for name in (BUNDLE, REJECTED, PREVIOUS)},
    )
    if home in places or home in (out.resolve(), *out.resolve().parents):
        raise InputError(
            f"'{parent.folder}' is the bundle to begin with and must stay as it is. Choose another"
            " output folder."
        )


def _train(
    request: Request, rehearsal: Sequence, progress: Progress, tell: Callable[[str], None]
) -> tuple[Trained, str]:
    from ..loop import train

    parent, plan = request.parent, plan_of(request)
    settings = {
        "parent": parent.sha256,
        "patch": patch_of(parent),
        "share": request.share,
        "new_contrast": request.new_contrast,
        "cases": sorted(_sum(case) for case in request.split.training),
        "held_out": sorted(_sum(case) for case in request.split.held_out),
        "replay": request.synthetic_files or sorted(one.name for one in request.replay),
    }
    if parent.intensities != WHOLE_IMAGE:
        # The weights' sums do not tell it; runs of bundles that name no contract keep their names.
        settings["intensities"] = parent.intensities
    run = _fingerprint(plan, settings)
    source, validation = sources_of(request, rehearsal)
    trained = train(
        plan,
        source,
        _run_folder(request, run),
        validation=validation,
        machine=request.machine,
        start=bundle_weights(parent, "segmenter", network_of(parent)),
        settings=settings,
        progress=with_estimate(progress, request.steps, tell),
    )
    return trained, run


def _fingerprint(plan: Plan, settings: dict[str, Any]) -> str:
    content = {**asdict(plan), **settings, "save_every": None, "validate_every": None}
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[
        :12
    ]


def _run_folder(request: Request, run: str) -> Path:
    return request.out / "runs" / run


def _sum(case: CorrectedCase) -> str:
    """One word for the content of a case."""
    return ":".join(case.sha256[name] for name in sorted(case.sha256))


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
    request: Request, run: str, after: Judged, held_out: Images, tools: Tools, progress: Progress
) -> Rival | None:
    """The bundle in the place of the new one, judged on cases that it was not trained on; None
    where there is none, or its twin.
    """
    place = request.out / BUNDLE
    if not place.exists():
        return None
    other: ModelBundle = load_bundle(place)
    if run_of(other) == run:
        return None
    seen = trained_on(other)
    fair = [
        image
        for image, case in zip(held_out, request.split.held_out)
        if case.sha256["image"] not in seen
    ]
    names = {name for name, _image, _label in fair}
    mine = Judged({name: scores for name, scores in after.scores.items() if name in names})
    return Rival(other.name, judge(other, fair, tools, progress), mine)


def _record(
    request: Request, run: str, trained: Trained, before: Judged, watched_before: Judged
) -> dict[str, Any]:
    """What the bundle says of the run: no paths, and no names but those of replay images."""
    split, plan = request.split, plan_of(request)
    cases = [
        {"sha256": case.sha256, "part": part}
        for part in ("training", "held_out")
        for case in getattr(split, part)
    ]
    people = {
        part: len({case.participant for case in getattr(split, part)})
        for part in ("training", "held_out")
    }
    names = (
        "steps",
        "seed",
        "learning_rate",
        "batch",
        "averaging",
        "precision",
        "share",
        "new_contrast",
    )
    return {
        "run": run,
        **{name: getattr(request, name) for name in names},
        "loss": plan.loss,
        "loss_options": plan.loss_options,
        "patch": list(patch_of(request.parent)),
        "seconds": round(trained.history.seconds),
        "replay": (
            {"synthetic": request.synthetic_files}
            if request.synthetic
            else {"phantoms": [one.name for one in request.replay]}
        ),
        "participants": people,
        "cases": cases,
        "held_out_before": _by_sum(split.held_out, before),
        "watched_before": watched_before.rounded(),
    }


def _judgement(
    request: Request, after: Judged, watched_after: Judged, against: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "held_out_after": _by_sum(request.split.held_out, after),
        "watched_after": watched_after.rounded(),
        "objections": list(against),
        "placed_in_spite_of_them": bool(against) and request.replace,
    }


def _by_sum(cases: Sequence[CorrectedCase], judged: Judged) -> dict[str, dict[str, float]]:
    """Scores by the SHA-256 of the image: names of files are often names of people."""
    return {
        case.sha256["image"]: scores.rounded()
        for case, scores in zip(cases, judged.scores.values())
    }
