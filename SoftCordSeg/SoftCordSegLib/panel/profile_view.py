"""The profile beside the sagittal view: the area along the cord on that view's own scale; a click
or a drag in it moves the slices.
"""

from __future__ import annotations

from dataclasses import replace

import ctk
import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from ..errors import SoftCordSegError
from .controls import Section
from .own_layouts import profile_holder
from .saving import run_of

# The Qt widget is Slicer's, not the panel's: it outlives Reload, and two panels share it.
_KEPT_AS = "SoftCordSegProfilePlace"
_WIDGET_NAME = "cordProfileView"
_DARK_BELOW = 128  # lightness of the window's colour
_LEAST_WIDTH_PX = 120
_ANTIALIASING = 4
_MOUSE = (
    "LeftButtonPressEvent",
    "MouseMoveEvent",
    "LeftButtonReleaseEvent",
    "MouseWheelForwardEvent",
    "MouseWheelBackwardEvent",
)


class ProfilePlace:
    """The widget that Slicer puts where a layout has the profile's tag.

    Attributes:
        view: ``ctkVTKRenderView``.
        owner: the :class:`ProfileView` that draws into it.
    """

    def __init__(self):
        self.owner = None
        self.view = ctk.ctkVTKRenderView()
        self.view.name = _WIDGET_NAME
        self.view.orientationWidgetVisible = False
        self.view.setMinimumWidth(_LEAST_WIDTH_PX)
        window = self.view.renderWindow()
        window.SetMultiSamples(_ANTIALIASING)
        # Slicer turns and zooms scenes with the mouse; here it moves the slices.
        self.view.interactor().SetInteractorStyle(None)
        profile_holder().layout().addWidget(self.view)


def profile_place() -> ProfilePlace | None:
    """The one place of the profile; None in a Slicer without a window."""
    if slicer.app.layoutManager() is None:
        return None
    place = getattr(slicer.modules, _KEPT_AS, None)
    if place is None:
        place = ProfilePlace()
        setattr(slicer.modules, _KEPT_AS, place)
    return place


