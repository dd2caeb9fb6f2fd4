"""``softcord csa --compare``: one subject's contrasts side by side, with the SD over them; and the
figures.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from cli.fakes import a_neck, digest, names_in, rows_of, write_points
from SoftCordSegLib.bids import contrast_names, session_of, short_names
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti

RADII = {"T1w": 4.0, "T2w": 4.2, "T2star": 4.5}


@pytest.fixture
def make_mask(tmp_path):
    """Writes a mask of a cylinder of some radius."""

    def make(name: str, radius_mm: float):
        path = tmp_path / "in" / name
        neck = a_neck(radius_mm)
        write_nifti(neck.with_data(neck.data / 1000), path)
        return path

    return make


@pytest.fixture
def contrasts(make_mask):
    """Three contrasts of one subject, T2star cut off above slice 15."""
    paths = [make_mask(f"sub-01_{name}_softseg.nii.gz", radius) for name, radius in RADII.items()]
    neck = a_neck(RADII["T2star"])
    neck.data[:, :, 16:] = 0
    write_nifti(neck.with_data(neck.data / 1000), paths[-1])
    return paths


def test_a_row_a_level_a_column_a_contrast_and_the_sd(softcord, contrasts, a_label_image, tmp_path):
    table, compared = tmp_path / "csa.csv", tmp_path / "contrasts.csv"
    result = softcord(
        "csa",
        *contrasts,
        "-o",
        table,
        "--discs",
        a_label_image,
        "--perlevel",
        "--compare",
        compared,
    )
    assert result.exit_code == 0, result.stderr
    area = {(row["Filename"], row["VertLevel"]): float(row["MEAN(area)"]) for row in rows_of(table)}
    rows = {row["LevelName"]: row for row in rows_of(compared)}
    assert list(rows["C3"]) == [
        *(
            "Subject",
            "VertLevel",
            "LevelName",
            "area(T1w)",
            "area(T2w)",
            "area(T2star)",
            "Mean",
            "SD",
            "CV(%)",
            "notes",
        )
    ]
    assert {row["Subject"] for row in rows.values()} == {"sub-01"}
    areas = [area[str(path), "3"] for path in contrasts]
    assert [float(rows["C3"][f"area({name})"]) for name in RADII] == pytest.approx(areas)
    assert float(rows["C3"]["Mean"]) == pytest.approx(np.mean(areas))
    assert float(rows["C3"]["SD"]) == pytest.approx(np.std(areas, ddof=1))
    assert float(rows["C3"]["CV(%)"]) == pytest.approx(100 * np.std(areas, ddof=1) / np.mean(areas))
    # T2star does not reach C2: a gap, not a zero.
    assert rows["C2"]["area(T2star)"] == ""
    assert float(rows["C2"]["SD"]) == pytest.approx(
        np.std([area[str(path), "2"] for path in contrasts[:2]], ddof=1)
    )
    assert "SD" in result.stderr


def test_a_range_of_levels_is_one_row(softcord, contrasts, a_label_image, tmp_path):
    compared = tmp_path / "contrasts.csv"
    options = [
        "--discs",
        a_label_image,
        "--vert",
        "2:3",
        "--compare",
        compared,
        "--subject",
        "patient 7",
        "--json",
    ]
    result = softcord("csa", *contrasts[:2], "-o", tmp_path / "csa.csv", *options)
    assert result.exit_code == 0, result.stderr
    (row,) = rows_of(compared)
    assert (row["Subject"], row["LevelName"], row["VertLevel"]) == ("patient 7", "C2:C3", "2:3")
    (same,) = json.loads(result.stdout)["compare"]["rows"]
    assert same["Subject"] == "patient 7"
    assert list(same["Area"]) == ["T1w", "T2w"]
    assert same["SD"] == pytest.approx(float(row["SD"]))


def test_several_subjects_get_rows_of_their_own_and_the_mean_sd_is_told(
    softcord, make_mask, tmp_path
):
    radii = {
        "sub-01_T1w": 4.0,
        "sub-01_T2w": 4.3,
        "sub-02_T1w": 4.4,
        "sub-02_T2w": 4.5,
        "sub-03_T2w": 4.2,
    }
    masks = [make_mask(f"{name}_seg.nii.gz", radius) for name, radius in radii.items()]
    for subject in ("sub-01", "sub-02", "sub-03"):
        write_points(
            masks[0].with_name(f"{subject}_T2w_label-discs_dlabel.nii.gz"),
            {3: (19, 12, 20), 4: (19, 12, 8)},
        )
    compared = tmp_path / "contrasts.csv"
    result = softcord(
        "csa",
        *masks,
        "-o",
        tmp_path / "csa.csv",
        "--find-discs",
        "--vert",
        "3",
        "--compare",
        compared,
    )
    assert result.exit_code == 0, result.stderr
    rows = rows_of(compared)
    assert [row["Subject"] for row in rows] == ["sub-01", "sub-02", "sub-03"]
    assert (rows[2]["area(T1w)"], rows[2]["SD"]) == ("", "")
    sds = [float(row["SD"]) for row in rows[:2]]
    assert f"{np.mean(sds):.2f} mm² on average over 2 participants" in result.stderr


def test_a_mask_that_fails_leaves_a_gap(softcord, contrasts, a_label_image, tmp_path):
    write_nifti(a_neck().with_data(np.zeros(a_neck().shape, np.float32)), contrasts[1])
    compared = tmp_path / "contrasts.csv"
    options = ["--discs", a_label_image, "--vert", "4", "--compare", compared]
    assert softcord("csa", *contrasts, "-o", tmp_path / "csa.csv", *options).exit_code == 1
    assert [name for name in rows_of(compared)[0] if name.startswith("area")] == [
        "area(T1w)",
        "area(T2star)",
    ]


def test_one_mask_left_is_measured_but_not_compared(softcord, contrasts, a_label_image, tmp_path):
    out = tmp_path / "out"
    write_nifti(a_neck().with_data(np.zeros(a_neck().shape, np.float32)), contrasts[1])
    options = ["--discs", a_label_image, "--vert", "4", "--compare", out / "contrasts.csv"]
    result = softcord("csa", *contrasts[:2], "-o", out / "csa.csv", *options)
    assert result.exit_code == 1
    assert "nothing to compare" in result.stderr
    assert names_in(out) == ["csa.csv"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--subject", "sub-01"], "Give --compare"),
        (["--compare", "TABLE", "--perlevel"], "files of their own"),
        (["--figure", "FOLDER/x.tif"], ".png, .pdf, .svg"),
    ],
)
def test_usage_errors_exit_with_2(softcord, contrasts, a_label_image, tmp_path, arguments, word):
    out = tmp_path / "out"
    names = {"OUT": out / "contrasts.csv", "TABLE": out / "csa.csv"}
    arguments = [names.get(word, word.replace("FOLDER", str(out))) for word in arguments]
    result = softcord(
        "csa", *contrasts, "-o", out / "csa.csv", "--discs", a_label_image, *arguments
    )
    assert result.exit_code == 2
    assert word in result.stderr
    assert names_in(out) == []


@pytest.mark.parametrize(
    ("arguments", "places"),
    [
        (["-z", "3:5"], ["3:5"]),
        (["-z", "3:5", "--perslice"], ["3", "4", "5"]),
        ([], [str(number) for number in range(30)]),
    ],
)
def test_masks_on_one_grid_are_compared_by_slice(softcord, contrasts, tmp_path, arguments, places):
    table, compared, figure = (
        tmp_path / "csa.csv",
        tmp_path / "contrasts.csv",
        tmp_path / "contrasts.svg",
    )
    result = softcord(
        "csa", *contrasts, "-o", table, "--compare", compared, "--figure", figure, *arguments
    )
    assert result.exit_code == 0, result.stderr
    found = rows_of(compared)
    assert [row["Slice (I->S)"] for row in found] == places
    assert "VertLevel" not in found[0]
    own = [float(row["MEAN(area)"]) for row in rows_of(table) if row["Slice (I->S)"] == places[0]]
    assert [float(found[0][f"area({name})"]) for name in RADII] == pytest.approx(own)
    assert float(found[0]["SD"]) == pytest.approx(np.std(own, ddof=1))
    assert figure.exists()


def test_slices_of_different_grids_are_not_compared(softcord, contrasts, tmp_path):
    moved = a_neck().affine.copy()
    moved[2, 3] += 2.0
    write_nifti(Volume(a_neck().data / 1000, moved), contrasts[1])
    result = softcord(
        "csa",
        *contrasts,
        "-o",
        tmp_path / "csa.csv",
        "-z",
        "3:5",
        "--compare",
        tmp_path / "contrasts.csv",
    )
    assert result.exit_code == 1
    assert "different grids" in result.stderr
    assert names_in(tmp_path) == ["csa.csv", "in"]


def test_contrasts_are_compared_at_a_distance_from_the_junction(softcord, contrasts, tmp_path):
    """One image begins four slices higher, so that the same place has other slice numbers."""
    whole = read_nifti(contrasts[1])
    lifted = whole.affine.copy()
    lifted[:3, 3] = whole.grid.to_world(np.array([0, 0, 4]))
    write_nifti(Volume(whole.data[:, :, 4:], lifted), contrasts[1])
    top = a_neck().grid.to_world(np.array([18, 16, 29]))
    junction = tmp_path / "pmj.fcsv"
    junction.write_text(
        f"# CoordinateSystem = RAS\n# columns = id,x,y,z,label\n1,{top[0]},{top[1]},{top[2]},PMJ\n",
        encoding="utf-8",
    )
    where = ["--pmj", junction, "--pmj-distance", "20", "--pmj-extent", "6"]
    result = softcord(
        "csa",
        *contrasts[:2],
        "-o",
        tmp_path / "csa.csv",
        *where,
        "--compare",
        tmp_path / "contrasts.csv",
    )
    assert result.exit_code == 0, result.stderr
    (row,) = rows_of(tmp_path / "contrasts.csv")
    assert float(row["DistancePMJ"]) == 20.0
    assert [row["Slice (I->S)"] for row in rows_of(tmp_path / "csa.csv")] == ["7:12", "3:8"]
    areas = [float(row["MEAN(area)"]) for row in rows_of(tmp_path / "csa.csv")]
    assert [float(row[f"area({name})"]) for name in ("T1w", "T2w")] == pytest.approx(areas)


def test_one_mask_is_nothing_to_compare(softcord, a_mask, a_label_image, tmp_path):
    options = ["--discs", a_label_image, "--perlevel", "--compare", tmp_path / "contrasts.csv"]
    assert softcord("csa", a_mask, "-o", tmp_path / "csa.csv", *options).exit_code == 2


@pytest.mark.parametrize("option", ["--compare", "--figure"])
def test_second_outputs_are_never_written_over_an_input(
    softcord, contrasts, a_label_image, tmp_path, option
):
    mask = contrasts[0].with_name("mask.png")
    mask.write_bytes(contrasts[0].read_bytes())
    before = digest(mask)
    result = softcord(
        "csa",
        contrasts[1],
        mask,
        "-o",
        tmp_path / "csa.csv",
        "--perlevel",
        "--discs",
        a_label_image,
        option,
        mask,
    )
    assert result.exit_code == 2
    assert "would be overwritten" in result.stderr
    assert digest(mask) == before


@pytest.mark.parametrize(
    ("ending", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")]
)
def test_figures_along_the_cord(softcord, a_mask, a_label_image, tmp_path, ending, start):
    figure = tmp_path / f"area{ending}"
    result = softcord(
        "csa", a_mask, "-o", tmp_path / "csa.csv", "--discs", a_label_image, "--figure", figure
    )
    assert result.exit_code == 0, result.stderr
    assert figure.read_bytes().startswith(start)


def test_the_figure_names_levels_and_contrasts(
    softcord, contrasts, a_label_image, tmp_path, monkeypatch
):
    monkeypatch.setitem(
        pytest.importorskip("matplotlib").rcParams, "svg.fonttype", "none"
    )  # text stays text
    along, side_by_side = tmp_path / "along.svg", tmp_path / "compared.svg"
    options = ["-o", tmp_path / "csa.csv", "--discs", a_label_image, "--perlevel"]
    assert softcord("csa", *contrasts, *options, "--figure", along).exit_code == 0
    compare = ["--compare", tmp_path / "contrasts.csv", "--figure", side_by_side]
    assert softcord("csa", *contrasts, *options, *compare).exit_code == 0
    for figure in (along, side_by_side):
        text = figure.read_text(encoding="utf-8")
        assert all(f">{word}<" in text for word in ("C2", "C3", "C4", *RADII)), figure
    assert "SD" not in along.read_text(encoding="utf-8")
    assert "mean ± SD" in side_by_side.read_text(encoding="utf-8")


def test_rows_are_added_to_a_table_that_is_there(softcord, contrasts, tmp_path):
    table = tmp_path / "csa.csv"
    for mask in contrasts:
        assert softcord("csa", mask, "-o", table, "-append", "1", "-z", "3:5").exit_code == 0
    assert [row["Filename"] for row in rows_of(table)] == [str(path) for path in contrasts]
    before = digest(table)
    other = tmp_path / "other.csv"
    other.write_text("Subject,Age\r\n1,2\r\n", encoding="utf-8")
    result = softcord("csa", contrasts[0], "-o", other, "--append", "-z", "3:5")
    assert result.exit_code == 1
    assert "other columns" in result.stderr
    assert other.read_text(encoding="utf-8") == "Subject,Age\n1,2\n"
    assert digest(table) == before


def test_an_empty_file_and_a_byte_order_mark_take_rows(softcord, contrasts, tmp_path):
    empty, marked = tmp_path / "empty.csv", tmp_path / "marked.csv"
    empty.write_bytes(b"\xef\xbb\xbf")
    arguments = ["csa", contrasts[0], "--append", "-z", "3:5", "-o"]
    assert softcord(*arguments, empty).exit_code == 0
    marked.write_bytes(b"\xef\xbb\xbf" + empty.read_bytes())

    assert softcord(*arguments, marked).exit_code == 0

    assert len(rows_of(empty)) == 1
    assert marked.read_bytes().startswith(b"\xef\xbb\xbf")
    assert marked.read_text(encoding="utf-8").count(str(contrasts[0])) == 2


def test_processes_that_add_to_one_table_lose_no_row(a_mask, tmp_path):
    table, rounds = tmp_path / "csa.csv", 2
    code = (
        "import sys; from SoftCordSegLib.cli.app import main\n"
        "for _ in range(int(sys.argv.pop())):\n"
        "    try: main()\n"
        "    except SystemExit as end: assert not end.code, end.code\n"
    )
    command = [sys.executable, "-c", code, "csa", str(a_mask), "--append", "-z", "3:5"]
    running = [
        subprocess.Popen([*command, "-o", str(table), str(rounds)], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    errors = [process.communicate()[1] for process in running]

    assert [process.returncode for process in running] == [0] * 3, errors
    assert len(rows_of(table)) == 3 * rounds
    assert [path.name for path in tmp_path.iterdir() if "lock" in path.name] == []


def test_json_holds_every_slice(softcord, contrasts, tmp_path):
    out = tmp_path / "csa.json"
    assert softcord("csa", *contrasts, "-o", out, "-z", "3:5").exit_code == 0
    masks = json.loads(out.read_text(encoding="utf-8"))["masks"]
    assert [mask["Filename"] for mask in masks] == [str(path) for path in contrasts]
    assert [row["Slices"] for row in masks[0]["Rows"]] == [[3, 4, 5]]
    slices = masks[0]["Slices"]
    assert len(slices["area"]) == len(slices["area_low"]) == 30
    assert all(
        low < area < high
        for low, area, high in zip(slices["area_low"], slices["area"], slices["area_high"])
    )
    assert math.isclose(masks[0]["Rows"][0]["Mean"]["area"], np.mean(slices["area"][3:6]))
    assert softcord("csa", contrasts[0], "-o", out, "--append").exit_code == 2


def test_names_of_contrasts(tmp_path):
    def short(*names):
        return short_names([tmp_path / name for name in names])

    assert short("sub-01_T1w_softseg.nii.gz", "sub-01_T2w_softseg.nii.gz") == ["T1w", "T2w"]
    names = ["sub-05_acq-MTon_MTS_softseg.nii.gz", "sub-05_acq-MToff_MTS_softseg.nii.gz"]
    assert short(*names) == ["acq-MTon", "acq-MToff"]
    assert short("mt0_seg.nii.gz", "mt1_seg.nii.gz") == ["mt0", "mt1"]
    assert short("t2.nii.gz", "t2_seg.nii.gz") == ["t2", "t2_seg"]
    assert short("a_seg.nii.gz") == ["a_seg"]
    assert short("a/seg.nii.gz", "b/seg.nii.gz") == [
        str(tmp_path / "a" / "seg.nii.gz"),
        str(tmp_path / "b" / "seg.nii.gz"),
    ]
    several = [
        tmp_path / f"sub-0{n}_ses-1_{contrast}_seg.nii.gz"
        for n in (1, 2)
        for contrast in ("T1w", "T2w")
    ]
    assert contrast_names(several) == ["T1w", "T2w", "T1w", "T2w"]
    assert session_of(several[0]) == "sub-01_ses-1"
    assert session_of(tmp_path / "t2_seg.nii.gz") == ""
