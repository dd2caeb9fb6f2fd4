"""Reading and writing NIfTI; a file that cannot be used is refused with a sentence that says
why.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, OutputError
from ..files import atomic_path
from .volume import Volume

if TYPE_CHECKING:
    # Imported where it is used, so that what needs no files runs where nibabel is not installed.
    import nibabel

# A cosine between axes above this is a shear, which Slicer and SCT do not support; below it is
# rounding.
_MAX_SHEAR_COSINE = 1e-2

# No scan has larger voxels, mm; a corrupt header may say so, and then no memory is large enough for
# the resampled image.
_MAX_SPACING = 1000.0

# Types that NIfTI, or the programs that read it, do not have -> what holds the same values.
_STORED_AS = {
    np.dtype(bool): np.uint8,
    np.dtype(np.int64): np.int32,
    np.dtype(np.uint64): np.int32,
    np.dtype(np.float16): np.float32,
}


def read_nifti(path: str | Path, time: int | str | None = None) -> Volume:
    """Read a 3D image, or one volume or the mean of a 4D one.

    Args:
        path: ``.nii`` or ``.nii.gz``.
        time: for a series only: the index of the volume (from 0), or "mean" for the mean over
            time.

    Returns:
        The volume in its stored orientation and, where the file has no intensity scaling, its
        stored type.

    Raises:
        InputError: missing, truncated, not NIfTI, colour, a series without ``time``, NaN or
            infinite values, no usable affine.
    """
    path = Path(path)
    image = _open(path)
    affine = _checked_affine(image, path)
    data = _read_data(image, path)
    if data.dtype.names is not None or not (
        np.issubdtype(data.dtype, np.number) or data.dtype == bool
    ):
        raise InputError(
            "The file is a colour (RGB) or complex image.",
            path=path,
            hint="Give a scalar MR image.",
        )
    if np.iscomplexobj(data):
        raise InputError(
            "The file holds complex numbers.", path=path, hint="Give the magnitude image."
        )
    data = _one_volume(data, time, path)
    if data.size == 0:
        raise InputError(
            f"The file has no voxels: its shape is {data.shape}.",
            path=path,
            hint="Export it again.",
        )
    if np.issubdtype(data.dtype, np.floating) and not np.isfinite(data).all():
        count = int(data.size - np.isfinite(data).sum())
        raise InputError(
            f"The file has {count} voxels that are NaN or infinite.",
            path=path,
            hint="Replace them (for example by 0) and try again.",
        )
    return Volume(data, affine)


def time_points(path: str | Path) -> int:
    """The number of volumes in the file: 1 for a 3D image.

    Raises:
        InputError: as :func:`read_nifti`.
    """
    shape = _open(Path(path)).shape
    return int(np.prod(shape[3:])) if len(shape) > 3 else 1


def write_nifti(volume: Volume, path: str | Path, dtype: type | None = None) -> None:
    """Write atomically; the affine goes into both sform and qform (code 1, scanner).

    Args:
        volume: what to write, in its own orientation.
        path: ``.nii`` or ``.nii.gz``.
        dtype: the stored type; the array's own where None.  NIfTI has no bool, and few readers take
            64-bit integers or 16-bit floats: these become uint8, int32 and float32.

    Raises:
        OutputError: the name is not one of a NIfTI file, the folder is not writable or the disk is
            full; nothing is left behind.
    """
    path = Path(path)
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        raise OutputError(
            "The name of a NIfTI file ends in .nii or .nii.gz.",
            path=path,
            hint="Choose such a name.",
        )
    stored = volume.data.dtype if dtype is None else np.dtype(dtype)
    data = volume.data.astype(_STORED_AS.get(stored, stored), copy=False)
    import nibabel

    image = nibabel.Nifti1Image(data, volume.affine)
    image.set_sform(volume.affine, code=1)
    image.set_qform(volume.affine, code=1)
    image.header.set_xyzt_units("mm", "sec")
    with atomic_path(path) as temporary:
        nibabel.save(image, temporary)


def _read_errors() -> tuple[type[Exception], ...]:
    """What nibabel, numpy and gzip raise on a file that is corrupt or not NIfTI."""
    import nibabel

    return (
        nibabel.filebasedimages.ImageFileError,
        nibabel.spatialimages.HeaderDataError,
        nibabel.wrapstruct.WrapStructError,
        zlib.error,
        EOFError,
        OSError,
        OverflowError,
        ValueError,
    )


def _open(path: Path) -> nibabel.Nifti1Image:
    import nibabel

    if path.is_dir():
        raise InputError(
            "This is a folder, not a file.", path=path, hint="Give a NIfTI file (.nii or .nii.gz)."
        )
    try:
        # No memory map: a file that is cut or replaced while it is mapped ends the whole program,
        # Slicer included.
        image = nibabel.load(path, mmap=False)
    except FileNotFoundError as error:
        raise InputError(
            "There is no such file.", path=path, hint="Check the name and the folder."
        ) from error
    except PermissionError as error:
        raise InputError(
            "There is no permission to read the file.", path=path, hint="Ask for that permission."
        ) from error
    except _read_errors() as error:
        raise InputError(
            "The file is not a NIfTI image, or it is corrupt.",
            path=path,
            hint="Export it again as .nii or .nii.gz.",
        ) from error
    if not isinstance(image, nibabel.Nifti1Image):
        raise InputError(
            f"The file is not a NIfTI image but {type(image).__name__}.",
            path=path,
            hint="Convert it to .nii or .nii.gz.",
        )
    return image


def _checked_affine(image: nibabel.Nifti1Image, path: Path) -> np.ndarray:
    header = image.header
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        raise InputError(
            "The file does not say where the image lies in the patient (its sform and qform codes"
            " are both 0), so left and right are not known.",
            path=path,
            hint="Export it again from the DICOM images.",
        )
    affine = np.array(image.affine, dtype=float)
    axes = affine[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    if (
        not np.isfinite(affine).all()
        or (lengths < 1e-6).any()
        or abs(np.linalg.det(axes / np.maximum(lengths, 1e-12))) < 1e-3
    ):
        raise InputError(
            "The file has a singular affine: its axes do not span space.",
            path=path,
            hint="Export it again from the DICOM images.",
        )
    if lengths.max() > _MAX_SPACING:
        raise InputError(
            f"The file says that its voxels are {lengths.max():.3g} mm wide: its header is"
            " corrupt.",
            path=path,
            hint="Export it again.",
        )
    cosines = (axes / lengths).T @ (axes / lengths) - np.eye(3)
    if np.abs(cosines).max() > _MAX_SHEAR_COSINE:
        raise InputError(
            "The file has a sheared affine: its axes are not at right angles (as after a"
            " gantry tilt).",
            path=path,
            hint="Resample it to a rectangular grid first.",
        )
    return affine


def _read_data(image: nibabel.Nifti1Image, path: Path) -> np.ndarray:
    try:
        if not path.name.lower().endswith(".gz"):
            return np.asanyarray(image.dataobj)
        with gzip.open(path) as stream:
            data = np.asanyarray(type(image).from_stream(stream).dataobj)
            # The checksum stands at the end, beyond the last voxel: without this a corrupt
            # file is read as noise.
            while stream.read(1 << 20):
                pass
        return data
    except _read_errors() as error:
        raise InputError(
            "The file is truncated or corrupt: not all of its voxels can be read.",
            path=path,
            hint="Copy or export it again.",
        ) from error
    except MemoryError as error:
        raise InputError(
            "The file needs more memory than this computer has, or its header is corrupt.",
            path=path,
            hint="Use a computer with more memory, or export the image again.",
        ) from error


def _one_volume(data: np.ndarray, time: int | str | None, path: Path) -> np.ndarray:
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim < 3:
        raise InputError(
            f"The file is not a 3D image: its shape is {data.shape}.",
            path=path,
            hint="Give a stack of slices.",
        )
    if data.ndim == 3:
        return data
    if data.ndim > 4:
        raise InputError(
            f"The file has {data.ndim} dimensions, {data.shape}.",
            path=path,
            hint="Give a 3D image or a series of 3D images.",
        )
    count = data.shape[3]
    if time == "mean":
        return data.mean(axis=3, dtype=np.float32)
    if time is None:
        raise InputError(
            f"The file is a series of {count} volumes.",
            path=path,
            hint=f"Choose one by its number, 0 to {count - 1}, or the mean over time.",
        )
    if not 0 <= int(time) < count:
        raise InputError(
            f"The file has volumes 0 to {count - 1}; there is no volume {time}.",
            path=path,
            hint="Choose one of them, or the mean over time.",
        )
    return data[..., int(time)]
