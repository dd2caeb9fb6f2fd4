"""One network of a configuration: its settings, and what they were built into."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ..network import WHOLE_IMAGE, file_sha256
from .config.reading import ReadConfig
from .config.schema import NetworkSettings
from .input_contract import contract_of
from .loop.history import History
from .pairs import Source
from .sources import SourceContext, build_source, data_files_of, held_out_settings


@dataclass(frozen=True, eq=False)
class Task:
    """One network of a configuration.

    Attributes:
        name: of the network.
        settings: what to do.
        content: the same as plain types, for records.
        context: what its sources must know.
    """

    name: str
    settings: NetworkSettings
    content: dict[str, Any]
    context: SourceContext

    @cached_property
    def source(self) -> Source:
        """Of training images.

        Raises:
            InputError: it cannot be built.
        """
        return build_source(self.settings.source, self.context)

    @cached_property
    def validation(self) -> Source | None:
        """Of held-out images; None where it is the source of training with other seeds.

        Raises:
            InputError: it cannot be built.
        """
        settings = self._validation_settings
        return build_source(settings, self.context) if settings else None

    @property
    def length(self) -> int:
        """Steps or epochs."""
        return self.settings.steps or self.settings.epochs or 0

    @property
    def files(self) -> dict[Path, str]:
        """The data that it learns from, with their names in records, which travel: below the data,
        or with their folder.
        """
        data = self.context.data
        found = [
            path
            for one in (self.settings.source, self._validation_settings)
            if one
            for path in data_files_of(one, self.context)
        ]
        return {
            path: (
                path.relative_to(data) if data in path.parents else Path(*path.parts[-2:])
            ).as_posix()
            for path in found
        }

    @cached_property
    def labels_sha256(self) -> list[str]:
        """Of the labels and weights of real images, sorted, without names: a list stays the same
        when labels are made anew.
        """
        found = {
            path
            for source in (self.source, self.validation)
            for path in getattr(source, "label_files", ())
        }
        return sorted(map(file_sha256, found))

    def fixed(self) -> dict[str, Any]:
        """What must not change between the sessions of a run, beside the plan; plain types."""
        intensities = self.context.contract().intensities
        lists = {
            name: file_sha256(path) for path, name in self.files.items() if path.suffix == ".json"
        }
        return {
            "source": _lasting(self.content["source"]),
            "validation_source": _lasting(self.content.get("validation")),
            "start": self.content.get("start"),
            "patch": self.settings.patch,
            "spacing_mm": self.settings.spacing_mm,
            "lists": lists,
            "labels": self.labels_sha256,
            # Runs that were begun before there was a choice go on.
            **({} if intensities == WHOLE_IMAGE else {"intensities": intensities}),
        }

    def record(self, history: History) -> dict[str, Any]:
        """How the network was trained: its settings as configured, and what was measured."""
        settings = self.settings
        sources = {"training": self.source, "validation": self.validation}
        cases = {part: len(source) for part, source in sources.items() if hasattr(source, "case")}
        return {
            **{name: value for name, value in self.content.items() if name != "stage"},
            "loss": settings.loss,
            "batch": settings.batch,
            "learning_rate": settings.learning_rate,
            "seconds": round(history.seconds),
            "steps_done": len(history.losses),
            "stopped_early": history.stopped_early,
            **({"labels_sha256": self.labels_sha256} if self.labels_sha256 else {}),
            **({"cases": cases} if cases else {"validation_images": settings.validation_images}),
            "validation_soft_dice_by_step": [
                [step, round(dice, 4)] for step, dice, _ in history.validation
            ],
        }

    @property
    def _validation_settings(self) -> dict[str, Any] | None:
        return self.settings.validation or held_out_settings(self.settings.source)


def tasks(read: ReadConfig, data: Path) -> list[Task]:
    """The networks of a configuration, in its order; sources are not built yet."""
    made = []
    for name, settings in read.config.networks.items():
        where = f"'{read.path}', networks.{name}.source"
        context = SourceContext(
            settings.patch,
            settings.spacing_mm,
            data,
            read.path.parent,
            where,
            partial(contract_of, read.config),
        )
        made.append(Task(name, settings, read.content["networks"][name], context))
    return made


def _lasting(source: Any) -> Any:
    """A source without where it keeps what it has prepared."""
    return (
        {name: value for name, value in source.items() if name != "cache"}
        if isinstance(source, dict)
        else source
    )
