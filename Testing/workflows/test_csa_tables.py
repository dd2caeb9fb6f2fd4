"""The contrasts of a participant side by side, from masks in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.fakes import a_neck, rows_of
from SoftCordSegLib.errors import OptionError
from SoftCordSegLib.progress import Progress
from SoftCordSegLib.volume import write_nifti
from SoftCordSegLib.workflows.csa_measure import CsaOptions, MaskLevels, measure_volume
from SoftCordSegLib.workflows.csa_tables import CsaFiles, make_csa_tables, write_csa


def measured(name: str, radius_mm: float = 4.0):
    neck = a_neck(radius_mm)
    mask = neck.with_data(neck.data / 1000)
    return measure_volume(Path(name), mask, MaskLevels(), CsaOptions(), Progress())


def test_from_mask_files_to_tables_in_one_call(tmp_path):
    masks = [tmp_path / f"sub-01_{name}_seg.nii.gz" for name in ("T1w", "T2w", "T2star")]
    for path, radius in zip(masks, (4.0, 4.4, 4.2)):
        write_nifti(a_neck(radius).with_data(a_neck(radius).data / 1000), path)
    masks[2].write_text("no image", encoding="utf-8")
    files = CsaFiles(tmp_path / "csa.csv", compare=tmp_path / "contrasts.csv")
    said = []
    made = make_csa_tables(masks, CsaOptions(), files, on_failure=lambda one: said.append(one.name))
    assert said == [failure.name for failure in made.failures] == [masks[2].name]
    assert len(rows_of(files.table)) == 60
    assert list(made.compared[0].spreads[0].values) == ["T1w", "T2w"]
    assert len(rows_of(files.compare)) == 30


def test_one_mask_is_tabled_though_it_cannot_be_compared(tmp_path):
    mask = tmp_path / "sub-01_T1w_seg.nii.gz"
    write_nifti(a_neck().with_data(a_neck().data / 1000), mask)
    files = CsaFiles(tmp_path / "csa.csv", compare=tmp_path / "contrasts.csv")
    made = make_csa_tables([mask], CsaOptions(), files)
    assert "nothing to compare" in str(made.compare_error)
    assert made.files.table.exists()
    assert not files.compare.exists()


def test_all_files_or_none(tmp_path):
    table = tmp_path / "csa.csv"
    write_csa(CsaFiles(table), [measured("a.nii.gz")], [])
    assert {row["Filename"] for row in rows_of(table)} == {"a.nii.gz"}
    before = table.read_bytes()
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OptionError, match="is a folder"):
        CsaFiles(table, figure=tmp_path / "folder.svg").check([])
    assert table.read_bytes() == before
