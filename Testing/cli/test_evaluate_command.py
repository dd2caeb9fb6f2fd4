"""``softcord evaluate``: methods side by side, from the shell."""

from __future__ import annotations

import importlib.util
import json

import pytest

from cli.fakes import names_in, rows_of
from evaluation.study import write_study
from SoftCordSegLib.reports.demo_page import DEMO_TITLE
from SoftCordSegLib.reports.html_page import page_html
from SoftCordSegLib.volume import read_nifti


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path)


@pytest.fixture
def settings(tmp_path):
    """Writes a file of settings, and gives the words for it."""

    def write(**values):
        path = tmp_path / "settings.yaml"
        path.write_text(
            "".join(f"{key}: {value}\n" for key, value in values.items()), encoding="utf-8"
        )
        return ["--settings", path]

    return write


def folders(study):
    return ["-m", f"tall={study.parent / 'tall'}", "-m", f"aside={study.parent / 'aside'}"]


def test_folders_and_a_model_side_by_side(softcord, study, settings, tmp_path):
    out = tmp_path / "out"

    result = softcord(
        "evaluate",
        study,
        *folders(study),
        "-m",
        "net=a-model",
        "-o",
        out,
        "--json",
        *settings(kinds="png"),
    )

    assert result.exit_code == 0, result.stderr
    images = rows_of(out / "images.csv")
    assert {row["method"] for row in images} == {"tall", "aside", "net"}
    assert all(
        float(row["dice"]) == 1.0 and float(row["seconds"]) >= 0
        for row in images
        if row["method"] == "net"
    )
    assert (
        read_nifti(out / "masks" / "net" / "sub-01_T1w_label-SC_softseg.nii.gz").data.max() == 1.0
    )
    assert {"anova.csv", "wilcoxon.csv", "regression.csv"} == set(names_in(out / "statistics"))
    assert {"table1_contrasts.tex", "table2_methods.csv", "table4_csa.tex"} <= set(
        names_in(out / "tables")
    )
    assert {"csa_by_contrast.png", "panels.png", "inference_time.png"} <= set(
        names_in(out / "figures")
    )
    summary = json.loads(result.stdout)
    assert summary["errors"] == []
    assert {row["sd_mm2"] for row in summary["contrasts"] if row["method"] == "tall"} == {
        6.0,
        8.0,
        10.0,
    }


def test_the_table_in_the_window(softcord, study, tmp_path):
    result = softcord("evaluate", study, *folders(study), "-o", tmp_path / "out", "--no-figures")

    assert result.exit_code == 0, result.stderr
    row = next(
        line for line in result.stderr.splitlines() if line.split()[:3] == ["sub-01", "T1w", "tall"]
    )
    assert row.split()[3:7] == ["0.941", "0.941", "12.5", "0.20"]
    assert "C2:C3, cut at 0.5" in result.stderr
    assert not (tmp_path / "out" / "index.html").exists()
    assert not (tmp_path / "out" / "figures").exists()


def test_the_page_needs_nothing_else(softcord, study, settings, tmp_path):
    result = softcord(
        "evaluate", study, *folders(study), "-o", tmp_path / "out", *settings(kinds="png")
    )

    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert result.exit_code == 0, result.stderr
    assert page.count('src="data:image/png;base64,') == page.count("<img") >= 8
    assert 'href="' not in page
    assert '<td class="word">tall</td>' in page
    assert "0.958 ± 0.032" in page  # Dice of tall: mean and SD of three times 16/17, 1 and 14/15
    assert str(tmp_path) not in page


