"""The tabs *Image* and *Review*: what is shown in each, and the keys of a review."""

from __future__ import annotations

import slicer

from ..controls import Section, Shortcuts

# While one of these has the focus, letters are text.
_TYPED_IN = ("QLineEdit", "QTextEdit", "QPlainTextEdit", "QAbstractSpinBox", "QWebEngineView")


class ReviewTab(Section):
    """Args:
    panel: see :class:`~.panel.Panel`.
    desk: see :class:`~.review_desk.ReviewDesk`.
    parent: the module's widget.
    keys: (letters, digits), each key -> function.
    """

    name = "Tabs"
    needs_packages = True

    def __init__(self, panel, desk, parent, keys):
        self._panel, self._ui, self._desk = panel, panel.ui, desk
        letters, digits = ({key: _unless_typing(act) for key, act in one.items()} for one in keys)
        self._letters, self._digits = Shortcuts(parent, letters), Shortcuts(parent, digits)
        self._paused = False
        self._mask_folded = False  # in the tab Image
        self._ui.cordImageTab.connect("clicked()", self._on_image)
        self._ui.cordReviewTab.connect("clicked()", self._on_review)
        self._show()

    def refresh(self, situation) -> None:
        self._show()
        if self._paused and self._panel.shown:
            self._paused = False
            self._desk.resume()
        wanted = self._panel.shown and self._panel.reviewing
        if wanted and self._desk.row is not None:
            self._letters.install()
        else:
            self._letters.remove()
        # The Segment Editor has its own use for the digits.
        if wanted and self._desk.row is not None and self._ui.cordCorrectSection.collapsed:
            self._digits.install()
        else:
            self._digits.remove()

    def exit(self) -> None:
        self._letters.remove()
        self._digits.remove()
        self._paused = True
        self._desk.pause()

    def close(self) -> None:
        self.exit_keys()
        self._desk.close()

    def exit_keys(self) -> None:
        """Remove all keys."""
        self._letters.remove()
        self._digits.remove()

    def _show(self) -> None:
        ui, reviewing = self._ui, self._panel.reviewing
        ui.cordImageTab.checked, ui.cordReviewTab.checked = not reviewing, reviewing
        # What holds a section too: a hidden section in it would leave its spacing.
        for control in (ui.cordImageLabel, ui.cordImageSelector, ui.SaveSection):
            control.visible = not reviewing
        for control in (ui.ReviewSection, ui.TeachSection):
            control.visible = reviewing
        busy = ui.cordCancelButton.visible or bool(ui.cordRunStatus.text)
        ui.RunSection.visible = not reviewing or busy
        if not reviewing:
            for control in (ui.cordDataSetSection, ui.cordVerdictBar, ui.cordCasesSection):
                control.visible = False

    def _on_image(self) -> None:
        if self._panel.reviewing:
            self._panel.reviewing = False
            self._ui.cordMaskSection.collapsed = self._mask_folded
        self._panel.refresh()

    def _on_review(self) -> None:
        """Back to the case that was in view."""
        panel, desk = self._panel, self._desk
        if not panel.reviewing:
            panel.reviewing = True
            # The list needs the room.
            self._mask_folded = bool(self._ui.cordMaskSection.collapsed)
            self._ui.cordMaskSection.collapsed = True
        if desk.session is None:
            panel.sections.open("DataSet")
        elif desk.shown is not None and desk.shown.is_whole and panel.parameters is not None:
            panel.parameters.image = desk.shown.image
        panel.refresh()


def _unless_typing(act):
    """Qt gives a letter to the line that is typed in, not to a shortcut; this holds for lines that
    leave it to us too, as those in a page of a browser.
    """

    def run() -> None:
        widget = slicer.app.focusWidget()
        if widget is None or not any(widget.inherits(kind) for kind in _TYPED_IN):
            act()

    return run
