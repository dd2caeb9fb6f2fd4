"""What a training begins with: random weights, those of a bundle of the same or a narrower network,
or those of another run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...network.store import open_bundle
from ...network.unet_config import UNetConfig

if TYPE_CHECKING:
    import torch

    from .trainer_plan import TrainerPlan


@dataclass(frozen=True)
class Start:
    """Where first weights come from; random by the plan's seed where neither bundle nor run is
    named.

    Attributes:
        bundle: name of a shipped or installed bundle, or its folder.
        stage: of the bundle; that of the plan where "".
        run: folder of a run whose averaged weights are taken.
        noise: tells apart the copies of channels, where the network is wider; see
            :func:`.widening.widened`.
    """

    bundle: str = ""
    stage: str = ""
    run: str = ""
    noise: float = 0.02

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Start:
        """From plain types.

        Raises:
            InputError: an unknown key, or both a bundle and a run.
        """
        unknown = sorted(set(content) - {one.name for one in fields(cls)})
        if unknown or (content.get("bundle") and content.get("run")):
            raise InputError(
                f"The start of a training is a bundle or a run, not {', '.join(sorted(content))}.",
                hint="Give one of these, or none for random weights.",
            )
        return cls(**content)

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return asdict(self)


def first_weights(
    plan: TrainerPlan, start: Start
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Weights of ``plan.network`` to begin with, and their origin in plain types.

    Raises:
        InputError: the network of the bundle or run is neither the plan's nor a narrower one of its
            kind.
        ModelError: there is no such bundle, or it is damaged.
    """
    import torch

    from ...network.unet import UNet
    from .run_state import load_state
    from .widening import widened

    if start.bundle:
        weights, shape, origin = bundle_weights(plan, start.bundle, start.stage or plan.stage)
    elif start.run:
        state = load_state(start.run)
        if state is None:
            raise InputError(
                "There is no run here to begin with.", path=start.run, hint="Choose another folder."
            )
        weights, shape = state.average, UNetConfig.from_json(state.plan["network"])
        origin = {"run": {"step": state.step, "patches": state.patches, "origin": state.origin}}
    else:
        torch.manual_seed(plan.seed)
        return UNet(plan.network).state_dict(), {}
    if shape == plan.network:
        return {name: value.detach().float().clone() for name, value in weights.items()}, origin
    grown = widened(weights, shape, plan.network, start.noise, plan.seed)
    return grown, {**origin, "widened_from": list(shape.features), "noise": start.noise}


def bundle_weights(
    plan: TrainerPlan, name: str, stage_name: str
) -> tuple[dict[str, torch.Tensor], UNetConfig, dict[str, Any]]:
    """Weights of a stage of a bundle, the shape of its network, and their origin in plain types.

    Where the bundle's soft values were spread, that is undone for a plan that is not ``clipped``:
    its loss would, and much else with it.

    Args:
        plan: that the weights are for.
        name: of a shipped or installed bundle, or its folder.
        stage_name: "segmenter" or "locator".

    Raises:
        InputError: the bundle has no such stage.
        ModelError: there is no such bundle, or it is damaged.
    """
    from .spread_heads import unspread_segmenter

    bundle = open_bundle(name)
    stage = getattr(bundle, stage_name, None)
    if stage is None:
        raise InputError(f"The bundle '{name}' has no {stage_name}.", hint="Choose another bundle.")
    undone = stage is bundle.segmenter and not plan.clipped
    weights = unspread_segmenter(bundle) if undone else bundle.network(stage).state_dict()
    origin = {"bundle": bundle.name, "stage": stage_name, "sha256": bundle.sha256[stage.weights]}
    return weights, UNetConfig(stage.features, stage.strides), origin
