"""The upper right corner of the axial views: level, area, interval and diameters of the slice in
view.
"""

from __future__ import annotations

import math

import slicer
from slicer.i18n import tr as _

from .controls import Section

_UPPER_RIGHT = 3
_NONE = "–"
# Slices at an angle to the axis of the body, as the cord's own, count as axial up to here.
_AXIAL = math.cos(math.radians(55))


def corner_lines(profile, row: int, name: str = "") -> str:
    """What a row of the table says, in three short lines.

    Args:
        profile: ``scene.cord_profile.AreaProfile``.
        row: of the profile.
        name: whose it is; "" where only one mask is on screen.

    Returns:
        For example "C5 · 69.7 mm²", ".25–.75: 51–89 mm²", "AP 6.5 · RL 13.0 mm"; a dash for what is
        not there.  Without any levels there is no place for one.
    """
    level = profile.levels[row] or (_NONE if any(profile.levels) else "")
    first = [part for part in (name, level) if part]
    first.append(_("{area} mm²").format(area=_number(profile.area[row])))
    low, high = _number(profile.area_low[row], 0), _number(profile.area_high[row], 0)
    interval = _NONE if _NONE in (low, high) else f"{low}–{high}"
    return "\n".join(
        [
            " · ".join(first),
            _(".25–.75: {interval}").format(interval=interval),
            _("AP {ap} RL {rl} mm").format(
                ap=_number(profile.diameter_ap[row]), rl=_number(profile.diameter_rl[row])
            ),
        ]
    )


def _number(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else _NONE


class CornerText(Section):
    """Keeps the corners up to date.

    Args:
        panel: see :class:`~.panel.Panel`.
        views: see :class:`~.views.Views`.
        profile_view: see :class:`~.profile_view.ProfileView`.
    """

    name = "Corner"
    needs_packages = True

    def __init__(self, panel, views, profile_view):
        self._panel, self._views, self._profile_view = panel, views, profile_view
        self._corners: dict[str, _Corner] = {}
        views.watch(self._update)
        profile_view.listen(self._update)

    def refresh(self, situation) -> None:
        self._update()

    def exit(self) -> None:
        for corner in self._corners.values():
            corner.close()
        self._corners = {}

    def close(self) -> None:
        self._views.unwatch(self._update)
        self.exit()

    def _update(self) -> None:
        manager = slicer.app.layoutManager()
        if not self._panel.shown or manager is None or self._panel.scene.IsBatchProcessing():
            return
        found = {}
        for name in manager.sliceViewNames() if self._profile_view.profiles else ():
            widget = manager.sliceWidget(name)
            one = self._shown_in(widget)
            if one is not None:
                found[name] = (widget, *one)
        several = len({id(entry[1]) for entry in found.values()}) > 1
        for name in [name for name in self._corners if name not in found]:
            self._corners.pop(name).close()
        for name, (widget, _profile, row, whose) in found.items():
            if name not in self._corners:
                self._corners[name] = _Corner(widget.sliceView())
            self._corners[name].show(corner_lines(_profile, row, whose if several else ""))

    def _shown_in(self, widget):
        """(profile, row, name) of the slice in a view; None where it is not one of the cord."""
        from ..scene.view_placement import plane_of

        if widget is None or not widget.sliceView().visible:
            return None
        origin, normal = plane_of(widget.mrmlSliceNode())
        if abs(normal[2]) < _AXIAL:
            return None
        shown = widget.mrmlSliceCompositeNode().GetBackgroundVolumeID()
        for study, name, profile in self._profile_view.profiles:
            if study.image.GetID() == shown:
                row = profile.row_at(origin, normal)
                return None if row is None else (profile, row, name)
        return None


class _Corner:
    """Our lines in a view's corner, above those of others.

    Slicer's Data Probe writes all four corners whenever the view's slice changes, the upper right
    one with what DICOM says, or with nothing.

    Args:
        view: ``qMRMLSliceView``.
    """

    def __init__(self, view):
        self._view = view
        self._annotation = view.cornerAnnotation()
        self._lines = self._written = ""
        self._others = self._annotation.GetText(_UPPER_RIGHT) or ""
        self._writing = False
        self._tag = self._annotation.AddObserver("ModifiedEvent", self._on_modified)

    def show(self, lines: str) -> None:
        """Show these lines."""
        if lines != self._lines:
            self._lines = lines
            self._write("\n".join(part for part in (lines, self._others.strip("\n")) if part))

    def close(self) -> None:
        """Leave the corner to the others."""
        self._annotation.RemoveObserver(self._tag)
        self._write(self._others)

    def _on_modified(self, _caller=None, _event=None) -> None:
        text = self._annotation.GetText(_UPPER_RIGHT) or ""
        if self._writing or text == self._written:
            return
        self._others = text
        lines, self._lines = self._lines, ""
        self.show(lines)

    def _write(self, text: str) -> None:
        self._writing, self._written = True, text
        self._annotation.SetText(_UPPER_RIGHT, text)
        self._writing = False
        self._view.scheduleRender()
