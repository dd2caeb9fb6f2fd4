"""Python's collector of cycles runs on no thread of ours: it would destroy Qt and VTK objects that
the window has thrown away, which ended the process now and then.
"""

from __future__ import annotations

import gc
import time

import pytest

from SoftCordSegLib.errors import Cancelled


def test_it_is_off_while_the_network_works_and_on_again_afterwards(widget, slicer_host):
    assert gc.isenabled()
    assert widget.panel.work(lambda progress: gc.isenabled()) is False
    slicer_host.wait_for_threads()


def test_it_is_on_again_after_an_error_and_after_a_cancel(widget, slicer_host):
    def failing(progress):
        raise ValueError("no")

    def cancelled(progress):
        widget.panel.worker.cancel()
        progress.check_cancelled()

    for task, error in ((failing, ValueError), (cancelled, Cancelled)):
        with pytest.raises(error):
            widget.panel.work(task)
        slicer_host.wait_for_threads()


def test_it_is_off_while_slices_are_measured_even_if_the_panel_is_closed_meanwhile(
    widget, slicer_host
):
    from SoftCordSegLib.panel.background import Background

    seen, background = [], Background()

    def task(progress):
        seen.append(gc.isenabled())
        while True:
            time.sleep(0.01)
            progress.check_cancelled()

    background.start(task, lambda future: None)
    while not seen:
        slicer_host.process_events()
    background.close()
    assert seen == [False]
    slicer_host.wait_for_threads()
