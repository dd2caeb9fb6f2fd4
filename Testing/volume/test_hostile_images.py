"""A few dozen of the images that ``make stress`` makes by the thousand, and what they found."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from SoftCordSegLib.volume import read_nifti
from stress.hostile_images import (
    cord,
    form_contradictions,
    image_bytes,
    odd_values,
    one_field,
    truncated,
    two_fields,
    with_fields,
)
from stress.judged_images import judge_reading
from stress.tally import Tally


def test_hostile_images_are_refused_or_read_rightly(tmp_path):
    counted = Tally("images")
    cases = [
        *list(odd_values())[::3],
        *list(truncated(0, 3))[::7],
        *form_contradictions(0, 20),
        *list(one_field())[::19],
        *two_fields(0, 20),
    ]
    for case in cases:
        what, why = judge_reading(case, tmp_path)
        counted.add(what, case[0], why)
    assert min(counted.counts["accepted"], counted.counts["refused"]) >= 20
    counted.check()


@pytest.mark.parametrize("magic", [b"n+1", b"ni1"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_voxels_never_begin_inside_the_header(tmp_path, suffix, magic):
    """With vox_offset 0 the bytes of the header were read as the first voxels."""
    content = with_fields(image_bytes(cord()), ("vox_offset", None, 0), ("magic", None, magic))
    path = tmp_path / f"image{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)

    volume = read_nifti(path)

    np.testing.assert_array_equal(volume.data, cord())
    assert "vox_offset" in " ".join(volume.notes)


@pytest.mark.parametrize("value", [0.001, np.nan])
def test_a_qform_that_cannot_be_used_is_said(tmp_path, value):
    path = tmp_path / "image.nii"
    path.write_bytes(with_fields(image_bytes(cord()), ("quatern_d", None, value)))

    assert "qform" in " ".join(read_nifti(path).notes)


@pytest.mark.parametrize(
    ("field", "value"), [("sizeof_hdr", 0), ("magic", b"ni1"), ("scl_slope", np.inf)]
)
def test_what_is_repaired_is_said(tmp_path, field, value):
    path = tmp_path / "image.nii"
    path.write_bytes(with_fields(image_bytes(cord()), (field, None, value)))

    assert field in " ".join(read_nifti(path).notes)
