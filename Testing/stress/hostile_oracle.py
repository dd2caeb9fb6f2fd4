"""What is right for a file: rules of its own, from its bytes and NIfTI's definition (nifti1.h).

Nothing of the library and nothing that nibabel repairs is used here.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

_TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8",
    1280: "u8",
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What has to become of a file.

    Attributes:
        must: "refuse"; "accept"; or "may", where both are right if what is read is right.
        why: in a few words.
        data, affine: what is right where it is accepted; None where nobody can say.
        said: accepted only with a note.
    """

    must: str
    why: str
    data: np.ndarray | None = None
    affine: np.ndarray | None = None
    said: bool = False


def verdict(content: bytes, suffix: str) -> Verdict:
    """What has to become of a file with this content and name."""
    if suffix.endswith(".gz"):
        try:
            content = _unpacked(content)
        except (zlib.error, ValueError) as error:
            return Verdict("refuse", f"gzip: {error}")
        if content is None:
            return Verdict("refuse", "a bomb")
    if len(content) < 348:
        return Verdict("refuse", "no header")
    if any(struct.unpack_from(o + "i", content)[0] == 540 for o in "<>"):
        return Verdict("may", "the second version")
    if content[344:348] not in (b"n+1\0", b"ni1\0"):
        return Verdict("refuse", "magic")
    order = next((o for o in "<>" if 0 < struct.unpack_from(o + "h", content, 40)[0] < 8), "<")
    found = _first_version(content, order)
    length = struct.unpack_from(order + "i", content)[0]
    if found.must != "refuse" and (length != 348 or content[344:348] != b"n+1\0"):
        return Verdict("may", "sizeof_hdr or magic", found.data, found.affine, said=True)
    return found


def _unpacked(content: bytes) -> bytes | None:
    """All members, each against its checksum; None for more than a gigabyte."""
    whole = b""
    while content:
        member = zlib.decompressobj(31)
        part = member.decompress(content, 1 << 28)
        if member.unconsumed_tail:
            return None
        if not member.eof:
            raise ValueError("cut")
        whole, content = whole + part, member.unused_data.lstrip(b"\0")
    if not whole:
        raise ValueError("empty")
    return whole


def _first_version(content: bytes, order: str) -> Verdict:
    def numbers(code: str, place: int) -> np.ndarray:
        return np.array(struct.unpack_from(order + code, content, place))

    dim = numbers("8h", 40)
    if not 3 <= dim[0] <= 7 or (dim[1 : dim[0] + 1] < 1).any():
        return Verdict("refuse", "dim")
    shape = tuple(int(n) for n in dim[1 : dim[0] + 1])
    if any(n > 1 for n in shape[3:]):
        return Verdict("refuse", "a series, and none was chosen")
    datatype = int(numbers("h", 70)[0])
    if datatype not in _TYPES:
        return Verdict("refuse", "datatype")
    dtype = np.dtype(order + _TYPES[datatype])
    offset = float(numbers("f", 108)[0])
    if not np.isfinite(offset):
        return Verdict("refuse" if offset > 0 else "may", "vox_offset")
    begin = max(int(offset), 352)
    count = int(np.prod(shape[:3], dtype=object))
    if begin + count * dtype.itemsize > len(content):
        return Verdict("refuse", "too few bytes")
    affine, why = _affine(numbers, content)
    if affine is None:
        return Verdict("refuse", why)
    impossible = _impossible(affine, shape)
    if impossible:
        return Verdict("refuse", impossible)
    if _askew(affine) > 0.009:
        why = "almost sheared"
    data = np.frombuffer(content, dtype, count, begin).reshape(shape[:3], order="F").astype(float)
    slope, inter = (float(n) for n in numbers("2f", 112))
    # A slope of 0, and NaN, which nibabel writes: there is no scaling.
    if np.isinf(slope):
        return Verdict("may", "scl_slope", data, affine, said=True)
    if np.isfinite(slope) and slope and not np.isfinite(inter):
        return Verdict("refuse", "scl_inter")
    if np.isfinite(slope) and slope:
        with np.errstate(over="ignore", invalid="ignore"):
            data = data * slope + inter
    if not np.isfinite(data).all():
        return Verdict("refuse", "values not finite")
    if np.abs(data).max() > float(np.finfo(np.float32).max):
        return Verdict("refuse", "values beyond float32")
    if why == "one form" and float(numbers("f", 76)[0]) not in (-1.0, 0.0, 1.0):
        # Programs differ on which way the slices go then.
        return Verdict("may", "pixdim[0]", data)
    must = "accept" if why == "sound" and offset == 352 else "may"
    said = offset < 352 or why == "contradiction"
    return Verdict(must, why, data, affine, said)


