"""Judging ground truths in a page: what is judged, the bar with the button that saves, and their
look.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .verdict_script import IN_PANE, SCRIPT

if TYPE_CHECKING:
    from .done import Done

STYLE_OF_VERDICTS = """
.bar { position: sticky; top: 0; background: var(--paper); border-bottom: 1px solid var(--rule); padding: 10px 0; z-index: 1;
  display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: center; max-width: none; }
button { font: 13px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: var(--ink); background: var(--card);
  border: 1px solid var(--rule); border-radius: 4px; padding: 1px 10px; cursor: pointer; }
button.verdict { color: var(--soft); min-width: 92px; vertical-align: middle; }
[data-verdict=pass] button.verdict { color: #fff; background: #2c7a4b; }
[data-verdict=fail] button.verdict { color: #fff; background: #b3372f; }
[data-verdict=artifact] button.verdict { color: #fff; background: #9a5b00; }
[data-image] { scroll-margin: 120px 0 66vh; }
tr.focus td.judged, tr.focus td.judged ~ td:not([rowspan]) { background: var(--band); }
section.focus { box-shadow: -4px 0 0 2px var(--paper), -7px 0 0 2px var(--accent); }
#pane { display: none; position: fixed; left: 0; bottom: 0; width: 100%; height: 62vh; border: 0; background: var(--paper);
  border-top: 2px solid var(--accent); }
.who { display: none; } .in-pane .who { display: inline; }
.in-pane .mosaic { width: auto; max-width: 100%; max-height: calc(100vh - 110px); }
.looking #pane { display: block; } .looking main { padding-bottom: 66vh; }
"""


def row_attributes(done: Done, contrast: str, page: str | None = None) -> str:
    """Attributes of the element that shows one contrast of a participant, and holds a
    :func:`verdict_button`.

    Args:
        done: of the participant.
        contrast: name.
        page: address of the page, and of the place in it, where the contrast is to be looked at;
            None where it is this one.
    """
    attributes = {
        "data-image": done.participant.listed_as(contrast),
        "data-mask": done.mask_sha256[contrast][:12],
    }
    attributes.update({} if page is None else {"data-page": page})
    return "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())


def verdict_button() -> str:
    """Shows the verdict, and changes it when it is clicked."""
    return '<button type="button" class="verdict">not judged</button>'


def verdict_bar() -> str:
    """How to judge, how much is judged, and the button that saves."""
    return (
        '<p class="bar small"><span>↓ ↑ (or j, k): next, previous. F, or a click on the verdict:'
        ' pass, fail, artifact, none.</span><span id="counts"></span><button type="button"'
        ' id="save">Save qc_fail.yml</button><span id="unkept" class="remark" hidden>This browser'
        " keeps nothing: save before you close the page.</span></p>"
    )


def pane() -> str:
    """Where the page of the participant in focus is shown."""
    return '<iframe id="pane" title="The contrast in focus"></iframe>'


def verdict_script() -> str:
    """What makes all this work, for the end of the page."""
    return f"<script>{SCRIPT}</script>"


def in_pane_script() -> str:
    """For the end of a page that may be shown in a :func:`pane`."""
    return f"<script>{IN_PANE}</script>"
