"""A window without a screen for the profile's drawing."""

from __future__ import annotations

import numpy as np

from SoftCordSegLib.colours import rgb
from SoftCordSegLib.scene.profile_chart import ProfileChart


class ChartWindow:
    """Args:
    size: (columns, rows).
    """

    def __init__(self, size=(200, 400)):
        import vtk

        self.size = size
        self.renderer = vtk.vtkRenderer()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(*size)
        self.window.AddRenderer(self.renderer)
        self.chart = ProfileChart(self.renderer)

    def picture(self) -> np.ndarray:
        """uint8 (rows, columns, 3), the first row at the top."""
        import vtk
        from vtk.util.numpy_support import vtk_to_numpy

        self.window.Render()
        pixels = vtk.vtkWindowToImageFilter()
        pixels.SetInput(self.window)
        pixels.ReadFrontBufferOff()
        pixels.Update()
        image = pixels.GetOutput()
        columns, rows, _ = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, 3)[::-1]

    def close(self) -> None:
        self.chart.close()
        self.window.Finalize()


def rows_of(picture: np.ndarray, colour: str, columns=slice(None)) -> np.ndarray:
    """The rows of a picture that have a colour ``#rrggbb`` in some columns, from the top."""
    return np.flatnonzero(has_colour(picture[:, columns], colour).any(axis=1))


def has_colour(picture: np.ndarray, colour: str) -> np.ndarray:
    """Which pixels have a colour."""
    return np.abs(picture / 255.0 - rgb(colour)).max(axis=-1) < 0.03
