"""Single steps of the generator: thick slices, distortion, new contrasts, the input contract."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from SoftCordSegLib.training.generator import PatchBatches, tissue_means
from SoftCordSegLib.training.generator.axis_operators import (
    along,
    blurred,
    enlarge,
    ghost_matrix,
    truncation_matrix,
)
from SoftCordSegLib.training.generator.cord_atlas import CordAtlas, sample_map, sample_narrow_map
from SoftCordSegLib.training.generator.draws import Draws, interpolate_curve
from SoftCordSegLib.training.generator.field_errors import draw_shifts, pile_up, shifted, with_metal
from SoftCordSegLib.training.generator.new_contrast import (
    randomised,
    through_network,
    with_curve,
    with_power,
)
from SoftCordSegLib.training.generator.placement import TIP_MM, Aim, draw_aim, draw_placement
from SoftCordSegLib.training.generator.real_crops import RealPatches, scan_again
from SoftCordSegLib.training.generator.scaling import scale_patches
from SoftCordSegLib.training.generator.scanner import (
    Slices,
    coarse_plane,
    draw_real_slices,
    draw_slices,
    slice_centres,
    slices_matrix,
    spline_matrix,
)
from SoftCordSegLib.training.generator.tissue_means import draw_means
from SoftCordSegLib.volume import Grid, Volume, resample
from SoftCordSegLib.volume.intensities import (
    SEGMENTER_PERCENTILES,
    Intensities,
    batch_limits,
    near_cord,
)
from training.generator.made_packed import CANAL_RADIUS_MM, CORD_RADIUS_MM


@pytest.fixture
def draws() -> Draws:
    return Draws(1, 1, torch.device("cpu"))


def cord(count: int = 2, radius: float = 5.0) -> torch.Tensor:
    """A soft straight cord of a radius, (count, 32, 40, 32)."""
    i, j = torch.meshgrid(torch.arange(32) - 15.5, torch.arange(40) - 19.5, indexing="ij")
    plane = (radius + 0.5 - torch.hypot(i, j)).clamp(0, 1)
    return plane[None, :, :, None].expand(count, 32, 40, 32).contiguous()


@pytest.mark.parametrize(("thickness", "phase"), [(3.3, 0.2), (8.0, 0.9), (16.5, 0.5)])
def test_thick_slices_come_back_by_the_programs_own_spline(thickness, phase):
    """The matrix is: mean over each slice, then what ``volume.resample`` makes of those slices;
    image and mask alike.
    """
    size = 64
    fine = np.random.default_rng(0).random((3, 4, size)).astype(np.float32)
    centres = slice_centres(size, thickness, phase)
    inside = (centres - thickness / 2 >= 0) & (centres + thickness / 2 <= size)
    assert inside.any()
    ours = fine @ slices_matrix(size, thickness, thickness, phase, 2).T
    # The slices, by integration of each voxel's share.
    edges = np.concatenate([np.zeros((3, 4, 1)), np.cumsum(fine, axis=2)], axis=2)
    ends = np.clip([centres - thickness / 2, centres + thickness / 2], 0, size)
    sums = [
        np.stack([np.interp(end, np.arange(size + 1), line) for line in edges.reshape(12, -1)])
        for end in ends
    ]
    width = ends[1] - ends[0]
    slices = np.where(width > 1e-3, (sums[1] - sums[0]) / np.maximum(width, 1e-3), np.nan).reshape(
        3, 4, -1
    )
    first, last = np.flatnonzero(width > 1e-3)[[0, -1]]
    slices[:, :, :first], slices[:, :, last + 1 :] = fine[:, :, :1], fine[:, :, -1:]
    affine = np.diag([1.0, 1.0, thickness, 1.0])
    affine[2, 3] = centres[0] - 0.5
    program = resample(
        Volume(slices.astype(np.float32), affine), Grid((3, 4, size), np.eye(4))
    ).data
    np.testing.assert_allclose(ours, program, atol=1e-4)


def test_the_spline_repeats_the_last_slice_as_the_program_does():
    samples = np.random.default_rng(1).random(7)
    places = np.linspace(-0.5, 6.5, 57)
    affine = np.diag([1.0, 1.0, places[1] - places[0], 1.0])
    affine[2, 3] = places[0]
    program = resample(
        Volume(np.tile(samples, (3, 3, 1)).astype(np.float32), np.eye(4)), Grid((3, 3, 57), affine)
    ).data[1, 1]
    np.testing.assert_allclose(spline_matrix(7, places, 2) @ samples, program, atol=1e-5)


def test_slices_keep_the_volume_of_the_cord(draws, plain):
    recipe = dataclasses.replace(plain, shape=(32, 40, 32), slices=1.0)
    slices = draw_slices(draws, recipe, np.full(24, 400.0))
    assert (slices.axis >= 0).sum() >= 20
    assert {0, 2} == set(slices.axis.tolist()) - {-1}
    thick = slices.cut(cord(24))
    axial = draws.index(np.flatnonzero(slices.axis == 2))
    torch.testing.assert_close(thick[axial], cord(24)[axial], atol=1e-4, rtol=0)
    assert (thick.sum(dim=(1, 2, 3)) / cord(1).sum() - 1).abs().max() < 0.12


def real_patches(count: int, twins: int = 0, voxels_mm: float = 1.0) -> RealPatches:
    """A cord of 5 mm along 32 slices of which the lowest six are unknown; bright on −1, the same in
    twins.
    """
    label = cord(count)
    weight = torch.ones_like(label)
    weight[:, :, :, :6] = 0
    image = torch.cat([label, label[:twins]]) * 2 - 1
    known, lumbar = torch.ones_like(label), np.zeros(count, bool)
    return RealPatches(image, label, weight, known, np.full((count, 3), voxels_mm), lumbar)


def test_real_images_are_cut_as_synthetic_ones_are(draws, plain):
    """Image and label by one matrix, that of :func:`slices_matrix`; the area stays within 2 % in
    axial slices.
    """
    recipe = dataclasses.replace(plain, shape=(32, 40, 32), real_slices=1.0)
    patches, changed = scan_again(draws, recipe, real_patches(24), np.arange(24))
    torch.testing.assert_close(patches.image.clamp(0, 1), patches.label, atol=1e-5, rtol=0)
    sagittal = [not torch.allclose(label, cord(1)[0], atol=1e-3) for label in patches.label]
    assert changed.all()
    assert 0 < np.mean(sagittal) < 0.5, "axial mostly"
    areas = patches.label.sum(dim=(1, 2)) / cord(1).sum(dim=(1, 2))
    assert (areas[~np.array(sagittal)] - 1).abs().max() < 0.02
    slices = draw_real_slices(draws, recipe, np.ones((60, 3)), np.zeros(60, bool))
    assert slices.step[slices.axis == 2].min() < 3
    assert 8 < slices.step[slices.axis == 2].max() <= 13, "10 mm and a gap of 30 %"
    for row in (0, 1, 2):
        axis = slices.axis[row]
        ramp = torch.rand(60, 32, 40, 32, generator=torch.Generator().manual_seed(row))
        by_matrix = along(ramp[row : row + 1], slices.matrices[axis // 2][row : row + 1], int(axis))
        torch.testing.assert_close(slices.cut(ramp)[row : row + 1], by_matrix, atol=1e-5, rtol=0)


def test_a_real_slice_that_is_partly_unknown_has_no_weight(draws, plain):
    recipe = dataclasses.replace(plain, shape=(32, 40, 32), real_slices=1.0)
    for _ in range(4):
        patches, _ = scan_again(draws, recipe, real_patches(8), np.arange(8))
        assert set(patches.weight.unique().tolist()) <= {0.0, 1.0}
        assert (patches.weight[:, :, :, :6] == 0).all(), "what was unknown stays so"
        assert (patches.weight[:, :, :, -2:] == 1).all()
    matrix = torch.from_numpy(slices_matrix(32, 8.0, 8.0, 0.5, 2))[None]
    slices = Slices(np.array([2]), np.array([8.0]), (torch.eye(32)[None], matrix))
    # Slices from 4 to 12 and on: the first known one begins at 12, and a spline brings the unknown
    # one in a little further.
    known = slices.fully_known(real_patches(1).weight)[0, 0, 0]
    assert (known[:12] == 0).all()
    assert (known[20:] == 1).all()


@pytest.mark.parametrize("voxels_mm", [1.0, 1.5, 1.6, 5.0])
def test_only_fine_real_images_are_cut(draws, plain, voxels_mm):
    recipe = dataclasses.replace(plain, real_slices=0.35)
    plain_rows = np.zeros(400, bool)
    cut = draw_real_slices(draws, recipe, np.full((400, 3), voxels_mm), plain_rows).axis >= 0
    assert cut.mean() == pytest.approx(0.35 if voxels_mm <= 1.5 else 0, abs=0.08)


def test_the_lumbar_spine_is_mostly_cut_sagittally_and_the_thoracic_one_often(draws, plain):
    recipe = dataclasses.replace(plain, shape=(32, 40, 32), slices=1.0, real_slices=1.0)
    lumbar, thoracic, neck = np.arange(1200).reshape(3, 400)
    heights = np.repeat([20.0, 200.0, 400.0], 400)
    real = draw_real_slices(draws, recipe, np.ones((1200, 3)), heights < 60)
    made = draw_slices(draws, recipe, heights)
    for slices in (made, real):
        sagittal = slices.axis == 0
        assert 0.6 < sagittal[lumbar].mean() < 0.8
        assert sagittal[neck].mean() < 0.35
        assert slices.step[sagittal].max() < 8
    assert 0.4 < (made.axis == 0)[thoracic].mean() < 0.6


@pytest.mark.parametrize("height_mm", [64, 320])
def test_a_bent_spine_goes_from_the_lower_to_the_upper_edge_of_any_field(plain, height_mm):
    """It is no ring."""
    recipe = dataclasses.replace(
        plain, shape=(80, 80, height_mm // 2), spacing=2.0, bent=1.0, tilted=0.0, lumbosacral=0.0
    )
    aim = Aim(np.zeros((20, 3)), np.full(20, 250.0), np.zeros(20, bool))
    placed = draw_placement(Draws(3, 1, torch.device("cpu")), recipe, aim)
    beside = torch.hypot(placed.left, placed.anterior).amin(dim=(1, 2)).amax(dim=1)
    assert (beside < 12).float().mean() >= 0.9


def test_the_canal_runs_forward_below_the_tip_and_backward_in_the_sacrum(plain):
    """By so much as spines do, and not at all above the twelfth thoracic vertebra; where the patch
    is aimed, it stays.
    """
    shape = (8, 8, 200)
    moved = []
    for share in (0.0, 1.0):
        recipe = dataclasses.replace(plain, shape=shape, spacing=2.0, lumbosacral=share)
        heights = np.repeat([TIP_MM, TIP_MM + 330.0], 20)
        aim = Aim(np.zeros((40, 3)), heights, np.ones(40, bool))
        moved.append(draw_placement(Draws(3, 1, torch.device("cpu")), recipe, aim))
    straight, curved = moved
    forward = (straight.anterior - curved.anterior).mean(dim=(1, 2))
    lumbar, cervical = forward[:20], forward[20:]
    middle = lumbar.shape[1] // 2
    assert lumbar[:, middle - 1 : middle + 1].abs().max() < 1.5
    # 4 mm between places of the coarse grid: 60 mm and 195 mm below the tip.
    assert (lumbar[:, middle - 15] > -15).all()
    assert lumbar[:, middle - 15].mean() > 3
    assert (lumbar[:, 1] < lumbar[:, middle - 15]).all()
    assert -70 < lumbar[:, 1].mean() < -10
    assert cervical[:, middle:].abs().max() == 0


def test_real_distortion_is_shared_by_twins_and_moves_the_label_along(draws, plain):
    recipe = dataclasses.replace(plain, shape=(32, 40, 32), real_distortion=1.0, real_slices=1.0)
    of = np.array([0, 1, 2, 0, 1, 2])
    patches, changed = scan_again(draws, recipe, real_patches(3, twins=3), of)
    assert changed.all()
    torch.testing.assert_close(patches.image[:3], patches.image[3:])
    assert not torch.allclose(patches.label, cord(3), atol=0.3)
    for image, label in zip(patches.image, patches.label):
        inside, outside = label > 0.9, label < 0.02
        assert image[inside].mean() > 0.8
        assert image[outside].mean() < 0.02
    assert (patches.weight[:, :, :, 28:] == 1).all(), (
        "only slices near the unknown ones are unknown"
    )


def test_real_dropout_changes_images_and_not_labels(draws, plain):
    patches, changed = scan_again(
        draws,
        dataclasses.replace(plain, shape=(32, 40, 32), real_dropout=1.0),
        real_patches(12),
        np.arange(12),
    )
    assert changed.all()
    assert torch.equal(patches.label, cord(12))
    kept = (patches.image * cord(12)).sum(dim=(1, 2, 3)) / cord(1).square().sum()
    assert kept.max() <= 1 + 1e-5
    assert kept.min() < 0.9


def test_distortion_moves_image_and_label_together(draws, plain):
    label = cord(6)
    height = torch.arange(32.0).expand(6, 32, 40, 32).contiguous()
    shift = draw_shifts(draws, dataclasses.replace(plain, shape=(32, 40, 32)), height)
    moved = shifted(label, shift)
    image = shifted(label * 2 + 1, shift) * pile_up(shift)
    assert not torch.allclose(moved, label, atol=0.3)
    # Without the pile-up, the moved image is the same function of the moved label.
    torch.testing.assert_close(image / pile_up(shift), moved * 2 + 1)
    # Signal is moved, not made: what is stretched is fainter.
    signal = shifted(label, shift) * pile_up(shift)
    torch.testing.assert_close(
        signal.sum(dim=(1, 2, 3)), label.sum(dim=(1, 2, 3)), rtol=0.06, atol=0
    )


def test_coarse_images_are_blunt_in_the_plane_of_their_slices_only(draws, plain):
    """Of an image cut across the cord that is Left and Anterior, of a sagittal one Anterior and
    Superior; each as blunt as the recipe says, and about a quarter of the axes not at all.
    """
    recipe = dataclasses.replace(plain, coarse=1.0, coarse_mm=(0.5, 1.0), spacing=2.0)
    axis = np.repeat([-1, 0, 2], 200)
    slices = Slices(axis, np.ones(len(axis)), (torch.empty(0), torch.empty(0)))
    sigma = coarse_plane(draws, recipe, slices)
    assert not sigma[axis == 0, 0].any()
    assert not sigma[axis == 2, 2].any()
    in_plane = np.concatenate([sigma[axis == -1].ravel(), sigma[axis == 2][:, :2].ravel()])
    assert 0.2 < (in_plane == 0).mean() < 0.3
    assert 0.25 <= in_plane[in_plane > 0].min() < in_plane.max() <= 0.5
    assert not coarse_plane(draws, dataclasses.replace(recipe, coarse=0.0), slices).any()


def test_coarse_real_images_lose_their_edge_and_keep_their_label(draws, plain):
    label = cord(8, radius=4.0)
    known, sizes = torch.ones_like(label), np.ones((8, 3))
    patches = RealPatches(2 * label - 1, label, known, known, sizes, np.zeros(8, bool))
    recipe = dataclasses.replace(
        plain, coarse=1.0, coarse_mm=(1.1, 1.2), shape=tuple(label.shape[1:])
    )
    again, changed = scan_again(draws, recipe, patches, np.arange(8))
    assert torch.equal(again.label, label)
    steepest = torch.stack(torch.gradient(again.image, dim=(1, 2))).abs().amax(dim=(0, 2, 3, 4))
    blunt = steepest < 0.9 * torch.gradient(label, dim=1)[0].abs().max()
    assert blunt.sum() >= 5
    assert not (blunt.numpy() & ~changed).any()


def test_metal_leaves_the_cord_in_place(draws, plain):
    label = cord(8)
    i, j = torch.meshgrid(torch.arange(32) - 15.5, torch.arange(40) - 19.5, indexing="ij")
    left, front = (x[None, :, :, None].expand_as(label) for x in (i, j))
    spoilt = with_metal(
        draws, dataclasses.replace(plain, shape=(32, 40, 32)), torch.ones_like(label), left, front
    )
    assert spoilt.min() < 0.1
    assert spoilt[label > 0.9].min() > 0.5


@pytest.mark.parametrize("change", [randomised, with_curve, with_power, through_network])
def test_new_contrasts_keep_edges_where_they_are(draws, change):
    """Where an image had its edges, the changed image has steeper gradients than elsewhere; their
    sizes go together.
    """
    label = cord(6)
    blocks = torch.kron(
        torch.rand((6, 4, 5, 4), generator=torch.Generator().manual_seed(0)), torch.ones(1, 8, 8, 8)
    )
    image = blurred(blocks + label, torch.full((6, 1), 0.6))
    image = image + 0.01 * torch.randn(image.shape, generator=torch.Generator().manual_seed(1))
    changed = change(draws, image.clone(), *([label] if change is randomised else []))
    assert torch.isfinite(changed).all()
    assert changed.shape == image.shape
    for before, after in zip(image, changed):
        sizes = [torch.stack(torch.gradient(x)).norm(dim=0).flatten() for x in (before, after)]
        assert torch.corrcoef(torch.stack(sizes))[0, 1] > 0.15
        edges, flat = sizes[0] > sizes[0].quantile(0.9), sizes[0] < sizes[0].quantile(0.5)
        assert sizes[1][edges].median() > 2 * sizes[1][flat].median()


def test_randomised_contrast_changes_the_means_of_tissues(draws):
    label = cord(16)
    image = (
        0.2
        + 0.6 * label
        + 0.02 * torch.randn(label.shape, generator=torch.Generator().manual_seed(1))
    )
    changed = randomised(draws, image, label)
    inside, outside = (
        changed[:, where].mean(dim=1) for where in ((label[0] > 0.9), (label[0] < 0.1))
    )
    difference = (inside - outside).numpy()
    assert (difference > 0.05).any()
    assert (difference < -0.05).any(), "bright cords become dark ones"
    assert np.std(difference) > 0.15
    texture = changed[:, label[0] > 0.9].std(dim=1)
    assert (texture > 0.005).all(), "noise is kept"


@pytest.mark.parametrize(("known_sequence", "least"), [(1.0, 0.08), (0.0, 0.2)])
def test_the_cord_always_differs_from_its_fluid(draws, plain, known_sequence, least):
    """In contrasts of any kind, and more in those that are no known sequence."""
    recipe = dataclasses.replace(plain, known_sequence=known_sequence)
    means = draw_means(draws, recipe, np.full(500, -1))
    difference = means[:, tissue_means.WHITE] - means[:, tissue_means.CSF]
    assert np.abs(difference).min() > least
    assert 0.2 < (difference > 0).mean() < 0.8, "brighter in some, darker in others"


@pytest.mark.parametrize(("neck", "thoracic"), [(0.0, 0.6), (0.55, 0.27), (1.0, 0.0)])
def test_patches_are_aimed_at_the_neck_or_all_along_the_spine(draws, plain, neck, thoracic):
    ends = dict.fromkeys(("conus", "sac", "brainstem"), 0.0)
    recipe = dataclasses.replace(plain, neck=neck, **ends)
    heights = draw_aim(draws, recipe, 2000, 500.0).height
    between = (heights > 70) & (heights < 370)
    assert between.mean() == pytest.approx(thoracic, abs=0.04)


def test_curves_are_what_numpy_interpolates():
    values, at = torch.rand(2, 6), torch.linspace(-0.2, 1.2, 24).repeat(2, 1).view(2, 2, 3, 4)
    found = interpolate_curve(values, at)
    for row in range(2):
        expected = np.interp(at[row].numpy(), np.linspace(0, 1, 6), values[row].numpy())
        np.testing.assert_allclose(found[row].numpy(), expected, atol=1e-6)


def test_a_narrow_map_is_sampled_like_any():
    """Inside, on the border and far outside; trimmed or not, a map keeps its centre."""
    generator = torch.Generator().manual_seed(5)
    maps = torch.rand((1, 2, 9, 7, 11), generator=generator)
    places = [torch.rand((2, 4, 5, 6), generator=generator) * 3 * n - n for n in (9, 7, 11)]
    torch.testing.assert_close(
        sample_narrow_map(maps, *places), sample_map(maps, *places), atol=1e-6, rtol=0
    )
    nowhere = [place + 100 for place in places]
    assert sample_narrow_map(maps, *nowhere).abs().max() == 0


def test_cord_and_canal_share_their_centre(packed):
    """Though their maps have different widths."""
    atlas = CordAtlas.of(packed, torch.device("cpu"))
    assert atlas.inner.shape[2] < atlas.canal.shape[2]
    for maps, radius in ((atlas.inner[0, 0], CORD_RADIUS_MM), (atlas.canal[0, 0], CANAL_RADIUS_MM)):
        plane = maps[:, :, maps.shape[2] // 2]
        torch.testing.assert_close(plane, plane.flip(0))
        torch.testing.assert_close(plane, plane.flip(1))
        assert plane.sum() * 0.25 == pytest.approx(np.pi * radius**2, rel=0.05)


def test_the_cord_lies_in_its_canal(packed, plain):
    """An undisturbed one is surrounded by fluid: the canal is wider than the cord by 3 mm all
    around.
    """
    source = PatchBatches(packed, dataclasses.replace(plain, rim_mm=(0.0, 0.0)))
    canal = source._synthetic.geometry(Draws(1, 3, torch.device("cpu")), 12).canal
    with_cord = canal.cord.sum(dim=(1, 2, 3)) > 2000
    assert with_cord.sum() > 5
    grown = functional.max_pool3d(canal.cord[:, None], 3, 1, 1)[:, 0] > 0.5
    share = ((canal.canal > 0.5) & grown).sum(dim=(1, 2, 3)) / grown.sum(dim=(1, 2, 3))
    assert share[with_cord].median() > 0.97


def test_enlarging_is_linear_between_every_other_voxel():
    coarse = torch.arange(5.0).view(1, 1, 1, 5).expand(1, 3, 4, 5).contiguous()
    fine = enlarge(coarse, (4, 6, 8))
    torch.testing.assert_close(fine[0, 1, 2], torch.arange(8) / 2)


def test_noise_has_the_asked_scale(draws):
    fine, large = (
        draws.smooth(2, (40, 40, 40), 1.0),
        draws.smooth(2, (40, 40, 40), np.array([12.0, 12.0])),
    )
    assert fine.std() == pytest.approx(1, abs=0.05)
    assert 0.3 < large.std() < 1.3
    step = [noise.diff(dim=1).abs().mean() / noise.std() for noise in (fine, large)]
    assert step[1] < step[0] / 5


def test_axis_matrices_keep_what_is_even():
    flat = torch.ones(2, 6, 8, 10)
    for axis, size in enumerate((6, 8, 10)):
        ringing = along(flat, truncation_matrix(torch.tensor([0.6, 0.9]), size), axis)
        torch.testing.assert_close(ringing, flat, atol=1e-4, rtol=0)
    ghost = along(flat, ghost_matrix(torch.tensor([0.1, 0.0]), torch.tensor([3.0, 2.0]), 8), 1)
    torch.testing.assert_close(ghost[0], 1.1 * flat[0])
    torch.testing.assert_close(ghost[1], flat[1])


def seen(image: np.ndarray, coarse: np.ndarray) -> Intensities:
    """What the program takes the scaling of an image from, and of its version on a grid as many
    times as coarse.
    """
    spacing = np.diag([image.shape[0] / coarse.shape[0]] * 3 + [1.0])
    return Intensities(
        Volume(image, np.eye(4)), Volume(coarse, spacing), np.ones(coarse.shape, bool)
    )


def test_percentiles_of_a_batch_are_those_of_single_images():
    """Of any region; and of the whole image where the region is empty or has one value only."""
    generator = torch.Generator().manual_seed(3)
    image = torch.randn(5, 6, 7, 8, generator=generator)
    region = torch.rand(5, 6, 7, 8, generator=generator) > 0.6
    region[2] = False
    image[3][region[3]] = 0.5
    image[4] = image[4].round()
    low, high = batch_limits(image, region, SEGMENTER_PERCENTILES)
    for row in range(5):
        expected = seen(image[row].numpy(), image[row].numpy()).for_segmenter(region[row].numpy())
        np.testing.assert_allclose(
            [low[row].item(), high[row].item()], [expected.low, expected.high], atol=1e-5
        )


def test_the_region_of_a_batch_is_that_of_single_images():
    coarse = functional.avg_pool3d(cord(2)[:, None], 2)[:, 0] > 0.5
    coarse[1, :8] = False
    ours = near_cord(coarse)
    for row in range(2):
        assert np.array_equal(ours[row].numpy(), near_cord(coarse[row].numpy()))


def test_patches_are_scaled_by_what_lies_around_the_cord(draws, plain):
    """The range around the cord becomes −1 to 1, whatever the intensities were and whatever lies
    far away.
    """
    recipe = dataclasses.replace(plain, shape=(32, 40, 80), contract_jitter=0.0)
    label = torch.zeros(2, 32, 40, 80)
    label[:, :, :, :32] = cord(2)
    image = torch.rand((2, 8, 10, 20), generator=torch.Generator().manual_seed(2))
    image = torch.kron(image, torch.ones(1, 4, 4, 4))
    image[1] = image[1] * 700 - 20
    image[:, :, :, 60:] *= 50
    scaled = scale_patches(
        draws, recipe, image, label, torch.ones_like(label), np.array([False, False])
    )
    near = scaled[:, 8:24, 8:32, :40]
    assert near.min() > -1.7
    assert near.max() < 1.7
    assert (near.amax(dim=(1, 2, 3)) > 0.8).all()
    torch.testing.assert_close(
        near[0],
        scale_patches(draws, recipe, image, label, torch.ones_like(label), np.zeros(2, bool))[
            0, 8:24, 8:32, :40
        ],
    )


def test_a_range_that_is_known_stays(draws, plain):
    image, label = torch.rand(2, 32, 40, 32), cord(2)
    kept = scale_patches(
        draws,
        dataclasses.replace(plain, contract_jitter=0.0),
        image,
        label,
        torch.ones_like(label),
        np.ones(2, bool),
    )
    torch.testing.assert_close(kept, image * 2 - 1)


def test_the_contract_is_the_programs(draws, plain):
    """What the program makes of an image around its cord is what a patch of it is; the patch looks
    at every second voxel.
    """
    recipe = dataclasses.replace(plain, shape=(32, 40, 32), contract_jitter=0.0)
    label, known = cord(2), torch.ones(2, 32, 40, 32)
    image = torch.rand((2, 16, 20, 16), generator=torch.Generator().manual_seed(2)) * 300
    image = torch.kron(image, torch.ones(1, 2, 2, 2))
    ours = scale_patches(draws, recipe, image, label, known, np.zeros(2, bool))
    for row in range(2):
        coarse, located = (
            functional.avg_pool3d(x[row][None, None], 2)[0, 0].numpy() for x in (image, label)
        )
        scaling = seen(image[row].numpy(), coarse).for_segmenter(near_cord(located > 0.5))
        np.testing.assert_allclose(ours[row].numpy(), scaling(image[row].numpy()), atol=1e-4)


def test_one_scale_a_sample_is_no_scale_of_an_axis(draws):
    """For three samples too."""
    noise = draws.smooth(3, (30, 30, 30), np.array([1.0, 8.0, 8.0]))
    steps = [
        [noise[row].diff(dim=axis).abs().mean() / noise[row].std() for axis in range(3)]
        for row in range(3)
    ]
    assert min(steps[0]) > 0.7
    assert max(steps[1]) < 0.4
