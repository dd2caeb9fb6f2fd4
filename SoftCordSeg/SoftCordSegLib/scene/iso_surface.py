"""The iso-surface of a soft mask: partial volume puts it between voxel centres, where the cord's
edge is.
"""

from __future__ import annotations

import numpy as np


def iso_surface(values: np.ndarray, affine: np.ndarray, threshold: float):
    """The closed surface where trilinear interpolation of ``values`` crosses ``threshold`` (flying
    edges).

    Outside the array the mask counts as 0, so that a cord cut off by the edge of the image is
    closed there.

    Args:
        values: soft mask (i, j, k), usually a crop with one voxel to spare around what is at or
            above the threshold.
        affine: 4x4, voxel indices of this array to millimetres, oblique or left-handed too.
        threshold: in (0, 1].

    Returns:
        ``vtkPolyData`` of triangles facing outward with outward point normals, in the space of
        ``affine``; empty where nothing reaches the threshold.
    """
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    image = vtk.vtkImageData()
    image.SetExtent(*[bound for n in values.shape for bound in (-1, n)])
    image.AllocateScalars(vtk.VTK_FLOAT, 1)
    padded = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(
        [n + 2 for n in values.shape], order="F"
    )
    padded[...] = 0.0
    # Flying edges takes "at the threshold" for inside; so does the segment.
    padded[1:-1, 1:-1, 1:-1] = values

    edges = vtk.vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, float(threshold))
    edges.ComputeNormalsOn()
    edges.ComputeGradientsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    surface = edges.GetOutput()
    if surface.GetNumberOfPoints() == 0:
        return surface

    # Filtering in index space and carrying points and normals over is exact for any affine.
    linear = np.asarray(affine, dtype=float)[:3, :3]
    points = vtk_to_numpy(surface.GetPoints().GetData()) @ linear.T + affine[:3, 3]
    normals = vtk_to_numpy(surface.GetPointData().GetNormals()) @ np.linalg.inv(linear)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    surface.GetPoints().SetData(numpy_to_vtk(points.astype(np.float32), deep=True))
    vtk_normals = numpy_to_vtk(normals.astype(np.float32), deep=True)
    vtk_normals.SetName("Normals")
    surface.GetPointData().SetNormals(vtk_normals)
    if np.linalg.det(linear) < 0:
        surface = _turned_inside_out(surface)
    return surface


def _turned_inside_out(surface):
    import vtk

    reverse = vtk.vtkReverseSense()
    reverse.SetInputData(surface)
    reverse.ReverseCellsOn()
    reverse.ReverseNormalsOff()  # they were carried over with the affine and face outward already
    reverse.Update()
    return reverse.GetOutput()
