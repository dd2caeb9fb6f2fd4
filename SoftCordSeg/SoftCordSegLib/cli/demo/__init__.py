"""``softcord demo``."""

from .command import demo_command

__all__ = ["demo_command"]
