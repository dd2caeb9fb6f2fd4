"""The real program where memory is short: a sentence or a mask, whatever library fails."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from known_phantoms import known_phantom
from SoftCordSegLib.volume import write_nifti

pytest.importorskip("openvino")
pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits of the address space are Linux's"
)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "scan.nii.gz"
    write_nifti(known_phantom("T2starw").image, path)
    return path


def segmented(image, out, megabytes, repository):
    """The command in a process whose address space is limited."""
    program = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({megabytes} << 20,) * 2)\n"
        "from SoftCordSegLib.cli.app import main\nmain()"
    )
    return subprocess.run(
        [sys.executable, "-c", program, "segment", str(image), "-o", str(out)],
        env={**os.environ, "PYTHONPATH": str(repository / "SoftCordSeg"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )


def test_too_little_memory_is_a_sentence_and_nothing_is_written(image, tmp_path, repository):
    done = segmented(image, tmp_path / "out", 300, repository)
    assert done.returncode == 1, done.stderr
    assert "There is not enough memory" in done.stderr
    assert "unexpected" not in done.stderr
    assert not list(tmp_path.rglob("*.nii.gz"))


@pytest.mark.parametrize("megabytes", [690, 710, 750])
def test_where_it_just_may_do_it_ends_with_a_mask_or_that_sentence(
    image, tmp_path, megabytes, repository
):
    """Which of the two depends on where the libraries happen to lie."""
    done = segmented(image, tmp_path / "out", megabytes, repository)
    masks = list(tmp_path.rglob("*.nii.gz"))
    if done.returncode:
        assert done.returncode == 1, done.stderr
        assert "There is not enough memory" in done.stderr
        assert not masks
    else:
        assert len(masks) == 1
