"""Our layouts in Slicer's window: known to its layout manager, and in its menu of layouts."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from ..scene.cord_layouts import LAYOUT_NAMES, LAYOUTS, PROFILE_TAG, register_layouts

_FACTORY = "cordProfileFactory"
_kept: list = []  # what Python has made and Qt holds


def register_own_layouts() -> None:
    """Make the layouts known, once for each start of Slicer and again in every panel; nothing in a
    Slicer without a window.

    Before any panel, too: a saved scene may ask for one of them, and Slicer shows no view at all in
    a layout that it does not know.
    """
    manager = slicer.app.layoutManager()
    if manager is None:
        return
    profile_holder()
    register_layouts(manager.layoutLogic().GetLayoutNode())
    _add_to_menu()


def profile_holder():
    """The ``QWidget`` that stands in our layouts for the profile of the area; it has a layout
    without margins, to put the profile in.

    It is never deleted, unlike a panel: a layout whose element has no widget crashes Slicer.
    """
    manager = slicer.app.layoutManager()
    if manager is None:
        return None
    for factory in manager.children():
        if factory.objectName == _FACTORY:
            return factory.widget()
    holder = qt.QWidget()
    holder.objectName = "cordProfileHolder"
    inside = qt.QVBoxLayout(holder)
    inside.setContentsMargins(0, 0, 0, 0)
    factory = slicer.qSlicerSingletonViewFactory()
    factory.objectName = _FACTORY
    factory.setTagName(PROFILE_TAG)
    factory.setWidget(holder)
    manager.registerViewFactory(factory)
    _kept[:] = [factory, holder]
    return holder


def _add_to_menu() -> None:
    """Slicer shows the layout whose number is the data of the chosen entry, by itself."""
    window = slicer.util.mainWindow()
    bar = window.findChild("QToolBar", "ViewToolBar") if window is not None else None
    if bar is None or not bar.actions():
        return
    menu = bar.widgetForAction(bar.actions()[0]).menu()
    present = {action.data() for action in menu.actions()}
    for name, number in LAYOUTS.items():
        if number not in present:
            action = qt.QAction(_(LAYOUT_NAMES[name]), menu)
            action.setData(number)
            menu.addAction(action)
