"""A configuration's bundle names the input contract that its networks were trained by: its
parent's, or the one it asks for.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.network import AROUND_CORD, WHOLE_IMAGE, load_bundle
from SoftCordSegLib.training import sources
from SoftCordSegLib.training.chain import train_chain
from SoftCordSegLib.training.config import read_config
from SoftCordSegLib.training.input_contract import contract_of
from SoftCordSegLib.training.task import tasks
from training.tiny import made_up_anatomy

NETWORK = {
    "network": {"features": [4, 8], "strides": [[1, 1, 1], [2, 2, 2]]},
    "patch": [16, 16, 16],
    "steps": 1,
    "batch": 1,
    "validation_images": 1,
    "averaging": None,
    "stage": {"activation": "clip"},
}


@pytest.fixture
def made_up(monkeypatch):
    monkeypatch.setattr(sources, "_anatomy", lambda _data: made_up_anatomy())
    monkeypatch.setattr("SoftCordSegLib.training.synthetic.data_files", lambda _data: [])


def a_configuration(folder: Path, *networks: str, start: Path | None = None, **bundle) -> Path:
    """Written to a file: networks of one step, which begin with a bundle where there is one."""
    content = {"name": "tiny", "machine": {"workers": 0, "accelerator": "cpu"}, "networks": {}}
    for name in networks:
        source = {"kind": "synthetic", "recipe": name}
        content["networks"][name] = {
            **NETWORK,
            "spacing_mm": 2.0 if name == "locator" else 1.0,
            "source": source,
        }
        if start is not None:
            content["networks"][name]["start"] = {"bundle": str(start), "stage": name}
    content["bundle"] = {"name": "tiny", "version": "1", "license": "Apache-2.0", **bundle}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def trained(folder: Path, *networks: str, **how) -> Path:
    return train_chain(
        read_config(a_configuration(folder, *networks, **how)), folder, folder / "run"
    ).bundle


BOTH = ("locator", "segmenter")


@pytest.mark.parametrize(
    ("asked", "named"), [({}, WHOLE_IMAGE), ({"intensities": AROUND_CORD}, AROUND_CORD)]
)
def test_a_bundle_from_nothing_names_what_the_configuration_asks_for(
    tmp_path, made_up, asked, named
):
    assert load_bundle(trained(tmp_path, *BOTH, **asked)).intensities == named


def test_whatever_goes_on_from_a_bundle_keeps_its_contract(tmp_path, made_up):
    first = trained(tmp_path / "first", *BOTH, intensities=AROUND_CORD)
    onward = a_configuration(tmp_path / "onward", "segmenter", start=first, parent=str(first))
    again = train_chain(read_config(onward), tmp_path, tmp_path / "run").bundle
    assert load_bundle(again).intensities == AROUND_CORD
    grandchild = trained(tmp_path / "mean", *BOTH, start=again, mean_with=str(first))
    assert load_bundle(grandchild).intensities == AROUND_CORD
    # Its patches are scaled by it, and a run of the other contract is another run.
    (task,) = tasks(read_config(onward), tmp_path)
    assert task.fixed()["intensities"] == AROUND_CORD
    alone, before = task.source.pair(3), sources.SourceContext((16, 16, 16), 1.0, tmp_path)
    plain = sources.build_source({"kind": "synthetic", "recipe": "segmenter"}, before).pair(3)
    assert abs(alone.image.mean() - plain.image.mean()) > 1e-3


def test_bundles_of_another_contract_are_refused_before_any_training(tmp_path, made_up):
    around = trained(tmp_path / "around", *BOTH, intensities=AROUND_CORD)
    whole = trained(tmp_path / "whole", *BOTH)
    wrong = [
        a_configuration(tmp_path / "a", *BOTH, start=around, intensities=WHOLE_IMAGE),
        a_configuration(tmp_path / "b", *BOTH, start=whole, intensities=AROUND_CORD),
        a_configuration(tmp_path / "c", "segmenter", start=around, parent=str(whole)),
        a_configuration(tmp_path / "d", *BOTH, start=around, mean_with=str(whole)),
    ]
    for path in wrong:
        with pytest.raises(
            InputError,
            match=(
                r"scales intensities by (whole_image|around_cord), but .*Begin with bundles of one"
                r" contract"
            ),
        ):
            train_chain(read_config(path), tmp_path, path.parent / "run")
        assert not (path.parent / "run").exists()


def test_the_grid_on_which_the_cord_is_located_is_the_locators_own(tmp_path, made_up):
    path = a_configuration(tmp_path / "first", *BOTH, intensities=AROUND_CORD)
    first = train_chain(
        read_config(path, ["networks.locator.spacing_mm=3"]), tmp_path, tmp_path / "run"
    ).bundle
    assert contract_of(read_config(path, ["networks.locator.spacing_mm=3"]).config).coarse_mm == 3
    onward = a_configuration(tmp_path / "onward", "segmenter", start=first, parent=str(first))
    assert contract_of(read_config(onward).config).coarse_mm == 3


def test_a_list_of_cases_that_is_scaled_as_a_whole_is_refused_around_the_cord(tmp_path):
    (tmp_path / "cases.json").write_text(json.dumps({"training": []}))
    path = a_configuration(tmp_path, "segmenter", intensities=AROUND_CORD)
    read = read_config(path, ["networks.segmenter.source={kind: cases, list: cases.json}"])
    (task,) = tasks(read, tmp_path)
    with pytest.raises(InputError, match="Use a source of the kind real"):
        _ = task.source


def test_a_contract_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(
        InputError, match="should be one of whole_image, around_cord, not 'around_brain'"
    ):
        read_config(a_configuration(tmp_path, "segmenter", intensities="around_brain"))
