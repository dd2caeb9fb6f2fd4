"""``softcord softgt``: from masks to a soft ground truth, its page and its table."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest

from cli.fakes import digest, names_in, rows_of, write_points
from groundtruth.cords import Cord, grid, stored, turned_axes
from itk_fields import read_field, warp_points_with_field
from SoftCordSegLib.morphometry import discs_from_label_image
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti

# C2/C3 12 mm above the middle, C3/C4 at it, C4/C5 12 mm below, 8 mm behind the cord.
DISCS_MM = {3: (0, -8, 12), 4: (0, -8, 0), 5: (0, -8, -12)}
SHIFT, DEGREES = (1.5, -0.8), 8.0


def masks_of_a_subject():
    """One cord in three contrasts of different orientation, obliquity and slice thickness; the last
    two moved.
    """
    cord = Cord(bend=(4, -5))
    return {
        "T2w": stored(cord.mask(grid(0.8, (32, 32, 60)), soft=False), "PSR"),
        "T1w": stored(
            cord.mask(grid(1.0, (30, 30, 44), turned_axes((6, -4, 3))), SHIFT, DEGREES, soft=False),
            "AIL",
        ),
        "T2star": cord.mask(grid((0.6, 0.6, 5), (44, 44, 9)), (-0.7, 1.1), -6, soft=False),
    }


def write_subject(root, name="sub-01", masks=None, discs=True):
    """A BIDS data set with the masks, an image and the discs of a subject; its folder."""
    labels = root / "derivatives" / "labels" / name / "anat"
    masks = masks_of_a_subject() if masks is None else masks
    for contrast, mask in masks.items():
        write_nifti(mask, labels / f"{name}_{contrast}_label-SC_seg.nii.gz")
    if "T2w" in masks:
        reference = masks["T2w"]
        image = reference.with_data((200 + 600 * reference.data).astype(np.float32))
        write_nifti(image, root / name / "anat" / f"{name}_T2w.nii.gz")
        if discs:
            voxels = {
                value: tuple(np.round(reference.grid.to_voxel(mm)).astype(int))
                for value, mm in DISCS_MM.items()
            }
            write_points(labels / f"{name}_T2w_label-discs_dlabel.nii.gz", voxels, reference)
    return root


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A data set of two subjects that was worked on: its folder, the results and what the command
    said.
    """
    from cli.fakes import Softcord

    root = tmp_path_factory.mktemp("study")
    write_subject(root)
    write_subject(root, "sub-02", discs=False)
    before = {path: digest(path) for path in root.rglob("*.nii.gz")}
    result = Softcord()("softgt", root, "-o", root / "out", "--binary", "--json")
    assert result.exit_code == 0, result.stderr
    assert {path: digest(path) for path in before} == before  # inputs are never changed
    return root, root / "out" / "derivatives", result


def anat(derivatives, kind="labels_softseg", name="sub-01"):
    return derivatives / kind / name / "anat"


def test_every_contrast_gets_its_soft_mask_under_its_bids_name(study):
    _, out, _ = study

    for contrast, mask in masks_of_a_subject().items():
        soft = read_nifti(anat(out) / f"sub-01_{contrast}_label-SC_softseg.nii.gz")
        assert soft.grid.same_as(mask.grid)
        assert soft.letters == mask.letters
        assert soft.data.dtype == np.float32
        assert 0 < soft.data.max() <= 1
        hard = mask.data > 0
        assert (
            2 * ((soft.data >= 0.5) & hard).sum() / ((soft.data >= 0.5).sum() + hard.sum()) > 0.93
        )
        assert np.unique(soft.data).size > 20


def test_the_binarised_one_is_an_option(study):
    _, out, _ = study

    binary = read_nifti(
        anat(out, "labels_softseg_bin") / "sub-01_T1w_desc-softseg_label-SC_seg.nii.gz"
    )
    soft = read_nifti(anat(out) / "sub-01_T1w_label-SC_softseg.nii.gz")

    assert binary.data.dtype == np.uint8
    assert (binary.data == (soft.data >= 0.5)).all()


