"""Slice views that show one place in the scanner: of whichever moved, the others take plane, pan
and zoom.
"""

from __future__ import annotations

import numpy as np

from .view_placement import orientation_of, plane_of


class LinkedViews:
    """Keeps a group of slice views at one place; Slicer's own linking is the user's to switch.

    Args:
        nodes: ``vtkMRMLSliceNode``, the first is the one that leads at the beginning.
    """

    def __init__(self, nodes):
        self.nodes = list(nodes)
        self._last = None

    def link(self) -> None:
        """Move the others to where one is that was moved since the last call."""
        if not self.nodes:
            return
        leader = self.nodes[0]
        if self._last is not None:
            moved = [node for node in self.nodes if not np.allclose(_state(node), self._last)]
            if not moved:
                return
            leader = moved[0]
        self._last = _state(leader)
        for node in self.nodes:
            if node is not leader and not np.allclose(_state(node), self._last):
                _move(node, leader)


def _state(node) -> np.ndarray:
    """Plane, pan and zoom in numbers."""
    columns, _rows, _ = node.GetDimensions()
    width, _height, _ = node.GetFieldOfView()
    pan = node.GetXYZOrigin()
    return np.array(
        [*orientation_of(node).ravel(), *plane_of(node)[0], *pan[:2], width / max(columns, 1)]
    )


def _move(node, leader) -> None:
    columns, rows, _ = node.GetDimensions()
    per_pixel = leader.GetFieldOfView()[0] / max(leader.GetDimensions()[0], 1)
    pan = leader.GetXYZOrigin()
    changes = node.StartModify()
    node.GetSliceToRAS().DeepCopy(leader.GetSliceToRAS())
    node.SetFieldOfView(columns * per_pixel, rows * per_pixel, node.GetFieldOfView()[2])
    node.SetXYZOrigin(pan[0], pan[1], node.GetXYZOrigin()[2])
    node.UpdateMatrices()
    node.EndModify(changes)
