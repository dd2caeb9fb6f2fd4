"""What a header contradicts is said, what no scan can be is refused, and both forms are kept."""

from __future__ import annotations

import gzip
import struct

import nibabel
import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.volume import Box, Volume, read_nifti, write_nifti

AFFINE = np.diag([-1.0, 2.0, 1.5, 1.0])
AFFINE[:3, 3] = 40, -30, 20


def image_with(path, change, sform=AFFINE, qform=AFFINE, codes=(1, 1), shape=(8, 7, 6)):
    """A file whose header was changed by ``change``(header record) after it was written."""
    data = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    image = nibabel.Nifti1Image(data, sform)
    image.set_qform(qform, codes[1])
    image.set_sform(sform, codes[0])
    nibabel.save(image, path)
    content = bytearray(path.read_bytes())
    header = nibabel.Nifti1Header(bytes(content[:348]), check=False)
    change(header.structarr)
    content[:348] = header.binaryblock
    path.write_bytes(content)
    return path


def put(field, value):
    """A change of one field of a header."""

    def change(record):
        record[field] = value

    return change


def shifted(*millimetres):
    moved = AFFINE.copy()
    moved[:3, 3] += millimetres
    return moved


def turned(degrees):
    angle = np.radians(degrees)
    rotation = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    moved = AFFINE.copy()
    moved[:3, :3] = rotation @ AFFINE[:3, :3]
    return moved


def mirrored():
    flipped = AFFINE.copy()
    flipped[0] *= -1
    return flipped


@pytest.mark.parametrize(
    ("qform", "words"),
    [
        (shifted(0, 0, 36), "36.0 mm and 0.0°"),
        (shifted(1.2, 0, 0), "1.2 mm"),
        (turned(2), "2.0°"),
        (mirrored(), "mirror image"),
    ],
)
def test_forms_that_contradict_each_other_are_said_and_kept(tmp_path, qform, words):
    path = image_with(tmp_path / "a.nii", lambda record: None, qform=qform, codes=(2, 1))

    volume = read_nifti(path)
    write_nifti(volume.with_data(volume.data * 0), tmp_path / "out.nii.gz")
    written = nibabel.load(tmp_path / "out.nii.gz").header

    assert words in volume.notes[0]
    np.testing.assert_allclose(volume.affine, AFFINE)
    assert (int(written["sform_code"]), int(written["qform_code"])) == (2, 1)
    np.testing.assert_allclose(written.get_sform(), AFFINE, atol=1e-5)
    np.testing.assert_allclose(written.get_qform(), qform, atol=1e-4)


def test_rounding_between_the_forms_is_no_contradiction(tmp_path):
    path = image_with(tmp_path / "a.nii", lambda record: None, qform=shifted(0.4, 0, 0))

    assert read_nifti(path).notes == ()


def test_on_another_grid_the_forms_are_the_grids_own(tmp_path):
    volume = read_nifti(
        image_with(tmp_path / "a.nii", lambda record: None, qform=shifted(0, 0, 36))
    )
    moved = Volume(volume.data, shifted(5, 0, 0), volume.forms)

    write_nifti(moved, tmp_path / "out.nii")

    header = nibabel.load(tmp_path / "out.nii").header
    np.testing.assert_allclose(header.get_qform(), moved.affine, atol=1e-4)
    np.testing.assert_allclose(header.get_sform(), moved.affine, atol=1e-4)


@pytest.mark.parametrize(("unit", "factor", "word"), [(1, 1000, "metres"), (3, 1e-3, "micro")])
def test_other_units_are_read_as_such(tmp_path, unit, factor, word):
    small = AFFINE.copy()
    small[:3] /= factor
    path = image_with(tmp_path / "a.nii", put("xyzt_units", unit), sform=small, qform=small)

    volume = read_nifti(path)

    np.testing.assert_allclose(volume.affine, AFFINE, rtol=1e-5)
    assert word in volume.notes[0]


def test_the_qform_serves_for_a_singular_sform(tmp_path):
    def change(record):
        for field in ("srow_x", "srow_y", "srow_z"):
            record[field] = 0

    volume = read_nifti(image_with(tmp_path / "a.nii", change))

    np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-5)
    assert "sform is singular" in volume.notes[0]


