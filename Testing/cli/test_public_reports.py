"""Files like those of public bug reports (../shared/data/trials, its README says what is right for
each): the right value, or a sentence that says what is wrong.
"""

from __future__ import annotations

import shutil
from typing import NamedTuple

import numpy as np
import pytest

from cli.fakes import rows_of
from SoftCordSegLib.errors import InputError
from SoftCordSegLib.segmentation.segment import check_image
from SoftCordSegLib.volume import read_nifti


@pytest.fixture
def trials(shared_data):
    folder = shared_data / "trials"
    if not folder.is_dir():
        pytest.skip("the files of public reports (../shared/data/trials) are not here")
    return folder


@pytest.fixture
def manual(shared_data):
    """The mask that most of the files were made from: 79.0 mm² on average in slices 10 to 44."""
    return shared_data / "images" / "sct-testing" / "t2_seg-manual.nii.gz"


class Area(NamedTuple):
    """What ``csa -z 10:44`` gives: mean area, mm²; a word of the row's note, or of a sentence."""

    mm2: float
    row: str = ""
    said: str = ""


BINARY, SOFT = 79.04, 74.20
MASKS = {
    "4d1": Area(BINARY),
    "bool": Area(BINARY),
    "mask_f64": Area(BINARY),
    "v2": Area(BINARY, said="one value, 2, was read as 1"),
    "u255": Area(BINARY),  # its intensity scaling makes 1 of 255
    "v255": Area(BINARY, said="one value, 255, was read as 1"),
    "soft255": Area(SOFT, said="divided by 255"),
    "pct100": Area(SOFT, said="divided by 100"),
    "pct100_int": Area(SOFT, said="divided by 100"),
    "soft_i2scaled": Area(SOFT),
    "soft_u1scaled": Area(SOFT),
    "softhalf": Area(SOFT, row="soft values below 0.9"),
    "softmilli": Area(SOFT, row="soft values below 0.9"),
    "neg": Area(SOFT, said="were clipped"),
    "meter": Area(BINARY, said="counts in metres"),
    "micron": Area(BINARY, said="counts in micrometres"),
    "qs15": Area(BINARY, said="differ by 15.0 mm"),
    "qs_scale": Area(BINARY, said="in two ways"),
    "two_components": Area(79.7, row="more than one piece"),
    "holes": Area(70.05, row="holes"),
    "edge": Area(75.5, said="touches the edge"),
    "../second/mask_spline_-0.14_to_1.22": Area(79.0, said="were clipped"),
    "../second/mask_4slices_shifted14mm": Area(65.0, row="jump of 14 mm"),
    "../second/mask_cropped_to_min_extent": Area(BINARY),
}
REFUSED_MASKS = {
    "soft12": "core is above 1",
    "soft149": "core is above 1",
    "soft2": "reach 2",
    "nan": "NaN",
    "nanbg": "NaN",
    "empty": "is empty",
    "inverted": "marks the background",
    "allones": "marks the background",
    "cord1_lesion2": "values 1, 2",
    "sc1_les2": "values 1, 2",
    "tss_like": "label image",
    "4d2": "series of 2 volumes",
    "oneslice": "one slice only",
    "pixdim0_q": "pixdim",
    "shear2pc": "not at right angles",
}


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_is_measured_and_what_was_odd_is_said(softcord, trials, tmp_path, name):
    wanted, table = MASKS[name], tmp_path / "csa.csv"

    result = softcord("csa", trials / "mask" / f"{name}.nii.gz", "-z", "10:44", "-o", table)

    assert result.exit_code == 0, result.stderr
    (row,) = rows_of(table)
    assert float(row["MEAN(area)"]) == pytest.approx(wanted.mm2, rel=0.02)
    assert wanted.row in row["notes"]
    assert wanted.said in " ".join(result.stderr.split())


@pytest.mark.parametrize("name", REFUSED_MASKS)
def test_what_is_no_mask_is_a_sentence(softcord, trials, tmp_path, name):
    path = trials / "mask" / f"{name}.nii.gz"

    result = softcord("csa", path, "-o", tmp_path / "csa.csv")

    assert result.exit_code == 1
    assert REFUSED_MASKS[name] in " ".join(result.stderr.split())
    assert not (tmp_path / "csa.csv").exists()


