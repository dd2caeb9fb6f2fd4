"""The header of a NIfTI file: where its voxels are, what contradicts itself, and what no scan can
be.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    # Imported where it is used, so that what needs no files runs where nibabel is not installed.
    import nibabel

# A cosine between axes above this is a shear, which Slicer and SCT do not support; below it is
# rounding, as registration leaves it in an affine.
_MAX_SHEAR_COSINE = 1e-2

# What the numbers make together: no MR image of a body has smaller or larger voxels (mm), reaches
# further (mm), or has more voxels.
_SPACING_MM = (0.02, 50.0)
_REACH_MM = 2500.0
_MOST_VOXELS = 2**31

# Two forms that put the image's corners this far apart, or turn it by so much, contradict each
# other; less is rounding.
_APART_MM, _APART_DEGREES = 1.0, 1.0

# xyzt_units, its three lowest bits (nifti1.h): how many millimetres one unit is.  0 is "unknown",
# which everybody takes for millimetres.
_MILLIMETRES = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_UNITS = {1: "metres", 3: "micrometres"}

_LAST_CODE = 5  # of a form, NIFTI_XFORM_TEMPLATE_OTHER

# Deflate makes at most 1032 bytes of one.  More than a gigabyte out of less than 1/200 is a file
# made to fill the memory: the emptiest masks of whole bodies are far smaller than that.
_MOST_INFLATION = 1032
_BOMB_BYTES, _BOMB_RATIO = 2**30, 200


@dataclass(frozen=True, eq=False)
class HeaderForms:
    """The two forms of a NIfTI header, which say where an image is; written again with what is on
    its grid.

    Attributes:
        sform, qform: 4x4, voxel indices to world millimetres.
        sform_code, qform_code: NIfTI's codes of the two spaces; 0 where the form says nothing.
    """

    sform: np.ndarray
    sform_code: int
    qform: np.ndarray
    qform_code: int

    def hold_for(self, affine: np.ndarray) -> bool:
        """Whether an image with this affine is where the forms say."""
        used = self.sform if self.sform_code > 0 else self.qform
        return np.allclose(used, affine, rtol=0, atol=1e-4)


@dataclass(frozen=True, eq=False)
class HeaderPosition:
    """Where a file says that its voxels are.

    Attributes:
        affine: 4x4, voxel indices to world millimetres.
        forms: both forms; None where one of them could not be used.
        notes: sentences on what was contradictory, or was read in another way than it is written.
    """

    affine: np.ndarray
    forms: HeaderForms | None
    notes: tuple[str, ...]


def position_of(image: nibabel.Nifti1Image, raw: np.ndarray, path: Path) -> HeaderPosition:
    """The affine of a file, checked.

    Args:
        image: as nibabel opened it.
        raw: its header as it is stored, before any repair (a NumPy record).
        path: of the file, for the sentences.

    Raises:
        InputError: nothing says where the image is, or what it says cannot be.
    """
    notes = list(_repairs(raw))
    codes = _code(raw, "sform_code"), _code(raw, "qform_code")
    if max(codes) <= 0:
        raise InputError(
            "The file does not say where the image lies in the patient (its sform and qform codes"
            " are both 0), so left and right are not known.",
            path=path,
            hint="Export it again from the DICOM images.",
        )
    scale = _unit(raw, path)
    if scale != 1.0:
        name = _UNITS[int(raw["xyzt_units"]) & 7]
        notes.append(f"The header counts in {name} (xyzt_units): read as such.")
    sform = _scaled(image.header.get_sform(), scale) if codes[0] > 0 else None
    qform = _qform(image, raw, scale) if codes[1] > 0 else None
    affine, complaint = sform, "sform"
    if sform is None or _is_singular(sform):
        affine, complaint = qform, "qform"
        if sform is not None and qform is not None and not _is_singular(qform):
            notes.append("The sform is singular: the qform was used.")
        elif sform is not None:
            affine, complaint = sform, "sform"
    if affine is None or _is_singular(affine):
        raise InputError(
            f"The file has a singular affine ({complaint}): its axes do not span space.",
            path=path,
            hint="Export it again from the DICOM images.",
        )
    if affine is qform and (np.asarray(raw["pixdim"][1:4]) == 0).any():
        raise InputError(
            "The file has no voxel size: a pixdim of its header is 0, and only the qform, which"
            " needs it, says where the image lies.",
            path=path,
            hint="Export it again from the DICOM images.",
        )
    _check_size(image.shape, affine, path)
    _check_shear(affine, path)
    if codes[1] > 0 and (qform is None or _is_singular(qform)) and affine is sform:
        notes.append("The qform is not a rotation of voxels, so the sform alone was used.")
    forms = None
    if affine is sform and qform is not None and not _is_singular(qform):
        forms = HeaderForms(sform, codes[0], qform, codes[1])
        notes += _contradiction(sform, qform, image.shape)
    elif affine is sform and codes[1] <= 0 or affine is qform and codes[0] <= 0:
        forms = HeaderForms(affine, codes[0], affine, codes[1])
    return HeaderPosition(affine, forms, tuple(notes))


def check_bytes(shape: tuple[int, ...], item_bytes: int, path: Path, compressed: bool) -> None:
    """Hold what a header declares against the size of the file, before memory is asked for.

    Args:
        shape: as the header declares it.
        item_bytes: of one voxel.
        path: of the file.
        compressed: by gzip.

    Raises:
        InputError: there are too many voxels, or the file is too small for them.
    """
    voxels = 1
    for count in shape:
        voxels *= int(count)
    per_volume = voxels // max(int(np.prod(shape[3:], dtype=object)), 1) if voxels else 0
    if per_volume > _MOST_VOXELS:
        raise InputError(
            f"The header declares {per_volume:.3g} voxels: more than any MR image has.",
            path=path,
            hint="Export it again.",
        )
    declared, stored = voxels * item_bytes, path.stat().st_size
    largest = stored * (_MOST_INFLATION if compressed else 1)
    if declared > largest:
        raise InputError(
            f"The file is truncated or its header is corrupt: {stored} bytes cannot hold the"
            f" {declared} bytes of voxels that it declares.",
            path=path,
            hint="Copy or export it again.",
        )
    if compressed and declared > _BOMB_BYTES and declared > _BOMB_RATIO * stored:
        raise InputError(
            f"The file declares {declared / 2**30:.1f} GB of voxels in"
            f" {stored / 2**20:.1f} MB: almost all of them would be empty.",
            path=path,
            hint="Crop the image, and export it again.",
        )


def _scaled(affine: np.ndarray | None, scale: float) -> np.ndarray:
    affine = np.array(affine, dtype=float)
    affine[:3] *= scale
    return affine


def _qform(image: nibabel.Nifti1Image, raw: np.ndarray, scale: float) -> np.ndarray | None:
    if not np.isfinite([float(raw[f"quatern_{letter}"]) for letter in "bcd"]).all():
        return None
    try:
        with np.errstate(all="ignore"):  # what is not finite is refused later
            return _scaled(image.header.get_qform(), scale)
    except ValueError:
        return None  # its quaternion is longer than 1


def _code(raw: np.ndarray, field: str) -> int:
    """A form's code; 0 where the header has one that NIfTI does not have."""
    code = int(raw[field])
    return code if 0 <= code <= _LAST_CODE else 0


