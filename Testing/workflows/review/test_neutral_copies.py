"""Copies for a blinded rater tell nothing of the case."""

from __future__ import annotations

import gzip

import nibabel
import numpy as np
import pytest

from SoftCordSegLib.errors import InputError, OptionError
from SoftCordSegLib.workflows.review.neutral_copies import neutral_copies
from SoftCordSegLib.workflows.review.review_session import ReviewOptions, ReviewSession


@pytest.fixture
def dataset(tmp_path):
    folder = tmp_path / "data" / "sub-secret"
    folder.mkdir(parents=True)
    for name, value in (("sub-secret_T2w", 100), ("sub-secret_T2w_seg", 1)):
        data = np.full((4, 5, 6), value, np.uint8)
        data[0] = 0
        image = nibabel.Nifti1Image(data, np.diag([1, 2, 3, 1]))
        image.header["descrip"] = b"secret"
        nibabel.save(image, folder / f"{name}.nii.gz")
    return tmp_path / "data"


def test_copies_hold_the_voxels_and_nothing_that_names_the_case(dataset, tmp_path):
    session = ReviewSession(dataset, ReviewOptions("anna", blinded=True))
    key = session.current.case.key

    copies = neutral_copies(session, key, tmp_path / "out")

    assert [path.name for path in copies] == ["case-001_image.nii.gz", "case-001_mask.nii.gz"]
    for copy, source in zip(copies, (session.current.case.image, session.current.case.mask)):
        assert b"secret" not in gzip.decompress(copy.read_bytes())
        written, original = nibabel.load(copy), nibabel.load(source)
        assert np.array_equal(np.asarray(written.dataobj), np.asarray(original.dataobj))
        assert np.allclose(written.affine, original.affine)


def test_they_never_go_into_the_data_set_and_a_broken_file_is_not_named(dataset, tmp_path):
    session = ReviewSession(dataset, ReviewOptions("anna", blinded=True))
    case = session.current.case

    with pytest.raises(OptionError, match="data set"):
        neutral_copies(session, case.key, dataset / "copies")
    case.mask.write_bytes(b"x" * 500)
    with pytest.raises(InputError) as caught:
        neutral_copies(session, case.key, tmp_path / "out")
    assert "secret" not in str(caught.value)
    assert "mask of 'Case 001'" in str(caught.value)
