"""The recipe of the shipped bundle: which networks, on what, for how long; and the record of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..network import Stage, file_sha256, save_bundle
from ..network.unet import COMPACT
from ..progress import Progress
from .loop import History, TrainingConfig, train
from .synthetic.anatomy import data_files, load_anatomy
from .synthetic.synthesis import LOCATOR, SEGMENTER

if TYPE_CHECKING:
    import torch

_LOCATOR_FILE, _SEGMENTER_FILE = "models/locator.safetensors", "models/segmenter.safetensors"


def train_compact(
    data: Path,
    out: Path,
    locator_steps: int,
    segmenter_steps: int,
    seed: int,
    precision: str,
    command: str,
    progress: Progress,
) -> Path:
    """Train locator and segmenter in ``out``, and write the bundle; each network goes on where it was if it was stopped.

    Args:
        command: as it was typed, for the record.

    Returns:
        The bundle's folder, ``out/bundle``.

    Raises:
        InputError: ``data`` lacks a file.
    """
    anatomy = load_anatomy(data)
    split = locator_steps / (locator_steps + segmenter_steps)
    locator = TrainingConfig(COMPACT, LOCATOR, locator_steps, "dice_and_cross_entropy", seed=seed, precision=precision)
    segmenter = TrainingConfig(COMPACT, SEGMENTER, segmenter_steps, seed=seed, precision=precision)
    locator_weights, locator_history = train(locator, anatomy, out / "locator", progress.part(0, split))
    start = from_logits(locator_weights)
    segmenter_weights, segmenter_history = train(segmenter, anatomy, out / "segmenter", progress.part(split, 1), start)
    provenance = {
        "command": command,
        "seed": seed,
        "precision": precision,
        "data_sha256": {path.relative_to(data).as_posix(): file_sha256(path) for path in data_files(data)},
        "trained_on": "Synthetic images only, made from the anatomy of these files: no real image, no mask of one.",
        "locator": _record(locator, locator_history),
        "segmenter": {**_record(segmenter, segmenter_history), "started_from": "the locator's weights"},
    }
    folder = out / "bundle"
    # Half precision halves the file and leaves Dice on the development images as it is, to 0.001.
    weights = {
        file: {name: value.half() for name, value in state.items()}
        for file, state in ((_LOCATOR_FILE, locator_weights), (_SEGMENTER_FILE, segmenter_weights))
    }
    save_bundle(folder, _metadata(provenance), _inference(), weights)
    return folder


def from_logits(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of a network of logits as a start for one of soft values: logits of -6 and 6 become 0 and 1.

    A regression from random weights answers nothing but the mean for thousands of steps, since most voxels are background; a
    network that already knows a cord from its surroundings has only its edge to learn.
    """
    start = dict(weights)
    for name, value in weights.items():
        if name.startswith("heads."):
            start[name] = value / 12 + (0.5 if name.endswith("bias") else 0.0)
    return start


def _record(config: TrainingConfig, history: History) -> dict[str, Any]:
    return {
        "loss": config.loss,
        "steps": config.steps,
        "batch": config.batch,
        "learning_rate": config.learning_rate,
        "patch": list(config.recipe.shape),
        "spacing_mm": config.recipe.spacing,
        "seconds": round(history.seconds),
        "validation_images": config.validation_images,
        "validation_soft_dice_by_step": [list(point) for point in history.validation],
    }


def _inference() -> dict[str, Any]:
    return {
        "orientation": "LAS",
        "locator": Stage(
            weights=_LOCATOR_FILE,
            features=COMPACT.features,
            strides=COMPACT.strides,
            spacing_mm=LOCATOR.spacing,
            # Fields of view of up to 320 mm are seen in one piece.
            tile=(160, 160, 160),
            overlap=0.25,
            activation="sigmoid",
        ),
        "segmenter": Stage(
            weights=_SEGMENTER_FILE,
            features=COMPACT.features,
            strides=COMPACT.strides,
            spacing_mm=SEGMENTER.spacing,
            tile=SEGMENTER.shape,
            # More overlap costs time and changed no Dice of the development images by more than 0.001.
            overlap=0.25,
            activation="normrelu",
        ),
    }


def _metadata(provenance: dict[str, Any]) -> dict[str, Any]:
    import monai
    import numpy
    import torch

    image = {"type": "image", "format": "magnitude", "modality": "MR", "num_channels": 1, "spatial_shape": ["*", "*", "*"]}
    return {
        "name": "SoftCordSeg compact",
        "version": "0.1.0",
        "changelog": {"0.1.0": "first weights"},
        "monai_version": monai.__version__,
        "pytorch_version": torch.__version__.split("+")[0],
        "numpy_version": numpy.__version__,
        "softcordseg_version": __version__,
        "task": "Soft segmentation of the spinal cord on MRI of any contrast",
        "description": "A locator (2 mm, whole image) and a segmenter (1 mm, around the cord), trained on synthetic images.",
        "authors": "The SoftCordSeg contributors",
        "copyright": "The SoftCordSeg contributors",
        "license": "Apache-2.0",
        "intended_use": "Research. Not for diagnosis.",
        "data_source": "PAM50 template (De Leener et al., NeuroImage 2018); cord and CSF masks of nine spine-generic subjects",
        "network_data_format": {
            "inputs": {"image": {**image, "dtype": "float32", "value_range": [-3, 3], "is_patch_data": True}},
            "outputs": {
                "pred": {**image, "format": "segmentation", "dtype": "float32", "value_range": [0, 1], "is_patch_data": True}
            },
        },
        "provenance": provenance,
    }
