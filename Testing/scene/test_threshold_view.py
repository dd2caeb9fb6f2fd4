"""The segment is soft mask >= t at every voxel, wherever the threshold goes, and its surface lies
where the edge is.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from scene.examples import GRIDS, cord_in, image_in
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.scene.iso_surface import iso_surface
from SoftCordSegLib.scene.soft_mask_node import add_soft_mask, set_soft_mask
from SoftCordSegLib.scene.threshold_view import (
    SEGMENT_ID,
    ThresholdView,
    add_threshold_view,
    threshold_views_of,
)
from SoftCordSegLib.scene.volume_nodes import add_volume, array_of, voxels_changed
from SoftCordSegLib.volume import Grid, Volume


def segment_as_volume(view: ThresholdView, segment_id: str = SEGMENT_ID) -> Volume:
    """What Slicer holds for the segment, with the labelmap's own geometry."""
    import slicer
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    labelmap = slicer.vtkOrientedImageData()
    view.node.GetBinaryLabelmapRepresentation(segment_id, labelmap)
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    affine = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    extent = labelmap.GetExtent()
    data = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(
        labelmap.GetDimensions(), order="F"
    )
    affine[:3, 3] += affine[:3, :3] @ extent[::2]
    return Volume(data.copy(), affine)


def voxel_centres(volume: Volume) -> np.ndarray:
    """World positions of voxels that are not 0, in a fixed order, rounded to 0.01 mm."""
    positions = volume.grid.to_world(np.argwhere(volume.data))
    rounded = np.round(positions, 2) + 0.0
    return rounded[np.lexsort(rounded.T)]


def surface_points(view: ThresholdView) -> np.ndarray:
    from vtk.util.numpy_support import vtk_to_numpy

    surface = view.node.GetSegmentation().GetSegment(SEGMENT_ID).GetRepresentation("Closed surface")
    return (
        vtk_to_numpy(surface.GetPoints().GetData())
        if surface.GetNumberOfPoints()
        else np.empty((0, 3))
    )


def number_of_open_edges(surface) -> int:
    import vtk

    edges = vtk.vtkFeatureEdges()
    edges.SetInputData(surface)
    edges.FeatureEdgesOff()
    edges.ManifoldEdgesOff()
    edges.Update()
    return edges.GetOutput().GetNumberOfCells()


def make_view(app, mask: Volume, threshold: float = 0.5) -> ThresholdView:
    image = add_volume(app.scene, image_in(mask.grid), "T2w")
    return add_threshold_view(app.scene, add_soft_mask(app.scene, image, mask), threshold)


def test_the_segment_is_the_mask_at_or_above_the_threshold_wherever_it_moves(app, grid):
    mask = cord_in(grid)
    view = make_view(app, mask)

    for threshold in (0.5, 0.05, 0.95, 0.3, 1.0):
        view.update(threshold)

        expected = mask.with_data(mask.data >= np.float32(threshold))
        assert expected.data.any()
        assert np.array_equal(voxel_centres(segment_as_volume(view)), voxel_centres(expected)), (
            threshold
        )
        assert view.threshold == threshold


def test_a_value_equal_to_the_threshold_is_inside(app):
    data = np.zeros((5, 5, 5), np.float32)
    data[2, 2, 2], data[2, 2, 3] = 0.5, np.nextafter(np.float32(0.5), np.float32(0))
    view = make_view(app, Volume(data, np.eye(4)), threshold=0.5)

    assert np.array_equal(voxel_centres(segment_as_volume(view)), [[2, 2, 2]])


def test_a_random_mask_agrees_at_every_voxel(app):
    grid = GRIDS["oblique left-handed anisotropic"]
    rng = np.random.default_rng(3)
    mask = Volume(rng.random(grid.shape, dtype=np.float32), grid.affine)
    view = make_view(app, mask)

    for threshold in rng.random(4):
        view.update(threshold)

        assert np.array_equal(
            voxel_centres(segment_as_volume(view)),
            voxel_centres(mask.with_data(mask.data >= threshold)),
        )


def test_only_the_box_of_the_cord_is_stored(app):
    grid = GRIDS["isotropic"]
    view = make_view(app, cord_in(grid), 0.5)

    inside = np.argwhere(cord_in(grid).data >= 0.5)
    assert segment_as_volume(view).shape == tuple(np.ptp(inside, axis=0) + 1)


def test_nothing_above_the_threshold_leaves_an_empty_segment_and_comes_back(app):
    grid = GRIDS["isotropic"]
    mask = cord_in(grid)
    view = make_view(app, mask.with_data(mask.data * np.float32(0.6)))
    view.update(0.5, surface=True)

    view.update(0.9)
    assert not segment_as_volume(view).data.any()
    assert len(surface_points(view)) == 0

    view.update(0.3)
    expected = mask.with_data(mask.data * np.float32(0.6) >= np.float32(0.3))
    assert np.array_equal(voxel_centres(segment_as_volume(view)), voxel_centres(expected))
    assert len(surface_points(view)) > 0


