"""What goes into the packed file is what the program would see, with the right label, and no
participant who must stay unseen.
"""

from __future__ import annotations

import argparse
import json
import shutil
import types
from dataclasses import replace

import numpy as np
import pytest

from recipes.loaded_recipe import recipe
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.segmentation.working_image import working_image
from SoftCordSegLib.training.packed import fractions, image_values, read_packed, write_packed
from SoftCordSegLib.volume import Volume, read_nifti, reorient, resample, write_nifti

SHAPE = (100, 110, 12)
AFFINE = np.diag([-1.0, 1.0, 4.0, 1.0])


@pytest.fixture(scope="module")
def pack(repository):
    return recipe("pack", repository)


@pytest.fixture(autouse=True)
def _no_offsets(pack, monkeypatch):
    """Masks as they are drawn, whatever was measured of the real data sets."""
    monkeypatch.setattr(pack, "read_offsets", lambda path: {})


@pytest.fixture
def folder(tmp_path):
    """Two images of one participant on one grid, a mask on slices 3 to 8 of the first, and a
    series; cord in grey, fluid in white.
    """
    rng = np.random.default_rng(0)
    x, y, _ = np.indices(SHAPE)
    radius = np.hypot(x - 50, y - 60)
    body = np.where(radius < 5, 300, np.where(radius < 9, 900, 150)) + rng.normal(0, 10, SHAPE)
    drawn = (radius < 5).astype(np.uint8)
    drawn[:, :, [*range(3), *range(9, 12)]] = 0
    write_nifti(Volume(body.astype(np.float32), AFFINE), tmp_path / "one.nii.gz")
    write_nifti(Volume((1000 - body).astype(np.float32), AFFINE), tmp_path / "two.nii.gz")
    write_nifti(Volume(drawn, AFFINE), tmp_path / "one_mask.nii.gz")
    return tmp_path


def listed(folder, *rows: str):
    path = folder / "list.csv"
    path.write_text(
        "\n".join(("participant,contrast,image,reference,grid,dataset,use", *rows)) + "\n",
        encoding="utf-8",
    )
    return path


def unlabelled(pack):
    return pack.LabelModels(None, {})


def packed(pack, folder, *rows: str):
    """Written and read, as training reads it."""
    result = pack.pack(
        listed(folder, *rows), folder, unlabelled(pack), folder / "work", with_anatomy=False
    )
    write_packed(folder / "out.npz", result)
    return read_packed(folder / "out.npz")


ONE = "p1,T2w,one.nii.gz,one_mask.nii.gz,p1,errsm,train"


def test_image_and_label_lie_where_the_program_samples_them(pack, folder):
    (case,) = packed(pack, folder, ONE).cases
    assert case.image.shape == case.label.shape == case.weight.shape == (89, 89, 48)
    label = fractions(case.label)
    # The cord's first voxel is the 46th of the image; the part begins 40 mm beside it.
    middle = np.argwhere(label[:, :, 24] > 0.5).mean(axis=0)
    assert middle == pytest.approx([44, 44], abs=0.6)
    image = image_values(case.image)
    inside, fluid = (
        label > 0.99,
        (label < 0.01) & (np.hypot(*(np.indices(label.shape)[:2] - 44)) < 7.5),
    )
    assert np.median(image[inside]) < np.median(image[fluid]) - 1
    assert case.slices_mm == (1.0, 1.0, 4.0)
    assert (case.label_by, case.licence, case.group, case.dataset) == (
        "drawn",
        "MIT",
        "p1/p1",
        "errsm",
    )


def test_intensities_are_those_of_the_programs_contract(pack, folder):
    """The same numbers as a bundle of that contract would see, but for the bytes they are kept
    in.
    """
    (case,) = packed(pack, folder, ONE).cases
    stage = types.SimpleNamespace(spacing_mm=2.0)
    bundle = types.SimpleNamespace(orientation="LAS", intensities="around_cord", locator=stage)
    working = working_image(read_nifti(folder / "one.nii.gz"), bundle)
    located = fractions(case.coarse_label) > 0.25
    expected = working.scaling_about(located)(
        resample(working.image, working.image.grid.resting(1.0)).data
    )
    part = expected[6:95, 16:105]
    assert np.abs(image_values(case.image) - part).max() < 6 / 255
    coarse = working.intensities.for_locator()(working.coarse.data)
    assert np.abs(image_values(case.coarse_image) - coarse).max() < 6 / 255


