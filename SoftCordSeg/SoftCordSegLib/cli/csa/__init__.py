"""``softcord csa``."""

from .command import csa_command
from .sct_spelling import SctSpelling

__all__ = ["SctSpelling", "csa_command"]
