"""The development images: their table, and a number that SCT gives for one of their masks."""

from __future__ import annotations

import pytest

from SoftCordSegLib.cli.discs.files import read_discs
from SoftCordSegLib.evaluation import FolderMethod, Options, evaluate, grid_spreads, read_cases


@pytest.fixture(scope="module")
def cases(repository, shared_data):
    return read_cases(repository / "Testing" / "bench" / "development.csv", shared_data)


def test_every_file_of_the_table_is_there(cases):
    files = [path for case in cases for path in (case.image, case.reference, case.discs) if path is not None]

    assert [str(path) for path in files if not path.is_file()] == []
    assert sum(case.reference is not None for case in cases) == 5


def test_references_held_against_themselves(cases):
    known = [case for case in cases if case.reference is not None]
    folder = known[0].image.parents[1]

    result = evaluate(known, [FolderMethod("itself", folder)], Options(read_discs=read_discs))

    assert result.errors == []
    assert {(row.dice, row.volume_error_percent, row.surface_distance_mm) for row in result.images} == {(1.0, 0.0, 0.0)}
    areas = {(row.method, row.image, row.cut, row.slice): row for row in result.slices}
    slice_10 = areas["itself", "t2.nii.gz", "soft", 10]
    assert slice_10.area_mm2 == pytest.approx(78.58643257836141, rel=1e-3)  # by SCT, for this mask
    assert slice_10.level == 3
    assert grid_spreads(result.slices, {}) == []