def test_where_no_mask_was_drawn_nothing_is_known_of_the_cord(pack, folder):
    (case,) = packed(pack, folder, ONE).cases
    known = case.weight > 0
    assert known[:, :, 14:34].all()
    assert not known[44, 44, :10].any()
    assert not known[44, 44, 38:].any()
    # Far beside it there is no cord, drawn or not.
    assert case.coarse_weight[0, 0].all()
    assert not case.coarse_weight[25, 30, :5].any()


def test_the_offset_of_a_data_set_is_taken_off_its_masks(pack, folder, monkeypatch):
    (plain,) = packed(pack, folder, ONE).cases
    monkeypatch.setattr(pack, "read_offsets", lambda path: {"errsm": 0.5})
    moved = packed(pack, folder, ONE)
    areas = [fractions(case.label)[:, :, 24].sum() for case in (plain, moved.cases[0])]
    assert np.sqrt(areas[1] / np.pi) == pytest.approx(np.sqrt(areas[0] / np.pi) - 0.5, abs=0.05)
    assert moved.record["offsets_mm"] == {"errsm": 0.5}


def test_the_record_names_every_file_by_its_content_and_who_was_left_out(pack, folder):
    record = packed(pack, folder, ONE, "p1,T1w,two.nii.gz,,p1,errsm,train").record
    assert record["files_sha256"] == {
        name: file_sha256(folder / name) for name in ("one.nii.gz", "one_mask.nii.gz")
    }
    assert record["left_out"] == ["two"]
    assert record["contract"] == "around_cord"
    assert str(folder) not in json.dumps(record)


def test_a_participant_of_the_evaluation_is_refused(pack, folder):
    with pytest.raises(InputError, match="must not be trained on: p2 is evaluated on"):
        packed(pack, folder, ONE, "p2,T2w,two.nii.gz,,,errsm,evaluate")


def test_a_participant_of_the_evaluation_list_is_refused_whatever_the_list_says(pack, folder):
    with pytest.raises(InputError, match="must not be trained on: sub-05"):
        packed(pack, folder, ONE, "sub-05,T2w,two.nii.gz,,,errsm,train")


def test_a_licence_that_is_not_known_is_refused(pack, folder):
    with pytest.raises(InputError, match="licence of the data set 'elsewhere'"):
        packed(pack, folder, ONE.replace("errsm", "elsewhere"))


def test_a_mask_of_another_grid_or_an_empty_one_is_refused(pack, folder):
    mask = read_nifti(folder / "one_mask.nii.gz")
    write_nifti(Volume(mask.data[1:], mask.affine), folder / "one_mask.nii.gz")
    with pytest.raises(InputError, match="not on the grid"):
        packed(pack, folder, ONE)
    write_nifti(mask.with_data(np.zeros_like(mask.data)), folder / "one_mask.nii.gz")
    with pytest.raises(InputError, match="is empty"):
        packed(pack, folder, ONE)


def test_images_of_one_group_must_share_their_voxels(pack, folder):
    image = read_nifti(folder / "two.nii.gz")
    affine = image.affine.copy()
    affine[0, 3] += 0.5
    write_nifti(Volume(image.data, affine), folder / "two.nii.gz")
    mask = read_nifti(folder / "one_mask.nii.gz")
    write_nifti(Volume(mask.data, affine), folder / "two_mask.nii.gz")
    with pytest.raises(InputError, match="not on the grid of"):
        packed(pack, folder, ONE, "p1,T1w,two.nii.gz,two_mask.nii.gz,p1,errsm,train")