def test_an_empty_mask_gives_an_empty_segment(app):
    view = make_view(app, Volume(np.zeros((6, 6, 6), np.float32), np.eye(4)))

    assert view.node.GetSegmentation().GetNumberOfSegments() == 1
    assert not segment_as_volume(view).data.any()


def test_a_changed_mask_shows_at_the_next_update(app):
    grid = GRIDS["oblique"]
    view = make_view(app, cord_in(grid))

    smaller = cord_in(grid, radius_mm=3.0)
    set_soft_mask(view.soft_node, smaller)
    view.update()
    assert np.array_equal(
        voxel_centres(segment_as_volume(view)),
        voxel_centres(smaller.with_data(smaller.data >= 0.5)),
    )

    array_of(view.soft_node)[0, 0, 0] = 1.0  # far outside the box that was found before
    voxels_changed(view.soft_node)
    view.update()
    assert len(voxel_centres(segment_as_volume(view))) == (smaller.data >= 0.5).sum() + 1


def test_other_segments_of_the_user_stay_as_they_are(app):
    import slicer
    import vtk

    grid = GRIDS["isotropic"]
    view = make_view(app, cord_in(grid))
    view.node.GetSegmentation().AddEmptySegment("Lesion", "Lesion", (1, 0, 0))
    lesion = slicer.vtkOrientedImageData()
    lesion.SetExtent(10, 13, 9, 11, 14, 16)
    lesion.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    lesion.GetPointData().GetScalars().Fill(1)
    matrix = vtk.vtkMatrix4x4()
    view.soft_node.GetIJKToRASMatrix(matrix)
    lesion.SetImageToWorldMatrix(matrix)
    slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(lesion, view.node, "Lesion")
    before = voxel_centres(segment_as_volume(view, "Lesion"))
    assert len(before) == 36

    for threshold in (0.2, 0.8):
        view.update(threshold)
        assert np.array_equal(voxel_centres(segment_as_volume(view, "Lesion")), before)


def test_the_segment_is_coded_and_refers_to_the_image(app):
    grid = GRIDS["sagittal left-handed"]
    view = make_view(app, cord_in(grid))

    segment = view.node.GetSegmentation().GetSegment(SEGMENT_ID)
    assert segment.GetName() == "Spinal cord"
    terminology = segment.GetTerminology()
    assert "SCT^123037004^Anatomical Structure" in terminology
    assert "SCT^2748008^Spinal cord" in terminology
    role = view.node.GetReferenceImageGeometryReferenceRole()
    assert view.node.GetNodeReference(role).GetName() == "T2w"


def test_a_deleted_segment_comes_back_and_a_deleted_mask_is_a_sentence(app):
    grid = GRIDS["isotropic"]
    view = make_view(app, cord_in(grid))
    view.node.GetSegmentation().RemoveSegment(SEGMENT_ID)

    view.update(0.4)
    assert (
        len(voxel_centres(segment_as_volume(view))) == (cord_in(grid).data >= np.float32(0.4)).sum()
    )

    app.scene.RemoveNode(view.soft_node)
    with pytest.raises(InputError, match="soft mask of 'T2w cord' was deleted"):
        view.update(0.5)


@pytest.mark.parametrize("threshold", [0.0, -0.2, 1.01, np.nan])
def test_a_threshold_that_means_nothing_is_refused(app, threshold):
    view = make_view(app, cord_in(GRIDS["isotropic"]))

    with pytest.raises(InputError, match="above 0 and at most 1"):
        view.update(threshold)


def test_events_of_an_update_are_told_from_strokes_of_the_user(app):
    import slicer

    view = make_view(app, cord_in(GRIDS["isotropic"]))
    (other_view,) = threshold_views_of(view.soft_node)
    seen = []
    segmentation = view.node.GetSegmentation()
    for event in (
        slicer.vtkSegmentation.SourceRepresentationModified,
        slicer.vtkSegmentation.SegmentModified,
    ):
        segmentation.AddObserver(event, lambda *_: seen.append(other_view.is_updating))

    view.update(0.3, surface=True)
    assert len(seen) >= 2
    assert all(seen)

    seen.clear()
    segmentation.GetSegment(SEGMENT_ID).SetName("renamed by the user")
    assert seen == [False]


def test_a_new_view_on_the_same_node_goes_on_where_the_old_one_was(app):
    view = make_view(app, cord_in(GRIDS["isotropic"]))
    view.update(0.37, surface=True)

    (again,) = threshold_views_of(view.soft_node)

    assert again.node is view.node
    assert again.threshold == 0.37
    assert again.shows_surface


