"""``softcord models``: its sentences, its questions, and what it leaves on the disk."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.fakes import Softcord, a_neck, names_in, soft_from_brightness
from network.server import serving
from network.test_store import a_release, checkpoint_folder, left_in, zipped
from SoftCordSegLib.cli.app import app
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.network import install_model, releases
from SoftCordSegLib.volume import read_nifti, write_nifti


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The user's models."""
    monkeypatch.setenv("SOFTCORDSEG_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "models"


@pytest.fixture
def archive(tmp_path):
    return zipped(tmp_path / "model_small.zip", checkpoint_folder(tmp_path / "release"))


@pytest.fixture
def server(archive, monkeypatch):
    """The release v9.9 on this computer."""
    with serving(archive.read_bytes()) as server:
        monkeypatch.setattr(releases, "release_named", lambda name: a_release(server.file))
        monkeypatch.setattr(
            install_model,
            "install_release",
            functools.partial(install_model.install_release, schemes=("http",)),
        )
        yield server


def softcord(*arguments, said=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=said)


def small(archive, monkeypatch):
    """Let the archive be taken for a release that the small network fits."""
    monkeypatch.setattr("SoftCordSegLib.network.install_model.releases", lambda: [a_release()])


def test_list_shows_what_is_there_and_what_can_be_had(folder):
    result = softcord("models", "list", "--json")
    assert result.exit_code == 0, result.stderr
    listed = {model["name"]: model["state"] for model in json.loads(result.stdout)["models"]}
    assert "shipped" in listed.values()
    assert [name for name, state in listed.items() if state == "can be downloaded"] == [
        "v2.0",
        "v2.3",
        "v2.4",
        "v2.5",
        "v3.0",
        "v4.0",
    ]
    assert str(folder) in result.stderr
    assert not folder.exists(), "looking creates nothing"


def test_show_says_licence_source_and_that_no_checksum_is_known():
    result = softcord("models", "show", "v2.5", "--json")
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert facts["url"].startswith("https://github.com/sct-pipeline/")
    assert facts["licence"].startswith("not stated")
    assert "not recorded by anyone" in facts["sha256"]
    assert "Licence: not stated" in result.stderr


def test_show_of_the_shipped_model_and_of_none():
    assert "Apache-2.0" in softcord("models", "show", "compact").stderr
    result = softcord("models", "show", "nonsense")
    assert result.exit_code == 1
    assert "no model bundle 'nonsense'" in result.stderr


@pytest.mark.parametrize("said", ["n\n", "", None])
def test_nothing_is_fetched_before_the_licence_was_accepted(server, folder, said):
    result = softcord("models", "download", "v9.9", said=said)
    assert result.exit_code == 1
    assert "Licence: not stated" in result.stderr
    assert "nothing was downloaded" in result.stderr
    assert server.requests == []
    assert left_in(folder) == []


@pytest.mark.parametrize(("options", "said"), [(["--yes"], None), ([], "y\n")])
def test_download_installs_a_release(server, folder, options, said):
    result = softcord("models", "download", "v9.9", "--json", *options, said=said)
    assert result.exit_code == 0, result.stderr
    assert "--model v9.9" in result.stderr
    assert json.loads(result.stdout)["name"] == "v9.9"
    assert (folder / "v9.9" / "configs" / "metadata.json").is_file()
    again = softcord("models", "download", "v9.9", "--yes")
    assert again.exit_code == 1
    assert "installed already" in again.stderr


def test_a_download_is_held_to_the_users_checksum(server, folder):
    result = softcord("models", "download", "v9.9", "--yes", "--sha256", "0" * 64)
    assert result.exit_code == 1
    assert "not the expected one" in result.stderr
    assert "v9.9" not in left_in(folder)


def test_no_connection_is_a_sentence(server):
    server.status = 503
    result = softcord("models", "download", "v9.9", "--yes")
    assert result.exit_code == 1
    assert "answers 503" in result.stderr
    assert "Traceback" not in result.stderr


def test_install_verify_and_remove(archive, folder, monkeypatch):
    small(archive, monkeypatch)
    result = softcord("models", "install", archive, "--sha256", file_sha256(archive))
    assert result.exit_code == 0, result.stderr
    assert left_in(folder) == ["v9.9"]
    assert "v9.9: sound" in softcord("models", "verify").stderr
    assert softcord("models", "verify", "v9.9").exit_code == 0

    weights = folder / "v9.9" / "models" / "network.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    result = softcord("models", "verify", "--json")
    assert result.exit_code == 1
    assert "SHA-256 differs" in result.stderr
    assert {model["name"]: model["sound"] for model in json.loads(result.stdout)["models"]}[
        "v9.9"
    ] is False

    assert softcord("models", "remove", "v9.9", said="n\n").exit_code == 1
    assert left_in(folder) == ["v9.9"]
    assert softcord("models", "remove", "v9.9", "--yes").exit_code == 0
    assert left_in(folder) == []


def test_a_corrupt_model_is_listed_as_such(archive, folder, monkeypatch):
    small(archive, monkeypatch)
    softcord("models", "install", archive)
    (folder / "v9.9" / "configs" / "inference.json").write_text("{ cut", encoding="utf-8")
    result = softcord("models", "list", "--json")
    assert result.exit_code == 0
    assert [m["about"] for m in json.loads(result.stdout)["models"] if m["name"] == "v9.9"] == [
        "corrupt: install it again"
    ]


def test_the_shipped_model_is_not_removed():
    result = softcord("models", "remove", "compact", "--yes")
    assert result.exit_code == 1
    assert "came with SoftCordSeg" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["install", "nowhere.zip"], "There is no file"),
        (["remove", "v2.0", "--yes"], "No model 'v2.0' is installed"),
        (["verify", "v2.0"], "softcord models download v2.0"),
        (["download", "v3.1"], "no release 'v3.1'"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(arguments, sentence):
    result = softcord("models", *arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unsafe_archive_installs_nothing(tmp_path, folder):
    import zipfile

    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as opened:
        opened.writestr("../../evil.json", "{}")
    result = softcord("models", "install", tmp_path / "evil.zip")
    assert result.exit_code == 1
    assert "outside its folder" in result.stderr
    assert left_in(folder) == []


def test_segment_runs_an_installed_model_by_its_name(archive, tmp_path, monkeypatch):
    small(archive, monkeypatch)
    softcord("models", "install", archive)
    image = tmp_path / "in" / "sub-01_T2w.nii.gz"
    write_nifti(a_neck(), image)
    result = softcord(
        "segment", image, "-o", tmp_path / "out", "--model", "v9.9", "--device", "cpu"
    )
    assert result.exit_code == 0, result.stderr
    sidecar = json.loads(
        (tmp_path / "out" / "sub-01_T2w_label-SC_softseg.json").read_text(encoding="utf-8")
    )
    assert sidecar["Model"]["Version"] == "v9.9"
    assert sidecar["Command"]["Options"]["model"] == "v9.9"
    mask = read_nifti(tmp_path / "out" / "sub-01_T2w_label-SC_softseg.nii.gz")
    assert mask.grid.same_as(a_neck().grid)
    assert mask.data.dtype == np.float32


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("v2.5", "softcord models download v2.5"),
        ("nonsense", "softcord models list"),
        ("FILE", "models install"),
    ],
)
def test_a_model_that_is_not_there_is_a_sentence_that_says_how_to_get_it(
    archive, tmp_path, model, sentence
):
    image = tmp_path / "in" / "image.nii.gz"
    write_nifti(a_neck(), image)
    result = softcord(
        "segment", image, "-o", tmp_path / "out", "--model", archive if model == "FILE" else model
    )
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert not [name for name in names_in(tmp_path / "out") if name.endswith(".nii.gz")]


