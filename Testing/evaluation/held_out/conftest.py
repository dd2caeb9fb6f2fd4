"""Fixtures of the measure on participants held out."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.cords import a_cord
from SoftCordSegLib.evaluation import Case
from SoftCordSegLib.volume import write_nifti


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """Cases of three participants and masks of them: one with a scan and a rescan, one with two
    contrasts, and a drawn mask each.
    """
    tmp_path = tmp_path_factory.mktemp("study")
    drawn = a_cord((0.5, 3.0), -30, 30)
    drawn = drawn.with_data((drawn.data >= 0.5).astype(np.float32))
    write_nifti(drawn, tmp_path / "drawn.nii.gz", np.float32)
    common = {"region": "neck", "dataset": "set", "whole_field": True}
    return (
        (
            Case(
                "a",
                "T2star",
                tmp_path / "1.nii.gz",
                tmp_path / "drawn.nii.gz",
                session="run-1",
                **common,
            ),
            0.0,
            (0.5, 3.0),
        ),
        (Case("a", "T2star", tmp_path / "2.nii.gz", session="run-2", **common), 0.2, (0.5, 3.0)),
        (
            Case(
                "b",
                "T2star",
                tmp_path / "3.nii.gz",
                tmp_path / "drawn.nii.gz",
                seen_by=("0.5.0",),
                **common,
            ),
            0.0,
            (0.5, 3.0),
        ),
        (Case("b", "T2w", tmp_path / "4.nii.gz", seen_by=("0.5.0",), **common), 0.3, (1.0, 1.0)),
        (Case("c", "T1w", tmp_path / "5.nii.gz", tip=True, **common), 0.0, (1.0, 1.0)),
    )
