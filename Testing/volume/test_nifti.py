"""NIfTI in and out: what is written is read back, and what cannot be used is said in a sentence."""

from __future__ import annotations

import gzip
import os

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from SoftCordSegLib.errors import InputError, OutputError
from SoftCordSegLib.volume import Volume, read_nifti, time_points, write_nifti
from strategies import volumes

same_folder_is_fine = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def save(path, data, affine=None, sform=1, qform=1):
    """Write a NIfTI file as another program might."""
    affine = np.eye(4) if affine is None else affine
    image = nibabel.Nifti1Image(data, affine)
    image.set_sform(affine, sform)
    if qform is not None:
        image.set_qform(affine, qform)
    nibabel.save(image, path)
    return path


def refusal(path, **arguments) -> str:
    """The sentence with which ``path`` is refused; it names the file."""
    with pytest.raises(InputError) as caught:
        read_nifti(path, **arguments)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert sentence.endswith(".")
    return sentence


# --- round trips
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int16, np.int32, np.uint16])
@same_folder_is_fine
@given(data=st.data())
def test_what_is_written_is_read_back(tmp_path, suffix, dtype, data):
    volume = data.draw(volumes(dtype))

    write_nifti(volume, tmp_path / f"a{suffix}")
    back = read_nifti(tmp_path / f"a{suffix}")

    assert back.data.dtype == dtype
    np.testing.assert_array_equal(back.data, volume.data)
    assert back.affine == pytest.approx(volume.affine, abs=1e-4, rel=1e-5)


@same_folder_is_fine
@given(volume=volumes())
def test_both_affines_of_the_file_say_the_same(tmp_path, volume):
    write_nifti(volume, tmp_path / "a.nii")
    header = nibabel.load(tmp_path / "a.nii").header

    assert int(header["sform_code"]) == int(header["qform_code"]) == 1
    # A quaternion in single precision: nibabel takes a part below the root of 3.6e-7 for none,
    # which turns by up to 1.2e-3 where the grid is turned by half a circle, and twice that was seen
    # where rounding adds to it.
    assert header.get_qform() == pytest.approx(header.get_sform(), abs=3e-3)
    assert header.get_xyzt_units()[0] == "mm"


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [(bool, np.uint8), (np.int64, np.int32), (np.uint64, np.int32), (np.float16, np.float32)],
)
def test_a_type_that_nifti_has_not_is_stored_in_one_that_holds_it(tmp_path, dtype, stored):
    data = np.arange(24).reshape(2, 3, 4).astype(dtype)

    write_nifti(Volume(data, np.eye(4)), tmp_path / "a.nii.gz")

    back = read_nifti(tmp_path / "a.nii.gz")
    assert back.data.dtype == stored
    np.testing.assert_array_equal(back.data, data)


def test_a_soft_mask_can_be_stored_in_another_type(tmp_path):
    write_nifti(Volume(np.full((2, 2, 2), 0.5), np.eye(4)), tmp_path / "a.nii.gz", dtype=np.float32)

    assert read_nifti(tmp_path / "a.nii.gz").data.dtype == np.float32


def test_intensity_scaling_is_applied(tmp_path):
    stored = np.arange(8, dtype="<i2").reshape(2, 2, 2)
    path = save(tmp_path / "scaled.nii", stored)
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([2.0, 10.0], "<f4").tobytes()  # scl_slope and scl_inter of the header
    path.write_bytes(raw)

    np.testing.assert_array_equal(read_nifti(path).data, 10.0 + 2.0 * stored)


def test_the_values_do_not_hang_on_the_file(tmp_path):
    path = tmp_path / "a.nii"
    write_nifti(Volume(np.ones((40, 40, 40), np.float32), np.eye(4)), path)
    volume = read_nifti(path)

    path.write_bytes(b"")

    assert volume.data.sum() == 40**3


def test_the_qform_serves_where_there_is_no_sform(tmp_path):
    affine = np.diag([-2.0, 3.0, 4.0, 1.0])

    volume = read_nifti(
        save(tmp_path / "a.nii", np.zeros((2, 2, 2), np.float32), affine, sform=0, qform=1)
    )

    assert volume.affine == pytest.approx(affine)


