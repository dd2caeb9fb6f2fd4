"""Carries the names of the platform classes that the module uses into ``Testing/host/names``, so
that tests need no other list.

``python Testing/host/carry_names.py FOLDER`` with the folder of the full lists; run it after using
a new class.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

NAMES = Path(__file__).resolve().parent / "names"
CLASSES = (
    "ctkCollapsibleButton ctkSliderWidget qMRMLNodeComboBox qMRMLWidget qMRMLTableView"
    " qMRMLSegmentEditorWidget qMRMLPlotView qMRMLPlotWidget qMRMLLayoutManager"
    " qSlicerLayoutManager qSlicerApplication QWidget QLabel QPushButton QToolButton QCheckBox"
    " QComboBox QLineEdit QProgressBar QFrame QShortcut QTimer QSettings QFileDialog"
    " QAbstractItemView qMRMLSortFilterProxyModel QVBoxLayout QHBoxLayout QMenu QAction QToolBar"
    " QActionGroup"
    " qSlicerMainWindow qSlicerSingletonViewFactory qMRMLSliceWidget qMRMLSliceView"
    " qMRMLSliceControllerWidget qMRMLThreeDWidget qMRMLThreeDView qMRMLTableWidget"
    " ctkVTKOpenGLNativeWidget"
    " QButtonGroup QRadioButton QScrollArea QMainWindow QDialog QDialogButtonBox QListWidget"
    " QObject ctkVTKChartView ctkVTKRenderView QPoint qSlicerSingletonViewFactory QGroupBox"
    " QTableWidget"
    " ctkExpandableWidget ctkCollapsibleGroupBox ctkFittedTextBrowser qMRMLSegmentsTableView"
    " qSlicerSegmentEditorAbstractEffect QHeaderView ctkDICOMDatabase"
).split()
FUNCTIONS = (
    "slicer.util",
    "slicer.packaging",
    "slicer.ScriptedLoadableModule",
    "slicer.i18n",
    "SampleData",
)
VERSIONS = ("5.8.1", "5.12.3")


def reduced(folder: Path) -> dict[str, dict]:
    """File name to content: the classes used, what they inherit, and the functions of the modules
    used.
    """
    runtime = json.loads((folder / "runtime_5.12.3.json").read_text(encoding="utf-8"))
    files, qt_classes = {}, set()
    for version in VERSIONS:
        full = json.loads((folder / f"qt_{version}.json").read_text(encoding="utf-8"))
        kept = {}
        for kind in CLASSES:
            while kind in full:
                keys = ("inherits", "properties", "signals", "slots", "invokable")
                kept[kind] = {key: full[kind][key] for key in keys}
                kind = full[kind]["inherits"]
            qt_classes.add(kind)
        files[f"qt_{version}.json"] = kept
        python = json.loads((folder / f"python_{version}.json").read_text(encoding="utf-8"))
        files[f"python_{version}.json"] = {
            name: python[name] for name in FUNCTIONS if name in python
        }
    kept = {}
    for kind in sorted(qt_classes):
        while kind in runtime:
            kept[kind] = runtime[kind]
            kind = runtime[kind].get("has")
    files["runtime_5.12.3.json"] = kept
    return files


def main(folder: Path) -> None:
    """Write the reduced lists."""
    NAMES.mkdir(exist_ok=True)
    for name, content in reduced(folder).items():
        lines = ",\n".join(
            f"{json.dumps(key)}: {json.dumps(value, sort_keys=True)}"
            for key, value in sorted(content.items())
        )
        (NAMES / name).write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
