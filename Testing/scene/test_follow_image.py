"""An image that is moved takes its results along; one with other voxels gets new ones."""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, cord_in, image_in
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import DiscLabel
from SoftCordSegLib.scene.box_node import box_of
from SoftCordSegLib.scene.disc_points import discs_of
from SoftCordSegLib.scene.edit_nodes import start_correction
from SoftCordSegLib.scene.follow_image import follow_image, geometry_change
from SoftCordSegLib.scene.soft_edits import SoftEdits
from SoftCordSegLib.scene.study import set_disc_labels, set_segmentation, study_of
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of, grid_of, volume_of
from SoftCordSegLib.volume import Box

GRID = GRIDS["oblique"]
TURN = np.array([[0.0, -1, 0, 30], [1, 0, 0, -5], [0, 0, 1, 12], [0, 0, 0, 1]])
DISCS = [DiscLabel(3, (15.0, -20.0, 70.0)), DiscLabel(4, (15.5, -20.0, 60.0))]


@pytest.fixture
def study(app):
    image = add_volume(app.scene, image_in(GRID), "T2w")
    set_segmentation(image, cord_in(GRID), Box.of_grid(GRID))
    study = set_disc_labels(image, DISCS)
    edits = SoftEdits(study.view)
    start_correction(study.soft)  # so that there are hidden volumes
    edits.show(True)
    return study_of(image)


def transform(app, matrix=TURN):
    import vtk

    node = app.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    values = vtk.vtkMatrix4x4()
    values.DeepCopy(np.asarray(matrix, float).ravel())
    node.SetMatrixTransformToParent(values)
    return node


def check_moved(image, matrix) -> None:
    """Everything is where the image is."""
    study = study_of(image)
    assert grid_of(study.soft).same_as(grid_of(image))
    for result in (*study.results, *study.contours):
        if result.IsA("vtkMRMLTransformableNode"):
            assert result.GetTransformNodeID() == image.GetTransformNodeID(), result.GetName()
    moved = np.array([disc.position_mm for disc in discs_of(study.discs)])
    before = np.array([[*disc.position_mm, 1] for disc in DISCS])
    assert moved == pytest.approx((before @ np.asarray(matrix).T)[:, :3])
    middle = np.array([*Box.of_grid(GRID).center_mm, 1])
    assert box_of(study.box).center_mm == pytest.approx((np.asarray(matrix) @ middle)[:3])
    bounds = np.zeros(6)
    study.contours[0].GetRASBounds(bounds)
    inside = np.argwhere(array_of(study.soft) >= 0.5)
    world = grid_of(study.soft).to_world(inside)
    assert np.abs(bounds[::2] - world.min(axis=0)).max() < 1.2
    segments = np.zeros(6)
    study.view.node.GetRASBounds(segments)
    centres = (bound.reshape(3, 2).mean(axis=1) for bound in (segments, bounds))
    assert np.abs(np.subtract(*centres)).max() < 1.5


def test_results_go_with_the_image_under_a_transform_and_back(app, study):
    image = study.image
    node = transform(app)
    image.SetAndObserveTransformNodeID(node.GetID())
    assert follow_image(image)
    assert not follow_image(image)
    check_moved(image, TURN)

    mask = volume_of(image).with_data(cord_in(GRID, 4.0).data)
    again = set_segmentation(image, mask, Box.of_grid(mask.grid))
    assert again.soft is study.soft
    check_moved(image, TURN)

    image.SetAndObserveTransformNodeID(None)
    assert follow_image(image)
    check_moved(image, np.eye(4))


def test_results_stay_when_the_transform_is_hardened(app, study):
    image = study.image
    image.SetAndObserveTransformNodeID(transform(app).GetID())
    follow_image(image)
    image.HardenTransform()

    assert follow_image(image)

    check_moved(image, TURN)
    soft = array_of(study.soft).copy()
    study.view.update(0.4)
    assert SoftEdits(study.view).follow() is None
    assert np.array_equal(array_of(study.soft), soft)


def test_points_that_an_earlier_version_placed_in_the_world_stay_there(app, study):
    image = study.image
    image.SetAndObserveTransformNodeID(transform(app).GetID())
    follow_image(image)
    study.discs.HardenTransform()  # in the world, without transform

    assert follow_image(image)
    check_moved(image, TURN)


def test_a_volume_with_other_voxels_gets_new_nodes_and_a_sentence_says_what_differs(app, study):
    import vtk

    image, former = study.image, study_of(study.image)
    matrix = vtk.vtkMatrix4x4()
    image.GetIJKToRASMatrix(matrix)
    matrix.SetElement(0, 3, matrix.GetElement(0, 3) + 3.0)
    image.SetIJKToRASMatrix(matrix)
    assert geometry_change(image, former.soft) == "one is moved by 3.00 mm"
    assert not follow_image(image)

    mask = volume_of(image).with_data(cord_in(GRID).data)
    again = set_segmentation(image, mask)

    assert again.soft is not former.soft
    assert again.view.node is not former.view.node
    assert geometry_change(image, again.soft) == ""
    assert study_of(image).soft is again.soft
    for model in former.contours:
        assert not model.GetDisplayNode().GetVisibility()
    for model in again.contours:
        assert model.GetDisplayNode().GetVisibility()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda grid: (grid.shape[0] - 1, *grid.shape[1:]), "24 x 20 x 30 and 23 x 20 x 30 voxels"),
        (np.diag([2.0, 1, 1, 1]), "voxels of 0.8 x 0.9 x 1.1 and of 1.6 x 0.9 x 1.1 mm"),
        (TURN, "one is turned by"),
    ],
)
def test_the_sentence_names_the_difference(app, change, said):
    import dataclasses

    if callable(change):
        other = dataclasses.replace(GRID, shape=change(GRID))
    elif change is TURN:
        other = dataclasses.replace(GRID, affine=TURN @ GRID.affine)
    else:
        other = dataclasses.replace(GRID, affine=GRID.affine @ change)
    image = add_volume(app.scene, image_in(GRID), "T2w")
    set_segmentation(image, cord_in(GRID))
    other_image = add_volume(app.scene, image_in(other), "other")

    with pytest.raises(InputError, match="do not coincide"):
        set_segmentation(image, cord_in(other))
    assert said in geometry_change(other_image, study_of(image).soft)
