"""Controls of the panel: a disabled one says why, settings of this computer, and keys."""

from __future__ import annotations

import qt
import slicer

_PREFIX = "SoftCordSeg/"


class Section:
    """A section of the panel; by default nothing happens when the module is left or closed.

    Attributes:
        needs_packages: left alone as long as a fresh Slicer lacks the packages that it imports.
    """

    needs_packages = False

    @property
    def name(self) -> str:
        """As in the names of its controls, ``cord<Name>Section``: that of the class."""
        return type(self).__name__[: -len("Section")]

    def title(self, situation) -> str:
        """What stands behind the section's name while it is folded: its result, in a few words."""
        return ""

    def refresh(self, situation) -> None:
        """Show the state; called at every change."""
        raise NotImplementedError

    def exit(self) -> None:
        """Another module was opened."""

    def close(self) -> None:
        """The module is closed."""


class Hints:
    """Enables and disables controls; the tooltip of a disabled one says why."""

    def __init__(self):
        self._tips: dict[str, str] = {}

    def allow(self, control, reason: str = "", tip: str = "") -> None:
        """Enable a control, or disable it with the reason as its tooltip.

        Args:
            control: a widget with a tooltip of its own in the ``.ui`` file.
            reason: why it cannot be used; empty where it can.
            tip: what it does now, where that differs from the ``.ui`` file.
        """
        usual = self._tips.setdefault(control.name, control.toolTip)
        control.enabled = not reason
        control.toolTip = reason or tip or usual


def setting(name: str, default: str = "") -> str:
    """A stored text of this computer, under ``SoftCordSeg/``; QSettings returns text after a
    restart.
    """
    return slicer.util.settingsValue(_PREFIX + name, default, converter=str)


def store_setting(name: str, value: str) -> None:
    """Store a text."""
    qt.QSettings().setValue(_PREFIX + name, value)


class Shortcuts:
    """Keys of the panel, active in Slicer's whole window while the module is open: also while a
    slice view has the focus.  Single letters and the views have Slicer's own keys.

    Args:
        parent: the module's widget, for a Slicer without a main window.
        actions: key sequence -> function, for example ``{"Ctrl+Return": segment}``.
    """

    def __init__(self, parent, actions):
        self._parent, self._actions = parent, actions
        self._installed: list = []

    def install(self) -> None:
        """Install the keys, if they are not installed."""
        if self._installed:
            return
        window = slicer.util.mainWindow()
        for keys, action in self._actions.items():
            shortcut = qt.QShortcut(self._parent if window is None else window)
            shortcut.setKey(qt.QKeySequence(keys))
            shortcut.connect("activated()", action)
            self._installed.append((shortcut, action))

    def remove(self) -> None:
        """Remove the keys."""
        for shortcut, action in self._installed:
            shortcut.disconnect("activated()", action)
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self._installed = []


def counted(count: int, one: str, many: str, **words: object) -> str:
    """A sentence for one thing, or for another number of them, both translated, with ``{count}``
    and other words put in.
    """
    return (one if count == 1 else many).format(count=count, **words)
