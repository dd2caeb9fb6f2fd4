"""``softcord segment``: what it writes and says, with an engine that needs no network."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import typer

from cli.fakes import (
    A_BUNDLE,
    a_neck,
    digest,
    names_in,
    nothing_found,
    soft_from_brightness,
    values,
)
from SoftCordSegLib import __version__
from SoftCordSegLib.bids import read_sidecar, sidecar_path, with_correction
from SoftCordSegLib.cli.app import app
from SoftCordSegLib.files import json_text
from SoftCordSegLib.network import ModelBundle, Stage
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import read_nifti, write_nifti


def test_writes_the_soft_mask_on_the_images_grid_and_a_sidecar(softcord, an_image, tmp_path):
    out = tmp_path / "out"
    result = softcord("segment", an_image, "-o", out)
    assert result.exit_code == 0, result.stderr
    assert names_in(out) == [
        "sub-01_T2w_label-SC_softseg.json",
        "sub-01_T2w_label-SC_softseg.nii.gz",
    ]
    mask = read_nifti(out / "sub-01_T2w_label-SC_softseg.nii.gz")
    assert mask.grid.same_as(a_neck().grid)
    assert mask.data.dtype == np.float32
    assert np.allclose(mask.data, a_neck().data / 1000)
    assert result.stdout == ""
    assert "sub-01_T2w" in result.stderr


def test_sidecar_tells_where_the_mask_came_from_but_not_where_files_lie(
    softcord, an_image, tmp_path
):
    arguments = [
        "--threshold",
        "0.4",
        "--device",
        "cpu",
        "--model",
        tmp_path / "models" / "a-model",
    ]
    softcord("segment", an_image, "-o", tmp_path / "out", *arguments)
    text = (tmp_path / "out" / "sub-01_T2w_label-SC_softseg.json").read_text(encoding="utf-8")
    sidecar = json.loads(text)
    assert sidecar["Source"] == "sub-01_T2w.nii.gz"
    assert sidecar["SourceSHA256"] == digest(an_image)
    assert sidecar["Model"] == {"Name": "a-model", "Version": "1.2", "SHA256": A_BUNDLE.sha256}
    assert sidecar["GeneratedBy"][0]["Name"] == "SoftCordSeg"
    assert sidecar["GeneratedBy"][0]["Version"] == __version__
    assert sidecar["Command"]["Options"]["threshold"] == 0.4
    assert sidecar["Command"]["Options"]["model"] == "a-model"
    assert sidecar["Box"]["SizeMm"] == [40, 40, 40]
    assert sidecar["Found"] is True
    assert str(tmp_path) not in text


def test_names_that_the_bids_validator_accepts(softcord, an_image, tmp_path):
    out = tmp_path / "out"
    options = ["--bids-standard-names", "--threshold", "0.5"]
    assert softcord("segment", an_image, "-o", out, *options).exit_code == 0
    start = "sub-01_label-SC_desc-T2w_"
    assert names_in(out) == [
        f"{start}mask.nii.gz",
        f"{start}probseg.json",
        f"{start}probseg.nii.gz",
    ]


def test_where_memory_runs_out_smaller_tiles_are_tried(softcord, an_image, tmp_path):
    """As in the panel: the same function runs."""
    tiles = []

    def little_room(
        image, bundle, *, box=None, progress=None, device="auto", flips=False, located=None
    ):
        tiles.append(bundle.locator.tile[0])
        if tiles[-1] > 32:
            raise MemoryError
        return soft_from_brightness(image, bundle, box=box, progress=progress, device=device)

    stage = Stage("none", (4, 8), ((1, 1, 1), (2, 2, 2)), 1.0, (64, 64, 64), 0.5, "normrelu")
    softcord.bundle = ModelBundle(
        tmp_path, {"name": "small", "version": "0", "weights": {}}, "LAS", stage, stage
    )
    softcord.segment = little_room
    result = softcord("segment", an_image, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert tiles == [64, 32]


def test_threshold_also_writes_a_binary_mask(softcord, an_image, tmp_path):
    result = softcord("segment", an_image, "-o", tmp_path, "--threshold", "0.7")
    assert result.exit_code == 0
    binary = values(tmp_path / "sub-01_T2w_label-SC_seg.nii.gz")
    assert binary.dtype == np.uint8
    assert np.array_equal(
        binary, values(tmp_path / "sub-01_T2w_label-SC_softseg.nii.gz") >= np.float32(0.7)
    )
    assert 0 < binary.sum() < (values(tmp_path / "sub-01_T2w_label-SC_softseg.nii.gz") > 0).sum()


@pytest.mark.parametrize(
    ("option", "scale"), [([], 1.0), (["--time", "mean"], 1.0), (["--time", "0"], 0.5)]
)
def test_a_series_is_averaged_unless_a_volume_is_chosen(
    softcord, a_series, tmp_path, option, scale
):
    result = softcord("segment", a_series, "-o", tmp_path, *option)
    assert result.exit_code == 0, result.stderr
    assert np.allclose(
        values(tmp_path / "sub-01_dwi_label-SC_softseg.nii.gz"),
        np.clip(scale * a_neck().data / 1000, 0, 1),
        atol=1e-4,
    )
    assert ("series of 3 volumes" in result.stderr) == (option == [])
    sidecar = json.loads(
        (tmp_path / "sub-01_dwi_label-SC_softseg.json").read_text(encoding="utf-8")
    )
    assert sidecar["SourceVolume"] == (0 if "0" in option else "mean")


def test_nan_outside_the_body_is_replaced_and_said(softcord, an_image, tmp_path):
    neck = a_neck()
    neck.data[0, 0, :5] = np.nan
    write_nifti(neck, an_image)

    result = softcord("segment", an_image, "-o", tmp_path / "out")

    assert result.exit_code == 0, result.stderr
    assert "are NaN; 0 was put in their place" in " ".join(result.stderr.split())
    mask = read_nifti(tmp_path / "out" / "sub-01_T2w_label-SC_softseg.nii.gz")
    assert np.isfinite(mask.data).all()


def test_a_volume_that_the_series_does_not_have_is_a_sentence(softcord, a_series, tmp_path):
    result = softcord("segment", a_series, "-o", tmp_path / "out", "--time", "3")
    assert result.exit_code == 1
    assert "volumes 0 to 2" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_json_is_one_object_on_stdout_and_human_text_stays_on_stderr(softcord, an_image, tmp_path):
    result = softcord("segment", an_image, "-o", tmp_path / "out", "--json")
    summary = json.loads(result.stdout)
    assert summary["failed"] == 0
    (entry,) = summary["results"]
    assert entry["found"] is True
    assert entry["volume_ml"] == pytest.approx(a_neck().data.sum() / 1000 / 1000, rel=1e-3)
    assert os.path.exists(entry["mask"])
    assert "Soft mask" in result.stderr


def test_one_bad_image_does_not_stop_the_others(softcord, an_image, tmp_path):
    bad = tmp_path / "in" / "bad.nii.gz"
    bad.write_text("no image", encoding="utf-8")
    other = tmp_path / "in" / "sub-02.nii.gz"
    write_nifti(a_neck(5), other)
    result = softcord("segment", an_image, bad, other, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 1
    assert "bad.nii.gz" in result.stderr
    assert "2 of 3" in result.stderr
    written = [name for name in names_in(tmp_path / "out") if name.endswith(".nii.gz")]
    assert written == ["sub-01_T2w_label-SC_softseg.nii.gz", "sub-02_label-SC_softseg.nii.gz"]
    assert [("error" in entry) for entry in json.loads(result.stdout)["results"]] == [
        False,
        True,
        False,
    ]


def test_an_unexpected_error_in_one_image_is_a_sentence_too(softcord, an_image, tmp_path):
    def broken(image, bundle, **options):
        raise IndexError("a bug")

    softcord.segment = broken
    result = softcord("segment", an_image, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "unexpected error" in result.stderr
    assert "report" in result.stderr
    assert "Traceback" not in result.stderr
    result = softcord("segment", an_image, "-o", tmp_path / "out", "--debug")
    assert "Traceback" in result.stderr
    assert "in broken" in result.stderr


def test_two_images_of_one_name_keep_their_folders(softcord, tmp_path):
    images = [tmp_path / "study" / name / "anat" / "t2.nii.gz" for name in ("sA", "sB")]
    for radius, image in enumerate(images, start=4):
        write_nifti(a_neck(radius), image)
    result = softcord("segment", *images, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    masks = [
        tmp_path / "out" / name / "anat" / "t2_label-SC_softseg.nii.gz" for name in ("sA", "sB")
    ]
    assert all(mask.is_file() for mask in masks), list((tmp_path / "out").rglob("*"))
    first, second = (read_nifti(mask).data.sum() for mask in masks)
    assert first < second


def test_one_image_twice_is_refused_before_any_work(softcord, an_image, tmp_path):
    softcord.segment = _must_not_run
    result = softcord("segment", an_image, an_image, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "is given twice" in result.stderr
    assert names_in(tmp_path / "out") == []


def test_names_that_differ_by_their_ending_only_are_refused(softcord, an_image, tmp_path):
    other = an_image.with_name("sub-01_T2w.nii")
    write_nifti(a_neck(5), other)
    assert softcord("segment", an_image, other, "-o", tmp_path / "out").exit_code == 2


def test_an_input_is_never_written_over(softcord, an_image, tmp_path):
    trap = an_image.with_name("sub-01_T2w_label-SC_softseg.nii.gz")
    write_nifti(a_neck(5), trap)
    before = digest(trap)
    softcord.segment = _must_not_run
    result = softcord("segment", an_image, trap, "-o", an_image.parent)
    assert result.exit_code == 2
    assert "would be overwritten" in result.stderr
    assert digest(trap) == before


def test_nothing_found_writes_an_empty_mask_and_says_so(softcord, an_image, tmp_path):
    softcord.segment = nothing_found
    result = softcord("segment", an_image, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0
    assert "No spinal cord was found" in result.stderr
    assert values(tmp_path / "out" / "sub-01_T2w_label-SC_softseg.nii.gz").max() == 0
    assert json.loads(result.stdout)["results"][0]["found"] is False


def test_the_users_box_reaches_the_engine_and_the_sidecar(softcord, an_image, tmp_path):
    result = softcord("segment", an_image, "-o", tmp_path, "--box", "1,-2,15,30,20,10")
    assert result.exit_code == 0, result.stderr
    box = json.loads((tmp_path / "sub-01_T2w_label-SC_softseg.json").read_text(encoding="utf-8"))[
        "Box"
    ]
    assert box["CenterMm"] == [1, -2, 15]
    assert box["SizeMm"] == [30, 20, 10]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--box", "1,2,3"],
        ["--box", "1,2,3,4,5,-6"],
        ["--time", "last"],
        ["--threshold", "1.5"],
        ["--tme", "1"],
    ],
)
def test_usage_errors_exit_with_2(softcord, an_image, tmp_path, arguments):
    result = softcord("segment", an_image, "-o", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert names_in(tmp_path / "out") == []


def test_ctrl_c_stops_at_the_next_tile_and_leaves_nothing(softcord, an_image, tmp_path):
    reached = []

    def interrupted(
        image, bundle, *, box=None, progress=None, device="auto", flips=False, located=None
    ):
        os.kill(os.getpid(), signal.SIGINT)
        progress.check_cancelled()
        reached.append("the end")
        return soft_from_brightness(image, bundle, box=box, progress=progress, device=device)

    softcord.segment = interrupted
    result = softcord("segment", an_image, "-o", tmp_path / "out")
    assert result.exit_code == 130
    assert reached == []
    assert "Stopped" in result.stderr
    assert names_in(tmp_path / "out") == []


@pytest.mark.skipif(os.name != "posix", reason="Windows asks for a right to make links")
@pytest.mark.parametrize("target", ["missing.nii.gz", "link.nii.gz"])
def test_a_link_that_leads_nowhere_is_named_as_such(softcord, tmp_path, target):
    (tmp_path / "link.nii.gz").symlink_to(target)

    result = softcord("segment", tmp_path / "link.nii.gz", "-o", tmp_path / "out")

    assert result.exit_code == 1
    assert "This is a link that leads to itself, or to a file that is missing" in result.stderr


def test_a_folder_in_the_place_of_an_image_is_named_as_such(softcord, tmp_path):
    result = softcord("segment", tmp_path, "-o", tmp_path / "out")

    assert result.exit_code == 1
    assert "This is a folder, not an image" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_request_to_end_does_what_ctrl_c_does(an_image, tmp_path, name, repository):
    program = (
        "import os, signal, sys\nfrom cli.fakes import engine\nfrom SoftCordSegLib.cli.app import"
        " main\n"
        "def interrupted(image, bundle, *, progress=None, **options):\n"
        f"    os.kill(os.getpid(), signal.{name})\n"
        "    progress.check_cancelled()\n"
        "    os._exit(7)\n"
        "with engine(interrupted): main()\n"
    )
    paths = os.pathsep.join(str(repository / part) for part in ("SoftCordSeg", "Testing"))
    answer = subprocess.run(
        [sys.executable, "-c", program, "segment", str(an_image), "-o", str(tmp_path / "out")],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        # Of a run that was started with nohup they are ignored, and so they would be here.
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),
        encoding="utf-8",
    )
    assert answer.returncode == 130, answer.stderr
    assert "Stopped" in answer.stderr
    assert names_in(tmp_path / "out") == []


def test_a_second_ctrl_c_does_not_wait_for_a_tile(softcord, an_image, tmp_path):
    def stubborn(image, bundle, **options):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("went on after two presses")

    softcord.segment = stubborn
    result = softcord("segment", an_image, "-o", tmp_path / "out")
    assert result.exit_code == 130
    assert names_in(tmp_path / "out") == []


def test_images_finished_before_ctrl_c_stay_whole(softcord, an_image, tmp_path):
    other = an_image.with_name("sub-02.nii.gz")
    write_nifti(a_neck(5), other)

    def second_is_interrupted(
        image, bundle, *, box=None, progress=None, device="auto", flips=False, located=None
    ):
        if image.data.sum() > a_neck().data.sum():
            os.kill(os.getpid(), signal.SIGINT)
        return soft_from_brightness(image, bundle, box=box, progress=progress, device=device)

    softcord.segment = second_is_interrupted
    result = softcord("segment", an_image, other, "-o", tmp_path / "out")
    assert result.exit_code == 130
    assert names_in(tmp_path / "out") == [
        "sub-01_T2w_label-SC_softseg.json",
        "sub-01_T2w_label-SC_softseg.nii.gz",
    ]


def test_earlier_results_survive_a_run_that_fails(softcord, an_image, tmp_path, monkeypatch):
    out = tmp_path / "out"
    softcord("segment", an_image, "-o", out)
    before = {name: digest(out / name) for name in names_in(out)}

    def ones(image, bundle, **options):
        return SoftMask(image.with_data(np.ones(image.shape, np.float32)), None, "Found.")

    flushed = []

    def full_at_the_second(number):
        flushed.append(number)
        if len(flushed) == 2:  # the sidecar: the mask is written by then, to its temporary file
            raise OSError(errno.ENOSPC, "No space left on device")

    softcord.segment = ones
    monkeypatch.setattr("SoftCordSegLib.files.os.fsync", full_at_the_second)
    assert softcord("segment", an_image, "-o", out).exit_code == 1
    assert len(flushed) == 2
    assert {name: digest(out / name) for name in names_in(out)} == before


def test_only_what_a_sidecar_vouches_for_is_replaced(softcord, an_image, tmp_path):
    out = tmp_path / "out"
    arguments = ["segment", an_image, "-o", out, "--threshold", "0.5"]
    soft, binary = (out / f"sub-01_T2w_label-SC_{kind}.nii.gz" for kind in ("softseg", "seg"))
    drawn = a_neck(7).with_data(np.ones(a_neck().shape, np.uint8))
    out.mkdir()

    write_nifti(drawn, binary)
    before = digest(binary)
    refused = softcord(*arguments)
    assert refused.exit_code == 1
    assert "No sidecar says" in refused.stderr
    assert (names_in(out), digest(binary)) == ([binary.name], before)

    assert softcord(*arguments, "--overwrite").exit_code == 0
    sums = read_sidecar(sidecar_path(soft))["MaskSHA256"]
    assert sums == {soft.name: digest(soft), binary.name: digest(binary)}
    assert softcord(*arguments).exit_code == 0, "what is unchanged is replaced"

    write_nifti(drawn, soft)
    refused = softcord(*arguments)
    assert refused.exit_code == 1
    assert "not the one that its sidecar describes" in " ".join(refused.stderr.split())
    write_nifti(a_neck(6).with_data(a_neck(6).data / 1000), soft)
    told = softcord("csa", soft, "-o", tmp_path / "csa.csv").stderr
    assert "not the one that its sidecar describes" in " ".join(told.split())


def _must_not_run(image, bundle, **options):
    raise AssertionError("segmented although the command was refused")


def test_a_mask_that_was_corrected_by_hand_is_not_written_over(softcord, an_image, tmp_path):
    assert softcord("segment", an_image, "-o", tmp_path).exit_code == 0
    mask = tmp_path / "sub-01_T2w_label-SC_softseg.nii.gz"
    sidecar = sidecar_path(mask)
    mine = {**read_sidecar(sidecar), "RaterConfidence": 4}
    sidecar.write_text(json_text(mine), encoding="utf-8")
    assert softcord("segment", an_image, "-o", tmp_path).exit_code == 0
    assert read_sidecar(sidecar)["RaterConfidence"] == 4  # keys that are not ours stay

    sidecar.write_text(json_text(with_correction(mine, "First Last", 3, 0)), encoding="utf-8")
    before = mask.read_bytes()
    result = softcord("segment", an_image, "-o", tmp_path)
    assert result.exit_code == 1
    assert "corrected by hand" in result.stderr
    assert mask.read_bytes() == before


def test_what_an_exclusion_list_names_is_left_out(softcord, tmp_path):
    names = ["sub-01_T1w", "sub-01_T2w", "sub-02_T2w"]
    images = [tmp_path / f"{name}.nii.gz" for name in names]
    for image in images:
        write_nifti(a_neck(), image)
    (tmp_path / "exclude.txt").write_text("sub-02: no cord\nsub-01_T1w.nii.gz\n", encoding="utf-8")
    words = ["--exclude", tmp_path / "exclude.txt", "-o", tmp_path / "out"]

    result, none = softcord("segment", *images, *words), softcord("segment", images[2], *words)

    assert result.exit_code == 0, result.stderr
    assert "is left out: no cord." in " ".join(result.stderr.split())
    assert names_in(tmp_path / "out") == [
        f"sub-01_T2w_label-SC_softseg{ending}" for ending in (".json", ".nii.gz")
    ]
    assert none.exit_code == 2
    assert "leaves out everything" in " ".join(none.stderr.split())


def _with_device(command, path=()):
    """The words of each command that takes a device."""
    for name, one in getattr(command, "commands", {}).items():
        yield from _with_device(one, (*path, name))
    if any("--device" in parameter.opts for parameter in command.params):
        yield path


def test_every_command_says_that_a_device_is_not_there(softcord):
    commands = sorted(_with_device(typer.main.get_command(app)))
    assert len(commands) >= 9
    for words in commands:
        result = softcord(*words, "--device", "foo")
        assert result.exit_code == 2, words
        assert "'foo' is not a device" in result.stderr, words


@pytest.mark.parametrize("device", ["foo", "cuda:99"])
def test_a_device_that_is_not_there_is_a_sentence_before_any_work(softcord, tmp_path, device):
    result = softcord("segment", "no-such-image.nii.gz", "-o", tmp_path, "--device", device)
    assert result.exit_code == 2
    assert f"'{device}'" in result.stderr
    assert "no-such-image" not in result.stderr
