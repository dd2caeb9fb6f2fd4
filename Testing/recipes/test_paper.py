"""The paper's recipe, rehearsed: every command of its makefile, on a few phantom participants."""

from __future__ import annotations

import importlib
import json
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.fakes import rows_of, write_points
from cli.scans import write_series
from groundtruth.cords import Cord, grid
from SoftCordSegLib.cli.app import app
from SoftCordSegLib.groundtruth import read_exclusions
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti

CORD = Cord(bend=(2, -3))
DISCS_MM = {3: (0, -8, 8), 4: (0, -8, 0), 5: (0, -8, -8)}
ANISOTROPIC = ((0.9, 0.9, 5.0), (24, 24, 7))
# Grid, brightness of the cord above the background, shift of the neck in mm.
ANAT = {
    "T1w": ((1.0, (24, 24, 30)), 300, (0.5, -0.3)),
    "T2w": ((0.8, (30, 30, 38)), -200, (0.0, 0.0)),
    "acq-MTon_MTS": (ANISOTROPIC, 400, (-0.5, 0.4)),
    "acq-T1w_MTS": (ANISOTROPIC, 200, (-0.4, 0.4)),
    "acq-MToff_MTS": (ANISOTROPIC, 300, (-0.4, 0.4)),  # not one of the six
}
LATER_NAMES = {"acq-MTon_MTS": "flip-1_mt-on_MTS", "acq-T1w_MTS": "flip-2_mt-off_MTS"}
ECHOES, BVALS = (1.0, 0.6), (0, 800, 800, 800)
PARTICIPANTS = ("sub-amu01", "sub-amu02", "sub-mgh01", "sub-mgh02", "sub-ucl01")
TINY = {
    "network": "{features: [4, 8], strides: [[1, 1, 1], [2, 2, 2]]}",
    "patch": "[16, 16, 16]",
    "epochs": "1",
    "validate_every": "1",
    "source.augmentation": "none",
}


def an_image(place, brightness: float, shift, seed: int) -> tuple[Volume, Volume]:
    """An image of the cord, and its binary mask."""
    soft = CORD.mask(place, shift)
    noise = np.random.default_rng(seed).normal(0, 4, soft.shape)
    image = soft.with_data((500 + brightness * soft.data + noise).astype(np.float32))
    return image, soft.with_data((soft.data >= 0.5).astype(np.uint8))


def write_participant(root: Path, name: str, number: int, later: bool = False) -> None:
    """The raw images, masks and discs of a participant, named as an older or a later release."""
    labels = root / "derivatives" / "labels" / name
    mask_name = "{}_label-SC_seg" if later else "{}_seg-manual"
    for contrast, (place, brightness, shift) in ANAT.items():
        image, mask = an_image(grid(*place), brightness + 20 * number, shift, number)
        stem = f"{name}_{LATER_NAMES.get(contrast, contrast) if later else contrast}"
        write_nifti(image, root / name / "anat" / f"{stem}.nii.gz")
        drawn = stem.replace("_T2w", "_space-other_T2w") if later else stem
        write_nifti(mask, labels / "anat" / f"{mask_name.format(drawn)}.nii.gz")
        if contrast == "T2w":
            voxels = {
                value: tuple(np.round(mask.grid.to_voxel(mm)).astype(int))
                for value, mm in DISCS_MM.items()
            }
            discs = "label-discs_dlabel" if later else "labels-disc-manual"
            write_points(labels / "anat" / f"{stem}_{discs}.nii.gz", voxels, mask)
    thick, mask = an_image(grid(*ANISOTROPIC), 300, (0.3, 0.2), number)
    series = np.stack([thick.data * factor for factor in ECHOES], axis=3)
    write_series(series, thick.affine, root / name / "anat" / f"{name}_T2star.nii.gz")
    write_nifti(mask, labels / "anat" / f"{mask_name.format(f'{name}_T2star')}.nii.gz")
    series = np.stack([thick.data * (2 if b == 0 else 1) for b in BVALS], axis=3)
    path = write_series(series, thick.affine, root / name / "dwi" / f"{name}_dwi.nii.gz")
    path.with_name(f"{name}_dwi.bval").write_text(" ".join(map(str, BVALS)), encoding="utf-8")
    average = f"{name}_rec-average_dwi" if later else f"{name}_dwi_moco_dwi_mean"
    write_nifti(mask, labels / "dwi" / f"{mask_name.format(average)}.nii.gz")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """Five participants with six contrasts, one on the paper's list, and one without DWI."""
    root = tmp_path_factory.mktemp("data-multi-subject")
    for number, name in enumerate(PARTICIPANTS):
        write_participant(root, name, number, later=name == "sub-ucl01")
    for name in ("sub-ucdavis01", "sub-unf01"):
        shutil.copytree(root / "sub-amu01", root / name)
        for path in sorted((root / name).rglob("*.*")):
            path.rename(path.with_name(path.name.replace("sub-amu01", name)))
    shutil.rmtree(root / "sub-unf01" / "dwi")
    return root


