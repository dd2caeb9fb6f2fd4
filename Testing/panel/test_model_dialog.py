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


@pytest.fixture
def dialog(menu, image_node):
    """The window with the models, opened from the menu."""
    menu.get_models.trigger()
    return menu._dialog


def choose(dialog, start: str) -> None:
    """Choose the model whose name begins like this, as a user does."""
    box = dialog.ui.cordModelList
    index = next(n for n in range(box.count) if box.itemText(n).startswith(start))
    box.currentIndex = index
    box._object.activated.emit(index)


def entries(box) -> list[str]:
    return [box.itemText(n) for n in range(box.count)]


def ticked(menu) -> list[str]:
    return [action.text for action in menu.models.actions() if action.checked]


def test_what_can_be_got_is_offered(dialog):
    texts = entries(dialog.ui.cordModelList)
    assert [text.split()[0] for text in texts] == [release.name for release in releases()]
    assert dialog._dialog.visible


def test_a_model_from_a_file_is_installed_chosen_and_used(
    ui, dialog, engine, slicer_host, own_models, archive, menu
):
    slicer_host.answers = [str(archive)]
    dialog.ui.cordModelFromFile.click()

    assert "'tuned' is installed" in ui.cordRunStatus.text
    assert slicer_host.settings["SoftCordSeg/Model"] == str(own_models / "tuned")
    assert len(ticked(menu)) == 1
    assert menu.models.actions()[len(shipped_bundles())].checked
    ui.cordSegmentButton.click()
    assert engine.requests[-1].model == own_models / "tuned"


def test_installed_models_are_there_when_the_panel_is_opened(
    slicer_host, module, archive, own_models
):
    install_archive(archive)
    widget = slicer_host.open_panel(module)
    models = widget.panel.menu.models
    more = len(shipped_bundles()) + 2  # a line and "From a folder…"
    assert len(models.actions()) == more + 1
    shutil.rmtree(own_models / "tuned")
    widget.enter()
    assert len(models.actions()) == more
    slicer_host.close_panel(widget)


def test_choosing_no_file_does_nothing(dialog, slicer_host, own_models):
    slicer_host.answers = [""]
    dialog.ui.cordModelFromFile.click()
    assert slicer_host.settings == {}
    assert not own_models.exists()


def test_a_file_that_is_no_model_is_a_sentence(ui, dialog, slicer_host, tmp_path):
    (tmp_path / "other.zip").write_bytes(b"no zip")
    slicer_host.answers = [str(tmp_path / "other.zip")]
    dialog.ui.cordModelFromFile.click()
    assert "not a zip archive" in ui.cordRunStatus.text
    assert "SoftCordSeg/Model" not in slicer_host.settings
    assert slicer_host.shown_errors == []


def test_model_size_and_licence_are_in_one_window_and_cancel_downloads_nothing(
    dialog, slicer_host, monkeypatch
):
    fetched = []
    monkeypatch.setattr(
        "SoftCordSegLib.network.install_model.download", lambda *a, **k: fetched.append(a)
    )
    asked = []
    monkeypatch.setattr(
        "SoftCordSegLib.network.download.size_of", lambda url: asked.append(url) or 63_400_000
    )
    choose(dialog, "v2.5")
    assert asked == [], "no server is asked before the user asks"
    assert "size not asked for yet" in dialog.ui.cordModelAbout.text
    dialog.ui.cordModelAskSize.click()
    assert not dialog.ui.cordModelAskSize.visible
    words = dialog.ui.cordModelAbout.text
    assert "Download: 63 MB, from https://github.com/sct-pipeline" in words
    assert "Licence: not stated" in words
    assert "To cite: Bédard" in words
    dialog.ui.cordModelCancel.click()
    assert not dialog._dialog.visible
    assert fetched == []
    assert slicer_host.asked == []


def test_without_a_connection_the_size_is_not_known_and_the_rest_is_there(ui, dialog):
    choose(dialog, "v2.4")
    dialog.ui.cordModelAskSize.click()
    assert "size not known" in dialog.ui.cordModelAbout.text
    assert "Licence" in dialog.ui.cordModelAbout.text
    assert dialog.ui.cordModelDownload.enabled


def test_a_download_is_done_by_the_worker_and_its_failure_is_a_sentence(
    ui, dialog, slicer_host, menu
):
    choose(dialog, "v2.0")
    busy = []
    stop = while_running(
        slicer_host, lambda: busy.append((ui.cordCancelButton.visible, menu.get_models.enabled))
    )
    dialog.ui.cordModelDownload.click()
    stop()
    assert "cannot be reached" in ui.cordRunStatus.text
    assert slicer_host.shown_errors == []
    assert all(state == (True, False) for state in busy)
    assert menu.get_models.enabled


def test_an_installed_release_is_not_downloaded_again(dialog, archive, menu):
    install_archive(archive, name="v2.3")
    menu.get_models.trigger()
    choose(dialog, "v2.3 (installed)")
    assert not dialog.ui.cordModelDownload.enabled
    assert dialog.ui.cordModelRemove.enabled


@pytest.mark.parametrize("agreed", [True, False])
def test_an_installed_model_is_removed_after_asking(
    dialog, menu, slicer_host, own_models, archive, agreed
):
    install_archive(archive)
    menu.get_models.trigger()
    choose(dialog, "tuned")
    slicer_host.answers = [agreed]
    dialog.ui.cordModelRemove.click()
    assert str(own_models / "tuned") in slicer_host.asked[0]
    assert (own_models / "tuned").exists() is not agreed
    assert len(menu.models.actions()) == len(shipped_bundles()) + 2 + (not agreed)


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
