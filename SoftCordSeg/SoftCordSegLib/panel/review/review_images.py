"""Images, masks and discs of cases, read ahead on a thread and kept within a bound of memory.

No Qt and no MRML here: this runs on a thread of its own.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import SoftCordSegError

if TYPE_CHECKING:
    from ...morphometry import DiscLabel
    from ...volume import Volume

DEFAULT_BOUND_MB = 384


@dataclass(frozen=True, eq=False)
class CaseData:
    """What is read of one case.

    Attributes:
        key: of the case.
        image: None where it cannot be read.
        mask: of the best mask; None where there is none, or it cannot be read.
        mask_file: of that mask.
        sidecar: of that mask; empty where it has none.
        edits: of earlier corrections that are in the mask; None where none are known.
        discs, remarks: of the case; remarks by the disc's value.
        problems: sentences on what could not be read.
    """

    key: str
    image: Volume | None = None
    mask: Volume | None = None
    mask_file: Path | None = None
    sidecar: Mapping[str, Any] = field(default_factory=dict)
    edits: Volume | None = None
    discs: tuple[DiscLabel, ...] = ()
    remarks: Mapping[int, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes."""
        volumes = (self.image, self.mask, self.edits)
        return sum(one.data.nbytes for one in volumes if one is not None)


def read_case(case) -> CaseData:
    """Read a case; what is broken costs itself only.

    Args:
        case: ``review.ReviewCase``.
    """
    from ...bids import Kind, label_name, read_sidecar, sidecar_path

    problems: list[str] = []
    image = _read(case.image, "image", problems)
    mask, edits, sidecar = None, None, {}
    if case.mask is not None and image is not None:
        mask = _read(case.mask, "mask", problems)
        sidecar = read_sidecar(sidecar_path(case.mask))
        edit_map = case.mask.with_name(label_name(case.image, Kind.EDIT_MAP))
        if edit_map.name in sidecar.get("MaskSHA256", {}) and edit_map.is_file():
            edits = _read(edit_map, "edit map", problems)
    discs, remarks = _read_discs(case.discs, problems)
    return CaseData(
        case.key,
        image,
        mask,
        case.mask if mask is not None else None,
        sidecar,
        edits,
        discs,
        remarks,
        tuple(problems),
    )


def _read(path: Path, what: str, problems: list[str]) -> Volume | None:
    """A volume; where it cannot be read, a sentence that does not name the file, which a blinded
    rater must not see.
    """
    from ...volume import read_nifti, time_points

    try:
        return read_nifti(path, "mean" if time_points(path) > 1 else None, without_nan=True)
    except SoftCordSegError as error:
        problems.append(f"The {what}: {error.sentence} {error.hint}".rstrip())
    except OSError as error:
        problems.append(f"The {what} cannot be read: {error.strerror}.")
    except MemoryError:
        problems.append(f"There is not enough memory for the {what}.")
    return None


def _read_discs(path: Path | None, problems: list[str]) -> tuple:
    from ...morphometry.disc_files import read_discs, read_remarks

    if path is None:
        return (), {}
    try:
        return tuple(read_discs(path)), read_remarks(path)
    except SoftCordSegError as error:
        problems.append(f"The discs: {error.sentence} {error.hint}".rstrip())
    except OSError as error:
        problems.append(f"The discs cannot be read: {error.strerror}.")
    return (), {}


class ImageCache:
    """Cases that were read, the least recently used ones dropped beyond a bound of memory.

    Args:
        bound_mb: of the voxels that are kept, MB; the case that was asked for last is always kept.
    """

    def __init__(self, bound_mb: float = DEFAULT_BOUND_MB):
        self.bound_mb = bound_mb
        self._kept: OrderedDict[tuple, CaseData] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def megabytes(self) -> float:
        """That are kept."""
        with self._lock:
            return sum(data.size for data in self._kept.values()) / 1e6

    def get(self, case) -> CaseData:
        """A case, read where it is not kept or its files were changed since."""
        stamp = _stamp(case)
        with self._lock:
            known = self._kept.get(stamp)
            if known is not None:
                self._kept.move_to_end(stamp)
                return known
        data = read_case(case)
        with self._lock:
            self._kept[stamp] = data
            self._kept.move_to_end(stamp)
            used = sum(one.size for one in self._kept.values())
            while used > 1e6 * self.bound_mb and len(self._kept) > 1:
                _key, dropped = self._kept.popitem(last=False)
                used -= dropped.size
        return data

    def has(self, case) -> bool:
        """Whether a case is kept as its files are now."""
        with self._lock:
            return _stamp(case) in self._kept

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._kept.clear()


def _stamp(case) -> tuple:
    return (case.key, *(_stamp_of(path) for path in (case.image, case.mask, case.discs)))


def _stamp_of(path: Path | None) -> tuple | None:
    if path is None:
        return None
    try:
        state = path.stat()
    except OSError:
        return (str(path),)
    return (str(path), state.st_mtime_ns, state.st_size)


def keys_around(keys: list[str], current: str, reach: int = 1) -> list[str]:
    """The keys that are likely to be asked for next: following ones first, then those before."""
    if current not in keys:
        return keys[:reach]
    at = keys.index(current)
    return [*keys[at + 1 : at + 1 + reach], *reversed(keys[max(at - reach, 0) : at])]
