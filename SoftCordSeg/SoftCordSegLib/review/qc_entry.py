"""An entry of a quality control folder, as SCT's page reads it and as ours does.

SCT (``spinalcordtoolbox/reports/qc2.py``) writes one JSON file an entry with the fields of
:data:`SCT_FIELDS`; its page (report-ui, ``Datasets.tsx``) shows them, and "Save All" gives them
back in ``qc_report.json`` with ``qc`` and ``rank`` filled in.  Further fields of an entry survive
there: ours are named as those of a verdict, so that what is judged on either page can be taken
back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

REPORT = "qc_report.json"
# "sctVersion" is the field's name for the version of the program that made the entry.
SCT_FIELDS = (
    "path cmdline command sctVersion dataset subject contrast inputFile plane backgroundImage"
    " overlayImage date rank qc"
).split()
# What our page needs to show an entry; left out of ``qc_report.json``.
VIEW = "softcord"
COMMAND = "softcord_qc"
# SCT's signs, by the word of a judgement.  SCT has none for "to correct": its lists of fails are
# what is corrected by hand.
SIGNS = {"pass": "✅", "fail": "❌", "artefact": "⚠️", "to correct": "❌"}


def entry_id(entry: Mapping[str, Any]) -> str:
    """What SCT's page knows an entry by: SHA-1 of its path, command line and date."""
    text = f"{entry.get('path')}:{entry.get('cmdline')}:{entry.get('date')}"
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def judgement_word(entry: Mapping[str, Any]) -> str:
    """The word of the judgement in an entry that a page saved; "" for none.

    The sign counts, for SCT's page knows no other; the word only tells "fail" from "to correct".
    """
    sign, word = entry.get("qc"), entry.get("verdict")
    if isinstance(word, str) and sign == SIGNS.get(word):
        return word
    return next((known for known, other in SIGNS.items() if other == sign), "")
