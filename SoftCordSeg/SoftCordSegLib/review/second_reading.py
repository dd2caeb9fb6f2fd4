"""Second readings: a sample drawn at random, for the same rater or another; the cases on which
raters disagree, for a third; and two methods side by side under neutral names.

A reading is a file in ``derivatives/review/readings``, ``second.json``.  It says which cases are
read, in which order and under which names, and, for a comparison, which method stands behind A and
which behind B.  Nothing of it is shown while a reading is blinded; its order and names then come
from the secret of the data set too, see :mod:`.blinding`.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from ..bids import Kind, label_name, review_folder
from ..errors import InputError, OptionError
from ..files import json_text, locked, write_text_atomically
from ..structured_text import read_json
from .blinding import blinding_secret
from .raters import rater_slug
from .review_cases import ReviewCase
from .verdicts import Verdict, newest, utc_now

ReadingKind = Literal["second", "third", "comparison"]
_KINDS = get_args(ReadingKind)
_READINGS = "readings"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# Between the key of a case and the letter of a mask that is compared.
_LETTER = "#"
LETTERS = ("A", "B")


@dataclass(frozen=True)
class ReadingItem:
    """One thing to judge.

    Attributes:
        key: what verdicts name: the case's key; with "#A" or "#B" behind it in a comparison.
        case: the case's key.
        shown: neutral name, "Case 017", in a comparison "Case 017 A".
        mask: path of the mask in the data set, with "/"; "" for the best one when it is read.
        method: that made the mask, in a comparison; else "".
    """

    key: str
    case: str
    shown: str
    mask: str = ""
    method: str = ""


@dataclass(frozen=True)
class Reading:
    """A reading beside the first.

    Attributes:
        name: of its file, letters, digits, - and _.
        kind: a second reading of a sample, a third of disagreements, or a comparison of methods.
        items: what is read, in this order.
        blinded: names of files, raters, models, doubts and earlier verdicts are hidden.
        seed: of the sample and of the order.
        made: when it was drawn, UTC.
        methods: the two that are compared.
    """

    name: str
    kind: ReadingKind
    items: tuple[ReadingItem, ...]
    blinded: bool = False
    seed: int = 1
    made: str = ""
    methods: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The content of its file."""
        return {**asdict(self), "items": [asdict(item) for item in self.items]}

    @classmethod
    def from_json(cls, content: Any) -> Reading:
        """From the content of its file.

        Raises:
            ValueError: it is none.
        """
        try:
            items = tuple(
                ReadingItem(**{name: str(item.get(name, "")) for name in _ITEM_FIELDS})
                for item in content["items"]
            )
            kind = str(content["kind"])
            if kind not in _KINDS or not all(item.key and item.case for item in items):
                raise ValueError("it is no reading")
            return cls(
                name=check_reading_name(str(content["name"])),
                kind=cast(ReadingKind, kind),
                items=items,
                blinded=content.get("blinded") is True,
                seed=int(content.get("seed", 1)),
                made=str(content.get("made", "")),
                methods=tuple(map(str, content.get("methods", ()))),
            )
        except (AttributeError, KeyError, TypeError, OptionError) as error:
            raise ValueError("it is no reading") from error

    def rows(
        self, dataset: Path, cases: Iterable[ReviewCase], rater: str = ""
    ) -> list[tuple[ReviewCase, str]]:
        """What this reading shows, in its order: cases with the item's key and masks, and their
        neutral names.  Items whose case or mask is gone are left out.

        Args:
            dataset: folder of the data set.
            cases: of the data set.
            rater: whose own masks of this reading come first; "" for none.
        """
        known = {case.key: case for case in cases}
        masks = {item.key: item.mask for item in self.items}
        rows = []
        for item in self.items:
            case = known.get(item.case)
            if case is None:
                continue
            chosen = list(case.masks)
            if self.kind == "comparison":
                both = [item.mask, *(masks.get(f"{item.case}{_LETTER}{n}", "") for n in LETTERS)]
                chosen = [dataset.joinpath(*one.split("/")) for one in dict.fromkeys(both) if one]
                chosen = [path for path in chosen if path in case.masks]
                if not chosen or chosen[0] != dataset.joinpath(*item.mask.split("/")):
                    continue
            shown = replace(case, key=item.key, masks=tuple(chosen))
            own = reader_mask(dataset, self.name, rater, shown) if rater else None
            if own is not None and own.is_file():
                shown = replace(shown, masks=(own, *chosen))
            rows.append((shown, item.shown))
        return rows