def test_the_sidecar_says_what_it_is_made_of(study):
    root, out, _ = study

    record = json.loads(
        (anat(out) / "sub-01_T1w_label-SC_softseg.json").read_text(encoding="utf-8")
    )

    source = root / "derivatives" / "labels" / "sub-01" / "anat" / "sub-01_T1w_label-SC_seg.nii.gz"
    assert {"Contrast": "T1w", "Mask": source.name, "SHA256": digest(source)} in record["Sources"]
    assert record["GeneratedBy"][0]["Name"] == "SoftCordSeg"
    assert record["SpatialReference"] == "orig"
    assert record["Reference"] == "T2w"
    assert record["Registration"]["Method"] == "centermassrot"
    assert np.mean(record["ShiftLeftMm"]) == pytest.approx(SHIFT[0], abs=0.2)
    assert np.mean(record["RotationDegrees"]) == pytest.approx(DEGREES, abs=1.5)
    assert str(root) not in json.dumps(record)  # sidecars travel


def test_the_transforms_lead_from_the_reference_to_the_contrast_and_back(study):
    _, out, _ = study
    there = read_field(anat(out) / "sub-01_from-T1w_to-T2w_mode-image_xfm.nii.gz")
    back = read_field(anat(out) / "sub-01_from-T2w_to-T1w_mode-image_xfm.nii.gz")

    middle = warp_points_with_field(np.zeros((1, 3)), *there)

    assert middle[0] == pytest.approx([-SHIFT[0], SHIFT[1], 0], abs=0.2)  # RAS: Left is negative
    assert warp_points_with_field(middle, *back)[0] == pytest.approx([0, 0, 0], abs=2e-3)


def test_the_discs_are_carried_to_every_other_contrast(study):
    _, out, _ = study
    path = anat(out) / "sub-01_T1w_label-discs_desc-warp_dlabel.nii.gz"

    discs = {disc.value: disc.position_mm for disc in discs_from_label_image(read_nifti(path))}

    assert sorted(discs) == [3, 4, 5]
    c, s = np.cos(np.radians(DEGREES)), np.sin(np.radians(DEGREES))
    # 8 mm behind, turned from Left towards Anterior about the cord's middle, then shifted.
    assert discs[4] == pytest.approx([-(s * 8 + SHIFT[0]), -c * 8 + SHIFT[1], 0], abs=1.0)
    assert not (anat(out) / "sub-01_T2w_label-discs_desc-warp_dlabel.nii.gz").exists()
    assert not list(anat(out, name="sub-02").glob("*discs*"))


