"""The phantom against its own formulae."""

import hashlib

import numpy as np
import pytest
from scipy.integrate import trapezoid

from known_phantoms import known_phantom
from SoftCordSegLib.errors import Cancelled
from SoftCordSegLib.phantom import CONTRASTS, Cord, make_phantom
from SoftCordSegLib.phantom.cord import CordCurve, cord_fraction
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Grid, Volume, reorient
from SoftCordSegLib.volume.orientation import slice_axis


@pytest.fixture(scope="module", params=list(CONTRASTS))
def a_phantom(request):
    return known_phantom(request.param)


@pytest.fixture(scope="module")
def a_small_phantom():
    """The contrast with the fewest voxels."""
    return known_phantom("DWI")


def _slice_area(phantom):
    """Area of the truth in each slice at right angles to the cord, mm²; NaN in the first and last
    slice.
    """
    grid = phantom.truth.grid
    axis = slice_axis(grid.affine)
    in_plane = [a for a in range(3) if a != axis]
    normal = np.cross(grid.affine[:3, in_plane[0]], grid.affine[:3, in_plane[1]])
    pixel = np.linalg.norm(normal)
    tangent = phantom.cord.centreline.tangent(phantom.slice_heights_mm())
    cosine = np.abs(tangent @ (normal / pixel))
    return phantom.truth.data.sum(axis=tuple(in_plane), dtype=float) * pixel * cosine


def test_area_of_the_truth_in_every_slice_is_the_known_one(a_phantom):
    known = a_phantom.slice_areas_mm2()
    error = _slice_area(a_phantom) / known - 1
    assert np.abs(error).max() < 0.01


def test_volume_of_the_truth_is_the_integral_of_the_area():
    cord = Cord()
    heights = np.linspace(-20, 20, 4001)
    speed = 1 / cord.centreline.tangent(heights)[:, 2]
    # A box whose ends are cut at right angles is not to be had on a grid; level ends add and take
    # the same wedge.
    grid = Grid(
        (60, 60, 40),
        np.array([[0.5, 0, 0, -13], [0, 0.5, 0, -8], [0, 0, 1, -19.5], [0, 0, 0, 1.0]]),
    )
    volume = cord_fraction(cord, grid).sum(dtype=float) * grid.voxel_volume
    assert volume == pytest.approx(trapezoid(cord.area_mm2(heights) * speed, heights), rel=0.005)


def test_truth_is_soft_at_the_border_and_whole_inside(a_phantom):
    truth = a_phantom.truth.data
    assert truth.dtype == np.float32
    assert truth.min() == 0
    assert truth.max() == 1
    partial = (truth > 0) & (truth < 1)
    assert partial.sum() > 0.2 * (truth > 0).sum()


def test_image_and_truth_share_the_grid_and_are_stored_as_the_contrast_says(a_phantom):
    assert a_phantom.image.grid.same_as(a_phantom.truth.grid)
    assert a_phantom.image.letters == CONTRASTS[a_phantom.contrast].letters
    assert np.isfinite(a_phantom.image.data).all()
    assert a_phantom.image.data.min() >= 0


def test_both_handednesses_and_an_oblique_scan_are_among_the_contrasts():
    grids = [
        reorient(_empty(contrast.grid()), contrast.letters).grid for contrast in CONTRASTS.values()
    ]
    signs = {np.sign(np.linalg.det(grid.affine[:3, :3])) for grid in grids}
    assert signs == {-1.0, 1.0}
    assert any(
        np.abs(grid.affine[:3, :3] / grid.spacing).max(axis=0).min() < 0.99 for grid in grids
    )


