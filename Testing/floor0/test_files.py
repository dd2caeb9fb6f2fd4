"""Atomic writing: whole or not there, whatever goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from SoftCordSegLib.errors import OutputError
from SoftCordSegLib.files import (
    atomic_path,
    check_folder,
    finish_killed_runs,
    json_text,
    locked,
    real_path,
    safe_cell,
    text_of_cell,
    write_atomically,
    write_text_atomically,
)
from SoftCordSegLib.processes import owner_mark
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 KiB; the test is skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk can be mounted by root on Linux only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def noise(side: int) -> Volume:
    return Volume(np.random.default_rng(0).random((side, side, side)).astype(np.float32), np.eye(4))


def test_a_text_is_written_in_folders_made_for_it(tmp_path):
    write_text_atomically(tmp_path / "new" / "deep" / "note.txt", "Rückenmark")

    assert (tmp_path / "new" / "deep" / "note.txt").read_text(encoding="utf-8") == "Rückenmark"
    assert len(list((tmp_path / "new" / "deep").iterdir())) == 1


def test_the_writer_sees_the_suffixes_and_the_folder_of_the_file(tmp_path):
    seen = []
    write_atomically(
        tmp_path / "a.b.nii.gz", lambda path: (seen.append(path), path.write_bytes(b"x"))
    )

    assert seen[0].name.endswith(".nii.gz")
    assert seen[0].parent == tmp_path


def test_until_the_end_the_old_file_stands(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("old", encoding="utf-8")

    with atomic_path(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"

    assert path.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "note.txt"
    path.write_text("old", encoding="utf-8")

    def write(temporary: Path):
        temporary.write_text("half", encoding="utf-8")
        raise error("in the middle")

    with pytest.raises(OutputError if error is OSError else error):
        write_atomically(path, write)

    assert path.read_text(encoding="utf-8") == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["note.txt"]


def test_a_writer_that_writes_nothing_leaves_nothing(tmp_path):
    with pytest.raises(OutputError), atomic_path(tmp_path / "note.txt") as temporary:
        temporary.unlink()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions of files are POSIX's")
def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    write_text_atomically(tmp_path / "ours.txt", "")
    (tmp_path / "plain.txt").write_text("", encoding="utf-8")

    assert (tmp_path / "ours.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


@pytest.mark.skipif(os.name != "posix", reason="permissions of files are POSIX's")
def test_a_read_only_folder_is_a_sentence():
    # Root may write anywhere, so where the tests run as root, the writing is done by nobody, in a
    # folder open to all.
    become_nobody = "os.setuid(65534)" if os.geteuid() == 0 else ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        program = (
            "import os, sys; sys.path.insert(0,"
            f" {str(Path(__file__).parents[2] / 'SoftCordSeg')!r})\nfrom SoftCordSegLib.files"
            " import write_text_atomically\nfrom SoftCordSegLib.errors import"
            f" OutputError\n{become_nobody}\ntry:"
            f" write_text_atomically({str(folder / 'note.txt')!r}, 'x')\nexcept OutputError as"
            " error: print(error)"
        )

        answer = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=False,
            encoding="utf-8",
        )

        assert f"'{folder}': Cannot write into this folder" in answer.stdout, answer.stderr
        assert list(folder.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_a_sentence(tmp_path):
    (tmp_path / "folder").write_text("I am a file", encoding="utf-8")

    with pytest.raises(OutputError, match="Cannot write into this folder"):
        write_text_atomically(tmp_path / "folder" / "note.txt", "x")


def test_a_name_that_is_too_long_is_a_sentence(tmp_path):
    with pytest.raises(OutputError, match="too long"):
        write_text_atomically(tmp_path / ("x" * 300), "x")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["mask.nii", "mask.nii.gz"])
def test_a_full_disk_is_a_sentence_and_leaves_the_old_file(small_disk, name):
    path = small_disk / name
    write_nifti(noise(8), path)

    with pytest.raises(OutputError, match="No space left on device"):
        write_nifti(noise(64), path)

    assert [child.name for child in small_disk.iterdir()] == [name]
    np.testing.assert_array_equal(read_nifti(path).data, noise(8).data)


def test_a_full_disk_is_a_sentence_for_text_too(small_disk):
    with pytest.raises(OutputError, match="No space left on device"):
        write_text_atomically(small_disk / "table.csv", "x" * 1_000_000)

    assert list(small_disk.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_named_as_such(tmp_path):
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="a file, not a folder"):
        check_folder(tmp_path / "out")
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(os.name != "posix", reason="pipes and links are POSIX's")
def test_a_loop_of_links_has_a_real_path_too(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("file")

    assert real_path(tmp_path / "loop").name == "loop"
    assert real_path(tmp_path / "link") == real_path(tmp_path) / "file"


@pytest.mark.skipif(os.name != "posix", reason="pipes and links are POSIX's")
def test_what_is_protected_or_no_file_is_not_replaced(tmp_path):
    protected, pipe, link = (tmp_path / name for name in ("protected", "pipe", "link"))
    protected.write_text("old", encoding="utf-8")
    protected.chmod(0o444)
    os.mkfifo(pipe)
    link.symlink_to(protected)

    for path, word in ((protected, "write-protected"), (pipe, "a pipe"), (link, "a link")):
        with pytest.raises(OutputError, match=word):
            write_text_atomically(path, "new")

    assert protected.read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe", "protected"]


@pytest.mark.skipif(os.name != "posix", reason="kills itself by a POSIX signal")
def test_what_a_killed_process_left_goes_at_the_next_run(tmp_path):
    program = (
        "import os\nfrom pathlib import Path\nfrom SoftCordSegLib.files import write_together\n"
        "kill = lambda path: os.kill(os.getpid(), 9)\n"
        "half = lambda path: path.write_text('half')\n"
        "write_together({Path('a.txt'): half, Path('b.txt'): kill})\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "SoftCordSeg")}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=False)
    assert len(list(tmp_path.iterdir())) == 2
    of_another = tmp_path / f".softcord-{owner_mark()}-abc.txt"
    of_another.write_text("being written", encoding="utf-8")

    write_text_atomically(tmp_path / "note.txt", "x")

    assert sorted(path.name for path in tmp_path.iterdir()) == [of_another.name, "note.txt"]


def killed_between_two_files(folder: Path) -> None:
    """A run puts a mask in place, and is killed before its sidecar follows."""
    program = (
        "import os\nfrom pathlib import Path\nfrom SoftCordSegLib.files import write_together\n"
        "replace, done = os.replace, []\n"
        "def once(*paths):\n"
        "    if done: os.kill(os.getpid(), 9)\n"
        "    replace(*paths); done.append(paths)\n"
        "os.replace = once\n"
        "new = lambda path: path.write_text('new')\n"
        "write_together({Path('mask.nii'): new, Path('mask.json'): new})\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "SoftCordSeg")}
    subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, check=False)
    assert (folder / "mask.nii").read_text(encoding="utf-8") == "new"


@pytest.mark.skipif(os.name != "posix", reason="kills itself by a POSIX signal")
@pytest.mark.parametrize("before", ["old", None])
def test_what_a_killed_run_had_written_whole_is_put_in_place_at_the_next(tmp_path, before):
    """A mask without its sidecar would pass for one made by hand, and be kept for ever."""
    sidecar = tmp_path / "mask.json"
    if before is not None:
        sidecar.write_text(before, encoding="utf-8")
    killed_between_two_files(tmp_path)
    assert sidecar.exists() is (before is not None)

    finish_killed_runs(tmp_path)

    assert sidecar.read_text(encoding="utf-8") == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mask.json", "mask.nii"]


@pytest.mark.skipif(os.name != "posix", reason="kills itself by a POSIX signal")
def test_what_was_written_since_the_kill_is_not_replaced(tmp_path):
    killed_between_two_files(tmp_path)
    (tmp_path / "mask.json").write_text("by hand", encoding="utf-8")

    finish_killed_runs(tmp_path)

    assert (tmp_path / "mask.json").read_text(encoding="utf-8") == "by hand"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mask.json", "mask.nii"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_new_file_has_usual_permissions_without_a_change_of_the_process(tmp_path, monkeypatch):
    """The umask belongs to all threads: one that changes it makes files of others open to all."""
    before = os.umask(0o027)
    try:
        monkeypatch.setattr(os, "umask", None)
        write_text_atomically(tmp_path / "new.txt", "x")
    finally:
        monkeypatch.undo()
        os.umask(before)
    assert (tmp_path / "new.txt").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "'=1", "''@x", "\t=1", "=\u20ac"])
def test_what_a_spreadsheet_program_would_run_is_made_safe_and_read_back(text):
    cell = safe_cell(text)
    assert cell == f"'{text}"
    assert text_of_cell(cell) == text


@pytest.mark.parametrize("value", ["", "x=1", "'quoted'", "-1.5", "+2e3", "-inf", -1.5, None, 3])
def test_numbers_and_other_texts_stay(value):
    assert safe_cell(value) == value
    if isinstance(value, str):
        assert text_of_cell(value) == value


def test_names_that_are_not_utf_8_are_written_as_json_reads_them(tmp_path):
    name = "odd\udcff.nii.gz"
    write_text_atomically(tmp_path / "a.json", json_text({"name": name}))
    assert json.loads((tmp_path / "a.json").read_bytes())["name"] == name


def test_a_lock_in_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    with (
        pytest.raises(OutputError, match="Cannot write into this folder"),
        locked(tmp_path / "file" / "table.csv"),
    ):
        pass
