"""Configurations: read strictly, and each shipped one really trains."""

from __future__ import annotations

import json

import pytest
import yaml

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.network import load_bundle
from SoftCordSegLib.network.unet import PAPER
from SoftCordSegLib.training.loss import LOSSES
from SoftCordSegLib.training.paper.configured_training import train_networks
from SoftCordSegLib.training.paper.datalist import make_datalist
from SoftCordSegLib.training.paper.train_config import read_config, shipped_configs
from SoftCordSegLib.volume import read_nifti, write_nifti
from training.made_dataset import make_dataset

PAPERS = ("soft_all", "hard_all", "soft_per_contrast", "soft_all_dice_loss")


def test_the_papers_four_variants_are_shipped():
    assert set(shipped_configs()) == set(PAPERS)


@pytest.mark.parametrize("name", PAPERS)
def test_a_variant_of_the_paper_has_the_papers_settings(name):
    config = read_config(name).config
    for network in config.networks.values():
        assert network.network == PAPER
        assert (network.patch, network.spacing_mm) == ((64, 192, 320), 1.0)
        assert (network.epochs, network.batch, network.learning_rate) == (200, 2, 1e-3)
        assert (
            network.schedule,
            network.schedule_length,
            network.validate_every,
            network.patience,
        ) == ("epoch", None, 5, 20)
        assert network.activation == network.stage.activation == "normrelu"
        assert network.source.augmentation == "paper"
        if name == "soft_all_dice_loss":
            assert network.loss == "dice"
        else:
            assert network.loss == "adaptive_wing"
            options = {
                key: network.loss_options[key] for key in ("omega", "epsilon", "theta", "alpha")
            }
            assert options == {"omega": 8.0, "epsilon": 1.0, "theta": 0.5, "alpha": 2.1}
    assert config.bundle.pipeline == "centre_crop"


def test_each_contrast_has_a_network_of_its_own():
    networks = read_config("soft_per_contrast").config.networks
    found = [network.source.contrasts for network in networks.values()]
    assert found == [["T1w"], ["T2w"], ["T2*"], ["MT-on"], ["GRE-T1w"], ["DWI"]]


ONE = {
    "network": "compact",
    "patch": [16, 16, 16],
    "spacing_mm": 1,
    "source": {"kind": "cases", "list": "dataset.json"},
    "epochs": 4,
}
SOUND = {"name": "sound", "networks": {"one": ONE}}

# A shipped configuration made small: two steps of a small network on small patches.
SMALL_NETWORK = "{features: [4, 8], strides: [[1, 1, 1], [2, 2, 2]]}"


@pytest.mark.parametrize("name", PAPERS)
def test_a_variant_of_the_paper_trains_and_gives_bundles(name, tmp_path, monkeypatch):
    """The augmentations of a whole patch take seconds, so that the patch is small; the rest is as
    shipped.
    """
    monkeypatch.chdir(make_dataset(tmp_path, participants=5))
    label = "hard" if name == "hard_all" else "soft"
    content, _ = make_datalist(tmp_path, tmp_path, label=label)
    (tmp_path / read_config(name).config.networks.popitem()[1].source.list).write_text(
        json.dumps(content), encoding="utf-8"
    )
    wanted = ["T1w", "MT-on"] if name == "soft_per_contrast" else [name]
    settings = ["machine={workers: 0, threads: 1, accelerator: cpu}"]
    for network in read_config(name).config.networks:
        small = {
            "network": SMALL_NETWORK,
            "patch": "[16, 16, 16]",
            "epochs": 1,
            "validate_every": 1,
        }
        settings += [f"networks.{network}.{key}={value}" for key, value in small.items()]
    read = read_config(name, settings)
    for network in set(read.config.networks) - set(wanted):
        del read.config.networks[network], read.content["networks"][network]
    for network in wanted:
        # Three participants are for training: one batch of an own contrast, six of all four.
        assert read.config.networks[network].batch == 2
    result = train_networks(read, data=tmp_path, out=tmp_path / "run")
    assert len(result.bundles) == len(wanted)
    for folder, network in zip(result.bundles, wanted):
        bundle = load_bundle(folder)
        assert bundle.orientation == "LAS"
        assert bundle.plan.crop == (16, 16, -1)
        assert bundle.plan.padding == "constant"
        assert list(bundle.metadata["provenance"]["data_sha256"]) == [
            read.config.networks[network].source.list
        ]
        assert result.networks[network].history.validation


