"""The doubts of a data set: wrong masks come first; what was found is kept, for its mask alone."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from review import round_cord
from SoftCordSegLib.bids import review_folder
from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.review.review_cases import find_review_cases
from SoftCordSegLib.volume import write_nifti
from SoftCordSegLib.workflows.review import review_doubt
from SoftCordSegLib.workflows.review.review_doubt import (
    cases_to_teach,
    doubt_of_mask,
    doubts_of,
    judge_mask,
)


@pytest.fixture(scope="module")
def judged(review_dataset, tmp_path_factory):
    """The 40 cases and their doubts."""
    copy = review_dataset.copy_to(tmp_path_factory.mktemp("doubts") / "data")
    failures = []
    doubts = doubts_of(copy.root, find_review_cases(copy.root), on_failure=failures.append)
    return copy, doubts, failures


def found(data):
    return find_review_cases(data.root)


def test_the_six_wrong_masks_are_among_the_first_nine(judged):
    data, doubts, _ = judged
    read = [key for key in doubts if not doubts[key].is_unreadable]
    first = sorted(read, key=lambda key: -doubts[key].score)[:9]

    assert set(data.wrong) <= set(first), [(key, doubts[key].score) for key in first]
    assert all(doubts[key].reason for key in data.wrong)


def test_a_mask_on_another_grid_is_a_finding_and_a_broken_image_costs_itself(judged):
    data, doubts, failures = judged
    broken = {what: key for key, what in data.broken.items()}

    on_another_grid = doubts[broken["mask on another grid"]]
    assert on_another_grid.score > 0.9
    assert "another grid" in on_another_grid.reason
    images = {broken["image cut short"], broken["image is a web page"]}
    assert {failure.name for failure in failures} == images
    assert {key for key, doubt in doubts.items() if doubt.is_unreadable} == images
    assert all("image cannot be read" in doubts[key].reason for key in images)
    assert len(doubts) == 40
    assert not images & {one.key for one in cases_to_teach(data.root, found(data), doubts, 40, 1)}


def test_an_image_that_was_mended_is_judged_though_its_size_is_the_same(tmp_path):
    cases = a_case(tmp_path)
    sound = cases[0].image.read_bytes()
    cases[0].image.write_bytes(bytes(len(sound)))
    assert doubts_of(tmp_path, cases)["t2"].is_unreadable
    assert doubts_of(tmp_path, cases, compute=False)["t2"].is_unreadable
    cases[0].image.write_bytes(sound)

    assert doubts_of(tmp_path, cases)["t2"].score < 0.1


def test_what_is_kept_is_taken_again(judged, monkeypatch):
    data, doubts, _ = judged
    monkeypatch.setattr(review_doubt, "judge_mask", None)  # must not be called
    cases = find_review_cases(data.root)

    assert doubts_of(data.root, cases, compute=False) == doubts
    text = "".join(
        path.read_text(encoding="utf-8") for path in review_folder(data.root).rglob("*.json")
    )
    assert str(data.root) not in text


def a_case(folder, mask=None, name="t2"):
    write_nifti(round_cord.volume(round_cord.image()), folder / f"{name}.nii.gz")
    data = round_cord.mask() if mask is None else mask
    write_nifti(round_cord.volume(data), folder / f"{name}_seg.nii.gz")
    return find_review_cases(folder)


def kept_file(folder, name="t2"):
    return review_folder(folder) / "doubt" / f"{name}.json"


def test_another_mask_is_judged_anew(tmp_path):
    good = doubts_of(tmp_path, a_case(tmp_path))["t2"]
    wrong = doubts_of(tmp_path, a_case(tmp_path, round_cord.mask(radius=8.0)))["t2"]

    assert good.score < 0.1
    assert wrong.score > 0.9
    assert json.loads(kept_file(tmp_path).read_text(encoding="utf-8"))["Doubt"]["Score"] > 0.9


@pytest.mark.parametrize("text", ["", "[]", '{"Version": 1}', "{", "\x00"])
def test_a_broken_file_of_doubts_is_made_anew(tmp_path, text):
    cases = a_case(tmp_path)
    doubts = doubts_of(tmp_path, cases)
    kept_file(tmp_path).write_text(text, encoding="utf-8")

    assert doubts_of(tmp_path, cases, compute=False) == {}
    assert doubts_of(tmp_path, cases) == doubts
    assert doubts_of(tmp_path, cases, compute=False) == doubts


def test_an_older_version_is_made_anew(tmp_path):
    cases = a_case(tmp_path)
    doubts_of(tmp_path, cases)
    content = json.loads(kept_file(tmp_path).read_text(encoding="utf-8"))
    kept_file(tmp_path).write_text(json.dumps({**content, "Version": 0}), encoding="utf-8")

    assert doubts_of(tmp_path, cases, compute=False) == {}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_set_that_may_only_be_read_is_judged_too(tmp_path):
    cases = a_case(tmp_path)
    tmp_path.chmod(0o555)
    try:
        assert doubts_of(tmp_path, cases)["t2"].score < 0.1
    finally:
        tmp_path.chmod(0o755)


def test_a_folder_that_cannot_be_made_does_not_stop_the_judging(tmp_path):
    cases = a_case(tmp_path)
    (tmp_path / "derivatives").write_text("a file in its place", encoding="utf-8")

    assert doubts_of(tmp_path, cases)["t2"].score < 0.1


def test_an_empty_mask_and_one_that_is_none_are_findings(tmp_path):
    a_case(tmp_path, np.zeros(round_cord.SHAPE), "empty")
    nan = round_cord.mask()
    nan[24, 26, 30] = np.nan
    doubts = doubts_of(tmp_path, a_case(tmp_path, nan, "nan"))

    assert doubts["empty"].reason == "the mask is empty"
    assert doubts["nan"].reason == "the file has 1 voxels that are NaN or infinite"
    assert min(doubts["empty"].score, doubts["nan"].score) > 0.8


def test_cancel_stops_between_two_cases(tmp_path):
    cases = a_case(tmp_path)

    class Stop(Progress):
        def check_cancelled(self):
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        doubts_of(tmp_path, cases, progress=Stop())


def test_a_mask_in_memory_is_judged_for_its_sidecar():
    image = round_cord.volume(round_cord.image())
    entry = doubt_of_mask(round_cord.volume(round_cord.mask(radius=8.0)), image)

    assert entry["Score"] > 0.9
    assert json.dumps(entry, allow_nan=False)
    nan = np.full(round_cord.SHAPE, np.nan)
    assert doubt_of_mask(round_cord.volume(nan)) is None
    with pytest.raises(InputError, match="grid"):
        judge_mask(round_cord.volume(round_cord.mask(), "LAS"), image)
