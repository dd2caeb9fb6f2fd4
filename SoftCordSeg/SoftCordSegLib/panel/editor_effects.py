"""The tools of the section "Correct": own buttons and options for the effects of Slicer's Segment
Editor, which itself is behind "More".

The options are parameters of the editor's node, where Slicer's own keys change them too.  Those of
the brush are common to Paint and Erase: a value of one effect alone would hide what Shift and the
mouse wheel change.
"""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

# In the order of their buttons, and so of the keys 1, 2, …; the last two are behind "More".
EFFECTS = ("Paint", "Erase", "Draw", "Scissors")
_MORE = ("Islands", "Smoothing")
_BRUSHES = ("Paint", "Erase")
_DIAMETER, _SPHERE, _RELATIVE = "BrushAbsoluteDiameter", "BrushSphere", "BrushDiameterIsRelative"
# A cord is 8 to 14 mm wide; Slicer's brush is relative to the view, and 5 mm otherwise.
_FIRST_DIAMETER_MM = 3.0
# What the editor shows of its own, beside what its properties hide: the list of segments in its
# frame, a warning that is shown again at every turn of a slice view.
_LIST, _WARNING = "SegmentsTableView", "SliceRotateWarningButton"


class EditorEffects:
    """The tools' buttons and options.

    Args:
        panel: see :class:`~.panel.Panel`.
    """

    def __init__(self, panel):
        self._panel, self._ui = panel, panel.ui
        self._node = None  # the editor's node, whose parameters are shown
        self._showing = False
        ui, editor = panel.ui, panel.ui.cordEditor
        self._buttons = {name: getattr(ui, f"cord{name}Button") for name in EFFECTS}
        editor.setEffectNameOrder([*EFFECTS, *_MORE])
        editor.unorderedEffectsVisible = False
        self._hide_stock(editor)
        for name, button in self._buttons.items():
            button.connect("clicked()", self._chooser(name))
        ui.cordDiameterSlider.connect("valueChanged(double)", self._on_diameter)
        ui.cordSphereCheck.connect("toggled(bool)", self._on_sphere)
        ui.cordMoreButton.connect("toggled(bool)", self._on_more)
        ui.cordUndoButton.connect("clicked()", self._on_undo)
        ui.cordRedoButton.connect("clicked()", self._on_redo)

    @property
    def active(self) -> str:
        """The name of the chosen tool; "" for none."""
        return (self._node.GetActiveEffectName() or "") if self._node is not None else ""

    @property
    def is_flat_brush(self) -> bool:
        """Whether the chosen tool paints in one slice of a view."""
        return self.active in _BRUSHES and self._parameter(_SPHERE) != "1"

    def follow(self, node) -> None:
        """Show the parameters of an editor's node, and change them; None for none."""
        if node is self._node:
            return
        observed = (slicer.vtkMRMLSegmentEditorNode.EffectParameterModified, "ModifiedEvent")
        for event in observed:
            if self._node is not None:
                self._panel.unobserve(self._node, event, self._on_parameters)
            if node is not None:
                self._panel.observe(node, event, self._on_parameters)
        self._node = node

    def show(self, reason: str) -> None:
        """Show the chosen tool, its options, and whether there is something to undo.

        Args:
            reason: why nothing can be corrected; empty where it can.
        """
        ui, allow, tool = self._ui, self._panel.hints.allow, self.active
        brush = tool in _BRUSHES
        self._showing = True
        try:
            for name, button in self._buttons.items():
                allow(button, reason)
                button.checked = name == tool
            for control in (ui.cordDiameterLabel, ui.cordDiameterSlider, ui.cordSphereCheck):
                control.visible = brush
            ui.cordToolHint.visible = not brush and not reason
            ui.cordToolHint.text = _hint(tool)
            if self._node is not None:
                if brush:
                    ui.cordDiameterSlider.value = float(self._parameter(_DIAMETER) or 0)
                ui.cordSphereCheck.checked = self._parameter(_SPHERE) == "1"
        finally:
            self._showing = False
        allow(ui.cordMoreButton, reason)
        ui.cordMoreArea.visible = ui.cordMoreButton.checked
        self.show_undo(reason)

    def show_undo(self, reason: str = "") -> None:
        """Whether there is something to undo and to redo, as the editor's own buttons say."""
        for button, name, nothing in (
            (self._ui.cordUndoButton, "UndoButton", _("There is nothing to undo.")),
            (self._ui.cordRedoButton, "RedoButton", _("There is nothing to redo.")),
        ):
            stock = self._ui.cordEditor.findChild("QWidget", name)
            can = self._node is not None and (stock is None or stock.enabled)
            self._panel.hints.allow(button, reason or ("" if can else nothing))

    @staticmethod
    def prepare(node) -> None:
        """Give a new node of the editor the brush of a cord: in mm, and flat."""
        for name, value in ((_DIAMETER, _FIRST_DIAMETER_MM), (_SPHERE, 0), (_RELATIVE, 0)):
            node.SetAttribute(name, str(value))

    @staticmethod
    def _hide_stock(editor) -> None:
        segments = editor.findChild("QWidget", _LIST)
        if segments is not None:
            segments.visible = False
            frame = segments.parent()
            if frame is not None and frame.name != editor.name:
                frame.visible = False
        warning = editor.findChild("QWidget", _WARNING)
        if warning is not None:
            # Hidden, it would be shown again.
            warning.setMaximumSize(0, 0)

    def _parameter(self, name: str) -> str:
        return self._node.GetAttribute(name) or ""

    def _set(self, name: str, value: str) -> None:
        effect = self._ui.cordEditor.effectByName("Paint") if self._node is not None else None
        if effect is not None:
            effect.setCommonParameter(name, value)

    def _chooser(self, name: str):
        def choose() -> None:
            with self._panel.guard(_("The tool could not be chosen."), section="Correct"):
                if self._node is not None:
                    chosen = "" if self.active == name else name
                    self._ui.cordEditor.setActiveEffectByName(chosen)

        return choose

    def _on_parameters(self, _caller=None, _event=None) -> None:
        # A key or the mouse wheel in a view, or the options behind "More".
        if not self._showing and not self._panel.refreshing:
            self.show(self._panel.situation.why_no_mask)

    def _on_diameter(self, value: float) -> None:
        if not self._showing:
            with self._panel.guard(_("The brush could not be changed."), False, "Correct"):
                self._set(_RELATIVE, "0")
                self._set(_DIAMETER, f"{value:g}")

    def _on_sphere(self, checked: bool) -> None:
        if not self._showing:
            with self._panel.guard(_("The brush could not be changed."), section="Correct"):
                self._set(_SPHERE, "1" if checked else "0")

    def _on_more(self, checked: bool) -> None:
        self._ui.cordMoreArea.visible = checked

    def _on_undo(self) -> None:
        with self._panel.guard(_("The correction could not be undone."), section="Correct"):
            self._ui.cordEditor.undo()

    def _on_redo(self) -> None:
        with self._panel.guard(_("The correction could not be redone."), section="Correct"):
            self._ui.cordEditor.redo()


def _hint(tool: str) -> str:
    """What to do with a tool that has no options here."""
    return {
        "": _("Choose a tool, and use it in a slice view."),
        "Draw": _("Click the outline in one slice; press the right button at its last point."),
        "Scissors": _("Draw a line around what is to go: it goes in all slices."),
    }.get(tool, _("The options of this tool are behind More."))
