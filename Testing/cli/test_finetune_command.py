"""``softcord finetune``: what it says, what it writes, and when it refuses."""

from __future__ import annotations

import csv
import hashlib
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import ndimage
from typer.testing import CliRunner

from SoftCordSegLib.cli.app import app
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.unet import UNet
from SoftCordSegLib.training.finetune import ReplayImage
from SoftCordSegLib.volume import read_nifti, write_nifti
from SoftCordSegLib.workflows import finetune_bundle
from training.finetune.necks import TINY, a_neck, write_bundle, write_case


class Finetune:
    """The command with a bundle of random weights, and necks whose brightness is their mask.

    The masks of a child are right, those of its parent too small; or the other way round where
    ``child_is_better`` is False.
    """

    def __init__(self, bundle):
        self.bundle = bundle
        self.child_is_better = True

    def segment(
        self, image, bundle, *, box=None, progress=None, device="auto", flips=False, located=None
    ):
        is_child = bundle.folder != self.bundle.folder
        soft = image.data.clip(0, 1)
        if is_child != self.child_is_better:
            soft = ndimage.grey_erosion(soft, size=(3, 3, 1))
        return SimpleNamespace(volume=image.with_data(soft.astype(np.float32)))

    def __call__(self, *arguments):
        model = () if "-m" in arguments else ("-m", self.bundle.folder)
        fixed = ("--steps", 2, "--workers", 0, "--threads", 1, "--device", "cpu")
        words = ("finetune", *arguments, *model, *fixed, "--precision", "fp32")
        return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def finetune(tmp_path, monkeypatch):
    def necks(trained_on: bool):
        replayed, watched = (
            [ReplayImage(f"neck {number}", *a_neck(number)) for number in (n, n + 1)]
            for n in (200, 300)
        )
        return replayed if trained_on else [], watched

    monkeypatch.setattr(finetune_bundle, "phantoms", necks)
    torch.manual_seed(1)
    command = Finetune(write_bundle(tmp_path / "tiny", UNet(TINY).state_dict()))
    monkeypatch.setattr(
        "SoftCordSegLib.segmentation.segment_within_memory",
        lambda image, bundle, **options: command.segment(image, bundle, **options),
    )
    return command


@pytest.fixture
def cases(tmp_path):
    for number in (1, 2, 3):
        write_case(tmp_path / "cases", number)
    return tmp_path / "cases"


