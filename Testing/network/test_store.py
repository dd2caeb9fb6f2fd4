"""Installed models: whole or not there, and what they were when they came."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import zipfile

import pytest
import torch

from network.nnunet_folders import write_result_folder
from network.plain_conv_net import lightning_checkpoint, random_net
from network.server import serving
from SoftCordSegLib.errors import Cancelled, ModelError, OutputError
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.network import load_bundle, shipped_bundles
from SoftCordSegLib.network import store as store_module
from SoftCordSegLib.network.download import alone_with
from SoftCordSegLib.network.install_model import install_archive, install_release
from SoftCordSegLib.network.releases import Release, release_named, releases
from SoftCordSegLib.network.store import Store, find_bundle, installed_bundles, models_folder
from SoftCordSegLib.progress import Progress

SHAPE = {"features": (4, 6, 8), "strides": ((1, 1, 1), (2, 2, 2), (1, 2, 2))}
SMALL = {"tile": [16, 16, 16], "crop": [16, 16, -1], "divisible_by": 8, "padding": "constant"}


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("SOFTCORDSEG_MODELS", str(tmp_path / "models"))
    return Store()


@pytest.fixture
def archive(tmp_path):
    """A release of the old kind: a checkpoint of a small network in a zip."""
    return zipped(tmp_path / "model_small.zip", checkpoint_folder(tmp_path / "release"))


def checkpoint_folder(folder, seed=0):
    (folder / "model").mkdir(parents=True)
    torch.save(
        lightning_checkpoint(random_net(seed, **SHAPE)), folder / "model" / "best_model.ckpt"
    )
    return folder


def zipped(path, folder):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                opened.write(file, file.relative_to(folder).as_posix())
    return path


def a_release(url="https://example.org/model_small.zip", **changes) -> Release:
    values = {
        "name": "v9.9",
        "url": url,
        "sha256": None,
        "date": "2023",
        "kind": "centre_crop",
        "about": "Small.",
        "licence": {"name": None, "note": "Ask.", "url": "https://example.org"},
        "citation": "Somebody",
        "max_features": 8,
        "settings": SMALL,
    }
    return Release(**{**values, **changes})


def left_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_the_known_releases_are_the_published_ones():
    known = {release.name: release for release in releases()}
    assert list(known) == ["v2.0", "v2.3", "v2.4", "v2.5", "v3.0", "v4.0"]
    stem = "https://github.com/sct-pipeline/contrast-agnostic-softseg-spinalcord/releases/download/"
    assert known["v2.0"].url == stem + "v2.0/model_2023-09-18.zip"
    assert known["v4.0"].url == stem + "v4.0/model_contrast_agnostic_20260628.zip"
    assert [known[name].max_features for name in ("v2.0", "v2.5", "v3.0")] == [320, 384, None]
    assert [known[name].settings.get("padding") for name in ("v2.0", "v2.3", "v2.4", "v2.5")] == [
        "constant"
    ] * 2 + ["edge"] * 2
    assert [release.kind for release in known.values()] == ["centre_crop"] * 4 + ["nnunet"] * 2
    assert {release.sha256 for release in known.values()} == {None}
    assert all("not stated" in release.licence_text for release in known.values())
    assert release_named("2.5") is not None
    with pytest.raises(ModelError, match=r"no release 'v3\.1'.*v2\.0"):
        release_named("v3.1")


def test_the_folder_is_the_users_choice_or_the_systems(monkeypatch, tmp_path):
    monkeypatch.setenv("SOFTCORDSEG_MODELS", str(tmp_path / "mine"))
    assert models_folder() == tmp_path / "mine"
    assert installed_bundles() == []
    assert not (tmp_path / "mine").exists(), "looking creates nothing"
    monkeypatch.delenv("SOFTCORDSEG_MODELS")
    for system, variable, end in (
        ("linux", "XDG_DATA_HOME", "SoftCordSeg/models"),
        ("win32", "LOCALAPPDATA", "SoftCordSeg/models"),
    ):
        monkeypatch.setattr("sys.platform", system)
        monkeypatch.setenv(variable, str(tmp_path))
        assert models_folder() == tmp_path / end
    monkeypatch.setattr("sys.platform", "darwin")
    assert models_folder().parts[-4:] == ("Library", "Application Support", "SoftCordSeg", "models")


def test_a_checkpoint_in_a_zip_becomes_a_bundle(store, archive):
    folder = install_archive(archive, release=a_release())
    assert folder == store.folder / "v9.9"
    assert installed_bundles() == [folder]
    assert left_in(store.folder) == ["v9.9"]
    bundle = load_bundle(folder)
    assert bundle.name == "contrast-agnostic-softseg-spinalcord v9.9"
    assert (bundle.orientation, bundle.plan.padding, bundle.plan.crop) == (
        "RPI",
        "constant",
        (16, 16, -1),
    )
    source = bundle.metadata["provenance"]["converted_from"]
    assert (source["sha256"], source["checkpoint"]) == (file_sha256(archive), "best_model.ckpt")
    assert bundle.metadata["license"].startswith("not stated")
    network = next(bundle.networks(bundle.plan.network))
    assert torch.equal(
        network.heads[-1].weight, random_net(0, **SHAPE).decoder.seg_layers[-1].weight
    )
    assert not [path for path in folder.rglob("*") if path.suffix in (".ckpt", ".pth")], (
        "nothing is left to be unpickled"
    )


def test_an_nnunet_folder_in_a_zip_becomes_a_bundle(store, tmp_path):
    write_result_folder(tmp_path / "release" / "model_x", folds=(0, 1))
    folder = install_archive(zipped(tmp_path / "my-nnunet.zip", tmp_path / "release"))
    bundle = load_bundle(folder)
    assert folder.name == "my-nnunet"
    assert bundle.weight_files == ("models/fold_0.safetensors", "models/fold_1.safetensors")
    assert bundle.metadata["license"] == "not stated"
    store.verify("my-nnunet")


def test_margins_are_assumed_for_a_release_of_cropped_images(store, tmp_path):
    write_result_folder(tmp_path / "release")
    release = a_release(kind="nnunet", settings={}, max_features=None, cropped=True)
    assert (
        load_bundle(
            install_archive(zipped(tmp_path / "x.zip", tmp_path / "release"), release=release)
        ).plan.margins
        is not None
    )


def test_a_folder_is_installed_as_a_zip_of_it_would_be(store, tmp_path):
    write_result_folder(tmp_path / "mine")
    assert load_bundle(install_archive(tmp_path / "mine")).plan.patch == (8, 16, 16)


def test_a_checkpoint_by_itself_is_installed_too(store, tmp_path):
    checkpoint = checkpoint_folder(tmp_path / "release") / "model" / "best_model.ckpt"
    assert load_bundle(install_archive(checkpoint, name="mine", release=a_release())).plan.tile == (
        16,
        16,
        16,
    )


def test_a_shipped_models_name_is_not_taken(store, archive):
    with pytest.raises(ModelError, match="comes with SoftCordSeg"):
        install_archive(archive, name=shipped_bundles()[0].name, release=a_release())


def test_a_bundle_of_ours_is_copied_with_nothing_beside_it(store, tmp_path):
    shutil.copytree(shipped_bundles()[0], tmp_path / "ours" / "compact")
    (tmp_path / "ours" / "compact" / "models" / "extra.safetensors").write_bytes(b"x")
    folder = install_archive(zipped(tmp_path / "tuned.zip", tmp_path / "ours"))
    assert load_bundle(folder).sha256 == load_bundle(shipped_bundles()[0]).sha256
    assert not (folder / "models" / "extra.safetensors").exists()


def test_the_file_of_a_release_is_known_by_its_name(store, tmp_path):
    release = releases()[0]
    archive = zipped(tmp_path / release.file, checkpoint_folder(tmp_path / "release"))
    with pytest.raises(ModelError, match="up to 8 channels a stage, and this release has 320"):
        install_archive(archive)
    assert left_in(store.folder) == []


def test_what_is_no_model_is_a_sentence(store, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "plans.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="contains no model of a known kind"):
        install_archive(zipped(tmp_path / "x.zip", tmp_path / "x"))
    assert left_in(store.folder) == []


def test_a_corrupt_file_in_an_archive_is_named_by_its_path_in_the_archive(store, tmp_path):
    folder = tmp_path / "x" / "model"
    (folder / "fold_0").mkdir(parents=True)
    (folder / "plans.json").write_text("{", encoding="utf-8")
    (folder / "dataset.json").write_text("{}", encoding="utf-8")
    (folder / "fold_0" / "checkpoint_final.pth").write_bytes(b"x")
    with pytest.raises(ModelError) as caught:
        install_archive(zipped(tmp_path / "x.zip", tmp_path / "x"))
    assert caught.value.path.parts[-2:] == ("model", "plans.json")
    assert not caught.value.path.is_absolute(), "the folder it was unpacked into is gone"
    assert left_in(store.folder) == []


def test_an_installed_model_is_replaced_only_if_asked(store, archive, tmp_path):
    install_archive(archive, name="mine", release=a_release())
    other = zipped(tmp_path / "other.zip", checkpoint_folder(tmp_path / "second", seed=1))
    with pytest.raises(ModelError, match="installed already"):
        install_archive(other, name="mine", release=a_release())
    before = load_bundle(store.installed("mine")).sha256
    install_archive(other, name="mine", release=a_release(), replace=True)
    assert load_bundle(store.installed("mine")).sha256 != before
    assert left_in(store.folder) == ["mine"]


def test_an_installation_that_fails_leaves_the_old_model_as_it_was(store, archive, tmp_path):
    install_archive(archive, name="mine", release=a_release())
    before = load_bundle(store.installed("mine")).sha256
    bad = zipped(tmp_path / "bad.zip", checkpoint_folder(tmp_path / "second", seed=1))
    with pytest.raises(ModelError):
        install_archive(bad, name="mine", release=a_release(max_features=16), replace=True)
    with pytest.raises(Cancelled):
        install_archive(
            bad,
            name="mine",
            release=a_release(),
            replace=True,
            progress=Progress(is_cancelled=lambda: True),
        )
    assert load_bundle(store.installed("mine")).sha256 == before
    assert left_in(store.folder) == ["mine"]


def test_the_old_model_comes_back_where_the_new_one_cannot_take_its_place(
    store, archive, monkeypatch
):
    folder = install_archive(archive, name="mine", release=a_release())
    before = load_bundle(folder).sha256
    replace_file = os.replace

    def refuse(source, target):
        if target == folder and ".new-" in str(source):
            raise PermissionError(13, "Somebody else has it open")
        replace_file(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match="Somebody else"):
        install_archive(archive, name="mine", release=a_release(), replace=True)
    assert load_bundle(folder).sha256 == before
    assert left_in(store.folder) == ["mine"]


def test_a_program_that_is_killed_leaves_no_half_model(store, archive, monkeypatch):
    def killed(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "_swap", killed)
        patch.setattr(
            "shutil.rmtree", lambda *_arguments, **_options: None
        )  # nor has it the time to tidy up
        with pytest.raises(KeyboardInterrupt):
            install_archive(archive, release=a_release())
    assert len(left_in(store.folder)) == 2
    assert installed_bundles() == []


def test_leftovers_of_killed_programs_go_after_a_day(store, archive):
    for name in (".new-abc", ".old-abc", ".new-young"):
        (store.folder / name / "models").mkdir(parents=True)
    for name in (".new-abc", ".old-abc"):
        os.utime(store.folder / name, (time.time() - 90000,) * 2)
    install_archive(archive, release=a_release())
    assert left_in(store.folder) == [".new-young", "v9.9"]


def test_a_model_whose_successor_never_came_is_put_back_and_a_removed_one_is_not(store, archive):
    """A program can be killed between the two steps of a replacement, and in the middle of a
    removal.
    """
    before = load_bundle(install_archive(archive, name="mine", release=a_release())).sha256
    install_archive(archive, name="unwanted", release=a_release())
    for name, place in (("mine", ".old-abc"), ("unwanted", ".gone-abc")):
        (store.folder / place).mkdir()
        os.rename(store.folder / name, store.folder / place / name)
        os.utime(store.folder / place, (time.time() - 90000,) * 2)

    install_archive(archive, release=a_release())

    assert left_in(store.folder) == ["mine", "v9.9"]
    assert load_bundle(store.installed("mine")).sha256 == before


def test_a_tampered_model_is_noticed(store, archive):
    folder = install_archive(archive, release=a_release())
    assert store.verify("v9.9").name.endswith("v9.9")
    path = folder / "models" / "network.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        store.verify("v9.9")


def test_weights_that_do_not_fit_are_noticed(store, archive):
    folder = install_archive(archive, release=a_release())
    path = folder / "configs" / "inference.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["network"]["unet"]["features"] = [4, 6, 10]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ModelError, match="do not fit"):
        store.verify("v9.9")


def test_removing_takes_a_model_away(store, archive):
    install_archive(archive, release=a_release())
    store.remove("v9.9")
    assert left_in(store.folder) == []
    with pytest.raises(ModelError, match="No model 'v9.9' is installed"):
        store.remove("v9.9")


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "a\\b", ".hidden", "con", "LPT1.zip", "x" * 65, "a:b", "trailing."]
)
def test_names_that_no_folder_can_have_are_refused(store, archive, name):
    with pytest.raises(ModelError, match="not a valid name"):
        store.path(name)


def test_a_store_that_cannot_be_written_is_a_sentence(archive, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="models' folder cannot be written"):
        install_archive(archive, Store(tmp_path / "file" / "models"), release=a_release())


@pytest.fixture
def server(archive, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(archive.read_bytes()) as server:
        yield server


def download_it(server, store, **options):
    return install_release(a_release(server.file), store, schemes=("http",), **options)


def test_a_release_is_fetched_converted_and_remembered(server, store, archive):
    told = []
    folder = download_it(
        server, store, progress=Progress(lambda fraction, _: told.append(fraction))
    )
    assert load_bundle(folder).metadata["provenance"]["converted_from"]["url"] == server.file
    assert store.remembered("v9.9") == file_sha256(archive)
    assert left_in(store.downloads) == []
    assert told == sorted(told)


def test_an_installed_release_is_not_fetched_again(server, store):
    download_it(server, store)
    with pytest.raises(ModelError, match="Nothing was downloaded"):
        download_it(server, store)
    assert len(server.requests) == 1


def test_what_came_the_first_time_must_come_again(server, store, tmp_path):
    download_it(server, store)
    store.remove("v9.9")
    server.content = zipped(
        tmp_path / "b.zip", checkpoint_folder(tmp_path / "second", seed=1)
    ).read_bytes()
    with pytest.raises(ModelError, match="not the expected one"):
        download_it(server, store)
    assert installed_bundles() == []
    # Who knows better may say so.
    download_it(server, store, sha256=file_sha256(tmp_path / "b.zip"))
    assert store.remembered("v9.9") == file_sha256(tmp_path / "b.zip")


def test_an_archive_that_could_not_be_installed_is_not_fetched_twice_where_it_is_the_expected_one(
    server, store
):
    other = a_release(
        server.file, max_features=99, sha256=hashlib.sha256(server.content).hexdigest()
    )
    with pytest.raises(ModelError, match="another release"):
        install_release(other, store, schemes=("http",))
    assert store.remembered("v9.9") is None
    download_it(server, store)
    assert len(server.requests) == 1


def test_a_zip_from_elsewhere_is_held_to_what_was_downloaded_before(server, store, tmp_path):
    download_it(server, store)
    store.remove("v9.9")
    other = zipped(tmp_path / "other.zip", checkpoint_folder(tmp_path / "second", seed=1))
    with pytest.raises(ModelError, match="Nothing was installed"):
        install_archive(other, store, release=a_release())


def test_an_archive_that_nobody_vouches_for_and_that_is_no_model_is_fetched_anew(
    store, archive, monkeypatch
):
    """Otherwise a broken download would block its release for good."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(b"<html>Please sign in to this network</html>") as server:
        release = a_release(server.file)
        with pytest.raises(ModelError, match="not a zip"):
            install_release(release, store, schemes=("http",))
        assert left_in(store.downloads) == []
        server.content = archive.read_bytes()
        assert install_release(release, store, schemes=("http",)) == store.folder / "v9.9"


