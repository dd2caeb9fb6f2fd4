"""Disc labels and points in the views are the same thing."""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, image_in
from scene.pixels import pixel_of
from SoftCordSegLib.colours import DISC, rgb
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import DiscLabel, parse_disc
from SoftCordSegLib.scene.disc_names import name_next_disc
from SoftCordSegLib.scene.disc_points import (
    add_discs,
    disc_lists_of,
    discs_of,
    next_disc_value,
    set_discs,
    show_discs_beside_axial,
)
from SoftCordSegLib.scene.render import SliceView
from SoftCordSegLib.scene.volume_nodes import add_volume
from SoftCordSegLib.volume import Volume

DISCS = [
    DiscLabel(4, (1.5, -20.25, 40.0)),
    DiscLabel(3, (1.0, -21.0, 56.125)),
    DiscLabel(50, (0.0, -8.0, 99.0)),
]


@pytest.fixture
def image(app):
    return add_volume(app.scene, image_in(GRIDS["isotropic"]), "T2w")


def point_at(node, index: int) -> tuple[float, float, float]:
    position = [0.0, 0.0, 0.0]
    node.GetNthControlPointPositionWorld(index, position)
    return tuple(position)


def test_discs_become_named_points_from_above_to_below(app, image):
    node = add_discs(app.scene, image, DISCS)

    assert [node.GetNthControlPointLabel(n) for n in range(3)] == ["PMJ", "C2/C3", "C3/C4"]
    assert point_at(node, 1) == (1.0, -21.0, 56.125)
    assert disc_lists_of(image) == [node]


def test_points_become_the_discs_they_were(app, image):
    node = add_discs(app.scene, image, DISCS)

    assert set(discs_of(node)) == set(DISCS)


def test_new_discs_replace_the_old(app, image):
    node = add_discs(app.scene, image, DISCS)

    set_discs(node, DISCS[:1])

    assert discs_of(node) == DISCS[:1]


@pytest.mark.parametrize("name", ["C2-C3", "3", "c2/c3", "disc 3"])
def test_a_name_typed_by_the_user_is_understood(app, image, name):
    node = add_discs(app.scene, image, DISCS[1:2])
    node.SetNthControlPointLabel(0, name)

    assert discs_of(node) == DISCS[1:2]


def test_a_transform_over_the_points_counts(app, image):
    import vtk

    node = add_discs(app.scene, image, DISCS[1:2])
    transform = app.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 10.0)
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())

    assert np.allclose(discs_of(node)[0].position_mm, (1.0, -21.0, 66.125))
    set_discs(node, DISCS[1:2])
    assert np.allclose(discs_of(node)[0].position_mm, (1.0, -21.0, 56.125))


def test_a_name_that_is_no_disc_is_refused_and_the_list_named(app, image):
    node = add_discs(app.scene, image, DISCS)
    node.SetNthControlPointLabel(1, "F-1")

    with pytest.raises(InputError, match="In the point list 'T2w discs': 'F-1' is not a disc"):
        discs_of(node)


def test_a_disc_marked_twice_is_refused(app, image):
    node = add_discs(app.scene, image, DISCS)
    node.SetNthControlPointLabel(1, "C3/C4")

    with pytest.raises(InputError, match="C3/C4 .* twice"):
        discs_of(node)


def test_a_point_that_is_still_being_placed_does_not_count(app, image):
    import vtk

    node = add_discs(app.scene, image, DISCS)
    node.AddControlPoint(vtk.vtkVector3d(0, 0, 0), "T2w discs-4")
    node.SetNthControlPointPosition(3, 5.0, 6.0, 7.0, node.PositionPreview)  # it follows the mouse

    assert set(discs_of(node)) == set(DISCS)

    node.UnsetNthControlPointPosition(3)

    assert set(discs_of(node)) == set(DISCS)


def test_the_next_disc_is_the_one_below_the_lowest(app, image):
    node = add_discs(app.scene, image)
    assert next_disc_value(node) == 3

    set_discs(node, DISCS)
    assert next_disc_value(node) == 5

    node.SetNthControlPointLabel(2, "oops")
    assert next_disc_value(node) == 4


def test_discs_are_seen_from_every_sagittal_slice_and_in_no_axial_one(drawing_app):
    app, grid = drawing_app, GRIDS["isotropic"]
    flat = Volume(np.full(grid.shape, 100, np.int16), grid.affine)
    image = add_volume(app.scene, flat, "T2w")
    at = grid.to_world(np.array([12.0, 10.0, 15.0]))
    node = add_discs(app.scene, image, [DiscLabel(3, tuple(at))])
    with SliceView(app, "Sagittal", (200, 200)) as side, SliceView(app, "Axial", (200, 200)) as top:
        show_discs_beside_axial(node)
        for view in (side, top):
            view.show(image)
            view.jump_to(at)
        assert not is_disc(top.render()).any()
        side.jump_to(at + [8.0, 0.0, 0.0])
        row, column = (round(one) for one in pixel_of(side, at))
        drawn = is_disc(side.render())
        assert drawn[row - 2 : row + 3, column - 2 : column + 3].any()
        assert drawn[:, column + 5 :].sum() > 20  # the name beside it

        top.node.SetOrientation("Sagittal")
        show_discs_beside_axial(node)
        top.jump_to(at + [8.0, 0.0, 0.0])
        assert is_disc(top.render()).any()


def is_disc(picture: np.ndarray) -> np.ndarray:
    return np.abs(picture / 255.0 - rgb(DISC)).max(axis=-1) < 0.25


def test_points_that_nobody_named_take_nothing_from_the_name_of_the_image(app, image):
    """Slicer takes the name of a list for a part of its format, and crashes at "%s"."""
    import vtk

    image.SetName("T2w 50%s %n")
    node = add_discs(app.scene, image, DISCS)
    for further in ("Slicer's own", None):
        if further is None:
            name_next_disc(node, None)
        n = node.AddControlPointWorld(vtk.vtkVector3d(0, 0, 0))
        with pytest.raises(InputError):
            parse_disc(node.GetNthControlPointLabel(n))