def test_accents_spaces_and_long_folders_are_names_like_any_other(tmp_path):
    path = tmp_path / ("Rückenmark été 脊髓 " + "x" * 120) / "scan 1.5T v2.0.nii.gz"

    write_nifti(Volume(np.ones((2, 3, 4), np.float32), np.eye(4)), path)

    assert read_nifti(path).shape == (2, 3, 4)


# --- series
# --------------------------------------------------------------------------------------------------


def test_one_volume_or_the_mean_of_a_series(tmp_path):
    series = np.random.default_rng(1).integers(0, 4000, (3, 4, 5, 6)).astype(np.int16)
    path = save(tmp_path / "dmri.nii.gz", series)

    assert time_points(path) == 6
    np.testing.assert_array_equal(read_nifti(path, time=4).data, series[..., 4])
    assert read_nifti(path, time="mean").data == pytest.approx(series.mean(axis=3), abs=1e-2)


def test_a_series_without_a_choice_is_refused(tmp_path):
    path = save(tmp_path / "dmri.nii.gz", np.zeros((3, 4, 5, 6), np.int16))

    assert "series of 6 volumes" in refusal(path)
    assert "there is no volume 6" in refusal(path, time=6)
    assert "there is no volume -1" in refusal(path, time=-1)


def test_a_series_of_one_is_an_image(tmp_path):
    path = save(tmp_path / "one.nii.gz", np.ones((3, 4, 5, 1), np.int16))

    assert time_points(path) == 1
    assert (
        read_nifti(path).shape
        == read_nifti(path, time="mean").shape
        == read_nifti(path, time=0).shape
        == (3, 4, 5)
    )


# --- what cannot be used
# -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [0.999, 0.5, 0.02, 0.0])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_truncated_file_is_refused(tmp_path, suffix, kept):
    noise = np.random.default_rng(0).random((20, 20, 20)).astype(np.float32)
    path = save(tmp_path / f"cut{suffix}", noise)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * kept)])

    assert "corrupt" in refusal(path)


def test_a_corrupt_gzip_is_refused(tmp_path):
    path = save(
        tmp_path / "bad.nii.gz", np.random.default_rng(0).random((20, 20, 20)).astype(np.float32)
    )
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 64] = bytes(64)
    path.write_bytes(raw)

    assert "corrupt" in refusal(path)


def test_damage_that_only_the_checksum_shows_is_refused(tmp_path):
    path = save(tmp_path / "bad.nii.gz", np.ones((20, 20, 20), np.float32))
    raw = bytearray(path.read_bytes())
    raw[-8] ^= 1
    path.write_bytes(raw)

    assert "corrupt" in refusal(path)