def test_a_diffusion_series_becomes_two_contrasts_of_one_grid(pack, folder, repository):
    import nibabel

    from SoftCordSegLib.evaluation import read_cases

    rng = np.random.default_rng(0)
    series = rng.normal(100, 3, (20, 20, 5, 8)).astype(np.float32)
    series[..., [0, 7]] *= 2
    nibabel.save(nibabel.Nifti1Image(series, AFFINE), folder / "series.nii.gz")
    (row,) = read_cases(listed(folder, "p1,DWI,series.nii.gz,,,errsm,train"))
    found = recipe("series_means", repository).series_means(row, folder / "means")
    assert [(case.contrast, case.grid) for case in found] == [("DWI", "series"), ("b0", "series")]
    for case, volumes in zip(found, ([1, 2, 3, 4, 5, 6], [0, 7])):
        assert np.abs(read_nifti(case.image).data - series[..., volumes].mean(axis=-1)).max() < 1e-3


def test_an_image_without_a_mask_gets_the_label_that_a_models_predictions_agree_on(
    pack, folder, monkeypatch
):
    mask = reorient(read_nifti(folder / "one_mask.nii.gz"), "LAS")
    soft = mask.with_data(mask.data.astype(np.float32) * 0.8)
    weight = mask.with_data(np.ones(mask.shape, np.float32))
    weight.data[:, :, 8:] = 0
    write_nifti(soft, folder / "label.nii.gz")
    write_nifti(weight, folder / "weight.nii.gz")
    pair = (folder / "label.nii.gz", folder / "weight.nii.gz")
    monkeypatch.setattr(
        pack,
        "model_labels",
        lambda cases, bundle, work: ([pair for _ in cases], {"name": "teacher 1"}),
    )
    path = listed(folder, "p1,T1w,two.nii.gz,,p1,errsm,train")
    labels = pack.LabelModels(folder / "bundle", {})
    result = pack.pack(path, folder, labels, folder / "work", with_anatomy=False)
    (case,) = result.cases
    assert (case.label_by, result.record["label_model"]) == (
        "model",
        {"inside_mm": {"two": 0.0}, "models": [{"name": "teacher 1", "images": ["two"]}]},
    )
    assert fractions(case.label)[:, :, 20].max() == pytest.approx(0.8, abs=0.05)
    # Not trusted from slice 8 on, and not found at all before slice 3.
    assert not case.weight[:, :, 33:].any()
    assert case.weight[:, :, 14:30].all()
    assert not case.weight[44, 44, :10].any()


def test_below_a_marked_tip_there_is_no_cord_whatever_the_model_says(pack, folder):
    mask, weight = read_nifti(folder / "one_mask.nii.gz"), folder / "weight.nii.gz"
    write_nifti(mask.with_data(np.ones(mask.shape, np.float32)), weight)
    case = pack.Case("p1", "T2w", folder / "one.nii.gz", dataset="errsm")
    upright = reorient(mask, "LAS")
    found = np.flatnonzero((upright.data > 0.5).any(axis=(0, 1)))
    tip = float(upright.grid.to_world([0, 0, found[2]])[2]) - 0.1

    free = pack.labelled_by_model(case, folder / "one_mask.nii.gz", weight, 0.0, None)
    marked = pack.labelled_by_model(
        replace(case, tip=True), folder / "one_mask.nii.gz", weight, 0.0, tip
    )

    # Without a mark nothing is known below the mask, with one all is, and its lowest slices go.
    assert (free.weight.data[50, 60] > 0).sum() == 6
    assert (marked.weight.data[50, 60] > 0).sum() > 6
    assert not marked.label.data[:, :, : found[2]].any()
    assert marked.weight.data[50, 60, : found[2]].all()
    assert np.array_equal(marked.label.data[:, :, found[2] :], free.label.data[:, :, found[2] :])
    with pytest.raises(InputError, match="tip of the cord, which is not marked"):
        pack.labelled_by_model(
            replace(case, tip=True), folder / "one_mask.nii.gz", weight, 0.0, None
        )