def test_masks_that_a_model_made_can_be_given_again(softcord, study, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    softcord("evaluate", study, "-m", "net=a-model", "-o", first, "--no-figures")

    result = softcord(
        "evaluate", study, "-m", f"net={first / 'masks' / 'net'}", "-o", again, "--no-figures"
    )

    assert result.exit_code == 0, result.stderr
    assert (again / "images.csv").read_text(encoding="utf-8").splitlines()[0] == (
        first / "images.csv"
    ).read_text(encoding="utf-8").splitlines()[0]
    old, new = rows_of(first / "images.csv"), rows_of(again / "images.csv")
    for one, other in zip(old, new):
        assert float(one.pop("seconds")) == pytest.approx(float(other.pop("seconds")), abs=1e-3)
    assert old == new


def test_csa_is_as_the_paper_published_it_unless_soft_is_asked_for(
    softcord, study, settings, tmp_path
):
    out, soft = tmp_path / "out", tmp_path / "soft"

    result = softcord(
        "evaluate",
        study,
        *folders(study),
        "-o",
        out,
        "--vert",
        "C3",
        *settings(thresholds="[0.3]"),
        "--no-figures",
    )
    words = ["--csa-threshold", "soft", "--no-figures"]
    other = softcord("evaluate", study, *folders(study), "-o", soft, *words)

    assert result.exit_code == 0, result.stderr
    assert other.exit_code == 0, other.stderr
    assert "(C2:C3, soft)" in other.stderr
    assert {row["cut"] for row in rows_of(out / "csa.csv")} == {"soft", "0.5", "0.3"}
    assert {(row["place"], row["slices"]) for row in rows_of(out / "csa.csv")} == {("C3", "3")}
    assert "(C3, cut at 0.5)" in result.stderr
    thresholds = rows_of(out / "tables" / "thresholds.csv")
    assert {(row["method"], row["cut"]) for row in thresholds} == {
        (method, cut) for method in ("reference", "tall", "aside") for cut in ("soft", "0.5", "0.3")
    }


def test_other_resolutions(softcord, study, settings, tmp_path):
    out = tmp_path / "out"

    result = softcord(
        "evaluate",
        study,
        *folders(study)[:2],
        "-o",
        out,
        *settings(resolutions="[2, 0.5x0.5x1]"),
        "--no-figures",
    )

    assert result.exit_code == 0, result.stderr
    rows = rows_of(out / "resolutions.csv")
    assert [row["resolution"] for row in rows[:3]] == ["native", "2 x 2 x 2 mm", "0.5 x 0.5 x 1 mm"]
    assert (out / "tables" / "resolutions.tex").is_file()


def test_slices_need_no_levels(softcord, settings, tmp_path):
    study = write_study(tmp_path, discs=False)

    result = softcord(
        "evaluate",
        study,
        *folders(study),
        "-o",
        tmp_path / "out",
        *settings(slices="2:3"),
        "--no-figures",
    )

    assert result.exit_code == 0, result.stderr
    assert {row["slices"] for row in rows_of(tmp_path / "out" / "csa.csv")} == {"2"}


def test_releases_and_what_moved_too_far(softcord, study, settings, tmp_path):
    out = tmp_path / "out"

    result = softcord(
        "evaluate",
        study,
        *folders(study),
        "-o",
        out,
        "--drift",
        *settings(drift_limit=10, kinds="png"),
    )

    assert result.exit_code == 0, result.stderr
    (drift,) = rows_of(out / "drift.csv")
    assert (drift["previous"], drift["release"], drift["flagged"]) == ("tall", "aside", "6")
    assert [row["flagged"] for row in rows_of(out / "drift_images.csv")].count("True") == 6
    assert (out / "figures" / "csa_drift.png").is_file()
    assert "Drift of CSA" in (out / "index.html").read_text(encoding="utf-8")


def test_a_release_that_moves_areas_by_more_than_is_allowed_fails(softcord, study, tmp_path):
    def run(limit):
        words = ("--drift", "--fail-above", limit, "--no-figures", "--json")
        return softcord("evaluate", study, *folders(study), "-o", tmp_path / "out", *words)

    (moved,) = json.loads(run(100).stdout)["drift"]
    size = abs(moved["mean_percent"])
    assert size > 1
    within, beyond = run(size + 0.01), run(size - 0.01)

    assert within.exit_code == 0, within.stderr
    assert json.loads(within.stdout)["drift_beyond"] == []
    assert beyond.exit_code == 1
    (sentence,) = json.loads(beyond.stdout)["drift_beyond"]
    assert "from tall to aside" in sentence
    assert f"Error: {sentence}" in beyond.stderr
    assert (tmp_path / "out" / "drift.csv").is_file()


def test_a_missing_mask_is_told_and_the_rest_is_written(softcord, study, tmp_path):
    (study.parent / "tall" / "sub-02_T2w_seg.nii.gz").unlink()

    result = softcord(
        "evaluate", study, *folders(study), "-o", tmp_path / "out", "--no-figures", "--json"
    )

    assert result.exit_code == 1
    assert "There is no mask of 'sub-02_T2w.nii.gz'" in result.stderr
    assert "tall lacks 1 of 9 images" in result.stderr
    assert len(rows_of(tmp_path / "out" / "images.csv")) == 17
    assert json.loads(result.stdout)["errors"][0]["method"] == "tall"


def test_where_every_mask_is_missing(softcord, study, tmp_path):
    (tmp_path / "nothing").mkdir()

    result = softcord(
        "evaluate", study, "-m", f"none={tmp_path / 'nothing'}", "-o", tmp_path / "out"
    )

    assert result.exit_code == 1
    assert result.stderr.count("There is no mask of") == 9
    assert not (tmp_path / "out" / "images.csv").exists()


def test_an_ending_for_one_method(softcord, study, settings, tmp_path):
    result = softcord(
        "evaluate",
        study,
        *folders(study),
        "-o",
        tmp_path / "out",
        *settings(suffix="{tall: _softseg}"),
        "--no-figures",
    )

    assert result.exit_code == 1
    assert {row["method"] for row in rows_of(tmp_path / "out" / "images.csv")} == {"aside"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-m", "masks"], "NAME=FOLDER"),
        (["-m", "a/b=masks"], "NAME=FOLDER"),
        (["-m", "a=here", "-m", "a=there"], "Two methods are called 'a'"),
        (["-m", "a=here", "--csa-threshold", "hard"], "'csa_threshold' is invalid"),
        (["-m", "a=here", "--drift"], "at least two"),
        (["-m", "a=here", "--fail-above", "2"], "Add --drift"),
        (["-m", "a=here", "--vert", "neck"], "neck"),
    ],
)
def test_an_invalid_option_is_a_sentence(softcord, study, tmp_path, words, sentence):
    result = softcord("evaluate", study, *words, "-o", tmp_path / "out")

    assert result.exit_code == 2
    assert sentence in result.stderr
    assert names_in(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"treshold": 0.5}, "no setting 'treshold'. Did you mean 'threshold'?"),
        ({"suffix": "{b: _seg}"}, "no such method"),
        ({"thresholds": "[0.5, 2]"}, "above 0 and up to 1"),
        ({"resolutions": "[1x2]"}, "not a voxel size"),
        ({"rescaling": "all"}, "'none' or 'sct'"),
        ({"vert": "2:3", "slices": "1"}, "Both levels and slices"),
        ({"kinds": "[bmp]"}, "'kinds' is invalid"),
        ({"pair": "[T1w]"}, "'pair' is invalid"),
        ({"pair": "[T1w, STIR]"}, "no contrast 'STIR'"),
    ],
)
def test_an_invalid_setting_is_a_sentence(softcord, study, settings, tmp_path, values, sentence):
    words = ["-m", "a=here", "-o", tmp_path / "out"]
    result = softcord("evaluate", study, *words, *settings(**values))

    assert result.exit_code == 2
    assert sentence in result.stderr
    assert names_in(tmp_path / "out") == []