def test_an_nnunet_folder_is_not_taken_for_a_bundle(tmp_path):
    (tmp_path / "nn" / "trained").mkdir(parents=True)
    (tmp_path / "nn" / "trained" / "plans.json").write_text("{}", encoding="utf-8")
    image = tmp_path / "in" / "image.nii.gz"
    write_nifti(a_neck(), image)
    result = softcord("segment", image, "-o", tmp_path / "out", "--model", tmp_path / "nn")
    assert "softcord models install" in result.stderr


def test_flips_reach_the_engine_and_the_sidecar(tmp_path):
    seen = []

    def engine(image, bundle, *, box, progress, device, flips=False, located=None):
        seen.append(flips)
        return soft_from_brightness(image, bundle, box=box, progress=progress, device=device)

    run = Softcord()
    run.segment = engine
    image = tmp_path / "in" / "image.nii.gz"
    write_nifti(a_neck(), image)
    run("segment", image, "-o", tmp_path / "a", "--flips")
    run("segment", image, "-o", tmp_path / "b")
    assert seen == [True, False]
    assert (
        json.loads((tmp_path / "a" / "image_label-SC_softseg.json").read_text(encoding="utf-8"))[
            "Command"
        ]["Options"]["flips"]
        is True
    )


def test_the_crop_size_of_a_release_is_the_users_choice(archive, tmp_path, monkeypatch):
    small(archive, monkeypatch)
    softcord("models", "install", archive)
    image = tmp_path / "in" / "image.nii.gz"
    write_nifti(a_neck(), image)
    extents = {}
    for crop in ("8x8x-1", "32x32x-1"):
        out = tmp_path / crop
        result = softcord(
            "segment", image, "-o", out, "--model", "v9.9", "--crop-size", crop, "--device", "cpu"
        )
        assert result.exit_code == 0, result.stderr
        filled = np.argwhere(read_nifti(out / "image_label-SC_softseg.nii.gz").data > 0)
        extents[crop] = np.ptp(filled, axis=0)
    assert (extents["8x8x-1"][:2] < 12).all()
    assert (extents["32x32x-1"][:2] > 14).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--crop-size", "64x192"], "three sizes"),
        (["--crop-size", "64x0x-1"], "three sizes"),
        (["--crop-size", "64x192x-1"], "does not"),
    ],
)
def test_a_crop_size_that_makes_no_sense_is_a_usage_error(tmp_path, arguments, sentence):
    image = tmp_path / "in" / "image.nii.gz"
    write_nifti(a_neck(), image)
    result = softcord("segment", image, "-o", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