_ITEM_FIELDS = tuple(ReadingItem.__dataclass_fields__)


def check_reading_name(name: str) -> str:
    """The name of a reading, as it is.

    Raises:
        OptionError: it cannot be a file's name everywhere.
    """
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"A reading cannot have the name '{name}'.",
            hint="Give a name of letters, digits, - and _, at most 64.",
        )
    return name


def draw_second_reading(
    cases: Iterable[ReviewCase],
    verdicts: Sequence[Verdict],
    share: float | int,
    *,
    name: str = "second",
    blinded: bool = False,
    seed: int = 1,
    secret: str = "",
) -> Reading:
    """A random sample of the cases that were judged, of each verdict and contrast about as many as
    there are: the newest verdict of any rater counts.  Where none was judged yet, of all cases.

    Args:
        cases: of the data set; those without a mask, or broken, are never drawn.
        verdicts: of all raters, oldest first.
        share: of the cases, a float above 0 and at most 1; an int is that many cases.
        name, blinded, seed: of the reading.
        secret: of the data set, by which a blinded one is shuffled.

    Raises:
        OptionError: the share is out of range, or the name invalid.
        InputError: there is nothing to draw from.
    """
    said = {one.case: one for one in newest(verdicts).values() if one.verdict is not None}
    usable = [case for case in cases if case.mask is not None and not case.problem]
    pool = [case for case in usable if case.key in said] or usable
    if not pool:
        raise InputError(
            "The data set has no case with an image and a mask.", hint="Segment it first."
        )
    count = _count(share, len(pool))
    strata: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case in pool:
        strata[str(said[case.key].verdict) if case.key in said else "", case.contrast].append(
            case.key
        )
    drawn = _stratified(strata, count, random.Random(seed))
    return _reading(name, "second", drawn, blinded, seed, secret)


def third_reading(
    keys: Iterable[str],
    *,
    name: str = "third",
    blinded: bool = False,
    seed: int = 1,
    secret: str = "",
) -> Reading:
    """The cases on which raters disagree, for another one; the rest as for
    :func:`draw_second_reading`.
    """
    return _reading(name, "third", list(dict.fromkeys(keys)), blinded, seed, secret)


def comparison_of(
    dataset: Path,
    cases: Iterable[ReviewCase],
    methods: Sequence[str],
    *,
    name: str = "comparison",
    share: float | int = 1.0,
    seed: int = 1,
) -> Reading:
    """Two methods' masks of each image, one behind the other as "Case 017 A" and "Case 017 B";
    which is A is drawn for each case.

    Args:
        dataset: folder of the data set.
        cases: of the data set; images without a mask of both are left out.
        methods: two folders of ``derivatives``.
        name, seed: of the reading, which is always blinded.
        share: of the cases that have both, as for :func:`draw_second_reading`.

    Raises:
        OptionError: not two methods, or the name is invalid.
        InputError: no image has masks of both.
    """
    if len(set(methods)) != len(LETTERS):
        raise OptionError("Two different methods are compared.", hint="Name two folders.")
    both = {}
    for case in cases:
        masks = [_mask_of(dataset, case, method) for method in methods]
        if not case.problem and all(masks):
            both[case.key] = masks
    if not both:
        raise InputError(
            f"No image has masks of both '{methods[0]}' and '{methods[1]}'.",
            hint="Name two folders in the data set's derivatives that hold masks.",
        )
    keys = random.Random(seed).sample(sorted(both), _count(share, len(both)))
    chance = random.Random(f"{blinding_secret(dataset)} {name} {seed}")
    chance.shuffle(keys)
    items = []
    for number, key in enumerate(keys, 1):
        pairs = list(zip(methods, both[key]))
        chance.shuffle(pairs)
        for letter, (method, mask) in zip(LETTERS, pairs):
            shown = f"{_neutral(number, len(keys))} {letter}"
            items.append(ReadingItem(f"{key}{_LETTER}{letter}", key, shown, mask, method))
    return Reading(
        check_reading_name(name),
        "comparison",
        tuple(items),
        True,
        seed,
        utc_now(),
        tuple(methods),
    )


