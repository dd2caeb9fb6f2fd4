"""Keeps masks measured: in the background, again whenever a mask or its discs changed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..progress import Progress
from .background import Background
from .measuring import LiveAreas, Measurement, Sources, measuring_task

# A measurement follows a change when the hand has rested so long, ms; a mask that was never
# measured is measured at once.
_REST_MS = 400


class Measurer:
    """The measurements of the wanted studies.

    Args:
        panel: see :class:`~.panel.Panel`.
        on_measured: called with the ``scene.study.Study`` and its new :class:`.Measurement`.
    """

    def __init__(self, panel, on_measured: Callable[[object, Measurement], None]):
        self._panel, self._on_measured = panel, on_measured
        self._background = Background()
        self._wanted: list = []
        self._watched: list = []
        self._measurements: dict[str, Measurement] = {}  # by ID of the soft mask
        self._problems: dict[str, tuple[Sources, str]] = {}
        self._running: tuple[str, Sources] | None = None
        self._live: LiveAreas | None = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self._measure_next)

    def want(self, studies: list) -> None:
        """Keep these up to date, the first ones first.

        Args:
            studies: ``scene.study.Study`` with soft masks.
        """
        self._wanted = studies
        self._watch([node for study in studies for node in (study.soft, study.discs)])
        scene = self._panel.scene
        for kept in (self._measurements, self._problems):
            for key in [key for key in kept if scene.GetNodeByID(key) is None]:
                del kept[key]
        if self._live is not None and self._live.soft.GetScene() is None:
            self._live = None
        self._check()

    def of(self, study) -> Measurement | None:
        """The last measurement of a study's mask, at most a moment old; None where there is none,
        or where the mask cannot be measured any more.
        """
        return None if self.problem_of(study) else self._measurements.get(study.soft.GetID())

    def problem_of(self, study) -> str:
        """Why the mask cannot be measured; "" where it can."""
        sources, problem = self._problems.get(study.soft.GetID(), (None, ""))
        return problem if sources is not None and sources == Sources(study) else ""

    @property
    def settled(self) -> bool:
        """Whether nothing waits to be measured."""
        busy = self._timer.isActive() or self._background.busy
        return not busy and all(map(self._is_current, self._wanted))

    def bring_up_to_date(self, study) -> None:
        """Measure at once what changed in the last moment.

        Raises:
            InputError: the mask cannot be measured.
        """
        if not self._is_current(study):
            self._background.stop()
            self._running = None
            sources = Sources(study)
            self._keep(study, measuring_task(study, sources)(Progress()))

    def follow(self, study, change) -> None:
        """The mask was corrected: new areas at once, everything else when the hand rests.

        Args:
            study: ``scene.study.Study`` whose mask was corrected.
            change: ``scene.soft_edits.Change``.
        """
        measurement = self._measurements.get(study.soft.GetID())
        if measurement is None or study.slice_table is None:
            return
        try:
            if self._live is None or self._live.soft is not study.soft:
                self._live = LiveAreas(study.soft)  # measures the mask as it is now
            else:
                self._live.update(change)
            edited = self._live.put_into(study.slice_table, measurement)
        except InputError:  # such as a mask that is empty now; said when the hand rests
            self._live = edited = None
        if edited is not None:
            self._measurements[study.soft.GetID()] = edited
        self._timer.start(_REST_MS)

    def close(self) -> None:
        """Measure nothing any more."""
        self._wanted = []
        self._watch([])
        self._timer.stop()
        self._timer.disconnect("timeout()", self._measure_next)  # or each would keep the other
        self._background.close()
        self._live = None

    def _watch(self, nodes: list) -> None:
        """Follow the masks and the discs that measurements are made from."""
        markups, moved = slicer.vtkMRMLMarkupsNode, slicer.vtkMRMLTransformableNode
        of_discs = (
            markups.PointPositionDefinedEvent,
            markups.PointModifiedEvent,
            markups.PointRemovedEvent,
        )
        for watch, followed in (
            (self._panel.unobserve, [node for node in self._watched if node not in nodes]),
            (self._panel.observe, [node for node in nodes if node not in self._watched]),
        ):
            for node in followed:
                if node is not None:
                    own = of_discs if node.IsA("vtkMRMLMarkupsNode") else ("ModifiedEvent",)
                    for event in (*own, moved.TransformModifiedEvent):
                        watch(node, event, self._on_source_changed)
        self._watched = nodes

    def _on_source_changed(self, _caller=None, _event=None) -> None:
        self._check()

    def _check(self) -> None:
        """Measure soon what is not measured as it is now."""
        stale = [study for study in self._wanted if not self._is_current(study)]
        if not stale:
            return
        new = any(study.soft.GetID() not in self._measurements for study in stale)
        if not new or not self._timer.isActive():
            self._timer.start(0 if new else _REST_MS)

    def _is_current(self, study) -> bool:
        sources, key = Sources(study), study.soft.GetID()
        if key in self._problems and self._problems[key][0] == sources:
            return True
        return key in self._measurements and self._measurements[key].sources == sources

    def _measure_next(self) -> None:
        panel = self._panel
        if panel.situation.busy or panel.scene.IsBatchProcessing():
            return  # the refresh at their end comes back here
        with panel.guard(_("The cord could not be measured."), False, "Measure", by_itself=True):
            for study in self._wanted:
                if study.soft.GetScene() is None or self._is_current(study):
                    continue
                sources = Sources(study)
                if self._running == (study.soft.GetID(), sources):
                    return
                self._start(study, sources)
                return

    def _start(self, study, sources: Sources) -> None:
        key = study.soft.GetID()
        try:
            task = measuring_task(study, sources)
        except InputError as error:
            self._problems[key] = (sources, str(error))
            self._panel.refresh()
            return
        self._running = (key, sources)
        self._background.start(task, lambda future: self._on_done(study, sources, future))

    def _on_done(self, study, sources: Sources, future: Future) -> None:
        self._running = None
        panel = self._panel
        with panel.guard(_("The cord could not be measured."), True, "Measure", by_itself=True):
            if study.soft.GetScene() is None or panel.scene.IsBatchProcessing():
                return
            try:
                measurement = future.result()
            except InputError as error:
                self._problems[study.soft.GetID()] = (sources, str(error))
                return
            if Sources(study) == sources:
                self._keep(study, measurement)

    def _keep(self, study, measurement: Measurement) -> None:
        from ..scene.study import study_of

        self._live = None
        self._measurements[study.soft.GetID()] = measurement
        self._problems.pop(study.soft.GetID(), None)
        self._on_measured(study_of(study.image), measurement)
