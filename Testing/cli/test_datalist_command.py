"""``softcord datalist``: a data set becomes a list that ``softcord train`` reads."""

from __future__ import annotations

import json

import pytest

from training.made_dataset import make_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data"), participants=5)


def images_in(path):
    """The images of all parts of a list."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return [
        entry["image"] for part in ("training", "validation", "test") for entry in content[part]
    ]


def test_a_list_is_written_and_summed_up(softcord, dataset, tmp_path):
    result = softcord(
        "datalist", dataset, "-o", tmp_path / "dataset.json", "--contrasts", "T1w, DWI", "--json"
    )
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert [said[part] for part in ("training", "validation", "test")] == [
        {"participants": 3, "images": 6},
        {"participants": 1, "images": 2},
        {"participants": 1, "images": 2},
    ]
    content = json.loads((tmp_path / "dataset.json").read_text(encoding="utf-8"))
    assert content["contrasts"] == ["T1w", "rec-average_dwi"]
    assert all(
        (tmp_path / entry["image"]).is_file() and (tmp_path / entry["label"]).is_file()
        for entry in content["training"]
    )


def test_the_same_seed_gives_the_same_file(softcord, dataset, tmp_path):
    for name, seed in (("a", "15"), ("b", "15"), ("c", "4")):
        softcord("datalist", dataset, "-o", tmp_path / f"{name}.json", "--seed", seed)
    one, again, other = ((tmp_path / f"{name}.json").read_text(encoding="utf-8") for name in "abc")
    assert one == again
    assert one != other


def test_excluded_participants_are_left_out(softcord, dataset, tmp_path):
    listed = tmp_path / "exclude.yml"
    listed.write_text(
        "bad_registration:\n  - sub-02\nartefact:\n  - sub-03_T1w.nii.gz  # moved\n",
        encoding="utf-8",
    )
    result = softcord(
        "datalist",
        dataset,
        "-o",
        tmp_path / "dataset.json",
        "--exclude",
        listed,
        "--split",
        "50/25/25",
    )
    assert result.exit_code == 0, result.stderr
    images = images_in(tmp_path / "dataset.json")
    assert len(images) == 4 * 4 - 1
    assert not [image for image in images if "sub-02" in image or "sub-03_T1w" in image]


def test_a_path_in_the_list_leaves_out_its_image_only(softcord, dataset, tmp_path):
    listed = tmp_path / "qc_fail.yml"
    listed.write_text(
        "# 1 failed\nFILES_SEG:\n- data/sub-02/anat/sub-02_T1w.nii.gz  # failed QC\n",
        encoding="utf-8",
    )

    result = softcord("datalist", dataset, "-o", tmp_path / "dataset.json", "--exclude", listed)

    assert result.exit_code == 0, result.stderr
    assert len(images_in(tmp_path / "dataset.json")) == 5 * 4 - 1
    assert not [image for image in images_in(tmp_path / "dataset.json") if "sub-02_T1w" in image]


def test_a_session_in_the_list_leaves_out_all_its_images(softcord, tmp_path):
    folder = make_dataset(
        tmp_path / "data",
        participants=5,
        contrasts=("ses-a/anat/{}_ses-a_T1w", "ses-a/dwi/{}_ses-a_dwi", "ses-b/anat/{}_ses-b_T1w"),
    )
    (tmp_path / "exclude.txt").write_text("sub-04_ses-a\n", encoding="utf-8")

    result = softcord(
        "datalist", folder, "-o", tmp_path / "dataset.json", "--exclude", tmp_path / "exclude.txt"
    )

    assert result.exit_code == 0, result.stderr
    images = images_in(tmp_path / "dataset.json")
    assert len(images) == 5 * 3 - 2
    assert [image.rsplit("/", 1)[1] for image in images if "sub-04" in image] == [
        "sub-04_ses-b_T1w.nii.gz"
    ]


def test_a_line_that_names_nobody_is_pointed_at(softcord, dataset, tmp_path):
    (tmp_path / "exclude.txt").write_text("sub-01\neveryone over 60\n", encoding="utf-8")

    result = softcord(
        "datalist", dataset, "-o", tmp_path / "dataset.json", "--exclude", tmp_path / "exclude.txt"
    )

    assert result.exit_code == 1
    assert "Line 2, 'everyone over 60', names no participant" in result.stderr
    assert not (tmp_path / "dataset.json").exists()


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("--label", "fuzzy"), 2, "'fuzzy'"),
        (("--split", "60/40"), 2, "--split '60/40' is not three parts of 100"),
        (("--split", "70/20/20"), 2, "--split '70/20/20' is not three parts"),
        (("--contrasts", "T7w"), 1, "no image of the contrast T7w"),
        (
            ("--exclude", "nowhere.txt"),
            1,
            "'nowhere.txt': There is no such exclusion list.",
        ),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    softcord, dataset, tmp_path, options, code, sentence
):
    result = softcord("datalist", dataset, "-o", tmp_path / "dataset.json", *options)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert not (tmp_path / "dataset.json").exists()


def test_a_missing_data_set_is_told(softcord, tmp_path):
    result = softcord("datalist", tmp_path / "nowhere", "-o", tmp_path / "dataset.json")
    assert result.exit_code == 1
    assert "There is no such folder" in result.stderr
