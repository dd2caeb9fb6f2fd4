"""Which case a name in another program's file means: by path, by uid, by name; never by a guess."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from ...bids import DERIVATIVES, participant_of, read_name, stem_of
from ...errors import InputError
from ..review_cases import ReviewCase

_JOINT = "__"


def uid_of(case: ReviewCase, siblings: Iterable[ReviewCase]) -> str:
    """What CART calls a case: "sub-01__ses-1" of the only image of a session, else
    "sub-01__ses-1_T2w"; the key of an image without a participant.

    CART takes a uid with a session apart at its two underscores.

    Args:
        case: of which the uid is asked.
        siblings: all cases of the data set.
    """
    session = case.session
    if not session:
        return case.key
    uid = session.replace("_ses-", f"{_JOINT}ses-", 1)
    several = sum(one.session == session for one in siblings) > 1
    return f"{uid}_{case.contrast}" if several else uid


class CaseMatcher:
    """Finds the case that a name means.

    Args:
        cases: of the data set.
    """

    def __init__(self, cases: Iterable[ReviewCase]):
        self._cases = list(cases)
        self._by_key = {case.key: case for case in self._cases}
        self._by_stem: dict[str, list[ReviewCase]] = defaultdict(list)
        self._by_session: dict[str, list[ReviewCase]] = defaultdict(list)
        self._by_uid: dict[str, list[ReviewCase]] = defaultdict(list)
        for case in self._cases:
            self._by_stem[stem_of(case.image)].append(case)
            if case.session:
                self._by_session[case.session].append(case)
        for found in self._by_session.values():
            for case in found:
                self._by_uid[uid_of(case, found)].append(case)

    @property
    def cases(self) -> list[ReviewCase]:
        """All of them."""
        return list(self._cases)

    def find(self, name: str) -> ReviewCase:
        """The case of a path, a file's name (of the image, or of its mask), a uid or a key.

        Args:
            name: paths may be those of another computer: their last parts are compared.

        Raises:
            InputError: no case, or more than one, fits.
        """
        text = name.strip().replace("\\", "/")
        if text in self._by_key:
            return self._by_key[text]
        found = self._by_file(text) or self._by_uid.get(text) or self._of_session(text)
        if len(found) == 1:
            return found[0]
        if found:
            keys = ", ".join(case.key for case in found[:3])
            raise InputError(
                f"'{name}' fits {len(found)} images ({keys}{' …' if len(found) > 3 else ''})."
            )
        raise InputError(f"No image of this data set is called '{name}'.")

    def _of_session(self, uid: str) -> list[ReviewCase]:
        """All cases of a session under CART's uid, or of a participant without sessions."""
        return self._by_session.get(uid.replace(f"{_JOINT}ses-", "_ses-", 1), [])

    def _by_file(self, text: str) -> list[ReviewCase]:
        parts = PurePosixPath(text).parts
        if not parts:
            return []
        own = self._by_stem.get(stem_of(parts[-1]), [])
        named = own or self._by_stem.get(read_name(parts[-1]).image, [])
        folders = tuple(part for part in parts[:-1] if part not in ("/", "."))
        fitting = [case for case in named if _agree(folders, case)]
        if fitting or not participant_of(parts[-1]):
            return fitting
        # A BIDS name says which scan it is, in whatever folder a copy of it lies.
        return named


def _agree(folders: tuple[str, ...], case: ReviewCase) -> bool:
    """Whether the folders of a path are those of the case, as far as both go."""
    own = PurePosixPath(case.key).parts[:-1]
    if DERIVATIVES in folders:  # of a mask: derivatives/labels/sub-01/anat
        at = len(folders) - 1 - folders[::-1].index(DERIVATIVES)
        folders = folders[at + 2 :]
    pairs = list(zip(reversed(folders), reversed(own)))
    return all(one == other for one, other in pairs)