def test_labels_are_moved_to_where_the_image_shows_the_edge(pack, tmp_path):
    """A label that was drawn 0.5 mm inside the edge of a dark cord in bright fluid; one that shares
    it has the same number, and one in whose image no edge is seen stays.
    """
    i, j, _ = np.indices((48, 48, 12))
    radius = np.hypot((i - 23.5), (j - 23.5)) * 0.5
    affine = np.diag([-0.5, 0.5, 4.0, 1.0])
    write_nifti(Volume(np.where(radius < 5, 200.0, 900.0), affine), tmp_path / "fluid.nii.gz")
    write_nifti(Volume(np.full(radius.shape, 7.0), affine), tmp_path / "even.nii.gz")
    for name in ("one", "two"):
        inside = (radius < 4.5).astype(np.float32)
        write_nifti(Volume(inside, affine), tmp_path / f"{name}_label.nii.gz")
    cases = [pack.Case("p", "T2w", tmp_path / f"{name}.nii.gz") for name in ("fluid", "even")]
    pairs = [(tmp_path / f"{name}_label.nii.gz", tmp_path) for name in ("one", "two")]

    alone = pack.inside_convention(cases, pairs)
    shared = pack.inside_convention(cases, [pairs[0], pairs[0]])

    assert alone == [pytest.approx(0.5 + pack.SEEN_MM, abs=0.1), 0.0]
    assert shared == [alone[0], alone[0]]


def test_labels_of_a_model_with_another_edge_are_moved_outwards(pack, folder):
    mask, weight = read_nifti(folder / "one_mask.nii.gz"), folder / "weight.nii.gz"
    write_nifti(mask.with_data(np.ones(mask.shape, np.float32)), weight)
    case = pack.Case("p1", "T2w", folder / "one.nii.gz", dataset="errsm")
    as_is, moved = (
        pack.labelled_by_model(case, folder / "one_mask.nii.gz", weight, inside, None)
        for inside in (0.0, 0.2)
    )

    area = as_is.label.data.sum() / (as_is.label.data > 0).any(axis=(0, 1)).sum()
    step = float(np.sqrt(np.prod(as_is.label.spacing[:2])))
    radius = np.sqrt(area * step**2 / np.pi)
    grown = moved.label.data.sum() / as_is.label.data.sum()
    assert grown == pytest.approx((1 + 0.2 / radius) ** 2, rel=0.04)


def test_one_image_can_be_labelled_by_another_bundle(pack, folder, monkeypatch):
    shutil.copyfile(folder / "two.nii.gz", folder / "three.nii.gz")
    asked = []

    def labels(cases, bundle, work):
        asked.append((bundle, [case.stem for case in cases]))
        return [(folder / "one_mask.nii.gz",) * 2 for _ in cases], {"name": bundle}

    monkeypatch.setattr(pack, "model_labels", labels)
    rows = ("p1,T1w,two.nii.gz,,p1,errsm,train", "p2,T1w,three.nii.gz,,p2,errsm,train")
    models = pack.LabelModels("a", dict([pack.labels_for("three=b")]))
    result = pack.pack(listed(folder, *rows), folder, models, folder / "work", with_anatomy=False)

    assert asked == [("a", ["two"]), ("b", ["three"])]
    assert [case.name for case in result.cases] == ["two", "three"]
    with pytest.raises(argparse.ArgumentTypeError):
        pack.labels_for("three")


def test_another_region_of_a_participant_is_drawn_as_often_as_a_participant(pack, folder):
    (case,) = packed(pack, folder, ONE).cases
    one = pack.drawn(
        pack.Case(
            "p1",
            "T2w",
            folder / "one.nii.gz",
            folder / "one_mask.nii.gz",
            dataset="errsm",
            region="lumbar",
        ),
        0.0,
    )

    assert case.participant == "p1"
    assert pack.packed_case(one).participant == "p1 (lumbar)"


