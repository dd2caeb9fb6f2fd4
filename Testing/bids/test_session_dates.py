"""When visits were."""

from __future__ import annotations

import pytest

from SoftCordSegLib.bids import session_years

VISITS = ("ses-1", "ses-2")


def years(root):
    found = session_years(root, "sub-01", VISITS)
    return found["ses-2"] - found["ses-1"] if len(found) == 2 else None


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("sub-01_sessions.tsv", "session_id\tacq_time\nses-1\t1900-01-01\nses-2\t1902-01-01"),
        ("sub-01_sessions.tsv", "session_id\tage\n1\t40\n2\t42\n"),
        ("sub-01_sessions.tsv", "session_id\tacq_time\tage\nses-1\tn/a\t40\nses-2\tn/a\t42\n"),
        (
            "ses-{}/sub-01_ses-{}_scans.tsv",
            "filename\tacq_time\nanat/a.nii.gz\t190{}-05-01T10:00:00.123456Z\n",
        ),
    ],
)
def test_dates_and_ages_and_scans(tmp_path, file, text):
    for number, year in ((1, 0), (2, 2)):
        path = tmp_path / "sub-01" / file.format(number, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(year), encoding="utf-8")
    assert years(tmp_path) == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("text", ["", "session_id\nses-1\nses-2\n", "\0", "session_id\tage\nx"])
def test_what_is_not_known(tmp_path, text):
    (tmp_path / "sub-01").mkdir()
    (tmp_path / "sub-01/sub-01_sessions.tsv").write_text(text, encoding="utf-8")
    assert years(tmp_path) is None
