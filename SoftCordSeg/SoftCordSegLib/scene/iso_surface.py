"""The iso-surface of a soft mask: partial volume puts it between voxel centres, where the cord's
edge is.
"""

from __future__ import annotations

import numpy as np

Ends = tuple[tuple[bool, bool], tuple[bool, bool], tuple[bool, bool]]
_INSIDE: Ends = ((False, False),) * 3


def iso_surface(values: np.ndarray, affine: np.ndarray, threshold: float, ends: Ends = _INSIDE):
    """The closed surface where trilinear interpolation of ``values`` crosses ``threshold`` (flying
    edges).

    Outside the array the mask counts as 0.  Where the array ends with the image, the voxels at the
    border are continued to their outer faces, and the surface is closed there: flat, and at the
    same place for every threshold.

    Args:
        values: soft mask (i, j, k), usually a crop with one voxel to spare around what is at or
            above the threshold.
        affine: 4x4, voxel indices of this array to millimetres, oblique or left-handed too.
        threshold: in (0, 1].
        ends: for each axis, whether the image ends with the first and with the last voxel.

    Returns:
        ``vtkPolyData`` of triangles facing outward with outward point normals, in the space of
        ``affine``; empty where nothing reaches the threshold.
    """
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    image = _padded(values, ends)
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
    points = vtk_to_numpy(surface.GetPoints().GetData())
    for axis, (first, last) in enumerate(ends):
        inside = (-0.5 if first else -np.inf, values.shape[axis] - (0.5 if last else -np.inf))
        np.clip(points[:, axis], *inside, out=points[:, axis])
    points = points @ linear.T + affine[:3, 3]
    normals = vtk_to_numpy(surface.GetPointData().GetNormals()) @ np.linalg.inv(linear)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    surface.GetPoints().SetData(numpy_to_vtk(points.astype(np.float32), deep=True))
    vtk_normals = numpy_to_vtk(normals.astype(np.float32), deep=True)
    vtk_normals.SetName("Normals")
    surface.GetPointData().SetNormals(vtk_normals)
    if np.linalg.det(linear) < 0:
        surface = _turned_inside_out(surface)
    return surface


def _padded(values: np.ndarray, ends: Ends):
    """``vtkImageData`` of the values with 0 around them, at the border of the image after one more
    layer of what is there.
    """
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    margins = [(1 + first, 1 + last) for first, last in ends]
    extent = [(-low, n - 1 + high) for n, (low, high) in zip(values.shape, margins)]
    image = vtk.vtkImageData()
    image.SetExtent(*[bound for bounds in extent for bound in bounds])
    image.AllocateScalars(vtk.VTK_FLOAT, 1)
    padded = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(
        image.GetDimensions(), order="F"
    )
    padded[...] = 0.0
    # Flying edges takes "at the threshold" for inside; so does the segment.
    padded[tuple(slice(low, low + n) for n, (low, _) in zip(values.shape, margins))] = values
    for axis, (first, last) in enumerate(ends):
        layers = np.moveaxis(padded, axis, 0)
        if first:
            layers[1] = layers[2]
        if last:
            layers[-2] = layers[-3]
    return image


def _turned_inside_out(surface):
    import vtk

    reverse = vtk.vtkReverseSense()
    reverse.SetInputData(surface)
    reverse.ReverseCellsOn()
    reverse.ReverseNormalsOff()  # they were carried over with the affine and face outward already
    reverse.Update()
    return reverse.GetOutput()
