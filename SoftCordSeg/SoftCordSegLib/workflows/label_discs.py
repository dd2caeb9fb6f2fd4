"""The intervertebral discs of one image: found from those that are known, or carried over from
another image of the session.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, OptionError, naming_file
from ..files import check_folder, check_not_an_input
from ..progress import Progress

if TYPE_CHECKING:
    from ..morphometry import DiscLabel, DiscProposal
    from ..morphometry.disc_files import LocatedDisc
    from ..volume import Volume

# Below it a found disc is more likely wrong than right.
UNSURE = 0.5
_C2_C3 = 3
_MOST_NAMES = 3


@dataclass(frozen=True)
class LabelOptions:
    """What the discs are found from.

    Attributes:
        known: discs that are known.
        known_files: files of known discs.
        fix: an earlier result in which discs were moved, renamed or added: these are known, the
            others are found again.
        carry_from: discs of another image of the session, to be carried over instead.
        likely_names: where the names are not certain, write the most likely ones.
        time: which volume of a series, or "mean"; None for a 3D image.
        standard_names: write a name that the BIDS validator accepts, where a folder is given.
    """

    known: Sequence[DiscLabel] = ()
    known_files: Sequence[Path] = ()
    fix: Path | None = None
    carry_from: Path | None = None
    likely_names: bool = False
    time: str | int | None = None
    standard_names: bool = False

    @property
    def inputs(self) -> list[Path]:
        """Every file that is read besides image and mask."""
        return [*self.known_files, *(p for p in (self.fix, self.carry_from) if p is not None)]

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            OptionError: they do.
        """
        if self.carry_from is not None and (self.known or self.known_files or self.fix):
            raise OptionError(
                "All discs are to be carried over from another image.",
                hint="Leave known discs and the earlier result out.",
            )


@dataclass(frozen=True)
class LocatedNaming:
    """One way to name the discs of an image.

    Attributes:
        discs: from above to below, under these names.
        probability: of these names, 0 to 1.
    """

    discs: tuple[LocatedDisc, ...]
    probability: float

    @property
    def key_disc(self) -> LocatedDisc:
        """The disc to look at in order to tell whether the names are right: C2/C3, which the dens
        above it shows; without it the one most surely a disc.
        """
        from ..morphometry.disc_files import is_landmark

        discs = [disc for disc in self.discs if not is_landmark(disc.label)]
        for disc in discs:
            if disc.label.value == _C2_C3 and disc.confidence >= UNSURE:
                return disc
        return max(discs, key=lambda disc: disc.confidence)


@dataclass(frozen=True, eq=False)
class Labelling:
    """The discs of an image.

    Attributes:
        discs: from above to below; where the names are not certain, under the most likely ones.
        image: that they were found in.
        implausible: the image speaks against the known discs.
        notes: sentences for the user.
        files: what was written.
        certain: the names are certain.  Otherwise they are to be asked for: is
            ``namings[0].key_disc`` what its name says?
        namings: the ways to name the discs, the most likely one first; empty where a disc was
            known.
    """

    discs: tuple[LocatedDisc, ...]
    image: Volume
    implausible: bool = False
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    certain: bool = True
    namings: tuple[LocatedNaming, ...] = ()

    @property
    def unsure(self) -> list[str]:
        """Names of the discs that are more likely wrong than right."""
        return [disc.label.name for disc in self.discs if disc.confidence < UNSURE]


def label_files(
    image: Path, mask: Path, out: Path, options: LabelOptions, progress: Progress
) -> Labelling:
    """Read all inputs, find the discs or carry them over, and write them.

    Args:
        image: shows the vertebrae, any contrast.
        mask: of the cord, soft or binary.
        out: ``.nii.gz`` for a label image with SCT's values, ``.mrk.json`` for Slicer's points; or
            a folder, for a label image under the image's name.
        options: see there.
        progress: receives progress; checked for cancellation.

    Raises:
        OptionError: options contradict each other, or an input would be overwritten.
        InputError: an input cannot be used, or the discs cannot be found; see
            :func:`SoftCordSegLib.morphometry.propose_discs`.
        OutputError: the folder is not writable or the disk is full; nothing was written then.
    """
    from ..morphometry.disc_files import check_disc_file_name, disc_files_of, write_discs

    if out.is_dir():
        out = _file_in(out, image, options)
    check_disc_file_name(out)
    options.check()
    check_not_an_input(disc_files_of(out), [image, mask, *options.inputs])
    check_folder(out.parent)
    labelling = _label_image(image, mask, options, progress)
    notes = write_discs(out, labelling.discs, labelling.image, _about(labelling, image, mask))
    return replace(labelling, notes=labelling.notes + notes, files=tuple(disc_files_of(out)))


def _file_in(folder: Path, image: Path, options: LabelOptions) -> Path:
    """The label image in a folder; one that is there may be somebody's work.

    Raises:
        OptionError: there is one.
    """
    from ..bids import Kind, label_name

    path = folder / label_name(image, Kind.DISCS, standard_names=options.standard_names)
    if path.exists():
        raise OptionError(
            "There are disc labels of this image already.",
            path=path,
            hint="Give the name of the file to replace them, or another folder.",
        )
    return path


