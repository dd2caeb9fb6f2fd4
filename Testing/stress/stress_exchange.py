"""Damaged files of other programs by the thousand: read, or refused by a sentence."""

from __future__ import annotations

from review.exchange_folder import KEYS, judge, make_folder
from review.mangled_files import exported_files, read_mangled


def test_damaged_files_by_the_thousand(tmp_path):
    root = make_folder(tmp_path / "data")
    for key, word in zip(KEYS, ("pass", "fail", "to correct", "artefact")):
        judge(root, key, word, rank=3, comment='a, "b"\nc')

    read, refused = read_mangled(root, tmp_path, exported_files(root, tmp_path), 17, 5000)

    print(f"{read} damaged files read, {refused} refused")
    assert read + refused == 5000
