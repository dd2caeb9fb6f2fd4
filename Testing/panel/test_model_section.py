"""Models beside the shipped one, got and chosen in the panel."""

from __future__ import annotations

import shutil
import zipfile

import pytest

from panel_actions import while_running
from SoftCordSegLib.network import shipped_bundles
from SoftCordSegLib.network.install_model import install_archive
from SoftCordSegLib.network.releases import releases


@pytest.fixture
def archive(tmp_path):
    """A zip with a bundle in it."""
    path = tmp_path / "tuned.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for file in shipped_bundles()[0].rglob("*"):
            if file.is_file():
                opened.write(file, f"tuned/{file.relative_to(shipped_bundles()[0]).as_posix()}")
    return path


def choose(ui, start: str) -> None:
    """Choose the entry that begins like this, as a user does."""
    box = ui.cordModelGetSelector
    index = next(n for n in range(box.count) if box.itemText(n).startswith(start))
    box.currentIndex = index
    box._object.activated.emit(index)


def entries(box) -> list[str]:
    return [box.itemText(n) for n in range(box.count)]


def test_what_can_be_got_is_offered(ui, image_node):
    texts = entries(ui.cordModelGetSelector)
    assert texts[:2] == ["Get or remove models …", "Install from a file (.zip) …"]
    assert [text.split()[1] for text in texts[2:]] == [release.name for release in releases()]
    assert ui.cordModelGetSelector.enabled


def test_a_model_from_a_file_is_installed_chosen_and_used(
    ui, image_node, engine, slicer_host, own_models, archive
):
    slicer_host.answers = [str(archive)]
    choose(ui, "Install from a file")

    assert "'tuned' is installed" in ui.cordRunStatus.text
    assert slicer_host.settings["SoftCordSeg/Model"] == str(own_models / "tuned")
    assert ui.cordModelSelector.currentIndex == len(shipped_bundles())
    assert ui.cordModelGetSelector.currentIndex == 0
    ui.cordSegmentButton.click()
    assert engine.requests[-1].model == own_models / "tuned"


def test_installed_models_are_there_when_the_panel_is_opened(
    slicer_host, module, archive, own_models
):
    install_archive(archive)
    widget = slicer_host.open_panel(module)
    assert len(entries(widget.ui.cordModelSelector)) == len(shipped_bundles()) + 1
    shutil.rmtree(own_models / "tuned")
    widget.enter()
    assert len(entries(widget.ui.cordModelSelector)) == len(shipped_bundles())
    slicer_host.close_panel(widget)


def test_choosing_no_file_does_nothing(ui, slicer_host, own_models):
    slicer_host.answers = [""]
    choose(ui, "Install from a file")
    assert slicer_host.settings == {}
    assert not own_models.exists()


def test_a_file_that_is_no_model_is_a_sentence(ui, slicer_host, tmp_path, own_models):
    (tmp_path / "other.zip").write_bytes(b"no zip")
    slicer_host.answers = [str(tmp_path / "other.zip")]
    choose(ui, "Install from a file")
    assert "not a zip archive" in ui.cordRunStatus.text
    assert "SoftCordSeg/Model" not in slicer_host.settings
    assert slicer_host.shown_errors == []


def test_a_download_asks_first_and_shows_the_licence(ui, slicer_host, monkeypatch):
    fetched = []
    monkeypatch.setattr(
        "SoftCordSegLib.network.install_model.download", lambda *a, **k: fetched.append(a)
    )
    slicer_host.answers = [False]
    choose(ui, "Download v2.5")
    assert fetched == []
    (question,) = slicer_host.asked
    assert "github.com/sct-pipeline" in question
    assert "Licence: not stated" in question


def test_a_download_is_done_by_the_worker_and_its_failure_is_a_sentence(ui, slicer_host):
    busy = []
    while_running(
        slicer_host,
        lambda: busy.append((ui.cordCancelButton.visible, ui.cordModelGetSelector.enabled)),
    )
    slicer_host.answers = [True]
    choose(ui, "Download v2.0")
    assert "cannot be reached" in ui.cordRunStatus.text
    assert slicer_host.shown_errors == []
    assert all(state == (True, False) for state in busy)
    assert ui.cordModelGetSelector.enabled


def test_an_installed_release_is_offered_no_more(ui, widget, slicer_host, own_models, archive):
    install_archive(archive, name="v2.3")
    widget.panel.refresh()
    assert not [
        text for text in entries(ui.cordModelGetSelector) if text.startswith("Download v2.3")
    ]


@pytest.mark.parametrize("agreed", [True, False])
def test_an_installed_model_is_removed_after_asking(
    ui, widget, slicer_host, own_models, archive, agreed
):
    install_archive(archive)
    widget.panel.refresh()
    slicer_host.answers = [agreed]
    choose(ui, "Remove tuned")
    assert str(own_models / "tuned") in slicer_host.asked[0]
    assert (own_models / "tuned").exists() is not agreed
    assert len(entries(ui.cordModelSelector)) == len(shipped_bundles()) + (not agreed)


def test_smaller_tiles_are_not_tried_with_the_authors_pipelines(tmp_path):
    from SoftCordSegLib.network import UNetConfig, load_bundle, save_centre_crop_bundle
    from SoftCordSegLib.network.unet import UNet
    from SoftCordSegLib.segmentation.within_memory import with_smaller_tiles

    config = UNetConfig((2, 4), ((1, 1, 1), (2, 2, 2)))
    metadata = {"name": "x", "version": "1", "license": "MIT"}
    save_centre_crop_bundle(tmp_path / "x", metadata, UNet(config).state_dict(), config)
    bundle = load_bundle(tmp_path / "x")
    assert with_smaller_tiles(bundle, 0) is bundle
    assert with_smaller_tiles(bundle, 1) is None
