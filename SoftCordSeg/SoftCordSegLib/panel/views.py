"""The views: our layouts, slices brought to the cord, and the axial view that follows it."""

from __future__ import annotations

import contextlib

import qt
import vtk

from .controls import Section


class Views(Section):
    """What is done to the views while the panel is shown; everything else in them is the user's.

    Args:
        panel: see :class:`~.panel.Panel`.
    """

    name = "Views"

    def __init__(self, panel):
        from ..scene.view_placement import Follower

        self._panel, self._scene = panel, panel.scene
        self._follower = Follower()
        self._lines: dict = {}  # soft mask node -> (time stamp of its voxels, CordLine)
        self._watchers: list = []
        self._busy = False
        self._observed: list = []
        self._centred_3d: set[str] = set()
        # A slice node does not take a change while it tells of one; and several are answered once.
        self._answering = qt.QTimer()
        self._answering.setSingleShot(True)
        self._answering.setInterval(0)
        self._answering.connect("timeout()", self._moved)
        self._register()

    @property
    def sagittal_node(self):
        """The ``vtkMRMLSliceNode`` beside the profile; None where there is none."""
        return self._node("SAGITTAL")

    @property
    def axial_node(self):
        """The ``vtkMRMLSliceNode`` that follows the cord; None where there is none."""
        return self._node("AXIAL")

    @property
    def coronal_node(self):
        """The ``vtkMRMLSliceNode`` of Slicer's coronal view; None where there is none."""
        return self._node("CORONAL")

    @property
    def axial_height_mm(self) -> float | None:
        """The height (S, mm) at which the axial view cuts the cord; of its middle where there is no
        cord, None where there is no axial view.
        """
        from ..scene.view_placement import plane_of

        node = self.axial_node
        if node is None:
            return None
        origin, normal = plane_of(node)
        line = self.line_of(self._panel.situation.study)
        return float(origin[2] if line is None else line.crossing(origin, normal)[0][2])

    def line_of(self, study):
        """The centreline of a study's mask, ``scene.cord_line.CordLine``; None without one."""
        from ..scene.cord_line import cord_line_of

        soft = study.soft if study is not None else None
        if soft is None or soft.GetImageData() is None:
            return None
        stamp = (soft.GetImageData().GetMTime(), soft.GetTransformNodeID())
        known = self._lines.get(soft.GetID())
        if known is None or known[0] != stamp:
            known = self._lines[soft.GetID()] = (stamp, cord_line_of(soft))
        return known[1]

    def watch(self, function) -> None:
        """Call ``function`` without arguments whenever a slice view moved, was zoomed or panned."""
        if function not in self._watchers:
            self._watchers.append(function)

    def unwatch(self, function) -> None:
        """Undo :meth:`watch`."""
        if function in self._watchers:
            self._watchers.remove(function)

    def show_layout(self, name: str) -> None:
        """Show a layout: "cord", "compare" or "correct"."""
        from ..scene.cord_layouts import layout_node_of, show_layout

        node = layout_node_of(self._scene)
        if node is not None:
            self._register()
            show_layout(node, name)
            self._observe()

    def leave_layout(self) -> None:
        """Show the layout before ours again."""
        from ..scene.cord_layouts import layout_node_of, leave_layout

        node = layout_node_of(self._scene)
        if node is not None:
            leave_layout(node)

    def bring_to_cord(self, study) -> None:
        """After a segmentation: slices through the middle of the cord, 3D centred, window and level
        of what is around the cord.
        """
        from ..scene.view_placement import bring_views_to_cord, set_window_around

        line = self.line_of(study)
        if line is None:
            return
        nodes = {
            "Sagittal": self.sagittal_node,
            "Coronal": self.coronal_node,
            "Axial": self.axial_node,
        }
        with self._alone():
            set_window_around(study.image, study.soft)
            bring_views_to_cord(nodes, line, study.image)
            if self.axial_node is not None:
                self._follower.centre(self.axial_node, line)
        self._moved()

    def jump(self, position_mm) -> None:
        """Show a position (mm RAS+) in the three slice views; zoom and, where the position is in
        view, pan stay.
        """
        from ..scene.view_placement import jump_view

        with self._alone():
            for node in (self.axial_node, self.sagittal_node, self.coronal_node):
                if node is not None:
                    jump_view(node, position_mm)
        self._moved()

    def refresh(self, situation) -> None:
        if self._panel.shown:
            self._observe()

    def exit(self) -> None:
        self._unobserve()
        self._answering.stop()
        self._follower.release(self.axial_node)

    def close(self) -> None:
        self.exit()
        self._answering.disconnect("timeout()", self._moved)  # or each would keep the other
        self._watchers = []

    def _node(self, role: str):
        from ..scene import view_placement

        return view_placement.slice_node_of(self._scene, getattr(view_placement, role))

    def _register(self) -> None:
        from ..scene.cord_layouts import layout_node_of, register_layouts

        node = layout_node_of(self._scene)
        if node is not None:
            register_layouts(node)

    def _observe(self) -> None:
        nodes = [n for n in (self.axial_node, self.sagittal_node, self.coronal_node) if n]
        if nodes == self._observed:
            return
        self._unobserve()
        for node in nodes:
            self._panel.observe(node, vtk.vtkCommand.ModifiedEvent, self._on_slice)
        self._observed = nodes

    def _unobserve(self) -> None:
        for node in self._observed:
            self._panel.unobserve(node, vtk.vtkCommand.ModifiedEvent, self._on_slice)
        self._observed = []

    def _on_slice(self, _caller=None, _event=None) -> None:
        if not self._busy:
            self._answering.start()

    def _moved(self) -> None:
        """The axial view follows, and those who watch are called."""
        node, line = self.axial_node, self.line_of(self._panel.situation.study)
        with self._alone():
            if node is not None and line is not None:
                self._follower.follow(node, line)
        for function in list(self._watchers):
            function()

    @contextlib.contextmanager
    def _alone(self):
        """What we do to the views is not answered by ourselves."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before
