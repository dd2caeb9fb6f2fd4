"""Reading and writing NIfTI; a file that cannot be used is refused with a sentence that says
why.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, OutputError
from ..files import atomic_path
from .grid import Grid
from .missing_voxels import fill_missing
from .nifti_header import HeaderForms, check_bytes, position_of
from .volume import Volume

if TYPE_CHECKING:
    # Imported where it is used, so that what needs no files runs where nibabel is not installed.
    import nibabel

# What may stand behind the last voxel: a few programs append a history.  More is a file that
# unpacks without an end.
_MOST_BYTES_BEHIND = 16 * 2**20

# Types that NIfTI, or the programs that read it, do not have -> what holds the same values.
_STORED_AS = {
    np.dtype(bool): np.uint8,
    np.dtype(np.int64): np.int32,
    np.dtype(np.uint64): np.int32,
    np.dtype(np.float16): np.float32,
}


def read_nifti(
    path: str | Path, time: int | str | None = None, without_nan: bool = False
) -> Volume:
    """Read a 3D image, or one volume or the mean of a 4D one.

    Args:
        path: ``.nii`` or ``.nii.gz``.
        time: for a series only: the index of the volume (from 0), or "mean" for the mean over
            time.
        without_nan: fill voxels that are NaN or infinite, and say so (:func:`fill_missing`); they
            are refused otherwise.

    Returns:
        The volume in its stored orientation and, where the file has no intensity scaling, its
        stored type; its ``notes`` say what was contradictory in the header.

    Raises:
        InputError: missing, truncated, not NIfTI, colour, a series without ``time``, NaN or
            infinite values, values beyond 32-bit floats, no usable affine, sizes that no scan has.
    """
    path = Path(path)
    image = _open(path)
    position = position_of(image, _raw_header(image, path), path)
    check_bytes(image.shape, image.header.get_data_dtype().itemsize, path, _is_compressed(path))
    _check_scalar(image.header.get_data_dtype(), path)
    data = _read_data(image, time, path)
    if data.size == 0:
        raise InputError(
            f"The file has no voxels: its shape is {data.shape}.",
            path=path,
            hint="Export it again.",
        )
    data, notes = _finite(data, path, without_nan)
    return Volume(data, position.affine, position.forms, (*position.notes, *notes))


def read_grid(path: str | Path) -> Grid:
    """The grid of the file, of a series that of each volume; no voxel is read.

    Raises:
        InputError: as :func:`read_nifti`.
    """
    path = Path(path)
    image = _open(path)
    _check_dimensions(image.shape[:3], None, path)
    position = position_of(image, _raw_header(image, path), path)
    i, j, k = image.shape[:3]
    return Grid((i, j, k), position.affine)


def time_points(path: str | Path) -> int:
    """The number of volumes in the file: 1 for a 3D image.

    Raises:
        InputError: as :func:`read_nifti`.
    """
    shape = _open(Path(path)).shape
    return int(np.prod(shape[3:])) if len(shape) > 3 else 1


def write_nifti(volume: Volume, path: str | Path, dtype: type | None = None) -> None:
    """Write atomically.  Both forms of the header are those of the file that the grid is from; the
    affine (code 1, scanner) where it is from none.

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
    forms = volume.forms
    if forms is None or not forms.hold_for(volume.affine):
        forms = HeaderForms(volume.affine, 1, volume.affine, 1)
    # The qform first: it sets the voxel sizes, and so does the sform's image, for readers that look
    # at nothing else.
    image.set_qform(forms.qform, code=forms.qform_code)
    image.set_sform(forms.sform, code=forms.sform_code)
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
        with _quietly():
            image = nibabel.load(path, mmap=False)
    except FileNotFoundError as error:
        sentence, hint = _absent(path)
        raise InputError(sentence, path=path, hint=hint) from error
    except PermissionError as error:
        raise InputError(
            "There is no permission to read the file.", path=path, hint="Ask for that permission."
        ) from error
    except _read_errors() as error:
        sentence, hint = _unreadable(path)
        raise InputError(sentence, path=path, hint=hint) from error
    if not isinstance(image, nibabel.Nifti1Image):
        raise InputError(
            f"The file is not a NIfTI image but {type(image).__name__}.",
            path=path,
            hint="Convert it to .nii or .nii.gz.",
        )
    return image


