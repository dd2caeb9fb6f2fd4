"""``softcord evaluate``."""

from .command import evaluate_command

__all__ = ["evaluate_command"]
