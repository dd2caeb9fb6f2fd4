"""Batches of patches: what a network may rely on when it learns from them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.training.generator import LOCATOR, SEGMENTER, BatchRecipe, PatchBatches
from SoftCordSegLib.training.generator.draws import Draws
from SoftCordSegLib.training.generator.placement import TIP_MM
from SoftCordSegLib.training.generator.synthetic_batch import SyntheticBatch
from SoftCordSegLib.training.packed import Packed, PackedCase
from training.generator.conftest import LEVERS
from training.generator.made_packed import CORD_AREA_MM2

# Steps that change only what another one makes.
NEEDS = {
    "clear_stem": {"brainstem": 1.0},
    "thick_slices": {"slices": 1.0},
    "resampled": {"slices": 1.0},
}


@pytest.fixture(scope="module", params=[SEGMENTER, LOCATOR], ids=["segmenter", "locator"])
def source(request, packed) -> PatchBatches:
    return PatchBatches(packed, dataclasses.replace(request.param, twins=0.3, shape=(24, 32, 40)))


def test_a_batch_belongs_to_its_seed_and_step(source):
    first, again = source.batch(3, 7, 4), source.batch(3, 7, 4)
    for name in ("image", "label", "weight", "twins"):
        assert torch.equal(getattr(first, name), getattr(again, name))
    for other in (source.batch(3, 8, 4), source.batch(4, 7, 4)):
        assert not torch.equal(first.image, other.image)


def test_shapes_and_ranges_are_those_of_a_batch(source):
    for step in range(6):
        batch = source.batch(1, step, 5)
        for part in (batch.image, batch.label, batch.weight):
            assert part.shape == (5, 1, *source.recipe.shape)
            assert part.dtype == torch.float32
            assert torch.isfinite(part).all()
        assert batch.image.abs().max() <= 3
        assert batch.label.min() >= 0
        assert batch.label.max() <= 1
        assert set(batch.weight.unique().tolist()) <= {0.0, 1.0}


def test_pooled_patches_are_means_of_the_finer_ones(packed):
    recipe = dataclasses.replace(LOCATOR, shape=(24, 32, 40))
    fine = PatchBatches(packed, recipe).batch(2, 5, 6)
    coarse = PatchBatches(packed, dataclasses.replace(recipe, pooled=2)).batch(2, 5, 6)
    assert coarse.image.shape == (6, 1, 12, 16, 20)
    torch.testing.assert_close(coarse.label, torch.nn.functional.avg_pool3d(fine.label, 2))
    unknown = torch.nn.functional.max_pool3d(1 - fine.weight, 2)
    assert torch.equal(coarse.weight, 1 - unknown)
    assert coarse.label.max() > 0
    assert coarse.image.abs().max() <= 3
    with pytest.raises(InputError, match="odd number"):
        dataclasses.replace(recipe, shape=(24, 32, 42), pooled=2)


def test_a_network_learns_from_a_batch(source):
    """Its tensors may enter a backward pass."""
    batch = source.batch(1, 0, 2)
    layer = torch.nn.Conv3d(1, 1, 3, padding=1)
    (((layer(batch.image) - batch.label) ** 2) * batch.weight).mean().backward()
    assert layer.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("real", [0.0, 1.0])
def test_twins_have_one_label_and_two_appearances(packed, real):
    source = PatchBatches(
        packed, dataclasses.replace(SEGMENTER, real=real, twins=1.0, shape=(24, 32, 32))
    )
    for step in range(4):
        batch = source.batch(2, step, 6)
        assert batch.twins.shape == (3, 2)
        assert sorted(batch.twins.flatten().tolist()) == list(range(6))
        for one, two in batch.twins.tolist():
            assert torch.equal(batch.label[one], batch.label[two])
            assert torch.equal(batch.weight[one], batch.weight[two])
            assert not torch.equal(batch.image[one], batch.image[two])


def test_real_twins_may_be_two_contrasts_of_a_participant(packed, plain):
    """The cord is bright in one of the registered images, and dark in the other."""
    group = Packed(packed.cases[:2], packed.cords, packed.near, packed.height)
    recipe = dataclasses.replace(plain, real=1.0, twins=1.0, registered=1.0, about_cord=1.0)
    signs = set()
    for step in range(8):
        batch = PatchBatches(group, recipe).batch(0, step, 2)
        inside, outside = batch.label[0, 0] > 0.9, batch.label[0, 0] < 0.1
        if inside.sum() > 50:
            signs.add(
                tuple(
                    bool(batch.image[row, 0][inside].mean() > batch.image[row, 0][outside].mean())
                    for row in (0, 1)
                )
            )
    assert signs & {(True, False), (False, True)}


def test_a_straight_cord_has_the_area_of_its_map(packed, plain, monkeypatch):
    """Partial volumes included: 78.5 mm² in every slice, at 1 mm, for a cord that is neither tilted
    nor scaled.
    """
    from SoftCordSegLib.training.generator import synthetic_batch

    draw = synthetic_batch.draw_placement

    def straight(draws, recipe, aim):
        placed = draw(draws, recipe, aim)
        shape = recipe.shape
        axes = torch.meshgrid(*[torch.arange(n) - (n - 1) / 2 + 0.3 for n in shape], indexing="ij")
        left, front, up = (axis[None].expand_as(placed.height).contiguous() for axis in axes)
        return dataclasses.replace(
            placed,
            height=250 + up,
            near_left=left,
            near_anterior=front,
            cord_left=left,
            cord_anterior=front,
        )

    monkeypatch.setattr(synthetic_batch, "draw_placement", straight)
    areas = PatchBatches(packed, plain).batch(0, 0, 2).label.sum(dim=(2, 3))
    np.testing.assert_allclose(areas.numpy(), CORD_AREA_MM2, rtol=0.03)


def test_the_label_lies_inside_the_visible_edge_by_the_rim(packed, plain):
    """A cord of 5 mm with a rim of 1 mm looks (6/5)² = 1.44 times as large as its label; without
    one it looks like it.
    """
    from SoftCordSegLib.training.generator.draws import Draws

    for rim, ratio in ((0.0, 1.0), (1.0, 1.44)):
        source = PatchBatches(packed, dataclasses.replace(plain, rim_mm=(rim, rim)))
        canal = source._synthetic.geometry(Draws(1, 2, torch.device("cpu")), 4).canal
        assert canal.cord.sum() > 1000
        assert canal.visible.sum() / canal.cord.sum() == pytest.approx(ratio, abs=0.05)


def test_the_sac_below_the_cord_is_known_to_be_empty(packed):
    batch = PatchBatches(
        packed,
        dataclasses.replace(SEGMENTER, real=0.0, sac=1.0, conus=0.0, cropped=0.0, without_cord=0.0),
    ).batch(1, 0, 8)
    assert batch.label.max() == 0
    assert batch.weight.min() == 1
    assert batch.image.std(dim=(1, 2, 3, 4)).min() > 0.1


def test_roots_lie_in_the_sac_mostly_at_its_back_and_are_thick_below_the_tip(packed, plain):
    """In a real image roots take a third to a half of the sac a centimetre below the tip, and lie
    on its back wall from there on.
    """
    recipe = dataclasses.replace(plain, roots=1.0, conus=1.0, aim_spread=(0.1, 0.1, 0.1))
    batches = SyntheticBatch(packed, recipe, torch.device("cpu"))
    shares, at_back, outside = [], [], []
    for step in range(12):
        geometry = batches.geometry(Draws(3, step, torch.device("cpu")), 4)
        canal, down = geometry.canal.canal, TIP_MM - geometry.placement.height
        behind = canal.cumsum(dim=2) / canal.sum(dim=2, keepdim=True).clamp(min=1)
        for low, high in ((5, 15), (25, 40)):
            below = (down > low) & (down < high)
            inside = (geometry.roots * canal * below).sum(dim=(1, 2, 3))
            sac = (canal * below).sum(dim=(1, 2, 3))
            seen = sac > 300
            shares.append((inside / sac.clamp(min=1))[seen])
            back = (geometry.roots * canal * below * (behind < 0.5)).sum(dim=(1, 2, 3))
            at_back.append((back / inside.clamp(min=1e-3))[seen & (inside > 20)])
        outside.append(float((geometry.roots * (canal < 0.01)).sum() / geometry.roots.sum()))

    shares, at_back = torch.cat(shares), torch.cat(at_back)
    assert len(shares) > 30
    assert 0.15 < shares.mean() < 0.5
    # Hardly any patch has so few that the sac looks empty.
    assert (shares > 0.05).float().mean() > 0.8
    assert at_back.mean() > 0.6
    assert np.mean(outside) < 0.3


def test_some_synthetic_images_have_no_cord_and_most_do(packed, plain):
    source = PatchBatches(packed, dataclasses.replace(plain, without_cord=0.4, shape=(24, 32, 32)))
    share = np.mean(
        [
            (source.batch(0, step, 8).label.amax(dim=(1, 2, 3, 4)) > 0.5).float().mean()
            for step in range(5)
        ]
    )
    assert 0.35 < share < 0.85


def test_poses_keep_the_area(packed, plain):
    """Of a still pose exactly; of a turned and scaled one about: scales lie between 0.84 and 1.2,
    each squared.
    """
    areas = {}
    for name, poses in (
        ("still", (1.0, 0.0, 0.0)),
        ("small", (0.0, 1.0, 0.0)),
        ("full", (0.0, 0.0, 1.0)),
    ):
        recipe = dataclasses.replace(plain, real=1.0, poses=poses, about_cord=1.0)
        batches = [PatchBatches(packed, recipe).batch(5, step, 6) for step in range(5)]
        slices = torch.cat([(b.label * b.weight).sum(dim=(2, 3)).flatten() for b in batches])
        areas[name] = slices[slices > 40].numpy()
    assert np.median(areas["still"]) == pytest.approx(CORD_AREA_MM2, rel=0.03)
    assert np.median(areas["small"]) == pytest.approx(CORD_AREA_MM2, rel=0.15)
    assert np.median(areas["full"]) == pytest.approx(CORD_AREA_MM2, rel=0.35)
    assert areas["full"].std() > areas["small"].std()


def test_still_poses_are_what_the_file_holds(packed, plain):
    """Voxel for voxel, mirrored or not: no value between voxels, and no change of intensity but the
    contract's jitter.
    """
    recipe = dataclasses.replace(
        plain, real=1.0, poses=(1.0, 0.0, 0.0), shape=(8, 8, 8), about_cord=1.0, contract_jitter=0.0
    )
    only = Packed(packed.cases[2:], packed.cords, packed.near, packed.height)
    from SoftCordSegLib.training.packed import image_values

    stored = image_values(packed.cases[2].image)
    windows = np.lib.stride_tricks.sliding_window_view(stored, (8, 8, 8))
    found = 0
    for patch in PatchBatches(only, recipe).batch(0, 0, 6).image[:, 0].numpy():
        for candidate in (patch, patch[::-1]):
            places = np.argwhere(np.isclose(windows[..., 0, 0, 0], candidate[0, 0, 0], atol=1e-4))
            found += any(
                np.allclose(windows[tuple(place)], candidate, atol=1e-4) for place in places
            )
    assert found == 6


def test_pulled_patches_are_bent_and_their_label_goes_along(packed, plain):
    """Of a straight bright cord: how far its middle is from a straight line, and how well image and
    label agree.
    """
    only = Packed(packed.cases[2:], packed.cords, packed.near, packed.height)
    bent, agree = {}, {}
    for pull in (0.0, 1.0):
        recipe = dataclasses.replace(
            plain, real=1.0, poses=(0.0, 1.0, 0.0), about_cord=1.0, real_elastic=pull
        )
        patches = [PatchBatches(only, recipe).batch(3, step, 6) for step in range(4)]
        off, together = [], []
        for image, label, weight in zip(
            *(torch.cat([getattr(b, part)[:, 0] for b in patches]) for part in
              ("image", "label", "weight"))
        ):  # fmt: skip
            heights = torch.nonzero((label * weight).sum(dim=(0, 1)) > 40).flatten()
            if len(heights) < 30:
                continue
            some = label[:, :, heights]
            middle = (some.sum(dim=0) * torch.arange(64)[:, None]).sum(dim=0) / some.sum(dim=(0, 1))
            at = heights.numpy()
            off.append(np.std(middle.numpy() - np.polyval(np.polyfit(at, middle, 1), at)))
            parts = torch.stack([image[weight > 0], label[weight > 0]])
            together.append(float(torch.corrcoef(parts)[0, 1]))
        bent[pull], agree[pull] = np.median(off), np.median(together)
    assert bent[1.0] > 3 * bent[0.0]
    assert bent[1.0] > 0.2
    assert agree[1.0] > agree[0.0] - 0.05


def test_nothing_is_asked_where_a_real_image_ends_or_its_weight_is_0(packed, plain):
    weights = (
        PatchBatches(packed, dataclasses.replace(plain, real=1.0))
        .batch(0, 0, 12)
        .weight.mean(dim=(1, 2, 3, 4))
    )
    assert weights.max() < 1
    assert weights.min() < weights.max() - 0.1


def test_participants_are_drawn_equally_often(packed, plain):
    """One has a single image among thirteen."""
    from training.generator.made_packed import made_case

    cases = [
        *(made_case(f"a{n}", "a", bright=-2.0) for n in range(12)),
        made_case("b", "b", bright=2.0),
    ]
    many = Packed(tuple(cases), packed.cords, packed.near, packed.height)
    recipe = dataclasses.replace(
        plain, real=1.0, shape=(16, 16, 16), about_cord=1.0, poses=(1.0, 0.0, 0.0)
    )
    batch = PatchBatches(many, recipe).batch(0, 0, 200)
    inside, outside = batch.label > 0.9, batch.label < 0.1
    seen = [i for i in range(200) if inside[i].sum() > 20 and outside[i].sum() > 20]
    bright = [
        bool(batch.image[i][inside[i]].mean() > batch.image[i][outside[i]].mean()) for i in seen
    ]
    assert len(seen) > 120
    assert 0.35 < np.mean(bright) < 0.65


def test_a_cropped_field_of_view_repeats_its_edge_with_no_weight(packed, plain):
    batch = PatchBatches(packed, dataclasses.replace(plain, cropped=1.0)).batch(0, 0, 8)
    assert batch.weight.mean() < 0.9
    for image, weight in zip(batch.image[:, 0], batch.weight[:, 0]):
        outside = weight.amax(dim=(0, 1)) == 0
        if outside[-1]:
            assert torch.equal(image[:, :, -1], image[:, :, -2]) or not outside[-2]
    assert (batch.label[batch.weight == 0] == 0).all()


@pytest.mark.parametrize("recipe", [SEGMENTER, LOCATOR], ids=["segmenter", "locator"])
def test_every_step_at_once_is_still_finite(packed, recipe):
    source = PatchBatches(
        packed, dataclasses.replace(recipe, twins=0.5, **dict.fromkeys(LEVERS, 1.0))
    )
    for step in range(3):
        batch = source.batch(0, step, 4)
        assert torch.isfinite(batch.image).all()
        assert batch.image.abs().max() <= 3


@pytest.mark.parametrize("lever", LEVERS)
def test_every_step_alone_is_finite_and_is_an_option(packed, plain, lever):
    """On, it changes a batch or what is drawn for it; off, it draws nothing."""
    usual = dataclasses.replace(plain, real=0.5, shape=(16, 24, 24), **NEEDS.get(lever, {}))
    on = PatchBatches(packed, dataclasses.replace(usual, **{lever: 1.0}))
    batches = [on.batch(0, step, 6) for step in range(2)]
    assert all(torch.isfinite(b.image).all() for b in batches)
    assert all(b.label.min() >= 0 and b.label.max() <= 1 for b in batches)
    off = PatchBatches(packed, usual)
    assert any(
        not torch.equal(off.batch(0, step, 6).image, b.image) for step, b in enumerate(batches)
    )


def test_a_recipe_is_kept_as_plain_json():
    for recipe in (
        dataclasses.replace(LOCATOR, twins=0.25),
        dataclasses.replace(LOCATOR, other_shapes=((32, 96, 64), (48, 64, 32)), echoes=4),
    ):
        assert BatchRecipe.of(json.loads(json.dumps(recipe.plain()))) == recipe
    with pytest.raises(InputError, match="no 'colour'"):
        BatchRecipe.of({**SEGMENTER.plain(), "colour": 1})


@pytest.mark.parametrize(
    "change",
    [
        {"shape": (47, 64, 64)},
        {"other_shapes": ((48, 64, 63),)},
        {"contract": "none"},
        {"spline": 3},
        {"echoes": 0},
        {"echoes": 2, "twins": 0.5},
    ],
)
def test_impossible_recipes_are_refused(change):
    with pytest.raises(InputError):
        dataclasses.replace(SEGMENTER, **change)


def test_real_images_that_are_not_there_are_asked_for(packed):
    none: tuple[PackedCase, ...] = ()
    with pytest.raises(InputError, match="holds no real images"):
        PatchBatches(Packed(none, packed.cords, packed.near, packed.height), SEGMENTER)


def test_importing_needs_neither_nibabel_nor_monai_nor_lightning(repository):
    """So that it runs on a machine that has PyTorch, NumPy and SciPy only."""
    code = (
        "import sys, SoftCordSegLib.training.generator; print({m.split('.')[0] for m in"
        " sys.modules})"
    )
    path = str(repository / "SoftCordSeg")
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    ).stdout
    assert "'torch'" in loaded
    for name in ("nibabel", "monai", "lightning", "matplotlib"):
        assert f"'{name}'" not in loaded
