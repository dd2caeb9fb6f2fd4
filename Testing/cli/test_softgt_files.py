"""Which files belong to whom, and where results go."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from cli.fakes import names_in
from groundtruth.cords import Cord, grid
from SoftCordSegLib.cli.guard import UsageProblem
from SoftCordSegLib.cli.softgt.areas import Area, spread
from SoftCordSegLib.cli.softgt.done import Request
from SoftCordSegLib.cli.softgt.files import Layout, check_layout
from SoftCordSegLib.cli.softgt.inputs import Participant, find_participants, image_name
from SoftCordSegLib.cli.softgt.run import run_participant
from SoftCordSegLib.errors import Cancelled
from SoftCordSegLib.groundtruth import GroundTruthOptions
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import write_nifti


def touched(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("sub-01_T1w_label-SC_seg.nii.gz", "sub-01_T1w"),
        ("sub-01_T1w_seg-manual.nii", "sub-01_T1w"),
        ("sub-01_flip-1_mt-on_MTS_label-SC_softseg.nii.gz", "sub-01_flip-1_mt-on_MTS"),
        ("sub-01_T2w_desc-softseg_label-SC_seg.nii.gz", "sub-01_T2w"),
        ("t2_seg.nii.gz", "t2"),
        ("cord.nii.gz", "cord"),
    ],
)
def test_the_image_of_a_mask_by_its_name(file, name):
    assert image_name(Path("anywhere") / file) == name


def test_sessions_and_diffusion_are_found_with_their_images_and_discs(tmp_path):
    labels = "derivatives/labels/sub-01/ses-a"
    touched(
        tmp_path,
        f"{labels}/anat/sub-01_ses-a_T2w_label-SC_seg.nii.gz",
        f"{labels}/anat/sub-01_ses-a_T2w_label-discs_dlabel.nii.gz",
        f"{labels}/anat/sub-01_ses-a_T2w_label-canal_seg.nii.gz",
        f"{labels}/dwi/sub-01_ses-a_rec-average_dwi_label-SC_seg.nii.gz",
        "derivatives/labels/sub-01/ses-b/anat/sub-01_ses-b_T2w_label-SC_seg.nii.gz",
        "sub-01/ses-a/dwi/sub-01_ses-a_rec-average_dwi.nii.gz",
    )

    first, second = find_participants(tmp_path, "T2w")

    assert (first.name, second.name) == ("sub-01_ses-a", "sub-01_ses-b")
    assert sorted(first.masks) == ["T2w", "rec-average_dwi"]
    assert list(first.images) == ["rec-average_dwi"]
    assert first.discs.name == "sub-01_ses-a_T2w_label-discs_dlabel.nii.gz"
    assert first.discs_of == "T2w"
    assert second.discs is None


def test_of_two_masks_of_one_image_the_newer_name_is_taken(tmp_path):
    touched(tmp_path, "sub-01_T2w_seg-manual.nii.gz", "sub-01_T2w_label-SC_seg.nii.gz")

    (one,) = find_participants(tmp_path, "T2w")

    assert one.masks["T2w"].name == "sub-01_T2w_label-SC_seg.nii.gz"


def test_discs_of_another_contrast_are_known_to_be_its(tmp_path):
    touched(
        tmp_path,
        "sub-01_T2w_label-SC_seg.nii.gz",
        "sub-01_T1w_label-SC_seg.nii.gz",
        "sub-01_T1w_label-discs_dlabel.nii.gz",
    )

    (one,) = find_participants(tmp_path, "T2w")

    assert one.discs_of == "T1w"
    assert one.notes == ()


def test_results_lie_where_bids_wants_them(tmp_path):
    one = Participant(
        "sub-01_ses-a",
        {
            "T2w": Path("sub-01_ses-a_T2w_seg-manual.nii.gz"),
            "dwi": Path("sub-01_ses-a_dwi_seg.nii.gz"),
        },
    )
    layout = Layout(tmp_path, as_dataset=True, binary=True)
    root = tmp_path / "derivatives"

    assert (
        layout.soft(one, "T2w")
        == root / "labels_softseg/sub-01/ses-a/anat/sub-01_ses-a_T2w_label-SC_softseg.nii.gz"
    )
    assert layout.soft(one, "dwi").parent == root / "labels_softseg/sub-01/ses-a/dwi"
    assert layout.binarised(one, "T2w").parent == root / "labels_softseg_bin/sub-01/ses-a/anat"
    name = layout.transform(one, "T2w", "flip-1_mt-on_MTS", "T2w").name
    assert name == "sub-01_ses-a_from-flip1mtonMTS_to-T2w_mode-image_xfm.nii.gz"
    assert layout.page(one) == root / "labels_softseg/sub-01/ses-a/sub-01_ses-a_softgt.html"


def test_results_of_one_name_are_refused(tmp_path):
    one = Participant(
        "sub-01",
        {
            "T2w": Path("a/T2w_seg.nii.gz"),
            "a-b": Path("a/1_seg.nii.gz"),
            "ab": Path("a/2_seg.nii.gz"),
        },
    )

    with pytest.raises(UsageProblem, match="would have the same name"):
        check_layout(Layout(tmp_path), one, "T2w")


def test_the_spread_is_that_of_the_paper():
    areas = [Area(str(value), "soft", "2:3", "", value, 0.0) for value in (70.0, 72.0, 77.0)]

    assert spread(areas, "soft") == pytest.approx(np.std([70, 72, 77], ddof=1))
    assert spread(areas, "hard") is None


def test_stopped_work_leaves_nothing(tmp_path):
    write_nifti(Cord().mask(grid(0.8, (24, 24, 8))), tmp_path / "in" / "T2w_seg.nii.gz")
    one = Participant("sub-01", {"T2w": tmp_path / "in" / "T2w_seg.nii.gz"})
    asked = []

    def stop_before_writing():
        asked.append(None)
        return len(asked) > 5  # the last time that it is asked

    with pytest.raises(Cancelled):
        run_participant(
            one,
            Request(GroundTruthOptions(), Layout(tmp_path / "out")),
            Progress(is_cancelled=stop_before_writing),
        )

    assert len(asked) == 6
    assert names_in(tmp_path / "out") == []


def test_what_is_kept_of_a_participant_is_small(tmp_path):
    """A study has hundreds of them, and the page over all comes last."""
    mask = Cord().mask(grid(1.0, (64, 64, 40)))
    for contrast in ("T1w", "T2w"):
        write_nifti(mask, tmp_path / f"sub-01_{contrast}_label-SC_seg.nii.gz")
    (one,) = find_participants(tmp_path, "T2w")

    done = run_participant(one, Request(GroundTruthOptions(), Layout(tmp_path / "out")), Progress())

    assert len(pickle.dumps(done)) < mask.data.size / 4
    assert [contrast.name for contrast in done.truth.contrasts] == ["T1w", "T2w"]
    assert Path(done.files["soft T1w"]).exists()
