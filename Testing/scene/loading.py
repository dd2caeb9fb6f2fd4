"""Images in the scene as Slicer's *Add data* loads them."""

from __future__ import annotations

from pathlib import Path

from SoftCordSegLib.scene.volume_nodes import read_grid, remember_file_grid


def load_image(volumes_logic, path: Path):
    """The node of an image file, named as the file is.

    Args:
        volumes_logic: ``vtkSlicerVolumesLogic`` of the scene to load into.
        path: the file, NIfTI.
    """
    node = volumes_logic.AddArchetypeVolume(str(path), Path(path).name.split(".")[0])
    assert node is not None, path
    remember_file_grid(node, read_grid(path))
    return node
