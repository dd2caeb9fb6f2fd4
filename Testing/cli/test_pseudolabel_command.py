"""``softcord pseudolabel``: labels for training from what a model's predictions agree on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cli.fakes import a_neck, soft_from_brightness, values
from SoftCordSegLib.training.real import load_cases
from SoftCordSegLib.volume import write_nifti


@pytest.fixture
def table(tmp_path):
    """One subject in two contrasts on one grid, and another image; the second contrast's cord is
    cut off above slice 20.
    """
    neck = a_neck()
    cut = neck.data.copy()
    cut[:, :, 21:] = 0
    for name, data in (("sub-01_T1w", neck.data), ("sub-01_T2w", cut), ("sub-02_T2w", neck.data)):
        write_nifti(neck.with_data(data), tmp_path / f"{name}.nii.gz")
    path = tmp_path / "cases.csv"
    path.write_text(
        "participant,contrast,image,grid\nsub-01,T1w,sub-01_T1w.nii.gz,one\nsub-01,T2w,sub-01_T2w.nii.gz,one\n"
        "sub-02,T2w,sub-02_T2w.nii.gz,\n"
    )
    return path


def test_contrasts_on_one_grid_share_a_label_and_their_quarrel_is_left_open(
    softcord, table, tmp_path
):
    out = tmp_path / "labels"
    result = softcord("pseudolabel", table, "-o", out, "--json")
    assert result.exit_code == 0, result.stderr
    cases = load_cases(out / "cases.json")
    assert [case.participant for case in cases] == ["sub-01", "sub-01", "sub-02"]
    assert cases[0].label == cases[1].label
    label, weight = values(cases[0].label), values(cases[0].weight)
    assert np.allclose(label[:, :, 10], a_neck().data[:, :, 10] / 1000, atol=1e-6)
    assert (weight[:, :, :21] == 1).all()
    assert weight[20, 20, 25] == 0
    assert weight[0, 0, 25] == 1
    assert (values(cases[2].weight) == 1).all()
    trusted = json.loads(result.stdout)["trusted_percent"]
    assert trusted == {"one": 70.0, "sub-02_T2w": 100.0}


def test_a_model_that_prefers_one_side_is_answered_by_its_mirror_image(softcord, table, tmp_path):
    def leans(image, bundle, *, box=None, progress=None, device="auto", flips=False):
        soft = soft_from_brightness(image, bundle, box=box, progress=progress, device=device)
        # One column more towards the end of the first axis, on all images: mirrored, it is the
        # other side's.
        return type(soft)(
            soft.volume.with_data(np.maximum(soft.volume.data, np.roll(soft.volume.data, 1, 0))),
            soft.box,
            "",
        )

    softcord.segment = leans
    assert softcord("pseudolabel", table, "-o", tmp_path / "labels").exit_code == 0
    label = values(tmp_path / "labels" / "sub-02_T2w_label.nii.gz")
    assert np.allclose(label, label[::-1], atol=1e-6)


def test_what_is_left_out_is_not_labelled(softcord, table, tmp_path):
    out = tmp_path / "labels"
    assert softcord("pseudolabel", table, "-o", out, "--without", "sub-01").exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "cases.json",
        "sub-02_T2w_label.nii.gz",
        "sub-02_T2w_weight.nii.gz",
    ]
    refused = softcord(
        "pseudolabel", table, "-o", out, "--without", "sub-01", "--without", "sub-02_T2w"
    )
    assert refused.exit_code == 2
    assert "left out" in refused.stderr


def test_only_what_is_named_is_labelled(softcord, table, tmp_path):
    assert (
        softcord("pseudolabel", table, "-o", tmp_path / "labels", "--only", "sub-02").exit_code == 0
    )
    assert [case.participant for case in load_cases(tmp_path / "labels" / "cases.json")] == [
        "sub-02"
    ]


@pytest.mark.parametrize("option", ["--only", "--without"])
def test_a_name_that_is_not_in_the_table_is_refused(softcord, table, tmp_path, option):
    refused = softcord("pseudolabel", table, "-o", tmp_path / "labels", option, "sub-1")
    assert refused.exit_code == 2
    assert "no such participant or image" in refused.stderr
    assert not (tmp_path / "labels").exists()


def test_two_people_whose_images_have_one_name_do_not_share_a_label(softcord, tmp_path):
    neck = a_neck()
    for person in ("one", "two"):
        write_nifti(neck, tmp_path / person / "T2w.nii.gz")
    table = tmp_path / "cases.csv"
    table.write_text("participant,contrast,image\none,T2w,one/T2w.nii.gz\ntwo,T2w,two/T2w.nii.gz\n")
    result = softcord("pseudolabel", table, "-o", tmp_path / "labels")
    assert result.exit_code == 2
    assert "T2w_label" in result.stderr
    assert not (tmp_path / "labels").exists()


def test_inputs_are_never_written_over(softcord, table, tmp_path):
    cases = tmp_path / "cases.json"
    cases.write_text(
        json.dumps([{"participant": "sub-02", "contrast": "T2w", "image": "sub-02_T2w.nii.gz"}])
    )
    before = cases.read_bytes()
    result = softcord("pseudolabel", cases, "-o", tmp_path)
    assert result.exit_code == 2
    assert "is an input" in result.stderr
    assert cases.read_bytes() == before


def test_a_missing_image_is_a_sentence(softcord, table, tmp_path):
    (tmp_path / "sub-02_T2w.nii.gz").unlink()
    result = softcord("pseudolabel", table, "-o", tmp_path / "labels")
    assert result.exit_code == 1
    assert "sub-02_T2w.nii.gz" in result.stderr
    assert not (tmp_path / "labels" / "cases.json").exists()
