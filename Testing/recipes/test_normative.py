"""The summary of the normative tables, on a table that is known."""

from __future__ import annotations

import numpy as np
import pytest

from recipes.loaded_recipe import recipe
from SoftCordSegLib.resources import resources_folder


@pytest.fixture(scope="module")
def normative(repository):
    return recipe("normative", repository)


@pytest.fixture
def tables(tmp_path):
    """Twelve healthy participants of 70, 71, … mm², the first with two sessions; a patient."""
    areas = [69.0, 71.0, *(70.0 + n for n in range(1, 12)), 20.0]
    lines = ["row\tmetric\tdataset\tparticipant\tsession\tsex\tage_years\tpathology\tcontrast"]
    for row, _ in enumerate(areas):
        participant = 0 if row < 2 else row
        what = "MS" if row == 13 else "HC"
        sex = "FM"[row % 2] if row > 1 else "F"
        lines.append(
            f"{row}\tcord\tAOMIC\t{participant}\t1\t{sex}\t{25 + row // 12 * 10}\t{what}\tT1w"
        )
    (tmp_path / "sessions.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    np.savez(
        tmp_path / "measures.npz",
        values=np.repeat(np.array(areas, np.float32)[:, None, None], 4, axis=2),
        measure=np.array(["area_mm2"]),
        slice=np.array([800, 804, 890, 894]),
        level=np.array([4, 4, 3, 3]),
    )
    return tmp_path


def test_a_participant_counts_once_and_patients_do_not(normative, tables):
    rows = {(row[0], row[2], row[3]): row[4:] for row in normative.table(tables)}

    count, mean, sd = rows[890, "all", "all"]
    assert (count, mean) == (12, "75.50")
    assert float(sd) == pytest.approx(np.std(np.arange(70, 82), ddof=1), abs=0.01)


def test_small_groups_and_the_ends_of_brain_images_are_left_out(normative, tables):
    rows = normative.table(tables)

    assert {row[0] for row in rows} == {890}
    assert {row[2] for row in rows} == {"all"}
    assert {row[3] for row in rows} == {"all", "20"}


def test_the_table_that_is_shipped_is_the_one_that_is_made(normative, shared_data):
    text = (resources_folder() / "Normative" / "cord_area.csv").read_text(encoding="utf-8")
    rows = [",".join(map(str, row)) for row in normative.table(shared_data / "normative")]

    assert text.splitlines() == [",".join(normative.COLUMNS), *rows]
