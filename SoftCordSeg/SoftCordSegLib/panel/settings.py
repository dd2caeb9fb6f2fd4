"""What is chosen for this computer, not for a study: kept in QSettings under ``SoftCordSeg/``."""

from __future__ import annotations

import qt
import slicer

_PREFIX = "SoftCordSeg/"


def setting(name: str, default: str = "") -> str:
    """A text kept earlier; after a restart every value comes back as text."""
    return slicer.util.settingsValue(_PREFIX + name, default, converter=str)


def keep_setting(name: str, value: str) -> None:
    """Keep a text for the next time."""
    qt.QSettings().setValue(_PREFIX + name, value)
