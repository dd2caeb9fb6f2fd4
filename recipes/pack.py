"""Pack what may be trained on into one file that training reads within a second.

Real images with a drawn mask, brought to one convention of the edge (offsets.csv, see
drawn_edges.py); images without one, with labels that a model's predictions agree on (``--labels``);
the cord shapes and the template's surroundings that images are made from.  Every image is sampled
as the program samples it, and scaled by the input contract *around_cord*.

    python pack.py --data DATA                        training.csv and development.csv, into work/
    python pack.py --data DATA --list LIST -o FILE    one list
    python pack.py --data DATA --labels BUNDLE        the images without a mask too
    python pack.py … --labels BUNDLE --labels-for IMAGE=OTHER
                                                      one of them by another bundle
    python pack.py … --last PARTICIPANT …             training.csv with these of development.csv:
                                                      the last part of a training, when its
                                                      settings are chosen
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from model_labels import model_labels
from scipy import ndimage
from seen_edge import half_width, outside_seen_edge
from series_means import series_means

from SoftCordSegLib.errors import InputError, SoftCordSegError
from SoftCordSegLib.evaluation import Case, read_cases
from SoftCordSegLib.evaluation.held_out import leaks, read_offsets
from SoftCordSegLib.files import file_sha256
from SoftCordSegLib.network import AROUND_CORD
from SoftCordSegLib.segmentation.locate import coarse_image
from SoftCordSegLib.segmentation.working_image import WorkingImage
from SoftCordSegLib.training import anatomy
from SoftCordSegLib.training.packed import Packed, PackedCase, read_packed, write_packed
from SoftCordSegLib.training.packing import packed_anatomy, packed_arrays
from SoftCordSegLib.volume import Volume, read_nifti, reorient
from SoftCordSegLib.volume.intensities import around_cord, without_padding
from SoftCordSegLib.volume.moved_edge import moved_edge

HERE = Path(__file__).resolve().parent
FINE_MM, COARSE_MM = 1.0, 2.0
# A patch of 48×64×64 voxels fits anywhere about the cord with room to move, mm.
_BESIDE_MM = 40.0
# The convention lies so far outside the edge that is seen: in the masks drawn on training images,
# brought to it, −0.15, −0.08, −0.06 and −0.12 mm.  A model's label is moved there where at least so
# many slices show the edge, within so many mm of each other.
SEEN_MM, LEAST_SLICES, MOST_SPREAD_MM = -0.10, 10, 0.25
# Where a stack is drawn in part, the cord of the other slices may lie that far from the nearest
# drawn one, mm.
_UNKNOWN_MM = 40.0
LARGEST_BYTES = 24 << 20

# By data set, or data set and participant.  The images' own terms, as their repositories state
# them.
LICENCES = {
    "errsm": "MIT",
    "gm-challenge": "CC0-1.0",
    "gm-challenge/greme": "MIT",
    "epi": "MIT",
    "sct-tutorial": "MIT",
    "sct-tutorial/sub-01": "CC0-1.0",
    "template": "none named (PAM50, part of SCT, LGPL-3.0)",
}
# The template's own image, drawn once for all: one more case, and the convention of its edge.
_TEMPLATE_IMAGE, _TEMPLATE_CORD = (
    Path(f"template/PAM50_small_{name}.nii.gz") for name in ("t2", "cord")
)
TEMPLATE = Case("PAM50", "T2w", _TEMPLATE_IMAGE, _TEMPLATE_CORD, dataset="template")


@dataclass(frozen=True, eq=False)
class Labelled:
    """An image and its label, in its own orientation.

    Attributes:
        case: the row of the list.
        image, label, weight: on one grid; weight 0 where the label says nothing.
        by: "drawn" or "model".
        files: what was read.
    """

    case: Case
    image: Volume
    label: Volume
    weight: Volume
    by: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class LabelModels:
    """What labels the images that have no mask.

    Attributes:
        bundle: of all of them; None leaves them out.
        others: another bundle by the name of an image.
    """

    bundle: str | None
    others: dict[str, str]

    def of(self, cases: Sequence[Case], folder: Path) -> tuple[list[tuple[Path, Path]], dict]:
        """Label and weight of each case, and the record of the models."""
        assert self.bundle is not None
        by_bundle: dict[str, list[Case]] = {}
        for case in cases:
            by_bundle.setdefault(self.others.get(case.stem, self.bundle), []).append(case)
        found: dict[Path, tuple[Path, Path]] = {}
        records = []
        for bundle, some in by_bundle.items():
            pairs, record = model_labels(some, bundle, folder)
            found.update({case.image: pair for case, pair in zip(some, pairs)})
            records.append({**record, "images": [case.stem for case in some]})
        return [found[case.image] for case in cases], {"models": records}


def read_tips(path: Path) -> dict[str, float]:
    """Height of the cord's tip, S in scanner coordinates (mm), by the name of an image."""
    with open(path, encoding="utf-8", newline="") as stream:
        lines = [line for line in stream if not line.startswith("#")]
    return {row["image"]: float(row["tip_S"]) for row in csv.DictReader(lines)}


