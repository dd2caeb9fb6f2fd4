"""The releases v3.0 and v4.0, and any nnU-Net v2 result folder with one input channel: plans, data
set and checkpoints.

Sources: MIC-DKFZ/nnUNet v2 (``plans_handler.py``, ``predict_from_raw_data.py``) and SCT's
``deepseg/nnunet.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ..plans import Margins, NetworkSpec, NnUNet, Resampling
from . import foreign
from .architecture import architecture_of, channels_out, unet_config
from .checkpoint import read_checkpoint, tensors_of
from .converted import Converted
from .plain_conv import check_fit, translated

_CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
_OPPOSITE = dict(zip("RLAPIS", "LRPASI"))
_RESAMPLING = "resample_data_or_seg_to_shape"


def find_result_folder(folder: Path) -> Path | None:
    """The folder with ``plans.json``, ``dataset.json`` and ``fold_*`` in an unpacked release; None
    where there is none.
    """
    for plans in sorted(folder.rglob("plans.json")):
        if (plans.parent / "dataset.json").is_file() and any(plans.parent.glob("fold_*")):
            return plans.parent
    return None


def convert_result_folder(
    folder: str | Path, *, cropped: bool = False, **settings: Any
) -> Converted:
    """Read a result folder: all its folds.

    Args:
        folder: with ``plans.json``, ``dataset.json`` and ``fold_*/checkpoint_final.pth``.
        cropped: the network is known to have been trained on images cropped around the cord, also
            where no file says so.
        settings: of :class:`~..plans.NnUNet`, where the release differs from what its files say.

    Raises:
        ModelError: files are missing or damaged, or the network needs what cannot be done here; the
            sentence says which.
    """
    folder = Path(folder)
    plans, dataset = _read_json(folder / "plans.json"), _read_json(folder / "dataset.json")
    paths = _checkpoints(folder)
    content = [read_checkpoint(path) for path in paths]
    try:
        name = str(content[0]["init_args"]["configuration"])
        configuration = _resolved(plans["configurations"], name)
        _check_supported(configuration, dataset)
        outputs = channels_out(dataset)
        architecture = architecture_of(configuration)
        spec, states = _networks(architecture, outputs, paths, content)
        plan = NnUNet(
            network=spec,
            **{
                **_plan(plans, configuration),
                **_labels(dataset),
                **_mirroring(content[0]),
                **_margins(folder, cropped),
                **settings,
            },
        )
    except ModelError:
        raise
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelError(
            f"The nnU-Net folder '{folder.name}' cannot be used: its plans or data set lack"
            f" {error}."
        ) from error
    facts = {
        "configuration": name,
        "trainer": str(content[0].get("trainer_name", "")),
        "folds": [path.parent.name for path in paths],
        "checkpoint": paths[0].name,
        "dataset": str(plans.get("dataset_name", "")),
    }
    return Converted(plan, _orientation(dataset), states, facts)


def _checkpoints(folder: Path) -> list[Path]:
    """One checkpoint a fold; the final one where all folds have it, else the best."""
    folds = sorted(path for path in folder.glob("fold_*") if path.is_dir())
    # nnU-Net does not mix the network that was trained on all data with those of the folds.
    folds = [path for path in folds if path.name != "fold_all"] or folds
    for name in _CHECKPOINTS:
        found = [path / name for path in folds if (path / name).is_file()]
        if found:
            return found
    raise ModelError(
        f"The nnU-Net folder '{folder.name}' has no {' or '.join(_CHECKPOINTS)} in its folds. Get"
        " it again."
    )


def _networks(
    architecture: Any, outputs: int, paths: list[Path], content: list[dict]
) -> tuple[NetworkSpec, dict[str, Any]]:
    names = tuple(f"models/{path.parent.name}.safetensors" for path in paths)
    states = {
        name: tensors_of(one, "network_weights", path)
        for name, one, path in zip(names, content, paths)
    }
    if architecture.is_plain:
        config = unet_config(architecture, outputs)
        states = {name: translated(state) for name, state in states.items()}
        for state in states.values():
            check_fit(state, config)
        return NetworkSpec(names, config), states
    library = {
        "class": architecture.class_name,
        "kwargs": architecture.kwargs,
        "imports": list(architecture.imports),
        "channels_in": 1,
        "channels_out": outputs,
    }
    foreign.check(library)
    copies = {
        name: {key: value.float().clone() for key, value in state.items()}
        for name, state in states.items()
    }
    return NetworkSpec(names, None, library), copies


def _resolved(
    configurations: dict[str, Any], name: str, seen: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A configuration with what it inherits."""
    own = dict(configurations[name])
    parent = own.pop("inherits_from", None)
    if parent is None:
        return own
    if parent in seen:
        raise ValueError(f"an end to what {name} inherits from")
    return {**_resolved(configurations, parent, (*seen, name)), **own}


