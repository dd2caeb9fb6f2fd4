"""A part of a list, and the source of training images that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...bids import acquisition_of, is_contrast, participant_of
from ...errors import InputError
from ...structured_text import read_json
from ..real_cases import RealCase, load_cases

# The authors' lists say "train" where the Decathlon says "training".
_ALSO = {"training": "train"}


def read_part(path: Path, part: str, contrasts: Sequence[str] = ("all",)) -> list[RealCase]:
    """The cases of a part of a list, and of some contrasts only.

    Args:
        path: of the list.
        part: "training", "validation" or "test".
        contrasts: as files or the paper call them, or "all".

    Raises:
        InputError: not a list, an empty part, a missing file, a participant in two parts.
    """
    content = _content(path)
    cases = load_cases(path, _section(content, part))
    _check_split(content, path)
    kept = (
        cases
        if "all" in contrasts
        else [
            c
            for c in cases
            if any(is_contrast(acquisition_of(c.image), name) for name in contrasts)
        ]
    )
    if not kept:
        there = sorted({acquisition_of(case.image) for case in cases})
        raise InputError(
            f"There is no case of the contrast {', '.join(contrasts)} in {part}.",
            path=path,
            hint=f"Choose among: {', '.join(there)}.",
        )
    return kept


class Listed:
    """A list of whole images as a source, by index.

    Args:
        cases: images and labels.
        shape: voxels of the centre crop along (Left, Anterior, Superior).
        spacing: mm, isotropic.
        augmentation: "paper", "code" or "none"; see
            :func:`.monai_transforms.augmentation_transforms`.
        padding: "constant" (zeros) or "edge", where an image is smaller than the crop.
        cache: folder for preprocessed cases; None to preprocess at each use.
    """

    def __init__(
        self,
        cases: Sequence[RealCase],
        shape: tuple[int, int, int],
        spacing: float,
        augmentation: str = "paper",
        padding: str = "constant",
        cache: Path | None = None,
    ):
        from .monai_transforms import Prepared, augmentation_transforms

        self.cases = list(cases)
        self.label_files = tuple(path for case in self.cases for path in case.label_files)
        self._prepared = Prepared(self.cases, (tuple(shape), float(spacing), padding), cache)
        self._augment = augmentation_transforms(augmentation, shape)

    def __len__(self) -> int:
        return len(self.cases)

    def case(self, index: int, seed: int | Sequence[int]) -> np.ndarray:
        """Image and label of the case ``index``, (2, i, j, k) float32, augmented as ``seed`` has
        it.

        Raises:
            InputError: a file cannot be used; it is named.
        """
        item = self._prepared[index]
        number = int(np.random.SeedSequence(seed).generate_state(1)[0])
        changed = self._augment.set_random_state(seed=number)(item)
        image, label = (np.asarray(changed[name], np.float32)[0] for name in ("image", "label"))
        # Linear interpolation keeps labels within 0 and 1, but for rounding.
        return np.stack([image, np.clip(label, 0, 1)])


def _section(content: dict[str, Any], part: str) -> str:
    return _ALSO[part] if part in _ALSO and part not in content and _ALSO[part] in content else part


def _check_split(content: dict[str, Any], path: Path) -> None:
    """No participant may be in two parts: a network would be tested on whom it has seen."""
    seen: dict[str, str] = {}
    for part in ("training", "train", "validation", "test"):
        entries = content.get(part)
        for name in map(_participant, entries if isinstance(entries, list) else ()):
            if seen.setdefault(name, part) != part:
                raise InputError(
                    f"The participant {name} is in {seen[name]} and in {part}: what is tested must"
                    " not have been seen.",
                    path=path,
                    hint="Make the list anew.",
                )


def _participant(entry: Any) -> str:
    """Whose image an entry of any part names; the Decathlon's own lists have bare file names under
    "test".
    """
    named = entry if isinstance(entry, dict) else {"image": entry}
    image = Path(str(named.get("image", "")))
    # Without a participant (hippocampus_001.nii.gz) the whole name has to do.
    return str(named.get("participant") or participant_of(image) or image.name)


def _content(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