def test_a_list_or_label_that_changed_is_refused_and_a_cache_that_moved_is_not(tmp_path):
    folder = make_dataset(tmp_path, participants=5, contrasts=("anat/{}_T1w",))
    content, _ = make_datalist(folder, folder)
    (folder / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    source = {"kind": "cases", "list": "dataset.json", "augmentation": "none"}
    one = {
        **ONE,
        "network": yaml.safe_load(SMALL_NETWORK),
        "source": source,
        "epochs": 1,
        "schedule": "epoch",
    }
    path = folder / "list.yaml"
    path.write_text(
        yaml.safe_dump({"name": "list", "machine": {"workers": 0}, "networks": {"one": one}}),
        encoding="utf-8",
    )
    first = train_networks(read_config(path), folder, folder / "run")
    again = train_networks(
        read_config(path, [f"networks.one.source.cache={folder / 'cache'}"]), folder, folder / "run"
    )
    assert first.networks["one"].history == again.networks["one"].history
    label = folder / content["training"][0]["label"]
    before = label.read_bytes()
    write_nifti(read_nifti(label).with_data(1 - read_nifti(label).data), label)
    with pytest.raises(InputError, match=r"other settings \(labels\)"):
        train_networks(read_config(path), folder, folder / "run")
    label.write_bytes(before)
    content["training"].pop()
    (folder / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"other settings \(labels, lists\)"):
        train_networks(read_config(path), folder, folder / "run")


def test_a_setting_of_one_network_leaves_those_merged_from_it_alone():
    networks = read_config(
        "soft_per_contrast", ["networks.T1w.loss_options.omega=12"]
    ).config.networks
    assert [network.loss_options["omega"] for network in networks.values()] == [
        12,
        8.0,
        8.0,
        8.0,
        8.0,
        8.0,
    ]


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (
            "networks.one.learning_rat=1",
            "'networks.one.learning_rat' is not a setting. Did you mean 'learning_rate'?",
        ),
        (
            "colour=red",
            (
                "'colour' is not a setting. Known here: bundle, machine, name, networks, precision,"
                " seed."
            ),
        ),
        (
            "networks.one.learning_rate=fast",
            "'networks.one.learning_rate' should be a number, at least 0, not 'fast'",
        ),
        ("networks.one.loss=dicey", f"should be one of {', '.join(LOSSES)}, not 'dicey'"),
        (
            "networks.one.loss_options={omega: 8, gamma: 2}",
            "'gamma' is not an option of the loss adaptive_wing; it has theta",
        ),
        (
            "networks.one.loss_options={reduction: none}",
            "'reduction' should be one of mean, sum, not 'none'",
        ),
        ("networks.one.patch=[16, 16]", "'networks.one.patch' should be three values"),
        (
            "networks.one.patch=[24, 16, 16]",
            "'networks.one.patch' should be multiples of [16, 16, 16]",
        ),
        (
            "networks.one.network=giant",
            "'networks.one.network' should be one of compact, paper, or a section of features",
        ),
        ("networks.one.steps=2", "'networks.one.steps' is not a setting."),
        ("networks.one.epochs=null", "'networks.one.epochs' should be a whole number, at least 1"),
        ("networks.one.source={kind: cases}", "'networks.one.source.list' is missing. Add it."),
        (
            "networks.one.source.colour=1",
            "'networks.one.source.colour' is not a setting. Known here: augmentation, cache,"
            " contrasts, kind, list, padding.",
        ),
        (
            "networks.one.source.augmentation=none at all",
            "should be one of paper, code, none, not 'none at all'",
        ),
        ("networks.one.source=dataset.json", "should be a section of named settings, not"),
        ("networks=[]", "'networks' should be a section of at least one named network"),
        ("precision=fp8", "'precision' should be one of fp32, bf16, not 'fp8'"),
        ("seed=-1", "'seed' should be a whole number, at least 0, not -1"),
        ("machine.devices=0", "'machine.devices' should be a whole number, at least 1, not 0"),
        ("machine.devices=.nan", "'machine.devices' should be a whole number, at least 1, not nan"),
        ("machine.devices=.inf", "'machine.devices' should be a whole number, at least 1, not inf"),
        ("bundle={name: x}", "'bundle.version' is missing"),
    ],
)
def test_what_a_configuration_cannot_say_is_refused_in_a_sentence(tmp_path, setting, sentence):
    path = tmp_path / "sound.yaml"
    path.write_text(yaml.safe_dump(SOUND), encoding="utf-8")
    read_config(path)
    with pytest.raises(InputError) as caught:
        read_config(path, [setting])
    assert sentence in str(caught.value)
    assert caught.value.path == path


@pytest.mark.parametrize("text", ["- a list", "name: [unclosed", "just words"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path, text):
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"(cannot be read as|is not) a configuration") as caught:
        read_config(path)
    assert caught.value.path == path


def test_a_variant_holds_only_what_differs_from_its_base(tmp_path):
    (tmp_path / "sound.yaml").write_text(yaml.safe_dump(SOUND), encoding="utf-8")
    path = tmp_path / "variant.yaml"
    changes = {"first": {"learning_rate": 0.5, "source": {"contrasts": "T1w"}}, "second": None}
    path.write_text(
        yaml.safe_dump({"base": "sound.yaml", "name": "two", "networks": changes}), encoding="utf-8"
    )
    read = read_config(path)
    first, second = read.config.networks.values()
    assert read.config.name == "two"
    assert (first.learning_rate, second.learning_rate) == (0.5, 1e-3)
    assert (first.source.contrasts, first.source.list) == (["T1w"], "dataset.json")
    assert second.patch == first.patch == (16, 16, 16)
    path.write_text(
        yaml.safe_dump({"base": "soft_per_contrast", "networks": changes}), encoding="utf-8"
    )
    with pytest.raises(InputError, match="should have one network"):
        read_config(path)


def test_a_missing_list_is_known_before_anything_is_trained(tmp_path):
    path = tmp_path / "sound.yaml"
    path.write_text(yaml.safe_dump(SOUND), encoding="utf-8")
    with pytest.raises(InputError, match="there is no file 'dataset.json'"):
        train_networks(read_config(path), tmp_path, tmp_path / "run")
    assert not (tmp_path / "run").exists()
