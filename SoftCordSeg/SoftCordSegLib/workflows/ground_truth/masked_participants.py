"""The masks of participants from which ground truths are made, found in a data set or given one by
one, and what an exclusion list leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...bids import (
    contrast_of,
    discs_beside,
    find_image,
    find_masks,
    participant_of,
    read_name,
    session_of,
    stem_of,
)
from ...errors import InputError, OptionError
from ...groundtruth import Exclusions


@dataclass(frozen=True)
class MaskedParticipant:
    """The files of a participant, or of one session.

    Attributes:
        name: for example "sub-01" or "sub-01_ses-1"; of files that are not BIDS, that of the
            reference.
        masks: by contrast.
        images: by contrast, for the page; may be missing.
        discs: the file of disc labels; None without.
        discs_of: the contrast in which the discs were marked.
        left_out: (contrast, reason) by the exclusion list, or because its mask cannot be used.
        notes: sentences on how the files were found.
    """

    name: str
    masks: Mapping[str, Path]
    images: Mapping[str, Path] = field(default_factory=dict)
    discs: Path | None = None
    discs_of: str | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def inputs(self) -> list[Path]:
        """Every file that is read."""
        return [*self.masks.values(), *self.images.values(), *([self.discs] if self.discs else [])]

    def without(self, left_out: Sequence[tuple[str, str]]) -> MaskedParticipant:
        """The same without some contrasts.

        Args:
            left_out: (contrast, reason) of each.
        """
        names = {name for name, _ in left_out}
        discs = self.discs if self.discs_of not in names else None
        return replace(
            self,
            masks={name: path for name, path in self.masks.items() if name not in names},
            images={name: path for name, path in self.images.items() if name not in names},
            discs=discs,
            discs_of=self.discs_of if discs else None,
            left_out=(*self.left_out, *left_out),
        )

    def base(self, contrast: str) -> str:
        """What the names of a contrast's results begin with: the image's name; with the contrast's
        where it alone would be the same for two contrasts.
        """
        name = read_name(self.masks[contrast]).image
        names = [read_name(mask).image.casefold() for mask in self.masks.values()]
        return name if names.count(name.casefold()) == 1 else f"{name}_{contrast}"

    def names_of(self, contrast: str) -> tuple[str, ...]:
        """The names by which a list can mean a contrast: its image's by the mask, its image's file,
        its mask's file.
        """
        mask = self.masks[contrast]
        return read_name(mask).image, stem_of(self.listed_as(contrast)), stem_of(mask)

    def listed_as(self, contrast: str) -> str:
        """The file of a contrast's image, as lists of quality control name it; after the mask where
        no image is known.
        """
        files = [path.name for path in self.images.values()]
        image = self.images.get(contrast)
        if image is not None and files.count(image.name) == 1:
            return image.name
        return f"{self.base(contrast)}.nii.gz"

    @property
    def listed_names(self) -> set[str]:
        """All names by which a list can mean the participant or one of its contrasts."""
        names = {self.name, participant_of(self.name) or self.name}
        return names.union(*map(self.names_of, self.masks))


def find_masked_participants(dataset: Path, reference: str) -> list[MaskedParticipant]:
    """Participants of a data set: masks in ``derivatives/labels`` (or in the folder itself), images
    in ``sub-…``.

    Of several masks of one image the best is used (:func:`SoftCordSegLib.bids.precedence`), and a
    note says so.

    Args:
        dataset: its folder.
        reference: the contrast beside whose mask discs are looked for.

    Raises:
        InputError: no such folder, or no mask in it.
    """
    if not dataset.is_dir():
        raise InputError(
            "There is no such folder.", path=dataset, hint="Give the folder of a data set."
        )
    found = find_masks(dataset)
    if not found:
        raise InputError(
            "There are no masks of the cord in this data set.",
            path=dataset,
            hint="Name them sub-…_label-SC_seg.nii.gz, in derivatives/labels/sub-…/anat.",
        )
    return [_participant(dataset, name, masks, reference) for name, masks in found.items()]


def given_masks(
    masks: Mapping[str, Path],
    images: Mapping[str, Path],
    reference: str,
    discs: Path | None = None,
    discs_of: str | None = None,
) -> MaskedParticipant:
    """The participant whose files are given one by one.

    Args:
        masks, images: by contrast.
        reference: whose mask names the participant.
        discs: the file of disc labels.
        discs_of: the contrast in which they were marked; None for the reference.

    Raises:
        OptionError: an image of a contrast without a mask, or files of two participants or visits.
    """
    _check_one_visit([*masks.values(), *images.values()])
    for name in images:
        if name not in masks:
            raise OptionError(f"The image of {name} has no mask.", hint="Give its mask too.")
    mask = masks.get(reference, next(iter(masks.values())))
    owner = None if discs is None else discs_of or reference
    return MaskedParticipant(session_of(mask) or read_name(mask).image, masks, images, discs, owner)


def without_excluded(
    participant: MaskedParticipant, exclusions: Exclusions, reference: str
) -> tuple[MaskedParticipant | None, str]:
    """The participant without what is on the list, None where nothing is left to do; and a sentence
    on what is left out, "" for nothing.
    """
    entry = exclusions.of_subject(participant.name)
    if entry is not None:
        return None, f"{participant.name} is left out{_because(entry.reason)}"
    left_out = []
    for contrast in participant.masks:
        entry = next(filter(None, map(exclusions.of_image, participant.names_of(contrast))), None)
        if entry is None:
            continue
        if contrast == reference:
            return None, (
                f"{participant.name} is left out, because its {reference}, the reference,"
                f" is{_because(entry.reason)}"
            )
        left_out.append((contrast, entry.reason))
    rest = participant.without(left_out)
    sentences = (
        f"{participant.name}: {name} is left out{_because(reason)}" for name, reason in left_out
    )
    return rest, " ".join(sentences)


def _participant(
    dataset: Path, name: str, found: Mapping[str, Sequence[Path]], reference: str
) -> MaskedParticipant:
    masks, images, notes = {}, {}, []
    for stem, (best, *others) in found.items():
        contrast = contrast_of(stem)
        masks[contrast] = best
        notes += [f"Of the masks of {stem} '{best}' is used, '{other}' is not." for other in others]
        image = find_image(dataset, name, stem)
        if image is not None:
            images[contrast] = image
    one = MaskedParticipant(name, masks, images)
    if reference in masks:
        one, more = _with_discs(one, reference)
        notes += more
    return replace(one, notes=tuple(notes))


def _with_discs(one: MaskedParticipant, reference: str) -> tuple[MaskedParticipant, list[str]]:
    """The participant with the discs that lie beside the reference's mask; and sentences."""
    try:
        discs, sentence = discs_beside(one.masks[reference])
    except InputError as error:
        name = one.masks[reference].name
        return one, [
            f"'{name}': {error.sentence} So no discs are carried over, and no areas are measured."
        ]
    image = read_name(discs).image
    owners = [contrast for contrast, mask in one.masks.items() if read_name(mask).is_of(image)]
    notes = [sentence] if sentence and not owners else []
    return replace(one, discs=discs, discs_of=owners[0] if owners else reference), notes


def _check_one_visit(files: Sequence[Path]) -> None:
    sessions = [session_of(file).split("_") for file in files]
    for kind in ("sub-", "ses-"):
        found = sorted({part for parts in sessions for part in parts if part.startswith(kind)})
        if len(found) > 1:
            raise OptionError(
                f"These are files of {' and '.join(found)}.",
                hint="Give those of one visit of one participant.",
            )


def _because(reason: str) -> str:
    return f": {reason}." if reason else " by the exclusion list."
