"""The page of quality control of a data set: the list of its cases, the most doubtful first, and
for one of them a sagittal view, the area along the cord, and slices with the outline of the mask.

The page holds what is told in words and numbers; pictures are files beside it, which are loaded
when their case is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..review.qc_entry import REPORT, SIGNS, VIEW
from .html_page import link_to, page_html, policy_with_pictures

if TYPE_CHECKING:
    from markupsafe import Markup

PAGE_TITLE, FORWARD_TITLE = "Quality control", "Quality control of a data set"


def qc_html(
    title: str,
    entries: Sequence[Mapping[str, Any]],
    not_shown: Mapping[str, str],
    *,
    blinded: bool = False,
    rater: str = "",
) -> str:
    """The page.

    Args:
        title: name of the data set.
        entries: as they are stored in the folder, those of SCT's programs too; their pictures are
            named relative to the page.
        not_shown: by name of a case, why it is not shown.
        blinded: names are hidden, and nothing is sorted by doubt.
        rater: whose name is proposed.
    """
    settings = {
        "blinded": blinded,
        "rater": rater,
        "signs": SIGNS,
        "report": REPORT,
        "view": VIEW,
    }
    return page_html(
        "qc.html.j2",
        title=PAGE_TITLE,
        dataset=title,
        policy=policy_with_pictures(),
        entries=_as_data(entries),
        settings=_as_data(settings),
        not_shown=[f"{name}: {sentence}" for name, sentence in not_shown.items()],
        blinded=blinded,
    )


def forward_html(page: str) -> str:
    """A page that leads to ours.

    Args:
        page: file name of ours, in the same folder.
    """
    return page_html("qc_forward.html.j2", title=FORWARD_TITLE, address=link_to(page))


def _as_data(content: Any) -> Markup:
    """JSON inside a page: nothing in it ends the element that holds it."""
    from markupsafe import Markup

    text = json.dumps(content, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
