"""The training loop: seeded by step, so that a run that was killed goes on as if it had not been."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset

from ..files import write_atomically, write_text_atomically
from ..network.unet import UNet, UNetConfig
from ..progress import Progress
from .loss import deeply_supervised, soft_dice
from .synthetic.anatomy import Anatomy
from .synthetic.synthesis import Recipe, Synthesis

# Validation pairs have seeds that no training step reaches.
_VALIDATION_SEED = 1_000_000_007
_AVERAGING = 0.998


@dataclass(frozen=True)
class TrainingConfig:
    """One network's training.

    Attributes:
        network: its shape.
        recipe: of the synthetic images.
        loss: "adaptive_wing" (raw outputs in [0, 1]) or "dice_and_cross_entropy" (outputs are logits).
        steps: batches in all; the cosine schedule ends there.
        batch: images a step.
        learning_rate: of Adam at the start; cosine to 0 (paper section 2.3.5).
        seed: of weights and images.
        precision: "fp32", or "bf16" where the processor multiplies bfloat16 faster.
        validate_every, validation_images: how often, on how many synthetic images never trained on.
        save_every: steps between saved states.
        workers, threads: processes that make images; threads that train.
    """

    network: UNetConfig
    recipe: Recipe
    steps: int
    loss: str = "adaptive_wing"
    batch: int = 2
    learning_rate: float = 1e-3
    seed: int = 1
    precision: str = "fp32"
    validate_every: int = 250
    validation_images: int = 24
    save_every: int = 50
    workers: int = 1
    threads: int = 1


@dataclass
class History:
    """What a run has measured so far.

    Attributes:
        losses: of every step.
        validation: (step, soft Dice) pairs.
        seconds: spent training, over all resumed sessions.
    """

    losses: list[float] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0


class _Pairs(Dataset):
    """Pairs by index; the seed of pair n is (seed, n), whoever asks and whenever."""

    def __init__(self, anatomy: Anatomy, recipe: Recipe, seed: int, start: int, stop: int):
        self._synthesis = Synthesis(anatomy, recipe)
        self._seed, self._start, self._count = seed, start, stop - start

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> torch.Tensor:
        pair = self._synthesis.pair([self._seed, self._start + index])
        return torch.stack([torch.from_numpy(x) for x in (pair.image, pair.label, pair.weight)])


def train(
    config: TrainingConfig,
    anatomy: Anatomy,
    folder: Path,
    progress: Progress | None = None,
    start: dict[str, torch.Tensor] | None = None,
) -> tuple[dict[str, torch.Tensor], History]:
    """Train, or go on training, in ``folder`` (``state.pt`` and ``history.csv`` are written there).

    Args:
        config: must be the one the folder was begun with.
        anatomy: where images come from.
        folder: of the run.
        progress: told of, and asked after, every step.
        start: weights to begin from; random where None.

    Returns:
        The averaged weights and the history.

    Raises:
        ValueError: the folder holds a run of another configuration.
    """
    progress = progress or Progress()
    torch.set_num_threads(config.threads)
    run = _Run(config, folder, start)
    pairs = _Pairs(anatomy, config.recipe, config.seed, run.step * config.batch, config.steps * config.batch)
    loader = DataLoader(
        pairs, config.batch, num_workers=config.workers, worker_init_fn=_one_thread, prefetch_factor=_prefetch(config)
    )
    validation = None
    began = time.perf_counter()
    for batch in loader:
        loss = run.learn(batch)
        run.history.losses.append(round(loss, 5))
        done = run.step
        if done % config.validate_every == 0 or done == config.steps:
            if validation is None:
                held_out = _Pairs(anatomy, config.recipe, _VALIDATION_SEED, 0, config.validation_images)
                validation = [held_out[n] for n in range(len(held_out))]
            run.history.validation.append((done, round(run.validate(validation), 4)))
        if done % config.save_every == 0 or done == config.steps:
            now = time.perf_counter()
            run.history.seconds += now - began
            began = now
            run.save()
        progress.report(done / config.steps, f"step {done} of {config.steps}, loss {loss:.4f}")
        progress.check_cancelled()
    return run.average, run.history


class _Run:
    """Weights, optimiser and history of one run, and how they are saved."""

    def __init__(self, config: TrainingConfig, folder: Path, start: dict[str, torch.Tensor] | None = None):
        self.config, self.folder = config, folder
        torch.manual_seed(config.seed)
        self.network = UNet(config.network).to(memory_format=torch.channels_last_3d)
        if start is not None:
            self.network.load_state_dict(start)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimiser, config.steps)
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.history = History()
        self.step = 0
        if (folder / "state.pt").exists():
            self._resume()

    def learn(self, batch: torch.Tensor) -> float:
        """One step on a batch (B, 3, i, j, k) of image, label and weight."""
        image, label, weight = batch.split(1, dim=1)
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bf16"):
            outputs = self.network(image.contiguous(memory_format=torch.channels_last_3d))
        loss = deeply_supervised(self.config.loss, outputs, label, weight)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.step += 1
        # Early on the average follows closely, or it would remember the random start.
        keep = min(_AVERAGING, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.average[name].lerp_(value, 1 - keep)
        return float(loss.detach())

    def validate(self, pairs: list[torch.Tensor]) -> float:
        """Mean soft Dice of the averaged weights."""
        network = UNet(self.config.network)
        network.load_state_dict(self.average)
        network.eval()
        scores = []
        with torch.inference_mode():
            for pair in pairs:
                image, label, weight = pair[:, None, None]
                output = network(image)[0]
                soft = output.clamp(0, 1) if self.config.loss == "adaptive_wing" else torch.sigmoid(output)
                scores.append(soft_dice(soft, label, weight))
        return sum(scores) / len(scores)

    def save(self) -> None:
        """Write state and history, each whole or not at all."""
        state = {
            "config": asdict(self.config),
            "network": self.network.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": asdict(self.history),
            "step": self.step,
        }
        write_atomically(self.folder / "state.pt", lambda path: torch.save(state, path))
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("step", "loss", "validation soft Dice"))
        dice = dict(self.history.validation)
        writer.writerows((n, loss, dice.get(n, "")) for n, loss in enumerate(self.history.losses, start=1))
        write_text_atomically(self.folder / "history.csv", text.getvalue())

    def _resume(self) -> None:
        state = torch.load(self.folder / "state.pt", weights_only=True)
        begun, now = ({k: v for k, v in c.items() if k not in _FREE} for c in (state["config"], asdict(self.config)))
        if begun != now:
            changed = sorted(name for name in now if begun.get(name) != now[name])
            raise ValueError(
                f"The run in '{self.folder}' was begun with other settings ({', '.join(changed)}). Use another folder."
            )
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = History(**state["history"])
        self.step = state["step"]


# What may differ between the sessions of one run: it does not change what is learnt.
_FREE = ("workers", "threads", "save_every")


def _one_thread(_worker: int) -> None:
    torch.set_num_threads(1)


def _prefetch(config: TrainingConfig) -> int | None:
    return 4 if config.workers else None
