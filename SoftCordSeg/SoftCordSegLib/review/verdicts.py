"""Verdicts of raters on masks, kept as lines that are only ever appended.

Each rater and machine writes a file of its own in ``derivatives/review/verdicts``,
``anna_1a2b3c4d.jsonl``, one JSON object a line.  Read together, the newest line of a rater on a
case counts; to take a verdict back is one more line.  A line that a crash left half-written, or
that is no verdict, is skipped.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from .. import __version__
from ..bids import review_folder
from ..errors import InputError, OptionError, OutputError, SoftCordSegError
from ..processes import LockBusy, LockError, exclusive_lock
from ..structured_text import parse_json
from .raters import rater_file, rater_name

VERDICTS, ENDING = "verdicts", ".jsonl"
# A comment is a few sentences; what is longer than this is no line of ours.
LONGEST_LINE, LONGEST_COMMENT = 1 << 20, 20_000
MAX_RANK = 9
_MOST_FILES, _LONGEST_S = 1000, 1e9
_FIELDS = (
    "case mask mask_sha256 rater verdict rank comment seconds blinded when software reading".split()
)
# One append takes a millisecond: who holds the lock longer hangs, or the drive has no locks.
_LONGEST_WAIT_S = 2.0


class Judgement(str, Enum):
    """What a rater says of a mask."""

    PASS = "pass"
    FAIL = "fail"
    ARTEFACT = "artefact"
    TO_CORRECT = "to correct"


@dataclass(frozen=True)
class Verdict:
    """What one rater said of one mask.

    Attributes:
        case: key of the case, :attr:`.review_cases.ReviewCase.key`.
        mask: path of the mask in the data set, with "/"; "" where there was none.
        mask_sha256: of the mask as it was judged, in hexadecimal; "" where there was none.
        rater: name, see :func:`.raters.rater_name`.
        verdict: None where there is none: a comment or rank alone, or a verdict taken back.
        rank: 0 to 9; None for none.
        comment: free text.
        seconds: that the rater looked at the case, at least 0.
        blinded: whether rater, model, earlier verdicts and names of files were hidden.
        when: UTC, "2026-11-28T14:05:00.123456+00:00".
        software: that wrote the line, with its version.
        reading: name of a second reading; "" for the first.
        extra: what else the line has; it is kept where the line is written again.
    """

    case: str
    mask: str = ""
    mask_sha256: str = ""
    rater: str = ""
    verdict: Judgement | None = None
    rank: int | None = None
    comment: str = ""
    seconds: float = 0.0
    blinded: bool = False
    when: str = ""
    software: str = f"SoftCordSeg {__version__}"
    reading: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The object of its line."""
        own = {name: getattr(self, name) for name in _FIELDS}
        own["verdict"] = None if self.verdict is None else self.verdict.value
        kept = {key: value for key, value in self.extra.items() if key not in own}
        if self.verdict is None and isinstance(self.extra.get("verdict"), str):
            own["verdict"] = self.extra["verdict"]
        return {**own, **kept}

    @classmethod
    def from_json(cls, content: Any) -> Verdict:
        """The verdict of a line's object.  A word for the verdict that is not ours is kept in
        ``extra``: it replaces what the rater said before, and says nothing that we understand.

        Raises:
            InputError: it is no verdict.
            OptionError: its rater has no name.
        """
        if not isinstance(content, Mapping):
            raise InputError("This line is no verdict.")
        texts = {name: content.get(name, "") for name in ("case", "rater", "when")}
        if not all(isinstance(text, str) and text for text in texts.values()):
            raise InputError("This line names no case, no rater or no time.")
        if verdict_time(texts["when"]) is None:
            raise InputError("The time of this line is no time.")
        extra = {key: value for key, value in content.items() if key not in _FIELDS}
        word = content.get("verdict")
        known = isinstance(word, str) and word in [one.value for one in Judgement]
        if word is not None and not known:
            extra["verdict"] = str(word)
        rank = content.get("rank")
        return cls(
            case=unicodedata.normalize("NFC", texts["case"]),
            rater=rater_name(texts["rater"]),
            when=texts["when"],
            mask=_text(content.get("mask")),
            mask_sha256=_text(content.get("mask_sha256")),
            verdict=Judgement(word) if known else None,
            rank=rank if type(rank) is int and 0 <= rank <= MAX_RANK else None,
            comment=_text(content.get("comment")),
            seconds=_seconds(content.get("seconds")),
            blinded=content.get("blinded") is True,
            software=_text(content.get("software")),
            reading=_text(content.get("reading")),
            extra=extra,
        )

    def check(self) -> None:
        """Refuse what may not be stored.

        Raises:
            OptionError: a rank, time or comment out of its range, no case, no rater, no time.
        """
        rater_name(self.rater)
        if not self.case or verdict_time(self.when) is None:
            raise OptionError("A verdict needs a case and a time.")
        if self.rank is not None and not 0 <= self.rank <= MAX_RANK:
            raise OptionError(
                f"A rank is a whole number from 0 to {MAX_RANK}, not {self.rank}.",
                hint="Give such a number, or none.",
            )
        if not 0 <= self.seconds < _LONGEST_S:
            raise OptionError("The seconds of a verdict are 0 or more.")
        if len(self.comment) > LONGEST_COMMENT:
            raise OptionError(
                f"A comment has {LONGEST_COMMENT} characters at most.", hint="Shorten it."
            )


