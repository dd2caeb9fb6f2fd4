"""The three ways to draw a mask, in pixels, and what the user had in front afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, cord_in
from scene.test_contours import EDGE, GREY, RADIUS, grey_study, off_axis, window_on
from SoftCordSegLib.colours import MASKS, rgb
from SoftCordSegLib.scene.contours import contours_of
from SoftCordSegLib.scene.mask_style import Style, follow_threshold, leave_style, show_style
from SoftCordSegLib.scene.scene_files import load_scene, save_scene
from SoftCordSegLib.scene.study import study_of
from SoftCordSegLib.scene.volume_nodes import add_volume
from SoftCordSegLib.volume import Grid


@pytest.fixture
def cord(drawing_app):
    grid = Grid((40, 40, 40), GRIDS["left-handed"].affine)
    return grey_study(drawing_app, grid, cord_in(grid, RADIUS, EDGE))


def without_lines(study) -> None:
    for model in contours_of(study.soft).values():
        model.GetDisplayNode().SetVisibility2D(False)


def test_soft_adds_the_colour_by_the_value_and_nothing_where_it_is_0(cord):
    app, study, middle = cord
    with window_on(app, study, middle, "Axial") as window:
        window.zoom(40.0)
        radius = np.hypot(*np.moveaxis(off_axis(window, middle)[..., :2], -1, 0))
        show_style(study, Style.Soft, in_3d=False)
        without_lines(study)
        added = window.render().astype(int) - GREY

    assert np.abs(added[radius > RADIUS + EDGE / 2 + 1.5]).max() <= 1, "0 adds nothing"
    whole = added[radius < RADIUS - EDGE / 2 - 1.0].mean(axis=0)
    assert whole / whole[0] == pytest.approx(np.array(rgb(MASKS[0])) / rgb(MASKS[0])[0], abs=0.05)
    half = added[np.abs(radius - RADIUS) < 0.1].mean(axis=0)
    assert half[0] == pytest.approx(whole[0] / 2, rel=0.1)


def test_filled_colours_the_inside_of_the_contour_and_follows_it(cord):
    app, study, middle = cord
    with window_on(app, study, middle, "Axial") as window:
        radius = np.hypot(*np.moveaxis(off_axis(window, middle)[..., :2], -1, 0))
        show_style(study, Style.Filled, in_3d=False)
        without_lines(study)
        for threshold in (0.5, 0.3):
            study.view.update(threshold)
            follow_threshold(study, Style.Filled)
            coloured = np.ptp(window.render().astype(int), axis=-1) > 10
            edge = RADIUS + EDGE * (0.5 - threshold)
            assert coloured[radius < edge - 0.15].all()
            assert not coloured[radius > edge + 0.15].any()


def test_the_users_layers_come_back_with_contours_and_when_the_module_is_left(cord):
    app, study, _ = cord
    mine = add_volume(app.scene, cord_in(GRIDS["isotropic"]), "mine")
    ours, other = (app.scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode") for _ in range(2))
    for composite in (ours, other):
        composite.SetForegroundVolumeID(mine.GetID())
        composite.SetForegroundOpacity(0.7)
        composite.SetCompositing(composite.ReverseAlpha)
    ours.SetBackgroundVolumeID(study.image.GetID())

    def layers(composite):
        return (
            composite.GetForegroundVolumeID(),
            composite.GetForegroundOpacity(),
            composite.GetCompositing(),
        )

    before = layers(ours)
    for leave in (
        lambda: show_style(study, Style.Contours, in_3d=False),
        lambda: leave_style(app.scene),
    ):
        show_style(study, Style.Soft, in_3d=False)
        assert layers(ours) == (study.soft.GetID(), 1.0, ours.Add)
        show_style(study, Style.Filled, in_3d=False)
        assert layers(ours)[0] == study.soft.GetID()
        assert layers(other) == before, "a view of another image"
        leave()
        assert layers(ours) == before

    show_style(study, Style.Soft, in_3d=False)
    ours.SetForegroundVolumeID(mine.GetID())  # the user's own choice, meanwhile
    leave_style(app.scene)
    assert layers(ours) == (mine.GetID(), 1.0, ours.ReverseAlpha)

    show_style(study, Style.Soft, in_3d=False)
    ours.SetBackgroundVolumeID(mine.GetID())  # another image is looked at
    show_style(study, Style.Soft, in_3d=False)
    assert ours.GetForegroundVolumeID() == mine.GetID()


def test_a_scene_saved_in_style_soft_knows_what_was_in_front(cord, tmp_path):
    app, study, middle = cord
    with window_on(app, study, middle, "Axial"):
        show_style(study, Style.Soft, in_3d=False)
        save_scene(app.scene, tmp_path / "study.mrb")
    load_scene(app.scene, tmp_path / "study.mrb")

    study = study_of(app.scene.GetFirstNodeByName("grey"))
    display = study.soft.GetDisplayNode()
    assert display.GetColorNode().GetName().startswith("SoftCordSeg tint")
    with window_on(app, study, middle, "Axial") as window:
        composite = window.logic.GetSliceCompositeNode()
        show_style(study, Style.Contours, in_3d=False)
        assert composite.GetForegroundVolumeID() is None
        assert (composite.GetForegroundOpacity(), composite.GetCompositing()) == (0.0, 0)