def check_is_file(path: Path) -> None:
    """Refuse what is no file, before anything else is done with it.

    Raises:
        InputError: there is nothing, or a folder, or a link that leads nowhere.
    """
    if os.path.isdir(path):
        raise InputError("This is a folder, not an image.", path=path, hint="Give an image in it.")
    if not os.path.exists(path):
        sentence, hint = _absent(Path(path))
        raise InputError(sentence, path=path, hint=hint)


def _absent(path: Path) -> tuple[str, str]:
    """Why a file is not there, and what to do."""
    if path.is_symlink():
        if "annex" in os.readlink(path):
            return (
                "The image itself is not here, only DataLad's (git-annex's) link to it.",
                "Fetch it with: datalad get.",
            )
        return (
            "This is a link that leads to itself, or to a file that is missing.",
            "Restore the file, or remove the link.",
        )
    return "There is no such file.", "Check the name and the folder."


def _unreadable(path: Path) -> tuple[str, str]:
    """Why a file cannot be opened as NIfTI, from its first bytes, and what to do."""
    try:
        with open(path, "rb") as stream:
            begin = stream.read(348)
    except OSError:
        return "The file cannot be read.", "Check the disk, and copy the file again."
    if begin.startswith(b"version https://git-lfs"):
        return (
            "The file is a Git LFS pointer, not the image itself.",
            "Fetch the image with: git lfs pull.",
        )
    if b"annex/objects/" in begin[:200]:
        return (
            "The file is a pointer of DataLad (git-annex), not the image itself.",
            "Fetch the image with: datalad get.",
        )
    if begin.startswith(b"\x1f\x8b") and not _is_compressed(path):
        return "The file is compressed by gzip, but its name ends in .nii.", "Rename it to .nii.gz."
    if _is_compressed(path) and begin[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c"):
        return "The file is not compressed, but its name ends in .gz.", "Rename it to .nii."
    return (
        "The file is not a NIfTI image, or it is corrupt.",
        "Export it again as .nii or .nii.gz.",
    )


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """nibabel prints what it repairs; here that is said in a note of the image."""
    import nibabel

    logger = nibabel.imageglobals.logger
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _is_compressed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def _raw_header(image: nibabel.Nifti1Image, path: Path) -> np.ndarray:
    """The header as it is stored: nibabel repairs some fields without a word."""
    with gzip.open(path) if _is_compressed(path) else open(path, "rb") as stream:
        return image.header_class.from_fileobj(stream, check=False).structarr


def _check_scalar(dtype: np.dtype, path: Path) -> None:
    if dtype.names is not None or not (np.issubdtype(dtype, np.number) or dtype.kind == "b"):
        raise InputError(
            "The file is a colour (RGB) or complex image.",
            path=path,
            hint="Give a scalar MR image.",
        )
    if np.issubdtype(dtype, np.complexfloating):
        raise InputError(
            "The file holds complex numbers.", path=path, hint="Give the magnitude image."
        )


def _finite(data: np.ndarray, path: Path, without_nan: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    """The data without NaN, and sentences on it; refused where that was not asked for."""
    if not np.issubdtype(data.dtype, np.floating):
        return data, ()
    finite = np.isfinite(data)
    if not finite.all():
        if not without_nan:
            raise InputError(
                f"The file has {int(data.size - finite.sum())} voxels that are NaN or infinite.",
                path=path,
                hint="Replace them (for example by 0) and try again.",
            )
        if not finite.any():
            raise InputError(
                "Every voxel of the file is NaN or infinite.", path=path, hint="Export it again."
            )
        data, notes = fill_missing(data)
        _check_float32(data, path)
        return data, notes
    _check_float32(data, path)
    return data, ()


def _check_float32(data: np.ndarray, path: Path) -> None:
    largest = float(np.finfo(np.float32).max)
    if data.dtype.itemsize > 4 and (data.max() > largest or data.min() < -largest):
        raise InputError(
            "The file has values beyond the range of 32-bit numbers (3.4e38).",
            path=path,
            hint="Export it again; MR intensities are far smaller.",
        )


def _read_data(image: nibabel.Nifti1Image, time: int | str | None, path: Path) -> np.ndarray:
    """The voxels asked for; of a series one volume at a time."""
    _check_dimensions(image.shape, time, path)
    try:
        if not _is_compressed(path):
            return _volume_of(_behind_header(image.dataobj, image), time)
        with gzip.open(path) as stream:
            with _quietly():
                stored = type(image).from_stream(stream).dataobj
            data = _volume_of(_behind_header(stored, image), time)
            # The checksum stands at the end, beyond the last voxel: without this a corrupt
            # file is read as noise.
            _read_to_the_end(stream, image, path)
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


def _behind_header(stored: Any, image: nibabel.Nifti1Image) -> Any:
    """nibabel's array proxy; where the header says that the voxels begin at byte 0, which nibabel
    believes, one of the voxels behind the header.
    """
    first = image.header.single_vox_offset
    if stored.offset >= first:
        return stored
    form = stored.shape, stored.dtype, first, stored.slope, stored.inter
    return type(stored)(stored.file_like, form, mmap=False)


def _read_to_the_end(stream: gzip.GzipFile, image: nibabel.Nifti1Image, path: Path) -> None:
    voxels = int(np.prod(image.shape, dtype=object)) * image.header.get_data_dtype().itemsize
    end = voxels + int(image.header.get_data_offset()) + _MOST_BYTES_BEHIND
    while stream.read(1 << 20):
        if stream.tell() > end:
            raise InputError(
                "The file goes on behind its last voxel: it is corrupt.",
                path=path,
                hint="Export it again.",
            )


def _check_dimensions(shape: tuple[int, ...], time: int | str | None, path: Path) -> None:
    """Refuse what is no 3D image and no series with a choice."""
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) < 3:
        raise InputError(
            f"The file is not a 3D image: its shape is {shape}.",
            path=path,
            hint="Give a stack of slices.",
        )
    if len(shape) == 3:
        return
    if len(shape) > 4:
        raise InputError(
            f"The file has {len(shape)} dimensions, {shape}.",
            path=path,
            hint="Give a 3D image or a series of 3D images.",
        )
    count = shape[3]
    if time is None:
        raise InputError(
            f"The file is a series of {count} volumes.",
            path=path,
            hint=f"Choose one by its number, 0 to {count - 1}, or the mean over time.",
        )
    if time != "mean" and not 0 <= int(time) < count:
        raise InputError(
            f"The file has volumes 0 to {count - 1}; there is no volume {time}.",
            path=path,
            hint="Choose one of them, or the mean over time.",
        )


def _volume_of(stored, time: int | str | None) -> np.ndarray:  # type: ignore[no-untyped-def]
    """One 3D array of nibabel's array proxy: the image, a volume of a series, or their mean."""
    shape = stored.shape
    if len(shape) == 3 or all(count == 1 for count in shape[3:]):
        return np.asanyarray(stored).reshape(shape[:3])
    behind = (0,) * (len(shape) - 4)
    if time != "mean":
        chosen = (Ellipsis, int(time or 0), *behind)
        return np.asanyarray(stored[chosen])
    total = np.zeros(shape[:3], np.float32, order="F")
    for number in range(shape[3]):
        chosen = (Ellipsis, number, *behind)
        total += np.asanyarray(stored[chosen]).astype(np.float32, copy=False)
    total /= np.float32(shape[3])
    return total
