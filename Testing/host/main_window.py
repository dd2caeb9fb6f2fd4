"""Stands for ``qSlicerMainWindow``: the module panel at the left, the views beside it.

The panel is in a scroll area that scrolls upright only, and gets wider where a module wants it to
(Slicer Base/QTGUI/qSlicerModulePanel.cxx, qSlicerMainWindow.cxx).  Menus, toolbar, heading and Data
Probe are empty, and as high as in a picture of Slicer 5.12.3 of 1400×900 pixels.
"""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

PANEL = 376  # pixels: the 360 that the panel is designed for, and a scroll bar
SIZE = (1400, 900)
# Heights in pixels, the window's own title left out.
_MENUS, _TOOLS, _HEADING, _HELP, _PROBE, _STATUS, _TITLE = 22, 40, 37, 40, 147, 17, 19


class ModulePanel(QtWidgets.QScrollArea):
    """The dock with the chosen module.  It grows with the module, and shrinks only when the user
    drags it.
    """

    def __init__(self):
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarAlwaysOff)
        self.setFrameShape(QtWidgets.QFrame.NoFrame)
        self.setFocusPolicy(QtCore.Qt.StrongFocus)
        inside = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(inside)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(_chrome("▸ Help && Acknowledgement", _HELP))
        self.elsewhere = QtWidgets.QLineEdit("Another module")  # something that can have the focus
        layout.addWidget(self.elsewhere)
        self.elsewhere.hide()
        self.setWidget(inside)
        inside.installEventFilter(self)
        self.setFixedWidth(PANEL)

    def add(self, module) -> None:
        """Put a module's widget in."""
        self.widget().layout().addWidget(module, 1)

    def eventFilter(self, watched, event):
        if event.type() == QtCore.QEvent.LayoutRequest and watched is self.widget():
            self._grow()
        return super().eventFilter(watched, event)

    def _grow(self) -> None:
        bar = self.verticalScrollBar()
        room = bar.sizeHint().width() if bar.isVisible() else 0
        wanted = self.widget().minimumSizeHint().width() + room
        if wanted > self.width():
            self.setFixedWidth(wanted)


def _chrome(text: str, height: int) -> QtWidgets.QLabel:
    """What is Slicer's own in the window."""
    label = QtWidgets.QLabel(text)
    label.setAlignment(QtCore.Qt.AlignTop | QtCore.Qt.AlignLeft)
    label.setContentsMargins(6, 3, 0, 0)
    label.setFixedHeight(height)
    return label


class MainWindow(QtWidgets.QMainWindow):
    """See the module.

    Attributes:
        panel: :class:`ModulePanel`.
        viewport: the widget of the views.
    """

    platform_kind = "qSlicerMainWindow"

    def __init__(self):
        super().__init__()
        self.panel, self.viewport = ModulePanel(), QtWidgets.QFrame()
        self.viewport.setObjectName("CentralWidgetLayoutFrame")
        self.viewport.setSizePolicy(
            QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Expanding
        )
        middle = QtWidgets.QWidget()
        layout = QtWidgets.QHBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        side = QtWidgets.QVBoxLayout()
        side.setSpacing(0)
        side.addWidget(_chrome("3D Slicer", _HEADING))
        side.addWidget(self.panel, 1)
        side.addWidget(_chrome("▾ Data Probe", _PROBE))
        layout.addLayout(side)
        layout.addWidget(self.viewport, 1)
        self.setCentralWidget(middle)
        self.setMenuWidget(_chrome("File   Edit   View   Help", _MENUS))
        status = self.statusBar()
        status.setSizeGripEnabled(False)
        status.setFixedHeight(_STATUS)
        self._add_layout_menu()
        self.resize(SIZE[0], SIZE[1] - _TITLE)

    def _add_layout_menu(self) -> None:
        """As in Slicer, a chosen entry shows the layout whose number it has as its data."""
        bar = self.addToolBar("View")
        bar.setObjectName("ViewToolBar")
        bar.setFixedHeight(_TOOLS)
        button = QtWidgets.QToolButton()
        button.setText("Layout")
        button.setPopupMode(QtWidgets.QToolButton.InstantPopup)
        menu = QtWidgets.QMenu(button)
        menu.addAction("Four-Up").setData(3)
        menu.addAction("Conventional").setData(2)
        menu.triggered.connect(lambda action: self.layout_chosen(action.data()))
        button.setMenu(menu)
        bar.addWidget(button)
        self.layout_chosen = lambda number: None  # set by the application
