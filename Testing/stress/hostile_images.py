"""Images and masks that are damaged, contradictory or made to harm, from fixed seeds.

Each case is (name, suffix, bytes).  A file is a small cord: what is wrong with it is one thing, or
two at once.
"""

from __future__ import annotations

import gzip
import itertools
import struct
import zlib
from collections.abc import Iterator

import nibabel
import numpy as np

Case = tuple[str, str, bytes]

SHAPE = (14, 13, 12)
HEADER = nibabel.Nifti1Header().structarr.dtype
_LIMITS = {
    "i": (0, 1, -1, 2, 7, 16, 127, 255, 1000, 32767, -32768),
    "u": (0, 1, 3, 7, 24, 127, 255),
    "f": (0, -0.0, 1, -1, 0.001, 51, 3000, 1e-38, 1e-45, 1e30, -1e30, np.nan, np.inf, -np.inf),
    "S": (b"\0", b"\xff", b"n+2", b"ni1", b"\xf0\x9f\x92\xa9", b"A" * 80),
}
_WIDE = (2**31 - 1, -(2**31), 65536)  # 32-bit integers


def affine() -> np.ndarray:
    matrix = np.diag([-1.0, 1.2, 2.0, 1.0])
    matrix[:3, 3] = 7, -9, -12
    return matrix


def cord(dtype: type = np.float32, scale: float = 1.0) -> np.ndarray:
    """A straight soft cylinder, 0 to ``scale``."""
    i, j = np.indices(SHAPE[:2])
    disc = np.clip(3.5 - np.hypot(i - 6.3, j - 6.1), 0, 1)
    data = np.repeat(disc[:, :, None], SHAPE[2], axis=2) * scale
    return (data if np.issubdtype(dtype, np.floating) else np.round(data)).astype(dtype)


def image_bytes(data: np.ndarray, image_class: type = nibabel.Nifti1Image) -> bytes:
    image = image_class(data, affine(), dtype=data.dtype)
    image.set_qform(affine(), 1)
    image.set_sform(affine(), 1)
    return image.to_bytes()


def with_fields(whole: bytes, *changes: tuple[str, int | None, object]) -> bytes:
    """The same file with fields of its header changed: name, index in it (or None), value."""
    record = np.frombuffer(whole[:348], HEADER).copy()
    for name, index, value in changes:
        with np.errstate(over="ignore"):
            if index is None:
                record[name] = value
            else:
                record[name][0, index] = value
    return record.tobytes() + whole[348:]


def field_changes() -> list[tuple[str, int | None, object]]:
    """Every field of the header, at every limit of its type."""
    changes: list[tuple[str, int | None, object]] = []
    for name in HEADER.names:
        field = HEADER[name]
        base = field.base
        values: tuple = _LIMITS[base.kind]
        if base.kind == "i":
            bits = np.iinfo(base)
            values = tuple(v for v in (*values, *_WIDE) if bits.min <= v <= bits.max)
        places = range(field.shape[0]) if field.shape else (None,)
        changes += [(name, place, value) for place in places for value in values]
    return changes


def one_field() -> Iterator[Case]:
    whole = image_bytes(cord())
    for name, index, value in field_changes():
        label = name if index is None else f"{name}[{index}]"
        yield f"{label}={value!r}", ".nii", with_fields(whole, (name, index, value))


def two_fields(seed: int, count: int) -> Iterator[Case]:
    """Contradictions: two or three fields that say different things."""
    random, changes = np.random.default_rng(seed), field_changes()
    whole = image_bytes(cord())
    for _ in range(count):
        chosen = [changes[k] for k in random.choice(len(changes), random.integers(2, 4), False)]
        yield " ".join(f"{n}[{i}]={v!r}" for n, i, v in chosen), ".nii", with_fields(whole, *chosen)


def form_contradictions(seed: int, count: int) -> Iterator[Case]:
    """The two forms at odds, with shears, scales and codes of all kinds."""
    random = np.random.default_rng([seed, 1])
    for number in range(count):
        image = nibabel.Nifti1Image(cord(), affine())
        matrix = affine()
        kind = number % 5
        if kind == 0:
            matrix[:3, 3] += random.uniform(-50, 50, 3)
        elif kind == 1:
            matrix[:, :3] *= 10.0 ** random.uniform(-4, 4)
        elif kind == 2:
            matrix[:3, :3] += random.normal(0, 10.0 ** random.uniform(-5, 0), (3, 3))
        elif kind == 3:
            matrix[:, random.integers(3)] = 0
        else:
            matrix[:3, random.integers(3)] *= -1
        image.set_qform(affine(), int(random.integers(0, 5)))
        image.set_sform(matrix, int(random.integers(0, 5)))
        units = int(random.choice([0, 1, 2, 3, 10, 18]))
        yield (
            f"forms {kind} {number}",
            ".nii",
            with_fields(image.to_bytes(), ("xyzt_units", None, units)),
        )


