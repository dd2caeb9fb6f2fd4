"""nnU-Net result folders: both wordings of the plans, several folds, and what cannot be used."""

from __future__ import annotations

import json
import sys
import types

import pytest
import torch

from network.nnunet_folders import SHAPE, dataset, plans, write_result_folder
from network.plain_conv_net import random_net
from SoftCordSegLib.errors import ModelError
from SoftCordSegLib.network import UNetConfig, load_bundle, save_plan_bundle
from SoftCordSegLib.network.nnunet_folder import convert_result_folder, find_result_folder
from SoftCordSegLib.network.plans import Margins, NnUNet, Resampling


def bundle_of(converted, folder):
    metadata = {"name": "random", "version": "0", "license": "none"}
    save_plan_bundle(folder, metadata, converted.orientation, converted.plan, converted.states)
    return load_bundle(folder)


@pytest.mark.parametrize("style", ["old", "new"])
def test_each_fold_becomes_a_network_bit_by_bit(tmp_path, style):
    shape = {"features": (4, 8, 16)} if style == "old" else {}
    folder = write_result_folder(tmp_path, plans(style), folds=(0, 3), **shape)
    assert find_result_folder(tmp_path) == folder
    bundle = bundle_of(convert_result_folder(folder), tmp_path / "bundle")
    spec = bundle.plan.network
    assert spec.weights == ("models/fold_0.safetensors", "models/fold_3.safetensors")
    assert spec.config == UNetConfig(
        shape.get("features", SHAPE["features"]),
        SHAPE["strides"],
        kernels=SHAPE["kernels"],
        channels_out=2,
    )
    x = torch.randn(1, 1, 8, 16, 16)
    for network, seed in zip(bundle.networks(spec), (10, 13)):
        with torch.inference_mode():
            assert torch.equal(network(x)[0], random_net(seed=seed, **{**SHAPE, **shape})(x)[0])


def test_the_plan_is_what_the_files_say(tmp_path):
    folder = write_result_folder(tmp_path, plans(transpose=(2, 0, 1), use_mask_for_norm=[True]))
    converted = convert_result_folder(folder)
    plan = converted.plan
    assert converted.orientation == "LAS"  # SCT's RPI
    assert (plan.spacing_mm, plan.patch, plan.transpose_forward) == (
        (1.2, 0.9, 0.9),
        (8, 16, 16),
        (2, 0, 1),
    )
    assert (plan.normalisation, plan.use_mask, plan.mirror_axes) == (
        "ZScoreNormalization",
        True,
        (0, 1, 2),
    )
    assert (plan.data, plan.probabilities) == (Resampling(3, 0, None), Resampling(1, 0, None))
    assert (plan.foreground, plan.margins, plan.step) == ((1,), None, 0.5)
    assert converted.facts["configuration"] == "3d_fullres"
    assert converted.facts["trainer"] == "nnUNetTrainer"
    assert NnUNet.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_images_without_a_said_orientation_are_scts_lpi(tmp_path):
    file = dataset()
    del file["image_orientation"]
    assert (
        convert_result_folder(write_result_folder(tmp_path, dataset_file=file)).orientation == "RAS"
    )


def test_an_inherited_configuration_is_completed(tmp_path):
    folder = write_result_folder(tmp_path)
    path = folder / "fold_0" / "checkpoint_final.pth"
    content = torch.load(path, weights_only=False)
    content["init_args"]["configuration"] = "3d_fullres_bs4"
    torch.save(content, path)
    assert convert_result_folder(folder).plan.patch == (8, 16, 16)


def test_the_best_checkpoint_serves_where_there_is_no_final_one(tmp_path):
    folder = write_result_folder(tmp_path, file="checkpoint_best.pth")
    assert convert_result_folder(folder).facts["checkpoint"] == "checkpoint_best.pth"


def test_a_network_trained_on_everything_serves_where_there_are_no_folds(tmp_path):
    assert convert_result_folder(write_result_folder(tmp_path, folds=("all",))).facts["folds"] == [
        "fold_all"
    ]


@pytest.mark.parametrize("name", ["crop_metadata.json", "crop_metadata.yaml"])
def test_margins_of_a_model_for_cropped_images(tmp_path, name):
    folder = write_result_folder(tmp_path)
    entries = {
        "cropped_image": True,
        "sc_crop_version": "0.12.1",
        "pad_superior": 30.0,
        "pad_inferior": 80.0,
        "pad_posterior": 25,
    }
    text = (
        json.dumps(entries)
        if name.endswith("json")
        else "".join(f"{key}: {value}\n" for key, value in entries.items())
    )
    (tmp_path / name).write_text(text, encoding="utf-8")
    plan = convert_result_folder(folder).plan
    assert plan.margins == Margins(superior=30, inferior=80, posterior=25)
    assert NnUNet.from_json(plan.to_json()) == plan


def test_the_cord_is_chosen_by_its_name_among_several_labels(tmp_path):
    file = dataset(labels={"background": 0, "lesion": 1, "sc": 2})
    folder = write_result_folder(tmp_path, dataset_file=file, classes=3)
    assert convert_result_folder(folder).plan.foreground == (2,)


