"""Which sections the panel has, from above to below."""

from __future__ import annotations

from .correct_section import CorrectSection
from .image_section import ImageSection
from .levels_section import LevelsSection
from .measure_section import MeasureSection
from .model_section import ModelSection
from .panel import Panel
from .run_section import RunSection
from .save_section import SaveSection
from .shortcuts import Shortcuts
from .soft_section import SoftSection


def make_panel(ui, scene, logic, observer, parent) -> Panel:
    """The panel with all its sections and keys; see :class:`~.panel.Panel` for the first arguments.

    Args:
        parent: the module's widget, within which the keys are heard.
    """
    panel = Panel(ui, scene, logic, observer)
    image, measure = ImageSection(panel), MeasureSection(panel)
    correct = CorrectSection(panel, on_change=measure.follow)
    soft = SoftSection(panel)
    panel.add(image, ModelSection(panel), RunSection(panel, image), soft, correct)
    panel.add(LevelsSection(panel), measure, SaveSection(panel))
    panel.shortcuts = Shortcuts(
        parent,
        {
            "Ctrl+Return": lambda: ui.cordSegmentButton.click(),
            "Ctrl+M": lambda: ui.cordMeasureButton.click(),
            "Ctrl+Up": lambda: soft.step(+5),
            "Ctrl+Down": lambda: soft.step(-5),
        },
    )
    return panel
