"""``softcord softgt``."""

from .command import softgt_command

__all__ = ["softgt_command"]
