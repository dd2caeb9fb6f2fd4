"""What a radiologist would see: pixels of real slice views and of the 3D view."""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, cord_in
from scene.pixels import pixel_of
from SoftCordSegLib.scene.contours import show_contours
from SoftCordSegLib.scene.render import (
    ORIENTATIONS,
    SliceView,
    ThreeDView,
    png_bytes,
    set_window_level,
)
from SoftCordSegLib.scene.soft_mask_node import add_soft_mask
from SoftCordSegLib.scene.threshold_view import add_threshold_view
from SoftCordSegLib.scene.volume_nodes import add_volume
from SoftCordSegLib.volume import Grid, Volume

SIZE = (200, 200)
GREY = 120


@pytest.fixture(params=["isotropic", "left-handed", "oblique"])
def scene(drawing_app, request):
    """An evenly grey image, so that every colour in a picture is ours; a soft cord and its segment
    at 0.5.
    """
    grid = Grid((40, 40, 40), GRIDS[request.param].affine)
    grey = np.full(grid.shape, GREY, np.int16)
    image = add_volume(drawing_app.scene, Volume(grey, grid.affine), "grey")
    image.GetDisplayNode().AutoWindowLevelOff()
    image.GetDisplayNode().SetWindowLevelMinMax(0, 255)
    soft = add_soft_mask(drawing_app.scene, image, cord_in(grid, radius_mm=5.0, edge_mm=6.0))
    view = add_threshold_view(drawing_app.scene, soft, 0.5)
    return drawing_app, image, soft, view, grid.to_world((np.array(grid.shape) - 1) / 2)


def is_grey(picture: np.ndarray) -> np.ndarray:
    return np.ptp(picture.astype(int), axis=-1) <= 3


def test_the_position_jumped_to_is_in_the_middle_of_the_picture(scene):
    app, image, _, _, middle = scene
    aside = middle + [4.0, -3.0, 5.0]
    for orientation in ORIENTATIONS:
        with SliceView(app, orientation, SIZE) as window:
            window.show(image)
            window.jump_to(aside)
            assert pixel_of(window, aside) == pytest.approx((SIZE[1] / 2, SIZE[0] / 2), abs=1.5)
            assert pixel_of(window, middle) != pytest.approx((SIZE[1] / 2, SIZE[0] / 2), abs=3)


def test_jumping_shows_the_slice_through_the_position(scene):
    app, image, _, _, middle = scene
    for orientation, away in (
        ("Sagittal", [12.0, 0, 0]),
        ("Coronal", [0, 12.0, 0]),
        ("Axial", [0, 0, 13.0]),
    ):
        with SliceView(app, orientation, SIZE) as window:
            window.show(image)
            window.jump_to(middle)
            window.zoom(16.0)
            assert not is_grey(window.render()).all(), "the cord's contours"
            window.jump_to(middle + away)
            assert is_grey(window.render()).all()


def test_the_3d_view_shows_the_surface_in_the_colour_of_the_mask(scene):
    app, _, _, view, _ = scene
    with ThreeDView(app, SIZE, background=(0, 0, 1)) as window:
        window.look_from("A")
        nothing = window.render()
        assert (nothing == (0, 0, 255)).all()

        show_contours(view, in_3d=True)
        window.look_from("A")
        picture = window.render()
        view.update(0.9)
        thinner = window.render()

    assert (~(thinner == (0, 0, 255)).all(axis=-1)).sum() < 0.8 * (
        ~(picture == (0, 0, 255)).all(axis=-1)
    ).sum()
    cord = ~(picture == (0, 0, 255)).all(axis=-1)
    rows, columns = np.argwhere(cord).T
    assert cord.sum() > 2000
    assert np.ptp(rows) > np.ptp(columns)  # upright: the head is up
    red, green, blue = picture[cord].mean(axis=0)
    assert red > 100
    assert green > 80
    assert blue < 0.6 * green


def test_closing_a_view_takes_its_nodes_out_of_the_scene(scene):
    app, image, soft, _, _ = scene
    before = {app.scene.GetNthNode(n).GetID() for n in range(app.scene.GetNumberOfNodes())}

    with SliceView(app, "Axial", SIZE) as window:
        window.show(image)
        window.render()

    assert {app.scene.GetNthNode(n).GetID() for n in range(app.scene.GetNumberOfNodes())} == before


def test_window_and_level_are_not_ruled_by_a_few_bright_voxels(app):
    rng = np.random.default_rng(0)
    data = rng.integers(100, 200, (30, 30, 30)).astype(np.int16)
    data[0, 0, :10] = 30000
    node = add_volume(app.scene, Volume(data, np.eye(4)), "bright")

    set_window_level(node)

    display = node.GetDisplayNode()
    assert display.GetWindowLevelMin() == pytest.approx(100, abs=3)
    assert display.GetWindowLevelMax() == pytest.approx(199, abs=3)


def test_a_picture_is_written_as_it_is(app, tmp_path):
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    picture = np.random.default_rng(1).integers(0, 255, (20, 30, 3)).astype(np.uint8)

    (tmp_path / "picture.png").write_bytes(png_bytes(picture))

    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(tmp_path / "picture.png"))
    reader.Update()
    read = vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()).reshape(20, 30, 3)[::-1]
    assert np.array_equal(read, picture)
