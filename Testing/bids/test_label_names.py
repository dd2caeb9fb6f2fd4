"""Every name that a file of a mask, of disc labels or of an image is known to have, and what it
says.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from SoftCordSegLib.bids import Kind, label_name, read_name, spellings

SOFT, BINARY, CUT = Kind.SOFT_MASK, Kind.BINARY_MASK, Kind.CUT_SOFT_MASK
DISCS, WARPED, EDITS = Kind.DISCS, Kind.WARPED_DISCS, Kind.EDIT_MAP
IMAGE, OTHER, TRANSFORM = Kind.IMAGE, Kind.OTHER_LABEL, Kind.TRANSFORM

# name, kind, stem of the image that it is of, description
KNOWN = [
    # Ours, which is the lab's of today (Spine Generic r20250310, manual-correction).
    ("sub-01_T2w_label-SC_softseg.nii.gz", SOFT, "sub-01_T2w", ""),
    ("sub-01_T2w_label-SC_softseg.json", SOFT, "sub-01_T2w", ""),
    ("sub-01_T2w_label-SC_seg.nii.gz", BINARY, "sub-01_T2w", ""),
    ("sub-01_T2w_label-discs_dlabel.nii.gz", DISCS, "sub-01_T2w", ""),
    ("sub-01_T2w_label-discs_dlabel.mrk.json", DISCS, "sub-01_T2w", ""),
    ("sub-01_T2w_label-SC_edits.nii.gz", EDITS, "sub-01_T2w", ""),
    ("sub-01_T2w_desc-softseg_label-SC_seg.nii.gz", CUT, "sub-01_T2w", "softseg"),
    ("sub-01_T2star_label-discs_desc-warp_dlabel.nii.gz", WARPED, "sub-01_T2star", "warp"),
    ("sub-01_from-T1w_to-T2w_mode-image_xfm.nii.gz", TRANSFORM, "sub-01", ""),
    # Spine Generic, older and newer.
    ("sub-amu01_flip-1_mt-on_MTS_label-SC_seg.nii.gz", BINARY, "sub-amu01_flip-1_mt-on_MTS", ""),
    (
        "sub-amu01_flip-1_mt-on_space-other_MTS_label-SC_softseg.nii.gz",
        SOFT,
        "sub-amu01_flip-1_mt-on_space-other_MTS",
        "",
    ),
    ("sub-amu01_rec-average_dwi_label-SC_seg.nii.gz", BINARY, "sub-amu01_rec-average_dwi", ""),
    ("sub-amu01_acq-MTon_MTS_softseg.nii.gz", SOFT, "sub-amu01_acq-MTon_MTS", ""),
    ("sub-amu01_T2w_softseg_bin.nii.gz", CUT, "sub-amu01_T2w", ""),
    ("sub-cardiff03_T2w_seg-manual.nii.gz", BINARY, "sub-cardiff03_T2w", ""),
    ("sub-amu01_T1w_label-SC_seg-manual.nii.gz", BINARY, "sub-amu01_T1w", ""),
    ("sub-amu01_T1w_labels-disc-manual.nii.gz", DISCS, "sub-amu01_T1w", ""),
    ("sub-amu01_T1w_label-disc-manual.nii.gz", DISCS, "sub-amu01_T1w", ""),
    ("sub-amu01_T2w_label-SC_desc-rater3_seg.nii.gz", BINARY, "sub-amu01_T2w", "rater3"),
    ("sub-amu01_T2w_label-SC_seg_desc-rater3.nii.gz", BINARY, "sub-amu01_T2w", "rater3"),
    ("sub-amu01_T2w_label-canal_seg.nii.gz", OTHER, "sub-amu01_T2w", ""),
    ("sub-amu01_T2w_label-spine_dseg.nii.gz", OTHER, "sub-amu01_T2w", ""),
    ("sub-amu01_T2w_label-rootlets_dseg.nii.gz", OTHER, "sub-amu01_T2w", ""),
    ("sub-amu01_T2w_label-pmj.nii.gz", OTHER, "sub-amu01_T2w", ""),
    ("sub-amu01_T2w_csfseg-manual.nii.gz", OTHER, "sub-amu01_T2w", ""),
    ("sub-amu01_T2w_RPI_r_labels-manual.nii.gz", OTHER, "sub-amu01_T2w_RPI_r", ""),
    ("sub-01_T2w_label-GM_seg.nii.gz", OTHER, "sub-01_T2w", ""),
    # manual-correction's suffixes.
    ("sub-01_ses-M0_T2w_seg.nii.gz", BINARY, "sub-01_ses-M0_T2w", ""),
    ("sub-01_T2w_label-SC_mask.nii.gz", BINARY, "sub-01_T2w", ""),
    ("sub-01_T2w_labels-disc.nii.gz", DISCS, "sub-01_T2w", ""),
    ("sub-01_T2w_gmseg.nii.gz", OTHER, "sub-01_T2w", ""),
    ("sub-01_T2w_lesion.nii.gz", OTHER, "sub-01_T2w", ""),
    ("sub-01_T2w_pmj.nii.gz", OTHER, "sub-01_T2w", ""),
    ("sub-01_T2w_label-compression.nii.gz", OTHER, "sub-01_T2w", ""),
    ("sub-01_T2w_centerline.nii.gz", OTHER, "sub-01_T2w", ""),
    # SCT's outputs.
    ("t2_seg.nii.gz", BINARY, "t2", ""),
    ("t2s_seg.nii", BINARY, "t2s", ""),
    ("dmri_moco_dwi_mean_seg.nii.gz", BINARY, "dmri_moco_dwi_mean", ""),
    ("t2_seg_labeled.nii.gz", OTHER, "t2", ""),
    ("t2_seg-manual_labeled.nii.gz", OTHER, "t2", ""),
    ("t2_seg_labeled_discs.nii.gz", DISCS, "t2", ""),
    ("t2_totalspineseg_discs.nii.gz", DISCS, "t2", ""),
    ("t2s_uncropped_gmseg_manual.nii.gz", OTHER, "t2s_uncropped", ""),
    # Older names of ours.
    ("sub-01_T2w_softseg.nii.gz", SOFT, "sub-01_T2w", ""),
    ("scan_softseg.nii.gz", SOFT, "scan", ""),
    ("sub-01_T2w_discs.nii.gz", DISCS, "sub-01_T2w", ""),
    ("sub-01_T2w_discs.fcsv", DISCS, "sub-01_T2w", ""),
    (
        "sub-01_ses-2_acq-MTon_MTS_desc-corrected_seg.nii.gz",
        BINARY,
        "sub-01_ses-2_acq-MTon_MTS",
        "corrected",
    ),
    # BIDS derivatives: the contrast is in desc, or in front of label.
    ("sub-01_label-SC_desc-T2w_probseg.nii.gz", SOFT, "sub-01_T2w", ""),
    ("sub-01_acq-MTon_label-SC_desc-MTS_probseg.nii.gz", SOFT, "sub-01_acq-MTon_MTS", ""),
    ("sub-01_ses-1_label-SC_desc-T2w_mask.nii.gz", BINARY, "sub-01_ses-1_T2w", ""),
    ("sub-01_desc-T2wDiscs_dseg.nii.gz", DISCS, "sub-01_T2w", ""),
    ("sub-01_label-SC_desc-flip2mtoffMTS_mask.nii.gz", BINARY, "sub-01_flip-2_mt-off_MTS", ""),
    ("sub-01_acq-T2w_desc-discs_dseg.nii.gz", DISCS, "sub-01_acq-T2w", ""),
    ("sub-01_T2w_label-SC_probseg.nii.gz", SOFT, "sub-01_T2w", ""),
    ("sub-01_label-SC_probseg.nii.gz", SOFT, "sub-01", ""),
    ("sub-01_T2w_label-SC_dseg.nii.gz", BINARY, "sub-01_T2w", ""),
    ("sub-01_desc-T2wLesions_dseg.nii.gz", OTHER, "sub-01", ""),
    # Names that are not BIDS.
    ("scan_label-SC_softseg.nii.gz", SOFT, "scan", ""),
    ("my_neck_scan_label-SC_seg.nii.gz", BINARY, "my_neck_scan", ""),
    ("patient.7_seg.nii.gz", BINARY, "patient.7", ""),
    # Images.
    ("sub-01_T2w.nii.gz", IMAGE, "sub-01_T2w", ""),
    ("sub-01_rec-average_dwi.nii.gz", IMAGE, "sub-01_rec-average_dwi", ""),
    ("sub-01_desc-preproc_T2w.nii.gz", IMAGE, "sub-01_desc-preproc_T2w", ""),
    ("scan.nii.gz", IMAGE, "scan", ""),
    ("cord.nii", IMAGE, "cord", ""),
    ("seg.nii.gz", IMAGE, "seg", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "image", "description"), KNOWN)
def test_a_known_name_is_read(name, kind, image, description):
    found = read_name(Path("anywhere") / name)
    assert (found.kind, found.image, found.description) == (kind, image, description)
    assert name.endswith(found.extension)


@pytest.mark.parametrize(
    ("image", "kind", "name", "standard"),
    [
        (
            "sub-01_ses-1_acq-MTon_MTS",
            SOFT,
            "sub-01_ses-1_acq-MTon_MTS_label-SC_softseg",
            "sub-01_ses-1_acq-MTon_label-SC_desc-MTS_probseg",
        ),
        ("sub-01_T2w", SOFT, "sub-01_T2w_label-SC_softseg", "sub-01_label-SC_desc-T2w_probseg"),
        ("sub-01_T2w", BINARY, "sub-01_T2w_label-SC_seg", "sub-01_label-SC_desc-T2w_mask"),
        ("sub-01_T2w", DISCS, "sub-01_T2w_label-discs_dlabel", "sub-01_desc-T2wDiscs_dseg"),
        (
            "sub-01_T2w",
            WARPED,
            "sub-01_T2w_label-discs_desc-warp_dlabel",
            "sub-01_desc-T2wWarpedDiscs_dseg",
        ),
        (
            "sub-01_T2w",
            CUT,
            "sub-01_T2w_desc-softseg_label-SC_seg",
            "sub-01_label-SC_desc-T2wSoftseg_mask",
        ),
        ("sub-01_T2w", EDITS, "sub-01_T2w_label-SC_edits", "sub-01_desc-T2wEdits_dseg"),
        (
            "sub-01_desc-preproc_T2w",
            SOFT,
            "sub-01_desc-preproc_T2w_label-SC_softseg",
            "sub-01_label-SC_desc-preprocT2w_probseg",
        ),
        # The validator refuses flip- and mt- in the name of a mask.
        (
            "sub-01_flip-1_mt-on_space-other_MTS",
            SOFT,
            "sub-01_flip-1_mt-on_space-other_MTS_label-SC_softseg",
            "sub-01_space-other_label-SC_desc-flip1mtonMTS_probseg",
        ),
        # Names that are not BIDS cannot become so.
        ("scan", SOFT, "scan_label-SC_softseg", "scan_label-SC_softseg"),
        ("dwi_moco", BINARY, "dwi_moco_label-SC_seg", "dwi_moco_label-SC_seg"),
        ("sub-01_T2w_r", BINARY, "sub-01_T2w_r_label-SC_seg", "sub-01_T2w_r_label-SC_seg"),
    ],
)
def test_the_name_that_is_written(image, kind, name, standard):
    assert label_name(image, kind) == f"{name}.nii.gz"
    assert label_name(Path("a") / f"{image}.nii", kind) == f"{name}.nii.gz"
    assert label_name(image, kind, standard_names=True, extension=".json") == f"{standard}.json"
    for written in (name, standard):
        assert read_name(f"{written}.nii.gz").kind == kind


PAGE = Path(__file__).parents[2] / "docs" / "file-names.md"
# The page's words for each kind.
WORDS = {
    "soft mask": SOFT,
    "binary mask": BINARY,
    "disc labels": DISCS,
    "disc labels carried over from another image": WARPED,
    "soft ground truth at or above 0.5": CUT,
    "what was corrected by hand: 1 added, -1 removed": EDITS,
    "label of something else": OTHER,
}


def rows_of_the_page():
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = [cell.strip("`") for cell in cells if cell.startswith("`") and "." in cell]
        words = [cell for cell in cells if cell in WORDS]
        yield from ((name, WORDS[words[0]]) for name in names if words)


def test_the_page_on_file_names_is_true():
    rows = list(rows_of_the_page())
    assert {kind for _, kind in rows} == set(WORDS.values())
    assert [(name, read_name(name).kind) for name, _ in rows] == rows


WRITTEN = (SOFT, BINARY, CUT, DISCS, WARPED, EDITS)
words = st.text("abcXYZ019", min_size=1, max_size=5)
suffixes = st.sampled_from(["T1w", "T2w", "T2star", "MTS", "dwi", "bold", "PSIR", "UNIT1", "MEGRE"])


@st.composite
def images(draw):
    """Stems of images in the manner of BIDS, and others."""
    if draw(st.booleans()):
        keys = ("ses", "acq", "rec", "run", "flip", "inv", "mt", "space")
        values = {"flip": st.sampled_from("12"), "inv": st.just("2"), "mt": st.just("on")}
        entities = [
            f"{key}-{draw(values.get(key, words))}"
            for key in ("sub", *keys)
            if key == "sub" or draw(st.booleans())
        ]
        return "_".join([*entities, draw(suffixes)])
    stem = "_".join(draw(st.lists(words, min_size=1, max_size=3)))
    return stem if read_name(f"{stem}.nii.gz").kind is IMAGE else "scan"


@given(images(), st.sampled_from(WRITTEN), st.booleans())
def test_what_is_written_is_read(image, kind, standard):
    found = read_name(label_name(image, kind, standard_names=standard))
    assert (found.kind, found.image) == (kind, image)


@given(images(), st.sampled_from(WRITTEN))
def test_every_spelling_is_read_and_the_written_one_comes_first(image, kind):
    names = spellings(image, kind)
    assert f"{names[0]}.nii.gz" == label_name(image, kind)
    for name in names:
        found = read_name(f"{name}.nii.gz")
        assert (found.kind, found.image) == (kind, image), name


@given(st.lists(images(), min_size=2, max_size=2, unique=True), st.booleans())
def test_no_two_images_and_no_two_kinds_share_a_name(pair, standard):
    names = [label_name(one, kind, standard_names=standard) for one in pair for kind in WRITTEN]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("sub-01_T2w_seg-manual.nii.gz", True),
        ("sub-01_T2w_label-SC_seg.nii.gz", True),
        ("sub-01_T2w_seg.nii.gz", False),
        ("sub-01_T2w_softseg.nii.gz", False),
        ("sub-01_label-SC_desc-T2w_mask.nii.gz", True),
    ],
)
def test_names_of_labels_are_told_from_those_of_programs(name, by_hand):
    assert read_name(name).is_label == by_hand


def test_capital_letters_do_not_matter():
    found = read_name("SUB01_T2_Label-sc_SEG.NII.GZ")
    assert (found.kind, found.image) == (BINARY, "SUB01_T2")
