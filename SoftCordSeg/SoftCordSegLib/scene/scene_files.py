"""Saving and loading: the whole scene as ``.mrb``, masks as NIfTI on the grid of the image's
file.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from ..errors import InputError, OutputError
from ..files import atomic_path
from ..volume import Volume, write_nifti
from .edit_nodes import correction_of
from .links import EDIT_MAP, linked
from .threshold_view import ThresholdView
from .volume_nodes import file_grid_of, values_on, volume_of


def save_scene(scene, path: str | Path) -> None:
    """Write the scene with all its data as a Slicer bundle, atomically.

    Args:
        scene: the MRML scene.
        path: ends in ``.mrb``.

    Raises:
        OutputError: not ``.mrb``, the folder is not writable, the disk is full; nothing is left
            behind.
    """
    path = Path(path)
    if path.suffix != ".mrb":
        raise OutputError(
            "The name of a Slicer scene bundle ends in .mrb.", path=path, hint="Choose such a name."
        )
    with (
        atomic_path(path) as temporary,
        tempfile.TemporaryDirectory(dir=path.parent, prefix=".softcord-") as folder,
    ):
        bundle = (
            Path(folder) / path.name
        )  # the name inside the bundle, which Slicer shows, comes from the file's
        if not scene.WriteToMRB(str(bundle)) or not _is_whole(bundle):
            raise OutputError(
                "Slicer could not write the scene: the disk may be full. Nothing was left there.",
                path=path,
                hint="Free some space, or choose another folder.",
            )
        os.replace(bundle, temporary)


def load_scene(scene, path: str | Path, clear: bool = True) -> None:
    """Read a Slicer bundle.

    Args:
        scene: where to read it into.
        path: the ``.mrb`` file.
        clear: False adds it to what is in the scene.

    Raises:
        InputError: missing, corrupt, or not a bundle.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("There is no such file.", path=path, hint="Check the name and the folder.")
    if not _is_whole(path):
        raise InputError(
            "The file is not a Slicer scene bundle (.mrb), or it is corrupt.",
            path=path,
            hint="Save the scene again.",
        )
    if not scene.ReadFromMRB(str(path), clear):
        raise InputError(
            "Slicer could not read the scene.", path=path, hint="Open it in 3D Slicer to see why."
        )


def soft_mask_as_stored(soft_node) -> Volume:
    """The soft mask, float32, with the axes and the affine of the image's own file, without parent
    transforms.

    Where the file is not known (DICOM) or the image has another geometry now, on the node's grid.
    """
    volume = volume_of(soft_node, in_world=False)
    grid = file_grid_of(soft_node)
    if grid is None:
        return volume
    try:
        return Volume(values_on(volume, grid), grid.affine)
    except InputError:
        return volume


def save_soft_mask(soft_node, path: str | Path) -> None:
    """Write :func:`soft_mask_as_stored` as NIfTI, atomically.

    Raises:
        OutputError: the folder is not writable or the disk is full; nothing is left behind.
    """
    write_nifti(soft_mask_as_stored(soft_node), path, np.float32)


def save_edit_map(soft_node, path: str | Path) -> None:
    """Write the edit map of a soft mask (+1 added, -1 removed, 0 as predicted) as NIfTI,
    atomically.


    Raises:
        InputError: the mask was never corrected.
        OutputError: the folder is not writable or the disk is full; nothing is left behind.
    """
    node = None if correction_of(soft_node) is None else linked(soft_node, EDIT_MAP)
    if node is None:
        raise InputError(
            f"The soft mask '{soft_node.GetName()}' was never corrected: there are no edits to"
            " save.",
            hint="Correct it first.",
        )
    volume = soft_mask_as_stored(node)
    write_nifti(volume.with_data(volume.data.view(np.int8)), path)


def save_segment(view: ThresholdView, path: str | Path) -> None:
    """Write the segment, soft mask >= its threshold, as NIfTI of 0 and 1, atomically.

    Raises:
        InputError: the soft mask was deleted.
        OutputError: the folder is not writable or the disk is full; nothing is left behind.
    """
    if view.soft_node is None:
        raise InputError(
            f"The soft mask of '{view.node.GetName()}' was deleted.",
            hint="Segment the image again.",
        )
    soft = soft_mask_as_stored(view.soft_node)
    write_nifti(soft.with_data((soft.data >= view.threshold).astype(np.uint8)), path)


def _is_whole(path: Path) -> bool:
    """True if the file is a complete archive with a scene in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return (
                any(name.endswith(".mrml") for name in archive.namelist())
                and archive.testzip() is None
            )
    except (OSError, zipfile.BadZipFile):
        return False
