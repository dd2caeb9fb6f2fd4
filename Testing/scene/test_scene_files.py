"""What was saved comes back whole, and masks go back to the grid of the image's own file."""

from __future__ import annotations

import os
import subprocess
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest

from scene.examples import GRIDS, cord_in, image_in, results_of
from scene.loading import load_image
from SoftCordSegLib.errors import InputError, OutputError
from SoftCordSegLib.morphometry import DiscLabel, aggregate, measure
from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.scene.box_node import add_box, box_of, boxes_of
from SoftCordSegLib.scene.disc_points import add_discs, disc_lists_of, discs_of
from SoftCordSegLib.scene.hierarchy import place_result
from SoftCordSegLib.scene.measure_tables import (
    AREA,
    add_area_chart,
    add_area_series,
    add_slice_table,
    add_summary_table,
    tables_of,
)
from SoftCordSegLib.scene.scene_files import load_scene, save_scene, save_segment, save_soft_mask
from SoftCordSegLib.scene.soft_mask_node import add_soft_mask, soft_masks_of
from SoftCordSegLib.scene.threshold_view import SEGMENT_ID, add_threshold_view, threshold_views_of
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of, grid_of, volume_of
from SoftCordSegLib.volume import Box, read_nifti, write_nifti

DISCS = [DiscLabel(3, (1.0, -21.0, 56.125)), DiscLabel(4, (1.5, -20.25, 40.0))]


@pytest.fixture
def study(app):
    """Everything that a session can leave in the scene."""
    grid = GRIDS["sagittal left-handed"]
    image = add_volume(app.scene, image_in(grid), "T2w")
    soft = add_soft_mask(app.scene, image, cord_in(grid))
    view = add_threshold_view(app.scene, soft)
    view.update(0.35, surface=True)
    shape = measure(cord_in(grid))
    table = add_slice_table(app.scene, soft, shape)
    nodes = [
        soft,
        view.node,
        add_discs(app.scene, image, DISCS),
        add_box(app.scene, image, Box.of_grid(grid)),
        table,
    ]
    nodes.append(add_summary_table(app.scene, soft, shape, aggregate(shape)))
    nodes.append(add_area_series(app.scene, table))
    nodes.append(add_area_chart(app.scene, nodes[-1:]))
    for node in nodes:
        place_result(node, image)
    return SimpleNamespace(app=app, grid=grid, image=image, soft=soft, view=view, shape=shape)


@pytest.fixture
def reopened(study, tmp_path):
    """The same study, read from its bundle into a new Slicer."""
    save_scene(study.app.scene, tmp_path / "Jürgen's study.mrb")
    app = offscreen.start()
    load_scene(app.scene, tmp_path / "Jürgen's study.mrb")
    yield app
    app.close()


