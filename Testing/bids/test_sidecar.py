"""The sidecar of a mask: one form, a history that grows, nothing private."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from SoftCordSegLib.bids import (
    Kind,
    Origin,
    is_corrected,
    label_name,
    manual_entry,
    merged,
    origin_of,
    read_sidecar,
    segmentation_sidecar,
    shared_sidecar,
    sidecar_path,
    with_correction,
    with_new_prediction,
)
from SoftCordSegLib.bids.sidecar import _OURS, MASK_SHA256


@dataclass(frozen=True)
class Mask:
    box: Any = None
    message: str = "Spinal cord found."
    notes: tuple[str, ...] = ("It ends abruptly.",)
    found: bool = True
    device: str = "cpu"
    engine: str = "OpenVINO 2026.4.1"


@dataclass(frozen=True)
class Bundle:
    metadata: dict[str, Any] = field(
        default_factory=lambda: {"name": "compact", "version": "0.5.0", "license": "Apache-2.0"}
    )
    sha256: dict[str, str] = field(default_factory=lambda: {"model.safetensors": "ab12"})


def written(**more):
    return segmentation_sidecar(Mask(), Bundle(), "data/sub-01/sub-01_T2w.nii.gz", **more)


def test_the_history_begins_with_the_software_and_the_model():
    software, model = written()["GeneratedBy"]
    assert software["Name"] == "SoftCordSeg"
    assert set(software) == {"Name", "Version", "CodeURL"}
    assert model == {
        "Name": "compact",
        "Version": "0.5.0",
        "SHA256": {"model.safetensors": "ab12"},
        "License": "Apache-2.0",
    }
    assert written()["SpatialReference"] == "orig"


def test_a_correction_is_one_entry_more_as_manual_correction_writes_it():
    content = with_correction(written(), "First Last", 3, 2)
    *before, last = content["GeneratedBy"]
    assert before == written()["GeneratedBy"]
    assert (last["Name"], last["Author"]) == ("Manual", "First Last")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", last["Date"])
    assert content["CorrectedByHand"] == {"VoxelsAdded": 3, "VoxelsRemoved": 2}
    assert is_corrected(content)
    assert not is_corrected(written())
    again = with_correction(content, "Other", 1, 0, "2026-01-02 03:04:05")
    assert [one.get("Author") for one in again["GeneratedBy"]][-2:] == ["First Last", "Other"]


def test_a_sidecar_of_another_program_goes_on_with_a_correction():
    existing = {"RaterConfidence": 4, "GeneratedBy": [{"Name": "sct_deepseg", "Version": "7"}]}
    content = merged(existing, with_correction({"Threshold": 0.5}, "A", 1, 0))
    assert content["RaterConfidence"] == 4
    assert [one["Name"] for one in content["GeneratedBy"]] == ["sct_deepseg", "Manual"]


def test_saving_twice_keeps_both_corrections_and_a_new_segmentation_begins_anew():
    run = {**written(), "Date": "2026-01-01 00:00:00"}
    once = merged({"RaterConfidence": 4}, with_correction(run, "A", 1, 0, "2026-01-01 10:00:00"))
    twice = merged(once, with_correction(run, "A", 2, 0, "2026-01-01 11:00:00"))
    names = ["SoftCordSeg", "compact", "Manual", "Manual"]
    assert [one["Name"] for one in twice["GeneratedBy"]] == names
    assert twice["CorrectedByHand"]["VoxelsAdded"] == 2

    anew = merged(twice, {**run, "Date": "2026-02-02 00:00:00"})
    assert anew["RaterConfidence"] == 4
    assert not is_corrected(anew)
    assert "CorrectedByHand" not in anew


def test_our_keys_are_known():
    given = {"command": {}, "source_volume": "mean", "threshold": 0.5, "doubt": {}, "located": {}}
    keys = set(with_correction(written(**given), "", 0, 0))
    assert keys | {"SourceSHA256", "SourceBytes", "SourceChanged", MASK_SHA256} == _OURS


def test_no_folder_of_the_machine_is_told():
    folder = Path.cwd() / "secret"
    content = written(
        command={"Name": "softcord segment", "Options": {"model": str(folder / "m"), "x": [folder]}}
    )
    assert "secret/" not in json.dumps(content)
    assert content["Source"] == "sub-01_T2w.nii.gz"
    assert content["Command"]["Options"] == {"model": "m", "x": ["secret"]}


def test_the_file_lies_beside_its_mask_and_a_corrupt_one_says_nothing(tmp_path):
    path = sidecar_path(tmp_path / "sub-01_T2w_label-SC_seg.nii.gz")
    assert path == tmp_path / "sub-01_T2w_label-SC_seg.json"
    assert read_sidecar(path) == {}
    path.write_text("[", encoding="utf-8")
    assert read_sidecar(path) == {}


@pytest.mark.parametrize(
    ("mask", "sidecar", "origin"),
    [
        ("sub-01_T2w_seg.nii.gz", None, Origin.UNKNOWN),
        ("sub-01_T2w_label-SC_seg.nii.gz", None, Origin.LABEL),
        ("sub-01_T2w_seg-manual.nii.gz", None, Origin.LABEL),
        ("sub-01_T2w_seg.nii.gz", [{"Name": "Manual"}], Origin.CORRECTED),
        ("sub-01_T2w_label-SC_softseg.nii.gz", [{"Name": "SoftCordSeg"}], Origin.PROGRAM),
    ],
)
def test_how_a_mask_came_about(tmp_path, mask, sidecar, origin):
    if sidecar is not None:
        sidecar_path(tmp_path / mask).write_text(
            json.dumps({"GeneratedBy": sidecar}), encoding="utf-8"
        )
    assert origin_of(tmp_path / mask) is origin


@pytest.mark.parametrize("standard", [False, True])
def test_a_cut_mask_shares_the_sidecar_of_its_soft_mask(tmp_path, standard):
    soft, cut = (
        tmp_path / label_name("sub-01_T2w", kind, standard_names=standard)
        for kind in (Kind.SOFT_MASK, Kind.BINARY_MASK)
    )
    sidecar_path(soft).write_text(
        json.dumps(with_correction(written(), "A", 1, 0)), encoding="utf-8"
    )
    assert origin_of(cut) is Origin.CORRECTED
    assert origin_of(tmp_path / "sub-01_T2w_seg.nii.gz") is Origin.UNKNOWN


def test_the_device_is_the_one_that_was_used():
    assert written(device="auto")["Device"] == "cpu"
    assert written(device="auto")["Engine"] == "OpenVINO 2026.4.1"


def test_what_is_given_away_names_no_patient_and_no_folder():
    content = {
        "GeneratedBy": [
            {"Name": "spinalcordtoolbox: sct_deepseg -i /lab/smith/t2.nii.gz -o C:\\x\\y\\o.nii"},
            {"Name": "Manual", "Author": "Anna", "CSVLogPath": "/lab/log/cart.csv"},
        ],
        "CodeURL": "https://github.com/SoftCordSeg/SoftCordSeg",
        "PatientName": "Smith",
        "AcquisitionDateTime": "2026-01-01",
        "InstitutionAddress": "here",
        "Notes": ["1/2 of the cord", "and/or"],
        "Threshold": 0.5,
    }

    shared = shared_sidecar(content)

    assert shared == {
        "GeneratedBy": [
            {"Name": "spinalcordtoolbox: sct_deepseg -i t2.nii.gz -o o.nii"},
            {"Name": "Manual", "Author": "Anna", "CSVLogPath": "cart.csv"},
        ],
        "CodeURL": "https://github.com/SoftCordSeg/SoftCordSeg",
        "Notes": ["1/2 of the cord", "and/or"],
        "Threshold": 0.5,
    }
    assert shared_sidecar(shared) == shared


def test_a_new_prediction_below_corrections_goes_on_with_the_history():
    software, old, new = ({"Name": name} for name in ("SoftCordSeg", "old", "new"))
    hand = manual_entry("Anna", "2026-02-03 04:05:06")
    existing = {
        "GeneratedBy": [software, old, hand],
        "Model": old,
        "Box": {"SizeMm": [1, 2, 3]},
        "Notes": ["Old."],
        "Doubt": {"Score": 0.9},
        "Laboratory": "ours",
    }
    content = {"GeneratedBy": [software, new], "Model": new, "Box": None}

    kept = with_new_prediction(existing, content, added=3, removed=0)
    plain = with_new_prediction(existing, content)

    assert kept == {
        "GeneratedBy": [software, old, hand, new],
        "Model": new,
        "Box": None,
        "Laboratory": "ours",
        "CorrectedByHand": {"VoxelsAdded": 3, "VoxelsRemoved": 0},
    }
    assert is_corrected(kept)
    assert "CorrectedByHand" not in plain
