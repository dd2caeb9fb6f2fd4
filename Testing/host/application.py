"""A Slicer for the tests of the module: ``slicer.app``, ``qt``, the base classes of scripted
modules, over the real scene.

The scene, its nodes and logics are the real ones of slicer-core; most of ``slicer.util`` too.  What
stands in is here and in the files beside this one.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import time
import types
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

from . import parameter_node
from .hands import Hands
from .layout_manager import LayoutManager
from .main_window import MainWindow
from .platform_names import Platform
from .pythonqt import Host, unwrap
from .stand_ins import STAND_INS
from .views import Drawing

MODULE_FILE = Path(__file__).resolve().parents[2] / "SoftCordSeg" / "SoftCordSeg.py"
NAMES = Path(__file__).resolve().parent / "names"


class HostSlicer(Host, Hands):
    """The running application.

    Args:
        offscreen: from ``SoftCordSegLib.scene.offscreen.start``.
        monkeypatch: pytest's; it takes everything back at the end of the test.
        version: of Slicer, whose names hold.

    Attributes:
        scene: the real ``vtkMRMLScene``.
        answers: what the user answers to the next questions, in order: True, False, a path; or a
            function of whether a path is asked for.
        asked: the questions that were put.
        settings: what QSettings has, as it comes back after a restart.
        opened: the module's widget that was opened last.
        dicom_files: UID of an image -> its file in the DICOM database.
        sample_data: name -> what was registered with the module Sample Data.
        started: slots that wait for the application to have started.
        main_window: ``main_window.MainWindow``, with the panel and the views.
        views: ``layout_manager.LayoutManager``, unwrapped.
    """

    def __init__(self, offscreen, monkeypatch, version: str = "5.12.3"):
        Host.__init__(self, Platform(NAMES, version))
        Hands.__init__(self)
        self.qapplication = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
        self.offscreen, self.scene, self.version = offscreen, offscreen.scene, version
        self.answers = []
        self.asked: list[str] = []
        self.settings: dict[str, object] = {}
        self.opened = None
        self.started: list = []
        self.dicom_files: dict[str, str] = {}
        self.sample_data: dict[str, types.SimpleNamespace] = {}
        self.main_window = MainWindow()
        self.views = LayoutManager(offscreen, self.main_window.viewport)
        self.main_window.layout_chosen = self.views.setLayout
        self._install(monkeypatch)
        self.main_window.show()

    def picture(self, view: str):
        """A view of the layout as it is now, uint8 (rows, columns, 3): "Red", "Yellow", or "1" for
        the 3D view.
        """
        return self._view(view).picture()

    def drawn(self, view: str):
        """The ``render.SliceView`` or ``render.ThreeDView`` that draws a view of the layout."""
        return self._view(view).drawn()

    def _view(self, name: str):
        widget = self.views.sliceWidget(name)
        return widget.sliceView() if widget is not None else self.views.threeDWidget(0).threeDView()

    def process_events(self) -> None:
        """Let Qt handle what is waiting."""
        self.qapplication.processEvents()

    def load_module(self):
        """Run ``SoftCordSeg.py`` as Slicer would."""
        specification = importlib.util.spec_from_file_location("SoftCordSeg", MODULE_FILE)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return module

    def open_panel(self, module):
        """The module's widget, set up and entered as when the user chooses the module;
        ``widget.parent`` is its window.
        """
        parent = self.class_of("qMRMLWidget")()
        window = unwrap(parent)
        QtWidgets.QVBoxLayout(window).setContentsMargins(0, 0, 0, 0)
        window._scene = self.scene
        window.hide()
        self.main_window.panel.add(window)
        window.scroll_area = self.main_window.panel
        widget = module.SoftCordSegWidget(parent)
        widget.setup()
        self.opened = widget
        self.show_panel(widget)
        return widget

    def show_panel(self, widget) -> None:
        """The user chooses the module."""
        self.main_window.panel.elsewhere.hide()
        unwrap(widget.parent).show()
        widget.enter()
        self.process_events()

    def leave_panel(self, widget) -> None:
        """The user chooses another module."""
        widget.exit()
        unwrap(widget.parent).hide()
        self.main_window.panel.elsewhere.show()
        self.process_events()

    def _select_module(self, name: str) -> None:
        if self.opened is None:
            return
        shown = unwrap(self.opened.parent).isVisible()
        if name == "SoftCordSeg" and not shown:
            self.show_panel(self.opened)
        elif name != "SoftCordSeg" and shown:
            self.leave_panel(self.opened)

    def close_panel(self, widget) -> None:
        """What Slicer does when the module is unloaded or reloaded."""
        widget.exit()
        widget.cleanup()
        self.opened = None
        window = unwrap(widget.parent)
        for child in window.findChildren(QtWidgets.QWidget):
            if hasattr(child, "setMRMLScene"):
                child.setMRMLScene(None)  # what the destructors of the real ones do
        window.hide()
        window.deleteLater()
        self.process_events()
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)

    def close(self) -> None:
        super().close()
        sys.excepthook = self._excepthook

    def wait_for_threads(self) -> None:
        """Until no thread of the panel is at work: only then is Python's collector on again."""
        deadline = time.monotonic() + 60
        while not gc.isenabled():
            assert time.monotonic() < deadline, "a thread of the panel does not end"
            self.process_events()
            time.sleep(0.005)

    def end(self) -> None:
        """The application is closed."""
        self.wait_for_threads()
        Drawing.on = False
        self.views.close()
        self.main_window.hide()
        self.main_window.deleteLater()
        self.close()
        self.flush_deletions()

    def _install(self, monkeypatch) -> None:
        import slicer
        import slicer.util

        self._excepthook = sys.excepthook
        # VTK prints an exception that leaves an observer, and goes on.
        monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: self.keep_error(error))
        for name, made in self._modules().items():
            monkeypatch.setitem(sys.modules, name, made)
        monkeypatch.setattr(slicer, "mrmlScene", self.scene, raising=False)
        monkeypatch.setattr(slicer, "app", Application(self), raising=False)
        for name in (
            "loadUI",
            "childWidgetVariables",
            "errorDisplay",
            "confirmYesNoDisplay",
            "confirmOkCancelDisplay",
        ):
            monkeypatch.setattr(slicer.util, name, getattr(self, f"_{name}"))
        for name in ("infoDisplay", "showStatusMessage", "delayDisplay"):
            monkeypatch.setattr(slicer.util, name, lambda *arguments, **options: None)
        monkeypatch.setattr(slicer.util, "mainWindow", lambda: self.wrap(self.main_window))
        monkeypatch.setattr(slicer.util, "selectModule", self._select_module)
        monkeypatch.setattr(slicer.util, "getModuleWidget", lambda name: self.opened)
        monkeypatch.setattr(slicer.util, "resetSliceViews", self.views.resetSliceViews)
        monkeypatch.setattr(slicer.util, "resetThreeDViews", self.views.resetThreeDViews)
        for kind in ("qSlicerSingletonViewFactory", "qMRMLPlotView"):
            monkeypatch.setattr(slicer, kind, self.class_of(kind), raising=False)
        logics = {
            name.lower(): types.SimpleNamespace(logic=lambda one=one: one)
            for name, one in self.offscreen.logics.items()
        }
        monkeypatch.setattr(slicer, "modules", types.SimpleNamespace(**logics), raising=False)

    def _modules(self) -> dict[str, types.ModuleType]:
        base = types.ModuleType("slicer.ScriptedLoadableModule")
        base.ScriptedLoadableModule, base.ScriptedLoadableModuleWidget = _Module, _Widget
        base.ScriptedLoadableModuleLogic, base.ScriptedLoadableModuleTest = (
            _logic_class(self.scene),
            _Test,
        )
        translation = types.ModuleType("slicer.i18n")
        translation.tr = lambda text: text
        translation.translate = lambda context, text: text
        _QT.host = _CTK.host = self
        return {
            "qt": _QT,
            "ctk": _CTK,
            "slicer.ScriptedLoadableModule": base,
            "slicer.i18n": translation,
            "slicer.parameterNodeWrapper": parameter_node.module(),
            "SampleData": self._sample_data_module(),
        }

    def _sample_data_module(self) -> types.ModuleType:
        made = types.ModuleType("SampleData")
        made.SampleDataLogic = types.SimpleNamespace(
            registerCustomSampleDataSource=self._register_sample_data_source
        )
        return made

    def _register_sample_data_source(
        self,
        category="Custom",
        sampleName=None,
        uris=None,
        fileNames=None,
        nodeNames=None,
        customDownloader=None,
        thumbnailFileName=None,
        loadFileTypes=None,
        loadFiles=None,
        loadFileProperties={},  # noqa: B006  as the real one
        checksums=None,
        loadFileType=None,
    ):
        # Modules/Scripted/SampleData/SampleData.py: one text stands for a list of one; lists are
        # counted, even where a function loads the data.
        if isinstance(uris, str):
            lists = ([uris], [fileNames], [nodeNames])
        else:
            lists = (uris, fileNames, nodeNames)
        if len({len(one) for one in lists}) != 1:
            raise ValueError("All fields of sample data source must have the same length")
        self.sample_data[sampleName] = types.SimpleNamespace(
            category=category, customDownloader=customDownloader, thumbnail=thumbnailFileName
        )

    def _loadUI(self, path):
        return self.wrap(_Loader().load_file(str(path)))

    def _childWidgetVariables(self, panel):
        # As the real one: the inner widgets of composite ones too, the last of two equal names
        # wins.
        children = unwrap(panel).findChildren(QtWidgets.QWidget)
        return types.SimpleNamespace(
            **{child.objectName(): self.wrap(child) for child in children if child.objectName()}
        )

    def _errorDisplay(self, text, *_, **__):
        self.shown_errors.append(text)
        self.shown_exceptions.append(sys.exc_info()[1])

    def _confirmYesNoDisplay(self, text, *_, **__):
        return self.ask(text)

    _confirmOkCancelDisplay = _confirmYesNoDisplay

    def ask(self, text: str, for_path: bool = False):
        """Put a question to the user of the test, about a file or one of yes or no."""
        self.asked.append(text)
        if callable(self.answers):
            return self.answers(for_path)
        if not self.answers:
            raise AssertionError(f"nobody expected this question: {text}")
        return self.answers.pop(0)


