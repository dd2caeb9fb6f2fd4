"""Results as DICOM objects beside the series that a volume was loaded from, and DICOM masks back
into the scene.
"""

from __future__ import annotations

import sys
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..resources import resources_folder

# Slicer's attribute of a volume from its DICOM database: the UIDs of its images, separated by
# blanks.
INSTANCE_UIDS = "DICOM.instanceUIDs"
_OLDEST_PYTHON = (3, 10)


def dicom_requirements() -> Path:
    """The file that names the packages; Slicer brings them from 5.12 on."""
    return resources_folder() / "requirements-dicom.txt"


def why_no_dicom(image) -> str:
    """Why the results of a volume cannot be saved as DICOM; "" where they can."""
    if sys.version_info < _OLDEST_PYTHON:
        return _("DICOM needs Python 3.10 or newer: use Slicer 5.12.")
    if not image.GetAttribute(INSTANCE_UIDS):
        return _(
            "The volume is not from Slicer's DICOM database, so that patient, study and slices are"
            " not known."
        )
    return ""


def source_files(image) -> list[Path]:
    """The files of the series that a volume was loaded from, as far as they are still there."""
    database = slicer.app.dicomDatabase()
    uids = (image.GetAttribute(INSTANCE_UIDS) or "").split()
    names = [database.fileForInstance(uid) for uid in uids] if database is not None else []
    return [Path(name) for name in dict.fromkeys(names) if name and Path(name).is_file()]


class DicomSaving:
    """What is to be written for an image: read from the scene at once, written by
    :meth:`write` on another thread.

    Args:
        study: ``scene.study.Study`` with a soft mask.
        folder: where to.

    Raises:
        InputError: the files of the series are not there any more.
    """

    def __init__(self, study, folder: Path):
        from ..dicom import series_among
        from ..progress import Progress
        from ..scene.disc_points import discs_of
        from ..scene.scene_files import soft_mask_as_stored
        from .saving import mask_name_of, mask_to_measure, record_of

        self._folder = folder
        self._sources = source_files(study.image)
        if not self._sources:
            raise InputError(
                "The DICOM files of this volume are not there any more.",
                hint="Import the series into Slicer's DICOM database again, and load it.",
            )
        # As the command line names the results of this series: without anything of a patient.
        self._name = series_among(self._sources[:1], Progress())[0].name
        self._mask = soft_mask_as_stored(study.soft)
        self._measured_mask = mask_to_measure(study.soft)
        self._discs = discs_of(study.discs) if study.discs is not None else []
        self._mask_name = Path(mask_name_of(study.image))
        self._record = record_of(study)
        self._threshold = study.view.threshold

    def existing(self) -> list[Path]:
        """Files of an earlier time that would be replaced."""
        from ..bids import DicomKind, dicom_name

        paths = [self._folder / dicom_name(self._name, kind) for kind in DicomKind]
        return [path for path in paths if path.exists()]

    def write(self, progress):
        """Measure, and write the objects; on the worker's thread.

        Returns:
            ``workflows.dicom_out.WrittenObjects``.
        """
        from ..workflows.csa_measure import CsaOptions, MaskLevels, measure_volume
        from ..workflows.dicom_out import DicomOptions, write_objects

        measured = None
        if self._discs:
            measured = measure_volume(
                self._mask_name,
                self._measured_mask,
                MaskLevels(discs=self._discs),
                CsaOptions(),
                progress.part(0.0, 0.4),
            )
        progress.report(0.4, _("Writing DICOM"))
        return write_objects(
            self._mask,
            self._sources,
            self._name,
            self._folder,
            self._record,
            # What is there, the user has been asked for.
            DicomOptions(self._threshold, overwrite=True),
            measured,
        )


def open_dicom_mask(image, path: Path) -> None:
    """Put the mask in a DICOM file into the scene, as the soft mask of an image.

    Args:
        image: the node of the image.
        path: segmentation or parametric map.

    Raises:
        InputError: not a mask of a cord, or not on the image's voxels.
    """
    from ..dicom import read_dicom_mask
    from ..errors import naming_file
    from ..scene.study import set_segmentation
    from ..scene.volume_nodes import grid_of, values_on
    from ..volume import Volume

    mask = read_dicom_mask(path)
    grid = grid_of(image, in_world=False)
    with naming_file(path):
        values = values_on(mask, grid)
    set_segmentation(image, Volume(values, grid.affine), keep_edits=False)
