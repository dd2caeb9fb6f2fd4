"""A subject's discs beside its mask, found by their BIDS name."""

from __future__ import annotations

from pathlib import Path

from ...errors import InputError
from ...files import file_stem
from ..bids_names import entities, session_of

# Discs of another image, brought over by a registration.
_WARPED = "_label-discs_desc-warp_dlabel"
# The name now, and those before it.
_ENDINGS = (
    "_label-discs_dlabel",
    _WARPED,
    "_labels-disc-manual",
    "_labels-disc",
    "_label-disc",
    "_discs",
)
_KINDS = (".nii.gz", ".nii", ".mrk.json")
# Folders of one session: the discs of a diffusion series may have been marked in an anatomical
# image.
_MODALITIES = ("anat", "dwi", "func")


def discs_beside(mask: Path) -> tuple[Path, str | None]:
    """The file of disc labels that belongs to a mask.

    Looked for in the mask's folder and, in a BIDS data set, in the session's other folders and
    those of the other derivatives. Discs of the mask's own image come first; else those of the one
    other image of the session in which discs were marked, which are used through the scanner's
    coordinates.

    Returns:
        The file, and a sentence where it belongs to another image.

    Raises:
        InputError: there is none, or there are several and none is the mask's own.
    """
    found = [path for folder in _folders(mask) for path in _disc_files(folder)]
    own = [path for path in found if _is_of_same_image(path, mask)]
    if own:
        return max(own, key=lambda path: len(_image_name(path))), None
    others = [path for path in found if session_of(path) and session_of(path) == session_of(mask)]
    others = [path for path in others if _WARPED not in path.name] or others
    if len(others) == 1:
        return (
            others[0],
            (
                f"Levels are from '{others[0].name}', of another image of the subject, by the"
                " scanner's coordinates."
            ),
        )
    if others:
        names = ", ".join(f"'{path.name}'" for path in others)
        raise InputError(
            f"There are discs of several other images beside '{mask.name}': {names}. Choose one"
            " with --discs."
        )
    raise InputError(
        f"There are no disc labels beside '{mask.name}' (a file …_label-discs_dlabel.nii.gz of the"
        " same subject). Give them with --discs."
    )


def _folders(mask: Path) -> list[Path]:
    """The mask's folder, the session's others, then the same ones in the other derivatives of the
    data set.
    """
    folder = (
        mask.parent.resolve()
    )  # not of the file itself: in a DataLad data set that is a link to somewhere else
    folders = [folder]
    if folder.name in _MODALITIES:
        folders += [folder.with_name(name) for name in _MODALITIES if name != folder.name]
    parts = folder.parts
    if "derivatives" in parts[:-1]:
        at = len(parts) - 1 - parts[::-1].index("derivatives")
        others = [
            path for path in sorted(Path(*parts[: at + 1]).iterdir()) if path.name != parts[at + 1]
        ]
        folders += [
            other.joinpath(*known.parts[at + 2 :]) for other in others for known in list(folders)
        ]
    return folders


def _disc_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if any(path.name.endswith(end + kind) for end in _ENDINGS for kind in _KINDS)
    )


def _image_name(path: Path) -> str:
    """Of a disc file: the name of the image that the discs were marked in."""
    name = next(path.name[: -len(kind)] for kind in _KINDS if path.name.endswith(kind))
    return next(name[: -len(end)] for end in _ENDINGS if name.endswith(end))


def _is_of_same_image(discs: Path, mask: Path) -> bool:
    """True if the mask's name goes on from the image's, or both tell of the same image."""
    image, own = _image_name(discs), file_stem(mask)
    if image and (own == image or own.startswith(f"{image}_")):
        return True
    return entities(image) != () and entities(image) == entities(own)
