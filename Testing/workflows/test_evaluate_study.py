"""A study from its table to files, without the command line."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from evaluation.study import write_study
from SoftCordSegLib.errors import OptionError
from SoftCordSegLib.evaluation import BundleMethod, FolderMethod
from SoftCordSegLib.network import shipped_bundles
from SoftCordSegLib.workflows.evaluate_study import (
    StudyOptions,
    evaluate_study,
    open_method,
    records,
)


def test_a_study_gives_numbers_and_files(tmp_path):
    table = write_study(tmp_path / "in")
    methods = [FolderMethod(name, tmp_path / "in" / name) for name in ("tall", "aside")]

    study = evaluate_study(table, methods, tmp_path / "out")

    images = pd.read_csv(tmp_path / "out" / "images.csv")
    assert study.evaluation.failures == []
    assert not (tmp_path / "out" / "index.html").exists()
    assert images["dice"].to_numpy() == pytest.approx(study.summary.images["dice"], rel=1e-5)
    assert all(path.is_file() for path in study.files)
    assert list(images.columns) == list(study.summary.images.columns)


def test_rows_in_plain_types_are_json(tmp_path):
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, float("nan")], "yes": [True, False]})

    assert json.loads(json.dumps(records(frame))) == [
        {"n": 1, "x": 0.5, "yes": True},
        {"n": 2, "x": None, "yes": False},
    ]


def test_a_method_is_a_folder_of_masks_or_a_model(tmp_path):
    (tmp_path / "masks").mkdir()

    masks = open_method("a", str(tmp_path / "masks"), tmp_path / "out", "_seg")
    model = open_method("b", str(shipped_bundles()[0]), tmp_path / "out")
    named = open_method("c", "compact", tmp_path / "out")

    assert masks == FolderMethod("a", tmp_path / "masks", "_seg")
    assert isinstance(model, BundleMethod)
    assert model.folder == tmp_path / "out" / "masks" / "b"
    assert named.bundle.name == model.bundle.name
    with pytest.raises(OptionError, match="lies within"):
        open_method("a", str(tmp_path), tmp_path / "out")


def test_drift_needs_two_releases(tmp_path):
    table = write_study(tmp_path / "in")
    options = StudyOptions(drift_limit=5.0)

    with pytest.raises(OptionError, match="between releases"):
        evaluate_study(table, [FolderMethod("a", tmp_path)], tmp_path / "out", options)
    assert not (tmp_path / "out").exists()
