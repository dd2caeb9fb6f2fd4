"""A folder of quality control as SCT's programs make and read it: entries, pictures, and the list
that a page shows.

::

    _json/qc_TIME.json                               an entry
    DATASET/SUBJECT/CONTRAST/softcord_qc/TIME/       its background_img.png, overlay_img.png
    js/datasets.js                                   all entries, for SCT's page
    softcord_qc.html                                 our page; index.html leads to it, where SCT's
                                                     is not

Several processes, SCT's among them, may write into one folder at once: each entry has files of its
own, and what lists them is made anew from all of them, under a lock.
"""

from __future__ import annotations

import contextlib
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import OptionError
from ...files import (
    check_folder,
    json_text,
    locked,
    write_atomically,
    write_text_atomically,
    write_together,
)
from ...reports.html_page import check_own_page
from ...reports.qc_page import FORWARD_TITLE, PAGE_TITLE, forward_html, qc_html
from ...reports.qc_pictures import CasePictures
from ...review.qc_entry import COMMAND, SCT_FIELDS, VIEW, entry_id
from ...structured_text import read_json

PAGE, INDEX = "softcord_qc.html", "index.html"
_ENTRIES, _LIST, _STATE = "_json", "js/datasets.js", "softcord_qc.json"
_BACKGROUND, _OVERLAY = "background_img.png", "overlay_img.png"
_STAMP, _DATE = "%Y_%m_%d_%H%M%S.%f", "%Y-%m-%d %H:%M:%S.%f"
# SCT writes it between single quotes, and looks for it so.
_UUID = re.compile(r"""SCT_QC_UUID\s*=\s*["']([0-9A-Za-z-]{8,64})["']""")
_MARK = re.compile(r"[0-9A-Za-z-]{8,64}")
# Names that Windows keeps for devices.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST_PART = 60


@dataclass(frozen=True)
class StoredEntry:
    """An entry that is in the folder.

    Attributes:
        file: its JSON file.
        fields: its content.
    """

    file: Path
    fields: dict[str, Any]

    @property
    def view(self) -> Mapping[str, Any]:
        """What our page needs; empty for an entry of SCT's."""
        view = self.fields.get(VIEW)
        return view if isinstance(view, dict) else {}

    @property
    def subject_of_view(self) -> str:
        """Which case it is of; entries with the same replace each other. "" for one of
        SCT's, which nothing replaces.
        """
        return str(self.view.get("id", ""))


