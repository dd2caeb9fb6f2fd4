"""Random clicks in the panel, with a dozen seeds; ``make test`` has one of them."""

from __future__ import annotations

import pytest

from panel.conftest import a_volume, app, engine, module, own_models, slicer_host, widget  # noqa: F401
from panel.monkey import check_random_clicks


@pytest.mark.parametrize("seed", range(1, 13))
def test_random_clicks_never_break_the_panel(slicer_host, widget, app, a_volume, tmp_path, seed):
    check_random_clicks(slicer_host, widget, app, a_volume, tmp_path, seed)