def truncated(seed: int, count: int) -> Iterator[Case]:
    """Cut at every boundary of a field and of a slice, plain and compressed."""
    whole = image_bytes(cord(np.uint8))
    packed = gzip.compress(whole, mtime=0)
    slice_bytes = SHAPE[0] * SHAPE[1]
    ends = {HEADER.fields[name][1] for name in HEADER.names}
    ends |= {348, 351, 352, len(whole) - 1, *range(352, len(whole), slice_bytes)}
    for end in sorted(ends):
        yield f"cut at {end}", ".nii", whole[:end]
        yield f"cut at {end}, then gz", ".nii.gz", gzip.compress(whole[:end], mtime=0)
    random = np.random.default_rng([seed, 2])
    for end in sorted({0, 1, 2, 9, 10, *random.integers(0, len(packed), count).tolist()}):
        yield f"gz cut at {end}", ".nii.gz", packed[:end]


def damaged_gz(seed: int, count: int) -> Iterator[Case]:
    random = np.random.default_rng([seed, 3])
    noisy = cord(np.float32) + random.normal(0, 1e-3, SHAPE).astype(np.float32)
    whole = image_bytes(np.clip(noisy, 0, 1))
    packed = gzip.compress(whole, mtime=0)
    for place in random.integers(0, len(packed), count).tolist():
        changed = bytearray(packed)
        changed[place] ^= int(random.integers(1, 256))
        yield f"gz byte {place}", ".nii.gz", bytes(changed)
    yield "gz in two members", ".nii.gz", gzip.compress(whole[:1000]) + gzip.compress(whole[1000:])
    yield "gz with rubbish behind", ".nii.gz", packed + b"rubbish"
    yield "gz in gz", ".nii.gz", gzip.compress(packed)
    yield "gz named nii", ".nii", packed
    yield "nii named gz", ".nii.gz", whole
    yield "zlib named gz", ".nii.gz", zlib.compress(whole)
    # Zeros without an end: behind the voxels, and declared as voxels.
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"\0" * (1 << 20)
    bomb = zeros.compress(whole) + b"".join(zeros.compress(block) for _ in range(256))
    yield "gz without an end", ".nii.gz", bomb + zeros.flush()
    declared = with_fields(whole, *(("dim", axis, 670) for axis in (1, 2, 3)))
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = zeros.compress(declared) + b"".join(zeros.compress(block) for _ in range(1160))
    yield "gz bomb", ".nii.gz", bomb + zeros.flush()


def odd_values() -> Iterator[Case]:
    for dtype in (np.uint8, np.int8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64):
        yield f"type {dtype.__name__}", ".nii", image_bytes(cord(dtype))
    yield "type float64", ".nii", image_bytes(cord(np.float64))
    yield "complex", ".nii", image_bytes(cord().astype(np.complex64))
    colour = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    yield "colour", ".nii", image_bytes(colour)
    for value in (np.nan, np.inf, -np.inf, 1e39, -1e39):
        data = cord(np.float64)
        data[3, 4, 5] = value
        yield f"one voxel {value}", ".nii", image_bytes(data)
    for value in (0, 1, np.nan, -1):
        yield f"all {value}", ".nii", image_bytes(np.full(SHAPE, value, np.float32))
    data = cord(np.uint8)
    big = nibabel.Nifti1Image(data, affine()).header.as_byteswapped(">")
    yield "big endian", ".nii", big.binaryblock + b"\0" * 4 + data.tobytes("F")
    yield "NIfTI-2", ".nii", image_bytes(cord(), nibabel.Nifti2Image)
    for shape in ((8,), (8, 7), (8, 7, 6, 1), (8, 7, 6, 2), (8, 7, 6, 1, 3), (1, 1, 1), (0, 7, 6)):
        yield f"shape {shape}", ".nii", image_bytes(np.ones(shape, np.float32))
    for slope, inter in itertools.product((0, 2, np.nan, np.inf, 1e30), (0, -1, np.nan, np.inf)):
        changed = with_fields(
            image_bytes(cord()), ("scl_slope", None, slope), ("scl_inter", None, inter)
        )
        yield f"slope {slope} inter {inter}", ".nii", changed
    yield "empty", ".nii", b""
    yield "LFS", ".nii.gz", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    yield "text", ".nii", b"This is no image." * 100
    yield "zeros", ".nii", b"\0" * 4000
    yield "only 348", ".nii", struct.pack("<i", 348) + b"\0" * 344


def all_cases(seed: int = 0, size: int = 1) -> list[Case]:
    """All of them, in a fixed order; ``size`` multiplies those that are drawn by chance."""
    return [
        *odd_values(),
        *truncated(seed, 40 * size),
        *damaged_gz(seed, 80 * size),
        *form_contradictions(seed, 60 * size),
        *one_field(),
        *two_fields(seed, 200 * size),
    ]
