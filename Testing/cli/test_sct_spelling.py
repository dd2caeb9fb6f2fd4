"""SCT's spelling of the options of ``softcord csa``, and what is said of those without
counterpart.
"""

from __future__ import annotations

import pytest

from cli.fakes import rows_of
from SoftCordSegLib.cli.sct_spelling import our_spelling


@pytest.mark.parametrize(
    ("scts", "ours"),
    [
        ("-vert 2:3 -perlevel 1", "--vert 2:3 --perlevel"),
        ("-perslice 0 -perlevel 0", ""),
        ("-angle-corr 1", "--angle-corr"),
        (
            "-pmj p.nii -pmj-distance 60 -pmj-extent 30",
            "--pmj p.nii --pmj-distance 60 --pmj-extent 30",
        ),
        ("-centerline c.nii -append 1", "--centerline c.nii --append"),
        ("-vertfile v.nii -z 1:2 -o x.csv", "--vertfile v.nii -z 1:2 -o x.csv"),
        ("--perslice mask.nii", "--perslice mask.nii"),
        ("-o x.csv -- -vert", "-o x.csv -- -vert"),
    ],
)
def test_scts_spelling_is_put_in_ours(scts, ours):
    assert our_spelling(scts.split()) == ours.split()


def test_a_switch_without_its_number_is_no_option(softcord, a_mask, tmp_path):
    assert softcord("csa", a_mask, "-o", tmp_path / "csa.csv", "-perlevel").exit_code == 2


@pytest.mark.parametrize(
    ("scts", "answer"),
    [
        ("-qc folder", "--figure"),
        ("-normalize sex 0 brain-volume 960606.0", "--normalize-pam50"),
        ("-symmetry 1", "--image"),
        ("-centerline-algo polyfit", "--centerline"),
        ("-s mask.nii.gz", "softcord csa MASK"),
    ],
)
def test_an_option_of_sct_without_counterpart_says_what_to_do(
    softcord, a_mask, tmp_path, scts, answer
):
    result = softcord("csa", a_mask, "-o", tmp_path / "csa.csv", *scts.split())
    assert result.exit_code == 2
    assert f"{scts.split()[0]} is an option of SCT that" in result.stderr
    assert answer in result.stderr


def test_options_of_sct_that_change_nothing_here_are_left_out(softcord, a_mask, tmp_path):
    options = "-z 0:8 -v 1 -r 1 -centerline-algo bspline -centerline-smooth 30 -symmetry 0"
    result = softcord("csa", "-i", a_mask, "-o", tmp_path / "csa.csv", *options.split())
    assert result.exit_code == 0, result.stderr
    assert "-v is an option of SCT and was left out" in result.stderr
    assert len(rows_of(tmp_path / "csa.csv")) == 1


@pytest.mark.parametrize(
    ("scts", "ours"),
    [
        ("-angle-corr-centerline cord.nii.gz", "--centerline cord.nii.gz"),
        ("-anat t2.nii.gz -symmetry 1", "--image t2.nii.gz"),
    ],
)
def test_names_that_sct_uses_today(scts, ours):
    assert our_spelling(scts.split()) == ours.split()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("-p csa", "-p is an option of SCT"),
        ("-ofolder out", "-o FOLDER/csa.csv"),
        ("-perlevel", "-perlevel 1"),
        ("-l 2:3", "--vert"),
    ],
)
def test_switches_of_older_releases_and_forgotten_numbers_are_answered_by_name(
    softcord, a_mask, words, answer
):
    result = softcord("csa", a_mask, *words.split())
    assert result.exit_code == 2
    assert answer in result.stderr


@pytest.mark.parametrize("switch", ["-overwrite 1", "-no-angle 0"])
def test_switches_without_effect_are_left_out(softcord, a_mask, tmp_path, switch):
    result = softcord("csa", a_mask, "-o", tmp_path / "csa.csv", *switch.split())
    assert result.exit_code == 0, result.stderr
    assert "was left out" in result.stderr
