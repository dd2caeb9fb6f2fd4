"""The box of the network and the region of interest in the views are the same box."""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, image_in
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.scene.box_node import add_box, box_of, boxes_of, set_box
from SoftCordSegLib.scene.volume_nodes import add_volume
from SoftCordSegLib.volume import Box


@pytest.fixture
def image(app):
    return add_volume(app.scene, image_in(GRIDS["isotropic"]), "T2w")


def corners(box: Box) -> np.ndarray:
    rounded = np.round(box.corners_mm, 6) + 0.0
    return rounded[np.lexsort(rounded.T)]


def test_a_box_comes_back_as_it_was(app, image, grid):
    box = Box.of_grid(grid)  # oblique and left-handed ones among them

    node = add_box(app.scene, image, box)

    assert np.allclose(corners(box_of(node)), corners(box), atol=1e-5)
    assert boxes_of(image) == [node]
    assert node.GetObjectToWorldMatrix().Determinant() == pytest.approx(
        1.0
    )  # Slicer's handles want a right-handed frame


def test_slicer_shows_the_box_where_it_is(app, image):
    box = Box([10, 20, 30], np.eye(3), [4, 6, 8])

    node = add_box(app.scene, image, box)

    bounds = [0.0] * 6
    node.GetRASBounds(bounds)
    assert np.allclose(bounds, [8, 12, 17, 23, 26, 34])


def test_a_box_that_the_user_moved_and_stretched_is_read_as_it_is(app, image):
    node = add_box(app.scene, image, Box([10, 20, 30], np.eye(3), [4, 6, 8]))

    node.SetCenterWorld(1, 2, 3)
    node.SetSizeWorld(10, 12, 14)

    moved = box_of(node)
    assert np.allclose(moved.center_mm, [1, 2, 3])
    assert np.allclose(moved.size_mm, [10, 12, 14])


def test_a_transform_over_the_box_counts(app, image):
    import vtk

    node = add_box(app.scene, image, Box([10, 20, 30], np.eye(3), [4, 6, 8]))
    transform = app.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 0, 2.0)
    matrix.SetElement(2, 3, 5.0)
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())

    assert np.allclose(box_of(node).center_mm, [20, 20, 35])
    assert np.allclose(box_of(node).size_mm, [8, 6, 8])


def test_another_box_takes_its_place(app, image):
    node = add_box(app.scene, image, Box([10, 20, 30], np.eye(3), [4, 6, 8]))
    other = Box.of_grid(GRIDS["oblique"])

    set_box(node, other)

    assert np.allclose(corners(box_of(node)), corners(other), atol=1e-5)


def test_a_box_that_is_not_drawn_yet_is_refused(app):
    node = app.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")

    with pytest.raises(InputError, match="'R' is not placed yet"):
        box_of(node)


def test_a_name_with_a_percent_sign_is_a_name(app, image):
    """Slicer takes the name of a list for a part of its format, and crashes at "%s"."""
    image.SetName("T2w 50%s %n")

    node = add_box(app.scene, image, Box([10, 20, 30], np.eye(3), [4, 6, 8]))

    assert box_of(node).size_mm.tolist() == [4, 6, 8]