def test_cord_lies_where_the_centreline_says_in_the_world_whatever_the_storage(a_phantom):
    """A flipped left and right would move the bent cord to the other side."""
    truth = reorient(a_phantom.truth, "RAS")
    total = truth.data.sum(axis=(0, 1), dtype=float)
    voxels = np.argwhere(truth.data > 0)
    weights = truth.data[tuple(voxels.T)].astype(float)
    heights = reorient_heights(a_phantom)
    for k in (2, len(total) // 2, len(total) - 3):
        here = voxels[:, 2] == k
        centre = np.average(truth.grid.to_world(voxels[here]), axis=0, weights=weights[here])
        assert centre == pytest.approx(a_phantom.cord.centreline.position(heights[k]), abs=0.12)
    sides = a_phantom.cord.centreline.position(heights)[:, 0]
    assert np.abs(sides).max() > 1, "the bend is too weak to tell left from right"


def reorient_heights(phantom):
    heights = phantom.slice_heights_mm()
    return heights if heights[0] < heights[-1] else heights[::-1]


def _empty(grid):
    return Volume(np.zeros(grid.shape, dtype=np.uint8), grid.affine)


def test_discs_lie_on_the_front_wall_of_the_canal_at_their_heights(a_phantom):
    cord = a_phantom.cord
    values = [disc.value for disc in a_phantom.discs]
    assert values == list(range(values[0], values[0] + len(values)))
    assert len(values) >= 4
    for disc in a_phantom.discs:
        x, y, z = np.array([[c] for c in disc.position_mm])
        right, front, t = cord.centreline.local(x, y, z)
        assert right[0] == pytest.approx(0, abs=1e-3)
        assert front[0] > cord.canal_semi_axes_mm(t)[1][0]
        foot = cord.centreline.position(t[0])
        assert np.linalg.norm(foot - disc.position_mm) < 12


def test_discs_are_dark_or_bright_against_the_bodies_beside_them():
    """In the T2w image the annulus of a disc is darker than the marrow half a vertebra away."""
    phantom = make_phantom("T2w", noise=False)
    cord, grid = phantom.cord, phantom.image.grid

    def brightness(height):
        inwards = cord.canal_semi_axes_mm(height)[1] + 1.2 + 3.0
        place = cord.centreline.position(height) + cord.centreline.frame(height)[:, 1] * inwards
        return phantom.image.data[tuple(np.round(grid.to_voxel(place)).astype(int))]

    discs = [disc for disc in phantom.discs if 3 <= disc.value <= 9]
    for disc in discs:
        height = float(cord.centreline.local(*(np.array([c]) for c in disc.position_mm))[2][0])
        assert brightness(height) < 0.8 * brightness(height - 7)


def test_same_arguments_same_bits_and_another_seed_other_noise(a_small_phantom):
    def digest(phantom):
        return hashlib.sha256(
            phantom.image.data.tobytes() + phantom.truth.data.tobytes()
        ).hexdigest()

    assert digest(make_phantom("DWI")) == digest(a_small_phantom)
    other = make_phantom("DWI", seed=2)
    assert digest(other) != digest(a_small_phantom)
    assert np.array_equal(other.truth.data, a_small_phantom.truth.data)


def test_calibre_scales_the_area(a_small_phantom):
    thin = make_phantom("DWI", cord=Cord(calibre=0.7))
    ratio = thin.truth.data.sum(dtype=float) / a_small_phantom.truth.data.sum(dtype=float)
    assert ratio == pytest.approx(0.7, rel=0.01)
    assert thin.area_mm2(35.0) == pytest.approx(0.7 * a_small_phantom.area_mm2(35.0))


def test_contrast_between_cord_and_csf_is_that_of_the_scan():
    for name, csf_is_brighter in {"T2starw": True, "DWI": False}.items():
        phantom = known_phantom(name)
        truth = phantom.truth.data
        cord = phantom.image.data[truth == 1].mean()
        grid = phantom.image.grid
        voxels = np.argwhere(truth == 0)[::5]
        right, front, t = phantom.cord.centreline.local(*grid.to_world(voxels).T)
        half_right, half_front = phantom.cord.canal_semi_axes_mm(t)
        csf = phantom.image.data[
            tuple(voxels[np.hypot(right / half_right, front / half_front) < 0.9].T)
        ].mean()
        assert (csf > 1.2 * cord) if csf_is_brighter else (csf < 0.8 * cord)


def test_local_coordinates_invert_the_frame():
    line = CordCurve()
    rng = np.random.default_rng(3)
    t = rng.uniform(-110, 75, 200)
    offsets = rng.uniform(-40, 40, (200, 2))
    frame = line.frame(t)
    world = line.position(t) + np.einsum("nij,nj->ni", frame[:, :, :2], offsets)
    right, front, foot = line.local(*world.T)
    assert np.abs(right - offsets[:, 0]).max() < 1e-3
    assert np.abs(front - offsets[:, 1]).max() < 1e-3
    assert np.abs(foot - t).max() < 1e-3


def test_unknown_contrast_names_those_there_are():
    with pytest.raises(ValueError, match="T2starw"):
        make_phantom("CT")


def test_painting_can_be_cancelled():
    asked = []

    def is_cancelled():
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        make_phantom("DWI", progress=Progress(is_cancelled=is_cancelled))
