"""No participant who is evaluated on is trained on, labelled or not; and the check finds a leak
where there is one.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from SoftCordSegLib.evaluation import read_cases
from SoftCordSegLib.evaluation.held_out import leak_of, leaks
from SoftCordSegLib.training.packed import read_packed


@pytest.fixture(scope="module")
def recipes(repository) -> Path:
    return repository / "recipes"


@pytest.fixture(scope="module")
def evaluated(recipes):
    return read_cases(recipes / "evaluation.csv")


@pytest.fixture(scope="module")
def trained(recipes):
    return read_cases(recipes / "training.csv")


@pytest.mark.parametrize("name", ["training", "development"])
def test_no_training_list_has_a_participant_of_the_evaluation_list(recipes, evaluated, name):
    assert leaks(evaluated, read_cases(recipes / f"{name}.csv")) == []


def test_no_list_to_train_on_has_a_participant_of_the_development_list(recipes, trained):
    assert leaks(read_cases(recipes / "development.csv"), trained) == []


def test_the_lists_say_what_each_image_may_be_used_for(recipes, evaluated, trained):
    assert {case.use for case in evaluated} == {"evaluate"}
    assert {case.use for case in trained} == {"train"}
    assert {case.use for case in read_cases(recipes / "development.csv")} == {"train"}


def test_every_other_table_of_images_here_is_free_of_them_too(recipes, evaluated):
    # Whatever list a recipe may take next: a table with the columns participant and image is one to
    # train on.
    for path in sorted(recipes.rglob("*.csv")):
        head = path.read_text(encoding="utf-8").splitlines()[0].split(",")
        if path.name != "evaluation.csv" and {"participant", "image"} <= set(head):
            assert leaks(evaluated, read_cases(path)) == [], path.name


def test_the_recipe_of_the_shipped_model_labels_none_that_is_evaluated_on(
    repository, evaluated, tmp_path
):
    """It is in the history: recipes/compact takes it from there."""
    text = (repository / "recipes" / "compact" / "Makefile").read_text(encoding="utf-8")
    (commit,) = re.findall(r"^COMMIT = (\w+)$", text, re.MULTILINE)

    def show(path):
        found = subprocess.run(
            ["git", "-C", repository, "show", f"{commit}:{path}"],
            capture_output=True,
            text=True,
            check=False,
            encoding="utf-8",
        )
        if found.returncode:
            pytest.skip("this checkout has no history")
        return found.stdout

    lists = re.findall(r"pseudolabel\s+(\S+)", show("Makefile"))
    assert lists
    for number, name in enumerate(lists):
        path = tmp_path / f"{number}.csv"
        path.write_text(show(name), encoding="utf-8")
        assert leaks(evaluated, read_cases(path)) == []


def test_packed_training_files_that_are_here_hold_none_that_is_evaluated_on(repository, evaluated):
    files = sorted((repository / "recipes").rglob("*.npz"))
    if not files:
        pytest.skip("no training file was packed here (make -C recipes pack)")
    for path in files:
        found = [
            leak_of(evaluated, case.participant, case.name) for case in read_packed(path).cases
        ]
        assert [one for one in found if one] == [], path.name


def test_images_that_share_slices_with_the_training_are_marked(recipes, shared_data):
    """A crop of a training image under another name is no image of somebody else: whatever it
    measures of a model that was trained on it stands apart.
    """
    evaluated, trained = (
        read_cases(recipes / f"{name}.csv", shared_data) for name in ("evaluation", "training")
    )
    shared = set()
    for case in evaluated:
        shape = nibabel.load(case.image).shape
        for other in trained:
            if sum(n in shape for n in nibabel.load(other.image).shape) > 1 and slices_in_common(
                case.image, other.image
            ):
                shared.add(case.participant)

    marked = {case.participant for case in evaluated if "0.5.1" in case.seen_by}
    assert shared <= marked
    assert shared == {"test001"}, "an image cropped from one of errsm21's"


def slices_in_common(first, second) -> bool:
    """Whether two files have a slice with the same voxels, along any axis."""
    found = []
    for path in (first, second):
        data = np.asanyarray(nibabel.load(path).dataobj)
        found.append(
            {
                part.tobytes()
                for axis in range(3)
                for part in np.moveaxis(data, axis, 0)
                if part.min() != part.max()
            }
        )
    return bool(found[0] & found[1])


class TestADeliberateLeak:
    @pytest.mark.parametrize(
        "participant", ["sub-05", "testing", "test001", "9604", "VB208", "fastmonai", "head", "hip"]
    )
    def test_of_every_data_set_is_found(self, evaluated, trained, participant):
        (first, *_) = [case for case in evaluated if case.participant == participant]

        assert len(leaks(evaluated, [*trained, replace(first, use="train")])) == 1

    def test_in_a_list_on_disk_is_found(self, recipes, evaluated, tmp_path):
        row = next(
            line
            for line in (recipes / "evaluation.csv").read_text(encoding="utf-8").splitlines()
            if line.startswith("sub-05")
        )
        (tmp_path / "training.csv").write_text(
            (recipes / "training.csv").read_text(encoding="utf-8") + row + "\n", encoding="utf-8"
        )

        (sentence,) = leaks(evaluated, read_cases(tmp_path / "training.csv"))

        assert "sub-05" in sentence

    def test_without_a_mask_is_found(self, evaluated, trained):
        bare = replace(
            next(case for case in evaluated if case.participant == "test001"), reference=None
        )

        assert leaks(evaluated, [bare])

    def test_under_another_name_is_found_by_its_file(self, evaluated, trained):
        image = next(case.image for case in evaluated if case.participant == "test001")

        assert leaks(evaluated, [replace(trained[0], participant="nobody", image=image)])
        assert leak_of(evaluated, "nobody", "sub-test001_T2w")
        assert leak_of(evaluated, "nobody", "sub-9604_run-1_T2star")
        assert leak_of(evaluated, "nobody", "t2s")

    def test_of_an_image_that_is_on_no_list_is_found_by_its_data_set(self, evaluated, trained):
        for folder in ("sct-testing", "lumbar", "without-cord"):
            path = Path("images") / folder / "sub-new_T2w.nii.gz"
            assert folder in leak_of(evaluated, "new", path)

    def test_spelt_otherwise_is_found(self, evaluated, trained):
        for name in ("sub-test001", "TEST001", "05"):
            assert leaks(evaluated, [replace(trained[0], participant=name)])

    def test_of_similar_names_is_none(self, evaluated, trained):
        assert leak_of(evaluated, "sub-055", "sub-055_T2w.nii.gz") == ""
        assert leak_of(evaluated, "96041", "sub-96041_T2star.nii.gz") == ""
