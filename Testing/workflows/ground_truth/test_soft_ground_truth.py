"""From the masks of a participant to files: names, what is left out, and nothing half-written."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import names_in
from cli.scans import neck
from groundtruth.cords import Cord, grid
from SoftCordSegLib.bids import read_sidecar, sidecar_path, with_correction
from SoftCordSegLib.errors import Cancelled, OptionError, OutputError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import write_nifti
from SoftCordSegLib.workflows.ground_truth.masked_participants import (
    MaskedParticipant,
    find_masked_participants,
)
from SoftCordSegLib.workflows.ground_truth.soft_ground_truth import (
    GroundTruthPaths,
    SoftGroundTruthOptions,
    check_paths,
    leave_out,
    make_soft_ground_truth,
)

AS_DATASET = SoftGroundTruthOptions(as_dataset=True)


def test_results_lie_where_bids_has_them(tmp_path):
    masks = {
        "T2w": Path("sub-01_ses-a_T2w_seg-manual.nii.gz"),
        "dwi": Path("sub-01_ses-a_dwi_seg.nii"),
    }
    one = MaskedParticipant("sub-01_ses-a", masks)
    paths = GroundTruthPaths(tmp_path, one, SoftGroundTruthOptions(as_dataset=True, binary=True))
    root = tmp_path / "derivatives"

    home = root / "labels_softseg/sub-01/ses-a"
    assert paths.soft("T2w") == home / "anat/sub-01_ses-a_T2w_label-SC_softseg.nii.gz"
    assert paths.soft("dwi").parent == home / "dwi"
    assert paths.binary("T2w").parent == root / "labels_softseg_bin/sub-01/ses-a/anat"
    name = paths.transform("T2w", "flip-1_mt-on_MTS", "T2w").name
    assert name == "sub-01_ses-a_from-flip1mtonMTS_to-T2w_mode-image_xfm.nii.gz"
    assert paths.page() == home / "sub-01_ses-a_softgt.html"


def test_the_names_may_be_those_that_the_bids_validator_accepts(tmp_path):
    one = MaskedParticipant("sub-01", {"T2w": Path("sub-01_T2w_seg-manual.nii.gz")})
    paths = GroundTruthPaths(tmp_path, one, SoftGroundTruthOptions(standard_names=True))

    assert paths.soft("T2w").name == "sub-01_label-SC_desc-T2w_probseg.nii.gz"
    assert paths.discs("T2w").name == "sub-01_desc-T2wWarpedDiscs_dseg.nii.gz"


def test_results_of_one_name_are_refused(tmp_path):
    masks = {"T2w": "a/T2w_seg.nii.gz", "a-b": "a/1_seg.nii.gz", "ab": "a/2_seg.nii.gz"}
    one = MaskedParticipant("sub-01", {name: Path(path) for name, path in masks.items()})

    with pytest.raises(OptionError, match="would have the same name"):
        check_paths(one, tmp_path, SoftGroundTruthOptions())


def test_stopped_work_leaves_nothing(tmp_path):
    write_nifti(Cord().mask(grid(0.8, (24, 24, 8))), tmp_path / "in" / "T2w_seg.nii.gz")
    one = MaskedParticipant("sub-01", {"T2w": tmp_path / "in" / "T2w_seg.nii.gz"})
    checks = []

    def stop_before_writing():
        checks.append(None)
        return len(checks) > 5  # the last check

    with pytest.raises(Cancelled):
        make_soft_ground_truth(
            one, tmp_path / "out", progress=Progress(is_cancelled=stop_before_writing)
        )

    assert len(checks) == 6
    assert names_in(tmp_path / "out") == []


def test_what_is_kept_of_a_participant_is_small(tmp_path):
    """A study has hundreds of them, and the page over all comes last."""
    mask = Cord().mask(grid(1.0, (64, 64, 40)))
    for contrast in ("T1w", "T2w"):
        write_nifti(mask, tmp_path / f"sub-01_{contrast}_label-SC_seg.nii.gz")
    (one,) = find_masked_participants(tmp_path, "T2w")

    made = make_soft_ground_truth(one, tmp_path / "out")

    assert len(pickle.dumps(made)) < mask.data.size / 4
    assert [contrast.name for contrast in made.truth.contrasts] == ["T1w", "T2w"]
    assert Path(made.files["soft T1w"]).exists()


@pytest.fixture
def participants(tmp_path):
    """Two participants of a data set with two contrasts each."""
    whole = neck(2.0, (20, 20, 20))
    mask = whole.with_data((whole.data > 500).astype(np.uint8))
    for name in ("sub-01", "sub-02"):
        folder = tmp_path / "data/derivatives/labels" / name / "anat"
        for contrast in ("T1w", "T2w"):
            write_nifti(mask, folder / f"{name}_{contrast}_label-SC_seg.nii.gz")
    return find_masked_participants(tmp_path / "data", "T2w")


def listed(tmp_path, text):
    path = tmp_path / "list.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_list_may_name_the_image_or_its_mask_and_unknown_names_are_said(participants, tmp_path):
    names = ("sub-01_T1w.nii.gz", "sub-02_T1w_label-SC_seg.nii.gz", "sub-09", "sub-01_T9w")
    path = listed(tmp_path, "FILES_SEG:\n" + "".join(f"- {name}\n" for name in names))

    kept, sentences = leave_out(participants, path, tmp_path / "out", AS_DATASET)

    assert [list(one.masks) for one in kept] == [["T2w"], ["T2w"]]
    assert "'list.yml' also names what is not here (2): sub-09, sub-01_T9w." in sentences
    assert "But" not in " ".join(sentences)


def test_an_earlier_ground_truth_that_is_left_out_now_is_named(participants, tmp_path):
    for one in participants:
        make_soft_ground_truth(one, tmp_path / "out", AS_DATASET)
    path = listed(tmp_path, "- sub-01_T1w  # artifact\n- sub-02\n")

    kept, (first, second) = leave_out(participants, path, tmp_path / "out", AS_DATASET)

    assert [one.name for one in kept] == ["sub-01"]
    assert "But sub-01_T1w_label-SC_softseg.nii.gz of an earlier run is still there" in first
    assert (
        "But sub-02_T1w_label-SC_softseg.nii.gz, sub-02_T2w_label-SC_softseg.nii.gz of an"
        " earlier run" in second
    )
    soft = "labels_softseg/sub-01/anat/sub-01_T1w_label-SC_softseg.nii.gz"
    assert (tmp_path / "out/derivatives" / soft).exists()  # said, not deleted


def test_a_ground_truth_that_was_corrected_by_hand_stays(tmp_path):
    write_nifti(Cord().mask(grid(0.8, (24, 24, 8))), tmp_path / "in" / "T2w_seg.nii.gz")
    one = MaskedParticipant("sub-01", {"T2w": tmp_path / "in" / "T2w_seg.nii.gz"})
    for _ in range(2):  # what the program made is made again
        make_soft_ground_truth(one, tmp_path / "out")
    soft = tmp_path / "out" / "T2w_label-SC_softseg.nii.gz"
    before = soft.read_bytes()
    content = with_correction(read_sidecar(sidecar_path(soft)), "First Last", 1, 0)
    sidecar_path(soft).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(OutputError, match="corrected by hand") as caught:
        make_soft_ground_truth(one, tmp_path / "out")
    assert caught.value.path == soft
    assert soft.read_bytes() == before
