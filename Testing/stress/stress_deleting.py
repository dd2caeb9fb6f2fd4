"""Whatever of ours is deleted in the module *Data*; ``make test`` has one of each kind."""

from __future__ import annotations

import pytest

from panel.conftest import (  # noqa: F401
    app,
    engine,
    mark,
    module,
    neck,
    own_models,
    phantom,
    slicer_host,
    ui,
    widget,
)
from panel.deleting import DELETABLE, check_after_deleting


@pytest.mark.parametrize("what", DELETABLE)
def test_what_is_deleted_is_made_again_or_done_without(
    ui,
    neck,
    app,
    widget,
    mark,
    phantom,
    slicer_host,
    what,
):
    check_after_deleting(ui, neck, app, widget, mark, phantom, slicer_host, what)