class QcFolder:
    """The folder, and what is done in it.

    Args:
        folder: made where it is missing.
        blinded: whether its entries hide names; all of a folder do, or none.
        is_of_one_data_set: whether it lies in the data set, so that no other one's name counts.

    Raises:
        OptionError: the folder is the other way, or has a file of another program under the name
            of our page.
        OutputError: it cannot be made or written.
    """

    def __init__(self, folder: Path, blinded: bool = False, is_of_one_data_set: bool = False):
        self.folder, self._blinded = folder, blinded
        self.is_of_one_data_set = is_of_one_data_set
        check_folder(folder)
        check_own_page(self.page, PAGE_TITLE)
        state = self._state()
        if state and bool(state.get("blinded")) != blinded:
            what = "is blinded" if state.get("blinded") else "is not blinded"
            raise OptionError(
                f"The quality control in this folder {what}.",
                path=folder,
                hint="Choose another folder.",
            )

    @property
    def page(self) -> Path:
        """Our page."""
        return self.folder / PAGE

    def entries(self) -> list[StoredEntry]:
        """All entries that can be shown, SCT's too, the oldest first."""
        found = []
        for path in sorted((self.folder / _ENTRIES).glob("*.json")):
            with contextlib.suppress(OSError, ValueError):
                fields = read_json(path)
                if _can_be_shown(fields):
                    found.append(StoredEntry(path, fields))
        return found

    def add(self, fields: Mapping[str, Any], pictures: CasePictures) -> StoredEntry:
        """Store an entry: its pictures first, then what names them.

        Args:
            fields: "path", "cmdline", "sctVersion", "dataset", "subject", "contrast", "inputFile",
                and further ones.
            pictures: of the case.

        Raises:
            OutputError: it cannot be written.
        """
        parts = [safe_part(str(fields[name])) for name in ("dataset", "subject", "contrast")]
        with locked(self.folder / _STATE):
            when = self._free_time()
            stamp = when.strftime(_STAMP)
            place = PurePosixPath(*parts, COMMAND, stamp)
            (self.folder / place).mkdir(parents=True, exist_ok=True)
            entry = {
                **fields,
                "command": COMMAND,
                "plane": "Axial",
                "backgroundImage": f"{place}/{_BACKGROUND}",
                "overlayImage": f"{place}/{_OVERLAY}",
                "date": when.strftime(_DATE),
                "rank": "",
                "qc": "",
            }
            entry["id"] = entry_id(entry)
            file = self.folder / _ENTRIES / f"qc_{stamp}.json"
            write_together(
                {
                    self.folder / place / _BACKGROUND: _writer(pictures.background),
                    self.folder / place / _OVERLAY: _writer(pictures.overlay),
                    file: _writer(_text(entry)),
                }
            )
        return StoredEntry(file, entry)

    def change(self, entry: StoredEntry, fields: Mapping[str, Any]) -> StoredEntry:
        """Store other fields of an entry whose pictures still hold."""
        changed = {**entry.fields, **fields}
        if changed != entry.fields:
            write_atomically(entry.file, _writer(_text(changed)))
        return StoredEntry(entry.file, changed)

    def refresh(self, title: str, not_shown: Mapping[str, str], rater: str = "") -> Path:
        """Make the list and the page anew from all entries; of several of one case the newest
        stays, with its pictures.

        Args:
            title: name of the data set.
            not_shown: why a case has no entry; "" where it has one now.
            rater: whose name the page proposes.

        Returns:
            Our page.
        """
        with locked(self.folder / _STATE):
            state = self._state()
            mark = self._mark(state)
            before = {
                name: sentence
                for name, sentence in state.get("not_shown", {}).items()
                if not self.is_of_one_data_set or name.startswith(f"{title}: ")
            }
            missing = {**before, **not_shown}
            missing = {name: sentence for name, sentence in sorted(missing.items()) if sentence}
            entries = self._without_replaced()
            fields = [one.fields for one in entries]
            script = (
                f"window.SCT_QC_UUID = '{mark}';\n"
                f"window.SCT_QC_DATASETS = {json.dumps([_for_sct(one) for one in fields])};\n"
            )
            state = {"uuid": mark, "blinded": self._blinded, "not_shown": missing}
            write_text_atomically(self.folder / _STATE, json_text(state))
            write_text_atomically(self.folder / _LIST, script)
            page = qc_html(title, fields, missing, blinded=self._blinded, rater=rater)
            write_text_atomically(self.page, page)
            index = self.folder / INDEX
            with contextlib.suppress(OptionError):  # SCT's own page stays
                check_own_page(index, FORWARD_TITLE)
                write_text_atomically(index, forward_html(PAGE))
        return self.page

    def _without_replaced(self) -> list[StoredEntry]:
        entries = self.entries()
        newest = {one.subject_of_view: one for one in entries if one.subject_of_view}
        kept = []
        for one in entries:
            if newest.get(one.subject_of_view, one) is one:
                kept.append(one)
            else:
                self._remove(one)
        return kept

    def _remove(self, entry: StoredEntry) -> None:
        """Remove an entry of ours: what names the pictures first, and no other file."""
        with contextlib.suppress(OSError):
            entry.file.unlink()
            place = (self.folder / str(entry.fields["backgroundImage"])).parent
            if place.parent.name == COMMAND and self.folder.resolve() in place.resolve().parents:
                for name in (_BACKGROUND, _OVERLAY):
                    (place / name).unlink()
                for folder in (place, place.parent, *place.parent.parents[:3]):
                    folder.rmdir()  # ends at the first that is not empty

    def _free_time(self) -> datetime:
        """Now, and later by as many microseconds as it takes to be the only one."""
        when = datetime.now()
        while (self.folder / _ENTRIES / f"qc_{when.strftime(_STAMP)}.json").exists():
            when += timedelta(microseconds=1)
        return when

    def _state(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            state = read_json(self.folder / _STATE)
            if isinstance(state, dict):
                known = state.get("not_shown")
                return {**state, "not_shown": known if isinstance(known, dict) else {}}
        return {}

    def _mark(self, state: Mapping[str, Any]) -> str:
        """By which the browser keeps what was judged on SCT's page."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            found = _UUID.search((self.folder / _LIST).read_text(encoding="utf-8")[:1000])
            if found:
                return found[1]
        known = state.get("uuid")
        if isinstance(known, str) and _MARK.fullmatch(known):
            return known
        return str(uuid.uuid4())


def safe_part(name: str) -> str:
    """A name as a folder's name, on every system and in an address: letters, digits, "_", "-" and
    "." of ASCII alone.
    """
    part = re.sub(r"[^0-9A-Za-z_.-]+", "_", name).strip(".-")[:_LONGEST_PART].rstrip(".") or "none"
    return f"_{part}" if _DEVICE.fullmatch(part) else part


def _can_be_shown(fields: Any) -> bool:
    """Whether it has SCT's fields, as its page needs them."""
    if not isinstance(fields, dict):
        return False
    texts = (fields.get(name) for name in SCT_FIELDS if name not in ("rank", "qc"))
    return all(isinstance(text, str) for text in texts)


def _for_sct(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The entry without what only our page needs."""
    return {name: value for name, value in fields.items() if name != VIEW}


def _text(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, indent=1).encode("ascii")


def _writer(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)