class DicomDatabase:
    """``ctkDICOMDatabase`` (CTK Libs/DICOM/Core/ctkDICOMDatabase.h)."""

    def __init__(self, host: HostSlicer):
        self._host = host

    def fileForInstance(self, uid: str) -> str:
        return self._host.dicom_files.get(str(uid), "")


class Application:
    """``slicer.app`` (Slicer Base/QTGUI/qSlicerApplication.h,
    Base/QTCore/qSlicerCoreApplication.h).
    """

    applicationName = "Slicer"

    def __init__(self, host: HostSlicer):
        self._host = host
        self.majorVersion, self.minorVersion = (int(part) for part in host.version.split(".")[:2])

    def connect(self, signal: str, slot) -> None:
        if signal != "startupCompleted()":
            raise ValueError(f"qSlicerApplication has no signal {signal} here")
        self._host.started.append(slot)

    def processEvents(self) -> None:
        self._host.process_events()

    def palette(self):
        return QtGui.QGuiApplication.palette()

    def focusWidget(self):
        return self._host.wrap(self._host.qapplication.focusWidget())

    def testingEnabled(self) -> bool:
        return False  # so that the tests see what the user sees

    def applicationLogic(self):
        return self._host.offscreen.application_logic

    def layoutManager(self):
        return self._host.wrap(self._host.views)

    def dicomDatabase(self):
        return DicomDatabase(self._host)

    def clipboard(self):
        return QtGui.QGuiApplication.clipboard()

    def setOverrideCursor(self, cursor) -> None:
        pass

    def restoreOverrideCursor(self) -> None:
        pass

    def pauseRender(self) -> None:
        pass

    def resumeRender(self) -> None:
        pass


