"""``softcord models``."""

from .command import models_app

__all__ = ["models_app"]
