"""One section is open at a time: opening one folds the others away, and scrolls it into view."""

from __future__ import annotations

import qt

from ..resources import resources_folder


class OpenSections:
    """The sections that take turns.

    Args:
        ui: the controls by name: ``cord<Section>Section``, ``cord<Section>Pin``.
        names: of the sections, for example ``("Correct", "Levels")``.
    """

    def __init__(self, ui, names):
        self._buttons = {name: getattr(ui, f"cord{name}Section") for name in names}
        self._pins = {name: getattr(ui, f"cord{name}Pin") for name in names}
        icon = qt.QIcon(str(resources_folder() / "Icons" / "Pin.png"))
        for pin in self._pins.values():
            pin.setIcon(icon)
        self._texts = {name: button.text for name, button in self._buttons.items()}
        self._words = dict.fromkeys(names, "")
        self._slots = []
        self._opened = None  # to be scrolled into view
        for name, button in self._buttons.items():
            self._follow(name, button)
        # The contents have their size only when Qt has laid them out.
        self._scrolling = qt.QTimer()
        self._scrolling.setSingleShot(True)
        self._scrolling.setInterval(0)
        self._scrolling.connect("timeout()", self._scroll)

    def open(self, name: str) -> None:
        """Open a section, as a click on its title does."""
        self._buttons[name].collapsed = False

    def set_title(self, name: str, words: str) -> None:
        """What stands behind the name of a folded section."""
        if name in self._buttons:
            self._words[name] = words
            self._write(name)

    def _write(self, name: str) -> None:
        button, text, words = self._buttons[name], self._texts[name], self._words[name]
        if words and button.collapsed:
            text = f"{text}   {words}"
        if button.text != text:
            button.text = text

    def close(self) -> None:
        """Let the controls go."""
        self._scrolling.stop()
        self._scrolling.disconnect("timeout()", self._scroll)
        for button, slot in self._slots:
            button.disconnect("contentsCollapsed(bool)", slot)
        self._slots = []

    def _follow(self, name: str, button) -> None:
        def folded(collapsed) -> None:
            self._write(name)
            if not collapsed:
                self._on_opened(name)

        button.connect("contentsCollapsed(bool)", folded)
        self._slots.append((button, folded))

    def _on_opened(self, name: str) -> None:
        for other, button in self._buttons.items():
            if other != name and not self._pins[other].checked and not button.collapsed:
                button.collapsed = True
        self._opened = self._buttons[name]
        self._scrolling.start()

    def _scroll(self) -> None:
        area = self._opened
        while area is not None and not area.inherits("QScrollArea"):
            area = area.parent()
        if area is not None:
            area.ensureWidgetVisible(self._opened)
