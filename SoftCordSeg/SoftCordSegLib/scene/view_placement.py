"""Slice views brought to the cord, and an axial view that follows it.

All on slice nodes: the same in Slicer's window and in :mod:`.render`.
"""

from __future__ import annotations

import numpy as np

from .cord_line import CordLine

# The panel opens without the packages of other files here: those are imported where they are used.

AXIAL_WIDTH_MM = 50.0
_ROOM_MM = 15.0  # shown beyond each end of the cord, and looked at for window and level
_SAME = 1e-6  # of a plane: the same slice
_WINDOW_ATTRIBUTE = "SoftCordSeg.Window"


def slice_node_of(scene, name: str):
    """The ``vtkMRMLSliceNode`` of a view by its name in the layout, such as "Red"; None where there
    is none.
    """
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
        node = scene.GetNthNodeByClass(n, "vtkMRMLSliceNode")
        if node.GetLayoutName() == name:
            return node
    return None


def composite_node_of(scene, name: str):
    """The ``vtkMRMLSliceCompositeNode`` of a view, which has the volumes it shows; None where there
    is none.
    """
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        node = scene.GetNthNodeByClass(n, "vtkMRMLSliceCompositeNode")
        if node.GetLayoutName() == name:
            return node
    return None


def plane_of(node) -> tuple[np.ndarray, np.ndarray]:
    """(origin, normal) of a slice view: (3,) mm RAS+, and (3,) unit vector."""
    matrix = node.GetSliceToRAS()
    columns = np.array([[matrix.GetElement(row, n) for row in range(3)] for n in (3, 2)])
    return columns[0], columns[1] / np.linalg.norm(columns[1])


def show_middle(node, position_mm) -> None:
    """Show the slice through a position (mm RAS+), with it in the middle of the view."""
    _set_slice(node, _linear(node), position_mm)


def show_width(node, width_mm: float) -> None:
    """Make a view ``width_mm`` wide, its pixels square."""
    columns, rows, _ = node.GetDimensions()
    node.SetFieldOfView(width_mm, width_mm * rows / max(columns, 1), node.GetFieldOfView()[2])


def show_height(node, height_mm: float) -> None:
    """Make a view ``height_mm`` high, its pixels square."""
    columns, rows, _ = node.GetDimensions()
    node.SetFieldOfView(height_mm * columns / max(rows, 1), height_mm, node.GetFieldOfView()[2])


def has_orientation(node, name: str) -> bool:
    """Whether a view looks along "Axial", "Sagittal" or "Coronal", to within 45 degrees."""
    wanted = _preset(node, name)[:, 2]
    return bool(abs(plane_of(node)[1] @ wanted) > np.cos(np.radians(45.0)))


def pixel_of_view(node, position_mm) -> np.ndarray:
    """(x, y) of a world position (mm RAS+) in a view, pixels from its lower left corner."""
    import vtk

    inverse = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(node.GetXYToRAS(), inverse)
    return np.array(inverse.MultiplyPoint([*(float(x) for x in position_mm), 1.0])[:2])


def jump_view(node, position_mm) -> None:
    """Show the slice through a position; the view is panned only where the position would be
    outside it.
    """
    position = [float(x) for x in position_mm]
    node.JumpSliceByOffsetting(*position)
    pixel, size = pixel_of_view(node, position), np.array(node.GetDimensions()[:2])
    if (pixel < 0).any() or (pixel >= size).any():
        show_middle(node, position)


class Follower:
    """Keeps the cord in the middle of an axial view while the user scrolls.

    The user's zoom is never changed, and panning lasts until the next slice.

    Attributes:
        square: whether slices are at right angles to the cord, as its area is measured.
    """

    def __init__(self):
        self.square = False
        self._last = None  # the plane that was shown last
        self._before = None  # the orientation before slices were at right angles

    def follow(self, node, line: CordLine) -> bool:
        """Centre the cord where the slice is another one than at the last call; at the first call
        nothing is changed.

        Returns:
            Whether it is another slice.
        """
        origin, normal = plane_of(node)
        plane, last = np.array([*normal, normal @ origin]), self._last
        self._last = plane
        if last is None or np.abs(plane - last).max() < _SAME:
            return last is None
        self.centre(node, line)
        return True

    def centre(self, node, line: CordLine) -> None:
        """Centre the cord in the slice that is shown, turned at right angles to it where wanted."""
        origin, normal = plane_of(node)
        point, tangent, within = line.crossing(origin, normal)
        linear = _linear(node)
        if self.square:
            if self._before is None:
                self._before = linear
            linear = _turned(_preset(node, "Axial"), tangent)
            if not within:
                # Straight on along the cord, so that the same plane is found the next time.
                end = line.points[int(np.abs((line.points - origin) @ normal).argmin())]
                point = end + tangent * ((origin - end) @ normal) * np.sign(tangent @ normal)
        elif self._before is not None:
            linear, self._before = self._before, None
        _set_slice(node, linear, point)
        origin, normal = plane_of(node)
        self._last = np.array([*normal, normal @ origin])

    def forget(self) -> None:
        """The next call of :meth:`follow` is the first one."""
        self._last = None

    def release(self, node) -> None:
        """Give the view its orientation back."""
        if self._before is not None and node is not None:
            origin, _ = plane_of(node)
            _set_slice(node, self._before, origin)
        self._before = self._last = None


