"""Configurations: read strictly, and each shipped one really trains."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import yaml

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.network import file_sha256, load_bundle
from SoftCordSegLib.network.unet import COMPACT, PAPER
from SoftCordSegLib.training import sources
from SoftCordSegLib.training.cases import make_datalist
from SoftCordSegLib.training.chain import train_chain
from SoftCordSegLib.training.config import read_config, shipped_configs
from SoftCordSegLib.training.loss import LOSSES
from SoftCordSegLib.training.task import tasks
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti
from training.made_dataset import make_dataset
from training.tiny import made_up_anatomy

PAPERS = ("soft_all", "hard_all", "soft_per_contrast", "soft_all_dice_loss")


def test_the_papers_four_variants_and_ours_are_shipped():
    assert {*PAPERS, "compact"} <= set(shipped_configs())


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
        assert network.source["augmentation"] == "paper"
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
    assert [network.source["contrasts"] for network in networks.values()] == [
        "T1w",
        "T2w",
        "T2*",
        "MT-on",
        "GRE-T1w",
        "DWI",
    ]


ONE = {
    "network": "compact",
    "patch": [16, 16, 16],
    "spacing_mm": 1,
    "source": {"kind": "synthetic"},
    "steps": 4,
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
    (tmp_path / read_config(name).config.networks.popitem()[1].source["list"]).write_text(
        json.dumps(content)
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
    result = train_chain(read, data=tmp_path, out=tmp_path / "run")
    assert len(result.bundles) == len(wanted)
    for folder, network in zip(result.bundles, wanted):
        bundle = load_bundle(folder)
        assert bundle.orientation == "LAS"
        assert bundle.plan.crop == (16, 16, -1)
        assert bundle.plan.padding == "constant"
        assert list(bundle.metadata["provenance"]["data_sha256"]) == [
            read.config.networks[network].source["list"]
        ]
        assert result.networks[network].history.validation


def test_a_list_or_label_that_changed_is_refused_and_a_cache_that_moved_is_not(tmp_path):
    folder = make_dataset(tmp_path, participants=5, contrasts=("anat/{}_T1w",))
    content, _ = make_datalist(folder, folder)
    (folder / "dataset.json").write_text(json.dumps(content))
    source = {"kind": "cases", "list": "dataset.json", "augmentation": "none"}
    one = {
        **ONE,
        "network": yaml.safe_load(SMALL_NETWORK),
        "source": source,
        "epochs": 1,
        "schedule": "epoch",
    }
    del one["steps"]
    path = folder / "list.yaml"
    path.write_text(
        yaml.safe_dump({"name": "list", "machine": {"workers": 0}, "networks": {"one": one}})
    )
    first = train_chain(read_config(path), folder, folder / "run")
    again = train_chain(
        read_config(path, [f"networks.one.source.cache={folder / 'cache'}"]), folder, folder / "run"
    )
    assert first.networks["one"].history == again.networks["one"].history
    label = folder / content["training"][0]["label"]
    before = label.read_bytes()
    write_nifti(read_nifti(label).with_data(1 - read_nifti(label).data), label)
    with pytest.raises(InputError, match=r"other settings \(labels\)"):
        train_chain(read_config(path), folder, folder / "run")
    label.write_bytes(before)
    content["training"].pop()
    (folder / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"other settings \(labels, lists\)"):
        train_chain(read_config(path), folder, folder / "run")


def test_labels_that_changed_are_refused_though_their_list_is_the_same(tmp_path):
    """``softcord pseudolabel`` writes new labels under the same names."""
    image = Volume(
        np.random.default_rng(0).normal(size=(24, 24, 24)).astype(np.float32),
        np.diag([-1.0, 1, 1, 1]),
    )
    write_nifti(image, tmp_path / "sub-01_image.nii.gz")
    write_nifti(
        image.with_data((image.data > 1).astype(np.float32)), tmp_path / "sub-01_label.nii.gz"
    )
    case = {"image": "sub-01_image.nii.gz", "label": "sub-01_label.nii.gz"}
    (tmp_path / "cases.json").write_text(json.dumps({"training": [case]}))
    source = {"kind": "mixture", "of": [[1, {"kind": "real", "list": "cases.json"}]]}
    one = {
        **ONE,
        "network": yaml.safe_load(SMALL_NETWORK),
        "source": source,
        "steps": 1,
        "validation_images": 1,
        "averaging": None,
    }
    path = tmp_path / "real.yaml"
    path.write_text(
        yaml.safe_dump({"name": "real", "machine": {"workers": 0}, "networks": {"one": one}})
    )
    first = train_chain(read_config(path), tmp_path, tmp_path / "run")
    again = train_chain(read_config(path), tmp_path, tmp_path / "run")
    assert first.networks["one"].history == again.networks["one"].history
    (task,) = tasks(read_config(path), tmp_path)
    assert task.record(first.networks["one"].history)["labels_sha256"] == [
        file_sha256(tmp_path / "sub-01_label.nii.gz")
    ]
    write_nifti(
        image.with_data((image.data > 0).astype(np.float32)), tmp_path / "sub-01_label.nii.gz"
    )
    with pytest.raises(InputError, match=r"other settings \(labels\)"):
        train_chain(read_config(path), tmp_path, tmp_path / "run")


def test_each_later_stage_of_ours_goes_on_from_the_bundle_of_the_one_before():
    befores = {
        "compact_2_anatomy": "runs/compact/bundle",
        "compact_3_selftrained": "runs/anatomy/bundle",
        "compact_4_agreement": "runs/selftrained/bundle",
        "compact_5_lumbar": "runs/agreement/bundle",
        "compact_6_areas": "runs/lumbar/bundle",
        "compact_7_as_scanned": "runs/areas/bundle",
        "compact_8_mean": "runs/as_scanned/bundle",
        "compact_9_as_sampled": "runs/mean/bundle",
    }
    assert {name for name in shipped_configs() if name.startswith("compact_")} == set(befores)
    for name, before in befores.items():
        config = read_config(name).config
        assert config.networks["segmenter"].start.bundle == config.bundle.parent == before
        assert config.networks["segmenter"].network == COMPACT
        assert set(config.networks) == {"segmenter"}, "the locator stays as it was"


def test_our_configuration_trains_and_gives_a_bundle(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_anatomy", lambda _data: made_up_anatomy())
    monkeypatch.setattr("SoftCordSegLib.training.synthetic.data_files", lambda _data: [])
    read = read_config("compact")
    assert {network.network for network in read.config.networks.values()} == {COMPACT}
    settings = ["machine={workers: 0, threads: 1}"]
    for network in read.config.networks:
        small = {
            "network": SMALL_NETWORK,
            "patch": "[16, 16, 16]",
            "steps": 2,
            "validation_images": 1,
            "batch": 1,
        }
        settings += [f"networks.{network}.{key}={value}" for key, value in small.items()]
    result = train_chain(read_config("compact", settings), data=tmp_path, out=tmp_path / "run")
    assert load_bundle(result.bundle).segmenter.activation == "normrelu"
    assert {len(one.history.losses) for one in result.networks.values()} == {2}


def test_a_bundle_may_be_the_mean_of_two_trainings(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_anatomy", lambda _data: made_up_anatomy())
    monkeypatch.setattr("SoftCordSegLib.training.synthetic.data_files", lambda _data: [])

    def run(folder, seed, *further):
        settings = [
            "machine={workers: 0, threads: 1}",
            f"seed={seed}",
            "bundle.half=false",
            *further,
        ]
        for network in ("locator", "segmenter"):
            small = {
                "network": SMALL_NETWORK,
                "patch": "[16, 16, 16]",
                "steps": 1,
                "validation_images": 1,
                "batch": 1,
            }
            settings += [f"networks.{network}.{key}={value}" for key, value in small.items()]
        read = read_config("compact", settings)
        return load_bundle(train_chain(read, data=tmp_path, out=tmp_path / folder).bundle)

    def weights(bundle):
        return torch.cat(
            [value.flatten() for value in bundle.network(bundle.segmenter).state_dict().values()]
        )

    first, second = run("first", 1), run("second", 2)
    mean = run("mean", 2, f"bundle.mean_with={first.folder}")

    torch.testing.assert_close(weights(mean), (weights(first) + weights(second)) / 2)
    assert mean.metadata["provenance"]["mean_with"] == {"name": first.name, "sha256": first.sha256}
    with pytest.raises(InputError, match="another network"):
        run("other", 2, "bundle.mean_with=compact")


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
        (
            "networks.one.start={from: none, bundle: x}",
            "'networks.one.start' should be {from: a network of this file} or",
        ),
        (
            "networks.one.start={from: later}",
            "'networks.one.start.from' is 'later', which is not a network above it",
        ),
        ("networks.one.epochs=2", "'networks.one' needs either steps or epochs, and not both"),
        ("networks=[]", "'networks' should hold at least one named section"),
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
    path.write_text(yaml.safe_dump(SOUND))
    read_config(path)
    with pytest.raises(InputError) as caught:
        read_config(path, [setting])
    assert sentence in str(caught.value)
    assert "sound.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["- a list", "name: [unclosed", "just words"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path, text):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(
        InputError, match=r"broken.yaml' (cannot be read as|is not) a configuration"
    ):
        read_config(path)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"kind": "cases"}, "a list of cases needs list, its file"),
        (
            {"kind": "cases", "list": "x.json", "colour": 1},
            "'colour' is not a setting of a list of cases",
        ),
        ({"kind": "cases", "list": "nowhere.json"}, "there is no file 'nowhere.json'"),
        (
            {"kind": "cases", "list": "x.json", "augmentation": "none at all"},
            "augmentation should be one of paper, code, none",
        ),
        ({"kind": "mixture", "of": []}, "a mixture has the one setting of"),
        (
            {"kind": "mixture", "of": [[-1, {"kind": "synthetic", "recipe": "locator"}]]},
            "a mixture needs one share, not negative",
        ),
        ({"kind": "real"}, "a source of real images needs list"),
        (
            {"recipe": "locator"},
            "the kind of a source is one of cases, mixture, real, synthetic; None is not",
        ),
    ],
)
def test_a_source_that_cannot_be_built_is_told(tmp_path, monkeypatch, source, sentence):
    monkeypatch.setattr(sources, "_anatomy", lambda _data: made_up_anatomy())
    context = sources.SourceContext(
        (16, 16, 16), 1.0, tmp_path, where="'file.yaml', networks.one.source"
    )
    with pytest.raises(InputError) as caught:
        sources.build_source(source, context)
    assert sentence in str(caught.value)
    assert "In 'file.yaml', networks.one.source: " in str(caught.value)


def test_a_mixture_draws_from_lists_too(tmp_path):
    folder = make_dataset(tmp_path, participants=5, contrasts=("anat/{}_T1w",))
    content, _ = make_datalist(folder, folder)
    (folder / "dataset.json").write_text(json.dumps(content))
    listed = {"kind": "cases", "list": "dataset.json", "augmentation": "none"}
    context = sources.SourceContext((16, 16, 16), 1.0, folder)
    mixture = sources.build_source(
        {"kind": "mixture", "of": [[0.5, listed], [0.5, {**listed, "part": "test"}]]}, context
    )
    images = {mixture.pair([1, n]).image.tobytes() for n in range(20)}
    assert 2 <= len(images) <= 4


def test_two_lists_of_one_name_are_both_on_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cases.json").write_text("{}")
    lists = [f"{{kind: real, list: {folder}/cases.json}}" for folder in ("one", "two")]
    settings = [
        f"networks.segmenter.source={{kind: mixture, of: [[1, {lists[0]}], [1, {lists[1]}]]}}",
        f"networks.segmenter.validation={lists[0]}",
    ]
    (task,) = tasks(read_config("compact_5_lumbar", settings), tmp_path / "data")
    assert set(task.files.values()) == {"one/cases.json", "two/cases.json"}