TWO = {"background": 0, "lesion": 1, "canal": 2}
REFUSED = {
    "2d": ({"patch_size": [64, 64]}, {}, "single slices"),
    "cascade": ({"previous_stage": "3d_lowres"}, {}, "cascade"),
    "two channels": ({}, {"channel_names": {"0": "T1", "1": "T2"}}, "2 images at once"),
    "resampling": (
        {"resampling_fn_data": "resample_torch_fornnunet"},
        {},
        "resample_torch_fornnunet",
    ),
    "regions": (
        {},
        {"labels": {"background": 0, "sc": [1, 2]}, "regions_class_order": [1]},
        "overlap",
    ),
    "which is the cord": ({}, {"labels": TWO}, "not clear which"),
    "normalisation": ({"normalization_schemes": ["MyOwn"]}, {}, "MyOwn"),
    "orientation": ({}, {"image_orientation": "XYZ"}, "invalid orientation"),
    "no spacing": ({"spacing": None}, {}, "cannot be used"),
}


@pytest.mark.parametrize(("changes", "labels", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_run_is_a_sentence(tmp_path, changes, labels, sentence):
    classes = 3 if labels.get("labels") is TWO else 2
    folder = write_result_folder(tmp_path, plans(**changes), dataset(**labels), classes=classes)
    with pytest.raises(ModelError, match=sentence):
        convert_result_folder(folder)


def test_weights_of_another_shape_are_a_sentence(tmp_path):
    with pytest.raises(ModelError, match="does not fit the network"):
        convert_result_folder(write_result_folder(tmp_path, features=(4, 6, 12)))


@pytest.mark.parametrize("file", ["plans.json", "dataset.json", "fold_0/checkpoint_final.pth"])
def test_missing_and_corrupt_files_are_named(tmp_path, file):
    folder = write_result_folder(tmp_path)
    (folder / file).write_text("{ cut", encoding="utf-8")
    with pytest.raises(ModelError, match=file.rsplit("/", 1)[-1]):
        convert_result_folder(folder)
    (folder / file).unlink()
    with pytest.raises(ModelError, match=file.rsplit("/", 1)[-1]):
        convert_result_folder(folder)


def residual_plans() -> dict:
    """Plans of a network that only nnU-Net's library builds."""
    written = plans()
    entry = written["configurations"]["3d_fullres"]["architecture"]
    entry["network_class_name"] = (
        "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet"
    )
    entry["arch_kwargs"]["n_blocks_per_stage"] = entry["arch_kwargs"].pop("n_conv_per_stage")
    return written


def test_other_networks_are_built_by_nnunet_where_the_user_has_it(tmp_path, monkeypatch):
    asked = []

    def get_network_from_plans(
        name, kwargs, imports, channels_in, channels_out, allow_init, deep_supervision
    ):
        kwargs["conv_op"] = torch.nn.Conv3d
        asked.append(
            (
                name.rsplit(".", 1)[-1],
                kwargs["n_blocks_per_stage"],
                imports,
                channels_in,
                channels_out,
                deep_supervision,
            )
        )
        return random_net(seed=1, **SHAPE)

    folder = write_result_folder(tmp_path, residual_plans(), folds=(0, 1))
    bundle = bundle_of(convert_result_folder(folder), tmp_path / "bundle")
    for name in ("nnunetv2", "nnunetv2.utilities", "nnunetv2.utilities.get_network_from_plans"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules[
        "nnunetv2.utilities.get_network_from_plans"
    ].get_network_from_plans = get_network_from_plans
    for network, seed in zip(bundle.networks(bundle.plan.network), (10, 11)):
        expected = random_net(seed=seed, **SHAPE).state_dict()
        assert all(
            torch.equal(value, expected[name]) for name, value in network.state_dict().items()
        )
    # Each is built twice, first without memory, to compare its shape with the weights.
    expected = ("ResidualEncoderUNet", [2, 2, 2], ["conv_op", "norm_op", "dropout_op", "nonlin"])
    assert asked == [(*expected, 1, 2, False)] * 4


def test_without_nnunet_they_are_a_sentence(tmp_path, monkeypatch):
    bundle = bundle_of(
        convert_result_folder(write_result_folder(tmp_path, residual_plans())), tmp_path / "bundle"
    )
    monkeypatch.setitem(sys.modules, "nnunetv2", None)
    with pytest.raises(ModelError, match="ResidualEncoderUNet.*pip install nnunetv2"):
        next(bundle.networks(bundle.plan.network))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network_class_name", "os.system"),
        ("network_class_name", "dynamic_network_architectures.architectures.unet.torch.load"),
        ("conv_op", "subprocess.Popen"),
        ("nonlin", "torch.nn.modules.module.functools.partial"),
    ],
)
def test_plans_that_name_other_python_objects_are_refused(tmp_path, key, value):
    written = residual_plans()
    entry = written["configurations"]["3d_fullres"]["architecture"]
    (entry if key in entry else entry["arch_kwargs"])[key] = value
    with pytest.raises(ModelError, match="not one of nnU-Net's own"):
        convert_result_folder(write_result_folder(tmp_path, written))
