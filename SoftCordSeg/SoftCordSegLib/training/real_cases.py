"""A list of real cases: a JSON file in the form of the Medical Segmentation Decathlon.

::

    {"training": [{"image": "sub-01_T2w.nii.gz", "label": "sub-01_softseg.nii.gz",
                   "weight": "sub-01_weight.nii.gz", "participant": "sub-01"}, …]}

Paths are relative to the list.  ``weight`` (0 where the label is not to be trusted, else up to 1)
and ``participant`` may be left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, naming_file
from ..structured_text import read_json
from ..volume import Volume, check_is_cord, mask_values, read_nifti, reorient, time_points

_KEYS = {"image", "label", "weight", "participant"}

# Headers are rounded when a tool writes them again; this is far below any voxel.
_TOLERANCE_MM = 0.02


@dataclass(frozen=True)
class RealCase:
    """Attributes: paths of image, label and weight (None: trusted everywhere), and the
    participant's name.
    """

    image: Path
    label: Path
    weight: Path | None
    participant: str

    @property
    def label_files(self) -> tuple[Path, ...]:
        """What it teaches: the label, and the weight where there is one."""
        return (self.label,) if self.weight is None else (self.label, self.weight)


@dataclass(frozen=True, eq=False)
class OpenCase:
    """A case in memory.

    Attributes:
        image, label, weight: of one grid, nibabel LAS; a weight of None trusts the label
            everywhere.
        participant: of the image.
    """

    image: Volume
    label: Volume
    weight: Volume | None
    participant: str


def open_case(case: RealCase) -> OpenCase:
    """Read the files of a case; of a series the mean over time is taken.

    Raises:
        InputError: a file cannot be read, image, label and weight differ in grid, or the label is
            no mask of a cord.
    """
    image = reorient(read_nifti(case.image, "mean" if time_points(case.image) > 1 else None), "LAS")
    label = reorient(read_nifti(case.label), "LAS")
    if not label.grid.same_as(image.grid, _TOLERANCE_MM):
        raise InputError(
            f"The label is not on the grid of its image '{case.image}'.",
            path=case.label,
            hint="Resample it to the image.",
        )
    with naming_file(case.label):
        label = mask_values(label)
        check_is_cord(label, image)
    weight = None if case.weight is None else reorient(read_nifti(case.weight), "LAS")
    if weight is not None and not weight.grid.same_as(image.grid, _TOLERANCE_MM):
        raise InputError(
            f"The weight is not on the grid of its image '{case.image}'.",
            path=case.weight,
            hint="Resample it to the image.",
        )
    return OpenCase(image, label, weight, case.participant)


def load_cases(path: str | Path, section: str = "training") -> list[RealCase]:
    """Read a list.

    Args:
        path: of the JSON file.
        section: "training", "validation" or "test".

    Raises:
        InputError: not such a list, or a file that it names is missing.
    """
    path = Path(path)
    try:
        content = read_json(path)
        entries = content[section]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"This is not a list of cases ({error}).",
            path=path,
            hint=f"Give a JSON file with a list under '{section}'.",
        ) from error
    if not isinstance(entries, list) or not entries:
        raise InputError(
            f"The list has no case under '{section}'.", path=path, hint="Add cases to it."
        )
    return [_case(path, number, entry) for number, entry in enumerate(entries, start=1)]


def _case(path: Path, number: int, entry: dict) -> RealCase:
    if not isinstance(entry, dict) or not {"image", "label"} <= set(entry) or set(entry) - _KEYS:
        raise InputError(
            f"Case {number} should have image and label, may have weight and participant, and"
            " nothing else.",
            path=path,
            hint="Correct the list.",
        )
    files = {
        key: path.parent / entry[key] for key in ("image", "label", "weight") if entry.get(key)
    }
    for key, file in files.items():
        if not file.is_file():
            raise InputError(
                f"The {key} '{file}' of case {number} does not exist.",
                path=path,
                hint="Correct the list.",
            )
    participant = entry.get("participant") or files["image"].name.split("_")[0].split(".")[0]
    return RealCase(files["image"], files["label"], files.get("weight"), str(participant))
