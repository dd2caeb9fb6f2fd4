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
from SoftCordSegLib.training.config import Machine
from SoftCordSegLib.training.config.plan import Plan
from SoftCordSegLib.training.finetune import (
    ReplayImage,
    Request,
    Scores,
    Tools,
    read_cases,
    split_cases,
)
from SoftCordSegLib.training.finetune.hold_out import HoldOut
from SoftCordSegLib.training.loop import train
from SoftCordSegLib.training.loss import soft_dice
from SoftCordSegLib.training.pairs import normalised
from SoftCordSegLib.training.real import OpenCase, RealCase, RealPatches
from SoftCordSegLib.volume import Volume, write_nifti

TINY = UNetConfig((6, 12), ((1, 1, 1), (2, 2, 2)))
ALONE = Machine(workers=0, threads=1, accelerator="cpu")
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
        normalised(image.data), predict, bundle.segmenter.tile, 0.25, progress
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


TOOLS = Tools(segment, compare)


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
    """A bundle that outlines the cords of :func:`a_neck`, bright and dark, as they are."""
    cases = [
        OpenCase(*a_neck(number, dark=number % 2 > 0), None, str(number))
        for number in range(100, 104)
    ]
    source = RealPatches(cases, (16, 16, 16), 1.0, new_contrast=0.0)
    plan = Plan(
        TINY,
        steps=300,
        learning_rate=1e-2,
        averaging=0.98,
        validate_every=300,
        validation_images=1,
        save_every=300,
    )
    return write_bundle(
        folder / "parent", train(plan, source, folder / "run", machine=ALONE).weights
    )


def a_request(
    parent: ModelBundle, cases: list[RealCase], out: Path, hold_out: HoldOut | None = None, **course
) -> Request:
    read, _notes = read_cases(cases)
    split = split_cases(read, hold_out or HoldOut(), course.get("seed", 1))
    course = {
        "steps": 50,
        "learning_rate": 1e-3,
        "averaging": 0.9,
        "new_contrast": 0.0,
        "machine": ALONE,
        **course,
    }
    return Request(parent, split, out, replay(200, 2), replay(300, 2), **course)
