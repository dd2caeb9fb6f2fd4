"""The names of a disc list's points: renaming from one on, the next one's, names to confirm."""

from __future__ import annotations

import pytest

from scene.examples import GRIDS, image_in
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry import DiscLabel, found_remark
from SoftCordSegLib.morphometry.disc_files import FOUND, KNOWN, LocatedDisc
from SoftCordSegLib.scene.disc_names import (
    ask_for_name,
    confirm_name,
    disc_rows,
    disc_to_confirm,
    free_disc_values,
    merge_found,
    name_next_disc,
    rename_from,
)
from SoftCordSegLib.scene.disc_points import add_discs, discs_of, placed_discs_of
from SoftCordSegLib.scene.volume_nodes import add_volume

PMJ = 50


def at(value: int, height: float) -> DiscLabel:
    return DiscLabel(value, (1.0, 2.0, height))


@pytest.fixture
def found(app):
    """A list: the junction marked, three discs found."""
    image = add_volume(app.scene, image_in(GRIDS["isotropic"]), "T2w")
    discs = [at(PMJ, 60.0), at(3, 40.0), at(4, 28.0), at(6, 4.0)]
    remarks = {disc.value: found_remark(disc, 0.7) for disc in discs[1:]}
    return add_discs(app.scene, image, discs, remarks=remarks)


def test_rows_go_from_above_to_below_and_say_how_sure_a_found_disc_is(found):
    found.SetNthControlPointPositionWorld(2, 1.0, 2.0, 50.0)
    rows = disc_rows(found)
    assert [(row.name, row.confidence) for row in rows] == [
        ("PMJ", None),
        ("C3/C4", None),  # moved
        ("C2/C3", 0.7),
        ("C5/C6", 0.7),
    ]


def test_those_below_follow_and_landmarks_do_not(found):
    rename_from(found, 2, 5)
    assert [disc.value for disc in discs_of(found)] == [PMJ, 3, 5, 7]
    assert [disc.value for disc in placed_discs_of(found)] == [PMJ, 5]
    rename_from(found, 1, PMJ + 10)
    assert [disc.value for disc in discs_of(found)] == [PMJ, 60, 5, 7]


def test_nothing_is_changed_where_a_name_cannot_be(found):
    for value in (3, 24):
        with pytest.raises(InputError):
            rename_from(found, 2, value)
        assert [disc.value for disc in discs_of(found)] == [PMJ, 3, 4, 6]


def test_the_next_point_gets_its_name_at_once(found):
    import vtk

    assert free_disc_values(found)[:4] == [1, 2, 5, 7]
    assert free_disc_values(None)[:3] == [1, 2, 3]
    name_next_disc(found, 7)
    found.AddControlPointWorld(vtk.vtkVector3d(0, 0, -10))
    assert found.GetNthControlPointLabel(4) == "C6/C7"
    name_next_disc(found, None)
    found.AddControlPointWorld(vtk.vtkVector3d(0, 0, -20))
    assert found.GetNthControlPointLabel(5).endswith("-6")


def test_a_question_goes_with_its_disc(found):
    assert disc_to_confirm(found) is None
    ask_for_name(found, 4)
    assert disc_to_confirm(found).name == "C3/C4"
    confirm_name(found)
    assert disc_to_confirm(found) is None
    assert [disc.value for disc in placed_discs_of(found)] == [PMJ, 4]
    ask_for_name(found, 3)
    found.RemoveNthControlPoint(1)
    assert disc_to_confirm(found) is None


def test_what_the_user_marked_meanwhile_wins():
    known = LocatedDisc(at(3, 40.0), KNOWN)
    search = [known, *(LocatedDisc(at(v, 76 - 12.0 * v), FOUND, 0.9) for v in (4, 5, 6, 7))]
    same, changed = merge_found(search, [at(3, 40.0)], [at(3, 40.0)])
    assert (same, changed) == (search, False)

    # C2/C3 moved; C4/C5 marked as C5/C6; T1/T2 marked above all that is found below C3/C4.
    discs, changed = merge_found(search, [at(3, 40.0)], [at(3, 42.0), at(6, 17.0)])
    assert changed
    assert [(disc.label.value, disc.source) for disc in discs] == [
        (3, KNOWN),
        (6, KNOWN),
        (4, FOUND),
        (7, FOUND),
    ]
    discs, _ = merge_found(search, [at(3, 40.0)], [at(3, 40.0), at(9, 22.0)])
    assert [disc.label.value for disc in discs] == [3, 9, 4]
