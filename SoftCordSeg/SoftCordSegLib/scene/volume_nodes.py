"""Volumes between the library and the scene, always through affines.

Slicer flips left-handed images when it loads them: array and matrix change together, every voxel
keeps its position in the patient.  So arrays of the two sides must never be exchanged without their
affines.  The grid of the image's file is remembered, so that results are written in the file's
orientation: a mask from the flipped node would have other letters than the image, and tools that
compare arrays would refuse the pair.
"""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from ..errors import InputError
from ..volume import Grid, Volume

_ATTRIBUTE = "SoftCordSeg.FileGrid"


def read_grid(path: str | Path) -> Grid | None:
    """The grid of a 3D NIfTI file, from its header alone; None where the file is not one."""
    if not str(path).endswith((".nii", ".nii.gz")) or not Path(path).is_file():
        return None
    try:
        image = nibabel.load(path)
    except (OSError, ValueError, EOFError, nibabel.filebasedimages.ImageFileError):
        return None
    return Grid(image.shape[:3], image.affine) if len(image.shape) >= 3 else None


def remember_file_grid(node, grid: Grid | None) -> None:
    """Store the grid of the file in the node, and so in the scene, for when the file is not
    available.
    """
    if grid is not None:
        # Plain numbers: MRML files separate attributes by colons and semicolons.
        node.SetAttribute(
            _ATTRIBUTE, " ".join(repr(float(x)) for x in (*grid.shape, *grid.affine[:3].ravel()))
        )


def file_grid_of(node) -> Grid | None:
    """The grid of the file that a volume node was loaded from; None where it is not known."""
    text = node.GetAttribute(_ATTRIBUTE)
    if text:
        numbers = [float(word) for word in text.split()]
        return Grid(tuple(numbers[:3]), np.vstack([np.reshape(numbers[3:], (3, 4)), (0, 0, 0, 1)]))
    storage = node.GetStorageNode()
    return (
        read_grid(storage.GetFileName()) if storage is not None and storage.GetFileName() else None
    )


# Two grids are the same if their voxels coincide to within this; a matrix from a file has float32
# rounding.
SAME_PLACE_MM = 0.02
_MAX_SHEAR_COSINE = 1e-2


def add_volume(scene, volume: Volume, name: str, window: tuple[float, float] | None = None):
    """A new scalar volume node with the voxels of ``volume``, each at its position in the world.

    Left-handed volumes are flipped along k, as Slicer does when it loads such a file: its filters
    and displays count on right-handed voxel axes.

    Args:
        scene: the MRML scene.
        volume: its voxels.
        name: of the node.
        window: the values that are shown black and white; None lets Slicer look for them in all
            voxels.

    Returns:
        ``vtkMRMLScalarVolumeNode`` of the array's own type (bool becomes uint8), with display node.
    """
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", scene.GenerateUniqueName(name))
    data, affine = volume.data, volume.affine
    if np.linalg.det(affine[:3, :3]) < 0:
        affine = affine.copy()
        affine[:3, 3] += affine[:3, 2] * (data.shape[2] - 1)
        affine[:3, 2] *= -1
        data = data[:, :, ::-1]
    node.SetIJKToRASMatrix(_matrix(affine))
    if window is not None:
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().AutoWindowLevelOff()
        node.GetDisplayNode().SetWindowLevelMinMax(*window)
    node.SetAndObserveImageData(_image(data))
    node.CreateDefaultDisplayNodes()
    remember_file_grid(node, volume.grid)
    return node


def grid_of(node, in_world: bool = True) -> Grid:
    """The voxel grid of a volume node.

    Args:
        node: a volume node.
        in_world: with linear parent transforms, as in the views; False: the volume's own frame, as
            it is stored.

    Raises:
        InputError: no voxels, or a transform that bends or shears the grid.
    """
    import vtk

    image = node.GetImageData()
    if image is None or 0 in image.GetDimensions():
        raise InputError(
            f"The volume '{node.GetName()}' has no voxels.",
            hint="Load it again, or choose another volume.",
        )
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    affine = _affine(matrix)
    transform = node.GetParentTransformNode() if in_world else None
    if transform is not None:
        if not transform.IsTransformToWorldLinear():
            raise InputError(
                f"The volume '{node.GetName()}' has a parent transform that bends it.",
                hint="Harden the transform first.",
            )
        transform.GetMatrixTransformToWorld(matrix)
        affine = _affine(matrix) @ affine
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(axes).all() or np.abs(axes.T @ axes - np.eye(3)).max() > _MAX_SHEAR_COSINE:
        raise InputError(
            f"The axes of the volume '{node.GetName()}' are not at right angles.",
            hint="Resample it to a rectangular grid first (module Resample Scalar Volume, or"
            " Acquisition Geometry Regularization).",
        )
    return Grid(image.GetDimensions(), affine)


