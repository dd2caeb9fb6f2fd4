"""``softcord datalist``: a data set becomes a list that ``softcord train`` reads."""

from __future__ import annotations

import json

import pytest

from training.made_dataset import make_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data"), participants=5)


def test_a_list_is_written_and_summed_up(softcord, dataset, tmp_path):
    result = softcord("datalist", dataset, "-o", tmp_path / "dataset.json", "--contrasts", "T1w, DWI", "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert [said[part] for part in ("training", "validation", "test")] == [
        {"participants": 3, "images": 6},
        {"participants": 1, "images": 2},
        {"participants": 1, "images": 2},
    ]
    content = json.loads((tmp_path / "dataset.json").read_text())
    assert content["contrasts"] == ["T1w", "rec-average_dwi"]
    assert all((tmp_path / entry["image"]).is_file() and (tmp_path / entry["label"]).is_file() for entry in content["training"])


def test_the_same_seed_gives_the_same_file(softcord, dataset, tmp_path):
    for name, seed in (("a", "15"), ("b", "15"), ("c", "4")):
        softcord("datalist", dataset, "-o", tmp_path / f"{name}.json", "--seed", seed)
    one, again, other = ((tmp_path / f"{name}.json").read_text() for name in "abc")
    assert one == again
    assert one != other


def test_excluded_participants_are_left_out(softcord, dataset, tmp_path):
    listed = tmp_path / "exclude.yml"
    listed.write_text("bad_registration:\n  - sub-02\nartefact:\n  - sub-03_T1w.nii.gz  # moved\n")
    result = softcord("datalist", dataset, "-o", tmp_path / "dataset.json", "--exclude", listed, "--split", "50/25/25")
    assert result.exit_code == 0, result.stderr
    content = json.loads((tmp_path / "dataset.json").read_text())
    images = [entry["image"] for part in ("training", "validation", "test") for entry in content[part]]
    assert len(images) == 4 * 4 - 1
    assert not [image for image in images if "sub-02" in image or "sub-03_T1w" in image]


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("--label", "fuzzy"), 2, "--label is one of soft, soft_bin, hard"),
        (("--split", "60/40"), 2, "--split is three parts of 100"),
        (("--split", "70/20/20"), 2, "--split is three parts of 100"),
        (("--contrasts", "T7w"), 1, "has no image of the contrast T7w"),
        (("--exclude", "nowhere.txt"), 1, "'nowhere.txt' cannot be read"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(softcord, dataset, tmp_path, options, code, sentence):
    result = softcord("datalist", dataset, "-o", tmp_path / "dataset.json", *options)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert not (tmp_path / "dataset.json").exists()


def test_a_missing_data_set_is_told(softcord, tmp_path):
    result = softcord("datalist", tmp_path / "nowhere", "-o", tmp_path / "dataset.json")
    assert result.exit_code == 1
    assert "There is no folder" in result.stderr
