"""What ``softcord softgt`` works on: the files of each participant, given one by one or found in a
data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...files import NIFTI_ENDINGS, file_stem
from ..bids_names import session_of
from ..discs.beside import discs_beside
from ..guard import UsageProblem

if TYPE_CHECKING:
    from ...groundtruth import Exclusions

# How the mask of an image is named, now and before.
_MASKS = ("_label-SC_seg", "_seg-manual")
# What a mask's name may end with beside these, where the file is given by hand.
_ENDINGS = (
    "_desc-softseg_label-SC_seg",
    "_label-SC_softseg",
    "_label-SC_probseg",
    *_MASKS,
    "_softseg",
    "_seg",
)
# What is computed, not drawn.
_COMPUTED = "_desc-softseg_"


@dataclass(frozen=True)
class Participant:
    """One participant's (or session's) files.

    Attributes:
        name: for example "sub-01" or "sub-01_ses-1"; of files that are not BIDS, that of the
            reference.
        masks: by contrast.
        images: by contrast, for the page; need not be there.
        discs: the file of disc labels, None for none.
        discs_of: the contrast in which the discs were marked.
        left_out: (contrast, reason) by the exclusion list.
        notes: sentences on how the files were found.
    """

    name: str
    masks: dict[str, Path]
    images: dict[str, Path] = field(default_factory=dict)
    discs: Path | None = None
    discs_of: str | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def inputs(self) -> list[Path]:
        """Every file that is read."""
        return [*self.masks.values(), *self.images.values(), *([self.discs] if self.discs else [])]

    def base(self, contrast: str) -> str:
        """What the names of a contrast's results begin with: the image's name; with the contrast's
        in it where it alone would not tell contrasts apart.
        """
        name = image_name(self.masks[contrast])
        names = [image_name(mask).casefold() for mask in self.masks.values()]
        return name if names.count(name.casefold()) == 1 else f"{name}_{contrast}"

    @property
    def listed_names(self) -> set[str]:
        """All names by which a list can mean the participant or one of its contrasts."""
        names = (
            {self.name, self.name.split("_")[0]} if self.name.startswith("sub-") else {self.name}
        )
        return names.union(*(self.names_of(contrast) for contrast in self.masks))

    def names_of(self, contrast: str) -> tuple[str, ...]:
        """By which a list can mean a contrast: its image by the mask's name, its image's file, its
        mask's file.
        """
        mask = self.masks[contrast]
        return image_name(mask), file_stem(Path(self.listed_as(contrast))), file_stem(mask)

    def listed_as(self, contrast: str) -> str:
        """The file of a contrast's image, as lists of quality control name it; after the mask where
        no image is known.
        """
        files = [path.name for path in self.images.values()]
        image = self.images.get(contrast)
        return (
            image.name
            if image is not None and files.count(image.name) == 1
            else f"{self.base(contrast)}.nii.gz"
        )


def image_name(mask: Path) -> str:
    """The name of the image that a mask is of: "sub-01_T1w" of sub-01_T1w_label-SC_seg.nii.gz."""
    name = file_stem(mask)
    return next(
        (name[: -len(end)] for end in _ENDINGS if name.endswith(end) and len(name) > len(end)), name
    )


def named_files(words: Sequence[str], option: str) -> dict[str, Path]:
    """Files by contrast from words such as "T1w=path/to/mask.nii.gz".

    Raises:
        UsageProblem: no "=", or a contrast twice.
    """
    files: dict[str, Path] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not (equals and name and path):
            raise UsageProblem(
                f"{option} is NAME=FILE, for example T1w=sub-01_T1w_seg.nii.gz; '{word}' is not."
            )
        if name in files:
            raise UsageProblem(
                f"{option} {name} is given twice. Give each contrast a name of its own."
            )
        files[name] = Path(path)
    return files


def given_participant(
    masks: dict[str, Path], images: dict[str, Path], reference: str, discs: str | None
) -> Participant:
    """The participant whose files are given by hand.

    Raises:
        UsageProblem: an image of a contrast without a mask, or files of two people or visits.
    """
    _check_one_visit([*masks.values(), *images.values()])
    for name in images:
        if name not in masks:
            raise UsageProblem(f"--image {name} has no mask. Give it with --mask {name}=FILE.")
    discs_of, path = None, None
    if discs is not None:
        owner, equals, file = discs.partition("=")
        discs_of, path = (
            (owner, Path(file)) if equals and owner in masks else (reference, Path(discs))
        )
    name = session_of(masks[reference]) or image_name(masks[reference])
    return Participant(name, masks, images, path, discs_of)


def _check_one_visit(files: Sequence[Path]) -> None:
    for kind in ("sub-", "ses-"):
        found = sorted(
            {
                part
                for file in files
                for part in session_of(file).split("_")
                if part.startswith(kind)
            }
        )
        if len(found) > 1:
            raise UsageProblem(
                f"These are files of {' and '.join(found)}. Give those of one visit of one"
                " participant."
            )


def find_participants(dataset: Path, reference: str) -> list[Participant]:
    """Participants of a data set: masks in ``derivatives/labels`` (or in the folder itself), images
    in ``sub-…``.

    Masks are named ``…_label-SC_seg.nii.gz`` or, as before, ``…_seg-manual.nii.gz``.  Of several
    masks of one image the one with the newer name is taken, and a note says so.

    Raises:
        InputError: no such folder, or no mask in it.
    """
    if not dataset.is_dir():
        raise InputError(
            f"There is no folder '{dataset}'. Give the folder of a data set, or masks with --mask."
        )
    labels = dataset / "derivatives" / "labels"
    root = labels if labels.is_dir() else dataset
    found: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(root.rglob("sub-*.nii*")):
        name = file_stem(path)
        if path.name.endswith(NIFTI_ENDINGS) and name.endswith(_MASKS) and _COMPUTED not in name:
            found.setdefault(session_of(path), {}).setdefault(image_name(path), []).append(path)
    if not found:
        raise InputError(
            f"There are no masks in '{root}'. They are named sub-…_label-SC_seg.nii.gz (or"
            " sub-…_seg-manual.nii.gz), and lie in derivatives/labels/sub-…/anat."
        )
    return [_participant(dataset, name, group, reference) for name, group in sorted(found.items())]


def without_excluded(
    participant: Participant, exclusions: Exclusions, reference: str
) -> tuple[Participant | None, str]:
    """The participant without what is on the list; None, and the sentence why, where nothing is
    left to do.
    """
    entry = exclusions.of_subject(participant.name)
    if entry is not None:
        return None, f"{participant.name} is left out{_because(entry.reason)}"
    kept, left_out = {}, []
    for contrast, mask in participant.masks.items():
        entry = next(filter(None, map(exclusions.of_image, participant.names_of(contrast))), None)
        if entry is None:
            kept[contrast] = mask
        else:
            left_out.append((contrast, entry.reason))
            if contrast == reference:
                return (
                    None,
                    (
                        f"{participant.name} is left out, because its {reference}, the reference,"
                        f" is{_because(entry.reason)}"
                    ),
                )
    images = {name: path for name, path in participant.images.items() if name in kept}
    discs = participant.discs if participant.discs_of in kept else None
    changed = Participant(
        participant.name,
        kept,
        images,
        discs,
        participant.discs_of if discs else None,
        tuple(left_out),
        participant.notes,
    )
    return changed, " ".join(
        f"{participant.name}: {name} is left out{_because(reason)}" for name, reason in left_out
    )


def _participant(
    dataset: Path, name: str, masks: dict[str, list[Path]], reference: str
) -> Participant:
    by_contrast, chosen = {}, []
    for image, paths in masks.items():
        best, *others = sorted(paths, key=lambda path: not file_stem(path).endswith(_MASKS[0]))
        by_contrast[image[len(name) + 1 :] or image] = best
        chosen += [
            f"Of the masks of {image} '{best}' is taken, and '{other}' is not." for other in others
        ]
    images = {}
    for contrast, mask in by_contrast.items():
        image = _image_of(dataset, name, image_name(mask))
        if image is not None:
            images[contrast] = image
    discs, discs_of, notes = None, None, ()
    if reference in by_contrast:
        try:
            discs, sentence = discs_beside(by_contrast[reference])
        except InputError as error:
            # Without its last sentence, which names an option of another command.
            notes = (
                (
                    f"{str(error).rpartition('. ')[0]}. So no discs are carried over, and no areas"
                    " measured."
                ),
            )
        else:
            owners = [
                contrast
                for contrast, mask in by_contrast.items()
                if discs.name.startswith(image_name(mask) + "_")
            ]
            discs_of = owners[0] if owners else reference
            notes = (sentence,) if sentence and not owners else ()
    return Participant(name, by_contrast, images, discs, discs_of, notes=(*chosen, *notes))


def _image_of(dataset: Path, participant: str, name: str) -> Path | None:
    folder = dataset.joinpath(*participant.split("_"))
    places = [
        folder / modality / f"{name}{kind}"
        for modality in ("anat", "dwi", "func")
        for kind in NIFTI_ENDINGS
    ]
    return next((path for path in places if path.is_file()), None)


def _because(reason: str) -> str:
    return f": {reason}." if reason else " by the exclusion list."