def array_of(node) -> np.ndarray:
    """The voxels (i, j, k) of a volume node **themselves**, not a copy; after writing call
    :func:`voxels_changed`.

    Raises:
        InputError: no voxels, or colour.
    """
    from vtk.util.numpy_support import vtk_to_numpy

    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars() if image is not None else None
    if scalars is None:
        raise InputError(
            f"The volume '{node.GetName()}' has no voxels.",
            hint="Load it again, or choose another volume.",
        )
    if scalars.GetNumberOfComponents() != 1:
        raise InputError(
            f"The volume '{node.GetName()}' is a colour or vector image.",
            hint="Choose a scalar MR volume.",
        )
    return vtk_to_numpy(scalars).reshape(image.GetDimensions(), order="F")


def voxels_changed(node) -> None:
    """Notify the scene that the array of :func:`array_of` was changed."""
    node.GetImageData().GetPointData().GetScalars().Modified()
    node.Modified()


def volume_of(node, in_world: bool = True) -> Volume:
    """The volume node as the library's value type: a copy, safe to use in another thread.

    Args:
        node: a volume node.
        in_world: as in :func:`grid_of`.

    Raises:
        InputError: no voxels, colour, NaN or infinite values, a bending or shearing transform.
    """
    grid = grid_of(node, in_world)
    data = array_of(node).copy(order="K")
    if np.issubdtype(data.dtype, np.floating) and not np.isfinite(data).all():
        count = int(data.size - np.isfinite(data).sum())
        raise InputError(
            f"The volume '{node.GetName()}' has {count} voxels that are NaN or infinite.",
            hint="Replace them and try again.",
        )
    return Volume(data, grid.affine)


def values_on(volume: Volume, grid: Grid) -> np.ndarray:
    """The array of ``volume`` with its axes in the order and direction of ``grid``; no
    interpolation.

    Args:
        volume: its voxels must be those of ``grid``, in any order of axes and either handedness.
        grid: for example :func:`grid_of` a node that Slicer flipped on loading.

    Returns:
        A view of ``volume.data`` of shape ``grid.shape``.

    Raises:
        InputError: the voxels do not coincide.
    """
    matrix = np.linalg.inv(volume.affine) @ grid.affine
    axes = np.abs(matrix[:3, :3]).argmax(
        axis=0
    )  # which axis of the volume runs along each axis of the grid
    data = volume.data.transpose(axes) if sorted(axes) == [0, 1, 2] else None
    affine = volume.affine.copy()
    if data is not None:
        affine[:3, :3] = volume.affine[:3, axes]
        for axis in range(3):
            if matrix[axes[axis], axis] < 0:
                data = np.flip(data, axis)
                affine[:3, 3] += affine[:3, axis] * (data.shape[axis] - 1)
                affine[:3, axis] *= -1
    if data is None or not Grid(data.shape, affine).same_as(grid, SAME_PLACE_MM):
        raise InputError(
            "The voxels of these two volumes do not coincide:"
            f" {grid_difference(volume.grid, grid)}.",
            hint="Resample one to the other first.",
        )
    return data


def grid_difference(first: Grid, second: Grid) -> str:
    """In what two grids differ, in words: voxels, their size, direction, or position."""

    def many(numbers) -> str:
        return " x ".join(f"{number:.6g}" for number in numbers)

    if sorted(first.shape) != sorted(second.shape):
        return f"{many(first.shape)} and {many(second.shape)} voxels"
    if np.abs(np.sort(first.spacing) - np.sort(second.spacing)).max() > 1e-3:
        return f"voxels of {many(first.spacing)} and of {many(second.spacing)} mm"
    turn = (first.affine[:3, :3] / first.spacing).T @ (second.affine[:3, :3] / second.spacing)
    # Axes may be in another order or direction: the nearest one of the other grid counts.
    cosine = np.clip(np.abs(turn).max(axis=0).min(), 0.0, 1.0)
    degrees = np.degrees(np.arccos(cosine))
    if degrees > 0.05:
        return f"one is turned by {degrees:.1f} degrees"
    middles = [grid.to_world((np.array(grid.shape) - 1) / 2) for grid in (first, second)]
    return f"one is moved by {np.linalg.norm(middles[0] - middles[1]):.2f} mm"


def _image(data: np.ndarray):
    """``vtkImageData`` with unit spacing (the node's matrix has the geometry) and a copy of the
    voxels (i, j, k).
    """
    import vtk
    from vtk.util.numpy_support import get_vtk_array_type, vtk_to_numpy

    if data.dtype == bool:
        data = data.view(np.uint8)
    image = vtk.vtkImageData()
    image.SetDimensions(data.shape)
    image.AllocateScalars(get_vtk_array_type(data.dtype.newbyteorder("=")), 1)
    vtk_to_numpy(image.GetPointData().GetScalars()).reshape(data.shape, order="F")[...] = data
    return image


def _matrix(affine: np.ndarray):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(affine, dtype=float).ravel())
    return matrix


def _affine(matrix) -> np.ndarray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
