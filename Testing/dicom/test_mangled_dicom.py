"""Whatever is wrong with the bytes of a DICOM file, it is read or refused with a sentence."""

from __future__ import annotations

import random

from dicom.mangled_dicom import mangled, read_every_way, whole_files


def test_a_mangled_file_is_read_or_refused(tmp_path):
    chance, path = random.Random(20), tmp_path / "mangled"
    sentences = 0
    for raw in whole_files(tmp_path):
        for _ in range(12):
            path.write_bytes(mangled(raw, chance))
            sentences += read_every_way(path)

    # Every file is at least no image, or no mask.
    assert sentences >= 48