class ProfileView(Section):
    """Draws the chosen study's profile, and those of the other contrasts of the participant.

    Args:
        panel: see :class:`~.panel.Panel`.
        views: see :class:`~.views.Views`.

    Attributes:
        profiles: (``scene.study.Study``, name, ``scene.cord_profile.AreaProfile``) of what is
            drawn, the chosen study first.
    """

    name = "Profile"
    needs_packages = True

    def __init__(self, panel, views):
        self._panel, self._views = panel, views
        self._reader = None  # needs packages that a fresh Slicer lacks, as all that reads masks
        self._place = profile_place()
        self._chart = None
        self._tags: list = []
        self._dragging = False
        self._watched: list = []
        self._compared: list | None = None
        self._listeners: list = []
        self.profiles: list = []
        self._waiting = qt.QTimer()
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(0)
        self._waiting.connect("timeout()", self._read)
        views.watch(self._on_slices)

    def listen(self, function) -> None:
        """Call ``function`` without arguments when :attr:`profiles` were read anew."""
        self._listeners.append(function)

    def compare(self, studies: list | None) -> None:
        """Draw these studies beside the chosen one; None for the participant's other contrasts."""
        self._compared = studies
        self._read()

    def refresh(self, situation) -> None:
        if self._panel.shown and situation.study is not None:
            self._take()  # imports what a fresh Slicer lacks
        self._read()

    def exit(self) -> None:
        self._dragging = False

    def close(self) -> None:
        self._waiting.stop()
        self._waiting.disconnect("timeout()", self._read)  # or each would keep the other
        self._views.unwatch(self._on_slices)
        self._watch([])
        self._listeners = []
        self._leave()

    # --- the widget
    # ----------------------------------------------------------------------------------------------

    def _take(self) -> None:
        """Draw into the widget from now on."""
        place = self._place
        if place is None or place.owner is self:
            return
        if place.owner is not None:
            place.owner._leave()
        from ..scene.profile_chart import ProfileChart

        renderer = place.view.renderWindow().GetRenderers().GetFirstRenderer()
        self._chart = ProfileChart(renderer, words=_words())
        self._chart.before_drawing = self._before_drawing
        place.view.toolTip = _(
            "Area along the cord, on the scale of the sagittal view beside it.\nClick or drag to"
            " move the slices, or turn the wheel for the next slice."
        )
        interactor = place.view.interactor()
        handlers = (self._on_press, self._on_move, self._on_release, self._on_up, self._on_down)
        self._tags = [interactor.AddObserver(*pair) for pair in zip(_MOUSE, handlers)]
        place.owner = self

    def _leave(self) -> None:
        place = self._place
        if place is None or place.owner is not self:
            return
        for tag in self._tags:
            place.view.interactor().RemoveObserver(tag)
        self._tags = []
        self._chart.close()
        self._chart = place.owner = None

    def _before_drawing(self) -> None:
        view, chart = self._place.view, self._chart
        ratio = view.devicePixelRatioF()
        chart.style = _style()
        points = view.font.pointSizeF()
        chart.text_px = (points * view.logicalDpiY() / 72.0 if points > 0 else 12.0) * ratio
        chart.row = self._row()

    def _row(self) -> np.ndarray | None:
        """The world to pixels of the drawing, on the scale of the sagittal view; None where there
        is none on screen.
        """
        from ..scene.profile_chart import height_row

        if not self.profiles:
            return None
        node, view = self._views.sagittal_node, self._place.view
        row = None if node is None else height_row(node)
        widget = (
            None if row is None else slicer.app.layoutManager().sliceWidget(node.GetLayoutName())
        )
        if widget is None or not widget.sliceView().visible:
            return None
        sagittal = widget.sliceView()
        # From the view's pixels to Qt's, from there to those of the drawing's window.
        row = row * (sagittal.height / max(node.GetDimensions()[1], 1))
        row[3] += _bottom_of(view) - _bottom_of(sagittal)
        return row * (view.renderWindow().GetSize()[1] / max(view.height, 1))

    def _render(self) -> None:
        if self._chart is not None:
            self._place.view.scheduleRender()

    # --- what is drawn
    # ----------------------------------------------------------------------------------------------

    def _on_source_changed(self, _caller=None, _event=None) -> None:
        if not self._waiting.isActive():
            self._waiting.start()

    def _read(self) -> None:
        """Read the profiles anew, and draw them."""
        if self._panel.scene.IsBatchProcessing():
            return
        study = self._panel.situation.study
        if study is not None and (study.soft is None or study.image.GetScene() is None):
            study = None
        self.profiles = [] if study is None else self._profiles_of(study)
        self._watch_sources(study)
        self._draw()
        for function in self._listeners:
            function()

    def _profiles_of(self, study) -> list:
        from ..scene.cord_profile import ProfileReader, studies_of_participant

        if self._reader is None:
            self._reader = ProfileReader()
        others = self._compared
        if others is None:
            others = studies_of_participant(study)
        others = [one for one in others if one.image is not study.image]
        others = [one for one in others if one.soft is not None and one.soft.GetScene()]
        studies = [study, *others]
        read = [self._reader.profile(study), *map(self._reader.profile_of_other, others)]
        if read[0] is not None and (run_of(study.soft) or {}).get("BoxGivenByUser"):
            # Of course it ends at the box.
            breaks = [one for one in read[0].breaks if one.again_mm is not None]
            read[0] = replace(read[0], breaks=tuple(breaks))
        names = _short_names([one.image.GetName() for one in studies])
        found = [one for one in zip(studies, names, read) if one[2] is not None]
        return found if found and found[0][0] is study else []

    def _watch_sources(self, study) -> None:
        markups = slicer.vtkMRMLMarkupsNode
        wanted = []
        if study is not None and study.discs is not None:
            wanted += [
                (study.discs, event)
                for event in (
                    markups.PointPositionDefinedEvent,
                    markups.PointModifiedEvent,
                    markups.PointRemovedEvent,
                )
            ]
        for one, _name, _profile in self.profiles:
            wanted += [(node, "ModifiedEvent") for node in (one.slice_table, one.soft) if node]
            if one.view is not None and one.view.node.GetDisplayNode() is not None:
                wanted.append((one.view.node.GetDisplayNode(), "ModifiedEvent"))  # its colour
        self._watch(wanted)

    def _watch(self, wanted: list) -> None:
        for node, event in [pair for pair in self._watched if pair not in wanted]:
            self._panel.unobserve(node, event, self._on_source_changed)
        for node, event in [pair for pair in wanted if pair not in self._watched]:
            self._panel.observe(node, event, self._on_source_changed)
        self._watched = wanted

    def _draw(self) -> None:
        if self._chart is None:
            return
        self._chart.content = self._content()
        self._render()

    def _content(self):
        from ..scene.profile_chart import ChartContent, Curve

        if not self.profiles:
            return ChartContent()
        from ..scene.contours import colour_of
        from ..scene.disc_points import discs_of

        curves = [Curve(name, profile, colour_of(one)) for one, name, profile in self.profiles]
        discs = self.profiles[0][0].discs
        try:
            placed = [disc.position_mm for disc in discs_of(discs)] if discs is not None else []
        except SoftCordSegError:
            placed = []  # a name that is no disc's; said where discs are named
        positions = np.array(placed, float).reshape(-1, 3)
        return ChartContent(curves, positions, *self._slice_in_view())

    def _slice_in_view(self) -> tuple:
        """(where the cord meets the axial slice, the row of each profile there); None where it does
        not.
        """
        if not self.profiles:
            return None, ()
        from ..scene.view_placement import plane_of

        node, line = self._views.axial_node, self._views.line_of(self.profiles[0][0])
        if node is None or line is None:
            return None, ()
        origin, normal = plane_of(node)
        position, _tangent, within = line.crossing(origin, normal)
        rows = [profile.row_at(origin, normal) for _study, _name, profile in self.profiles]
        return (tuple(position.tolist()) if within else None), rows

    def _on_slices(self) -> None:
        """A slice view moved, was zoomed or panned."""
        if self._chart is not None:
            position, rows = self._slice_in_view()
            self._chart.content = replace(self._chart.content, slice_mm=position, slice_rows=rows)
            self._render()

    # --- the mouse
    # ----------------------------------------------------------------------------------------------

    def _on_press(self, _caller=None, _event=None) -> None:
        self._dragging = True
        self._go_to_mouse()

    def _on_move(self, _caller=None, _event=None) -> None:
        if self._dragging:
            self._go_to_mouse()

    def _on_release(self, _caller=None, _event=None) -> None:
        self._dragging = False

    def _on_up(self, _caller=None, _event=None) -> None:
        self._step(+1)

    def _on_down(self, _caller=None, _event=None) -> None:
        self._step(-1)

    def _go_to_mouse(self) -> None:
        if self._panel.shown:
            self._before_drawing()  # the window may have another size by now
            pixel = self._place.view.interactor().GetEventPosition()[1]
            self._jump(self._chart.position_at(pixel))

    def _step(self, rows: int) -> None:
        """To the next slice of the cord, upward or downward."""
        node = self._views.axial_node if self.profiles else None
        if node is None or not self._panel.shown:
            return
        from ..scene.view_placement import plane_of

        profile = self.profiles[0][2]
        row = profile.row_at(*plane_of(node))
        if row is not None:
            row = min(max(row + rows, 0), len(profile) - 1)
            self._jump(tuple(profile.positions_mm[row].tolist()))

    def _jump(self, position) -> None:
        if position is not None:
            with self._panel.guard(_("The slices could not be moved."), refresh=False):
                self._views.jump(position)


def _bottom_of(widget) -> float:
    """The lower edge of a widget on the screen, downward, in Qt's pixels."""
    return widget.mapToGlobal(qt.QPoint(0, 0)).y() + widget.height


def _short_names(names: list[str]) -> list[str]:
    """The contrast alone where that tells the volumes apart: "T2w"."""
    from ..bids import contrast_of

    contrasts = [contrast_of(name) for name in names]
    return contrasts if len(set(contrasts)) == len(names) else names


def _style():
    from ..scene.profile_chart import DARK, LIGHT

    window = slicer.app.palette().color(qt.QPalette.Window)
    return DARK if window.lightness() < _DARK_BELOW else LIGHT


def _words():
    from ..scene.profile_chart import ChartWords

    return ChartWords(
        axis=_("Area (mm²)"),
        height=_("S mm"),
        ends=_("mask ends"),
        begins=_("mask begins"),
        interrupted=_("interrupted"),
        predicted=_("as predicted"),
        empty=_("The area along the cord\nis drawn here after\nSegment."),
    )
