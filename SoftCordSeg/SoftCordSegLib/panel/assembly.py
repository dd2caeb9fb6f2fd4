"""Which sections the panel has, from above to below."""

from __future__ import annotations

from .correct_section import CorrectSection
from .image_section import ImageSection
from .levels_section import LevelsSection
from .measure_section import MeasureSection
from .panel import Panel
from .run_section import RunSection
from .save_section import SaveSection
from .soft_section import SoftSection


def make_panel(ui, scene, logic, observer) -> Panel:
    """The panel with all its sections; see :class:`~.panel.Panel` for the arguments."""
    panel = Panel(ui, scene, logic, observer)
    image, measure = ImageSection(panel), MeasureSection(panel)
    correct = CorrectSection(panel, on_change=measure.follow)
    panel.add(image, RunSection(panel, image), SoftSection(panel), correct, LevelsSection(panel), measure, SaveSection(panel))
    return panel
