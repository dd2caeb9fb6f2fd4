"""The command that measures bundles on a list: its tables and files, and that nothing is segmented
twice.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from evaluation.cords import a_cord
from SoftCordSegLib.evaluation.held_out import Measured
from SoftCordSegLib.network import load_bundle, shipped_bundles
from SoftCordSegLib.segmentation import SoftMask
from SoftCordSegLib.volume import write_nifti

VERSION = str(load_bundle(shipped_bundles()[0]).metadata["version"])
SHIPPED = f"SoftCordSeg compact {VERSION}"


@pytest.fixture
def measure(repository):
    """The script as a module."""
    spec = importlib.util.spec_from_file_location(
        "measure_script", repository / "recipes" / "measure_bundles.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def segmented(measure, monkeypatch):
    """The images that were segmented; the mask of each is the image itself, less a rim where the
    bundle is of version 9.
    """
    done = []

    def segment(image, bundle, *, device):
        done.append((bundle.metadata["version"], image.shape))
        values = image.data / 1000.0
        return SoftMask(
            image.with_data(
                (values >= (0.99 if bundle.metadata["version"] == "9" else 0.5)).astype(np.float32)
            ),
            None,
            "",
        )

    monkeypatch.setattr(measure, "segment", segment)
    return done


@pytest.fixture
def study(tmp_path):
    """Two participants, one of them in two contrasts; the drawn masks lie beside the images."""
    rows = [
        "participant,contrast,image,reference,grid,whole_field,region,dataset,session,tip,seen_by,use"
    ]
    for number, (person, contrast, seen) in enumerate(
        [("a", "T2w", ""), ("a", "T2star", ""), ("b", "T2w", VERSION)]
    ):
        cord = a_cord((1.0, 3.0), -30, 30)
        write_nifti(
            cord.with_data(cord.data * 1000 + number * 1e-3),
            tmp_path / f"{number}.nii.gz",
            np.float32,
        )
        write_nifti(
            cord.with_data((cord.data >= 0.5).astype(np.float32)),
            tmp_path / f"{number}_seg.nii.gz",
            np.float32,
        )
        rows.append(
            f"{person},{contrast},{number}.nii.gz,{number}_seg.nii.gz,,yes,neck,made,,no,{seen},evaluate"
        )
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "offsets.csv").write_text(
        "dataset,offset_mm,people,images\nmade,0.3,1,1\n", encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def second_bundle(tmp_path):
    """The shipped one under another version and with other settings."""
    folder = tmp_path / "second"
    shutil.copytree(shipped_bundles()[0], folder)
    metadata = json.loads((folder / "configs" / "metadata.json").read_text(encoding="utf-8"))
    metadata.update(version="9", provenance={"parent": {"name": SHIPPED}})
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    (folder / "configs" / "inference.json").write_text(
        (folder / "configs" / "inference.json").read_text(encoding="utf-8") + "\n", encoding="utf-8"
    )
    return folder


def run(measure, study, *more):
    where = ["--root", study, "--cache", study / "cache", "--offsets", study / "offsets.csv"]
    return measure.main([str(word) for word in (study / "list.csv", *where, *more)])


def test_tables_of_all_bundles_are_printed_and_written(
    measure, segmented, study, second_bundle, capsys
):
    assert (
        run(
            measure,
            study,
            "--json",
            study / "out.json",
            "--csv",
            study / "out.csv",
            "compact",
            second_bundle,
        )
        == 0
    )

    text = capsys.readouterr().out
    assert f"{SHIPPED}*" in text  # b, whom it saw
    assert "SoftCordSeg compact 9*" in text  # whose parent did
    assert "SoftCordSeg compact 9 - offset" in text
    (drawn,) = [line for line in text.splitlines() if "masks as drawn" in line]
    assert drawn.split()[-2:] == ["0.00", "0.0"]  # one cord, drawn alike in both contrasts
    assert f"SoftCordSeg compact 9 is not better than {SHIPPED} in every row:" in text
    bundles = [
        Measured.from_json(one)
        for one in json.loads((study / "out.json").read_text(encoding="utf-8"))["bundles"]
    ]
    first, second = bundles
    assert [one.values["dice"] for one in first.images] == [1.0] * 3
    assert all(one.values["dice"] < 1.0 for one in second.images)
    rows = list(csv.DictReader((study / "out.csv").open()))
    (dice,) = [
        row
        for row in rows
        if (row["bundle"], row["table"], row["measure"], row["contrast"], row["seen"])
        == (SHIPPED, "masks", "dice", "T2w", "False")
    ]
    assert (float(dice["value"]), dice["participants"]) == (1.0, "1")


def test_a_bundle_is_better_where_it_is_in_every_row(
    measure, segmented, study, second_bundle, capsys
):
    assert run(measure, study, second_bundle, "compact") == 0
    assert (
        f"{SHIPPED} is better than SoftCordSeg compact 9 in every row." in capsys.readouterr().out
    )


def test_an_image_is_segmented_once_by_each_bundle(measure, segmented, study, second_bundle):
    run(measure, study, "compact")
    assert len(segmented) == 3

    run(measure, study, "compact", second_bundle)
    assert [version for version, _ in segmented[3:]] == ["9"] * 3

    run(measure, study, "compact", second_bundle)
    assert len(segmented) == 6


def test_a_changed_image_or_program_is_segmented_anew(measure, segmented, study, monkeypatch):
    run(measure, study, "compact")
    cord = a_cord((1.0, 3.0), -30, 30, wider_mm=0.5)
    write_nifti(cord.with_data(cord.data * 1000), study / "1.nii.gz", np.float32)

    run(measure, study, "compact")
    assert len(segmented) == 4

    monkeypatch.setattr(measure, "program_sha256", lambda: "another")
    run(measure, study, "compact")
    assert len(segmented) == 7


def test_a_data_set_without_offset_has_no_second_row_and_a_line_says_so(
    measure, segmented, study, capsys
):
    (study / "offsets.csv").unlink()

    assert run(measure, study, "compact") == 0

    text = capsys.readouterr().out
    assert "- offset  " not in text
    assert "No offset is known of made" in text


def test_a_bundle_that_is_not_there_is_a_sentence(measure, study, capsys):
    assert run(measure, study, study / "nowhere") == 1
    assert "There is no model bundle" in capsys.readouterr().err


def test_texts_that_a_spreadsheet_program_would_run_are_made_safe(measure, monkeypatch):
    frame = pd.DataFrame({"participant": ["=1+1", "a"], "value": [-1.5, 2.0]})
    monkeypatch.setattr(measure, "measure_rows", lambda one: frame.copy())

    text = measure.rows_csv([SimpleNamespace(bundle="@x")])

    assert text == "bundle,participant,value\n'@x,'=1+1,-1.5\n'@x,a,2.0\n"
