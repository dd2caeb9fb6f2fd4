"""Model bundles: what is written is what is read, and nothing else is."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
import torch

from SoftCordSegLib.errors import ModelError
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.network import (
    INTENSITIES,
    Stage,
    load_bundle,
    save_bundle,
    save_centre_crop_bundle,
    shipped_bundles,
)
from SoftCordSegLib.network.unet import UNet, UNetConfig
from SoftCordSegLib.network.weights import read_weights

CONFIG = UNetConfig((2, 4), ((1, 1, 1), (2, 2, 2)))
LOCATOR, SEGMENTER = (
    Stage(
        f"models/{name}.safetensors",
        CONFIG.features,
        CONFIG.strides,
        spacing,
        (8, 8, 8),
        0.5,
        "normrelu",
    )
    for name, spacing in (("locator", 3.0), ("segmenter", 1.0))
)


@pytest.fixture
def networks() -> dict[str, UNet]:
    torch.manual_seed(0)
    return {stage.weights: UNet(CONFIG) for stage in (LOCATOR, SEGMENTER)}


@pytest.fixture
def bundle_folder(tmp_path, networks):
    folder = tmp_path / "bundle"
    metadata = {"name": "test", "version": "1", "license": "Apache-2.0"}
    inference = {"orientation": "LAS", "locator": LOCATOR, "segmenter": SEGMENTER}
    save_bundle(
        folder,
        metadata,
        inference,
        {name: network.state_dict() for name, network in networks.items()},
    )
    return folder


def edit(path, change) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_a_bundle_has_the_files_of_a_monai_bundle(bundle_folder):
    files = sorted(
        path.relative_to(bundle_folder).as_posix() for path in bundle_folder.rglob("*.*")
    )
    assert files == [
        "configs/inference.json",
        "configs/metadata.json",
        "models/locator.safetensors",
        "models/segmenter.safetensors",
    ]


def test_networks_come_back_bit_by_bit(bundle_folder, networks):
    bundle = load_bundle(bundle_folder)
    assert (bundle.name, bundle.locator, bundle.segmenter) == ("test 1", LOCATOR, SEGMENTER)
    for stage in (bundle.locator, bundle.segmenter):
        read = bundle.network(stage).state_dict()
        assert all(
            torch.equal(value, read[name])
            for name, value in networks[stage.weights].state_dict().items()
        )


def test_sha256_of_the_weights_is_recorded(bundle_folder):
    assert load_bundle(bundle_folder).sha256[LOCATOR.weights] == file_sha256(
        bundle_folder / LOCATOR.weights
    )


def test_weights_that_were_changed_are_refused(bundle_folder):
    path = bundle_folder / SEGMENTER.weights
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        load_bundle(bundle_folder)


def test_missing_weights_are_named(bundle_folder):
    (bundle_folder / LOCATOR.weights).unlink()
    with pytest.raises(ModelError, match=r"has no weights 'models/locator.safetensors'"):
        load_bundle(bundle_folder)


@pytest.mark.skipif(os.name != "posix", reason="Windows asks for a right to make links")
def test_weights_that_are_a_loop_of_links_are_named_as_missing(bundle_folder):
    weights = bundle_folder / LOCATOR.weights
    weights.unlink()
    weights.symlink_to(weights.name)
    with pytest.raises(ModelError, match=r"has no weights 'models/locator.safetensors'"):
        load_bundle(bundle_folder)


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "models/weights.pt"])
def test_weights_outside_the_folder_or_of_a_format_that_runs_code_are_refused(bundle_folder, name):
    edit(
        bundle_folder / "configs" / "inference.json",
        lambda content: content["segmenter"].update(weights=name),
    )
    with pytest.raises(ModelError, match="Do not use it"):
        load_bundle(bundle_folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("locator"),
        lambda c: c["segmenter"].update(overlap=1.0),
        lambda c: c["locator"].update(activation="eval"),
        lambda c: c["locator"].update(fields=[[32, 48]]),
        lambda c: c["locator"].update(fields=[[32, 48, 1 << 20]]),
        lambda c: c["locator"].update(fields=7),
        lambda c: c["segmenter"].update(edge=[0.2]),
        lambda c: c["segmenter"].update(edge=[0.8, 0.2]),
        lambda c: c["segmenter"].update(edge=[0.2, 7]),
        lambda c: c["segmenter"].update(edge="wide"),
        lambda c: c["segmenter"].update(edge=[0.2, 0.8]),  # of outputs that are not clipped
    ],
)
def test_a_configuration_that_cannot_be_used_is_a_sentence(bundle_folder, change):
    edit(bundle_folder / "configs" / "inference.json", change)
    with pytest.raises(ModelError, match="invalid configuration"):
        load_bundle(bundle_folder)


def test_a_bundle_without_a_licence_is_refused(bundle_folder):
    edit(bundle_folder / "configs" / "metadata.json", lambda content: content.pop("license"))
    with pytest.raises(ModelError, match="has no license"):
        load_bundle(bundle_folder)


def _fail_for_memory(*_arguments):
    raise MemoryError


def test_no_memory_for_the_weights_is_not_a_corrupt_model(bundle_folder, monkeypatch):
    stage = load_bundle(bundle_folder).segmenter
    monkeypatch.setattr("safetensors.deserialize", _fail_for_memory)
    with pytest.raises(MemoryError):
        read_weights(bundle_folder / stage.weights, UNetConfig(stage.features, stage.strides))


def test_no_memory_for_the_weights_in_pytorch_is_not_a_corrupt_model(bundle_folder, monkeypatch):
    bundle = load_bundle(bundle_folder)
    monkeypatch.setattr("safetensors.torch.load_file", _fail_for_memory)
    with pytest.raises(MemoryError):
        bundle.network(bundle.segmenter)


def test_weights_of_another_network_are_a_sentence(bundle_folder):
    edit(
        bundle_folder / "configs" / "inference.json",
        lambda content: content["segmenter"].update(features=[4, 8]),
    )
    bundle = load_bundle(bundle_folder)
    with pytest.raises(ModelError, match="do not fit"):
        bundle.network(bundle.segmenter)


def test_a_folder_without_a_bundle_is_a_sentence(tmp_path):
    with pytest.raises(ModelError, match="no model bundle"):
        load_bundle(tmp_path)


def test_shipped_bundles_load_are_licensed_and_small():
    folders = shipped_bundles()
    assert folders
    for folder in folders:
        bundle = load_bundle(folder)
        assert bundle.metadata["license"] == "Apache-2.0"
        assert bundle.metadata["provenance"]["data_sha256"]
        assert bundle.metadata["provenance"]["command"]
        for stage in (bundle.locator, bundle.segmenter):
            bundle.network(stage)
        assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 16 << 20


def a_plan_bundle(folder, **settings):
    config = UNetConfig((2, 4), ((1, 1, 1), (2, 2, 2)))
    metadata = {"name": "plan", "version": "1", "license": "Apache-2.0"}
    save_centre_crop_bundle(
        folder, metadata, UNet(config).state_dict(), config, **{"tile": (8, 8, 8), **settings}
    )
    return folder


def test_a_bundle_of_the_papers_pipeline_comes_back_as_it_was(tmp_path):
    bundle = load_bundle(a_plan_bundle(tmp_path / "plan", crop=(16, 24, -1), padding="constant"))
    assert (bundle.locator, bundle.segmenter, bundle.orientation) == (None, None, "LAS")
    assert (bundle.plan.crop, bundle.plan.padding, bundle.plan.tile) == (
        (16, 24, -1),
        "constant",
        (8, 8, 8),
    )
    assert list(bundle.sha256) == list(bundle.weight_files) == ["models/network.safetensors"]
    (network,) = bundle.networks(bundle.plan.network)
    assert not network.training


@pytest.mark.parametrize(
    "settings",
    [
        {"tile": (8, 8, 7)},
        {"crop": (0, 8, -1)},
        {"padding": "mirror"},
        {"overlap": 1.0},
        {"activation": "eval"},
        {"floor": 1},
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_is_written(tmp_path, settings):
    with pytest.raises(ValueError):
        a_plan_bundle(tmp_path / "plan", **settings)
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(pipeline="telepathy"),
        lambda c: c.update(orientation="LAX"),
        lambda c: c.update(orientation="LRS"),
        lambda c: c["network"].update(weights=[]),
        lambda c: c["network"].update(weights="models/network.safetensors"),
        lambda c: c["network"]["unet"].update(kernels=[[2, 2, 2], [3, 3, 3]]),
        lambda c: c["network"]["unet"].update(channels_out=2),
        lambda c: c["network"]["unet"].update(colour="red"),
        lambda c: c.update(network=None),
        lambda c: c.update(tile=8),
    ],
)
def test_a_plan_that_cannot_be_used_is_a_sentence(tmp_path, change):
    folder = a_plan_bundle(tmp_path / "plan")
    edit(folder / "configs" / "inference.json", change)
    with pytest.raises(ModelError, match="invalid configuration"):
        load_bundle(folder)


def test_weights_of_a_plan_outside_the_folder_are_refused(tmp_path):
    folder = a_plan_bundle(tmp_path / "plan")
    edit(
        folder / "configs" / "inference.json",
        lambda c: c["network"].update(weights=["../outside.safetensors"]),
    )
    with pytest.raises(ModelError, match="Do not use it"):
        load_bundle(folder)


def test_the_configuration_of_bundles_of_ours_is_written_as_before(bundle_folder):
    written = json.loads((bundle_folder / "configs" / "inference.json").read_text(encoding="utf-8"))
    assert sorted(written) == ["locator", "orientation", "segmenter"]
    assert sorted(written["locator"]) == [
        "activation",
        "features",
        "overlap",
        "spacing_mm",
        "strides",
        "tile",
        "weights",
    ]


def test_a_bundle_that_names_no_contract_scales_by_the_whole_image(bundle_folder):
    """As those do that were published before there was another."""
    assert load_bundle(bundle_folder).intensities == "whole_image"
    assert all(load_bundle(folder).intensities in INTENSITIES for folder in shipped_bundles())


def test_the_edge_of_a_segmenter_comes_back(tmp_path, networks):
    edged = replace(SEGMENTER, activation="clip", edge=(0.25, 0.75))
    inference = {"orientation": "LAS", "locator": LOCATOR, "segmenter": edged}
    states = {name: network.state_dict() for name, network in networks.items()}
    save_bundle(tmp_path / "b", {"name": "b", "version": "1", "license": "x"}, inference, states)
    bundle = load_bundle(tmp_path / "b")
    assert bundle.segmenter.edge == (0.25, 0.75)
    assert bundle.locator.edge is None


@pytest.mark.parametrize("name", INTENSITIES)
def test_the_contract_of_the_intensities_comes_back(tmp_path, networks, name):
    states = {file: network.state_dict() for file, network in networks.items()}
    metadata = {"name": "test", "version": "1", "license": "Apache-2.0"}
    inference = {
        "orientation": "LAS",
        "intensities": name,
        "locator": LOCATOR,
        "segmenter": SEGMENTER,
    }
    save_bundle(tmp_path / "bundle", metadata, inference, states)
    assert load_bundle(tmp_path / "bundle").intensities == name


def test_a_contract_that_is_not_known_is_refused_written_or_read(bundle_folder, tmp_path):
    inference = {
        "orientation": "LAS",
        "intensities": "by_taste",
        "locator": LOCATOR,
        "segmenter": SEGMENTER,
    }
    with pytest.raises(ModelError, match="'by_taste', which this version does not support"):
        save_bundle(tmp_path / "other", {}, inference, {})
    assert not (tmp_path / "other").exists()
    edit(
        bundle_folder / "configs" / "inference.json",
        lambda content: content.update(intensities="by_taste"),
    )
    with pytest.raises(ModelError, match="Update SoftCordSeg"):
        load_bundle(bundle_folder)
