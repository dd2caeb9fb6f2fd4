"""The recipe of the shipped bundle: which networks, on what, for how long; and the record of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ..network.unet import COMPACT, COMPACT_LOCATOR
from ..progress import Progress
from .anatomy import data_files, load_anatomy
from .loop import History, TrainingConfig, train
from .synthesis import LOCATOR, SEGMENTER


def train_compact(
    data: Path, out: Path, locator_steps: int, segmenter_steps: int, seed: int, precision: str, progress: Progress
) -> None:
    """Train locator and segmenter in ``out``; each goes on where it was if it was stopped.

    Raises:
        InputError: ``data`` lacks a file.
    """
    anatomy = load_anatomy(data)
    split = locator_steps / (locator_steps + 2 * segmenter_steps)
    locator = TrainingConfig(COMPACT_LOCATOR, LOCATOR, locator_steps, seed=seed, precision=precision)
    segmenter = TrainingConfig(COMPACT, SEGMENTER, segmenter_steps, seed=seed, precision=precision)
    train(locator, anatomy, out / "locator", progress.part(0, split))
    train(segmenter, anatomy, out / "segmenter", progress.part(split, 1))
