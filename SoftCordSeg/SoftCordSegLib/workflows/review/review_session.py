"""The review of a data set by one rater: the list of cases, the case in view, verdicts, and where
the rater stopped.  The one object that the panel and the command line use.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Literal, Optional, Union

from ...bids import Origin, origin_of, split_extension
from ...errors import InputError, OptionError
from ...files import file_sha256, real_path
from ...review.blinding import blinding_secret
from ...review.case_order import ORDERS, Order, in_order, matching, seconds_left, shuffled
from ...review.doubt import Doubt
from ...review.positions import read_position, write_position
from ...review.raters import rater_name
from ...review.review_cases import ReviewCase, find_review_cases
from ...review.second_reading import Reading, read_reading, reading_names
from ...review.sidecar_doubt import sidecar_doubt
from ...review.verdicts import (
    Judgement,
    Verdict,
    VerdictStore,
    read_verdicts,
    utc_now,
    verdict_time,
)

OPEN = "open"
VerdictFilter = Optional[Union[Literal["open"], Judgement]]


@dataclass(frozen=True)
class ReviewOptions:
    """How a rater reviews.

    Attributes:
        rater: name; "" to look only: every rater's verdicts are shown, and none can be given.
        order: doubtful cases first, those worth teaching first (drawn, see
            ``review.worth_teaching``), or by name.
        reading: name of a second reading that was drawn; "" for the first.
        blinded: names of files, masks' makers and doubts are hidden, and the cases are shuffled; a
            reading that was drawn blinded is so in any case.
        seed: of the shuffling, and of what is drawn to be taught.
    """

    rater: str = ""
    order: Order = "doubt"
    reading: str = ""
    blinded: bool = False
    seed: int = 1

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            OptionError: the rater's name cannot be used, or an unknown order.
        """
        if self.rater:
            rater_name(self.rater)
        if self.order not in ORDERS:
            raise OptionError(
                f"There is no order '{self.order}'.", hint=f"Choose among {', '.join(ORDERS)}."
            )


@dataclass(frozen=True)
class ReviewRow:
    """A line of the list.

    Attributes:
        case: its files.
        doubt: as it was stored; None where it was never computed, and while blinded.
        verdict: this rater's newest in this reading, or, of a session without a rater that is not
            blinded, anyone's; None for none.
        shown_name: the case's key, or a neutral name while blinded.
        is_remade: the mask was made anew by a program since the verdict; a correction by hand is
            what a verdict asks for, and leaves it standing.
    """

    case: ReviewCase
    doubt: Doubt | None
    verdict: Verdict | None
    shown_name: str
    is_remade: bool = False

    @property
    def is_broken(self) -> bool:
        """Whether a file cannot be opened, as far as that is known."""
        return bool(self.case.problem) or (self.doubt is not None and self.doubt.is_unreadable)

    @property
    def can_be_judged(self) -> bool:
        """Whether image and mask are there."""
        return self.case.mask is not None and not self.is_broken

    @property
    def judgement(self) -> Judgement | None:
        """What this rater says; None for nothing yet."""
        return None if self.verdict is None else self.verdict.verdict

    @property
    def is_open(self) -> bool:
        """Whether it waits for a verdict."""
        return self.can_be_judged and (self.judgement is None or self.is_remade)


