"""Training one network with Lightning."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...progress import Progress
from ..config.plan import Plan
from ..config.schema import Machine
from ..pairs import Source
from .history import History

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        weights: averaged, on the CPU.
        history: of the run.
    """

    weights: dict[str, torch.Tensor]
    history: History


def train(
    plan: Plan,
    source: Source,
    folder: Path,
    *,
    validation: Source | None = None,
    machine: Machine | None = None,
    start: dict[str, torch.Tensor] | None = None,
    settings: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train, or go on training, in ``folder``: ``state.ckpt``, ``history.csv`` and ``logs`` are
    written there.

    Args:
        plan: must be the one the folder was begun with.
        source: of training images.
        folder: of the run.
        validation: source of held-out images; ``source`` with seeds that training does not reach
            where None.
        machine: where to train.
        start: weights to begin from; random where None.
        settings: what else must not change between sessions, for the check of a resumed run; plain
            types.
        progress: told of, and asked after, every step.

    Raises:
        InputError: the folder holds a run of other settings, or the loss is not a number any more.
        Cancelled: through ``progress``; the same call goes on from the last saved state.
    """
    from .checkpoints import check_settings
    from .session import Session

    state = folder / "state.ckpt"
    every = {**_plain(asdict(plan)), **_plain(settings or {})}
    # How often a state is saved does not change what is learnt.
    every.pop("save_every")
    if state.exists():
        check_settings(state, every)
    session = Session(
        plan,
        source,
        validation or source,
        folder,
        machine or Machine(),
        start,
        every,
        progress or Progress(),
    )
    return Trained(*session.run(state if state.exists() else None))


def _plain(content: Any) -> Any:
    """Tuples as lists: what a checkpoint gives back must compare equal to what was put in."""
    if isinstance(content, dict):
        return {str(name): _plain(value) for name, value in content.items()}
    return [_plain(value) for value in content] if isinstance(content, (list, tuple)) else content
