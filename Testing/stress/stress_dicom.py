"""Thousands of mangled DICOM files: each is read or refused with a sentence."""

from __future__ import annotations

import random

from dicom.mangled_dicom import mangled, read_every_way, whole_files

FILES = 6000


def test_mangled_dicom_files(tmp_path):
    chance, path = random.Random(6), tmp_path / "mangled"
    wholes = whole_files(tmp_path)
    for number in range(FILES):
        raw = mangled(wholes[number % len(wholes)], chance)
        path.write_bytes(raw)
        try:
            read_every_way(path)
        except Exception as error:
            raise AssertionError(f"file {number} ends in {error!r}") from error
