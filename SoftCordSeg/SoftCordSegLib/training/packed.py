"""All that training reads, in one file: real images with their labels, cord shapes and the
template's surroundings.

One compressed NumPy archive without pickles, so that it is read within a second where neither
nibabel nor MONAI is at hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..files import write_atomically

FORMAT = 1
# Intensities are clipped here by the input contract; a byte divides the range into 255 steps.
_IMAGE_REACH = 3.0
# Signed distances to a cord's edge are kept that far, mm.
_EDGE_REACH_MM = 3.0


@dataclass(frozen=True, eq=False)
class PackedCase:
    """One real image on the segmenter's grid about its cord, and on the locator's grid as a whole;
    axes nibabel LAS.

    Attributes:
        name: of the image file, without its ending.
        participant, contrast, dataset, licence: whose, what, from where, and on what terms.
        group: cases of one group lie on one grid and share one label (registered contrasts of a
            participant); "" for a case alone.
        slices_mm: (3,) voxel edge lengths of the file along Left, Anterior, Superior.
        label_by: "drawn" (by hand, or by a tool and corrected) or "model".
        image: (i, j, k) uint8, 1 mm, intensities by the input contract; see :func:`image_values`.
        label: (i, j, k) uint8, soft mask; see :func:`fractions`.
        weight: (i, j, k) uint8, 255 where the label is to be trusted, else 0.
        coarse_image, coarse_label, coarse_weight: (i, j, k) uint8, the same at 2 mm over the whole
            field of view.
    """

    name: str
    participant: str
    contrast: str
    dataset: str
    licence: str
    group: str
    slices_mm: tuple[float, float, float]
    label_by: str
    image: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    coarse_image: np.ndarray
    coarse_label: np.ndarray
    coarse_weight: np.ndarray


@dataclass(frozen=True, eq=False)
class PackedCord:
    """One straightened cord shape; the numbers of :class:`.anatomy.CordShape`.

    Attributes:
        name: where it comes from.
        spacing: (3,) mm.
        bottom: z of the first slice, mm in the template's frame.
        whole: True where the lower end is the conus.
        fractions: (3, i, j, k) uint8: cord, grey matter, canal (cord included).
        edge: (i, j, k) uint8: signed distance to the cord's edge; see :func:`edge_mm`.
    """

    name: str
    spacing: tuple[float, float, float]
    bottom: float
    whole: bool
    fractions: np.ndarray
    edge: np.ndarray


@dataclass(frozen=True, eq=False)
class Packed:
    """What a training reads.

    Attributes:
        cases: real images; the first cord shape is the template's.
        cords: shapes to make images from.
        near: (3, i, j, k) uint8 fractions: bone, disc and T2w intensity around the template's
            canal, 1 mm.
        height: of the template, mm.
        record: where everything comes from (files with their SHA-256, offsets of drawn edges,
            labels' model); plain types.
    """

    cases: tuple[PackedCase, ...]
    cords: tuple[PackedCord, ...]
    near: np.ndarray
    height: float
    record: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_cases(cls, cases: Iterable[PackedCase], record: dict[str, Any] | None = None) -> Packed:
        """Real images alone, without anatomy to make others from."""
        return cls(tuple(cases), (), np.zeros((3, 1, 1, 1), np.uint8), 0.0, record or {})


def image_bytes(values: np.ndarray) -> np.ndarray:
    """Intensities of the input contract (−3 to 3) as bytes."""
    return np.round(
        (np.clip(values, -_IMAGE_REACH, _IMAGE_REACH) / _IMAGE_REACH + 1) * 127.5
    ).astype(np.uint8)


def image_values(stored: Any) -> Any:
    """The inverse of :func:`image_bytes`: float32, −3 to 3; of an array or a tensor of bytes."""
    return _float(stored) * (_IMAGE_REACH / 127.5) - _IMAGE_REACH


def fraction_bytes(values: np.ndarray) -> np.ndarray:
    """Fractions (0 to 1) as bytes."""
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)


def fractions(stored: Any) -> Any:
    """The inverse of :func:`fraction_bytes`: float32, 0 to 1; of an array or a tensor of bytes."""
    return _float(stored) * (1 / 255)


def edge_bytes(distances_mm: np.ndarray) -> np.ndarray:
    """Signed distances (−3 to 3 mm) as bytes."""
    return np.round(
        (np.clip(distances_mm, -_EDGE_REACH_MM, _EDGE_REACH_MM) / _EDGE_REACH_MM + 1) * 127.5
    ).astype(np.uint8)


def edge_mm(stored: Any) -> Any:
    """The inverse of :func:`edge_bytes`: float32, −3 to 3 mm; of an array or a tensor of bytes."""
    return _float(stored) * (_EDGE_REACH_MM / 127.5) - _EDGE_REACH_MM


def write_packed(path: str | Path, packed: Packed) -> None:
    """Write one compressed archive, whole or not at all.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    arrays: dict[str, np.ndarray] = {"near": packed.near}
    head: dict[str, Any] = {"format": FORMAT, "height": packed.height, "record": packed.record}
    for kind, items in (("cases", packed.cases), ("cords", packed.cords)):
        head[kind] = []
        for number, item in enumerate(items):
            values = {one.name: getattr(item, one.name) for one in fields(item)}
            head[kind].append(
                {name: value for name, value in values.items() if not isinstance(value, np.ndarray)}
            )
            arrays.update(
                {
                    f"{kind}/{number}/{name}": value
                    for name, value in values.items()
                    if isinstance(value, np.ndarray)
                }
            )
    arrays["head"] = np.frombuffer(json.dumps(head).encode(), np.uint8)

    def write(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            np.savez_compressed(stream, **arrays)

    write_atomically(path, write)


def read_packed(path: str | Path) -> Packed:
    """Read what :func:`write_packed` wrote.

    Raises:
        InputError: no such file, or not one of this format.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            head = json.loads(archive["head"].tobytes())
            if head["format"] != FORMAT:
                raise ValueError(f"format {head['format']}")
            cases = tuple(
                PackedCase(**_item(PackedCase, one, archive, f"cases/{n}"))
                for n, one in enumerate(head["cases"])
            )
            cords = tuple(
                PackedCord(**_item(PackedCord, one, archive, f"cords/{n}"))
                for n, one in enumerate(head["cords"])
            )
            return Packed(cases, cords, archive["near"], float(head["height"]), head["record"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"This is not a packed training file of this version ({error}).",
            path=path,
            hint="Pack the data again.",
        ) from error


def _item(kind: type, plain: dict[str, Any], archive: Any, prefix: str) -> dict[str, Any]:
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()
    }
    arrays = {
        one.name: archive[f"{prefix}/{one.name}"] for one in fields(kind) if one.name not in values
    }
    return {**values, **arrays}


def _float(stored: Any) -> Any:
    return stored.astype(np.float32) if isinstance(stored, np.ndarray) else stored.float()