def test_the_shipped_lists_are_packed_and_small_enough(pack, shared_data, tmp_path):
    """The drawn masks of the development list: the smaller of the two."""
    result = pack.pack(
        pack.HERE / "development.csv", shared_data, unlabelled(pack), tmp_path, with_anatomy=False
    )
    write_packed(tmp_path / "development.npz", result)
    assert (tmp_path / "development.npz").stat().st_size < pack.LARGEST_BYTES
    assert {case.participant for case in result.cases} == {"errsm18", "9709", "leipzig"}
    for case in result.cases:
        assert fractions(case.label).sum() > 1000
        assert all(size >= least for size, least in zip(case.image.shape, (48, 64, 48)))


def test_a_rescan_of_a_drawn_cord_is_not_labelled_by_a_model(pack, folder, monkeypatch):
    asked = []
    for name in ("three", "four"):
        shutil.copyfile(folder / "two.nii.gz", folder / f"{name}.nii.gz")

    def labels(cases, bundle, work):
        asked.extend(case.stem for case in cases)
        return [(folder / "one_mask.nii.gz",) * 2 for _ in cases], {}

    monkeypatch.setattr(pack, "model_labels", labels)
    rows = (
        f"{ONE},",
        "p1,T2w,two.nii.gz,,p1,errsm,train,run-2",
        "p1,T1w,three.nii.gz,,p1,errsm,train,",
        "p2,T2w,four.nii.gz,,p2,errsm,train,",
    )
    path = listed(folder, *rows)
    head, _, rest = path.read_text(encoding="utf-8").partition("\n")
    path.write_text(f"{head},session\n{rest}", encoding="utf-8")
    labels = pack.LabelModels(folder / "bundle", {})
    result = pack.pack(path, folder, labels, folder / "work", with_anatomy=False)
    assert [(case.participant, case.contrast) for case in result.cases] == [
        ("p1", "T2w"),
        ("p1", "T1w"),
        ("p2", "T2w"),
    ]
    assert result.record["left_out"] == ["two"]
    assert asked == ["three", "four"]


def test_a_bundle_that_is_not_there_gets_a_sentence(pack, folder, monkeypatch, capsys):
    path = listed(folder, "p1,T2w,two.nii.gz,,p1,errsm,train")
    words = ["pack.py", "--data", str(folder), "--labels", "nowhere", "--list", str(path)]
    monkeypatch.setattr("sys.argv", [*words, "-o", str(folder / "out.npz")])

    assert pack.main() == 1

    assert "nowhere" in capsys.readouterr().err
    assert not (folder / "out.npz").exists()


LAST = (("p2", "one"), ("p3", "two"))


def test_participants_of_the_development_list_are_trained_on_last(pack, folder, monkeypatch):
    """Those that are named, and no other; the record says who they are."""
    rows = (f"{p},T2w,{image}.nii.gz,one_mask.nii.gz,{p},errsm,train" for p, image in LAST)
    listed(folder, *rows)
    (folder / "list.csv").rename(folder / "development.csv")
    monkeypatch.setattr(pack, "HERE", folder)
    (folder / "evaluation.csv").write_text(
        "participant,contrast,image\np9,T2w,nine.nii.gz\n", encoding="utf-8"
    )
    more = pack.of_development(["p3"], folder)
    assert [case.participant for case in more] == ["p3"]
    path = listed(folder, ONE)
    result = pack.pack(path, folder, unlabelled(pack), folder / "work", False, more)
    assert [case.participant for case in result.cases] == ["p1", "p3"]
    assert result.record["last"] == ["p3"]
    with pytest.raises(InputError, match="No row of the list is of 'p9'"):
        pack.of_development(["p3", "p9"], folder)


def test_who_is_evaluated_on_is_not_trained_on_last_either(pack, shared_data, tmp_path):
    evaluated = pack.read_cases(pack.HERE / "evaluation.csv", shared_data)
    path = pack.HERE / "training.csv"
    with pytest.raises(InputError, match="must not be trained on"):
        pack.pack(path, shared_data, unlabelled(pack), tmp_path, False, evaluated[:1])
