"""A soft mask as a parametric map: 32-bit floats, 0 to 1, the share of each voxel that is cord
(PS3.3 A.75).
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ..volume import Volume
from .dicom_geometry import SourceSlices, on_slices
from .object_parts import MAKER, MadeBy, equipment, required_header, series_number

MAP_SERIES = 3
# No code of DICOM or SNOMED CT says "the share of a voxel that a structure occupies".
OCCUPANCY = ("occupancy", "99SOFTCORD", "Share of the voxel that is spinal cord")


def parametric_map(mask: Volume, slices: SourceSlices, made_by: MadeBy) -> Any:
    """The soft mask with all its digits.

    Args:
        mask: soft, 0 to 1, on the voxels of the slices.
        slices: of the series that the mask was made from.
        made_by: how.

    Returns:
        A pydicom dataset.  Within :func:`.dicom_packages.needing_dicom`.

    Raises:
        InputError: the mask is not on the slices.
    """
    import highdicom
    from pydicom.sr.codedict import codes
    from pydicom.sr.coding import Code

    images = [required_header(image) for image in slices.images]
    frames = np.clip(on_slices(mask, slices), 0, 1).astype(np.float32)
    mapping = highdicom.pm.RealWorldValueMapping(
        lut_label="1",
        lut_explanation="Share of the voxel, 0 to 1",
        unit=codes.UCUM.NoUnits,
        value_range=(0.0, 1.0),
        slope=1.0,
        intercept=0.0,
        quantity_definition=Code(*OCCUPANCY),
    )
    made = highdicom.pm.ParametricMap(
        source_images=images,
        pixel_array=frames,
        **_places(slices),
        series_instance_uid=str(highdicom.UID()),
        series_number=series_number(images[0], MAP_SERIES),
        sop_instance_uid=str(highdicom.UID()),
        instance_number=1,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        **_window(),
        content_label="SPINAL_CORD",
        content_description="Soft mask, share of the voxel",
        series_description=f"{MAKER}: soft mask, parametric map",
        **equipment(made_by),
    )
    made.BodyPartExamined = "SPINE"  # which has no sides: else the side would have to be said
    return made


def _places(slices: SourceSlices) -> dict[str, Any]:
    """Where the frames are; spelled out, as highdicom before 0.28 takes no volume here."""
    import highdicom

    spacing = slices.grid.spacing
    return {
        "pixel_measures": highdicom.PixelMeasuresSequence(
            pixel_spacing=[float(spacing[1]), float(spacing[0])],
            slice_thickness=float(spacing[2]),
            spacing_between_slices=float(spacing[2]),
        ),
        "plane_orientation": highdicom.PlaneOrientationSequence(
            coordinate_system="PATIENT", image_orientation=[float(x) for x in slices.cosines]
        ),
        "plane_positions": [
            highdicom.PlanePositionSequence(
                coordinate_system="PATIENT", image_position=[float(x) for x in position]
            )
            for position in slices.positions
        ],
    }


def _window() -> dict[str, Any]:
    """How viewers show the map at first: black is 0, white 1."""
    import highdicom

    parameters = inspect.signature(highdicom.pm.ParametricMap.__init__).parameters
    if "voi_lut_transformations" not in parameters:  # before 0.28
        return {"window_center": 0.5, "window_width": 1.0}
    window = highdicom.VOILUTTransformation(window_center=0.5, window_width=1.0)
    return {"voi_lut_transformations": [window]}