class VerdictStore:
    """Where one rater's verdicts on this machine are appended.

    Args:
        dataset: folder of the data set.
        rater: name; two spellings of the same characters are one rater.

    Attributes:
        path: of the file, "anna_1a2b3c4d.jsonl" in :func:`verdict_folder`; may be set to another
            one there, for lines that are not this machine's.

    Raises:
        OptionError: the name is empty or cannot be printed.
    """

    def __init__(self, dataset: Path, rater: str):
        self.rater = rater_name(rater)
        self.path = verdict_folder(dataset) / rater_file(rater, ENDING)
        self._patience_s = _LONGEST_WAIT_S

    def add(self, verdict: Verdict) -> None:
        """Append one line and bring it to the disk.

        Raises:
            OptionError: the verdict is not this rater's, or has a value out of range.
            OutputError: it cannot be written; all lines before it are as they were.
        """
        verdict.check()
        if rater_name(verdict.rater) != self.rater:
            raise OptionError("This verdict is another rater's.")
        path = _growing(self.path)
        line = json.dumps(verdict.as_json(), ensure_ascii=False, default=str)
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _briefly_locked(path, self._patience_s) as is_held:
                _append(path, data)
            if not is_held:
                self._patience_s = 0.0  # not again for each verdict
        except OSError as error:
            raise OutputError(
                f"This verdict could not be stored: {error.strerror or error}. Those before it"
                " are kept.",
                path=path,
                hint="Free some space, or ask for permission to write there, and give it again.",
            ) from error


def verdict_folder(dataset: Path) -> Path:
    """The folder of the lines of all raters."""
    return review_folder(dataset) / VERDICTS


def read_verdicts(
    dataset: Path, on_remark: Callable[[str, int], object] | None = None
) -> list[Verdict]:
    """The verdicts of all raters and machines, oldest first; lines that are no verdicts are
    skipped, and a line that stands in two files (a copy made by a synchronised folder) counts once.

    Args:
        dataset: folder of the data set.
        on_remark: called with the name of a file and the number of its lines that an editor stored
            in another coding than UTF-8: they count, read as Windows-1252.

    Within a file the order of the lines counts, so that a clock that was put back does not make an
    older verdict the newest.  What a clock that was ahead dates in the future was given when its
    file was last changed, at the latest: else nothing said later on another machine would count.
    """
    found: list[tuple[str, int, int, Verdict]] = []
    seen, now = set(), utc_now()
    for number, path in enumerate(_files(verdict_folder(dataset))):
        latest, foreign = "", 0
        for line, (text, verdict, is_utf8) in enumerate(_lines(path)):
            latest = max(latest, _utc(verdict.when))
            foreign += not is_utf8
            if text not in seen:
                seen.add(text)
                given = latest if latest <= now else min(now, _changed(path))
                found.append((given, number, line, verdict))
        if foreign and on_remark is not None:
            on_remark(path.name, foreign)
    return [verdict for *_, verdict in sorted(found, key=lambda one: one[:3])]


def newest(verdicts: Iterable[Verdict], reading: str = "") -> dict[tuple[str, str], Verdict]:
    """The one that counts of each case and rater: the last.

    Args:
        verdicts: oldest first, as :func:`read_verdicts` gives them.
        reading: whose verdicts are wanted; "" for the first reading.
    """
    return {(one.case, one.rater): one for one in verdicts if one.reading == reading}