def the_image(app):
    (node,) = [
        app.scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode")
        for n in range(app.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"))
        if app.scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode").GetName() == "T2w"
    ]
    return node


def test_a_bundle_brings_back_image_and_soft_mask_bit_for_bit(study, reopened):
    image = the_image(reopened)
    (soft,) = soft_masks_of(image)

    assert np.array_equal(array_of(image), array_of(study.image))
    assert np.array_equal(array_of(soft), array_of(study.soft))
    assert array_of(soft).dtype == np.float32
    assert grid_of(soft).same_as(grid_of(study.soft))
    assert (
        soft.GetDisplayNode().GetColorNode().GetID() == study.soft.GetDisplayNode().GetColorNodeID()
    )


def test_a_bundle_brings_back_the_segment_and_its_threshold(study, reopened):
    import slicer

    (soft,) = soft_masks_of(the_image(reopened))
    (view,) = threshold_views_of(soft)

    labelmap, before = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData()
    view.node.GetBinaryLabelmapRepresentation(SEGMENT_ID, labelmap)
    study.view.node.GetBinaryLabelmapRepresentation(SEGMENT_ID, before)
    same = slicer.vtkOrientedImageDataResample.DoGeometriesMatch(labelmap, before)
    segment = view.node.GetSegmentation().GetSegment(SEGMENT_ID)
    count = np.count_nonzero(array_of(soft) >= np.float32(0.35))
    assert same
    assert view.threshold == 0.35
    assert (segment.GetName(), "SCT^2748008^Spinal cord" in segment.GetTerminology()) == (
        "Spinal cord",
        True,
    )
    assert labelmap.GetPointData().GetScalars().GetNumberOfTuples() >= count > 0

    view.update(0.6, surface=True)  # the slider goes on where it was
    assert view.shows_surface


def test_a_bundle_brings_back_discs_and_box(study, reopened):
    image = the_image(reopened)
    (discs,) = disc_lists_of(image)
    (box,) = boxes_of(image)

    assert [disc.value for disc in discs_of(discs)] == [3, 4]
    assert np.allclose(
        [disc.position_mm for disc in discs_of(discs)],
        [disc.position_mm for disc in DISCS],
        atol=1e-4,
    )
    assert np.allclose(
        np.sort(box_of(box).corners_mm, axis=0),
        np.sort(Box.of_grid(study.grid).corners_mm, axis=0),
        atol=1e-3,
    )


def test_a_bundle_brings_back_tables_with_units_and_the_plot(study, reopened):
    (soft,) = soft_masks_of(the_image(reopened))
    (table,) = tables_of(soft, "slices")
    (summary,) = tables_of(soft, "summary")
    series = reopened.scene.GetFirstNodeByClass("vtkMRMLPlotSeriesNode")
    chart = reopened.scene.GetFirstNodeByClass("vtkMRMLPlotChartNode")

    area = [
        float(table.GetTable().GetColumnByName(AREA).GetValue(row))
        for row in range(table.GetNumberOfRows())
    ]
    # Slicer writes tables as text with six digits
    assert np.allclose(area[::-1], study.shape.columns["area"], rtol=1e-5)
    heights = [table.GetTable().GetColumnByName("S").GetValue(row) for row in (2, 3)]
    assert np.allclose(heights, study.shape.centres_mm[[-3, -4], 2], rtol=1e-5)
    assert table.GetColumnUnitLabel(AREA) == "mm²"
    assert summary.GetColumnUnitLabel("MEAN(angle_AP)") == "°"
    assert table.GetLocked()
    assert series.GetTableNode() is table
    assert chart.GetNthPlotSeriesNode(0) is series


def test_a_bundle_brings_back_the_place_in_the_hierarchy(reopened):
    assert len(results_of(the_image(reopened))) == 8


def test_a_scene_added_to_itself_keeps_the_two_studies_apart(study, tmp_path):
    save_scene(study.app.scene, tmp_path / "study.mrb")
    load_scene(study.app.scene, tmp_path / "study.mrb", clear=False)

    count = study.app.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    assert count == 4
    assert len(soft_masks_of(study.image)) == 1
    assert len(threshold_views_of(study.soft)) == 1


def test_saving_leaves_nothing_but_the_bundle_and_replaces_an_old_one(study, tmp_path):
    for _ in range(2):
        save_scene(study.app.scene, tmp_path / "study.mrb")

    assert [path.name for path in tmp_path.iterdir()] == ["study.mrb"]


def test_a_folder_that_cannot_be_written_is_a_sentence(study, tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")

    with pytest.raises(OutputError, match="Cannot write into this folder"):
        save_scene(study.app.scene, tmp_path / "file" / "study.mrb")
    with pytest.raises(OutputError, match="bundle ends in .mrb"):
        save_scene(study.app.scene, tmp_path / "study.zip")


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 16 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="tmpfs is for Linux")
def test_a_full_disk_is_a_sentence_and_leaves_nothing(study, small_disk):
    with pytest.raises(OutputError, match="the disk may be full"):
        save_scene(study.app.scene, small_disk / "study.mrb")

    assert list(small_disk.iterdir()) == []
    import vtk

    # VTK complains of the disk as well, rightly
    vtk.vtkOutputWindow.GetInstance().ResetNumberOfLoggedMessages()


def test_a_bundle_that_only_seems_written_is_a_sentence(tmp_path):
    class Scene:
        def WriteToMRB(self, path):  # noqa: N802 (Slicer's name)
            with open(path, "wb") as stream:
                stream.write(b"PK half a bundle")
            return True

    with pytest.raises(OutputError, match="could not write"):
        save_scene(Scene(), tmp_path / "study.mrb")

    assert list(tmp_path.iterdir()) == []


def test_what_is_no_bundle_is_refused(app, tmp_path):
    (tmp_path / "text.mrb").write_text("no scene", encoding="utf-8")

    with pytest.raises(InputError, match="not a Slicer scene bundle"):
        load_scene(app.scene, tmp_path / "text.mrb")
    with pytest.raises(InputError, match="no such file"):
        load_scene(app.scene, tmp_path / "none.mrb")


def test_a_truncated_bundle_is_refused(study, tmp_path):
    save_scene(study.app.scene, tmp_path / "study.mrb")
    data = (tmp_path / "study.mrb").read_bytes()
    (tmp_path / "study.mrb").write_bytes(data[: len(data) // 2])

    with pytest.raises(InputError, match="corrupt"):
        load_scene(study.app.scene, tmp_path / "study.mrb")


def test_masks_are_saved_on_the_grid_of_the_image_s_file(app, grid, tmp_path):
    write_nifti(image_in(grid), tmp_path / "image.nii.gz")
    image = load_image(app.logics["Volumes"], tmp_path / "image.nii.gz")
    mask = cord_in(grid)
    soft = add_soft_mask(app.scene, image, mask)
    view = add_threshold_view(app.scene, soft, 0.3)

    save_soft_mask(soft, tmp_path / "soft.nii.gz")
    save_segment(view, tmp_path / "segment.nii.gz")

    original = nibabel.load(tmp_path / "image.nii.gz")
    saved = nibabel.load(tmp_path / "soft.nii.gz")
    assert np.array_equal(saved.affine, original.affine)
    assert saved.get_data_dtype() == np.float32
    assert np.array_equal(np.asanyarray(saved.dataobj), mask.data)
    segment = read_nifti(tmp_path / "segment.nii.gz")
    assert np.array_equal(segment.data, (mask.data >= np.float32(0.3)).astype(np.uint8))


def test_the_letters_of_the_real_left_handed_image_do_not_change(app, shared_data, tmp_path):
    folder = shared_data / "images" / "sct-testing"
    image = load_image(app.logics["Volumes"], folder / "t2.nii.gz")
    mask = read_nifti(folder / "t2_seg-manual.nii.gz")
    soft = add_soft_mask(app.scene, image, mask.with_data(mask.data.astype(np.float32)))

    save_soft_mask(soft, tmp_path / "soft.nii.gz")

    saved = read_nifti(tmp_path / "soft.nii.gz")
    assert saved.letters == read_nifti(folder / "t2.nii.gz").letters != grid_of(image).letters
    assert np.array_equal(saved.data, mask.data)


def test_an_image_that_slicer_itself_loaded_has_its_file_s_grid_too(app, grid, tmp_path):
    write_nifti(image_in(grid), tmp_path / "image.nii.gz")
    image = app.logics["Volumes"].AddArchetypeVolume(str(tmp_path / "image.nii.gz"), "image")
    soft = add_soft_mask(app.scene, image, cord_in(grid))
    os.remove(tmp_path / "image.nii.gz")

    save_soft_mask(soft, tmp_path / "soft.nii.gz")

    assert np.array_equal(read_nifti(tmp_path / "soft.nii.gz").data, cord_in(grid).data)


def test_a_transform_over_the_image_does_not_move_the_saved_mask(app, tmp_path):
    import vtk

    grid = GRIDS["left-handed"]
    image = add_volume(app.scene, image_in(grid), "T2w")
    transform = app.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 25.0)
    transform.SetMatrixTransformToParent(matrix)
    image.SetAndObserveTransformNodeID(transform.GetID())
    soft = add_soft_mask(
        app.scene, image, volume_of(image).with_data(cord_in(grid).data[:, :, ::-1])
    )

    save_soft_mask(soft, tmp_path / "soft.nii.gz")

    saved = read_nifti(tmp_path / "soft.nii.gz")
    assert np.array_equal(saved.affine, grid.affine)
    assert np.array_equal(saved.data, cord_in(grid).data)


def test_an_image_that_was_moved_by_hand_is_saved_where_it_is_now(app, tmp_path):
    grid = GRIDS["left-handed"]
    image = add_volume(app.scene, image_in(grid), "T2w")
    image.SetOrigin(100.0, 0.0, 0.0)  # as "Center Volume" does
    soft = add_soft_mask(
        app.scene, image, volume_of(image).with_data(array_of(image) / np.float32(1000))
    )

    save_soft_mask(soft, tmp_path / "soft.nii.gz")

    saved = read_nifti(tmp_path / "soft.nii.gz")
    assert saved.grid.same_as(grid_of(image))
    assert np.array_equal(saved.data, array_of(soft))
