"""What a scripted module meets in Slicer, as far as ours uses it: base classes, translation, and its panel's controls.

The scene and every MRML class are the real ones of slicer-core.  The controls are plain objects made from the real ``.ui`` file;
that the real ones have the names used is checked against lists read from Slicer's sources (``Testing/module``).
"""

from __future__ import annotations

import importlib.util
import sys
import types
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

MODULE_FILE = Path(__file__).resolve().parents[2] / "SoftCordSeg" / "SoftCordSeg.py"


class Control:
    """A control of the panel: properties are attributes, signals call what is connected to them."""

    def __init__(self, kind: str, **properties):
        self.kind = kind
        self._connected = {}
        self._node = None
        self.__dict__.update(properties)

    def __setattr__(self, name, value):
        if name == "value" and self.kind == "ctkSliderWidget":
            value = round(min(max(value, self.minimum), self.maximum), self.decimals)
            changed = value != self.value
            self.__dict__[name] = value
            if changed:
                self.emit("valueChanged(double)", value)
            return
        self.__dict__[name] = value

    def connect(self, signal: str, slot) -> None:
        self._connected.setdefault(signal, []).append(slot)

    def emit(self, signal: str, *arguments) -> None:
        for slot in self._connected.get(signal, []):
            slot(*arguments)

    def click(self) -> None:
        if self.enabled:
            self.emit("clicked(bool)", False)

    def currentNode(self):
        return self._node

    def setCurrentNode(self, node) -> None:
        self._node = node
        self.emit("currentNodeChanged(vtkMRMLNode*)", node)

    def setMRMLScene(self, scene) -> None:
        self._scene = scene


class ProgressDialog:
    """The dialog of ``slicer.util.createProgressDialog``; ``cancel_at`` is the value at which Cancel is pressed."""

    def __init__(self, cancel_at: float | None = None):
        self.labels, self.values = [], []
        self.closed = False
        self._cancel_at = cancel_at

    labelText = property(lambda self: self.labels[-1], lambda self, text: self.labels.append(text))
    value = property(lambda self: self.values[-1], lambda self, value: self.values.append(value))

    @property
    def wasCanceled(self) -> bool:
        return self._cancel_at is not None and bool(self.values) and self.values[-1] >= self._cancel_at

    def close(self) -> None:
        self.closed = True


def controls_of(ui_file: Path) -> dict[str, Control]:
    """The controls of a ``.ui`` file by their names."""
    found = {}
    for widget in ElementTree.parse(ui_file).iter("widget"):
        properties = {prop.get("name"): _value(prop[0]) for prop in widget.findall("property")}
        found[widget.get("name")] = Control(widget.get("class"), **{"enabled": True, "toolTip": "", **properties})
    return found


def _value(element):
    if element.tag in ("number", "double"):
        return float(element.text) if element.tag == "double" else int(element.text)
    if element.tag == "bool":
        return element.text == "true"
    return element.text or ""


class _Module:
    def __init__(self, parent):
        self.parent = parent


class _Widget:
    def __init__(self, parent=None):
        self.parent = parent
        self.layout = SimpleNamespace(addWidget=lambda widget: None)

    def setup(self):
        pass

    def resourcePath(self, filename):
        return str(MODULE_FILE.parent / "Resources" / filename)


class _Logic:
    def __init__(self, parent=None):
        self.parent = parent


class _Test(unittest.TestCase):
    def runTest(self):
        pass

    def delayDisplay(self, message, requestedDelay=None, msec=None):
        pass


def load_module(scene, monkeypatch):
    """Run ``SoftCordSeg.py`` as Slicer would, with ``scene`` as its scene.

    Args:
        scene: a real ``vtkMRMLScene`` with the module logics that the application has.
        monkeypatch: pytest's; it takes everything back at the end of the test.
    """
    import slicer
    import slicer.util

    base_classes = types.ModuleType("slicer.ScriptedLoadableModule")
    base_classes.ScriptedLoadableModule = _Module
    base_classes.ScriptedLoadableModuleWidget = _Widget
    base_classes.ScriptedLoadableModuleLogic = _Logic
    base_classes.ScriptedLoadableModuleTest = _Test
    translation = types.ModuleType("slicer.i18n")
    translation.tr = lambda text: text
    translation.translate = lambda context, text: text
    monkeypatch.setitem(sys.modules, "slicer.ScriptedLoadableModule", base_classes)
    monkeypatch.setitem(sys.modules, "slicer.i18n", translation)
    monkeypatch.setattr(slicer, "mrmlScene", scene, raising=False)
    app = SimpleNamespace(processEvents=lambda: None, testingEnabled=lambda: True)
    monkeypatch.setattr(slicer, "app", app, raising=False)
    monkeypatch.setattr(slicer.util, "loadUI", lambda path: Control("qMRMLWidget", controls=controls_of(Path(path))))
    monkeypatch.setattr(slicer.util, "childWidgetVariables", lambda panel: SimpleNamespace(**panel.controls))
    monkeypatch.setattr(slicer.util, "createProgressDialog", lambda **arguments: ProgressDialog())
    specification = importlib.util.spec_from_file_location("SoftCordSeg", MODULE_FILE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
