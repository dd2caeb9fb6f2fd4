"""The releases v3.0 and v4.0, and any nnU-Net v2 result folder with one input channel: plans, data
set and checkpoints.

Sources: MIC-DKFZ/nnUNet v2 (``plans_handler.py``, ``predict_from_raw_data.py``) and SCT's
``deepseg/nnunet.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..structured_text import read_json
from . import limits
from .checkpoint import Converted, read_checkpoint, tensors_of
from .nnunet_builder import check_library
from .plain_conv import check_fit, translated
from .plans import Margins, NetworkSpec, NnUNet, Resampling
from .unet_config import Size, UNetConfig

_PLAIN = "PlainConvUNet"
_HOMES = {
    _PLAIN: "dynamic_network_architectures.architectures.unet.PlainConvUNet",
    "ResidualEncoderUNet": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
}


@dataclass(frozen=True)
class Architecture:
    """A network as the new plans describe it.

    Attributes:
        class_name: with its module.
        kwargs: of the class, as text and numbers.
        imports: the keys of ``kwargs`` that name Python objects.
    """

    class_name: str
    kwargs: dict[str, Any]
    imports: tuple[str, ...]

    @property
    def is_plain(self) -> bool:
        """True for the network that our own U-Net is."""
        return self.class_name.rsplit(".", 1)[-1] == _PLAIN


def architecture_of(configuration: dict[str, Any]) -> Architecture:
    """The network of a configuration.

    Raises:
        KeyError, TypeError: something is missing.
        ModelError: the old form, and a class that it never had.
    """
    if "architecture" in configuration:
        entry = configuration["architecture"]
        return Architecture(
            str(entry["network_class_name"]),
            dict(entry["arch_kwargs"]),
            tuple(entry["_kw_requires_import"]),
        )
    name = configuration["UNet_class_name"]
    if name not in _HOMES:
        raise ModelError(
            f"The nnU-Net model's network is a '{name}', which is not known.",
            hint="Choose another model.",
        )
    # As nnU-Net itself completes old plans.
    stages = limits.whole(
        len(configuration["n_conv_per_stage_encoder"]), "the number of stages", limits.STAGES
    )
    widest, base = (
        limits.whole(configuration[key], key, limits.FEATURES)
        for key in ("unet_max_num_features", "UNet_base_num_features")
    )
    kwargs = {
        "n_stages": stages,
        "features_per_stage": [min(base * 2**stage, widest) for stage in range(stages)],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": configuration["conv_kernel_sizes"],
        "strides": configuration["pool_op_kernel_sizes"],
        "n_conv_per_stage" if name == _PLAIN else "n_blocks_per_stage": configuration[
            "n_conv_per_stage_encoder"
        ],
        "n_conv_per_stage_decoder": configuration["n_conv_per_stage_decoder"],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    return Architecture(_HOMES[name], kwargs, ("conv_op", "norm_op", "dropout_op", "nonlin"))


def unet_config(architecture: Architecture, outputs: int) -> UNetConfig:
    """Our U-Net of the same shape.

    Args:
        architecture: of a plain network.
        outputs: channels out.

    Raises:
        KeyError, TypeError, ValueError: something is missing.
        ModelError: it has layers that ours does not have.
    """
    kwargs = architecture.kwargs
    _check_layers(kwargs)
    stages = limits.whole(kwargs["n_stages"], "n_stages", limits.STAGES)
    features = _each(kwargs["features_per_stage"], stages)
    return UNetConfig(
        features=features,
        strides=tuple(_three(size) for size in _each(kwargs["strides"], stages)),
        convolutions=_each(kwargs["n_conv_per_stage"], stages),
        decoder_convolutions=_each(kwargs["n_conv_per_stage_decoder"], stages - 1),
        kernels=tuple(_three(size) for size in _each(kwargs["kernel_sizes"], stages)),
        channels_out=outputs,
        bias=bool(kwargs.get("conv_bias", False)),
    )


def channels_out(dataset: dict[str, Any]) -> int:
    """Output channels: one for each label, background included.

    Raises:
        ModelError: labels that overlap, whose outputs mean something else.
    """
    labels = {name: value for name, value in dataset["labels"].items() if name != "ignore"}
    if dataset.get("regions_class_order") or any(
        isinstance(value, (list, tuple)) for value in labels.values()
    ):
        raise ModelError(
            "This nnU-Net model has labels that overlap (regions), which cannot be run here.",
            hint="Choose another model.",
        )
    return len(labels)


def _check_layers(kwargs: dict[str, Any]) -> None:
    norm, nonlin = kwargs.get("norm_op_kwargs") or {}, kwargs.get("nonlin_kwargs") or {}
    expected = {
        "conv_op": (str(kwargs.get("conv_op")).rsplit(".", 1)[-1], "Conv3d"),
        "norm_op": (str(kwargs.get("norm_op")).rsplit(".", 1)[-1], "InstanceNorm3d"),
        "norm_op_kwargs": (norm.get("affine"), True),
        "eps": (float(norm.get("eps", 1e-5)), 1e-5),
        "dropout_op": (kwargs.get("dropout_op"), None),
        "nonlin": (str(kwargs.get("nonlin")).rsplit(".", 1)[-1], "LeakyReLU"),
        "negative_slope": (float(nonlin.get("negative_slope", 0.01)), 0.01),
        "nonlin_first": (bool(kwargs.get("nonlin_first", False)), False),
        "pool": (kwargs.get("pool", "conv"), "conv"),
    }
    for key, (found, known) in expected.items():
        if found != known:
            raise ModelError(
                f"The nnU-Net model's network has '{key}' = {found}, and only {known} is known.",
                hint="Choose another model.",
            )


def _each(value: Any, count: int) -> tuple:
    values = (value,) * count if isinstance(value, int) else tuple(limits.listed(value, "a list"))
    if len(values) != count:
        raise ValueError(f"{count} entries, one a stage, in {value}")
    return values


def _three(value: Any) -> Size:
    sizes = (value,) * 3 if isinstance(value, int) else value
    return limits.three(sizes, "a stride or kernel", (1, max(limits.STRIDE[1], limits.KERNEL[1])))


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
        ModelError: files are missing or corrupt, or the network is not supported; the sentence
            says why.
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
    except (
        AttributeError,
        KeyError,
        IndexError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise ModelError(
            "The nnU-Net folder cannot be used: something is missing or out of range in its plans"
            f" or data set ({error}).",
            path=folder,
            hint="Get it again.",
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
        f"The nnU-Net folder has no {' or '.join(_CHECKPOINTS)} in its folds.",
        path=folder,
        hint="Get it again.",
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
    check_library(library)
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
        reason = f"it needs {len(channels)} images at once, and only one is supported"
    for key in ("resampling_fn_data", "resampling_fn_probabilities", "resampling_fn_softmax"):
        if configuration.get(key, _RESAMPLING) != _RESAMPLING:
            reason = f"it resamples by '{configuration[key]}', and only '{_RESAMPLING}' is known"
    if reason:
        raise ModelError(
            f"This nnU-Net model cannot be used here: {reason}.", hint="Choose another model."
        )


def _plan(plans: dict[str, Any], configuration: dict[str, Any]) -> dict[str, Any]:
    intensities = plans.get("foreground_intensity_properties_per_channel", {})
    used = ("mean", "std", "percentile_00_5", "percentile_99_5")
    return {
        "spacing_mm": tuple(limits.listed(configuration["spacing"], "spacing")),
        "patch": limits.three(configuration["patch_size"], "patch_size", limits.TILE),
        "transpose_forward": limits.three(plans["transpose_forward"], "transpose_forward", (0, 2)),
        "normalisation": str(configuration["normalization_schemes"][0]),
        "use_mask": bool(configuration["use_mask_for_norm"][0]),
        "intensities": {
            key: limits.number(intensities["0"][key], key, limits.INTENSITY)
            for key in used
            if key in intensities.get("0", {})
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
        options.get("order", order),
        options.get("order_z", 0),
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
            " them is the cord.",
            hint="Use another model.",
        )
    value = (cord or list(labels.values()))[0]
    return {"foreground": (limits.whole(value, "the cord's label", limits.CHANNELS),)}


def _mirroring(content: dict[str, Any]) -> dict[str, Any]:
    axes = content.get("inference_allowed_mirroring_axes")
    if not isinstance(axes, (list, tuple)):
        return {"mirror_axes": ()}
    return {"mirror_axes": limits.wholes(axes, "inference_allowed_mirroring_axes", (0, 2))}


def _orientation(dataset: dict[str, Any]) -> str:
    """nibabel letters; SCT's in the file say where the axes come from, and are LPI where there are
    none.
    """
    letters = str(dataset.get("image_orientation", "LPI"))
    if len(letters) != 3 or not set(letters) <= set(_OPPOSITE):
        raise ModelError(
            f"The nnU-Net model's data set has the invalid orientation '{letters}'.",
            hint="Get the model again.",
        )
    return "".join(_OPPOSITE[letter] for letter in letters)


def _margins(folder: Path, cropped: bool) -> dict[str, Any]:
    """What a network that was trained on cropped images saw around the cord: ``crop_metadata``
    beside it or above it.
    """
    for parent in (folder, *list(folder.parents)[:2]):
        for name in ("crop_metadata.json", "crop_metadata.yaml", "crop_metadata.yml"):
            if (parent / name).is_file():
                return {"margins": _read_margins(parent / name)}
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
        content = read_json(path)
        if not isinstance(content, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as error:
        raise ModelError(
            "The file of the nnU-Net model is missing or corrupt.", path=path, hint="Get it again."
        ) from error
    return content
