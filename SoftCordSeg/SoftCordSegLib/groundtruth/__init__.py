"""Floor 2: one soft ground truth of the cord from the masks of several contrasts."""

from .contrast import Contrast
from .exclusion import Exclusion, Exclusions, read_exclusions
from .make import make_ground_truth
from .options import AUTHORS, PAPER, GroundTruthOptions
from .registration import (
    RegistrationOptions,
    SlicewiseRigid,
    displacement_field,
    register,
    write_field,
)
from .save import write_transform
from .truth import ContrastTruth, GroundTruth

__all__ = [
    "AUTHORS",
    "PAPER",
    "Contrast",
    "ContrastTruth",
    "Exclusion",
    "Exclusions",
    "GroundTruth",
    "GroundTruthOptions",
    "RegistrationOptions",
    "SlicewiseRigid",
    "displacement_field",
    "make_ground_truth",
    "read_exclusions",
    "register",
    "write_field",
    "write_transform",
]
