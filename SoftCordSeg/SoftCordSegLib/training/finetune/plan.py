"""How the segmenter of a bundle is trained on: its network, its patches, and where they come
from.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...network import UNetConfig, file_sha256
from ..config.plan import Plan
from ..input_contract import InputContract
from ..pairs import Mixture, Source
from ..real import OpenCase, RealPatches
from ..sources import SourceContext, build_source, data_files_of
from .cases import about_cord
from .lineage import loss_of
from .request import Request

if TYPE_CHECKING:
    from ...network import ModelBundle

# Larger tiles make inference faster, larger patches make training slower.
_LARGEST_PATCH = 64
_VALIDATION_IMAGES = 8
_OF_SOFT_VALUES = ("adaptive_wing", "squared_error", "squared_and_area_error")
_OTHERWISE = "adaptive_wing"


def check_kind(bundle: ModelBundle) -> None:
    """Refuse a bundle of another making.

    Raises:
        InputError: it has no segmenter of ours.
    """
    if bundle.segmenter is None:
        raise InputError(
            f"The bundle '{bundle.folder}' goes the way of other authors, with other preprocessing."
            " Only bundles of a locator and a segmenter, as those that come with SoftCordSeg, can"
            " be fine-tuned."
        )


def network_of(bundle: ModelBundle) -> UNetConfig:
    """The segmenter's shape."""
    return UNetConfig(bundle.segmenter.features, bundle.segmenter.strides)


def patch_of(bundle: ModelBundle) -> tuple[int, int, int]:
    """Voxels of a patch along (Left, Anterior, Superior): the segmenter's tile, but not too large a
    one.
    """
    divisor = network_of(bundle).divisor
    return tuple(
        max(min(tile, _LARGEST_PATCH) // d * d, d)
        for tile, d in zip(bundle.segmenter.tile, divisor)
    )


def margin_of(bundle: ModelBundle) -> float:
    """How far from the cord an image can matter to a patch about it, mm."""
    return 0.75 * max(patch_of(bundle)) * bundle.segmenter.spacing_mm


def synthetic_source(data: Path, bundle: ModelBundle) -> tuple[Source, dict[str, str]]:
    """The images that our bundles are trained on, made from the anatomy in a folder; and SHA-256 of
    its files.

    Raises:
        InputError: the anatomy is not there.
    """
    check_kind(bundle)
    contract = partial(InputContract.of_bundle, bundle)
    context = SourceContext(
        patch_of(bundle), bundle.segmenter.spacing_mm, data, where="--data", contract=contract
    )
    settings = {"kind": "synthetic", "recipe": "segmenter"}
    source = build_source(settings, context)
    return source, {
        path.name: file_sha256(path) for path in sorted(data_files_of(settings, context))
    }


def plan_of(request: Request) -> Plan:
    """The plan of the training."""
    stage = request.parent.segmenter
    loss, options = _loss(request.parent)
    return Plan(
        network_of(request.parent),
        steps=request.steps,
        loss=loss,
        loss_options=options,
        batch=request.batch,
        learning_rate=request.learning_rate,
        averaging=request.averaging,
        validate_every=4 * request.save_every,
        validation_images=_VALIDATION_IMAGES,
        activation=stage.activation,
        save_every=request.save_every,
        seed=request.seed,
        precision=request.precision,
    )


def _loss(parent: ModelBundle) -> tuple[str, dict[str, Any]]:
    """A loss of the soft value itself, the one it was trained by if that is known; for a network of
    logits one of logits.
    """
    if parent.segmenter.activation == "sigmoid":
        return "dice_and_cross_entropy", {}
    from ..loss import check_options

    loss, options = loss_of(parent) or (_OTHERWISE, {})
    try:
        if loss in _OF_SOFT_VALUES and isinstance(options, dict):
            check_options(loss, options)
            return loss, options
    except ValueError:
        # Options of another version of this program.
        pass
    return _OTHERWISE, {}


def sources_of(request: Request, rehearsal: Sequence[OpenCase]) -> tuple[Source, Source]:
    """Of training, and of the validation whose curve is shown.

    The curve decides nothing: a choice by the held-out cases would make them part of the training.

    Args:
        request: the fine-tuning.
        rehearsal: of :func:`.replay.rehearsed`; may be empty where there are synthetic images.
    """
    bundle, margin = request.parent, margin_of(request.parent)
    shape, spacing = patch_of(bundle), bundle.segmenter.spacing_mm
    scaling = InputContract.of_bundle(bundle).patches(spacing)
    often = {"new_contrast": request.new_contrast, "scaling": scaling}
    # What is scaled by the whole image is measured before a part of it is cut out.
    training, held_out = (
        [about_cord(scaling.prepared(case.opened), margin) for case in part]
        for part in (request.split.training, request.split.held_out)
    )
    cases = RealPatches(training, shape, spacing, **often)
    known = request.synthetic or RealPatches(rehearsal, shape, spacing, **often)
    validation = (
        RealPatches(held_out, shape, spacing, new_contrast=0.0, about_cord=1.0, scaling=scaling)
        if held_out
        else known
    )
    return Mixture([cases, known], [request.share, 1 - request.share]), validation
