"""The lists of real images: every file is there, and a number that SCT gives for one of their
masks.
"""

from __future__ import annotations

import pytest

from SoftCordSegLib.evaluation import FolderMethod, evaluate, read_cases

LISTS = ("evaluation", "development", "training")


@pytest.fixture(scope="module")
def lists(repository, shared_data):
    return {name: read_cases(repository / "recipes" / f"{name}.csv", shared_data) for name in LISTS}


@pytest.mark.parametrize("name", LISTS)
def test_every_file_of_the_lists_is_there(lists, name):
    files = [
        path
        for case in lists[name]
        for path in (case.image, case.reference, case.discs)
        if path is not None
    ]

    assert [str(path) for path in files if not path.is_file()] == []


def test_references_held_against_themselves(lists):
    known = [
        case
        for case in lists["evaluation"]
        if case.reference is not None and case.dataset == "sct-testing"
    ]
    folder = known[0].image.parents[1]

    result = evaluate(known, [FolderMethod("itself", folder)])

    assert len(known) == 5
    assert result.failures == []
    assert {
        (row.dice, row.volume_error_percent, row.surface_distance_mm) for row in result.images
    } == {(1.0, 0.0, 0.0)}
    areas = {(row.method, row.image, row.cut, row.slice): row for row in result.slices}
    slice_10 = areas["itself", "t2.nii.gz", "soft", 10]
    assert slice_10.area_mm2 == pytest.approx(78.58643257836141, rel=1e-3)  # by SCT, for this mask
    assert slice_10.level == 3


def test_no_two_lists_share_a_participant(lists):
    participants = {name: {case.participant for case in cases} for name, cases in lists.items()}

    assert not participants["evaluation"] & participants["development"]
    assert not participants["evaluation"] & participants["training"]
    assert not participants["development"] & participants["training"]


def test_every_image_that_may_be_trained_on_is_on_a_list(lists, shared_data):
    listed = {case.image.resolve() for cases in lists.values() for case in cases}
    # mt_t1w is mt0, its intensities divided by 1.5: it adds no contrast.
    listed.add((shared_data / "images" / "sct-testing" / "mt_t1w.nii.gz").resolve())
    masks = ("_seg", "_gmseg", "_label", "-vert")
    images = [
        path
        for path in (shared_data / "images").glob("*/*.nii.gz")
        if not any(word in path.name for word in masks)
    ]

    assert (
        sorted(
            path.name
            for path in images
            if path.resolve() not in listed and not path.name.startswith("t2_labels")
        )
        == []
    )
