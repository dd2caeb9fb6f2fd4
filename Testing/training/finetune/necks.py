"""Made-up necks, a tiny bundle that outlines their cords, and a stand-in for the way of an image
through the program.

A cord is a bright tube.  What a bundle learns here is where its edge lies, which is what
corrections are mostly about.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from SoftCordSegLib.network import ModelBundle, Stage, UNetConfig, load_bundle, save_bundle
from SoftCordSegLib.network.unet import UNet
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.segmentation.tiles import predict_tiled
from SoftCordSegLib.training.finetune import (
    ReplayImage,
    Request,
    Scorer,
    Scores,
    read_cases,
    split_cases,
)
from SoftCordSegLib.training.finetune.finetune_batches import packed_case
from SoftCordSegLib.training.finetune.hold_out import HoldOut
from SoftCordSegLib.training.loss import soft_dice
from SoftCordSegLib.training.packed import Packed
from SoftCordSegLib.training.real_cases import OpenCase, RealCase
from SoftCordSegLib.training.trainer.first_weights import Start
from SoftCordSegLib.training.trainer.plain_patches import PlainPatches, PlainRecipe
from SoftCordSegLib.training.trainer.trainer import Pace, Trainer
from SoftCordSegLib.training.trainer.trainer_plan import TrainerPlan
from SoftCordSegLib.volume import Volume, write_nifti
from SoftCordSegLib.volume.intensities import Scaling

TINY = UNetConfig((6, 12), ((1, 1, 1), (2, 2, 2)))
SHAPE = (24, 24, 32)


def a_neck(number: int, grown_mm: float = 0.0, dark: bool = False) -> tuple[Volume, Volume]:
    """An image with a bright or dark cord, and its mask; ``grown_mm`` moves the mask's edge
    outwards.
    """
    rng = np.random.default_rng([11, number])
    i, j, _ = np.indices(SHAPE) - (np.array(SHAPE) / 2 + rng.uniform(-3, 3, 3))[:, None, None, None]
    inside = rng.uniform(3.0, 5.0) - np.hypot(i, j)

    image = np.clip(inside + 0.5, 0, 1) + 0.02 * rng.standard_normal(SHAPE)
    if dark:
        image = 1 - image
    affine = np.diag([-1.0, 1, 1, 1])
    affine[:3, 3] = rng.uniform(-20, 20, 3)
    mask = np.clip(inside + grown_mm + 0.5, 0, 1)
    return Volume(image.astype(np.float32), affine), Volume(mask.astype(np.float32), affine)


def write_case(
    folder: Path,
    number: int,
    grown_mm: float = 0.0,
    contrast: str = "T2w",
    ending: str = "label-SC_softseg",
) -> RealCase:
    """A neck of participant ``sub-NN`` in files."""
    image, mask = a_neck(number, grown_mm)
    name = f"sub-{number:02d}"
    case = RealCase(
        folder / f"{name}_T2w.nii.gz", folder / f"{name}_T2w_{ending}.nii.gz", None, name
    )
    write_nifti(image, case.image)
    write_nifti(mask, case.label)
    return case


def replay(first: int, count: int = 2) -> list[ReplayImage]:
    """Necks with dark cords, whose masks are true: no correction is about them."""
    return [
        ReplayImage(f"dark neck {number}", *a_neck(number, dark=True))
        for number in range(first, first + count)
    ]


def segment(image: Volume, bundle: ModelBundle, progress: Progress) -> Volume:
    """The segmenter over the whole image, without looking for the cord first."""
    network = bundle.network(bundle.segmenter)

    def predict(tile: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return network(torch.from_numpy(tile.copy())[None, None])[0][0, 0].numpy()

    soft = predict_tiled(
        Scaling.of(image.data)(image.data), predict, bundle.segmenter.tile, 0.25, progress
    ).clip(0, 1)
    return image.with_data(np.where(soft < 0.1, 0, soft).astype(np.float32))


def compare(mask: Volume, reference: Volume) -> Scores:
    p, y = torch.from_numpy(mask.data), torch.from_numpy(reference.data)
    binary, known = p >= 0.5, y >= 0.5
    dice = 2 * float((binary & known).sum()) / max(float(binary.sum() + known.sum()), 1)
    plain = 2 * float((p * y).sum() / (p.sum() + y.sum()))
    return Scores(
        soft_dice(p, y, torch.ones_like(y)),
        plain,
        dice,
        100 * float(binary.sum() / known.sum() - 1),
    )


SCORER = Scorer(segment, compare)


def write_bundle(
    folder: Path, segmenter: dict[str, torch.Tensor], version: str = "0.2.0"
) -> ModelBundle:
    torch.manual_seed(5)
    locator = UNet(TINY).state_dict()
    stages = {
        name: Stage(
            f"models/{name}.safetensors",
            TINY.features,
            TINY.strides,
            spacing,
            (16, 16, 16),
            0.25,
            "clip",
        )
        for name, spacing in (("locator", 2.0), ("segmenter", 1.0))
    }
    states = {"locator": locator, "segmenter": segmenter}
    metadata = {
        "name": "tiny",
        "version": version,
        "license": "Apache-2.0",
        "changelog": {version: "first"},
        "provenance": {"seed": 1},
    }
    weights = {
        f"models/{name}.safetensors": {k: v.half() for k, v in state.items()}
        for name, state in states.items()
    }
    save_bundle(folder, metadata, {"orientation": "LAS", **stages}, weights)
    return load_bundle(folder)


def trained_bundle(folder: Path) -> ModelBundle:
    """A bundle that segments the cords of :func:`a_neck`, bright and dark, as they are."""
    torch.manual_seed(7)
    untrained = write_bundle(folder / "untrained", UNet(TINY).state_dict())
    cases = [
        OpenCase(*a_neck(number, dark=number % 2 > 0), None, str(number))
        for number in range(100, 104)
    ]
    packed = [packed_case(case, case.participant, untrained) for case in cases]
    plan = TrainerPlan(
        TINY,
        tile=(16, 16, 16),
        learning_rate=1e-2,
        schedule="cosine",
        schedule_steps=300,
        loss="adaptive_wing",
        averaging=0.98,
        precision="fp32",
    )
    start = Start(bundle=str(untrained.folder))
    recipe = PlainRecipe((16, 16, 16))
    everything = Packed.of_cases(packed)
    trainer = Trainer(folder / "run", plan, PlainPatches(everything, recipe), start=start)
    return write_bundle(folder / "parent", trainer.run(300, pace=Pace(validate_steps=None)).average)


def a_request(
    parent: ModelBundle, cases: list[RealCase], out: Path, hold_out: HoldOut | None = None, **course
) -> Request:
    read, _notes = read_cases(cases)
    split = split_cases(read, hold_out or HoldOut(), course.get("seed", 1))
    course = {
        "steps": 50,
        "learning_rate": 5e-4,
        "averaging": 0.9,
        "new_contrast": 0.0,
        **course,
    }
    return Request(parent, split, out, replay(200, 2), replay(300, 2), **course)