def settings(*networks: str) -> str:
    """Tiny networks, as options of ``softcord train``."""
    given = [f"networks.{name}.{key}={value}" for name in networks for key, value in TINY.items()]
    return " ".join(f"--set {shlex.quote(one)}" for one in given)


def commands(repository: Path, work: Path, dataset: Path) -> list[list[str]]:
    """What the makefile runs."""
    per_contrast = ("T1w", "T2w", "T2star", "MT-on", "GRE-T1w", "DWI")
    variables = {
        "WORK": str(work),
        "DATA": str(dataset),
        "TRAIN": "--accelerator cpu --workers 0 --threads 1",
        "EVALUATE": "--no-figures",  # another test draws them
        **{
            f"TRAIN_{name}": settings(name)
            for name in ("soft_all", "hard_all", "soft_all_dice_loss")
        },
        "TRAIN_soft_per_contrast": settings(*per_contrast),
    }
    given = [f"{name}={value}" for name, value in variables.items()]
    answer = subprocess.run(
        ["make", "--no-print-directory", "-n", "-C", "recipes/paper", *given],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    lines = [shlex.split(line) for line in answer.stdout.splitlines()]
    return [words for words in lines if words[0].startswith("PYTHONPATH=")]


def run(words: list[str], folder: Path) -> None:
    """A command of the makefile, in this process: the program, or a script of the recipe."""
    _, _, *words = words
    words = [str(folder / word) if (folder / word).is_file() else word for word in words]
    if words[:2] == ["-m", "SoftCordSegLib.cli.app"]:
        result = CliRunner().invoke(app, words[2:])
        assert result.exit_code == 0, f"{words}\n{result.stderr}"
        return
    script, *arguments = words
    assert importlib.import_module(Path(script).stem).main(arguments) == 0, words


@pytest.fixture(scope="module")
def rehearsed(repository, dataset, tmp_path_factory) -> Path:
    """The folder of everything that the makefile makes."""
    if shutil.which("make") is None:
        pytest.skip("there is no make here")
    work = tmp_path_factory.mktemp("work")
    folder = repository / "recipes" / "paper"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        # Thirty pictures that other tests look at.
        reports = "SoftCordSegLib.reports"
        patch.setattr(f"{reports}.ground_truth_pictures.slices_png", lambda *volumes: b"")
        patch.setattr(f"{reports}.ground_truth_page.motion_png", lambda truth: None)
        (work / "steps").mkdir()
        for words in commands(repository, work, dataset):
            run(words, folder)
    return work


def test_the_six_contrasts_of_the_papers_participants_are_linked(rehearsed):
    raw = rehearsed / "raw"

    assert sorted(path.name for path in raw.glob("sub-*")) == sorted(PARTICIPANTS)
    for name in PARTICIPANTS:
        assert len(list((raw / name).rglob("*.nii.gz"))) == 6
        assert len(list((raw / "derivatives/labels" / name).rglob("*.nii.gz"))) == 7
    assert not list(raw.rglob("*MToff*"))


def test_each_contrast_has_an_image_and_the_mask_of_the_data_set(rehearsed):
    prepared = rehearsed / "prepared"

    for name in PARTICIPANTS:
        images = list((prepared / name).rglob("*.nii.gz"))
        masks = list((prepared / "derivatives/labels" / name).rglob("*_label-SC_seg.nii.gz"))
        assert len(images) == len(masks) == 6
        for mask in masks:
            record = json.loads(
                mask.with_name(mask.name.replace(".nii.gz", ".json")).read_text(encoding="utf-8")
            )
            assert record["Description"] == "Copy of a mask of the data set."


def test_the_split_is_by_participant_with_the_papers_seed(rehearsed):
    soft, hard = (
        json.loads((rehearsed / f"dataset{kind}.json").read_text(encoding="utf-8"))
        for kind in ("", "_hard")
    )

    parts = ("training", "validation", "test")
    assert [len(soft[part]) for part in parts] == [18, 6, 6]
    assert soft["seed"] == 15
    images = [[[entry["image"] for entry in one[part]] for part in parts] for one in (soft, hard)]
    assert images[0] == images[1]
    assert all("softseg" in entry["label"] for entry in soft["training"])


def test_the_four_variants_give_nine_bundles(rehearsed):
    runs = rehearsed / "runs"

    bundles = sorted(
        str(path.parents[1].relative_to(runs)) for path in runs.rglob("configs/metadata.json")
    )
    one = ["hard_all/bundle", "soft_all/bundle", "soft_all_dice_loss/bundle"]
    names = ("T1w", "T2w", "T2star", "MT-on", "GRE-T1w", "DWI")
    assert bundles == sorted([*one, *(f"soft_per_contrast/{name}/bundle" for name in names)])


def test_tables_are_of_the_held_out_participants(rehearsed):
    tables = rehearsed / "evaluation" / "tables"

    contrasts = rows_of(tables / "table1_contrasts.csv")
    methods = ("soft_all", "hard_all", "soft_all_dice_loss", "soft_per_contrast")
    assert {(row["contrast"], row["method"]) for row in contrasts} == {
        (contrast, method)
        for contrast in ("T1w", "T2w", "T2*", "MT-on", "GRE-T1w", "DWI")
        for method in methods
    }
    assert [row["method"] for row in rows_of(tables / "table2_methods.csv")] == list(methods)
    areas = rows_of(rehearsed / "evaluation" / "csa.csv")
    assert {row["method"] for row in areas} >= {"soft_all"}
    assert len({row["contrast"] for row in areas}) == 6


def test_the_numbers_stand_beside_the_papers(rehearsed):
    text = (rehearsed / "beside_the_paper.md").read_text(encoding="utf-8")

    rows = [line for line in text.splitlines() if line.startswith("| DWI | soft_all |")]
    assert len(rows) == 1
    cells = [cell.strip() for cell in rows[0].strip("|").split("|")]
    assert cells[2] == "0.96 ± 0.02"
    assert cells[3] != "–"
    assert "| sci-t2w | soft_all | 0.86 ± 0.07 | – |" in text


def test_masks_come_to_the_grid_of_their_image(repository, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(repository / "recipes" / "paper")
    image, drawn = an_image(grid(1.0, (24, 24, 30)), 300, (0, 0), 0)
    _, mask = an_image(grid(0.8, (30, 30, 38)), 300, (0, 0), 0)
    write_nifti(image, tmp_path / "sub-01/anat/sub-01_T1w.nii.gz")
    path = tmp_path / "derivatives/labels/sub-01/anat/sub-01_T1w_label-SC_seg.nii.gz"
    write_nifti(mask, path)

    assert importlib.import_module("masks_on_grid").main([str(tmp_path)]) == 0

    moved = read_nifti(path)
    assert moved.grid.same_as(image.grid)
    assert np.unique(moved.data).tolist() == [0, 1]
    overlap = 2 * (moved.data * drawn.data).sum() / (moved.data.sum() + drawn.data.sum())
    assert overlap > 0.95


def test_the_papers_list_leaves_24_of_267_out(repository):
    entries = read_exclusions(repository / "recipes/paper/exclude.yml").entries

    assert len({entry.name for entry in entries}) == 24
    assert 267 - 24 == 243
