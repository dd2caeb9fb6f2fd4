"""nnU-Net v2 result folders by its public schema, with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from network.plain_conv_net import random_net

FEATURES = (4, 6, 8)
STRIDES = ((1, 1, 1), (1, 2, 2), (2, 2, 2))
KERNELS = ((1, 3, 3), (3, 3, 3), (3, 3, 3))
SHAPE = {"features": FEATURES, "strides": STRIDES, "kernels": KERNELS, "classes": 2}
PATCH = (8, 16, 16)


def configuration(style: str, **changes) -> dict:
    """One configuration of a plans file, in the old wording or in the new one."""
    common = {
        "data_identifier": "nnUNetPlans_3d_fullres",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": list(PATCH),
        "median_image_size_in_voxels": [40.0, 60.0, 60.0],
        "spacing": [1.2, 0.9, 0.9],
        "normalization_schemes": ["ZScoreNormalization"],
        "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": {
            "is_seg": False,
            "order": 3,
            "order_z": 0,
            "force_separate_z": None,
        },
        "resampling_fn_seg_kwargs": {
            "is_seg": True,
            "order": 1,
            "order_z": 0,
            "force_separate_z": None,
        },
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": {
            "is_seg": False,
            "order": 1,
            "order_z": 0,
            "force_separate_z": None,
        },
        "batch_dice": False,
    }
    old = {
        "UNet_class_name": "PlainConvUNet",
        "UNet_base_num_features": 4,
        "n_conv_per_stage_encoder": [2, 2, 2],
        "n_conv_per_stage_decoder": [2, 2],
        "num_pool_per_axis": [1, 2, 2],
        "pool_op_kernel_sizes": [list(stride) for stride in STRIDES],
        "conv_kernel_sizes": [list(kernel) for kernel in KERNELS],
        "unet_max_num_features": 320,
    }
    new = {
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": {
                "n_stages": 3,
                "features_per_stage": list(FEATURES),
                "conv_op": "torch.nn.modules.conv.Conv3d",
                "kernel_sizes": [list(kernel) for kernel in KERNELS],
                "strides": [list(stride) for stride in STRIDES],
                "n_conv_per_stage": [2, 2, 2],
                "n_conv_per_stage_decoder": [2, 2],
                "conv_bias": True,
                "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                "norm_op_kwargs": {"eps": 1e-05, "affine": True},
                "dropout_op": None,
                "dropout_op_kwargs": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        }
    }
    return {**common, **(old if style == "old" else new), **changes}


def plans(style: str = "new", transpose=(0, 1, 2), **changes) -> dict:
    """A plans file with a 3D configuration that another one inherits from."""
    return {
        "dataset_name": "Dataset050_ContrastAgnosticAll",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [1.0, 1.0, 1.0],
        "original_median_shape_after_transp": [40, 60, 60],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": list(transpose),
        "transpose_backward": [int(n) for n in np.argsort(transpose)],
        "configurations": {
            "3d_fullres": configuration(style, **changes),
            "3d_fullres_bs4": {"inherits_from": "3d_fullres", "batch_size": 4},
        },
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {
            "0": {
                "max": 900.0,
                "mean": 300.0,
                "median": 280.0,
                "min": 0.0,
                "percentile_00_5": 5.0,
                "percentile_99_5": 800.0,
                "std": 120.0,
            }
        },
    }


def dataset(**changes) -> dict:
    """A data set file with SCT's extra key."""
    return {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "sc": 1},
        "numTraining": 1,
        "file_ending": ".nii.gz",
        "image_orientation": "RPI",
        **changes,
    }


def checkpoint(net, name: str = "3d_fullres", mirror=(0, 1, 2)) -> dict:
    """What nnU-Net's trainer saves, numpy numbers in the log included."""
    return {
        "network_weights": net.state_dict(),
        "optimizer_state": {"state": {}, "param_groups": [{"lr": 0.01, "momentum": 0.99}]},
        "grad_scaler_state": None,
        "logging": {
            "ema_fg_dice": [np.float64(0.5), np.float32(0.9)],
            "epoch_start_timestamps": [1.5],
        },
        "_best_ema": np.float64(0.95),
        "current_epoch": 1000,
        "init_args": {
            "configuration": name,
            "fold": 0,
            "plans": {"x": 1},
            "device": torch.device("cpu"),
            "unpack_dataset": True,
        },
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": tuple(mirror),
    }


def write_result_folder(
    folder: Path,
    plans_file: dict | None = None,
    dataset_file: dict | None = None,
    folds=(0,),
    file: str = "checkpoint_final.pth",
    **shape,
) -> Path:
    """``folder/nnUNetTrainer__nnUNetPlans__3d_fullres`` with its plans, data set and folds; its
    path.
    """
    trained = folder / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    for fold in folds:
        (trained / f"fold_{fold}").mkdir(parents=True)
        net = random_net(seed=10 + int(fold if fold != "all" else 9), **{**SHAPE, **shape})
        torch.save(checkpoint(net), trained / f"fold_{fold}" / file)
    (trained / "plans.json").write_text(json.dumps(plans_file or plans()), encoding="utf-8")
    (trained / "dataset.json").write_text(json.dumps(dataset_file or dataset()), encoding="utf-8")
    return trained