def test_a_steep_cord_is_noted_from_60_degrees_on(softcord, trials, tmp_path):
    notes = {}
    for angle in (30, 44, 60, 90):
        table = tmp_path / f"{angle}.csv"
        softcord("csa", trials / "mask" / f"tilt{angle}.nii.gz", "-o", table)
        notes[angle] = " ".join(row["notes"] for row in rows_of(table))

    assert "angle over 60°" not in notes[30] + notes[44]
    assert "angle over 60°" in notes[60]
    assert "angle over 60°" in notes[90]


DISCS = {
    "three": {"C3": "", "C4": ""},
    "one3": {"C3": "lower end not known"},
    "one4mid": {"C4": "lower end not known"},
    "shifted30": {"C5": "lower end not known"},
    "skip5": {"C3": "", "C4": "has C5 too"},
    "top_of_image": {"C3": "lower end not known"},
    "float": {"C3": "has C4 too"},
    "with50": {"C3": "has C4 too"},
    "with49_50": {"C3": "has C4 too"},
}
REFUSED_DISCS = {
    "shifted300": "beyond the end of the mask",
    "swapped": "C4/C5",
    "close": "C3/C4",
    "dup3": "two positions",
    "big": "300",
    "empty": "no labels",
    "only50": "No intervertebral disc",
    "v26": "No intervertebral disc",
    "pmj_below": "No intervertebral disc",
}


@pytest.mark.parametrize("name", DISCS)
def test_levels_whose_ends_are_not_known_say_so(softcord, trials, manual, tmp_path, name):
    table, discs = tmp_path / "csa.csv", trials / "discs" / f"{name}.nii.gz"

    result = softcord("csa", manual, "--discs", discs, "--perlevel", "-o", table)

    assert result.exit_code == 0, result.stderr
    notes = {row["LevelName"]: row["notes"] for row in rows_of(table)}
    for level, word in DISCS[name].items():
        assert word in notes[level]
        assert word or not notes[level]


@pytest.mark.parametrize("name", REFUSED_DISCS)
def test_discs_that_cannot_be_are_a_sentence(softcord, trials, manual, tmp_path, name):
    discs = trials / "discs" / f"{name}.nii.gz"

    result = softcord("csa", manual, "--discs", discs, "--perlevel", "-o", tmp_path / "csa.csv")

    assert result.exit_code == 1
    assert REFUSED_DISCS[name] in " ".join(result.stderr.split())


HEADERS = {
    "qs_disagree": "differ by 36.1 mm",
    "srow_zero.nii": "the qform was used",
    "voxoffset_0": "vox_offset",
    "meters": "metres",
    "microns": "micrometres",
    "nan": "NaN; 0 was put in",
}
REFUSED_HEADERS = {
    "pixdim_zero_qonly": "pixdim",
    "5d_vec": "5 dimensions",
    "one_ax": "single slice",
    "lfs": "git lfs pull",
    "gz_named_nii.nii": "Rename it to .nii.gz",
    "plain_named_gz": "Rename it to .nii",
}


def header_file(trials, name):
    return trials / "hdr" / (name if "." in name else f"{name}.nii.gz")


@pytest.mark.parametrize("name", HEADERS)
def test_an_odd_header_is_read_rightly_and_said(shared_data, trials, name):
    good = read_nifti(shared_data / "images" / "sct-testing" / "t2.nii.gz")

    volume = read_nifti(header_file(trials, name), without_nan=True)

    assert HEADERS[name] in volume.notes[0]
    np.testing.assert_allclose(volume.spacing, good.spacing, rtol=1e-4)
    check_image(volume)


@pytest.mark.parametrize("name", REFUSED_HEADERS)
def test_a_header_that_cannot_be_is_a_sentence(trials, name):
    with pytest.raises(InputError, match=REFUSED_HEADERS[name]):
        check_image(read_nifti(header_file(trials, name), without_nan=True))


