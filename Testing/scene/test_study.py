"""What belongs to one image is made, renewed and found again together, and other images are left
alone.
"""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, cord_in, image_in, results_of
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import DiscLabel, aggregate, measure
from SoftCordSegLib.scene.box_node import box_of
from SoftCordSegLib.scene.disc_points import discs_of
from SoftCordSegLib.scene.measure_tables import AREA
from SoftCordSegLib.scene.study import (
    set_disc_labels,
    set_segmentation,
    set_slice_measures,
    set_summary,
    study_of,
)
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of
from SoftCordSegLib.volume import Box

GRID = GRIDS["isotropic"]
DISCS = [DiscLabel(3, (1.0, -21.0, 66.0)), DiscLabel(4, (1.5, -20.25, 60.0))]


@pytest.fixture
def image(app):
    return add_volume(app.scene, image_in(GRID), "T2w")


def whole_study(image, radius_mm: float = 5.0):
    mask = cord_in(GRID, radius_mm)
    set_segmentation(image, mask, Box.of_grid(GRID))
    set_disc_labels(image, DISCS)
    shape = measure(mask)
    return set_summary(set_slice_measures(study_of(image), shape), shape, aggregate(shape))


def ids(study) -> list[str]:
    return [node.GetID() for node in study.results]


def test_a_study_is_found_again_with_all_its_nodes(app, image):
    study = whole_study(image)

    found = study_of(image)

    assert len(ids(study)) == 9
    assert ids(found) == ids(study)
    assert discs_of(found.discs) == DISCS


def test_all_results_lie_under_the_image(app, image):
    study = whole_study(image)

    assert sorted(node.GetID() for node in results_of(image)) == sorted(ids(study))


def test_a_second_run_renews_the_same_nodes(app, image):
    first = whole_study(image)
    first.view.update(0.3)
    count = app.scene.GetNumberOfNodes()

    second = whole_study(image, radius_mm=3.0)

    assert ids(second) == ids(first)
    assert app.scene.GetNumberOfNodes() == count
    assert np.array_equal(array_of(second.soft), cord_in(GRID, 3.0).data)
    assert second.view.threshold == 0.3
    table = second.slice_table.GetTable().GetColumnByName(AREA)
    assert table.GetValue(10) == measure(cord_in(GRID, 3.0)).columns["area"][::-1][10]


def test_a_run_on_another_image_touches_nothing_of_the_first(app, image):
    first = whole_study(image)
    before = array_of(first.soft).copy()
    other = add_volume(app.scene, image_in(GRID), "T1w")

    second = whole_study(other, radius_mm=3.0)

    assert not set(ids(first)) & set(ids(second))
    assert np.array_equal(array_of(first.soft), before)
    assert np.allclose(box_of(first.box).center_mm, box_of(second.box).center_mm)


def test_what_the_user_deleted_is_made_anew(app, image):
    first = whole_study(image)
    for node in (first.view.node, first.box, first.slice_table, first.summary_table):
        app.scene.RemoveNode(node)
    assert (study_of(image).view, study_of(image).box, study_of(image).slice_table) == (
        None,
        None,
        None,
    )

    assert len(ids(whole_study(image))) >= 9


def test_a_deleted_soft_mask_starts_a_new_study(app, image):
    app.scene.RemoveNode(whole_study(image).soft)

    assert study_of(image).view is None
    assert study_of(image).discs is not None
    assert np.array_equal(array_of(whole_study(image).soft), cord_in(GRID).data)


def test_a_mask_that_does_not_fit_leaves_the_scene_as_it_was(app, image):
    count = app.scene.GetNumberOfNodes()

    with pytest.raises(InputError, match="do not coincide"):
        set_segmentation(image, cord_in(GRIDS["anisotropic"]))

    assert app.scene.GetNumberOfNodes() == count


def test_every_mask_has_a_colour_of_its_own_that_stays_with_it(app, image, tmp_path):
    from SoftCordSegLib.colours import MASKS, rgb
    from SoftCordSegLib.scene.contours import colour_of
    from SoftCordSegLib.scene.scene_files import load_scene, save_scene

    other = add_volume(app.scene, image_in(GRID), "T1w")
    assert colour_of(study_of(image)) == MASKS[0], "what its mask would get"
    first, second = (set_segmentation(node, cord_in(GRID)) for node in (image, other))
    assert [colour_of(study) for study in (first, second)] == list(MASKS[:2])
    assert second.view.segment.GetColor() == pytest.approx(rgb(MASKS[1]))

    app.scene.RemoveNode(second.view.node)
    assert colour_of(study_of(other)) == MASKS[1]
    app.scene.RemoveNode(first.soft)
    third = set_segmentation(image, cord_in(GRID))
    assert colour_of(third) == MASKS[0], "free again"

    third.view.segment.SetColor(0.0, 0.2, 1.0)  # by the user
    save_scene(app.scene, tmp_path / "study.mrb")
    load_scene(app.scene, tmp_path / "study.mrb")
    assert colour_of(study_of(app.scene.GetFirstNodeByName("T2w"))) == "#0033ff"
    assert colour_of(study_of(app.scene.GetFirstNodeByName("T1w"))) == MASKS[1]