def _check_supported(configuration: dict[str, Any], dataset: dict[str, Any]) -> None:
    channels = dataset.get("channel_names", dataset.get("modality", {"0": "MRI"}))
    reason = None
    if len(configuration["patch_size"]) != 3:
        reason = "it works on single slices (2d), and only 3D networks can be run"
    elif configuration.get("previous_stage"):
        reason = "it is the second stage of a cascade, which cannot be run"
    elif len(channels) != 1:
        reason = f"it needs {len(channels)} images at once, and one is what there is"
    for key in ("resampling_fn_data", "resampling_fn_probabilities", "resampling_fn_softmax"):
        if configuration.get(key, _RESAMPLING) != _RESAMPLING:
            reason = f"it resamples by '{configuration[key]}', and only '{_RESAMPLING}' is known"
    if reason:
        raise ModelError(f"This nnU-Net model cannot be used here: {reason}. Choose another model.")


def _plan(plans: dict[str, Any], configuration: dict[str, Any]) -> dict[str, Any]:
    intensities = plans.get("foreground_intensity_properties_per_channel", {})
    kept = ("mean", "std", "percentile_00_5", "percentile_99_5")
    return {
        "spacing_mm": tuple(float(n) for n in configuration["spacing"]),
        "patch": tuple(int(n) for n in configuration["patch_size"]),
        "transpose_forward": tuple(int(n) for n in plans["transpose_forward"]),
        "normalisation": configuration["normalization_schemes"][0],
        "use_mask": bool(configuration["use_mask_for_norm"][0]),
        "intensities": {
            key: float(intensities["0"][key]) for key in kept if key in intensities.get("0", {})
        },
        "data": _resampling(configuration.get("resampling_fn_data_kwargs"), 3),
        "probabilities": _resampling(
            configuration.get(
                "resampling_fn_probabilities_kwargs",
                configuration.get("resampling_fn_softmax_kwargs"),
            ),
            1,
        ),
    }


def _resampling(options: dict[str, Any] | None, order: int) -> Resampling:
    options = options or {}
    return Resampling(
        int(options.get("order", order)),
        int(options.get("order_z", 0)),
        options.get("force_separate_z"),
    )


def _labels(dataset: dict[str, Any]) -> dict[str, Any]:
    labels = {
        name: value
        for name, value in dataset["labels"].items()
        if name not in ("background", "ignore")
    }
    # One label is the cord; among several the one that is called so.
    cord = [
        value
        for name, value in labels.items()
        if name.lower() in ("sc", "spinal_cord", "cord", "spinalcord")
    ]
    if len(labels) != 1 and len(cord) != 1:
        raise ModelError(
            f"This nnU-Net model has the labels {', '.join(labels)}, and it is not clear which of"
            " them is the cord."
        )
    return {"foreground": (int((cord or list(labels.values()))[0]),)}


def _mirroring(content: dict[str, Any]) -> dict[str, Any]:
    axes = content.get("inference_allowed_mirroring_axes")
    return {"mirror_axes": tuple(int(n) for n in axes) if isinstance(axes, (list, tuple)) else ()}


def _orientation(dataset: dict[str, Any]) -> str:
    """nibabel letters; SCT's in the file say where the axes come from, and are LPI where there are
    none.
    """
    letters = str(dataset.get("image_orientation", "LPI"))
    if len(letters) != 3 or not set(letters) <= set(_OPPOSITE):
        raise ModelError(
            f"The nnU-Net model's data set says that images are oriented '{letters}', which is no"
            " orientation."
        )
    return "".join(_OPPOSITE[letter] for letter in letters)


def _margins(folder: Path, cropped: bool) -> dict[str, Any]:
    """What a network that was trained on cropped images saw around the cord: ``crop_metadata``
    beside it or above it.
    """
    for place in (folder, *list(folder.parents)[:2]):
        for name in ("crop_metadata.json", "crop_metadata.yaml", "crop_metadata.yml"):
            if (place / name).is_file():
                return {"margins": _read_margins(place / name)}
    return {"margins": Margins()} if cropped else {}


def _read_margins(path: Path) -> Margins:
    if path.suffix == ".json":
        entries = _read_json(path)
    else:  # "key: value" lines are all that these files have
        lines = (
            line.split("#")[0].partition(":")
            for line in path.read_text(encoding="utf-8").splitlines()
        )
        entries = {key.strip(): value.strip() for key, colon, value in lines if colon}
    faces = Margins.__dataclass_fields__
    return Margins(
        **{
            face: float(entries[f"pad_{face}"])
            for face in faces
            if entries.get(f"pad_{face}") is not None
        }
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"'{path.name}' of the nnU-Net model is missing or damaged. Get it again."
        ) from error
    if not isinstance(content, dict):
        raise ModelError(f"'{path.name}' of the nnU-Net model is damaged. Get it again.")
    return content