@pytest.mark.parametrize("name", ["iso5mm", "iso10mm"])
def test_voxels_larger_than_a_cord_are_a_sentence(trials, name):
    with pytest.raises(InputError, match="mm across the cord"):
        check_image(read_nifti(trials / "geo" / f"{name}.nii.gz"))


def test_two_masks_of_one_name_keep_their_folders(softcord, trials, tmp_path):
    masks = [trials / folder / "t2_seg.nii.gz" for folder in ("sA", "sB")]

    softcord("csa", *masks, "-z", "2:6", "-o", tmp_path / "csa.csv")

    assert [row["Filename"] for row in rows_of(tmp_path / "csa.csv")] == [*map(str, masks)]


def test_a_level_shown_in_part_is_compared_over_the_part_that_all_show(softcord, trials, tmp_path):
    folder, table = trials / "second" / "partial_level", tmp_path / "compared.csv"
    masks = [folder / f"sub-01_{name}_seg.nii.gz" for name in ("T2w", "T1w", "MTon")]
    words = ["--vert", "2:3", "--discs", folder / "discs_3_4_5.nii.gz", "-o", tmp_path / "csa.csv"]

    assert softcord("csa", *masks, *words, "--compare", table).exit_code == 0
    (common,) = rows_of(table)
    assert softcord("csa", *masks, *words, "--compare", table, "--stretch", "all").exit_code == 0
    each = {row["LevelName"]: row for row in rows_of(table)}

    assert float(common["SD"]) < 0.1
    assert "only the cord that all contrasts show" in common["notes"]
    assert set(each) == {"C2:C3", "C3"}
    assert "MTon: its upper part is not in the mask" in each["C3"]["notes"]
    assert "all that each of them shows is averaged" in each["C3"]["notes"]


def test_a_centreline_of_a_part_serves_that_part(softcord, trials, manual, tmp_path):
    line, table = trials / "second" / "centerline_slices20-39_only.nii.gz", tmp_path / "csa.csv"

    result = softcord("csa", manual, "-z", "22:36", "--centerline", line, "-o", table)
    plain = softcord("csa", manual, "-z", "22:36", "-o", tmp_path / "own.csv")

    assert (result.exit_code, plain.exit_code) == (0, 0)
    with_line, own = (
        float(rows_of(path)[0]["MEAN(area)"]) for path in (table, tmp_path / "own.csv")
    )
    assert with_line == pytest.approx(own, rel=0.005)
    assert "does not cover slice(s) 0:19;40:54" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("name", "option", "word"),
    [
        ("levels_interpolated_linearly", "--vertfile", "not whole numbers"),
        ("vertfile_totalspineseg_like", "--vertfile", "levels"),
        ("discs_totalspineseg_disc_volumes", "--discs", "mark one point a disc"),
    ],
)
def test_what_is_no_level_image_is_a_sentence(
    softcord, trials, manual, tmp_path, name, option, word
):
    path = trials / "second" / f"{name}.nii.gz"

    result = softcord("csa", manual, option, path, "--perlevel", "-o", tmp_path / "csa.csv")

    assert result.exit_code == 1
    assert word in " ".join(result.stderr.split())


def table_of_cases(path, rows):
    path.write_text(
        "participant,contrast,image,reference,discs\n" + "\n".join(rows) + "\n", encoding="utf-8"
    )
    return path


def test_a_level_shown_in_part_is_evaluated_over_the_part_that_all_show(softcord, trials, tmp_path):
    folder, out = trials / "second" / "partial_level", tmp_path / "out"
    names = [f"sub-01,{name},{folder}/sub-01_{name}.nii.gz" for name in ("T2w", "T1w", "MTon")]
    table = table_of_cases(
        tmp_path / "cases.csv", [f"{name},,{folder}/discs_3_4_5.nii.gz" for name in names]
    )
    words = ["-m", f"a={folder}", "--vert", "2:3", "-o", out, "--no-figures"]

    result = softcord("evaluate", table, *words)

    assert result.exit_code == 0, result.stderr
    for row in rows_of(out / "csa_participants.csv"):  # 1.22 mm² over what each showed
        assert float(row["sd_mm2"]) < 0.1
        assert row["place"] == "C3"
        assert "ends within 2:3" in row["notes"]


