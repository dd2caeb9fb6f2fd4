"""YAML from strangers: a small file takes little memory, and all errors are one kind."""

from __future__ import annotations

import tracemalloc

import pytest

from SoftCordSegLib.yaml_text import parse_yaml, read_yaml


def test_a_few_lines_of_references_are_refused_before_they_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    tracemalloc.start()
    with pytest.raises(ValueError, match="references"):
        parse_yaml("\n".join(lines))
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "[" * 2000,
        "a: " + "[" * 41 + "]" * 41,
        "a: [",
        "- &a [*a]",
        "!!python/object/apply:os.system [ls]",
        "a: \0",
    ],
)
def test_yaml_that_is_none_or_too_deep_is_a_value_error(text, as_text):
    if as_text and "python" in text:
        assert parse_yaml(text, as_text) == ["ls"]
        return
    with pytest.raises(ValueError):
        parse_yaml(text, as_text)


@pytest.mark.parametrize("text", ["a: 2023-13-45", "a: " + "9" * 5000])
def test_values_that_yaml_cannot_convert_are_a_value_error(text):
    with pytest.raises(ValueError):
        parse_yaml(text)


def test_what_is_written_is_read(tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1\nb: [2:3, x]\n", encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml") == {"a": 1, "b": [123, "x"]}
    assert read_yaml(tmp_path / "a.yaml", as_text=True) == {"a": "1", "b": ["2:3", "x"]}


def test_references_of_an_ordinary_file_are_followed():
    text = "shared: &s {spacing: [1, 1, 1]}\nfirst: *s\nsecond: {<<: *s, more: 2}\n"

    content = parse_yaml(text)

    assert content["first"] == {"spacing": [1, 1, 1]}
    assert content["second"] == {"spacing": [1, 1, 1], "more": 2}
