"""Masks in memory, measured as by ``softcord csa``: what the panel and scripts can call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cli.fakes import a_neck
from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.morphometry import DiscLabel, MeasureOptions, pam50_slices
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.workflows.csa_measure import (
    CsaOptions,
    Grouping,
    JunctionOptions,
    LevelSource,
    MaskLevels,
    SharedFiles,
    measure_volume,
)

NECK = a_neck()
MASK = NECK.with_data(NECK.data / 1000)
TOP = tuple(NECK.grid.to_world(np.array([19, 19, 29])))
DISCS = [DiscLabel(3, (0.5, -7.5, 20.0)), DiscLabel(4, (0.5, -7.5, 8.0))]


def measure(options, levels=None, shared=None):
    name = Path("mask.nii.gz")
    return measure_volume(name, MASK, levels or MaskLevels(), options, Progress(), shared)


def test_one_row_a_level():
    measured = measure(CsaOptions(grouping=Grouping(per_level=True)), MaskLevels(discs=DISCS))
    assert [row.name for row in measured.summary] == ["C2", "C3", "C4"]


def test_levels_that_nothing_tells_are_a_sentence():
    with pytest.raises(InputError, match="levels are not known"):
        measure(CsaOptions(grouping=Grouping(per_level=True)))


def test_around_a_distance_from_the_junction():
    options = CsaOptions(pmj=JunctionOptions(distance_mm=15, extent_mm=6), source=LevelSource())
    levels = MaskLevels(discs=[DiscLabel(50, TOP)])
    (row,) = measure(options, levels).summary
    assert row.count == 6
    assert np.mean(row.slices) == pytest.approx(14, abs=1)


def test_on_the_slices_of_pam50():
    measured = measure(CsaOptions(normalize_pam50=True), MaskLevels(discs=DISCS))
    slices = [number for row in measured.summary for number in row.slices]
    assert slices == sorted(number for level in (2, 3, 4) for number in pam50_slices(level))


def test_symmetry_from_an_image_in_memory():
    measured = measure(CsaOptions(), shared=SharedFiles(image=NECK))
    assert any("symmetry" in name for name in measured.shape.columns)


@pytest.mark.parametrize(
    "options",
    [
        CsaOptions(grouping=Grouping(per_slice=True, per_level=True)),
        CsaOptions(MeasureOptions(angle_correction=False), centreline=Path("cord.nii.gz")),
        CsaOptions(source=LevelSource(Path("discs.nii.gz"), beside=True)),
        CsaOptions(pmj=JunctionOptions(distance_mm=60)),
    ],
)
def test_options_that_contradict_each_other_are_refused(options):
    with pytest.raises(OptionError) as refused:
        options.check()
    assert "--" not in str(refused.value), "no name of the command line's"
