"""Names of files in the manner of BIDS: ``sub-01_ses-1_acq-MTon_MTS_label-SC_softseg.nii.gz``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..files import file_stem

_SUBJECT = ("sub-", "ses-")
# What says how a mask or label was made, not which image it is of.
_DERIVED = ("label-", "desc-", "space-", "seg-")
_SUFFIXES = (
    "softseg",
    "seg",
    "dseg",
    "probseg",
    "dlabel",
    "mask",
    "discs",
    "softseg-manual",
    "seg-manual",
)


def entities(name: str) -> tuple[str, ...]:
    """The parts of a name that tell which image it is of; () for a name that is not BIDS."""
    parts = name.split("_")
    if not parts[0].startswith("sub-"):
        return ()
    return tuple(part for part in parts if not part.startswith(_DERIVED) and part not in _SUFFIXES)


def session_of(path: Path) -> str:
    """Subject and session, as "sub-01_ses-1"; "" for a name that is not BIDS."""
    return "_".join(part for part in entities(file_stem(path)) if part.startswith(_SUBJECT))


def short_names(paths: Sequence[Path]) -> list[str]:
    """What tells the files apart, and no more: ["T1w", "T2w"] of sub-01_T1w_softseg and
    sub-01_T2w_softseg.

    Where that leaves nothing, or the same twice, the names stay whole; files of one name are told
    apart by their folders.
    """
    names = _trimmed([file_stem(path).split("_") for path in paths])
    if len(set(names)) < len(names):
        names = [file_stem(path) for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def contrast_names(paths: Sequence[Path]) -> list[str]:
    """The same, subject and session apart, so that one contrast has one name in all subjects."""
    return _trimmed(
        [
            [part for part in file_stem(path).split("_") if not part.startswith(_SUBJECT)]
            for path in paths
        ]
    )


def _trimmed(split: list[list[str]]) -> list[str]:
    """Names without the parts that all begin or end with; whole where a name would be left
    empty.
    """
    shortest = min(map(len, split))
    head = next((n for n in range(shortest) if len({parts[n] for parts in split}) > 1), shortest)
    tail = next(
        (n for n in range(shortest - head) if len({parts[-1 - n] for parts in split}) > 1),
        shortest - head,
    )
    names = ["_".join(parts[head : len(parts) - tail]) for parts in split]
    return names if all(names) else ["_".join(parts) for parts in split]