class ReviewSession:
    """One rater at a data set.

    Attributes:
        remarks: sentences on what was odd in the files of verdicts.

    Args:
        dataset: BIDS data set or plain folder.
        options: rater, order, reading.
        doubts: by key of the case; None for those that were kept.  What they lack is read from the
            masks' sidecars; none is computed here.

    Raises:
        InputError: there is no such folder, or the file of the reading is broken.
        OptionError: an option is invalid, or there is no such reading.
    """

    def __init__(
        self,
        dataset: Path,
        options: ReviewOptions,
        *,
        doubts: Mapping[str, Doubt] | None = None,
    ):
        options.check()
        self.dataset = Path(dataset)
        self.rater = rater_name(options.rater) if options.rater else ""
        self.rows: list[ReviewRow] = []
        self.remarks: list[str] = []
        self._doubts: dict[str, Doubt] = dict(doubts or {})
        self._saved_doubts: dict[str, Doubt] = {}
        self._reads_doubts = doubts is None
        self._reading = _reading(self.dataset, options.reading)
        self.blinded = options.blinded or (self._reading is not None and self._reading.blinded)
        self.options = replace(options, blinded=self.blinded)
        self._store = VerdictStore(self.dataset, self.rater) if self.rater else None
        self._own: list[Verdict] = []
        self._index: dict[str, int] = {}
        self._visited: list[str] = []
        self._current = ""
        self._hashes: dict[tuple[Path, int, int], str] = {}
        self.refresh()
        stopped_at = read_position(self.dataset, self.rater, options.reading) if self.rater else ""
        if stopped_at in self._index:
            self._current = stopped_at
        elif self.rows:
            self._current = next((r.case.key for r in self.rows if r.is_open), self._first())

    def refresh(self) -> None:
        """Read the data set and the verdicts again: masks that were saved, what was judged
        elsewhere.  The case in view stays.

        Raises:
            InputError: the data set is gone.
        """
        self.remarks = []
        verdicts = read_verdicts(self.dataset, self._note_coding)
        # Who only looks at a blinded reading may be one who reads it: others' verdicts are hidden.
        looks = not self.rater and not self.blinded
        self._own = [one for one in verdicts if looks or one.rater == self.rater]
        mine = {one.case: one for one in self._own if one.reading == self.options.reading}
        cases = find_review_cases(self.dataset)
        if self._reads_doubts and not self.blinded:
            from .review_doubt import doubts_of

            self._doubts = doubts_of(self.dataset, cases, compute=False)
        self._saved_doubts = {} if self.blinded else _sidecar_doubts(cases, self._doubts)
        if self._reading is not None:
            named = self._reading.rows(self.dataset, cases, self.rater)
        else:
            named = [(case, case.key) for case in cases]
        if self._reading is None and self.blinded:
            named = _shuffled(cases, self.options.seed, blinding_secret(self.dataset))
        rows = [
            ReviewRow(
                case,
                self._doubt(case),
                mine.get(case.key),
                shown if self.blinded else case.key,
            )
            for case, shown in named
        ]
        self._sort([self._looked_at(row) for row in rows])

    def set_doubts(self, doubts: Mapping[str, Doubt]) -> None:
        """Take doubts that were computed meanwhile; the list is sorted anew, the case in view
        stays.
        """
        self._reads_doubts = False
        self._doubts.update(doubts)
        self._sort([replace(row, doubt=self._doubt(row.case)) for row in self.rows])

    def filtered(
        self, text: str = "", verdict: VerdictFilter = None, contrast: str = ""
    ) -> list[ReviewRow]:
        """Rows in their order.

        Args:
            text: words that all stand in the name, the reason of the doubt or the comment.
            verdict: "open", or what was said; None for all.
            contrast: of the image; "" for all.
        """
        return [
            row
            for row in self.rows
            if (not text or matching(text, *self._words(row)))
            and (not contrast or (row.case.contrast == contrast and not self.blinded))
            and (verdict is None or (row.is_open if verdict == OPEN else row.judgement == verdict))
        ]

    @property
    def contrasts(self) -> list[str]:
        """Those of the list, sorted."""
        return sorted({row.case.contrast for row in self.rows if row.case.contrast})

    @property
    def current(self) -> ReviewRow | None:
        """The case in view; None where the list is empty."""
        return self.row(self._current) if self._current in self._index else None

    def row(self, key: str) -> ReviewRow:
        """The row of a case.

        Raises:
            InputError: the list has no such case.
        """
        if key not in self._index:
            raise InputError(
                f"There is no case '{key}' in this list.", hint="Choose one of the list."
            )
        return self.rows[self._index[key]]

    def find(self, name: str) -> ReviewRow:
        """The row that a user means: by its key, its shown name, the end of its key (also with
        the image's extension), or the path of its image or of one of its masks.  Of several, one
        that can be judged.  While blinded, by its shown name alone: the neutral name of a file is
        not to be found out.

        Raises:
            InputError: the list has no such case, or several.
        """
        if name in self._index and not self.blinded:
            return self.row(name)
        wanted = unicodedata.normalize("NFC", name)
        key = wanted[: -len(suffix)] if (suffix := split_extension(wanted)[1]) else wanted
        shown = [row for row in self.rows if row.shown_name.casefold() == wanted.casefold()]
        ends = [row for row in self.rows if f"/{row.case.key}".endswith(f"/{key}")]
        path = real_path(name)
        files = [
            row
            for row in self.rows
            if path.name in (row.case.image.name, *(mask.name for mask in row.case.masks))
            and path in map(real_path, (row.case.image, *row.case.masks))
        ]
        found = shown or ([] if self.blinded else ends or files)
        found = [row for row in found if row.can_be_judged] or found
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(f"'{row.shown_name}'" for row in found[:5])
            raise InputError(f"'{name}' may be {several}.", hint="Give the whole name.")
        raise InputError(f"There is no case '{name}' in this list.", hint="Choose one of the list.")

    def go_to(self, key: str) -> ReviewRow:
        """Look at a case; where it is stored at once.

        Raises:
            InputError: the list has no such case.
        """
        row = self.row(key)
        if self._current and self._current != key:
            self._visited.append(self._current)
        self._current = key
        self._stay()
        return row

    def next_open(self) -> ReviewRow | None:
        """Go to the next case without a verdict, from the one in view on and round to the first;
        None, and no move, where all are judged.
        """
        start = self._index.get(self._current, -1)
        row = next((r for r in self.rows[start + 1 :] + self.rows[: start + 1] if r.is_open), None)
        return None if row is None else self.go_to(row.case.key)

    def previous(self) -> ReviewRow | None:
        """Go back to the case that was in view before; where there was none, to the row before;
        None at the first.
        """
        while self._visited:
            key = self._visited.pop()
            if key in self._index:
                self._current = key
                self._stay()
                return self.row(key)
        at = self._index.get(self._current, 0) - 1
        if at < 0:
            return None
        self._current = self.rows[at].case.key
        self._stay()
        return self.rows[at]

    def judge(
        self,
        verdict: Judgement | None,
        rank: int | None = None,
        comment: str = "",
        seconds: float = 0.0,
        *,
        key: str = "",
        mask: Path | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Verdict:
        """Store a verdict on the case in view; it is on the disk when this returns.

        Args:
            verdict: what the rater says; None for a comment or rank alone, or to take it back.
            rank: 0 to 9; None for none.
            comment: free text.
            seconds: that the case was looked at.
            key: of another case than the one in view.
            mask: that was judged, where it is not the best one.
            extra: further keys of the line.

        Raises:
            InputError: no case is in view, or its mask cannot be read.
            OptionError: a value is out of range.
            OutputError: it cannot be stored; the row is as it was.
        """
        row = self.row(key or self._current)
        judged = mask or row.case.mask
        given = Verdict(
            case=row.case.key,
            mask="" if judged is None else self._relative(judged),
            mask_sha256="" if judged is None else self._sha256(judged),
            rater=self.rater,
            verdict=verdict,
            rank=rank,
            comment=comment.strip(),
            seconds=round(float(seconds), 1),
            blinded=self.blinded,
            when=utc_now(),
            reading=self.options.reading,
            extra=dict(extra or {}),
        )
        return self._added(row, given)

    def undo(self, key: str = "") -> Verdict:
        """Take back the newest verdict on a case: one more line, which says again what stood
        before it, or nothing.

        Raises:
            InputError: there is no verdict to take back.
            OutputError: it cannot be stored.
        """
        row = self.row(key or self._current)
        said = [
            one
            for one in self._own
            if one.case == row.case.key and one.reading == self.options.reading
        ]
        standing: list[Verdict] = []
        for one in said:  # a line that takes back removes what stood last
            if not one.extra.get("undo"):
                standing.append(one)
            elif standing:
                standing.pop()
        if not standing:
            raise InputError(f"There is no verdict on '{row.shown_name}' to take back.")
        before = standing[-2] if len(standing) > 1 else None
        again = Verdict(
            case=row.case.key,
            mask="" if before is None else before.mask,
            mask_sha256="" if before is None else before.mask_sha256,
            rater=self.rater,
            verdict=None if before is None else before.verdict,
            rank=None if before is None else before.rank,
            comment="" if before is None else before.comment,
            blinded=self.blinded,
            when=utc_now(),
            reading=self.options.reading,
            extra={**({} if before is None else before.extra), "undo": True},
        )
        return self._added(row, again)

    def of_earlier_mask(self, row: ReviewRow) -> bool:
        """Whether the mask that the verdict was about has changed since, or is gone."""
        if row.judgement is None or row.verdict is None or not row.verdict.mask_sha256:
            return False
        path = self._mask_path(row.verdict.mask)
        try:
            return path is None or self._sha256(path) != row.verdict.mask_sha256
        except InputError:
            return True

    @property
    def done(self) -> int:
        """Cases with this rater's verdict."""
        return sum(row.can_be_judged and not row.is_open for row in self.rows)

    @property
    def total(self) -> int:
        """Cases that can be judged."""
        return sum(row.can_be_judged for row in self.rows)

    @property
    def seconds_left(self) -> float | None:
        """How long the open cases will take at the pace of the last twenty; None where no verdict
        says.
        """
        return seconds_left(self._own, self.total - self.done)

    def progress_text(self) -> str:
        """ "37 of 300, 2 h left"."""
        left = self.seconds_left
        counted = f"{self.done} of {self.total}"
        return counted if left is None or not left else f"{counted}, {_duration(left)} left"

    def _added(self, row: ReviewRow, verdict: Verdict) -> Verdict:
        if self._store is None:
            raise OptionError("A verdict needs the name of its rater.", hint="Give your name.")
        self._store.add(verdict)
        self._own.append(verdict)
        self.rows[self._index[row.case.key]] = self._looked_at(replace(row, verdict=verdict))
        return verdict

    def _looked_at(self, row: ReviewRow) -> ReviewRow:
        """The row, with :attr:`ReviewRow.is_remade` as it is now.  Only a mask that was written
        since the verdict is read.
        """
        mask, verdict = row.case.mask, row.verdict
        remade = False
        if mask is not None and verdict is not None and row.judgement is not None:
            given = verdict_time(verdict.when)
            try:
                is_newer = given is not None and mask.stat().st_mtime > given.timestamp()
            except OSError:
                is_newer = False
            if is_newer and self.of_earlier_mask(row):
                remade = origin_of(mask) is Origin.PROGRAM
        return replace(row, is_remade=remade)

    def _note_coding(self, name: str, lines: int) -> None:
        # The name of a file tells whose it is.
        where = "a file of verdicts" if self.blinded else f"'{name}'"
        said = "1 line was" if lines == 1 else f"{lines} lines were"
        self.remarks.append(
            f"In {where} {said} stored by an editor in another coding than UTF-8, and read as"
            " Windows-1252: look at names and comments there."
        )

    def _first(self) -> str:
        return self.rows[0].case.key

    def _doubt(self, case: ReviewCase) -> Doubt | None:
        if self.blinded:
            return None
        return self._doubts.get(case.key) or self._saved_doubts.get(case.key)

    def _sort(self, rows: list[ReviewRow]) -> None:
        """A reading, and what is blinded, has its own order."""
        order = self.options.order
        places = self._teaching_places(rows) if order == "teach" else {}

        def worth(row: ReviewRow) -> float | None:
            if row.doubt is None or order == "name":
                return None
            return row.doubt.score if order == "doubt" else -float(places[row.case.key])

        has_own = self.blinded or self._reading is not None
        first = order == "doubt"
        self.rows = (
            rows
            if has_own
            else in_order(rows, lambda row: row.case, worth, lambda row: row.is_broken, first)
        )
        self._index = {row.case.key: at for at, row in enumerate(self.rows)}

    def _teaching_places(self, rows: Sequence[ReviewRow]) -> dict[str, int]:
        """By key; those that nothing can be learned from come last."""
        from .review_doubt import teaching_places

        doubts = {row.case.key: row.doubt for row in rows if row.doubt is not None}
        places = teaching_places(
            self.dataset, [row.case for row in rows], doubts, self.options.seed
        )
        return {key: places.get(key, len(rows)) for key in doubts}

    def _words(self, row: ReviewRow) -> list[str]:
        said = "" if row.verdict is None else row.verdict.comment
        if self.blinded:
            return [row.shown_name, said]
        return [row.shown_name, said, "" if row.doubt is None else row.doubt.reason]

    def _relative(self, path: Path) -> str:
        try:
            return path.relative_to(self.dataset).as_posix()
        except ValueError:
            return path.name  # never where it lies on this machine

    def _mask_path(self, name: str) -> Path | None:
        """Of a mask in the data set; a line from elsewhere may name what is in none."""
        parts = name.split("/")
        # On Windows also "C:" and what has a backslash.
        if any(part in ("", "..") or PurePath(part).name != part for part in parts):
            return None
        path = self.dataset.joinpath(*parts)
        return path if path.is_file() else None

    def _sha256(self, path: Path) -> str:
        try:
            stat = path.stat()
            key = (path, stat.st_mtime_ns, stat.st_size)
            if key not in self._hashes:
                self._hashes[key] = file_sha256(path)
        except OSError as error:
            raise InputError(
                f"This mask cannot be read: {error.strerror or error}.",
                path=path,
                hint="Read the data set again.",
            ) from error
        return self._hashes[key]

    def _stay(self) -> None:
        if self.rater:
            write_position(self.dataset, self.rater, self._current, self.options.reading)


def _reading(dataset: Path, name: str) -> Reading | None:
    """None for the first reading."""
    if not name:
        return None
    reading = read_reading(dataset, name)
    if reading is None:
        known = ", ".join(reading_names(dataset))
        raise OptionError(
            f"There is no reading '{name}'.",
            hint=f"Choose among {known}." if known else "Draw a second reading first.",
        )
    return reading


def _sidecar_doubts(cases: Sequence[ReviewCase], known: Mapping[str, Doubt]) -> dict[str, Doubt]:
    """What masks were saved with, of cases whose doubt is not known better: against other contrasts
    and the data set.
    """
    found = {}
    for case in cases:
        if case.mask is not None and not case.problem and case.key not in known:
            doubt = sidecar_doubt(case.mask)
            if doubt is not None:
                found[case.key] = doubt
    return found


def _shuffled(cases: Sequence[ReviewCase], seed: int, secret: str) -> list[tuple[ReviewCase, str]]:
    """Cases in an order that tells nothing, with neutral names; those that can be judged first."""
    by_key = {case.key: case for case in cases}
    keys = shuffled(by_key, seed, secret)
    keys.sort(key=lambda key: (bool(by_key[key].problem), by_key[key].mask is None))
    digits = max(3, len(str(len(keys))))
    return [(by_key[key], f"Case {at:0{digits}d}") for at, key in enumerate(keys, 1)]


def _duration(seconds: float) -> str:
    """Rounded for reading: "under a minute", "25 min", "2 h"."""
    minutes = seconds / 60
    if minutes < 1:
        return "under a minute"
    return f"{round(minutes)} min" if minutes < 90 else f"{round(minutes / 60)} h"