def _unit(raw: np.ndarray, path: Path) -> float:
    code = int(raw["xyzt_units"]) & 7
    if code not in _MILLIMETRES:
        raise InputError(
            f"The header counts lengths in a unit that NIfTI does not have (xyzt_units: {code}).",
            path=path,
            hint="Export it again.",
        )
    return _MILLIMETRES[code]


def _is_singular(affine: np.ndarray) -> bool:
    axes = affine[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    return bool(
        not np.isfinite(affine).all()
        or (lengths < 1e-9).any()
        or abs(np.linalg.det(axes / np.maximum(lengths, 1e-12))) < 1e-3
    )


def _check_size(shape: tuple[int, ...], affine: np.ndarray, path: Path) -> None:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing.max() > _SPACING_MM[1] or spacing.min() < _SPACING_MM[0]:
        odd = spacing.max() if spacing.max() > _SPACING_MM[1] else spacing.min()
        raise InputError(
            f"The file says that its voxels are {odd:.3g} mm wide, which no MR image is: its"
            " affine or its unit (xyzt_units) is wrong.",
            path=path,
            hint="Export it again.",
        )
    reach = spacing * np.array((*shape, 1, 1, 1)[:3])
    if reach.max() > _REACH_MM or np.abs(affine[:3, 3]).max() > 100 * _REACH_MM:
        raise InputError(
            f"The file says that its image is {reach.max() / 1000:.3g} m long and begins"
            f" {np.abs(affine[:3, 3]).max() / 1000:.3g} m from the scanner's middle: its header is"
            " corrupt.",
            path=path,
            hint="Export it again.",
        )


def _check_shear(affine: np.ndarray, path: Path) -> None:
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if np.abs(axes.T @ axes - np.eye(3)).max() > _MAX_SHEAR_COSINE:
        raise InputError(
            "The file has a sheared affine: its axes are not at right angles (as after a"
            " gantry tilt).",
            path=path,
            hint="Resample it to a rectangular grid first.",
        )


def _contradiction(sform: np.ndarray, qform: np.ndarray, shape: tuple[int, ...]) -> list[str]:
    """A sentence where the two forms put the image at different positions."""
    ends = [(0, max(int(count) - 1, 0)) for count in (*shape, 1, 1, 1)[:3]]
    corners = np.array(np.meshgrid(*ends, indexing="ij")).reshape(3, -1)
    apart = sform[:3, :3] @ corners + sform[:3, 3:] - qform[:3, :3] @ corners - qform[:3, 3:]
    millimetres = float(np.linalg.norm(apart, axis=0).max())
    mirrored = np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0
    degrees = 0.0 if mirrored else _angle_between(sform, qform)
    if not mirrored and millimetres <= _APART_MM and degrees <= _APART_DEGREES:
        return []
    how = (
        "one is the other's mirror image"
        if mirrored
        else f"they differ by {millimetres:.1f} mm and {degrees:.1f}°"
    )
    return [
        f"The header says in two ways where the image lies, and {how}: the sform was used, not the"
        " qform. Check the position, and left and right."
    ]


def _angle_between(first: np.ndarray, second: np.ndarray) -> float:
    """Degrees by which one grid is turned against the other."""

    def rotation(affine: np.ndarray) -> np.ndarray:
        left, _, right = np.linalg.svd(affine[:3, :3])
        return np.asarray(left @ right)

    cosine = (np.trace(rotation(first).T @ rotation(second)) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _repairs(raw: np.ndarray) -> list[str]:
    """What is read in another way than it is stored, as a program that takes the header literally
    would not.
    """
    notes = []
    length = int(raw["sizeof_hdr"])
    if length != raw.dtype.itemsize:
        notes.append(
            f"The header says that it is {length} bytes long (sizeof_hdr): read as one of"
            f" {raw.dtype.itemsize}."
        )
    if bytes(raw["magic"])[:2] == b"ni":
        notes.append(
            "The header says that the voxels are in another file (magic: ni1): they were read from"
            " this one."
        )
    if np.isinf(float(raw["scl_slope"])):
        notes.append("The factor of the values (scl_slope) is infinite: it was left out.")
    offset = float(raw["vox_offset"])
    if not offset >= raw.dtype.itemsize + 4:
        notes.append(
            f"The header says that the voxels begin inside it (vox_offset: {offset:g}): they were"
            f" read from byte {raw.dtype.itemsize + 4}."
        )
    pixdim = np.asarray(raw["pixdim"][1:4], dtype=float)
    if not (pixdim > 0).all():
        notes.append(
            "A voxel size in the header (pixdim) is not above 0: the sizes were taken from the"
            " affine."
        )
    notes += [
        f"The header's {field} is {int(raw[field])}, which NIfTI does not have: it counts as 0."
        for field in ("sform_code", "qform_code")
        if _code(raw, field) != int(raw[field])
    ]
    if _code(raw, "sform_code") == 0 and float(raw["pixdim"][0]) not in (-1.0, 0.0, 1.0):
        notes.append("The header does not say which way the slices go (pixdim[0]): read as 1.")
    return notes
