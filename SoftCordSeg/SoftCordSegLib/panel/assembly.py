"""Which sections the panel has, from above to below."""

from __future__ import annotations

from .image_section import ImageSection
from .panel import Panel
from .run_section import RunSection
from .soft_section import SoftSection


def make_panel(ui, scene, logic, observer) -> Panel:
    """The panel with all its sections; see :class:`~.panel.Panel` for the arguments."""
    panel = Panel(ui, scene, logic, observer)
    image = ImageSection(panel)
    panel.add(image, RunSection(panel, image), SoftSection(panel))
    return panel
