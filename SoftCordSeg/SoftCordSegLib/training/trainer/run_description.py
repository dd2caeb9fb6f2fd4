"""Trainings described in plain types, as scripts read them from JSON files: one, or several that
take turns and make one bundle.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import structured_text
from ...errors import InputError
from ..batch import BatchesByTurns, EchoedBatches
from ..packed import Packed, read_packed
from .first_weights import Start
from .trainer_plan import TrainerPlan

if TYPE_CHECKING:
    from ..batch import BatchSource
    from .run_state import RunState
    from .trainer import Store, Trainer


_KEYS = (
    "name",
    "parent",
    "validate_steps",
    "measure_minutes",
    "log_minutes",
    "base",
    "trainings",
    "order",
)


@dataclass(frozen=True)
class RunDescription:
    """One training.

    Attributes:
        name: of the run.
        plan: of the training.
        recipe: of its batches: what differs from the generator's recipe for the stage, or
            ``{"kind": "plain", …}`` with those of :class:`.plain_patches.PlainRecipe`.
        start: what it begins with.
        steps: in all; None for no end.
    """

    name: str
    plan: TrainerPlan
    recipe: dict[str, Any] = field(default_factory=dict)
    start: Start = field(default_factory=Start)
    steps: int | None = None

    @classmethod
    def from_json(
        cls, content: dict[str, Any], base: dict[str, Any] | None = None
    ) -> RunDescription:
        """From plain types.

        Args:
            content: keys as the attributes.
            base: what holds where ``content`` says nothing; plan and recipe are merged setting by
                setting.

        Raises:
            InputError: an unknown key or setting, or one that cannot be.
        """
        base = base or {}
        unknown = sorted({*content, *base} - {one.name for one in fields(cls)})
        if unknown:
            raise InputError(
                f"'{unknown[0]}' is not a key of a run.",
                hint=f"Choose among {', '.join(one.name for one in fields(cls))}.",
            )
        merged = {key: {**base.get(key, {}), **content.get(key, {})} for key in ("plan", "recipe")}
        steps = content.get("steps", base.get("steps"))
        if steps is not None and (
            isinstance(steps, bool) or not isinstance(steps, int) or steps < 1
        ):
            raise InputError(
                f"The steps of a run are {steps!r}.",
                hint="Give a whole number of at least 1, or null.",
            )
        return cls(
            str(content.get("name", base.get("name", "run"))),
            TrainerPlan.from_json(merged["plan"]),
            merged["recipe"],
            Start.from_json(content.get("start", base.get("start", {}))),
            steps,
        )


def whole_recipe(recipe: dict[str, Any], stage: str) -> dict[str, Any]:
    """A recipe with every setting that it leaves out, so that a later version of the program cannot
    change it unnoticed.

    Raises:
        InputError: a setting is unknown or cannot be.
    """
    plain = {name: _plain(value) for name, value in _recipe(recipe, stage).items()}
    return {"kind": "plain", **plain} if recipe.get("kind") == "plain" else plain


def batch_source(
    packed: Packed, recipe: dict[str, Any], stage: str, device: str = "cpu"
) -> BatchSource:
    """What makes the batches of a recipe.

    Raises:
        InputError: a setting is unknown or cannot be, or the packed file has nothing to make
            batches of.
    """
    settings = _recipe(recipe, stage)
    if recipe.get("kind") == "plain":
        from .plain_patches import PlainPatches, PlainRecipe

        return PlainPatches(packed, PlainRecipe(**settings), device)
    from ..generator import BatchRecipe, PatchBatches

    made = BatchRecipe.of(settings)
    sources: list[BatchSource] = []
    for shape in made.shapes:
        source = PatchBatches(packed, replace(made, shape=shape, other_shapes=()), device)
        sources.append(EchoedBatches(source, made.echoes) if made.echoes > 1 else source)
    return BatchesByTurns(sources) if len(sources) > 1 else sources[0]


def _recipe(recipe: dict[str, Any], stage: str) -> dict[str, Any]:
    settings = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in recipe.items()
        if name != "kind"
    }
    try:
        if recipe.get("kind") == "plain":
            from .plain_patches import PlainRecipe

            return asdict(PlainRecipe(**{"coarse": stage == "locator", **settings}))
        from ..generator import LOCATOR, SEGMENTER, BatchRecipe

        return BatchRecipe.of(
            {**(LOCATOR if stage == "locator" else SEGMENTER).plain(), **settings}
        ).plain()
    except TypeError as error:
        raise InputError(
            f"The recipe of a training cannot be used: {error}.",
            hint="Correct it.",
        ) from error


def _plain(value: Any) -> Any:
    return list(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def open_training(
    description: RunDescription,
    packed: Path,
    development: Path | None,
    store: Store | Path,
    *,
    device: str = "cpu",
    renew: bool = False,
) -> Trainer:
    """A trainer that is ready to run.

    Args:
        description: of the training.
        packed: file of the training data.
        development: file of the development images; None for no validation.
        store: where the training is kept.
        device: "cpu", "cuda", …
        renew: see :class:`.trainer.Trainer`.

    Raises:
        InputError, ModelError: as of :class:`.trainer.Trainer`, or a packed file cannot be read.
    """
    from .development import development_cases
    from .trainer import Trainer

    data = read_packed(packed)
    recipe = whole_recipe(description.recipe, description.plan.stage)
    cases = (
        development_cases(read_packed(development), description.plan, count=recipe.get("pooled", 1))
        if development is not None
        else []
    )
    return Trainer(
        store,
        description.plan,
        batch_source(data, description.recipe, description.plan.stage, device),
        recipe=recipe,
        start=description.start,
        development=cases,
        device=device,
        renew=renew,
        record={"packed": data.record},
    )


@dataclass(frozen=True)
class LongRun:
    """Trainings of one bundle.

    Attributes:
        name: of the run and its folder.
        trainings: by name.
        order: names and how many steps each has in all when its turn ends; the last may be None,
            for no end.
        parent: bundle that a stage without a training is taken from.
        validate_steps: between validations.
        measure_minutes: between measurements on the development list; 0 for none.
        log_minutes: between lines of the log.
    """

    name: str
    trainings: dict[str, RunDescription]
    order: tuple[tuple[str, int | None], ...]
    parent: str = "compact"
    validate_steps: int = 1000
    measure_minutes: float = 60.0
    log_minutes: float = 1.0

    def turns(self) -> list[RunDescription]:
        """The trainings in their order, each with the steps at which its turn ends."""
        return [replace(self.trainings[name], steps=steps) for name, steps in self.order]

    def states(self, folder: Path) -> dict[str, RunState]:
        """The last state of each training that has been begun, by stage; ``folder``: of the run."""
        from .run_state import load_state

        found = {
            one.plan.stage: load_state(folder / "trainings" / name)
            for name, one in self.trainings.items()
        }
        return {stage: state for stage, state in found.items() if state is not None and state.step}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> LongRun:
        """From plain types.

        Raises:
            InputError: a key or setting is unknown, missing, or cannot be.
        """
        unknown = sorted(set(content) - set(_KEYS))
        if unknown:
            raise InputError(
                f"'{unknown[0]}' is not a key of a plan of trainings.",
                hint=f"Choose among {', '.join(_KEYS)}.",
            )
        try:
            base = content.get("base")
            trainings = {
                name: RunDescription.from_json({"name": name, **one}, base)
                for name, one in content["trainings"].items()
            }
            order = tuple(
                (str(name), None if steps is None else int(steps))
                for name, steps in content["order"]
            )
            plain = {
                key: content[key]
                for key in ("parent", "validate_steps", "measure_minutes", "log_minutes")
                if key in content
            }
            run = cls(str(content["name"]), trainings, order, **plain)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"A plan of trainings needs name, trainings and order ({error!r}).",
                hint="Correct the plan.",
            ) from error
        if not order or {name for name, _ in order} - set(trainings):
            raise InputError(
                "The order of a plan names each of its trainings, and no other.",
                hint="Correct the plan.",
            )
        if any(steps is None for _, steps in order[:-1]):
            raise InputError(
                "Only the last training of a plan's order goes on for ever.",
                hint="Give the others their steps.",
            )
        return run

    @classmethod
    def read(cls, path: str | Path) -> LongRun:
        """From a JSON file; bundles and runs to begin with may lie beside it.

        Raises:
            InputError: as :meth:`from_json`, or the file cannot be read.
        """
        run, near = cls.from_json(read_json(path)), Path(path).parent
        trainings = {
            name: replace(one, start=_beside(one.start, near))
            for name, one in run.trainings.items()
        }
        return replace(run, trainings=trainings)


def _beside(start: Start, near: Path) -> Start:
    """The start with folders that lie in ``near`` named from there."""
    found = {
        kind: str(near / value)
        for kind, value in (("bundle", start.bundle), ("run", start.run))
        if value and (near / value).is_dir()
    }
    return replace(start, **found)


def read_json(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    try:
        content = structured_text.read_json(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"The file cannot be read as JSON: {error}.",
            path=path,
            hint="Correct it, or give another file.",
        ) from error
    if not isinstance(content, dict):
        raise InputError(
            "The file does not hold a JSON object.", path=path, hint="Give another file."
        )
    return content
