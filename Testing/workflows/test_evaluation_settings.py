"""Settings of an evaluation: the shipped file, and what a user's file changes."""

from __future__ import annotations

import pytest

from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.workflows.evaluation_settings import read_settings


def write(tmp_path, text):
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_file_has_the_papers_values():
    settings = read_settings()

    assert (settings.threshold, settings.cut, settings.rescaling) == (0.5, 0.5, "none")
    assert settings.drop_outliers
    assert settings.cord_range() is None
    assert settings.options().figures.kinds == ("png", "svg")
    assert settings.options().drift_limit is None
    assert settings.options(drift=True).drift_limit == 5.0
    assert settings.options(figures=False).figures is None


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    path = write(
        tmp_path, "thresholds: [0.3, 0.7]\nresolutions: [2, 0.5x0.5x1]\ncsa_threshold: soft\n"
    )

    options = read_settings(path).options()

    assert options.scores.all_thresholds == (0.5, 0.3, 0.7)
    assert options.csa_threshold is None
    assert options.resolutions == ((2.0, 2.0, 2.0), (0.5, 0.5, 1.0))
    assert options.figures.panels == 6


@pytest.mark.parametrize(("text", "levels"), [("2:3", (2, 3)), ("C3", (3,)), ("4", (4,))])
def test_levels_are_read_as_they_are_written(tmp_path, text, levels):
    """YAML itself would take 2:3 for 123."""
    cord_range = read_settings(write(tmp_path, f"vert: {text}\n")).cord_range()

    assert cord_range.levels == levels
    assert cord_range.name == text


def test_slices_too(tmp_path):
    assert read_settings(write(tmp_path, "slices: 5:7\n")).cord_range().slices == (5, 6, 7)


def test_the_command_line_counts_more_than_the_file(tmp_path):
    path = write(tmp_path, "csa_threshold: 0.3\n")

    assert read_settings(path, {"csa_threshold": "soft"}).cut is None


def test_an_ending_of_all_methods_or_of_one(tmp_path):
    assert read_settings(write(tmp_path, "suffix: _pred\n")).suffix_of("a") == "_pred"
    one = read_settings(write(tmp_path, "suffix: {a: _pred}\n"))
    assert (one.suffix_of("a"), one.suffix_of("b")) == ("_pred", None)
    one.check_methods(["a", "b"])
    with pytest.raises(OptionError, match="'a', but there is no such method"):
        one.check_methods(["b"])


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path):
    path = write(tmp_path, "dropoutliers: yes\n")

    with pytest.raises(OptionError, match="Did you mean 'drop_outliers'") as caught:
        read_settings(path)
    assert caught.value.sentence == "There is no setting 'dropoutliers'."
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("text", "word"),
    [("threshold: 0", "'threshold' is invalid"), ("panels: many", "'panels' is invalid")],
)
def test_an_invalid_value_names_its_key(tmp_path, text, word):
    with pytest.raises(OptionError, match=word):
        read_settings(write(tmp_path, text + "\n"))


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", "only words"])
def test_something_else_is_not_a_file_of_settings(tmp_path, text):
    with pytest.raises(InputError, match="Give a line 'key: value'"):
        read_settings(write(tmp_path, text))


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_settings(tmp_path / "nowhere.yaml")
