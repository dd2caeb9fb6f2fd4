"""The contrasts of a participant side by side, from masks in memory."""

from __future__ import annotations

from math import isnan
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import a_neck
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import Volume
from SoftCordSegLib.workflows.compare_contrasts import compare_contrasts, compare_masks, mean_sd
from SoftCordSegLib.workflows.csa_measure import (
    CsaOptions,
    Grouping,
    MaskLevels,
    measure_volume,
)

BY_SLICE, BY_LEVEL = CsaOptions(), CsaOptions(grouping=Grouping(per_level=True))


def measured(name: str, radius_mm: float = 4.0, options=BY_SLICE, top: int = 30, lift_mm=0.0):
    """A cylinder with cord below slice ``top``; levels C4, C3 and C2 of ten slices each."""
    neck = a_neck(radius_mm)
    mask = neck.with_data(neck.data / 1000)
    mask.data[:, :, top:] = 0
    affine = mask.affine.copy()
    affine[2, 3] += lift_mm
    mask = Volume(mask.data, affine)
    labels = np.broadcast_to(4 - np.arange(mask.shape[2]) // 10, mask.shape)
    levels = MaskLevels(labelled=mask.with_data(labels.astype(np.uint8)))
    return measure_volume(Path(name), mask, levels, options, Progress())


def test_participants_are_told_apart_by_their_names():
    masks = [
        measured("sub-01_T1w_seg.nii.gz", 4.0),
        measured("sub-01_T2w_seg.nii.gz", 4.5),
        measured("sub-02_T2w_seg.nii.gz", 4.2),
    ]
    first, second = compare_masks(masks, BY_SLICE)
    assert (first.subject, second.subject) == ("sub-01", "sub-02")
    assert list(first.spreads[0].values) == ["T1w", "T2w"]
    assert isnan(second.spreads[0].values["T1w"])
    assert mean_sd([first, second])[0][2] == 1, "the SD of one contrast is none"


def test_two_masks_of_one_name_are_refused():
    masks = [measured("a/sub-01_T1w_seg.nii.gz"), measured("b/sub-01_T1w_seg.nii.gz")]
    with pytest.raises(InputError) as refused:
        compare_masks(masks, BY_SLICE)
    assert refused.value.path == Path("sub-01_T1w_seg.nii.gz")


def test_a_participant_whose_grids_differ_gets_a_note_and_the_others_their_rows():
    masks = [
        measured("sub-01_T1w_seg.nii.gz", 4.0),
        measured("sub-01_T2w_seg.nii.gz", 4.5, lift_mm=2.0),
        measured("sub-02_T1w_seg.nii.gz", 4.0),
        measured("sub-02_T2w_seg.nii.gz", 4.5),
    ]
    first, second = compare_masks(masks, BY_SLICE)

    assert "different grids" in first.problem
    (row,) = first.spreads
    assert row.notes == first.problem
    assert isnan(row.mean)
    assert list(row.values) == list(second.spreads[0].values)
    assert second.spreads[5].sd > 0
    with pytest.raises(InputError, match="different grids"):
        compare_masks(masks[:2], BY_SLICE)


def test_images_of_one_scene_are_compared_by_any_name():
    images = {"4: T2 sag": measured("a", 4.0), "x": measured("b", 4.5)}
    assert compare_contrasts(images, BY_SLICE).spreads[3].sd > 0


def test_a_level_in_part_is_compared_over_the_part_that_all_show():
    """The cone of one mask would else be compared with the cylinder of its lower half."""
    whole, short = measured("a", 4.0, BY_LEVEL), measured("b", 4.0, BY_LEVEL, top=15)
    area = whole.shape.columns["area"]
    area *= np.linspace(1.0, 1.5, len(area))

    by_level = {
        one.name: one for one in compare_contrasts({"a": whole, "b": short}, BY_LEVEL).spreads
    }
    assert by_level["C3"].is_part
    assert by_level["C3"].values["a"] == pytest.approx(area[10:15].mean(), rel=0.01)
    assert "only the cord that all contrasts show" in by_level["C3"].notes
    assert by_level["C2"].values["a"] == pytest.approx(area[20:].mean())
    assert isnan(by_level["C2"].sd)

    images = {"a": whole, "b": short}
    each = {one.name: one for one in compare_contrasts(images, BY_LEVEL, whole=True).spreads}
    assert each["C3"].values["a"] == pytest.approx(area[10:20].mean())
    assert "all that each of them shows is averaged" in each["C3"].notes
