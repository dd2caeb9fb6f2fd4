"""A record is read again as it was written."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.bids import read_sidecar
from SoftCordSegLib.files import json_text
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.workflows.csa_measure import CsaOptions, Grouping, MaskLevels, measure_volume
from SoftCordSegLib.workflows.data_set.case_record import measured_of, record_of
from workflows.data_sets import DISCS


@pytest.mark.parametrize("with_levels", [True, False])
def test_shape_and_rows_come_back(tmp_path, with_levels):
    from cli.fakes import a_neck, write_points
    from SoftCordSegLib.morphometry.disc_files import read_discs

    neck = a_neck()
    discs = read_discs(write_points(tmp_path / "x_label-discs_dlabel.nii.gz", DISCS))
    levels = MaskLevels(tmp_path / "d", discs=discs) if with_levels else MaskLevels()
    how = CsaOptions(grouping=Grouping(per_level=with_levels))
    mask = neck.with_data(neck.data / 1000)
    one = measure_volume(tmp_path / "sub-01_T2w_seg.nii.gz", mask, levels, how, Progress())
    path = tmp_path / "r.json"
    path.write_text(
        json_text(record_of(one, "sub-01/anat/sub-01_T2w", inputs={}, choice={})), encoding="utf-8"
    )
    again = measured_of(path, one.path)
    np.testing.assert_array_equal(again.shape.slices, one.shape.slices)
    for name, column in one.shape.columns.items():
        np.testing.assert_array_equal(again.shape.columns[name], column)
    assert again.shape.grid.same_as(one.shape.grid)
    assert again.shape.options == one.shape.options
    assert (again.shape.levels is not None) is with_levels
    if with_levels:
        assert [row.notes for row in again.summary] == [row.notes for row in one.summary]
        assert [row.mean for row in again.summary] == [row.mean for row in one.summary]
    assert read_sidecar(path)["Contrast"] == "T2w"


@pytest.mark.parametrize("text", ["", "[]", '{"Slices": 3}', '{"Slices": {}, "Options": {}}'])
def test_what_is_no_record(tmp_path, text):
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    assert measured_of(tmp_path / "r.json", tmp_path / "x.nii.gz") is None
