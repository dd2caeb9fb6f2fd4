"""The root mean square over echoes, against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.preprocessing import Series, root_mean_square
from SoftCordSegLib.volume import Volume

LEFT_HANDED = np.diag([-1.0, 1, 1, 1])


def echo(value, affine=LEFT_HANDED):
    return Volume(np.full((2, 2, 3), value, np.int16), affine)


def test_the_root_mean_square_by_hand():
    echoes = [echo(3), echo(4), echo(12)]

    several = root_mean_square(echoes)
    series = root_mean_square(Series(np.stack([one.data for one in echoes], axis=3), LEFT_HANDED))

    assert several.data == pytest.approx(np.sqrt((9 + 16 + 144) / 3))
    assert (several.data == series.data).all()
    assert several.data.dtype == np.float32


def test_bright_integers_do_not_overflow():
    assert root_mean_square([echo(30000), echo(30000)]).data == pytest.approx(30000)


def test_of_one_echo_it_is_the_absolute_value():
    assert (root_mean_square([echo(-7)]).data == 7).all()


def test_echoes_on_different_grids_are_refused_by_name():
    moved = LEFT_HANDED.copy()
    moved[0, 3] = 4

    with pytest.raises(InputError, match="grids of 'a.nii' and 'c.nii' differ"):
        root_mean_square([echo(1), echo(2), echo(3, moved)], ["a.nii", "b.nii", "c.nii"])
    with pytest.raises(InputError, match="no echo"):
        root_mean_square([])
