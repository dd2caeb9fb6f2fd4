"""The raw images of participants, found in a data set or given one by one: which files become which
image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...bids import (
    LABELS,
    Kind,
    SeriesKind,
    average_name,
    contrast_of,
    derivative_folder,
    discs_beside,
    echo_number,
    find_masks,
    is_acquired,
    is_average,
    is_b0,
    is_session,
    label_name,
    modality_of,
    raw_images,
    series_of,
    session_of,
    without_echo,
)
from ...errors import InputError, OptionError
from ...files import real_path


@dataclass(frozen=True)
class RawImage:
    """One image to be made.

    Attributes:
        name: of the image that is made, "sub-01_rec-average_dwi".
        files: read for it: one, or one for each echo in their order.
        kind: what its volumes are.
        modality: the folder that it goes to.
        mask: of the data set; None where there is none.
        b_values: a file that was given; None to look beside the series.
        is_average: the file's own name says that it is an average already.
    """

    name: str
    files: tuple[Path, ...]
    kind: SeriesKind
    modality: str
    mask: Path | None = None
    b_values: Path | None = None
    is_average: bool = False

    @property
    def contrast(self) -> str:
        """The contrast, by the name."""
        return contrast_of(self.name)


@dataclass(frozen=True)
class RawParticipant:
    """The images of a participant, or of one session.

    Attributes:
        name: for example "sub-01" or "sub-01_ses-1".
        images: to be made.
        discs: files of disc labels, with the folder of the session that they go to.
        root: of the data set, where the b-values of all participants may lie; None where files were
            given.
        notes: sentences on how the files were found.
    """

    name: str
    images: tuple[RawImage, ...]
    discs: tuple[tuple[str, Path], ...] = ()
    root: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def inputs(self) -> list[Path]:
        """Every image and label that is read."""
        masks = [one.mask for one in self.images if one.mask is not None]
        files = [path for one in self.images for path in one.files]
        return [*files, *masks, *(path for _, path in self.discs)]


def find_raw_participants(dataset: Path, out: Path) -> list[RawParticipant]:
    """All participants of a data set; what lies in ``out``, where results go, is left out.

    Raises:
        InputError: no image in it.
        OptionError: two files for one image.
    """
    sessions: dict[str, dict[str, list[Path]]] = {}
    for path in filter(is_acquired, raw_images(dataset, out)):
        sessions.setdefault(session_of(path), {}).setdefault(without_echo(path), []).append(path)
    if not sessions:
        raise InputError(
            "There are no images of participants in this folder.",
            path=dataset,
            hint="Name them as sub-01_T2w.nii.gz, in sub-01/anat.",
        )
    masks = _masks(dataset, out)
    return [
        _participant(session, images, masks.get(session, {}), dataset)
        for session, images in sorted(sessions.items())
    ]


def given_participant(
    files: Sequence[tuple[str, Path]], name: str | None = None, b_values: Path | None = None
) -> RawParticipant:
    """The participant whose images are given one by one.

    Args:
        files: (contrast, image); "" for the contrast of the file's own name. Files of one contrast
            are its echoes.
        name: "sub-01" or "sub-01_ses-1"; None to take it from the names of the files.
        b_values: of the diffusion series; None to look beside it.

    Raises:
        OptionError: images of two participants, an invalid name, b-values without a diffusion
            series.
    """
    sessions = sorted({session_of(path) for _, path in files} - {""})
    if name is None and len(sessions) > 1:
        raise OptionError(
            f"These are images of {' and '.join(sessions)}.",
            hint="Give those of one participant, or the folder of a data set.",
        )
    name = name or (sessions[0] if sessions else "sub-01")
    if not is_session(name):
        raise OptionError(
            f"'{name}' is not the name of a participant.", hint="Use sub-01 or sub-01_ses-1."
        )
    images: dict[str, list[Path]] = {}
    for contrast, path in files:
        contrast = contrast or contrast_of(without_echo(path))
        if not re.fullmatch(r"[A-Za-z0-9_-]+", contrast):
            raise OptionError(
                f"'{contrast}' is not the name of a contrast.",
                path=path,
                hint="Give a name of letters and digits, such as T2star.",
            )
        images.setdefault(f"{name}_{contrast}", []).append(path)
    found = tuple(
        _image(stem, paths, b_values=b_values if series_of(stem) is SeriesKind.DIFFUSION else None)
        for stem, paths in images.items()
    )
    if b_values is not None and not any(one.kind is SeriesKind.DIFFUSION for one in found):
        raise OptionError(
            "b-values are given, but no diffusion series.",
            hint="Give the series as the contrast dwi.",
        )
    _check_names_differ(found)
    return RawParticipant(name, found)


def _masks(dataset: Path, out: Path) -> dict[str, dict[str, Path]]:
    """By session and name of image: the masks in the data set, but for those in ``out``."""
    ours = real_path(out)
    found: dict[str, dict[str, Path]] = {}
    for session, images in find_masks(dataset).items():
        for image, paths in images.items():
            theirs = [path for path in paths if ours not in real_path(path).parents]
            if theirs:
                found.setdefault(session, {})[image] = theirs[0]
    return found


def _participant(
    session: str, images: Mapping[str, list[Path]], masks: Mapping[str, Path], dataset: Path
) -> RawParticipant:
    found, notes = [], []
    diffusion = {stem for stem in images if series_of(stem) is SeriesKind.DIFFUSION}
    averages = {stem for stem in diffusion if is_average(stem)}
    for stem, paths in images.items():
        if stem in diffusion - averages and average_name(stem) in averages:
            notes.append(
                f"{stem} is left out, because the average of it, {average_name(stem)}, is in the"
                " data set and is used."
            )
        elif stem in diffusion and is_b0(stem):
            notes.append(
                f"{stem} is left out, because it has only volumes with b = 0, which are not part of"
                " the diffusion contrast."
            )
        else:
            found.append(_image(stem, paths, masks))
    _check_names_differ(found)
    return RawParticipant(
        session, tuple(found), _discs_of(session, found, dataset), dataset, tuple(notes)
    )


def _image(
    stem: str,
    paths: Sequence[Path],
    masks: Mapping[str, Path] | None = None,
    b_values: Path | None = None,
) -> RawImage:
    kind = series_of(stem)
    echoes = [echo_number(path) for path in paths]
    if len(paths) > 1 and kind in (SeriesKind.OTHER, SeriesKind.FUNCTIONAL) and None not in echoes:
        kind = SeriesKind.ECHOES
    if len(paths) > 1 and (
        kind is not SeriesKind.ECHOES or len(set(echoes)) not in (len(paths), 1)
    ):
        raise _same_name(paths, stem)
    paths = sorted(paths, key=lambda path: echo_number(path) or 0)
    name = average_name(stem) if kind is SeriesKind.DIFFUSION else stem
    return RawImage(
        name,
        tuple(paths),
        kind,
        modality_of(paths[0], stem),
        (masks or {}).get(name),
        b_values,
        is_average(stem),
    )


def _discs_of(
    session: str, images: Sequence[RawImage], dataset: Path
) -> tuple[tuple[str, Path], ...]:
    """Disc labels that were marked in one of the images."""
    found = {}
    for one in images:
        folder = derivative_folder(dataset, LABELS, session, one.modality)
        try:
            path, of_another = discs_beside(folder / label_name(one.name, Kind.BINARY_MASK))
        except InputError:
            continue
        if of_another is None:
            found[path] = one.modality
    return tuple((modality, path) for path, modality in found.items())


def _check_names_differ(images: Sequence[RawImage]) -> None:
    seen: dict[str, RawImage] = {}
    for one in images:
        other = seen.setdefault(one.name.casefold(), one)
        if other is not one:
            raise _same_name([other.files[0], one.files[0]], one.name)


def _same_name(paths: Sequence[Path], name: str) -> OptionError:
    files = " and ".join(f"'{path}'" for path in paths)
    return OptionError(f"{files} would both become {name}.", hint="Remove one of them.")
