"""``softcord prepare``: from raw images to one image a contrast and its mask, with which ``softcord
softgt`` goes on.
"""

from __future__ import annotations

import gzip
import json

import nibabel
import numpy as np
import pytest

from cli.fakes import Softcord, digest, names_in, nothing_found, rows_of, values, write_points
from cli.scans import (
    BVALS,
    CORD,
    ECHOES,
    MOTION,
    WEIGHTED,
    diffusion,
    echoes,
    neck,
    write_diffusion,
    write_participant,
    write_series,
)
from SoftCordSegLib.volume import read_nifti, write_nifti
from SoftCordSegLib.workflows.ground_truth.masked_participants import find_masked_participants

IMAGES = (
    "anat/sub-01_T1w.nii.gz",
    "anat/sub-01_T2star.nii.gz",
    "anat/sub-01_T2w.nii.gz",
    "dwi/sub-01_rec-average_dwi.nii.gz",
)


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A data set of one participant that was prepared: its folder, the results and what the command
    said.
    """
    root = tmp_path_factory.mktemp("study")
    data = write_participant(root / "data")
    write_series(
        diffusion().data[..., :2], diffusion().affine, data / "sub-01/dwi/sub-01_acq-b0_dwi.nii.gz"
    )
    write_nifti(echoes()[0], data / "sub-01" / "anat" / "sub-01_part-phase_T2star.nii.gz")
    write_nifti(neck(), data / "sub-01" / "fmap" / "sub-01_phasediff.nii.gz")
    before = {path: digest(path) for path in data.rglob("*") if path.is_file()}
    result = Softcord()("prepare", data, "-o", root / "prepared", "--masks", "--json")
    assert result.exit_code == 0, result.stderr
    assert {
        path: digest(path) for path in data.rglob("*") if path.is_file()
    } == before  # inputs are never changed
    return data, root / "prepared", result


def test_every_contrast_has_one_image_and_one_mask(study):
    _, out, _ = study

    masks = [f"derivatives/labels/sub-01/{name.split('.')[0]}_label-SC_seg" for name in IMAGES]
    assert files_in(out) == sorted(
        [
            "dataset_description.json",
            *(f"{mask}{ending}" for mask in masks for ending in (".json", ".nii.gz")),
            *(
                f"sub-01/{name.split('.')[0]}{ending}"
                for name in IMAGES
                for ending in (".json", ".nii.gz")
            ),
            "sub-01/dwi/sub-01_rec-average_dwi_motion.csv",
        ]
    )


def test_3d_images_are_copied_as_they_are(study):
    data, out, _ = study

    assert digest(out / "sub-01/anat/sub-01_T2w.nii.gz") == digest(
        data / "sub-01/anat/sub-01_T2w.nii.gz"
    )
    packed = (out / "sub-01/anat/sub-01_T1w.nii.gz").read_bytes()
    assert gzip.decompress(packed) == (data / "sub-01/anat/sub-01_T1w.nii").read_bytes()
    record = json.loads((out / "sub-01/anat/sub-01_T1w.json").read_text(encoding="utf-8"))
    assert (record["Method"], record["Sources"][0]["Image"]) == ("copy", "sub-01_T1w.nii")


def test_echoes_become_their_root_mean_square(study):
    _, out, _ = study

    combined = read_nifti(out / "sub-01/anat/sub-01_T2star.nii.gz")

    factor = np.sqrt(np.mean(np.square(ECHOES)))
    assert combined.data == pytest.approx(echoes()[1].data * factor, rel=1e-5, abs=1e-3)
    record = json.loads((out / "sub-01/anat/sub-01_T2star.json").read_text(encoding="utf-8"))
    assert (record["Method"], record["Echoes"]) == ("root mean square over echoes", 3)


def test_diffusion_becomes_the_mean_of_the_weighted_volumes_without_their_motion(study):
    _, out, _ = study

    mean = read_nifti(out / "sub-01/dwi/sub-01_rec-average_dwi.nii.gz")

    plain = diffusion().data[..., list(WEIGHTED)].mean(axis=3)
    still = (
        100
        + 900 * CORD.mask(diffusion().framed(0).grid, tuple(MOTION.mean(axis=(0, 1)))).data[::-1]
    )
    assert mean.letters == "RAS"
    assert mean.data.max() < 1300  # the volumes with b = 0 go up to 2700
    errors = [np.sqrt(np.mean((image - still) ** 2)) for image in (mean.data, plain)]
    assert errors[0] < 0.7 * errors[1]


def test_the_motion_is_written_down_in_mm(study):
    _, out, _ = study

    rows = rows_of(out / "sub-01/dwi/sub-01_rec-average_dwi_motion.csv")

    assert [int(row["Volume"]) for row in rows[::9]] == list(WEIGHTED)
    assert {row["b-value [s/mm2]"] for row in rows} == {"800"}
    assert {row["Measured"] for row in rows} == {"1"}
    shifts = np.array(
        [[float(row["Shift left [mm]"]), float(row["Shift anterior [mm]"])] for row in rows]
    ).reshape(6, 9, 2)
    assert np.abs(shifts - (MOTION - MOTION.mean(axis=0))).max() < 0.09  # a tenth of a voxel


def test_the_sidecar_tells_what_was_averaged_and_how(study):
    data, out, _ = study

    text = (out / "sub-01/dwi/sub-01_rec-average_dwi.json").read_text(encoding="utf-8")

    record = json.loads(text)
    source = data / "sub-01/dwi/sub-01_dwi.nii.gz"
    assert record["Sources"] == [{"Image": source.name, "SHA256": digest(source)}]
    assert (record["BValuesFrom"], record["B0Below"]) == ("sub-01_dwi.bval", 100.0)
    assert (record["B0Volumes"], record["AveragedVolumes"]) == ([0, 4], list(WEIGHTED))
    motion = record["Motion"]
    assert (motion["PolynomialDegreeAlongCord"], motion["Where"]) == (2, "column about the cord")
    assert motion["LargestShiftMm"] == pytest.approx(
        np.linalg.norm(MOTION - MOTION.mean(axis=0), axis=2).max(), abs=0.1
    )
    assert motion["TemporalDeviationInCordAfter"] < motion["TemporalDeviationInCordBefore"]
    assert str(data) not in text  # sidecars travel


def test_what_is_left_out_is_said(study):
    _, _, result = study

    assert "sub-01_acq-b0_dwi is left out, because it has only volumes with b = 0" in result.stderr
    answer = json.loads(result.stdout)["results"][0]
    assert sorted(answer["contrasts"]) == ["T1w", "T2star", "T2w", "rec-average_dwi"]
    assert answer["contrasts"]["rec-average_dwi"]["volumes"] == 6
    assert {one["mask"] for one in answer["contrasts"].values()} == {"model"}


def test_softgt_takes_the_folder_as_it_is(study, tmp_path):
    _, out, _ = study

    result = Softcord()("softgt", out, "-o", tmp_path, "--json")

    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)["results"][0]
    assert sorted(answer["contrasts"]) == ["T1w", "T2star", "T2w", "rec-average_dwi"]
    place = tmp_path / "derivatives/labels_softseg/sub-01"
    soft = read_nifti(place / "dwi/sub-01_rec-average_dwi_label-SC_softseg.nii.gz")
    assert soft.grid.same_as(read_nifti(out / "sub-01/dwi/sub-01_rec-average_dwi.nii.gz").grid)
    truth = CORD.mask(diffusion().framed(0).grid).data[::-1]
    assert (
        2
        * ((soft.data >= 0.5) & (truth >= 0.5)).sum()
        / ((soft.data >= 0.5).sum() + (truth >= 0.5).sum())
        > 0.9
    )
    page = (place / "sub-01_softgt.html").read_text(encoding="utf-8")
    assert "no image was given" not in page


def test_masks_and_discs_of_the_data_set_come_first(softcord, tmp_path):
    data = write_participant(tmp_path / "data")
    labels = data / "derivatives" / "labels" / "sub-01"
    t2w = read_nifti(data / "sub-01/anat/sub-01_T2w.nii.gz")
    drawn = t2w.with_data((t2w.data > 300).astype(np.uint8))
    write_nifti(drawn, labels / "anat/sub-01_T2w_seg-manual.nii.gz")
    voxels = {
        value: tuple(np.round(t2w.grid.to_voxel((0, -8, z))).astype(int))
        for value, z in ((3, 14), (4, 0), (5, -14))
    }
    discs = write_points(labels / "anat/sub-01_T2w_label-discs_dlabel.nii.gz", voxels, t2w)

    result = softcord("prepare", data, "-o", tmp_path / "out", "--masks", "--json")

    assert result.exit_code == 0, result.stderr
    place = tmp_path / "out/derivatives/labels/sub-01/anat"
    assert digest(place / "sub-01_T2w_label-SC_seg.nii.gz") == digest(
        labels / "anat/sub-01_T2w_seg-manual.nii.gz"
    )
    assert digest(place / discs.name) == digest(discs)
    contrasts = json.loads(result.stdout)["results"][0]["contrasts"]
    assert (contrasts["T2w"]["mask"], contrasts["T1w"]["mask"]) == ("drawn", "model")
    assert "the mask 'sub-01_T2w_seg-manual.nii.gz' of the data set is used." in result.stderr
    (one,) = find_masked_participants(tmp_path / "out", "T2w")  # as softcord softgt finds them
    assert (one.discs.name, one.discs_of, sorted(one.images)) == (
        discs.name,
        "T2w",
        sorted(one.masks),
    )


def test_one_participant_by_its_files(softcord, tmp_path):
    for number, echo in enumerate(echoes(), start=1):
        write_nifti(echo, tmp_path / "in" / f"e{number}.nii.gz")
    series = write_diffusion(tmp_path / "in" / "dmri.nii.gz", bvals=None)
    (tmp_path / "b.txt").write_text("\n".join(map(str, BVALS)), encoding="utf-8")
    write_nifti(neck(), tmp_path / "in" / "t2.nii.gz")

    result = softcord(
        *(
            "prepare",
            f"T2w={tmp_path}/in/t2.nii.gz",
            series,
            *(f"T2star={tmp_path}/in/e{n}.nii.gz" for n in (1, 2, 3)),
        ),
        *("--bval", tmp_path / "b.txt", "--participant", "sub-07_ses-2", "-o", tmp_path / "out"),
    )

    assert result.exit_code == 0, result.stderr
    place = tmp_path / "out/sub-07/ses-2"
    name = "sub-07_ses-2"
    assert names_in(place / "anat") == [
        f"{name}_{contrast}{ending}"
        for contrast in ("T2star", "T2w")
        for ending in (".json", ".nii.gz")
    ]
    assert f"{name}_rec-average_dwi.nii.gz" in names_in(place / "dwi")
    assert values(place / "anat" / f"{name}_T2star.nii.gz").max() == pytest.approx(
        echoes()[1].data.max() * np.sqrt(np.mean(np.square(ECHOES))), rel=1e-4
    )
    assert not (tmp_path / "out" / "derivatives").exists()


def test_echo_files_of_a_data_set_are_combined_in_one(softcord, tmp_path):
    for number, echo in enumerate(echoes(), start=1):
        for part in ("mag", "phase"):
            write_nifti(
                echo,
                tmp_path / "data/sub-01/anat" / f"sub-01_echo-{number}_part-{part}_MEGRE.nii.gz",
            )

    result = softcord("prepare", tmp_path / "data", "-o", tmp_path / "out")

    assert result.exit_code == 0, result.stderr
    assert names_in(tmp_path / "out/sub-01/anat") == ["sub-01_MEGRE.json", "sub-01_MEGRE.nii.gz"]
    record = json.loads(
        (tmp_path / "out/sub-01/anat/sub-01_MEGRE.json").read_text(encoding="utf-8")
    )
    assert [one["Image"] for one in record["Sources"]] == [
        f"sub-01_echo-{n}_part-mag_MEGRE.nii.gz" for n in (1, 2, 3)
    ]


def test_without_correction_it_is_the_plain_mean_and_needs_no_model(
    softcord, tmp_path, monkeypatch
):
    write_diffusion(tmp_path / "data/sub-01/dwi/sub-01_dwi.nii.gz")
    monkeypatch.setattr(softcord, "segment", None)

    result = softcord("prepare", tmp_path / "data", "-o", tmp_path / "out", "--no-moco")

    assert result.exit_code == 0, result.stderr
    mean = values(tmp_path / "out/sub-01/dwi/sub-01_rec-average_dwi.nii.gz")
    assert mean == pytest.approx(diffusion().data[..., list(WEIGHTED)].mean(axis=3), rel=1e-5)
    assert (
        json.loads(
            (tmp_path / "out/sub-01/dwi/sub-01_rec-average_dwi.json").read_text(encoding="utf-8")
        )["Motion"]
        is None
    )


def test_a_functional_series_becomes_the_mean_of_all_its_volumes_without_their_motion(
    softcord, tmp_path
):
    data = diffusion().data[..., list(WEIGHTED)]
    write_series(
        data, diffusion().affine, tmp_path / "data/sub-01/func/sub-01_task-rest_bold.nii.gz"
    )

    result = softcord("prepare", tmp_path / "data", "-o", tmp_path / "out", "--json")

    assert result.exit_code == 0, result.stderr
    assert (
        json.loads(result.stdout)["results"][0]["contrasts"]["task-rest_bold"]["method"]
        == "mean after motion correction"
    )
    still = (
        100
        + 900 * CORD.mask(diffusion().framed(0).grid, tuple(MOTION.mean(axis=(0, 1)))).data[::-1]
    )
    mean = values(tmp_path / "out/sub-01/func/sub-01_task-rest_bold.nii.gz")
    errors = [np.sqrt(np.mean((image - still) ** 2)) for image in (mean, data.mean(axis=3))]
    assert errors[0] < 0.7 * errors[1]
    rows = rows_of(tmp_path / "out/sub-01/func/sub-01_task-rest_bold_motion.csv")
    assert [int(row["Volume"]) for row in rows[::9]] == list(range(len(WEIGHTED)))
    assert {row["b-value [s/mm2]"] for row in rows} == {""}


def test_a_functional_series_given_by_its_file_goes_to_func(softcord, tmp_path):
    series = write_series(diffusion().data, diffusion().affine, tmp_path / "rest.nii.gz")

    result = softcord("prepare", f"bold={series}", "-o", tmp_path / "out", "--no-moco")

    assert result.exit_code == 0, result.stderr
    assert values(tmp_path / "out/sub-01/func/sub-01_bold.nii.gz") == pytest.approx(
        diffusion().data.mean(axis=3), rel=1e-5
    )


def test_where_no_cord_is_found_whole_slices_are_compared_and_there_is_no_mask(softcord, tmp_path):
    write_diffusion(tmp_path / "data/sub-01/dwi/sub-01_dwi.nii.gz")
    softcord.segment = nothing_found

    result = softcord("prepare", tmp_path / "data", "-o", tmp_path / "out", "--masks")

    assert result.exit_code == 0, result.stderr
    assert "so motion was measured in whole slices" in result.stderr
    assert "rec-average_dwi has no mask: No spinal cord was found." in result.stderr
    assert not (tmp_path / "out/derivatives").exists()
    record = json.loads(
        (tmp_path / "out/sub-01/dwi/sub-01_rec-average_dwi.json").read_text(encoding="utf-8")
    )
    assert record["Motion"]["Where"] == "whole slices"


def test_other_series_are_averaged(softcord, tmp_path):
    data = np.stack([neck().data * factor for factor in (1, 3)], axis=3)
    write_series(data, neck().affine, tmp_path / "data/sub-01/anat/sub-01_T1w.nii.gz")

    result = softcord("prepare", tmp_path / "data", "-o", tmp_path / "out")

    assert result.exit_code == 0, result.stderr
    assert "series of 2 volumes; their mean is used, without motion correction" in result.stderr
    assert values(tmp_path / "out/sub-01/anat/sub-01_T1w.nii.gz") == pytest.approx(2 * neck().data)


def test_a_contrast_is_resampled_where_asked_for(softcord, tmp_path):
    data = write_participant(tmp_path / "data")

    result = softcord(
        "prepare",
        data,
        "-o",
        tmp_path / "out",
        "--masks",
        "--no-moco",
        "--resample",
        "T2w=1.6",
        "--json",
    )

    assert result.exit_code == 0, result.stderr
    before, after = (
        read_nifti(root / "sub-01/anat/sub-01_T2w.nii.gz") for root in (data, tmp_path / "out")
    )
    assert before.letters == "PSR"
    assert after.letters == "LAS"
    assert after.spacing == pytest.approx([1.6] * 3)
    # The same cord at the same place: its volume, and its middle.
    masses = [one.data.sum() * one.grid.voxel_volume for one in (before, after)]
    assert masses[1] == pytest.approx(masses[0], rel=0.02)
    middles = [
        np.average(one.grid.to_world(np.argwhere(one.data > 0)), 0, one.data[one.data > 0])
        for one in (before, after)
    ]
    assert middles[1] == pytest.approx(middles[0], abs=0.1)
    mask = read_nifti(
        tmp_path / "out/derivatives/labels/sub-01/anat/sub-01_T2w_label-SC_seg.nii.gz"
    )
    assert mask.grid.same_as(after.grid)
    assert json.loads(result.stdout)["results"][0]["contrasts"]["T2w"]["method"] == "resampled"
    assert (
        json.loads((tmp_path / "out/sub-01/anat/sub-01_T2w.json").read_text(encoding="utf-8"))[
            "ResampledToMm"
        ]
        == 1.6
    )
    assert read_nifti(tmp_path / "out/sub-01/anat/sub-01_T1w.nii.gz").grid.same_as(neck().grid)


def test_a_participant_that_cannot_be_done_does_not_stop_the_others(softcord, tmp_path):
    write_nifti(neck(), tmp_path / "data/sub-01/anat/sub-01_T2w.nii.gz")
    write_diffusion(tmp_path / "data/sub-02/dwi/sub-02_dwi.nii.gz", bvals=None)

    result = softcord("prepare", tmp_path / "data", "-o", tmp_path / "out", "--json")

    assert result.exit_code == 1
    assert "There are no b-values" in result.stderr
    answer = json.loads(result.stdout)
    assert (
        [one["participant"] for one in answer["results"]],
        answer["failed"][0]["participant"],
    ) == (["sub-01"], "sub-02")
    assert names_in(tmp_path / "out") == ["dataset_description.json", "sub-01"]
    assert "1 of 2 participants were prepared" in result.stderr


def test_a_bad_file_costs_its_contrast_and_not_the_participant(softcord, tmp_path):
    anat = tmp_path / "data/sub-01/anat"
    for name in ("T1w", "T2w", "T2star"):
        write_nifti(neck(), anat / f"sub-01_{name}.nii.gz")
    whole = (anat / "sub-01_T2w.nii.gz").read_bytes()
    (anat / "sub-01_T2w.nii.gz").write_bytes(whole[: len(whole) // 2])
    (anat / "sub-01_T2star.nii.gz").unlink()
    (anat / "sub-01_T2star.nii.gz").symlink_to("sub-01_T2star.nii.gz")

    result = softcord("prepare", tmp_path / "data", "-o", tmp_path / "out", "--masks", "--json")

    assert result.exit_code == 1
    said = " ".join(result.stderr.split())
    assert "sub-01: T2w is left out." in said
    assert "sub-01: T2star is left out." in said
    assert "Traceback" not in said
    (one,) = json.loads(result.stdout)["results"]
    assert list(one["contrasts"]) == ["T1w"]
    assert [failed["contrast"] for failed in one["failed"]] == ["T2star", "T2w"]
    assert names_in(tmp_path / "out/sub-01/anat") == ["sub-01_T1w.json", "sub-01_T1w.nii.gz"]


def test_what_an_exclusion_list_names_is_left_out(softcord, tmp_path):
    for name in ("sub-01/anat/sub-01_T1w", "sub-01/anat/sub-01_T2w", "sub-02/anat/sub-02_T2w"):
        write_nifti(neck(), tmp_path / "data" / f"{name}.nii.gz")
    (tmp_path / "exclude.yml").write_text(
        "- sub-02\n- sub-01_T1w.nii.gz  # moved\n", encoding="utf-8"
    )
    words = ["--exclude", tmp_path / "exclude.yml", "--json"]

    result = softcord("prepare", tmp_path / "data", "-o", tmp_path / "out", *words)

    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert [list(one["contrasts"]) for one in answer["results"]] == [["T2w"]]
    assert answer["notes"] == [
        "sub-01: T1w is left out: moved.",
        "sub-02 is left out by the exclusion list.",
    ]


def test_results_within_the_data_set_are_not_taken_for_images(softcord, tmp_path):
    data = tmp_path / "data"
    write_nifti(neck(), data / "sub-01/anat/sub-01_T2w.nii.gz")

    results = [
        softcord("prepare", data, "-o", data / "prepared", "--masks", "--json") for _ in range(2)
    ]

    assert [result.exit_code for result in results] == [0, 0], results[1].stderr
    contrasts = json.loads(results[1].stdout)["results"][0]["contrasts"]
    assert {name: one["mask"] for name, one in contrasts.items()} == {"T2w": "model"}


def test_results_do_not_go_among_the_images(softcord, tmp_path):
    for number, echo in enumerate(echoes(), start=1):
        write_nifti(echo, tmp_path / "sub-01/anat" / f"sub-01_echo-{number}_T2star.nii.gz")
    (tmp_path / "sub-01/anat/sub-01_T2star.json").write_text(
        "what the scanner said of all echoes", encoding="utf-8"
    )

    result = softcord("prepare", tmp_path, "-o", tmp_path / ".")

    assert result.exit_code == 2
    assert "Results are not written among the images" in result.stderr
    assert (tmp_path / "sub-01/anat/sub-01_T2star.json").read_text(
        encoding="utf-8"
    ) == "what the scanner said of all echoes"


def test_an_image_stored_as_a_series_of_one_becomes_a_3d_image(softcord, tmp_path):
    write_series(
        neck().data[..., None], neck().affine, tmp_path / "data/sub-01/anat/sub-01_T2w.nii.gz"
    )

    result = softcord("prepare", tmp_path / "data", "-o", tmp_path / "out")

    assert result.exit_code == 0, result.stderr
    made = nibabel.load(tmp_path / "out/sub-01/anat/sub-01_T2w.nii.gz")
    assert made.shape == neck().shape
    assert made.get_fdata() == pytest.approx(neck().data)


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("nowhere",), 1, "'nowhere': There is no such file"),
        (("T2w=nowhere.nii.gz",), 1, "'nowhere.nii.gz': There is no such file"),
        (("{a}", "{b}"), 2, "images of sub-01 and sub-02"),
        (("{a}", "--participant", "anna"), 2, "'anna' is not the name of a participant"),
        (("{a}", "--bval", "b.txt"), 2, "no diffusion series"),
        (("{folder}", "{a}"), 2, "Give either the folder of one data set"),
        (("{a}", "--resample", "T2w"), 2, "--resample 'T2w' is not a voxel size"),
        (("{a}", "--resample", "T2w=50"), 2, "Choose one from 0.1 to 10 mm"),
        (
            ("{a}", "--resample", "T1w=1"),
            2,
            "No participant has the contrast T1w. Choose among T2w.",
        ),
        (("{folder}", "--participant", "sub-01"), 2, "for the files of one participant"),
        (("{a}", "T2w={b}", "--participant", "sub-01"), 2, "would both become sub-01_T2w"),
    ],
)
def test_options_that_are_not_usable_are_said_to_be_so(softcord, tmp_path, options, code, sentence):
    paths = {
        "folder": tmp_path,
        "a": tmp_path / "in/sub-01_T2w.nii.gz",
        "b": tmp_path / "in/sub-02_T2w.nii.gz",
    }
    for key in ("a", "b"):
        write_nifti(neck(), paths[key])

    result = softcord(
        "prepare", *(option.format(**paths) for option in options), "-o", tmp_path / "out"
    )

    assert result.exit_code == code, result.stderr
    assert sentence in result.stderr
    assert names_in(tmp_path / "out") == []


def test_a_file_may_have_an_equals_sign_in_its_name(softcord, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_nifti(neck(), tmp_path / "te=80.nii.gz")

    assert softcord("prepare", "T2w=te=80.nii.gz", "-o", "out").exit_code == 0
    assert names_in(tmp_path / "out/sub-01/anat") == ["sub-01_T2w.json", "sub-01_T2w.nii.gz"]
    result = softcord("prepare", "te=80.nii.gz", "-o", "out")
    assert result.exit_code == 2
    assert "'te=80' is not the name of a contrast" in result.stderr


def test_masks_may_have_the_names_that_the_bids_validator_accepts(softcord, tmp_path):
    write_nifti(neck(), tmp_path / "data/sub-01/anat/sub-01_T2w.nii.gz")

    for _ in range(2):  # the second run knows its own mask again
        result = softcord(
            *("prepare", tmp_path / "data", "-o", tmp_path / "out", "--masks", "--json"),
            "--bids-standard-names",
        )
        assert result.exit_code == 0, result.stderr
        contrasts = json.loads(result.stdout)["results"][0]["contrasts"]
        assert contrasts["T2w"]["mask"] == "model"

    assert names_in(tmp_path / "out/derivatives/labels/sub-01/anat") == [
        "sub-01_label-SC_desc-T2w_mask.json",
        "sub-01_label-SC_desc-T2w_mask.nii.gz",
    ]