def test_results_do_not_go_among_the_masks(softcord, study):
    result = softcord("evaluate", study, *folders(study), "-o", study.parent / "tall" / "out")

    assert result.exit_code == 2
    assert "lies within" in result.stderr


def test_nothing_is_written_over_an_input(softcord, study, tmp_path):
    table = tmp_path / "images.csv"
    table.write_bytes(study.read_bytes())
    first = softcord("evaluate", study, "-m", "net=a-model", "-o", tmp_path / "out", "--no-figures")

    over_cases = softcord("evaluate", table, "-m", "net=a-model", "-o", tmp_path, "--no-figures")
    masks = tmp_path / "out" / "masks" / "net"
    over_masks = softcord(
        "evaluate",
        study,
        "-m",
        f"old={masks}",
        "-m",
        "net=a-model",
        "-o",
        tmp_path / "out",
        "--no-figures",
    )
    study.write_text(
        study.read_text(encoding="utf-8").replace(
            "data/sub-01_T1w_seg-manual", "out/masks/net/sub-01_T1w_label-SC_softseg"
        ),
        encoding="utf-8",
    )
    over_reference = softcord(
        "evaluate", study, "-m", "net=a-model", "-o", tmp_path / "out", "--no-figures"
    )

    assert first.exit_code == 0, first.stderr
    assert [one.exit_code for one in (over_cases, over_masks, over_reference)] == [2, 2, 2]
    assert "is an input and would be overwritten" in over_cases.stderr
    assert "holds another method's masks" in over_masks.stderr
    assert "sub-01_T1w_label-SC_softseg.nii.gz" in over_reference.stderr


def test_of_pages_only_its_own_is_replaced(softcord, study, settings, tmp_path):
    out = tmp_path / "out"
    words = ["evaluate", study, *folders(study), "-o", out, *settings(kinds="png", panels=0)]
    page = out / "index.html"
    out.mkdir()

    for theirs in ("<html>my site</html>", demo_html_beginning()):
        page.write_text(theirs, encoding="utf-8")
        refused = softcord(*words)

        assert refused.exit_code == 2
        assert "is not a page that this command wrote" in refused.stderr
        assert page.read_text(encoding="utf-8") == theirs
        assert names_in(out) == ["index.html"]

    assert softcord(*words, "--no-figures").exit_code == 0  # writes no page
    assert page.read_text(encoding="utf-8") == theirs
    page.unlink()
    assert [softcord(*words).exit_code for _ in range(2)] == [0, 0]
    assert "Evaluation of spinal cord masks" in page.read_text(encoding="utf-8")


def demo_html_beginning():
    """As the page of ``softcord demo`` begins."""
    return page_html("base.html.j2", title=DEMO_TITLE)


def test_no_table(softcord, tmp_path):
    result = softcord(
        "evaluate", tmp_path / "nowhere.csv", "-m", "a=a-model", "-o", tmp_path / "out"
    )

    assert result.exit_code == 1
    assert "There is no such table" in result.stderr


def test_without_its_packages_it_says_what_to_install(softcord, study, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pandas" else find(name)
    )

    result = softcord("evaluate", study, *folders(study), "-o", tmp_path / "out")

    assert result.exit_code == 2
    assert "pip install 'softcordseg[evaluation]'" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_loop_of_links_costs_its_own_image(softcord, study, tmp_path):
    for path in ("data/sub-01_T1w_seg-manual.nii.gz", "tall/sub-02_T1w_seg.nii.gz"):
        (study.parent / path).unlink()
        (study.parent / path).symlink_to((study.parent / path).name)

    result = softcord("evaluate", study, *folders(study), "-o", tmp_path / "out", "--no-figures")

    assert result.exit_code == 1
    assert " ".join(result.stderr.split()).count("a link that leads to itself") == 2
    assert len(rows_of(tmp_path / "out" / "images.csv")) == 2 * 8 - 1
