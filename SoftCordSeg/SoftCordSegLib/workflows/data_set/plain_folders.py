"""Folders of images among what is to be segmented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...bids import find_images


def with_images_of_folders(
    sources: Sequence[Path], out: Path, is_other: Callable[[Path], bool] = lambda _: False
) -> list[Path]:
    """The same with the images of each folder, and below it, in its place.

    Masks, labels, computed images and phase images are passed over, and so are derivatives, hidden
    folders and that of the results.

    Args:
        sources: files and folders.
        out: folder of the results.
        is_other: whether a folder is an item of its own (DICOM), beside the images in it.

    Raises:
        InputError: a folder that cannot be read.
    """
    found: list[Path] = []
    for source in sources:
        if not source.is_dir():
            found.append(source)
            continue
        images = [case.image for case in find_images(source, skip=[out])]
        if is_other(source) or not images:  # an empty one fails by itself, with a sentence
            found.append(source)
        found += images
    return list(dict.fromkeys(found))
