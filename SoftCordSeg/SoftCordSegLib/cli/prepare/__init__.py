"""``softcord prepare``."""

from .command import prepare_command

__all__ = ["prepare_command"]