def test_an_archive_left_by_a_killed_run_is_replaced_where_it_is_no_model(
    store, archive, monkeypatch
):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(archive.read_bytes()) as server:
        release = a_release(server.file)
        store.downloads.mkdir(parents=True)
        (store.downloads / release.file).write_bytes(b"half")
        install_release(release, store, schemes=("http",))
    assert left_in(store.downloads) == []
    assert left_in(store.folder) == [".downloads", "known-archives.json", "v9.9"]


def test_a_release_is_downloaded_by_one_program_at_a_time(store, archive):
    release = a_release()
    with (
        alone_with(store.downloads / release.file),
        pytest.raises(ModelError, match="Another program is downloading"),
    ):
        install_release(release, store)
    assert left_in(store.downloads) == []


def test_a_model_whose_replacement_was_killed_between_two_renames_is_still_there(
    store, archive, monkeypatch
):
    install_archive(archive, store, name="mine")

    class Killed(BaseException):
        pass

    def killed(source, target, before=os.replace):
        if os.path.basename(source) == "mine" and target == store.folder / "mine":
            raise Killed
        before(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(store_module.os, "replace", killed)
        with pytest.raises(Killed):
            install_archive(archive, store, name="mine", replace=True)
    assert not (store.folder / "mine").exists()
    store.verify("mine")
    assert [path.name for path in installed_bundles()] == ["mine"]
    assert find_bundle("mine").name == "mine"
    with pytest.raises(ModelError, match="installed already"):
        install_archive(archive, store, name="mine")
    install_archive(archive, store, name="other")
    assert left_in(store.folder) == ["mine", "other"], "put back at the next installation"


@pytest.mark.parametrize("name", ["known-archives.json", "Known-Archives.JSON"])
def test_a_model_cannot_take_the_name_of_the_stores_own_file(store, archive, name):
    with pytest.raises(ModelError, match="not a valid name"):
        install_archive(archive, store, name=name)


def test_a_remembered_sha256_that_is_none_is_not_compared(store):
    store.folder.mkdir(parents=True)
    for content in ('{"v9.9": 5}', '{"v9.9": "abc"}', "[1]"):
        (store.folder / "known-archives.json").write_text(content, encoding="utf-8")
        assert store.remembered("v9.9") is None


def test_a_folder_that_has_the_name_of_a_model_and_is_none_hides_it_not(tmp_path, monkeypatch):
    (tmp_path / "compact").mkdir()
    monkeypatch.chdir(tmp_path)
    assert (find_bundle("compact") / "configs" / "metadata.json").is_file()