def write_reading(dataset: Path, reading: Reading) -> Path:
    """Store a reading; one that is there stays.

    Raises:
        OptionError: there is one of this name, with other cases.
        OutputError: it cannot be written.
    """
    path = _path(dataset, reading.name)
    with locked(path):
        there = read_reading(dataset, reading.name) if path.exists() else None
        if there is not None and replace(there, made="") == replace(reading, made=""):
            return path
        if path.exists():
            raise OptionError(
                f"There is a reading '{reading.name}' already, of other cases.",
                hint="Give the new one another name.",
            )
        write_text_atomically(path, json_text(reading.as_json()))
    return path


def read_reading(dataset: Path, name: str) -> Reading | None:
    """The reading of this name; None where there is none.

    Raises:
        InputError: its file cannot be read, or is none.
        OptionError: the name is invalid.
    """
    path = _path(dataset, name)
    if not path.is_file():
        return None
    try:
        reading = Reading.from_json(read_json(path))
    except (OSError, ValueError) as error:
        raise InputError(
            f"This reading cannot be read: {error}.", path=path, hint="Draw it again."
        ) from error
    return replace(reading, name=name)


def reading_names(dataset: Path) -> list[str]:
    """All readings of a data set, beside the first."""
    folder = review_folder(dataset) / _READINGS
    found = folder.glob("*.json") if folder.is_dir() else ()
    return sorted(path.stem for path in found if _NAME.fullmatch(path.stem))


def reader_folder(dataset: Path, reading: str, rater: str) -> Path:
    """Where a rater's own masks of a reading lie, so that no mask of the first is changed."""
    return review_folder(dataset) / _READINGS / check_reading_name(reading) / rater_slug(rater)


def corrections_folder(dataset: Path, reading: str, rater: str, key: str) -> Path:
    """The same for one item; the two masks of a comparison have folders of their own.

    Args:
        key: of the item, :attr:`ReadingItem.key`.
    """
    case, _, letter = key.partition(_LETTER)
    return reader_folder(dataset, reading, rater).joinpath(*case.split("/")[:-1], letter)


def reader_mask(dataset: Path, reading: str, rater: str, case: ReviewCase) -> Path:
    """Where a rater's own soft mask of a case lies in a reading."""
    folder = corrections_folder(dataset, reading, rater, case.key)
    return folder / label_name(case.image, Kind.SOFT_MASK)


def _reading(
    name: str, kind: ReadingKind, keys: Sequence[str], blinded: bool, seed: int, secret: str
) -> Reading:
    ordered = sorted(keys)
    random.Random(f"{secret if blinded else ''} {name} {seed}").shuffle(ordered)
    items = tuple(
        ReadingItem(key, key, _neutral(number, len(ordered)))
        for number, key in enumerate(ordered, 1)
    )
    return Reading(check_reading_name(name), kind, items, blinded, seed, utc_now())


def _neutral(number: int, of: int) -> str:
    return f"Case {number:0{max(3, len(str(of)))}d}"


def _stratified(
    strata: Mapping[tuple[str, str], Sequence[str]], count: int, chance: random.Random
) -> list[str]:
    """``count`` keys, of each stratum its share; what rounding leaves goes to those that lost most
    by it, ties by chance.
    """
    total = sum(map(len, strata.values()))
    wanted = {name: count * len(keys) / total for name, keys in sorted(strata.items())}
    taken = {name: int(share) for name, share in wanted.items()}
    order = sorted(wanted, key=lambda name: (taken[name] - wanted[name], chance.random()))
    for name in order[: count - sum(taken.values())]:
        taken[name] += 1
    return [
        key for name in sorted(strata) for key in chance.sample(sorted(strata[name]), taken[name])
    ]


def _count(share: float | int, of: int) -> int:
    """How many cases are drawn, at least one."""
    if share <= 0 or (isinstance(share, float) and share > 1):
        raise OptionError(
            f"{share:g} is no share of the cases.", hint="Give 20% or 0.2, or a number of cases."
        )
    return min(share if isinstance(share, int) else max(1, round(share * of)), of)


def _mask_of(dataset: Path, case: ReviewCase, method: str) -> str:
    """Path in the data set of the best mask of a method; "" where it has none."""
    wanted = ("derivatives", *Path(method).parts)
    for mask in case.masks:
        parts = mask.relative_to(dataset).parts
        if parts[: len(wanted)] == wanted or parts[: len(wanted) - 1] == wanted[1:]:
            return "/".join(parts)
    return ""


def _path(dataset: Path, name: str) -> Path:
    return review_folder(dataset) / _READINGS / f"{check_reading_name(name)}.json"
