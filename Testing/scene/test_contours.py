"""The contours in real slice views: where the soft mask crosses the threshold, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from scene.desk import Desk
from scene.examples import GRIDS, cord_in
from SoftCordSegLib.scene.contours import AT_THRESHOLD, FIXED, contours_of, show_contours
from SoftCordSegLib.scene.render import SliceView
from SoftCordSegLib.scene.scene_files import load_scene, save_scene
from SoftCordSegLib.scene.study import repair, set_segmentation, study_of
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of
from SoftCordSegLib.volume import Grid, Volume

SIZE = (400, 400)
GREY = 120
RADIUS, EDGE = 7.0, 6.0  # soft = 0.5 - (r - RADIUS) / EDGE
WIDTH_MM = 24.0


@pytest.fixture(params=["isotropic", "oblique left-handed anisotropic", "oblique"])
def cord(drawing_app, request):
    """An evenly grey image, so that what is not grey is ours; its study, and the cord's middle."""
    affine = GRIDS[request.param].affine
    if "anisotropic" in request.param:
        affine = affine @ np.diag([1, 0.25, 1, 1])  # 1 mm slices
    grid = Grid((40, 40, 40), affine)
    return grey_study(drawing_app, grid, cord_in(grid, RADIUS, EDGE))


def grey_study(app, grid: Grid, mask: Volume):
    image = add_volume(app.scene, Volume(np.full(grid.shape, GREY, np.int16), grid.affine), "grey")
    image.GetDisplayNode().AutoWindowLevelOff()
    image.GetDisplayNode().SetWindowLevelMinMax(0, 255)
    return app, set_segmentation(image, mask), grid.to_world((np.array(grid.shape) - 1) / 2)


def window_on(app, study, middle: np.ndarray, orientation: str) -> SliceView:
    window = SliceView(app, orientation, SIZE)
    window.show(study.image)
    window.jump_to(middle)
    window.zoom(WIDTH_MM)
    return window


def off_axis(window: SliceView, middle: np.ndarray) -> np.ndarray:
    """For each pixel: mm from the middle of the cord, (rows, columns, 3), RAS."""
    import vtk

    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(window.node.GetXYToRAS())
    xy_to_ras = np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    # What is drawn at (x, y) is in the middle of the pixel that begins there.
    xy = np.stack([columns + 0.5, SIZE[1] - 0.5 - rows, 0 * rows, 0 * rows + 1], axis=-1)
    return (xy @ xy_to_ras.T)[..., :3] - middle


def is_grey(picture: np.ndarray) -> np.ndarray:
    return np.ptp(picture.astype(int), axis=-1) <= 3


@pytest.mark.parametrize("orientation", ["Axial", "Sagittal", "Coronal"])
def test_the_contour_lies_on_the_true_surface(cord, orientation):
    app, study, middle = cord
    show_contours(study.view, fixed=False)
    tolerance = 0.1 * min(study.image.GetSpacing())
    with window_on(app, study, middle, orientation) as window:
        offset = off_axis(window, middle)
        radius = np.hypot(offset[..., 0], offset[..., 1])
        for threshold in (0.2, 0.5, 0.8):
            study.view.update(threshold)
            line = ~is_grey(window.render()) & (np.abs(offset[..., 2]) < 5.0)
            # Means of short pieces of the line, which is three pixels thick.
            if orientation == "Axial":
                piece = np.round(np.arctan2(offset[..., 1], offset[..., 0]) * 6)
            else:
                side = np.sign(offset[..., 0 if orientation == "Coronal" else 1])
                piece = np.round(offset[..., 2]) * 2 + side
            pieces = np.unique(piece[line])
            assert len(pieces) >= 12
            expected = RADIUS + EDGE * (0.5 - threshold)
            for one in pieces:
                found = radius[line & (piece == one)].mean()
                assert found == pytest.approx(expected, abs=tolerance), (threshold, one)


def test_nothing_lies_over_the_anatomy(cord):
    app, study, middle = cord
    with window_on(app, study, middle, "Axial") as window:
        offset = off_axis(window, middle)
        radius = np.hypot(offset[..., 0], offset[..., 1])
        picture = window.render()
    from_a_line = np.min(
        [np.abs(radius - RADIUS - EDGE * (0.5 - t)) for t in (0.25, 0.5, 0.75)], axis=0
    )

    assert is_grey(picture)[from_a_line > 0.25].all()
    assert (np.abs(picture[from_a_line > 0.25].astype(int) - GREY) <= 3).all()
    thick = ~is_grey(picture) & (np.abs(radius - RADIUS) < 0.3)
    thin = ~is_grey(picture) & (np.abs(radius - RADIUS) > 1.0)
    assert thick.sum() / (2 * np.pi * RADIUS) > 1.5 * thin.sum() / (4 * np.pi * RADIUS)