def test_areas_are_measured_where_there_are_discs(study):
    _, out, _ = study

    rows = rows_of(out / "labels_softseg" / "sub-01" / "sub-01_softgt_csa.csv")

    assert {row["Mask"] for row in rows} == {"soft", "soft_bin", "hard"}
    assert {row["Contrast"] for row in rows} == {"T2w", "T1w", "T2star"}
    assert {row["VertLevel"] for row in rows} == {"2:3"}
    for row in rows:  # an ellipse of 6.5 by 4 mm
        assert float(row["MEAN(area) [mm2]"]) == pytest.approx(np.pi * 6.5 * 4, rel=0.05)
    assert not (out / "labels_softseg" / "sub-02" / "sub-02_softgt_csa.csv").exists()
    with open(out / "labels_softseg" / "softgt_csa.csv", encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 9


def test_the_page_stands_by_itself(study):
    _, out, _ = study

    page = (out / "labels_softseg" / "sub-01" / "sub-01_softgt.html").read_text(encoding="utf-8")

    assert page.count("data:image/png;base64,") == 4  # three mosaics and the motion
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert not re.search("https?:", page)
    for words in (
        "T2star",
        "Area, mm²",
        "no image was given",
        "Registration",
        "slice by slice (shift and rotation)",
    ):
        assert words in page


def test_a_page_over_all_participants_leads_to_theirs(study):
    _, out, _ = study

    index = (out / "labels_softseg" / "softgt.html").read_text(encoding="utf-8")

    links = re.findall(r'href="([^"]*)"', index)
    assert sorted(links) == ["./sub-01/sub-01_softgt.html", "./sub-02/sub-02_softgt.html"]
    assert all((out / "labels_softseg" / link).is_file() for link in links)
    assert "2 of 2 participants" in index


def test_the_answer_as_json_tells_the_numbers(study):
    _, _, result = study

    answer = json.loads(result.stdout)

    assert [one["participant"] for one in answer["results"]] == ["sub-01", "sub-02"]
    one = answer["results"][0]["contrasts"]["T2star"]
    assert one["LargestShiftMm"] == pytest.approx(np.hypot(0.7, 1.1), abs=0.25)
    assert one["ReferenceSlicesTrimmedAtEachEnd"] == 10
    assert (
        answer["results"][0]["area_sd_mm2"]["soft"]
        < answer["results"][0]["area_sd_mm2"]["hard"] + 0.5
    )
    assert answer["failed"] == []
    assert "no areas are measured" in answer["results"][1]["notes"][0]
    assert "--discs" not in answer["results"][1]["notes"][0]


def test_the_derivatives_say_what_they_are(study):
    _, out, _ = study

    for kind in ("labels_softseg", "labels_softseg_bin"):
        assert (
            json.loads((out / kind / "dataset_description.json").read_text(encoding="utf-8"))[
                "DatasetType"
            ]
            == "derivative"
        )


def test_one_participant_by_its_files(softcord, tmp_path):
    masks = masks_of_a_subject()
    for name, mask in masks.items():
        write_nifti(mask, tmp_path / f"{name}_seg.nii.gz")

    result = softcord(
        *(
            "softgt",
            "--reference",
            tmp_path / "T2w_seg.nii.gz",
            "--mask",
            f"T2star={tmp_path / 'T2star_seg.nii.gz'}",
        ),
        *(
            "-o",
            tmp_path / "out",
            "--registration",
            "centermass",
            "--trim-mm",
            "4",
            "--trim-mm",
            "T2star=0",
        ),
    )

    assert result.exit_code == 0, result.stderr
    assert names_in(tmp_path / "out") == [
        "T2star_label-SC_softseg.json",
        "T2star_label-SC_softseg.nii.gz",
        "T2w_from-T2star_to-T2w_mode-image_xfm.nii.gz",
        "T2w_from-T2w_to-T2star_mode-image_xfm.nii.gz",
        "T2w_label-SC_softseg.json",
        "T2w_label-SC_softseg.nii.gz",
        "T2w_softgt.html",
    ]
    record = json.loads(
        (tmp_path / "out" / "T2star_label-SC_softseg.json").read_text(encoding="utf-8")
    )
    assert record["Registration"]["Method"] == "centermass"
    assert record["RotationDegrees"] is None
    assert record["ReferenceSlicesTrimmedAtEachEnd"] == 0


def test_discs_may_be_marked_in_another_contrast(softcord, tmp_path):
    """Marked in the moved T1w, they come to the reference through the registration."""
    masks = masks_of_a_subject()
    for name in ("T2w", "T1w"):
        write_nifti(masks[name], tmp_path / f"{name}_seg.nii.gz")
    t1w = masks["T1w"]
    voxels = {
        value: tuple(np.round(t1w.grid.to_voxel(mm)).astype(int)) for value, mm in DISCS_MM.items()
    }
    write_points(tmp_path / "discs.nii.gz", voxels, t1w)

    result = softcord(
        *(
            "softgt",
            "--mask",
            f"T2w={tmp_path / 'T2w_seg.nii.gz'}",
            "--mask",
            f"T1w={tmp_path / 'T1w_seg.nii.gz'}",
        ),
        *("--discs", f"T1w={tmp_path / 'discs.nii.gz'}", "-o", tmp_path / "out"),
    )

    assert result.exit_code == 0, result.stderr
    carried = {
        disc.value: disc
        for disc in discs_from_label_image(
            read_nifti(tmp_path / "out" / "T2w_label-discs_desc-warp_dlabel.nii.gz")
        )
    }
    back = np.array(DISCS_MM[4][:2]) * [-1, 1] - SHIFT
    c, s = np.cos(np.radians(DEGREES)), np.sin(np.radians(DEGREES))
    left, anterior = c * back[0] + s * back[1], -s * back[0] + c * back[1]
    assert carried[4].position_mm == pytest.approx([-left, anterior, 0], abs=1.2)


def test_the_list_leaves_out_participants_and_images_and_says_why(softcord, tmp_path):
    write_subject(tmp_path / "in")
    write_subject(tmp_path / "in", "sub-02")
    (tmp_path / "exclude.yml").write_text(
        "FILES_REG:\n- sub-01_T2star.nii.gz  # moved\n- sub-02\n", encoding="utf-8"
    )

    result = softcord(
        "softgt",
        tmp_path / "in",
        "-o",
        tmp_path / "out",
        "--exclude",
        tmp_path / "exclude.yml",
        "--json",
    )

    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["left_out"] == [
        "sub-01: T2star is left out: moved.",
        "sub-02 is left out: FILES_REG.",
    ]
    assert list(answer["results"][0]["contrasts"]) == ["T1w", "T2w"]
    assert "T2star is left out: moved." in result.stderr
    page = (tmp_path / "out/derivatives/labels_softseg/sub-01/sub-01_softgt.html").read_text(
        encoding="utf-8"
    )
    assert "T2star was left out: moved." in page


def test_a_participant_that_cannot_be_done_does_not_stop_the_others(softcord, tmp_path):
    write_subject(tmp_path / "in")
    write_subject(tmp_path / "in", "sub-02", {"T1w": masks_of_a_subject()["T1w"]})

    result = softcord("softgt", tmp_path / "in", "-o", tmp_path / "out")

    assert result.exit_code == 1
    assert "sub-02: There is no mask of the reference contrast T2w; there are T1w." in result.stderr
    assert "1 of 2 participants were processed." in result.stderr
    index = (tmp_path / "out/derivatives/labels_softseg/softgt.html").read_text(encoding="utf-8")
    assert "sub-02: There is no mask of the reference contrast T2w" in index
    assert (tmp_path / "out/derivatives/labels_softseg/sub-01/sub-01_softgt.html").is_file()
    assert not (tmp_path / "out/derivatives/labels_softseg/sub-02").exists()


def test_a_bad_mask_costs_its_own_contrast_only(softcord, tmp_path):
    """One is no image, one lies elsewhere, two can be averaged."""
    masks = masks_of_a_subject()
    far = masks["T1w"].affine.copy()
    far[2, 3] += 500
    masks["FLAIR"] = Volume(masks["T1w"].data, far)
    write_subject(tmp_path / "in", masks=masks)
    labels = tmp_path / "in/derivatives/labels/sub-01/anat"
    (labels / "sub-01_T2star_label-SC_seg.nii.gz").write_text("no image", encoding="utf-8")

    result = softcord("softgt", tmp_path / "in", "-o", tmp_path / "out", "--json")

    assert result.exit_code == 1
    said = " ".join(result.stderr.split())
    assert "sub-01: T2star is left out." in said
    assert "sub-01: FLAIR is left out. " in said
    assert "no slice in common" in said
    answer = json.loads(result.stdout)
    assert sorted(answer["results"][0]["contrasts"]) == ["T1w", "T2w"]
    assert {one["contrast"] for one in answer["failed"]} == {"T2star", "FLAIR"}
    place = tmp_path / "out/derivatives/labels_softseg"
    sidecar = json.loads(
        (place / "sub-01/anat/sub-01_T1w_label-SC_softseg.json").read_text("utf-8")
    )
    assert {one["Contrast"] for one in sidecar["LeftOut"]} == {"T2star", "FLAIR"}
    assert "sub-01: T2star is left out" in (place / "softgt.html").read_text("utf-8")


def test_masks_in_a_folder_with_the_older_names_are_found(softcord, tmp_path):
    masks = masks_of_a_subject()
    for name in ("T2w", "T1w"):
        write_nifti(masks[name], tmp_path / "in" / f"sub-cardiff03_{name}_seg-manual.nii.gz")
    write_nifti(masks["T2w"], tmp_path / "in" / "sub-cardiff03_T2w_csfseg-manual.nii.gz")

    result = softcord("softgt", tmp_path / "in", "-o", tmp_path / "out")

    assert result.exit_code == 0, result.stderr
    place = tmp_path / "out/derivatives/labels_softseg/sub-cardiff03"
    assert [name for name in names_in(place / "anat") if "softseg.nii" in name] == [
        "sub-cardiff03_T1w_label-SC_softseg.nii.gz",
        "sub-cardiff03_T2w_label-SC_softseg.nii.gz",
    ]


@pytest.fixture
def two_masks(tmp_path):
    """T2w and T1w as words of the command."""
    masks = masks_of_a_subject()
    for name in ("T2w", "T1w"):
        write_nifti(masks[name], tmp_path / "in" / f"{name}_seg.nii.gz")
    return [
        word
        for name in ("T2w", "T1w")
        for word in ("--mask", f"{name}={tmp_path / 'in' / f'{name}_seg.nii.gz'}")
    ]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((), 2, "Give either the folder of a data set, or the masks"),
        (("--mask", "T1w"), 2, "--mask 'T1w' does not name a contrast and a file"),
        (("--mask", "T1w=a.nii.gz", "--mask", "T1w=b.nii.gz"), 2, "--mask T1w is given twice"),
        (("--mask", "T2w=nowhere.nii.gz"), 1, "'nowhere.nii.gz': There is no such file"),
        (("nowhere",), 1, "'nowhere': There is no such folder"),
        (("--mask", "T2w=a.nii.gz", "--trim-mm", "much"), 2, "--trim-mm 'much' is not a length"),
        (
            ("--mask", "T2w=a.nii.gz", "--registration", "affine"),
            2,
            "'affine' is not one of",
        ),
        (("--mask", "T2w=a.nii.gz", "--image", "T1w=b.nii.gz"), 2, "The image of T1w has no mask"),
        (
            ("--mask", "T2w=a.nii.gz", "--exclude", "nowhere.yml"),
            1,
            "There is no such exclusion list",
        ),
        (("--mask", "T2w=a.nii.gz", "--vert", "up"), 1, "up"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(softcord, tmp_path, words, code, sentence):
    result = softcord("softgt", *words, "-o", tmp_path / "out")

    assert result.exit_code == code
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert names_in(tmp_path / "out") == []


def test_a_data_set_without_masks_is_said_to_be_so(softcord, tmp_path):
    (tmp_path / "in").mkdir()

    result = softcord("softgt", tmp_path / "in", "-o", tmp_path / "out")

    assert result.exit_code == 1
    assert "There are no masks of the cord in this data set" in result.stderr


def test_a_bad_mask_leaves_nothing_half_written(softcord, two_masks, tmp_path):
    image = read_nifti(tmp_path / "in" / "T1w_seg.nii.gz")
    write_nifti(image.with_data(image.data - 1.0), tmp_path / "in" / "T1w_seg.nii.gz")

    result = softcord("softgt", *two_masks, "-o", tmp_path / "out")

    assert result.exit_code == 1
    assert "T1w: The mask has values from -1 to 0" in result.stderr
    assert "T1w_seg.nii.gz" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_a_bad_image_for_the_page_leaves_nothing_half_written(softcord, two_masks, tmp_path):
    (tmp_path / "in" / "T1w.nii.gz").write_text("no image", encoding="utf-8")

    result = softcord(
        "softgt",
        *two_masks,
        "--image",
        f"T1w={tmp_path / 'in' / 'T1w.nii.gz'}",
        "-o",
        tmp_path / "out",
    )

    assert result.exit_code == 1
    assert "T1w.nii.gz" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_an_input_is_never_written_over(softcord, two_masks, tmp_path):
    mask = read_nifti(tmp_path / "in" / "T2w_seg.nii.gz")
    path = tmp_path / "in" / "T2w_label-SC_softseg.nii.gz"
    write_nifti(mask, path)
    before = digest(path)

    result = softcord("softgt", "--mask", f"T2w={path}", *two_masks[2:], "-o", tmp_path / "in")

    assert result.exit_code == 2
    assert "is an input and would be overwritten" in result.stderr
    assert digest(path) == before


def test_two_masks_of_one_name_in_different_folders_are_told_apart(softcord, tmp_path):
    masks = masks_of_a_subject()
    for name in ("T2w", "T1w"):
        write_nifti(masks[name], tmp_path / name / "seg.nii.gz")

    result = softcord(
        *(
            "softgt",
            "--mask",
            f"T2w={tmp_path / 'T2w' / 'seg.nii.gz'}",
            "--mask",
            f"T1w={tmp_path / 'T1w' / 'seg.nii.gz'}",
        ),
        *("-o", tmp_path / "out"),
    )

    assert result.exit_code == 0, result.stderr
    assert {"seg_T2w_label-SC_softseg.nii.gz", "seg_T1w_label-SC_softseg.nii.gz"} <= set(
        names_in(tmp_path / "out")
    )


@pytest.mark.parametrize(
    ("word", "code", "sentence"),
    [
        ("T3w=4", 2, "No participant has the contrast T3w. Choose among T1w, T2w."),
        ("nan", 2, "is not a length"),
        ("T2w=inf", 2, "is not a length"),
        ("-1", 2, "is not a length"),
        ("T2w=x", 2, "--trim-mm 'T2w=x' is not a length"),
    ],
)
def test_lengths_that_are_not_usable(softcord, tmp_path, word, code, sentence):
    for contrast in ("T1w", "T2w"):
        path = tmp_path / f"data/sub-01_{contrast}_label-SC_seg.nii.gz"
        write_nifti(masks_of_a_subject()[contrast], path)

    result = softcord("softgt", tmp_path / "data", "-o", tmp_path / "out", f"--trim-mm={word}")

    assert result.exit_code == code
    assert sentence in result.stderr
    assert not (tmp_path / "out").exists()