def main() -> int:
    """Pack the lists named on the command line; 1 where something is missing or does not fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that paths in the lists start from"
    )
    parser.add_argument(
        "--list", type=Path, help="one list instead of training.csv and development.csv"
    )
    parser.add_argument("-o", "--out", type=Path, help="file for that list")
    parser.add_argument(
        "--labels",
        help="bundle (folder or name) that labels the images without a mask; left out without it",
    )
    parser.add_argument(
        "--labels-for",
        type=labels_for,
        action="append",
        default=[],
        metavar="IMAGE=BUNDLE",
        help="another bundle for one image, named without its ending",
    )
    parser.add_argument(
        "--last",
        nargs="+",
        default=[],
        metavar="PARTICIPANT",
        help="of development.csv, to be trained on too: that list judges nothing of them any more",
    )
    chosen = parser.parse_args()
    if (chosen.list is None) != (chosen.out is None):
        parser.error("--list and -o go together")
    both = [
        (HERE / f"{name}.csv", HERE / "work" / f"{name}.npz")
        for name in ("training", "development")
    ]
    lists = [(chosen.list, chosen.out)] if chosen.list else both
    labels = LabelModels(chosen.labels, dict(chosen.labels_for))
    try:
        for path, out in lists:
            # Development cases are only looked at during training: nothing is made from them.
            training = path.stem == "training"
            started = time.perf_counter()
            more = of_development(chosen.last, chosen.data) if training else ()
            packed = pack(path, chosen.data, labels, out.parent, training, more)
            write_packed(out, packed)
            report(packed, out, time.perf_counter() - started)
    except SoftCordSegError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def labels_for(text: str) -> tuple[str, str]:
    """An image and the bundle that labels it."""
    image, _, bundle = text.partition("=")
    if not image or not bundle:
        raise argparse.ArgumentTypeError(f"'{text}' is not IMAGE=BUNDLE")
    return image, bundle


def of_development(participants: Sequence[str], data: Path) -> list[Case]:
    """The rows of development.csv of these participants.

    Raises:
        InputError: the list does not have one of them.
    """
    path = HERE / "development.csv"
    cases = read_cases(path, data)
    missing = sorted(set(participants) - {case.participant for case in cases})
    if missing:
        raise InputError(
            f"No row of the list is of '{missing[0]}'.",
            path=path,
            hint="Choose participants that it names.",
        )
    return [case for case in cases if case.participant in participants]


def pack(
    path: Path,
    data: Path,
    labels: LabelModels,
    work: Path,
    with_anatomy: bool,
    more: Sequence[Case] = (),
) -> Packed:
    """All images of a list that have a label.

    Args:
        path: of the list.
        data: folder that its paths start from.
        labels: of the images that have no mask; they are left out where there is no bundle.
        work: folder for what is made on the way.
        with_anatomy: also the template's image, cord shapes and surroundings.
        more: further rows, of another list.

    Raises:
        InputError: a file is missing or does not fit, or the list names somebody who is only to be
            evaluated on.
    """
    rows = [*read_cases(path, data), *more]
    cases = [one for each in rows for one in series_means(each, work / "means")]
    check_unseen(cases, path)
    if with_anatomy:
        cases.append(
            replace(TEMPLATE, image=data / TEMPLATE.image, reference=data / TEMPLATE.reference)
        )
    offsets = read_offsets(HERE / "offsets.csv")
    labelled = [
        drawn(case, offsets.get(case.dataset, 0.0)) for case in cases if case.reference is not None
    ]
    without = [case for case in cases if case.reference is None]
    contradicted = [case for case in without if drawn_elsewhere(case, cases)]
    without = [case for case in without if case not in contradicted]
    record = {
        "list": path.name,
        "last": sorted({case.participant for case in more}),
        "contract": AROUND_CORD,
        "offsets_mm": offsets,
        "label_model": None,
        "left_out": [case.stem for case in contradicted],
    }
    if labels.bundle is not None and without:
        made, record["label_model"] = labels.of(without, work / f"labels_{path.stem}")
        tips = read_tips(HERE / "tips.csv")
        inside = inside_convention(without, made)
        record["label_model"]["inside_mm"] = {
            case.stem: round(mm, 3) for case, mm in zip(without, inside)
        }
        labelled += [
            labelled_by_model(case, *pair, mm, tips.get(case.stem))
            for case, pair, mm in zip(without, made, inside)
        ]
    else:
        record["left_out"] += [case.stem for case in without]
    check_groups(labelled)
    record["files_sha256"] = {
        _below(file, data): file_sha256(file) for one in labelled for file in one.files
    }
    if with_anatomy:
        record["files_sha256"].update(
            {_below(file, data): file_sha256(file) for file in anatomy.data_files(data)}
        )
    packed = Packed.of_cases(map(packed_case, labelled), record)
    return replace(packed, **packed_anatomy(data)) if with_anatomy else packed


def check_unseen(cases: Sequence[Case], path: Path) -> None:
    """Check that none of them is only to be evaluated on.

    Raises:
        InputError: one is; it names the list, ``path``.
    """
    wrong = [f"{case.participant} is evaluated on" for case in cases if case.use == "evaluate"]
    wrong += leaks(read_cases(HERE / "evaluation.csv"), cases)
    if wrong:
        raise InputError(
            f"The list has images that must not be trained on: {wrong[0].rstrip('.')}.",
            path=path,
            hint="Take the row out.",
        )


def drawn_elsewhere(case: Case, cases: Sequence[Case]) -> bool:
    """Whether somebody drew this cord in another image of the same contrast.

    A model's label of its rescan would contradict that mask: in 9418 by a fifth of the area.
    """
    return any(
        other.reference is not None
        and (other.participant, other.contrast) == (case.participant, case.contrast)
        for other in cases
    )


def drawn(case: Case, offset_mm: float) -> Labelled:
    """A case with its drawn mask brought to the convention; slices without a mask say nothing about
    the cord.

    Raises:
        InputError: the mask is empty or not on the grid of its image.
    """
    image, mask = read_nifti(case.image), read_nifti(case.reference)
    if not mask.grid.same_as(image.grid, tolerance_mm=0.02):
        raise InputError(
            f"The mask is not on the grid of '{case.image}'.",
            path=case.reference,
            hint="Resample it to the image.",
        )
    mask = reorient(mask, "LAS")
    if not mask.data.any():
        raise InputError(
            "The mask is empty.",
            path=case.reference,
            hint="Take the row out of the list.",
        )
    label = moved_edge(mask.with_data((mask.data > 0.5).astype(np.float32)), -offset_mm)
    files = (case.image, case.reference)
    return Labelled(
        case, reorient(image, "LAS"), label, mask.with_data(_known(mask)), "drawn", files
    )


def _known(mask: Volume) -> np.ndarray:
    """(i, j, k) float32: 0 around the cord in slices without a drawn mask, else 1; axes LAS."""
    known = np.ones(mask.shape, np.float32)
    slices = np.flatnonzero(mask.data.any(axis=(0, 1)))
    reach = np.ceil(_UNKNOWN_MM / mask.spacing[:2]).astype(int)
    for index in np.setdiff1d(np.arange(mask.shape[2]), slices):
        nearest = slices[np.argmin(np.abs(slices - index))]
        centre = np.round(ndimage.center_of_mass(mask.data[:, :, nearest])).astype(int)
        low, high = np.maximum(centre - reach, 0), centre + reach + 1
        known[low[0] : high[0], low[1] : high[1], index] = 0
    return known


def inside_convention(cases: Sequence[Case], pairs: Sequence[tuple[Path, Path]]) -> list[float]:
    """How far a model's labels lie inside the convention, mm, by the edges that the images show.

    Images that share a label share the number: the mean over those that show its edge; 0 where none
    does.

    Args:
        cases: the images.
        pairs: label and weight of each.
    """
    seen: dict[Path, list[float]] = {}
    for case, (label, _) in zip(cases, pairs):
        image, mask = (reorient(read_nifti(path), "LAS") for path in (case.image, label))
        slices_mm, _ = outside_seen_edge(image, mask)
        if len(slices_mm) >= LEAST_SLICES and half_width(slices_mm) <= MOST_SPREAD_MM:
            seen.setdefault(label, []).append(SEEN_MM - float(np.median(slices_mm)))
    return [float(np.mean(seen.get(label, [0.0]))) for label, _ in pairs]


def labelled_by_model(
    case: Case, label: Path, weight: Path, inside_mm: float, tip_s_mm: float | None
) -> Labelled:
    """A case with a model's label.

    Models lose the cord where it leaves the neck, and take roots below its tip for cord: beyond the
    ends of their masks nothing is known of it, unless its tip was marked. Below a tip there is no
    cord.

    Args:
        case: the image.
        label, weight: files on its grid.
        inside_mm: how far the label lies inside the convention; its edge is moved outwards by it.
        tip_s_mm: where the cord ends, S of scanner coordinates; None where the image does not show
            it.

    Raises:
        InputError: the list says that the tip is in the image, and it was not marked, or the model
            found no cord.
    """
    image, soft, trusted = (
        reorient(read_nifti(path), "LAS") for path in (case.image, label, weight)
    )
    if case.tip and tip_s_mm is None:
        raise InputError(
            "The image shows the tip of the cord, which is not marked.",
            path=case.image,
            hint="Add its height to tips.csv.",
        )
    soft = moved_edge(soft, inside_mm) if inside_mm else soft
    if tip_s_mm is not None:
        soft = soft.with_data(soft.data * above(soft, tip_s_mm))
    found = soft.with_data(soft.data > 0.5)
    if not found.data.any():
        raise InputError(
            "The model finds no cord.",
            path=case.image,
            hint="Take its row out of the list, or label with another model.",
        )
    known = _known(found)
    if tip_s_mm is not None:
        below = above(soft, tip_s_mm) == 0
        known, trust = np.where(below, 1, known), np.where(below, 1, trusted.data)
        trusted = trusted.with_data(trust.astype(np.float32))
    return Labelled(
        case, image, soft, trusted.with_data(trusted.data * known), "model", (case.image,)
    )


def above(volume: Volume, s_mm: float) -> np.ndarray:
    """(i, j, k) float32: 1 in voxels whose middle lies above a height of scanner coordinates."""
    i, j, k = np.indices(volume.shape, sparse=True)
    row = volume.affine[2]
    return (row[0] * i + row[1] * j + row[2] * k + row[3] >= s_mm).astype(np.float32)


def packed_case(one: Labelled) -> PackedCase:
    """An image as the two networks will see it, with label and weight."""
    image = without_padding(one.image)
    coarse = coarse_image(image, COARSE_MM)
    arrays = packed_arrays(
        WorkingImage(image, coarse, around_cord(image, coarse), image.grid),
        one.label,
        one.weight,
        spacing_mm=FINE_MM,
        margin_mm=(_BESIDE_MM, _BESIDE_MM, np.inf),
    )
    case = one.case
    licence = LICENCES.get(f"{case.dataset}/{case.participant}", LICENCES.get(case.dataset))
    if licence is None:
        raise InputError(
            f"The licence of the data set '{case.dataset}' is not known.",
            hint="Add it to LICENCES in pack.py.",
        )
    return PackedCase(
        name=case.stem,
        # Each participant is drawn equally often, and another region of one likewise.
        participant=_participant(case),
        contrast=case.contrast,
        dataset=case.dataset,
        licence=licence,
        group=f"{case.participant}/{case.grid}" if case.grid else "",
        slices_mm=tuple(round(float(x), 4) for x in one.image.spacing),
        label_by=one.by,
        **arrays,
    )


def _participant(case: Case) -> str:
    region = "" if case.region in ("", "cervical") else f" ({case.region})"
    return f"{case.participant}{region}"


def check_groups(labelled: Sequence[Labelled]) -> None:
    """Images of one group share their voxels.

    Raises:
        InputError: they do not.
    """
    first: dict[tuple[str, str], Labelled] = {}
    for one in labelled:
        if one.case.grid:
            other = first.setdefault((one.case.participant, one.case.grid), one)
            if not one.image.grid.same_as(other.image.grid, tolerance_mm=0.02):
                raise InputError(
                    f"The image is not on the grid of '{other.case.image}'.",
                    path=one.case.image,
                    hint="Give it a grid of another name.",
                )


def _below(path: Path, data: Path) -> str:
    """A file's name in the record: below the data, or alone."""
    return path.relative_to(data).as_posix() if data in path.parents else path.name


