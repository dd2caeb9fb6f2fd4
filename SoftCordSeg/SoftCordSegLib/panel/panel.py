"""The panel: its sections, and their updates when something changed."""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import Cancelled, SoftCordSegError
from ..resources import resources_folder
from .collector import hold_collection
from .controls import Hints, Shortcuts
from .corner_text import CornerText
from .correct_section import CorrectSection
from .levels_section import LevelsSection
from .mask_section import MaskSection
from .measure_section import MeasureSection
from .model_choice import ModelChoice
from .model_dialog import ModelDialog
from .more_menu import MoreMenu
from .open_sections import OpenSections
from .platforms import missing_packages
from .profile_view import ProfileView
from .review.review_cases_section import CasesSection
from .review.review_data_set_section import DataSetSection
from .review.review_desk import ReviewDesk
from .review.review_section import ReviewSection
from .review.review_tab import ReviewTab
from .run_section import RunSection
from .save_section import SaveSection
from .situation import Situation, situation_of
from .status_lines import Line, StatusLine
from .teach_section import TeachSection
from .views import Views
from .worker import Worker, WorkerBusy

# Sections with a status line, and those of which one is open at a time.
_STATUS = (
    "Run",
    "DataSet",
    "Review",
    "Cases",
    "Mask",
    "Correct",
    "Levels",
    "Measure",
    "Save",
    "Teach",
)
_TAKING_TURNS = ("DataSet", "Cases", "Correct", "Levels", "Measure", "Save", "Teach")


class Panel:
    """The shared part of all sections.

    Args:
        ui: the controls by name.
        scene: the MRML scene.
        logic: the module's logic.
        observer: a ``VTKObservationMixin``, which removes all observers at the end.
        shown: the module is shown already, as at its Reload.

    Attributes:
        situation: the state that the sections show; read again by :meth:`refresh`.
        parameters: the wrapped parameter node; None while the scene is closed.
        shown: True from :meth:`enter` to :meth:`exit`.
        views: :class:`~.views.Views`.
        menu: :class:`~.more_menu.MoreMenu`.
        sections: those of which one is open at a time.
        reviewing: the tab *Review* is shown, not *Image*.
    """

    def __init__(self, ui, scene, logic, observer, shown: bool = False):
        self.ui, self.scene, self.logic = ui, scene, logic
        self.parameters = None
        self.hints = Hints()
        self.worker = Worker(slicer.app.processEvents)
        self.situation = Situation()
        self.shortcuts = None
        self.views = self.menu = None
        self._observer = observer
        self.sections = OpenSections(ui, _TAKING_TURNS)
        self._lines = {name: StatusLine(ui, name, self.guard) for name in _STATUS}
        self._sections: list = []
        self._edits = None
        self._missing: list[str] | None = None  # not checked again once nothing is missing
        self._refreshing = self.reviewing = False
        self._held = 0
        self._working = False
        self._closed = False
        self.shown = shown
        self._said_about = None  # the chosen volume when the last message was shown
        for event in (scene.NodeAddedEvent, scene.EndBatchProcessEvent):
            observer.addObserver(scene, event, self._on_scene_changed)
        observer.addObserver(scene, scene.NodeRemovedEvent, self._on_node_removed)
        # Nodes are made again when Slicer is idle: not in the middle of a removal, nor of an
        # addition of several.
        self._tidying = qt.QTimer()
        self._tidying.setSingleShot(True)
        self._tidying.setInterval(0)
        self._tidying.connect("timeout()", self._tidy)

    def add(self, *sections) -> None:
        """Add sections; they are refreshed at every change."""
        self._sections += sections

    def refresh(self) -> None:
        """Read the scene, and refresh every section."""
        if self._refreshing or self._closed or self._held or self.scene.IsBatchProcessing():
            # While a scene is loaded or closed, nodes are incomplete; its end refreshes.
            return
        self._refreshing = True
        try:
            image = self.parameters.image if self.parameters is not None else None
            if self._missing is None or self._missing:
                self._missing = missing_packages(self.requirements)
            self.situation = situation_of(image, self._working, self._missing)
            if self.situation.image is not self._said_about and not self._working:
                self._say_nothing()
            for section in self._usable_sections:
                section.refresh(self.situation)
                self.sections.set_title(section.name, section.title(self.situation))
        finally:
            self._refreshing = False

    @contextlib.contextmanager
    def hold(self):
        """Several nodes are added or removed; read the scene once, when all of them are."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            self.refresh()

    @property
    def held(self) -> bool:
        """True within :meth:`hold`."""
        return bool(self._held)

    @property
    def _usable_sections(self) -> list:
        there = importlib.util.find_spec("nibabel") is not None
        return [one for one in self._sections if there or not one.needs_packages]

    @property
    def refreshing(self) -> bool:
        """True while the controls are being set: their signals are then not from the user."""
        return self._refreshing

    @property
    def requirements(self) -> Path:
        """The file that names the packages."""
        return resources_folder() / "requirements.txt"

    @property
    def edits(self):
        """The user's corrections of the shown mask, ``scene.soft_edits.SoftEdits``; None without
        one.

        One object for one segmentation, as long as it is shown: it has the memory for undo.
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
            return self.worker.run(self._without_collector(task), on_report)
        finally:
            self._working = False
            if not self._closed:
                self._tidying.start()

    def _without_collector(self, task):
        """The same task; Python's collector is off until it ends, even where :meth:`work` ends
        before it, and where it is cancelled before it starts.
        """
        started, ended = threading.Event(), threading.Event()

        def marked(progress):
            started.set()
            try:
                return task(progress)
            finally:
                ended.set()

        hold_collection(lambda: ended.is_set() or not (started.is_set() or self._working))
        return marked

    def report(self, fraction: float, message: str, section: str = "Run") -> None:
        """Show progress of what :meth:`work` does, until it is cancelled."""
        self.ui.cordProgressBar.value = round(100 * fraction)
        if self.ui.cordCancelButton.enabled:
            self.say(message, section)

    def say(self, text: str, section: str = "Run", warning: bool = False, show=None) -> None:
        """Show a sentence in the status line of a section, until something else is said or another
        volume is chosen.

        Args:
            text: "" leaves what :meth:`rest` said.
            section: "Run", "Mask", "Correct", "Levels", "Measure" or "Save"; of a review "DataSet",
                "Review" or "Cases".
            warning: something to look at; in another colour.
            show: called by the button [Show] beside it; None for no button.
        """
        self._say(Line(text, warning, False, show), section)

    def say_error(self, text: str, section: str = "Run") -> None:
        """Show an error in the status line of a section, until the next action."""
        self._say(Line(text, error=True), section)

    def rest(self, text: str, section: str = "Run", warning: bool = False, show=None) -> None:
        """What a section's status line shows where nothing was said: the state, and what to do
        next.
        """
        self._lines[section].rest(Line(text, warning, False, show))

    def _say(self, line: Line, section: str) -> None:
        self._lines[section].say(line)
        image = self.parameters.image if self.parameters is not None else None
        # As in the situation: a volume that left the scene counts as none.
        self._said_about = image if image is not None and image.GetScene() is not None else None

    def _say_nothing(self, only_errors: bool = False) -> None:
        for line in self._lines.values():
            if line.is_error or not only_errors:
                line.say(Line())

    @contextlib.contextmanager
    def guard(
        self, failed: str, refresh: bool = True, section: str = "Run", by_itself: bool = False
    ):
        """Handles errors of an action: those that the user can correct are shown in the panel,
        others in a dialog with details.

        Args:
            failed: a sentence on what did not work, for unexpected errors.
            refresh: read the scene afterwards.
            section: in whose status line errors are shown.
            by_itself: it is no action of the user, whose last one may have an error to be read.
        """
        if not by_itself:
            self._say_nothing(only_errors=True)  # those of an earlier action
        try:
            with slicer.util.tryWithErrorDisplay(failed):
                try:
                    yield
                except Cancelled:
                    self.say(_("Stopped. Nothing was changed."), section)
                except SoftCordSegError as error:
                    self.say_error(str(error), section)
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
        """The module was opened."""
        self._missing = None
        self.shown = True
        if self.shortcuts is not None:
            self.shortcuts.install()
        self.refresh()
        self._tidy()

    def exit(self) -> None:
        """Another module was opened."""
        self.shown = False
        if self.shortcuts is not None:
            self.shortcuts.remove()
        for section in self._usable_sections:
            section.exit()

    def close(self) -> None:
        """Stop the worker and close all sections."""
        self._closed = True
        self._tidying.stop()
        self._tidying.disconnect("timeout()", self._tidy)  # or each would keep the other
        self.worker.close()
        if self.shortcuts is not None:
            self.shortcuts.remove()
        for section in self._sections:
            section.close()
        self.sections.close()
        self._edits = None
        self.situation = Situation()

    def _on_scene_changed(self, _caller=None, _event=None) -> None:
        self.refresh()

    def _on_node_removed(self, _caller=None, _event=None) -> None:
        self._tidying.start()
        self.refresh()

    def _tidy(self) -> None:
        """Remove what was left of deleted masks, and make again what the others need: only while
        the panel is shown, for in another module the user may be deleting one by one.
        """
        if self._closed or self._working or self._held or self.scene.IsBatchProcessing():
            return
        self.refresh()
        if self.situation.study is not None:
            from ..scene.edit_display import remove_orphans
            from ..scene.study import repair

            remove_orphans(self.scene)
            if self.shown:
                repair(self.situation.study, self.ui.cordThresholdSlider.value or 0.5)
            self.refresh()


