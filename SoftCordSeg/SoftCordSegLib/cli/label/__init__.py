"""``softcord label``."""

from .command import label_command

__all__ = ["label_command"]
