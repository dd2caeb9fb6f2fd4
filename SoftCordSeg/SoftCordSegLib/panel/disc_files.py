"""Discs from a file, read by Slicer where the file is Slicer's."""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ..errors import InputError


def read_disc_file(path: Path, scene):
    """Discs from SCT's label image (``.nii``, ``.nii.gz``) or from Slicer's points (``.mrk.json``,
    ``.json``, ``.fcsv``).

    Args:
        path: the file.
        scene: into which Slicer reads the points, for a moment.

    Returns:
        A list of ``DiscLabel``, and disc value -> what the file says of it (see
        ``scene.discs.remarks_of``).

    Raises:
        InputError: the file cannot be read, or has no usable discs.
    """
    from ..morphometry import discs_from_label_image
    from ..scene.disc_points import discs_of, remarks_of
    from ..volume import read_nifti

    if path.name.endswith((".nii", ".nii.gz")):
        discs, remarks = discs_from_label_image(read_nifti(path)), {}
    else:
        node = _load_points(path, scene)
        try:
            discs, remarks = discs_of(node), remarks_of(node)
        finally:
            scene.RemoveNode(node)
    if not discs:
        raise InputError(
            _("There are no discs in '{path}'. Choose the file with the points in it.").format(
                path=path
            )
        )
    return discs, remarks


def _load_points(path: Path, scene):
    if not path.is_file():
        raise InputError(
            _("There is no file '{path}'. Check the name and the folder.").format(path=path)
        )
    markups = slicer.app.applicationLogic().GetModuleLogic("Markups")
    node = scene.GetNodeByID(markups.LoadMarkups(str(path)) or "")
    if node is None or not node.IsA("vtkMRMLMarkupsFiducialNode"):
        if node is not None:
            scene.RemoveNode(node)
        raise InputError(
            _("'{path}' holds no list of points. Save the discs in Slicer as .mrk.json.").format(
                path=path
            )
        )
    return node
