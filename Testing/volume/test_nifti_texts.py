"""A NIfTI file is copied without what its header says in words; its voxels and its place stay."""

from __future__ import annotations

import gzip

import nibabel
import numpy as np
import pytest

from SoftCordSegLib.errors import InputError
from SoftCordSegLib.volume.nifti_texts import copy_without_texts

AFFINE = np.diag([1.0, -2.0, 3.0, 1.0])
DATA = np.random.default_rng(2).integers(-900, 900, (5, 6, 7)).astype(np.int16)


def image(kind, texts=True, order="<"):
    header = kind.header_class(endianness=order)
    header.set_data_dtype(np.dtype(np.int16).newbyteorder(order))
    made = kind(DATA, AFFINE, header)
    made.header.set_slope_inter(2.0, -5.0)
    if texts:
        made.header["descrip"] = b"TE=90;Name=Smith"
        made.header["aux_file"] = b"smith.dcm"
        made.header["intent_name"] = b"Smith"
        extension = nibabel.nifti1.Nifti1Extension("comment", b"PatientName=Smith " * 9)
        made.header.extensions.append(extension)
    return made


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_texts_go_and_voxels_stay(tmp_path, kind, order, ending):
    source, target = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    nibabel.save(image(kind, order=order), source)
    assert copy_without_texts(source, target)

    raw = target.read_bytes()
    plain = gzip.decompress(raw) if ending.endswith("gz") else raw
    assert b"mith" not in plain
    size = 348 if kind is nibabel.Nifti1Image else 540
    assert plain[size : size + 4] == bytes(4)
    before, after = nibabel.load(source), nibabel.load(target)
    assert type(after) is kind
    assert (after.dataobj.get_unscaled() == before.dataobj.get_unscaled()).all()
    assert (np.asarray(after.dataobj) == np.asarray(before.dataobj)).all()
    assert (after.affine == before.affine).all()
    assert not after.header.extensions
    assert not copy_without_texts(target, tmp_path / f"c{ending}")
    assert (tmp_path / f"c{ending}").read_bytes() == raw


def test_a_file_without_texts_keeps_its_bytes(tmp_path):
    nibabel.save(image(nibabel.Nifti1Image, texts=False), tmp_path / "a.nii.gz")

    assert not copy_without_texts(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz")

    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_the_name_in_the_compressed_file_goes_too(tmp_path):
    nibabel.save(image(nibabel.Nifti1Image, texts=False), tmp_path / "plain.nii")
    with (
        open(tmp_path / "a.nii.gz", "wb") as raw,
        gzip.GzipFile("Smith.nii", "wb", fileobj=raw) as stream,
    ):
        stream.write((tmp_path / "plain.nii").read_bytes())

    assert copy_without_texts(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz")

    assert b"Smith" not in (tmp_path / "b.nii.gz").read_bytes()
    assert (
        gzip.decompress((tmp_path / "b.nii.gz").read_bytes())
        == (tmp_path / "plain.nii").read_bytes()
    )


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", b"<html>no</html>" * 40, b"\x5c\x01\0\0"])
def test_what_is_no_nifti_is_a_sentence(tmp_path, content):
    (tmp_path / "a.nii.gz").write_bytes(content)

    with pytest.raises(InputError):
        copy_without_texts(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz")
