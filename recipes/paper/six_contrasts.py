"""The six contrasts of the paper, out of a Spine Generic data set: a data set of links to them.

    python six_contrasts.py DATASET --exclude exclude.yml -o work/raw

Linked are the images of T1w, T2w, T2*, MT-on, GRE-T1w and DWI (with its b-values), and of the
labels the masks of the cord and the discs of these.  Participants on the exclusion list, or without
all six, are left out.  Names of labels that say how the image was preprocessed (``space-other``,
``_RPI_r``) lose that, since softcord prepare preprocesses the images again.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from SoftCordSegLib.bids import (
    LABELS,
    MODALITIES,
    Kind,
    average_name,
    contrast_of,
    derivative_folder,
    read_name,
    session_folder,
    stem_of,
)
from SoftCordSegLib.groundtruth import read_exclusions

# The paper's contrasts, and what the releases of the data set call them.  MT-off is not among them.
CONTRASTS = {
    "T1w": r"T1w",
    "T2w": r"T2w",
    "T2*": r"T2star",
    "MT-on": r"acq-MTon_MTS|flip-1_mt-on_MTS",
    "GRE-T1w": r"acq-T1w_MTS|flip-2_mt-off_MTS",
    "DWI": r"(rec-average_)?dwi",
}
# How older releases say in the name of a mask that its image was preprocessed.
_PREPROCESSED = re.compile(r"_space-other|_RPI(_r)?|_rms|_crop")
_AVERAGED = re.compile(r"_dwi(_crop)?_moco_dwi_mean")
_LABELS = (Kind.BINARY_MASK, Kind.DISCS)


def paper_contrast(stem: str) -> str | None:
    """The paper's name of an image's contrast; None where it is not one of the six."""
    contrast = contrast_of(stem)
    return next(
        (name for name, pattern in CONTRASTS.items() if re.fullmatch(pattern, contrast)), None
    )


def images_of(folder: Path) -> dict[str, Path]:
    """The images of a participant by the paper's contrast; content that was not fetched counts."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.nii*")):
        contrast = paper_contrast(stem_of(path))
        # An average of the diffusion series counts more than the series.
        if contrast is not None and ("rec-average" in path.name or contrast not in found):
            found[contrast] = path
    return found


def labels_of(dataset: Path, name: str, images: dict[str, Path]) -> Iterator[tuple[Path, str]]:
    """Masks and discs of a participant's images, and the names they are linked under."""
    stems = {stem_of(path) for path in images.values()}
    stems |= {average_name(stem) for stem in stems if stem.endswith("_dwi")}
    for modality in MODALITIES:
        folder = derivative_folder(dataset, LABELS, name, modality)
        for path in sorted(folder.glob("*.nii*")) if folder.is_dir() else ():
            plain = _PREPROCESSED.sub("", _AVERAGED.sub("_rec-average_dwi", path.name))
            label = read_name(plain)
            if label.kind in _LABELS and label.image in stems:
                yield path, plain


def links_of(
    dataset: Path, out: Path, name: str, images: dict[str, Path]
) -> list[tuple[Path, Path]]:
    """(file, link) of a participant: images, b-values, labels."""
    series = images["DWI"]
    beside = (series.with_name(stem_of(series) + ending) for ending in (".bval", ".bvec"))
    files = [*images.values(), *filter(os.path.lexists, beside)]
    links = [(path, session_folder(out, name, path.parent.name) / path.name) for path in files]
    for path, plain in labels_of(dataset, name, images):
        links.append((path, derivative_folder(out, LABELS, name, path.parent.name) / plain))
    return links


def link(source: Path, target: Path) -> None:
    """A link at ``target`` to a file, or to where its content would be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()
    target.symlink_to(os.path.abspath(source))


def main(arguments: list[str] | None = None) -> int:
    """0 where there is at least one participant, and all content is there."""
    parser = argparse.ArgumentParser(description="Link the six contrasts of the paper.")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--exclude", type=Path, required=True)
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    exclusions = read_exclusions(options.exclude)
    count = 0
    missing: list[Path] = []
    for folder in sorted(options.dataset.glob("sub-*")):
        name, images = folder.name, images_of(folder)
        lacking = [contrast for contrast in CONTRASTS if contrast not in images]
        entry = exclusions.of_subject(name)
        if entry is not None or lacking:
            reason = entry.reason if entry else f"without {', '.join(lacking)}"
            print(f"{name} is left out: {reason}")
            continue
        count += 1
        for path, target in links_of(options.dataset, options.out, name, images):
            link(path, target)
            missing += [] if path.exists() else [path]
    print(f"{count} participants with {len(CONTRASTS)} contrasts are linked in {options.out}.")
    if missing:
        print(f"{len(missing)} files have no content, such as {missing[0]}. Run: git annex get .")
    return 0 if count and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
