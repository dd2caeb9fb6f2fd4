"""Packages that only training needs: where one is missing, a sentence names it and the extra that
brings it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from SoftCordSegLib.cli.running import needing_packages
from SoftCordSegLib.errors import InputError
from training.made_dataset import make_dataset

LIBRARY = Path(__file__).resolve().parents[2] / "SoftCordSeg"
EXTRA = "pip install 'softcordseg[training]'"


def softcord_without(package, *arguments):
    """The command in another process, in which the package cannot be imported."""
    code = (
        f"import sys\nsys.modules[{package!r}] = None\nfrom SoftCordSegLib.cli.app import"
        " main\nmain()"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, encoding="utf-8"
    )


@pytest.fixture
def a_config(softcord, tmp_path):
    """A configuration, and the list of whole images that it names."""
    dataset = make_dataset(tmp_path / "dataset", 5, ("anat/{}_T1w",))
    assert softcord("datalist", dataset, "-o", tmp_path / "list.json").exit_code == 0
    network = {
        "network": {"features": [4, 8], "strides": [[1, 1, 1], [2, 2, 2]]},
        "patch": [16, 16, 16],
        "spacing_mm": 1.0,
        "source": {"kind": "cases", "list": "list.json", "augmentation": "none"},
        "epochs": 1,
        "stage": {"activation": "clip"},
    }
    bundle = {
        "name": "Tiny",
        "version": "0.0.1",
        "license": "Apache-2.0",
        "pipeline": "centre_crop",
    }
    path = tmp_path / "tiny.yaml"
    # JSON is YAML too.
    path.write_text(
        json.dumps(
            {
                "name": "tiny",
                "machine": {"workers": 0},
                "networks": {"segmenter": network},
                "bundle": bundle,
            }
        ),
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    ("module", "package"), [("lightning", "lightning"), ("monai", "monai"), ("yaml", "PyYAML")]
)
def test_training_without_a_package_names_it_and_its_extra(a_config, tmp_path, module, package):
    result = softcord_without(module, "train", a_config, "-o", tmp_path / "run")
    assert result.returncode == 1
    assert f"'{package}', which is not installed" in result.stderr
    assert EXTRA in result.stderr
    assert "Traceback" not in result.stderr


def test_a_list_is_made_without_them(tmp_path):
    dataset = make_dataset(tmp_path / "dataset", 5, ("anat/{}_T1w",))
    result = softcord_without("monai", "datalist", dataset, "-o", tmp_path / "list.json")
    assert result.returncode == 0, result.stderr


def test_lightnings_own_words_about_tensorboard_are_understood():
    with (
        pytest.raises(InputError, match="'tensorboard', which is not installed"),
        needing_packages(),
    ):
        raise ModuleNotFoundError(
            "Neither `tensorboard` nor `tensorboardX` is available. Try `pip install`ing either."
        )


def test_other_missing_modules_are_no_business_of_training():
    with pytest.raises(ModuleNotFoundError, match="elsewhere"), needing_packages():
        raise ModuleNotFoundError("No module named 'elsewhere'", name="elsewhere")
