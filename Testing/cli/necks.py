"""A digital neck on disk, whose discs are known."""

from __future__ import annotations

import json

import numpy as np

from known_phantoms import known_phantom
from SoftCordSegLib.morphometry.disc_files import read_discs
from SoftCordSegLib.volume import write_nifti

# The discs that can be found in it: C1/C2 to T3/T4.
IN_VIEW = range(2, 12)


class Neck:
    """A phantom on disk."""

    def __init__(self, folder, contrast):
        phantom = known_phantom(contrast)
        self.discs = {disc.value: np.array(disc.position_mm) for disc in phantom.discs}
        self.image, self.mask = folder / f"{contrast}.nii.gz", folder / f"{contrast}_seg.nii.gz"
        write_nifti(phantom.image, self.image)
        write_nifti(phantom.truth, self.mask)

    def known(self, value, named=None, shift=(0, 0, 0)):
        """An option that names a disc."""
        return [
            "--known",
            f"{named or value}=" + ",".join(f"{x:.3f}" for x in self.discs[value] + shift),
        ]

    def errors_mm(self, path) -> dict[int, float]:
        """Distance of each disc in a file from the true one."""
        return {
            disc.value: float(np.linalg.norm(np.subtract(disc.position_mm, self.discs[disc.value])))
            for disc in read_discs(path)
        }


def control_points(path):
    """The points of a markups file."""
    return json.loads(path.read_text(encoding="utf-8"))["markups"][0]["controlPoints"]