def test_the_slider_computes_the_contour_at_the_threshold_alone(cord):
    _, study, _ = cord
    contours = contours_of(study.soft)
    before = {level: model.GetPolyData() for level, model in contours.items()}

    study.view.update(0.3)

    assert contours[AT_THRESHOLD].GetPolyData() is not before[AT_THRESHOLD]
    for level in FIXED:
        assert contours[level].GetPolyData() is before[level]
    study.view.update(0.25)
    quarter, same = (contours[level].GetPolyData() for level in ("0.25", AT_THRESHOLD))
    assert quarter.GetNumberOfPoints() == same.GetNumberOfPoints()
    assert quarter.GetBounds() == same.GetBounds()


def test_contours_follow_strokes_and_undo(drawing_app):
    desk = Desk(drawing_app, GRIDS["isotropic"])

    def bounds():
        return [model.GetPolyData().GetBounds() for model in contours_of(desk.study.soft).values()]

    before = bounds()
    desk.editor.paint(desk.corner())
    assert all(now[0] < then[0] for now, then in zip(bounds(), before))
    desk.editor.undo()
    assert bounds() == before


def test_a_cord_that_leaves_the_image_is_closed_at_its_edge_whatever_the_threshold(drawing_app):
    from vtk.util.numpy_support import vtk_to_numpy

    from scene.test_threshold_view import number_of_open_edges

    grid = Grid((32, 32, 12), GRIDS["isotropic"].affine)
    _, study, _ = grey_study(drawing_app, grid, cord_in(grid, RADIUS, EDGE))
    edges = [grid.to_world(np.array([0, 0, k]))[2] for k in (-0.5, 11.5)]
    for threshold in (0.1, 0.5, 0.9):
        study.view.update(threshold)
        surface = contours_of(study.soft)[AT_THRESHOLD].GetPolyData()
        assert surface.GetBounds()[4:] == pytest.approx(edges, abs=1e-4)
        assert number_of_open_edges(surface) == 0
        points = vtk_to_numpy(surface.GetPoints().GetData()).astype(float)
        points -= grid.to_world((np.array(grid.shape) - 1) / 2)
        side = np.abs(points[:, 2]) < 5.0
        radius = np.hypot(points[side, 0], points[side, 1])
        assert radius == pytest.approx(RADIUS + EDGE * (0.5 - threshold), abs=0.1)


def test_what_the_user_deleted_is_made_again_and_a_deleted_mask_takes_all_along(app):
    from SoftCordSegLib.scene.edit_display import remove_orphans

    grid = GRIDS["isotropic"]
    image = add_volume(app.scene, cord_in(grid), "T2w")
    study = set_segmentation(image, cord_in(grid))
    contours = contours_of(study.soft)
    app.scene.RemoveNode(contours["0.25"])
    app.scene.RemoveNode(contours[AT_THRESHOLD].GetDisplayNode())
    study.view.update(0.4)

    repair(study_of(image))
    again = contours_of(study.soft)
    assert list(again) == [AT_THRESHOLD, *FIXED]
    for model in again.values():
        assert model.GetDisplayNode().GetVisibility2D()
        assert model.GetPolyData().GetNumberOfPoints() > 0

    app.scene.RemoveNode(study.soft)
    remove_orphans(app.scene)
    assert app.scene.GetNumberOfNodesByClass("vtkMRMLModelNode") == 0


def test_contours_are_saved_with_the_scene_and_stay_hidden_from_selectors(app, tmp_path):
    grid = GRIDS["isotropic"]
    image = add_volume(app.scene, cord_in(grid), "T2w")
    study = set_segmentation(image, cord_in(grid), threshold=0.3)
    points = [model.GetPolyData().GetNumberOfPoints() for model in study.contours]
    save_scene(app.scene, tmp_path / "study.mrb")
    load_scene(app.scene, tmp_path / "study.mrb")

    study = study_of(app.scene.GetFirstNodeByName("T2w"))
    assert [model.GetPolyData().GetNumberOfPoints() for model in study.contours] == points
    assert all(model.GetHideFromEditors() for model in study.contours)
    array_of(study.soft)[...] = 0
    study.soft.GetImageData().GetPointData().GetScalars().Modified()
    study.view.update()
    assert all(model.GetPolyData().GetNumberOfPoints() == 0 for model in study.contours)


def test_contours_come_back_with_the_segment_whoever_hid_them(app):
    from SoftCordSegLib.scene.on_screen import show_only

    grid = GRIDS["isotropic"]
    images = [add_volume(app.scene, cord_in(grid), name) for name in ("T1w", "T2w")]
    studies = [set_segmentation(image, cord_in(grid)) for image in images]

    def shown() -> list[bool]:
        return [
            all(model.GetDisplayNode().GetVisibility() for model in study.contours)
            for study in studies
        ]

    show_only(app.scene, images[:1])
    assert shown() == [True, False]
    studies[0].view.node.GetDisplayNode().SetVisibility(False)  # the eye, by the user
    show_contours(studies[0].view)
    show_only(app.scene, images)
    assert shown() == [False, True]
    studies[0].view.node.GetDisplayNode().SetVisibility(True)
    show_only(app.scene, images)
    assert shown() == [True, True]
