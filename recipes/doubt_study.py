"""How well the doubt finds wrong masks: the area under the risk-coverage curve (AURC), against
random order, against each sign alone and against the network's agreement.

Images with a reference: those that may be trained on and phantoms, on which the limits of the
signs were set, and those that may not ("evaluate"), which were looked at for the last rows alone.
Of each image are judged: the reference with a soft rim; the shipped model's mask; its masks of the
image as two bad scans give it; and masks that are wrong on purpose, in twelve ways
(``spoiled_masks.py``).

Two questions.  In sets of 40 masks of which 6 are wrong, drawn from the good ones and the wrong
ones of such images: how many of the wrong ones are among the first 9, and what is the AURC, the
risk being 1 for a wrong mask?  And of the model's own masks, with their own share of failures:
what is the AURC, the risk being that of the worst centimetre, 1 less the soft Dice there, counted
from the Dice that two raters reach?

    python doubt_study.py --data DATA --work FOLDER      fills FOLDER (again: adds what is missing)
    python doubt_study.py --work FOLDER --tables         prints the tables

With --network the model's masks too, and how far the network agrees with itself: half a minute an
image and core.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scan_faults import cropped
from scipy import ndimage
from spoiled_masks import BAD_SCANS, WRONG

from SoftCordSegLib.evaluation import read_cases
from SoftCordSegLib.network import load_bundle, shipped_bundles
from SoftCordSegLib.phantom import CONTRASTS, Cord, make_phantom
from SoftCordSegLib.phantom.cord import CordCurve
from SoftCordSegLib.review.doubt_signs import LIMITS, mask_signs
from SoftCordSegLib.review.mask_profile import mask_profile
from SoftCordSegLib.review.network_agreement import network_agreement
from SoftCordSegLib.segmentation import segment
from SoftCordSegLib.volume import Volume, read_nifti, reorient

HERE = Path(__file__).resolve().parent
LISTS = {"train": ("training.csv", "development.csv"), "evaluate": ("evaluation.csv",)}
# The same scan as one that is trained on, under another name.
LEFT_OUT = ("test001",)
# Two raters reach this; a mask that does is not wrong at all.
AGREED_DICE = 0.85
# A mask with a risk above this is called wrong.
WRONG_RISK = 0.25
# And one below this good.
GOOD_RISK = 0.1
PHANTOM_CORDS = 3
SAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Judged:
    """One mask to judge.

    Attributes:
        group: "train", "evaluate" or "phantom".
        image: name of the image it is of.
        kind: "reference", "model", "model on a bad scan", "wrong on purpose".
        way: how it was made.
        mask, scan, truth: on one grid, RAS.
    """

    group: str
    image: str
    kind: str
    way: str
    mask: Volume
    scan: Volume
    truth: np.ndarray

    @property
    def key(self) -> str:
        return f"{self.group}/{self.image}/{self.way}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill the folder, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--groups", nargs="*", default=["train", "phantom", "evaluate"])
    parser.add_argument("--network", action="store_true")
    parser.add_argument("--tables", action="store_true")
    options = parser.parse_args(arguments)
    if not options.tables:
        fill(options.data, options.work, options.groups, options.network)
    rows = [row for group in options.groups for row in read_rows(options.work, group)]
    print(tables(rows))


def fill(data: Path, work: Path, groups: Sequence[str], network: bool) -> None:
    """Judge what was not judged yet; one line a mask in ``work/GROUP.jsonl``."""
    work.mkdir(parents=True, exist_ok=True)
    bundle = load_bundle(shipped_bundles()[0]) if network else None
    for group in groups:
        known = {row["key"] for row in read_rows(work, group)}
        with open(work / f"{group}.jsonl", "a", encoding="utf-8") as stream:
            for name, load in images(group, data):
                wanted = [
                    way for way in ways(name, network) if f"{group}/{name}/{way}" not in known
                ]
                if not wanted:
                    continue
                image, truth = load()
                for way in wanted:
                    one = judged_mask(group, name, way, (image, truth), bundle)
                    stream.write(json.dumps(row_of(one, bundle)) + "\n")
                    stream.flush()
                print(group, name, flush=True)


def ways(name: str, network: bool) -> list[str]:
    """How the masks of an image are made; two bad scans for each, by its name."""
    if not network:
        return ["reference", *WRONG]
    rng = generator(name, "scans")
    return ["model", *rng.choice(sorted(BAD_SCANS), 2, replace=False)]


def images(group: str, data: Path) -> Iterator[tuple[str, Callable[[], tuple[Volume, Volume]]]]:
    """Names, and functions that give image and reference, RAS."""
    if group == "phantom":
        for number in range(PHANTOM_CORDS):
            for contrast in CONTRASTS:
                yield f"{contrast}-{number}", lambda c=contrast, n=number: phantom(c, n)
        return
    for name in LISTS[group]:
        for case in read_cases(HERE / name, data):
            has_mask = case.reference is not None and Path(case.reference).is_file()
            if has_mask and case.participant not in LEFT_OUT:
                yield Path(case.image).name, lambda case=case: real(case)


def real(case) -> tuple[Volume, Volume]:
    """A real image and its reference."""
    image = read_nifti(case.image, without_nan=True)
    truth = read_nifti(case.reference)
    return reorient(image, "RAS"), reorient(truth, "RAS")


def phantom(contrast: str, number: int) -> tuple[Volume, Volume]:
    """A digital neck of another calibre and curve for each number."""
    rng = np.random.default_rng([3, number])
    curve = CordCurve(
        float(rng.uniform(2, 9)), float(rng.uniform(-4, 4)), float(rng.uniform(-0.05, 0.08))
    )
    made = make_phantom(contrast, cord=Cord(curve, float(rng.uniform(0.85, 1.15))), seed=number)
    return reorient(made.image, "RAS"), reorient(made.truth, "RAS")


def judged_mask(
    group: str, name: str, way: str, image_and_truth: tuple[Volume, Volume], bundle
) -> Judged:
    """One mask of an image."""
    image, truth = image_and_truth
    if way not in ("model", *BAD_SCANS):
        # The same signs, in less time.
        image, truth = cropped(image, truth, 32)
    drawn, scan = np.asarray(truth.data, np.float32), image
    rng = generator(name, way)
    if way == "reference":
        kind, mask = "reference", soft(truth)
    elif way in WRONG:
        kind, mask = "wrong on purpose", WRONG[way](soft(truth), image.spacing, rng)
    else:
        kind = "model" if way == "model" else "model on a bad scan"
        if way in BAD_SCANS:
            bad = BAD_SCANS[way](np.maximum(np.asarray(image.data, np.float32), 0), rng)
            scan = image.with_data(bad.astype(np.float32))
        mask = segment(scan, bundle, device="cpu").volume.data
    volume = image.with_data(np.asarray(mask, np.float32))
    return Judged(group, name, kind, way, volume, scan, drawn)


def soft(truth: Volume) -> np.ndarray:
    """The reference as a network would give it: with a rim of half a voxel."""
    blurred = ndimage.gaussian_filter(np.asarray(truth.data, np.float32), (0.45, 0.45, 0))
    return np.where(blurred < 0.05, 0, blurred).astype(np.float32)


def generator(*names: str) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(name.encode()) for name in names])


def row_of(one: Judged, bundle) -> dict:
    """The signs of a mask, and how wrong it is."""
    profile = mask_profile(one.mask, one.scan)
    signs = mask_signs(profile)
    if bundle is not None and profile is not None:
        agreement = network_agreement(
            one.scan, one.mask, bundle, by_this_network=True, device="cpu"
        )
        signs += [] if agreement is None else agreement.signs(profile.centres_mm, profile.slices)
    return {
        "key": one.key,
        "group": one.group,
        "image": one.image,
        "kind": one.kind,
        "way": one.way,
        "risk": round(risk(one.mask, one.truth), 4),
        "signs": {sign.name: round(float(sign.value), 5) for sign in signs},
    }


def risk(mask: Volume, truth: np.ndarray) -> float:
    """Of the worst centimetre: 0 where the mask agrees as two raters do, 1 without overlap.

    Beyond the ends of the reference nothing is known: a rater may have stopped there.  A drawn mask
    and a soft one differ most in the end slices, which are left out.
    """
    known = np.flatnonzero((truth > 0.5).any(axis=(0, 1)))
    known = known[1:-1] if len(known) > 6 else known
    one, other = np.asarray(mask.data, float)[:, :, known], np.asarray(truth, float)[:, :, known]
    size = max(1, round(10 / float(mask.spacing[2])))
    kernel = np.ones(min(size, len(known)))
    product = np.convolve((one * other).sum(axis=(0, 1)), kernel, "valid")
    squares = np.convolve((one**2 + other**2).sum(axis=(0, 1)), kernel, "valid")
    dice = 2 * product / np.maximum(squares, 1e-9)
    return float(max(1 - dice.min() / AGREED_DICE, 0.0))


def read_rows(work: Path, group: str) -> list[dict]:
    """What was judged."""
    path = work / f"{group}.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


# --- Figures ---

NETWORK = ("mirror", "network")


def score(row: dict, names: Sequence[str]) -> float:
    """The doubt from some of the signs."""
    chances = [LIMITS[name].chance(value) for name, value in row["signs"].items() if name in names]
    return 1.0 - float(np.prod([1.0 - chance for chance in chances]))


def aurc(scores: np.ndarray, risks: np.ndarray) -> float:
    """Mean over all coverages of the mean risk of the masks that are kept, the least doubted first;
    masks of one score count as in random order.
    """
    values, kind = np.unique(scores, return_inverse=True)
    mean = np.bincount(kind, risks) / np.bincount(kind)
    ordered = np.repeat(mean, np.bincount(kind))
    assert len(values) == len(mean)
    return float((np.cumsum(ordered) / np.arange(1, len(risks) + 1)).mean())


def first_nine(scores: np.ndarray, wrong: np.ndarray) -> float:
    """How many of 6 wrong masks of 40 are among the 9 most doubted."""
    return float(wrong[np.argsort(-scores, kind="stable")[:9]].sum())


def images_of(rows: list[dict]) -> list[list[int]]:
    """Numbers of the rows of each image."""
    by_image: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        by_image.setdefault(row["image"], []).append(number)
    return list(by_image.values())


def sampled(rows: list[dict]) -> Iterator[np.ndarray]:
    """Bootstrap over images: all masks of an image together."""
    groups, rng = images_of(rows), np.random.default_rng(1)
    for _ in range(SAMPLES):
        yield np.concatenate([groups[at] for at in rng.integers(0, len(groups), len(groups))])


def sets_of_forty(rows: list[dict]) -> Iterator[np.ndarray]:
    """34 good masks and 6 wrong ones, in random order, of a bootstrap sample of the images."""
    rng = np.random.default_rng(2)
    kinds = np.array([verdict(row) for row in rows])
    for chosen in sampled(rows):
        fine, wrong = chosen[kinds[chosen] == 0], chosen[kinds[chosen] == 1]
        yield rng.permutation(np.concatenate([rng.choice(fine, 34), rng.choice(wrong, 6)]))


def verdict(row: dict) -> int:
    """0 for a good mask, 1 for a wrong one, -1 for one between."""
    if row["kind"] in ("reference", "wrong on purpose"):
        return int(row["kind"] == "wrong on purpose")
    return 0 if row["risk"] <= GOOD_RISK else 1 if row["risk"] > WRONG_RISK else -1


def set_line(name: str, scores: np.ndarray, rows: list[dict]) -> str:
    """A row of the first table: AURC, and how many of the six are found, over all sets."""
    wrong = np.array([float(verdict(row) == 1) for row in rows])
    values, found = [], []
    for chosen in sets_of_forty(rows):
        values.append(aurc(scores[chosen], wrong[chosen]))
        found.append(first_nine(scores[chosen], wrong[chosen]))
    low, high = np.percentile(values, (2.5, 97.5))
    return (
        f"| {name} | {np.mean(values):.3f} ({low:.3f}–{high:.3f}) | {np.mean(found):.1f} |"
        f" {100 * np.mean(np.array(found) == 6):.0f} % |"
    )


def line(name: str, scores: np.ndarray, rows: list[dict]) -> str:
    """A row of the second table: AURC with its 95 % interval."""
    risks = np.array([row["risk"] for row in rows])
    values = [aurc(scores[chosen], risks[chosen]) for chosen in sampled(rows)]
    low, high = np.percentile(values, (2.5, 97.5))
    return f"| {name} | {aurc(scores, risks):.3f} ({low:.3f}–{high:.3f}) |"


def orders(rows: list[dict], risks: np.ndarray) -> dict[str, np.ndarray]:
    """The scores that are compared; the best single signs are chosen on these very masks."""
    cheap = [name for name in LIMITS if name not in NETWORK]

    def scores(names: Sequence[str]) -> np.ndarray:
        return np.array([score(row, names) for row in rows])

    singles = {name: scores([name]) for name in cheap if any(name in row["signs"] for row in rows)}
    best = sorted(singles, key=lambda name: aurc(singles[name], risks))[:3]
    found = {"doubt": scores(cheap)}
    if all("mirror" in row["signs"] or "empty" in row["signs"] for row in rows):
        found["doubt with the network's agreement"] = scores([*cheap, *NETWORK])
        found["the network's agreement alone"] = scores(["empty", *NETWORK])
    found.update({f"single sign: {name}": singles[name] for name in best})
    return {**found, "random order": np.zeros(len(rows)), "perfect order": risks}


def tables(rows: list[dict]) -> str:
    """The tables of the documentation."""
    parts = []
    for group in dict.fromkeys(row["group"] for row in rows):
        some = [row for row in rows if row["group"] == group]
        judged = [row for row in some if verdict(row) >= 0]
        wrong = np.array([float(verdict(row) == 1) for row in judged])
        parts.append(
            f"\n{group}: {len(images_of(some))} images; sets of 40 from"
            f" {int((wrong == 0).sum())} good and {int(wrong.sum())} wrong masks\n"
        )
        parts.append("| order by | AURC | of 6 in the first 9 | all 6 |\n|---|---|---|---|")
        parts += [set_line(name, one, judged) for name, one in orders(judged, wrong).items()]
        made = [row for row in some if row["kind"].startswith("model")]
        if made:
            risks = np.array([row["risk"] for row in made])
            parts.append(
                f"\n{group}: {len(made)} masks of the model, {(risks > WRONG_RISK).sum()} wrong\n"
            )
            parts.append("| order by | AURC (95 % interval) |\n|---|---|")
            parts += [line(name, one, made) for name, one in orders(made, risks).items()]
    parts.append("\n" + limits_text(rows))
    return "\n".join(parts)


def limits_text(rows: list[dict]) -> str:
    """Of each sign: good masks (95th and 99th percentile), wrong ones (90th), its limits."""
    text = ["| sign | good, 95 % | good, 99 % | wrong, 90 % | limits |", "|---|---|---|---|---|"]
    for name, limit in LIMITS.items():
        fine, bad = (
            [row["signs"][name] for row in rows if verdict(row) == kind and name in row["signs"]]
            for kind in (0, 1)
        )
        if fine and bad:
            values = *np.percentile(fine, (95, 99)), np.percentile(bad, 90)
            numbers = " | ".join(f"{value:.2f}" for value in values)
            text.append(
                f"| {name} | {numbers} | {limit.good:g} to {limit.wrong:g}, {limit.most:g} |"
            )
    return "\n".join(text)


if __name__ == "__main__":
    main()
