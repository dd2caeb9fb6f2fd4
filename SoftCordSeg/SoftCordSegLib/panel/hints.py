"""A control that cannot be used says why: in its tooltip, and for the important ones beside it."""

from __future__ import annotations


class Hints:
    """Remembers what a control's tooltip says when it can be used."""

    def __init__(self):
        self._tips: dict[str, str] = {}

    def allow(self, control, reason: str = "", tip: str = "") -> None:
        """Enable a control, or disable it with the reason as its tooltip.

        Args:
            control: a widget with a tooltip of its own in the ``.ui`` file.
            reason: why it cannot be used; empty where it can.
            tip: what it does just now, where that is not what the ``.ui`` file says.
        """
        usual = self._tips.setdefault(control.name, control.toolTip)
        control.enabled = not reason
        control.toolTip = reason or tip or usual