def test_a_table_of_cases_with_a_byte_order_mark_is_read(softcord, trials, shared_data, tmp_path):
    out, masks = tmp_path / "out", trials / "meth"
    table = tmp_path / "bomc.csv"
    text = (trials / "bomc.csv").read_bytes().replace(b"../images", b"images")
    table.write_bytes(text)
    words = ["--root", shared_data, "-m", f"a={masks}", "-o", out, "--no-figures"]

    result = softcord("evaluate", table, *words)

    assert result.exit_code == 0, result.stderr
    assert [row["participant"] for row in rows_of(out / "images.csv")] == ["a", "b"]


@pytest.mark.parametrize(
    ("pattern", "contrasts"),
    [
        ("cmp/sub-0[12]*", {"sub-01": 3, "sub-02": 3}),
        ("cmp2/*", {"sub-01_ses-1": 2, "sub-01_ses-2": 2}),
    ],
)
def test_contrasts_are_compared_by_participant_and_session(
    softcord, trials, tmp_path, pattern, contrasts
):
    masks, compared = sorted(trials.glob(f"{pattern}.nii.gz")), tmp_path / "compared.csv"

    result = softcord("csa", *masks, "-z", "1:3", "--compare", compared, "-o", tmp_path / "csa.csv")

    assert result.exit_code == 0, result.stderr
    rows = rows_of(compared)
    assert {
        row["Subject"]: sum(bool(row[key]) for key in row if key.startswith("area("))
        for row in rows
    } == contrasts
    assert {row["SD"] for row in rows} == {"0.0"}  # they are the same voxels


def test_slices_of_two_grids_are_not_compared_by_their_numbers(softcord, trials, tmp_path):
    masks = sorted((trials / "cmp").glob("sub-03*"))
    words = ["-z", "1:3", "--compare", tmp_path / "compared.csv", "-o", tmp_path / "csa.csv"]

    result = softcord("csa", *masks, *words)

    assert result.exit_code == 1
    assert "have different grids" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("name", "drawn"),
    [("bids", "sub-01_acq-MToff_MTS_seg.nii.gz"), ("bids2", "sub-01_T2w_seg.nii.gz")],
)
def test_a_mask_made_by_hand_is_kept_and_that_is_said(softcord, trials, tmp_path, name, drawn):
    result = softcord("prepare", trials / name, "-o", tmp_path / "out", "--masks")

    assert result.exit_code == 0, result.stderr
    assert f"the mask '{drawn}' of the data set is used" in " ".join(result.stderr.split())
    (original,) = (trials / name / "derivatives").rglob(drawn)
    image = drawn[: -len("_seg.nii.gz")]
    (copy,) = (tmp_path / "out" / "derivatives").rglob(f"{image}_label-SC_seg.nii.gz")
    assert copy.read_bytes() == original.read_bytes()


def test_a_mask_called_as_its_image_is_not_taken_and_that_is_said(softcord, trials, tmp_path):
    data = trials / "second" / "bids_label_without_suffix"

    result = softcord("prepare", data, "-o", tmp_path / "out", "--masks")

    assert result.exit_code == 0, result.stderr
    said = " ".join(result.stderr.split())
    assert "sub-01_T2w.nii.gz': not taken, because its name is not that of a mask" in said


def test_softgt_names_the_masks_that_it_does_not_take(softcord, trials, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(trials / "bids2", data)
    folder = data / "derivatives" / "labels" / "sub-01" / "anat"
    shutil.copy(folder / "sub-01_T2w_seg.nii.gz", folder / "sub-01_T2star.nii.gz")
    shutil.copy(folder / "sub-01_T2w_seg.nii.gz", folder / "T2w_seg.nii.gz")
    (folder / "sub-01_T1w_seg.nrrd").write_bytes(b"NRRD")

    result = softcord("softgt", data, "-o", tmp_path / "out")

    said = " ".join(result.stderr.split())
    assert "sub-01_T2star.nii.gz': not taken, because its name is not that of a mask" in said
    assert "T2w_seg.nii.gz': not taken, because its name does not begin with a participant" in said
    assert "sub-01_T1w_seg.nrrd': not taken, because it is no NIfTI file" in said
