"""Views brought to the cord, and an axial view that follows it: positions in pixels and millimetres
on real slice nodes.
"""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, cord_in
from SoftCordSegLib.scene.cord_line import CordLine, cord_line_of
from SoftCordSegLib.scene.study import set_segmentation
from SoftCordSegLib.scene.view_placement import (
    Follower,
    bring_views_to_cord,
    jump_view,
    pixel_of_view,
    plane_of,
    set_window_around,
)
from SoftCordSegLib.scene.volume_nodes import add_volume
from SoftCordSegLib.volume import Volume

SIZES = {"Red": (300, 200), "Yellow": (200, 400), "Green": (200, 400)}
NAMES = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}


@pytest.fixture
def nodes(app) -> dict:
    """Slicer's three slice nodes, by orientation."""
    made = {}
    for name, orientation in NAMES.items():
        node = app.scene.CreateNodeByClass("vtkMRMLSliceNode")
        node.UnRegister(None)
        node.SetName(name)
        node.SetLayoutName(name)
        node.SetSingletonTag(name)
        node = app.scene.AddNode(node)
        node.SetOrientation(orientation)
        node.SetDimensions(*SIZES[name], 1)
        made[orientation] = node
    return made


@pytest.fixture
def leaning() -> CordLine:
    """A cord that leans forwards and bends to the side."""
    height = np.linspace(-60, 60, 61)
    points = np.column_stack([0.002 * height**2, 0.3 * height, height])
    slopes = np.column_stack([0.004 * height, np.full(61, 0.3), np.ones(61)])
    return CordLine(points, slopes / np.linalg.norm(slopes, axis=1, keepdims=True))


def middle_of(node) -> np.ndarray:
    return np.array(node.GetDimensions()[:2]) / 2


def scroll(node, step_mm: float) -> None:
    """As Slicer's slider does."""
    node.SetSliceOffset(node.GetSliceOffset() + step_mm)


@pytest.mark.parametrize("name", ["isotropic", "oblique left-handed anisotropic"])
def test_after_a_segmentation_the_views_go_through_the_middle_of_the_cord(app, nodes, name):
    grid = GRIDS[name]
    image = add_volume(app.scene, Volume(np.zeros(grid.shape, np.int16), grid.affine), "neck")
    study = set_segmentation(image, cord_in(grid))
    line = cord_line_of(study.soft)

    bring_views_to_cord(nodes, line, image)

    truth = grid.to_world((np.array(grid.shape) - 1) / 2)
    for node in nodes.values():
        origin, normal = plane_of(node)
        assert abs((truth - origin) @ normal) < 1.0
        assert np.abs(pixel_of_view(node, line.middle) - middle_of(node)).max() < 0.01
    assert nodes["Axial"].GetFieldOfView()[0] == pytest.approx(50.0)
    for name in ("Sagittal", "Coronal"):
        below, above = (pixel_of_view(nodes[name], line.points[n])[1] for n in (0, -1))
        assert 0 < below < above < SIZES["Yellow"][1]


def test_while_one_scrolls_the_cord_stays_in_the_middle_and_the_zoom_stays(nodes, leaning):
    node, follower = nodes["Axial"], Follower()
    bring_views_to_cord(nodes, leaning, _flat_image(nodes))
    node.SetFieldOfView(80.0, 80.0 * 200 / 300, 1.0)
    follower.follow(node, leaning)
    for step in (5.0, 12.5, -30.0):
        offset = node.GetSliceOffset() + step
        scroll(node, step)
        assert follower.follow(node, leaning)
        assert node.GetSliceOffset() == pytest.approx(offset)
        assert pixel_of_view(node, leaning.at_height(offset)) == pytest.approx(middle_of(node))
        assert node.GetFieldOfView()[0] == 80.0
        assert node.GetOrientation() == "Axial"
        assert not follower.follow(node, leaning)