def _affine(numbers, content: bytes) -> tuple[np.ndarray | None, str]:  # type: ignore[no-untyped-def]
    """Where it says that it is, in millimetres; None with the reason where it does not."""
    qcode, scode = (int(n) for n in numbers("2h", 252))
    unit = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}.get(content[123] & 7)
    if unit is None:
        return None, "unit"
    codes = [code if 0 < code <= 5 else 0 for code in (scode, qcode)]
    sform = np.vstack([numbers("12f", 280).reshape(3, 4), (0, 0, 0, 1)])
    qform = _of_quaternion(numbers("8f", 76), numbers("6f", 256))
    usable = [
        form * np.array([[unit]] * 3 + [[1]])
        if code and form is not None and _spans(form)
        else None
        for code, form in zip(codes, (sform, qform))
    ]
    chosen = next((form for form in usable if form is not None), None)
    if chosen is None:
        return None, "no form that spans space"
    if usable[0] is None and (numbers("3f", 80) == 0).any():
        return None, "pixdim 0"
    if all(form is not None for form in usable):
        # Of the last voxel that there is: how forms place slices beyond it does not matter.
        corners = np.array([*(np.maximum(numbers("3h", 42), 1) - 1.0), 1.0])
        apart = np.abs(usable[0] @ corners - usable[1] @ corners).max()
        return chosen, "sound" if apart < 0.5 else "contradiction" if apart > 40 else "near"
    return chosen, "one form"


def _spans(form: np.ndarray) -> bool:
    if not np.isfinite(form).all():
        return False
    lengths = np.linalg.norm(form[:3, :3], axis=0)
    with np.errstate(all="ignore"):
        return bool((lengths > 1e-9).all() and abs(np.linalg.det(form[:3, :3] / lengths)) > 1e-3)


def _of_quaternion(pixdim: np.ndarray, rest: np.ndarray) -> np.ndarray | None:
    """Method 2 of nifti1.h."""
    b, c, d = rest[:3]
    total = b * b + c * c + d * d
    if not np.isfinite([*rest, *pixdim[1:4]]).all() or total > 1 + 1e-5:
        return None
    a = np.sqrt(max(0.0, 1 - total))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * b * c - 2 * a * d, 2 * b * d + 2 * a * c],
            [2 * b * c + 2 * a * d, a * a + c * c - b * b - d * d, 2 * c * d - 2 * a * b],
            [2 * b * d - 2 * a * c, 2 * c * d + 2 * a * b, a * a + d * d - b * b - c * c],
        ]
    )
    form = np.eye(4)
    form[:3, :3] = turn * np.abs(pixdim[1:4]) * [1, 1, -1.0 if pixdim[0] < 0 else 1.0]
    form[:3, 3] = rest[3:]
    return form


def _impossible(affine: np.ndarray, shape: tuple[int, ...]) -> str:
    """What no scan can be; "" where it can."""
    size = np.linalg.norm(affine[:3, :3], axis=0)
    if size.min() < 0.0199 or size.max() > 50.1 or (size * shape[:3]).max() > 2501:
        return "size"
    if _askew(affine) > 0.011:
        return "shear"
    if np.abs(affine[:3, 3]).max() > 1e6:
        return "origin"
    return ""


def _askew(affine: np.ndarray) -> float:
    """The largest cosine between two axes."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return float(np.abs(axes.T @ axes - np.eye(3)).max())
