"""Slicer's slice and 3D views, rendered without a screen: the same nodes, logics and displayable
managers.

For pictures in reports and for tests; inside Slicer the layout has its own views.
"""

from __future__ import annotations

import numpy as np

from .offscreen import OffscreenSlicer, choose_offscreen_graphics
from .volume_nodes import array_of

ORIENTATIONS = ("Axial", "Sagittal", "Coronal")
# Viewing directions of a 3D view: from the middle to the eye, RAS.
_EYES = {"A": (0, 1, 0), "P": (0, -1, 0), "R": (1, 0, 0), "L": (-1, 0, 0)}


def grab_window(window) -> np.ndarray:
    """Draw a ``vtkRenderWindow``: uint8 (rows, columns, 3), RGB, the first row at the top."""
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    window.Render()
    pixels = vtk.vtkWindowToImageFilter()
    pixels.SetInput(window)
    pixels.SetInputBufferTypeToRGB()
    pixels.ReadFrontBufferOff()
    pixels.ShouldRerenderOff()
    pixels.Update()
    image = pixels.GetOutput()
    columns, rows, _ = image.GetDimensions()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, 3)[::-1].copy()


class _View:
    """A render window without a screen, with what Slicer's displayable managers need to draw into
    it.
    """

    def __init__(self, app: OffscreenSlicer, size: tuple[int, int]):
        choose_offscreen_graphics()
        import vtk

        self.app = app
        self.size = size
        self.renderer = vtk.vtkRenderer()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)  # the same pixels on every machine
        self.window.SetSize(*size)
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.managers = None

    def _attach(self, factory_class, node) -> None:
        import slicer

        self.managers = slicer.vtkMRMLDisplayableManagerGroup()
        self.managers.Initialize(factory_class.GetInstance(), self.renderer)
        self.managers.SetMRMLDisplayableNode(node)

    def render(self) -> np.ndarray:
        """Draw.

        Returns:
            uint8 (rows, columns, 3), RGB, the first row at the top.
        """
        return grab_window(self.window)

    def close(self) -> None:
        """Release the window and its managers."""
        self.managers.SetMRMLDisplayableNode(None)
        self.managers = None
        self.interactor.SetRenderWindow(None)
        self.window.Finalize()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class SliceView(_View):
    """One slice view.

    Args:
        app: from :func:`SoftCordSegLib.scene.offscreen.start`.
        orientation: "Axial", "Sagittal" or "Coronal".
        size: (columns, rows) of the picture.
        name: the view's name in the layout; the orientation where None.  Where the scene has a
            slice view of that name already, that one is drawn, and stays when this is closed.

    Attributes:
        node: ``vtkMRMLSliceNode``.
        logic: ``vtkMRMLSliceLogic``; ``logic.GetSliceCompositeNode()`` has the volumes that are
            shown.
    """

    def __init__(
        self,
        app: OffscreenSlicer,
        orientation: str = "Sagittal",
        size: tuple[int, int] = (600, 600),
        name: str | None = None,
    ):
        super().__init__(app, size)
        import slicer
        import vtk

        name = name or orientation
        self.node = app.scene.GetSingletonNode(name, "vtkMRMLSliceNode")
        self._made = self.node is None
        self.logic = None if self._made else app.application_logic.GetSliceLogicByLayoutName(name)
        if self._made:
            self.node = _new_slice_node(app.scene, name, orientation)
        if self.logic is None:
            self.logic = _new_slice_logic(app, self.node)
        self.logic.ResizeSliceNode(*size)

        # The slice logic has blended the layers into display colours already: the mapper only
        # copies them.
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(self._mapper)
        self.renderer.AddViewProp(actor)
        self._attach(slicer.vtkMRMLSliceViewDisplayableManagerFactory, self.node)

    def render(self) -> np.ndarray:
        # The logic makes and drops this connection as layers come and go.
        self._mapper.SetInputConnection(self.logic.GetImageDataConnection())
        return super().render()

    def show(self, image_node) -> None:
        """Show the image, and fit the view to it."""
        self.logic.GetSliceCompositeNode().SetBackgroundVolumeID(image_node.GetID())
        self.logic.FitSliceToBackground()

    def jump_to(self, position_mm) -> None:
        """Show the slice through a world position (mm, RAS), with that position in the middle of
        the picture.
        """
        self.node.JumpSliceByCentering(*(float(x) for x in position_mm))

    def zoom(self, width_mm: float) -> None:
        """Make the picture ``width_mm`` millimetres wide."""
        self.node.SetFieldOfView(
            width_mm, width_mm * self.size[1] / self.size[0], self.node.GetFieldOfView()[2]
        )

    def close(self) -> None:
        """Release the view, and remove its nodes from the scene if it made them."""
        super().close()
        if not self._made:
            return
        composite = self.logic.GetSliceCompositeNode()
        self.logic.DeleteSliceModel()
        self.app.application_logic.GetSliceLogics().RemoveItem(self.logic)
        self.logic.SetMRMLScene(None)
        for node in (composite, self.node):
            self.app.scene.RemoveNode(node)


