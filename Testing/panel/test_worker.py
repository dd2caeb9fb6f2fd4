"""The thread of the network: progress across threads, a Cancel that stops, errors with their
sentence, nothing left behind.
"""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from SoftCordSegLib.errors import Cancelled, InputError
from SoftCordSegLib.panel.worker import Worker, WorkerBusy


@pytest.fixture
def events():
    """What the main thread did while it waited."""
    return []


@pytest.fixture
def worker(events):
    worker = Worker(lambda: events.append(threading.get_ident()))
    yield worker
    worker.close()


class SlowNetwork:
    """A fake network: tiles that take a while, and a count of those it did."""

    def __init__(self, tiles: int = 200):
        self.tiles, self.done = tiles, 0
        self.started = threading.Event()

    def __call__(self, progress):
        for number in range(self.tiles):
            progress.check_cancelled()
            progress.report(number / self.tiles, f"tile {number + 1}")
            self.started.set()
            time.sleep(0.01)
            self.done += 1
        return self.done


def test_the_result_comes_back(worker):
    assert worker.run(lambda progress: 6 * 7) == 42
    assert not worker.busy


def test_the_work_is_done_on_one_other_thread_and_events_on_this_one(worker, events):
    def who(progress):
        time.sleep(0.1)
        return threading.get_ident()

    first, second = worker.run(who), worker.run(who)

    assert first == second, "what a GPU learnt about the network would be lost with its thread"
    assert first != threading.get_ident()
    assert set(events) == {threading.get_ident()}


def test_reports_arrive_on_this_thread(worker):
    heard = []
    worker.run(
        SlowNetwork(20),
        lambda fraction, message: heard.append((fraction, message, threading.get_ident())),
    )

    assert heard[-1][:2] == (0.95, "tile 20")
    assert {thread for _, _, thread in heard} == {threading.get_ident()}
    assert [fraction for fraction, _, _ in heard] == sorted(fraction for fraction, _, _ in heard)


def test_cancel_stops_within_one_tile(events):
    network, at = SlowNetwork(), []

    def cancel_once_it_runs():
        if network.started.is_set() and not at:
            worker.cancel()
            at.append(network.done)

    worker = Worker(cancel_once_it_runs)
    with pytest.raises(Cancelled):
        worker.run(network)

    assert network.done <= at[0] + 1
    assert worker.run(lambda progress: "again") == "again", (
        "a cancelled run must not cancel the next one"
    )
    worker.close()


def test_a_task_that_never_asks_is_cancelled_all_the_same(events):
    worker = Worker(lambda: worker.cancel())

    with pytest.raises(Cancelled):
        worker.run(lambda progress: time.sleep(0.1))
    worker.close()


def test_an_error_crosses_with_its_sentence(worker):
    def fail(progress):
        raise InputError("The image is a single slice.")

    with pytest.raises(InputError, match="single slice"):
        worker.run(fail)
    assert not worker.busy
    assert worker.run(lambda progress: 1) == 1


def test_a_second_task_is_refused_while_one_runs(events):
    refused = []

    def press_again():
        if not refused:
            with pytest.raises(WorkerBusy, match="running already"):
                worker.run(lambda progress: None)
            refused.append(True)

    worker = Worker(press_again)
    assert worker.run(SlowNetwork(10)) == 10
    assert refused
    worker.close()


def test_an_error_in_the_window_stops_the_worker():
    network = SlowNetwork()

    def broken():
        raise RuntimeError("the window is gone")

    worker = Worker(broken)
    with pytest.raises(RuntimeError, match="window"):
        worker.run(network)
    worker.close()

    assert network.done < network.tiles


def test_closing_in_the_middle_stops_the_work_and_the_thread():
    network = SlowNetwork()
    worker = Worker(lambda: network.started.is_set() and worker.close())

    with pytest.raises(Cancelled):
        worker.run(network)
    with pytest.raises(WorkerBusy, match="closed"):
        worker.run(lambda progress: 1)

    assert network.done < network.tiles
    assert not [
        thread
        for thread in threading.enumerate()
        if thread.name == "SoftCordSeg" and thread.is_alive()
    ]


@pytest.mark.parametrize("fails", [False, True])
def test_big_arrays_are_dropped(worker, fails):
    held = []

    def task(progress, image):
        held.append(weakref.ref(image))
        result = np.zeros((100, 100))
        held.append(weakref.ref(result))
        if fails:
            raise InputError("no")
        return result

    def run():
        image = np.zeros((100, 100))
        try:
            worker.run(lambda progress: task(progress, image))
        except InputError as error:
            return error
        return None

    error = run()
    gc.collect()

    assert (error is not None) == fails
    assert [reference() for reference in held[1:]] == [None], "the result lives on"
    del error
    gc.collect()
    assert held[0]() is None, "the image lives on"
