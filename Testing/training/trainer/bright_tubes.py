"""A source of bright tubes on dark ground, a packed file of such, and a plan of seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from SoftCordSegLib.network.unet_config import UNetConfig
from SoftCordSegLib.training.batch import Batch
from SoftCordSegLib.training.packed import (
    Packed,
    PackedCase,
    fraction_bytes,
    image_bytes,
    write_packed,
)
from SoftCordSegLib.training.trainer.trainer_plan import TrainerPlan

TINY = UNetConfig((4, 8), ((1, 1, 1), (2, 2, 2)))
SIZE = (16, 16, 16)


def plan(**changes: Any) -> TrainerPlan:
    settings = {
        "network": TINY,
        "tile": SIZE,
        "precision": "fp32",
        "learning_rate": 5e-3,
        "averaging": 0.9,
        **changes,
    }
    return TrainerPlan(**settings)


def tube(
    centre: tuple[float, float], radius: float, size: tuple[int, int, int] = SIZE
) -> np.ndarray:
    i, j = np.indices(size[:2])
    plane = np.clip(radius + 0.5 - np.hypot(i - centre[0], j - centre[1]), 0, 1)
    return np.repeat(plane[:, :, None], size[2], axis=2).astype(np.float32)


class BrightTubes:
    """Tubes of a place and radius by (seed, step, row); each patch is there twice, the second time
    with less contrast.
    """

    def __init__(self, twins: bool = False):
        self._twins = twins

    def batch(self, seed: int, step: int, size: int) -> Batch:
        labels, images = [], []
        for row in range(size):
            random = np.random.default_rng([seed, step, row // 2 if self._twins else row])
            label = tube(tuple(random.uniform(5, 10, 2)), random.uniform(2, 4))
            contrast = 1.0 if self._twins and row % 2 else 2.0
            labels.append(label)
            images.append(
                contrast * label - 1 + 0.1 * random.standard_normal(SIZE).astype(np.float32)
            )
        label = torch.from_numpy(np.stack(labels))[:, None]
        pairs = [(row, row + 1) for row in range(0, size - 1, 2)] if self._twins else []
        twins = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
        return Batch(
            torch.from_numpy(np.stack(images))[:, None].float(),
            label,
            torch.ones_like(label),
            twins,
        )


def packed_tubes(
    path: Path, cases: int = 3, height: int = 40, record: dict[str, Any] | None = None
) -> Path:
    """A packed file of tubes in two contrasts, without cord shapes."""
    made = []
    for number in range(cases):
        random = np.random.default_rng(number)
        label = tube((14 + number, 16), 4, (30, 34, height))
        image = (2 if number % 2 else 1) * label - 1 + 0.1 * random.standard_normal(label.shape)
        arrays = (image_bytes(image), fraction_bytes(label), np.full(label.shape, 255, np.uint8))
        arrays = (*arrays, *(array[::2, ::2, ::2] for array in arrays))
        contrast = "T2w" if number % 2 else "T1w"
        made.append(
            PackedCase(
                f"case{number}",
                f"participant{number}",
                contrast,
                "tubes",
                "CC0",
                "",
                (1.0, 1.0, 1.0),
                "drawn",
                *arrays,
            )
        )
    write_packed(
        path,
        Packed(tuple(made), (), np.zeros((3, 2, 2, 2), np.uint8), 1.0, record or {"made": "tubes"}),
    )
    return path
