"""Keys of the panel, heard while the panel has the focus: single letters and the views belong to
Slicer's own keys.
"""

from __future__ import annotations

import qt


class Shortcuts:
    """Keys, there while the module is shown.

    Args:
        parent: the module's widget.
        actions: key sequence -> what it does, for example ``{"Ctrl+Return": segment}``.
    """

    def __init__(self, parent, actions):
        self._parent, self._actions = parent, actions
        self._installed: list = []

    def install(self) -> None:
        """Listen, if not listening already."""
        if self._installed:
            return
        for keys, action in self._actions.items():
            shortcut = qt.QShortcut(self._parent)
            shortcut.setKey(qt.QKeySequence(keys))
            shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
            shortcut.connect("activated()", action)
            self._installed.append((shortcut, action))

    def remove(self) -> None:
        """Listen no more, and leave nothing behind."""
        for shortcut, action in self._installed:
            shortcut.disconnect("activated()", action)
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self._installed = []