def digests(folder):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_better_bundle_is_written_with_its_numbers(finetune, cases, tmp_path):
    out, before = tmp_path / "out", digests(tmp_path)
    result = finetune(cases, "-m", tmp_path / "tiny", "-o", out, "--hold-out", "sub-02", "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert said == json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert (said["accepted"], said["objections"], said["bundle"]) == (True, [], str(out / "bundle"))
    assert said["held_out"]["after"]["soft_dice"] > said["held_out"]["before"]["soft_dice"]
    with open(out / "report.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["group"], row["image"]) for row in rows] == [
        ("held out", "sub-02_T2w.nii.gz"),
        ("watched", "neck 300"),
        ("watched", "neck 301"),
    ]
    assert float(rows[0]["dice_after"]) == said["held_out"]["after"]["dice"]
    assert float(rows[0]["volume_error_percent_before"]) < -20
    grown = [
        (100 + float(row["volume_error_percent_after"]))
        / (100 + float(row["volume_error_percent_before"]))
        for row in rows[1:]
    ]
    change = 100 * (sum(grown) / 2 - 1)
    assert said["watched_volume_change_percent"] == pytest.approx(change, abs=0.01)
    assert f"cords are {change:.1f} % larger than before" in result.stderr
    for word in (
        "2 cases to learn from, 1 held out (sub-02).",
        "Before and after",
        "tiny 0.2.0+finetune.1 is in",
    ):
        assert word in result.stderr
    provenance = load_bundle(out / "bundle").metadata["provenance"]
    assert (
        provenance["command"]
        == "softcord finetune CASES -m tiny -o OUT --steps 2 --hold-out sub-02 --seed 1"
        " --learning-rate 0.0002"
    )
    assert {
        path: sum_ for path, sum_ in digests(tmp_path).items() if out not in path.parents
    } == before


def test_a_worse_bundle_is_kept_aside_and_written_only_when_told(finetune, cases, tmp_path):
    finetune.child_is_better = False
    result = finetune(cases, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert said["bundle"] == str(tmp_path / "out" / "rejected")
    assert said["held_out"]["after"]["soft_dice"] < said["held_out"]["before"]["soft_dice"]
    assert "worse than the bundle it came from" in result.stderr
    assert "--replace" in result.stderr
    assert not (tmp_path / "out" / "bundle").exists()

    told = finetune(cases, "-o", tmp_path / "out", "--replace")
    assert told.exit_code == 0
    assert "as --replace asks" in told.stderr
    assert "--replace" in load_bundle(tmp_path / "out" / "bundle").metadata["provenance"]["command"]


def test_a_list_says_who_is_held_out(finetune, cases, tmp_path):
    def entry(number):
        name = f"sub-{number:02d}_T2w"
        return {"image": f"{name}.nii.gz", "label": f"{name}_label-SC_softseg.nii.gz"}

    (cases / "cases.json").write_text(
        json.dumps({"training": [entry(1), entry(2)], "validation": [entry(3)]}), encoding="utf-8"
    )
    result = finetune(cases / "cases.json", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "2 cases to learn from, 1 held out (sub-03)." in result.stderr


def test_one_case_alone_needs_to_be_told(finetune, tmp_path):
    write_case(tmp_path / "one", 1)
    result = finetune(tmp_path / "one", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "All cases are of one participant (sub-01)" in result.stderr
    told = finetune(tmp_path / "one", "-o", tmp_path / "out", "--hold-out", "none", "--json")
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout)["held_out"] == {"before": None, "after": None}
    assert "Nothing is held out" in told.stderr


def an_empty_mask(cases):
    path = cases / "sub-02_T2w_label-SC_softseg.nii.gz"
    mask = read_nifti(path)
    write_nifti(mask.with_data(mask.data * 0), path)


def no_masks(cases):
    for path in cases.glob("*softseg*"):
        path.unlink()


def a_damaged_image(cases):
    path = cases / "sub-03_T2w.nii.gz"
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize(
    ("spoil", "options", "sentence"),
    [
        (an_empty_mask, (), "sub-02_T2w_label-SC_softseg.nii.gz': The mask is empty"),
        (no_masks, (), "There are no masks of the cord"),
        (
            a_damaged_image,
            (),
            "sub-03_T2w.nii.gz': The file is not a NIfTI image, or it is corrupt",
        ),
        (None, ("--hold-out", "sub-09"), "There is no participant 'sub-09'"),
        (None, ("--hold-out", "2"), "is neither a fraction"),
        (None, ("--data", "nowhere"), "template/PAM50"),
        (None, ("--images", "nowhere"), "There is no folder of images"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    finetune, cases, tmp_path, spoil, options, sentence
):
    if spoil:
        spoil(cases)
    before = digests(tmp_path)
    result = finetune(cases, "-o", tmp_path / "out", *options, "--json")
    assert result.exit_code == (2 if "--hold-out" in options else 1)
    assert sentence in result.stderr
    assert sentence in json.loads(result.stdout)["error"]
    assert digests(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_stopped_by_the_user_it_says_how_to_go_on(finetune, cases, tmp_path, monkeypatch):
    def stop(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(finetune, "segment", stop)
    result = finetune(cases, "-o", tmp_path / "out")
    assert result.exit_code == 130
    assert "The same command goes on from the last saved state" in result.stderr
    assert not (tmp_path / "out" / "bundle").exists()


def test_cords_that_are_watched_are_not_those_that_are_trained_on(monkeypatch):
    made = []

    def make(contrast, *, cord, seed):
        made.append((contrast, cord, seed))
        return SimpleNamespace(image=None, truth=None)

    monkeypatch.setattr("SoftCordSegLib.phantom.make_phantom", make)
    replayed, watched = finetune_bundle.phantoms()
    assert len({contrast for contrast, *_ in made}) == len(replayed) == len(watched) == 5
    assert len({cord for _contrast, cord, _seed in made}) == len({seed for *_, seed in made}) == 10
    assert finetune_bundle.phantoms(trained_on=False)[0] == []
