"""Floor 2: one soft ground truth of the cord from the masks of several contrasts."""

from .displacement_field import displacement_field, write_field, write_transform
from .exclusion import Exclusion, Exclusions, read_exclusions
from .ground_truth import (
    AUTHORS,
    PAPER,
    Contrast,
    ContrastError,
    ContrastTruth,
    GroundTruth,
    GroundTruthOptions,
    largest_motion,
)
from .registration import RegistrationOptions, register
from .slicewise import SlicewiseRigid
from .soft_average import make_ground_truth

__all__ = [
    "AUTHORS",
    "PAPER",
    "Contrast",
    "ContrastError",
    "ContrastTruth",
    "Exclusion",
    "Exclusions",
    "GroundTruth",
    "GroundTruthOptions",
    "RegistrationOptions",
    "SlicewiseRigid",
    "displacement_field",
    "largest_motion",
    "make_ground_truth",
    "read_exclusions",
    "register",
    "write_field",
    "write_transform",
]
