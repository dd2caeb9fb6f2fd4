"""What became of a hostile image, held against the oracle."""

from __future__ import annotations

import numpy as np

from SoftCordSegLib.errors import SoftCordSegError
from SoftCordSegLib.volume import read_nifti
from stress.hostile_images import Case
from stress.hostile_oracle import verdict
from stress.tally import TRACEBACK, WRONG, WRONGLY_REFUSED


def judge_reading(case: Case, folder) -> tuple[str, str]:
    """Read a case with ``read_nifti``: what to count, and why."""
    name, suffix, content = case
    path = folder / f"image{suffix}"
    path.write_bytes(content)
    right = verdict(content, suffix)
    try:
        volume = read_nifti(path)
    except SoftCordSegError as error:
        good = right.must != "accept"
        return ("refused" if good else WRONGLY_REFUSED), str(error)
    except Exception as error:
        return TRACEBACK, f"{type(error).__name__}: {error}"
    if right.must == "refuse":
        return WRONG, right.why
    if right.affine is not None and not np.allclose(volume.affine, right.affine, atol=1e-3):
        return WRONG, f"another affine ({right.why})"
    if right.data is not None and not np.allclose(volume.data, right.data, 1e-4, 1e-6):
        return WRONG, f"other values ({right.why})"
    if right.said and not volume.notes:
        return WRONG, f"without a note ({right.why})"
    return "accepted", ""
