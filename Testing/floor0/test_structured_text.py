"""JSON from strangers: all errors are one kind."""

from __future__ import annotations

import pytest

from SoftCordSegLib.structured_text import parse_json, read_json


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "{", "", "\x00", "9" * 5000])
def test_json_that_is_none_or_too_deep_is_a_value_error(text):
    with pytest.raises(ValueError):
        parse_json(text)


def test_what_is_written_is_read(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": [1, 2.5]}')
    assert read_json(tmp_path / "a.json") == {"a": [1, 2.5]}
