"""Archives from strangers: nothing outside the folder, no links, no bombs."""

from __future__ import annotations

import os
import stat
import struct
import zipfile

import pytest

from SoftCordSegLib.errors import Cancelled, ModelError
from SoftCordSegLib.network.archive import unpack
from SoftCordSegLib.progress import Progress


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def write(path, entries, compression=zipfile.ZIP_STORED):
    """A zip with (name or ZipInfo, content) in it."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def files_below(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()
    )


def test_what_a_model_is_made_of_is_unpacked_and_nothing_else(tmp_path, folder):
    archive = write(
        tmp_path / "model.zip",
        [
            ("model/best_model.ckpt", b"weights"),
            ("model/plans.json", b"{}"),
            ("model/trainer_class.py", b"print('run me')"),
            ("model/.hidden/x.json", b"{}"),
            ("__MACOSX/model/plans.json", b"junk"),
            ("model/notes.txt", b"hello"),
        ],
    )
    written = unpack(archive, folder)
    assert files_below(folder) == ["model/best_model.ckpt", "model/plans.json"]
    assert sorted(written) == [
        folder / "model" / "best_model.ckpt",
        folder / "model" / "plans.json",
    ]
    assert (folder / "model" / "best_model.ckpt").read_bytes() == b"weights"


ESCAPES = [
    "../evil.json",
    "a/../../evil.json",
    "/tmp/evil.json",
    "C:/evil.json",
    "..\\evil.json",
    "\\\\host\\evil.json",
    "a/..\\b.json",
]


@pytest.mark.parametrize("name", ESCAPES)
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path, folder, name):
    archive = write(tmp_path / "model.zip", [("good.json", b"{}"), (name, b"{}")])
    if "\\" in name:  # Python's writer changes these; an attacker's does not
        archive.write_bytes(
            archive.read_bytes().replace(name.replace("\\", os.sep).encode(), name.encode())
        )
    before = files_below(tmp_path)
    with pytest.raises(ModelError, match="outside its folder"):
        unpack(archive, folder)
    assert files_below(tmp_path) == before


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, folder, kind):
    link = zipfile.ZipInfo("model/plans.json")
    link.create_system, link.external_attr = 3, (kind | 0o777) << 16
    with pytest.raises(ModelError, match="link or a device"):
        unpack(write(tmp_path / "model.zip", [(link, "/etc/passwd")]), folder)
    assert files_below(folder) == []


def test_a_file_that_swells_is_refused_before_it_is_unpacked(tmp_path, folder):
    archive = write(tmp_path / "bomb.zip", [("x.ckpt", b"\0" * (8 << 20))], zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="grows suspiciously"):
        unpack(archive, folder)
    assert files_below(folder) == []


def test_more_than_the_limit_is_refused(tmp_path, folder):
    archive = write(tmp_path / "large.zip", [(f"{n}.ckpt", os.urandom(1000)) for n in range(5)])
    with pytest.raises(ModelError, match="larger than"):
        unpack(archive, folder, max_bytes=4999)
    assert len(unpack(archive, folder, max_bytes=5000)) == 5


def test_more_files_than_any_model_has_are_refused(tmp_path, folder):
    archive = write(tmp_path / "many.zip", [(f"{n}.txt", b"") for n in range(5001)])
    with pytest.raises(ModelError, match="5001 files"):
        unpack(archive, folder)


def test_a_file_that_is_larger_than_it_says_is_refused(tmp_path, folder):
    archive = write(tmp_path / "liar.zip", [("x.json", b"a" * 5000)], zipfile.ZIP_DEFLATED)
    # The size in the directory at the end is what is believed; here it says 10.
    data = archive.read_bytes()
    directory = data.index(b"PK\x01\x02")
    archive.write_bytes(data[: directory + 24] + struct.pack("<I", 10) + data[directory + 28 :])
    with pytest.raises(ModelError):
        unpack(archive, folder)
    assert all((folder / name).stat().st_size <= 10 for name in files_below(folder))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twin", ["a/plans.json", "A/Plans.json"])
def test_two_files_of_one_name_are_refused(tmp_path, folder, twin):
    with pytest.raises(ModelError, match="twice"):
        unpack(write(tmp_path / "twins.zip", [("a/plans.json", b"{}"), (twin, b"[]")]), folder)


def test_an_entry_without_a_name_is_left_out(tmp_path, folder):
    entries = [(zipfile.ZipInfo(""), b"x"), ("model/best_model.ckpt", b"weights")]
    unpack(write(tmp_path / "model.zip", entries), folder)
    assert files_below(folder) == ["model/best_model.ckpt"]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut"])
def test_what_is_not_a_zip_is_a_sentence(tmp_path, folder, content):
    (tmp_path / "model.zip").write_bytes(content)
    with pytest.raises(ModelError, match="not a zip"):
        unpack(tmp_path / "model.zip", folder)


def test_a_corrupt_file_in_a_zip_is_a_sentence(tmp_path, folder):
    archive = write(tmp_path / "model.zip", [("x.ckpt", b"weights" * 100)])
    archive.write_bytes(archive.read_bytes().replace(b"weights", b"weightz", 1))
    with pytest.raises(ModelError, match="corrupt"):
        unpack(archive, folder)


def test_an_archive_without_a_model_is_a_sentence(tmp_path, folder):
    with pytest.raises(ModelError, match="contains no model"):
        unpack(write(tmp_path / "other.zip", [("readme.txt", b"hello")]), folder)


def test_a_missing_archive_is_a_sentence(tmp_path, folder):
    with pytest.raises(ModelError, match="no such file"):
        unpack(tmp_path / "nowhere.zip", folder)


def test_unpacking_can_be_cancelled(tmp_path, folder):
    archive = write(tmp_path / "model.zip", [("x.ckpt", os.urandom(3 << 20))])
    told = []
    with pytest.raises(Cancelled):
        unpack(
            archive,
            folder,
            Progress(lambda fraction, _: told.append(fraction), lambda: len(told) >= 2),
        )
    assert (folder / "x.ckpt").stat().st_size < 3 << 20
