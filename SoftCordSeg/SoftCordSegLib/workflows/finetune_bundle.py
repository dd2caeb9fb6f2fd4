"""Corrected cases and a model bundle -> a bundle that does better on them, and a report."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bids import contrast_of
from ..errors import counted
from ..files import check_folder, json_text, safe_cell, text_writer, write_together
from ..progress import Progress
from ..provenance import generated_by
from .live_run import live_run

if TYPE_CHECKING:
    from ..network import ModelBundle
    from ..training.finetune import (
        BundleScores,
        HoldOut,
        Outcome,
        ReplayImage,
        Request,
        Scorer,
        Scores,
        Split,
    )
    from ..volume import Volume

REPORT_FILE = "report.json"
_PHANTOM = " phantom"
# Per cent.
LARGEST_VOLUME_CHANGE = 3.0
_TIMES = ("before", "after")
MEASURES = ("soft_dice", "plain_soft_dice", "dice", "volume_error_percent")
# (calibre, lordosis mm, bend mm, tilt) of the cords of digital phantoms that are trained on, and of
# those that only show forgetting; one a contrast.
_REPLAYED = (
    (1.0, 7, 3, 0.03),
    (0.8, 2, -4, 0.1),
    (1.15, 10, 0, -0.05),
    (0.7, 5, 6, 0.0),
    (0.9, 9, -2, 0.06),
)
_WATCHED = (
    (0.85, 8, 0, 0.0),
    (1.1, 4, 4, -0.03),
    (0.95, 0, -2, 0.08),
    (1.0, 10, 2, 0.05),
    (0.75, 6, -5, 0.02),
)


@dataclass(frozen=True)
class FinetuneOptions:
    """How to fine-tune.

    Attributes:
        model: the bundle to begin with, a name or folder; the shipped one where None.
        images: folder of the images, where they are not beside the masks.
        data: folder of the anatomy that our bundles are trained on; digital phantoms without it.
        hold_out: a fraction of the participants, their names, or "none"; see
            :meth:`~SoftCordSegLib.training.finetune.HoldOut.parse`.
        steps, seed, learning_rate: of the training.
        precision: "fp32", "bf16" or "auto".
        replace: accept the bundle even if it is worse than another.
        device: "auto", "cpu", "cuda", …
        workers: processes that make images.
        threads: that train; all cores but one where None.
    """

    model: str | Path | None = None
    images: Path | None = None
    data: Path | None = None
    hold_out: str = "0.2"
    steps: int = 300
    seed: int = 1
    learning_rate: float = 2e-4
    precision: str = "auto"
    replace: bool = False
    device: str = "auto"
    workers: int = 1
    threads: int | None = None


@dataclass(frozen=True)
class Report:
    """What became of a fine-tuning.

    Attributes:
        outcome: of it.
        parent: name of the bundle before.
        rows: one an image, with its scores before and after.
        content: of ``report.json``, plain types.
        files: ``report.csv`` and ``report.json``.
    """

    outcome: Outcome
    parent: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


def finetune_bundle(
    cases: Path,
    out: Path,
    options: FinetuneOptions,
    *,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda sentence: None,
    warn: Callable[[str], None] = lambda sentence: None,
    command: str = "",
) -> Report:
    """Fine-tune a bundle on corrected cases; some are held out, and the bundle is compared with its
    parent, before and after.

    Args:
        cases: folder of masks and their images, or a list (JSON).
        out: folder of the run. The new bundle is ``out/bundle``, or ``out/rejected`` where it is
            worse than another.
        options: how.
        progress: receives progress; checked for cancellation.
        say, warn: take sentences on the way.
        command: as it was typed, without paths, for the record.

    Raises:
        InputError: the cases or the bundle cannot be used.
        OutputError: the folder cannot be written.
        Cancelled: through ``progress``; the same call goes on from the last saved state.
    """
    from ..network.store import open_bundle
    from ..training.finetune import finetune

    with live_run(out, progress or Progress()) as live:
        bundle = open_bundle(options.model)
        split = _split(cases, options, bundle, live.part(0.0, 0.02), say, warn)
        request = _request(bundle, split, out, options, command)
        outcome = finetune(request, _scorer(options.device), live.part(0.02, 1.0), say)
        rows = _rows(outcome)
        content = _content(outcome, bundle.name, rows)
        files = {
            out / "report.csv": text_writer(_csv(rows)),
            out / REPORT_FILE: text_writer(json_text(content)),
        }
        write_together(files)
    return Report(outcome, bundle.name, rows, content, tuple(files))


def phantoms(trained_on: bool = True) -> tuple[list[ReplayImage], list[ReplayImage]]:
    """Digital necks of several cords: images to train on, and others that show forgetting, one of
    each contrast; the same each time.

    Args:
        trained_on: False makes only the others.
    """
    return _scans(_REPLAYED, seed=100) if trained_on else [], _scans(_WATCHED, seed=200)


def compare(mask: Volume, reference: Volume) -> Scores:
    """A mask against its reference of the same grid."""
    import torch

    from ..evaluation import dice, relative_volume_error, soft_dice
    from ..training.finetune import Scores
    from ..training.loss import soft_dice as squared_soft_dice

    soft, known = mask.data, reference.data
    p, y = torch.as_tensor(soft.astype("float64")), torch.as_tensor(known.astype("float64"))
    return Scores(
        squared_soft_dice(p, y, torch.ones_like(y)),
        soft_dice(soft, known),
        dice(soft >= 0.5, known >= 0.5),
        relative_volume_error(soft >= 0.5, known >= 0.5),
    )


def _scans(cords: tuple, seed: int) -> list[ReplayImage]:
    from ..phantom import CONTRASTS, Cord, make_phantom
    from ..phantom.cord import CordCurve
    from ..training.finetune import ReplayImage

    images = []
    for number, (contrast, (calibre, lordosis, bend, tilt)) in enumerate(zip(CONTRASTS, cords)):
        cord = Cord(CordCurve(lordosis, bend, tilt), calibre)
        scan = make_phantom(contrast, cord=cord, seed=seed + number)
        images.append(ReplayImage(f"{contrast}{_PHANTOM}", scan.image, scan.truth))
    return images


def _split(
    cases: Path,
    options: FinetuneOptions,
    bundle: ModelBundle,
    progress: Progress,
    say: Callable[[str], None],
    warn: Callable[[str], None],
) -> Split:
    """Find, read and check the cases, and hold some out; nothing is written."""
    from ..training.finetune import HoldOut, find_cases, read_cases, split_cases
    from ..training.finetune.finetune_run import check_kind
    from ..training.finetune.lineage import trained_on

    check_kind(bundle)
    wanted: HoldOut = HoldOut.parse(options.hold_out)
    found, listed, notes = find_cases(cases, options.images)
    read, more = read_cases(found, progress)
    if listed and wanted == HoldOut():
        wanted = HoldOut(participants=tuple(sorted({case.participant for case in listed})))
    split = split_cases(read, wanted, options.seed, trained_on(bundle))
    for note in (*notes, *more, *split.notes):
        warn(note)
    participants = sorted({case.participant for case in split.held_out})
    say(
        f"{counted(len(split.training), 'case')} to learn from, {len(split.held_out)} held out"
        f" ({', '.join(participants) or 'none'})."
    )
    return split


def _request(
    bundle: ModelBundle, split: Split, out: Path, options: FinetuneOptions, command: str
) -> Request:
    """What to do; nothing is written but a probe of the folder."""
    from ..network.engines import pytorch_device
    from ..training.finetune import Request
    from ..training.finetune.finetune_batches import synthetic_batches
    from ..training.finetune.finetune_run import check_request

    synthetic, files = None, dict[str, str]()
    if options.data is not None:
        synthetic, files = synthetic_batches(options.data, bundle)
    check_request(bundle, out)
    check_folder(out)
    replay, watched = phantoms(trained_on=synthetic is None)
    return Request(
        bundle,
        split,
        out,
        replay,
        watched,
        synthetic,
        files,
        steps=options.steps,
        seed=options.seed,
        learning_rate=options.learning_rate,
        precision=_fast_precision() if options.precision == "auto" else options.precision,
        device=pytorch_device(options.device),
        threads=options.threads or max((os.cpu_count() or 2) - 1, 1),
        workers=options.workers,
        replace=options.replace,
        command=command,
    )


def _scorer(device: str) -> Scorer:
    from .. import segmentation
    from ..training.finetune import Scorer

    def segment(image: Volume, bundle: ModelBundle, progress: Progress) -> Volume:
        return segmentation.segment_within_memory(
            image, bundle, progress=progress, device=device
        ).volume

    return Scorer(segment, compare)


def _fast_precision() -> str:
    """bf16 where the CPU multiplies it in hardware: elsewhere it is slower than fp32."""
    import torch

    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return "bf16" if supported is not None and supported() else "fp32"


def _rows(outcome: Outcome) -> list[dict[str, Any]]:
    groups = {
        "held out": (outcome.before, outcome.after),
        "watched": (outcome.watched_before, outcome.watched_after),
    }
    rows = []
    for group, (before, after) in groups.items():
        for name in before.scores:
            scores = {
                "before": before.scores[name].rounded(),
                "after": after.scores[name].rounded(),
            }
            numbers = {
                f"{measure}_{when}": one[measure]
                for measure in MEASURES
                for when, one in scores.items()
            }
            contrast = name.removesuffix(_PHANTOM) if group == "watched" else contrast_of(name)
            rows.append({"group": group, "contrast": contrast, "image": name, **numbers})
    return rows


def volume_note(report: dict[str, Any]) -> str:
    """A sentence where a new bundle draws cords that it should not change larger or smaller, by
    more than :data:`LARGEST_VOLUME_CHANGE`; "" else.

    Args:
        report: of :attr:`Report.content`.
    """
    change = report.get("watched_volume_change_percent", 0.0)
    if abs(change) <= LARGEST_VOLUME_CHANGE:
        return ""
    size = f"{abs(change):.1f} % {'larger' if change > 0 else 'smaller'}"
    return (
        f"On images that it is not meant to change on, cords are {size} than before, and areas"
        " with them. Learn from more cases whose masks were right, too."
    )


def share_note(report: dict[str, Any]) -> str:
    """A sentence where not all of the change of the weights is kept; "" else.

    Args:
        report: of :attr:`Report.content`.
    """
    kept = report.get("weight_share") or {}
    if not kept.get("tried") or kept["share"] >= 1:
        return ""
    whole, before = kept["tried"][0], report["watched"]["before"]["soft_dice"]
    return (
        f"{kept['share']:.0%} of the change of the weights is kept: with all of it, the volume of"
        f" cords that it is not meant to change on changes by {whole['volume_change_percent']:+.1f}"
        f" %, and soft Dice by {whole['soft_dice'] - before:+.4f}."
    )


def _by_contrast(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The means of held-out and of watched images by contrast, before and after."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["group"], row["contrast"]), []).append(row)
    columns = [f"{measure}_{when}" for measure in MEASURES for when in _TIMES]
    return [
        {
            "group": group,
            "contrast": contrast,
            "images": len(own),
            **{one: round(sum(abs(row[one]) for row in own) / len(own), 5) for one in columns},
        }
        for (group, contrast), own in found.items()
    ]


def _content(outcome: Outcome, parent: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    from ..training.finetune.weight_share import volume_change_percent

    return {
        "GeneratedBy": generated_by(),
        "parent": parent,
        "name": outcome.name,
        "bundle": str(outcome.folder),
        "accepted": outcome.accepted,
        "objections": list(outcome.objections),
        "held_out": {"before": _means(outcome.before), "after": _means(outcome.after)},
        "watched": {
            "before": _means(outcome.watched_before),
            "after": _means(outcome.watched_after),
        },
        "watched_volume_change_percent": round(
            volume_change_percent(outcome.watched_before, outcome.watched_after), 3
        ),
        "weight_share": outcome.weight_share.to_json(),
        "contrasts": _by_contrast(rows),
        "images": rows,
        "seconds_of_training": round(outcome.seconds),
        "history": str(outcome.history),
    }


def _means(scores: BundleScores) -> dict[str, float] | None:
    """Of the volume error, the mean of its size: an error to the one side must not hide one to the
    other.
    """
    found = [one.rounded() for one in scores.scores.values()]
    if not found:
        return None
    values = {name: [abs(one[name]) for one in found] for name in MEASURES}
    return {name: round(sum(one) / len(one), 5) for name, one in values.items()}


def _csv(rows: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(
        stream,
        [
            "group",
            "contrast",
            "image",
            *(f"{m}_{when}" for m in MEASURES for when in ("before", "after")),
        ],
    )
    writer.writeheader()
    writer.writerows(
        {
            key: "" if isinstance(v, float) and not math.isfinite(v) else safe_cell(v)
            for key, v in row.items()
        }
        for row in rows
    )
    return stream.getvalue()
