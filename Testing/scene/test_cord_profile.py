"""The profile is the table, each slice at its place; and it knows where the mask is broken off."""

from __future__ import annotations

import numpy as np
import pytest

from scene.examples import GRIDS, cord_in, image_in
from SoftCordSegLib.correction import bounding_box
from SoftCordSegLib.morphometry import measure
from SoftCordSegLib.scene.cord_profile import (
    ProfileReader,
    same_participant,
    studies_of_participant,
)
from SoftCordSegLib.scene.edit_nodes import start_correction
from SoftCordSegLib.scene.measure_tables import (
    AREA,
    LEVEL,
    SLICE,
    add_slice_table,
    set_slice_table,
    table_column,
)
from SoftCordSegLib.scene.study import Study, set_segmentation, study_of
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of, grid_of, voxels_changed
from SoftCordSegLib.volume import Grid, Volume

GRID = GRIDS["isotropic"]
TALL = Grid((20, 20, 60), np.diag([1.0, 1.0, 1.0, 1.0]))


def measured(app, mask: Volume, name: str = "sub-01_T2w") -> Study:
    """The study of a mask, with its slice table."""
    image = add_volume(app.scene, image_in(mask.grid), name)
    study = set_segmentation(image, mask)
    shape = measure(mask)
    shape = shape.with_levels(np.where(np.arange(len(shape)) < len(shape) // 2, 4, 3))
    add_slice_table(app.scene, study.soft, shape)
    return study_of(image)


def column_of(areas: np.ndarray) -> Volume:
    """A cord of square slices, the area in mm² of each slice; 0 for none."""
    data = np.zeros(TALL.shape, np.float32)
    for k, area in enumerate(areas):
        side = np.clip(np.sqrt(area) / 2 + 0.5 - np.abs(np.arange(20) - 9.5), 0, 1)
        data[:, :, k] = np.outer(side, side)
    return Volume(data, TALL.affine)


@pytest.mark.parametrize("name", ["isotropic", "left-handed", "oblique left-handed anisotropic"])
def test_the_profile_is_what_the_table_says(app, name):
    study = measured(app, cord_in(GRIDS[name]))
    table = study.slice_table

    profile = ProfileReader().profile(study)

    upward = np.argsort(table_column(table, SLICE))
    for column, values in (
        (SLICE, profile.slices),
        (AREA, profile.area),
        ("area_low", profile.area_low),
        ("area_high", profile.area_high),
        ("diameter_AP", profile.diameter_ap),
        ("diameter_RL", profile.diameter_rl),
        ("S", profile.positions_mm[:, 2]),
    ):
        assert np.array_equal(values, table_column(table, column)[upward]), column
    assert profile.levels == tuple(table_column(table, LEVEL)[upward])
    assert (profile.area_low < profile.area).all()
    assert (profile.area < profile.area_high).all()


def test_rows_go_upward_however_the_table_is_ordered(app):
    study = measured(app, cord_in(GRID))
    usual = ProfileReader().profile(study)
    table = study.slice_table.GetTable()
    rows = [[table.GetValue(n, c) for c in range(table.GetNumberOfColumns())] for n in range(3)]
    for n, row in enumerate(reversed(rows)):
        for c, value in enumerate(row):
            table.SetValue(n, c, value)

    assert np.array_equal(ProfileReader().profile(study).area, usual.area)


def test_without_a_table_the_areas_are_measured(app):
    study = measured(app, cord_in(GRID))
    said = ProfileReader().profile(study)

    quick = ProfileReader().quick_profile(study)

    assert np.array_equal(quick.slices, said.slices)
    assert np.allclose(quick.area, said.area)
    assert np.allclose(quick.positions_mm, said.positions_mm, atol=0.5)
    assert np.isnan(quick.area_low).all()


def test_a_transformed_image_takes_its_profile_along(app):
    study = measured(app, cord_in(GRID))
    before = ProfileReader().quick_profile(study).positions_mm
    transform = app.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    import vtk

    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 12.5)
    transform.SetMatrixTransformToParent(matrix)
    study.soft.SetAndObserveTransformNodeID(transform.GetID())

    after = ProfileReader().quick_profile(study).positions_mm

    assert np.allclose(after - before, [0, 0, 12.5])


def test_an_empty_mask_has_no_profile(app):
    image = add_volume(app.scene, image_in(GRID), "T2w")
    study = set_segmentation(image, Volume(np.zeros(GRID.shape, np.float32), GRID.affine))

    assert ProfileReader().profile(study) is None
    assert ProfileReader().profile(None) is None


# --- where the mask is broken off


def breaks_of(app, areas):
    return ProfileReader().profile(measured(app, column_of(np.asarray(areas, float)))).breaks


def test_a_mask_is_broken_off_where_segmentation_says_so(app):
    whole, low, both = (np.full(60, 60.0) for _ in range(3))
    low[:15] = both[:15] = both[50:] = 0
    assert breaks_of(app, whole) == ()

    (found,) = breaks_of(app, low)
    assert found.position_mm[2] == pytest.approx(15.0)
    assert (found.again_mm, found.upper, found.sure) == (None, False, True)

    lower, upper = breaks_of(app, both)
    assert upper.position_mm[2] == pytest.approx(49.0)
    assert (upper.upper, upper.sure) == (True, True)  # discs say that it is C3


def test_at_the_brainstem_it_ends_as_it_should(app):
    areas = np.full(60, 60.0)
    areas[50:] = 0
    study = measured(app, column_of(areas))
    levels = study.slice_table.GetTable().GetColumnByName(LEVEL)

    def breaks(name):
        for n in range(levels.GetNumberOfValues()):
            levels.SetValue(n, name)
        return ProfileReader().profile(study).breaks

    assert breaks("C1") == ()
    assert [one.sure for one in breaks("")] == [False]


def test_an_interrupted_mask_is_marked_on_both_sides(app):
    areas = np.full(60, 60.0)
    areas[25:31] = 0

    (found,) = breaks_of(app, areas)

    assert (found.position_mm[2], found.again_mm[2]) == (24.0, 31.0)
    profile = ProfileReader().profile(measured(app, column_of(areas), "again"))
    assert [(piece.start, piece.stop) for piece in profile.pieces] == [(0, 25), (25, 54)]


# --- before correction


def test_before_correction_is_told_only_where_it_differs(app):
    study = measured(app, column_of(np.full(60, 60.0)))
    before = ProfileReader().profile(study)
    assert np.isnan(before.predicted).all()
    state = start_correction(study.soft)
    state.edits[9:11, 9:11, 20:24] = -1
    state.soft[9:11, 9:11, 20:24] = 0.0
    assert bounding_box(state.edits != 0) is not None
    voxels_changed(study.soft)
    shape = measure(Volume(array_of(study.soft), grid_of(study.soft).affine))
    set_slice_table(study.slice_table, shape)

    after = ProfileReader().profile(study)

    inside = np.isfinite(after.predicted)
    assert set(after.slices[inside]) == {20, 21, 22, 23}
    assert np.allclose(after.predicted[inside], before.area[20:24], atol=0.1)
    assert (after.area[inside] < before.area[20:24] - 3).all()


# --- which slice a view shows


def test_a_plane_finds_the_slice_that_it_cuts(app):
    profile = ProfileReader().profile(measured(app, column_of(np.full(60, 60.0))))

    assert profile.row_at((0, 0, 30.4), (0, 0, 1)) == 30
    assert profile.row_at((300, 0, 30.6), (0, 0, -2)) == 31
    assert profile.row_at((0, 0, -0.4), (0, 0, 1)) == 0
    assert profile.row_at((0, 0, -0.8), (0, 0, 1)) is None
    middle = profile.positions_mm[40]
    assert profile.row_at(middle, (0, 0.6, 0.8)) == 40  # a view at an angle


def test_no_slice_is_found_where_the_mask_is_interrupted(app):
    areas = np.full(60, 60.0)
    areas[25:31] = 0
    profile = ProfileReader().profile(measured(app, column_of(areas)))

    assert profile.row_at((0, 0, 28), (0, 0, 1)) is None
    assert profile.row_at((0, 0, 31), (0, 0, 1)) == 25


# --- whose it is


def test_contrasts_of_one_participant_belong_together(app):
    nodes = {
        name: add_volume(app.scene, image_in(GRID), name)
        for name in ("sub-01_T2w", "sub-01_T2star", "sub-02_T2w", "neck", "other")
    }

    def same(one, other):
        return same_participant(nodes[one], nodes[other])

    assert same("sub-01_T2w", "sub-01_T2star")
    assert not same("sub-01_T2w", "sub-02_T2w")
    assert not same("neck", "other")  # nothing says so


def test_the_other_masks_of_the_participant_are_found(app):
    first = measured(app, cord_in(GRID), "sub-01_T2w")
    second = measured(app, cord_in(GRID), "sub-01_T2star")
    measured(app, cord_in(GRID), "sub-02_T2w")
    add_volume(app.scene, image_in(GRID), "sub-01_T1w")  # not segmented

    assert [study.image for study in studies_of_participant(first)] == [second.image]