@pytest.mark.parametrize(
    ("change", "codes", "word"),
    [
        (put("pixdim", [-1, 0, 0, 0, 1, 1, 1, 1]), (0, 1), "pixdim"),
        (put("xyzt_units", 5), (1, 1), "xyzt_units"),
        (lambda record: None, (0, 0), "sform and qform codes"),
        (put("srow_x", [np.nan, 0, 0, 0]), (1, 0), "sform"),
        (put("srow_x", [-0.001, 0, 0, 0]), (1, 0), "0.001 mm wide"),
        (put("srow_x", [-60, 0, 0, 0]), (1, 0), "60 mm wide"),
        (put("srow_x", [-1, 0, 0, 1e9]), (1, 0), "header is corrupt"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(tmp_path, change, codes, word):
    path = image_with(tmp_path / "a.nii", change, codes=codes)

    with pytest.raises(InputError, match=word) as caught:
        read_nifti(path)

    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "codes", "word"),
    [
        (put("vox_offset", 0), (1, 1), "vox_offset"),
        (put("pixdim", [-1, 0, 0, 0, 1, 1, 1, 1]), (1, 0), "pixdim"),
        (put("qform_code", 77), (1, 1), "qform_code is 77"),
        (put("pixdim", [0.5, 1, 2, 1.5, 1, 1, 1, 1]), (0, 1), "pixdim[0]"),
    ],
)
def test_what_is_repaired_is_said(tmp_path, capfd, change, codes, word):
    volume = read_nifti(image_with(tmp_path / "a.nii", change, codes=codes))

    assert any(word in note for note in volume.notes)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_header_that_declares_more_than_the_file_has_asks_for_no_memory(tmp_path, name):
    header = bytearray(348)
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.float64), AFFINE)
    header[:] = image.header.binaryblock
    header[40:48] = struct.pack("<4h", 3, 1200, 1200, 900)  # 10 GB
    content = bytes(header) + bytes(4) + bytes(64)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    with pytest.raises(InputError, match="cannot hold|almost all"):
        read_nifti(path)


def test_a_file_that_unpacks_without_an_end_is_refused(tmp_path):
    image = nibabel.Nifti1Image(np.zeros((4, 4, 4), np.uint8), AFFINE)
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(image.to_bytes() + bytes(64 * 2**20)))

    with pytest.raises(InputError, match="goes on behind its last voxel"):
        read_nifti(path)


def test_a_series_is_read_volume_by_volume_with_the_same_mean(tmp_path):
    data = np.random.default_rng(3).normal(100, 30, (9, 8, 7, 12)).astype(np.int16)
    image = nibabel.Nifti1Image(data, AFFINE)
    for name in ("a.nii", "a.nii.gz"):
        nibabel.save(image, tmp_path / name)

        mean, fifth = (read_nifti(tmp_path / name, time) for time in ("mean", 5))

        np.testing.assert_array_equal(mean.data, data.mean(axis=3, dtype=np.float32))
        np.testing.assert_array_equal(fifth.data, data[..., 5])


def test_nan_outside_the_body_is_replaced_where_that_is_asked_for(tmp_path):
    data = np.full((6, 6, 6), 90.0, np.float32)
    data[0] = np.nan
    nibabel.save(nibabel.Nifti1Image(data, AFFINE), tmp_path / "a.nii")

    with pytest.raises(InputError, match="36 voxels that are NaN"):
        read_nifti(tmp_path / "a.nii")
    volume = read_nifti(tmp_path / "a.nii", without_nan=True)

    assert (volume.data[0] == 0).all()
    assert "36 of 216 voxels are NaN" in volume.notes[0]


def test_values_beyond_32_bit_numbers_are_refused(tmp_path):
    data = np.full((4, 4, 4), 1e300)
    nibabel.save(nibabel.Nifti1Image(data, AFFINE), tmp_path / "a.nii")

    with pytest.raises(InputError, match="32-bit"):
        read_nifti(tmp_path / "a.nii")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.nii.gz", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("a.nii", b"/annex/objects/MD5E-s1--0.nii", "datalad get"),
        ("a.nii", gzip.compress(bytes(400), mtime=0), "Rename it to .nii.gz"),
        ("a.nii.gz", struct.pack("<i", 348) + bytes(400), "Rename it to .nii"),
    ],
)
def test_a_file_that_is_something_else_is_called_so(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(InputError, match=words):
        read_nifti(tmp_path / name)


def test_links_that_lead_nowhere_are_called_so(tmp_path):
    (tmp_path / "loop.nii").symlink_to(tmp_path / "loop.nii")
    (tmp_path / "annexed.nii").symlink_to(tmp_path / ".git/annex/objects/a/b.nii")

    with pytest.raises(InputError, match="leads to itself"):
        read_nifti(tmp_path / "loop.nii")
    with pytest.raises(InputError, match="datalad get"):
        read_nifti(tmp_path / "annexed.nii")


@pytest.mark.parametrize("cosine", [0.0005, 0.002, 0.009])
def test_the_box_of_axes_a_little_off_the_right_angle_has_all_voxels(cosine):
    affine = AFFINE.copy()
    affine[0, 1] = cosine * 2.0
    volume = Volume(np.zeros((40, 30, 20)), affine)

    box = Box.of_grid(volume.grid)
    start, stop = box.voxels_of(volume.grid)

    np.testing.assert_allclose(box.axes.T @ box.axes, np.eye(3), atol=2e-3)
    assert (start <= 0).all()
    assert (stop >= volume.shape).all()