def _new_slice_node(scene, name: str, orientation: str):
    node = scene.CreateNodeByClass("vtkMRMLSliceNode")  # with the scene's orientation presets
    node.UnRegister(None)
    node.SetName(name)
    node.SetLayoutName(name)
    node.SetSingletonTag(name)
    node = scene.AddNode(node)
    node.SetOrientation(orientation)
    return node


def _new_slice_logic(app: OffscreenSlicer, node):
    import slicer

    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLApplicationLogic(app.application_logic)
    logic.SetMRMLScene(app.scene)
    app.application_logic.GetSliceLogics().AddItem(logic)
    logic.SetSliceNode(node)
    return logic


class ThreeDView(_View):
    """One 3D view, on a plain background.

    Args:
        app: from :func:`SoftCordSegLib.scene.offscreen.start`.
        size: (columns, rows) of the picture.
        background: RGB in [0, 1]; where None, the view looks as its node says.
        name: the view's name in the layout.  Where the scene has a 3D view of that name already,
            that one is drawn, and stays when this is closed.

    Attributes:
        node: ``vtkMRMLViewNode``.
    """

    def __init__(
        self,
        app: OffscreenSlicer,
        size: tuple[int, int] = (600, 600),
        background: tuple[float, float, float] | None = (1.0, 1.0, 1.0),
        name: str = "1",
    ):
        super().__init__(app, size)
        import slicer

        self.node = app.scene.GetSingletonNode(name, "vtkMRMLViewNode")
        self._logic = None
        if self.node is None:
            self._logic = slicer.vtkMRMLViewLogic()
            self._logic.SetMRMLApplicationLogic(app.application_logic)
            self._logic.SetMRMLScene(app.scene)
            app.application_logic.GetViewLogics().AddItem(self._logic)
            self.node = self._logic.AddViewNode(name)
        if background is not None:
            self.node.SetBackgroundColor(*background)
            self.node.SetBackgroundColor2(*background)
            self.node.SetBoxVisible(False)
            self.node.SetAxisLabelsVisible(False)
        self._attach(slicer.vtkMRMLThreeDViewDisplayableManagerFactory, self.node)

    def look_from(self, direction: str = "A") -> None:
        """Look at everything from "A", "P", "R" or "L", with the head up."""
        camera = self.renderer.GetActiveCamera()
        camera.SetFocalPoint(0, 0, 0)
        camera.SetPosition(*_EYES[direction])
        camera.SetViewUp(0, 0, 1)
        self.renderer.ResetCamera()
        self.renderer.ResetCameraClippingRange()

    def close(self) -> None:
        """Release the view, and remove its node from the scene if it made it."""
        super().close()
        if self._logic is None:
            return
        self.app.application_logic.GetViewLogics().RemoveItem(self._logic)
        self._logic.SetMRMLScene(None)
        self.app.scene.RemoveNode(self.node)


def set_window_level(image_node, low: float = 1.0, high: float = 99.0) -> None:
    """Show intensities from the ``low`` to the ``high`` percentile, so that neither air nor bright
    fat dominates the picture.
    """
    values = array_of(image_node)
    step = max(1, values.size // 1_000_000)  # a million voxels suffice for percentiles
    bottom, top = np.percentile(values.ravel(order="K")[::step], [low, high])
    display = image_node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(float(bottom), float(max(top, bottom + 1e-6)))


def png_bytes(picture: np.ndarray) -> bytes:
    """A picture (rows, columns, 3) uint8 as the bytes of a PNG file, for example to put into a
    page.
    """
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    rows, columns, _ = picture.shape
    image = vtk.vtkImageData()
    image.SetDimensions(columns, rows, 1)
    pixels = np.ascontiguousarray(picture[::-1]).reshape(-1, 3)
    image.GetPointData().SetScalars(numpy_to_vtk(pixels, deep=True))
    writer = vtk.vtkPNGWriter()
    writer.WriteToMemoryOn()
    writer.SetInputData(image)
    writer.Write()
    return vtk_to_numpy(writer.GetResult()).tobytes()
