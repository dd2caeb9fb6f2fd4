"""Lists of cases: no participant is trained and tested on, and what does not fit is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from SoftCordSegLib.bids import acquisition_of
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.training.paper.datalist import make_datalist, split_participants
from SoftCordSegLib.training.paper.listed_cases import read_part
from SoftCordSegLib.volume import Volume, write_nifti
from training.made_dataset import AFFINE, make_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data"))


def participants(content, part):
    return {entry["participant"] for entry in content[part]}


def test_the_papers_243_participants_become_145_49_and_49():
    split = split_participants([f"sub-{n:03d}" for n in range(243)], seed=15)
    assert {part: len(names) for part, names in split.items()} == {
        "training": 145,
        "validation": 49,
        "test": 49,
    }
    assert set.union(*map(set, split.values())) == {f"sub-{n:03d}" for n in range(243)}


def test_the_split_depends_on_the_seed_and_not_on_the_order():
    names = [f"sub-{n:03d}" for n in range(50)]
    assert split_participants(names, 15) == split_participants(names[::-1] * 2, 15)
    assert split_participants(names, 15) != split_participants(names, 16)


def test_all_images_of_a_participant_are_in_one_part(dataset, tmp_path):
    content, notes = make_datalist(dataset, tmp_path)
    parts = [participants(content, part) for part in ("training", "validation", "test")]
    assert [len(part) for part in parts] == [6, 2, 2]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 10
    assert [content[key] for key in ("numTraining", "numValidation", "numTest")] == [24, 8, 8]
    assert content["seed"] == 15
    assert content["labels"] == {"0": "background", "1": "spinal cord"}
    assert content["numImagesPerContrast"]["T1w"] == 10
    assert notes == []


@pytest.mark.parametrize(
    ("label", "ending"),
    [("soft", "_softseg.nii.gz"), ("hard", "_seg-manual.nii.gz")],
    ids=["soft labels", "hard labels"],
)
def test_each_kind_of_label_is_found_and_paths_are_relative_to_the_list(dataset, label, ending):
    content, _ = make_datalist(dataset, dataset / "lists", label=label)
    for entry in content["training"]:
        assert entry["image"].startswith("../sub-")
        assert entry["label"].endswith(ending)
        assert (dataset / entry["image"][3:]).is_file()


@pytest.mark.parametrize(
    ("name", "contrast"),
    [
        ("T1w", "T1w"),
        ("T2*", "T2star"),
        ("MT-on", "flip-1_mt-on_MTS"),
        ("DWI", "rec-average_dwi"),
        ("T2star", "T2star"),
    ],
)
def test_contrasts_are_chosen_by_the_names_of_files_or_of_the_paper(
    dataset, tmp_path, name, contrast
):
    content, _ = make_datalist(dataset, tmp_path, contrasts=[name])
    assert content["contrasts"] == [contrast]
    assert len(content["training"]) == 6


def test_excluded_participants_and_images_are_left_out(dataset, tmp_path):
    content, _ = make_datalist(dataset, tmp_path, exclude={"sub-03", "sub-04_T1w"})
    everybody = [entry for part in ("training", "validation", "test") for entry in content[part]]
    assert "sub-03" not in {entry["participant"] for entry in everybody}
    assert len(everybody) == 9 * 4 - 1


def test_labels_may_lie_in_a_folder_of_their_own_under_new_names(dataset, tmp_path):
    """As softcord softgt writes them."""
    for number in range(1, 6):
        name = f"sub-{number:02d}"
        label = (
            tmp_path
            / "truth"
            / "derivatives"
            / "labels_softseg"
            / name
            / "anat"
            / f"{name}_T1w_label-SC_softseg.nii.gz"
        )
        write_nifti(Volume(np.zeros((20, 24, 22), np.float32), AFFINE), label)
    content, notes = make_datalist(
        dataset, tmp_path, contrasts=["T1w"], labels_of=tmp_path / "truth"
    )
    assert {entry["label"].split("/")[0] for entry in content["training"]} == {"truth"}
    assert len(content["training"]) == 3
    assert "5 of 10 images have no soft label" in notes[0]


def test_an_image_without_a_label_is_noted(tmp_path):
    folder = make_dataset(tmp_path, participants=5, contrasts=("anat/{}_T1w",))
    next(folder.glob("derivatives/labels_softseg/sub-02/anat/*")).unlink()
    content, notes = make_datalist(folder, folder)
    assert notes == ["1 of 5 images have no soft label and are left out: sub-02_T1w.nii.gz."]
    assert sum(len(content[part]) for part in ("training", "validation", "test")) == 4


def test_labels_that_do_not_fit_their_images_are_named(tmp_path):
    folder = make_dataset(tmp_path, participants=5, contrasts=("anat/{}_T1w",))
    labels = folder / "derivatives" / "labels_softseg"
    write_nifti(
        Volume(np.zeros((20, 24, 21), np.float32), AFFINE),
        labels / "sub-01" / "anat" / "sub-01_T1w_softseg.nii.gz",
    )
    moved = AFFINE.copy()
    moved[0, 3] = 5
    write_nifti(
        Volume(np.zeros((20, 24, 22), np.float32), moved),
        labels / "sub-02" / "anat" / "sub-02_T1w_softseg.nii.gz",
    )
    with pytest.raises(InputError) as caught:
        make_datalist(folder, folder)
    assert "2 of 5 labels do not fit" in str(caught.value)
    assert "'sub-01_T1w_softseg.nii.gz' has 20×24×21 voxels and its image 20×24×22" in str(
        caught.value
    )
    assert "'sub-02_T1w_softseg.nii.gz' lies elsewhere" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"contrasts": ["T7w"]}, "no image of the contrast T7w. Choose among: T1w"),
        ({"label": "soft_bin"}, "No image has a soft_bin label"),
    ],
)
def test_what_is_not_there_is_told(dataset, tmp_path, options, sentence):
    with pytest.raises(InputError, match=sentence):
        make_datalist(dataset, tmp_path, **options)


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(InputError, match="holds no image of a participant"):
        make_datalist(tmp_path, tmp_path)


def test_too_few_participants_are_told():
    with pytest.raises(InputError, match="2 participants are too few"):
        split_participants(["sub-01", "sub-02"], 15)


def written(content, path):
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_list_is_read_back_by_part_and_contrast(dataset):
    content, _ = make_datalist(dataset, dataset)
    path = written(content, dataset / "dataset.json")
    cases = read_part(path, "validation", ["MT-on"])
    assert {acquisition_of(case.image) for case in cases} == {"flip-1_mt-on_MTS"}
    assert {case.participant for case in cases} == participants(content, "validation")


def test_the_authors_lists_say_train(dataset):
    content, _ = make_datalist(dataset, dataset)
    plain = [{key: entry[key] for key in ("image", "label")} for entry in content["training"]]
    assert len(read_part(written({"train": plain}, dataset / "authors.json"), "training")) == 24


def test_a_participant_in_two_parts_is_refused(dataset):
    content, _ = make_datalist(dataset, dataset)
    content["validation"].append(content["training"][0])
    with pytest.raises(InputError, match=r"participant sub-\d\d is in training and in validation"):
        read_part(written(content, dataset / "leaking.json"), "training")


def test_an_empty_part_is_told(dataset):
    content, _ = make_datalist(dataset, dataset)
    with pytest.raises(InputError, match="no case under 'validation'"):
        read_part(written({**content, "validation": []}, dataset / "empty.json"), "validation")


def test_a_list_of_the_decathlon_itself_is_read(dataset):
    """Its cases are called NAME_001.nii.gz, it names no participants, and its part "test" holds
    file names alone.
    """
    content, _ = make_datalist(dataset, dataset)
    for number, part in enumerate(("training", "validation")):
        for key in ("image", "label"):
            source = dataset / content[part][0][key]
            (dataset / f"hippocampus_{number}{key}.nii.gz").write_bytes(source.read_bytes())
    cases = [
        {key: f"hippocampus_{number}{key}.nii.gz" for key in ("image", "label")}
        for number in (0, 1)
    ]
    path = written(
        {
            "training": cases[:1],
            "validation": cases[1:],
            "test": ["./imagesTs/hippocampus_2.nii.gz"],
        },
        dataset / "msd.json",
    )

    (case,) = read_part(path, "training")

    assert case.image.name == "hippocampus_0image.nii.gz"
    path = written(
        {"training": cases, "test": [f"./{cases[0]['image']}"]}, dataset / "leaking.json"
    )
    with pytest.raises(InputError, match="is in training and in test"):
        read_part(path, "training")