def verdict_time(when: str) -> datetime | None:
    """The time of a verdict, UTC; None for a text that is no time.  Without a zone it is UTC."""
    text = f"{when[:-1]}+00:00" if when.endswith(("Z", "z")) else when
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def utc_now() -> str:
    """Now, as lines have it."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def _utc(when: str) -> str:
    """A text that sorts by time."""
    read = verdict_time(when)
    return "" if read is None else read.isoformat(timespec="microseconds")


def _changed(path: Path) -> str:
    """When a file was last changed; "" where that is not known."""
    with contextlib.suppress(OSError, OverflowError, ValueError):
        changed = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
        return changed.isoformat(timespec="microseconds")
    return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _seconds(value: Any) -> float:
    """0 where there is no time that a rater can have looked."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < _LONGEST_S else 0.0


def _files(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(
            path for path in folder.iterdir() if path.suffix == ENDING and path.name[0] != "."
        )
    return []


def _lines(path: Path) -> Iterator[tuple[str, Verdict, bool]]:
    """Each line of a file that is a verdict, the verdict, and whether the line is UTF-8."""
    for line in _raw_lines(path):
        text, is_utf8 = _decoded(line)
        with contextlib.suppress(ValueError, SoftCordSegError):
            yield text, Verdict.from_json(parse_json(text)), is_utf8


def _decoded(line: bytes) -> tuple[str, bool]:
    """The text of a line, and whether it is UTF-8.  What an editor on Windows has stored anew is
    Windows-1252 as a rule; only names and comments can differ.
    """
    try:
        return line.decode("utf-8-sig").strip(), True
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace").strip(), False


def _raw_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file in UTF-8; one that is longer than any of ours is passed over without
    being held.  A file that an editor stored as UTF-16 is read too.
    """
    try:
        with open(path, "rb") as stream:
            if stream.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                text = stream.read(64 << 20).decode("utf-16", "replace")
                yield from (line.encode("utf-8") for line in text.splitlines())
                return
            while line := stream.readline(LONGEST_LINE):
                whole = line.endswith(b"\n")
                if whole or len(line) < LONGEST_LINE:
                    yield line
                while not whole and (rest := stream.readline(LONGEST_LINE)):
                    whole = rest.endswith(b"\n")
    except OSError:
        return


def _growing(path: Path) -> Path:
    """Where the next line goes: "anna_1a2b3c4d_2.jsonl" where the first file is not to be changed
    any more, as in a DataLad data set that was saved.
    """
    others = (path.with_name(f"{path.stem}_{number}{ENDING}") for number in range(2, _MOST_FILES))
    return next((one for one in (path, *others) if _may_grow(one)), path)


def _may_grow(path: Path) -> bool:
    return not path.is_symlink() and (not path.exists() or os.access(path, os.W_OK))


@contextlib.contextmanager
def _briefly_locked(path: Path, longest_s: float) -> Iterator[bool]:
    """Hold the file while a line is appended, and say whether it could be.  The lock orders
    processes of one rater and machine where appending is not one step; a drive without locks must
    not keep a verdict from being stored.
    """
    end = time.monotonic() + longest_s
    lock = path.with_name(f".{path.name}.lock")
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(exclusive_lock(lock, wait=False))
                is_held = True
            except LockBusy:
                if time.monotonic() < end:
                    time.sleep(0.005)
                    continue
                is_held = False
            except LockError:
                is_held = False  # the append itself says what is wrong
            break
        yield is_held


def _append(path: Path, data: bytes) -> None:
    """Append a line in one step, after the half of a line that a crash may have left; take it back
    where the disk takes only a part of it.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    number = os.open(path, flags, 0o666)
    try:
        size = os.lseek(number, 0, os.SEEK_END)
        if size:
            os.lseek(number, size - 1, os.SEEK_SET)
            if os.read(number, 1) != b"\n":
                data = b"\n" + data
        written = os.write(number, data)
        if written < len(data):
            # The next write says why, usually that the disk is full.
            try:
                while written < len(data):
                    written += os.write(number, data[written:])
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(number, size)
                raise
        os.fsync(number)
    finally:
        os.close(number)
