"""A Slicer without its window: scene, application logic, displayable managers and module logics,
for headless use.

Inside Slicer none of this is needed: the application brings its own.  Here the real C++ classes
come from ``slicer-core``, connected in the order in which the application connects them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import tempfile

from ..errors import SoftCordSegError
from . import require_slicer

_WINDOW_VARIABLE = "VTK_DEFAULT_OPENGL_WINDOW"
_EGL_PLATFORM_SURFACELESS_MESA = 0x31DD
# The names VTK looks for, newest first.
_OSMESA_LIBRARIES = ("libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so")


class GraphicsMissing(SoftCordSegError):
    """No OpenGL here can draw without a screen."""


def choose_offscreen_graphics() -> str:
    """Choose how VTK draws without a screen, before its first render window is made.

    On Linux that is EGL, else OSMesa, and the choice goes into the environment variable from which
    VTK reads it (one that is set already is not changed).  Elsewhere the system's own OpenGL
    serves.

    Returns:
        The name of VTK's render window class, or "native".

    Raises:
        GraphicsMissing: neither is installed; the hint says what to install.
    """
    if not sys.platform.startswith("linux"):
        return "native"
    chosen = os.environ.get(_WINDOW_VARIABLE)
    if chosen:
        return chosen
    if not _loads("libX11.so.6"):
        raise GraphicsMissing(
            "Pictures need the library libX11.", hint="Install it with: apt-get install libx11-6"
        )
    if _egl_works():
        chosen = "vtkEGLRenderWindow"
    elif any(_loads(name) for name in _OSMESA_LIBRARIES):
        chosen = "vtkOSOpenGLRenderWindow"
    else:
        raise GraphicsMissing(
            "Pictures need OpenGL that draws without a screen, and neither EGL nor OSMesa"
            " works here.",
            hint="Install one with: apt-get install libosmesa6 libx11-6   or: apt-get install"
            " libegl1 libgl1-mesa-dri libx11-6",
        )
    os.environ[_WINDOW_VARIABLE] = chosen
    return chosen


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _egl_works() -> bool:
    """True if EGL gives a display without a screen (the library alone is not enough: it needs a
    driver).
    """
    try:
        egl = ctypes.CDLL("libEGL.so.1")
        egl.eglGetProcAddress.restype = ctypes.c_void_p
        address = egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
    except (OSError, AttributeError):
        return False
    displays = []
    if address:
        get_display = ctypes.CFUNCTYPE(
            ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p
        )(address)
        displays.append(get_display(_EGL_PLATFORM_SURFACELESS_MESA, None, None))
    egl.eglGetDisplay.restype = ctypes.c_void_p
    displays.append(egl.eglGetDisplay(None))
    return any(_initializes(egl, display) for display in displays if display)


def _initializes(egl, display: int) -> bool:
    with contextlib.suppress(AttributeError):
        # Not terminated afterwards: EGL shares displays, and VTK will ask for this one.
        return bool(egl.eglInitialize(ctypes.c_void_p(display), None, None))
    return False


# The logics of the modules that the scene uses, under the names by which Slicer's other classes
# look them up. Colors is first (display nodes take their colours from it), and Segmentations
# registers the conversions between representations.
_MODULE_LOGICS = {
    "Colors": "vtkMRMLColorLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Units": "vtkSlicerUnitsLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Models": "vtkSlicerModelsLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "Transforms": "vtkSlicerTransformLogic",
}

_SLICE_VIEW_MANAGERS = (
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
)

_THREE_D_VIEW_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
)


class OffscreenSlicer:
    """What Slicer's application object holds, without Qt.

    Attributes:
        scene: ``vtkMRMLScene``.
        application_logic: ``vtkSlicerApplicationLogic`` with its slice and view logics.
        logics: module name -> module logic, for example ``logics["Volumes"]``.
    """

    def __init__(
        self, scene, application_logic, logics: dict, temporary_folder: tempfile.TemporaryDirectory
    ):
        self.scene = scene
        self.application_logic = application_logic
        self.logics = logics
        self._temporary_folder = temporary_folder

    def close(self) -> None:
        """Empty the scene and let the logics go; views made on it must be closed first."""
        self.scene.Clear(True)
        self.application_logic.SetMRMLScene(None)
        self.logics.clear()
        self._temporary_folder.cleanup()


def start() -> OffscreenSlicer:
    """Start a Slicer without its window (about 50 ms after the first import).

    Raises:
        SlicerMissing: the package slicer-core is not installed.
    """
    slicer = require_slicer()
    import vtk

    scene = slicer.vtkMRMLScene()
    scene.AddNode(slicer.vtkMRMLCrosshairNode())
    application_logic = slicer.vtkSlicerApplicationLogic()
    application_logic.SetMRMLScene(scene)
    application_logic.SetSliceLogics(vtk.vtkCollection())
    application_logic.SetViewLogics(vtk.vtkCollection())

    logics = {
        name: _add_module_logic(name, getattr(slicer, kind)(), application_logic, scene)
        for name, kind in _MODULE_LOGICS.items()
    }
    application_logic.SetColorLogic(logics["Colors"])
    temporary_folder = tempfile.TemporaryDirectory(prefix="softcord-slicer-")
    application_logic.SetTemporaryPath(temporary_folder.name)
    logics["RemoteIO"] = _add_bundle_reading(
        slicer, application_logic, scene, temporary_folder.name
    )
    _keep_hierarchy_tidy(slicer, scene)
    _add_default_slice_node(slicer, scene)
    _register(
        slicer.vtkMRMLSliceViewDisplayableManagerFactory, _SLICE_VIEW_MANAGERS, application_logic
    )
    _register(
        slicer.vtkMRMLThreeDViewDisplayableManagerFactory, _THREE_D_VIEW_MANAGERS, application_logic
    )
    return OffscreenSlicer(scene, application_logic, logics, temporary_folder)


def _add_module_logic(name: str, logic, application_logic, scene):
    logic.SetMRMLApplicationLogic(application_logic)
    application_logic.SetModuleLogic(name, logic)
    logic.SetMRMLScene(scene)
    return logic


def _add_bundle_reading(slicer, application_logic, scene, folder: str):
    """What the scene needs to read a ``.mrb``: a cache manager, and a folder to unpack into."""
    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.SetMRMLApplicationLogic(application_logic)
    remote.SetMRMLScene(scene)
    remote.AddDataIOToScene()
    scene.GetCacheManager().SetRemoteCacheDirectory(folder)
    return remote


def _keep_hierarchy_tidy(slicer, scene) -> None:
    """A node that leaves the scene leaves the subject hierarchy too; in Slicer its Qt side does
    that.
    """
    import vtk

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def forget(scene, event, node):
        hierarchy = (
            None
            if scene.IsClosing()
            else slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        )
        if hierarchy is None or node is hierarchy:
            return
        item = hierarchy.GetItemByDataNode(node)
        if item != hierarchy.GetInvalidItemID():
            hierarchy.RemoveItem(item, False, False)

    scene.AddObserver(scene.NodeAboutToBeRemovedEvent, forget)


def _add_default_slice_node(slicer, scene) -> None:
    """Slice nodes get their orientation presets (Axial, Sagittal, Coronal) from the scene's default
    node.
    """
    node = scene.GetDefaultNodeByClass("vtkMRMLSliceNode")
    if node is None:
        node = scene.CreateNodeByClass("vtkMRMLSliceNode")
        node.UnRegister(None)
        scene.AddDefaultNode(node)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)


def _register(factory_class, managers: tuple[str, ...], application_logic) -> None:
    factory = factory_class.GetInstance()  # one a process; it follows the application started last
    factory.SetMRMLApplicationLogic(application_logic)
    for name in managers:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