def make_panel(ui, scene, logic, observer, parent) -> Panel:
    """The panel with all its sections and keys; see :class:`~.panel.Panel` for the first arguments.

    Args:
        parent: the module's widget, in which the keys are active.
    """
    panel = Panel(ui, scene, logic, observer, parent.isVisible())
    panel.views = Views(panel)
    panel.profile = ProfileView(panel, panel.views)
    choice, measure = ModelChoice(logic), MeasureSection(panel)
    run = RunSection(panel, choice)
    panel.menu = MoreMenu(panel, choice, ModelDialog(panel, choice), run.on_segment_all)
    correct = CorrectSection(panel, on_change=measure.follow)
    mask = MaskSection(panel)
    panel.add(panel.menu, run, mask, correct)
    panel.add(LevelsSection(panel), measure, SaveSection(panel), panel.views)
    panel.add(panel.profile, CornerText(panel, panel.views, panel.profile))
    desk = panel.desk = ReviewDesk(panel)
    cases = CasesSection(panel, desk)
    review = ReviewSection(panel, desk, run)
    panel.tabs = ReviewTab(panel, desk, parent, review.keys(cases))
    teach = TeachSection(panel, desk, choice)
    panel.add(DataSetSection(panel, desk), review, cases, teach, panel.tabs)
    panel.shortcuts = Shortcuts(
        parent,
        {
            "Ctrl+Return": lambda: ui.cordSegmentButton.click(),
            "Ctrl+Up": lambda: mask.step(+5),
            "Ctrl+Down": lambda: mask.step(-5),
        },
    )
    return panel
