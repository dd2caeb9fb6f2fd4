"""Slice by slice, from a contrast's cord to the reference's: shift and rotation within the
reference's axial planes.
"""

from .fields import displacement_field, write_field
from .fit import PAPER_REGISTRATION, RegistrationOptions, register
from .slicewise import SlicewiseRigid

__all__ = [
    "PAPER_REGISTRATION",
    "RegistrationOptions",
    "SlicewiseRigid",
    "displacement_field",
    "register",
    "write_field",
]
