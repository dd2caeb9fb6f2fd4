"""Merging a package is killed at every rename and at random moments: every file stays whole, and
the next look at the data set finds each case old or new, never a mixture.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter

import numpy as np

from SoftCordSegLib.bids import Kind, is_as_described
from SoftCordSegLib.review import find_review_cases
from SoftCordSegLib.volume import Volume, read_nifti, write_nifti
from SoftCordSegLib.workflows.review.correction_merge import merge_corrections
from SoftCordSegLib.workflows.review.correction_package import package_cases
from stress.forked import in_a_fork
from stress.stress_kills import MOMENTS, killed_after, killed_at_rename
from stress.tally import LEFT, LOST, WRONG, tally
from workflows.package_folder import (
    AFFINE,
    SHAPE,
    contents,
    correct_as_the_panel,
    path_of,
    tube,
    unpacked,
    write_ours,
)

PARTICIPANTS = 4
KEYS = [f"sub-{number:02d}/anat/sub-{number:02d}_T2w" for number in range(1, PARTICIPANTS + 1)]


_MASKS = (Kind.SOFT_MASK, Kind.BINARY_MASK)


def prepared(tmp_path):
    """A data set, the same as it shall be after the merge, and the package that was sent back."""
    root = tmp_path / "data"
    for number, key in enumerate(KEYS):
        image = np.full(SHAPE, number, np.int16)
        write_nifti(Volume(image, AFFINE), root / f"{key}.nii.gz")
        write_ours(root, key, tube(3.5 + 0.2 * number))
    package_cases(root, find_review_cases(root), tmp_path / "cases.zip")
    back = unpacked(tmp_path / "cases.zip", tmp_path / "back")
    for key in KEYS:
        correct_as_the_panel(back, key)
    done = shutil.copytree(root, tmp_path / "done")
    merge_corrections(done, back)
    return root, contents(done), back


def files_of(contents_of, key):
    name = key.rpartition("/")[2]
    return {path: data for path, data in contents_of.items() if name in path}


def look(root, old, new, counted, when, seen):
    """Every file is the old or the new one; for the next reader every case is."""
    for path, data in contents(root).items():
        if "/.softcord-" in path:
            continue  # removed by the next run
        whole = data in (old.get(path), new.get(path))
        counted.add("accepted" if whole else LOST, f"{path} {when}")
        if path.endswith(".nii.gz"):
            read_nifti(root / path)
    for key in KEYS:
        now = {p: d for p, d in files_of(contents(root), key).items() if "/.softcord-" not in p}
        mixed = now != files_of(old, key) and now != files_of(new, key)
        seen["mixed before the next reader"] += mixed
        described = [is_as_described(path_of(root, key, kind)) for kind in _MASKS]
        if mixed:
            noticed = not all(described)
            counted.add("accepted" if noticed else WRONG, f"{key} {when}", "not noticed")
    find_review_cases(root)
    for key in KEYS:
        now = files_of(contents(root), key)
        seen["old" if now == files_of(old, key) else "new"] += 1
        whole = now in (files_of(old, key), files_of(new, key))
        counted.add("accepted" if whole else LOST, f"{key} {when}", "neither old nor new")


def test_a_merge_that_is_killed_leaves_every_case_old_or_new(tmp_path):
    root, new, back = prepared(tmp_path)
    old, counted, seen = contents(root), tally("kills of a merge"), Counter()
    begin = time.monotonic()
    trial = shutil.copytree(root, tmp_path / "timed")
    in_a_fork(lambda: merge_corrections(trial, back) and None, tmp_path / "log")
    seconds = time.monotonic() - begin
    rng = np.random.default_rng(17)
    number = kills = 0
    ended = False
    while not ended or kills < number + MOMENTS:
        trial = tmp_path / "trial"
        shutil.rmtree(trial, ignore_errors=True)
        shutil.copytree(root, trial)

        def work(root=trial):
            merge_corrections(root, back)

        if not ended:
            run, when = killed_at_rename(work, number), f"at rename {number / 2}"
            number += 1
        else:
            after = float(rng.uniform(0.05, 1.0) * seconds)
            run, when = killed_after(work, after), f"after {after:.3f} s"
        kills += 1
        code = in_a_fork(run, tmp_path / "log").code
        ended = ended or code == 0
        look(trial, old, new, counted, when, seen)
        merge_corrections(trial, back)
        whole = contents(trial) == new
        counted.add("accepted" if whole else LOST, when, "the next merge did not finish")
        left = [p for p in trial.rglob("*") if p.is_file() and p.name.startswith(".softcord-")]
        counted.add("accepted" if not left else LEFT, when, str(left))
    print(f"{kills} kills, {number} of them at renames: {dict(seen)}")
    counted.check()
