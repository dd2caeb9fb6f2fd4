"""The soft mask keeps its values on the image's own grid."""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, cord_in, image_in
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.scene.links import IMAGE, linked
from SoftCordSegLib.scene.soft_mask_node import (
    add_soft_mask,
    set_soft_mask,
    show_in_slice_views,
    soft_masks_of,
)
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of, grid_of, values_on, volume_of


@pytest.fixture
def image(app, grid):
    return add_volume(app.scene, image_in(grid), "T2w")


def test_the_soft_mask_has_the_grid_of_the_image_and_the_values_of_the_mask(app, image, grid):
    mask = cord_in(grid)

    node = add_soft_mask(app.scene, image, mask)

    assert grid_of(node).same_as(grid_of(image))
    assert array_of(node).dtype == np.float32
    assert np.array_equal(array_of(node), values_on(mask, grid_of(image)))
    assert linked(node, IMAGE) is image
    assert soft_masks_of(image) == [node]
    assert node.GetName() == "T2w soft cord"


def test_new_values_replace_the_old_in_place(app):
    grid = GRIDS["sagittal left-handed"]
    image = add_volume(app.scene, image_in(grid), "T2w")
    node = add_soft_mask(app.scene, image, cord_in(grid))
    scalars = node.GetImageData().GetPointData().GetScalars()

    set_soft_mask(node, cord_in(grid, radius_mm=3.0))

    assert node.GetImageData().GetPointData().GetScalars() is scalars
    assert np.array_equal(
        volume_of(node).data, values_on(cord_in(grid, radius_mm=3.0), grid_of(node))
    )


def test_the_soft_mask_moves_with_the_image(app):
    import vtk

    grid = GRIDS["isotropic"]
    image = add_volume(app.scene, image_in(grid), "T2w")
    transform = app.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, -40.0)
    transform.SetMatrixTransformToParent(matrix)
    image.SetAndObserveTransformNodeID(transform.GetID())

    node = add_soft_mask(app.scene, image, volume_of(image).with_data(cord_in(grid).data))

    assert grid_of(node).same_as(grid_of(image))


@pytest.mark.parametrize("bad", [-0.1, 1.5, np.nan])
def test_values_that_are_no_soft_mask_are_refused(app, bad):
    grid = GRIDS["isotropic"]
    image = add_volume(app.scene, image_in(grid), "T2w")
    data = cord_in(grid).data.copy()
    data[3, 4, 5] = bad

    with pytest.raises(InputError, match="outside 0 to 1"):
        add_soft_mask(app.scene, image, cord_in(grid).with_data(data))

    assert soft_masks_of(image) == []


def test_a_mask_of_another_image_is_refused(app):
    image = add_volume(app.scene, image_in(GRIDS["isotropic"]), "T2w")

    with pytest.raises(InputError, match="do not coincide"):
        add_soft_mask(app.scene, image, cord_in(GRIDS["anisotropic"]))


def test_a_mask_by_itself_is_grey_from_0_to_1(app):
    grid = GRIDS["isotropic"]
    node = add_soft_mask(app.scene, add_volume(app.scene, image_in(grid), "T2w"), cord_in(grid))

    display = node.GetDisplayNode()
    assert display.GetColorNode().GetName() == "Grey"
    assert not display.GetApplyThreshold()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, 1.0)


def test_slice_views_show_an_image(app):
    image = add_volume(app.scene, image_in(GRIDS["isotropic"]), "T2w")
    views = [app.scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode") for _ in range(3)]

    show_in_slice_views(app.scene, image)

    assert {view.GetBackgroundVolumeID() for view in views} == {image.GetID()}