def test_the_surface_is_there_only_while_it_is_asked_for(app):
    view = make_view(app, cord_in(GRIDS["isotropic"]))
    assert not view.shows_surface

    view.update(surface=True)
    assert view.shows_surface
    view.update(0.7)
    assert view.shows_surface
    view.update(surface=False)
    assert not view.shows_surface


@pytest.mark.parametrize("threshold", [0.25, 0.5, 0.75])
def test_the_surface_lies_on_the_cylinder_within_a_fraction_of_a_voxel(app, grid, threshold):
    view = make_view(app, cord_in(grid, radius_mm=5.0, edge_mm=2 * grid.spacing.max()))
    view.update(threshold, surface=True)

    points = surface_points(view)
    middle = grid.to_world((np.array(grid.shape) - 1) / 2)
    wall = points[
        np.abs(points[:, 2] - middle[2]) < 3.0
    ]  # away from the two ends, where the walls alone count
    radius = 5.0 + (0.5 - threshold) * 2 * grid.spacing.max()
    error = np.hypot(wall[:, 0] - middle[0], wall[:, 1] - middle[1]) - radius
    assert len(wall) > 50
    # Linear interpolation cuts the corner of a curved edge; a voxel of the thickest kind is the
    # measure.
    assert np.abs(error.mean()) < 0.1 * grid.spacing.max()
    assert np.abs(error).max() < 0.25 * grid.spacing.max()


@pytest.mark.parametrize(
    "name", ["isotropic", "left-handed", "oblique", "oblique left-handed anisotropic"]
)
def test_the_surface_of_a_ball_has_its_volume_and_faces_outward(app, name):
    from vtk.util.numpy_support import vtk_to_numpy

    grid = Grid(
        (40, 40, 40), GRIDS[name].affine
    )  # straight from the affine: a node would be right-handed
    middle = grid.to_world((np.array(grid.shape) - 1) / 2)
    world = grid.to_world(
        np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    )
    soft = np.clip(0.5 - (np.linalg.norm(world - middle, axis=-1) - 9.0) / 12.0, 0, 1).astype(
        np.float32
    )

    surface = iso_surface(soft, grid.affine, 0.5)

    points = vtk_to_numpy(surface.GetPoints().GetData()) - middle
    normals = vtk_to_numpy(surface.GetPointData().GetNormals())
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    corners = points[triangles].astype(float)
    signed_volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert np.abs(np.linalg.norm(points, axis=1) - 9.0).max() < 0.08 * grid.spacing.max()
    # flat triangles between points on the ball enclose less than the ball
    assert 0.95 < signed_volume / (4 / 3 * np.pi * 9.0**3) < 1.0
    assert ((points * normals).sum(axis=1) > 8.5).all()
    assert number_of_open_edges(surface) == 0


def test_a_cord_cut_off_by_the_image_is_closed_there(app):
    soft = np.zeros((12, 12, 9), np.float32)
    soft[4:8, 4:8, :] = 1.0  # from the first slice to the last
    view = make_view(app, Volume(soft, np.diag([1.0, 1.0, 3.0, 1.0])))
    view.update(0.5, surface=True)

    surface = view.node.GetSegmentation().GetSegment(SEGMENT_ID).GetRepresentation("Closed surface")
    assert number_of_open_edges(surface) == 0
    assert np.allclose(
        surface.GetBounds()[4:], (-1.5, 25.5)
    )  # the outer faces of the first and last slice


def test_a_segment_whose_display_node_was_deleted_is_written_while_views_show_it(repository):
    # In a process of its own: without a display node Slicer's slice views crash.
    program = """
import sys
sys.path[:0] = ["SoftCordSeg", "Testing"]
from scene.examples import GRIDS, cord_in, image_in
from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.scene import offscreen
from SoftCordSegLib.scene.render import SliceView, ThreeDView
from SoftCordSegLib.scene.study import set_segmentation
from SoftCordSegLib.scene.volume_nodes import add_volume
try:
    offscreen.choose_offscreen_graphics()
except SoftCordSegError:
    sys.exit(77)
app = offscreen.start()
image = add_volume(app.scene, image_in(GRIDS["isotropic"]), "T2w")
with ThreeDView(app, (80, 80)) as space, SliceView(app, "Axial", (80, 80), name="Red") as plane:
    plane.show(image)
    view = set_segmentation(image, cord_in(GRIDS["isotropic"])).view
    space.render(), plane.render()
    for surface in (True, False):
        app.scene.RemoveNode(view.node.GetDisplayNode())
        view.update(0.4, surface=surface)
        space.render(), plane.render()
        assert not view.node.GetDisplayNode().GetSegmentVisibility2DOutline('SpinalCord')
print("alive")
"""
    answer = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    if answer.returncode == 77:
        pytest.skip("no library to draw with")
    assert "alive" in answer.stdout, (answer.returncode, answer.stderr)