def report(packed: Packed, out: Path, seconds: float) -> None:
    """Print what went in, and what reading it costs.

    Raises:
        InputError: the file is too large to be sent along.
    """
    started = time.perf_counter()
    read_packed(out)
    read = time.perf_counter() - started
    print(
        f"{'image':34} {'participant':11} {'contrast':10} {'licence':10} {'label':6} {'voxels':>13}"
        f" {'mL':>5} {'known':>5}  group"
    )
    for case in packed.cases:
        size = "×".join(map(str, case.image.shape))
        millilitres, known = case.label.sum(dtype=float) / 255e3, (case.weight > 0).mean()
        row = (
            f"{case.name:34} {case.participant:11} {case.contrast:10} {case.licence[:10]:10}"
            f" {case.label_by:6} {size:>13}"
        )
        print(f"{row} {millilitres:5.1f} {100 * known:4.0f}%  {case.group}")
    for left in packed.record.get("left_out", ()):
        print(f"{left:34} has no mask of its own, and is left out")
    size = out.stat().st_size
    counts = (
        f"{len(packed.cases)} images, {len(packed.cords)} cord shapes, {size / (1 << 20):.1f} MiB"
    )
    print(f"{out.name}: {counts}, packed in {seconds:.0f} s, read in {read:.2f} s")
    if size > LARGEST_BYTES:
        raise InputError(
            f"The file has {size >> 20} MiB; at most {LARGEST_BYTES >> 20} can be sent to a GPU"
            " with the rest.",
            path=out,
            hint="Crop closer.",
        )


if __name__ == "__main__":
    sys.exit(main())