class Settings:
    """``qt.QSettings``; values come back as after a restart: numbers and truth values as text,
    lists as tuples.
    """

    def __init__(self, store: dict):
        self._store = store

    def value(self, key, default=None):
        return self._store.get(key, default)

    def setValue(self, key, value) -> None:
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, (list, tuple)):
            value = tuple(str(one) for one in value)
        self._store[key] = value if isinstance(value, tuple) else str(value)

    def contains(self, key) -> bool:
        return key in self._store

    def remove(self, key) -> None:
        self._store.pop(key, None)


class _QtModule(types.ModuleType):
    """``qt`` and ``ctk``: classes by name.  One object for all tests, for the library keeps what it
    imported.
    """

    host: HostSlicer
    Qt = QtCore.Qt

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "QSettings":
            return lambda: Settings(self.host.settings)
        if name == "QFileDialog":
            return FileDialog(self.host)
        for module in (QtGui, QtCore, QtWidgets):
            found = getattr(module, name, None)
            if found is not None and not issubclass(found, QtCore.QObject):
                return found
        return self.host.class_of(name)


class FileDialog:
    """``qt.QFileDialog``, its static questions."""

    def __init__(self, host: HostSlicer):
        self._host = host

    def getExistingDirectory(self, parent=None, caption="", folder=""):
        return self._host.ask(caption, True) or ""

    def getOpenFileName(self, parent=None, caption="", folder="", filters=""):
        return self._host.ask(caption, True) or ""

    def getSaveFileName(self, parent=None, caption="", folder="", filters=""):
        return self._host.ask(caption, True) or ""


