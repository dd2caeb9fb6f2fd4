"""A bundle of a training's averaged weights."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...errors import InputError
from ...network.bundle import ModelBundle, Stage, save_bundle
from ...network.store import open_bundle
from ...network.unet_config import UNetConfig
from .trainer_plan import ACTIVATION, SPACING_MM, STAGES, TrainerPlan

if TYPE_CHECKING:
    import torch

    from .run_state import RunState

_OVERLAP = 0.25
_WORDS = {
    "name": "SoftCordSeg in training",
    "version": "0",
    "changelog": {},
    "task": "Soft segmentation of the spinal cord on MRI of any contrast",
    "description": "A locator (whole image) and a segmenter (1 mm, around the cord).",
    "authors": "The SoftCordSeg contributors",
    "copyright": "The SoftCordSeg contributors",
    "license": "Apache-2.0",
    "intended_use": "Research. Not for diagnosis.",
}


def export_run(
    folder: str | Path,
    runs: dict[str, RunState],
    *,
    parent: str | Path | None = None,
    words: dict[str, Any] | None = None,
    command: str = "",
    half: bool = True,
) -> Path:
    """Write a bundle.

    Args:
        folder: of the bundle.
        runs: states by stage, "segmenter" or "locator" or both.
        parent: bundle that a stage without a run is taken from.
        words: name, version, license and others, for the bundle's metadata.
        command: that makes the bundle, for its provenance.
        half: weights in half precision.

    Raises:
        InputError: a stage has neither run nor parent, or a network of another kind than bundles
            can hold.
        ModelError: the parent cannot be read.
        OutputError: the folder cannot be written.
    """
    other = open_bundle(parent) if parent is not None and set(runs) != set(STAGES) else None
    inference: dict[str, Any] = {"orientation": "LAS"}
    weights: dict[str, dict[str, torch.Tensor]] = {}
    provenance: dict[str, Any] = {"command": command} if command else {}
    files: dict[str, str] = {}
    for state in runs.values():
        files.update(state.record.get("packed", {}).get("files_sha256", {}))
    if files:
        provenance["data_sha256"] = files
    for name in STAGES:
        file = f"models/{name}.safetensors"
        if name in runs:
            inference[name], tensors = _stage(file, runs[name], name), runs[name].average
            provenance[name] = _provenance(runs[name])
        else:
            inference[name], tensors = _taken(other, name, file)
            provenance[name] = {
                "parent": other.name,
                "sha256": other.sha256[getattr(other, name).weights],
            }
        weights[file] = {
            key: value.half() if half else value.float() for key, value in tensors.items()
        }
    contract = _contract(runs, other)
    if contract is not None:
        # The input contract: by which function the program scales what the networks see
        # (network/bundle.py reads this key).
        inference["intensities"] = contract
    save_bundle(folder, bundle_metadata(words or {}, provenance), inference, weights)
    return Path(folder)


def _contract(runs: dict[str, RunState], other: ModelBundle | None) -> str | None:
    """The name of the intensity scaling: that of the segmenter, whose outline hangs on it, as the
    packed file of its training has it or the bundle that it is taken from.
    """
    if "segmenter" not in runs:
        return None if other is None else other.intensities
    found = {run.record.get("packed", {}).get("contract") for run in runs.values()} - {None}
    if len(found) > 1:
        raise InputError(
            f"The runs were trained on intensities of two kinds ({', '.join(sorted(found))}).",
            hint="Train one of them again.",
        )
    return found.pop() if found else None


def _stage(file: str, state: RunState, name: str) -> Stage:
    plan = TrainerPlan.from_json(state.plan)
    if plan.stage != name:
        raise InputError(
            f"A training of a {plan.stage} cannot be the {name} of a bundle.",
            hint="Give the right run.",
        )
    # All that a bundle's stage can say of its network.
    if plan.network != UNetConfig(plan.network.features, plan.network.strides):
        raise InputError(
            "A bundle holds networks of two convolutions a stage with kernels of 3.",
            hint="Train such a one.",
        )
    return Stage(
        file,
        plan.network.features,
        plan.network.strides,
        SPACING_MM[name] * state.recipe.get("pooled", 1),
        plan.tile,
        _OVERLAP,
        ACTIVATION[name],
        _fields(state.recipe) if name == "locator" else (),
    )


def _fields(recipe: dict[str, Any]) -> tuple[tuple[int, int, int], ...]:
    """Sizes of the patches on the network's grid; none where the recipe does not say."""
    shapes = [recipe["shape"], *recipe.get("other_shapes", ())] if "shape" in recipe else []
    pooled = recipe.get("pooled", 1)
    return tuple((i // pooled, j // pooled, k // pooled) for i, j, k in shapes)


def _taken(
    other: ModelBundle | None, name: str, file: str
) -> tuple[Stage, dict[str, torch.Tensor]]:
    stage = getattr(other, name, None)
    if stage is None:
        raise InputError(
            f"The bundle would lack a {name}.",
            hint="Give a run of one, or a parent bundle that has it.",
        )
    return replace(stage, weights=file), other.network(stage).state_dict()


def _provenance(state: RunState) -> dict[str, Any]:
    validations = state.history.get("validations", [])
    return {
        "steps": state.step,
        "patches": state.patches,
        "hours": round(state.seconds / 3600, 2),
        "start": state.origin or "random weights",
        "plan": state.plan,
        "recipe": state.recipe,
        "changes": state.history.get("changes", []),
        "validation": validations[-1].get("mean") if validations else None,
        # The files themselves are named once for all stages.
        "packed": {
            key: value
            for key, value in state.record.get("packed", {}).items()
            if key != "files_sha256"
        },
        **({"teacher": state.record["teacher"]} if "teacher" in state.record else {}),
        "precision": state.record.get("precision"),
        "torch": state.record.get("torch"),
    }


def bundle_metadata(words: dict[str, Any], provenance: dict[str, Any]) -> dict[str, Any]:
    """``metadata.json`` of a bundle: its words, versions of software, and where it comes from."""
    image = {
        "type": "image",
        "format": "magnitude",
        "modality": "MR",
        "num_channels": 1,
        "spatial_shape": ["*", "*", "*"],
    }
    image = {**image, "dtype": "float32", "is_patch_data": True}
    return {
        **_WORDS,
        **words,
        **software_versions(),
        "network_data_format": {
            "inputs": {"image": {**image, "value_range": [-3, 3]}},
            "outputs": {"pred": {**image, "format": "segmentation", "value_range": [0, 1]}},
        },
        "provenance": provenance,
    }


def software_versions() -> dict[str, str]:
    """Versions of the packages that the MONAI Bundle layout names, and ours; looked up, not
    imported: they need not be there.
    """
    found = {"softcordseg_version": __version__}
    for name, package in (("monai", "monai"), ("pytorch", "torch"), ("numpy", "numpy")):
        with contextlib.suppress(PackageNotFoundError):
            found[f"{name}_version"] = version(package).split("+")[0]
    return found
