"""Slicer's points as several programs and versions write them."""

from __future__ import annotations

import json

import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.morphometry.disc_files import read_discs


def a_point(label="C2/C3", position=(-1.0, 2.0, 30.0)):
    return {"label": label, "position": list(position), "positionStatus": "defined"}


def a_list(*points, **further):
    return {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "controlPoints": list(points) or [a_point()],
        **further,
    }


def write(path, *lists, coding="utf-8"):
    path.write_bytes(json.dumps({"markups": list(lists)}, ensure_ascii=False).encode(coding))
    return path


def positions(path):
    return {disc.name: pytest.approx(disc.position_mm) for disc in read_discs(path)}


RIGHT = {"C2/C3": (1.0, -2.0, 30.0)}


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_points_with_or_without_a_byte_order_mark(tmp_path, coding):
    assert positions(write(tmp_path / "a.mrk.json", a_list(), coding=coding)) == RIGHT


@pytest.mark.parametrize(("units", "factor"), [("cm", 10), ("m", 1000), (["[mm]"] * 3, 1)])
def test_points_in_other_units_are_read_in_mm(tmp_path, units, factor):
    point = a_point(position=(-1.0 / factor, 2.0 / factor, 30.0 / factor))

    path = write(tmp_path / "a.mrk.json", a_list(point, coordinateUnits=units))

    assert positions(path) == RIGHT


def test_all_lists_of_a_file_are_read_and_lines_are_not(tmp_path):
    line = {**a_list(a_point("L-1")), "type": "Line"}
    more = a_list(a_point("C3/C4", (1.0, -2.0, 15.0)), coordinateSystem="RAS")

    path = write(tmp_path / "a.mrk.json", line, a_list(), more)

    assert positions(path) == {**RIGHT, "C3/C4": (1.0, -2.0, 15.0)}


def test_an_older_list_with_quotes_and_a_byte_order_mark(tmp_path):
    head = "# Markups fiducial file version = 5.0\r\n# CoordinateSystem = LPS\r\n"
    head += "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\r\n"
    row = '1,-1,2,30,0,0,0,1,1,1,0,"C2/C3","found, and left",\r\n'
    (tmp_path / "a.fcsv").write_bytes(("\ufeff" + head + row).encode())

    assert positions(tmp_path / "a.fcsv") == RIGHT


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (a_list(a_point(), a_point("C3/C4", (1.0, 2.0))), r"Point 2 \('C3/C4'\)"),
        (a_list(a_point(position=(1.0, float("nan"), 3.0))), r"Point 1 \('C2/C3'\)"),
        (a_list(a_point(position=("a", "b", "c"))), "Point 1"),
        (a_list("C2/C3"), "Point 1"),
        (a_list(coordinateUnits="inch"), "the unit 'inch'"),
        (a_list(coordinateSystem="IJK"), "system 'IJK'"),
        ({**a_list(), "type": "Curve"}, "no list of points"),
    ],
)
def test_what_is_no_point_is_named(tmp_path, one, sentence):
    path = write(tmp_path / "a.mrk.json", one)

    with pytest.raises(InputError, match=sentence) as caught:
        read_discs(path)

    assert caught.value.path == path
    assert caught.value.hint


def test_the_line_that_is_no_point_is_named(tmp_path):
    (tmp_path / "a.fcsv").write_text(
        "# columns = id,x,y,z,label\n1,1,2,3,C2/C3\n2,1,two,3,C3/C4\n", encoding="utf-8"
    )

    with pytest.raises(InputError, match="Line 3, '2,1,two,3,C3/C4',"):
        read_discs(tmp_path / "a.fcsv")
