"""Bad input and bad disks, through the real command: a sentence, a non-zero exit, nothing
half-written, inputs untouched.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from cli.fakes import a_neck, digest, names_in
from SoftCordSegLib.volume import Volume, write_nifti


def truncated_gzip(path):
    write_nifti(a_neck(), path)
    path.write_bytes(path.read_bytes()[:-200])


def text_with_the_name_of_an_image(path):
    path.write_text("patient,age\nx,42\n", encoding="utf-8")


def colour(path):
    data = np.zeros((8, 8, 8), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    image = nibabel.Nifti1Image(data, np.eye(4))
    image.set_sform(np.eye(4), code=1)
    nibabel.save(image, path)


def infinite(path):
    neck = a_neck()
    neck.data[3, 4, 5] = np.inf
    write_nifti(neck, path)


def constant(path):
    write_nifti(a_neck().with_data(np.full(a_neck().shape, 7, np.int16)), path)


def single_slice(path):
    write_nifti(Volume(a_neck().data[:, :, :1], a_neck().affine), path)


def singular_affine(path):
    write_nifti(a_neck(), path)
    plain = bytearray(gzip.decompress(path.read_bytes()))
    plain[312:328] = plain[296:312]  # the third row of the sform becomes a copy of the second
    plain[252:256] = b"\0\0\2\0"  # qform code 0, sform code 2
    path.write_bytes(gzip.compress(bytes(plain)))


def missing(path):
    pass


def empty_file(path):
    path.write_bytes(b"")


BAD = {
    truncated_gzip: "truncated",
    text_with_the_name_of_an_image: "not a NIfTI image",
    colour: "colour",
    infinite: "infinite",
    constant: "constant",
    single_slice: "single slice",
    singular_affine: "singular",
    missing: "no such file",
    empty_file: "not a NIfTI image",
}


# What a mask may hold beyond that is the morphometry's own test.
# Missing voxels of an image are filled, and said: see test_missing_voxels.py.
CASES = [("segment", make) for make in BAD if make is not infinite]
CASES += [
    (command, make)
    for command in ("csa", "label")
    for make in BAD
    if make not in (constant, single_slice)
]


@pytest.mark.parametrize(
    ("command", "make"), CASES, ids=lambda case: getattr(case, "__name__", case)
)
def test_a_bad_file_is_one_sentence_and_leaves_nothing(softcord, a_mask, tmp_path, make, command):
    image = tmp_path / "in" / "bad.nii.gz"
    make(image)
    before = digest(image) if image.exists() else None
    out = tmp_path / "out"
    outputs = {"segment": out, "csa": out / "csa.csv", "label": out / "discs.nii.gz"}
    result = softcord(
        command, *([image, a_mask] if command == "label" else [image]), "-o", outputs[command]
    )
    assert result.exit_code == 1
    assert BAD[make] in result.stderr
    assert "bad.nii.gz" in result.stderr
    assert "Traceback" not in result.stderr
    assert "unexpected" not in result.stderr
    assert names_in(out) == []
    assert (digest(image) if image.exists() else None) == before


def test_a_read_only_folder_is_a_sentence(softcord, an_image, tmp_path):
    if os.name != "posix" or os.geteuid() == 0:
        pytest.skip("root may write into read-only folders; see the next test")
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    result = softcord("segment", an_image, "-o", out)
    assert result.exit_code == 1
    assert "Cannot write" in result.stderr
    assert names_in(out) == []


@pytest.mark.parametrize("command", ["segment", "csa"])
def test_a_file_in_place_of_the_folder_is_a_sentence_before_any_work(
    softcord, an_image, tmp_path, command
):
    def must_not_run(image, bundle, **options):
        raise AssertionError("worked although the results could not be written")

    softcord.segment = must_not_run
    out = tmp_path / "out"
    out.write_text("not a folder", encoding="utf-8")
    result = softcord(command, an_image, "-o", out if command == "segment" else out / "csa.csv")
    assert result.exit_code == 1
    assert "This is a file, not a folder" in result.stderr
    assert out.read_text(encoding="utf-8") == "not a folder"


def test_the_name_of_an_image_in_place_of_the_folder_is_a_sentence(softcord, an_image, tmp_path):
    result = softcord("segment", an_image, "-o", tmp_path / "mask.nii.gz")
    assert result.exit_code == 1
    assert "results go into a folder" in result.stderr
    assert not (tmp_path / "mask.nii.gz").exists()


@pytest.fixture
def a_small_disk(tmp_path):
    """A disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, check=False, encoding="utf-8"
        )
    except FileNotFoundError:
        pytest.skip("there is no mount command to make a small disk with")
    if answer.returncode:
        pytest.skip(f"a small disk cannot be made here: {answer.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_a_sentence_and_nothing_half_written(softcord, tmp_path, a_small_disk):
    image = tmp_path / "in" / "noise.nii.gz"
    data = (
        np.random.default_rng(1).uniform(0, 900, (40, 40, 60)).astype(np.float32)
    )  # does not compress
    write_nifti(Volume(data, a_neck().affine), image)
    before = digest(image)
    result = softcord("segment", image, "-o", a_small_disk)
    assert result.exit_code == 1
    assert "No space left" in result.stderr
    assert "noise_label-SC_softseg.nii.gz" in result.stderr
    assert ".softcord-" not in result.stderr
    assert names_in(a_small_disk) == []
    assert digest(image) == before


def test_a_full_disk_keeps_what_was_there(softcord, an_image, tmp_path, a_small_disk):
    """Mask and sidecar are replaced together or not at all."""
    assert softcord("segment", an_image, "-o", a_small_disk).exit_code == 0
    before = {name: digest(a_small_disk / name) for name in names_in(a_small_disk)}
    fill(a_small_disk / "filler")
    assert softcord("segment", an_image, "-o", a_small_disk).exit_code == 1
    (a_small_disk / "filler").unlink()
    assert {name: digest(a_small_disk / name) for name in names_in(a_small_disk)} == before


def test_a_full_disk_stops_the_table_too(softcord, tmp_path, a_small_disk):
    mask = tmp_path / "in" / "mask.nii.gz"
    write_nifti(a_neck().with_data(a_neck().data / 1000), mask)
    fill(a_small_disk / "filler")
    result = softcord("csa", mask, "-o", a_small_disk / "csa.csv", "--perslice")
    assert result.exit_code == 1
    assert "No space left" in result.stderr
    assert names_in(a_small_disk) == ["filler"]


def fill(path):
    """Write into the file until the disk is full."""
    with open(path, "wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(b"x" * 1024):
            pass


def test_the_command_itself_in_another_process(tmp_path):
    """No test machinery between: the real entry point, its exit code and its two streams."""
    library = Path(__file__).resolve().parents[2] / "SoftCordSeg"
    environment = {**os.environ, "PYTHONPATH": str(library)}

    def softcord(*arguments):
        command = [
            sys.executable,
            "-c",
            "from SoftCordSegLib.cli.app import main; main()",
            *map(str, arguments),
        ]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False, encoding="utf-8"
        )

    missing_file = softcord("csa", tmp_path / "no.nii.gz", "-o", tmp_path / "out" / "csa.csv")
    assert missing_file.returncode == 1
    assert missing_file.stdout == ""
    assert "There is no such file" in missing_file.stderr
    assert "Traceback" not in missing_file.stderr
    assert softcord("--version").stdout.startswith("SoftCordSeg ")
    assert softcord("nonsense").returncode == 2


def test_help_and_version_load_nothing_heavy():
    library = Path(__file__).resolve().parents[2] / "SoftCordSeg"
    code = (
        "import sys\nfrom SoftCordSegLib.cli.app import app\nheavy = {'torch', 'numpy', 'scipy',"
        " 'nibabel', 'vtk', 'slicer', 'matplotlib', 'pandas', 'monai', 'lightning',"
        " 'yaml', 'jinja2', 'pydantic', 'statsmodels', 'openvino'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(library)},
        encoding="utf-8",
    )
    assert answer.stdout.strip() == "[]"