_QT, _CTK = _QtModule("qt"), _QtModule("ctk")


class _Loader(QtUiTools.QUiLoader):
    """Reads a ``.ui`` file, with the stand-ins for the classes that are not Qt's own."""

    def load_file(self, path: str):
        tree = ElementTree.parse(path)
        # Signals that carry a scene are Python's here; the form builder knows only C++'s.
        connections = tree.getroot().find("connections")
        wanted = [
            [one.findtext(key) for key in ("sender", "signal", "receiver", "slot")]
            for one in connections or ()
        ]
        for one in list(connections if connections is not None else ()):
            connections.remove(one)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(tree.getroot()))
        buffer.open(QtCore.QBuffer.ReadOnly)
        panel = self.load(buffer)
        for sender, signal, receiver, slot in wanted:
            source = (
                panel
                if panel.objectName() == sender
                else panel.findChild(QtWidgets.QWidget, sender)
            )
            target = panel.findChild(QtWidgets.QWidget, receiver)
            getattr(source, signal.partition("(")[0]).connect(
                getattr(target, slot.partition("(")[0])
            )
        return panel

    def createWidget(self, kind, parent=None, name=""):
        if kind in STAND_INS:
            widget = STAND_INS[kind](parent)
            widget.setObjectName(name)
            return widget
        if kind not in self.availableWidgets():
            raise AttributeError(f"the panel has a {kind}, and nothing here stands for it")
        return super().createWidget(kind, parent, name)


class _Module:
    def __init__(self, parent):
        self.parent = parent


class _Widget:
    def __init__(self, parent=None):
        self.parent = parent
        self.layout = types.SimpleNamespace(
            addWidget=lambda widget: unwrap(parent).layout().addWidget(unwrap(widget))
        )

    def setup(self):
        pass

    def cleanup(self):
        pass

    def resourcePath(self, filename):
        return str(MODULE_FILE.parent / "Resources" / filename)


def _logic_class(scene):
    class Logic:
        """``ScriptedLoadableModuleLogic``: the parameter node is a singleton of the scene."""

        def __init__(self, parent=None):
            self.moduleName = "SoftCordSeg"

        def getParameterNode(self):
            import slicer

            node = scene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            if node is None:
                node = slicer.vtkMRMLScriptedModuleNode()
                node.SetSingletonTag(self.moduleName)
                node.SetModuleName(self.moduleName)
                node.SetName(self.moduleName)
                node = scene.AddNode(node)
            return node

    return Logic


class _Test(unittest.TestCase):
    def runTest(self):
        pass

    def delayDisplay(self, message, requestedDelay=None, msec=None):
        pass