def label_volume(
    image: Volume,
    mask: Volume,
    known: Sequence[DiscLabel],
    progress: Progress,
    *,
    uncertain_names: bool = False,
) -> Labelling:
    """Find the discs along the cord.

    Args:
        image: shows the vertebrae, any contrast.
        mask: of the cord, soft or binary.
        known: discs; landmarks such as the pontomedullary junction are kept as they are.
        progress: receives progress; checked for cancellation.
        uncertain_names: return discs whose names are not certain, too: the caller asks for them.

    Raises:
        InputError: see :func:`SoftCordSegLib.morphometry.propose_discs`; no disc is found; the
            names are not certain.
    """
    from ..morphometry import propose_discs
    from ..morphometry.disc_files import KNOWN, LocatedDisc, is_landmark

    landmarks = [LocatedDisc(disc, KNOWN) for disc in known if is_landmark(disc)]
    proposals = propose_discs(
        image, mask, [disc for disc in known if not is_landmark(disc)], progress=progress
    )
    if not proposals.discs:
        raise InputError(
            "No disc is seen along the cord.",
            hint="Look whether the mask is right, and mark a disc by hand.",
        )
    labelling = Labelling(
        _located(proposals.discs, landmarks),
        image,
        proposals.implausible,
        proposals.notes,
        certain=proposals.certain,
        namings=tuple(
            LocatedNaming(_located(naming.discs, landmarks), naming.probability)
            for naming in proposals.namings
        ),
    )
    if not (labelling.certain or uncertain_names):
        raise InputError(
            _question(labelling),
            hint="Look at it in the image, and give it as known under its right name; or accept"
            " the most likely names.",
        )
    return labelling


def _located(
    discs: Sequence[DiscProposal], landmarks: Sequence[LocatedDisc]
) -> tuple[LocatedDisc, ...]:
    from ..morphometry.disc_files import FOUND, KNOWN, LocatedDisc, from_above

    return from_above(
        [
            *(
                LocatedDisc(disc.label, KNOWN if disc.known else FOUND, disc.confidence)
                for disc in discs
            ),
            *landmarks,
        ]
    )


def _question(labelling: Labelling) -> str:
    """What was found, and which names it may have."""
    from ..morphometry.disc_files import FOUND

    key = labelling.namings[0].key_disc.label
    position = ", ".join(f"{x:.1f}" for x in key.position_mm)
    found = sum(
        disc.source == FOUND and disc.confidence >= UNSURE for disc in labelling.namings[0].discs
    )
    names = []
    for naming in labelling.namings[:_MOST_NAMES]:
        nearest = min(
            naming.discs, key=lambda disc: math.dist(disc.label.position_mm, key.position_mm)
        )
        names.append(f"{nearest.label.name} ({naming.probability:.0%})")
    others = ", or another" if len(labelling.namings) > _MOST_NAMES else ""
    return (
        f"{found} discs were found, but their names are not certain: the one at"
        f" R, A, S = {position} mm is {' or '.join(names)}{others}."
    )


def _label_image(
    image_path: Path, mask_path: Path, options: LabelOptions, progress: Progress
) -> Labelling:
    from ..morphometry import carry_over_discs, centreline_of
    from ..morphometry.disc_files import (
        CARRIED,
        LocatedDisc,
        changed_and_left,
        from_above,
        is_landmark,
        read_discs,
    )
    from ..volume import read_nifti

    image, mask = read_nifti(image_path, options.time), read_nifti(mask_path)
    with naming_file(mask_path):
        centreline_of(mask)  # an empty mask and the like are the mask's fault, not the discs'
    if options.carry_from is not None:
        others = read_discs(options.carry_from)
        with naming_file(options.carry_from):
            carried, notes = carry_over_discs(others, mask)
        landmarks = filter(is_landmark, others)
        discs = [LocatedDisc(disc, CARRIED) for disc in [*carried, *landmarks]]
        return Labelling(from_above(discs), image, notes=notes)
    known = [*options.known, *(disc for path in options.known_files for disc in read_discs(path))]
    notes = ()
    if options.fix is not None:
        changed, left = changed_and_left(options.fix)
        known += changed
        notes = (f"Of '{options.fix.name}', kept: {_names(changed)}; found anew: {_names(left)}.",)
    labelling = label_volume(image, mask, known, progress, uncertain_names=options.likely_names)
    if not labelling.certain:
        notes += (f"{_question(labelling)} The most likely names are written.",)
    return replace(labelling, notes=notes + labelling.notes)


def _about(labelling: Labelling, image: Path, mask: Path) -> dict[str, Any]:
    """For the sidecar of a label image."""
    return {
        "SpatialReference": "orig",
        "Source": image.name,
        "Mask": mask.name,
        "Implausible": labelling.implausible,
        "NamesCertain": labelling.certain,
        "Notes": list(labelling.notes),
    }


def _names(discs: Sequence[DiscLabel]) -> str:
    return ", ".join(disc.name for disc in discs) or "none"