def set_window_around(image_node, soft_node, low: float = 1.0, high: float = 99.0) -> bool:
    """Window and level from the percentiles of the image around the cord; not where the user (or
    the file) has set them.

    Returns:
        Whether they were set.
    """
    from .volume_nodes import array_of, grid_of

    display = image_node.GetDisplayNode()
    if display is None:
        return False
    ours = image_node.GetAttribute(_WINDOW_ATTRIBUTE)
    if not display.GetAutoWindowLevel() and ours != _window_text(display):
        return False
    values, soft = array_of(image_node), array_of(soft_node)
    inside = [np.flatnonzero(soft.max(axis=axes) > 0) for axes in ((1, 2), (0, 2), (0, 1))]
    if min(len(one) for one in inside) == 0 or values.shape != soft.shape:
        return False
    room = np.ceil(_ROOM_MM / grid_of(soft_node, in_world=False).spacing).astype(int)
    around = tuple(
        slice(max(one[0] - more, 0), one[-1] + 1 + more) for one, more in zip(inside, room)
    )
    bottom, top = np.percentile(values[around], [low, high])
    if not np.isfinite([bottom, top]).all() or top <= bottom:
        return False
    changes = display.StartModify()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(float(bottom), float(top))
    display.EndModify(changes)
    image_node.SetAttribute(_WINDOW_ATTRIBUTE, _window_text(display))
    return True


def own_window(image_node) -> None:
    """The window of an image is ours, not the user's: :func:`set_window_around` may change it."""
    image_node.SetAttribute(_WINDOW_ATTRIBUTE, _window_text(image_node.GetDisplayNode()))


def bring_views_to_cord(nodes, line: CordLine, image_node) -> None:
    """Show the middle of the cord: sagittal and coronal views its whole length, the axial one 50 mm
    around it.

    Args:
        nodes: {"Sagittal" | "Coronal" | "Axial": slice node, or None}.
        line: of the cord.
        image_node: more than its height is not shown.
    """
    middle = line.middle
    for name, node in nodes.items():
        if node is None:
            continue
        if not has_orientation(node, name):
            node.SetOrientation(name)
        changes = node.StartModify()
        show_middle(node, middle)
        if name == "Axial":
            show_width(node, AXIAL_WIDTH_MM)
        else:
            show_height(node, min(line.extent_mm + 2 * _ROOM_MM, 1.05 * _height_mm(image_node)))
        node.EndModify(changes)


def look_at_cord(scene, line: CordLine) -> None:
    """Turn the cameras of all 3D views to the cord, near enough for it to fill the view; the
    direction they look in stays.
    """
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLCameraNode")):
        camera = scene.GetNthNodeByClass(n, "vtkMRMLCameraNode")
        away = np.array(camera.GetPosition()) - camera.GetFocalPoint()
        size = float(np.linalg.norm(np.ptp(line.points, axis=0))) + _ROOM_MM
        distance = 0.5 * size / np.sin(np.radians(0.5 * camera.GetViewAngle()))
        changes = camera.StartModify()
        camera.SetFocalPoint(*line.middle)
        camera.SetPosition(*(line.middle + away / np.linalg.norm(away) * distance))
        camera.EndModify(changes)
        camera.ResetClippingRange()


def orientation_of(node) -> np.ndarray:
    """(3, 3) columns of a slice view's axes, RAS+, for :func:`set_orientation`."""
    return _linear(node)


def set_orientation(node, linear: np.ndarray) -> None:
    """Turn a slice view; what is in its middle stays there."""
    _set_slice(node, linear, plane_of(node)[0])


def _height_mm(image_node) -> float:
    bounds = np.zeros(6)
    image_node.GetRASBounds(bounds)
    return float(bounds[5] - bounds[4])


def _window_text(display) -> str:
    return f"{display.GetWindow():.6g} {display.GetLevel():.6g}"


def _linear(node) -> np.ndarray:
    matrix = node.GetSliceToRAS()
    return np.array([[matrix.GetElement(row, column) for column in range(3)] for row in range(3)])


def _preset(node, name: str) -> np.ndarray:
    """(3, 3) of an orientation, as the user has set it (radiological or neurological)."""
    matrix = node.GetSliceOrientationPreset(name)
    return np.array([[matrix.GetElement(row, column) for column in range(3)] for row in range(3)])


def _turned(linear: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """``linear`` turned the shortest way until its slices are at right angles to ``normal``."""
    first = linear[:, 2] / np.linalg.norm(linear[:, 2])
    second = normal if normal @ first >= 0 else -normal
    axis, cosine = np.cross(first, second), float(first @ second)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return (np.eye(3) + cross + cross @ cross / (1.0 + cosine)) @ linear


def _set_slice(node, linear: np.ndarray, position_mm) -> None:
    """One change of the node: orientation, and a position in the middle of the view."""
    matrix = node.GetSliceToRAS()
    pan = node.GetXYZOrigin()
    changes = node.StartModify()
    for row in range(3):
        for column in range(3):
            matrix.SetElement(row, column, float(linear[row, column]))
        matrix.SetElement(row, 3, float(position_mm[row]))
    node.SetXYZOrigin(0.0, 0.0, pan[2])
    node.UpdateMatrices()
    node.EndModify(changes)
