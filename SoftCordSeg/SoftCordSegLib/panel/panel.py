"""The panel: holds its sections together, and tells them when something changed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ..colours import ERROR
from ..errors import Cancelled, SoftCordSegError
from ..resources import resources_folder
from .hints import Hints
from .platforms import missing_packages
from .situation import Situation, look
from .worker import Worker, WorkerBusy

_ERROR_STYLE = f"color: {ERROR};"


class Panel:
    """What the sections share.

    Args:
        ui: the controls by name.
        scene: the MRML scene.
        logic: the module's logic.
        observer: a ``VTKObservationMixin``, which keeps all observers and removes them at the end.

    Attributes:
        situation: what the sections show; read anew by :meth:`refresh`.
        parameters: the wrapped parameter node; None while the scene is closed.
    """

    def __init__(self, ui, scene, logic, observer):
        self.ui, self.scene, self.logic = ui, scene, logic
        self.parameters = None
        self.hints = Hints()
        self.worker = Worker(slicer.app.processEvents)
        self.situation = Situation()
        self.shortcuts = None
        self._observer = observer
        self._sections: list = []
        self._edits = None
        self._missing: list[str] | None = None  # not looked for again once everything is there
        self._refreshing = False
        self._working = False
        self._closed = False
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent):
            observer.addObserver(scene, event, self._on_scene_changed)

    def add(self, *sections) -> None:
        """Take in the sections, which are told of every change from now on."""
        self._sections += sections

    def refresh(self) -> None:
        """Read the scene, and let every section show it."""
        if self._refreshing or self._closed or self.scene.IsBatchProcessing():
            # while a scene is loaded or closed, nodes are there without what belongs to them; its
            # end refreshes
            return
        self._refreshing = True
        try:
            image = self.parameters.image if self.parameters is not None else None
            if self._missing is None or self._missing:
                self._missing = missing_packages(self.requirements)
            self.situation = look(image, self._working, self._missing)
            for section in self._sections:
                section.refresh(self.situation)
        finally:
            self._refreshing = False

    @property
    def refreshing(self) -> bool:
        """True while the controls are being set: their signals are not the user's then."""
        return self._refreshing

    @property
    def requirements(self) -> Path:
        """The file that names the packages."""
        return resources_folder() / "requirements.txt"

    @property
    def edits(self):
        """The user's corrections of the shown mask, ``scene.soft_edits.SoftEdits``; None without
        one.

        One object for one segmentation, as long as it is shown: it remembers what undo needs.
        """
        view = self.situation.view
        if view is None:
            self._edits = None
        elif self._edits is None or self._edits.view.node is not view.node:
            from ..scene.soft_edits import SoftEdits

            self._edits = SoftEdits(view)
        return self._edits

    def work(self, task, on_report=None):
        """Run a task on the worker's thread, the controls locked and Cancel shown meanwhile; see
        :meth:`.worker.Worker.run`.
        """
        if self._working:
            raise WorkerBusy(_("Something is running already. Wait for it, or cancel it."))
        self._working = True
        try:
            self.refresh()
            return self.worker.run(task, on_report)
        finally:
            self._working = False

    def say(self, text: str) -> None:
        """Show a sentence below the Segment button."""
        self.ui.cordMessageLabel.styleSheet = ""
        self.ui.cordMessageLabel.text = text

    def say_error(self, text: str) -> None:
        """Show what went wrong, and what to do, below the Segment button."""
        self.ui.cordMessageLabel.styleSheet = _ERROR_STYLE
        self.ui.cordMessageLabel.text = text

    @contextlib.contextmanager
    def guard(self, failed: str, refresh: bool = True):
        """Around what a button does: an error that the user can put right is said in the panel, any
        other is shown with details.

        Args:
            failed: what did not work, for errors that nobody expected.
            refresh: read the scene afterwards.
        """
        try:
            with slicer.util.tryWithErrorDisplay(failed):
                try:
                    yield
                except Cancelled:
                    self.say(_("Stopped. Nothing was changed."))
                except SoftCordSegError as error:
                    self.say_error(str(error))
        finally:
            if refresh:
                self.refresh()

    def observe(self, node, event, method) -> None:
        """Observe until :meth:`unobserve` or the panel's end."""
        if not self._observer.hasObserver(node, event, method):
            self._observer.addObserver(node, event, method)

    def unobserve(self, node, event, method) -> None:
        """Stop observing; nothing where it was not."""
        if self._observer.hasObserver(node, event, method):
            self._observer.removeObserver(node, event, method)

    def enter(self) -> None:
        """The user chose the module."""
        self._missing = None
        if self.shortcuts is not None:
            self.shortcuts.install()
        self.refresh()

    def exit(self) -> None:
        """The user went to another module."""
        if self.shortcuts is not None:
            self.shortcuts.remove()
        for section in self._sections:
            leave = getattr(section, "exit", None)
            if leave is not None:
                leave()

    def close(self) -> None:
        """For good: the worker stops, and nothing is shown any more."""
        self._closed = True
        self.worker.close()
        if self.shortcuts is not None:
            self.shortcuts.remove()
        for section in self._sections:
            section.close()
        self._edits = None
        self.situation = Situation()

    def _on_scene_changed(self, _caller=None, _event=None) -> None:
        self.refresh()