def test_nothing_is_moved_before_the_user_scrolls(nodes, leaning):
    node, follower = nodes["Axial"], Follower()
    node.JumpSliceByCentering(40.0, -10.0, 20.0)
    follower.follow(node, leaning)
    assert plane_of(node)[0] == pytest.approx([40.0, -10.0, 20.0])

    node.SetXYZOrigin(30.0, 5.0, 0.0)  # panned
    assert not follower.follow(node, leaning)
    assert node.GetXYZOrigin() == (30.0, 5.0, 0.0)


def test_slices_at_right_angles_to_the_cord_and_back(nodes, leaning):
    node, follower = nodes["Axial"], Follower()
    node.JumpSliceByCentering(0.0, 0.0, 0.0)
    follower.square = True
    follower.centre(node, leaning)
    heights = []
    for _ in range(8):
        scroll(node, 5.0)
        follower.follow(node, leaning)
        origin, normal = plane_of(node)
        point, tangent, within = leaning.crossing(origin, normal)
        assert within
        assert abs(normal @ tangent) > 1 - 1e-9
        assert pixel_of_view(node, point) == pytest.approx(middle_of(node))
        # The patient's left stays on the right of the picture, and the front above.
        assert pixel_of_view(node, point - [10, 0, 0])[0] > middle_of(node)[0] + 5
        assert pixel_of_view(node, point + [0, 10, 0])[1] > middle_of(node)[1] + 5
        heights.append(point[2])
    assert np.diff(heights) == pytest.approx(5.0, rel=0.1)

    before = plane_of(node)[0]
    follower.square = False
    follower.centre(node, leaning)
    assert node.GetOrientation() == "Axial"
    assert plane_of(node)[0][2] == pytest.approx(before[2], abs=1e-6)


@pytest.mark.parametrize("square", [False, True])
def test_beyond_the_end_of_the_cord_the_way_goes_straight_on(nodes, leaning, square):
    node, follower = nodes["Axial"], Follower()
    follower.square = square
    node.JumpSliceByCentering(*leaning.points[-1])
    follower.centre(node, leaning)
    for _ in range(4):
        before = plane_of(node)[0]
        scroll(node, 10.0)
        follower.follow(node, leaning)
        step = plane_of(node)[0] - before
        assert np.linalg.norm(step) == pytest.approx(10.0, rel=0.01)
        assert step / np.linalg.norm(step) == pytest.approx(
            leaning.tangents[-1] if square else [0, 0, 1], abs=0.01
        )


def test_a_jump_pans_only_where_the_position_would_be_out_of_view(nodes):
    node = nodes["Sagittal"]
    node.SetFieldOfView(50.0, 100.0, 1.0)
    node.JumpSliceByCentering(0.0, 0.0, 0.0)
    jump_view(node, (7.0, 10.0, 30.0))
    assert plane_of(node)[0] == pytest.approx([7.0, 0.0, 0.0])
    jump_view(node, (7.0, 10.0, 80.0))
    assert pixel_of_view(node, (7.0, 10.0, 80.0)) == pytest.approx(middle_of(node))


def test_window_and_level_are_those_around_the_cord_unless_the_user_set_them(app):
    grid = GRIDS["isotropic"]
    cord = cord_in(grid)
    data = (100 + 300 * cord.data).astype(np.int16)
    image = add_volume(app.scene, Volume(data, grid.affine), "neck")
    study = set_segmentation(image, cord)
    display = image.GetDisplayNode()

    assert set_window_around(image, study.soft)
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx(
        tuple(np.percentile(data, [1, 99]))
    )
    assert set_window_around(image, study.soft)  # ours may be set again

    display.SetWindowLevelMinMax(20.0, 90.0)
    assert not set_window_around(image, study.soft)
    assert display.GetWindowLevelMin() == 20.0


def _flat_image(nodes):
    """An image that is high enough not to limit what is shown."""
    scene = nodes["Axial"].GetScene()
    affine = np.diag([1.0, 1.0, 10.0, 1.0])
    affine[:3, 3] = (-2, -2, -150)
    return add_volume(scene, Volume(np.zeros((4, 4, 31), np.int16), affine), "high")
