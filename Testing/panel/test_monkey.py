"""Random clicks, in any order, with nodes thrown away in between: nothing may go wrong that the
user is not told of.  ``make stress`` goes on with more of them.
"""

from __future__ import annotations

from panel.monkey import check_random_clicks


def test_random_clicks_never_break_the_panel(slicer_host, widget, app, a_volume, tmp_path):
    check_random_clicks(slicer_host, widget, app, a_volume, tmp_path, seed=0)
