"""The same cord at other voxel sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cli.fakes import A_BUNDLE
from evaluation.study import HEIGHT, WIDTHS, a_box, write_study
from SoftCordSegLib.errors import Cancelled
from SoftCordSegLib.evaluation import (
    BundleMethod,
    CordRange,
    FolderMethod,
    at_resolution,
    compare_resolutions,
    evaluate,
    read_cases,
    usual_range,
)
from SoftCordSegLib.evaluation.evaluation_summary import summarise
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import reorient


def test_a_mask_keeps_its_volume_and_its_place():
    box = a_box(6, 8)

    coarse = at_resolution(reorient(box, "PSR"), (2.0, 3.0, 2.0), mask=True)

    assert coarse.spacing == pytest.approx([2, 3, 2])
    assert coarse.data.sum() * 12 == pytest.approx(box.data.sum(), rel=0.05)  # sampled, not summed
    voxels = np.argwhere(coarse.data > 0.2)
    middle = np.average(coarse.grid.to_world(voxels), axis=0, weights=coarse.data[tuple(voxels.T)])
    expected = box.grid.to_world(np.argwhere(box.data)).mean(axis=0)
    assert middle[:2] == pytest.approx(expected[:2], abs=0.3)


@pytest.mark.parametrize("discs", [True, False])
def test_a_straight_cord_has_one_area_at_all_sizes(tmp_path, engine, discs):
    cases = read_cases(write_study(tmp_path, discs))[:3]
    seen = []

    def segment(image, progress):
        seen.append(tuple(np.round(image.spacing, 3)))
        return image.with_data(np.clip(image.data / 1000, 0, 1).astype(np.float32))

    engine(segment)

    methods = [
        FolderMethod("aside", tmp_path / "aside"),
        BundleMethod("net", A_BUNDLE, tmp_path / "net"),
    ]
    result = evaluate(cases, methods)
    rows = compare_resolutions(result, cases, methods, [(0.5, 0.5, 1.0)], usual_range(cases))

    assert result.failures == []
    assert [(row.method, row.resolution, row.resampled) for row in rows[:4]] == [
        ("aside", "native", ""),
        ("aside", "0.5 x 0.5 x 1 mm", "mask"),
        ("net", "native", ""),
        ("net", "0.5 x 0.5 x 1 mm", "image"),
    ]
    assert (0.5, 0.5, 1.0) in seen
    area = WIDTHS["sub-01"] * HEIGHT
    assert all(row.area_mm2 == pytest.approx(area) for row in rows if row.resolution == "native")
    assert {row.slices for row in rows} == {5 if discs else 4}
    for row in rows:
        assert row.difference_mm2 == pytest.approx(row.area_mm2 - area)
        assert abs(row.difference_percent) < 1.5  # the interpolated rim
    (table,) = [
        t
        for t in summarise(result, cases, ["aside", "net"], resolutions=rows).tables
        if t.name == "resolutions"
    ]
    assert tuple(table.texts()[1][:3]) == ("aside", "0.5 x 0.5 x 1 mm", "mask")


def test_without_levels_ends_that_hold_part_of_a_cord_do_not_count(tmp_path):
    cases = read_cases(write_study(tmp_path, discs=False))[:1]
    methods = [FolderMethod("aside", tmp_path / "aside")]
    result = evaluate(cases, methods)

    native, thin = compare_resolutions(result, cases, methods, [(1.0, 1.0, 0.25)], CordRange())

    assert native.slices == 4
    assert thin.slices == 4 * 3  # from the middle of the second slice to that of the last but one
    assert thin.difference_percent == pytest.approx(0.0, abs=0.1)


def test_an_image_without_a_mask_is_left_out(tmp_path):
    cases = read_cases(write_study(tmp_path))[:2]
    (tmp_path / "aside" / "sub-01_T1w_softseg.nii.gz").unlink()
    methods = [FolderMethod("aside", tmp_path / "aside")]
    result = evaluate(cases, methods)

    rows = compare_resolutions(
        result,
        cases,
        methods,
        [(2.0, 2.0, 2.0)],
        usual_range(cases),
    )

    assert {row.contrast for row in rows} == {"T2w"}
    assert all(math.isfinite(row.area_mm2) for row in rows)


def test_stopping_stops_the_model_at_work(tmp_path, engine):
    cases = read_cases(write_study(tmp_path, discs=False))[:1]
    asked = []

    def segment(image, progress):
        asked.append(image.spacing[2])
        progress.check_cancelled()
        return image.with_data(np.clip(image.data / 1000, 0, 1).astype(np.float32))

    engine(segment)

    methods = [BundleMethod("net", A_BUNDLE, tmp_path / "net")]
    result = evaluate(cases, methods)
    stop = Progress(is_cancelled=lambda: asked[-1] == 2.0)

    with pytest.raises(Cancelled):
        compare_resolutions(
            result, cases, methods, [(1.0, 1.0, 2.0), (1.0, 1.0, 3.0)], CordRange(), progress=stop
        )

    assert asked == [1.0, 2.0]