@pytest.mark.parametrize("name", ["notes.nii.gz", "notes.nii", "notes.txt"])
@pytest.mark.parametrize("text", ["patient 7, T2w\n", "x" * 5000, ""])
def test_text_with_another_name_is_refused(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    assert "is not a NIfTI image" in refusal(path)


def test_a_gzip_of_text_is_refused(tmp_path):
    path = tmp_path / "notes.nii.gz"
    path.write_bytes(gzip.compress(b"patient 7, T2w\n" * 100))

    assert "is not a NIfTI image" in refusal(path)


def test_another_image_format_is_refused_by_its_name(tmp_path):
    path = tmp_path / "a.mgz"
    nibabel.save(nibabel.MGHImage(np.zeros((2, 3, 4), np.float32), np.eye(4)), path)

    assert "MGHImage" in refusal(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "There is no such file" in refusal(tmp_path / "nobody.nii.gz")
    assert "This is a folder" in refusal(tmp_path)
    with pytest.raises(InputError, match="There is no such file"):
        time_points(tmp_path / "nobody.nii.gz")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = save(tmp_path / "secret.nii", np.zeros((2, 2, 2), np.float32))
    path.chmod(0)

    assert "no permission" in refusal(path)


def test_colours_and_complex_numbers_are_refused(tmp_path):
    colours = np.zeros((3, 4, 5), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])

    assert "colour" in refusal(save(tmp_path / "rgb.nii.gz", colours))
    assert "magnitude" in refusal(
        save(tmp_path / "complex.nii.gz", np.zeros((3, 4, 5), np.complex64))
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_counted(tmp_path, value):
    data = np.zeros((3, 4, 5), np.float32)
    data[0, 0, :2] = value

    assert "2 voxels that are NaN or infinite" in refusal(save(tmp_path / "a.nii.gz", data))


def test_a_volume_without_nan_can_be_taken_from_a_series_that_has_some(tmp_path):
    series = np.zeros((3, 4, 5, 2), np.float32)
    series[0, 0, 0, 1] = np.nan
    path = save(tmp_path / "a.nii.gz", series)

    assert read_nifti(path, time=0).shape == (3, 4, 5)
    assert "1 voxels" in refusal(path, time=1)
    assert "1 voxels" in refusal(path, time="mean")


def test_a_picture_and_a_vector_field_are_refused(tmp_path):
    assert "not a 3D image" in refusal(save(tmp_path / "2d.nii", np.zeros((3, 4), np.float32)))
    assert "5 dimensions" in refusal(
        save(tmp_path / "5d.nii", np.zeros((3, 4, 5, 2, 3), np.float32))
    )


@pytest.mark.parametrize(
    "affine",
    [
        np.diag([1.0, 0.0, 1.0, 1.0]),
        np.array([[1, 2, 0, 0], [2, 4, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]),
    ],
)
def test_a_singular_affine_is_refused(tmp_path, affine):
    image = nibabel.Nifti1Image(np.zeros((3, 4, 5), np.float32), None)
    image.header.set_sform(affine, 1)
    nibabel.save(image, tmp_path / "a.nii")

    assert "singular" in refusal(tmp_path / "a.nii")


def test_a_sheared_affine_is_refused(tmp_path):
    affine = np.eye(4)
    affine[1, 2] = 0.3

    assert "sheared" in refusal(
        save(tmp_path / "gantry.nii", np.zeros((3, 4, 5), np.float32), affine, qform=None)
    )


def test_rounding_in_the_affine_is_not_shear(tmp_path):
    affine = np.eye(4)
    affine[1, 2] = 0.002

    assert read_nifti(
        save(tmp_path / "a.nii", np.zeros((3, 4, 5), np.float32), affine, qform=None)
    ).shape == (3, 4, 5)


def test_a_file_that_does_not_say_where_it_lies_is_refused(tmp_path):
    path = save(tmp_path / "lost.nii.gz", np.zeros((3, 4, 5), np.float32), sform=0, qform=0)

    assert "left and right" in refusal(path)


@settings(same_folder_is_fine, max_examples=120)
@given(
    position=st.integers(0, 351),
    value=st.integers(0, 255),
    second=st.integers(0, 351),
    other=st.integers(0, 255),
)
def test_any_damage_to_a_header_is_a_volume_or_a_sentence(tmp_path, position, value, second, other):
    path = save(
        tmp_path / "a.nii", np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([2.0, 2, 5, 1])
    )
    raw = bytearray(path.read_bytes())
    raw[position], raw[second] = value, other
    path.write_bytes(raw)

    refused, volume = "", None
    try:
        volume = read_nifti(path, time="mean")
    except InputError as error:
        refused = str(error)

    if volume is None:
        assert str(path) in refused
    else:
        assert volume.data.size > 0
        assert np.isfinite(volume.data).all()
        assert abs(np.linalg.det(volume.affine)) > 0


# --- what cannot be written
# --------------------------------------------------------------------------------------------


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "a.nii.gz").mkdir()

    with pytest.raises(OutputError, match="Cannot write"):
        write_nifti(Volume(np.zeros((2, 2, 2), np.float32), np.eye(4)), tmp_path / "a.nii.gz")

    assert [path.name for path in tmp_path.iterdir()] == ["a.nii.gz"]


def test_a_name_of_another_format_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"\.nii or \.nii\.gz"):
        write_nifti(Volume(np.zeros((2, 2, 2), np.float32), np.eye(4)), tmp_path / "mask.nrrd")

    assert list(tmp_path.iterdir()) == []
